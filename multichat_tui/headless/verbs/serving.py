"""Commands about who is served what of a channel."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session
from multichat_tui.headless.verbs.moderating import do_in_channel
from multichat_tui.node.api.commands import exposing, serving
from multichat_tui.node.api.lookup import find_channel


async def newcomers(context: Context) -> int:
    policy, reason = serving.history_policy(context.args.policy), context.args.reason
    return await do_in_channel(context, lambda api, where: serving.set_history(api, where, policy, reason), "")


async def public(context: Context) -> int:
    on, reason = serving.switched(context.args.switch), context.args.reason
    undo = "public {channel} off" if on else ""
    return await do_in_channel(context, lambda api, where: serving.set_public(api, where, on, reason), undo)


async def privacy(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        rows = (await opened.api.exposure((await find_channel(opened.api, context.args.channel)).id)).rows
    for row in rows:
        context.out.result(exposing.exposure_fields(row), *exposing.exposure_lines(row))
    if not rows:
        context.out.note(exposing.NOT_HERE)
    return 0
