"""The lines of entries as they were drawn, kept until something about them changes."""

from textual.strip import Strip

from multichat_tui.ui.drawing import Surroundings, left_text, paint
from multichat_tui.ui.entries import Entry, Key, Message, key_of

PAINTED_ENTRIES = 2000
"""Drawn entries that are kept. More than a window has."""


class PaintedEntries:
    """To be cleared when the surroundings change."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Entry, bool, bool, str, list[Strip]]] = {}

    def clear(self) -> None:
        self._known.clear()

    def strips(self, entry: Entry, around: Surroundings, *, unfolded: bool, under_cursor: bool) -> list[Strip]:
        key = key_of(entry)
        known = self._known.get(key)
        expires_ms = entry.row.expires_ms if isinstance(entry, Message) else None
        left = "" if expires_ms is None else left_text(expires_ms, around.now_ms())
        if known is not None and known[1:4] == (under_cursor, unfolded, left) and _same(known[0], entry):
            return known[4]
        if len(self._known) > PAINTED_ENTRIES:
            self._known.clear()
        strips = paint(entry, around, unfolded=unfolded, under_cursor=under_cursor)
        answers = entry.row.reply_to if isinstance(entry, Message) else None
        if answers is None or around.quote_of(answers) is not None:
            self._known[key] = (entry, under_cursor, unfolded, left, strips)
        return strips


def _same(one: Entry, other: Entry) -> bool:
    if isinstance(one, Message) and isinstance(other, Message):
        return one.row is other.row and one.follows == other.follows
    return one == other
