"""Stories of ranks, removals, bans and permissions between whole nodes in virtual time: everybody comes to see the same."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, collect, until

from multichat_tui.model.acts import Message
from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal
from multichat_tui.model.events import Event, MessageAdded, MessageChanged
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId, short
from multichat_tui.model.intents import (
    BanMember,
    GiveRank,
    InviteToChannel,
    JoinChannel,
    LiftBan,
    Lockdown,
    RemoveMember,
    SetName,
    SetPermission,
    SetTopic,
)
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR, MUTED, Permission
from multichat_tui.model.snapshots import Membership, RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.moderating import WHY_MUTED
from multichat_tui.node.service import Outcome

HOUR_MS = 3_600_000


async def user_of(person: Person) -> UserId:
    user: UserId = (await person.api.me()).rows.user
    return user


async def invite(person: Person, channel: ChannelId) -> str:
    link = (await person.api.submit(InviteToChannel(channel=channel, expires_in_ms=24 * HOUR_MS))).link
    assert link is not None
    return link


async def roles(person: Person, channel: ChannelId) -> dict[str, str]:
    try:
        return {row.name: row.role for row in (await person.api.members(channel)).rows}
    except MultichatError:
        return {}


async def told(person: Person, channel: ChannelId) -> list[str]:
    """What was done to people's rights, in words, as it stands in the timeline."""
    return [row.text for row in await person.rows(channel) if row.kind in (RowKind.MODERATED, RowKind.REMOVED)]


async def agree(channel: ChannelId, people: tuple[Person, ...], expected: dict[str, str]) -> None:
    """Wait until all show these members with these roles, the same rules, and the same rows."""

    async def same() -> bool:
        seen = [await roles(person, channel) for person in people]
        rules = [(await person.api.rules(channel)).rows for person in people]
        rows = [[(row.id, row.text) for row in await person.rows(channel)] for person in people]
        holding = [(rule.permissions, {ban.user: ban for ban in rule.bans}.keys()) for rule in rules]
        return all(
            (one, two, three) == (expected, holding[0], rows[0]) for one, two, three in zip(seen, holding, rows, strict=True)
        )

    try:
        await until(same, "all agree")
    except AssertionError:
        for person in people:
            row = (await person.api.channel(channel)).rows
            print(person.name, row.membership, await roles(person, channel), [r.text for r in await person.rows(channel)])
        raise


async def membership(person: Person, channel: ChannelId) -> Membership:
    return (await person.api.channel(channel)).rows.membership


async def refused(person: Person, channel: ChannelId, text: str) -> str:
    """Why a message is not taken."""
    with pytest.raises(IntentRefused) as caught:
        await person.say(channel, text)
    assert caught.value.reason is Refusal.NOT_ALLOWED
    return str(caught.value)


def push(person: Person, channel: ChannelId, text: str) -> RecordId:
    """A message made by a node that asks nobody whether it may."""
    engine = person.api._engine
    assert engine is not None
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        record = engine._ledger.author(engine.world.channels[channel], Log.CONTENT, (Message(text=text, reply_to=None),))
        effects = engine.finish()
    person.api._let_out(Outcome(effects=effects))
    return record.id


async def held_by(record: RecordId, *people: Person) -> None:
    """Wait until their nodes hold a record, whether it is shown or not."""

    async def held() -> bool:
        for person in people:
            with person.store.inner.transaction() as txn:
                if not txn.holds(record):
                    return False
        return True

    await until(held, "they hold it")


async def three(world: SimulatedWorld) -> tuple[Person, Person, Person, ChannelId]:
    """ann has founded a channel with bob and kim; all are contacts of each other."""
    ann, bob, kim = await world.add("ann", "bob", "kim")
    for one, other in ((ann, bob), (ann, kim), (bob, kim)):
        await world.pair(one, other)
    return ann, bob, kim, await world.channel_of(ann, bob, kim)


