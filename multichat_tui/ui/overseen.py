"""The moderation console's lines: the rows of a tab with what is known of the chosen one, or a sheet of what is to be done."""

import time

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.ui.cells import Piece, strip_of, width, wrap
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.overseen_lines import detail_lines, empty_lines, row_line, sheet_lines
from multichat_tui.ui.oversight import Oversight
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.sweeping import Sweep
from multichat_tui.ui.typed_line import TypedLine

DETAIL_FROM_LINES = 12
"""On a lower screen the rows have it all."""
DETAIL_LINES = 5


def now_ms() -> int:
    return int(time.time() * 1000)


class OverseenLines(Widget, can_focus=True):
    """The rows of a tab with what is to be said of the one under the cursor, or a sheet. Keys go to the screen."""

    ALLOW_SELECT = False

    class Pressed(Message):
        def __init__(self, event: events.Key) -> None:
            super().__init__()
            self.event = event

    def __init__(self, state: Oversight, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(id="overseen")
        self.state, self.palette, self.glyphs = state, palette, glyphs
        self.plan: Sweep | None = None
        self.typing: TypedLine | None = None
        """A pattern or a reason that is being written."""
        self.asked = ""
        """What is written there."""
        self._first = 0
        self._below = 0
        """How far the sheet is scrolled."""
        self._view: list[Strip] | None = None

    def redraw(self) -> None:
        self._view = None
        self.refresh()

    def on_resize(self) -> None:
        self.redraw()

    def scroll_sheet(self, lines: int) -> None:
        self._below = max(0, self._below + lines)
        self.redraw()

    def open_sheet(self, plan: Sweep | None) -> None:
        self.plan, self._below = plan, 0
        self.redraw()

    @property
    def page(self) -> int:
        """Rows that fit."""
        return max(1, self.size.height - self._detail_rows - (1 if self.typing is not None else 0))

    @property
    def _detail_rows(self) -> int:
        return DETAIL_LINES if self.size.height >= DETAIL_FROM_LINES and self.plan is None else 0

    def _lines(self) -> list[Strip]:
        if self._view is None:
            made = self._sheet() if self.plan is not None else self._rows()
            blank = Strip.blank(self.size.width, self.palette.panel)
            height = self.size.height - (1 if self.typing is not None else 0)
            made = (made + [blank] * height)[:height]
            if self.typing is not None:
                made.append(self.typing.strip(self.size.width, self.palette, self.asked, self.glyphs.more))
            self._view = made
        return self._view

    def _sheet(self) -> list[Strip]:
        assert self.plan is not None
        cells = self.size.width
        strips: list[Strip] = []
        for line in sheet_lines(self.plan, self.palette):
            text = "".join(part for part, _ in line)
            if len(line) > 1 or width(text) <= cells - 2:
                strips.append(strip_of([(" ", self.palette.panel), *line], cells, self.palette.panel))
            else:
                for begin, end in wrap(text, cells - 4):
                    pieces: list[Piece] = [(" " if not begin else "   ", self.palette.panel), (text[begin:end], line[0][1])]
                    strips.append(strip_of(pieces, cells, self.palette.panel))
        height = max(1, self.size.height - (1 if self.typing is not None else 0))
        self._below = max(0, min(self._below, len(strips) - height))
        # The title stays.
        return strips[:1] + strips[1 + self._below :]

    def _rows(self) -> list[Strip]:
        state, palette, cells, now = self.state, self.palette, self.size.width, now_ms()
        rows, at, room = state.rows(now), state.cursor(now), self.page
        self._first = max(0, min(max(min(self._first, at), at - room + 1), max(0, len(rows) - room)))
        made: list[Strip] = []
        for index in range(self._first, min(len(rows), self._first + room)):
            here = index == at
            pieces: list[Piece] = [(self.glyphs.cursor if here else " ", palette.accent)]
            pieces += row_line(state, rows[index], cells - 1, palette, self.glyphs)
            made.append(strip_of(pieces, cells, palette.panel + palette.selected if here else palette.panel))
        if not rows:
            made += self._told([(text, palette.dim) for text in empty_lines(state)])
        blank = Strip.blank(cells, palette.panel)
        made += [blank] * (room - len(made))
        if self._detail_rows:
            made.append(strip_of([(self.glyphs.rule * cells, palette.faint)], cells, palette.ground))
            chosen = [(text, palette.dim) for text in detail_lines(state.chosen(now))]
            made += self._told(chosen)[: DETAIL_LINES - 1]
        return made

    def _told(self, lines: list[Piece]) -> list[Strip]:
        cells = self.size.width
        made = []
        for text, style in lines:
            spans = wrap(text, max(2, cells - 3)) or [(0, 0)]
            made += [strip_of([("  " + text[begin:end], style)], cells, self.palette.panel) for begin, end in spans]
        return made

    def render_line(self, y: int) -> Strip:
        lines = self._lines()
        return lines[y] if y < len(lines) else Strip.blank(self.size.width, self.palette.panel)

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("ctrl+q", "ctrl+c"):
            return
        event.stop()
        event.prevent_default()
        self.post_message(self.Pressed(event))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def _wheel(self, event: events.MouseEvent, step: int) -> None:
        event.stop()
        if self.plan is not None:
            self.scroll_sheet(3 * step)
        else:
            self.state.move(step, now_ms())
            self.redraw()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        now = now_ms()
        index = self._first + event.y
        if self.plan is None and event.y < self.page and index < len(self.state.rows(now)):
            self.state.move(index - self.state.cursor(now), now)
            self.redraw()
