"""What lies in one's own mailboxes to find out whether it stays there: those that lose, refuse, are away, and honest ones."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from plain_mailbox import PlainMailbox
from simulated_world import Person, SimulatedWorld, until
from test_greetings import identity_of, inside
from test_mailbox_use_stories import Reading, batch, boxes, envelope, leave, lying, ready, routed, seal, town, two_mailboxes, use

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import AddMailbox, ChangeSetting, GrantPlace, HostMailbox, RemoveMailbox, RevokePlace
from multichat_tui.model.limits import MAX_SPECIMEN_BYTES, MAX_SPECIMENS, SPARING_TESTS
from multichat_tui.model.mailbox_frames import Challenge, HasEnvelopes, PutEnvelope, ShowWriter, Word
from multichat_tui.model.mailboxes import envelope_hash
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import MailboxFailing, MailboxRow, MailboxState
from multichat_tui.model.trust import AlarmKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.scores import Score

HOUR_S = 3600
DAY_S = 24 * HOUR_S


def count(mailbox: PlainMailbox, kind: type) -> int:
    return sum(isinstance(request, kind) for request in mailbox.requests)


async def told(person: Person) -> list[AlarmKind]:
    return [alarm.kind for alarm in (await person.api.status()).rows.alarms]


async def row_of(person: Person, mailbox: PlainMailbox) -> MailboxRow:
    rows = {box.id: row for box, row in zip(use(person).own.boxes.values(), await boxes(person), strict=True)}
    return rows[mailbox.address.mailbox]


def score_of(person: Person, mailbox: PlainMailbox) -> Score:
    return use(person).scores.of(mailbox.address.mailbox)


async def in_days(condition: Callable[[], Awaitable[bool]], what: str, days: float) -> None:
    """Looks every ten minutes."""
    for _ in range(int(days * 144)):
        if await condition():
            return
        await asyncio.sleep(600)
    raise AssertionError(f"not within {days} days: {what}")


async def falls(person: Person, mailbox: PlainMailbox, why: MailboxFailing, *, days: float) -> None:
    async def is_so() -> bool:
        return (await row_of(person, mailbox)).failing is why

    await in_days(is_so, f"the mailbox falls below the mark: {why.value}", days)


async def recovers(person: Person, mailbox: PlainMailbox, *, days: float) -> None:
    async def is_so() -> bool:
        return (await row_of(person, mailbox)).failing is None

    await in_days(is_so, "the mailbox comes back", days)


async def writing(ann: Person, bob: Person, mailboxes: list[PlainMailbox], *, days: float) -> Reading:
    """Ann leaves bob something every few hours, in each of the mailboxes that her route names."""
    reading = Reading(bob).begin()
    until_s = asyncio.get_running_loop().time() + days * DAY_S
    number = 0
    while asyncio.get_running_loop().time() < until_s:
        route = next(each for each in use(ann).routes.of(identity_of(bob).device) if each.audience == identity_of(ann).user)
        sealed = seal(ann, bob, route, b"%d" % number)
        for queue in route.route.queues:
            mailbox = next(each for each in mailboxes if each.address.mailbox == queue.mailbox.mailbox)
            batch(mailbox.person, partial(leave, mailbox, queue.queue, envelope(ann, bob, queue.queue, sealed)))
        number += 1
        await asyncio.sleep(3 * HOUR_S)
    assert len(reading.words) == number
    return reading


def test_an_honest_mailbox_passes_several_tests_a_day_and_nothing_stays_behind() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailboxes = await two_mailboxes(3301)
        await writing(ann, bob, mailboxes, days=6)
        for mailbox in mailboxes:
            row = await row_of(bob, mailbox)
            assert row.failing is None
            assert row.note == ""
            assert row.tests == row.passed == count(mailbox, Challenge)
            assert 2 * 6 <= row.tests <= 8 * 6
            assert row.reached_percent == 100
            assert score_of(bob, mailbox).refused == 0
            held = [row.envelope for row in use(bob)._auditing._rows.of(mailbox.address.mailbox)]
            assert lying(mailbox) <= len(held) <= MAX_SPECIMENS
        assert AlarmKind.MAILBOX not in await told(bob)
        counters = inside(bob).counters
        assert counters.get("envelope-stranger", 0) == counters.get("envelope-replayed", 0) == 0

    run_virtual(story())


def test_the_mailbox_cannot_tell_dummies_by_their_form_nor_by_what_is_asked() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailboxes = await two_mailboxes(3302)
        put = mailboxes[0].put
        dummies: dict[bytes, bytes] = {}

        def noted(queue: bytes, writer: bytes, left: bytes) -> None:
            dummies[left] = writer
            put(queue, writer, left)  # type: ignore[arg-type]

        mailboxes[0].put = noted  # type: ignore[method-assign,assignment]
        await writing(ann, bob, mailboxes, days=8)
        asked = {request.envelope for request in mailboxes[0].requests if isinstance(request, Challenge)}
        located = {name for request in mailboxes[0].requests if isinstance(request, HasEnvelopes) for name in request.envelopes}
        assert asked <= located
        put_there = {request.envelope for request in mailboxes[0].requests if isinstance(request, PutEnvelope)}
        own = {envelope_hash(each) for each in put_there}
        theirs = {envelope_hash(each) for each in dummies} - own
        assert asked & own, "dummies are asked for"
        assert asked & theirs, "and so is what others have written"
        assert {each[0] for each in put_there} == {1}
        assert {len(each) for each in put_there} <= {512, 768, 1024, 1536, 2048}
        assert all(len(each) <= MAX_SPECIMEN_BYTES for each in dummies)
        assert len({dummies[each] for each in put_there}) > 1, "not always the same writer"
        allowed = {verifier[:8] for kept in mailboxes[0].queues.values() for verifier in kept.writers}
        assert {dummies[each] for each in put_there} <= allowed
        assert all(len(kept.writers) == 8 for kept in mailboxes[0].queues.values())

    run_virtual(story())


def test_a_mailbox_that_has_lost_its_disk_falls_below_the_mark_and_comes_back() -> None:
    async def story() -> None:
        _world, channel, ann, bob, mailboxes = await two_mailboxes(3303)
        await asyncio.sleep(5 * DAY_S)
        first, other = mailboxes
        await bob.stop()
        first.wipe()
        await bob.start()
        await falls(bob, first, MailboxFailing.LOSES, days=0.1)
        row = await row_of(bob, first)
        assert "loses" in row.note
        assert "others are not told" in row.note.lower()
        assert (await told(bob)) == [AlarmKind.MAILBOX]
        for audience in (identity_of(ann).user, channel):
            known = await routed(ann, bob, audience, 1)
            assert known.route.queues[0].mailbox.mailbox == other.address.mailbox, "the other one only"
        await recovers(bob, first, days=40)
        await routed(ann, bob, channel, 2)
        assert await told(bob) == []
        assert score_of(bob, first).wipes == 1

    run_virtual(story())


def test_a_mailbox_that_drops_every_second_envelope_is_found_out() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailboxes = await two_mailboxes(3304)
        liar, other = mailboxes
        numbers: list[int] = []

        def every_second(envelope: bytes) -> bool:
            numbers.append(1)
            return len(numbers) % 2 == 0

        liar.drops = every_second
        await falls(bob, liar, MailboxFailing.LOSES, days=8)
        assert (await row_of(bob, other)).failing is None
        known = await routed(ann, bob, identity_of(ann).user, 1)
        assert known.route.queues[0].mailbox.mailbox == other.address.mailbox
        liar.drops = lambda envelope: False
        await recovers(bob, liar, days=80)

    run_virtual(story())


def test_a_mailbox_that_deletes_later_what_it_took_is_found_out() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailboxes = await two_mailboxes(3305)
        liar, _other = mailboxes

        async def forget() -> None:
            while True:
                await asyncio.sleep(HOUR_S)
                for kept in liar.queues.values():
                    kept.envelopes.clear()

        forgetting = asyncio.create_task(forget())
        await falls(bob, liar, MailboxFailing.LOSES, days=8)
        forgetting.cancel()
        assert score_of(bob, liar).passed < score_of(bob, liar).tests

    run_virtual(story())


@pytest.mark.parametrize("lie", [Word.COLLECTED, Word.UNKNOWN, Word.DONE])
def test_whatever_is_said_in_place_of_a_proof_is_a_loss(lie: Word) -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailboxes = await two_mailboxes(3306)
        liar = mailboxes[0]
        answer = liar._answer

        def lies(session: object, frame: object) -> object:
            said = answer(session, frame)  # type: ignore[arg-type]
            if isinstance(frame, Challenge):
                return type(said)(number=frame.number, word=lie, proof=b"\0" * 32 if lie is Word.DONE else b"")  # type: ignore[call-arg]
            return said

        liar._answer = lies  # type: ignore[method-assign,assignment]
        await falls(bob, liar, MailboxFailing.LOSES, days=6)

    run_virtual(story())


def test_a_mailbox_that_takes_nothing_is_found_out_and_what_is_full_by_our_own_doing_is_no_fault() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailboxes = await two_mailboxes(3307)
        refusing, full = mailboxes
        refusing.refuses_puts, full.refuses_puts = Word.FULL, Word.FULL_OWNER
        await falls(bob, refusing, MailboxFailing.REFUSES, days=4)
        await asyncio.sleep(4 * DAY_S)
        row = await row_of(bob, refusing)
        assert "takes nothing" in row.note
        assert (row.tests, row.passed) == (0, 0)
        assert (await row_of(bob, full)).failing is None
        known = await routed(ann, bob, identity_of(ann).user, 1)
        assert known.route.queues[0].mailbox.mailbox == full.address.mailbox
        refusing.refuses_puts = None
        await recovers(bob, refusing, days=60)

    run_virtual(story())


def test_a_day_away_is_forgiven_and_weeks_are_not_as_long_as_somebody_else_is_reached() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailboxes = await two_mailboxes(3308)
        await asyncio.sleep(2 * DAY_S)
        away, _other = mailboxes
        await away.person.stop()
        await asyncio.sleep(DAY_S)
        row = await row_of(bob, away)
        assert row.failing is None
        assert row.reached_percent is not None
        assert 55 <= row.reached_percent <= 80
        assert row.tests == row.passed, "nothing was lost"
        await falls(bob, away, MailboxFailing.AWAY, days=40)
        assert "hardly ever" in (await row_of(bob, away)).note

    run_virtual(story())


def test_while_nobody_at_all_is_reached_no_mailbox_is_to_blame() -> None:
    async def story() -> None:
        world, _channel, _ann, bob, mailboxes = await two_mailboxes(3309)
        await asyncio.sleep(2 * DAY_S)
        before = [score_of(bob, mailbox).missed for mailbox in mailboxes]
        for person in world.people.values():
            if person is not bob:
                await person.stop()
        await asyncio.sleep(5 * DAY_S)
        assert [score_of(bob, mailbox).missed for mailbox in mailboxes] == before == [0, 0]

    run_virtual(story())


def test_the_only_mailbox_stays_in_routes_and_the_user_hears_of_it_once() -> None:
    async def story() -> None:
        world, channel, ann, bob, mailbox = await town(3310)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        await asyncio.sleep(DAY_S)
        await bob.stop()
        mailbox.wipe()
        await bob.start()
        await falls(bob, mailbox, MailboxFailing.LOSES, days=0.1)
        assert "add another one" in (await row_of(bob, mailbox)).note
        await routed(ann, bob, channel, 1)
        assert await told(bob) == [AlarmKind.MAILBOX]
        await bob.stop()
        await bob.start()
        assert (await row_of(bob, mailbox)).failing is MailboxFailing.LOSES
        (second,) = await world.add("second")
        better = PlainMailbox(second)
        await bob.api.submit(AddMailbox(link=better.link))

        async def changed() -> bool:
            known = await routed(ann, bob, channel, 1)
            return known.route.queues[0].mailbox.mailbox == better.address.mailbox

        await until(changed, "the better one takes its place")
        await bob.api.submit(RemoveMailbox(number=1))
        await asyncio.sleep(60)
        assert await told(bob) == []

    run_virtual(story())


def test_data_and_power_are_spared() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailboxes = await two_mailboxes(3311)
        await asyncio.sleep(10 * DAY_S)
        usual = count(mailboxes[0], ShowWriter)
        await bob.api.submit(ChangeSetting(key="net.mode", value="metered"))
        await asyncio.sleep(10 * DAY_S)
        assert 0 < count(mailboxes[0], ShowWriter) - usual <= 2 * usual / SPARING_TESTS

    run_virtual(story())


def test_tests_go_on_after_restarts_and_crashes_and_links_that_break() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailboxes = await two_mailboxes(3312)
        chance = random.Random(3312)
        for _ in range(40):
            await asyncio.sleep(chance.randrange(6 * HOUR_S))
            if chance.random() < 0.5:
                bob.crash()
            else:
                await bob.stop()
            await asyncio.sleep(chance.randrange(HOUR_S))
            await bob.start()
        for mailbox in mailboxes:
            row = await row_of(bob, mailbox)
            assert row.tests == row.passed > 1
            assert row.failing is None
        with bob.store.transaction() as txn:
            assert len(txn.scan(Space.SPECIMEN)) <= 2 * MAX_SPECIMENS

    run_virtual(story())


def test_a_mailbox_that_is_given_up_is_not_tested_and_empties() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailboxes = await two_mailboxes(3313)
        await asyncio.sleep(4 * DAY_S)
        assert use(bob)._auditing._rows.all()
        await bob.api.submit(RemoveMailbox(number=1))

        async def gone() -> bool:
            return not mailboxes[0].queues and len(await boxes(bob)) == 1

        await until(gone, "it is forgotten, though something lay there for a test")
        assert use(bob)._auditing._rows.of(mailboxes[0].address.mailbox) == []
        with bob.store.transaction() as txn:
            assert [name for name, _ in txn.scan(Space.SCORE)] == [mailboxes[1].address.mailbox]

    run_virtual(story())


async def hosted(world: SimulatedWorld, *, seed: int) -> tuple[ChannelId, Person, Person, Person]:
    """Ann and bob; bob's mailbox is a real one, of a host."""
    ann, bob, host = await world.add("ann", "bob", "host")
    await world.pair(ann, bob)
    channel = await world.channel_of(ann, bob)
    # Who keeps a mailbox listens at the same place after each start.
    await host.stop()
    host.network._port = 4700
    await host.start()
    await host.api.submit(HostMailbox(on=True))
    link = (await host.api.submit(GrantPlace(name="bob"))).link
    assert link is not None
    await bob.api.submit(AddMailbox(link=link))
    await ready(bob)
    return channel, ann, bob, host


