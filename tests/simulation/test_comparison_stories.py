"""Comparing words: contacts verify each other, people nearby meet; and everything that may go wrong on the way."""

import asyncio
import itertools

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.errors import IntentRefused, NotFound
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import (
    Answer,
    AnswerComparison,
    BeginVerification,
    MeetNearby,
    SetNearby,
    Unverify,
    VerifyByNumber,
)
from multichat_tui.model.limits import COMPARISON_MS, MAX_NEARBY_LINKS, NEARBY_MS
from multichat_tui.model.snapshots import ContactRow, StatusRow
from multichat_tui.model.trust import AlarmKind, ComparisonRow, ComparisonState
from multichat_tui.net.simulated import Conditions, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.nearby import open_window


async def user_of(person: Person) -> UserId:
    return (await person.api.me()).rows.user


async def status_of(person: Person) -> StatusRow:
    return (await person.api.status()).rows


async def last_of(person: Person) -> ComparisonRow | None:
    rows = (await status_of(person)).comparisons
    return rows[-1] if rows else None


async def contact_of(person: Person, user: UserId) -> ContactRow | None:
    return next((row for row in (await person.api.contacts()).rows if row.user == user), None)


async def reaches(person: Person, *states: ComparisonState) -> ComparisonRow:
    """Wait until the newest comparison is in one of these states."""

    async def there() -> bool:
        row = await last_of(person)
        return row is not None and row.state in states

    await until(there, f"{person.name}: {states}")
    row = await last_of(person)
    assert row is not None
    return row


async def answer(person: Person, row: ComparisonRow, said: Answer = Answer.SAME) -> None:
    await person.api.submit(AnswerComparison(comparison=row.id, answer=said))


async def visible(*people: Person) -> None:
    for person in people:
        await person.api.submit(SetNearby(visible=True))
    for person in people:
        await until(lambda person=person: _sees(person, len(people) - 1), f"{person.name} sees the others")


async def _sees(person: Person, count: int) -> bool:
    nearby = (await status_of(person)).nearby
    return nearby is not None and len(nearby.people) == count


async def code_of(person: Person) -> str:
    nearby = (await status_of(person)).nearby
    assert nearby is not None
    return nearby.code


async def verifying(world: SimulatedWorld) -> tuple[Person, Person, ComparisonRow, ComparisonRow]:
    """Two contacts who see words."""
    ann, bob = await world.add("ann", "bob")
    await world.pair(ann, bob)
    await ann.api.submit(BeginVerification(user=await user_of(bob)))
    return ann, bob, await reaches(ann, ComparisonState.COMPARE), await reaches(bob, ComparisonState.COMPARE)


async def meeting(world: SimulatedWorld) -> tuple[Person, Person, ComparisonRow, ComparisonRow]:
    """Two strangers who see words."""
    ann, bob = await world.add("ann", "bob")
    await visible(ann, bob)
    await ann.api.submit(MeetNearby(person=await code_of(bob)))
    return ann, bob, await reaches(ann, ComparisonState.COMPARE), await reaches(bob, ComparisonState.COMPARE)


def test_two_contacts_who_both_confirm_the_same_words_are_verified_to_each_other() -> None:
    async def story() -> None:
        world = SimulatedWorld(51)
        ann, bob, mine, theirs = await verifying(world)
        assert (mine.words, mine.emoji) == (theirs.words, theirs.emoji)
        assert (len(mine.words), len(mine.emoji)) == (4, 7)
        assert (mine.name, theirs.name, mine.begun_here, theirs.begun_here) == ("bob", "ann", True, False)
        await answer(ann, mine)
        assert (await reaches(ann, ComparisonState.CONFIRMED)).id == theirs.id
        ann_user, bob_user = await user_of(ann), await user_of(bob)
        assert not (await contact_of(ann, bob_user)).verified, "one side alone verifies nothing"
        await answer(bob, theirs)
        await reaches(ann, ComparisonState.DONE)
        await reaches(bob, ComparisonState.DONE)
        for person, user in ((ann, bob_user), (bob, ann_user)):
            assert (await contact_of(person, user)).verified
            await person.stop()
            await person.start()
            assert (await contact_of(person, user)).verified, "also after a restart"
        await ann.api.submit(Unverify(user=bob_user))
        assert not (await contact_of(ann, bob_user)).verified

    run_virtual(story())


