"""Commands that take texts away, and that let them disappear."""

import time

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session, wait_for
from multichat_tui.headless.verbs.moderating import do_in_channel
from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.snapshots import PURGING
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import disappearing, keeping, redacting
from multichat_tui.node.api.commands.moderating import Done
from multichat_tui.node.api.lookup import find_channel, find_destination, find_message, id_text

MOST_S = 600.0
"""For a purge to be written."""


async def redact(context: Context) -> int:
    args, out = context.args, context.out
    async with session(context.host, network=True) as opened:
        channel = await find_destination(opened.api, args.channel)
        rows = [await find_message(opened.api, name, channel) for name in args.ids]
        done = await redacting.redact(opened.api, channel, rows, args.reason)
    out.result(dict(done.fields), done.said)
    return 0


async def purge(context: Context) -> int:
    args = context.args
    if (args.last is None) == (not args.all):
        raise UsageError("Say what is to go: --last SPAN, or --all.", "multichat purge CH PERSON --last 1h")
    span, now_ms = redacting.ALL if args.all else args.last, int(time.time() * 1000)

    async def purge_all(api: NodeApi, where: ChannelId) -> Done:
        done = await redacting.purge(api, where, args.name, span, args.reason, now_ms)
        # Of many messages the node writes a few records at a time, and forgets what is left when it ends.
        await wait_for(api, Written(api), MOST_S)
        return done

    return await do_in_channel(context, purge_all, "")


class Written:
    """Asks whether all that is to be taken away is named."""

    def __init__(self, api: NodeApi) -> None:
        self._api = api

    async def __call__(self) -> bool | None:
        progress = (await self._api.status()).rows.progress
        return None if any(each.what == PURGING for each in progress) else True


async def disappear(context: Context) -> int:
    span_ms, reason = disappearing.life_span(context.args.span), context.args.reason
    return await do_in_channel(context, lambda api, where: disappearing.set_retention(api, where, span_ms, reason), "")


async def keep(context: Context) -> int:
    wanted = None if context.args.rule is None else keeping.keep_rule(context.args.rule)
    async with session(context.host, network=False) as opened:
        channel = (await find_channel(opened.api, context.args.channel)).id
        if wanted is not None:
            await keeping.set_keep(opened.api, channel, wanted)
        now, said = await keeping.kept(opened.api, channel)
    context.out.result({"channel": id_text(channel), "keep": now}, said)
    return 0
