"""Stories of channels between whole nodes in virtual time: who lets whom in, who leaves, who passes on what."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal
from multichat_tui.model.ids import ChannelId, Log
from multichat_tui.model.intents import (
    AcceptContact,
    ConnectTo,
    CreateChannel,
    InviteContact,
    InviteToChannel,
    JoinChannel,
    LeaveChannel,
    MarkRead,
    OpenDirect,
    SetDraft,
    SetName,
    SetTopic,
)
from multichat_tui.model.snapshots import Delivery, Membership, RowKind
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual


async def invite(person: Person, channel: ChannelId, uses: int = 1, expires_in_ms: int = 3_600_000) -> str:
    link = (await person.api.submit(InviteToChannel(channel=channel, uses=uses, expires_in_ms=expires_in_ms))).link
    assert link is not None
    return link


async def member_names(person: Person, channel: ChannelId) -> list[str]:
    try:
        return sorted(row.name for row in (await person.api.members(channel)).rows)
    except MultichatError:
        return []


def test_any_member_who_is_online_can_let_somebody_in() -> None:
    async def story() -> None:
        world = SimulatedWorld(1)
        ann, bob, eve = await world.add("ann", "bob", "eve")
        await world.pair(ann, bob)
        await world.pair(bob, eve)
        channel = await world.channel_of(ann, bob)
        link = await invite(ann, channel)
        await until(lambda: _knows_invitations(bob, channel, 2), "bob knows the invitation")
        await ann.stop()
        await eve.api.submit(JoinChannel(link=link))
        await until(lambda: _members(eve, channel, ["ann", "bob", "eve"]), "bob has admitted eve")
        await eve.say(channel, "thanks, bob")
        await ann.start()
        await world.converge(channel)
        assert await member_names(ann, channel) == ["ann", "bob", "eve"]

    run_virtual(story())


def test_a_link_for_one_lets_one_in_and_tells_the_other_why_not() -> None:
    async def story() -> None:
        world = SimulatedWorld(2)
        ann, bob, eve = await world.add("ann", "bob", "eve")
        channel = (await ann.api.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        link = await invite(ann, channel)
        await bob.api.submit(JoinChannel(link=link))
        await until(lambda: _members(bob, channel, ["ann", "bob"]), "bob is in")
        await eve.api.submit(JoinChannel(link=link))

        # The place is gone, and so is the credential that would open a link: eve learns it or keeps waiting, but is never in.
        await asyncio.sleep(60)
        assert await member_names(ann, channel) == ["ann", "bob"]
        row = (await eve.api.channel(channel)).rows
        assert row.membership in (Membership.REFUSED, Membership.JOINING)
        assert row.note

    run_virtual(story())


def test_an_expired_link_is_refused_at_once_with_the_reason() -> None:
    async def story() -> None:
        world = SimulatedWorld(3)
        ann, bob = await world.add("ann", "bob")
        channel = (await ann.api.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        link = await invite(ann, channel, expires_in_ms=60_000)
        await asyncio.sleep(61)
        with pytest.raises(IntentRefused) as refused:
            await bob.api.submit(JoinChannel(link=link))
        assert refused.value.reason is Refusal.EXPIRED

    run_virtual(story())


def test_one_who_waits_when_the_link_expires_is_told() -> None:
    async def story() -> None:
        world = SimulatedWorld(31)
        ann, bob = await world.add("ann", "bob")
        channel = (await ann.api.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        link = await invite(ann, channel, expires_in_ms=60_000)
        await ann.stop()
        await bob.api.submit(JoinChannel(link=link))

        async def refused() -> bool:
            row = (await bob.api.channel(channel)).rows
            return row.membership is Membership.REFUSED and "expired" in row.note

        await until(refused, "bob is told", timeout_s=120)

    run_virtual(story())


def test_members_who_are_never_linked_hear_each_other_through_a_third() -> None:
    async def story() -> None:
        world = SimulatedWorld(4)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(bob, ann)
        await world.pair(bob, kim)
        channel = await world.channel_of(bob, ann, kim)
        world.hub.partition(["ann", "bob"], ["kim"])
        world.hub.partition(["ann"], ["kim"])
        await asyncio.sleep(120)
        await ann.say(channel, "to kim, through bob")
        await until(lambda: _has(kim, channel, "to kim, through bob"), "kim has it", timeout_s=60)
        await kim.say(channel, "got it")
        await until(lambda: _has(ann, channel, "got it"), "ann has the answer", timeout_s=60)

    # ann and kim are in different groups, bob in none: he reaches both.
    run_virtual(story())


@pytest.mark.parametrize("seed", range(12))
def test_an_author_learns_that_somebody_has_a_message_from_another_member(seed: int) -> None:
    """Cleo, coming back, gets what ann and bob wrote from whichever of them answers first; both hear of it."""

    async def story() -> None:
        world = SimulatedWorld(seed, Conditions(latency_ms=1, jitter_ms=8))
        people: list[Person] = []
        for name in ("ann", "bob", "cleo"):
            person = world.people[name] = Person(world, name)
            person.network.site = None
            await person.start()
            for other in people:
                await person.api.submit(ConnectTo(address=other.network.address))
            people.append(person)
        ann, bob, cleo = people
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob, cleo)
        await until(lambda: _linked(bob, 2), "everybody is linked")
        await cleo.stop()
        await ann.say(channel, "from ann")
        await bob.say(channel, "from bob")
        await asyncio.sleep(world.random.random() * 4)
        await cleo.start()
        for person in (ann, bob):
            await until(lambda person=person: _all_delivered(person, channel), person.name, timeout_s=60)

    run_virtual(story())


@pytest.mark.parametrize("seed", range(2))
def test_two_halves_of_ten_that_meet_again_all_learn_that_everybody_has_everything(seed: int) -> None:
    """All link up at once, and most of what one offers has come to the other from a third by then."""

    async def story() -> None:
        world = SimulatedWorld(seed, Conditions(latency_ms=4, jitter_ms=8))
        people = await world.add(*("ann", "bob", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jon"))
        for other in people[1:]:
            await world.pair(people[0], other)
        channel = await world.channel_of(*people)
        await until(lambda: _all_linked(people), "everybody is linked")
        world.hub.partition([each.name for each in people[::2]], [each.name for each in people[1::2]])
        for number in range(3):
            for person in people:
                await person.say(channel, f"{person.name} {number}")
        for person in (people[4], people[5]):
            person.crash()
            await person.start()
            await person.say(channel, f"{person.name} again")
        await asyncio.sleep(world.random.random() * 60)
        world.hub.heal()
        for person in people:
            await until(lambda person=person: _all_delivered(person, channel), person.name, timeout_s=60)

    run_virtual(story())


async def _all_linked(people: list[Person]) -> bool:
    return all([await _linked(person, len(people) - 1) for person in people])


async def _linked(person: Person, count: int) -> bool:
    return (await person.api.status()).rows.links == count


async def _all_delivered(person: Person, channel: ChannelId) -> bool:
    return all(r.state is Delivery.ALL for r in await person.rows(channel) if r.mine and r.kind is RowKind.MESSAGE)


def test_one_who_leaves_is_gone_for_everybody_and_hears_nothing_more() -> None:
    async def story() -> None:
        world = SimulatedWorld(5)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        for other in (bob, kim):
            await world.pair(ann, other)
        channel = await world.channel_of(ann, bob, kim)
        await bob.say(channel, "farewell")
        await bob.api.submit(LeaveChannel(channel=channel))
        assert channel not in {row.id for row in (await bob.api.channels()).rows}
        for person in (ann, kim):
            await until(lambda person=person: _members(person, channel, ["ann", "kim"]), "bob is gone")
        await ann.say(channel, "bob does not get this")
        await until(lambda: _has(kim, channel, "bob does not get this"), "kim gets it")
        await asyncio.sleep(30)
        with bob.store.inner.transaction() as txn:
            held = [record.body or b"" for _, record in txn.arrivals(channel, Log.CONTENT, 0, 1000)]
        assert not any(b"bob does not get this" in body for body in held)
        kinds = [row.kind for row in await ann.rows(channel)]
        assert kinds.count(RowKind.LEFT) == 1
        assert RowKind.REMOVED not in kinds
        assert "farewell" in await ann.texts(channel)

    run_virtual(story())


def test_one_who_left_can_come_back_by_a_new_link_and_gets_the_whole_history() -> None:
    async def story() -> None:
        world = SimulatedWorld(6)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        await bob.api.submit(LeaveChannel(channel=channel))
        await until(lambda: _members(ann, channel, ["ann"]), "bob is gone")
        await ann.say(channel, "while you were away")
        await bob.api.submit(JoinChannel(link=await invite(ann, channel)))
        await until(lambda: _has(bob, channel, "while you were away"), "bob is back")
        await bob.say(channel, "back")
        await world.converge(channel)

    run_virtual(story())


def test_a_newcomer_receives_the_whole_history() -> None:
    async def story() -> None:
        world = SimulatedWorld(7)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        for number in range(300):
            await (ann if number % 3 else bob).say(channel, str(number))
        await asyncio.sleep(3600)
        await kim.api.submit(JoinChannel(link=await invite(ann, channel)))
        await until(lambda: _members(kim, channel, ["ann", "bob", "kim"]), "kim is in")
        assert len(await world.converge(channel)) == 300
        assert not any(row.late for row in await kim.rows(channel))

    run_virtual(story())


def test_what_was_written_before_their_time_is_not_late_for_a_newcomer_who_has_written_already() -> None:
    async def story() -> None:
        world = SimulatedWorld(72)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        world.hub.partition(["ann", "kim"], ["bob"])
        await bob.say(channel, "written alone")
        await asyncio.sleep(3600)
        await kim.api.submit(JoinChannel(link=await invite(ann, channel)))
        await until(lambda: _members(kim, channel, ["ann", "bob", "kim"]), "kim is in")
        await kim.say(channel, "hello")
        await bob.say(channel, "while kim is there")
        await asyncio.sleep(3600)
        await kim.say(channel, "again")
        world.hub.heal()
        await world.converge(channel)
        assert [row.text for row in await kim.rows(channel) if row.late] == ["while kim is there"]
        assert [row.text for row in await ann.rows(channel) if row.late] == ["written alone", "while kim is there"]

    run_virtual(story())


def test_what_comes_late_above_newer_messages_is_marked() -> None:
    async def story() -> None:
        world = SimulatedWorld(71)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        world.hub.partition(["ann"], ["bob"])
        await asyncio.sleep(60)
        await bob.say(channel, "written alone")
        await asyncio.sleep(120)
        await ann.say(channel, "newer")
        world.hub.heal()
        await world.converge(channel)
        late = {row.text: row.late for row in await ann.rows(channel) if row.kind is RowKind.MESSAGE}
        assert late == {"written alone": True, "newer": False}

    run_virtual(story())


def test_two_who_begin_a_direct_conversation_at_once_have_one() -> None:
    async def story() -> None:
        world = SimulatedWorld(8)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        world.hub.partition(["ann"], ["bob"])
        await asyncio.sleep(60)
        ann_user, bob_user = (await ann.api.me()).rows.user, (await bob.api.me()).rows.user
        first = (await ann.api.submit(OpenDirect(user=bob_user))).channel
        second = (await bob.api.submit(OpenDirect(user=ann_user))).channel
        assert first is not None
        assert second is not None
        assert first != second
        await ann.say(first, "from ann")
        await bob.say(second, "from bob")
        world.hub.heal()
        shown = min(first, second)

        async def one() -> bool:
            for person in (ann, bob):
                rows = (await person.api.channels()).rows
                if [row.id for row in rows] != [shown] or sorted(await person.texts(shown)) != ["from ann", "from bob"]:
                    return False
            return True

        await until(one, "one conversation with both messages")
        assert await ann.texts(shown) == await bob.texts(shown)
        await ann.say(second, "and on")
        await until(lambda: _has(bob, shown, "and on"), "it goes on")

    run_virtual(story())


def test_pairing_survives_a_crash_of_either_side_at_any_commit() -> None:
    async def story(seed: int, victim: str, moment: str, after_s: float) -> None:
        world = SimulatedWorld(seed, Conditions(latency_ms=5))
        ann, bob = await world.add("ann", "bob")
        link = (await ann.api.submit(InviteContact())).link
        assert link is not None
        await bob.api.submit(AcceptContact(link=link))
        await asyncio.sleep(after_s)
        person = world.people[victim]
        person.store.crash_next = moment
        await asyncio.sleep(1)
        person.store.crash_next = None
        if not person.running:
            await person.start()

        async def contacts() -> bool:
            for one in (ann, bob):
                rows = (await one.api.contacts()).rows
                if [row.pending for row in rows] != [False] or not rows[0].online:
                    return False
            return True

        await until(contacts, "paired all the same", timeout_s=300)
        ann_user = (await ann.api.me()).rows.user
        direct = (await bob.api.submit(OpenDirect(user=ann_user))).channel
        assert direct is not None
        await bob.say(direct, "paired")
        await until(lambda: _has(ann, direct, "paired"), "and they write")

    for seed, victim in enumerate(("ann", "bob")):
        for moment in ("before", "after"):
            for step in range(10):
                run_virtual(story(seed * 100 + step, victim, moment, step * 0.004))


def test_topic_name_draft_and_read_marker_survive_a_restart() -> None:
    async def story() -> None:
        world = SimulatedWorld(9)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        await ann.api.submit(SetTopic(channel=channel, topic="the plan"))
        await ann.api.submit(SetName(name="anna"))
        await bob.say(channel, "one")
        await until(lambda: _has(ann, channel, "one"), "it came")
        assert (await ann.api.channel(channel)).rows.unread >= 1
        newest = max(row.arrival for row in await ann.rows(channel))
        await ann.api.submit(MarkRead(channel=channel, arrival=newest))
        await ann.api.submit(SetDraft(channel=channel, text="half a"))
        await until(lambda: _members(bob, channel, ["anna", "bob"]), "bob knows the new name")
        ann.crash()
        await ann.start()
        row = (await ann.api.channel(channel)).rows
        assert (row.topic, row.draft, row.unread) == ("the plan", "half a", 0)
        assert (await ann.api.me()).rows.name == "anna"

    run_virtual(story())


def test_delivery_is_shown_as_far_as_it_has_come() -> None:
    async def story() -> None:
        world = SimulatedWorld(10)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        for other in (bob, kim):
            await world.pair(ann, other)
        alone = (await ann.api.submit(CreateChannel(name="alone"))).channel
        assert alone is not None
        await ann.say(alone, "anybody?")
        assert (await ann.rows(alone))[-1].state is Delivery.ALONE
        channel = await world.channel_of(ann, bob, kim)
        await bob.stop()
        await kim.stop()
        await ann.say(channel, "one")
        row = (await ann.rows(channel))[-1]
        assert (row.state, row.delivered, row.total) == (Delivery.QUEUED, 0, 2)
        await bob.start()
        await until(lambda: _state(ann, channel, Delivery.SOME), "delivered to one")
        who = {entry.name: entry.delivered for entry in (await ann.api.delivery(row.id)).rows.devices}
        assert who == {"bob": True, "kim": False}
        await kim.start()
        await until(lambda: _state(ann, channel, Delivery.ALL), "delivered to all")
        assert (await ann.api.status()).rows.queued == 0

    run_virtual(story())


async def _state(person: Person, channel: ChannelId, state: Delivery) -> bool:
    return (await person.rows(channel))[-1].state is state


async def _knows_invitations(person: Person, channel: ChannelId, count: int) -> bool:
    engine = person.api._engine
    assert engine is not None
    return len(engine.world.channels[channel].view.invitations) >= count


async def _members(person: Person, channel: ChannelId, names: list[str]) -> bool:
    return await member_names(person, channel) == names


async def _has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


def test_marking_read_without_a_number_means_all_that_is_here_and_nothing_that_comes_later() -> None:
    async def story() -> None:
        world = SimulatedWorld(61)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        for number in range(3):
            await ann.say(channel, f"message {number}")
        await world.converge(channel)
        assert (await bob.api.channel(channel)).rows.unread == 3
        await bob.api.submit(MarkRead(channel=channel, arrival=None))
        assert (await bob.api.channel(channel)).rows.unread == 0
        await ann.say(channel, "later")
        await world.converge(channel)
        assert (await bob.api.channel(channel)).rows.unread == 1

    run_virtual(story())
