"""Commands about people who are no contacts and ask."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session
from multichat_tui.node.api.commands.asking import answer, request_fields, request_lines
from multichat_tui.node.api.lookup import id_text


async def requests(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        rows = (await opened.api.status()).rows.requests
    for row in rows:
        context.out.result(request_fields(row), *request_lines(row))
    if not rows:
        context.out.note("Nobody asks.")
    return 0


async def accept(context: Context) -> int:
    return await _answer(context, accept=True)


async def decline(context: Context) -> int:
    return await _answer(context, accept=False)


async def _answer(context: Context, *, accept: bool) -> int:
    async with session(context.host, network=False) as opened:
        row, (channel, line) = await answer(opened.api, context.args.name, accept=accept)
    where = id_text(channel) if channel is not None else None
    context.out.result({"contact": id_text(row.user), "name": row.name, "accepted": accept, "channel": where}, line)
    return 0