def test_words_that_differ_verify_nobody_and_are_a_loud_warning_on_both_sides() -> None:
    async def story() -> None:
        world = SimulatedWorld(52)
        ann, bob, mine, theirs = await verifying(world)
        await answer(ann, mine)
        await answer(bob, theirs, Answer.DIFFERENT)
        await reaches(ann, ComparisonState.DIFFERENT)
        await reaches(bob, ComparisonState.DIFFERENT)
        for person, other in ((ann, bob), (bob, ann)):
            assert not (await contact_of(person, await user_of(other))).verified
            assert [alarm.kind for alarm in (await status_of(person)).alarms] == [AlarmKind.WORDS_DIFFER]
        with pytest.raises(IntentRefused):
            await answer(ann, mine)

    run_virtual(story())


def test_a_verified_contact_with_whom_the_words_differ_later_is_verified_no_more() -> None:
    async def story() -> None:
        world = SimulatedWorld(53)
        ann, bob, mine, theirs = await verifying(world)
        await answer(ann, mine)
        await answer(bob, theirs)
        await reaches(ann, ComparisonState.DONE)
        await ann.api.submit(BeginVerification(user=await user_of(bob)))
        again = await reaches(ann, ComparisonState.COMPARE)
        assert again.words != mine.words
        await answer(ann, again, Answer.DIFFERENT)
        assert not (await contact_of(ann, await user_of(bob))).verified

    run_virtual(story())


def test_refusing_cancelling_and_waiting_too_long_each_say_so_on_the_other_screen() -> None:
    async def story() -> None:
        world = SimulatedWorld(54)
        ann, bob, _, theirs = await verifying(world)
        await answer(bob, theirs, Answer.CANCEL)
        await reaches(bob, ComparisonState.CANCELLED)
        row = await reaches(ann, ComparisonState.REFUSED)
        await answer(ann, row, Answer.CANCEL)
        assert (await status_of(ann)).comparisons == (), "what is over is put away"
        await ann.api.submit(BeginVerification(user=await user_of(bob)))
        await reaches(ann, ComparisonState.REFUSED)  # bob was asked a moment ago, and is not asked again at once
        start = world.now_ms()
        await until(lambda: _later(world, start + 11_000), "some seconds")
        await ann.api.submit(BeginVerification(user=await user_of(bob)))
        row = await reaches(ann, ComparisonState.COMPARE)
        await answer(ann, row)
        await until(lambda: _later(world, row.began_ms + COMPARISON_MS), "the time is up")
        await reaches(ann, ComparisonState.TIMED_OUT)
        await reaches(bob, ComparisonState.TIMED_OUT)
        assert not (await contact_of(ann, await user_of(bob))).verified

    run_virtual(story())


async def _later(world: SimulatedWorld, ms: int) -> bool:
    return world.now_ms() > ms


def test_a_link_that_is_lost_between_the_confirmations_costs_time_only() -> None:
    async def story() -> None:
        world = SimulatedWorld(55)
        ann, bob, mine, theirs = await verifying(world)
        for link in ann.network.links():
            ann.network.close_link(link, "a test")
        await answer(ann, mine)
        await answer(bob, theirs)
        await reaches(ann, ComparisonState.DONE)
        await reaches(bob, ComparisonState.DONE)
        assert (await contact_of(bob, await user_of(ann))).verified

    run_virtual(story())


