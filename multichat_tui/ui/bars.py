"""Lines that tell something: header, rule, status line. Each is one drawn line; one may grow to tell what must not be cut."""

from collections.abc import Sequence

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.ui.cells import Piece, clip, strip_of, width, wrap

LEAST_CELLS = 5
"""Of a piece that is cut."""


class Bar(Widget):
    """Left pieces, then right ones. Too narrow: of the right ones, beyond half, the first go first; then the left are cut. Where
    the right ones give way, they go before anything on the left, but for the last."""

    ALLOW_SELECT = False

    class Clicked(Message):
        def __init__(self, bar: "Bar") -> None:
            super().__init__()
            self.bar = bar

    def __init__(
        self,
        base: Style,
        *,
        id: str,
        filler: str = " ",
        filler_style: Style | None = None,
        most_lines: int = 1,
        right_gives_way: bool = False,
    ) -> None:
        """Up to `most_lines` are taken while the left pieces do not fit into fewer; the right ones are left out then."""
        super().__init__(id=id)
        self._base = base
        self._most_lines = most_lines
        self._right_gives_way = right_gives_way
        self._filler, self._filler_style = filler, filler_style or Style()
        self._left: tuple[Piece, ...] = ()
        self._right: tuple[Piece, ...] = ()

    def tell(self, left: Sequence[Piece], right: Sequence[Piece] = ()) -> None:
        """Repaints only if it says something new."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self._grow()
            self.refresh()

    def on_resize(self) -> None:
        self._grow()

    def _grow(self) -> None:
        if self._most_lines > 1 and self.is_mounted and self.size.width:
            lines = min(self._most_lines, len(self._spans()))
            if lines != self.size.height:
                self.styles.height = lines

    def _spans(self) -> list[tuple[int, int]]:
        """Where the lines of the left pieces' text begin and end, without the space in front of it."""
        text = "".join(text for text, _ in self._left)
        return [(begin + 1, end + 1) for begin, end in wrap(text[1:], max(1, self.size.width - 2))] if text else [(0, 0)]

    def look(self, base: Style, filler: str = " ", filler_style: Style | None = None) -> None:
        self._base, self._filler, self._filler_style = base, filler, filler_style or Style()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Clicked(self))

    def _cut(self, room: int, beside: bool) -> list[Piece]:
        """The left pieces, as far as there is room. What is cut leaves a cell free before what stands `beside` it; a piece of
        which too little would be left says nothing, and where the right ones give way each piece is whole or not there."""
        if sum(width(text) for text, _ in self._left) > room:
            room -= beside
        left: list[Piece] = []
        for text, style in self._left:
            cut = clip(text, room)
            if cut != text and left and (self._right_gives_way or width(cut.strip()) < LEAST_CELLS):
                break
            left.append((cut, style))
            room -= width(cut)
            if cut != text:
                break
        return left

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        spans = self._spans() if self._most_lines > 1 else []
        if len(spans) > 1 and self.size.height > 1:
            begin = spans[y][0] if y < len(spans) else 0
            end = spans[-1][1] if y == self.size.height - 1 else spans[y][1] if y < len(spans) else 0
            text = "".join(text for text, _ in self._left)
            return strip_of([(" " + clip(text[begin:end], cells - 2), self._left[0][1])], cells, self._base)
        right = list(self._right)
        room = cells - sum(width(text) for text, _ in self._left)
        # What gives way does not touch the left ones either.
        room = room - 1 if self._right_gives_way else max(cells // 2, room)
        while len(right) > 1 and sum(width(text) for text, _ in right) > room:
            del right[0]
        room = cells - sum(width(text) for text, _ in right)
        left = self._cut(room, bool(right) and not right[0][0].startswith(" "))
        room -= sum(width(text) for text, _ in left)
        if room > 0:
            left.append((self._filler * room, self._filler_style))
        return strip_of([*left, *right], cells, self._base)
