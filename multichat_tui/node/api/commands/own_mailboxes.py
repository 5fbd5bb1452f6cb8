"""One's own mailboxes: where others leave what is for this device while it is away; for slash commands and the command line."""

from multichat_tui.model.intents import AddMailbox, RemoveMailbox
from multichat_tui.model.mailbox_frames import Word
from multichat_tui.model.snapshots import MailboxRow, MailboxState, StatusRow
from multichat_tui.model.text import size_words
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.hosting import WORDS
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import one_line
from multichat_tui.node.api.transcript import local_time

NONE_CHOSEN = "You have no mailboxes: what is written to you while you are away waits with those who wrote it."
HOW = "/mailbox add LINK adds one; whoever runs it makes the link: multichat mailbox grant NAME"
ADDED = "Added. Others leave messages for you there as soon as they know: /mailbox list shows how it goes."
STATES = {
    MailboxState.READY: "in use",
    MailboxState.OPENING: "being set up",
    MailboxState.UNREACHED: "not reached",
    MailboxState.REFUSED: "refuses you",
    MailboxState.PARTLY: "in use for some",
    MailboxState.LEAVING: "given up",
}
IN_USE = (MailboxState.READY, MailboxState.PARTLY)
FAILING = "failing"
"""In place of these: others are not told of it, if there is another."""
GONE = (
    "There is no place for you any more: it was revoked, or the mailbox was begun anew. Ask whoever runs it for another link, or "
    "give it up: /mailbox remove {number}"
)


def own_lines(row: MailboxRow) -> tuple[str, ...]:
    """`1  k3f9x2ab  in use  12 KiB of 64 MiB, 14 queues  10.0.0.9:4700  kept 41 of 41 tests`, and below that what is wrong
    and what to do, if so."""
    lines = [_line(row)]
    if row.state is MailboxState.REFUSED and row.detail == Word.UNKNOWN.value:
        lines.append(f"   {GONE.format(number=row.number)}")
    if row.note:
        lines.append(f"   {row.note}")
    return tuple(lines)


def _line(row: MailboxRow) -> str:
    state = FAILING if row.failing is not None and row.state in IN_USE else STATES[row.state]
    parts = [f"{row.number}", one_line(row.name), state + _since(row)]
    if row.state is MailboxState.LEAVING:
        parts.append(_leaving(row))
    elif row.detail and not (row.state is MailboxState.REFUSED and row.detail == Word.UNKNOWN.value):
        parts.append(WORDS.get(row.detail, one_line(row.detail)))
    elif row.unaware and row.state is MailboxState.READY:
        parts.append(_unaware(row))
    if row.used_bytes is not None and row.quota_bytes is not None:
        parts.append(f"{size_words(row.used_bytes)} of {size_words(row.quota_bytes)}, {row.ready} of {row.queues} queues")
    if row.waiting:
        parts.append(f"{row.waiting} to be read")
    if row.losses:
        parts.append(f"has lost something {row.losses} of {row.checks} times")
    # What went wrong when it was called last names the address already.
    elsewhere = " ".join(one_line(address) for address in row.addresses if not row.detail.startswith(f"{address}:"))
    parts += [elsewhere] if elsewhere else []
    if row.state is not MailboxState.LEAVING:
        parts.append(_score(row))
    return "  ".join(parts)


def _since(row: MailboxRow) -> str:
    return "" if row.since_ms is None else f" since {local_time(row.since_ms)}"


def _score(row: MailboxRow) -> str:
    """`kept 41 of 41 tests, reached 98 % of the time`"""
    if row.tests:
        kept = f"kept {row.passed} of {row.tests} {'test' if row.tests == 1 else 'tests'}"
    else:
        kept = "not tested yet"
    return kept if row.reached_percent is None else f"{kept}, reached {row.reached_percent} % of the time"


def _leaving(row: MailboxRow) -> str:
    return _unaware(row) if row.unaware else "being emptied"


def _unaware(row: MailboxRow) -> str:
    return f"{row.unaware} {'device does' if row.unaware == 1 else 'devices do'} not know yet"


def own_fields(row: MailboxRow) -> dict[str, Plain]:
    return {
        "number": row.number,
        "name": row.name,
        "state": row.state.value,
        "since_ms": row.since_ms,
        "detail": row.detail,
        "addresses": list(row.addresses),
        "used_bytes": row.used_bytes,
        "quota_bytes": row.quota_bytes,
        "queues": row.queues,
        "ready": row.ready,
        "waiting": row.waiting,
        "unaware": row.unaware,
        "checks": row.checks,
        "losses": row.losses,
        "tests": row.tests,
        "passed": row.passed,
        "reached_percent": row.reached_percent,
        "failing": None if row.failing is None else row.failing.value,
        "note": row.note,
    }


def all_own_lines(status: StatusRow) -> tuple[str, ...]:
    """What is said of all of them, and why none is linked now if this node rests."""
    lines = tuple(line for row in status.mailboxes for line in own_lines(row)) or (NONE_CHOSEN, HOW)
    return (*lines, *resting_lines(status))


def resting_lines(status: StatusRow) -> tuple[str, ...]:
    if not status.mailboxes or status.resting_until_ms is None:
        return ()
    return (
        f"This node rests until {local_time(status.resting_until_ms)}: it looks into them then. /set net.mode usual ends that.",
    )


async def remove_own(api: NodeApi, number: int) -> str:
    """Give one up; what is said about it. `errors.NotFound`."""
    before = {row.number: row for row in (await api.status()).rows.mailboxes}
    await api.submit(RemoveMailbox(number=number))
    names = {row.name for row in (await api.status()).rows.mailboxes}
    row = before[number]
    if row.name not in names:
        return f"{one_line(row.name)} is forgotten."
    return f"{one_line(row.name)} is given up: it is looked into until everybody knows. The same again forgets it at once."


# The commands


async def add(call: Call) -> Outcome:
    if not call.words:
        raise call.misused(HOW)
    await call.api.submit(AddMailbox(link=call.words))
    return Outcome(lines=(ADDED,))


async def remove(call: Call) -> Outcome:
    if not (call.words.isascii() and call.words.isdigit()) or len(call.words) > 4:
        raise call.misused("The number is the one in /mailbox list.")
    return Outcome(lines=(await remove_own(call.api, int(call.words)),))


async def own(call: Call) -> Outcome:
    call.need_none()
    row = (await call.api.status()).rows
    return Outcome(lines=all_own_lines(row), fields={"mailboxes": [own_fields(box) for box in row.mailboxes]}, hang=2)