def test_the_promoted_one_removes_somebody_and_a_member_cannot() -> None:
    async def story() -> None:
        world = SimulatedWorld(101)
        ann, bob, kim, channel = await three(world)
        with pytest.raises(IntentRefused, match="You are a member"):
            await bob.api.submit(RemoveMember(channel=channel, user=await user_of(kim)))
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR, reason="night shift"))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await kim.say(channel, "before")
        await until(lambda: has(bob, channel, "before"), "bob has it")
        await bob.api.submit(RemoveMember(channel=channel, user=await user_of(kim), reason="spam"))
        await agree(channel, (ann, bob), {"ann": "founder", "bob": "moderator"})
        for person in (ann, bob):
            assert await person.texts(channel) == ["before"]
            assert await told(person, channel) == ["ann made bob a moderator: night shift", "bob removed kim: spam"]

        await until(lambda: is_a(kim, channel, Membership.REMOVED), "kim is told")
        with pytest.raises(IntentRefused, match="removed"):
            await kim.say(channel, "after")
        # An invitation lets them back in.
        await kim.api.submit(JoinChannel(link=await invite(bob, channel)))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await kim.say(channel, "back again")
        assert await world.converge(channel) == ["before", "back again"]

    run_virtual(story())


def test_who_was_away_when_they_were_removed_is_told_by_the_first_member_they_meet() -> None:
    async def story() -> None:
        world = SimulatedWorld(111)
        ann, bob, kim, channel = await three(world)
        await bob.say(channel, "see you")
        await until(lambda: has(ann, channel, "see you"), "ann has it")
        away = await user_of(bob)
        await bob.stop()
        await ann.api.submit(SetTopic(channel=channel, topic="without bob"))
        await ann.api.submit(RemoveMember(channel=channel, user=away, reason="spam"))
        await agree(channel, (ann, kim), {"ann": "founder", "kim": "member"})
        await ann.say(channel, "a secret")
        await ann.api.submit(SetTopic(channel=channel, topic="a secret too"))
        await until(lambda: has(kim, channel, "a secret"), "kim has it")
        await ann.stop()
        await bob.start()
        await until(lambda: is_a(bob, channel, Membership.REMOVED), "kim has told bob")
        assert await bob.texts(channel) == ["see you"]
        assert await told(bob, channel) == ["ann removed bob: spam"]
        assert (await bob.api.channel(channel)).rows.topic == "without bob"

    run_virtual(story())


def test_a_moderator_acts_on_lower_ranks_only_and_gives_lower_ones_only() -> None:
    async def story() -> None:
        world = SimulatedWorld(102)
        ann, bob, kim, channel = await three(world)
        for person in (bob, kim):
            await ann.api.submit(GiveRank(channel=channel, user=await user_of(person), rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "moderator"})
        for intent in (
            RemoveMember(channel=channel, user=await user_of(kim)),
            BanMember(channel=channel, user=await user_of(ann)),
            GiveRank(channel=channel, user=await user_of(kim), rank=MUTED),
            SetPermission(channel=channel, permission=Permission.SEND, rank=MODERATOR),
        ):
            with pytest.raises(IntentRefused) as refused_:
                await bob.api.submit(intent)
            assert refused_.value.reason is Refusal.NOT_ALLOWED
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=ADMIN))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "admin", "kim": "moderator"})
        await bob.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=MEMBER))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "admin", "kim": "member"})

    run_virtual(story())


def test_a_muted_member_is_silent_at_home_and_everywhere_until_they_are_not_muted() -> None:
    async def story() -> None:
        world = SimulatedWorld(103)
        ann, bob, kim, channel = await three(world)
        await bob.say(channel, "loud")
        await until(lambda: has(ann, channel, "loud"), "ann has it")
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MUTED, reason="enough"))
        everybody = {"ann": "founder", "bob": "muted", "kim": "member"}
        await agree(channel, (ann, bob, kim), everybody)
        assert await refused(bob, channel, "louder") == f"You are muted here. {WHY_MUTED}"
        await held_by(push(bob, channel, "past all rules"), ann, kim)
        await kim.say(channel, "quiet now")
        await agree(channel, (ann, bob, kim), everybody)
        for person in (ann, bob, kim):
            assert await person.texts(channel) == ["loud", "quiet now"]
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MEMBER))
        everybody["bob"] = "member"
        await agree(channel, (ann, bob, kim), everybody)
        await bob.say(channel, "thank you")
        assert await world.converge(channel) == ["loud", "quiet now", "thank you"]
        assert await told(kim, channel) == ["ann muted bob: enough", "ann made bob a member"]

    run_virtual(story())


