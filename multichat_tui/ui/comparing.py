"""The screen on which words and emoji are compared, and on which people nearby are chosen."""

from collections.abc import Callable, Sequence

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.intents import Answer, AnswerComparison, MeetNearby, SetNearby
from multichat_tui.model.snapshots import StatusRow
from multichat_tui.model.trust import ComparisonRow, ComparisonState
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.comparison_words import emoji_line, state_words, words_line
from multichat_tui.ui.actions import KEYS, Scope, hint
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import Piece, strip_of, wrap
from multichat_tui.ui.entries import local_time
from multichat_tui.ui.glyphs import ASCII, Glyphs
from multichat_tui.ui.palette import PLAIN, Palette

MAX_CHOICES = 9
"""People nearby that a digit chooses; the others by /pair nearby CODE."""
TrustIntent = AnswerComparison | MeetNearby | SetNearby


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What the screen says: a title, lines with their styles, and the keys that do something now."""

    title: str
    lines: tuple[Piece, ...]
    keys: str


def under_way(status: StatusRow | None, shown: ComparisonId | None = None) -> ComparisonRow | None:
    """The comparison to show: the one that is shown already until it is put away, also when it is over, so that nobody who begins
    another gets the key that was meant for this one. Else one that waits for an answer, or the last one."""
    rows = () if status is None else status.comparisons
    waiting = next((row for row in reversed(rows) if not row.state.over), rows[-1] if rows else None)
    return next((row for row in rows if row.id == shown), waiting)


def sheet_of(status: StatusRow | None, palette: Palette, glyphs: Glyphs, shown: ComparisonId | None = None) -> Sheet:
    row = under_way(status, shown)
    if row is not None:
        return _comparison(row, palette, glyphs)
    if status is not None and status.nearby is not None:
        return _nearby(status, palette)
    note = "" if status is None else status.nearby_note
    told = [(note, palette.warn), ("", PLAIN)] if note else []
    lines: list[Piece] = [
        *told,
        ("Somebody near you, on this network:", palette.strong),
        (
            "Press v on both machines. Both are visible to everybody on this network then, for five minutes, under two random "
            "words and nothing else; choose each other by them.",
            PLAIN,
        ),
        ("", PLAIN),
        ("A contact: /verify NAME, or v on their name in a side pane. It works while both are online.", PLAIN),
    ]
    return Sheet(title="Compare words", lines=tuple(lines), keys="v visible nearby  Esc closes ")


def _comparison(row: ComparisonRow, palette: Palette, glyphs: Glyphs) -> Sheet:
    state, advice = state_words(row)
    style = {
        ComparisonState.DONE: palette.good,
        ComparisonState.DIFFERENT: palette.bad,
        ComparisonState.FAILED: palette.bad,
    }.get(row.state, palette.strong)
    lines: list[Piece] = [(state, style)]
    if row.words:
        lines += [("", PLAIN), (f"  {words_line(row)}", palette.strong + palette.accent)]
        if glyphs is not ASCII:
            lines += [("", PLAIN), (f"  {emoji_line(row, symbols=True)}", palette.strong)]
    if advice:
        lines += [("", PLAIN), (advice, PLAIN)]
    if row.state is ComparisonState.COMPARE:
        keys = "y the same  n DIFFERENT  Esc cancels "
    elif row.state.over:
        keys = "Esc closes "
    else:
        keys = "Esc cancels "
    return Sheet(title="Compare words", lines=tuple(lines), keys=keys)


def _nearby(status: StatusRow, palette: Palette) -> Sheet:
    row = status.nearby
    assert row is not None
    until = local_time(row.until_ms).strftime("%H:%M")
    lines: list[Piece] = [
        (f"You are visible to everybody on this network until {until} (o ends that, Esc does not), as:", PLAIN),
        (f"  {row.code}", palette.strong + palette.accent),
        ("", PLAIN),
    ]
    if row.people:
        lines.append(("Visible here. Ask the other person for their words, and press the digit:", PLAIN))
        lines += [(f"  {number} {person.code}", palette.strong) for number, person in enumerate(row.people[:MAX_CHOICES], 1)]
        more = len(row.people) - MAX_CHOICES
        lines += [(f"  and {more} more: /pair nearby CODE chooses one", palette.dim)] if more > 0 else []
    else:
        lines.append((f"Nobody else is visible here yet. The other person does the same: {hint('trust')}, then v.", palette.warn))
    return Sheet(title="People nearby", lines=tuple(lines), keys="1-9 chooses  o off  Esc closes ")


class SheetLines(Widget, can_focus=True):
    """The sheet's text, wrapped."""

    ALLOW_SELECT = False

    def __init__(self, palette: Palette) -> None:
        super().__init__(id="sheet")
        self._palette = palette
        self._lines: tuple[Piece, ...] = ()
        self._first = 0
        self._dense = False

    def show(self, lines: Sequence[Piece]) -> None:
        """From the top if it says something else."""
        if tuple(lines) != self._lines:
            self._lines, self._first = tuple(lines), 0
        self.refresh()

    def fit(self, cells: int, rows: int) -> int:
        """How many lines it takes. Where there is too little room the empty ones are left out, and the rest can be scrolled."""
        self._dense = False
        self._dense = len(self.strips(cells)) > rows
        return max(1, min(len(self.strips(cells)), rows))

    def scroll_lines(self, lines: int) -> None:
        first = max(0, min(self._first + lines, len(self.strips(self.size.width)) - self.size.height))
        if first != self._first:
            self._first = first
            self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(1)

    def strips(self, cells: int) -> list[Strip]:
        made: list[Strip] = []
        for text, style in self._lines:
            if self._dense and not text.strip():
                continue
            indent = len(text) - len(text.lstrip())
            for begin, end in wrap(text, max(1, cells - 2)) or [(0, 0)]:
                lead = " " * (1 + (indent if begin else 0))
                pieces: list[tuple[str, Style]] = [(lead, PLAIN), (text[begin:end], style)]
                made.append(strip_of(pieces, cells, self._palette.panel))
        return made

    def render_line(self, y: int) -> Strip:
        strips, y = self.strips(self.size.width), y + self._first
        return strips[y] if y < len(strips) else Strip.blank(self.size.width, self._palette.panel)


