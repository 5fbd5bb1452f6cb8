"""The timeline pane: one line-drawing widget over a `MessageWindow`.

It holds view state only: where the view stands, what is under the cursor, what is unfolded. The view is anchored by an entry and
a line in it, never by a count of lines, so nothing moves when pages, late messages or another width come in. No anchor: it
sticks to the end.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from textual import events
from textual.geometry import Region
from textual.message import Message as UiMessage
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.ui.actions import KEYS, Scope
from multichat_tui.ui.drawing import Surroundings
from multichat_tui.ui.entries import Key, Message, Notice, key_of
from multichat_tui.ui.laid import EntryList
from multichat_tui.ui.painted import PaintedEntries
from multichat_tui.ui.selecting import extract, mark
from multichat_tui.ui.window import MessageWindow

NEAR_EDGE_ENTRIES = 60
"""Nearer than this to an edge of the window, the next page is asked for."""
WHEEL_LINES = 3


@dataclass(frozen=True, slots=True)
class Anchor:
    """The entry, and the line in it, that stand at the top of the view."""

    key: Key
    line: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the view."""

    index: int
    """Of its entry; -1 for an empty line."""
    line: int
    strip: Strip


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
        self.around = around
        self.window = MessageWindow()
        self.channel: ChannelId | None = None
        self.read_arrival: int | None = None
        self.new_count = 0
        """Messages of others that have come below the view since it was scrolled up."""
        self.cursor: RecordId | None = None
        self._cursor_on = False
        self._written = False
        """Writing has begun here: this key and those on its heels are the composer's, which gets the focus."""
        self._anchor: Anchor | None = None
        self._unfolded: set[RecordId] = set()
        self._laid = EntryList()
        self._painted = PaintedEntries()
        self._view: list[Line] | None = None
        self._empty = (0, around.palette.ground, Strip.blank(0))

    # What it shows

    def open(self, channel: ChannelId | None, window: MessageWindow, read_arrival: int | None) -> None:
        """Show another channel, from its end."""
        self.channel, self.window, self.read_arrival = channel, window, read_arrival
        self.new_count, self.cursor, self._anchor = 0, None, None
        self._unfolded.clear()
        self._painted.clear()
        self._laid.forget()
        self.changed()

    def surround(self, around: Surroundings) -> None:
        """Other colours, names or signs."""
        self.around = around
        self._painted.clear()
        self.changed()

    def changed(self) -> None:
        """Something in the window changed: draw again, only the lines that differ."""
        before, self._view = self._view, None
        if not self.is_mounted or not self.size.height:
            return
        if before is None or len(before) != self.size.height:
            self.refresh()
        else:
            fresh = self._lines()
            differing = [y for y, (old, new) in enumerate(zip(before, fresh, strict=True)) if old.strip is not new.strip]
            if differing:
                self.refresh(*_regions(differing, self.size.width))
        self.post_message(self.Moved())

    @property
    def at_end(self) -> bool:
        """Whether the newest row is in view."""
        return self._anchor is None and not self.window.more_after

    @property
    def visible_rows(self) -> list[MessageRow]:
        """The rows in view, in order."""
        rows: list[MessageRow] = []
        seen: set[int] = set()
        for line in self._lines():
            if line.index >= 0 and line.index not in seen:
                seen.add(line.index)
                entry = self._laid.entries[line.index]
                if isinstance(entry, Message):
                    rows.append(entry.row)
                elif isinstance(entry, Notice):
                    rows.extend(entry.rows)
        return rows

    @property
    def unread_above(self) -> bool:
        """Whether the line "new" is in the window and above the view."""
        index = self._laid.places.get(("new", 0))
        return index is not None and index < self._top().index if self._laid.entries else False

    @property
    def keep_index(self) -> int | None:
        """The row of the window that the view stands at; None: the end."""
        if self._anchor is None:
            return None
        entry = self._laid.entries[min(self._top().index, len(self._laid.entries) - 1)] if self._laid.entries else None
        row = entry.row if isinstance(entry, Message) else entry.rows[0] if isinstance(entry, Notice) else None
        return 0 if row is None else self.window.index_of(row.id)

    # Laying out

    def _refresh_entries(self) -> None:
        self._laid.refresh(self.window, self.read_arrival)

    def _strips(self, index: int) -> list[Strip]:
        entry = self._laid.entries[index]
        under = self.cursor is not None and self._cursor_on and self._laid.places.get(("row", self.cursor)) == index
        unfolded = isinstance(entry, Message) and entry.row.id in self._unfolded
        if self.around.width != self.size.width:
            self.around = replace(self.around, width=self.size.width)
        return self._painted.strips(entry, self.around, unfolded=unfolded, under_cursor=under)

    def _top(self) -> Line:
        lines = self._lines()
        return next((line for line in lines if line.index >= 0), Line(0, 0, Strip.blank(0)))

    def _lines(self) -> list[Line]:
        """The view, line by line; made at most once for each change."""
        if self._view is not None:
            return self._view
        self._refresh_entries()
        height = self.size.height
        lines: list[Line] = []
        if self._anchor is not None and (start := self._laid.places.get(self._anchor.key)) is not None:
            skip = min(self._anchor.line, max(0, len(self._strips(start)) - 1))
            for index in range(start, len(self._laid.entries)):
                strips = self._strips(index)
                lines.extend(Line(index, number, strips[number]) for number in range(skip, len(strips)))
                skip = 0
                if len(lines) >= height:
                    break
            del lines[height:]
        if len(lines) < height:
            self._anchor = None
            lines = []
            for index in range(len(self._laid.entries) - 1, -1, -1):
                strips = self._strips(index)
                lines[:0] = [Line(index, number, strip) for number, strip in enumerate(strips)]
                if len(lines) >= height:
                    break
            del lines[: max(0, len(lines) - height)]
            if self.window.more_after and lines:
                self._anchor = Anchor(key_of(self._laid.entries[lines[0].index]), lines[0].line)
            else:
                self.new_count = 0
        blank = self._blank()
        lines[:0] = [Line(-1, 0, blank)] * (height - len(lines))
        self._view = lines
        self._want_pages()
        return lines

    def _blank(self) -> Strip:
        style = self.around.palette.ground
        if self._empty[:2] != (self.size.width, style):
            self._empty = (self.size.width, style, Strip.blank(self.size.width, style))
        return self._empty[2]

    def _want_pages(self) -> None:
        indices = [line.index for line in self._view or () if line.index >= 0]
        first = indices[0] if indices else 0
        last = indices[-1] if indices else 0
        if self.window.more_before and first < NEAR_EDGE_ENTRIES:
            self.post_message(self.PageWanted(before=True))
        if self.window.more_after and last > len(self._laid.entries) - NEAR_EDGE_ENTRIES:
            self.post_message(self.PageWanted(before=False))

    def render_line(self, y: int) -> Strip:
        lines = self._lines()
        strip = lines[y].strip if y < len(lines) else self._blank()
        selection: Selection | None = self.text_selection
        if selection is not None:
            strip = mark(strip, y, selection, self.around.palette.marked)
        return strip.apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return extract([line.strip for line in self._lines()], selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # Moving the view

    def scroll_lines(self, lines: int) -> None:
        """Move the view down by `lines` (up when negative)."""
        view = self._lines()
        if not self._laid.entries:
            return
        top = self._top()
        index, line = top.index, top.line
        while lines < 0 and (index, line) != (0, 0):
            if line > 0:
                step = min(line, -lines)
                line, lines = line - step, lines + step
            else:
                index -= 1
                line = len(self._strips(index))
        while lines > 0:
            left = len(self._strips(index)) - line
            if lines < left:
                line, lines = line + lines, 0
            elif index + 1 < len(self._laid.entries):
                index, line, lines = index + 1, 0, lines - left
            else:
                break
        if view and view[0].index < 0:
            return
        self._anchor = Anchor(key_of(self._laid.entries[index]), line)
        self._moved()

    def to_end(self) -> None:
        """Stick to the end of the window again."""
        self._anchor = None
        self._moved()
        if self._cursor_on:
            self._cursor_to(len(self._laid.entries) - 1)

    def to_entry(self, key: Key, *, above: int = 2) -> bool:
        """Show an entry near the top. False: it is not in the window."""
        self._refresh_entries()
        index = self._laid.places.get(key)
        if index is None:
            return False
        self._anchor = Anchor(key_of(self._laid.entries[index]), 0)
        self._view = None
        self._lines()
        if self._anchor is not None and above:
            self.scroll_lines(-above)
        self._moved()
        return True

    def to_first(self) -> None:
        """The oldest row that is held; a page before it is asked for if there is one."""
        self._refresh_entries()
        if self._laid.entries:
            self._anchor = Anchor(key_of(self._laid.entries[0]), 0)
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
        self._painted.clear()
        self._view = None
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
            case _:
                row = None if self.cursor is None else self.window.get(self.cursor)
                if row is not None:
                    self.post_message(self.Chosen(action, row))

    def _thread_at_cursor(self) -> MessageRow | None:
        """The message under the cursor, if it is answered and there is nothing to unfold."""
        row = None if self.cursor is None else self.window.get(self.cursor)
        index = None if row is None else self._laid.places.get(("row", row.id))
        if row is None or index is None or not (row.replies and self.around.threads) or row.id in self._unfolded:
            return None
        return None if any("unfolds)" in strip.text for strip in self._strips(index)) else row

    def move_cursor(self, step: int) -> None:
        """To the next entry with a row; the view follows."""
        self._refresh_entries()
        at = self._laid.places.get(("row", self.cursor)) if self.cursor is not None else None
        index = len(self._laid.entries) if at is None else at
        while 0 <= index + step < len(self._laid.entries):
            index += step
            if isinstance(self._laid.entries[index], Message | Notice):
                self._cursor_to(index)
                return
        self.scroll_lines(step)

    def _cursor_to(self, index: int) -> None:
        while 0 <= index < len(self._laid.entries) and not isinstance(self._laid.entries[index], Message | Notice):
            index += 1
        if not 0 <= index < len(self._laid.entries):
            return
        kind, record = key_of(self._laid.entries[index])
        if kind == "row" and isinstance(record, bytes):
            self.cursor = record
        shown = [line.index for line in self._lines() if line.index >= 0]
        if (shown and index < shown[0]) or (shown and index == shown[0] and self._top().line > 0):
            self._anchor = Anchor(key_of(self._laid.entries[index]), 0)
        elif shown and index >= shown[-1]:
            wanted = len(self._strips(index))
            present = sum(1 for line in self._lines() if line.index == index)
            missing = wanted - present + sum(len(self._strips(between)) for between in range(shown[-1] + 1, index))
            if missing > 0:
                self.scroll_lines(min(missing, self.size.height))
        self.changed()

    def unfold(self, record: RecordId | None) -> None:
        """Unfold a folded or held message, or fold it again."""
        if record is not None and self.window.get(record) is not None:
            self._unfolded.symmetric_difference_update({record})
            self.changed()

    def on_click(self, event: events.Click) -> None:
        lines = self._lines()
        if not 0 <= event.y < len(lines):
            return
        line = lines[event.y]
        entry = self._laid.entries[line.index] if line.index >= 0 else None
        if isinstance(entry, Message):
            self.cursor = entry.row.id
            if line.line == len(self._strips(line.index)) - 1 and "unfolds)" in line.strip.text:
                self.unfold(entry.row.id)
            elif entry.row.replies and self.around.threads and line.line == len(self._strips(line.index)) - 1:
                self.post_message(self.Chosen("thread", entry.row))
        self.changed()


def _regions(differing: list[int], width: int) -> list[Region]:
    """Whole-width regions that cover these lines, adjacent ones joined."""
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(differing)) if b != a + 1), len(differing)]
    return [Region(0, differing[a], width, differing[b - 1] - differing[a] + 1) for a, b in pairwise(cuts)]
