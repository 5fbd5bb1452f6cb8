"""Commands about the settings of a channel, and about those who ask to be let in."""

import shlex

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session
from multichat_tui.headless.verbs.moderating import do_in_channel
from multichat_tui.model.errors import UsageError
from multichat_tui.model.presets import PRESETS
from multichat_tui.node.api.commands import configuring, joins
from multichat_tui.node.api.commands.moderating import refuse_direct, role_rank
from multichat_tui.node.api.lookup import channel_label, find_channel, one_line


async def slow(context: Context) -> int:
    span_ms, reason = configuring.slow_span(context.args.span), context.args.reason
    return await do_in_channel(context, lambda api, where: configuring.set_slow(api, where, span_ms, reason), "")


async def archive(context: Context) -> int:
    reason = context.args.reason
    return await do_in_channel(context, lambda api, where: configuring.archive(api, where, reason), "unarchive {channel}")


async def unarchive(context: Context) -> int:
    reason = context.args.reason
    return await do_in_channel(context, lambda api, where: configuring.unarchive(api, where, reason), "")


async def close(context: Context) -> int:
    if not context.args.yes:
        raise UsageError("Closing a channel is for good, and has to be confirmed.", "Add --yes; or archive it for a while.")
    reason = context.args.reason
    return await do_in_channel(context, lambda api, where: configuring.close(api, where, reason), "")


async def kind(context: Context) -> int:
    args = context.args
    if args.kind is not None:
        wanted = configuring.kind_of(args.kind)
        code = await do_in_channel(context, lambda api, where: configuring.change_kind(api, where, wanted, args.reason), "")
        if PRESETS[wanted].reading:
            note_read_link(context, args.channel)
        return code
    async with session(context.host, network=False) as opened:
        channel = await find_channel(opened.api, args.channel)
        refuse_direct(channel)
        found = (await opened.api.rules(channel.id)).rows.kind
    said = f"{channel_label(channel)} is {found.value}. {PRESETS[found].words}" if found else "It has rules of its own."
    context.out.result({"kind": None if found is None else found.value}, said)
    return 0


def note_read_link(context: Context, channel: str) -> None:
    """`channel`: as it can be typed."""
    context.out.note(f"The link to read it: multichat channel invite {shlex.quote(one_line(channel))} --read")


async def waiting(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        channel = await find_channel(opened.api, context.args.channel)
        rows = (await opened.api.rules(channel.id)).rows.waiting
    if context.out.json_lines:
        for row in rows:
            context.out.object(joins.waiting_fields(row))
        return 0
    none = f"Nobody asks to be let into {channel_label(channel)}."
    context.out.result({}, *(tuple(map(joins.waiting_line, rows)) or (none,)))
    return 0


async def approve(context: Context) -> int:
    name = context.args.name
    return await do_in_channel(context, lambda api, where: joins.approve(api, where, name), "")


async def deny(context: Context) -> int:
    name, reason = context.args.name, context.args.reason
    return await do_in_channel(context, lambda api, where: joins.deny(api, where, name, reason), "")


async def roles(context: Context) -> int:
    args = context.args
    if args.rank is not None:
        if args.name is None:
            raise UsageError("A rank is called something.", "Add a name, or off.")
        rank = role_rank(args.rank)
        return await do_in_channel(
            context, lambda api, where: configuring.name_role(api, where, rank, args.name, args.reason), ""
        )
    async with session(context.host, network=False) as opened:
        channel = await find_channel(opened.api, args.channel)
        rows = (await opened.api.rules(channel.id)).rows.roles
    if context.out.json_lines:
        for row in rows:
            context.out.object({"rank": row.rank, "name": row.name})
        return 0
    context.out.result({}, *configuring.role_lines(rows))
    return 0
