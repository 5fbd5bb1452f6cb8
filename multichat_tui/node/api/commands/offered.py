"""What stands behind a command in place of its words where only the node knows: people who wait, numbers of deeds and reports."""

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.moderation import ReportState
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.auditing import undoable
from multichat_tui.node.api.commands.shape import MAILBOXES, PLACES, REPORTED, UNDOABLE, WAITING
from multichat_tui.node.api.lookup import one_line
from multichat_tui.node.api.queries import quoted


async def offered(api: NodeApi, channel: ChannelId | None, what: tuple[str, ...]) -> tuple[str, ...]:
    """The words that are possible now for one of `shape.ASKED_FOR`, as they are typed."""
    if what == PLACES:
        return tuple(quoted(one_line(row.name)) for row in (await api.hosting()).rows.places)
    if what == MAILBOXES:
        return tuple(str(row.number) for row in (await api.status()).rows.mailboxes)
    if channel is None:
        return ()
    if what == WAITING:
        return tuple(quoted(one_line(row.name)) for row in (await api.rules(channel)).rows.waiting)
    if what == UNDOABLE:
        return tuple(str(number) for number, _ in enumerate(await undoable(api, channel), 1))
    if what == REPORTED:
        rows = (await api.reports(channel)).rows
        return (*(str(number) for number, row in enumerate(rows, 1) if row.state is ReportState.OPEN), "all")
    return what
