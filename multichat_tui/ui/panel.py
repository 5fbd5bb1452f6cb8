"""A panel over the screen that shows lines to read, scroll and copy: answers of commands, help, who has a message.

It has no borders at its sides and every line begins at the left edge: the terminal's own selection takes a link whole too.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import field

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import ModalScreen
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from multichat_tui.model.hyperlinks import links_in
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.qr import needs, qr_code
from multichat_tui.ui.actions import ACTIONS, KEYS, TITLES, Scope, key_name, keys_of
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import Piece, one_line, strip_of, width, wrap
from multichat_tui.ui.glyphs import ASCII, Glyphs
from multichat_tui.ui.palette import PLAIN, Palette
from multichat_tui.ui.selecting import extract, mark

CODE = Style(color="#000000", bgcolor="#ffffff")
"""Right in dark and in light terminals: the code brings its own ground."""
NARROW_HANG = 4
HELP_KEYS_CELLS = 34
"""The column of keys in the help; the longest three fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a panel shows. `copied` is what `y` takes: all lines, if empty. Headings are indices of lines."""

    title: str
    lines: tuple[str, ...]
    copied: str = ""
    headings: frozenset[int] = field(default_factory=frozenset)
    code: bool = False
    """A QR code: black on white, whole or not at all."""
    hang: int = 0
    """How far the further lines of a long one are indented, where there is room."""

    @property
    def to_copy(self) -> str:
        return self.copied or "\n".join(self.lines)

    def shown(self, line: str, cells: int) -> str:
        """One of `lines` as it is drawn: columns only where there is room for them."""
        shown = one_line(line)
        if not self.hang or cells > 2 * self.hang:
            return shown
        indent = min(len(shown) - len(shown.lstrip()), NARROW_HANG)
        return " " * indent + re.sub(" {2,}", "  ", shown.strip())

    def indent(self, cells: int) -> int:
        """How far the further lines of a long one are indented on a panel of this width."""
        return 0 if not self.hang else self.hang if cells > 2 * self.hang else NARROW_HANG

    def wrapped(self, shown: str, cells: int) -> list[tuple[int, int]]:
        """Where the lines of one of `lines`, as it is shown, begin and end on a panel of this width."""
        if not self.hang or width(shown) <= cells:
            return wrap(shown, cells)
        (begin, end), *rest = wrap(shown, cells)
        if not rest:
            return [(begin, end)]
        start = rest[0][0]
        return [(begin, end), *((a + start, b + start) for a, b in wrap(shown[start:], cells - self.indent(cells)))]


def page_of(title: str, lines: Sequence[str], link: str = "", hang: int = 0) -> Page:
    """`y` copies the link if there is one."""
    return Page(title=title, lines=tuple(lines), copied=link, hang=hang)


def qr_page(link: str, glyphs: Glyphs) -> Page:
    """A link as a code to be read by a camera."""
    return Page(title="QR code", lines=qr_code(link).lines(ascii_only=glyphs is ASCII), copied=link, code=True)


def help_page(focused: Scope) -> Page:
    """Every action with its keys, those of the focused pane first."""
    order = [focused, *(scope for scope in (Scope.ANYWHERE, *Scope) if scope is not focused)]
    lines: list[str] = []
    headings: set[int] = set()
    for scope in dict.fromkeys(order):
        if lines:
            lines.append("")
        headings.add(len(lines))
        lines.append(TITLES[scope] + ("  (here)" if scope is focused else ""))
        for action in (a for a in ACTIONS if a.scope is scope):
            keys = ", ".join(key_name(key) for key in keys_of(action.id)) or "(palette)"
            lines.append(f"  {keys:<{HELP_KEYS_CELLS - 4}}  {action.title}")
    lines += ["", "Commands begin with a slash: /help lists them. // sends a slash."]
    lines += ["Alt+1 may be typed as Esc 1 too, and so may every key with Alt."]
    return Page(title="Help", lines=tuple(lines), headings=frozenset(headings), hang=HELP_KEYS_CELLS)


class Lines(Widget, can_focus=True):
    """The panel's text."""

    ALLOW_SELECT = True

    class Moved(Message):
        """It was scrolled."""

    def __init__(self, page: Page, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(id="panel-lines")
        self.page, self.palette, self.glyphs = page, palette, glyphs
        self._first = 0
        self._strips: tuple[int, list[Strip]] = (-1, [])
        self._line_of: list[int] = []
        """Of each strip, which of the page's lines it shows."""

    @property
    def at_top(self) -> bool:
        return self._first == 0

    def show(self, page: Page) -> None:
        """A later state of the same page: what stands at the top of the view stays there, unless that is the first line."""
        strips, before = self.strips(), self.page
        top = self._line_of[self._first] if self._first and self._first < len(self._line_of) else None
        below = self._first - self._line_of.index(top) if top is not None else 0
        self.page, self._strips = page, (-1, [])
        if top is not None and strips and before.lines[top] in page.lines:
            place = page.lines.index(before.lines[top])
            fresh = self.strips()
            self._first = max(0, min(self._line_of.index(place) + below, len(fresh) - self.size.height))
        self.refresh()

    def strips(self) -> list[Strip]:
        cells = self.size.width
        if self._strips[0] != cells and self.page.code:
            self._strips = (cells, self.code_strips(cells))
        elif self._strips[0] != cells:
            made: list[Strip] = []
            self._line_of = []
            for number, line in enumerate(self.page.lines):
                shown = self.page.shown(line, cells)
                style = self.palette.strong + self.palette.accent if number in self.page.headings else PLAIN
                spots = links_in(shown) or ([(0, len(shown))] if line.strip() and line.strip() == self.page.copied else [])
                for begin, end in self.page.wrapped(shown, cells):
                    linked = any(start < end and stop > begin for start, stop in spots)
                    indent = " " * self.page.indent(cells) if begin else ""
                    pieces: list[Piece] = [(indent + shown[begin:end], self.palette.accent if linked else style)]
                    made.append(strip_of(pieces, cells, self.palette.panel))
                    self._line_of.append(number)
            self._strips = (cells, made)
        return self._strips[1]

    def rows_at(self, cells: int) -> int:
        """How many lines all of it takes at this width."""
        if self.page.code:
            return len(self.code_strips(cells))
        return sum(len(self.page.wrapped(self.page.shown(line, cells), cells)) for line in self.page.lines)

    def code_strips(self, cells: int) -> list[Strip]:
        """Half a code helps nobody: where it does not fit, what it needs."""
        columns, rows = needs(self.page.lines)
        room = self.app.size.height - 3
        if columns <= cells:
            # In a window too low it can be scrolled, to be read in a larger one; the first line says so.
            low = f"The code needs {rows + 3} rows, here are {room + 3}: make the window higher or its letters smaller."
            told = self._warning(low, cells) if rows > room else []
            return told + [strip_of([(line, CODE)], cells, self.palette.panel) for line in self.page.lines]
        narrow = f"The code needs {columns} columns and {rows + 3} rows, here are {cells} and {room + 3}: make the window larger."
        return self._warning(narrow, cells)

    def _warning(self, text: str, cells: int) -> list[Strip]:
        spans = wrap(text, cells)
        return [strip_of([(text[begin:end], self.palette.warn)], cells, self.palette.panel) for begin, end in spans]

    def scroll_lines(self, lines: int) -> None:
        first = max(0, min(self._first + lines, len(self.strips()) - self.size.height))
        if first != self._first:
            self._first = first
            if self.screen.selections:
                self.screen.clear_selection()
            self.refresh()
            self.post_message(self.Moved())

    def on_resize(self) -> None:
        self.scroll_lines(0)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(3)

    def render_line(self, y: int) -> Strip:
        strips = self.strips()
        index = y + self._first
        strip = strips[index] if index < len(strips) else Strip.blank(self.size.width, self.palette.panel)
        selection = self.text_selection
        if selection is not None:
            strip = mark(strip, y, selection, self.palette.marked)
        return strip.apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return extract(self.strips()[self._first : self._first + self.size.height], selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


class PanelScreen(ModalScreen[None]):
    """Closes with Esc, q or Enter."""

    DEFAULT_CSS = """
    PanelScreen { align: center bottom; background: transparent; }
    PanelScreen Bar { height: 1; width: 100%; }
    PanelScreen Lines { width: 100%; height: auto; }
    """

    def __init__(self, page: Page, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__()
        self.page, self.palette, self.glyphs = page, palette, glyphs
        self.lines = Lines(page, palette, glyphs)
        copying = "y copies the link  c QR code  " if page.copied else "y copies  "
        self._keys = [(text, palette.dim) for text in ("Shift+drag selects  ", "j/k scroll  ", copying, "Esc closes ")]
        self._top = Bar(palette.bar, id="panel-top")
        self._bottom = Bar(palette.bar, id="panel-bottom")

    def compose(self) -> ComposeResult:
        yield self._top
        yield self.lines
        yield self._bottom

    def on_mount(self) -> None:
        self._top.tell([(f" {self.page.title} ", self.palette.strong)])
        self.moved()
        self.fit()
        self.lines.focus()

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        cells, rows = self.app.size
        self.lines.styles.height = max(1, min(self.lines.rows_at(cells), rows - 3))

    def hint(self, told: str) -> None:
        self._bottom.tell([(f" {told}", self.palette.good)], self._keys)

    def on_key(self, event: events.Key) -> None:
        action = KEYS[Scope.PANEL].get(event.key)
        if event.key in ("ctrl+q", "ctrl+c"):
            return
        event.stop()
        event.prevent_default()
        page = max(1, self.lines.size.height - 1)
        match action:
            case "panel.close":
                if self.is_current:
                    self.dismiss()
            case "panel.copy":
                self.app.copy_to_clipboard(self.page.to_copy)
                self.hint("copied" + (": the link" if self.page.copied else ""))
            case "panel.qr" if self.page.copied and not self.page.code:
                self.app.push_screen(PanelScreen(qr_page(self.page.copied, self.glyphs), self.palette, self.glyphs))
            case "panel.up" | "panel.down" | "panel.page-up" | "panel.page-down":
                self.lines.scroll_lines((page if "page" in action.partition(".")[2] else 1) * (-1 if "up" in action else 1))
            case _:
                pass

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        self.moved()

    def moved(self) -> None:
        """Other lines are in view."""
        self.hint("")


class PassphraseScreen(ModalScreen[None]):
    """Asks for the passphrase without showing it, until `tried` has called `done` or Esc gives up.

    It stays while a passphrase is tried: what is typed behind a wrong one is the next one, and is not to be seen either.
    """

    DEFAULT_CSS = """
    PassphraseScreen { align: center bottom; background: transparent; }
    PassphraseScreen Bar { height: 1; width: 100%; }
    PassphraseScreen Input { border: none; height: 1; width: 100%; padding: 0 1; background: $surface; }
    PassphraseScreen Input:focus { border: none; }
    """

    def __init__(self, question: str, palette: Palette, tried: Callable[["PassphraseScreen", str], None]) -> None:
        super().__init__()
        self._bar = Bar(palette.bar, id="passphrase-bar")
        self._input = Input(id="passphrase-input", password=True, compact=True)
        self._question, self._palette, self._tried = question, palette, tried
        self._trying = self._over = False

    def compose(self) -> ComposeResult:
        yield self._bar
        yield self._input

    def on_mount(self) -> None:
        self._input.cursor_blink = False
        self._ask(self._question)
        self._input.focus()

    def _ask(self, question: str) -> None:
        self._bar.tell([(f" {question}", self._palette.warn)], [("Enter goes on  Esc gives up ", self._palette.dim)])

    def refused(self, question: str) -> None:
        """It was not the passphrase."""
        self._trying = False
        self._ask(question)

    def done(self) -> None:
        """It was, or something else came in between. What lies over the question goes first."""
        self._over = True
        if self.is_current:
            self.dismiss()

    def on_screen_resume(self) -> None:
        if self._over and self.is_current:
            self.dismiss()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.is_current:
            event.stop()
            self.done()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._trying or self._over:
            return
        self._trying = True
        self._input.value = ""
        self._ask("A moment...")
        self._tried(self, event.value)


class AskScreen(ModalScreen[bool]):
    """One question: Enter or y says yes, anything else no."""

    DEFAULT_CSS = """
    AskScreen { align: center bottom; background: transparent; }
    AskScreen Bar { height: 1; width: 100%; }
    """

    def __init__(self, question: str, palette: Palette) -> None:
        super().__init__()
        self._bar = Bar(palette.bar, id="ask")
        self._question, self._palette = question, palette

    def compose(self) -> ComposeResult:
        yield self._bar

    def on_mount(self) -> None:
        self._bar.tell([(f" {self._question}", self._palette.warn)], [("Enter yes  Esc no ", self._palette.strong)])

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self.is_current:
            self.dismiss(event.key in ("enter", "y"))
