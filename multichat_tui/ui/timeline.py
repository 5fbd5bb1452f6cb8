"""The timeline pane: one line-drawing widget over a `View` of a `MessageWindow`. It holds view state only."""

from itertools import pairwise

from textual import events
from textual.geometry import Region
from textual.message import Message as UiMessage
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.ui.actions import KEYS, Scope
from multichat_tui.ui.drawing import Surroundings
from multichat_tui.ui.entries import Key, Message, Notice, key_of
from multichat_tui.ui.selecting import extract, mark
from multichat_tui.ui.view import Line, View
from multichat_tui.ui.window import MessageWindow

WHEEL_LINES = 3
COUNT_DOWN_S = 5.0
"""Between two looks at the time that messages in view still have, at least: there may be one on every line."""


class Timeline(Widget, can_focus=True):
    """Tells upwards what it needs (`PageWanted`), what was chosen (`Chosen`) and that its position changed (`Moved`)."""

    ALLOW_SELECT = True

    class PageWanted(UiMessage):
        """More rows beyond an edge are needed soon."""

        def __init__(self, *, before: bool) -> None:
            super().__init__()
            self.before = before

    class Moved(UiMessage):
        """The view, or what is below it, has changed."""

    class Chosen(UiMessage):
        """An action for the row under the cursor."""

        def __init__(self, action: str, row: MessageRow) -> None:
            super().__init__()
            self.action = action
            self.row = row

    def __init__(self, around: Surroundings, **options: str) -> None:
        super().__init__(id=options.get("id"))
        self.view = View(around)
        self.channel: ChannelId | None = None
        self.cursor: RecordId | None = None
        self._cursor_on = False
        self._counting: Timer | None = None
        """Waits for the next change of what messages in view tell about their time."""
        self._written = False
        """Writing has begun here: this key and those on its heels are the composer's, which gets the focus."""

    # What it shows

    def open(self, channel: ChannelId | None, window: MessageWindow, read_arrival: int | None) -> None:
        """Show another channel, from its end; where none is open, what stands there instead from its first line."""
        self.channel, self.cursor = channel, None
        self.view.open(window, read_arrival)
        self._begin()
        self.changed()

    def _begin(self) -> None:
        """What stands where no channel is open is read from its first line."""
        if self.channel is None:
            self.view.lay()
            if self.view.entries:
                self.view.anchor(0)

    def surround(self, around: Surroundings) -> None:
        """Other colours, names or signs."""
        taught = self.around.beginning
        self.view.surround(around)
        if around.beginning != taught:
            self._begin()
        self.changed()

    @property
    def around(self) -> Surroundings:
        return self.view.around

    @property
    def window(self) -> MessageWindow:
        return self.view.window

    @property
    def at_end(self) -> bool:
        """Whether the newest row is in view."""
        self.lines()
        return self.view.at_end

    @property
    def visible_rows(self) -> list[MessageRow]:
        """The rows in view, in order."""
        self.lines()
        return self.view.visible_rows

    def changed(self) -> None:
        """Something in the window changed: draw again, only the lines that differ."""
        self.view.marked = self.cursor if self._cursor_on else None
        before = self.view.stale()
        if not self.is_mounted or not self.size.height:
            return
        if before is None or len(before) != self.size.height:
            self.refresh()
        else:
            fresh = self.lines()
            differing = [y for y, (old, new) in enumerate(zip(before, fresh, strict=True)) if old.strip is not new.strip]
            if differing:
                self.refresh(*_regions(differing, self.size.width))
        self.post_message(self.Moved())

    def lines(self) -> list[Line]:
        """The view, line by line. Pages that will be needed soon are asked for."""
        view = self.view
        view.resize(self.size.width, self.size.height)
        if (made := view.made) is not None:
            return made
        lines = view.lines()
        for wanted, before in zip(view.near_edges, (True, False), strict=True):
            if wanted:
                self.post_message(self.PageWanted(before=before))
        self._count_down()
        return lines

    def _count_down(self) -> None:
        """Look again when a message in view has less time left in words: one wish at a time, none where none disappears."""
        if self._counting is not None:
            self._counting.stop()
            self._counting = None
        if self.is_mounted and (due_ms := self.view.changes_ms) is not None:
            wait_s = (due_ms - self.around.now_ms()) / 1000
            self._counting = self.set_timer(max(wait_s, COUNT_DOWN_S), self.changed)

    def render_line(self, y: int) -> Strip:
        lines = self.lines()
        strip = lines[y].strip if y < len(lines) else self.view.blank()
        selection: Selection | None = self.text_selection
        if selection is not None:
            strip = mark(strip, y, selection, self.around.palette.marked)
        return strip.apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return extract([line.strip for line in self.lines()], selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # Moving the view

    def scroll_lines(self, lines: int) -> None:
        """Move the view down by `lines` (up when negative)."""
        self.lines()
        if self.view.scroll(lines):
            self._moved()

    def to_end(self) -> None:
        """Stick to the end of the window again."""
        self.view.to_end()
        self._moved()
        if self._cursor_on:
            self._cursor_to(len(self.view.entries) - 1)

    def to_entry(self, key: Key, *, above: int = 2) -> bool:
        """Show an entry near the top. False: it is not in the window."""
        if not self.view.to_entry(key, above):
            return False
        self._moved()
        return True

    def to_first(self) -> None:
        """The oldest row that is held; a page before it is asked for if there is one."""
        self.view.lay()
        if self.view.entries:
            self.view.anchor(0)
            self._moved()
            if self._cursor_on:
                self._cursor_to(0)

    def _moved(self) -> None:
        if self.is_mounted and self.screen.selections:
            self.screen.clear_selection()
        self.changed()

    def page(self, direction: int) -> None:
        """One view up (-1) or down (1), less one line to read on from."""
        self.scroll_lines(direction * max(1, self.size.height - 1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(WHEEL_LINES)

    def on_resize(self) -> None:
        self.view.resize(self.size.width, self.size.height)
        self.view.stale()
        self.refresh()
        self.post_message(self.Moved())

    # The cursor

    def on_focus(self) -> None:
        self._written = False
        self.take_cursor()
        self._cursor_on = True
        self.changed()

    def take_cursor(self) -> None:
        """To the newest row in view, if the cursor is on none that is held."""
        if self.cursor is None or self.window.get(self.cursor) is None:
            rows = self.visible_rows
            self.cursor = rows[-1].id if rows else None

    def on_blur(self) -> None:
        self._cursor_on = False
        self.changed()

    def on_key(self, event: events.Key) -> None:
        action = KEYS[Scope.TIMELINE].get(event.key)
        if self._written or action is None:
            self._written = self._written or (event.is_printable and not (event.character or "").isdigit())
            return
        event.stop()
        event.prevent_default()
        self.perform(action)

    def perform(self, action: str) -> None:
        """An action of the timeline's scope."""
        match action:
            case "cursor.up":
                self.move_cursor(-1)
            case "cursor.down":
                self.move_cursor(1)
            case "unfold" if (begun := self._thread_at_cursor()) is not None:
                self.post_message(self.Chosen("thread", begun))
            case "unfold":
                self.unfold(self.cursor)
            case "mark":
                self._mark()
            case _:
                row = None if self.cursor is None else self.window.get(self.cursor)
                if row is not None and row.ignored:
                    # Folded: what is in there is read before anything is done with it.
                    self.unfold(row.id)
                elif row is not None:
                    self.post_message(self.Chosen(action, row))

    def _mark(self) -> None:
        """The row under the cursor, or no more; the cursor goes on to the next."""
        if self.cursor is not None and self.window.get(self.cursor) is not None:
            self.view.chosen ^= {self.cursor}
            self.move_cursor(1)
            self.changed()

    def take_chosen(self, row: MessageRow) -> list[MessageRow]:
        """The rows that are marked, none of which is from now on; where none is, this one."""
        rows = [found for each in self.view.chosen if (found := self.window.get(each)) is not None]
        self.view.chosen.clear()
        self.changed()
        return sorted(rows, key=lambda each: (each.ets, each.id)) or [row]

    def _thread_at_cursor(self) -> MessageRow | None:
        """The message under the cursor, if it is answered and there is nothing to unfold."""
        row = None if self.cursor is None else self.window.get(self.cursor)
        row = None if row is not None and row.ignored else row
        index = None if row is None else self.view.place(("row", row.id))
        if row is None or index is None or not (row.replies and self.around.threads) or row.id in self.view.unfolded:
            return None
        return None if any("unfolds)" in strip.text for strip in self.view.strips(index)) else row

    def move_cursor(self, step: int) -> None:
        """To the next entry with a row; the view follows."""
        view = self.view
        view.lay()
        at = view.place(("row", self.cursor)) if self.cursor is not None else None
        index = len(view.entries) if at is None else at
        while 0 <= index + step < len(view.entries):
            index += step
            if isinstance(view.entries[index], Message | Notice):
                self._cursor_to(index)
                return
        self.scroll_lines(step)

    def _cursor_to(self, index: int) -> None:
        view = self.view
        while 0 <= index < len(view.entries) and not isinstance(view.entries[index], Message | Notice):
            index += 1
        if not 0 <= index < len(view.entries):
            return
        kind, record = key_of(view.entries[index])
        if kind == "row" and isinstance(record, bytes):
            self.cursor = record
        self.lines()
        if view.into_view(index):
            self._moved()
        else:
            self.changed()

    def unfold(self, record: RecordId | None) -> None:
        """Unfold a folded or held message, or fold it again."""
        if record is not None and self.window.get(record) is not None:
            place = self.view.place(("row", record))
            entry = None if place is None else self.view.entries[place]
            together = {row.id for row in entry.rows} if isinstance(entry, Notice) else {record}
            if together & self.view.unfolded:
                self.view.unfolded -= together
            else:
                self.view.unfolded.add(record)
            self.changed()

    def on_click(self, event: events.Click) -> None:
        lines = self.lines()
        if not 0 <= event.y < len(lines):
            return
        line = lines[event.y]
        entry = self.view.entries[line.index] if line.index >= 0 else None
        if isinstance(entry, Notice) and entry.rows[0].ignored:
            self.cursor = entry.rows[0].id
            self.unfold(self.cursor)
        elif isinstance(entry, Message):
            self.cursor = entry.row.id
            last = line.line == len(self.view.strips(line.index)) - 1
            if last and "unfolds)" in line.strip.text:
                self.unfold(entry.row.id)
            elif entry.row.replies and self.around.threads and last:
                self.post_message(self.Chosen("thread", entry.row))
        self.changed()


def _regions(differing: list[int], width: int) -> list[Region]:
    """Whole-width regions that cover these lines, adjacent ones joined."""
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(differing)) if b != a + 1), len(differing)]
    return [Region(0, differing[a], width, differing[b - 1] - differing[a] + 1) for a, b in pairwise(cuts)]
