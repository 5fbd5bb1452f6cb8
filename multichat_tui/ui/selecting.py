"""Selecting text with the mouse in widgets that draw their own lines."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip


def mark(strip: Strip, y: int, selection: Selection, style: Style) -> Strip:
    """The line `y` with its selected part in `style`. Offsets of selections count characters, not cells."""
    span = selection.get_span(y)
    if span is None:
        return strip
    begin, end = span
    if end == -1:
        end = len(strip.text.rstrip())
    segments: list[Segment] = []
    at = 0
    for text, look, _ in strip:
        first, last = max(0, begin - at), max(0, end - at)
        for part, marked in ((text[:first], False), (text[first:last], True), (text[max(first, last) :], False)):
            if part:
                segments.append(Segment(part, (look or Style()) + style if marked else look))
        at += len(text)
    return Strip(segments, strip.cell_length)


def extract(strips: Sequence[Strip], selection: Selection) -> str:
    """The selected text, without the blanks that fill lines at the right."""
    lines = []
    for y, strip in enumerate(strips):
        span = selection.get_span(y)
        if span is not None:
            begin, end = span
            lines.append((strip.text[begin:] if end == -1 else strip.text[begin:end]).rstrip())
    return "\n".join(lines)
