"""The main screen: puts the panes together, and turns keys and clicks into what `Front` does."""

import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.snapshots import ChannelKind, MessageRow, StatusRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import COMMANDS
from multichat_tui.node.api.commands.asking import request_lines
from multichat_tui.ui import faces
from multichat_tui.ui.acting import Acting
from multichat_tui.ui.actions import KEYS, Scope, hint
from multichat_tui.ui.asked_for import AskedFor
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import one_line
from multichat_tui.ui.completing import Completion, complete
from multichat_tui.ui.composer import Composer
from multichat_tui.ui.drafts import Place
from multichat_tui.ui.drawing import Surroundings
from multichat_tui.ui.front import Front
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.in_order import PATIENCE_S, Moves
from multichat_tui.ui.lists import ListPane
from multichat_tui.ui.moderating import Overseer
from multichat_tui.ui.outbox import NOTE_LINES, Outbox
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.panel import AskScreen, Page, PanelScreen, page_of
from multichat_tui.ui.parts import Part
from multichat_tui.ui.paths import paths_like
from multichat_tui.ui.performer import Performer
from multichat_tui.ui.row_actions import RowActions
from multichat_tui.ui.teaching import beginning_of
from multichat_tui.ui.thread import ThreadPane
from multichat_tui.ui.timeline import Timeline
from multichat_tui.ui.trusting import Trusting
from multichat_tui.ui.window import MessageWindow

log = logging.getLogger(__name__)