def test_what_somebody_writes_without_knowing_that_they_are_muted_is_hidden_when_they_meet_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(104)
        ann, bob, kim, channel = await three(world)
        await bob.say(channel, "one")
        await until(lambda: has(ann, channel, "one"), "ann has it")
        world.hub.partition(["ann"], ["bob", "kim"])
        await asyncio.sleep(60)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MUTED))
        await bob.say(channel, "two")
        await until(lambda: has(kim, channel, "two"), "kim reads it as long as she knows no better")
        world.hub.heal()
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "muted", "kim": "member"})
        for person in (ann, bob, kim):
            assert await person.texts(channel) == ["one"]

    run_virtual(story())


def test_a_lockdown_hides_what_was_written_beside_it_and_nothing_from_before() -> None:
    async def story() -> None:
        world = SimulatedWorld(107)
        ann, bob, kim, channel = await three(world)
        await bob.say(channel, "before")
        await until(lambda: has(kim, channel, "before"), "kim has it")
        await kim.say(channel, "before too")
        await until(lambda: has(ann, channel, "before too"), "ann has it")
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "moderator"})
        world.hub.partition(["ann"], ["bob", "kim"])
        await asyncio.sleep(60)
        await ann.api.submit(Lockdown(channel=channel, on=True, reason="raid"))
        await bob.say(channel, "beside")
        await kim.say(channel, "a moderator beside")
        await until(lambda: has(kim, channel, "beside"), "kim reads it as long as she knows no better")
        world.hub.heal()
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "moderator"})
        for person in (ann, bob, kim):
            assert await person.texts(channel) == ["before", "before too", "a moderator beside"]
        assert "moderators and above" in await refused(bob, channel, "may I")
        await held_by(push(bob, channel, "past all rules"), ann, kim)

        with pytest.raises(IntentRefused, match="already"):
            await ann.api.submit(Lockdown(channel=channel, on=True))
        with pytest.raises(IntentRefused, match="moderator"):
            await kim.api.submit(Lockdown(channel=channel, on=False))
        await ann.api.submit(Lockdown(channel=channel, on=False))
        assert "ann locked the channel down: raid" in await told(bob, channel)
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "moderator"})
        await bob.say(channel, "after")
        expected = ["before", "before too", "a moderator beside", "after"]
        assert await world.converge(channel) == expected
        # A newcomer comes to the same, whatever comes to them first.
        eve = (await world.add("eve"))[0]
        await world.pair(ann, eve)
        await eve.api.submit(JoinChannel(link=await invite(ann, channel)))
        await agree(channel, (ann, eve), {"ann": "founder", "bob": "member", "kim": "moderator", "eve": "member"})
        assert await world.converge(channel) == expected

    run_virtual(story())


def test_a_removal_that_a_promotion_outweighs_stays_to_be_read_as_reverted_with_its_cause() -> None:
    async def story() -> None:
        world = SimulatedWorld(109)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        world.hub.partition(["ann", "kim"], ["bob"])
        await asyncio.sleep(60)
        await bob.api.submit(RemoveMember(channel=channel, user=await user_of(kim), reason="spam"))
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=ADMIN))
        assert "bob removed kim: spam" in await told(bob, channel)
        world.hub.heal()
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "admin"})
        for person in (ann, bob, kim):
            said = [row.text for row in await person.rows(channel) if row.kind is RowKind.MODERATED]
            assert "bob removed kim: spam (reverted: beside it ann made kim an admin)" in said
        # Of one who is no member any more nothing void is told.
        await ann.api.submit(RemoveMember(channel=channel, user=await user_of(bob)))
        await agree(channel, (ann, kim), {"ann": "founder", "kim": "admin"})
        assert not any("reverted" in text for text in await told(kim, channel))

    run_virtual(story())


