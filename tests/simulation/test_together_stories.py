"""Stories of several changes made as one: all of them or none, on every node."""

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import (
    BanMember,
    CreateChannel,
    GiveRank,
    Part,
    PurgeMessages,
    RemoveMember,
    RenameChannel,
    SendMessage,
    SendToSeveral,
    SetPermission,
    SetTopic,
    Together,
)
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR, MUTED, Permission
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import redacting
from multichat_tui.node.api.commands import run_command


async def user_of(person: Person) -> UserId:
    user: UserId = (await person.api.me()).rows.user
    return user


async def at_once(person: Person, channel: ChannelId, *intents: Part) -> bytes:
    record = (await person.api.submit(Together(channel=channel, intents=intents))).record
    assert record is not None
    return record


async def members(person: Person, channel: ChannelId) -> set[str]:
    return {row.name for row in (await person.api.members(channel)).rows}


async def said(person: Person, channel: ChannelId) -> list[MessageRow]:
    return [row for row in await person.rows(channel) if row.kind is RowKind.MESSAGE]


def test_a_ban_and_its_announcement_are_one_row_everywhere_and_count_as_a_message() -> None:
    async def story() -> None:
        world = SimulatedWorld(301)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        channel = await world.channel_of(ann, bob, kim)
        await at_once(
            ann,
            channel,
            BanMember(channel=channel, user=await user_of(kim), reason="spam"),
            SetTopic(channel=channel, topic="quiet"),
            SendMessage(channel=channel, text="kim is gone, sorry for the noise"),
        )

        async def gone() -> bool:
            return await members(bob, channel) == {"ann", "bob"}

        await until(gone, "bob sees the ban")
        [row] = await said(bob, channel)
        assert (row.name, row.text) == ("ann", "kim is gone, sorry for the noise")
        assert row.deeds == ("ann banned kim: spam", "ann set the topic: quiet")
        here = (await bob.api.channel(channel)).rows
        assert (here.topic, here.unread) == ("quiet", 1)
        assert [row.deeds for row in await said(ann, channel)] == [row.deeds]

    run_virtual(story())


def test_one_that_may_not_be_done_leaves_all_undone() -> None:
    async def story() -> None:
        world = SimulatedWorld(302)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        channel = await world.channel_of(ann, bob, kim)
        hello = SendMessage(channel=channel, text="hello")
        for refused in (
            RemoveMember(channel=channel, user=await user_of(kim)),
            SetPermission(channel=channel, permission=Permission.SEND, rank=MUTED),
            RenameChannel(channel=channel, name="mine"),
        ):
            with pytest.raises(IntentRefused):
                await at_once(bob, channel, hello, refused)
        with pytest.raises(IntentRefused) as caught:
            await at_once(bob, channel)
        assert caught.value.reason is Refusal.EMPTY
        with pytest.raises(IntentRefused, match="At most 16"):
            await at_once(bob, channel, *(hello for _ in range(17)))
        with pytest.raises(IntentRefused, match="At most 16"):
            await at_once(bob, channel, *(SendMessage(channel=channel, text="ü" * 8000) for _ in range(3)))
        other = await world.channel_of(bob, name="other")
        with pytest.raises(IntentRefused, match="in one channel"):
            await at_once(bob, channel, hello, SendMessage(channel=other, text="elsewhere"))
        assert await said(bob, channel) == await said(bob, other) == []

    run_virtual(story())


def test_where_a_ban_is_countermanded_beside_it_the_message_with_it_is_gone_too() -> None:
    async def story() -> None:
        world = SimulatedWorld(303)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        channel = await world.channel_of(ann, bob, kim)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))

        async def promoted() -> bool:
            rows = (await bob.api.members(channel)).rows
            return any(row.me and row.role == "moderator" for row in rows)

        await until(promoted, "bob is a moderator")
        world.hub.partition({"ann", "kim"}, {"bob"})
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=ADMIN))
        announced = SendMessage(channel=channel, text="kim was banned")
        await at_once(bob, channel, BanMember(channel=channel, user=await user_of(kim)), announced)
        assert [row.text for row in await said(bob, channel)] == ["kim was banned"]
        world.hub.heal()

        async def one_state() -> bool:
            seen = [(await members(each, channel), await said(each, channel)) for each in (ann, bob, kim)]
            return seen == [({"ann", "bob", "kim"}, [])] * 3

        await until(one_state, "neither the ban nor its announcement stands anywhere")

    run_virtual(story())