REFUSAL_LINES = 4
"""So many are taken to say why something was refused."""


class CompareScreen(ModalScreen[None]):
    """`act` submits an intent; what is refused is told by `refused`. Closing does not end being visible."""

    DEFAULT_CSS = """
    CompareScreen { align: center bottom; background: transparent; }
    CompareScreen Bar { height: 1; width: 100%; }
    CompareScreen SheetLines { width: 100%; height: auto; }
    """

    def __init__(self, status: StatusRow | None, palette: Palette, glyphs: Glyphs, act: Callable[[TrustIntent], object]) -> None:
        super().__init__()
        self.palette, self.glyphs, self._act = palette, glyphs, act
        self.status = status
        self._comparison: ComparisonId | None = None
        """The one on the screen."""
        self._refusal = ""
        self._sheet = SheetLines(palette)
        self._top = Bar(palette.bar, id="sheet-top")
        self._bottom = Bar(palette.bar, id="sheet-bottom", most_lines=REFUSAL_LINES)

    def compose(self) -> ComposeResult:
        yield self._top
        yield self._sheet
        yield self._bottom

    def on_mount(self) -> None:
        self.show(self.status)
        self._sheet.focus()

    def on_resize(self) -> None:
        self.show(self.status)

    def show(self, status: StatusRow | None) -> None:
        """What is so now."""
        self.status = status
        row = under_way(status, self._comparison)
        self._comparison = None if row is None else row.id
        sheet = sheet_of(status, self.palette, self.glyphs, self._comparison)
        self._sheet.show(sheet.lines)
        cells, rows = self.app.size
        below = REFUSAL_LINES if self._refusal else 1
        self._sheet.styles.height = height = self._sheet.fit(cells, rows - 2 - below)
        more = "Up, Down: more " if len(self._sheet.strips(cells)) > height else ""
        self._top.tell([(f" {sheet.title} ", self.palette.strong)], [(more, self.palette.warn)])
        if self._refusal:
            self._bottom.tell([(f" {self._refusal}", self.palette.bad)], [])
        else:
            self._bottom.tell([("", PLAIN)], [(sheet.keys, self.palette.strong)])

    def refused(self, why: str) -> None:
        """Told until the next key."""
        self._refusal = why
        self.show(self.status)

    def on_key(self, event: events.Key) -> None:
        if event.key in ("ctrl+q", "ctrl+c"):
            return
        event.stop()
        event.prevent_default()
        if self._refusal:
            self._refusal = ""
            self.show(self.status)
        row, status = under_way(self.status, self._comparison), self.status
        action = KEYS[Scope.COMPARE].get(event.key)
        if action in ("compare.up", "compare.down"):
            self._sheet.scroll_lines(-1 if action == "compare.up" else 1)
            return
        if row is not None and row.state is ComparisonState.COMPARE and action in ("compare.same", "compare.different"):
            said = Answer.SAME if action == "compare.same" else Answer.DIFFERENT
            self._act(AnswerComparison(comparison=row.id, answer=said))
        elif action == "compare.close":
            if row is not None:
                self._act(AnswerComparison(comparison=row.id, answer=Answer.CANCEL))
            if (row is None or row.state.over) and self.is_current:
                self.dismiss()
        elif row is not None or status is None:
            return
        elif status.nearby is None and action == "compare.visible":
            self._act(SetNearby(visible=True))
        elif status.nearby is not None and action == "compare.off":
            self._act(SetNearby(visible=False))
        elif (
            status.nearby is not None
            and event.key.isdigit()
            and 1 <= int(event.key) <= min(MAX_CHOICES, len(status.nearby.people))
        ):
            self._act(MeetNearby(person=status.nearby.people[int(event.key) - 1].id))
