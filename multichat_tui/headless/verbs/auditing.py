"""Commands that read the log of moderation of a channel, take deeds back, report and settle."""

import time

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session
from multichat_tui.model.moderation import ReportState
from multichat_tui.node.api.commands import auditing, reporting
from multichat_tui.node.api.commands.moderating import Done
from multichat_tui.node.api.lookup import channel_label, find_channel, id_text


async def modlog(context: Context) -> int:
    args, out = context.args, context.out
    async with session(context.host, network=False) as opened:
        channel = (await find_channel(opened.api, args.channel)).id
        search = await auditing.search_of(
            opened.api,
            channel,
            name=args.person or "",
            kind=args.kind or "",
            last=args.last or "",
            now_ms=int(time.time() * 1000),
        )
        rows, more = await auditing.read_log(opened.api, channel, search, args.count)
    for row in rows:
        out.result(auditing.deed_fields(row), auditing.deed_line(row))
    if not rows:
        out.note("Nothing of that kind has been done there.")
    elif more is not None:
        out.note("There is more: -n shows it.")
    return 0


async def undo(context: Context) -> int:
    args, out = context.args, context.out
    async with session(context.host, network=True) as opened:
        channel = (await find_channel(opened.api, args.channel)).id
        if args.which is None:
            rows = await auditing.undoings(opened.api, channel)
            for number, (row, refused) in enumerate(rows, 1):
                out.result(auditing.undo_fields(row, refused), auditing.undo_line(number, row, refused))
            if not rows:
                out.note("There is nothing there that could be taken back.")
            return 0
        row = await auditing.undo_deed(opened.api, channel, args.which, args.reason)
    out.result(auditing.deed_fields(row), f"Done: {row.undo}.")
    if row.stays:
        out.note(row.stays)
    if not opened.attached:
        out.note("The other members hear of it when a node of yours runs.")
    return 0


async def report(context: Context) -> int:
    args = context.args
    async with session(context.host, network=True) as opened:
        channel = (await find_channel(opened.api, args.channel)).id
        done = await reporting.report(opened.api, channel, args.name, " ".join(args.words), tuple(args.message or ()))
    return _done(context, done, attached=opened.attached)


async def settle(context: Context) -> int:
    args = context.args
    async with session(context.host, network=True) as opened:
        channel = (await find_channel(opened.api, args.channel)).id
        done = await reporting.settle(opened.api, channel, args.id, args.outcome, args.reason)
    return _done(context, done, attached=opened.attached)


def _done(context: Context, done: Done, *, attached: bool) -> int:
    context.out.result(dict(done.fields), done.said)
    if not attached:
        context.out.note("The other members hear of it when a node of yours runs.")
    return 0


async def reports(context: Context) -> int:
    out = context.out
    async with session(context.host, network=False) as opened:
        channel = await find_channel(opened.api, context.args.channel)
        rows = (await opened.api.reports(channel.id)).rows
    numbered = [(number, row) for number, row in enumerate(rows, 1) if context.args.all or row.state is ReportState.OPEN]
    for number, row in numbered:
        out.result(reporting.report_fields(row), *reporting.report_lines(number, row))
    if not numbered:
        out.note(f"Nothing is reported in {channel_label(channel)}.")
    return 0


async def roster(context: Context) -> int:
    out = context.out
    async with session(context.host, network=False) as opened:
        channel = (await find_channel(opened.api, context.args.channel)).id
        rows = (await opened.api.roster(channel)).rows
    for row in rows:
        fields = {
            "user": id_text(row.user),
            "name": row.name,
            "role": row.role,
            "joined": row.joined_ms,
            "admitted_by": row.admitted_by,
            "messages": row.messages,
            "provisional": row.provisional,
            "link_open": row.link_open,
        }
        out.result(fields, auditing.roster_line(row))
    return 0
