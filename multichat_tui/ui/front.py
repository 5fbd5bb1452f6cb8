"""Between the node and the screen: which channel is open, what is read when, drafts, what was read, sending. Draws nothing.

It tells the screen which parts have changed; the screen asks it what they say.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from multichat_tui.model.errors import MultichatError, NotFound
from multichat_tui.model.events import (
    AlarmRaised,
    ChannelChanged,
    ChannelGone,
    ContactChanged,
    DeliveryChanged,
    Event,
    MembersChanged,
    MessageAdded,
    MessageChanged,
    PresenceChanged,
    ProfileChanged,
    Resync,
    StatusChanged,
)
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import Accepted, MarkRead, OpenDirect, SendMessage, SetDraft
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, MessageRow, Thread
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.alarm_words import alarm_words
from multichat_tui.ui.actions import hint
from multichat_tui.ui.arrivals import Arrivals
from multichat_tui.ui.desk import Desk
from multichat_tui.ui.drafts import Drafts, Place
from multichat_tui.ui.drawing import Quote
from multichat_tui.ui.faces import Note
from multichat_tui.ui.feed import Feed
from multichat_tui.ui.pages import Pages
from multichat_tui.ui.parts import Part, Read
from multichat_tui.ui.quotes import Quotes, quote_from
from multichat_tui.ui.stale import Stale

READ_AGAIN_S = 0.15
"""Between two rounds of reading lists again: a flood of changes costs a few reads."""
MARK_READ_S = 0.25
SAVE_DRAFT_S = 1.0
MAX_VISITED = 50
NEWS_S = 10.0
"""How long good news stand. Bad ones stay until something else is done."""


class Front:
    """`changed` is called with the parts that differ, `spawn` runs a coroutine beside the screen, `ring` calls the user."""

    def __init__(
        self,
        changed: Callable[[Part], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        ring: Callable[[str, str], None],
    ) -> None:
        self.desk = Desk()
        self.api: NodeApi | None = None
        self.pages: Pages | None = None
        self.current: ChannelId | None = None
        self.previous: ChannelId | None = None
        self.visited: list[ChannelId] = []
        """Where the user was, the latest first."""
        self.read_arrival: int | None = None
        """For the line "new" of the open channel: what was read when it was opened. None: no line."""
        self.note: Note | None = None
        self.thread: Thread | None = None
        """The open one."""
        self.settings: tuple[tuple[str, str], ...] = ()
        self.focused = True
        self.new_rows: list[MessageRow] = []
        """Rows that came into the open channel since the screen took them."""
        self._changed, self._spawn, self._ring = changed, spawn, ring
        self._wanted = Read.NONE
        self._reading = False
        self._greeted = False
        self._closing = False
        self._opened_once = False
        """What is told before the first channel is open (a fault in the configuration file) stays to be read."""
        self._arrivals = Arrivals()
        self._warning: Note | None = None
        """About somebody's keys: no other news takes its place."""
        self.drafts = Drafts(self.desk, self._submit)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._marked: dict[ChannelId, int] = {}
        self._seen: tuple[ChannelId, int] | None = None
        self._stale = Stale()
        self._quotes = Quotes(self._row_here, spawn, lambda: changed(Part.TIMELINE))

    # Life

    async def run(self, api: NodeApi, again: Callable[[], Awaitable[NodeApi]] | None = None) -> None:
        """Until the node stops; with `again`, which finds or starts another one, until that cannot be done."""
        while True:
            why = await self._listen(api)
            if self._closing:
                return
            self.api = None
            if again is not None:
                self.say(f"{why} Starting again here; what you write stays.", bad=True)
                try:
                    api = await again()
                except MultichatError as error:
                    why, again = str(error), None
            if again is None:
                self.say(f"{why} Quit with {hint('quit')} and start again.", bad=True)
                return
            self._begin_anew(api)

    async def _listen(self, api: NodeApi) -> str:
        """Until the node stops; why it did."""
        self.api = api
        feed = Feed(api, self.take, lambda: self.want(Read.ALL))
        try:
            await feed.run()
        except MultichatError as error:
            return error.message
        return "The node has stopped."

    def _begin_anew(self, api: NodeApi) -> None:
        """Another node counts its events anew: what was read from the one before is read again."""
        self.desk.forget_numbers()
        self._quotes.clear()
        if self.current is not None:
            self.pages = Pages(api, self.current)
            self._changed(Part.OPENED)
            self._spawn(self._load(self.pages, self.pages.load()))
        self.say("Connected again: nothing is lost.")

    async def close(self) -> None:
        """Save the draft. Nothing else is lost by closing."""
        self._closing = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._mark_read()
        await self.drafts.save_all()

    def say(self, text: str, *, bad: bool = False) -> None:
        """One line of news; empty: none."""
        note = Note(text=text, bad=bad) if text else None
        if note != self.note:
            self.note = note
            self._changed(Part.STATUS)
        if note is not None and not bad:
            self._later("news", NEWS_S, lambda: self._forget(note))

    def _forget(self, note: Note) -> None:
        if self.note is note:
            self.say("")

    def _tell_arrivals(self) -> None:
        news = self._arrivals.look(self.desk)
        if news is not None and (self._warning is None or self.note is not self._warning):
            self.say(news[0], bad=news[1])

    @property
    def row(self) -> ChannelRow | None:
        """The open channel."""
        return self.desk.channels.get(self.current) if self.current is not None else None

    # Reading

    def want(self, what: Read) -> None:
        """Have lists read again soon; many wishes make one read."""
        self._wanted |= what
        if not self._reading and self.api is not None:
            self._reading = True
            self._spawn(self._read_lists())

    async def _read_lists(self) -> None:
        try:
            while self._wanted and self.api is not None:
                what, self._wanted = self._wanted, Read.NONE
                await self._read(self.api, what)
                await asyncio.sleep(READ_AGAIN_S)
        except MultichatError as error:
            self.say(str(error), bad=True)
        finally:
            self._reading = False

    async def _read(self, api: NodeApi, what: Read) -> None:
        desk, parts = self.desk, Part.NONE
        if what & Read.ME:
            desk.me = (await api.me()).rows
        if what & Read.CHANNELS:
            desk.read_channels(await api.channels())
            parts |= Part.CHANNELS
        if what & Read.CONTACTS:
            desk.read_contacts(await api.contacts())
            parts |= Part.CHANNELS
        if what & Read.SETTINGS:
            self.settings = (await api.settings()).rows
            parts |= Part.SETTINGS
        if what & Read.STATUS:
            desk.status = (await api.status()).rows
            desk.me = desk.status.me
            desk.peers = (await api.peers()).rows
            parts |= Part.STATUS | Part.CHANNELS
        if what & Read.MEMBERS and self.current is not None:
            await self._read_members(api, self.current)
            parts |= Part.MEMBERS
        if what & Read.THREAD and self.thread is not None:
            await self._read_thread(api, self.thread.root)
            parts |= Part.THREAD
        self._changed(parts)
        self._tell_arrivals()
        if what & Read.CHANNELS and not self._greeted:
            self._greeted = True
            await self._open_first()

    async def _open_first(self) -> None:
        """At the start: what calls loudest. Later nothing opens by itself, for what is open counts as read."""
        desk = self.desk
        if self.current is None and desk.channels:
            first = desk.next_active(None) or next(row.id for row in desk.ordered if isinstance(row, ChannelRow))
            await self.open(first)

    async def _read_members(self, api: NodeApi, channel: ChannelId) -> None:
        try:
            members = (await api.members(channel)).rows
        except NotFound:
            members = ()
        if channel == self.current:
            self.desk.read_members(members)

    # Events

    def take(self, events: Sequence[Event]) -> None:
        """A batch of events."""
        parts, again = Part.NONE, Read.NONE
        for event in events:
            match event:
                case MessageAdded(row=row):
                    again |= Read.STATUS if row.mine else Read.NONE
                    if self.thread is not None and row.reply_to is not None:
                        again |= Read.THREAD
                    if row.channel == self.current and self.pages is not None:
                        self.pages.apply(event)
                        self.new_rows.append(row)
                        parts |= Part.TIMELINE
                case MessageChanged(channel=channel):
                    if self.thread is not None and channel == self.thread.channel:
                        again |= Read.THREAD
                    if channel == self.current and self.pages is not None:
                        self.pages.apply(event)
                        self._quotes.forget(event.id)
                        parts |= Part.TIMELINE
                case DeliveryChanged(channel=channel, first=first, last=last):
                    if channel == self.current:
                        self._stale.add_range(first, last)
                        parts |= Part.TIMELINE
                    again |= Read.STATUS if self.thread is None else Read.STATUS | Read.THREAD
                case ChannelChanged(row=row):
                    self._call_user(row)
                    self.desk.apply(event)
                    if row.id == self.current and self.drafts.taken_over(row.id, row.draft):
                        parts |= Part.DRAFT
                    parts |= Part.CHANNELS
                case ChannelGone(channel=channel):
                    self.desk.apply(event)
                    parts |= Part.CHANNELS
                    if channel == self.current:
                        self._spawn(self.open(None))
                case ContactChanged():
                    self.desk.apply(event)
                    parts |= Part.CHANNELS
                case MembersChanged(channel=channel):
                    if channel == self.current:
                        again |= Read.MEMBERS
                case PresenceChanged():
                    self.desk.apply(event)
                    again |= Read.MEMBERS | Read.CONTACTS | Read.CHANNELS | Read.STATUS
                case ProfileChanged(user=user):
                    again |= Read.MEMBERS | Read.CONTACTS | Read.CHANNELS | Read.ME
                    self._stale.add_author(self._rows(), user)
                    parts |= Part.TIMELINE
                case AlarmRaised(row=alarm):
                    again |= Read.STATUS | Read.CONTACTS
                    self.say(" ".join(alarm_words(alarm)), bad=True)
                    self._warning = self.note
                    if alarm.kind.alarming:
                        self._ring(alarm.name, "a warning about the keys")
                case StatusChanged():
                    again |= Read.STATUS
                case Resync():
                    again |= Read.ALL
                    self._quotes.clear()
                    parts |= Part.RELOAD
        self._stale.settle(self._rows())
        if again:
            self.want(again)
        if parts:
            self._changed(parts)
        self._tell_arrivals()

    def _rows(self) -> Sequence[MessageRow]:
        return self.pages.window.rows if self.pages is not None else ()

    def refresh_stale(self, visible: Sequence[MessageRow]) -> None:
        """Read those rows in view again that may have changed; the others when they come into view."""
        if self._stale and self.pages is not None and not self.pages.reading:
            rows = self._stale.take(visible)
            if rows:
                self._spawn(self._again(self.pages, rows))

    async def _again(self, pages: Pages, rows: list[MessageRow]) -> None:
        try:
            await pages.again(rows)
        except MultichatError as error:
            self.say(str(error), bad=True)
        self._changed(Part.TIMELINE)

    def _call_user(self, row: ChannelRow) -> None:
        before = self.desk.channels.get(row.id)
        if self.focused and row.id == self.current:
            return
        more_mentions = row.mentions > (before.mentions if before is not None else 0)
        more_direct = row.kind is ChannelKind.DIRECT and row.unread > (before.unread if before is not None else 0)
        if more_mentions or more_direct:
            self._ring(row.name if row.kind is ChannelKind.DIRECT else f"#{row.name}", "mention" if more_mentions else "message")

    # The open channel

    async def open(self, channel: ChannelId | None) -> None:
        """Show a channel; None: none."""
        if channel == self.current and channel is not None:
            return
        self._save_soon(0)
        await self._mark_read()
        if self.current is not None and self.current in self.desk.channels:
            self.previous = self.current
        self.current, self.thread = channel, None
        if channel is not None:
            self.visited = [channel, *(other for other in self.visited if other != channel)][:MAX_VISITED]
        self.desk.members = ()
        self.new_rows.clear()
        self._stale.clear()
        self._quotes.clear()
        if self.note is not None and self.note.bad and self._opened_once:
            self.note = None
        self._opened_once = True
        row = self.row
        self.read_arrival = row.read_arrival if row is not None and row.unread else None
        self.pages = Pages(self.api, channel) if channel is not None and self.api is not None else None
        pages = self.pages
        if pages is not None:
            await self._load(pages, pages.load(), tell=False)
        if pages is self.pages:
            self._changed(Part.OPENED | Part.TIMELINE | Part.CHANNELS | Part.STATUS)
            self.want(Read.MEMBERS)

    async def open_thread(self, record: RecordId) -> None:
        """Show the thread that a message of the open channel belongs to."""
        if self.api is None:
            return
        try:
            thread = (await self.api.thread(record)).rows
        except MultichatError as error:
            self.say(str(error), bad=True)
            return
        if thread.channel != self.current:
            await self.go(thread.channel)
        self._save_soon(0)
        self.drafts.read((thread.channel, thread.root), thread.draft)
        self.thread = thread
        self._changed(Part.THREAD)

    def close_thread(self) -> None:
        if self.thread is not None:
            self._save_soon(0)
            self.thread = None
            self._changed(Part.THREAD)

    async def _read_thread(self, api: NodeApi, root: RecordId) -> None:
        fresh = (await api.thread(root)).rows
        if self.thread is not None and self.thread.root in (root, fresh.root):
            self.thread = fresh

    async def reload(self, first_in_view: MessageRow | None) -> None:
        """Read the open channel again: around this row, or its end."""
        if self.pages is not None:
            load = self.pages.load() if first_in_view is None else self.pages.load_around(first_in_view)
            await self._load(self.pages, load)

    async def _load(self, pages: Pages, load: Coroutine[Any, Any, None], *, tell: bool = True) -> None:
        try:
            await load
        except MultichatError as error:
            self.say(str(error), bad=True)
        if tell and pages is self.pages:
            self._changed(Part.TIMELINE)

    async def more(self, *, before: bool) -> None:
        """The page beyond an edge of the window."""
        pages = self.pages
        if pages is None:
            return
        try:
            changed = await pages.more(before=before)
        except MultichatError as error:
            self.say(str(error), bad=True)
            return
        if changed and pages is self.pages:
            self._changed(Part.TIMELINE)

    async def to_newest(self) -> None:
        """Read the newest page, if the window does not reach there."""
        if self.pages is not None and self.pages.window.more_after:
            await self._load(self.pages, self.pages.load())

    async def to_oldest(self) -> None:
        """Read the first page, if the window does not reach there."""
        if self.pages is not None and self.pages.window.more_before:
            await self._load(self.pages, self.pages.load_oldest())

    async def to_unread(self) -> bool:
        """Read back until the first unread row is held, or nothing more fits. False: nothing is unread here."""
        if self.pages is None or self.read_arrival is None:
            return False
        while self.pages.window.more_before and len(self.pages.window.rows) < 1200:
            oldest = self.pages.window.rows[0].arrival if self.pages.window.rows else 0
            if oldest <= self.read_arrival or not await self.pages.more(before=True):
                break
        self._changed(Part.TIMELINE)
        return True

    def draw_line(self) -> None:
        """What comes from now on is new: the user looks elsewhere."""
        if self.pages is not None and self.read_arrival is None:
            self.read_arrival = self.pages.newest_arrival

    def lift_line(self) -> None:
        """The user is back, and nothing has come: what comes from now on is seen as it comes."""
        if self.pages is not None and self.read_arrival is not None and self.pages.newest_arrival <= self.read_arrival:
            self.read_arrival = None

    def mark_read(self, *, at_end: bool) -> None:
        """Looking at the end of the open channel means having read it, a moment later."""
        row, pages = self.row, self.pages
        if not (at_end and self.focused and row is not None and pages is not None and pages.loaded):
            return
        if pages.newest_arrival > max(row.read_arrival, self._marked.get(row.id, -1)):
            self._seen = (row.id, pages.newest_arrival)
            self._later("read", MARK_READ_S, lambda: self._spawn(self._mark_read()))

    async def _mark_read(self) -> None:
        if self._seen is not None:
            (channel, arrival), self._seen = self._seen, None
            self._marked[channel] = arrival
            await self._submit(MarkRead(channel=channel, arrival=arrival))

    async def mark_all_read(self) -> None:
        """In every channel, all that is here."""
        unread = [row.id for row in self.desk.channels.values() if row.unread]
        for channel in unread:
            await self._submit(MarkRead(channel=channel, arrival=None))
        self.read_arrival = None
        self.say(f"marked read: {len(unread)} {'channel' if len(unread) == 1 else 'channels'}" if unread else "nothing is unread")
        self._changed(Part.TIMELINE | Part.CHANNELS)

    def quote_of(self, record: RecordId) -> Quote | None:
        """What a reply quotes; None while it is not known, and it is read then."""
        held = self.pages.window.get(record) if self.pages is not None else None
        return quote_from(held) if held is not None else self._quotes.get(record)

    async def _row_here(self, record: RecordId) -> MessageRow | None:
        row = (await self.api.message(record)).rows if self.api is not None else None
        return row if row is not None and row.channel == self.current else None

    # Writing

    async def send(self, channel: ChannelId, text: str, reply_to: RecordId | None) -> Accepted | None:
        """None: refused, and the reason is said."""
        accepted = await self._submit(SendMessage(channel=channel, text=text, reply_to=reply_to))
        if accepted is not None:
            self.say("")
            self.edited(channel, "")
        return accepted

    async def open_person(self, user: UserId) -> None:
        """The conversation with somebody, made if there is none."""
        accepted = await self._submit(OpenDirect(user=user))
        if accepted is not None and accepted.channel is not None:
            await self.go(accepted.channel)

    async def go(self, channel: ChannelId) -> None:
        """Open a channel that may be newer than the list."""
        if channel not in self.desk.channels and self.api is not None:
            try:
                row = await self.api.channel(channel)
                self.desk.channels[channel] = row.rows
            except MultichatError as error:
                self.say(str(error), bad=True)
                return
        await self.open(channel)

    async def _submit(self, intent: MarkRead | SetDraft | SendMessage | OpenDirect) -> Accepted | None:
        if self.api is None:
            self.say("Still opening: try again in a moment.", bad=True)
            return None
        try:
            return await self.api.submit(intent)
        except MultichatError as error:
            self.say(str(error), bad=True)
            return None

    # Drafts

    def draft(self, channel: ChannelId) -> str:
        """What was being written there."""
        return self.drafts.get((channel, None))

    @property
    def place(self) -> Place | None:
        """Where what is written goes: the open thread, else the open channel."""
        if self.current is None:
            return None
        return (self.current, self.thread.root if self.thread is not None else None)

    def edited(self, channel: ChannelId | None, text: str) -> None:
        """What is being written; saved when the user pauses."""
        if channel is None:
            return
        place = self.place if channel == self.current else None
        if self.drafts.edit(place or (channel, None), text):
            self._save_soon(SAVE_DRAFT_S)

    def _save_soon(self, delay_s: float) -> None:
        place = self.place
        if place is not None and self.drafts.touched(place):
            self._later("draft", delay_s, lambda: self._spawn(self.drafts.save(place)))

    def _later(self, name: str, delay_s: float, action: Callable[[], object]) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, action)
