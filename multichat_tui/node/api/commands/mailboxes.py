"""The slash command about mailboxes: a word says what about them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from multichat_tui.model.errors import UsageError
from multichat_tui.node.api.commands import hosting, own_mailboxes
from multichat_tui.node.api.commands.shape import Call, Outcome
from multichat_tui.node.api.lookup import nearest, one_line

ACTS: Mapping[str, tuple[str, Callable[[Call], Awaitable[Outcome]]]] = {
    "list": ("/mailbox list", own_mailboxes.own),
    "add": ("/mailbox add LINK", own_mailboxes.add),
    "remove": ("/mailbox remove N", own_mailboxes.remove),
    "host": ("/mailbox host [on [SIZE] | off]", hosting.host),
    "grant": ("/mailbox grant NAME [SIZE [QUEUES]]", hosting.grant),
    "grants": ("/mailbox grants", hosting.grants),
    "revoke": ("/mailbox revoke NAME [now]", hosting.revoke),
    "kept": ("/mailbox kept", hosting.kept),
}
"""By word: its usage, and what it does with the words behind it."""


async def mailbox(call: Call) -> Outcome:
    word, _, rest = call.words.partition(" ")
    act = ACTS.get(word or "list")
    if act is None:
        close = nearest(word, ACTS)
        advice = f"Did you mean /mailbox {close}?" if close else f"It is one of {', '.join(ACTS)}."
        raise UsageError(f"{one_line(word)[:20]!r} is nothing about mailboxes.", advice)
    usage, run = act
    return await run(replace(call, words=rest.strip(), usage=usage))
