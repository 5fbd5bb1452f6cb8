"""Stories of a channel's settings between whole nodes in virtual time: slow mode, archiving, closing, links."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_moderation_stories import held_by, invite, push, three, user_of

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import (
    ApproveJoin,
    BanMember,
    ChangeKind,
    ConfigureChannel,
    CreateChannel,
    DenyJoin,
    GiveRank,
    InviteToChannel,
    JoinChannel,
    LiftBan,
    NameRole,
    RemoveMember,
    SetPermission,
)
from multichat_tui.model.presets import Preset
from multichat_tui.model.ranks import MODERATOR, Permission
from multichat_tui.model.snapshots import Membership, RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import filling
from multichat_tui.node.api.commands import run_command

SPAN_MS = 30_000


async def configure(person: Person, channel: ChannelId, key: SettingKey, value: int, reason: str = "") -> None:
    await person.api.submit(ConfigureChannel(channel=channel, key=key, value=value, reason=reason))


async def setting_of(person: Person, channel: ChannelId, key: SettingKey) -> int:
    return next(row.value for row in (await person.api.rules(channel)).rows.settings if row.key is key)


async def all_have(people: tuple[Person, ...], channel: ChannelId, key: SettingKey, value: int) -> None:
    async def same() -> bool:
        return [await setting_of(person, channel, key) for person in people] == [value] * len(people)

    await until(same, f"{key.name} is {value} everywhere")


async def refused(person: Person, channel: ChannelId, text: str) -> IntentRefused:
    with pytest.raises(IntentRefused) as caught:
        await person.say(channel, text)
    return caught.value


async def all_show(people: tuple[Person, ...], channel: ChannelId, texts: list[str]) -> None:
    async def same() -> bool:
        return all([await person.texts(channel) == texts for person in people])

    try:
        await until(same, f"all show {texts}")
    except AssertionError:
        print({person.name: await person.texts(channel) for person in people})
        raise


def test_in_slow_mode_one_message_counts_in_its_time_on_every_node_and_moderators_are_free() -> None:
    async def story() -> None:
        world = SimulatedWorld(1401)
        ann, bob, kim, dev = await three(world)
        people = (ann, bob, kim)
        await bob.say(dev, "before")
        await configure(ann, dev, SettingKey.SLOW_MODE, SPAN_MS, "too fast")
        await all_have(people, dev, SettingKey.SLOW_MODE, SPAN_MS)
        assert "ann turned slow mode on: one message in 30s: too fast" in [row.text for row in await kim.rows(dev)]
        # What was written before it was turned on counts as the last message.
        soon = await refused(bob, dev, "at once")
        assert soon.reason is Refusal.TOO_SOON
        assert "Slow mode: one message in 30s. You can write again in" in soon.message
        await asyncio.sleep(SPAN_MS / 1000)
        await bob.say(dev, "one")
        # A node that asks nobody: held everywhere, shown nowhere; and trying does not help the next one.
        early = push(bob, dev, "too early")
        await held_by(early, ann, bob, kim)
        await ann.say(dev, "founders may")
        await ann.say(dev, "at any time")
        await ann.api.submit(GiveRank(channel=dev, user=await user_of(kim), rank=MODERATOR))
        await until(lambda: _may_write(kim, dev, "moderators too"), "kim is a moderator")
        await kim.say(dev, "likewise")
        expected = ["before", "one", "founders may", "at any time", "moderators too", "likewise"]
        await all_show(people, dev, expected)
        await asyncio.sleep(SPAN_MS / 1000)
        await bob.say(dev, "two")
        await all_show(people, dev, [*expected, "two"])
        await configure(ann, dev, SettingKey.SLOW_MODE, 0)
        await all_have(people, dev, SettingKey.SLOW_MODE, 0)
        await bob.say(dev, "three")
        await bob.say(dev, "four")
        await all_show(people, dev, [*expected, "two", "three", "four"])

    run_virtual(story())


async def _may_write(person: Person, channel: ChannelId, text: str) -> bool:
    if (await person.api.rules(channel)).rows.rank != MODERATOR:
        return False
    await person.say(channel, text)
    return True


def test_who_comes_later_judges_slow_mode_as_those_who_were_there() -> None:
    async def story() -> None:
        world = SimulatedWorld(1402)
        ann, bob, kim, dev = await three(world)
        await configure(ann, dev, SettingKey.SLOW_MODE, SPAN_MS)
        await all_have((ann, bob, kim), dev, SettingKey.SLOW_MODE, SPAN_MS)
        await bob.say(dev, "one")
        await held_by(push(bob, dev, "too early"), ann, kim)
        await asyncio.sleep(SPAN_MS / 1000)
        await bob.say(dev, "two")
        await all_show((ann, bob, kim), dev, ["one", "two"])
        (eve,) = await world.add("eve")
        await world.pair(ann, eve)
        await eve.api.submit(JoinChannel(link=await invite(ann, dev)))
        await all_show((ann, bob, kim, eve), dev, ["one", "two"])

    run_virtual(story())


def test_an_archived_channel_takes_nothing_anywhere_until_it_is_opened_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(1403)
        ann, bob, kim, dev = await three(world)
        people = (ann, bob, kim)
        await bob.say(dev, "before")
        await all_show(people, dev, ["before"])
        with pytest.raises(IntentRefused, match="change settings"):
            await configure(bob, dev, SettingKey.ARCHIVED, 1)
        await configure(ann, dev, SettingKey.ARCHIVED, 1, "released")
        await all_have(people, dev, SettingKey.ARCHIVED, 1)
        for person in people:
            assert (await refused(person, dev, "after")).reason is Refusal.CLOSED
        assert (await kim.api.channel(dev)).rows.archived
        assert not (await kim.api.channel(dev)).rows.closed
        await held_by(push(bob, dev, "all the same"), ann, kim)
        await all_show(people, dev, ["before"])
        await configure(ann, dev, SettingKey.ARCHIVED, 0)
        await all_have(people, dev, SettingKey.ARCHIVED, 0)
        await bob.say(dev, "again")
        await all_show(people, dev, ["before", "again"])

    run_virtual(story())


def test_what_is_written_beside_an_archiving_that_had_not_seen_it_is_hidden_and_what_it_had_seen_stays() -> None:
    async def story() -> None:
        world = SimulatedWorld(1406)
        ann, bob, kim, dev = await three(world)
        people = (ann, bob, kim)
        await bob.say(dev, "seen")
        await all_show(people, dev, ["seen"])
        world.hub.partition(["ann"], ["bob", "kim"])
        await bob.say(dev, "meanwhile")
        await all_show((bob, kim), dev, ["seen", "meanwhile"])
        await configure(ann, dev, SettingKey.ARCHIVED, 1)
        world.hub.heal()
        await all_have(people, dev, SettingKey.ARCHIVED, 1)
        await all_show(people, dev, ["seen"])

    run_virtual(story())


def test_a_closed_channel_is_closed_for_good_and_takes_nobody_in() -> None:
    async def story() -> None:
        world = SimulatedWorld(1404)
        ann, bob, kim, dev = await three(world)
        people = (ann, bob, kim)
        link = await invite(bob, dev)
        await ann.api.submit(GiveRank(channel=dev, user=await user_of(bob), rank=100))
        await until(lambda: _is_admin(bob, dev), "bob is an admin")
        with pytest.raises(IntentRefused, match=r"Only founders do that\. You are an admin"):
            await configure(bob, dev, SettingKey.CLOSED, 1)
        await configure(ann, dev, SettingKey.CLOSED, 1)
        await all_have(people, dev, SettingKey.CLOSED, 1)
        assert (await refused(ann, dev, "after")).message.startswith("This channel is closed for good")
        with pytest.raises(IntentRefused):
            await configure(ann, dev, SettingKey.CLOSED, 0)
        (eve,) = await world.add("eve")
        await world.pair(bob, eve)
        await eve.api.submit(JoinChannel(link=link))
        await until(lambda: _refused_entry(eve, dev), "eve is not let in")
        await held_by(push(kim, dev, "all the same"), ann, bob)
        await all_show(people, dev, [])

    run_virtual(story())


async def _is_admin(person: Person, channel: ChannelId) -> bool:
    return (await person.api.rules(channel)).rows.rank == 100


async def _refused_entry(person: Person, channel: ChannelId) -> bool:
    row = (await person.api.channel(channel)).rows
    return row.membership is Membership.REFUSED and "closed" in row.note


def test_links_are_of_those_who_may_send_them_on_every_node() -> None:
    async def story() -> None:
        world = SimulatedWorld(1405)
        ann, bob, kim, dev = await three(world)
        people = (ann, bob, kim)
        await bob.say(dev, "see https://example.org")
        await all_show(people, dev, ["see https://example.org"])
        await ann.api.submit(SetPermission(channel=dev, permission=Permission.LINKS, rank=MODERATOR))

        async def known() -> bool:
            rows = (await bob.api.rules(dev)).rows.permissions
            return any(row.permission is Permission.LINKS and row.rank == MODERATOR for row in rows)

        await until(known, "bob knows that")
        assert "only moderators and above send links" in (await refused(bob, dev, "www.example.org")).message
        await held_by(push(bob, dev, "look: HTTPS://example.org"), ann, kim)
        await bob.say(dev, "no link: 3://4 and www. alone")
        await all_show(people, dev, ["see https://example.org", "no link: 3://4 and www. alone"])
        await ann.say(dev, "https://example.org")
        await all_show(people, dev, ["see https://example.org", "no link: 3://4 and www. alone", "https://example.org"])

    run_virtual(story())


async def seen_waiting(person: Person, channel: ChannelId) -> list[str]:
    return [row.name for row in (await person.api.rules(channel)).rows.waiting]


async def waits(person: Person, channel: ChannelId, names: list[str]) -> None:
    async def same() -> bool:
        return await seen_waiting(person, channel) == names

    await until(same, f"{person.name} sees {names} wait")


async def standing(person: Person, channel: ChannelId) -> tuple[Membership, str]:
    row = (await person.api.channel(channel)).rows
    return row.membership, row.note


async def stands(person: Person, channel: ChannelId, membership: Membership, note: str = "") -> None:
    async def same() -> bool:
        now, said = await standing(person, channel)
        return now is membership and note in said

    await until(same, f"{person.name} is {membership.value}: {note}")


def test_where_letting_in_is_asked_of_somebody_a_request_by_anybodys_link_waits_for_those_who_may() -> None:
    async def story() -> None:
        world = SimulatedWorld(1410)
        ann, bob, kim, dev = await three(world)
        await ann.api.submit(ChangeKind(channel=dev, kind=Preset.APPROVAL, reason="raid"))

        async def known() -> bool:
            return (await bob.api.rules(dev)).rows.kind is Preset.APPROVAL

        await until(known, "bob knows that")
        eve, fay = await world.add("eve", "fay")
        # Those who may are away: a plain member's node takes the request.
        await ann.stop()
        await eve.api.submit(JoinChannel(link=await invite(bob, dev)))
        await stands(eve, dev, Membership.JOINING, "Waiting for approval")
        await waits(bob, dev, ["eve"])
        with pytest.raises(IntentRefused, match="only moderators and above let people in"):
            await bob.api.submit(ApproveJoin(channel=dev, user=await user_of(eve)))
        assert (await bob.api.channel(dev)).rows.waiting == 0
        await ann.start()
        await waits(ann, dev, ["eve"])
        assert (await ann.api.channel(dev)).rows.waiting == 1
        await ann.api.submit(ApproveJoin(channel=dev, user=await user_of(eve)))
        await stands(eve, dev, Membership.JOINED)
        await waits(ann, dev, [])
        await fay.api.submit(JoinChannel(link=await invite(bob, dev)))
        await waits(ann, dev, ["fay"])
        await ann.api.submit(DenyJoin(channel=dev, user=await user_of(fay), reason="who are you?"))
        await stands(fay, dev, Membership.REFUSED, "said no: who are you?")
        for person in (ann, bob, kim, eve):
            await waits(person, dev, [])
            assert sorted(row.name for row in (await person.api.members(dev)).rows) == ["ann", "bob", "eve", "kim"]

    run_virtual(story())


def test_who_is_banned_does_not_wait_to_be_let_in() -> None:
    async def story() -> None:
        world = SimulatedWorld(1412)
        ann, _, _, dev = await three(world)
        await ann.api.submit(ChangeKind(channel=dev, kind=Preset.APPROVAL))
        eve, fay = await world.add("eve", "fay")
        await eve.api.submit(JoinChannel(link=await invite(ann, dev)))
        await waits(ann, dev, ["eve"])
        await fay.api.submit(JoinChannel(link=await invite(ann, dev)))
        await waits(ann, dev, ["eve", "fay"])
        # One who was let in, and one who only asks.
        await ann.api.submit(ApproveJoin(channel=dev, user=await user_of(eve)))
        await stands(eve, dev, Membership.JOINED)
        for guest in (eve, fay):
            await ann.api.submit(BanMember(channel=dev, user=await user_of(guest), reason="spam"))
        await waits(ann, dev, [])
        assert (await ann.api.channel(dev)).rows.waiting == 0
        with pytest.raises(IntentRefused, match="banned"):
            await ann.api.submit(ApproveJoin(channel=dev, user=await user_of(fay)))
        await ann.api.submit(LiftBan(channel=dev, user=await user_of(fay)))
        await waits(ann, dev, ["fay"])
        await ann.api.submit(ApproveJoin(channel=dev, user=await user_of(fay)))
        await stands(fay, dev, Membership.JOINED)

    run_virtual(story())


def test_who_was_let_in_and_is_out_again_waits_for_nobody_and_needs_another_link() -> None:
    async def story() -> None:
        world = SimulatedWorld(1416)
        ann, bob, _, dev = await three(world)
        await ann.api.submit(ChangeKind(channel=dev, kind=Preset.APPROVAL))
        (eve,) = await world.add("eve")
        link = (await ann.api.submit(InviteToChannel(channel=dev, uses=5))).link
        await eve.api.submit(JoinChannel(link=link))
        await waits(ann, dev, ["eve"])
        await ann.api.submit(ApproveJoin(channel=dev, user=await user_of(eve)))
        await stands(eve, dev, Membership.JOINED)
        joined = [row for row in (await bob.api.timeline(dev)).rows if row.kind is RowKind.JOINED]
        assert [(row.text, row.deeds) for row in joined][-1] == ("eve", ("ann let eve in",))
        assert {row.deeds for row in joined[:-1]} == {()}
        await ann.api.submit(RemoveMember(channel=dev, user=await user_of(eve), reason="spam"))
        await stands(eve, dev, Membership.REMOVED)
        for person in (ann, bob):
            await waits(person, dev, [])
        await eve.api.submit(JoinChannel(link=link))
        await stands(eve, dev, Membership.REFUSED, "used up already")
        for person in (ann, bob):
            await waits(person, dev, [])
        await eve.api.submit(JoinChannel(link=await invite(bob, dev)))
        await waits(ann, dev, ["eve"])
        await ann.api.submit(ApproveJoin(channel=dev, user=await user_of(eve)))
        await stands(eve, dev, Membership.JOINED)

    run_virtual(story())


def test_a_leaked_link_of_one_use_asks_for_one_person_at_a_time() -> None:
    async def story() -> None:
        world = SimulatedWorld(1411)
        ann, _, _, dev = await three(world)
        await ann.api.submit(ChangeKind(channel=dev, kind=Preset.APPROVAL))
        link = await invite(ann, dev)
        eve, fay = await world.add("eve", "fay")
        await eve.api.submit(JoinChannel(link=link))
        await waits(ann, dev, ["eve"])
        await fay.api.submit(JoinChannel(link=link))
        await stands(fay, dev, Membership.JOINING, "Waiting for approval")
        await waits(ann, dev, ["eve"])
        await ann.api.submit(DenyJoin(channel=dev, user=await user_of(eve)))
        await waits(ann, dev, ["fay"])
        await ann.api.submit(ApproveJoin(channel=dev, user=await user_of(fay)))
        await stands(fay, dev, Membership.JOINED)
        await stands(eve, dev, Membership.REFUSED, "said no")

    run_virtual(story())


def test_in_a_broadcast_only_moderators_write_and_the_others_are_told_before_they_try() -> None:
    async def story() -> None:
        world = SimulatedWorld(1412)
        (ann, bob) = await world.add("ann", "bob")
        await world.pair(ann, bob)
        news = (await ann.api.submit(CreateChannel(name="news", kind=Preset.BROADCAST))).channel
        assert news is not None
        await bob.api.submit(JoinChannel(link=await invite(ann, news)))
        await stands(bob, news, Membership.JOINED)
        assert (await bob.api.rules(news)).rows.kind is Preset.BROADCAST
        assert "only moderators and above write" in (await bob.api.channel(news)).rows.writing
        assert (await ann.api.channel(news)).rows.writing == ""
        assert "only moderators and above write" in (await refused(bob, news, "hi")).message
        await held_by(push(bob, news, "all the same"), ann)
        await ann.say(news, "news")
        await all_show((ann, bob), news, ["news"])

    run_virtual(story())


def test_a_rank_has_a_name_that_all_see_and_roles_are_given_by_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(1413)
        ann, bob, kim, dev = await three(world)
        people = (ann, bob, kim)
        with pytest.raises(IntentRefused, match="name roles"):
            await bob.api.submit(NameRole(channel=dev, rank=20, name="reviewer"))
        for name, why in (("Admin", "looks like it"), ("two words", "one word"), ("аdmin", "looks like it")):
            with pytest.raises(IntentRefused, match=why):
                await ann.api.submit(NameRole(channel=dev, rank=20, name=name))
        await ann.api.submit(NameRole(channel=dev, rank=20, name="reviewer"))
        await run_command(ann.api, dev, "/role kim reviewer")

        async def seen() -> bool:
            rows = [(await person.api.members(dev)).rows for person in people]
            return all([(row.role, row.rank) for row in each if row.name == "kim"] == [("reviewer", 20)] for each in rows)

        await until(seen, "kim is a reviewer everywhere")
        assert "ann made kim reviewer" in [row.text for row in await bob.rows(dev)]
        await ann.api.submit(NameRole(channel=dev, rank=20, name=""))

        async def unnamed() -> bool:
            return all([(await person.api.rules(dev)).rows.roles == () for person in people])

        await until(unnamed, "the name is gone everywhere")
        assert [row.role for row in (await bob.api.members(dev)).rows if row.name == "kim"] == ["rank 20"]

    run_virtual(story())


def test_a_node_takes_and_gives_nothing_where_the_protocol_level_is_one_that_it_does_not_know() -> None:
    async def story() -> None:
        world = SimulatedWorld(1414)
        ann, bob, kim, dev = await three(world)
        people = (ann, bob, kim)
        await bob.say(dev, "before")
        await all_show(people, dev, ["before"])
        with pytest.raises(IntentRefused, match="shut itself out"):
            await configure(ann, dev, SettingKey.PROTOCOL_LEVEL, 2)
        for newer in (ann, bob):
            engine = newer.api._engine
            assert engine is not None
            engine.world.channels[dev].knows = 2
        await configure(ann, dev, SettingKey.PROTOCOL_LEVEL, 2)

        async def hindered() -> bool:
            return "needs a newer version" in (await kim.api.channel(dev)).rows.writing

        await until(hindered, "kim's node notices")
        assert (await refused(kim, dev, "hello?")).reason is Refusal.NEWER
        await ann.say(dev, "in the newer way")
        unheard = push(kim, dev, "nobody hears this")
        await all_show((ann, bob), dev, ["before", "in the newer way"])
        # Given time to do otherwise, kim's node neither takes nor tells anything there.
        await asyncio.sleep(60)
        assert await kim.texts(dev) == ["before", "nobody hears this"]
        for person in (ann, bob):
            with person.store.inner.transaction() as txn:
                assert not txn.holds(unheard)
        with pytest.raises(IntentRefused):
            await configure(ann, dev, SettingKey.PROTOCOL_LEVEL, 1)

    run_virtual(story())


def test_what_is_filled_in_below_tells_what_above_it_was_written_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "FAR_BEHIND_RECORDS", 60)
    monkeypatch.setattr(filling, "NEWEST_RECORDS", 24)

    async def story() -> None:
        world = SimulatedWorld(1415)
        ann, bob, kim, dev = await three(world)
        await configure(ann, dev, SettingKey.SLOW_MODE, SPAN_MS)
        await all_have((ann, bob, kim), dev, SettingKey.SLOW_MODE, SPAN_MS)
        await kim.stop()
        await bob.say(dev, "one")
        for number in range(100):
            last = push(bob, dev, f"too early {number}")
        await held_by(last, ann)
        await kim.start()

        async def complete() -> bool:
            engine = kim.api._engine
            assert engine is not None
            channel = engine.world.channels[dev]
            with kim.store.inner.transaction() as txn:
                return txn.holds(last) and channel.edge is None and not channel.chains.islands

        await until(complete, "kim has all")
        await all_show((ann, bob, kim), dev, ["one"])

    run_virtual(story())
