"""Lines that tell something: header, rule, status line. Each is one drawn line."""

from collections.abc import Sequence

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.ui.cells import Piece, clip, strip_of, width


class Bar(Widget):
    """Left pieces, then right ones; where it is too narrow the left ones are cut, and of the right ones the first go first."""

    ALLOW_SELECT = False

    class Clicked(Message):
        def __init__(self, bar: "Bar") -> None:
            super().__init__()
            self.bar = bar

    def __init__(self, base: Style, *, id: str, filler: str = " ", filler_style: Style | None = None) -> None:
        super().__init__(id=id)
        self._base = base
        self._filler, self._filler_style = filler, filler_style or Style()
        self._left: tuple[Piece, ...] = ()
        self._right: tuple[Piece, ...] = ()

    def tell(self, left: Sequence[Piece], right: Sequence[Piece] = ()) -> None:
        """Repaints only if it says something new."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.refresh()

    def look(self, base: Style, filler: str = " ", filler_style: Style | None = None) -> None:
        self._base, self._filler, self._filler_style = base, filler, filler_style or Style()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Clicked(self))

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        right = list(self._right)
        while right and sum(width(text) for text, _ in right) > cells // 2 and len(right) > 1:
            del right[0]
        room = cells - sum(width(text) for text, _ in right)
        left: list[Piece] = []
        for text, style in self._left:
            cut = clip(text, room)
            left.append((cut, style))
            room -= width(cut)
            if cut != text:
                break
        if room > 0:
            left.append((self._filler * room, self._filler_style))
        return strip_of([*left, *right], cells, self._base)
