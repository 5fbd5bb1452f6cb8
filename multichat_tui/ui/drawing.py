"""Draws the entries of a timeline: each becomes lines of exactly the pane's width.

Columns: mark (1), time (5 and a space; left out when narrow), name, text, delivery sign. Peer text stands in the text column
only; its further lines are indented to it, so that no text can look like another's name.
"""

from collections.abc import Callable

from rich.style import Style
from textual.strip import Strip

from multichat_tui.model.hyperlinks import links_in
from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.limits import MAX_THREAD_ROWS
from multichat_tui.model.snapshots import ChannelKind, Delivery, Gap, MessageRow, RowKind
from multichat_tui.model.text import mentions
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.transcript import absence_words, addressed_words, gap_words, ignored_words
from multichat_tui.ui.cells import Piece, clip, one_line, pad, sober, strip_of, width, wrap
from multichat_tui.ui.entries import Beginning, Day, Entry, GapLine, Message, NewLine, Notice, local_time
from multichat_tui.ui.glyphs import DELIVERY_CELLS, Glyphs
from multichat_tui.ui.palette import PLAIN, Palette

MADE = {
    ChannelKind.GROUP: "created the channel",
    ChannelKind.DIRECT: "began the conversation",
    ChannelKind.WORKSPACE: "created the workspace",
}
MOST_NAMES = 4
"""Of those who came, went, or whose messages were taken away, so many are named."""
FOLD_LINES = 12
"""A message of more lines is folded..."""
FOLDED_LINES = 8
"""...to this many."""

_LEFT_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"))
"""Milliseconds of each, the longest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a reply shows of the message that it answers."""

    name: str
    text: str
    author: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What drawing needs beside the entry."""

    width: int
    palette: Palette
    glyphs: Glyphs
    my_name: str
    clock: str
    name_of: Callable[[UserId], str | None]
    quote_of: Callable[[RecordId], Quote | None]
    now_ms: Callable[[], int]
    beginning: tuple[str, ...] = ()
    threads: bool = True
    """Whether a message tells how many answer it."""
    kind: ChannelKind = ChannelKind.GROUP
    """Of the channel that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    time: int
    name: int
    text: int

    @property
    def indent(self) -> int:
        return 1 + self.time + self.name + 1


def columns(cells: int, sign: int = DELIVERY_CELLS) -> Columns:
    """How a pane of `cells` cells is divided, for an entry whose sign of delivery takes so many cells."""
    time = 6 if cells >= 46 else 0
    name = 13 if cells >= 84 else 10 if cells >= 56 else 8
    return Columns(time=time, name=name, text=max(2, cells - 1 - time - name - 1 - 1 - sign))


def paint(entry: Entry, around: Surroundings, *, unfolded: bool = False, under_cursor: bool = False) -> list[Strip]:
    """The lines of one entry."""
    match entry:
        case Message(row=row, follows=follows):
            return _message(row, follows, around, unfolded, under_cursor)
        case Notice(rows=rows):
            return _notice(rows, around, unfolded, under_cursor)
        case Day(day=day):
            return [_ruled(f" {day:%A} {day.day} {day:%B %Y} ", around, around.palette.dim)]
        case NewLine():
            return [_ruled(" new ", around, around.palette.unread)]
        case GapLine(gap=gap):
            return _gap(gap, around)
        case Beginning():
            return _beginning(around)


def _ruled(title: str, around: Surroundings, style: Style) -> Strip:
    palette, rule = around.palette, around.glyphs.rule
    line = style if style is palette.unread else palette.faint
    title = clip(title, max(0, around.width - 6), around.glyphs.more)
    left = (around.width - width(title)) // 2
    right = around.width - width(title) - left
    pieces = [(" " + rule * (left - 1), line), (title, style), (rule * (right - 1) + " ", line)]
    return strip_of(pieces, around.width, palette.ground)


def _gap(gap: Gap, around: Surroundings) -> list[Strip]:
    """Where messages are missing: one line if it fits, else as many as it takes."""
    palette, words = around.palette, sober(gap_words(gap))
    if width(words) + 8 <= around.width:
        return [_ruled(f" {words} ", around, palette.strong)]
    shown = [words[begin:end] for begin, end in wrap(words, around.width - 4)]
    return [strip_of([("  " + text, palette.strong)], around.width, palette.ground) for text in shown]


