"""Runs: records of one chain, each naming the one before, of which the last vouches for the rest.

The rule: a record is authentic if its own signature holds, or if it is the `prev` of an authentic record of the same channel,
log and device, one place further. Whoever signs a record says by its `prev` what came before in their own chain; of other
chains, or of other places, a signature says nothing.
"""

from collections.abc import Iterable

from multichat_tui.model.records import Record


def covers(above: Record, below: Record) -> bool:
    """Whether `below` is authentic if `above` is."""
    upper, lower = above.header, below.header
    return (
        upper.prev == below.id
        and upper.device == lower.device
        and upper.log == lower.log
        and above.channel == below.channel
        and upper.seq == lower.seq + 1
    )


def uncovered(records: Iterable[Record]) -> tuple[Record, ...]:
    """Those that no other one covers, in the order given: if their signatures hold, all of the records are authentic."""
    by_id = {record.id: record for record in records}
    covered = set()
    for record in by_id.values():
        below = None if record.header.prev is None else by_id.get(record.header.prev)
        if below is not None and covers(record, below):
            covered.add(below.id)
    return tuple(record for record in by_id.values() if record.id not in covered)