@pytest.mark.parametrize("at_ms", [0, 30, 60, 90, 120])
@pytest.mark.parametrize("both", [False, True], ids=["one", "both"])
def test_a_link_that_is_lost_before_the_keys_are_exchanged_costs_time_only(at_ms: int, both: bool) -> None:
    """Of two links that both ends make at once one goes, perhaps just when words are asked for on it."""

    async def story() -> None:
        world = SimulatedWorld(54, Conditions(latency_ms=50))
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        await ann.api.submit(BeginVerification(user=await user_of(bob)))
        if both:
            await bob.api.submit(BeginVerification(user=await user_of(ann)))
        await asyncio.sleep(at_ms / 1000)
        for link in ann.network.links():
            ann.network.close_link(link, "a test")
        mine, theirs = await reaches(ann, ComparisonState.COMPARE), await reaches(bob, ComparisonState.COMPARE)
        assert (mine.id, mine.words) == (theirs.id, theirs.words)

    run_virtual(story())


def test_a_contact_who_is_gone_before_the_keys_are_exchanged_is_said_to_be_lost() -> None:
    async def story() -> None:
        world = SimulatedWorld(53, Conditions(latency_ms=50))
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        await ann.api.submit(BeginVerification(user=await user_of(bob)))
        world.hub.partition(["ann"], ["bob"])
        await reaches(ann, ComparisonState.LOST)

    run_virtual(story())


def test_both_may_begin_at_once() -> None:
    async def story() -> None:
        world = SimulatedWorld(56)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        await ann.api.submit(BeginVerification(user=await user_of(bob)))
        await bob.api.submit(BeginVerification(user=await user_of(ann)))
        mine, theirs = await reaches(ann, ComparisonState.COMPARE), await reaches(bob, ComparisonState.COMPARE)
        assert (mine.id, mine.words) == (theirs.id, theirs.words)

    run_virtual(story())


@pytest.mark.parametrize("seed", range(4))
def test_on_links_that_lose_double_and_overtake_verification_still_succeeds(seed: int) -> None:
    async def story() -> None:
        bad = Conditions(latency_ms=20, jitter_ms=20, loss=0.3, duplication=0.2, reordering=0.2, reliable=False)
        world = SimulatedWorld(560 + seed, bad)
        ann, bob, mine, theirs = await verifying(world)
        await answer(ann, mine)
        await answer(bob, theirs)
        await reaches(ann, ComparisonState.DONE)
        await reaches(bob, ComparisonState.DONE)

    run_virtual(story())


def test_a_contact_is_verified_by_the_number_that_the_other_reads_out_and_by_no_other() -> None:
    async def story() -> None:
        world = SimulatedWorld(57)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        ann_user, bob_user = await user_of(ann), await user_of(bob)
        number = (await contact_of(bob, ann_user)).safety_number
        wrong = ("1" if number[0] != "1" else "2") + number[1:]
        for refused in (wrong, number[:-1], "", "x" * 60, number + "0"):
            with pytest.raises(IntentRefused):
                await ann.api.submit(VerifyByNumber(user=bob_user, number=refused))
        assert not (await contact_of(ann, bob_user)).verified
        await ann.api.submit(VerifyByNumber(user=bob_user, number=number.replace(" ", "-")))
        assert (await contact_of(ann, bob_user)).verified
        with pytest.raises(NotFound):
            await ann.api.submit(VerifyByNumber(user=ann_user, number=number))

    run_virtual(story())


def test_nobody_can_be_compared_with_who_is_not_online() -> None:
    async def story() -> None:
        world = SimulatedWorld(58)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        user = await user_of(bob)
        await bob.stop()
        await until(lambda: _offline(ann, user), "bob is away")
        with pytest.raises(IntentRefused, match="not online"):
            await ann.api.submit(BeginVerification(user=user))

    run_virtual(story())


async def _offline(person: Person, user: UserId) -> bool:
    row = await contact_of(person, user)
    return row is not None and not row.online


