"""Draws what was found: hits with their words marked, what stands around one, and what to type where there is nothing to show."""

from collections.abc import Mapping
from datetime import date, timedelta

from rich.style import Style
from textual.strip import Strip

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.searching import FoundRow
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.node.api.transcript import excerpt
from multichat_tui.ui.cells import Piece, clip, one_line, pad, strip_of, width
from multichat_tui.ui.drawing import Surroundings, paint
from multichat_tui.ui.entries import Message, entries_of, local_time
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import PLAIN, Palette

WIDE_CELLS = 70
TEACHING = (
    "All words must be in a message; case and accents do not matter.",
    '"red boat"      words that follow each other',
    "from:ann        from:me     who wrote it",
    "in:#dev         in:@bob     where",
    "after:7d        before:2026-01-31   on:yesterday",
    "Tab completes names. Everything works without a network.",
)


def mark_style(palette: Palette) -> Style:
    """Of the words that were searched for: told by a line under them where there are no colours."""
    return palette.mention + Style(underline=True)


def lines_of_hit(cells: int) -> int:
    """How many lines a hit takes."""
    return 1 if cells >= WIDE_CELLS else 2


def stamp(time_ms: int, today: date) -> str:
    """When, in at most twelve cells: `01:47`, `yesterday`, `21 Nov 01:47`, `2025-11-21`."""
    when = local_time(time_ms)
    if when.date() == today:
        return f"{when:%H:%M}"
    if when.date() == today - timedelta(days=1):
        return f"yest. {when:%H:%M}"
    return f"{when.day} {when:%b %H:%M}" if when.year == today.year else f"{when:%Y-%m-%d}"


def hit_strips(
    found: FoundRow, label: str, cells: int, palette: Palette, glyphs: Glyphs, *, chosen: bool, today: date
) -> list[Strip]:
    """One hit, `lines_of_hit` lines of exactly `cells` cells."""
    row = found.row
    base = palette.panel + palette.selected if chosen else palette.panel
    sign: Piece = ((glyphs.cursor if chosen else " ") + " ", palette.accent)
    when: Piece = (pad(stamp(row.time_ms, today), 12, glyphs.more) + " ", palette.dim)
    name = one_line(row.name)
    if lines_of_hit(cells) == 1:
        head = [
            sign,
            when,
            (pad(label, 12, glyphs.more) + " ", palette.accent),
            (pad(name, 10, glyphs.more) + " ", palette.of_person(row.author)),
        ]
        return [strip_of([*head, *marked_text(found, cells - 39, palette, glyphs)], cells, base)]
    room = max(4, cells - 15)
    label = clip(label, max(3, room // 2), glyphs.more)
    head = [sign, when, (label + " ", palette.accent)]
    head.append((clip(name, max(3, room - width(label) - 1), glyphs.more), palette.of_person(row.author)))
    text: list[Piece] = [("    ", PLAIN), *marked_text(found, cells - 5, palette, glyphs)]
    return [strip_of(head, cells, base), strip_of(text, cells, base)]


def marked_text(found: FoundRow, cells: int, palette: Palette, glyphs: Glyphs) -> list[Piece]:
    """The part of the text around the first place, the places marked, in at most `cells` cells."""
    text = found.row.text
    begin, end = excerpt(text, found.places, max(8, cells - 2))
    pieces: list[Piece] = [(glyphs.more, palette.dim)] if begin else []
    at = begin
    for first, last in found.places:
        if last <= begin or first >= end:
            continue
        pieces.append((one_line(text[at : max(first, begin)]), PLAIN))
        pieces.append((one_line(text[max(first, begin) : min(last, end)]), mark_style(palette)))
        at = min(last, end)
    pieces.append((one_line(text[at:end]), PLAIN))
    if end < len(text):
        pieces.append((glyphs.more, palette.dim))
    fitting: list[Piece] = []
    room = cells
    for part, style in pieces:
        cut = clip(part, room, glyphs.more if width(part) > room else "")
        if cut:
            fitting.append((cut, style))
        room -= width(cut)
    return fitting


def around_strips(rows: tuple[MessageRow, ...], hit: MessageRow | None, around: Surroundings, height: int) -> list[Strip]:
    """The messages around a hit, that one under the cursor and in view, in exactly `height` lines. Nothing beyond is drawn."""
    entries = entries_of(rows, beginning=False, read_arrival=None)
    here = (i for i, entry in enumerate(entries) if isinstance(entry, Message) and hit is not None and entry.row.id == hit.id)
    chosen = next(here, None)
    at = chosen or 0
    lines = paint(entries[at], around, under_cursor=chosen is not None) if entries else []
    above, below = at - 1, at + 1
    # Upwards to the middle, downwards to the end, and where that comes early upwards again.
    middle = max(0, (height - len(lines)) // 2)
    first = 0
    while above >= 0 and first < middle:
        strips = paint(entries[above], around)
        lines[:0] = strips
        first += len(strips)
        above -= 1
    while below < len(entries) and len(lines) - max(0, first - middle) < height:
        lines += paint(entries[below], around)
        below += 1
    while above >= 0 and len(lines) < height:
        strips = paint(entries[above], around)
        lines[:0] = strips
        first += len(strips)
        above -= 1
    start = max(0, min(first - middle, len(lines) - height, first))
    view = lines[start : start + height]
    return view + [Strip.blank(around.width, around.palette.ground)] * (height - len(view))


def label_of(labels: Mapping[ChannelId, str], row: MessageRow) -> str:
    """The channel's name with its sign; of one that is not listed any more a dash."""
    return labels.get(row.channel, "-")
