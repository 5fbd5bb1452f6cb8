"""Names for shell completion: quick, silent, and without a question."""

from multichat_tui.headless.completed import CHANNELS
from multichat_tui.headless.host import Context
from multichat_tui.headless.launch import node_answers
from multichat_tui.headless.session import session
from multichat_tui.model.errors import MultichatError
from multichat_tui.model.snapshots import ChannelKind
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.launch import ProfileState
from multichat_tui.node.api.lookup import one_line


async def complete_names(context: Context) -> int:
    """One name a line, of the node that runs or of a profile that no passphrase locks; nothing where that cannot be."""
    host = context.host
    if not node_answers(host) and host.state() is not ProfileState.OPEN:
        return 0
    try:
        async with session(host, network=False) as opened:
            found = await (_channels if context.args.kind == CHANNELS else _people)(opened.api)
    except MultichatError:
        return 0
    # Made safe to draw they may be other words than the name; such a one has to be typed.
    context.out.result({"names": found}, *(name for name in found if one_line(name) == name))
    return 0


async def _channels(api: NodeApi) -> list[str]:
    return sorted(row.name for row in (await api.channels()).rows if row.kind is not ChannelKind.DIRECT)


async def _people(api: NodeApi) -> list[str]:
    return sorted(f"@{row.name}" for row in (await api.contacts()).rows if not row.pending)
