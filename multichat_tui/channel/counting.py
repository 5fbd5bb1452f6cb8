"""Whether content counts (authority.md, rule 7), and what of a record is shown."""

from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.view import Ending
from multichat_tui.model.ids import UserId
from multichat_tui.model.records import Header


def counts(control: ControlLog, header: Header, user: UserId) -> bool:
    """Content counts if its author was a member in the state that it cites and, for each removal of theirs that it does not
    cite, lies within that removal's fence. A founder's content always counts unless they had left."""
    cited = control.view_at(header.control_heads)
    if user not in cited.members:
        return False
    return all(
        _within(ending, header) for ending in control.view.endings if ending.user == user and not _seen(cited.mask, ending)
    )


def _seen(mask: int, ending: Ending) -> bool:
    return bool(mask >> ending.operation & 1)


def _within(ending: Ending, header: Header) -> bool:
    """One's own leaving fences nothing off."""
    if ending.fence is None:
        return True
    return any(tip.device == header.device and tip.log == header.log and header.seq <= tip.seq for tip in ending.fence)
