"""Rows of the requests: who asks, through which channel, and the beginning of what they wrote."""

from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.limits import MAX_REQUEST_TEXTS, MAX_REQUESTS, REQUEST_CHARACTERS
from multichat_tui.model.regards import RequestKind, RequestRow
from multichat_tui.model.snapshots import Membership, Position, RowKind
from multichat_tui.node.message_rows import MessageRows
from multichat_tui.node.names import names_of
from multichat_tui.node.world import Channel, World

_FIRST = Position(ets=0, id=RecordId(bytes(32)))


def requests(world: World) -> list[tuple[UserId, Channel]]:
    """Who asks, and the conversation that they have begun, the oldest first."""
    asked = [(world.partner(c), c) for c in world.channels.values() if c.standing.membership is Membership.ASKED]
    found = [(user, c) for user, c in asked if user is not None and user not in world.regards]
    return sorted(found, key=lambda each: (each[1].standing.asked.since_ms if each[1].standing.asked else 0, each[0]))


def request_rows(world: World, messages: MessageRows) -> tuple[RequestRow, ...]:
    """The oldest first. Who has begun a conversation and said nothing yet does not ask."""
    asking = requests(world)[:MAX_REQUESTS]
    names = names_of(world, {user for user, _ in asking}) if asking else {}
    rows = []
    for user, channel in asking:
        count = world.txn.unread((channel.id,), 0, ())[0]
        standing = channel.standing.asked
        if not count or standing is None:
            continue
        through = world.channels.get(standing.through)
        rows.append(
            RequestRow(
                user=user,
                name=names[user],
                kind=RequestKind.DIRECT,
                since_ms=standing.since_ms,
                through=through.view.name if through is not None and through.rooted else "",
                texts=_texts(world, messages, channel),
                count=count,
            )
        )
    return tuple(rows)


def _texts(world: World, messages: MessageRows, channel: Channel) -> tuple[str, ...]:
    found = world.txn.timeline((channel.id,), before=None, after=_FIRST, limit=2 * MAX_REQUEST_TEXTS)
    rows = [messages.row(channel, entry, record, replied=False) for entry, record in found]
    return tuple(row.text[:REQUEST_CHARACTERS] for row in rows if row.kind is RowKind.MESSAGE)[:MAX_REQUEST_TEXTS]
