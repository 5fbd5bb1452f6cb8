"""The moderation console: reports, who has come, the log of what was done; and doing something about many at once.

One widget draws all of it. What is to be done is put together on a sheet, which says beforehand what it will do and what would be
refused; nothing happens before Enter.
"""

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.events import MembersChanged, ReportsChanged
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import ApproveJoin, DenyJoin, Intent, SettleReport
from multichat_tui.model.limits import MAX_MODLOG_ROWS, MAX_TOPIC_CHARACTERS
from multichat_tui.model.moderation import DeedRow, ReportRow, ReportState
from multichat_tui.model.snapshots import WaitingRow
from multichat_tui.node.api import NodeApi
from multichat_tui.ui.actions import KEYS, Scope, hint
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import one_line, width
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.overseen import OverseenLines, now_ms
from multichat_tui.ui.overseen_lines import tab_pieces, told_pieces
from multichat_tui.ui.oversight import Oversight, Tab, Target
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.panel import PanelScreen, help_page
from multichat_tui.ui.sweeping import REASONS, Deed, Sweep, Swept, foresee, messages_of, sweep, unsweep
from multichat_tui.ui.typed_line import TypedLine

DEEDS = {
    "console.both": Deed.BOTH,
    "console.ban": Deed.BAN,
    "console.kick": Deed.KICK,
    "console.silence": Deed.SILENCE,
    "console.redact": Deed.REDACT,
}


def fitting(words: list[str], cells: int) -> list[str]:
    """As many words as fit, each with a space at either side, the first ones before others; the last two, which lead out and to
    the rest, stay before all."""
    last = words[-2:]
    room = cells - sum(width(word) + 2 for word in last)
    kept: list[str] = []
    for word in words[:-2]:
        room -= width(word) + 2
        if room < 0:
            break
        kept.append(word)
    return kept + last