def test_the_places_of_a_full_invitation_are_unsettled_until_its_maker_closes_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(110)
        ann, bob, kim, channel = await three(world)
        eve = (await world.add("eve"))[0]
        link = await invite(ann, channel)
        await world.pair(kim, eve)
        await until(lambda: has_invitation(kim, channel), "kim knows of the invitation")
        await ann.stop()
        await eve.api.submit(JoinChannel(link=link))
        await until(lambda: is_a(eve, channel, Membership.JOINED), "kim lets eve in")
        for person in (bob, kim, eve):
            await until(lambda p=person: is_in(p, channel, "eve"), "all see eve")
            assert {row.name for row in (await person.api.members(channel)).rows if row.provisional} == {"eve"}
        await ann.start()

        async def settled() -> bool:
            rows = [row for person in (ann, bob, kim, eve) for row in (await person.api.members(channel)).rows]
            return len(rows) == 16 and not any(row.provisional for row in rows)

        await until(settled, "ann has closed it")

    run_virtual(story())


def test_who_may_not_change_their_name_is_called_as_when_they_joined() -> None:
    async def story() -> None:
        world = SimulatedWorld(112)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.PROFILE, rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})
        await bob.api.submit(SetName(name="ann the founder"))
        user = await user_of(bob)

        async def heard() -> bool:
            return any(row.name == "ann the founder" for row in (await kim.api.contacts()).rows)

        await until(heard, "kim has heard of the name")
        await bob.say(channel, "hello")
        await until(lambda: has(kim, channel, "hello"), "kim reads it")
        for person in (ann, bob, kim):
            assert await roles(person, channel) == {"ann": "founder", "bob": "member", "kim": "member"}
        assert [row.name for row in await kim.rows(channel) if row.text == "hello"] == ["bob"]
        # Whoever may is called as they say.
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MODERATOR))
        await agree(channel, (ann, kim), {"ann": "founder", "ann the founder": "moderator", "kim": "member"})

    run_virtual(story())


def test_lifting_a_lockdown_brings_back_what_was_before_it_and_not_the_usual() -> None:
    async def story() -> None:
        world = SimulatedWorld(108)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.SEND, rank=10))
        await ann.api.submit(Lockdown(channel=channel, on=True))
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.SEND, rank=ADMIN))
        await ann.api.submit(Lockdown(channel=channel, on=False))
        rules = {row.permission: row.rank for row in (await ann.api.rules(channel)).rows.permissions}
        assert (rules[Permission.SEND], rules[Permission.ADMIT]) == (10, MEMBER)
        with pytest.raises(IntentRefused, match="not locked down"):
            await ann.api.submit(Lockdown(channel=channel, on=False))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})
        assert "rank 10" in await refused(bob, channel, "may I")

    run_virtual(story())


def test_a_ban_keeps_out_who_holds_a_fresh_link_until_it_is_lifted() -> None:
    async def story() -> None:
        world = SimulatedWorld(105)
        ann, bob, kim, channel = await three(world)
        link = await invite(ann, channel)
        await ann.api.submit(BanMember(channel=channel, user=await user_of(bob), reason="spam"))
        await agree(channel, (ann, kim), {"ann": "founder", "kim": "member"})
        bans = (await kim.api.rules(channel)).rows.bans
        assert [(ban.name, ban.reason, ban.until_ms) for ban in bans] == [("bob", "spam", 0)]

        await until(lambda: is_a(bob, channel, Membership.REMOVED), "bob is told")
        await bob.api.submit(JoinChannel(link=link))

        await until(lambda: is_a(bob, channel, Membership.REFUSED), "bob is refused")
        # Nobody has used the link up, nor tried in his name.
        assert "not valid" in (await bob.api.channel(channel)).rows.note
        await asyncio.sleep(120)
        await agree(channel, (ann, kim), {"ann": "founder", "kim": "member"})
        with pytest.raises(IntentRefused):
            await kim.api.submit(LiftBan(channel=channel, user=await user_of(bob)))
        await ann.api.submit(LiftBan(channel=channel, user=await user_of(bob), reason="sorry"))
        await agree(channel, (ann, kim), {"ann": "founder", "kim": "member"})
        await bob.api.submit(JoinChannel(link=await invite(kim, channel)))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})
        await bob.say(channel, "I am sorry too")
        assert await world.converge(channel) == ["I am sorry too"]
        assert await told(bob, channel) == ["ann banned bob: spam", "ann lifted the ban of bob: sorry"]

    run_virtual(story())


