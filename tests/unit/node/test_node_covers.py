"""Records that a later one of their chain vouches for: what is taken, what is stored, and what others are sent of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))
sys.path.insert(0, str(Path(__file__).parent))

import asyncio
from dataclasses import dataclass, replace

from carried import within
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_world import Person, SimulatedWorld, until
from test_node_hostile import Mallory, counters, setting

from multichat_tui.crypto.keys import Signer
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import Message
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frame_bytes import decode_frame
from multichat_tui.model.frames import ElidedItem, FullItem, MessageFrame, Ref, Request
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId
from multichat_tui.model.limits import MAX_RECORD_FAULTS
from multichat_tui.model.parcels import Cover, decode_contents
from multichat_tui.model.records import (
    Header,
    Kind,
    Proof,
    Record,
    body_hash,
    encode_header,
    record_id,
    seal_body,
    signed_bytes,
    size_bucket,
)
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.engine import Engine
from multichat_tui.node.foresight import foresee
from multichat_tui.node.node_rows import _lacking
from multichat_tui.node.world import Channel

NOBODY = Signer(b"n" * 32)


@dataclass
class Chain:
    """Writes one device's content chain by hand, from where it is; `signer` may be somebody else's."""

    channel: Channel
    device: DeviceId
    signer: Signer

    def __post_init__(self) -> None:
        end = self.channel.chains.ends.get((Log.CONTENT, self.device[:PREFIX_SIZE]))
        self.seq, self.prev = (0, None) if end is None else (end.seq + 1, end.id)

    def next(self, text: str, *, channel: ChannelId | None = None, prev: RecordId | None = None, good: bool = True) -> Record:
        body = seal_body(encode_acts((Message(text=text),)), bytes(32))
        header = Header(
            kind=Kind.CONTENT,
            channel=channel or self.channel.id,
            log=Log.CONTENT,
            device=self.device,
            seq=self.seq,
            prev=prev or self.prev,
            parents=() if self.prev is None else (self.prev,),
            control_heads=tuple(sorted(self.channel.chains.heads[Log.CONTROL])),
            timestamp_ms=1_760_000_000_000 + self.seq,
            ets=1_760_000_000_000 + self.seq,
            body_hash=body_hash(body),
            body_size_bucket=size_bucket(len(body)),
        )
        encoded = encode_header(header)
        identifier = record_id(encoded)
        signature = (self.signer if good else NOBODY).sign(signed_bytes(identifier))
        self.seq, self.prev = self.seq + 1, identifier
        return Record(header=header, header_bytes=encoded, id=identifier, signature=signature, body=body)


def items(records: list[Record]) -> list[FullItem]:
    return [FullItem(header_bytes=r.header_bytes, signature=r.signature, body=r.body) for r in records]


def foreseen(engine: Engine, channel: Channel, records: list[Record]) -> dict[int, Proof]:
    """What is found without touching the store: the index of each record, and how it is proven."""
    found = foresee(engine._ledger, channel, items(records), ())
    assert not any(engine.world.txn.holds(record.id) for record in records)
    return {index: each.record.proof for index, each in found.items()}


async def _members() -> tuple[SimulatedWorld, Person, Person, Person, ChannelId]:
    world = SimulatedWorld(31)
    ann, bob, carl = await world.add("ann", "bob", "carl")
    await world.pair(ann, bob)
    await world.pair(ann, carl)
    return world, ann, bob, carl, await world.channel_of(ann, bob, carl)


FORGERIES = st.lists(
    st.sampled_from(("carl", "carl, badly signed", "forged", "bob", "bob, badly signed", "bob cites the last", "elsewhere")),
    min_size=1,
    max_size=12,
)


def test_nothing_forged_is_ever_taken_for_its_neighbours() -> None:
    """Bob, who is a member, sends frames of records of his own, of Carl's, and of forged ones in Carl's name, in any mixture."""

    async def play() -> None:
        _, ann, bob, carl, identifier = await _members()
        engine = ann.api._engine
        assert engine is not None
        channel = engine.world.channels[identifier]
        bob_key, carl_key = (Mallory(person).world.identity for person in (bob, carl))
        with ann.store.transaction() as txn:
            engine.world.txn = txn

            @settings(max_examples=150, deadline=None)
            @given(FORGERIES, st.randoms())
            def forge(kinds: list[str], random: object) -> None:
                his, hers = Chain(channel, bob_key.device, bob_key.signer), Chain(channel, carl_key.device, carl_key.signer)
                genuine: set[RecordId] = set()
                records: list[Record] = []
                for number, kind in enumerate(kinds):
                    text = f"{number}"
                    match kind:
                        case "carl":
                            records.append(hers.next(text))
                            genuine.add(records[-1].id)
                        case "carl, badly signed":
                            # Carl wrote it, Bob has spoilt the signature: it is Carl's all the same.
                            records.append(hers.next(text, good=False))
                            genuine.add(records[-1].id)
                        case "forged":
                            there = replace(hers)
                            there.seq, there.prev = hers.seq, hers.prev
                            records.append(there.next(f"forged {text}", good=False))
                        case "bob" | "bob, badly signed":
                            records.append(his.next(text, good=kind == "bob"))
                            genuine.add(records[-1].id)
                        case "bob cites the last" if records:
                            records.append(his.next(text, prev=records[-1].id))
                            genuine.add(records[-1].id)
                        case _:
                            records.append(his.next(text, channel=ChannelId(b"e" * 32)))
                taken = foreseen(engine, channel, records)
                assert {records[index].id for index in taken} <= genuine
                for index, proof in taken.items():
                    record = records[index]
                    signed = record.signature != NOBODY.sign(signed_bytes(record.id))
                    later = [records[i] for i in taken if records[i].header.prev == record.id]
                    assert later or (signed and proof is Proof.OWN)
                    assert not later or proof is Proof.COVER

            forge()

    run_virtual(play())


def test_the_last_signature_of_a_run_is_enough_and_only_the_last() -> None:
    async def play() -> None:
        _, ann, bob, channel_id = await setting(32)
        engine = ann.api._engine
        assert engine is not None
        channel, key = engine.world.channels[channel_id], Mallory(bob).world.identity
        with ann.store.transaction() as txn:
            engine.world.txn = txn
            chain = Chain(channel, key.device, key.signer)
            run = [chain.next("a", good=False), chain.next("b", good=False), chain.next("c")]
            assert foreseen(engine, channel, run) == {0: Proof.COVER, 1: Proof.COVER, 2: Proof.OWN}
            assert foreseen(engine, channel, run[:2]) == {}
            assert foreseen(engine, channel, [run[0], run[2]]) == {}
            assert foreseen(engine, channel, [run[1], run[2]]) == {}

    run_virtual(play())


def test_what_is_ours_and_was_not_written_here_is_not_taken_in_a_run() -> None:
    """It shows that the profile was copied or put back, which is looked at record by record."""

    async def play() -> None:
        _, ann, _, channel_id = await setting(34)
        engine = ann.api._engine
        assert engine is not None
        channel, key = engine.world.channels[channel_id], Mallory(ann).world.identity
        with ann.store.transaction() as txn:
            engine.world.txn = txn
            chain = Chain(channel, key.device, key.signer)
            assert foreseen(engine, channel, [chain.next("a"), chain.next("b")]) == {}

    run_virtual(play())


def test_what_only_its_cover_proves_reaches_everybody_with_it_and_nobody_is_blamed() -> None:
    async def play() -> None:
        world, ann, bob, carl, channel = await _members()
        mallory = Mallory(bob)
        chain = Chain(mallory.world.channels[channel], mallory.world.identity.device, mallory.world.identity.signer)
        run = [chain.next("unsigned", good=False), chain.next("cover")]
        mallory.push(channel, *run)
        await until(lambda: _shows(carl, channel, ["unsigned", "cover"]), "carl has both, from ann")
        await carl.say(channel, "and goes on")
        await until(lambda: _shows(ann, channel, ["unsigned", "cover", "and goes on"]), "ann has the answer")
        assert "record-signature" not in await counters(carl)
        with ann.store.transaction() as txn:
            proofs = [record.proof for found in run if (record := txn.record(found.id)) is not None]
            assert proofs == [Proof.COVER, Proof.OWN]
        frames = _frames_to(world, carl)
        Mallory(carl).send(Request(channel=channel[:PREFIX_SIZE], ids=(run[0].id,)))
        await until(lambda: _is(bool(frames)), "ann answers")
        assert [item.header_bytes for item in frames[0].items if isinstance(item, FullItem)] == [r.header_bytes for r in run]

    run_virtual(play())


def test_a_peer_of_the_first_version_is_not_sent_what_it_cannot_check() -> None:
    async def play() -> None:
        _, ann, bob, carl, channel = await _members()
        await carl.stop()
        mallory = Mallory(bob)
        chain = Chain(mallory.world.channels[channel], mallory.world.identity.device, mallory.world.identity.signer)
        mallory.push(channel, chain.next("fine"), chain.next("unsigned", good=False), chain.next("cover"))
        await until(lambda: _shows(ann, channel, ["fine", "unsigned", "cover"]), "ann has all")
        carl.network.version = 1
        await carl.start()
        await until(lambda: _shows(carl, channel, ["fine"]), "carl has what holds by itself")
        await asyncio.sleep(60)
        assert "record-signature" not in await counters(carl)
        assert await carl.texts(channel) == ["fine"]
        assert _device(ann) in {row.device for row in (await carl.api.peers()).rows}

    run_virtual(play())


def test_what_came_with_a_cover_that_must_wait_is_nobody_s_fault_and_asked_for_again() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(33)
        await bob.say(channel, "before")
        await until(lambda: _shows(ann, channel, ["before"]), "ann has it")
        mallory = Mallory(bob)
        identity = mallory.world.identity
        chain = Chain(mallory.world.channels[channel], identity.device, identity.signer)
        unsigned, cover = _elided(chain.next("unsigned", good=False)), _elided(chain.next("cover"))
        waiting = replace(cover, parents=(Ref(device=0, seq=999),))
        devices = (identity.device[:PREFIX_SIZE],)
        link = mallory.link
        for _ in range(2 * MAX_RECORD_FAULTS):
            mallory.send(MessageFrame(channel=channel[:PREFIX_SIZE], devices=devices, items=(unsigned, waiting)))
        await until(lambda: _counted(ann, "record-signature"), "looked at by itself")
        assert await ann.texts(channel) == ["before"]
        await asyncio.sleep(1)
        mallory.send(MessageFrame(channel=channel[:PREFIX_SIZE], devices=devices, items=(unsigned, cover)))
        await until(lambda: _shows(ann, channel, ["unsigned", "cover", "before"]), "taken with its cover")
        assert mallory.link == link, "the link was cut"

    run_virtual(play())


def test_a_run_that_fits_no_parcel_holds_up_nothing_else_that_is_left_for_somebody() -> None:
    """Somebody who signs badly makes a run that others can pass on as a whole only, of more than a parcel holds."""

    async def play() -> None:
        world, ann, bob, carl, channel = await _members()
        other = await world.channel_of(ann, carl, name="another")
        reader = _device(carl)
        await carl.stop()
        mallory = Mallory(bob)
        chain = Chain(mallory.world.channels[channel], mallory.world.identity.device, mallory.world.identity.signer)
        much = "\U0001f600" * 7900
        run = [chain.next("before"), *(chain.next(much, good=False) for _ in range(7)), chain.next("cover")]
        mallory.push(channel, *run)
        await until(lambda: _shows(ann, channel, ["before", *[much] * 7, "cover"]), "ann has all")
        await ann.say(other, "elsewhere")
        covers: list[Cover] = []
        for _ in range(2):
            parcel = within(ann, lambda engine, known=tuple(covers): engine.parcels.contents_for(reader, covered=known))
            assert parcel is not None
            frames = decode_contents(parcel.contents)
            assert not isinstance(frames, Rejected)
            said = [frame for each in frames if isinstance(frame := decode_frame(each), MessageFrame)]
            sent = sum(len(frame.items) for frame in said)
            assert sent == sum(cover.last - cover.first + 1 for cover in parcel.covers), "what is said to be on its way is in it"
            covers += parcel.covers
        covered = {(each.channel, each.device): each.last for each in covers if each.log is Log.CONTENT}
        assert covered[channel, mallory.world.identity.device] == 0, "what stands before the run goes"
        assert covered[other, _device(ann)] == 0, "and what is said elsewhere"
        await carl.start()
        await until(lambda: _shows(carl, channel, ["before", *[much] * 7, "cover"]), "a link brings all of it")

    run_virtual(play())


async def _counted(person: Person, reason: str) -> bool:
    return (await counters(person)).get(reason, 0) > 0


def _elided(record: Record) -> ElidedItem:
    assert record.body is not None
    return ElidedItem(
        device=0,
        log=Log.CONTENT,
        seq=record.header.seq,
        timestamp_ms=record.header.timestamp_ms,
        check=record.id[:PREFIX_SIZE],
        signature=record.signature,
        body=record.body,
        ets=record.header.ets,
    )


def _device(person: Person) -> DeviceId:
    return Mallory(person).world.identity.device


def _frames_to(world: SimulatedWorld, person: Person) -> list[MessageFrame]:
    """The frames with records that somebody is sent from now on."""
    frames: list[MessageFrame] = []

    def see(_sender: object, receiver: object, encoded: bytes) -> None:
        frame = decode_frame(encoded)
        if receiver.name == person.name and isinstance(frame, MessageFrame) and frame.items:
            frames.append(frame)

    world.hub.on_frame = see
    return frames


async def _is(value: bool) -> bool:
    return value


async def _shows(person: Person, channel: ChannelId, texts: list[str]) -> bool:
    return await person.texts(channel) == texts


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), max_size=4)),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 12),
)
def test_what_somebody_lacks_and_no_mailbox_has_is_counted_once(readers, last):
    covered = [(first, sorted((begin, begin + size) for begin, size in spans)) for first, spans in readers]
    lacking = {
        number
        for first, spans in covered
        for number in range(first, last + 1)
        if not any(begin <= number <= end for begin, end in spans)
    }
    assert _lacking(covered, last) == len(lacking)
