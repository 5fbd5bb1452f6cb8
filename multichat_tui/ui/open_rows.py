"""The rows of the open channel: their pages, what of them is stale, what they quote, how far back one has gone."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.events import MessageAdded, MessageChanged
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.node.api import NodeApi
from multichat_tui.ui.drawing import Quote
from multichat_tui.ui.pages import Pages
from multichat_tui.ui.quotes import Quotes, quote_from
from multichat_tui.ui.stale import Stale

UNREAD_ROWS = 1200
"""How far back the first unread row is looked for; the window holds little more."""


class OpenRows:
    """`changed` is called when the timeline differs, `say` with what went wrong; `spawn` runs a coroutine beside the screen."""

    def __init__(
        self,
        changed: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        say: Callable[[str], None],
    ) -> None:
        self.pages: Pages | None = None
        self.arrived: list[MessageRow] = []
        """Rows that came since the screen took them."""
        self._api: NodeApi | None = None
        self._changed, self._spawn, self._say = changed, spawn, say
        self._stale = Stale()
        self._quotes = Quotes(self._row_here, spawn, changed)

    def open(self, api: NodeApi | None, channel: ChannelId | None) -> Pages | None:
        """The rows of another channel, still to be loaded; None: of none."""
        pages = Pages(api, channel) if channel is not None and api is not None else None
        self.show(api, pages)
        return pages

    def show(self, api: NodeApi | None, pages: Pages | None) -> None:
        """These rows, which are being loaded or have been."""
        self._api = api
        self.arrived.clear()
        self._stale.clear()
        self._quotes.clear()
        self.pages = pages

    @property
    def rows(self) -> Sequence[MessageRow]:
        """Those that are held."""
        return self.pages.window.rows if self.pages is not None else ()

    # Events

    def added(self, event: MessageAdded) -> None:
        if self.pages is not None:
            self.pages.apply(event)
            if not event.past:
                self.arrived.append(event.row)

    def altered(self, event: MessageChanged) -> None:
        if self.pages is not None:
            self.pages.apply(event)
            self._quotes.forget(event.id)

    def delivered(self, first: int, last: int) -> None:
        """One's own messages with these arrival numbers have come further."""
        self._stale.add_range(first, last)

    def renamed(self, user: UserId) -> None:
        self._stale.add_author(self.rows, user)

    def settle(self) -> None:
        """After a batch of events."""
        self._stale.settle(self.rows)

    def forget_quotes(self) -> None:
        self._quotes.clear()

    # Reading

    async def load(self, pages: Pages, load: Coroutine[Any, Any, None], *, tell: bool = True) -> None:
        """Let a read of `pages` happen."""
        try:
            await load
        except MultichatError as error:
            self._say(str(error))
        if tell and pages is self.pages:
            self._changed()

    def refresh_stale(self, visible: Sequence[MessageRow]) -> None:
        """Read those rows in view again that may have changed; the others when they come into view."""
        if self._stale and self.pages is not None and not self.pages.reading:
            rows = self._stale.take(visible)
            if rows:
                self._spawn(self.load(self.pages, self.pages.again(rows)))

    async def reload(self, first_in_view: MessageRow | None) -> None:
        """Read the open channel again: around this row, or its end."""
        if self.pages is not None:
            load = self.pages.load() if first_in_view is None else self.pages.load_around(first_in_view)
            await self.load(self.pages, load)

    async def more(self, *, before: bool) -> None:
        """The page beyond an edge of the window."""
        pages = self.pages
        if pages is None:
            return
        try:
            changed = await pages.more(before=before)
        except MultichatError as error:
            self._say(str(error))
            return
        if changed and pages is self.pages:
            self._changed()

    async def to_newest(self) -> None:
        """Read the newest page, if the window does not reach there."""
        if self.pages is not None and self.pages.window.more_after:
            await self.load(self.pages, self.pages.load())

    async def to_oldest(self) -> None:
        """Read the first page, if the window does not reach there."""
        if self.pages is not None and self.pages.window.more_before:
            await self.load(self.pages, self.pages.load_oldest())

    async def back_to(self, arrival: int) -> None:
        """Read back until a row that arrived no later than `arrival` is held, or nothing more fits."""
        pages = self.pages
        while pages is not None and pages.window.more_before and len(pages.window.rows) < UNREAD_ROWS:
            oldest = pages.window.rows[0].arrival if pages.window.rows else 0
            if oldest <= arrival or not await pages.more(before=True):
                break
        self._changed()

    # Quotes

    def quote_of(self, record: RecordId) -> Quote | None:
        """What a reply quotes; None while it is not known, and it is read then."""
        held = self.pages.window.get(record) if self.pages is not None else None
        return quote_from(held) if held is not None else self._quotes.get(record)

    async def _row_here(self, record: RecordId) -> MessageRow | None:
        row = (await self._api.message(record)).rows if self._api is not None else None
        return row if row is not None and self.pages is not None and row.channel == self.pages.channel else None
