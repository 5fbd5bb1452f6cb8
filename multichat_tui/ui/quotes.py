"""The messages that replies answer and that are not in the window: read once each, and kept."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import RecordId
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.ui.drawing import Quote

MAX_QUOTES = 500


class Quotes:
    """`read` finds a row of the open channel, `spawn` runs a coroutine beside the screen, `changed` hears of each one found."""

    def __init__(
        self,
        read: Callable[[RecordId], Awaitable[MessageRow | None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        changed: Callable[[], None],
    ) -> None:
        self._read, self._spawn, self._changed = read, spawn, changed
        self._known: dict[RecordId, Quote | None] = {}
        self._reading: set[RecordId] = set()

    def get(self, record: RecordId) -> Quote | None:
        """None while it is not known; it is read then."""
        if record not in self._known and record not in self._reading:
            if len(self._known) > MAX_QUOTES:
                self._known.clear()
            self._reading.add(record)
            self._spawn(self._find(record))
        return self._known.get(record)

    def forget(self, record: RecordId) -> None:
        """It has changed."""
        self._known.pop(record, None)

    def clear(self) -> None:
        self._known.clear()

    async def _find(self, record: RecordId) -> None:
        quote: Quote | None = None
        try:
            row = await self._read(record)
            quote = quote_from(row) if row is not None else None
        except MultichatError:
            quote = None
        finally:
            self._reading.discard(record)
        self._known[record] = quote
        if quote is not None:
            self._changed()


NO_TEXT = {
    RowKind.HELD: "held",
    RowKind.MISSING: "its text has not come",
    RowKind.REDACTED: "redacted",
    RowKind.EXPIRED: "expired",
    RowKind.FOR_OTHERS: "for others",
}
"""What is quoted of a row whose text does not show."""


def quote_from(row: MessageRow) -> Quote:
    if row.ignored:
        return Quote(name=row.name, text="ignored", author=row.author)
    return Quote(name=row.name, text=NO_TEXT.get(row.kind, row.text), author=row.author)
