"""What became of an operation, for people to read: in effect, never allowed, or reverted, and by what."""

from enum import StrEnum

from multichat_tui.channel.authority import Authority
from multichat_tui.channel.operations import Operation
from multichat_tui.channel.subjects import needed
from multichat_tui.model.acts import Ban, Remove, SetRank, SetThreshold, Unban
from multichat_tui.model.ids import RecordId
from multichat_tui.model.ranks import Permission
from multichat_tui.model.values import dataclass

MAX_SUSPECTS = 64
"""Operations beside one that are tried as the cause of its being void; the first of them."""
MAX_CAUSES = 4


class Worth(StrEnum):
    IN_EFFECT = "in-effect"
    NEVER = "never"
    """Its author had no right to it by what they themselves knew."""
    REVERTED = "reverted"
    """It was allowed by what its author knew; what somebody higher did, which they did not know, outweighs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    worth: Worth
    causes: tuple[RecordId, ...] = ()
    """Of a reverted one: what alone would revert it; none where only several together do."""


def verdict(now: Authority, operation: Operation) -> Verdict:
    """Of an operation in the set of `now`."""
    if not now.subjects.valid & operation.bit:
        return Verdict(worth=Worth.NEVER)
    if now.effective(operation):
        return Verdict(worth=Worth.IN_EFFECT)
    causes = []
    for suspect in _suspects(now, operation):
        with_it = operation.past | operation.bit | suspect.past | suspect.bit
        if not Authority(now.subjects, with_it).effective(operation):
            causes.append(suspect)
    # What another cause has in its past is the reason; what only follows that is not.
    first = [each for each in causes if not any(each.past & other.bit for other in causes)]
    return Verdict(worth=Worth.REVERTED, causes=tuple(each.id for each in first[:MAX_CAUSES]))


def _suspects(now: Authority, operation: Operation) -> list[Operation]:
    """What has effect, was not known to the author, and is about them, their device, or what they did: in order."""
    subjects = now.subjects
    users, found = {operation.user}, subjects.revocations(operation.device).mask
    for act in operation.acts:
        if isinstance(act, SetRank | Remove | Ban | Unban):
            users.add(act.user)
        if (permission := needed(subjects, operation, act)) is not None:
            found |= subjects.thresholds(permission).mask
        if isinstance(act, SetThreshold):
            found |= subjects.thresholds(act.permission).mask
    if operation.joiner is not None:
        found |= subjects.concerning(operation.joiner) | subjects.thresholds(Permission.ADMIT).mask
    for user in users:
        found |= subjects.about(user).mask | subjects.bans(user).mask
    beside = found & now.mask & ~operation.past & ~operation.bit
    return sorted((op for op in subjects.among(beside) if now.effective(op)), key=lambda op: op.order)[:MAX_SUSPECTS]
