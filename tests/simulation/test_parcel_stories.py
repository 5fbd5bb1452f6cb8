"""People who are never online together: what they write goes in parcels, carried by hand."""

import asyncio
import random

import pytest
from carried import carry, counter, device_of, hand_over, within, write
from parted import part, parted, states
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.codec import Rejected
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import MessageFrame, PairFrame
from multichat_tui.model.intents import OpenDirect
from multichat_tui.model.limits import CARRIED_GAP_MS, RECEIPT_DELAY_MS, REPLY_DELAY_MS
from multichat_tui.model.parcels import Cover, decode_contents, encode_contents
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import packing
from multichat_tui.node import world as world_module
from multichat_tui.node.deposits import Deposit
from multichat_tui.node.engine import Engine

pytestmark = pytest.mark.usefixtures("patient")


def test_what_two_write_who_are_never_linked_comes_in_parcels_and_is_shown_as_delivered() -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(1, "ann", "bob")
        await ann.say(channel, "one")
        await ann.say(channel, "two")
        assert await states(ann, channel) == [Delivery.QUEUED] * 2
        assert carry(ann, bob)
        assert await bob.texts(channel) == ["one", "two"]
        await bob.say(channel, "three")
        assert carry(bob, ann)
        assert await ann.texts(channel) == ["one", "two", "three"]
        assert await states(ann, channel) == [Delivery.ALL] * 2
        assert carry(ann, bob)
        assert await states(bob, channel) == [Delivery.ALL]
        # Bob owes nothing for an acknowledgement alone, and nobody has anything more to say.
        assert write(bob, ann) is None
        assert write(ann, bob) is None

    run_virtual(story())


def test_an_answer_is_due_after_a_moment_also_where_there_is_nothing_else_to_say() -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(2, "ann", "bob")
        await ann.say(channel, "one")
        carry(ann, bob)
        assert within(bob, lambda engine: engine.parcels.due()) == []

        async def due() -> bool:
            return within(bob, lambda engine: engine.parcels.due()) == [device_of(ann)]

        await until(due, "the acknowledgement is due", timeout_s=2 * REPLY_DELAY_MS / 1000)
        parcel = write(bob, ann)
        assert parcel is not None
        assert parcel.covers == ()
        assert within(bob, lambda engine: engine.parcels.due()) == []

    run_virtual(story())


def test_what_is_owed_survives_a_restart() -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(3, "ann", "bob")
        await ann.say(channel, "one")
        carry(ann, bob)
        bob.crash()
        await bob.start()
        assert carry(bob, ann)
        assert await states(ann, channel) == [Delivery.ALL]

    run_virtual(story())


def test_parcels_may_be_lost_come_twice_and_in_any_order() -> None:
    async def story(seed: int) -> None:
        _, (ann, bob), channel = await parted(seed, "ann", "bob")
        rng = random.Random(seed)
        on_the_way: list[tuple[Person, Person, bytes]] = []
        said = 0
        for _ in range(60):
            sender, reader = rng.choice([(ann, bob), (bob, ann)])
            if rng.random() < 0.6:
                await sender.say(channel, f"{sender.name} {said}")
                said += 1
            parcel = write(sender, reader, limit=rng.choice([2500, 8000, 192 * 1024]))
            if parcel is not None:
                on_the_way += [(sender, reader, parcel.contents)] * rng.choice([0, 1, 1, 2])
            rng.shuffle(on_the_way)
            while on_the_way and rng.random() < 0.4:
                one, other, contents = on_the_way.pop()
                assert hand_over(one, other, contents)
            if rng.random() < 0.1:
                person = rng.choice([ann, bob])
                person.crash()
                await person.start()
        for _ in range(4):
            carry(ann, bob)
            carry(bob, ann)
        ours, theirs = await ann.texts(channel), await bob.texts(channel)
        assert ours == theirs
        assert len(ours) == len(set(ours)) == said
        assert set(await states(ann, channel)) | set(await states(bob, channel)) == {Delivery.ALL}

    for seed in range(10, 22):
        run_virtual(story(seed))


