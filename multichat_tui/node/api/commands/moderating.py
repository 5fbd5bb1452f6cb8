"""Slash commands about ranks, removals, bans and permissions; and what they share with the command line."""

import re
from collections.abc import Mapping
from dataclasses import replace

from multichat_tui.model.acts import MAX_RANK
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal, UsageError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import BanMember, GiveRank, LiftBan, Lockdown, RemoveMember, SetPermission
from multichat_tui.model.ranks import (
    DEEDS,
    FOUNDER,
    MEMBER,
    MUTED,
    RANKS,
    Permission,
    holders_words,
    role_of,
    standing_words,
)
from multichat_tui.model.snapshots import BanRow, ChannelKind, ChannelRow, FormerRow, PermissionRow, RulesRow
from multichat_tui.model.text import duration
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.options import span_words
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_among, find_member, find_person, id_text, nearest, one_line
from multichat_tui.node.api.queries import quoted
from multichat_tui.node.api.transcript import local_time

ROLES = ("admin", "moderator", "member", "muted")
"""Those that can be given."""
PERMISSIONS = tuple(permission.name.lower() for permission in Permission)
SPAN = "for="
_SPAN_LIKE = re.compile(
    r"[-+]?[0-9][0-9.,]*(s|sec|m|min|h|hr|d|day|w|wk|week|mo|month|y|yr|year|hour|minute|second)s?", re.ASCII | re.IGNORECASE
)
"""What is meant for a span of time, whether it is one or not."""
OPEN_AGAIN = "off"
DEED_CELLS = 11
"""The column of /permissions where what each is for begins."""
HOLDER_CELLS = DEED_CELLS + 2 + max(len(deed) for deed in DEEDS.values())
"""The column of /permissions where those who may begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done, safe to draw: in one sentence for people, in fields for programs. `whom`: the name as it can be typed."""

    said: str
    fields: Mapping[str, Plain]
    whom: str = ""

    def outcome(self, advice: str = "", *, undoable: bool = False) -> Outcome:
        return Outcome(lines=(f"{self.said} {advice}".rstrip(),), fields=self.fields, undoable=undoable)


# What words mean


def role_rank(text: str, *, founder: bool = False) -> int:
    """The rank of a role's name, or of a number. `founder`: that counts too, where it is a threshold. `errors.UsageError`."""
    word = text.strip().lower()
    known = {name: RANKS[name] for name in ROLES} | ({"founder": FOUNDER} if founder else {})
    rank = known.get(word, known.get(word.removesuffix("s")))
    if rank is not None:
        return rank
    digits = word.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= 4 and MUTED <= int(word) <= MAX_RANK:
        return int(word)
    if word.removesuffix("s") == "founder":
        raise UsageError("Founders are those who made the channel: nobody else becomes one.", "/role NAME admin comes next.")
    close = nearest(word, known)
    advice = f"Did you mean {close}?" if close else f"It is one of {', '.join(known)}, or a number from {MUTED} to {MAX_RANK}."
    raise UsageError(f"There is no role {one_line(word)[:40]!r}.", advice)


def permission_of(text: str) -> Permission:
    """The permission of this name. `errors.UsageError`."""
    word = text.strip().lower()
    if word in PERMISSIONS:
        return Permission[word.upper()]
    close = nearest(word, PERMISSIONS)
    advice = f"Did you mean {close}?" if close else f"It is one of {', '.join(PERMISSIONS)}."
    raise UsageError(f"There is no permission {one_line(word)[:40]!r}.", advice)


def ban_span(text: str) -> int:
    """Milliseconds of a span like 1h, 7d or 2w. `errors.UsageError`."""
    span = duration(text)
    if span is None:
        raise UsageError(f"{one_line(text)[:20]!r} is no span of time.", "Write it like 1h, 7d or 2w.")
    return span


def span_first(words: str) -> tuple[int, str]:
    """(how long, the reason) of `for=7d spam` or `7d spam`; 0 where no span comes first. `errors.UsageError`: what is meant
    for a span and is none, such as `0d` or `1y`, is no reason, and what was to end does not last for ever."""
    first, _, rest = words.partition(" ")
    if first.lower().startswith(SPAN):
        return ban_span(first[len(SPAN) :]), rest.strip()
    if _SPAN_LIKE.fullmatch(first) is not None:
        return ban_span(first), rest.strip()
    return 0, words