def test_how_much_is_used_at_a_mailbox_is_known_without_another_link() -> None:
    async def story() -> None:
        world = SimulatedWorld(3313)
        _channel, _ann, bob, host = await hosted(world, seed=3313)
        found = set()
        for _ in range(24 * 12):
            await asyncio.sleep(5 * 60)
            (row,) = (await bob.api.status()).rows.mailboxes
            (grant,) = (await host.api.hosting()).rows.places
            found.add((row.used_bytes, grant.used_bytes))
        assert any(used for used, _ in found), "something lay there for a test"
        assert {used for used, _ in found} <= {there for _, there in found}

    run_virtual(story())


def test_an_honest_node_that_keeps_a_mailbox_is_never_punished_in_thirty_days() -> None:
    seed = 3314

    async def story() -> None:
        world = SimulatedWorld(seed)
        channel, ann, bob, host = await hosted(world, seed=seed)
        chance = random.Random(seed)
        for day in range(30):
            for person in (ann, bob, host):
                if chance.random() < 0.3 and person.running:
                    if chance.random() < 0.3:
                        person.crash()
                    else:
                        await person.stop()
            if ann.running:
                await ann.say(channel, f"day {day}")
            await asyncio.sleep(chance.randrange(DAY_S))
            for person in (ann, bob, host):
                if not person.running:
                    await person.start()
            await asyncio.sleep(chance.randrange(DAY_S))
            (row,) = await boxes(bob)
            assert row.failing is None
            assert row.tests == row.passed
        (row,) = await boxes(bob)
        assert row.tests > 20
        assert (await host.api.hosting()).rows.places[0].envelopes <= 2 * MAX_SPECIMENS

    run_virtual(story())


async def _used(host: Person) -> bool:
    return (await host.api.hosting()).rows.places[0].used_bytes > 0


@pytest.mark.parametrize("at_once", [False, True])
def test_whose_place_was_revoked_is_told_at_once_and_so_are_those_who_write_to_them(at_once: bool) -> None:
    async def story() -> None:
        world = SimulatedWorld(3316)
        channel, ann, bob, host = await hosted(world, seed=3316)
        await routed(ann, bob, channel, 1)
        await ann.say(channel, "before")
        if not at_once:
            # Something lies there for the test that is to come, so that the place stays until it has expired.
            await in_days(lambda: _used(host), "something lies at the mailbox", days=3)
        await host.api.submit(RevokePlace(name="bob", at_once=at_once))

        async def refuses() -> bool:
            (row,) = await boxes(bob)
            return row.state is MailboxState.REFUSED

        await until(refuses, "bob is told that the mailbox refuses him")
        (row,) = await boxes(bob)
        assert row.detail == "unknown"
        await routed(ann, bob, channel, 0)

        async def fails() -> bool:
            (row,) = await boxes(bob)
            return row.failing is MailboxFailing.REFUSES

        await in_days(fails, "it counts as one that refuses", days=1)

    run_virtual(story())