def test_what_waits_for_a_parcel_that_comes_later_is_kept_over_a_restart() -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(4, "ann", "bob")
        await ann.say(channel, "one")
        first = write(ann, bob)
        await ann.say(channel, "two")
        both = write(ann, bob)
        assert first is not None
        assert both is not None
        late = without_first_item(both.contents)
        assert hand_over(ann, bob, late)
        assert await bob.texts(channel) == []
        bob.crash()
        await bob.start()
        assert within(bob, lambda engine: len(engine.world.txn.scan(Space.PARCEL))) == 1
        assert hand_over(ann, bob, first.contents)
        assert await bob.texts(channel) == ["one", "two"]
        assert within(bob, lambda engine: engine.world.txn.scan(Space.PARCEL)) == []

    run_virtual(story())


def without_first_item(contents: bytes) -> bytes:
    """As if an earlier parcel had brought the first record."""
    frames = decode_contents(contents)
    assert isinstance(frames, tuple)
    changed = []
    for encoded in frames:
        frame = decode_frame(encoded)
        if isinstance(frame, MessageFrame) and len(frame.items) > 1:
            frame = MessageFrame(channel=frame.channel, devices=frame.devices, items=frame.items[1:])
            encoded = encode_frame(frame)
        changed.append(encoded)
    return encode_contents(changed)


def test_what_never_comes_is_asked_for_after_a_while() -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(5, "ann", "bob")
        await ann.say(channel, "one")
        await ann.say(channel, "two")
        both = write(ann, bob)
        assert both is not None
        hand_over(ann, bob, without_first_item(both.contents))
        lost: list[tuple[int, int]] = []

        def note(engine: Engine) -> None:
            engine._exchange.requests.on_lost = lambda session, channel, ranges: lost.extend((r.first, r.last) for r in ranges)

        within(ann, note)

        async def asks() -> bool:
            return carry(bob, ann) and bool(lost)

        await until(asks, "bob asks", timeout_s=3 * CARRIED_GAP_MS / 1000)
        assert lost == [(0, 0)] or lost == [(0, 1)]
        carry(ann, bob)
        assert await bob.texts(channel) == ["one", "two"]

    run_virtual(story())


def test_three_members_hear_of_each_other_through_the_one_who_meets_both() -> None:
    async def story() -> None:
        _, (ann, bob, cem), channel = await parted(6, "ann", "bob", "cem")
        await bob.say(channel, "from bob")
        assert carry(bob, ann)
        await ann.say(channel, "from ann")
        assert carry(ann, cem)
        assert await cem.texts(channel) == ["from bob", "from ann"]
        # Cem's word reaches ann; bob hears from her, with cem's receipt, that it has come to all.
        assert carry(cem, ann)
        assert await states(ann, channel) == [Delivery.SOME]
        await asyncio.sleep(RECEIPT_DELAY_MS / 1000 + 1)
        await cem.say(channel, "from cem")
        carry(cem, ann)
        carry(ann, bob)
        assert await bob.texts(channel) == ["from bob", "from ann", "from cem"]
        assert await states(bob, channel) == [Delivery.ALL]
        carry(bob, ann)
        assert await states(ann, channel) == [Delivery.ALL]

    run_virtual(story())


def test_a_direct_conversation_begins_in_a_parcel() -> None:
    async def story() -> None:
        world = SimulatedWorld(7)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        world.hub.partition(["ann"], ["bob"])
        bob_user = (await bob.api.me()).rows.user
        channel = (await ann.api.submit(OpenDirect(user=bob_user))).channel
        assert channel is not None
        await ann.say(channel, "hello")
        first = write(ann, bob)
        assert first is not None
        assert hand_over(ann, bob, first.contents)
        assert await bob.texts(channel) == ["hello"]
        carry(bob, ann)
        assert await states(ann, channel) == [Delivery.ALL]

    run_virtual(story())