# Deeds, for slash commands and the command line alike


async def give_rank(api: NodeApi, channel: ChannelId, name: str, rank: int, reason: str, lasts_ms: int = 0) -> Done:
    member = await find_member(api, channel, name)
    await api.submit(GiveRank(channel=channel, user=member.user, rank=rank, reason=reason, lasts_ms=lasts_ms))
    spell = f", for {span_words(lasts_ms)}" if lasts_ms else ""
    named = next((one_line(row.name) for row in (await api.rules(channel)).rows.roles if row.rank == rank), "")
    said = f"{one_line(member.name)} is {named or standing_words(rank)} in {await _label(api, channel)} now{spell}."
    return _about(said, member.user, member.name, reason, role=named or role_of(rank), rank=rank, lasts_ms=lasts_ms)


async def rank_in(api: NodeApi, channel: ChannelId, text: str) -> int:
    """The rank of a role's name, in this channel too, or of a number. `errors.UsageError`."""
    named = {row.name.casefold(): row.rank for row in (await api.rules(channel)).rows.roles}
    found = named.get(text.strip().casefold())
    return role_rank(text) if found is None else found


async def threshold_in(api: NodeApi, channel: ChannelId, text: str) -> int:
    """As `rank_in`, where founders count too. `errors.UsageError`."""
    named = {row.name.casefold(): row.rank for row in (await api.rules(channel)).rows.roles}
    found = named.get(text.strip().casefold())
    return role_rank(text, founder=True) if found is None else found


async def _role_in(api: NodeApi, channel: ChannelId, rank: int) -> str:
    """What a rank is called there."""
    roles = (await api.rules(channel)).rows.roles
    return next((one_line(row.name) for row in roles if row.rank == rank), role_of(rank))


async def unmute(api: NodeApi, channel: ChannelId, name: str, reason: str) -> Done:
    member = await find_member(api, channel, name)
    if member.role != role_of(MUTED):
        raise IntentRefused(Refusal.ALREADY, f"{one_line(member.name)} is not muted.", "/role NAME ROLE gives another role.")
    whom, before = id_text(member.user), member.rank_before
    if before == MEMBER:
        return await give_rank(api, channel, whom, MEMBER, reason)
    [seen] = (await api.foresee((GiveRank(channel=channel, user=member.user, rank=before, reason=reason),))).rows
    if not seen.refused:
        return await give_rank(api, channel, whom, before, reason)
    done = await give_rank(api, channel, whom, MEMBER, reason)
    return replace(done, said=f"{done.said} Before that: {await _role_in(api, channel, before)}, which is not yours to give.")


async def kick(api: NodeApi, channel: ChannelId, name: str, reason: str) -> Done:
    member = await find_member(api, channel, name)
    await api.submit(RemoveMember(channel=channel, user=member.user, reason=reason))
    said = f"{one_line(member.name)} is removed from {await _label(api, channel)}."
    return _about(said, member.user, member.name, reason)


async def ban(api: NodeApi, channel: ChannelId, name: str, lasts_ms: int, reason: str) -> Done:
    """Of a member, of somebody who was one, or of a contact who is to stay outside."""
    user, called = await anybody(api, channel, name)
    await api.submit(BanMember(channel=channel, user=user, lasts_ms=lasts_ms, reason=reason))
    spell = f" for {span_words(lasts_ms)}" if lasts_ms else ""
    said = f"{one_line(called)} is banned from {await _label(api, channel)}{spell}."
    return _about(said, user, called, reason, lasts_ms=lasts_ms)


async def unban(api: NodeApi, channel: ChannelId, name: str, reason: str) -> Done:
    bans = (await api.rules(channel)).rows.bans
    if not bans:
        raise NotFound("Nobody is banned here.")
    found = find_among(bans, name, "banned person", lambda row: (row.name, row.user))
    await api.submit(LiftBan(channel=channel, user=found.user, reason=reason))
    said = f"{one_line(found.name)} is not banned from {await _label(api, channel)} any more."
    return _about(said, found.user, found.name, reason)


