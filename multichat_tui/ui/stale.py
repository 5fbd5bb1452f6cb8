"""Which rows of the open channel are to be read again: gathered as events tell of them, taken as they come into view."""

from collections.abc import Sequence

from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.snapshots import MessageRow

FEW_RANGES = 8
"""More ranges than this are taken for one."""


class Stale:
    def __init__(self) -> None:
        self._ids: set[RecordId] = set()
        self._ranges: list[tuple[int, int]] = []

    def __bool__(self) -> bool:
        return bool(self._ids)

    def clear(self) -> None:
        self._ids.clear()

    def add_range(self, first: int, last: int) -> None:
        """One's own messages with these arrival numbers."""
        self._ranges.append((first, last))

    def add_author(self, rows: Sequence[MessageRow], user: UserId) -> None:
        self._ids.update(row.id for row in rows if row.author == user)

    def settle(self, rows: Sequence[MessageRow]) -> None:
        """Find the rows that the ranges mean: once for a batch of events."""
        if self._ranges:
            first, last = min(a for a, _ in self._ranges), max(b for _, b in self._ranges)
            few = self._ranges if len(self._ranges) < FEW_RANGES else [(first, last)]
            self._ranges = []
            self._ids.update(row.id for row in rows if row.mine and any(a <= row.arrival <= b for a, b in few))

    def take(self, visible: Sequence[MessageRow]) -> list[MessageRow]:
        """Those of the rows in view that are stale; they count as read again."""
        rows = [row for row in visible if row.id in self._ids]
        self._ids.difference_update(row.id for row in rows)
        return rows
