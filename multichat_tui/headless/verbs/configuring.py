"""Commands about the settings of a channel."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.verbs.moderating import do_in_channel
from multichat_tui.model.errors import UsageError
from multichat_tui.node.api.commands import configuring


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
