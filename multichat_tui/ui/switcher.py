"""What the quick switcher offers: channels, conversations and people, where one was lately first; then messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, ContactRow, MessageRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.queries import parse_query, understand
from multichat_tui.ui.cells import Piece, one_line
from multichat_tui.ui.desk import Desk, shown_name, standing
from multichat_tui.ui.faces import counts, presence
from multichat_tui.ui.found import label_of, marked_text, stamp
from multichat_tui.ui.fuzzy import best
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import PLAIN, Palette
from multichat_tui.ui.picker import Choice

MOST_CHOICES = 200
"""More than anybody scrolls through; typing narrows them."""
MOST_MESSAGES = 8
"""The search (Ctrl+F) has the others."""
FROM_CHARACTERS = 2
TEXT_CELLS = 60
NOWHERE = "no channel and nobody of that name: /create NAME makes a channel, /pair makes contacts"

Target = ChannelRow | ContactRow


def targets(desk: Desk, visited: Sequence[ChannelId], current: ChannelId | None) -> list[Target]:
    """Where one was lately, then what was active lately, then people; where one is, last."""
    lately = {channel: place for place, channel in enumerate(visited)}

    def order(row: Target) -> tuple[int, int, str]:
        if isinstance(row, ContactRow):
            return (3, 0, row.name.casefold())
        if row.id == current:
            return (4, 0, "")
        if row.archived:
            return (2, -row.last_ms, row.name.casefold())
        if row.id in lately:
            return (0, lately[row.id], "")
        return (1, -row.last_ms, row.name.casefold())

    return sorted(desk.ordered, key=order)


def offer(
    query: str, desk: Desk, visited: Sequence[ChannelId], current: ChannelId | None, look: tuple[Palette, Glyphs]
) -> list[Choice]:
    """The lines for what is typed. `#` at its beginning asks for channels alone, `@` for people."""
    rows = targets(desk, visited, current)
    wanted = query.strip()
    if wanted.startswith("#"):
        rows = [row for row in rows if isinstance(row, ChannelRow) and row.kind is ChannelKind.GROUP]
    elif wanted.startswith("@"):
        rows = [row for row in rows if isinstance(row, ContactRow) or row.kind is ChannelKind.DIRECT]
    found = best(wanted.lstrip("#@"), rows, lambda row: row.name)
    return [_choice(row, current, look) for row in found[:MOST_CHOICES]]


def _choice(row: Target, current: ChannelId | None, look: tuple[Palette, Glyphs]) -> Choice:
    palette, glyphs = look
    if isinstance(row, ContactRow):
        sign: Piece = (glyphs.waiting, palette.warn) if row.pending else presence(row.online, palette, glyphs)
        told = "pairing" if row.pending else "write to them"
        return Choice(
            key=("person", row.user),
            left=(sign, (" " + (one_line(row.name) or "somebody"), PLAIN)),
            right=((told + " ", palette.dim),),
        )
    style = palette.mention if row.mentions else palette.strong if row.unread else PLAIN
    name: tuple[Piece, ...] = ((one_line(shown_name(row)), style),)
    if row.kind is ChannelKind.DIRECT:
        name = (presence(row.online > 0, palette, glyphs), (" " + one_line(row.name), style))
    topic: tuple[Piece, ...] = (("  " + one_line(row.topic), palette.dim),) if row.topic else ()
    here: tuple[Piece, ...] = (("here", palette.dim),) if row.id == current else counts(row, palette, glyphs)
    if standing(row) and row.id != current:
        here = (("not joined", palette.warn),)
    right = (*here, (" ", PLAIN)) if here else ()
    return Choice(key=("channel", row.id), left=(*name, *topic), right=right)


async def messages(query: str, api: NodeApi, labels: Mapping[ChannelId, str], look: tuple[Palette, Glyphs]) -> list[Choice]:
    """The newest messages that hold what is typed, below a heading; none where only channels or people are asked for."""
    wanted = query.strip()
    if len(wanted) < FROM_CHARACTERS or wanted.startswith(("#", "@")) or parse_query(wanted, typing=True).empty:
        return []
    found = (await api.search(await understand(api, wanted, typing=True), limit=MOST_MESSAGES)).rows.rows
    palette, glyphs = look
    choices = [Choice(key=None, left=(("Messages", palette.dim),))] if found else []
    today = datetime.now().astimezone().date()
    for each in found:
        head: Piece = (f"{label_of(labels, each.row)} ", palette.accent)
        name: Piece = (f"{one_line(each.row.name)} ", palette.of_person(each.row.author))
        text = marked_text(each, TEXT_CELLS, palette, glyphs)
        when: Piece = (stamp(each.row.time_ms, today) + " ", palette.dim)
        choices.append(Choice(key=("message", each.row), left=(head, name, *text), right=(when,)))
    return choices


def message_of(key: object) -> MessageRow | None:
    """The message that a picked key names."""
    match key:
        case ("message", MessageRow() as row):
            return row
    return None


def channel_of(key: object) -> ChannelId | None:
    """The channel that a picked key names."""
    match key:
        case ("channel", bytes() as channel):
            return ChannelId(channel)
    return None


def person_of(key: object) -> UserId | None:
    """The person that a picked key names."""
    match key:
        case ("person", bytes() as user):
            return UserId(user)
    return None
