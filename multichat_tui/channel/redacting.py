"""Whose redactions take a text away: decided by the state that they cite and by fences, the same on every node.

Own words may be taken back by whoever is in the channel, also while muted. Others' only by who may moderate and ranks strictly
above their author (or the author is no member any more).
"""

from collections.abc import Iterator

from multichat_tui.channel.authority import Authority
from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.counting import ended_before, lowered_before
from multichat_tui.model.acts import Act, Redact
from multichat_tui.model.ids import Log, RecordId, UserId
from multichat_tui.model.ranks import Permission
from multichat_tui.model.records import Record
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """An effective one of one record."""

    record: RecordId
    user: UserId
    reason: str
    named: bool
    """It names the record as its target; else as something that only tells about one."""


def redaction_in(
    control: ControlLog, record: Record, acts: tuple[Act, ...], target: RecordId, author: UserId
) -> Redaction | None:
    """What a record does to the text of `target`, which `author` has written. None: nothing, or it has no right to."""
    user = control.user_of(record.header.device)
    if user is None or not has_right(control, record, author):
        return None
    for act in redactions(acts):
        if target in act.targets or target in act.also:
            return Redaction(record=record.id, user=user, reason=act.reason, named=target in act.targets)
    return None


def redactions(acts: tuple[Act, ...]) -> Iterator[Redact]:
    return (act for act in acts if isinstance(act, Redact))


def may_redact(state: Authority, user: UserId, author: UserId) -> bool:
    """Whether somebody may take away what `author` has written."""
    rank, theirs = state.rank(user), state.rank(author)
    if rank is None or user == author:
        return rank is not None
    return rank >= state.threshold(Permission.MODERATE) and (theirs is None or theirs < rank)


def has_right(control: ControlLog, record: Record, author: UserId) -> bool:
    """Whether the author of a record could by it take away what `author` has written. What is taken away is so for all: a record
    whose text some alone are given takes nothing away."""
    header, user = record.header, control.user_of(record.header.device)
    if user is None or header.recipients is not None:
        return False
    if header.log is Log.CONTROL:
        operation = control.operation(record.id)
        if operation is None or not control.effective(record.id):
            return False
        return may_redact(control.state_before(operation), user, author)
    cited = control.state_at(header.control_heads)
    if cited.revoked(header.device) or not may_redact(cited, user, author) or ended_before(control, header, user):
        return False
    theirs = cited.rank(author)
    least = max(control.view.threshold(Permission.MODERATE), 0 if theirs is None else theirs + 1)
    return user == author or not lowered_before(control, header, user, least)
