"""A side pane: one line-drawing widget that shows a list and lets one of its lines be chosen."""

from collections.abc import Sequence
from typing import Literal

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.values import dataclass
from multichat_tui.ui.actions import KEYS, Scope
from multichat_tui.ui.cells import Piece, clip, strip_of, width
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import PLAIN, Palette


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line. `target` None: a heading or an empty line, not to be chosen."""

    left: tuple[Piece, ...]
    right: tuple[Piece, ...] = ()
    target: ChannelId | UserId | None = None
    current: bool = False


class ListPane(Widget, can_focus=True):
    """`side` tells where the line that divides it from the timeline stands."""

    ALLOW_SELECT = False

    class Opened(Message):
        def __init__(self, pane: "ListPane", target: ChannelId | UserId) -> None:
            super().__init__()
            self.pane = pane
            self.target = target

    class VerifyWanted(Message):
        def __init__(self, target: ChannelId | UserId) -> None:
            super().__init__()
            self.target = target

    class Moderated(Message):
        """To be done about members: an action of their pane's scope; those who are marked, else the one under the cursor."""

        def __init__(self, action: str, targets: tuple[ChannelId | UserId, ...]) -> None:
            super().__init__()
            self.action = action
            self.targets = targets

    def __init__(
        self, palette: Palette, glyphs: Glyphs, side: Literal["left", "right"], *, id: str, scope: Scope = Scope.LISTS
    ) -> None:
        super().__init__(id=id)
        self.scope = scope
        self.marked: set[ChannelId | UserId] = set()
        self.palette, self.glyphs, self._side = palette, glyphs, side
        self.items: tuple[Item, ...] = ()
        self._chosen: ChannelId | UserId | None = None
        self._first = 0

    def show(self, items: Sequence[Item]) -> None:
        """Other content. Repaints only if it differs."""
        fresh = tuple(items)
        if fresh != self.items:
            self.items = fresh
            self.marked &= {item.target for item in fresh if item.target is not None}
            if self._place() is None:
                self._chosen = next((item.target for item in fresh if item.current), None)
            self._follow()
            self.refresh()

    def look(self, palette: Palette, glyphs: Glyphs) -> None:
        self.palette, self.glyphs = palette, glyphs
        self.refresh()

    def choose_current(self) -> None:
        """The cursor to the line that is open."""
        self._chosen = next((item.target for item in self.items if item.current), self._chosen)
        self._follow()
        self.refresh()

    def _place(self) -> int | None:
        return next((i for i, item in enumerate(self.items) if item.target is not None and item.target == self._chosen), None)

    def _follow(self) -> None:
        place = self._place()
        if place is None:
            place = next((i for i, item in enumerate(self.items) if item.current), None)
        height = max(1, self.size.height)
        if place is not None:
            self._first = min(max(self._first, place - height + 1), place if place > 1 else 0)
        self._first = max(0, min(self._first, len(self.items) - height))

    async def _on_key(self, event: events.Key) -> None:
        action = KEYS[self.scope].get(event.key)
        if action is None:
            return
        event.stop()
        event.prevent_default()
        self.perform(action)

    def _section(self, targets: list[ChannelId | UserId], at: int, step: int) -> int:
        """The first line that can be chosen of the next section, or the one before. Sections are parted by empty lines."""
        firsts, fresh = [], True
        for item in self.items:
            if not item.left:
                fresh = True
            elif fresh and item.target is not None:
                firsts.append(targets.index(item.target))
                fresh = False
        later = [first for first in firsts if (first > at if step > 0 else first < at)]
        return (later[0] if step > 0 else later[-1]) if later else at

    def perform(self, action: str) -> None:
        """An action of the pane's scope."""
        targets = [item.target for item in self.items if item.target is not None]
        if not targets:
            return
        at = targets.index(self._chosen) if self._chosen in targets else 0
        match action.partition(".")[2]:
            case "up":
                at = max(0, at - 1)
            case "down":
                at = min(len(targets) - 1, at + 1)
            case "first":
                at = 0
            case "last":
                at = len(targets) - 1
            case "section" | "section-back":
                at = self._section(targets, at, 1 if action.endswith("section") else -1)
            case "open":
                self.post_message(self.Opened(self, targets[at]))
                return
            case "verify":
                self.post_message(self.VerifyWanted(targets[at]))
                return
            case "mark":
                self.marked ^= {targets[at]}
                at = min(len(targets) - 1, at + 1)
            case _:
                marked = [target for target in targets if target in self.marked]
                self.post_message(self.Moderated(action, tuple(marked) or (targets[at],)))
                return
        self._chosen = targets[at]
        self._follow()
        self.refresh()

    def on_focus(self) -> None:
        self.choose_current()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._follow()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = self._first + event.y
        if index < len(self.items) and (target := self.items[index].target) is not None:
            self._chosen = target
            self.post_message(self.Opened(self, target))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(event, -2)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(event, 2)

    def _scroll(self, event: events.MouseEvent, lines: int) -> None:
        event.stop()
        first = max(0, min(self._first + lines, len(self.items) - self.size.height))
        if first != self._first:
            self._first = first
            self.refresh()

    def render_line(self, y: int) -> Strip:
        cells, palette = self.size.width - 1, self.palette
        bar: Piece = (self.glyphs.bar, palette.faint)
        index = self._first + y
        pieces: list[Piece] = []
        if index < len(self.items):
            item = self.items[index]
            over = palette.current if item.current else None
            if self.has_focus and item.target is not None and item.target == self._chosen:
                over = palette.selected + palette.strong
                mark = self.glyphs.cursor
            else:
                mark = " "
            if item.target is not None and item.target in self.marked:
                mark = "x"
            right_cells = sum(width(text) for text, _ in item.right)
            room = max(0, cells - 1 - right_cells - (1 if right_cells else 0))
            body: list[Piece] = [(mark, palette.accent)]
            for text, style in item.left:
                cut = clip(text, room, self.glyphs.more)
                body.append((cut, style))
                room -= width(cut)
            body.append((" " * (room + (1 if right_cells else 0)), PLAIN))
            body.extend(item.right)
            pieces = [(text, style if over is None else over + style) for text, style in body]
        line = strip_of(pieces, cells, palette.side)
        edge = strip_of([bar], 1, palette.side)
        return Strip.join([line, edge] if self._side == "left" else [edge, line])
