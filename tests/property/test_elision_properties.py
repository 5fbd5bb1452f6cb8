"""Elision: whatever the history looks like, what is left out on the wire is rebuilt exactly, or its absence is seen."""

import random

from builders import Person, make_record, make_root, person
from hypothesis import given, settings
from hypothesis import strategies as st

from multichat_tui.model.acts import Message
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import ElidedItem, MessageFrame
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId
from multichat_tui.model.records import Kind, Record, expected_ets
from multichat_tui.sync.elision import DeviceTable, Mismatch, Missing, Place, Surroundings, elide, restore

START_MS = 1_750_000_000_000
PEOPLE = tuple(person(name) for name in ("ann", "bob", "kim"))
ROOT = make_root(PEOPLE, name="dev")


def history(seed: int, length: int) -> list[Record]:
    """Content of three authors, who each see a random part of what the others wrote."""
    chance = random.Random(seed)
    records = [ROOT]
    ends: dict[DeviceId, Record] = {}
    for number in range(length):
        author: Person = chance.choice(PEOPLE)
        prev = ends.get(author.device)
        others = [end for device, end in ends.items() if device != author.device and chance.random() < 0.5]
        parents = {record.id: record for record in (*others, *((prev,) if prev and chance.random() < 0.9 else ()))}
        timestamp = START_MS + number + chance.randrange(-5000, 5000)
        before = (*(record.header.ets for record in parents.values()), ROOT.header.ets)
        record = make_record(
            author,
            kind=Kind.CONTENT,
            channel=ChannelId(ROOT.id),
            log=Log.CONTENT,
            seq=0 if prev is None else prev.header.seq + 1,
            prev=None if prev is None else prev.id,
            parents=tuple(parents),
            control_heads=(ROOT.id,),
            timestamp_ms=timestamp,
            ets=expected_ets(timestamp, before) if chance.random() < 0.9 else timestamp + chance.randrange(10**6),
            acts=(Message(text=chance.choice(("hi", "x" * 300, "ä" * 50))),),
            expires_ms=chance.choice((None, None, START_MS * 2)),
            recipients=chance.choice((None, None, (PEOPLE[0].user,))),
        )
        ends[author.device] = record
        records.append(record)
    return records


class Held:
    """What a reader or writer holds."""

    def __init__(self, records: list[Record]) -> None:
        self.by_id = {record.id: record for record in records}
        self.by_place = {(r.header.log, r.header.device[:PREFIX_SIZE], r.header.seq): r.id for r in records}

    def place(self, identifier: RecordId) -> Place | None:
        record = self.by_id.get(identifier)
        if record is None:
            return None
        return Place(device=record.header.device, seq=record.header.seq, ets=record.header.ets)

    @property
    def around(self) -> Surroundings:
        devices = {p.device[:PREFIX_SIZE]: p.device for p in PEOPLE}
        return Surroundings(
            channel=ChannelId(ROOT.id),
            device=devices.get,
            at=lambda log, prefix, seq: self.by_place.get((log, prefix, seq)),
            ets=lambda identifier: self.by_id[identifier].header.ets,
            control_heads=lambda identifier: self.by_id[identifier].header.control_heads,
        )


def over_the_wire(record: Record, held: Held) -> MessageFrame:
    table = DeviceTable()
    prev = record.header.prev
    heads = None if prev is None else held.by_id[prev].header.control_heads
    item = elide(record, table, held.place, heads)
    assert isinstance(item, ElidedItem)
    frame = MessageFrame(channel=ROOT.id[:PREFIX_SIZE], devices=tuple(table.prefixes), items=(item,))
    decoded = decode_frame(encode_frame(frame))
    assert isinstance(decoded, MessageFrame)
    return decoded


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 20))
def test_what_is_left_out_is_rebuilt_exactly(seed: int, length: int) -> None:
    records = history(seed, length)
    held = Held(records)
    for record in records[1:]:
        frame = over_the_wire(record, held)
        assert restore(frame.items[0], frame.devices, held.around) == record


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(2, 20), missing=st.integers(1, 19))
def test_a_reader_who_lacks_something_says_what_or_gets_the_record_right(seed: int, length: int, missing: int) -> None:
    records = history(seed, length)
    writer = Held(records)
    gone = records[1 + missing % (len(records) - 1)]
    reader = Held([record for record in records if record.id != gone.id])
    for record in records[1:]:
        frame = over_the_wire(record, writer)
        found = restore(frame.items[0], frame.devices, reader.around)
        if isinstance(found, Missing):
            assert (Log.CONTENT, gone.header.device[:PREFIX_SIZE], gone.header.seq) in found.places
            assert gone.id in record.header.dependencies
        else:
            assert found == record


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(2, 12))
def test_a_reader_with_another_branch_of_the_chain_sees_the_mismatch(seed: int, length: int) -> None:
    records = history(seed, length)
    writer = Held(records)
    last = records[-1]
    if last.header.prev is None:
        return
    other = make_record(
        next(p for p in PEOPLE if p.device == last.header.device),
        kind=Kind.CONTENT,
        channel=ChannelId(ROOT.id),
        log=Log.CONTENT,
        seq=last.header.seq - 1,
        prev=writer.by_id[last.header.prev].header.prev,
        parents=(),
        control_heads=(ROOT.id,),
        timestamp_ms=START_MS,
        ets=START_MS,
        acts=(Message(text="another branch"),),
    )
    reader = Held([other if record.id == last.header.prev else record for record in records])
    frame = over_the_wire(last, writer)
    assert isinstance(restore(frame.items[0], frame.devices, reader.around), Mismatch)
