"""Text measured in terminal cells: widths, cutting, wrapping.

Every width here is the sum of the widths of single characters. So that terminals which join characters agree with it as well as
those which do not, `sober` takes joiners, variation selectors and skin tones out of what is drawn (never out of what is copied).
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from multichat_tui.model.text import visible

_JOINERS = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")

Piece = tuple[str, Style]
"""A text without line breaks, and its style."""


@lru_cache(maxsize=2048)
def sober(text: str) -> str:
    """Peer text as it may be drawn: controls visible, every character of a width that all terminals agree on."""
    shown = visible(text)
    return shown if shown.isascii() else _JOINERS.sub("", shown)


def one_line(text: str) -> str:
    """As `sober`, with line breaks as spaces."""
    return sober(text).replace("\n", " ")


def width(text: str) -> int:
    """Cells that `text` (one line, sober) takes."""
    return len(text) if text.isascii() else sum(map(get_character_cell_size, text))


def clip(text: str, cells: int, more: str = "…") -> str:
    """At most `cells` cells of a line; what was cut is told by `more` (one cell, or empty)."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    kept, used = [], len(more)
    for character in text:
        size = get_character_cell_size(character)
        if used + size > cells:
            break
        kept.append(character)
        used += size
    return "".join(kept) + more


def pad(text: str, cells: int, more: str = "…") -> str:
    """Exactly `cells` cells: cut or filled with spaces at the right."""
    cut = clip(text, cells, more)
    return cut + " " * (cells - width(cut))


def wrap(text: str, cells: int) -> list[tuple[int, int]]:
    """Where the lines of `text` (sober) begin and end, each at most `cells` wide. Breaks at spaces, else within a word.

    A space at a break is dropped. `cells` below 2 counts as 2, so that a wide character always fits.
    """
    cells = max(2, cells)
    spans: list[tuple[int, int]] = []
    start = 0
    for paragraph in text.split("\n"):
        spans.extend(_wrap_paragraph(paragraph, start, cells))
        start += len(paragraph) + 1
    return spans


def _wrap_paragraph(paragraph: str, offset: int, cells: int) -> list[tuple[int, int]]:
    if width(paragraph) <= cells:
        return [(offset, offset + len(paragraph))]
    spans: list[tuple[int, int]] = []
    begin, used, space, index = 0, 0, -1, 0
    while index < len(paragraph):
        character = paragraph[index]
        size = 1 if character.isascii() else get_character_cell_size(character)
        if used + size <= cells:
            if character == " ":
                space = index
            used += size
            index += 1
            continue
        if character == " ":
            end, following = index, index + 1
        elif space > begin:
            end, following = space, space + 1
        else:
            end, following = index, index
        spans.append((offset + begin, offset + end))
        begin = index = following
        used, space = 0, -1
    spans.append((offset + begin, offset + len(paragraph)))
    return spans


def strip_of(pieces: Iterable[Piece], cells: int, base: Style) -> Strip:
    """One drawn line of exactly `cells` cells: pieces over `base`, cut or filled at the right."""
    segments: list[Segment] = []
    used = 0
    for text, style in pieces:
        size = width(text)
        if used + size > cells:
            text = clip(text, cells - used, "") if cells > used else ""
            size = width(text)
        if text:
            segments.append(Segment(text, base + style))
            used += size
    if used < cells:
        segments.append(Segment(" " * (cells - used), base))
    return Strip(segments, cells)


@lru_cache(maxsize=512)
def drawn(text: str) -> str:
    """One's own text while it is written: as `sober`, but with exactly one character for each, so that places in it are places in
    the text. What takes no cell of its own, or may not be drawn, stands as a sign of one cell; line breaks stay."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(_one(character) for character in text)


def _one(character: str) -> str:
    if character == "\n" or (
        character.isprintable() and not unicodedata.combining(character) and get_character_cell_size(character)
    ):
        return character
    return character if unicodedata.combining(character) else "·"
