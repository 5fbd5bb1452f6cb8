"""Bundles: parcels in files."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session
from multichat_tui.node.api.commands.bundles import export_bundle, import_bundle
from multichat_tui.node.api.lookup import find_destination


async def export(context: Context) -> int:
    args = context.args
    async with session(context.host, network=False) as opened:
        channel = None if args.channel is None else await find_destination(opened.api, args.channel)
        outcome = await export_bundle(opened.api, args.file, channel, args.name or "")
    context.out.result(dict(outcome.fields), *outcome.lines)
    return 0


async def read(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        outcome = await import_bundle(opened.api, context.args.file)
    context.out.result(dict(outcome.fields), *outcome.lines)
    return 0
