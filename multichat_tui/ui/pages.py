"""Joins reads and events of one channel's timeline in a `MessageWindow`.

Events that come while a read is under way wait for it: those that it has seen already (`seq <= as_of`) are dropped where the read
covers them, the others are applied after it. So nothing shows twice, nothing is lost, and nothing falls back to an older state.
"""

from multichat_tui.model.events import MessageAdded, MessageChanged
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.snapshots import MessageRow, Position, Snapshot
from multichat_tui.node.api import NodeApi
from multichat_tui.ui.window import MessageWindow

PAGE_ROWS = 200
FEW_ROWS = 3
"""Up to this many rows are read again one by one, more as a range."""
_LAST_ID = RecordId(b"\xff" * 32)

TimelineEvent = MessageAdded | MessageChanged


class Pages:
    """One channel that is shown. Not to be used after another one is opened."""

    def __init__(self, api: NodeApi, channel: ChannelId) -> None:
        self.channel = channel
        self.window = MessageWindow()
        self.newest_arrival = 0
        """The highest arrival number that was seen."""
        self.loaded = False
        self.reading = True
        """A read is under way, or the first one is still to come."""
        self._api = api
        self._as_of = -1
        self._waiting: list[TimelineEvent] = []

    async def load(self) -> None:
        """The newest page, in place of all that was held."""
        self.reading = True
        try:
            page = await self._api.timeline(self.channel, limit=PAGE_ROWS)
            self.window.load(page.rows, more_before=len(page.rows) >= PAGE_ROWS)
            self._loaded(page)
        finally:
            self._finish(None)

    async def load_oldest(self) -> None:
        """The first page of the timeline, in place of all that was held."""
        self.reading = True
        try:
            page = await self._api.timeline(self.channel, after=Position(ets=0, id=RecordId(b"")), limit=PAGE_ROWS)
            self.window.load(page.rows, more_before=False, more_after=len(page.rows) >= PAGE_ROWS)
            self._loaded(page)
        finally:
            self._finish(None)

    async def load_around(self, row: MessageRow) -> None:
        """A page before and a page from this row, in place of all that was held."""
        self.reading = True
        try:
            just_before = Position(ets=row.ets - 1, id=_LAST_ID)
            earlier = await self._api.timeline(self.channel, before=row.position, limit=PAGE_ROWS)
            later = await self._api.timeline(self.channel, after=just_before, limit=PAGE_ROWS)
            rows = (*earlier.rows, *later.rows)
            self.window.load(rows, more_before=len(earlier.rows) >= PAGE_ROWS, more_after=len(later.rows) >= PAGE_ROWS)
            self._loaded(earlier)
            self._seen(later.rows)
        finally:
            self._finish(None)

    async def more(self, *, before: bool) -> bool:
        """The page beyond an edge. False: there is none, or another read is under way."""
        window = self.window
        if self.reading or not window.rows or not (window.more_before if before else window.more_after):
            return False
        self.reading = True
        page: Snapshot[tuple[MessageRow, ...]] | None = None
        try:
            if before:
                page = await self._api.timeline(self.channel, before=window.rows[0].position, limit=PAGE_ROWS)
                window.more_before = len(page.rows) >= PAGE_ROWS
            else:
                page = await self._api.timeline(self.channel, after=window.rows[-1].position, limit=PAGE_ROWS)
                window.more_after = len(page.rows) >= PAGE_ROWS
            window.extend(page.rows)
            self._seen(page.rows)
        finally:
            self._finish(page)
        return True

    async def again(self, rows: list[MessageRow]) -> None:
        """Read these rows, which are held, again; in display order. Does nothing while another read is under way."""
        if self.reading or not rows:
            return
        self.reading = True
        page: Snapshot[tuple[MessageRow, ...]] | None = None
        try:
            if len(rows) <= FEW_ROWS:
                for row in rows:
                    fresh = (await self._api.message(row.id)).rows
                    if fresh is not None:
                        self.window.replace(fresh)
            else:
                first, last = self.window.index_of(rows[0].id), self.window.index_of(rows[-1].id)
                if first is not None and last is not None:
                    just_before = Position(ets=rows[0].ets - 1, id=_LAST_ID)
                    limit = min(PAGE_ROWS, last - first + 9)
                    page = await self._api.timeline(self.channel, after=just_before, limit=limit)
                    for fresh in page.rows:
                        self.window.replace(fresh)
        finally:
            self._finish(page)

    def apply(self, event: TimelineEvent) -> None:
        """An event of this channel."""
        if isinstance(event, MessageAdded):
            self.newest_arrival = max(self.newest_arrival, event.row.arrival)
        if self.reading:
            self._waiting.append(event)
        elif event.seq > self._as_of:
            self._apply(event)

    def _apply(self, event: TimelineEvent) -> None:
        match event:
            case MessageAdded(row=row):
                self.window.add(row)
            case MessageChanged(row=None, id=record):
                self.window.remove(record)
            case MessageChanged(row=row) if row is not None:
                self.window.replace(row)

    def _finish(self, page: Snapshot[tuple[MessageRow, ...]] | None) -> None:
        self.reading = False
        waiting, self._waiting = self._waiting, []
        covered = {row.id for row in page.rows} if page is not None else set()
        for event in waiting:
            record = event.row.id if isinstance(event, MessageAdded) else event.id
            seen = page is not None and event.seq <= page.as_of and record in covered
            if event.seq > self._as_of and not seen:
                self._apply(event)

    def _loaded(self, page: Snapshot[tuple[MessageRow, ...]]) -> None:
        self._as_of = page.as_of
        self.loaded = True
        self._seen(page.rows)

    def _seen(self, rows: tuple[MessageRow, ...]) -> None:
        self.newest_arrival = max([self.newest_arrival, *(row.arrival for row in rows)])
