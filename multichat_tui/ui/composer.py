"""The composer: where one writes. Grows to `MAX_LINES`; a key repaints only the cells that it changed, and never makes a layout.

It decides nothing: `Submitted` goes up, and the text stays until `accept` says that the node has taken it.
"""

from collections.abc import Callable

from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from multichat_tui.model.limits import MAX_TEXT_CHARACTERS
from multichat_tui.model.values import dataclass
from multichat_tui.ui.actions import KEYS, Scope
from multichat_tui.ui.cells import Piece, clip, drawn, strip_of, width, wrap
from multichat_tui.ui.completing import Completion
from multichat_tui.ui.drafts import Place
from multichat_tui.ui.editor import Editor
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import PLAIN, Palette
from multichat_tui.ui.recall import Recall

MAX_LINES = 6
"""Beyond this it scrolls."""
LARGE_PASTE_CHARACTERS = 3000
LARGE_PASTE_LINES = 12


CHORD = "chord"
"""Stands for the first of two keys."""
SPARE: Piece = ("  ", PLAIN)
"""Blank cells behind the text, apart from the rest of the line, so that a key need not send all of it."""


@dataclass(slots=True)
class _Cycle:
    completion: Completion
    chosen: int
    end: int

    @property
    def word(self) -> str:
        return self.completion.words[self.chosen]

    @property
    def is_one_directory(self) -> bool:
        """Whether there is nothing else to choose, and more within."""
        return len(self.completion.words) == 1 and self.word.endswith("/")


