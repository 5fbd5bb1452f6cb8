"""What parked records wait for, and whose they are."""

from multichat_tui.model.frames import FullItem
from multichat_tui.model.ids import DeviceId, RecordId
from multichat_tui.model.limits import PARKED_RECORDS_PER_PEER
from multichat_tui.sync.parking import Parked, Parking

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
