"""Between the node and the screen: which channel is open, drafts, sending, what an event means for the screen. Draws nothing.

It tells the screen which parts have changed; the screen asks it what they say.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from multichat_tui.model.errors import MultichatError
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
    ReportsChanged,
    Resync,
    StatusChanged,
)
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import Accepted, ChangeSetting, MarkRead, OpenDirect, RememberTyped, SendMessage, SetDraft
from multichat_tui.model.moderation import ReportState
from multichat_tui.model.ranks import Permission
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, Thread
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.alarm_words import alarm_words
from multichat_tui.ui.actions import hint
from multichat_tui.ui.desk import Desk
from multichat_tui.ui.drafts import Drafts, Place
from multichat_tui.ui.faces import Note
from multichat_tui.ui.feed import Feed
from multichat_tui.ui.last_open import LastOpen
from multichat_tui.ui.marks import ReadMarks
from multichat_tui.ui.news import News
from multichat_tui.ui.open_rows import OpenRows
from multichat_tui.ui.pages import Pages
from multichat_tui.ui.parts import Part, Read
from multichat_tui.ui.reading import ListReading
from multichat_tui.ui.timers import Timers
from multichat_tui.ui.typed import TypedHere

SAVE_DRAFT_S = 1.0
SHOWN_S = 0.2
"""A channel whose messages take longer to be read is shown without them first: until then the one before is open in every way."""
MAX_VISITED = 50


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
        self.current: ChannelId | None = None
        self.previous: ChannelId | None = None
        self.visited: list[ChannelId] = []
        """Where the user was, the latest first."""
        self.thread: Thread | None = None
        """The open one."""
        self.settings: tuple[tuple[str, str], ...] = ()
        self.focused = True
        self._changed, self._spawn, self._ring = changed, spawn, ring
        self._greeted = False
        self._closing = False
        self._next: Pages | None = None
        """Of the channel that is shown as soon as they are read."""
        self._meanwhile: list[Event] = []
        """What has come for that channel since."""
        self._opened_once = False
        """What is told before the first channel is open (a fault in the configuration file) stays to be read."""
        self._timers = Timers()
        self.rows = OpenRows(lambda: changed(Part.TIMELINE), spawn, lambda why: self.say(why, bad=True))
        self.marks = ReadMarks(self._timers, self._submit, spawn)
        self.typed = TypedHere(self._submit_quietly, spawn, lambda: changed(Part.TYPED))
        self.drafts = Drafts(self.desk, self._submit)
        self._last_open = LastOpen(self._timers, self._submit_quietly, spawn)
        self._news = News(self._timers, lambda: changed(Part.STATUS))
        self._lists = ListReading(self, self.desk, self._lists_read, spawn)

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
        wanted, self._next = self._next, None
        if wanted is not None:
            # Its messages were asked of the node that has ended.
            self._spawn(self.open(wanted.channel))
        if self.current is not None:
            pages = self.rows.open(api, self.current)
            self._changed(Part.OPENED)
            if pages is not None:
                self._spawn(self.rows.load(pages, pages.load()))
        self.say("Connected again: nothing is lost.")

    async def close(self) -> None:
        """Save the draft. Nothing else is lost by closing."""
        self._closing = True
        self._timers.cancel()
        await self.marks.mark()
        await self.drafts.save_all()
        await self._last_open.keep()

    @property
    def note(self) -> Note | None:
        """The line of news."""
        return self._news.note

    def say(self, text: str, *, bad: bool = False) -> None:
        """One line of news; empty: none."""
        self._news.say(text, bad=bad)

    @property
    def pages(self) -> Pages | None:
        """Of the open channel."""
        return self.rows.pages

    @property
    def row(self) -> ChannelRow | None:
        """The open channel."""
        return self.desk.channels.get(self.current) if self.current is not None else None

    # Reading lists

    @property
    def reading(self) -> bool:
        """Whether lists are being read again."""
        return self._lists.running

    def want(self, what: Read) -> None:
        """Have lists read again soon; many wishes make one read."""
        self._lists.want(what)

    async def _lists_read(self, what: Read, parts: Part) -> None:
        self._changed(parts)
        self._news.tell_arrivals(self.desk)
        if what & Read.CHANNELS and not self._greeted:
            self._greeted = True
            if self.api is not None and not self.desk.channels:
                self.typed.read(self.api, None)
            await self._open_first()

    async def _open_first(self) -> None:
        """At the start: what was open last, else what calls loudest. Later nothing opens by itself, for what is open counts as
        read."""
        desk = self.desk
        if self.current is None and desk.channels:
            last = self._last_open.among(self.settings, desk.channels)
            first = last or desk.next_active(None) or next(row.id for row in desk.ordered if isinstance(row, ChannelRow))
            await self.open(first)

    # Events

    def take(self, events: Sequence[Event]) -> None:
        """A batch of events."""
        parts, again = Part.NONE, Read.NONE
        if self._next is not None:
            self._meanwhile += [event for event in events if isinstance(event, MessageAdded | MessageChanged | DeliveryChanged)]
        for event in events:
            match event:
                case MessageAdded(row=row):
                    again |= Read.STATUS if row.mine else Read.NONE
                    if self.thread is not None and row.reply_to is not None:
                        again |= Read.THREAD
                    parts |= self._to_open(event)
                case MessageChanged(channel=channel):
                    if self.thread is not None and channel == self.thread.channel:
                        again |= Read.THREAD
                    parts |= self._to_open(event)
                case DeliveryChanged():
                    parts |= self._to_open(event)
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
                case ReportsChanged(channel=channel):
                    self._spawn(self._tell_reports(channel))
                case PresenceChanged():
                    self.desk.apply(event)
                    again |= Read.MEMBERS | Read.CONTACTS | Read.CHANNELS | Read.STATUS
                case ProfileChanged(user=user):
                    again |= Read.MEMBERS | Read.CONTACTS | Read.CHANNELS | Read.ME
                    self.rows.renamed(user)
                    parts |= Part.TIMELINE
                case AlarmRaised(row=alarm):
                    again |= Read.STATUS | Read.CONTACTS
                    self._news.warn(" ".join(alarm_words(alarm)))
                    if alarm.kind.alarming:
                        self._ring(alarm.name, "a warning about the keys")
                case StatusChanged():
                    again |= Read.STATUS
                case Resync():
                    again |= Read.ALL
                    self.rows.forget_quotes()
                    parts |= Part.RELOAD
        self.rows.settle()
        if again:
            self.want(again)
        if parts:
            self._changed(parts)
        self._news.tell_arrivals(self.desk)

    async def _tell_reports(self, channel: ChannelId) -> None:
        """Who may settle a report is told that there is one."""
        if self.api is None:
            return
        with suppress(MultichatError):
            rules = (await self.api.rules(channel)).rows
            least = next((row.rank for row in rules.permissions if row.permission is Permission.MODERATE), None)
            if rules.rank is None or least is None or rules.rank < least:
                return
            waiting = [row for row in (await self.api.reports(channel)).rows if row.state is ReportState.OPEN and not row.mine]
            row = self.desk.channels.get(channel)
            if waiting and row is not None:
                reports = "1 open report" if len(waiting) == 1 else f"{len(waiting)} open reports"
                self.say(f"#{row.name}: {reports}; {hint('moderation')} there shows them.")

    def _to_open(self, event: Event) -> Part:
        """What happened to messages, if they are of the open channel."""
        match event:
            case MessageAdded(row=row) if row.channel == self.current and self.pages is not None:
                self.rows.added(event)
            case MessageChanged(channel=channel) if channel == self.current and self.pages is not None:
                self.rows.altered(event)
            case DeliveryChanged(channel=channel, first=first, last=last) if channel == self.current:
                self.rows.delivered(first, last)
            case _:
                return Part.NONE
        return Part.TIMELINE

    def _call_user(self, row: ChannelRow) -> None:
        before = self.desk.channels.get(row.id)
        if self.focused and row.id == self.current:
            return
        if before is not None and row.newest_arrival <= before.newest_arrival:
            # What came is history that was missing.
            return
        more_mentions = row.mentions > (before.mentions if before is not None else 0)
        more_direct = row.kind is ChannelKind.DIRECT and row.unread > (before.unread if before is not None else 0)
        if more_mentions or more_direct:
            self._ring(row.name if row.kind is ChannelKind.DIRECT else f"#{row.name}", "mention" if more_mentions else "message")

    # The open channel

    async def open(self, channel: ChannelId | None) -> None:
        """Show a channel; None: none."""
        if channel == self.current and channel is not None:
            self._next = None
            return
        self._save_soon(self.place, 0)
        self._spawn(self.marks.mark())
        self._next, self._meanwhile = None, []
        if channel is None or self.api is None:
            self._show(channel, None)
            return
        pages = self._next = Pages(self.api, channel)
        load = asyncio.ensure_future(self.rows.load(pages, pages.load(), tell=False))
        try:
            await asyncio.wait({load}, timeout=SHOWN_S)
        except asyncio.CancelledError:
            load.cancel()
            raise
        if pages is self._next:
            self._next = None
            # What stands before the first page is not known before that is read.
            pages.window.more_before |= not pages.loaded
            self._show(channel, pages)
        if not load.done():
            await load
            if pages is self.pages:
                self._changed(Part.TIMELINE)
        load.result()

    def _show(self, channel: ChannelId | None, pages: Pages | None) -> None:
        """From now on another channel is open, all at once: what is written belongs to the one that is seen."""
        if self.current is not None and self.current in self.desk.channels:
            self.previous = self.current
        self.current, self.thread = channel, None
        self._last_open.note(channel)
        if channel is not None:
            self.visited = [channel, *(other for other in self.visited if other != channel)][:MAX_VISITED]
        self.desk.members = ()
        if self._opened_once:
            self._news.drop_bad()
        self._opened_once = True
        self.marks.open(self.row)
        self.rows.show(self.api, pages)
        for event in self._meanwhile:
            self._to_open(event)
        self._meanwhile = []
        self.rows.settle()
        self._changed(Part.OPENED | Part.TIMELINE | Part.CHANNELS | Part.STATUS)
        self.want(Read.MEMBERS)
        if self.api is not None:
            self.typed.read(self.api, channel)

    async def open_thread(self, record: RecordId) -> None:
        """Show the thread that a message of the open channel belongs to."""
        if self.api is None:
            return
        here = self.current
        try:
            thread = (await self.api.thread(record)).rows
        except MultichatError as error:
            self.say(str(error), bad=True)
            return
        if self.current != here:
            return  # the user has gone elsewhere meanwhile
        if thread.channel != self.current:
            await self.go(thread.channel)
        if thread.channel != self.current:
            return
        self._save_soon(self.place, 0)
        self.drafts.read((thread.channel, thread.root), thread.draft)
        self.thread = thread
        self._changed(Part.THREAD)

    def close_thread(self) -> None:
        if self.thread is not None:
            self._save_soon(self.place, 0)
            self.thread = None
            self._changed(Part.THREAD)

    @property
    def thread_root(self) -> RecordId | None:
        """Of the open thread."""
        return self.thread.root if self.thread is not None else None

    async def take_thread(self, api: NodeApi, root: RecordId) -> None:
        """Read the open thread again."""
        fresh = (await api.thread(root)).rows
        if self.thread is not None and self.thread.root in (root, fresh.root):
            self.thread = fresh

    async def to_unread(self) -> bool:
        """Read back until the first unread row is held, or nothing more fits. False: nothing is unread here."""
        if self.pages is None or self.marks.line is None:
            return False
        await self.rows.back_to(self.marks.line)
        return True

    def mark_read(self, *, at_end: bool) -> None:
        """Looking at the end of the open channel means having read it, a moment later."""
        if at_end and self.focused:
            self.marks.see(self.row, self.pages)

    async def mark_all_read(self) -> None:
        """In every channel, all that is here."""
        self.say(await self.marks.mark_all(list(self.desk.channels.values())))
        self._changed(Part.TIMELINE | Part.CHANNELS)

    # Writing

    async def send(self, channel: ChannelId, text: str, reply_to: RecordId | None) -> Accepted | None:
        """None: refused, and the reason is said."""
        accepted = await self._submit(SendMessage(channel=channel, text=text, reply_to=reply_to))
        if accepted is not None:
            self.say("")
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

    async def _submit_quietly(self, intent: RememberTyped | ChangeSetting) -> None:
        """What is a convenience only: that it failed is no news."""
        if self.api is not None:
            with suppress(MultichatError):
                await self.api.submit(intent)

    # Drafts

    @property
    def place(self) -> Place | None:
        """Where what is written goes: the open thread, else the open channel."""
        if self.current is None:
            return None
        return (self.current, self.thread.root if self.thread is not None else None)

    def edited(self, place: Place | None, text: str) -> None:
        """What is being written there; saved when the user pauses."""
        if place is not None and self.drafts.edit(place, text):
            self._save_soon(place, SAVE_DRAFT_S)

    def taken(self, place: Place, text: str) -> None:
        """What was written there, where one writes no more, is sent: the draft begins behind it."""
        draft = self.drafts.get(place)
        if draft.startswith(text) and self.drafts.edit(place, draft[len(text) :]):
            self._spawn(self.drafts.save(place))

    def _save_soon(self, place: Place | None, delay_s: float) -> None:
        if place is not None and self.drafts.touched(place):
            self._timers.later(f"draft {place}", delay_s, lambda: self._spawn(self.drafts.save(place)))