def test_two_strangers_who_are_visible_meet_and_are_contacts_verified_to_each_other() -> None:
    async def story() -> None:
        world = SimulatedWorld(61)
        ann, bob, mine, theirs = await meeting(world)
        assert (mine.words, mine.emoji) == (theirs.words, theirs.emoji)
        assert (mine.name, theirs.name) == ("bob", "ann")
        assert (mine.code, theirs.code) == (await code_of(bob), await code_of(ann))
        await answer(ann, mine)
        assert (await ann.api.contacts()).rows == () == (await bob.api.contacts()).rows, "nothing before both have confirmed"
        await answer(bob, theirs)
        await reaches(ann, ComparisonState.DONE)
        await reaches(bob, ComparisonState.DONE)
        ann_user, bob_user = await user_of(ann), await user_of(bob)

        async def linked() -> bool:
            rows = (await contact_of(ann, bob_user), await contact_of(bob, ann_user))
            return all(row is not None and row.verified and row.online for row in rows)

        await until(linked, "verified, and linked as contacts")

    run_virtual(story())


def test_what_crosses_a_strangers_link_names_nobody_before_both_have_confirmed() -> None:
    async def story() -> None:
        world = SimulatedWorld(62)
        frames: list[bytes] = []
        world.hub.on_frame = lambda sender, receiver, frame: frames.append(frame)
        ann, bob, mine, theirs = await meeting(world)
        ann_me, bob_me = (await ann.api.me()).rows, (await bob.api.me()).rows
        await answer(ann, mine)
        await answer(bob, theirs, Answer.DIFFERENT)
        await reaches(ann, ComparisonState.DIFFERENT)
        keys = [ann_me.user, ann_me.device, bob_me.user, bob_me.device]
        keys += [person.api._engine.world.identity.certificate.account_key for person in (ann, bob)]
        assert frames
        assert not [1 for frame, key in itertools.product(frames, keys) if key in frame]

    run_virtual(story())


def test_words_that_differ_nearby_store_nothing_and_close_the_window() -> None:
    async def story() -> None:
        world = SimulatedWorld(63)
        ann, bob, mine, theirs = await meeting(world)
        await answer(ann, mine)
        await answer(bob, theirs, Answer.DIFFERENT)
        await reaches(ann, ComparisonState.DIFFERENT)
        await reaches(bob, ComparisonState.DIFFERENT)
        for person in (ann, bob):
            await until(lambda person=person: _invisible(person), "not visible any more")
            assert "different" in (await status_of(person)).nearby_note
            assert (await person.api.contacts()).rows == ()
            assert not list(person.network.links())
        with pytest.raises(IntentRefused):
            await ann.api.submit(MeetNearby(person="any body"))

    run_virtual(story())


async def _invisible(person: Person) -> bool:
    return (await status_of(person)).nearby is None


def test_visibility_ends_by_itself_and_by_the_switch_and_is_off_at_first_and_after_a_restart() -> None:
    async def story() -> None:
        world = SimulatedWorld(64)
        ann, bob = await world.add("ann", "bob")
        assert (await status_of(ann)).nearby is None
        await visible(ann, bob)
        first = await code_of(ann)
        started = world.now_ms()
        await bob.api.submit(SetNearby(visible=False))
        await until(lambda: _sees(ann, 0), "bob is not seen any more")
        await until(lambda: _invisible(ann), "it ends by itself", timeout_s=NEARBY_MS / 1000 + 5)
        assert world.now_ms() - started >= NEARBY_MS - 1000
        await ann.api.submit(SetNearby(visible=True))
        assert await code_of(ann) != first, "another id each time"
        await ann.stop()
        await ann.start()
        assert (await status_of(ann)).nearby is None

    run_virtual(story())


