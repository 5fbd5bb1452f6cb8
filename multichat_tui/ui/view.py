"""Which lines of a window's entries are in view.

The view is anchored by an entry and a line in it, never by a count of lines, so nothing moves when pages, late messages or
another width come in. No anchor: it sticks to the end.
"""

from dataclasses import replace

from textual.strip import Strip

from multichat_tui.model.ids import RecordId
from multichat_tui.model.snapshots import Gap, MessageRow
from multichat_tui.model.values import dataclass
from multichat_tui.ui.drawing import Surroundings, left_changes_ms
from multichat_tui.ui.entries import Entry, Key, Message, Notice, key_of
from multichat_tui.ui.laid import EntryList
from multichat_tui.ui.painted import PaintedEntries
from multichat_tui.ui.window import MessageWindow

NEAR_EDGE_ENTRIES = 60
"""Nearer than this to an edge of the window, the next page is asked for."""


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


class View:
    """Of `height` lines of `cells` cells. The lines are made at most once for each change; `stale` says that there was one."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.window = MessageWindow()
        self.read_arrival: int | None = None
        """The line "new" stands above the first row of others that arrived later; None: no line."""
        self.gaps: tuple[Gap, ...] = ()
        """Where messages are missing."""
        self.new_count = 0
        """Messages of others that have come below the view since it was scrolled up."""
        self.marked: RecordId | None = None
        self.chosen: set[RecordId] = set()
        """Rows that are marked, to be acted on together: they show as the one under the cursor does."""
        """The row that is drawn as being under the cursor."""
        self.unfolded: set[RecordId] = set()
        self.cells = self.height = 0
        self._anchor: Anchor | None = None
        self._laid = EntryList()
        self._painted = PaintedEntries()
        self._lines: list[Line] | None = None
        self._empty = (0, around.palette.ground, Strip.blank(0))

    # What it shows

    def open(self, window: MessageWindow, read_arrival: int | None) -> None:
        """Another window, from its end."""
        self.window, self.read_arrival, self.gaps = window, read_arrival, ()
        self.new_count, self.marked, self._anchor = 0, None, None
        self.chosen.clear()
        self.unfolded.clear()
        self._painted.clear()
        self._laid.forget()
        self._lines = None

    def surround(self, around: Surroundings) -> None:
        """Other colours, names or signs."""
        self.around = around
        self._painted.clear()
        self._lines = None

    def resize(self, cells: int, height: int) -> None:
        if (cells, height) != (self.cells, self.height):
            self.cells, self.height = cells, height
            self._painted.clear()
            self._lines = None

    def stale(self) -> list[Line] | None:
        """The lines are to be made anew; those of before."""
        before, self._lines = self._lines, None
        return before

    @property
    def made(self) -> list[Line] | None:
        """The lines, if they are made already."""
        return self._lines

    @property
    def entries(self) -> list[Entry]:
        return self._laid.entries

    def place(self, key: Key) -> int | None:
        """The index of an entry, by what it is called."""
        return self._laid.places.get(key)

    def lay(self) -> None:
        """Bring the entries up to date with the window."""
        self._laid.refresh(self.window, self.read_arrival, self.gaps)

    def strips(self, index: int) -> list[Strip]:
        """The lines of one entry."""
        entry = self.entries[index]
        under = self.marked is not None and self.place(("row", self.marked)) == index
        under = under or any(self.place(("row", each)) == index for each in self.chosen)
        rows = (entry.row,) if isinstance(entry, Message) else entry.rows if isinstance(entry, Notice) else ()
        unfolded = any(row.id in self.unfolded for row in rows) if self.unfolded else False
        if self.around.width != self.cells:
            self.around = replace(self.around, width=self.cells)
        return self._painted.strips(entry, self.around, unfolded=unfolded, under_cursor=under)

    def lines(self) -> list[Line]:
        """The view, line by line."""
        if self._lines is None:
            self.lay()
            lines = self._from_anchor()
            if len(lines) < self.height:
                lines = self._from_end()
            self._lines = [Line(-1, 0, self.blank())] * (self.height - len(lines)) + lines
        return self._lines

    def _from_anchor(self) -> list[Line]:
        """Down from the anchor; none where there is no anchor."""
        lines: list[Line] = []
        if self._anchor is None or (start := self.place(self._anchor.key)) is None:
            return lines
        skip = min(self._anchor.line, max(0, len(self.strips(start)) - 1))
        for index in range(start, len(self.entries)):
            strips = self.strips(index)
            lines.extend(Line(index, number, strips[number]) for number in range(skip, len(strips)))
            skip = 0
            if len(lines) > self.height:
                break
        if len(lines) <= self.height and not self.window.more_after:
            # Nothing is below: what comes is followed.
            self._anchor = None
        return lines[: self.height]

    def _from_end(self) -> list[Line]:
        """Up from the end of the window, which is the end of the timeline unless more follows."""
        self._anchor = None
        lines: list[Line] = []
        for index in range(len(self.entries) - 1, -1, -1):
            lines[:0] = [Line(index, number, strip) for number, strip in enumerate(self.strips(index))]
            if len(lines) >= self.height:
                break
        del lines[: max(0, len(lines) - self.height)]
        if self.window.more_after and lines:
            self._anchor = Anchor(key_of(self.entries[lines[0].index]), lines[0].line)
        else:
            self.new_count = 0
        return lines

    def blank(self) -> Strip:
        style = self.around.palette.ground
        if self._empty[:2] != (self.cells, style):
            self._empty = (self.cells, style, Strip.blank(self.cells, style))
        return self._empty[2]

    # What it tells

    @property
    def at_end(self) -> bool:
        """Whether the newest row is in view."""
        return self._anchor is None and not self.window.more_after

    def top(self) -> Line:
        """The first line that is not empty."""
        return next((line for line in self.lines() if line.index >= 0), Line(0, 0, Strip.blank(0)))

    def shown(self) -> list[int]:
        """The index of each line's entry, empty lines left out."""
        return [line.index for line in self.lines() if line.index >= 0]

    @property
    def visible_rows(self) -> list[MessageRow]:
        """The rows in view, in order."""
        rows: list[MessageRow] = []
        for index in dict.fromkeys(self.shown()):
            entry = self.entries[index]
            if isinstance(entry, Message):
                rows.append(entry.row)
            elif isinstance(entry, Notice):
                rows.extend(entry.rows)
        return rows

    @property
    def changes_ms(self) -> int | None:
        """When the time that a message in view still has is told in other words; None: no such message."""
        now = self.around.now_ms()
        times = [left_changes_ms(row.expires_ms, now) for row in self.visible_rows if row.expires_ms is not None]
        return min((each for each in times if each is not None), default=None)

    @property
    def unread_above(self) -> bool:
        """Whether the line "new" is in the window and above the view."""
        index = self.place(("new", 0))
        return index is not None and index < self.top().index if self.entries else False

    @property
    def keep_index(self) -> int | None:
        """The row of the window that the view stands at; None: the end."""
        if self._anchor is None:
            return None
        entry = self.entries[min(self.top().index, len(self.entries) - 1)] if self.entries else None
        row = entry.row if isinstance(entry, Message) else entry.rows[0] if isinstance(entry, Notice) else None
        return 0 if row is None else self.window.index_of(row.id)

    @property
    def near_edges(self) -> tuple[bool, bool]:
        """Whether the page before, and the one after the window will be needed soon."""
        indices = self.shown()
        first, last = (indices[0], indices[-1]) if indices else (0, 0)
        before = self.window.more_before and first < NEAR_EDGE_ENTRIES
        return before, self.window.more_after and last > len(self.entries) - NEAR_EDGE_ENTRIES

    # Moving

    def scroll(self, lines: int) -> bool:
        """Down by `lines` (up when negative). False: all that there is is in view."""
        view = self.lines()
        if not self.entries:
            return False
        top = self.top()
        index, line = top.index, top.line
        while lines < 0 and (index, line) != (0, 0):
            if line > 0:
                step = min(line, -lines)
                line, lines = line - step, lines + step
            else:
                index -= 1
                line = len(self.strips(index))
        while lines > 0:
            left = len(self.strips(index)) - line
            if lines < left:
                line, lines = line + lines, 0
            elif index + 1 < len(self.entries):
                index, line, lines = index + 1, 0, lines - left
            else:
                break
        if view and view[0].index < 0:
            return False
        self.anchor(index, line)
        return True

    def anchor(self, index: int, line: int = 0) -> None:
        """This line of this entry to the top."""
        self._anchor = Anchor(key_of(self.entries[index]), line)

    def to_end(self) -> None:
        """Stick to the end of the window again."""
        self._anchor = None

    def to_entry(self, key: Key, above: int) -> bool:
        """Show an entry with up to `above` lines before it. False: it is not in the window."""
        self.lay()
        index = self.place(key)
        if index is None:
            return False
        self.anchor(index)
        self._lines = None
        self.lines()
        if self._anchor is not None and above:
            self.scroll(-above)
        return True

    def into_view(self, index: int) -> bool:
        """Move so far that an entry is in view. False: it is."""
        shown = self.shown()
        if (shown and index < shown[0]) or (shown and index == shown[0] and self.top().line > 0):
            self.anchor(index)
            return True
        if not shown or index < shown[-1]:
            return False
        present = sum(1 for line in self.lines() if line.index == index)
        missing = len(self.strips(index)) - present
        missing += sum(len(self.strips(between)) for between in range(shown[-1] + 1, index))
        return missing > 0 and self.scroll(min(missing, self.height))
