"""Peers who say that they are somebody else, who guess at words, and whose device lists cannot be followed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))
sys.path.insert(0, str(Path(__file__).parent))

import asyncio

from simulated_world import Person, SimulatedWorld, until
from test_node_hostile import Mallory, counters

from multichat_tui.crypto.identity import Account, sign_claim, sign_profile
from multichat_tui.crypto.keys import sign
from multichat_tui.crypto.sas import Agreed
from multichat_tui.model.codec import encode
from multichat_tui.model.comparing import (
    CompareConfirm,
    CompareEnd,
    CompareFrame,
    CompareStart,
    ComparisonId,
    EndReason,
    Purpose,
)
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import MessageFrame, PairFrame
from multichat_tui.model.identity import decode_device_list, device_list_body, device_list_signed_bytes
from multichat_tui.model.ids import PREFIX_SIZE, digest
from multichat_tui.model.intents import AcceptContact, Answer, AnswerComparison, InviteContact, MeetNearby, SetNearby
from multichat_tui.model.limits import MAX_COMPARISONS_ASKED, MAX_INTEGER, MAX_LIST_NUMBER, MAX_NEARBY_TRIES, NEARBY_ID_BYTES
from multichat_tui.model.ports import FrameIn
from multichat_tui.model.statements import Profile
from multichat_tui.model.trust import ComparisonState
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.comparison import Comparison


async def _state(person: Person, *states: ComparisonState) -> bool:
    rows = (await person.api.status()).rows.comparisons
    return bool(rows) and rows[-1].state in states


async def _sees_one(person: Person) -> bool:
    nearby = (await person.api.status()).rows.nearby
    return nearby is not None and len(nearby.people) == 1


@pytest.mark.parametrize("signed", [False, True])
def test_whoever_shows_the_list_and_profile_of_somebody_else_nearby_is_not_taken_for_them(signed: bool) -> None:
    async def story() -> None:
        world = SimulatedWorld(401)
        ann, bob, eve = await world.add("ann", "bob", "eve")
        await world.pair(bob, eve)
        bobs = Mallory(bob).world.identity
        await bob.stop()
        engine = eve.api._engine
        assert engine is not None

        def lie(comparison: Comparison) -> None:
            session = engine._comparisons._session(comparison)
            if session is not None and isinstance(comparison.agreed, Agreed):
                fields = {1: bobs.device, 2: bobs.devices.encoded, 3: bobs.profile.encoded}
                if signed:
                    # Her own device can sign; Bob's cannot.
                    mine = engine.world.identity.signer
                    fields[4] = sign_claim(mine, comparison.agreed.claim(comparison.side))
                box = comparison.agreed.seal(comparison.side, encode(fields))
                engine.world.send(session, CompareConfirm(comparison=comparison.id, box=box, heard=True))

        engine._comparisons._send_confirm = lie
        for person in (ann, eve):
            await person.api.submit(SetNearby(visible=True))
        for person in (ann, eve):
            await until(lambda person=person: _sees_one(person), "visible")
        code = (await ann.api.status()).rows.nearby.code
        await eve.api.submit(MeetNearby(person=code))
        for person in (ann, eve):
            await until(lambda person=person: _state(person, ComparisonState.COMPARE), "words")
            [row] = (await person.api.status()).rows.comparisons
            await person.api.submit(AnswerComparison(comparison=row.id, answer=Answer.SAME))
        await until(lambda: _state(ann, ComparisonState.FAILED, ComparisonState.DONE), "an end")
        assert await _state(ann, ComparisonState.FAILED)
        assert (await ann.api.contacts()).rows == ()

    run_virtual(story())


def test_a_contact_gets_few_keys_to_try_the_words_with() -> None:
    async def story() -> None:
        world = SimulatedWorld(402)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        mallory = Mallory(bob)
        for attempt in range(3 * MAX_COMPARISONS_ASKED):
            comparison = ComparisonId(digest("mc.test.try", bytes([attempt])))
            mallory.send(CompareStart(comparison=comparison, purpose=Purpose.VERIFY, commitment=bytes(32)))
            mallory.send(CompareEnd(comparison=comparison, reason=EndReason.REFUSED))
        await asyncio.sleep(2)
        asked = (await ann.api.status()).rows.comparisons
        assert len(asked) == MAX_COMPARISONS_ASKED
        assert (await counters(ann))["comparison-too-often"] == 2 * MAX_COMPARISONS_ASKED

    run_virtual(story())


def test_a_stranger_gets_few_keys_to_try_the_words_with_even_if_it_asks_in_one_breath() -> None:
    async def story() -> None:
        world = SimulatedWorld(405)
        ann, eve = await world.add("ann", "eve")
        for person in (ann, eve):
            await person.api.submit(SetNearby(visible=True))
        for person in (ann, eve):
            await until(lambda person=person: _sees_one(person), "visible")
        code = (await ann.api.status()).rows.nearby.code
        await eve.api.submit(MeetNearby(person=code))
        await until(lambda: _state(ann, ComparisonState.COMPARE), "words")
        engine = ann.api._engine
        assert engine is not None
        [session] = [each for each in engine.world.sessions.values() if each.nearby]
        first = next(iter(engine.world.comparisons))
        tries = [ComparisonId(digest("mc.test.try", bytes([attempt]))) for attempt in range(3 * MAX_NEARBY_TRIES)]
        # What arrives together is looked at in one batch.
        frames: list[CompareFrame] = [CompareEnd(comparison=first, reason=EndReason.REFUSED)]
        for comparison in tries:
            start = CompareStart(
                comparison=comparison, purpose=Purpose.MEET, commitment=bytes(32), name="x", nearby=bytes(NEARBY_ID_BYTES)
            )
            frames.append(start)
            frames.append(CompareEnd(comparison=comparison, reason=EndReason.REFUSED))
        for frame in frames:
            ann.api._deliver(FrameIn(link=session.link, frame=encode_frame(frame)))
        await until(lambda: _invisible(ann), "the window closes")
        rows = [row.id for row in (await ann.api.status()).rows.comparisons]
        assert [each for each in rows if each in tries] == tries[: MAX_NEARBY_TRIES - 1]

    run_virtual(story())


async def _invisible(person: Person) -> bool:
    return (await person.api.status()).rows.nearby is None


@pytest.mark.parametrize("number", [MAX_LIST_NUMBER, MAX_INTEGER])
def test_a_list_of_a_number_that_none_can_follow_makes_no_contact(number: int, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        world = SimulatedWorld(403)
        ann, eve = await world.add("ann", "eve")
        account = Account(eve.account_entropy)
        engine = eve.api._engine
        assert engine is not None
        mine = engine.world.identity.devices
        body = device_list_body(
            account_key=account.key,
            account_sealing_key=mine.account_sealing_key,
            number=number,
            previous=mine.digest,
            certificates=mine.certificates,
            revoked=(),
        )
        listed = encode([body, sign(account.seed, device_list_signed_bytes(body))])
        assert not hasattr(decode_device_list(listed), "reason")
        honest = engine._introductions.pairing.frame

        def hostile(join_key: bytes, share: bytes, *, confirmed: bool) -> PairFrame:
            frame = honest(join_key, share, confirmed=confirmed)
            return PairFrame(
                invitation=frame.invitation, devices=listed, profile=frame.profile, share=frame.share, confirmed=frame.confirmed
            )

        engine._introductions.pairing.frame = hostile
        link = (await ann.api.submit(InviteContact())).link
        assert link is not None
        await eve.api.submit(AcceptContact(link=link))
        await until(lambda: _counted(ann, "devices-rejected"), "refused")
        assert (await ann.api.contacts()).rows == ()
        assert "batch failed" not in caplog.text

    run_virtual(story())


async def _counted(person: Person, reason: str) -> bool:
    return (await counters(person)).get(reason, 0) > 0


def test_a_profile_of_the_greatest_number_does_not_keep_an_account_from_coming_back(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        world = SimulatedWorld(404)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        engine = ann.api._engine
        assert engine is not None
        me = engine.world.identity
        # A thief of the device's keys signs it, and shows it to a contact.
        stolen = sign_profile(me.secrets, me.user, MAX_INTEGER, Profile(name="thief"))
        Mallory(ann).send(MessageFrame(channel=bytes(PREFIX_SIZE), statements=(stolen.encoded,)))
        await asyncio.sleep(2)
        await ann.stop()
        again = await world.restore(ann, "again")
        await until(lambda: _knows_one(again), "back with its contact")
        assert "batch failed" not in caplog.text

    run_virtual(story())


async def _knows_one(person: Person) -> bool:
    return any(row.online for row in (await person.api.contacts()).rows)
