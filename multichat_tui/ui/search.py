"""Searching all history: a line to type in, hits that come while one types, and what stands around the chosen one.

Enter goes to the message in its channel, Esc back to where one was.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.limits import MAX_QUERY_CHARACTERS
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, MessageRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.queries import quoted
from multichat_tui.ui.actions import KEYS, Scope, hint
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import Piece, one_line, strip_of, wrap
from multichat_tui.ui.completing import Completion, complete_query
from multichat_tui.ui.drawing import Surroundings
from multichat_tui.ui.finding import Finder
from multichat_tui.ui.found import TEACHING, around_strips, hit_strips, label_of, lines_of_hit
from multichat_tui.ui.panel import PanelScreen, help_page
from multichat_tui.ui.typed_line import TypedLine

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

AROUND_FROM_LINES = 14
"""On a lower screen the hits have it all."""
INDEXING_S = 1.0
"""While an older profile is being indexed, the same is asked again after this."""


class SearchLines(Widget, can_focus=True):
    """The line that is typed in, the hits, and below a rule what stands around the chosen one."""

    ALLOW_SELECT = False

    class Told(Message):
        """What the bar says of the search has changed."""

    class Went(Message):
        """To a message, or (None) back."""

        def __init__(self, row: MessageRow | None) -> None:
            super().__init__()
            self.row = row

    def __init__(
        self,
        text: str,
        preset: str,
        finder: Callable[[Callable[[], None]], Finder],
        around: Callable[[], Surroundings],
        labels: Callable[[], dict[ChannelId, str]],
        complete: Callable[[str, int], Completion | None],
    ) -> None:
        super().__init__(id="search-lines")
        self.line = TypedLine(text, MAX_QUERY_CHARACTERS)
        self.preset = preset
        self.finder = finder(self._answered)
        self._around, self._labels, self._complete = around, labels, complete
        self._first = 0
        self._going = False
        """Enter was pressed before there was an answer to what is typed."""
        self._view: list[Strip] | None = None

    def on_mount(self) -> None:
        self._edited()
        self.set_interval(INDEXING_S, self._while_indexing)

    def _while_indexing(self) -> None:
        page = self.finder.answer.page
        if page is not None and page.indexed_percent < 100 and not self.finder.searching:
            self.finder.look_for(self.line.text, again=True)

    def _answered(self) -> None:
        if not self.is_attached:
            return
        if self._going and not self.finder.searching:
            self._go()
        self.redraw()

    def _go(self) -> None:
        """To the chosen message of the answer to what is typed: hits of a text that is gone lead elsewhere."""
        self._going = self.finder.searching
        if not self._going and self.finder.hit is not None:
            self.post_message(self.Went(self.finder.hit.row))

    def redraw(self) -> None:
        self._view = None
        self.refresh()
        self.post_message(self.Told())

    def _edited(self) -> None:
        self._going = False
        self.finder.look_for(self.line.text)
        self.redraw()

    # Keys and mouse

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("ctrl+q", "ctrl+c"):
            return
        event.stop()
        event.prevent_default()
        action = KEYS[Scope.SEARCH].get(event.key) or KEYS[Scope.COMPOSER].get(event.key, "")
        if not self.perform(action) and event.is_printable and event.character is not None:
            self.line.type(event.character)
            self._edited()

    def perform(self, action: str) -> bool:
        """An action of the search's scope, or a composer's one that edits a line. False: it is none."""
        match action:
            case "search.newer":
                self.finder.move(-1)
            case "search.older":
                self.finder.move(1)
            case "search.page-up":
                self.finder.move(-self._room)
            case "search.page-down":
                self.finder.move(self._room)
            case "search.complete":
                self.line.complete(None if self.line.completing else self._complete(self.line.text, self.line.caret))
                self._edited()
            case "search.where":
                self._toggle_where()
            case "search.open":
                self._go()
            case "search.close":
                self.post_message(self.Went(None))
            case "search.help":
                around = self._around()
                self.app.push_screen(PanelScreen(help_page(Scope.SEARCH), around.palette, around.glyphs))
            case _:
                if not self.line.perform(action):
                    return False
                self._edited()
        return True

    def _toggle_where(self) -> None:
        """In this channel only, or everywhere."""
        if not self.preset:
            return
        words = self.line.text
        if self.preset in words:
            self.line.set(words.replace(self.preset, "", 1).lstrip())
        else:
            self.line.set(self.preset + words)
        self._edited()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.line.type(event.text)
        self._edited()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = self._first + (event.y - 1) // lines_of_hit(self.size.width)
        if 0 < event.y <= self._hit_lines and index < len(self.finder.answer.hits):
            if index == self.finder.chosen:
                self.perform("search.open")
            else:
                self.finder.move(index - self.finder.chosen)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.finder.move(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.finder.move(1)

    # Drawing

    def on_resize(self) -> None:
        self.redraw()

    @property
    def _around_lines(self) -> int:
        """Lines for what stands around, with its rule."""
        height = self.size.height
        return height // 2 if height >= AROUND_FROM_LINES and self.finder.answer.hits else 0

    @property
    def _hit_lines(self) -> int:
        return max(0, self.size.height - 1 - self._around_lines)

    @property
    def _room(self) -> int:
        """Hits that fit."""
        return max(1, self._hit_lines // lines_of_hit(self.size.width))

    def _lines(self) -> list[Strip]:
        if self._view is not None:
            return self._view
        cells, height, around = self.size.width, self.size.height, self._around()
        palette, glyphs, finder = around.palette, around.glyphs, self.finder
        typing = 'words, "a phrase", from:NAME, in:CHANNEL, after:DATE'
        lines = [self.line.strip(cells, palette, typing, glyphs.more)]
        hits, room = finder.answer.hits, self._room
        if finder.chosen < self._first or finder.chosen >= self._first + room:
            self._first = max(0, min(finder.chosen, max(self._first, finder.chosen - room + 1)))
        self._first = max(0, min(self._first, len(hits) - room))
        labels, today = self._labels(), datetime.now().astimezone().date()
        for index in range(self._first, min(len(hits), self._first + room)):
            found = hits[index]
            chosen = index == finder.chosen
            lines += hit_strips(found, label_of(labels, found.row), cells, palette, glyphs, chosen=chosen, today=today)
        if not hits:
            for text, style in self._empty():
                spans = wrap(text, max(1, cells - 3)) or [(0, 0)]
                lines += [strip_of([("  " + text[begin:end], style)], cells, palette.panel) for begin, end in spans]
        blank = Strip.blank(cells, palette.panel)
        lines += [blank] * (1 + self._hit_lines - len(lines))
        if self._around_lines and finder.hit is not None:
            lines.append(strip_of([(glyphs.rule * cells, palette.faint)], cells, palette.ground))
            lines += around_strips(finder.around, finder.hit.row, around, self._around_lines - 1)
        self._view = lines[:height]
        return self._view

    def _empty(self) -> list[Piece]:
        palette, answer = self._around().palette, self.finder.answer
        if answer.complaint:
            return [(answer.complaint, palette.warn)]
        if self.finder.searching:
            return []
        if answer.asked is None:
            return [(text, palette.dim) for text in TEACHING]
        everywhere = f"{hint('search.where')} searches everywhere." if self.preset and self.preset in self.line.text else ""
        told = [("Nothing is found.", palette.strong)]
        advice = everywhere or "Fewer words, or beginnings of words with a * behind them, find more."
        return [*told, (advice, palette.dim)]

    def render_line(self, y: int) -> Strip:
        lines = self._lines()
        return lines[y] if y < len(lines) else Strip.blank(self.size.width, self._around().palette.panel)

    @property
    def told(self) -> str:
        """What is to be said of the answer, in a few words."""
        answer = self.finder.answer
        if self.finder.searching:
            return "searching"
        if answer.asked is None or answer.page is None:
            return ""
        percent = f", indexing {answer.page.indexed_percent} %" if answer.page.indexed_percent < 100 else ""
        return f"{len(answer.hits)}{'+' if answer.more else ''} found{percent}"


class SearchScreen(ModalScreen[MessageRow | None]):
    """Dismissed with the message to go to, or None. What it lies upon is covered whole: were its ground transparent, as that of
    other panels, the main screen would be drawn anew for every key."""

    DEFAULT_CSS = """
    SearchScreen, SearchScreen:ansi { layout: vertical; background: black; }
    SearchScreen Bar { height: 1; width: 100%; }
    SearchScreen SearchLines { width: 100%; height: 1fr; }
    """

    def __init__(self, lines: SearchLines, around: Callable[[], Surroundings]) -> None:
        super().__init__()
        self.lines = lines
        self._around = around
        palette = around().palette
        self._top = Bar(palette.bar, id="search-top")
        self._bottom = Bar(palette.bar, id="search-bottom")

    def compose(self) -> ComposeResult:
        yield self._top
        yield self.lines
        yield self._bottom

    def on_mount(self) -> None:
        self.lines.focus()
        self._tell()

    def on_resize(self) -> None:
        self._tell()

    def on_search_lines_told(self) -> None:
        self._tell()

    def _tell(self) -> None:
        palette = self._around().palette
        finder = self.lines.finder
        told = self.lines.told
        place = f"{finder.chosen + 1} of {told}" if finder.hit is not None and not finder.searching else told
        self._top.tell([(" Search ", palette.strong)], [(place + " ", palette.accent)])
        preset = self.lines.preset
        where = "everywhere" if preset and preset in self.lines.line.text else "here only" if preset else ""
        keys = [(f"{hint('search.where')} {where}  ", palette.dim)] if where and self.app.size.width >= 48 else []
        keys += [("Tab completes  ", palette.dim)] if self.app.size.width >= 60 else []
        self._bottom.tell([(" Enter goes there  Esc back", palette.strong)], keys)

    def on_search_lines_went(self, event: SearchLines.Went) -> None:
        event.stop()
        if self.is_current:
            self.dismiss(event.row)


def search_screen(screen: "MainScreen", api: NodeApi, words: str | None) -> SearchScreen:
    """Over the main screen. `words`: what to search for everywhere; None: what is typed, in the open channel at first."""
    front, here = screen.front, screen.front.row
    preset = f"in:{quoted(_channel_name(here))} " if here is not None else ""

    def around() -> Surroundings:
        return replace(screen.surroundings(screen.timeline.around.clock), width=max(1, screen.app.size.width), beginning=())

    def labels() -> dict[ChannelId, str]:
        return {row.id: one_line(_channel_name(row)) for row in front.desk.channels.values()}

    def completion(text: str, caret: int) -> Completion | None:
        channels = [_channel_name(row) for row in front.desk.ordered if isinstance(row, ChannelRow)]
        return complete_query(text, caret, people=front.desk.people, channels=channels)

    lines = SearchLines(
        preset if words is None else words,
        preset,
        lambda changed: Finder(api, front.current, preset, changed, screen.spawn),
        around,
        labels,
        completion,
    )
    return SearchScreen(lines, around)


def _channel_name(row: ChannelRow) -> str:
    """With the sign that tells a group from a person."""
    return f"{'@' if row.kind is ChannelKind.DIRECT else '#'}{row.name}"
