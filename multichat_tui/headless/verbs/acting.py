"""Editing messages, reacting to them, pinning them."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import message_fields
from multichat_tui.headless.session import session
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.node.api.commands.acting import act_on
from multichat_tui.node.api.lookup import find_destination, find_message
from multichat_tui.node.api.transcript import message_lines


async def edit(context: Context) -> int:
    return await _do(context, "edit", text=context.args.text)


async def react(context: Context) -> int:
    return await _do(context, "react", emoji=context.args.emoji, on=_on(context))


async def pin(context: Context) -> int:
    return await _do(context, "pin", on=_on(context))


def _on(context: Context) -> str:
    return "no" if context.args.remove else "yes"


async def _do(context: Context, act: str, **fields: str) -> int:
    """Answered with the message as it is now."""
    async with session(context.host, network=True) as opened:
        row = await find_message(opened.api, context.args.message)
        await act_on(opened.api, row, act, **fields)
        changed: MessageRow | None = (await opened.api.message(row.id)).rows
    shown = row if changed is None else changed
    context.out.result(message_fields(shown), *message_lines(shown))
    if not opened.attached:
        context.out.note("The others see it when a node of yours runs: multichat node.")
    return 0


async def pins(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        channel = await find_destination(opened.api, context.args.channel)
        rows = (await opened.api.pins(channel)).rows
    if not rows and not context.out.json_lines:
        context.out.note("Nothing is pinned there: multichat pin ID pins a message.")
    for row in rows:
        context.out.result(message_fields(row), *message_lines(row))
    return 0