def test_a_ban_with_a_time_ends_by_itself() -> None:
    async def story() -> None:
        world = SimulatedWorld(106)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(BanMember(channel=channel, user=await user_of(bob), lasts_ms=2 * HOUR_MS))
        await agree(channel, (ann, kim), {"ann": "founder", "kim": "member"})
        (ban,) = (await kim.api.rules(channel)).rows.bans
        assert 0 < ban.until_ms - world.now_ms() <= 2 * HOUR_MS
        await asyncio.sleep(3600)
        assert len((await ann.api.rules(channel)).rows.bans) == 1
        await asyncio.sleep(3700)

        async def lifted() -> bool:
            return not any([(await person.api.rules(channel)).rows.bans for person in (ann, kim)])

        await until(lifted, "it has ended", timeout_s=60)
        await bob.api.submit(JoinChannel(link=await invite(kim, channel)))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})

    run_virtual(story())


def test_a_demotion_on_one_side_outweighs_a_ban_by_the_demoted_on_the_other() -> None:
    async def story() -> None:
        world = SimulatedWorld(107)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        world.hub.partition(["ann"], ["bob", "kim"])
        await asyncio.sleep(60)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MEMBER))
        await bob.api.submit(BanMember(channel=channel, user=await user_of(kim), reason="revenge"))

        await until(lambda: is_a(kim, channel, Membership.REMOVED), "kim is out on her side")
        world.hub.heal()
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})
        assert await membership(kim, channel) is Membership.JOINED
        await kim.say(channel, "still here")
        assert await world.converge(channel) == ["still here"]
        for person in (ann, bob, kim):
            assert (await person.api.rules(channel)).rows.bans == ()

    run_virtual(story())


def test_whose_name_comes_after_what_was_done_to_them_is_named_in_the_rows_that_stand_already() -> None:
    async def story() -> None:
        world = SimulatedWorld(114)
        ann, bob, kim, channel = await three(world)
        (gus,) = await world.add("gus")
        await world.pair(ann, gus)
        link = await invite(bob, channel)
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})
        news: list[Event] = []
        listening = asyncio.create_task(collect(kim, news))
        world.hub.partition(["ann", "kim"], ["bob", "gus"])
        await asyncio.sleep(60)
        user = await user_of(gus)
        await ann.api.submit(BanMember(channel=channel, user=user, reason="known for it"))

        async def told_of_the_ban() -> bool:
            return await told(kim, channel) == [f"ann banned {short(user)}: known for it"]

        await until(told_of_the_ban, "kim hears of somebody whom she does not know")
        await gus.api.submit(JoinChannel(link=link))
        await until(lambda: is_a(gus, channel, Membership.JOINED), "gus is in on the other side")
        world.hub.heal()
        await until(lambda: is_a(gus, channel, Membership.REMOVED), "gus is out")

        async def named() -> bool:
            return await told(kim, channel) == ["ann banned gus: known for it"]

        await until(named, "kim knows who that was")
        # Whoever only listens has heard of it, too.
        rows = [event.row for event in news if isinstance(event, MessageAdded | MessageChanged)]
        said = [row.text for row in rows if row is not None and row.kind is RowKind.MODERATED]
        assert said[-1] == "ann banned gus: known for it"
        listening.cancel()

    run_virtual(story())