class OverseeingScreen(ModalScreen[RecordId | None]):
    """Of one channel. Dismissed with a message to go to, or None. `command` writes a line into the composer after closing."""

    DEFAULT_CSS = """
    OverseeingScreen, OverseeingScreen:ansi { layout: vertical; background: black; }
    OverseeingScreen Bar { height: 1; width: 100%; }
    OverseeingScreen OverseenLines { width: 100%; height: 1fr; }
    """

    def __init__(self, api: NodeApi, channel: ChannelId, label: str, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__()
        self.api, self.channel = api, channel
        self.palette, self.glyphs = palette, glyphs
        self.state = Oversight(channel=channel, label=label)
        self.lines = OverseenLines(self.state, palette, glyphs)
        self.swept: Swept | None = None
        """What was done last here: it can be taken back."""
        self.busy = False
        self.loaded = False
        self._writing: Callable[[str], None] | None = None
        self._pending_reports: tuple[RecordId, ...] = ()
        self._top = Bar(palette.bar, id="overseen-top")
        self._told = Bar(palette.ground, id="overseen-told")
        self._news = Bar(palette.bar, id="overseen-news")
        self._keys = Bar(palette.bar, id="overseen-keys")

    def compose(self) -> ComposeResult:
        yield self._top
        yield self._told
        yield self.lines
        yield self._news
        yield self._keys

    def on_mount(self) -> None:
        self.lines.focus()
        self._tell()
        self.run_worker(self._follow())

    def on_resize(self) -> None:
        self._tell()

    # Reading

    async def _follow(self) -> None:
        """Read all of it, and again what has changed."""
        try:
            async with self.api.events() as news:
                await self.read(first=True)
                async for event in news:
                    if isinstance(event, MembersChanged | ReportsChanged) and event.channel == self.channel and not self.busy:
                        await self.read()
        except MultichatError as error:
            self.say(str(error), bad=True)

    async def read(self, *, first: bool = False) -> None:
        """All three lists. At the first time the tab opens that has something to do."""
        state = self.state
        state.reports = (await self.api.reports(self.channel)).rows
        state.waiting = (await self.api.rules(self.channel)).rows.waiting
        state.people = (await self.api.roster(self.channel)).rows
        page = (await self.api.modlog(self.channel, limit=MAX_MODLOG_ROWS)).rows
        state.deeds, state.more = page.rows, page.more
        if first and not state.open_reports:
            state.go(Tab.WAITING if state.waiting else Tab.PEOPLE)
        self.loaded = True
        self._tell()

    async def _more(self) -> None:
        """The next page of the log."""
        state = self.state
        if state.more is not None:
            page = (await self.api.modlog(self.channel, before=state.more, limit=MAX_MODLOG_ROWS)).rows
            state.deeds, state.more = (*state.deeds, *page.rows), page.more
            self._tell()

    # Telling

    def say(self, text: str, *, bad: bool = False) -> None:
        self._news.tell([(f" {one_line(text)}", self.palette.bad if bad else self.palette.accent)])

    def _tell(self) -> None:
        now = now_ms()
        self._top.tell(tab_pieces(self.state, self.app.size.width, self.palette, self.glyphs))
        self._told.tell(*told_pieces(self.state, now, self.palette))
        self._keys.tell([(f" {word} ", self.palette.strong) for word in fitting(self._key_words(), self.app.size.width)])
        self.lines.redraw()

    def _key_words(self) -> list[str]:
        if self.lines.typing is not None:
            return ["Enter takes it", "Esc leaves it"]
        if self.lines.plan is not None:
            why = f"1-{len(REASONS)} why"
            return ["Enter does it", why, *self._sheet_words(), f"{hint('sweep.leave')} back", f"{hint('console.help')} help"]
        words = {
            "console.close": "back",
            "console.mark": "mark",
            "console.all": "all",
            "console.both": "kick+ban",
            "console.silence": "silence",
            "console.redact": "redact",
            "console.undo": "undo",
            "console.settle": "done",
            "console.dismiss": "dismiss",
            "console.open": "go there",
            "console.span": "time",
            "console.pattern": "name",
            "console.help": "help",
        }
        of = {
            Tab.REPORTS: ("open", "settle", "dismiss", "mark", "both", "silence", "close", "help"),
            Tab.WAITING: ("settle", "dismiss", "mark", "all", "close", "help"),
            Tab.PEOPLE: ("mark", "all", "both", "silence", "redact", "span", "pattern", "close", "help"),
            Tab.LOG: ("undo", "span", "pattern", "close", "help"),
        }[self.state.tab]
        if self.state.tab is Tab.WAITING:
            words |= {"console.settle": "lets in", "console.dismiss": "denies"}
        return [f"{hint(f'console.{name}')} {words[f'console.{name}']}" for name in of]

    def _sheet_words(self) -> list[str]:
        plan = self.lines.plan
        span = [f"{hint('sweep.span')} time"] if plan is not None and plan.timed else []
        take = [f"{hint('sweep.redact')} messages"] if plan is not None and plan.deed is not Deed.REDACT else []
        return [*span, *take, f"{hint('sweep.announce')} announce"]

    # Keys

    def on_overseen_lines_pressed(self, message: OverseenLines.Pressed) -> None:
        message.stop()
        event = message.event
        if self.busy:
            return
        if self.lines.typing is not None:
            self._type(event)
        elif self.lines.plan is not None:
            self._on_sheet(event.key)
        elif (action := KEYS[Scope.CONSOLE].get(event.key)) is not None:
            self.perform(action)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self.lines.typing is not None:
            self.lines.typing.type(event.text)
            self._typed()

    def perform(self, action: str) -> None:
        """An action of the console's scope."""
        state, now = self.state, now_ms()
        match action:
            case "console.up" | "console.down":
                state.move(-1 if action == "console.up" else 1, now)
            case "console.page-up" | "console.page-down":
                state.move(self.lines.page * (-1 if action == "console.page-up" else 1), now)
            case "console.first" | "console.last":
                state.move((-1 if action == "console.first" else 1) * 2**31, now)
            case "console.tab" | "console.tab-back":
                state.step_tab(1 if action == "console.tab" else -1)
            case "console.reports" | "console.waiting" | "console.people" | "console.log":
                state.go(Tab(action.partition(".")[2]))
            case "console.mark":
                state.mark(now)
            case "console.all":
                state.mark_all(now)
            case "console.span":
                state.next_span()
            case "console.wrote" if state.tab is Tab.REPORTS:
                state.settled = not state.settled
            case "console.wrote":
                state.next_wrote()
            case "console.pattern":
                self._write(state.pattern, "a part of a name, or a pattern with * and ?", self._filter)
            case "console.clear":
                state.pattern, state.wrote = "", 0
                state.unmark()
            case _ if action in DEEDS:
                self._begin(DEEDS[action])
            case "console.undo":
                self._undo()
            case "console.settle" | "console.dismiss" if state.tab is Tab.WAITING:
                self._answer(yes=action == "console.settle")
            case "console.settle" | "console.dismiss":
                self._settle(acted=action == "console.settle")
            case "console.open":
                self._open()
            case "console.help":
                self.app.push_screen(PanelScreen(help_page(Scope.CONSOLE), self.palette, self.glyphs))
            case "console.close":
                self._back()
        if state.tab is Tab.LOG and state.cursor(now) >= len(state.rows(now)) - 1 and state.more is not None:
            self.run_worker(self._more())
        self._tell()

    def _back(self) -> None:
        """One step: marks, the filter, then the console closes."""
        if self.state.unmark():
            return
        if self.state.pattern:
            self.state.pattern = ""
        elif self.is_current:
            self.dismiss(None)

    def _open(self) -> None:
        """To the message that a report is about."""
        row = self.state.chosen(now_ms())
        if isinstance(row, ReportRow) and any(message.here for message in row.messages):
            self.dismiss(next(message.id for message in row.messages if message.here))
        elif isinstance(row, ReportRow):
            self.say("That report names no message that is here.")
        elif isinstance(row, DeedRow):
            self.dismiss(row.id)

    # Writing a line

    def _write(self, text: str, asked: str, taken: Callable[[str], None]) -> None:
        self.lines.typing, self.lines.asked, self._writing = TypedLine(text, MAX_TOPIC_CHARACTERS), asked, taken

    def _type(self, event: events.Key) -> None:
        line = self.lines.typing
        assert line is not None
        if event.key in ("enter", "escape"):
            taken, self._writing, self.lines.typing = self._writing, None, None
            if event.key == "enter" and taken is not None:
                taken(line.text.strip())
        elif not line.perform(KEYS[Scope.COMPOSER].get(event.key, "")) and event.is_printable and event.character is not None:
            line.type(event.character)
        self._typed()

    def _typed(self) -> None:
        """The pattern filters as it is written."""
        if self.lines.typing is not None and self._writing == self._filter:
            self.state.pattern = self.lines.typing.text.strip()
        self._tell()

    def _filter(self, text: str) -> None:
        self.state.pattern = text

    def _give_reason(self, text: str) -> None:
        if self.lines.plan is not None:
            self.lines.plan.reason = text
            self._plan_again()

    # Doing something

    def begin(
        self,
        deed: Deed,
        targets: tuple[Target, ...],
        reports: tuple[RecordId, ...] = (),
        written: Mapping[UserId, tuple[RecordId, ...]] | None = None,
    ) -> None:
        """A sheet for these people. `written`: which of their messages it is about; None: all of them."""
        takes = deed in (Deed.BOTH, Deed.REDACT)
        self.lines.open_sheet(
            Sweep(
                channel=self.channel,
                deed=deed,
                targets=targets,
                reports=reports,
                redact=takes,
                written=written,
                named=written is not None,
            )
        )
        self._plan_again()

    def _begin(self, deed: Deed) -> None:
        now = now_ms()
        targets = self.state.targets(now)
        if not targets:
            self.say("Choose somebody first: nothing here is about a person.", bad=True)
            return
        rows = self.state.taken(now)
        self.begin(deed, targets, tuple(row.id for row in rows if isinstance(row, ReportRow) and row.state is ReportState.OPEN))

    def _plan_again(self) -> None:
        plan = self.lines.plan
        if plan is not None:
            plan.steps = plan.planned()
            if plan.redact and plan.written is None:
                self.say("Looking for what they have written...")
            self.run_worker(self._foresee(plan), exclusive=True, group="foresee")
        self._tell()

    async def _foresee(self, plan: Sweep) -> None:
        try:
            await self._look_ahead(plan)
        except MultichatError as error:
            self.say(str(error), bad=True)
        if plan is self.lines.plan:
            self._tell()

    async def _look_ahead(self, plan: Sweep) -> None:
        """What they have written, if that goes too; and what of it all would be refused."""
        if plan.redact and plan.written is None:
            plan.written = await messages_of(self.api, self.channel, [target.user for target in plan.targets])
            self.say("")
        plan.steps = await foresee(self.api, plan)

    def _on_sheet(self, key: str) -> None:
        plan = self.lines.plan
        assert plan is not None
        action = KEYS[Scope.SWEEP].get(key)
        match action:
            case "sweep.span":
                plan.next_span()
                self._plan_again()
            case "sweep.announce":
                plan.announce = not plan.announce
            case "sweep.redact" if plan.deed is not Deed.REDACT:
                plan.redact = not plan.redact
                self._plan_again()
            case "sweep.reason":
                self._write(plan.reason, "why; all in the channel see it", self._give_reason)
            case "sweep.up" | "sweep.down":
                self.lines.scroll_sheet(-1 if action == "sweep.up" else 1)
            case "sweep.page-up" | "sweep.page-down":
                self.lines.scroll_sheet(self.lines.page * (-1 if action == "sweep.page-up" else 1))
            case "sweep.do":
                self.busy = True
                self.run_worker(self._do(plan))
            case "sweep.leave":
                self.lines.open_sheet(None)
            case "sweep.help":
                self.app.push_screen(PanelScreen(help_page(Scope.SWEEP), self.palette, self.glyphs))
            case _ if key.isdigit() and 1 <= int(key) <= len(REASONS):
                plan.reason = REASONS[int(key) - 1]
                self._plan_again()
        self._tell()

    async def _do(self, plan: Sweep) -> None:
        """All of it; what has come of it is told, with how to take it back."""

        def progress(done: int, total: int) -> None:
            if total > 1:
                self.say(f"{plan.title}: {done} of {total}")

        try:
            if not plan.named:
                # Whoever is to go has gone on writing while the sheet was read.
                plan.written = None
            await self._look_ahead(plan)
            self.swept = swept = await sweep(self.api, plan, progress)
            back = swept.records and plan.deed not in (Deed.KICK, Deed.REDACT)
            undo = f"{hint('console.undo')} takes it back{', but no text' if swept.messages else ''}." if back else ""
            self.say(" ".join(filter(None, (swept.said, undo, swept.why_not))), bad=not swept.done)
        except MultichatError as error:
            self.say(str(error), bad=True)
        finally:
            self.busy = False
        self.lines.open_sheet(None)
        self.state.unmark()
        await self._read_again()

    async def _read_again(self) -> None:
        try:
            await self.read()
        except MultichatError as error:
            self.say(str(error), bad=True)

    def _undo(self) -> None:
        """In the log what is under the cursor; elsewhere what was done here last."""
        row = self.state.chosen(now_ms())
        if self.state.tab is Tab.LOG and isinstance(row, DeedRow):
            if not row.undo:
                self.say(row.stays or "There is nothing of that to take back.", bad=True)
                return
            self.busy = True
            self.run_worker(self._take_back((row.id,), row.undo))
        elif self.swept is not None and self.swept.records:
            records, self.swept = tuple(self.swept.records), None
            self.busy = True
            self.run_worker(self._take_back(records, ""))
        else:
            self.say(f"Nothing was done here yet; {hint('console.log')} lists what was done before.")

    async def _take_back(self, records: tuple[RecordId, ...], said: str) -> None:
        try:
            done, why = await unsweep(self.api, self.channel, records)
            told = f"Done: {said}." if said else f"{done} of {len(records)} taken back."
            self.say(why or told, bad=bool(why))
        finally:
            self.busy = False
        await self._read_again()

    def _answer(self, *, yes: bool) -> None:
        """Let in who is marked, or chosen; or deny it, with a reason that they are told."""
        people = [row for row in self.state.taken(now_ms()) if isinstance(row, WaitingRow)]
        if not people:
            self.say("Nobody waits here to be let in.")
        elif yes:
            self._answer_all(tuple(ApproveJoin(channel=self.channel, user=row.user) for row in people), "let in")
        else:

            def deny(reason: str) -> None:
                denials = tuple(DenyJoin(channel=self.channel, user=row.user, reason=reason) for row in people)
                self._answer_all(denials, "denied")

            self._write("", "why; they are told, and it may be empty", deny)

    def _answer_all(self, intents: tuple[ApproveJoin | DenyJoin, ...], told: str) -> None:
        self.busy = True
        self.run_worker(self._submit_all(intents, told))

    async def _submit_all(self, intents: Sequence[Intent], told: str) -> None:
        """One after the other; how many were, and why one was not."""
        done, why = 0, ""
        for intent in intents:
            try:
                await self.api.submit(intent)
                done += 1
            except MultichatError as error:
                why = why or str(error)
        self.busy = False
        self.say(why or f"{done} {told}.", bad=bool(why))
        self.state.unmark()
        await self._read_again()

    def _settle(self, *, acted: bool) -> None:
        reports = [row for row in self.state.taken(now_ms()) if isinstance(row, ReportRow) and row.state is ReportState.OPEN]
        if not reports:
            self.say("That is no open report.")
            return
        self.busy = True
        told = f"report{'' if len(reports) == 1 else 's'} {'acted upon' if acted else 'dismissed'}"
        settlements = [SettleReport(channel=self.channel, report=row.id, acted=acted) for row in reports]
        self.run_worker(self._submit_all(settlements, told))
