"""Teaches Textual's key parser what plain terminals and tmux send for Alt: ESC and a character, ESC and carriage return.

Textual 8.2 reads ESC-digit as the characters that one Macintosh layout gives, ESC-CR as a plain Enter after a delay, and other
ESC-character pairs only after a delay. The patch is entries in its table of sequences, made once, and touches no code of it.
"""

from enum import StrEnum

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS


class AltKey(StrEnum):
    """Names as Textual gives the same keys under the kitty protocol."""

    ENTER = "alt+enter"
    SLASH = "alt+slash"
    A = "alt+a"
    B = "alt+b"
    D = "alt+d"
    F = "alt+f"
    M = "alt+m"
    U = "alt+u"
    DIGIT_0 = "alt+0"
    DIGIT_1 = "alt+1"
    DIGIT_2 = "alt+2"
    DIGIT_3 = "alt+3"
    DIGIT_4 = "alt+4"
    DIGIT_5 = "alt+5"
    DIGIT_6 = "alt+6"
    DIGIT_7 = "alt+7"
    DIGIT_8 = "alt+8"
    DIGIT_9 = "alt+9"


SEQUENCES: dict[str, AltKey] = {
    "\x1b\r": AltKey.ENTER,
    "\x1b\n": AltKey.ENTER,
    "\x1b/": AltKey.SLASH,
    **{f"\x1b{key.value[-1]}": key for key in AltKey if len(key.value) == len("alt+x")},
}


def teach_parser() -> None:
    """Idempotent. Call before the terminal is opened."""
    for sequence, key in SEQUENCES.items():
        ANSI_SEQUENCES_KEYS[sequence] = (key,)  # type: ignore[index]