def test_a_ban_a_purge_and_an_announcement_are_one_and_gone_together_where_the_ban_is_countermanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        world = SimulatedWorld(305)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        channel = await world.channel_of(ann, bob, kim)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        for number in range(3):
            await kim.say(channel, f"rubbish {number}")
        await world.converge(channel)
        await bob.say(channel, "a word of mine")
        await world.converge(channel)
        both = (
            BanMember(channel=channel, user=await user_of(kim), reason="spam"),
            PurgeMessages(channel=channel, user=await user_of(kim), reason="spam"),
            SendMessage(channel=channel, text="kim was banned"),
        )
        with monkeypatch.context() as patch:
            patch.setattr(redacting, "MAX_PURGED_TOGETHER", 2)
            with pytest.raises(IntentRefused, match="At most 2 messages"):
                await at_once(bob, channel, *both)
        everything = ["rubbish 0", "rubbish 1", "rubbish 2", "a word of mine"]
        assert [row.text for row in await said(bob, channel)] == everything

        world.hub.partition({"ann", "kim"}, {"bob"})
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=ADMIN))
        await at_once(bob, channel, *both)
        assert [row.text for row in await said(bob, channel)] == ["a word of mine", "kim was banned"]
        world.hub.heal()

        async def none_of_it() -> bool:
            seen = [(await members(each, channel), [row.text for row in await said(each, channel)]) for each in (ann, bob, kim)]
            return seen == [({"ann", "bob", "kim"}, everything)] * 3

        await until(none_of_it, "no ban, no announcement, and the texts are back")
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=MEMBER))

        async def demoted() -> bool:
            return any(row.name == "kim" and row.role == "member" for row in (await bob.api.members(channel)).rows)

        await until(demoted, "kim is a member")
        await at_once(bob, channel, *both)

        async def all_of_it() -> bool:
            seen = [(await members(each, channel), [row.text for row in await said(each, channel)]) for each in (ann, bob)]
            return seen == [({"ann", "bob"}, ["a word of mine", "kim was banned"])] * 2

        await until(all_of_it, "the ban, the announcement, and no texts")

    run_virtual(story())


def test_messages_alone_done_together_are_one_record_of_the_content_log() -> None:
    async def story() -> None:
        world = SimulatedWorld(304)
        ann, bob = await world.add("ann", "bob")
        channel = await world.channel_of(ann, bob)
        both = (SendMessage(channel=channel, text="one"), SendMessage(channel=channel, text="two"))
        await at_once(bob, channel, *both)
        assert await world.converge(channel) == ["one\ntwo"]

    run_virtual(story())


def test_one_text_is_written_in_all_of_several_channels_or_in_none() -> None:
    async def story() -> None:
        world = SimulatedWorld(330)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        dev = await world.channel_of(ann, bob)
        ops = await world.channel_of(ann, kim)
        await run_command(ann.api, ops, "/rename ops")
        news = (await ann.api.submit(CreateChannel(name="news"))).channel
        assert news is not None
        accepted = await ann.api.submit(SendToSeveral(channels=(dev, ops, dev, news), text="down for an hour"))
        assert [channel for channel, _ in accepted.posts] == [dev, ops, news]
        for person, channel in ((bob, dev), (kim, ops), (ann, news)):
            await until(lambda p=person, c=channel: has(p, c, "down for an hour"), f"{person.name} reads it")
        done = await run_command(ann.api, dev, "/post #ops #news up again")
        assert done.lines == ("Written in #ops, #news.",)
        await until(lambda: has(kim, ops, "up again"), "kim reads it")

        # In one of them it is refused: it is written in none.
        await ann.api.submit(SetPermission(channel=ops, permission=Permission.SEND, rank=MODERATOR))
        mine = (await kim.api.submit(CreateChannel(name="mine"))).channel
        assert mine is not None
        await until(lambda: silent(kim, ops), "kim may not write there")
        with pytest.raises(IntentRefused) as refused:
            await run_command(kim.api, ops, "/post #mine #ops hear me")
        assert refused.value.message.startswith("#ops: ")
        assert refused.value.advice.endswith("Nothing was sent anywhere.")
        assert await said(kim, mine) == []
        with pytest.raises(NotFound, match="nowhere"):
            await run_command(kim.api, ops, "/post #mine #nowhere hear me")
        with pytest.raises(IntentRefused, match="32 channels"):
            await kim.api.submit(SendToSeveral(channels=(mine,) * 33, text="x"))
        assert await said(kim, mine) == []

    async def has(person: Person, channel: ChannelId, text: str) -> bool:
        return text in [row.text for row in await said(person, channel)]

    async def silent(person: Person, channel: ChannelId) -> bool:
        return bool((await person.api.channel(channel)).rows.writing)

    run_virtual(story())
