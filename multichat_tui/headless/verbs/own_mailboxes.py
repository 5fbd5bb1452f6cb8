"""Commands about one's own mailboxes."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session
from multichat_tui.model.intents import AddMailbox
from multichat_tui.node.api.commands import own_mailboxes


async def add(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        await opened.api.submit(AddMailbox(link=context.args.link))
    context.out.result({"added": True}, own_mailboxes.ADDED)
    return 0


async def remove(context: Context) -> int:
    number = context.args.number
    async with session(context.host, network=False) as opened:
        line = await own_mailboxes.remove_own(opened.api, number)
    context.out.result({"removed": number}, line)
    return 0


async def own(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        status = (await opened.api.status()).rows
    for row in status.mailboxes:
        context.out.result(own_mailboxes.own_fields(row), *own_mailboxes.own_lines(row))
    for line in own_mailboxes.resting_lines(status):
        context.out.note(line)
    if status.mailboxes and not opened.attached:
        context.out.note("No node is running, so none of them is linked: multichat node, or the screens, look into them.")
    if not status.mailboxes:
        context.out.note(f"{own_mailboxes.NONE_CHOSEN} {own_mailboxes.HOW}")
    return 0