async def set_permission(api: NodeApi, channel: ChannelId, permission: Permission, rank: int, reason: str) -> Done:
    await api.submit(SetPermission(channel=channel, permission=permission, rank=rank, reason=reason))
    said = f"In {await _label(api, channel)} {holders_words(rank)} may {DEEDS[permission]} now."
    fields: dict[str, Plain] = {"channel": id_text(channel), "permission": permission.name.lower()}
    return Done(said=said, fields=fields | {"rank": rank, "role": role_of(rank), "reason": reason})


async def lock_down(api: NodeApi, channel: ChannelId, on: bool, reason: str) -> Done:
    await api.submit(Lockdown(channel=channel, on=on, reason=reason))
    label = await _label(api, channel)
    said = f"{label} is locked down: only moderators and above write and let people in." if on else f"{label} is open again."
    return Done(said=said, fields={"channel": id_text(channel), "locked": on, "reason": reason})


def _about(said: str, user: UserId, name: str, reason: str, **more: Plain) -> Done:
    fields: dict[str, Plain] = {"user": id_text(user), "name": name}
    return Done(said=said, fields=fields | more | {"reason": reason}, whom=quoted(one_line(name)))


async def anybody(api: NodeApi, channel: ChannelId, name: str) -> tuple[UserId, str]:
    """A member before somebody who was one, and both before a contact who never was."""
    rules = (await api.rules(channel)).rows
    inside = [FormerRow(user=row.user, name=row.name) for row in (await api.members(channel)).rows]
    banned = [FormerRow(user=row.user, name=row.name) for row in rules.bans]
    outside = [row for row in rules.former if row.user not in {each.user for each in banned}] + banned
    for rows in (inside, outside):
        try:
            found = find_among(rows, name, "person", lambda row: (row.name, row.user))
        except NotFound:
            continue
        return found.user, found.name
    person = await find_person(api, name, channel)
    return person.user, person.name


async def _label(api: NodeApi, channel: ChannelId) -> str:
    return channel_label((await api.channel(channel)).rows)


def refuse_direct(channel: ChannelRow) -> None:
    """Where there are no rights to be shown. `errors.IntentRefused`."""
    if channel.kind is ChannelKind.DIRECT:
        raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation belongs to both alike.", "/block shuts somebody out.")


# What holds, for both


def permission_fields(row: PermissionRow, mine: int | None) -> dict[str, Plain]:
    return {
        "permission": row.permission.name.lower(),
        "does": DEEDS[row.permission],
        "rank": row.rank,
        "role": role_of(row.rank),
        "may": mine is not None and mine >= row.rank,
    }


def permission_line(row: PermissionRow, mine: int | None) -> str:
    """`send       write                 all members`."""
    name, deed = row.permission.name.lower(), DEEDS[row.permission]
    but = "" if mine is not None and mine >= row.rank else " (not you)"
    return f"{name:<{DEED_CELLS}}{deed:<{HOLDER_CELLS - DEED_CELLS}}{holders_words(row.rank)}{but}"


def standing_line(rules: RulesRow, label: str) -> str:
    """What one is oneself."""
    return f"You are {standing_words(rules.rank)} in {label}." if rules.rank is not None else f"You are no member of {label}."


def ban_fields(row: BanRow) -> dict[str, Plain]:
    fields: dict[str, Plain] = {"user": id_text(row.user), "name": row.name, "level": row.level, "by": role_of(row.level)}
    return fields | {"until_ms": row.until_ms or None, "reason": row.reason}


def ban_line(row: BanRow) -> str:
    """`bob  until 2026-11-28 14:00:00, by a moderator: spam`."""
    until = f"until {local_time(row.until_ms)}" if row.until_ms else "until it is lifted"
    who = standing_words(row.level) if row.level in RANKS.values() else f"somebody {standing_words(row.level)}"
    return f"{one_line(row.name)}  {until}, by {who}" + (f": {one_line(row.reason)}" if row.reason else "")


# The commands


