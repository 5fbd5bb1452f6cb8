"""The part of a channel's timeline that is held in memory: at most `MAX_WINDOW_ROWS` rows in display order, each once.

The rule it keeps: rows are contiguous. What lies beyond an edge that is not the end of the timeline is not taken in, but read as
a page when it is needed. Reads and events meet here: an event that a read has seen already changes nothing.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from multichat_tui.model.ids import RecordId
from multichat_tui.model.snapshots import MessageRow, Position

MAX_WINDOW_ROWS = 1500
"""More than anybody looks at; keeps memory and the work of a change small (the rest is a page away)."""

Place = tuple[int, bytes]


def place(position: Position) -> Place:
    return (position.ets, position.id)


class MessageWindow:
    """`more_before` and `more_after`: there may be rows beyond that edge."""

    def __init__(self) -> None:
        self._rows: list[MessageRow] = []
        self._places: list[Place] = []
        self._by_id: dict[RecordId, MessageRow] = {}
        self.more_before = False
        self.more_after = False
        self.version = 0
        """Counts up with every change."""

    @property
    def rows(self) -> Sequence[MessageRow]:
        return self._rows

    def get(self, record: RecordId) -> MessageRow | None:
        return self._by_id.get(record)

    def index_of(self, record: RecordId) -> int | None:
        row = self._by_id.get(record)
        return None if row is None else bisect_left(self._places, place(row.position))

    def load(self, rows: Iterable[MessageRow], *, more_before: bool, more_after: bool = False) -> None:
        """Replace everything by one page."""
        ordered = sorted({row.id: row for row in rows}.values(), key=lambda row: place(row.position))
        self._rows = ordered
        self._places = [place(row.position) for row in ordered]
        self._by_id = {row.id: row for row in ordered}
        self.more_before, self.more_after = more_before, more_after
        self.version += 1

    def extend(self, rows: Iterable[MessageRow]) -> None:
        """Take in a page that borders on the window; rows that are held already are replaced."""
        for row in rows:
            self._put(row)
        self.version += 1

    def add(self, row: MessageRow) -> bool:
        """A row that has come. False: it was held already, or lies beyond an edge and was left out."""
        if row.id in self._by_id:
            return False
        where = place(row.position)
        if self._rows and ((self.more_after and where > self._places[-1]) or (self.more_before and where < self._places[0])):
            return False
        if not self._rows and (self.more_after or self.more_before):
            return False
        self._put(row)
        self.version += 1
        return True

    def replace(self, row: MessageRow) -> bool:
        """New content for a row that is held. False: it is not held."""
        if row.id not in self._by_id:
            return False
        self._put(row)
        self.version += 1
        return True

    def remove(self, record: RecordId) -> bool:
        index = self.index_of(record)
        if index is None:
            return False
        del self._rows[index], self._places[index], self._by_id[record]
        self.version += 1
        return True

    def trim(self, keep: int | None) -> None:
        """Back to the bound, dropping rows far from index `keep`; None: from the end of the timeline, the oldest ones."""
        excess = len(self._rows) - MAX_WINDOW_ROWS
        if excess <= 0:
            return
        before = excess if keep is None else min(excess, max(0, keep - MAX_WINDOW_ROWS // 2))
        after = excess - before
        for row in self._rows[:before]:
            del self._by_id[row.id]
        del self._rows[:before], self._places[:before]
        if after:
            for row in self._rows[-after:]:
                del self._by_id[row.id]
            del self._rows[-after:], self._places[-after:]
        self.more_before = self.more_before or before > 0
        self.more_after = self.more_after or after > 0
        self.version += 1

    def _put(self, row: MessageRow) -> None:
        where = place(row.position)
        held = self._by_id.get(row.id)
        if held is not None and held.position != row.position:
            self.remove(row.id)
            held = None
        self._by_id[row.id] = row
        if held is not None:
            self._rows[bisect_left(self._places, where)] = row
        elif not self._places or where > self._places[-1]:
            self._rows.append(row)
            self._places.append(where)
        else:
            index = bisect_left(self._places, where)
            self._rows.insert(index, row)
            self._places.insert(index, where)