MEMBERS_FROM_CELLS = 100
CHANNELS_FROM_CELLS = 70
GUIDE_LINES = 3
"""What the guide may take of the screen."""


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
    MainScreen #thread { width: 1fr; height: 100%; display: none; }
    MainScreen #thread-edge { width: 1; height: 100%; }
    MainScreen #thread-lines { width: 100%; height: 1fr; }
    MainScreen #composer { height: 1; width: 100%; }
    """

    def __init__(self, palette: Palette, glyphs: Glyphs, clock: str, *, ring: Callable[[str, str], None]) -> None:
        super().__init__()
        self.palette, self.glyphs = palette, glyphs
        self.front = Front(self.changed, self.spawn, ring)
        self.reply_to: MessageRow | None = None
        self.acting = Acting(self)
        self.outbox = Outbox(self)
        self._asked = AskedFor(self.spawn)
        self.performer = Performer(self)
        self._row_actions, self._trusting = RowActions(self), Trusting(self)
        self.overseer = Overseer(self)
        self._shown: dict[str, bool] = {}
        self.moves = Moves()
        self._guide = Bar(palette.bar, id="guide", most_lines=GUIDE_LINES)
        self._guide.display = False
        self._noted = ""
        """What the front knows of the composer's text."""
        self._header = Bar(palette.bar, id="header")
        self.channels = ListPane(palette, glyphs, "left", id="channels")
        self.members = ListPane(palette, glyphs, "right", id="members", scope=Scope.MEMBERS)
        self._rule = Bar(palette.ground, id="rule", filler=glyphs.rule, filler_style=palette.faint)
        self._status = Bar(palette.bar, id="status", most_lines=NOTE_LINES, right_gives_way=True)
        self.composer = Composer(palette, glyphs, self._complete, id="composer")
        self.timeline = Timeline(self.surroundings(clock), id="timeline")
        self.thread = ThreadPane(palette, glyphs, self.surroundings(clock), id="thread")

    def compose(self) -> ComposeResult:
        self._fit(self.app.size.width)
        yield self._guide
        yield self._header
        with Horizontal(id="body"):
            yield self.channels
            yield self.timeline
            yield self.thread
            yield self.members
        yield self._rule
        yield self.composer
        yield self._status

    def on_mount(self) -> None:
        self._redraw(Part.OPENED | Part.TIMELINE | Part.CHANNELS | Part.STATUS | Part.SETTINGS)

    def attach(self, api: NodeApi, again: Callable[[], Awaitable[NodeApi]] | None = None) -> None:
        """Show what this node knows, from now on, and if it ends what the one knows that `again` finds."""
        # If this fails, the program ends: what would be left is a screen that shows nothing new.
        self.run_worker(self.front.run(api, again))

    def tell_guide(self, text: str) -> None:
        """A line above everything: what is happening, and what to try."""
        self._guide.display = True
        self._guide.tell([(f" {one_line(text)}", self.palette.accent)])

    def spawn(self, work: Coroutine[Any, Any, None]) -> object:
        """Run it beside the screen. What fails in an unforeseen way is said and logged: it must not take with it what is being
        written, nor the node."""
        return self.run_worker(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # the top of everything that is done by keys and commands
            log.error("work failed error=%s", type(error).__name__, exc_info=error)
            self.front.say("Something went wrong inside: /log shows what.", bad=True)

    def move(self, work: Coroutine[Any, Any, object], patience_s: float = PATIENCE_S) -> None:
        """Run what decides where the next keys go beside the screen; they wait for it."""
        self.spawn(self.moves.waited_for(work, patience_s))

    # What the parts say

    def surroundings(self, clock: str) -> Surroundings:
        """What drawing the open channel's messages needs."""
        front = self.front
        return Surroundings(
            width=max(1, self.timeline.size.width) if hasattr(self, "timeline") else 80,
            palette=self.palette,
            glyphs=self.glyphs,
            my_name=front.desk.me.name if front.desk.me is not None else "",
            clock=clock,
            name_of=front.desk.name_of,
            quote_of=front.rows.quote_of,
            now_ms=lambda: int(time.time() * 1000),
            beginning=beginning_of(front.row, front.desk) if front.api is not None else (),
            kind=ChannelKind.GROUP if front.row is None else front.row.kind,
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
                front.current, front.pages.window if front.pages is not None else MessageWindow(), front.marks.line
            )
            if self.reply_to is not None and self.reply_to.channel != front.current:
                self.reply_to = None
            if self.acting.editing is not None and self.acting.editing.channel != front.current:
                self.acting.forget()
            self._load_text(front.place)
        elif parts & Part.DRAFT and front.place is not None and self.acting.editing is None:
            draft = front.drafts.get(front.place)
            if self.composer.text == self._noted != draft:
                self._load_text(front.place)
            else:
                # Typed here a moment ago, and not noted yet: that stays.
                self.note_text()
        if parts & (Part.THREAD | Part.OPENED):
            self._show_thread()
        if parts & (Part.TYPED | Part.OPENED):
            self.composer.recall.use(front.typed.entries(front.current))
        if parts & Part.RELOAD:
            rows = self.timeline.visible_rows
            self.spawn(front.rows.reload(rows[0] if rows and not self.timeline.at_end else None))
        if parts & Part.TIMELINE and not parts & Part.OPENED:
            self._take_new_rows()
        if parts & (Part.CHANNELS | Part.OPENED | Part.MEMBERS):
            around = self.surroundings(self.timeline.around.clock)
            shown = self.timeline.around
            if (around.my_name, around.beginning, around.kind) != (shown.my_name, shown.beginning, shown.kind):
                self.timeline.surround(around)
            if parts & (Part.CHANNELS | Part.OPENED):
                self.post_message(self.Counted(desk.unread))
                self.channels.show(faces.channel_items(desk, front.current, palette, glyphs))
            self.members.show(faces.member_items(desk.members, palette, glyphs))
            self._header.tell(*faces.header(front.row, desk, palette, glyphs))
            self._prompt()
            self._follow_channel()
        if parts & (Part.STATUS | Part.OPENED):
            self._status.tell(*faces.status(desk.status, desk, front.note, "opening...", palette, glyphs))
            self._trusting.status_changed()
            if desk.status is not None and desk.status.closed:
                self.post_message(self.Closed(desk.status, sum(not row.pending for row in desk.contacts.values())))
        self.tell_below()

    def _show_thread(self) -> None:
        """Open, bring up to date or close the thread pane; what is written goes along."""
        front, before = self.front, self.thread.root
        if front.thread is None and before is None:
            return
        self.thread.show(front.thread, self.surroundings(self.timeline.around.clock))
        if self.thread.root == before:
            return
        self.reply_to = None
        self._fit(self.size.width)
        if front.place is not None:
            self._load_text(front.place)
        self._prompt()
        self.composer.focus()

    def _prompt(self) -> None:
        prompt, told = faces.prompt(self.front.row, self.front.desk, in_thread=self.front.thread is not None)
        self.composer.set_prompt(prompt, faces.where_keys_go(self.scope) or told)

    def on_descendant_focus(self) -> None:
        self._prompt()
        if self.composer.has_focus:
            self.timeline.cursor = None

    def _take_new_rows(self) -> None:
        front, timeline = self.front, self.timeline
        if front.pages is not None and timeline.window is front.pages.window:
            rows, front.rows.arrived = front.rows.arrived, []
            if not timeline.at_end:
                timeline.view.new_count += sum(1 for row in rows if not row.mine and not row.ignored)
            if not front.pages.reading:
                timeline.window.trim(timeline.view.keep_index)
            timeline.view.read_arrival = front.marks.line
        timeline.changed()

    def _follow_channel(self) -> None:
        """What the open channel's row says of its timeline: what was read, where something is missing."""
        view, row = self.timeline.view, self.front.row
        told = (self.front.marks.line, () if row is None else row.gaps)
        if told != (view.read_arrival, view.gaps):
            view.read_arrival, view.gaps = told
            self.timeline.changed()

    def tell_below(self) -> None:
        timeline = self.timeline
        below = faces.Below(
            new=timeline.view.new_count,
            scrolled=not timeline.at_end,
            unread_above=timeline.view.unread_above,
            reply_to=self.reply_to,
            editing=self.acting.editing,
        )
        self._rule.tell(*faces.rule(below, self.palette, self.glyphs))

    def look(self, palette: Palette, glyphs: Glyphs, clock: str) -> None:
        """Other colours, signs or clock."""
        self.palette, self.glyphs = palette, glyphs
        for pane in (self.channels, self.members):
            pane.look(palette, glyphs)
        self.thread.look(palette, glyphs, self.surroundings(clock))
        self.composer.look(palette, glyphs)
        self._guide.look(palette.bar)
        self._header.look(palette.bar)
        self._status.look(palette.bar)
        self._rule.look(palette.ground, glyphs.rule, palette.faint)
        self.timeline.surround(self.surroundings(clock))
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
        for pane, from_cells in ((self.channels, CHANNELS_FROM_CELLS), (self.members, MEMBERS_FROM_CELLS)):
            shown = self._shown.get(str(pane.id), cells >= from_cells)
            if pane is self.members and self.front.thread is not None:
                shown = False
            if pane.display != shown:
                pane.display = shown
                if not shown and pane.has_focus:
                    self.composer.focus()
        threading = self.front.thread is not None
        self.thread.display = threading
        self.timeline.display = not threading or cells >= MEMBERS_FROM_CELLS
        self.thread.set_alone(not self.timeline.display)

    def toggle(self, pane: ListPane) -> None:
        self._shown[str(pane.id)] = not pane.display
        self._fit(self.size.width)

    @property
    def scope(self) -> Scope:
        """Which keys work now."""
        focused = self.focused
        if isinstance(focused, Timeline):
            return Scope.TIMELINE
        return focused.scope if isinstance(focused, ListPane) else Scope.COMPOSER

    def focus_step(self, step: int) -> None:
        panes: list[Widget] = [self.composer, self.channels, self.timeline, self.thread.lines, self.members]
        shown = [pane for pane in panes if pane.display and (pane is not self.thread.lines or self.thread.display)]
        at = next((i for i, pane in enumerate(shown) if pane.has_focus), 0)
        shown[(at + step) % len(shown)].focus()

    def attended(self, focused: bool) -> None:
        """The terminal has, or has lost, the user's attention."""
        self.front.focused = focused
        if focused:
            self.front.marks.lift_line(self.front.pages)
            self._read_now()
        else:
            self.front.marks.draw_line(self.front.pages)

    def _read_now(self) -> None:
        self.front.mark_read(at_end=self.timeline.at_end)
        self.front.rows.refresh_stale(self.timeline.visible_rows)

    # What the panes tell

    def on_timeline_moved(self) -> None:
        self.tell_below()
        self._read_now()

    def on_timeline_page_wanted(self, event: Timeline.PageWanted) -> None:
        if self.front.pages is not None and not self.front.pages.reading:
            self.spawn(self.front.rows.more(before=event.before))

    def on_timeline_chosen(self, event: Timeline.Chosen) -> None:
        self._row_actions.perform(event.action, event.row)

    def on_list_pane_opened(self, event: ListPane.Opened) -> None:
        target = event.target
        self.composer.focus()
        status = self.front.desk.status
        request = next((row for row in status.requests if row.user == target), None) if status is not None else None
        if event.pane is self.channels and request is not None:
            name = f'"{one_line(request.name)}"' if " " in request.name else one_line(request.name)
            lines = (*request_lines(request), "", f"/accept {name} takes it up, /decline {name} deletes it: they are not told.")
            self.panel(page_of("a request", lines))
        elif event.pane is self.channels and target in self.front.desk.channels:
            self.move(self.front.open(ChannelId(bytes(target))))
        elif self.front.desk.me is not None and target != self.front.desk.me.user:
            self.move(self.front.open_person(UserId(bytes(target))))

    def compare(self) -> None:
        """The screen of comparisons and of people nearby."""
        self._trusting.show()

    def on_list_pane_verify_wanted(self, event: ListPane.VerifyWanted) -> None:
        self._trusting.verify(event.target)

    def on_list_pane_moderated(self, event: ListPane.Moderated) -> None:
        self.overseer.about_members(event.action, tuple(UserId(bytes(target)) for target in event.targets))

    def on_bar_clicked(self, event: Bar.Clicked) -> None:
        if event.bar is self._rule:
            self.perform("view.last")

    def _load_text(self, place: Place | None) -> None:
        """What was being written there; what was written while no channel was open goes along to the first one."""
        composer, drafts = self.composer, self.front.drafts
        self.note_text()
        written = composer.text if composer.place is None else ""
        if place is None:
            text = self._noted = composer.text
        else:
            text = self._noted = drafts.get(place)
            if written.strip() and not text.endswith(written):
                text = f"{text}\n{written}" if text.strip() else written
        composer.load(text, place)
        self.note_text()

    def note_text(self) -> None:
        """The front end knows what is being written, as far as it is typed."""
        if self.composer.text != self._noted:
            self._noted = self.composer.text
            self._asked.typed(self.front.api, self.front.current, self.composer.text)
            self.outbox.edited(self.composer.place, self.composer.text)
            if self.acting.editing is None:
                # What a message is to say is no draft of another one.
                self.front.edited(self.composer.place, self.composer.text)

    def restore_text(self) -> None:
        """What was being written before a message was edited."""
        self._load_text(self.front.place)

    def written(self, place: Place | None) -> str:
        """What stands in the composer, or would if that place were open."""
        if place == self.composer.place or place is None:
            return self.composer.text
        return self.front.drafts.get(place)

    def accept(self, place: Place | None, text: str) -> None:
        """This was written there and is taken: what was typed behind it stays."""
        if place == self.composer.place or place is None:
            self.composer.accept(text)
            self.note_text()
        else:
            self.front.taken(place, text)

    def on_composer_edited(self) -> None:
        self.note_text()

    def on_composer_performed(self, event: Composer.Performed) -> None:
        if event.action != "edit.last":
            self.perform(event.action)
        elif not self.composer.text and not self.acting.edit_last():
            self.composer.recall_step(-1)

    def on_composer_large_paste(self, event: Composer.LargePaste) -> None:
        lines = event.text.count("\n") + 1

        def answered(yes: bool | None) -> None:
            if yes:
                self.composer.insert(event.text)

        self.app.push_screen(AskScreen(f"Paste {lines} lines, {len(event.text)} characters?", self.palette), answered)

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        self.outbox.enter(event.text, event.place)

    async def on_paste(self, event: events.Paste) -> None:
        """Where nobody else takes it, it is something to write."""
        event.stop()
        self.set_focus(self.composer)
        await self.composer.take_paste(event.text)

    def panel(self, page: Page) -> None:
        """Lines to read, over the screen."""
        self.app.push_screen(PanelScreen(page, self.palette, self.glyphs))

    def _complete(self, text: str, caret: int) -> Completion | None:
        desk = self.front.desk
        commands = ["/" + command.name for command in COMMANDS]
        takes = self._asked.takes()
        return complete(text, caret, people=desk.people, channels=desk.groups, commands=commands, takes=takes, paths=paths_like)

    # Actions

    def on_key(self, event: events.Key) -> None:
        action = KEYS[Scope.ANYWHERE].get(event.key)
        if event.key == "ctrl+c" and not self.selections:
            self.front.say(f"{hint('quit')} quits.")
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
        self.performer.perform(action)

    class LockWanted(Message):
        """The user wants everything hidden."""

    class Counted(Message):
        """So much is unread now, in all channels."""

        def __init__(self, unread: int) -> None:
            super().__init__()
            self.unread = unread

    class LogWanted(Message):
        """The user wants to see what was logged last."""

    class Closed(Message):
        """The account is closed, and so many contacts there were to be told."""

        def __init__(self, status: StatusRow, contacts: int) -> None:
            super().__init__()
            self.status, self.contacts = status, contacts

    class MouseToggled(Message):
        """The user wants the mouse on or off."""