def test_who_was_refused_at_the_door_for_a_ban_that_turns_out_void_is_in_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(112)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        link = await invite(bob, channel)
        world.hub.partition(["ann"], ["bob", "kim"])
        await asyncio.sleep(60)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MEMBER))
        await bob.api.submit(BanMember(channel=channel, user=await user_of(kim), reason="revenge"))
        await until(lambda: is_a(kim, channel, Membership.REMOVED), "kim is out on her side")
        await kim.api.submit(JoinChannel(link=link))
        await until(lambda: is_a(kim, channel, Membership.REFUSED), "and is not let in again")
        world.hub.heal()
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})
        await until(lambda: is_a(kim, channel, Membership.JOINED), "kim is in again")
        await kim.say(channel, "still here")
        assert await world.converge(channel) == ["still here"]

    run_virtual(story())


def test_a_ban_by_one_whose_demotion_does_not_concern_the_right_to_ban_stands() -> None:
    async def story() -> None:
        world = SimulatedWorld(108)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=ADMIN))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "admin", "kim": "member"})
        world.hub.partition(["ann"], ["bob", "kim"])
        await asyncio.sleep(60)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await bob.api.submit(BanMember(channel=channel, user=await user_of(kim)))
        world.hub.heal()
        await agree(channel, (ann, bob), {"ann": "founder", "bob": "moderator"})
        await until(lambda: is_a(kim, channel, Membership.REMOVED), "kim is told")
        for person in (ann, bob):
            assert [ban.name for ban in (await person.api.rules(channel)).rows.bans] == ["kim"]

    run_virtual(story())


def test_a_channel_where_only_moderators_write_silences_members_until_it_is_opened() -> None:
    async def story() -> None:
        world = SimulatedWorld(109)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await kim.say(channel, "before")
        await until(lambda: has(ann, channel, "before"), "ann has it")
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.SEND, rank=MODERATOR, reason="release"))
        everybody = {"ann": "founder", "bob": "moderator", "kim": "member"}
        await agree(channel, (ann, bob, kim), everybody)
        assert "moderators and above" in await refused(kim, channel, "may I?")
        await held_by(push(kim, channel, "past all rules"), ann, bob)
        await bob.say(channel, "it is out")
        await agree(channel, (ann, bob, kim), everybody)
        for person in (ann, bob, kim):
            assert await person.texts(channel) == ["before", "it is out"]
        # What is no message is as before.
        await kim.api.submit(SetTopic(channel=channel, topic="release"))
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.SEND, rank=MEMBER))
        await agree(channel, (ann, bob, kim), everybody)
        await kim.say(channel, "hurray")
        assert await world.converge(channel) == ["before", "it is out", "hurray"]

    run_virtual(story())


def test_rules_stay_as_they_are_over_a_restart() -> None:
    async def story() -> None:
        world = SimulatedWorld(110)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=20))
        await ann.api.submit(BanMember(channel=channel, user=await user_of(kim), lasts_ms=HOUR_MS, reason="spam"))
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.TOPIC, rank=20))
        await agree(channel, (ann, bob), {"ann": "founder", "bob": "rank 20"})
        before = (await bob.api.rules(channel)).rows
        assert (before.rank, [row.name for row in before.former]) == (20, ["kim"])
        await bob.stop()
        await bob.start()
        assert (await bob.api.rules(channel)).rows == before
        await agree(channel, (ann, bob), {"ann": "founder", "bob": "rank 20"})

    run_virtual(story())


async def is_a(person: Person, channel: ChannelId, standing: Membership) -> bool:
    return await membership(person, channel) is standing


async def is_in(person: Person, channel: ChannelId, name: str) -> bool:
    return name in await roles(person, channel)


async def has_invitation(person: Person, channel: ChannelId) -> bool:
    engine = person.api._engine
    assert engine is not None
    return any(state.open for state in engine.world.channels[channel].view.invitations.values())


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)
