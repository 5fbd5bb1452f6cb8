"""The thread pane: a message and what answers it, beside the timeline. Costs nothing while it is closed."""

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.model.ids import RecordId
from multichat_tui.model.snapshots import Thread
from multichat_tui.ui.actions import hint
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.cells import strip_of
from multichat_tui.ui.drawing import Surroundings
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.timeline import Timeline
from multichat_tui.ui.window import MessageWindow


class Edge(Widget):
    """The line that divides the pane from what is at its left."""

    ALLOW_SELECT = False

    def __init__(self, palette: Palette, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self._piece = (glyphs.bar, palette.faint)
        self._ground = palette.ground

    def look(self, palette: Palette, glyphs: Glyphs) -> None:
        self._piece, self._ground = (glyphs.bar, palette.faint), palette.ground
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return strip_of([self._piece], self.size.width, self._ground)


class ThreadPane(Horizontal):
    """`show` opens it and brings it up to date; None closes it."""

    def __init__(self, palette: Palette, glyphs: Glyphs, around: Surroundings, *, id: str) -> None:
        super().__init__(id=id)
        self.palette, self.glyphs = palette, glyphs
        self.thread: Thread | None = None
        self._edge = Edge(palette, glyphs, id="thread-edge")
        self._head = Bar(palette.bar, id="thread-head")
        self.lines = Timeline(replace(around, threads=False), id="thread-lines")

    def compose(self) -> ComposeResult:
        yield self._edge
        with Vertical():
            yield self._head
            yield self.lines

    def show(self, thread: Thread | None, around: Surroundings) -> None:
        before, self.thread = self.thread, thread
        if thread is None:
            self.lines.open(None, MessageWindow(), None)
            return
        # Everything here answers the first message: to quote that again and again says nothing.
        rows = [replace(row, replies=0, reply_to=None if row.reply_to == thread.root else row.reply_to) for row in thread.rows]
        if before is None or before.root != thread.root:
            window = MessageWindow()
            window.load(rows, more_before=False)
            self.lines.view.surround(replace(around, threads=False, beginning=()))
            self.lines.open(thread.channel, window, None)
        else:
            held = {row.id for row in rows}
            for record in [row.id for row in self.lines.window.rows if row.id not in held]:
                self.lines.window.remove(record)
            self.lines.window.extend(row for row in rows if self.lines.window.get(row.id) != row)
            self.lines.changed()
        answers = len(thread.rows) - 1
        told = "no replies yet" if not answers else "1 reply" if answers == 1 else f"{answers} replies"
        left = [(" Thread", self.palette.strong), (f"  {told}", self.palette.dim)]
        self._head.tell(left, [(f"{hint('back')} closes ", self.palette.dim)])

    def set_alone(self, alone: bool) -> None:
        """Whether there is no timeline beside it, from which an edge would part it."""
        self._edge.display = not alone

    @property
    def root(self) -> RecordId | None:
        """The message that is answered here; None: the pane is closed."""
        return self.thread.root if self.thread is not None else None

    def look(self, palette: Palette, glyphs: Glyphs, around: Surroundings) -> None:
        self.palette, self.glyphs = palette, glyphs
        self._edge.look(palette, glyphs)
        self._head.look(palette.bar)
        self.lines.surround(replace(around, threads=False, beginning=()))
        if self.thread is not None:
            self.show(self.thread, around)
