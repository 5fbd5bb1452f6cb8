"""Commands about a running node: running one, its state, its events, slash commands."""

import asyncio

from multichat_tui.headless.host import Context
from multichat_tui.headless.line.reading import end_of_input
from multichat_tui.headless.output import Output, event_fields, plain
from multichat_tui.headless.remote import AGAIN, GONE
from multichat_tui.headless.session import session, wait_for
from multichat_tui.headless.stream import LineStream
from multichat_tui.headless.verbs.messages import ALONE_PATIENCE_S, Settled, hint
from multichat_tui.model.errors import Unreachable
from multichat_tui.model.events import (
    ChannelChanged,
    ChannelGone,
    DeliveryChanged,
    Event,
    MembersChanged,
    MessageAdded,
    MessageChanged,
    ReportsChanged,
    Resync,
)
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import hindering, run_command
from multichat_tui.node.api.commands.general import peer_lines, status_lines
from multichat_tui.node.api.commands.together import SEPARATOR
from multichat_tui.node.api.lookup import find_channel, find_destination, id_text
from multichat_tui.node.api.wire import from_json


async def node(context: Context) -> int:
    """Run until cancelled, or with --until-eof until standard input ends: a line when ready, then a line per event."""
    async with session(context.host, network=True, attach=False) as opened:
        working = [asyncio.create_task(_print_events(opened.api, context.out))]
        if context.args.until_eof:
            working.append(asyncio.create_task(end_of_input()))
        try:
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
    return 0


async def _print_events(api: NodeApi, out: Output) -> None:
    async with api.events() as events:
        status = (await api.status()).rows
        lines = LineStream(out.stdout)
        await lines.object({"event": "ready", "listen": list(status.listen), "user": id_text(status.me.user)})
        async for event in events:
            await lines.object(event_fields(event))


async def events(context: Context) -> int:
    async with session(context.host, network=True) as opened:
        name = context.args.channel
        channel = (await find_channel(opened.api, name)).id if name else None
        async with opened.api.events() as stream:
            context.out.note("Listening.")
            lines = LineStream(context.out.stdout)
            async for event in stream:
                if channel is None or concerns(event, channel):
                    await lines.object(event_fields(event))
    raise Unreachable(GONE, AGAIN)


def concerns(event: Event, channel: ChannelId) -> bool:
    """Whether an event is about this channel. A `Resync` is about all."""
    match event:
        case MessageAdded(row=message):
            return message.channel == channel
        case ChannelChanged(row=row):
            return row.id == channel
        case MessageChanged() | DeliveryChanged() | ChannelGone() | MembersChanged() | ReportsChanged():
            return event.channel == channel
        case Resync():
            return True
        case _:
            return False


async def status(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        row = (await opened.api.status()).rows
        peers = (await opened.api.peers()).rows
    if not opened.attached:
        context.out.note("No node is running: this is what the profile holds.")
    fields = plain(row) | {
        "running": opened.attached,
        "counters": dict(row.counters),
        "peers": [plain(peer) for peer in peers],
    }
    context.out.result(fields, *status_lines(row), *peer_lines(peers))
    return 0


async def peer_list(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        rows = (await opened.api.peers()).rows
    if context.out.json_lines:
        for row in rows:
            context.out.object(plain(row))
        return 0
    context.out.result({}, *(peer_lines(rows) or ("No devices are known yet.",)))
    return 0


async def net_why(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        told = await hindering.explained(opened.api, context.args.which, None)
    if not opened.attached:
        context.out.note("No node is running, so nobody is called: multichat node, or the screens, deliver what waits.")
    for each in told.found:
        context.out.result(hindering.why_fields(*each), *hindering.why_lines(*each))
    for line in told.instead if not told.found else ():
        context.out.note(line)
    return 0


async def do(context: Context) -> int:
    """Any slash command. What it sends is tried for a few seconds if no node runs."""
    args, out = context.args, context.out
    line = f"/together {SEPARATOR.join(args.line)}" if args.together else " ".join(args.line)
    async with session(context.host, network=True) as opened:
        api = opened.api
        channel = await find_destination(api, args.channel) if args.channel else None
        outcome = await run_command(api, channel, line if line.startswith("/") else f"/{line}", context.host.passphrase)
        out.result(outcome.fields, *outcome.lines)
        sent = outcome.fields.get("id")
        if isinstance(sent, str) and not opened.attached:
            record: RecordId = from_json(RecordId, sent)
            if await wait_for(api, Settled(api, record, alone_is_enough=True), ALONE_PATIENCE_S) is None:
                out.note(hint(record, attached=False))
        elif outcome.fields.get("pending") is True and not opened.attached:
            out.note("It goes on whenever a node of yours runs: multichat node.")
    return 0
