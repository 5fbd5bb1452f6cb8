"""What both stores read out of records alike, and refuse alike."""

from collections.abc import Sequence
from dataclasses import replace

from multichat_tui.model.ids import DeviceId, RecordId
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.ports import TimelineEntry
from multichat_tui.model.records import Absence, Header, Record

UNREAD_CAP = 1000
"""What `Transaction.unread` counts to."""


def cited(header: Header) -> tuple[RecordId, ...]:
    """What ceases to be a head: the parents, and prev."""
    if header.prev is None or header.prev in header.parents:
        return header.parents
    return (*header.parents, header.prev)


def check_entry(entry: TimelineEntry, record: Record | None, arrival: int | None) -> None:
    """ValueError unless the entry is of a held record and says of it what is so."""
    if record is None or arrival is None:
        raise ValueError("a timeline entry needs its record to be held")
    if (entry.channel, entry.device, entry.ets, entry.arrival) != (
        record.channel,
        DeviceId(record.header.device),
        record.header.ets,
        arrival,
    ):
        raise ValueError("a timeline entry has the channel, device, ets and arrival of its record")


def check_positions(before: object, after: object, limit: int) -> None:
    if before is not None and after is not None:
        raise ValueError("a page lies before or after a position, not both")
    if limit < 0:
        raise ValueError("a limit is not negative")


def check_many(records: Sequence[RecordId]) -> None:
    if len(records) > MAX_PAGE_ROWS:
        raise ValueError(f"at most {MAX_PAGE_ROWS} records are asked about at once")


def check_slice(limit: int) -> None:
    if limit < 1:
        raise ValueError("a slice of the index is of at least one entry")


def as_held(record: Record) -> Record:
    """As it is stored: one without a body says why, one with a body does not."""
    if record.body is not None:
        return record if record.absence is None else replace(record, absence=None)
    return record if record.absence is not None else replace(record, absence=Absence.MISSING)


def filled(record: Record | None, body: bytes) -> Record:
    """With its body. ValueError unless it is held without one."""
    if record is None or record.body is not None:
        raise ValueError("there is no body missing")
    return replace(record, body=body, absence=None)


class Ended:
    """What a transaction works on once its block has ended: nothing."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("this transaction has ended")


ENDED = Ended()