class Composer(Widget, can_focus=True):
    """`complete` is asked for the words that fit at the caret."""

    ALLOW_SELECT = False

    class Submitted(Message):
        """`place`: for where it was written."""

        def __init__(self, text: str, place: Place | None) -> None:
            super().__init__()
            self.text, self.place = text, place

    class Edited(Message):
        """The text has changed."""

    class LargePaste(Message):
        """Too much to take in unasked; `Composer.insert` takes it in."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Performed(Message):
        """An action that is not about the text."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, palette: Palette, glyphs: Glyphs, complete: Callable[[str, int], Completion | None], *, id: str) -> None:
        super().__init__(id=id)
        self.palette = palette
        self.glyphs = glyphs
        self.editor = Editor()
        self.place: Place | None = None
        """For where the text is; None: no channel is open."""
        self.prompt = ""
        self.hint = ""
        """Shown, dim, while there is no text."""
        self._complete = complete
        self._cycle: _Cycle | None = None
        self.recall = Recall()
        self._first_line = 0
        self._begun = ""
        """The first key of two, while the second is awaited."""
        self._drawn: tuple[list[tuple[int, int]], str, int, int] | None = None

    # Text

    @property
    def text(self) -> str:
        return self.editor.text

    def load(self, text: str, place: Place | None) -> None:
        """Another draft, that of a place."""
        self.place = place
        self.editor.reset(text)
        self._cycle = None
        self.recall.reset()
        self._changed(whole=True, told=False)

    def insert(self, text: str) -> None:
        self.editor.insert(text)
        self._changed()

    def accept(self, text: str) -> None:
        """What was submitted is taken: it leaves the line."""
        self.recall.reset()
        self.editor.accepted(text)
        self._changed()

    def prefill(self, text: str) -> None:
        """Something to go on writing. What stood here can be got back by undo."""
        self.recall.reset()
        self.editor.set(text)
        self._changed()

    def recall_step(self, step: int) -> None:
        """To what was entered before (-1) or after (1)."""
        self._recall(step)
        self._changed()

    def set_prompt(self, prompt: str, hint: str) -> None:
        if (prompt, hint) != (self.prompt, self.hint):
            self.prompt, self.hint = prompt, hint
            self._changed(whole=True, told=False)

    def look(self, palette: Palette, glyphs: Glyphs) -> None:
        self.palette, self.glyphs = palette, glyphs
        self._changed(whole=True, told=False)

    # Keys

    async def _on_key(self, event: events.Key) -> None:
        action = self._action_of(event.key)
        if action == CHORD or (action is not None and self.perform(action)):
            event.stop()
            event.prevent_default()
        elif action is None and event.is_printable and event.character is not None:
            event.stop()
            event.prevent_default()
            completed, self._cycle = self._cycle, None
            if not (event.character == "/" and completed is not None and completed.word.endswith("/")):
                # The slash behind a directory that was completed stands there.
                self.insert(event.character)

    def only_writes(self, event: events.Key | events.Paste) -> bool:
        """Whether it puts a character into the text and does nothing else."""
        if isinstance(event, events.Paste) or self._begun or not event.is_printable or event.character is None:
            return False
        keys = KEYS[Scope.COMPOSER]
        return event.key not in keys and not any(bound.startswith(event.key + " ") for bound in keys)

    def _action_of(self, key: str) -> str | None:
        """What a key stands for, after the one before it if that began something; CHORD: it begins something."""
        begun, self._begun = self._begun, ""
        keys = KEYS[Scope.COMPOSER]
        if begun and (action := keys.get(f"{begun} {key}")) is not None:
            return action
        action = keys.get(key)
        if action is None and key.startswith(("ctrl+", "alt+")) and any(bound.startswith(key + " ") for bound in keys):
            self._begun = key
            return CHORD
        return action

    def perform(self, action: str) -> bool:
        """An action of the composer's scope. False: not here and now; the key means something else then."""
        editor = self.editor
        if action not in ("complete", "complete.previous"):
            self._cycle = None
        match action:
            case "send":
                self.post_message(self.Submitted(editor.text, self.place))
                return True
            case "newline":
                editor.insert("\n")
            case "complete" | "complete.previous":
                return self._complete_word(1 if action == "complete" else -1)
            case "history.previous" | "history.next":
                self._recall(-1 if action == "history.previous" else 1)
            case "up" | "down":
                step = -1 if action == "up" else 1
                if action == "up" and not editor.text and not self.recall.shown:
                    self.post_message(self.Performed("edit.last"))
                    return True
                if self._at_edge(step) and editor.text in ("", self.recall.shown):
                    self._recall(step)
                else:
                    self._vertical(step)
            case "line.end" if not editor.text:
                self.post_message(self.Performed("view.last"))
            case "line.start" if not editor.text:
                return False
            case "history.search" | "editor":
                self.post_message(self.Performed(action))
                return True
            case _ if not editor.perform(action):
                return False
        self._changed()
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        await self.take_paste(event.text)

    async def take_paste(self, pasted: str) -> None:
        """What is pasted is written, and never does anything."""
        text = pasted.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
        text = "".join(c for c in text if c == "\n" or c.isprintable() or ord(c) > 0x9F)
        if len(text) > LARGE_PASTE_CHARACTERS or text.count("\n") >= LARGE_PASTE_LINES:
            self.post_message(self.LargePaste(text))
        elif text:
            self.insert(text)

    def _complete_word(self, step: int) -> bool:
        editor = self.editor
        if self._cycle is None or self._cycle.is_one_directory:
            if not editor.text:
                return False
            completion = self._complete(editor.text, editor.caret)
            if completion is None:
                return True
            self._cycle = _Cycle(completion, -1 if step > 0 else 0, completion.end)
        cycle = self._cycle
        cycle.chosen = (cycle.chosen + step) % len(cycle.completion.words)
        editor.replace(cycle.completion.begin, cycle.end, cycle.word)
        cycle.end = cycle.completion.begin + len(cycle.word)
        self._changed()
        return True

    def _recall(self, step: int) -> None:
        if (text := self.recall.step(self.editor.text, step)) is not None:
            self.editor.set(text)

    def _at_edge(self, step: int) -> bool:
        """Whether there is no line above (-1) or below (1) the caret's."""
        spans = self._spans()
        return not 0 <= self._row_of(spans, self.editor.caret) + step < len(spans)

    def _vertical(self, step: int) -> None:
        spans = self._spans()
        row = self._row_of(spans, self.editor.caret)
        if not 0 <= row + step < len(spans):
            self.editor.move_to(0 if step < 0 else len(self.editor.text))
            return
        column = width(drawn(self.editor.text[spans[row][0] : self.editor.caret]))
        begin, end = spans[row + step]
        caret = begin
        while caret < end and width(drawn(self.editor.text[begin : caret + 1])) <= column:
            caret += 1
        self.editor.move_to(caret)

    # Drawing

    @property
    def _room(self) -> int:
        return max(4, self.size.width - width(self._shown_prompt()) - 2)

    def _shown_prompt(self) -> str:
        return clip(self.prompt, max(3, self.size.width // 3), self.glyphs.more) + " "

    def _spans(self) -> list[tuple[int, int]]:
        """The visual lines. `drawn` keeps one character for each, so that spans of it are spans of the text."""
        spans = wrap(drawn(self.editor.text), self._room)
        begin, end = spans[-1]
        if end - begin and width(drawn(self.editor.text[begin:end])) >= self._room:
            spans.append((end, end))
        return spans

    @staticmethod
    def _row_of(spans: list[tuple[int, int]], caret: int) -> int:
        return max((i for i, (begin, _) in enumerate(spans) if begin <= caret), default=0)

    def _changed(self, *, whole: bool = False, told: bool = True) -> None:
        """Repaint what differs from what was drawn; ask for more height only when a line came or went."""
        if told:
            self.post_message(self.Edited())
        if not self.is_mounted or not self.size.width:
            return
        spans, caret = self._spans(), self.editor.caret
        row = self._row_of(spans, caret)
        height = min(MAX_LINES, len(spans))
        first = max(min(self._first_line, row, len(spans) - height), row - height + 1, 0)
        before, self._drawn = self._drawn, (spans, self.editor.text, caret, first)
        if height != self.size.height:
            self.styles.height = height
        if (
            whole
            or before is None
            or first != self._first_line
            or height != self.size.height
            or not before[1]
            or not self.editor.text
        ):
            self._first_line = first
            self.refresh()
        else:
            self._repaint(before, spans, caret, first)
        indent = width(self._shown_prompt()) + 1
        self.app.cursor_position = Offset(
            self.region.x + indent + width(drawn(self.editor.text[spans[row][0] : caret])), self.region.y + row - first
        )

    def _repaint(
        self, before: tuple[list[tuple[int, int]], str, int, int], spans: list[tuple[int, int]], caret: int, first: int
    ) -> None:
        """Ask for the cells of each line from the first to the last difference."""
        old_spans, old_text, old_caret, _ = before
        old_row, new_row = self._row_of(old_spans, old_caret), self._row_of(spans, caret)
        indent = width(self._shown_prompt()) + 1
        for row in range(first, first + self.size.height):
            old = drawn(old_text[slice(*old_spans[row])]) if row < len(old_spans) else ""
            new = drawn(self.editor.text[slice(*spans[row])]) if row < len(spans) else ""
            marks = [drawn(old_text[old_spans[row][0] : old_caret])] if row == old_row else []
            marks += [drawn(self.editor.text[spans[row][0] : caret])] if row == new_row else []
            if old == new and (not marks or (old_row == new_row and old_caret == caret)):
                continue
            same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
            begin = min([width(new[:same]) if old != new else self._room, *(width(text) for text in marks)])
            end = max([max(width(old), width(new)) if old != new else 0, *(width(text) + 1 for text in marks)])
            self.refresh(Region(indent + begin, row - first, max(1, end - begin), 1))

    def on_resize(self) -> None:
        self._changed(whole=True, told=False)

    def on_focus(self) -> None:
        self._changed(whole=True, told=False)

    def on_blur(self) -> None:
        self._changed(whole=True, told=False)

    def render_line(self, y: int) -> Strip:
        palette, prompt = self.palette, self._shown_prompt()
        spans = self._spans()
        row = y + self._first_line
        lead: list[Piece] = [(" " + (prompt if row == 0 else " " * width(prompt)), palette.accent)]
        if row >= len(spans):
            return strip_of([], self.size.width, palette.ground)
        begin, end = spans[row]
        caret = self.editor.caret
        here = self.has_focus and row == self._row_of(spans, caret)
        if not self.editor.text:
            hint = clip(self.hint, self._room - 1, self.glyphs.more)
            return strip_of(
                [*lead, (" ", palette.caret if here else palette.dim), (hint, palette.dim)], self.size.width, palette.ground
            )
        if not here:
            return strip_of([*lead, (drawn(self.editor.text[begin:end]), PLAIN), SPARE], self.size.width, palette.ground)
        after = self.editor.right() if caret < end else caret
        under = drawn(self.editor.text[caret:after]) or " "
        pieces = [
            (drawn(self.editor.text[begin:caret]), PLAIN),
            (under, palette.caret),
            (drawn(self.editor.text[after:end]), PLAIN),
            SPARE,
        ]
        return strip_of([*lead, *pieces], self.size.width, palette.ground)

    @property
    def over_limit(self) -> int:
        """Characters beyond what one message may have."""
        return max(0, len(self.editor.text) - MAX_TEXT_CHARACTERS)
