"""What a timeline shows, one after the other: messages, and what stands between them. Made from rows, without drawing them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeAlias

from multichat_tui.model.ids import RecordId
from multichat_tui.model.snapshots import Gap, MessageRow, RowKind
from multichat_tui.model.values import dataclass

COMINGS = frozenset({RowKind.JOINED, RowKind.LEFT, RowKind.REMOVED})
GROUPED_MS = 3 * 60 * 1000
"""Messages of one person within this follow on, without the name again."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Nothing is before this."""


@dataclass(frozen=True, slots=True)
class Day:
    day: date


@dataclass(frozen=True, slots=True)
class NewLine:
    """What follows was not read when the channel was opened."""


@dataclass(frozen=True, slots=True)
class Message:
    """`follows`: same author as the message just above, so the name need not stand again."""

    row: MessageRow
    follows: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """One or more rows that are not messages; comings and goings in a row are one notice, and so are ignored messages, and those
    that were taken away by the same person for the same reason."""

    rows: tuple[MessageRow, ...]


@dataclass(frozen=True, slots=True)
class GapLine:
    """Messages are missing here."""

    gap: Gap


Entry: TypeAlias = Beginning | Day | NewLine | GapLine | Message | Notice
Key: TypeAlias = tuple[str, RecordId | int]
"""Names an entry, as long as it is shown, whatever comes before or after it."""


def key_of(entry: Entry) -> Key:
    match entry:
        case Message(row=row):
            return ("row", row.id)
        case Notice(rows=rows):
            return ("row", rows[0].id)
        case Day(day=day):
            return ("day", day.toordinal())
        case NewLine():
            return ("new", 0)
        case GapLine(gap=gap):
            return ("gap", int(gap.ets is not None))
        case Beginning():
            return ("beginning", 0)


def local_time(time_ms: int) -> datetime:
    """In the local time zone; a time that no calendar holds is shown as the last one that it does."""
    try:
        return datetime.fromtimestamp(time_ms / 1000).astimezone()
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(253_370_764_800).astimezone()


def entries_of(
    rows: Sequence[MessageRow], *, beginning: bool, read_arrival: int | None, gaps: Sequence[Gap] = (), end: bool = True
) -> list[Entry]:
    """`read_arrival`: the line "new" stands above the first row of others that arrived after it. None: no line. Of gaps those are
    shown that lie among the rows, or beyond them if there is nothing else (`beginning`, `end`).

    Takes time proportional to the rows, and a microsecond or two for each: it is made again when a row came or went.
    """
    entries: list[Entry] = [Beginning()] if beginning else []
    day: date | None = None
    until_ms = -1
    above: MessageRow | None = None
    comings: list[MessageRow] = []
    waiting = read_arrival is not None
    older = next((gap for gap in gaps if gap.ets is not None), None)
    below = beginning
    for row in rows:
        if older is not None and older.ets is not None and row.ets >= older.ets:
            if below:
                entries += [Notice(tuple(comings))] if comings else []
                entries.append(GapLine(older))
                comings, above = [], None
            older = None
        below = True
        starts_new = waiting and not row.mine and not row.ignored and read_arrival is not None and row.arrival > read_arrival
        folds = _folds(row)
        if comings and (folds is None or folds != _folds(comings[0]) or starts_new or row.time_ms >= until_ms):
            entries.append(Notice(tuple(comings)))
            comings = []
        if day is None or not until_ms - _DAY_MS <= row.time_ms < until_ms:
            here = local_time(row.time_ms)
            if here.date() != day:
                day = here.date()
                entries.append(Day(day))
                above = None
            midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
            until_ms = int(midnight.timestamp() * 1000) + _DAY_MS
        if starts_new:
            entries.append(NewLine())
            waiting, above = False, None
        if folds is not None:
            comings.append(row)
            above = None
        elif row.kind in (RowKind.MESSAGE, RowKind.HELD):
            follows = (
                above is not None
                and above.author == row.author
                and above.device == row.device
                and above.name == row.name
                and row.reply_to is None
                and not row.late
                and 0 <= row.time_ms - above.time_ms < GROUPED_MS
            )
            entries.append(Message(row, follows))
            above = row
        else:
            entries.append(Notice((row,)))
            above = None
    if comings:
        entries.append(Notice(tuple(comings)))
    if end:
        entries += [GapLine(gap) for gap in gaps if gap.ets is None]
    return entries


def _folds(row: MessageRow) -> str | None:
    """What rows have in common that stand as one where they follow each other; None: this one stands by itself."""
    if row.ignored:
        return "ignored"
    if row.kind in COMINGS:
        return "comings"
    return f"redacted {row.text}" if row.kind is RowKind.REDACTED else None


_DAY_MS = 24 * 60 * 60 * 1000
