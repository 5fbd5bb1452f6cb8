"""A text being written: the characters, the caret, what was erased, what can be undone. Knows no screen."""

from multichat_tui.model.values import dataclass

UNDO_STEPS = 200


@dataclass(frozen=True, slots=True)
class _State:
    text: str
    caret: int


class Editor:
    """`caret` is an index into `text`, 0..len. All movements stop at the ends."""

    def __init__(self) -> None:
        self.text = ""
        self.caret = 0
        self._erased = ""
        self._undo: list[_State] = []
        self._typing = False

    def set(self, text: str, caret: int | None = None) -> None:
        """Replace everything; can be undone."""
        self._remember()
        self.text = text
        self.caret = len(text) if caret is None else caret

    def reset(self, text: str = "") -> None:
        """Begin anew: nothing to undo."""
        self.text, self.caret, self._typing = text, len(text), False
        self._undo.clear()

    def insert(self, text: str) -> None:
        if not (self._typing and len(text) == 1 and not text.isspace()):
            self._remember()
        self._typing = len(text) == 1
        self.text = self.text[: self.caret] + text + self.text[self.caret :]
        self.caret += len(text)

    def replace(self, begin: int, end: int, text: str) -> None:
        self._remember()
        self.text = self.text[:begin] + text + self.text[end:]
        self.caret = begin + len(text)

    def move_to(self, caret: int) -> None:
        self._typing = False
        self.caret = max(0, min(len(self.text), caret))

    def left(self) -> int:
        """Where the character before the caret begins, with what combines with it."""
        caret = self.caret - 1
        while caret > 0 and _combines(self.text[caret], self.text[caret - 1]):
            caret -= 1
        return max(0, caret)

    def right(self) -> int:
        caret = self.caret + 1
        while caret < len(self.text) and _combines(self.text[caret], self.text[caret - 1]):
            caret += 1
        return min(len(self.text), caret)

    def word_left(self) -> int:
        caret = self.caret
        while caret > 0 and not self.text[caret - 1].isalnum():
            caret -= 1
        while caret > 0 and self.text[caret - 1].isalnum():
            caret -= 1
        return caret

    def word_right(self) -> int:
        caret = self.caret
        while caret < len(self.text) and not self.text[caret].isalnum():
            caret += 1
        while caret < len(self.text) and self.text[caret].isalnum():
            caret += 1
        return caret

    def space_left(self) -> int:
        """Where the run of non-spaces before the caret begins, as Ctrl+W of shells has it."""
        caret = self.caret
        while caret > 0 and self.text[caret - 1].isspace():
            caret -= 1
        while caret > 0 and not self.text[caret - 1].isspace():
            caret -= 1
        return caret

    def line_start(self) -> int:
        return self.text.rfind("\n", 0, self.caret) + 1

    def line_end(self) -> int:
        end = self.text.find("\n", self.caret)
        return len(self.text) if end < 0 else end

    def erase(self, begin: int, end: int, *, keep: bool) -> None:
        """Take out a range; with `keep`, `yank` puts it back."""
        if begin >= end:
            return
        self._remember()
        if keep:
            self._erased = self.text[begin:end]
        self.text = self.text[:begin] + self.text[end:]
        self.caret = begin

    def yank(self) -> None:
        if self._erased:
            self._remember()
            self.insert(self._erased)

    def undo(self) -> None:
        self._typing = False
        if self._undo:
            state = self._undo.pop()
            self.text, self.caret = state.text, state.caret

    def perform(self, action: str) -> bool:
        """An action of the composer's scope that is about a text alone. False: it is none."""
        moves = {
            "left": self.left,
            "right": self.right,
            "word.left": self.word_left,
            "word.right": self.word_right,
            "line.start": self.line_start,
            "line.end": self.line_end,
        }
        if action in moves:
            self.move_to(moves[action]())
            return True
        match action:
            case "erase.left":
                self.erase(self.left(), self.caret, keep=False)
            case "erase.right":
                self.erase(self.caret, self.right(), keep=False)
            case "erase.word":
                self.erase(self.space_left(), self.caret, keep=True)
            case "erase.word-right":
                self.erase(self.caret, self.word_right(), keep=True)
            case "erase.line":
                self.erase(self.line_start(), self.caret, keep=True)
            case "erase.line-right":
                self.erase(self.caret, self.line_end(), keep=True)
            case "yank":
                self.yank()
            case "undo":
                self.undo()
            case _:
                return False
        return True

    def accepted(self, text: str) -> None:
        """Take out what was sent, keeping what was typed since."""
        rest = self.text[len(text) :] if self.text.startswith(text) else "" if self.text.strip() == text.strip() else self.text
        self.reset(rest)

    def _remember(self) -> None:
        self._typing = False
        self._undo.append(_State(self.text, self.caret))
        del self._undo[:-UNDO_STEPS]


def _combines(character: str, before: str) -> bool:
    from rich.cells import get_character_cell_size

    return before == "\u200d" or (character != "\n" and not character.isascii() and get_character_cell_size(character) == 0)
