"""Rows of the requests: who asks, through which channel, and the beginning of what they wrote."""

from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.limits import MAX_REQUEST_TEXTS, MAX_REQUESTS, REQUEST_CHARACTERS
from multichat_tui.model.regards import RequestKind, RequestRow
from multichat_tui.model.snapshots import Membership, Position, RowKind
from multichat_tui.model.vouching import Introduction
from multichat_tui.node.message_rows import MessageRows
from multichat_tui.node.names import names_of
from multichat_tui.node.trust_paths import vouchers
from multichat_tui.node.world import Channel, World

_FIRST = Position(ets=0, id=RecordId(bytes(32)))


def requests(world: World) -> list[tuple[UserId, Channel]]:
    """Who asks, and the conversation that they have begun, the oldest first."""
    asked = [(world.partner(c), c) for c in world.channels.values() if c.standing.membership is Membership.ASKED]
    found = [(user, c) for user, c in asked if user is not None and user not in world.regards]
    return sorted(found, key=lambda each: (each[1].standing.asked.since_ms if each[1].standing.asked else 0, each[0]))


def introductions(world: World) -> list[tuple[UserId, Introduction]]:
    """Who would bring us together with whom: what can be taken up, and is not answered yet; by the introducer's id."""
    return [
        (introducer, made)
        for introducer, entries in sorted(world.introductions.items())
        if introducer in world.contacts and introducer not in world.regards
        for made in entries
        if made.expires_ms > world.now
        and made.seed not in world.answered_introductions
        and made.other not in (world.identity.user, introducer)
        and made.other not in world.contacts
        and made.other not in world.regards
    ]


def request_rows(world: World, messages: MessageRows) -> tuple[RequestRow, ...]:
    """Conversations, the oldest first, then introductions. Who has begun a conversation and said nothing yet does not ask."""
    asking = requests(world)[:MAX_REQUESTS]
    introduced = introductions(world)[:MAX_REQUESTS]
    if not asking and not introduced:
        return ()
    said = {made.other: made.name for _, made in introduced}
    names = names_of(world, {*(user for user, _ in asking), *said}, said)
    rows = [_conversation(world, messages, user, channel, names) for user, channel in asking]
    rows += [
        RequestRow(
            user=made.other,
            name=names[made.other],
            kind=RequestKind.INTRODUCTION,
            since_ms=made.since_ms,
            through=names[introducer],
            texts=(made.note,) if made.note else (),
            vouched_by=_vouched_by(world, made.other, names),
        )
        for introducer, made in introduced
    ]
    return tuple(row for row in rows if row is not None)


def _conversation(
    world: World, messages: MessageRows, user: UserId, channel: Channel, names: dict[UserId, str]
) -> RequestRow | None:
    count = world.txn.unread((channel.id,), 0, ())[0]
    standing = channel.standing.asked
    if not count or standing is None:
        return None
    through = world.channels.get(standing.through)
    return RequestRow(
        user=user,
        name=names[user],
        kind=RequestKind.DIRECT,
        since_ms=standing.since_ms,
        through=through.view.name if through is not None and through.rooted else "",
        texts=_texts(world, messages, channel),
        count=count,
        vouched_by=_vouched_by(world, user, names),
    )


def _vouched_by(world: World, user: UserId, names: dict[UserId, str]) -> tuple[str, ...]:
    return tuple(names[voucher] for voucher, _ in vouchers(world, user))


def _texts(world: World, messages: MessageRows, channel: Channel) -> tuple[str, ...]:
    found = world.txn.timeline((channel.id,), before=None, after=_FIRST, limit=2 * MAX_REQUEST_TEXTS)
    rows = [messages.row(channel, entry, record, replied=False) for entry, record in found]
    return tuple(row.text[:REQUEST_CHARACTERS] for row in rows if row.kind is RowKind.MESSAGE)[:MAX_REQUEST_TEXTS]