def _beginning(around: Surroundings) -> list[Strip]:
    palette, lines = around.palette, []
    for number, text in enumerate(around.beginning):
        shown = sober(text)
        for begin, end in wrap(shown, around.width - 4):
            style = palette.strong if number == 0 else palette.dim
            lines.append(strip_of([("  " + shown[begin:end], style)], around.width, palette.ground))
    return [*lines, Strip.blank(around.width, palette.ground)] if lines else []


def _notice(rows: tuple[MessageRow, ...], around: Surroundings, unfolded: bool, under_cursor: bool) -> list[Strip]:
    cols, palette = columns(around.width), around.palette
    base = palette.ground + palette.selected if under_cursor else palette.ground
    texts = [notice_text(rows, around)]
    if rows[0].ignored:
        texts = [f"{texts[0]} ({'i or Enter folds them' if unfolded else 'i or Enter shows them'})"]
        texts += [f"{row.name}: {one_line(row.text)}" for row in rows] if unfolded else []
    lines = []
    wrapped = ((shown, span) for shown in map(sober, texts) for span in wrap(shown, cols.text))
    for number, (shown, (begin, end)) in enumerate(wrapped):
        first = number == 0
        head = _head(rows[0], cols, around, under_cursor, show_time=first)
        dash = pad(around.glyphs.dash if first else "", cols.name)
        lines.append(strip_of([*head, (dash + " ", palette.faint), (shown[begin:end], palette.dim)], around.width, base))
    return lines


def notice_text(rows: tuple[MessageRow, ...], around: Surroundings) -> str:
    """What has happened, in words."""
    row = rows[0]
    if row.ignored:
        return ignored_words(len(rows))
    match row.kind:
        case RowKind.JOINED | RowKind.LEFT | RowKind.REMOVED:
            return _comings(rows, around)
        case RowKind.CREATED:
            return f"{row.name} {MADE[around.kind]}"
        case RowKind.TOPIC:
            return f"{row.name} set the topic: {one_line(row.text)}" if row.text else f"{row.name} cleared the topic"
        case RowKind.RENAMED:
            return f"{row.name} renamed the channel to {one_line(row.text)}"
        case RowKind.DEVICES | RowKind.MODERATED:
            return one_line(row.text)
        case RowKind.INVITED:
            return f"{row.name} made an invitation"
        case RowKind.NEWER:
            return f"{row.name} sent something that needs a newer version of this program"
        case RowKind.REDACTED if len(rows) > 1:
            return _redactions(rows)
        case RowKind.MISSING | RowKind.REDACTED | RowKind.EXPIRED | RowKind.FOR_OTHERS:
            return absence_words(row)
        case RowKind.MESSAGE | RowKind.HELD:
            return f"{row.name}: {row.text}"


def _redactions(rows: tuple[MessageRow, ...]) -> str:
    """Messages in a row that went by the same words: `eve, mal: 12 messages redacted by ann: spam`."""
    names = list(dict.fromkeys(one_line(row.name) for row in rows))
    return f"{_listed(names)}: {len(rows)} messages {one_line(rows[0].text)}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _comings(rows: tuple[MessageRow, ...], around: Surroundings) -> str:
    words = {RowKind.JOINED: "joined", RowKind.LEFT: "left", RowKind.REMOVED: "removed"}
    names: dict[RowKind, list[str]] = {}
    for row in rows:
        someone = row.subject if row.subject is not None else row.author
        # Of who was let in or removed the text is the name.
        told = row.name if someone == row.author else one_line(row.text) if row.kind is not RowKind.LEFT else ""
        name = around.name_of(someone) or told or "somebody"
        there = names.setdefault(row.kind, [])
        if name not in there:
            there.append(name)
    said = []
    for kind, who in names.items():
        how = _how(rows) if kind is RowKind.JOINED else _by_whom(rows) if kind is RowKind.REMOVED else ""
        said.append(f"{_listed(who)} {'was ' if kind is RowKind.REMOVED and len(who) == 1 else ''}{words[kind]}{how}")
    return "; ".join(said)


def _by_whom(rows: tuple[MessageRow, ...]) -> str:
    """Who removed them, where that is one for all."""
    names = {one_line(row.name) for row in rows if row.kind is RowKind.REMOVED and row.author != row.subject}
    return f" by {names.pop()}" if len(names) == 1 and all(names) else ""


