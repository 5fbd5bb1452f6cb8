"""Slash commands about those who ask to be let in; and what they share with the command line."""

from multichat_tui.model.errors import NotFound
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ApproveJoin, DenyJoin
from multichat_tui.model.snapshots import WaitingRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.moderating import Done, refuse_direct
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_among, id_text, one_line
from multichat_tui.node.api.queries import quoted
from multichat_tui.node.api.transcript import local_time


async def approve(api: NodeApi, channel: ChannelId, name: str) -> Done:
    found = await _asking(api, channel, name)
    await api.submit(ApproveJoin(channel=channel, user=found.user))
    label = channel_label((await api.channel(channel)).rows)
    return _about(found, f"{one_line(found.name)} is let into {label}.", "")


async def deny(api: NodeApi, channel: ChannelId, name: str, reason: str) -> Done:
    found = await _asking(api, channel, name)
    await api.submit(DenyJoin(channel=channel, user=found.user, reason=reason))
    label = channel_label((await api.channel(channel)).rows)
    return _about(found, f"{one_line(found.name)} is not let into {label}, and is told so.", reason)


def _about(found: WaitingRow, said: str, reason: str) -> Done:
    fields: dict[str, Plain] = {"user": id_text(found.user), "name": found.name, "reason": reason}
    return Done(said=said, fields=fields, whom=quoted(one_line(found.name)))


async def _asking(api: NodeApi, channel: ChannelId, name: str) -> WaitingRow:
    rows = (await api.rules(channel)).rows.waiting
    if not rows:
        raise NotFound("Nobody asks to be let in here.", "Who comes by a link shows in /joins where that is asked of somebody.")
    return find_among(rows, name, "person who asks to be let in", lambda row: (row.name, row.user))


def waiting_line(row: WaitingRow) -> str:
    """`kim  since 2026-11-21 14:00:00, by a link of ann`."""
    link = f", by a link of {one_line(row.inviter)}" if row.inviter else ", by a link that is not valid any more"
    return f"{one_line(row.name)}  since {local_time(row.asked_ms)}{link}"


def waiting_fields(row: WaitingRow) -> dict[str, Plain]:
    fields: dict[str, Plain] = {"user": id_text(row.user), "name": row.name, "fingerprint": row.fingerprint}
    return fields | {"inviter": row.inviter, "asked_ms": row.asked_ms}


# The commands


async def joins(call: Call) -> Outcome:
    call.need_none()
    channel = call.need_channel()
    refuse_direct((await call.api.channel(channel)).rows)
    rows = (await call.api.rules(channel)).rows.waiting
    lines = tuple(map(waiting_line, rows)) + (("/approve NAME lets them in, /deny NAME REASON does not.",) if rows else ())
    none = "Nobody asks to be let in. /kind approval makes those who come by a link ask first."
    return Outcome(lines=lines or (none,), fields={"waiting": [waiting_fields(row) for row in rows]}, hang=2)


async def approve_join(call: Call) -> Outcome:
    return (await approve(call.api, call.need_channel(), call.need_words().strip('"'))).outcome()


async def deny_join(call: Call) -> Outcome:
    name, reason = call.first_word()
    return (await deny(call.api, call.need_channel(), name, reason)).outcome("/ban keeps them out for good.")
