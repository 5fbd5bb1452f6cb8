"""What was read: the line "new" of the open channel, and the marks that tell the node. Looking is reading only at the end of the
channel, with the terminal's attention, a moment later."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import MarkRead
from multichat_tui.model.snapshots import ChannelRow
from multichat_tui.ui.pages import Pages
from multichat_tui.ui.timers import Timers

MARK_READ_S = 0.25


class ReadMarks:
    """`submit` gives an intent to the node, and says itself why it failed."""

    def __init__(
        self,
        timers: Timers,
        submit: Callable[[MarkRead], Awaitable[object]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self.line: int | None = None
        """What was read when the channel was opened: the line stands above the first row that arrived later. None: no line."""
        self._timers, self._submit, self._spawn = timers, submit, spawn
        self._marked: dict[ChannelId, int] = {}
        self._seen: tuple[ChannelId, int] | None = None

    def open(self, row: ChannelRow | None) -> None:
        """Another channel is open."""
        self.line = row.read_arrival if row is not None and row.unread else None

    def draw_line(self, pages: Pages | None) -> None:
        """What comes from now on is new: the user looks elsewhere."""
        if pages is not None and self.line is None:
            self.line = pages.newest_arrival

    def lift_line(self, pages: Pages | None) -> None:
        """The user is back, and nothing has come: what comes from now on is seen as it comes."""
        if pages is not None and self.line is not None and pages.newest_arrival <= self.line:
            self.line = None

    def see(self, row: ChannelRow | None, pages: Pages | None) -> None:
        """The end of the open channel is looked at: it is read a moment later."""
        if row is None or pages is None or not pages.loaded:
            return
        if pages.newest_arrival > max(row.read_arrival, self._marked.get(row.id, -1)):
            self._seen = (row.id, pages.newest_arrival)
            self._timers.later("read", MARK_READ_S, lambda: self._spawn(self.mark()))

    async def mark(self) -> None:
        """Tell the node at once what was seen."""
        if self._seen is not None:
            (channel, arrival), self._seen = self._seen, None
            self._marked[channel] = arrival
            await self._submit(MarkRead(channel=channel, arrival=arrival))

    async def mark_all(self, rows: list[ChannelRow]) -> str:
        """All that is here in these channels; what is to be said of it."""
        unread = [row.id for row in rows if row.unread]
        for channel in unread:
            await self._submit(MarkRead(channel=channel, arrival=None))
        self.line = None
        return f"marked read: {len(unread)} {'channel' if len(unread) == 1 else 'channels'}" if unread else "nothing is unread"