def _how(rows: tuple[MessageRow, ...]) -> str:
    """How those came in who did, where that is one for all: ` (ann let kim in)`, ` (as moderator of acme)`."""
    told = {row.deeds for row in rows if row.kind is RowKind.JOINED}
    return f" ({', '.join(map(one_line, *told))})" if len(told) == 1 and any(told) else ""


def _head(row: MessageRow, cols: Columns, around: Surroundings, under_cursor: bool, *, show_time: bool) -> list[Piece]:
    palette, glyphs = around.palette, around.glyphs
    pieces: list[Piece] = [(glyphs.cursor if under_cursor else " ", palette.accent)]
    if cols.time:
        clock = local_time(row.time_ms).strftime(around.clock) if show_time else ""
        pieces.append((pad(clock, cols.time - 1, "") + " ", palette.dim))
    return pieces


def held_text(row: MessageRow, now_ms: int) -> str:
    """The place of a message whose time has not come."""
    return f"held: their clock is {_span(max(0, row.time_ms - now_ms))} ahead"


def left_text(expires_ms: int, now_ms: int) -> str:
    """How long a message still has: whole days, hours or minutes of which it has at least so many, as in `6d`, `3h`, `59m`."""
    left = expires_ms - now_ms
    return next((f"{left // unit}{sign}" for unit, sign in _LEFT_UNITS if left >= unit), "<1m")


def left_changes_ms(expires_ms: int, now_ms: int) -> int | None:
    """When those words become others; None: no more until it is gone."""
    left = expires_ms - now_ms
    unit = next((unit for unit, _ in _LEFT_UNITS if left >= unit), 0)
    return expires_ms - left // unit * unit + 1 if unit else None


def _span(ms: int) -> str:
    minutes = max(1, round(ms / 60_000))
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"


def _message(row: MessageRow, follows: bool, around: Surroundings, unfolded: bool, under_cursor: bool) -> list[Strip]:
    palette, glyphs, sign = around.palette, around.glyphs, _sign(row, around)
    cols = columns(around.width, width(sign[0]))
    base = palette.ground + palette.selected if under_cursor else palette.ground
    held = row.kind is RowKind.HELD
    called = not row.mine and not held and bool(around.my_name) and mentions(row.text, around.my_name)
    body: list[list[Piece]] = []
    if row.reply_to is not None:
        body.append(_quoted(row.reply_to, cols, around))
    if row.to:
        body.append([(clip(sober(addressed_words(row)), cols.text, glyphs.more), palette.accent)])
    if held and not (unfolded and row.text):
        told = held_text(row, around.now_ms()) + ("; Enter shows it" if row.text else "")
        body.append([(clip(told, cols.text, glyphs.more), palette.warn)])
    else:
        body.extend(_text(row.text, cols.text, around, PLAIN if not row.mine else palette.own, unfolded))
    if row.late:
        _tag(body, " late", cols.text, palette.warn)
    marks = [word for word, there in (("edited", row.edited and not held), ("pinned", row.pinned)) if there]
    if marks:
        _tag(body, f" ({', '.join(marks)})", cols.text, palette.dim)
    if row.expires_ms is not None:
        _tag(body, f" {glyphs.expires}{left_text(row.expires_ms, around.now_ms())}", cols.text, palette.dim)
    last = len(body) - 1
    for told in row.lines if not held else ():
        shown = sober(one_line(told))
        body += [[(shown[begin:end], PLAIN)] for begin, end in wrap(shown, cols.text)]
    if row.hint and not held:
        body += [[(row.hint[begin:end], palette.dim)] for begin, end in wrap(row.hint, cols.text)]
    if row.reactions:
        body += _reactions(row, cols, palette)
    for deed in row.deeds:
        shown = sober(one_line(deed))
        body += [[(shown[begin:end], palette.dim)] for begin, end in wrap(shown, cols.text)]
    if row.replies and around.threads:
        body.append([(replies_text(row, glyphs), palette.accent)])
    lines = []
    for number, pieces in enumerate(body):
        first = number == 0
        head = _head(row, cols, around, under_cursor, show_time=first and not follows)
        if called and not under_cursor:
            head[0] = (glyphs.quote, palette.mention)
        name = "" if follows or not first else one_line(row.name)
        head.append((pad(name, cols.name, glyphs.more) + " ", palette.of_person(row.author)))
        used = sum(width(text) for text, _ in pieces)
        tail: list[Piece] = [(" " * (cols.text - used + 1), PLAIN), sign] if number == last else []
        lines.append(strip_of([*head, *pieces, *tail], around.width, base))
    return lines