def test_a_third_who_comes_while_two_compare_is_told_that_they_are_busy() -> None:
    async def story() -> None:
        world = SimulatedWorld(65)
        ann, bob, eve = await world.add("ann", "bob", "eve")
        await visible(ann, bob, eve)
        await ann.api.submit(MeetNearby(person=await code_of(bob)))
        mine, theirs = await reaches(ann, ComparisonState.COMPARE), await reaches(bob, ComparisonState.COMPARE)
        await eve.api.submit(MeetNearby(person=await code_of(bob)))
        await reaches(eve, ComparisonState.BUSY)
        with pytest.raises(IntentRefused, match="just now"):
            await ann.api.submit(MeetNearby(person=await code_of(eve)))
        await answer(ann, mine)
        await answer(bob, theirs)
        await reaches(ann, ComparisonState.DONE)
        await reaches(bob, ComparisonState.DONE)
        assert (await eve.api.contacts()).rows == ()
        await eve.api.submit(MeetNearby(person=await code_of(bob)))
        hers, his = await reaches(eve, ComparisonState.COMPARE), await reaches(bob, ComparisonState.COMPARE)
        assert hers.words == his.words, "afterwards there is time for her"

    run_virtual(story())


def test_both_may_choose_each_other_at_once() -> None:
    async def story() -> None:
        for seed in range(660, 666):
            world = SimulatedWorld(seed)
            ann, bob = await world.add("ann", "bob")
            await visible(ann, bob)
            await ann.api.submit(MeetNearby(person=await code_of(bob)))
            await bob.api.submit(MeetNearby(person=await code_of(ann)))
            mine, theirs = await reaches(ann, ComparisonState.COMPARE), await reaches(bob, ComparisonState.COMPARE)
            assert (mine.id, mine.words) == (theirs.id, theirs.words)

    run_virtual(story())


def test_a_strangers_link_that_is_lost_between_the_confirmations_is_made_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(67)
        ann, bob, mine, theirs = await meeting(world)
        for link in bob.network.links():
            bob.network.close_link(link, "a test")
        await answer(ann, mine)
        await answer(bob, theirs)
        await reaches(ann, ComparisonState.DONE)
        await reaches(bob, ComparisonState.DONE)

    run_virtual(story())


def test_a_link_that_is_lost_for_good_stores_nothing_on_the_side_that_has_not_heard() -> None:
    async def story() -> None:
        world = SimulatedWorld(68)
        ann, bob, mine, theirs = await meeting(world)
        world.hub.partition(["ann"], ["bob"])
        await answer(ann, mine)
        await answer(bob, theirs)
        await until(lambda: _later(world, mine.began_ms + COMPARISON_MS), "the time is up", timeout_s=600)
        await reaches(ann, ComparisonState.TIMED_OUT)
        await reaches(bob, ComparisonState.TIMED_OUT)
        assert (await ann.api.contacts()).rows == () == (await bob.api.contacts()).rows

    run_virtual(story())


def test_strangers_who_connect_and_say_nothing_are_few_and_are_closed() -> None:
    async def story() -> None:
        world = SimulatedWorld(69)
        (ann,) = await world.add("ann")
        await ann.api.submit(SetNearby(visible=True))
        announced = ann.api._engine.world.window.id
        for number in range(MAX_NEARBY_LINKS + 2):
            stranger = open_window(world.random.randbytes, 0)
            network = SimulatedNetwork(world.hub, f"stranger {number}")
            await network.start(stranger.local, lambda event: None)
            network.dial(stranger.credential_for(announced), ann.network.address)
        await until(lambda: _links(ann, MAX_NEARBY_LINKS), "no more than are allowed")
        await until(lambda: _links(ann, 0), "and these not for long")

    run_virtual(story())


async def _links(person: Person, count: int) -> bool:
    return len(list(person.network.links())) == count


def test_an_unknown_comparison_cannot_be_answered() -> None:
    async def story() -> None:
        world = SimulatedWorld(70)
        (ann,) = await world.add("ann")
        with pytest.raises(NotFound):
            await ann.api.submit(AnswerComparison(comparison=ComparisonId(bytes(32)), answer=Answer.SAME))

    run_virtual(story())
