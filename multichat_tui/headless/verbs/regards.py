"""Commands about whom one ignores or blocks."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import plain
from multichat_tui.headless.session import session
from multichat_tui.model.regards import Regard
from multichat_tui.node.api.commands.regards import regard_lines, set_regard, somebody, somebody_shut_out
from multichat_tui.node.api.lookup import id_text


async def ignore(context: Context) -> int:
    return await _set(context, Regard.IGNORED)


async def block(context: Context) -> int:
    return await _set(context, Regard.BLOCKED)


async def unignore(context: Context) -> int:
    return await _set(context, Regard.NONE, Regard.IGNORED)


async def unblock(context: Context) -> int:
    return await _set(context, Regard.NONE, Regard.BLOCKED)


async def _set(context: Context, regard: Regard, was: Regard | None = None) -> int:
    async with session(context.host, network=False) as opened:
        api, name = opened.api, context.args.name
        user, shown = await (somebody(api, name) if was is None else somebody_shut_out(api, name, was))
        line = await set_regard(api, user, shown, regard)
    context.out.result({"contact": id_text(user), "name": shown, "regard": regard.value}, line)
    return 0


async def ignored(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        rows = (await opened.api.status()).rows.regards
    for row in rows:
        context.out.result(plain(row), *regard_lines((row,)))
    if not rows:
        context.out.note("You ignore nobody.")
    return 0