def _reactions(row: MessageRow, cols: Columns, palette: Palette) -> list[list[Piece]]:
    """`👍 3  🎉 1`, one's own in brackets, in as many lines as it takes."""
    lines: list[list[Piece]] = [[]]
    room = cols.text
    for each in row.reactions:
        told = f"{sober(each.emoji)} {each.count}"
        told = f"[{told}]" if each.mine else f" {told} "
        if width(told) > room and lines[-1]:
            lines.append([])
            room = cols.text
        lines[-1].append((told, palette.accent if each.mine else palette.dim))
        room -= width(told)
    return lines


def replies_text(row: MessageRow, glyphs: Glyphs) -> str:
    """How many answer it; the line that opens the thread."""
    many = f"{row.replies}+" if row.replies >= MAX_THREAD_ROWS else str(row.replies)
    return f"{glyphs.reply} {many} {'reply' if row.replies == 1 else 'replies'}"


def _sign(row: MessageRow, around: Surroundings) -> Piece:
    """In as many cells as it takes, DELIVERY_CELLS at least."""
    palette = around.palette
    styles = {Delivery.FAILED: palette.bad, Delivery.QUEUED: palette.warn}
    styles |= dict.fromkeys((Delivery.ALL, Delivery.READ), palette.good)
    style = styles.get(row.state, palette.dim)
    told = around.glyphs.delivery(row.state, row.stored, row.copies)
    return pad(told, max(DELIVERY_CELLS, width(told))), style


def _quoted(record: RecordId, cols: Columns, around: Surroundings) -> list[Piece]:
    palette, quote = around.palette, around.quote_of(record)
    bar = around.glyphs.quote + " "
    if quote is None:
        return [(bar, palette.faint), (clip("an earlier message", cols.text - 2, around.glyphs.more), palette.dim)]
    name = clip(one_line(quote.name), max(4, cols.text // 3), around.glyphs.more)
    rest = clip(one_line(quote.text), max(0, cols.text - 4 - width(name)), around.glyphs.more)
    return [(bar, palette.faint), (name, palette.of_person(quote.author)), (": " + rest, palette.dim)]


def _tag(body: list[list[Piece]], tag: str, cells: int, style: Style) -> None:
    """Behind the last line of the text, or below it where it has no room there: no text makes way for it."""
    if sum(width(text) for text, _ in body[-1]) + width(tag) <= cells:
        body[-1] = [*body[-1], (tag, style)]
    else:
        told = tag.lstrip()
        body += [[(told[begin:end], style)] for begin, end in wrap(told, cells)]


def _text(text: str, cells: int, around: Surroundings, style: Style, unfolded: bool) -> list[list[Piece]]:
    palette = around.palette
    shown = sober(text.replace("\r\n", "\n").strip("\n"))
    if shown and width(shown[0]) == 0:
        shown = around.glyphs.holder + shown
    spans = wrap(shown, cells)
    hidden = 0
    if len(spans) > FOLD_LINES and not unfolded:
        hidden = len(spans) - FOLDED_LINES
        spans = spans[:FOLDED_LINES]
    links = links_in(shown)
    body = [_linked(shown, begin, end, links, style, palette) for begin, end in spans]
    if hidden:
        note = f"{around.glyphs.more} {hidden} more lines (Enter on it, or click, unfolds)"
        body.append([(clip(note, cells, around.glyphs.more), palette.accent)])
    return body


def _linked(shown: str, begin: int, end: int, links: list[tuple[int, int]], style: Style, palette: Palette) -> list[Piece]:
    pieces: list[Piece] = []
    at = begin
    for start, stop in links:
        if stop <= at or start >= end:
            continue
        if start > at:
            pieces.append((shown[at:start], style))
        pieces.append((shown[max(at, start) : min(stop, end)], palette.link + Style(link=shown[start:stop])))
        at = min(stop, end)
    if at < end:
        pieces.append((shown[at:end], style))
    return pieces
