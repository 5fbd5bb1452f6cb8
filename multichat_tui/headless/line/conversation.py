"""Line mode at work: what is typed becomes messages and commands, what comes in becomes lines.

One thing at a time: a line that was typed is done with before the next event is looked at, so that a message of one's own is not
taken for news.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from enum import Enum, auto

from multichat_tui.headless.line.locking import LOCKED_PROMPT, LineLock
from multichat_tui.headless.line.page import Page
from multichat_tui.headless.line.reading import LineReader, TooLong
from multichat_tui.headless.verbs.messages import ALONE_PATIENCE_S, Settled, arrived_since, hint
from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal, Unreachable, UsageError, WrongPassphrase
from multichat_tui.model.events import (
    ChannelChanged,
    ChannelGone,
    ContactChanged,
    DeliveryChanged,
    Event,
    MessageAdded,
    MessageChanged,
    Resync,
    StatusChanged,
)
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import MarkRead, SendMessage
from multichat_tui.model.limits import MAX_INPUT_LINE_BYTES, MAX_WATCHED_MESSAGES
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, Delivery, Membership, MessageRow, RowKind, StatusRow
from multichat_tui.model.text import mentions
from multichat_tui.model.trust import ComparisonState
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import goes_elsewhere, is_command, run_command
from multichat_tui.node.api.commands.reading import LAST_ROWS, unread_line
from multichat_tui.node.api.comparison_words import state_words, whom
from multichat_tui.node.api.lookup import channel_label, one_line
from multichat_tui.node.api.settings import LOCK_IDLE, effective, idle_ms
from multichat_tui.node.api.transcript import gap_words, spoken_line, spoken_lines

TEACHING = "No channels yet. /create NAME makes one, /join LINK enters one, /pair makes a contact."


class End(Enum):
    """Why a conversation is over."""

    QUIT = auto()
    INPUT = auto()
    """Ctrl+D, or the end of the pipe."""
    NODE = auto()
    """The node that we were attached to has ended."""


class Conversation:
    """One person and one node. `failed` is the first error of a line, for the exit code of a script."""

    def __init__(
        self, api: NodeApi, reader: LineReader, page: Page, *, open_channel: ChannelId | None = None, lock: LineLock | None = None
    ) -> None:
        self.failed: MultichatError | None = None
        self.open = open_channel
        self._api, self._reader, self._page = api, reader, page
        self._lock = lock
        self._turn = asyncio.Lock()
        self._my_name = ""
        self._lock_idle_s: float | None = None
        self._channels: dict[ChannelId, ChannelRow] = {}
        self._contacts: set[UserId] = set()
        """Those who have answered."""
        self._newest = 0
        """Arrival number up to which the open channel has been shown."""
        self._marked = 0
        self._noticed: set[ChannelId] = set()
        """Channels whose unread messages were announced since they were last open."""
        self._typed: deque[RecordId] = deque(maxlen=MAX_WATCHED_MESSAGES)
        self._watched: OrderedDict[RecordId, ChannelId] = OrderedDict()
        self._trouble = ""
        self._calling: set[ComparisonId] = set()
        """Comparisons that were announced."""
        self._compared: tuple[ComparisonId, ...] = ()
        """Those whose words were shown, and may be answered."""

    async def run(self) -> End:
        """Until the user, the input or the node ends it."""
        async with self._api.events() as events:
            await self._begin()
            hearing = asyncio.create_task(self._hear(events))
            typing = asyncio.create_task(self._type())
            try:
                await asyncio.wait((hearing, typing), return_when=asyncio.FIRST_COMPLETED)
                return typing.result() if typing.done() else hearing.result()
            finally:
                for task in (hearing, typing):
                    task.cancel()
                await asyncio.gather(hearing, typing, return_exceptions=True)

    async def deliver(self) -> None:
        """Try for a few seconds to bring what was sent to the others, before a node of one's own ends."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ALONE_PATIENCE_S
        for record in list(self._watched):
            settled = Settled(self._api, record, alone_is_enough=True)
            try:
                async with asyncio.timeout_at(deadline), self._api.events() as events:
                    if await settled() is None:
                        async for _ in events:
                            if await settled() is not None:
                                break
            except TimeoutError:
                await self._page.complain(hint(record, attached=False))
                return

    # Beginning

    async def _begin(self) -> None:
        me = (await self._api.me()).rows
        self._my_name = me.name
        await self._read_settings()
        await self._read_lists()
        if self._page.interactive:
            await self._page.say(f"You are {one_line(me.name)}. /help lists the commands, Ctrl+D ends.")
            unread = [unread_line(row) for row in self._channels.values() if row.unread]
            await self._page.say(*(unread or ([] if self._channels else [TEACHING])))
        if self.open not in self._channels:
            living = [row for row in self._channels.values() if row.membership is Membership.JOINED]
            newest = max(living, key=lambda row: (row.last_ms, row.id), default=None)
            self.open = newest.id if newest is not None else None
        if self.open is not None:
            await self._enter(self.open)
        await self._page.ask()

    async def _read_lists(self) -> None:
        self._channels = {row.id: row for row in (await self._api.channels()).rows}
        self._contacts |= {row.user for row in (await self._api.contacts()).rows if not row.pending}

    async def _read_settings(self) -> None:
        settings = effective((await self._api.settings()).rows)
        self._page.hold = settings["line.hold"] == "on"
        self._lock_idle_s = idle_ms(settings[LOCK_IDLE]) / 1000 or None

    async def _enter(self, channel: ChannelId) -> None:
        """Show a channel: what it is, and the end of what was said."""
        self.open = channel
        self._noticed.discard(channel)
        row = self._channels[channel] = (await self._api.channel(channel)).rows
        self._name_prompt()
        label = channel_label(row)
        people = "" if row.kind is ChannelKind.DIRECT else f", {row.members} {'member' if row.members == 1 else 'members'}"
        topic = f": {one_line(row.topic)}" if row.topic else ""
        standing = "" if row.membership is Membership.JOINED else f", {row.membership.value}"
        await self._page.say(f"{label}{people}, {row.online} online{standing}{topic}")
        page = (await self._api.timeline(channel, limit=max(LAST_ROWS, min(row.unread, 100)))).rows
        self._newest = max((shown.arrival for shown in page), default=0)
        if self._page.interactive:
            await self._page.say(*spoken_lines(label, page))
            await self._mark_read()

    def _name_prompt(self) -> None:
        row = self._channels.get(self.open) if self.open is not None else None
        self._page.prompt = f"{channel_label(row)}> " if row is not None else "> "

    async def _mark_read(self) -> None:
        """What was shown counts as read once somebody has pressed Enter after it."""
        row = self._channels.get(self.open) if self.open is not None else None
        if row is not None and self._page.interactive and self._newest > max(row.read_arrival, self._marked):
            self._marked = self._newest
            await self._api.submit(MarkRead(channel=row.id, arrival=self._newest))

    # What is typed

    async def _type(self) -> End:
        while True:
            try:
                line = await asyncio.wait_for(self._reader.line(), self._idle_s())
            except TimeoutError:
                async with self._turn:
                    await self._lock_now()
                continue
            async with self._turn:
                if line is None:
                    return End.INPUT
                await self._page.entered()
                try:
                    if await self._take(line):
                        return End.QUIT
                except Unreachable as error:
                    await self._fail(error, line)
                    return End.NODE
                except MultichatError as error:
                    await self._fail(error, line)
                    await self._stay_nowhere(line)
                await self._page.ask()

    async def _fail(self, error: MultichatError, line: str | TooLong) -> None:
        self.failed = self.failed or error
        unsent = isinstance(line, str) and not is_command(line) and self._page.interactive
        kept = [f"Not sent: {one_line(line)}"] if unsent and isinstance(line, str) else []
        await self._page.complain(one_line(str(error)), *kept)

    async def _stay_nowhere(self, line: str | TooLong) -> None:
        """What stands behind a command that was to open a channel, and did not, is for nobody in the one that was open before."""
        ahead = not self._page.interactive or self._reader.waiting
        if ahead and self.open is not None and isinstance(line, str) and is_command(line) and goes_elsewhere(line):
            self.open = None
            self._name_prompt()
            await self._page.complain("No channel is open now: what follows is not sent until one is.")

    async def _take(self, line: str | TooLong) -> bool:
        """Do what one line says; whether it ends the program."""
        if self._lock is not None and self._lock.locked:
            await self._open_lock(self._lock, "" if isinstance(line, TooLong) else line)
            return False
        if isinstance(line, TooLong):
            raise MultichatError(f"A line holds at most {MAX_INPUT_LINE_BYTES} bytes; that one was not used.")
        if line.strip() == "/lock":
            await self._lock_now()
            return False
        if is_command(line):
            try:
                outcome = await run_command(self._api, self.open, line, compared=self._compared)
            except WrongPassphrase:
                advice = "Use a command beside this program: multichat devices, or multichat account."
                raise IntentRefused(
                    Refusal.NOT_ALLOWED, "This needs the passphrase, which is not asked for here.", advice
                ) from None
            await self._page.say(*outcome.lines)
            self._compared = outcome.compared or self._compared
            sent, where = outcome.record, outcome.open_channel or self.open
            if sent is not None and where is not None:
                self._note_sent(sent, where)
            await self._after_command()
            if outcome.open_channel is not None:
                await self._enter(outcome.open_channel)
            return outcome.quit
        if not line.strip():
            await self._mark_read()
            return False
        if self.open is None:
            raise UsageError("No channel is open.", "/switch CHANNEL opens one." if self._channels else TEACHING)
        text = line[1:] if line.startswith("//") else line
        record = (await self._api.submit(SendMessage(channel=self.open, text=text))).record
        if record is not None:
            self._note_sent(record, self.open)
            if not self._page.interactive:
                row = (await self._api.message(record)).rows
                await self._page.say(*([spoken_line(self._label(row.channel), row)] if row is not None else []))
        await self._mark_read()
        return False

    def _idle_s(self) -> float | None:
        """How long a line is waited for before this terminal locks; None: for ever."""
        lock = self._lock
        return self._lock_idle_s if lock is not None and not lock.locked and lock.possible else None

    async def _lock_now(self) -> None:
        if self._lock is None or not self._page.interactive:
            raise IntentRefused(Refusal.NOT_ALLOWED, "There is no terminal to be locked here.")
        self._lock.lock()
        self._page.prompt = LOCKED_PROMPT
        await self._page.say("Locked. Nothing more is shown until the passphrase is typed; what stands above stays there.")
        await self._page.ask()

    async def _open_lock(self, lock: LineLock, passphrase: str) -> None:
        why = await lock.open(passphrase) if passphrase else ""
        if lock.locked:
            await self._page.say(*([why] if why else []))
            return
        self._name_prompt()
        await self._page.say(f"Unlocked. {lock.new} new.")
        await self._page.say(*await self._missed())

    async def _after_command(self) -> None:
        """A command may have changed the settings, one's name, or the list of channels."""
        await self._read_settings()
        self._channels = {row.id: row for row in (await self._api.channels()).rows}
        if self.open is not None and self.open not in self._channels:
            self.open = None
        self._name_prompt()

    def _note_sent(self, record: RecordId, channel: ChannelId) -> None:
        self._typed.append(record)
        self._watched[record] = channel
        while len(self._watched) > MAX_WATCHED_MESSAGES:
            self._watched.popitem(last=False)

    # What comes in

    async def _hear(self, events: AsyncIterator[Event]) -> End:
        async for event in events:
            async with self._turn:
                if self._lock is not None and self._lock.locked:
                    self._lock.new += self._is_new(event)
                    continue
                try:
                    await self._page.tell(*await self._news(event))
                except Unreachable:
                    break
                except MultichatError as error:
                    await self._page.complain(one_line(str(error)))
        return End.NODE

    @staticmethod
    def _is_new(event: Event) -> bool:
        """Whether an event is a message that one would be told of."""
        return isinstance(event, MessageAdded) and not (event.past or event.row.mine or event.row.ignored)

    async def _news(self, event: Event) -> Iterable[str]:
        """The lines that an event is worth."""
        match event:
            case MessageAdded(row=row, past=past):
                return [] if past else self._added(row)
            case MessageChanged(channel=channel, row=row) if row is not None and channel == self.open and not row.ignored:
                return [f"{spoken_line(self._label(channel), row)} (changed)"] if row.kind is RowKind.MESSAGE else []
            case ChannelChanged(row=row):
                return self._channel_changed(row)
            case ChannelGone(channel=channel):
                self._channels.pop(channel, None)
            case ContactChanged(row=row):
                if row.user not in self._contacts and not row.pending:
                    self._contacts.add(row.user)
                    return [f"* {one_line(row.name)} is your contact now."]
            case DeliveryChanged(channel=channel):
                return await self._failures(channel)
            case StatusChanged():
                return self._status_changed((await self._api.status()).rows)
            case Resync():
                return await self._missed()
        return []

    def _added(self, row: MessageRow) -> list[str]:
        if row.id in self._typed:
            self._newest = max(self._newest, row.arrival) if row.channel == self.open else self._newest
            return []
        if row.channel == self.open:
            if row.arrival <= self._newest:
                return []
            self._newest = row.arrival
            return [] if row.ignored else [spoken_line(self._label(row.channel), row, state=False)]
        if row.mine or row.ignored or row.kind is not RowKind.MESSAGE:
            return []
        channel = self._channels.get(row.channel)
        calls = channel is not None and channel.kind is ChannelKind.DIRECT
        mentioned = mentions(row.text, self._my_name)
        if row.channel in self._noticed and not (calls or mentioned):
            return []
        self._noticed.add(row.channel)
        what = "mentions you" if mentioned else "has written"
        label = self._label(row.channel)
        return [f"* {label}: {one_line(row.name)} {what} (/switch {label})"]

    def _channel_changed(self, row: ChannelRow) -> list[str]:
        before = self._channels.get(row.id)
        self._channels[row.id] = row
        if row.id == self.open:
            self._name_prompt()
        label = channel_label(row)
        if before is not None and bool(before.gaps) != bool(row.gaps):
            if row.gaps:
                return [f"* {label}: {gap_words(gap)}" for gap in row.gaps]
            return [f"* {label}: nothing is missing any more (/last shows the newest)"]
        if before is None or before.membership is row.membership:
            return []
        match row.membership:
            case Membership.JOINED:
                return [f"* You are in {label} now (/switch {label})"]
            case Membership.REFUSED:
                return [f"* You were not let into {label}: {one_line(row.note)}"]
            case Membership.REMOVED:
                return [f"* You were removed from {label}."]
            case _:
                return []

    def _status_changed(self, status: StatusRow) -> list[str]:
        changed, self._trouble = status.trouble != self._trouble, status.trouble
        told = [f"Trouble: {one_line(status.trouble)}" if status.trouble else "The trouble is over."] if changed else []
        waiting = [row for row in status.comparisons if row.state is ComparisonState.COMPARE]
        told += [
            f"* The words to compare with {whom(row)} are here (/verify shows them)"
            for row in waiting
            if row.id not in self._calling
        ]
        told += [f"* {state_words(row)[0]}" for row in status.comparisons if row.state.over and row.id in self._calling]
        self._calling = {row.id for row in status.comparisons if row in waiting or row.state is ComparisonState.CONFIRMED}
        return told

    async def _failures(self, channel: ChannelId) -> list[str]:
        """Messages of ours that nobody will get; those that have arrived are watched no more."""
        told = []
        for record in [record for record, where in self._watched.items() if where == channel]:
            row = (await self._api.message(record)).rows
            if row is None or row.state in (Delivery.ALL, Delivery.READ, Delivery.FAILED):
                del self._watched[record]
            if row is not None and row.state is Delivery.FAILED:
                told.append(f"* Not accepted in {self._label(channel)}: {one_line(row.text)} ({one_line(row.failure)})")
        return told

    async def _missed(self) -> list[str]:
        """We were too slow for the node: what the open channel holds beyond what was shown."""
        await self._read_lists()
        if self.open not in self._channels or self.open is None:
            return []
        rows = await arrived_since(self._api, self.open, self._newest)
        self._newest = max((row.arrival for row in rows), default=self._newest)
        fresh = (row for row in rows if row.id not in self._typed and not row.ignored)
        return [spoken_line(self._label(self.open), row, state=False) for row in fresh]

    def _label(self, channel: ChannelId) -> str:
        row = self._channels.get(channel)
        return channel_label(row) if row is not None else "a channel"
