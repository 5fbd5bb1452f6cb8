"""Whether content counts (authority.md, rule 7), and what of a record is shown."""

from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.view import Ending, Revocation, View
from multichat_tui.model.acts import Tip
from multichat_tui.model.ids import UserId
from multichat_tui.model.records import Header


def counts(control: ControlLog, header: Header, user: UserId) -> bool:
    """Content counts if its author was a member in the state that it cites, its device was not revoked there and, for each
    removal and revocation that it does not cite, it lies within that one's fence. A founder's content always counts unless they
    had left."""
    cited = control.view_at(header.control_heads)
    if user not in cited.members or header.device in cited.revocations:
        return False
    view = control.view
    return all(
        _within(ending, header) for ending in view.endings if ending.user == user and not _seen(cited.mask, ending)
    ) and all(_covers(revocation.fence, header) for revocation in _weightiest(view, header))


def _weightiest(view: View, header: Header) -> tuple[Revocation, ...]:
    """Of the revocations of a device those whose fences count: the account's own before those that founders brought, and these
    before members'. So a member who draws a fence too low is corrected by those whose channel, or device, it is."""
    found = view.revocations.get(header.device, ())

    def weight(revocation: Revocation) -> int:
        return 2 if revocation.author == revocation.account else 1 if revocation.author in view.founders else 0

    most = max(map(weight, found), default=0)
    return tuple(revocation for revocation in found if weight(revocation) == most)


def _seen(mask: int, ending: Ending) -> bool:
    return bool(mask >> ending.operation & 1)


def _within(ending: Ending, header: Header) -> bool:
    """One's own leaving fences nothing off."""
    return ending.fence is None or _covers(ending.fence, header)


def _covers(fence: tuple[Tip, ...], header: Header) -> bool:
    return any(tip.device == header.device and tip.log == header.log and header.seq <= tip.seq for tip in fence)