def test_nothing_is_taken_from_a_stranger_nor_what_has_no_place_in_a_parcel() -> None:
    async def story() -> None:
        world, (ann, bob), channel = await parted(8, "ann", "bob")
        (eve,) = await world.add("eve")
        await ann.say(channel, "one")
        parcel = write(ann, bob)
        assert parcel is not None
        assert not hand_over(eve, bob, parcel.contents)
        assert counter(bob, "parcel-from-stranger") == 1
        assert write(ann, eve) is None
        assert not hand_over(ann, bob, parcel.contents[:-1])
        assert not hand_over(ann, bob, b"\x80")
        assert counter(bob, "parcel-not-cbor") == 1
        assert counter(bob, "parcel-limit") == 1
        pair = PairFrame(invitation=bytes(32), devices=b"x", profile=b"x", share=bytes(32), confirmed=False)
        history = MessageFrame(channel=channel[:8], following=0)
        assert hand_over(ann, bob, encode_contents([encode_frame(pair), encode_frame(history), b"\x00"]))
        assert counter(bob, "parcel-frame") == 2
        assert await bob.texts(channel) == []

    run_virtual(story())


def test_no_parcel_is_said_to_hold_what_there_was_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """More channels have news than a parcel has frames."""
    for room in (world_module, packing):
        monkeypatch.setattr(room, "MAX_GATHERED_FRAMES", 6)
    monkeypatch.setattr(packing, "FRAMES_AT_ONCE", 8)

    async def story() -> None:
        world = SimulatedWorld(88)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channels = [await world.channel_of(ann, bob, name=f"channel {number}") for number in range(9)]
        await part(world)
        for channel in channels:
            await ann.say(channel, "news")
        reader = device_of(bob)
        covers: list[Cover] = []
        for _ in range(4):
            parcel = within(ann, lambda engine, known=tuple(covers): engine.parcels.contents_for(reader, covered=known))
            if parcel is None or not parcel.covers:
                break
            covers += parcel.covers
            assert hand_over(ann, bob, parcel.contents)
            for cover in parcel.covers:
                assert await bob.texts(cover.channel) == ["news"], "what a parcel is said to hold is in it"
        assert {cover.channel for cover in covers} == set(channels)

    run_virtual(story())


def test_what_is_said_of_ourselves_is_not_said_again_while_it_lies_somewhere_for_its_reader() -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(3, "ann", "bob")
        await ann.say(channel, "one")
        first, reader = write(ann, bob), device_of(bob)
        assert first is not None
        assert first.statements

        def deposit(engine: Engine) -> Deposit:
            world = engine.world
            row = world.deposits.add(world.txn, reader, b"sealed", first.covers, world.now, world.now + 60_000, 1)
            engine.parcels.lies(first, row)
            return row

        row = within(ann, deposit)
        await ann.say(channel, "two")
        second = write(ann, bob)
        assert second is not None
        assert (second.covers != (), second.statements) == (True, ())
        within(ann, lambda engine: engine.world.deposits.remove(engine.world.txn, row))
        third = write(ann, bob)
        assert third is not None
        assert third.statements == first.statements

    run_virtual(story())


def test_what_could_not_be_opened_is_answered_with_the_ways_by_which_one_is_written_to() -> None:
    async def story() -> None:
        _, (ann, bob), _channel = await parted(89, "ann", "bob")
        reader = device_of(bob)
        assert not within(ann, lambda engine: engine.take_sealed(reader, b"nothing that can be opened"))
        parcel = write(ann, bob)
        assert parcel is not None
        assert parcel.covers == ()
        frames = decode_contents(parcel.contents)
        assert not isinstance(frames, Rejected)
        said = [frame for each in frames if isinstance(frame := decode_frame(each), MessageFrame)]
        assert any(frame.device_statements for frame in said)
        again = write(ann, bob)
        assert again is None, "once for each"

    run_virtual(story())
