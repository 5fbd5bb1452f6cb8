"""Teaches Textual's key parser what plain terminals and tmux send for Alt: ESC and a character, ESC and carriage return.

Textual 8.2 reads ESC-digit as the characters that one Macintosh layout gives, ESC-CR as a plain Enter after a delay, and other
ESC-character pairs only after a delay. The patch for that is entries in its table of sequences.

And it protects pastes: an ESC within a bracketed paste makes that parser issue what follows as keys, so that a pasted text could
press Enter. `PasteGuard` takes such an ESC out before the parser sees it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

SEQUENCES: dict[str, str] = {
    "\x1b\r": "alt+enter",
    "\x1b\n": "alt+enter",
    "\x1b/": "alt+slash",
    "\x1bU": "alt+shift+u",
    **{f"\x1b{character}": f"alt+{character}" for character in "abcdefghijklmnopqrstuvwxyz0123456789"},
}
"""What stands for each key, named as Textual names the same keys under the kitty protocol."""


def _key(name: str) -> Any:
    """As Textual's table holds a key: a member of an enumeration, of which it takes the value."""
    return next(iter(StrEnum("Key", [("KEY", name)])))


class PasteGuard:
    """Passes on what a terminal sends, without the ESCs within pastes. Knows where it is across pieces of any size."""

    def __init__(self) -> None:
        self._pasting = False
        self._matched = ""
        """What may be the beginning of the marker that is looked for. Held back within a paste only: elsewhere ESC is a key."""

    def clean(self, text: str) -> str:
        """The next piece; may be empty where it is held back."""
        passed: list[str] = []
        for character in text:
            marker = BRACKETED_PASTE_END if self._pasting else BRACKETED_PASTE_START
            if not self._pasting:
                passed.append(character)
            if marker.startswith(self._matched + character):
                self._matched += character
                if self._matched == marker:
                    passed.append(marker if self._pasting else "")
                    self._pasting, self._matched = not self._pasting, ""
                continue
            if self._pasting:
                passed.append(self._matched.removeprefix("\x1b"))
            self._matched = ""
            if marker.startswith(character):
                self._matched = character
            elif self._pasting:
                passed.append(character)
        return "".join(passed)


class GuardedParser(XTermParser):
    """Textual's parser behind a `PasteGuard`."""

    def __init__(self, debug: bool = False) -> None:
        self._guard = PasteGuard()
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        cleaned = self._guard.clean(data)
        return super().feed(cleaned) if cleaned or not data else ()


def teach_parser() -> None:
    """Idempotent. Call before the terminal is opened."""
    for sequence, key in SEQUENCES.items():
        ANSI_SEQUENCES_KEYS[sequence] = (_key(key),)  # type: ignore[index]  # a dict, said to be a mapping
    from textual.drivers import linux_driver

    setattr(linux_driver, "XTermParser", GuardedParser)  # noqa: B010  # mypy has no assignment to a module of others
