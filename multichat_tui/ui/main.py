"""The main screen: puts the panes together, and turns keys and clicks into what `Front` does."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, MessageRow, RowKind
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import COMMANDS, is_command, run_command
from multichat_tui.node.api.commands.options import link_kind
from multichat_tui.ui import faces
from multichat_tui.ui.actions import KEYS, Scope
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import wrap
from multichat_tui.ui.completing import Completion, complete
from multichat_tui.ui.composer import Composer
from multichat_tui.ui.desk import shown_name
from multichat_tui.ui.drawing import Surroundings
from multichat_tui.ui.front import Front, Part, Read
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.lists import ListPane
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.panel import AskScreen, Page, PanelScreen, help_page, page_of
from multichat_tui.ui.receipts import receipt_page
from multichat_tui.ui.timeline import Timeline
from multichat_tui.ui.window import MessageWindow

NOTE_LINES = 4
MEMBERS_FROM_CELLS = 100
CHANNELS_FROM_CELLS = 70
HINTS = {
    Scope.TIMELINE: "j k move, r reply, i who has it, y copy; Esc: write",
    Scope.LISTS: "j k move, Enter opens; Esc: write",
}
"""Where the keys go while the composer is without them."""


class MainScreen(Screen[None]):
    """Paints at once; `attach` gives it a node when there is one."""

    AUTO_FOCUS = "#composer"
    DEFAULT_CSS = """
    MainScreen { layout: vertical; overflow: hidden; }
    MainScreen Bar { height: 1; width: 100%; }
    MainScreen #body { height: 1fr; width: 100%; }
    MainScreen #channels { width: 24; height: 100%; }
    MainScreen #members { width: 22; height: 100%; }
    MainScreen #timeline { width: 1fr; height: 100%; }
    MainScreen #composer { height: 1; width: 100%; }
    """

    def __init__(self, palette: Palette, glyphs: Glyphs, clock: str, *, ring: Callable[[str, str], None]) -> None:
        super().__init__()
        self.palette, self.glyphs = palette, glyphs
        self.front = Front(self.changed, self._spawn, ring)
        self.reply_to: MessageRow | None = None
        self._sending = False
        self._entered: list[int] = []
        """Where the text ended at each Enter that came while something was being sent."""
        self._shown: dict[str, bool] = {}
        self._header = Bar(palette.bar, id="header")
        self._channels = ListPane(palette, glyphs, "left", id="channels")
        self._members = ListPane(palette, glyphs, "right", id="members")
        self._rule = Bar(palette.ground, id="rule", filler=glyphs.rule, filler_style=palette.faint)
        self._status = Bar(palette.bar, id="status", most_lines=NOTE_LINES)
        self.composer = Composer(palette, glyphs, self._complete, id="composer")
        self.timeline = Timeline(self._surroundings(clock), id="timeline")

    def compose(self) -> ComposeResult:
        self._fit(self.app.size.width)
        yield self._header
        with Horizontal(id="body"):
            yield self._channels
            yield self.timeline
            yield self._members
        yield self._rule
        yield self.composer
        yield self._status

    def on_mount(self) -> None:
        self._redraw(Part.OPENED | Part.TIMELINE | Part.CHANNELS | Part.STATUS)

    def attach(self, api: NodeApi) -> None:
        """Show what this node knows, from now on."""
        self._spawn(self.front.run(api))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> object:
        return self.run_worker(work)

    # What the parts say

    def _surroundings(self, clock: str) -> Surroundings:
        front = self.front
        return Surroundings(
            width=max(1, self.timeline.size.width) if hasattr(self, "timeline") else 80,
            palette=self.palette,
            glyphs=self.glyphs,
            my_name=front.desk.me.name if front.desk.me is not None else "",
            clock=clock,
            name_of=front.desk.name_of,
            quote_of=front.quote_of,
            now_ms=lambda: int(time.time() * 1000),
            beginning=faces.beginning_of(front.row, front.desk) if front.api is not None else (),
            direct=front.row is not None and front.row.kind is ChannelKind.DIRECT,
        )

    def changed(self, parts: Part) -> None:
        """Parts of what the front knows differ from what is shown."""
        if self.is_mounted:
            self._redraw(parts)

    def _redraw(self, parts: Part) -> None:
        front, desk, palette, glyphs = self.front, self.front.desk, self.palette, self.glyphs
        if parts & Part.SETTINGS:
            self.post_message(self.SettingsRead(front.settings))
        if parts & Part.OPENED:
            self.timeline.open(
                front.current, front.pages.window if front.pages is not None else MessageWindow(), front.read_arrival
            )
            self.reply_to = None
            self.composer.load(front.draft(front.current) if front.current is not None else self.composer.text)
        if parts & Part.RELOAD:
            rows = self.timeline.visible_rows
            self._spawn(front.reload(rows[0] if rows and not self.timeline.at_end else None))
        if parts & Part.TIMELINE and not parts & Part.OPENED:
            self._take_new_rows()
        if parts & (Part.CHANNELS | Part.OPENED | Part.MEMBERS):
            around = self._surroundings(self.timeline.around.clock)
            shown = self.timeline.around
            if (around.my_name, around.beginning, around.direct) != (shown.my_name, shown.beginning, shown.direct):
                self.timeline.surround(around)
            if parts & (Part.CHANNELS | Part.OPENED):
                self._channels.show(faces.channel_items(desk, front.current, palette, glyphs))
            self._members.show(faces.member_items(desk.members, palette, glyphs))
            self._header.tell(*faces.header(front.row, desk, palette, glyphs))
            self._prompt()
            self._follow_read_arrival()
        if parts & (Part.STATUS | Part.OPENED):
            self._status.tell(*faces.status(desk.status, desk.linked, front.note, "opening...", palette, glyphs))
        self._below()

    def _prompt(self) -> None:
        prompt, hint = faces.prompt(self.front.row)
        self.composer.set_prompt(prompt, HINTS.get(self.scope, hint))

    def on_descendant_focus(self) -> None:
        self._prompt()
        if self.composer.has_focus:
            self.timeline.cursor = None

    def _take_new_rows(self) -> None:
        front, timeline = self.front, self.timeline
        if front.pages is not None and timeline.window is front.pages.window:
            rows, front.new_rows = front.new_rows, []
            if not timeline.at_end:
                timeline.new_count += sum(1 for row in rows if not row.mine)
            if not front.pages.reading:
                timeline.window.trim(timeline.keep_index)
            timeline.read_arrival = front.read_arrival
        timeline.changed()

    def _follow_read_arrival(self) -> None:
        if self.timeline.read_arrival != self.front.read_arrival:
            self.timeline.read_arrival = self.front.read_arrival
            self.timeline.changed()

    def _below(self) -> None:
        timeline = self.timeline
        below = faces.Below(
            new=timeline.new_count,
            scrolled=not timeline.at_end,
            unread_above=timeline.unread_above,
            reply_to=self.reply_to,
        )
        self._rule.tell(*faces.rule(below, self.palette, self.glyphs))

    def look(self, palette: Palette, glyphs: Glyphs, clock: str) -> None:
        """Other colours, signs or clock."""
        self.palette, self.glyphs = palette, glyphs
        for pane in (self._channels, self._members):
            pane.look(palette, glyphs)
        self.composer.look(palette, glyphs)
        self._header.look(palette.bar)
        self._status.look(palette.bar)
        self._rule.look(palette.ground, glyphs.rule, palette.faint)
        self.timeline.surround(self._surroundings(clock))
        self._redraw(Part.CHANNELS | Part.MEMBERS | Part.STATUS | Part.TIMELINE)

    class SettingsRead(Message):
        """The settings of the profile, as stored."""

        def __init__(self, settings: tuple[tuple[str, str], ...]) -> None:
            super().__init__()
            self.settings = settings

    # Layout and focus

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width)

    def _fit(self, cells: int) -> None:
        for pane, from_cells in ((self._channels, CHANNELS_FROM_CELLS), (self._members, MEMBERS_FROM_CELLS)):
            shown = self._shown.get(str(pane.id), cells >= from_cells)
            if pane.display != shown:
                pane.display = shown
                if not shown and pane.has_focus:
                    self.composer.focus()

    def _toggle(self, pane: ListPane) -> None:
        self._shown[str(pane.id)] = not pane.display
        self._fit(self.size.width)

    @property
    def scope(self) -> Scope:
        """Which keys work now."""
        focused = self.focused
        if isinstance(focused, Timeline):
            return Scope.TIMELINE
        return Scope.LISTS if isinstance(focused, ListPane) else Scope.COMPOSER

    def _focus_step(self, step: int) -> None:
        panes: list[Widget] = [self.composer, self._channels, self.timeline, self._members]
        shown = [pane for pane in panes if pane.display]
        at = next((i for i, pane in enumerate(shown) if pane.has_focus), 0)
        shown[(at + step) % len(shown)].focus()

    def attended(self, focused: bool) -> None:
        """The terminal has, or has lost, the user's attention."""
        self.front.focused = focused
        if focused:
            self.front.lift_line()
            self._read_now()
        else:
            self.front.draw_line()

    def _read_now(self) -> None:
        self.front.mark_read(at_end=self.timeline.at_end)
        self.front.refresh_stale(self.timeline.visible_rows)

    # What the panes tell

    def on_timeline_moved(self) -> None:
        self._below()
        self._read_now()

    def on_timeline_page_wanted(self, event: Timeline.PageWanted) -> None:
        if self.front.pages is not None and not self.front.pages.reading:
            self._spawn(self.front.more(before=event.before))

    def on_timeline_chosen(self, event: Timeline.Chosen) -> None:
        match event.action:
            case "reply" if event.row.kind not in (RowKind.MESSAGE, RowKind.HELD):
                self.front.say("only messages can be replied to")
            case "reply":
                self.reply_to = event.row
                self.composer.focus()
                self._below()
            case "copy":
                self.app.copy_to_clipboard(event.row.text)
                self.front.say("copied")
            case "cursor.first":
                self._spawn(self._to_first())
            case "cursor.last":
                self._spawn(self._to_last())
            case "who":
                self._spawn(self._who_has(event.row))

    async def _who_has(self, row: MessageRow) -> None:
        if self.front.api is not None:
            try:
                delivery = (await self.front.api.delivery(row.id)).rows
            except MultichatError as error:
                self.front.say(str(error), bad=True)
                return
            self._panel(receipt_page(row, delivery, self.glyphs))

    def on_list_pane_opened(self, event: ListPane.Opened) -> None:
        target = event.target
        self.composer.focus()
        if event.pane is self._channels and target in self.front.desk.channels:
            self._spawn(self.front.open(ChannelId(bytes(target))))
        elif self.front.desk.me is not None and target != self.front.desk.me.user:
            self._spawn(self.front.open_person(UserId(bytes(target))))

    def on_bar_clicked(self, event: Bar.Clicked) -> None:
        if event.bar is self._rule:
            self.perform("view.last")

    def on_composer_edited(self) -> None:
        self.front.edited(self.front.current, self.composer.text)

    def on_composer_performed(self, event: Composer.Performed) -> None:
        self.perform(event.action)

    def on_composer_large_paste(self, event: Composer.LargePaste) -> None:
        lines = event.text.count("\n") + 1

        def answered(yes: bool | None) -> None:
            if yes:
                self.composer.insert(event.text)

        self.app.push_screen(AskScreen(f"Paste {lines} lines, {len(event.text)} characters?", self.palette), answered)

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        if not event.text.strip():
            return
        if self._sending:
            self._entered.append(len(event.text))
            return
        self._sending = True
        self._spawn(self._submit(event.text))

    async def _submit(self, text: str) -> None:
        """What is written, up to an Enter; then what was entered meanwhile, if nothing was refused or edited."""
        channel = self.front.current
        try:
            while True:
                if is_command(text.strip()):
                    await self._command(text.strip(), text)
                elif self.front.current is None and (kind := link_kind(text)):
                    await self._command(f"/{kind} {text.strip()}", text)
                else:
                    await self._message(text)
                rest = self.composer.text
                self._entered = [end - len(text) for end in self._entered if end > len(text)]
                if not self._entered or channel != self.front.current or rest.startswith(text):
                    return
                text = rest[: self._entered[0]]
                if not text.strip():
                    return
        finally:
            self._sending = False
            self._entered.clear()

    async def _message(self, text: str) -> None:
        front, channel = self.front, self.front.current
        if channel is None:
            front.say("Open a channel or a conversation first: /create NAME, /join LINK, /pair.", bad=True)
            return
        reply = self.reply_to
        sent = text[1:] if text.startswith("//") else text
        if await front.send(channel, sent, reply.id if reply is not None else None) is None:
            return
        if channel == front.current:
            self.composer.accept(text)
            self.reply_to = None
            await front.to_newest()
            self.timeline.to_end()

    async def _command(self, line: str, text: str) -> None:
        """`text` is what stands in the composer for it."""
        front = self.front
        if front.api is None:
            front.say("Still opening: try again in a moment.", bad=True)
            return
        try:
            outcome = await run_command(front.api, front.current, line)
        except MultichatError as error:
            front.say(str(error), bad=True)
            return
        self.composer.accept(text)
        front.edited(front.current, self.composer.text)
        if outcome.quit:
            await self.app.action_quit()
            return
        front.say("")
        if outcome.open_channel is not None:
            await front.go(outcome.open_channel)
        lines, link = outcome.lines, outcome.fields.get("link")
        if len(lines) == 1 and link is None and len(wrap(lines[0], self.size.width - 2)) <= NOTE_LINES:
            front.say(lines[0])
        elif lines:
            self._panel(page_of(line.split()[0], lines, link if isinstance(link, str) else "", outcome.hang))
        front.want(Read.SETTINGS | Read.CONTACTS | Read.CHANNELS | Read.STATUS)

    def _panel(self, page: Page) -> None:
        self.app.push_screen(PanelScreen(page, self.palette, self.glyphs))

    def _complete(self, text: str, caret: int) -> Completion | None:
        desk = self.front.desk
        people = [m.name for m in desk.members if not m.me] + [row.name for row in desk.contacts.values()]
        channels = [row.name for row in desk.ordered if isinstance(row, ChannelRow) and shown_name(row).startswith("#")]
        commands = ["/" + command.name for command in COMMANDS]
        return complete(text, caret, people=people, channels=channels, commands=commands)

    # Actions

    def on_key(self, event: events.Key) -> None:
        action = KEYS[Scope.ANYWHERE].get(event.key)
        if event.key == "ctrl+c" and not self.selections:
            self.front.say("Ctrl+Q quits.")
        if action is None and event.is_printable and event.character:
            if event.character.isdigit() and self.timeline.has_focus:
                action = f"channel.{int(event.character) or 10}"
            else:
                self.set_focus(self.composer)
                self.composer.insert(event.character)
        if action is not None:
            event.stop()
            event.prevent_default()
            self.perform(action)

    def perform(self, action: str) -> None:
        """An action that works anywhere."""
        kind, _, which = action.partition(".")
        match kind:
            case "channel":
                self._spawn(self._switch(which))
            case "view":
                self._view(which)
            case "focus":
                self._focus_step(1 if which == "next" else -1)
            case "pane":
                self._toggle(self._channels if which == "channels" else self._members)
            case "help":
                self._panel(help_page(self.scope))
            case "quit":
                self.run_worker(self.app.action_quit())
            case "redraw":
                self.refresh(layout=True)
                self.app.refresh()
            case "mouse":
                self.post_message(self.MouseToggled())
            case "back":
                self._back()

    class MouseToggled(Message):
        """The user wants the mouse on or off."""

    def _back(self) -> None:
        if self.selections:
            self.clear_selection()
        elif not self.composer.has_focus:
            self.composer.focus()
        elif self.reply_to is not None:
            self.reply_to = None
            self._below()
        elif self.front.note is not None:
            self.front.say("")
        elif not self.composer.text:
            self.timeline.focus()

    def _view(self, which: str) -> None:
        match which:
            case "page-up":
                self.timeline.page(-1)
            case "page-down":
                self.timeline.page(1)
            case "first":
                self._spawn(self._to_first())
            case "last":
                self._spawn(self._to_last())
            case "cursor":
                self.timeline.focus()
            case "unread":
                self._spawn(self._to_unread())

    async def _to_first(self) -> None:
        await self.front.to_oldest()
        self.timeline.to_first()

    async def _to_last(self) -> None:
        await self.front.to_newest()
        self.timeline.to_end()

    async def _to_unread(self) -> None:
        if not (await self.front.to_unread() and self.timeline.to_entry(("new", 0))):
            self.front.say("nothing is unread here")

    async def _switch(self, which: str) -> None:
        front = self.front
        ordered = front.desk.ordered
        at = next((i for i, row in enumerate(ordered) if isinstance(row, ChannelRow) and row.id == front.current), -1)
        match which:
            case "last":
                target = front.desk.channels.get(front.previous) if front.previous is not None else None
            case "active":
                active = front.desk.next_active(front.current)
                target = front.desk.channels.get(active) if active is not None else None
                if target is None:
                    front.say("no activity elsewhere")
            case "next" | "previous":
                rows = [row for row in ordered if isinstance(row, ChannelRow)]
                step = 1 if which == "next" else -1
                target = rows[((at if at >= 0 else -step if step < 0 else -1) + step) % len(rows)] if rows else None
            case _:
                number = int(which)
                chosen = ordered[number - 1] if number <= len(ordered) else None
                if chosen is not None and not isinstance(chosen, ChannelRow):
                    await front.open_person(chosen.user)
                    return
                target = chosen
        if target is not None:
            await front.open(target.id)
