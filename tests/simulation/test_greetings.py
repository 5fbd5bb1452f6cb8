"""What peers say at link up, and what word of delivery goes through others: counted in frames and bytes, in virtual time."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.crypto.identity import sign_receipt
from multichat_tui.crypto.keys import Signer
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import Ack, Frame, MessageFrame, Offer, Request
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.intents import ChangeSetting, SetName
from multichat_tui.model.limits import LATER_RELAY_DELAY_MS
from multichat_tui.model.receipts import HeldChain
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.simulated import Conditions, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.identity import Identity, load_identity
from multichat_tui.node.world import World

Wire = list[tuple[str, str, bytes]]


def listen(world: SimulatedWorld) -> Wire:
    seen: Wire = []
    world.hub.on_frame = lambda sender, receiver, frame: seen.append((sender.name, receiver.name, frame))
    return seen


def frames(wire: Wire) -> list[Frame | Rejected]:
    return [decode_frame(frame) for _, _, frame in wire]


def offers(wire: Wire) -> list[Offer]:
    return [frame for frame in frames(wire) if isinstance(frame, Offer)]


def inside(person: Person) -> World:
    """What their running node holds in memory."""
    engine = person.api._engine
    assert engine is not None
    return engine.world


def identity_of(person: Person) -> Identity:
    """Running or not."""
    with person.store.inner.transaction() as txn:
        return load_identity(txn, bytes)


async def linked(one: Person, other: Person) -> bool:
    device = identity_of(other).device
    return any(s.device == device and s.greeted for s in inside(one).sessions.values())


async def settled(world: SimulatedWorld, wire: Wire) -> None:
    """Nothing has been said for so long that nothing waits to be said either."""
    while True:
        count = len(wire)
        await asyncio.sleep(2 * LATER_RELAY_DELAY_MS / 1000)
        if len(wire) == count:
            return


async def state_of(person: Person, channel: ChannelId, text: str) -> Delivery:
    return next(row.state for row in await person.rows(channel) if row.text == text)


async def delivered(person: Person, channel: ChannelId, text: str, state: Delivery = Delivery.ALL) -> None:
    async def is_so() -> bool:
        return await state_of(person, channel, text) is state

    await until(is_so, f"{text!r} is delivered: {state.value}")


async def shown(person: Person, channel: ChannelId, text: str) -> None:
    async def is_so() -> bool:
        return text in await person.texts(channel)

    await until(is_so, f"{person.name} has {text!r}")


async def talking(seed: int, *names: str) -> tuple[SimulatedWorld, ChannelId, list[Person]]:
    """A channel of these people, in which the first has said something that all have."""
    world = SimulatedWorld(seed)
    people = await world.add(*names)
    channel = await world.channel_of(*people)
    await people[0].say(channel, "hello")
    await world.converge(channel)
    return world, channel, people


def test_nothing_missing_in_fifty_channels_costs_less_than_a_hundred_bytes() -> None:
    async def story() -> None:
        world = SimulatedWorld(901)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        for number in range(50):
            channel = await world.channel_of(ann, bob, name=f"c{number}")
            await ann.say(channel, f"hello {number}")
            await bob.say(channel, f"hello too {number}")
        wire = listen(world)
        await settled(world, wire)
        await bob.stop()
        wire.clear()
        await bob.start()
        await until(lambda: linked(ann, bob), "linked again")
        await until(lambda: linked(bob, ann), "linked again")
        await settled(world, wire)
        assert all(isinstance(frame, Offer | Ack) for frame in frames(wire)), frames(wire)
        total = sum(len(frame) for _, _, frame in wire)
        print(f"{len(wire)} frames, {total} bytes")
        assert total < 100

    run_virtual(story())


def test_ten_missing_cost_two_round_trips_and_little_beside_the_records() -> None:
    async def story() -> None:
        world = SimulatedWorld(902, Conditions(latency_ms=100))
        ann, bob, *others = people = await world.add("ann", "bob", *(f"p{n}" for n in range(8)))
        channel = await world.channel_of(ann, *people[1:])
        for person in people:
            await person.say(channel, f"hello from {person.name}")
        await world.converge(channel)
        wire = listen(world)
        await settled(world, wire)
        await bob.stop()
        for number in range(10):
            await others[number % 8].say(channel, f"missed {number}")
        await world.converge(channel)
        await settled(world, wire)
        for other in others:
            await other.stop()
        wire.clear()
        times: list[float] = []
        loop = asyncio.get_running_loop()

        def tap(sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> None:
            wire.append((sender.name, receiver.name, frame))
            times.append(loop.time())

        world.hub.on_frame = tap
        await bob.start()
        await world.converge(channel)
        await settled(world, wire)
        beside = records = 0
        began_records = 0.0
        kinds = []
        began = times[0]
        for (sender, _, frame), at in zip(wire, times, strict=True):
            decoded = decode_frame(frame)
            kinds.append((sender, type(decoded).__name__, len(frame)))
            if isinstance(decoded, MessageFrame) and decoded.items:
                records += len(frame)
                began_records = at
            else:
                beside += len(frame)
        print(kinds, beside, records)
        assert beside <= 4000
        named = [offer for sender, _, frame in wire if sender == "bob" and isinstance(offer := decode_frame(frame), Offer)]
        device = identity_of(ann).device[:PREFIX_SIZE]
        tips = [tip for offer in named for entry in offer.channels for tip in entry.tips]
        places = [place for offer in named for vector in offer.vectors for place in vector.places]
        # Bob, who has nothing new, names ann's own chains alone.
        assert len(places) + len(tips) <= 2
        assert all(tip.device == device for tip in tips)
        asked = [sender for sender, kind, _ in kinds if kind == "Request"]
        assert asked == ["bob"], "one request brings all ten"
        # Fingerprints cross; offers cross; then a request and its records: two round trips of 200 ms, and little more.
        assert began_records - began <= 0.45

    run_virtual(story())


@pytest.mark.parametrize("old", ["ann", "bob", "both"])
def test_a_node_of_the_first_version_is_served_as_ever(old: str) -> None:
    async def story() -> None:
        world = SimulatedWorld(903)
        ann, bob = await world.add("ann", "bob")
        for person in (ann, bob):
            if old in (person.name, "both"):
                person.network.version = 1
                person.crash()
                await person.start()
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        await bob.stop()
        await ann.say(channel, "while away")
        wire = listen(world)
        await bob.start()
        await world.converge(channel)
        await delivered(ann, channel, "while away")
        assert offers(wire)
        assert not any(offer.fingerprint or offer.vectors or offer.receipts or offer.receipt_numbers for offer in offers(wire))

    run_virtual(story())


def test_who_lost_something_is_offered_everything_again() -> None:
    """A disk that comes back from an old copy: what the other believes it to hold it does not."""

    async def story() -> None:
        world, channel, (ann, bob, eve) = await talking(904, "ann", "bob", "eve")
        await delivered(ann, channel, "hello")
        await bob.stop()
        await eve.say(channel, "between")
        await world.converge(channel)
        # Ann believes that bob has it already.
        chains = inside(ann).channels[channel].chains
        key = (Log.CONTENT, identity_of(eve).device[:PREFIX_SIZE])
        inside(ann).peer_holds(identity_of(bob).device, channel)[key] = chains.held(key)
        await eve.stop()
        await bob.start()
        await until(lambda: linked(ann, bob), "linked")
        await shown(bob, channel, "between")

    run_virtual(story())


def test_vectors_by_another_table_of_devices_are_said_again_in_full() -> None:
    async def story() -> None:
        world, channel, (ann, bob) = await talking(905, "ann", "bob")
        await bob.stop()
        await ann.say(channel, "while away")
        inside(ann).channels[channel].numbers.tag = b"\0\0\0\0"
        wire = listen(world)
        await bob.start()
        await shown(bob, channel, "while away")
        assert any(isinstance(frame, Ack) and frame.unread for frame in frames(wire))
        assert any(offer.channels for offer in offers(wire))

    run_virtual(story())


# Receipts


async def chain_of_three(seed: int) -> tuple[SimulatedWorld, Person, Person, Person, ChannelId]:
    """Ann has written something for eve, who is away, and bob has it: he is always on, ann and eve never at the same time."""
    world, channel, (ann, bob, eve) = await talking(seed, "ann", "bob", "eve")
    await delivered(ann, channel, "hello")
    await eve.stop()
    await ann.say(channel, "for eve")
    await delivered(ann, channel, "for eve", Delivery.SOME)
    return world, ann, bob, eve, channel


async def handed_on(ann: Person, eve: Person, channel: ChannelId) -> None:
    """Ann goes, eve comes and gets it from bob."""
    await ann.stop()
    await eve.start()
    await shown(eve, channel, "for eve")


def test_an_author_learns_through_others_that_a_message_has_arrived() -> None:
    async def story() -> None:
        world, ann, _bob, eve, channel = await chain_of_three(911)
        await handed_on(ann, eve, channel)
        wire = listen(world)
        await settled(world, wire)
        await eve.stop()
        await ann.start()
        await delivered(ann, channel, "for eve")
        await ann.stop()
        await ann.start()
        assert await state_of(ann, channel, "for eve") is Delivery.ALL, "and still knows after a restart"

    run_virtual(story())


def test_word_of_delivery_goes_on_to_who_is_linked_just_then() -> None:
    async def story() -> None:
        world, ann, _bob, eve, channel = await chain_of_three(917)
        world.hub.partition(["ann"], ["eve"])
        await eve.start()
        await shown(eve, channel, "for eve")
        await delivered(ann, channel, "for eve")
        assert not await linked(ann, eve)

    run_virtual(story())


def test_whoever_is_linked_to_the_author_makes_no_receipts() -> None:
    async def story() -> None:
        world, channel, (ann, _bob, _eve) = await talking(912, "ann", "bob", "eve")
        wire = listen(world)
        await ann.say(channel, "all here")
        await world.converge(channel)
        await settled(world, wire)
        assert offers(wire)
        assert not any(offer.receipts for offer in offers(wire))

    run_virtual(story())


def test_receipts_can_be_turned_off() -> None:
    async def story() -> None:
        world, ann, _bob, eve, channel = await chain_of_three(913)
        await ann.stop()
        await eve.start()
        await eve.api.submit(ChangeSetting(key="receipts", value="off"))
        await shown(eve, channel, "for eve")
        wire = listen(world)
        await settled(world, wire)
        await eve.stop()
        await ann.start()
        await settled(world, wire)
        assert await state_of(ann, channel, "for eve") is Delivery.SOME

    run_virtual(story())


def test_receipts_that_were_due_when_the_process_died_are_made_later() -> None:
    async def story() -> None:
        world, ann, _bob, eve, channel = await chain_of_three(914)
        await handed_on(ann, eve, channel)
        eve.crash()
        await eve.start()
        wire = listen(world)
        await asyncio.sleep(60)
        await settled(world, wire)
        await eve.stop()
        await ann.start()
        await delivered(ann, channel, "for eve")

    run_virtual(story())


@pytest.mark.parametrize("fault", ["signature", "stranger", "hash", "older", "other's"])
def test_false_receipts_change_nothing(fault: str) -> None:
    async def story() -> None:
        _world, ann, bob, eve, channel = await chain_of_three(915)
        at_ann, hers = inside(ann), identity_of(eve)
        key = (Log.CONTENT, at_ann.identity.device[:PREFIX_SIZE])
        end = at_ann.channels[channel].chains.ends[key]
        begins = b"\0" * PREFIX_SIZE if fault == "hash" else end.id[:PREFIX_SIZE]
        chains = (HeldChain(device=key[1], seq=end.seq, hash=begins),)
        device, signer = hers.device, hers.signer
        if fault in ("signature", "other's"):
            signer = inside(bob).identity.signer
        if fault == "stranger":
            signer = Signer(b"\7" * 32)
            device = DeviceId(signer.public)
        if fault == "other's":
            device = at_ann.identity.device
        receipt = sign_receipt(signer, channel, device, 7, chains)
        if fault == "older":
            known = sign_receipt(signer, channel, device, 8, ())
            at_ann.channels[channel].receipts[device] = known
        session = next(iter(inside(bob).peers()))
        frame = encode_frame(Offer(number=10**6, receipts=(receipt.encoded,)))
        assert bob.api._network is not None
        bob.api._network.send(session.link, frame)
        await asyncio.sleep(5)
        assert await state_of(ann, channel, "for eve") is Delivery.SOME

    run_virtual(story())


def test_a_name_that_changed_meanwhile_is_told_without_the_chains() -> None:
    async def story() -> None:
        world, channel, (ann, bob) = await talking(916, "ann", "bob")
        wire = listen(world)
        await settled(world, wire)
        await bob.stop()
        await ann.api.submit(SetName(name="anna"))
        wire.clear()
        await bob.start()
        await until(lambda: linked(ann, bob), "linked")
        await settled(world, wire)
        assert not any(offer.channels or offer.vectors for offer in offers(wire))
        assert any(isinstance(frame, Request) and frame.statements for frame in frames(wire))
        assert "anna" in {row.name for row in (await bob.api.members(channel)).rows}

    run_virtual(story())
