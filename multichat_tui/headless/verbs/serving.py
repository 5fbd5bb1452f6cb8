"""Commands about who is served what of a channel."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.verbs.moderating import do_in_channel
from multichat_tui.node.api.commands import serving


async def newcomers(context: Context) -> int:
    policy, reason = serving.history_policy(context.args.policy), context.args.reason
    return await do_in_channel(context, lambda api, where: serving.set_history(api, where, policy, reason), "")


async def public(context: Context) -> int:
    on, reason = serving.switched(context.args.switch), context.args.reason
    undo = "public {channel} off" if on else ""
    return await do_in_channel(context, lambda api, where: serving.set_public(api, where, on, reason), undo)
