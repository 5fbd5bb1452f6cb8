"""Whether content counts (authority.md, rule 7), and what of a record is shown."""

from collections.abc import Iterator

from multichat_tui.channel.authority import Authority
from multichat_tui.channel.content_rules import Content, asked
from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.view import Halt, Revocation, Ruling, View
from multichat_tui.model.acts import Tip, WideFence
from multichat_tui.model.ids import PREFIX_SIZE, UserId
from multichat_tui.model.ranks import FOUNDER, Permission
from multichat_tui.model.records import Header

SENDING = frozenset({Permission.SEND})


def counts(
    control: ControlLog,
    header: Header,
    user: UserId,
    content: Content | None = None,
    needed: frozenset[Permission] = SENDING,
) -> bool:
    """Content counts if its author had all that it needs in the state that it cites, its device was not revoked there and, for
    each removal, ban, muting, revocation and narrowed permission that it does not cite, it lies within that one's fence; and if
    what it says keeps to the channel's settings and permissions (`content_rules`), where `content` lets that be looked at."""
    key = (header.control_heads, header.device, user, needed)
    if (undisputed := control.undisputed.get(key)) is None:
        undisputed = control.note_undisputed(key, _undisputed(control, header, user, needed))
    if undisputed:
        return True
    cited = control.state_at(header.control_heads)
    rank = cited.rank(user)
    if rank is None or any(rank < cited.asks(each) for each in needed) or cited.revoked(header.device):
        return False
    view = control.view
    if content is not None and not asked(cited, _unseen(cited, view, header)).allows(rank, header, content):
        return False
    least = max(map(view.threshold, needed), default=0)
    fences = [ending.fence for ending in view.endings if ending.user == user and not _seen(cited.mask, ending.operation)]
    fences += [
        ranking.fence
        for ranking in view.rankings
        if ranking.user == user and ranking.rank < least and not _seen(cited.mask, ranking.operation)
    ]
    fences += [revocation.fence for revocation in _weightiest(view, header)]
    # One's own leaving fences nothing off.
    return all(fence is None or _covers(fence, header) for fence in fences) and not any(
        isinstance(each, Ruling) and each.permission in needed and rank < each.rank for each in _unseen(cited, view, header)
    )


def _undisputed(control: ControlLog, header: Header, user: UserId, needed: frozenset[Permission]) -> bool:
    """Whether all content by this device that cites these heads and needs no more than this counts, whatever it says and wherever
    it stands: it had the rights, and no fence and no setting is about it. So it is with nearly all content."""
    view, cited = control.view, control.state_at(header.control_heads)
    rank = cited.rank(user)
    if rank is None or view.halts or view.rulings or view.revocations.get(header.device) or cited.revoked(header.device):
        return False
    if any(ending.user == user for ending in view.endings) or any(ranking.user == user for ranking in view.rankings):
        return False
    rules = asked(cited, ())
    bound = rules.read_only or rules.slow_ms or rank < rules.links
    return not bound and all(rank >= cited.asks(each) for each in needed)


def _unseen(cited: Authority, view: View, header: Header) -> Iterator[Halt | Ruling]:
    """The restrictions for all that its author had not seen, nor theirs it."""
    restrictions: tuple[Halt | Ruling, ...] = (*view.halts, *view.rulings)
    for each in restrictions:
        if not _seen(cited.mask, each.operation) and not within(each.fence, header):
            yield each


def within(fence: WideFence, header: Header) -> bool:
    """Whether content had been seen by the author of a restriction for all, as far as its fence tells."""
    device = header.device[:PREFIX_SIZE]
    found = next((mark for mark in fence.marks if mark.device == device), None)
    return header.seq <= found.seq if found is not None else header.ets <= fence.floor_ets


def ended_before(control: ControlLog, header: Header, user: UserId) -> bool:
    """Whether content was written after its author's membership, or their device, had ended, which it does not cite:
    whatever rank it needs, it does not count."""
    cited = control.state_at(header.control_heads).mask
    fences = [ending.fence for ending in control.view.endings if ending.user == user and not _seen(cited, ending.operation)]
    fences += [revocation.fence for revocation in _weightiest(control.view, header)]
    return any(fence is not None and not _covers(fence, header) for fence in fences)


def lowered_before(control: ControlLog, header: Header, user: UserId, least: int) -> bool:
    """Whether content was written after its author's rank had been lowered below `least`, which it does not cite."""
    cited = control.state_at(header.control_heads).mask
    return any(
        ranking.rank < least and not _seen(cited, ranking.operation) and not _covers(ranking.fence, header)
        for ranking in control.view.rankings
        if ranking.user == user
    )


def _weightiest(view: View, header: Header) -> tuple[Revocation, ...]:
    """Of the revocations of a device those whose fences count: the account's own before those that others brought, and of these
    those of the highest rank. So a member who draws a fence too low is corrected by those whose channel, or device, it is."""
    found = view.revocations.get(header.device, ())

    def weight(revocation: Revocation) -> int:
        return FOUNDER + 1 if revocation.author == revocation.account else revocation.level

    most = max(map(weight, found), default=0)
    return tuple(revocation for revocation in found if weight(revocation) == most)


def _seen(mask: int, operation: int) -> bool:
    return bool(mask >> operation & 1)


def _covers(fence: tuple[Tip, ...], header: Header) -> bool:
    return any(tip.device == header.device and tip.log == header.log and header.seq <= tip.seq for tip in fence)
