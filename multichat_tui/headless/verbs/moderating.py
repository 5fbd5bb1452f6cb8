"""Commands about ranks, removals, bans and permissions of a channel."""

import shlex
from collections.abc import Awaitable, Callable

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import table
from multichat_tui.headless.session import session
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.ranks import DEEDS, MUTED, holders_words, role_of
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import moderating
from multichat_tui.node.api.commands.moderating import Done
from multichat_tui.node.api.lookup import channel_label, find_channel, id_text, one_line

Deed = Callable[[NodeApi, ChannelId], Awaitable[Done]]


async def role(context: Context) -> int:
    args = context.args
    muted = args.role.strip().lower() in (role_of(MUTED), str(MUTED))
    undo = "role {channel} {name} member" if muted else ""
    lasts_ms = 0 if args.span is None else moderating.ban_span(args.span)

    async def deed(api: NodeApi, where: ChannelId) -> Done:
        rank = await moderating.rank_in(api, where, args.role)
        return await moderating.give_rank(api, where, args.name, rank, args.reason, lasts_ms)

    return await do_in_channel(context, deed, undo)


async def kick(context: Context) -> int:
    args = context.args
    return await do_in_channel(
        context, lambda api, where: moderating.kick(api, where, args.name, args.reason), "invite {channel}"
    )


async def ban(context: Context) -> int:
    args = context.args
    lasts_ms = 0 if args.span is None else moderating.ban_span(args.span)
    deed: Deed = lambda api, where: moderating.ban(api, where, args.name, lasts_ms, args.reason)  # noqa: E731
    return await do_in_channel(context, deed, "unban {channel} {name}")


async def unban(context: Context) -> int:
    args = context.args
    return await do_in_channel(
        context, lambda api, where: moderating.unban(api, where, args.name, args.reason), "invite {channel}"
    )


async def permission(context: Context) -> int:
    args = context.args
    wanted = moderating.permission_of(args.permission)

    async def deed(api: NodeApi, where: ChannelId) -> Done:
        rank = await moderating.threshold_in(api, where, args.role)
        return await moderating.set_permission(api, where, wanted, rank, args.reason)

    return await do_in_channel(context, deed, "")


async def lockdown(context: Context) -> int:
    args = context.args
    undo = "" if args.off else "lockdown --off {channel}"
    return await do_in_channel(context, lambda api, where: moderating.lock_down(api, where, not args.off, args.reason), undo)


async def do_in_channel(context: Context, deed: Deed, undo: str) -> int:
    """`undo`: the command that lets them back in, or write again."""
    args, out = context.args, context.out
    async with session(context.host, network=True) as opened:
        channel = await find_channel(opened.api, args.channel)
        done = await deed(opened.api, channel.id)
    out.result({"channel": id_text(channel.id)} | dict(done.fields), done.said)
    if undo:
        told = undo.format(channel=shlex.quote(one_line(args.channel)), name=shlex.quote(one_line(getattr(args, "name", ""))))
        out.note(f"To take it back: multichat channel {told}")
    if not opened.attached:
        out.note("The other members hear of it when a node of yours runs.")
    return 0


async def bans(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        channel = await find_channel(opened.api, context.args.channel)
        rows = (await opened.api.rules(channel.id)).rows.bans
    if context.out.json_lines:
        for row in rows:
            context.out.object(moderating.ban_fields(row))
        return 0
    context.out.result({}, *(tuple(map(moderating.ban_line, rows)) or (f"Nobody is banned from {channel_label(channel)}.",)))
    return 0


async def permissions(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        channel = await find_channel(opened.api, context.args.channel)
        moderating.refuse_direct(channel)
        rules = (await opened.api.rules(channel.id)).rows
    if context.out.json_lines:
        for row in rules.permissions:
            context.out.object(moderating.permission_fields(row, rules.rank))
        return 0
    cells = [
        (
            row.permission.name.lower(),
            DEEDS[row.permission],
            holders_words(row.rank),
            "" if rules.rank is not None and rules.rank >= row.rank else "not you",
        )
        for row in rules.permissions
    ]
    context.out.result({}, moderating.standing_line(rules, channel_label(channel)), *table(cells))
    return 0