async def role(call: Call) -> Outcome:
    name, words = call.first_word()
    wanted, _, reason = words.partition(" ")
    if not wanted:
        raise call.misused(f"ROLE is {', '.join(ROLES)}, or a number from {MUTED} to {MAX_RANK}.")
    channel = call.need_channel()
    rank = await rank_in(call.api, channel, wanted)
    done = await give_rank(call.api, channel, name, rank, reason.strip())
    return done.outcome(f"/unsilence {done.whom} lets them write again." if rank == MUTED else "", undoable=True)


async def mute_member(call: Call) -> Outcome:
    name, words = call.first_word()
    lasts_ms, reason = span_first(words)
    done = await give_rank(call.api, call.need_channel(), name, MUTED, reason, lasts_ms)
    return done.outcome(f"/unsilence {done.whom} lets them write again.", undoable=True)


async def unmute_member(call: Call) -> Outcome:
    name, reason = call.first_word()
    return (await unmute(call.api, call.need_channel(), name, reason)).outcome()


async def kick_member(call: Call) -> Outcome:
    name, reason = call.first_word()
    done = await kick(call.api, call.need_channel(), name, reason)
    return done.outcome(f"An invitation lets them back in; /ban {done.whom} keeps them out.")


async def ban_member(call: Call) -> Outcome:
    name, words = call.first_word()
    lasts_ms, reason = span_first(words)
    done = await ban(call.api, call.need_channel(), name, lasts_ms, reason)
    return done.outcome(f"/unban {done.whom} lets them back in by an invitation.", undoable=True)


async def unban_member(call: Call) -> Outcome:
    name, reason = call.first_word()
    return (await unban(call.api, call.need_channel(), name, reason)).outcome("An invitation lets them back in.")


async def bans(call: Call) -> Outcome:
    call.need_none()
    rows = (await call.api.rules(call.need_channel())).rows.bans
    lines = tuple(map(ban_line, rows)) or ("Nobody is banned here. /ban NAME [for=7d] [REASON] keeps somebody out.",)
    return Outcome(lines=lines, fields={"bans": [ban_fields(row) for row in rows]}, hang=2)


async def lockdown(call: Call) -> Outcome:
    word, _, rest = call.words.partition(" ")
    on = word.lower() != OPEN_AGAIN
    done = await lock_down(call.api, call.need_channel(), on, call.words if on else rest.strip())
    return done.outcome("/lockdown off opens it again." if on else "")


async def permissions(call: Call) -> Outcome:
    call.need_none()
    channel = call.need_channel()
    refuse_direct((await call.api.channel(channel)).rows)
    rules = (await call.api.rules(channel)).rows
    own = standing_line(rules, await _label(call.api, channel))
    if not rules.permissions:
        return Outcome(lines=("This channel has not arrived yet.",), fields={"rank": None, "role": None, "permissions": []})
    may = any(
        row.permission is Permission.CHANGE and rules.rank is not None and rules.rank >= row.rank for row in rules.permissions
    )
    advice = ("", "/permission NAME ROLE changes one.") if may else ()
    return Outcome(
        lines=(own, *(permission_line(row, rules.rank) for row in rules.permissions), *advice),
        fields={
            "rank": rules.rank,
            "role": None if rules.rank is None else role_of(rules.rank),
            "permissions": [permission_fields(row, rules.rank) for row in rules.permissions],
        },
        hang=HOLDER_CELLS,
    )


async def permission(call: Call) -> Outcome:
    name, words = call.first_word()
    wanted = permission_of(name)
    least, _, reason = words.partition(" ")
    channel = call.need_channel()
    if least:
        rank = await threshold_in(call.api, channel, least)
        return (await set_permission(call.api, channel, wanted, rank, reason.strip())).outcome()
    refuse_direct((await call.api.channel(channel)).rows)
    rules = (await call.api.rules(channel)).rows
    found = [row for row in rules.permissions if row.permission is wanted]
    if not found:
        raise call.misused()
    line = f"{holders_words(found[0].rank).capitalize()} may {DEEDS[wanted]}. /permission {name.lower()} ROLE changes that."
    return Outcome(lines=(line,), fields=permission_fields(found[0], rules.rank))
