"""What parked records wait for, and whose they are."""

import tracemalloc

import pytest

from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import ElidedItem, FullItem, MessageFrame, Ref
from multichat_tui.model.ids import DeviceId, Log, RecordId, UserId
from multichat_tui.model.limits import MAX_CONTROL_HEADS, MAX_PARENTS, MAX_RECIPIENTS, MAX_TIPS, PARKED_RECORDS_PER_PEER
from multichat_tui.sync import parking as room
from multichat_tui.sync.parking import Grounds, Parked, Parking

FORGER, OTHER = DeviceId(b"f" * 32), DeviceId(b"o" * 32)


def record(number: int) -> RecordId:
    return RecordId(number.to_bytes(32, "big"))


def park(parking: Parking, number: int, author: DeviceId, *lacks: int) -> None:
    item = FullItem(header_bytes=b"", signature=number.to_bytes(64, "big"), body=None)
    waits = tuple(record(lacking) for lacking in lacks)
    parking.park(Parked(item=item, devices=(), id=record(number), author=author, lacks=waits), waits[0])


def test_only_what_nothing_parked_will_bring_is_to_be_asked_for() -> None:
    parking = Parking()
    park(parking, 3, FORGER, 2)
    park(parking, 2, FORGER, 1)
    assert parking.roots() == [record(1)]
    assert record(3) in parking
    assert [parked.id for parked in parking.release(record(1))] == [record(2)]
    assert parking.roots() == [record(2)]


def test_a_record_is_cited_by_others_through_the_branch_that_stands_on_it() -> None:
    parking = Parking()
    park(parking, 2, FORGER, 1)
    park(parking, 3, FORGER, 2)
    assert not parking.cited_by_others(record(1), FORGER)
    park(parking, 9, OTHER, 8, 3)
    assert parking.cited_by_others(record(1), FORGER)
    assert not parking.cited_by_others(record(7), FORGER)


def test_records_that_wait_for_each_other_end_the_search() -> None:
    parking = Parking()
    park(parking, 1, FORGER, 2)
    park(parking, 2, FORGER, 1)
    assert not parking.cited_by_others(record(1), FORGER)


def test_what_gave_way_is_not_known_any_more() -> None:
    parking = Parking()
    for number in range(1, PARKED_RECORDS_PER_PEER + 2):
        park(parking, number, FORGER, 0)
    assert record(1) not in parking
    assert record(2) in parking
    assert parking.roots() == [record(0)]


def weighty(number: int) -> Parked:
    """As much as one item can hold, in a frame whose table is as long as it may be."""
    item = ElidedItem(
        device=MAX_TIPS - 1,
        log=Log.CONTENT,
        seq=5,
        timestamp_ms=0,
        check=number.to_bytes(8, "big"),
        signature=bytes(64),
        body=bytes(40),
        parents=tuple(Ref(device=at, seq=2**40 + number) for at in range(MAX_PARENTS)),
        control_heads=tuple(Ref(device=100 + at, seq=2**40 + number) for at in range(MAX_CONTROL_HEADS)),
        recipients=tuple(UserId((number << 16 | at).to_bytes(32, "big")) for at in range(MAX_RECIPIENTS)),
    )
    table = tuple(at.to_bytes(8, "big") for at in range(MAX_TIPS))
    frame = decode_frame(encode_frame(MessageFrame(channel=bytes(8), devices=table, items=(item,))))
    assert isinstance(frame, MessageFrame)
    return Parked(item=frame.items[0], devices=frame.devices, lacks=(record(0),))


def test_what_one_device_parks_is_bounded_over_all_links_and_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PARKED_RECORDS_PER_PEER", 10)
    grounds = Grounds()
    one, two, others = Parking(grounds, FORGER), Parking(grounds, FORGER), Parking(grounds, OTHER)
    park(others, 99, OTHER, 0)
    for number in range(1, 9):
        park(one, number, FORGER, 0)
    for number in range(9, 13):
        park(two, number, FORGER, 0)
    assert (len(one), len(two), len(others)) == (6, 4, 1)
    assert record(2) not in one
    assert record(3) in one
    assert one.evicted == 2


def test_the_device_that_has_most_gives_way_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    grounds = Grounds()
    hers, his = Parking(grounds, FORGER), Parking(grounds, OTHER)
    for number in range(1, 4):
        park(hers, number, FORGER, 0)
    monkeypatch.setattr(room, "PARKED_BYTES", grounds.size)
    for number in range(11, 13):
        park(his, number, OTHER, 0)
    assert (len(hers), len(his)) == (1, 2)
    assert record(3) in hers


def test_a_link_that_is_down_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PARKED_RECORDS_PER_PEER", 3)
    grounds = Grounds()
    before, after = Parking(grounds, FORGER), Parking(grounds, FORGER)
    for number in range(1, 4):
        park(before, number, FORGER, 0)
    before.clear()
    assert (len(before), grounds.size, grounds.lots) == (0, 0, {})
    for number in range(1, 4):
        park(after, number, FORGER, 0)
    assert len(after) == 3


def test_an_item_is_the_same_when_it_is_let_out() -> None:
    parking = Parking()
    parked = weighty(1)
    parking.park(parked, record(0))
    (released,) = parking.release(record(0))
    before, after = parked.item, released.item
    assert isinstance(before, ElidedItem)
    assert isinstance(after, ElidedItem)
    assert len(released.devices) == 1 + MAX_PARENTS + MAX_CONTROL_HEADS
    assert released.devices[after.device] == parked.devices[before.device]
    for old, new in ((before.parents, after.parents), (before.control_heads, after.control_heads)):
        assert [(parked.devices[ref.device], ref.seq) for ref in old or ()] == [
            (released.devices[ref.device], ref.seq) for ref in new or ()
        ]
    assert (before.check, before.signature, before.recipients) == (after.check, after.signature, after.recipients)


def test_what_is_counted_is_what_is_held() -> None:
    """Of the weightiest items that fit a frame: the memory that they really take is within a quarter of what is counted."""
    parking = Parking()
    weighty(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(60):
            parking.park(weighty(number), record(0))
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(parking) == 60
    assert held < 1.25 * parking.grounds.size
