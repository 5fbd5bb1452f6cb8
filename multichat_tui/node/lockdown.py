"""Lockdown: nobody below a rank writes, and nobody is let in but by one of that rank, until it is lifted. It is nothing but two
thresholds raised in one record; lifting it brings back those that were before."""

from collections.abc import Iterator

from multichat_tui.channel.view import View
from multichat_tui.model.acts import Act, SetThreshold, WideFence
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.ids import UserId
from multichat_tui.model.ranks import MODERATOR, THRESHOLDS, Permission, standing_words
from multichat_tui.node.world import Channel

LOCKED = (Permission.SEND, Permission.ADMIT)


def locked(view: View) -> bool:
    return all(view.threshold(permission) >= MODERATOR for permission in LOCKED)


def lockdown_acts(channel: Channel, user: UserId, fence: WideFence, reason: str) -> tuple[Act, ...]:
    """`user` may change permissions. `errors.IntentRefused` where everything is shut already."""
    raised = [permission for permission in LOCKED if channel.view.threshold(permission) < MODERATOR]
    if not raised:
        raise IntentRefused(Refusal.ALREADY, "Only moderators and above write and let people in here already.")
    _check_rank(channel.view, user, MODERATOR)
    return tuple(
        SetThreshold(
            permission=permission,
            rank=MODERATOR,
            fence=fence if permission is Permission.SEND else WideFence(),
            reason=reason,
        )
        for permission in raised
    )


def lifting_acts(channel: Channel, user: UserId, reason: str) -> tuple[Act, ...]:
    """What brings back the thresholds from before. `errors.IntentRefused` where nothing is shut, or by somebody higher."""
    shut = [permission for permission in LOCKED if channel.view.threshold(permission) >= MODERATOR]
    before = {permission: _before(channel, permission) for permission in shut}
    lowered = {permission: rank for permission, rank in before.items() if rank < channel.view.threshold(permission)}
    if not lowered:
        raise IntentRefused(Refusal.ALREADY, "This channel is not locked down.", "/permissions shows who may do what.")
    for permission in lowered:
        _check_rank(channel.view, user, channel.view.threshold(permission))
    return tuple(SetThreshold(permission=permission, rank=rank, reason=reason) for permission, rank in lowered.items())


def _check_rank(view: View, user: UserId, asked: int) -> None:
    mine = view.rank(user)
    if mine is None or mine < asked:
        standing = "no member" if mine is None else standing_words(mine)
        raise IntentRefused(Refusal.NOT_ALLOWED, f"You are {standing}: what needs more than that is not yours to change.")


def _before(channel: Channel, permission: Permission) -> int:
    """The threshold that the last one who raised it to MODERATOR or more had found; the usual one if that was as high."""
    for operation in channel.control.newest_first():
        if channel.view.effective >> operation.index & 1 and any(_raises(operation.acts, permission)):
            found = channel.control.state_before(operation).threshold(permission)
            if found < MODERATOR:
                return found
    return THRESHOLDS[permission]


def _raises(acts: tuple[Act, ...], permission: Permission) -> Iterator[bool]:
    return (isinstance(act, SetThreshold) and act.permission is permission and act.rank >= MODERATOR for act in acts)
