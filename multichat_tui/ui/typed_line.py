"""A line that is typed in: the text, its caret, the keys that edit it, and how it is drawn. Of several widgets that hold one."""

from textual.strip import Strip

from multichat_tui.ui.cells import Piece, clip, drawn, strip_of, width
from multichat_tui.ui.completing import Completion
from multichat_tui.ui.editor import Editor
from multichat_tui.ui.palette import Palette


class TypedLine:
    """`most` characters at most; never a line break."""

    def __init__(self, text: str, most: int) -> None:
        self._editor = Editor()
        self._editor.reset(text)
        self._most = most
        self._cycle: tuple[Completion, int, int] | None = None
        """What is being completed, which word stands there, and where it ends."""

    @property
    def text(self) -> str:
        return self._editor.text

    @property
    def caret(self) -> int:
        return self._editor.caret

    def set(self, text: str) -> None:
        """Another text; can be undone."""
        self._cycle = None
        self._editor.set(text[: self._most])

    def type(self, text: str) -> None:
        """At the caret; of a paste the first line."""
        self._cycle = None
        kept = "".join(c for c in text.split("\n", 1)[0] if c.isprintable())[: max(0, self._most - len(self.text))]
        if kept:
            self._editor.insert(kept)

    def perform(self, action: str) -> bool:
        """An action of the composer's scope that edits one line. False: it is none."""
        if not self._editor.perform(action):
            return False
        self._cycle = None
        return True

    def complete(self, found: Completion | None) -> None:
        """The word that `found` offers at the caret; called again without an edit between, the next one."""
        if self._cycle is not None:
            completion, at, end = self._cycle
            at = (at + 1) % len(completion.words)
        elif found is not None:
            completion, at, end = found, 0, found.end
        else:
            return
        word = completion.words[at]
        self._editor.replace(completion.begin, end, word)
        self._cycle = (completion, at, completion.begin + len(word))

    @property
    def completing(self) -> bool:
        """Whether the caret stands behind a word that was completed just now."""
        return self._cycle is not None

    def strip(self, cells: int, palette: Palette, hint: str, more: str) -> Strip:
        """The line with its caret in view; `hint` stands there while nothing is typed."""
        editor = self._editor
        text = drawn(editor.text)
        start = 0
        while start < editor.caret and width(text[start : editor.caret]) > cells - 5:
            start += 1
        after = editor.right() if editor.caret < len(text) else editor.caret
        pieces: list[Piece] = [
            (" > ", palette.accent),
            (text[start : editor.caret], palette.strong),
            (text[editor.caret : after] or " ", palette.caret),
            (text[after:], palette.strong),
        ]
        if not text:
            pieces.append((clip(hint, max(0, cells - 5), more), palette.faint))
        return strip_of(pieces, cells, palette.panel)
