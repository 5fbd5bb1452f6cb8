"""A list over the screen from which one line is picked by typing: switcher, commands, themes, one's own input.

One widget draws all of it. Typing never waits: what takes long (`later`) comes when it is there, and only if it still fits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.values import dataclass
from multichat_tui.ui.actions import KEYS, Scope
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import Piece, clip, strip_of, width
from multichat_tui.ui.fuzzy import MAX_QUERY_CHARACTERS
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import PLAIN, Palette
from multichat_tui.ui.typed_line import TypedLine

MOST_CELLS = 84
MOST_LINES = 18
FIRST_PART = 0.4
"""Of a line, for what gives way in it."""
LATER_S = 0.12
"""How long typing must rest before what takes long is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A line to pick. `key` names it; None: a heading, not to be picked."""

    key: Hashable
    left: tuple[Piece, ...]
    right: tuple[Piece, ...] = ()
    gives_way: bool = False
    """Where there is no room for all of it, the first piece on the left is cut before the others, down to a part of the line."""


Offer = Callable[[str], Sequence[Choice]]
"""The choices for what is typed, best first; asked at every key."""
Later = Callable[[str], Awaitable[Sequence[Choice]]]
"""More choices, which take their time; they stand behind the others."""


class PickerLines(Widget, can_focus=True):
    """The line that is typed in, and the choices."""

    ALLOW_SELECT = False

    class Picked(Message):
        """`filled`: to be worked on, where that differs from being done (Tab)."""

        def __init__(self, key: Hashable, *, filled: bool) -> None:
            super().__init__()
            self.key, self.filled = key, filled

    class Left(Message):
        """Nothing is picked."""

    class MovedTo(Message):
        def __init__(self, key: Hashable) -> None:
            super().__init__()
            self.key = key

    def __init__(
        self, offer: Offer, later: Later | None, palette: Palette, glyphs: Glyphs, *, empty: str, start: Hashable
    ) -> None:
        super().__init__(id="picker-lines")
        self.palette, self.glyphs = palette, glyphs
        self.choices: list[Choice] = []
        self._offer, self._later = offer, later
        self._empty = empty
        self._line = TypedLine("", MAX_QUERY_CHARACTERS)
        self._at = 0
        self._first = 0
        self._waiting: asyncio.TimerHandle | None = None
        self._ask()
        if start is not None:
            self._at = next((i for i, choice in enumerate(self.choices) if choice.key == start), self._at)

    @property
    def typed(self) -> str:
        return self._line.text

    @property
    def chosen(self) -> Choice | None:
        return self.choices[self._at] if self._at < len(self.choices) and self.choices[self._at].key is not None else None

    def look(self, palette: Palette, glyphs: Glyphs) -> None:
        """Other colours; the choices are asked for again, in them."""
        self.palette, self.glyphs = palette, glyphs
        self.choices = list(self._offer(self.typed))
        self.refresh()

    # What is offered

    def _ask(self) -> None:
        self.choices = list(self._offer(self.typed))
        self._at = self._next(-1, 1)
        self._first = 0
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._later is not None and self.typed.strip():
            self._waiting = asyncio.get_running_loop().call_later(LATER_S, self._ask_later, self.typed)

    def _ask_later(self, query: str) -> None:
        self._waiting = None
        if self.is_attached:
            self.run_worker(self._take_later(query), exclusive=True)

    async def _take_later(self, query: str) -> None:
        assert self._later is not None
        try:
            more = await self._later(query)
        except MultichatError:
            return
        if query == self.typed and more:
            self.choices += more
            if self.chosen is None:
                self._at = self._next(-1, 1)
            self.refresh()

    def on_unmount(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    # Moving

    def _next(self, start: int, step: int) -> int:
        """The next line that can be picked; where there is none, as before."""
        at = start + step
        while 0 <= at < len(self.choices):
            if self.choices[at].key is not None:
                return at
            at += step
        return max(0, start)

    def _go(self, at: int) -> None:
        self._at = at
        room = max(1, self.size.height - 1)
        if at < self._first or at >= self._first + room:
            self._first = max(0, min(at, max(at - room + 1, self._first)))
        if at <= 1:
            self._first = 0
        self.refresh()
        if self.chosen is not None:
            self.post_message(self.MovedTo(self.chosen.key))

    def perform(self, action: str) -> bool:
        """An action of the picker's scope, or a composer's one that edits a line. False: it is none."""
        match action:
            case "pick.up":
                self._go(self._next(self._at, -1))
            case "pick.down":
                self._go(self._next(self._at, 1))
            case "pick.page-up" | "pick.page-down":
                step = -1 if action == "pick.page-up" else 1
                for _ in range(max(1, self.size.height - 2)):
                    self._at = self._next(self._at, step)
                self._go(self._at)
            case "pick.take" | "pick.fill":
                if (chosen := self.chosen) is not None:
                    self.post_message(self.Picked(chosen.key, filled=action == "pick.fill"))
            case "pick.close":
                self.post_message(self.Left())
            case _:
                return self._edit(action)
        return True

    def _edit(self, action: str) -> bool:
        before = self.typed
        if not self._line.perform(action):
            return False
        if self.typed != before:
            self._typed()
        self.refresh()
        return True

    def type(self, text: str) -> None:
        """Into the line; of a paste the first line."""
        before = self.typed
        self._line.type(text)
        if self.typed != before:
            self._typed()

    def _typed(self) -> None:
        self._ask()
        self.refresh()
        if self.chosen is not None:
            self.post_message(self.MovedTo(self.chosen.key))

    # Keys and mouse

    async def _on_key(self, event: events.Key) -> None:
        action = KEYS[Scope.PICKER].get(event.key) or KEYS[Scope.COMPOSER].get(event.key, "")
        if event.key in ("ctrl+q", "ctrl+c"):
            return
        event.stop()
        event.prevent_default()
        if not self.perform(action) and event.is_printable and event.character is not None:
            self.type(event.character)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.type(event.text)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = self._first + event.y - 1
        if event.y > 0 and 0 <= index < len(self.choices) and self.choices[index].key is not None:
            self._at = index
            self.perform("pick.take")

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.perform("pick.up")

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.perform("pick.down")

    # Drawing

    def render_line(self, y: int) -> Strip:
        cells, palette = self.size.width, self.palette
        if y == 0:
            return self._line.strip(cells, palette, "", self.glyphs.more)
        index = self._first + y - 1
        if index >= len(self.choices):
            told = self._empty if not self.choices and y == 1 else ""
            return strip_of([("  " + clip(told, cells - 3, self.glyphs.more), palette.dim)], cells, palette.panel)
        choice = self.choices[index]
        here = index == self._at and choice.key is not None
        right_cells = sum(width(text) for text, _ in choice.right)
        room = max(0, cells - 3 - right_cells - (1 if right_cells else 0))
        pieces: list[Piece] = [((self.glyphs.cursor if here else " ") + " ", palette.accent)]
        first = room
        if choice.gives_way:
            first = max(int(room * FIRST_PART), room - sum(width(text) for text, _ in choice.left[1:]))
        for number, (text, style) in enumerate(choice.left):
            cut = clip(text, room if number else first, self.glyphs.more)
            pieces.append((cut, style))
            room -= width(cut)
        pieces.append((" " * (room + (1 if right_cells else 0)), PLAIN))
        pieces.extend(choice.right)
        return strip_of(pieces, cells, palette.panel + palette.selected if here else palette.panel)


class PickerScreen(ModalScreen[tuple[Hashable, bool] | None]):
    """Dismissed with (the picked key, whether it is to be worked on), or None."""

    DEFAULT_CSS = """
    PickerScreen { align: center top; background: transparent; }
    PickerScreen Bar { height: 1; width: 100%; }
    PickerScreen PickerLines { width: 100%; height: auto; }
    """

    def __init__(
        self,
        title: str,
        offer: Offer,
        palette: Palette,
        glyphs: Glyphs,
        *,
        later: Later | None = None,
        moved: Callable[[Hashable], None] | None = None,
        hint: str = "Enter takes  Esc closes ",
        empty: str = "nothing fits",
        start: Hashable = None,
    ) -> None:
        super().__init__()
        self._title, self._hint, self._palette = title, hint, palette
        self._moved = moved
        self.lines = PickerLines(offer, later, palette, glyphs, empty=empty, start=start)
        self._top = Bar(palette.bar, id="picker-top")

    def compose(self) -> ComposeResult:
        yield self._top
        yield self.lines

    def on_mount(self) -> None:
        self.look(self._palette, self.lines.glyphs)
        self._fit()
        self.lines.focus()

    def look(self, palette: Palette, glyphs: Glyphs) -> None:
        """Other colours."""
        self._palette = palette
        self._top.look(palette.bar)
        self._top.tell([(f" {self._title} ", palette.strong)], [(f"{part}  ", palette.dim) for part in self._hint.split("  ")])
        self.lines.look(palette, glyphs)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        cells, rows = self.app.size
        most = min(cells, MOST_CELLS)
        self._top.styles.width = self.lines.styles.width = most
        self.lines.styles.height = max(2, min(rows - 2, MOST_LINES))

    def on_picker_lines_moved_to(self, event: PickerLines.MovedTo) -> None:
        event.stop()
        if self._moved is not None:
            self._moved(event.key)

    def on_picker_lines_picked(self, event: PickerLines.Picked) -> None:
        event.stop()
        if self.is_current:
            self.dismiss((event.key, event.filled))

    def on_picker_lines_left(self, event: PickerLines.Left) -> None:
        event.stop()
        if self.is_current:
            self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Beside it: leave."""
        if event.widget is self and self.is_current:
            self.dismiss(None)
