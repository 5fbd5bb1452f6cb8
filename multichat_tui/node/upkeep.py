"""What a node writes into the control logs of its channels by itself: it closes invitations that are spent, and confirms that
members have left (authority.md, rules 6 and 8)."""

from collections.abc import Iterator

from multichat_tui.model.acts import CloseInvitation, Remove, SetRank, Unban
from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.limits import MAX_TIMESTAMP_MS, RANK_BACK_MS
from multichat_tui.model.ranks import MEMBER, MUTED, Permission
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.act_words import LEFT_REASON
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.moderating import fence, muted_until, rank_before_silence
from multichat_tui.node.world import Channel, World

NEVER_MS = MAX_TIMESTAMP_MS


class Upkeep:
    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger

    def tidy(self, channel: Channel) -> None:
        """Our own invitations that are spent or have expired are closed (authority.md, rule 6), and bans that are over lifted."""
        world = self._world
        if not self.tidies(channel):
            return
        for (record, index), state in list(channel.view.invitations.items()):
            spent = len(state.used_by) >= state.invite.uses
            if not self.tidies(channel):
                return
            if state.maker == world.identity.user and not state.closed and (spent or state.invite.expires_ms <= world.now):
                self._ledger.author(channel, Log.CONTROL, (CloseInvitation(invitation=record, index=index),))
        self._lift_expired(channel)
        self._end_silences(channel)

    def tidies(self, channel: Channel) -> bool:
        """Whether our closing of an invitation would count, and be taken."""
        return (
            channel.rooted
            and channel.standing.membership is Membership.JOINED
            and self._world.identity.user in channel.view.members
            and self._ledger.has_room(channel, by_itself=True)
        )

    def confirm_leavings(self, channel: Channel) -> None:
        """A founder's node issues the removal that a leaving asks for (authority.md, rule 8)."""
        me = self._world.identity.user
        view = channel.view
        if me not in view.founders or me not in view.members:
            return
        # What is not confirmed for want of room stands all the same: a leaving counts by itself.
        removed = {ending.user for ending in view.endings if ending.fence is not None}
        for ending in view.endings:
            user = ending.user
            if not self._ledger.has_room(channel, by_itself=True):
                return
            if ending.fence is None and user not in removed and user not in view.members and user not in view.founders:
                self._ledger.author(channel, Log.CONTROL, (Remove(user=user, fence=fence(channel, user), reason=LEFT_REASON),))
                removed.add(user)

    def _lift_expired(self, channel: Channel) -> None:
        """Bans whose time is over are lifted by the nodes of all who may (authority.md, rule 8)."""
        for user in [user for user, _, until_ms in self._ending_bans(channel) if until_ms <= self._world.now]:
            if self.tidies(channel) and user in channel.view.bans:
                self._ledger.author(channel, Log.CONTROL, (Unban(user=user),))

    def _end_silences(self, channel: Channel) -> None:
        """Who was muted for a time that is over is again what they were before, by the nodes of all who may give that."""
        for user, at, rank in list(self._ending_silences(channel)):
            if at <= self._world.now and self.tidies(channel) and muted_until(channel, user):
                act = SetRank(user=user, rank=rank, fence=fence(channel, user))
                self._ledger.author(channel, Log.CONTROL, (act,))

    def _ending_silences(self, channel: Channel) -> Iterator[tuple[UserId, int, int]]:
        """(user, when we end it, the rank that we give them) of those who are muted for a time, and whom we may let write again.
        Whoever may not give back what they were leaves it for a while to those who may; then they are members."""
        view, me = channel.view, self._world.identity.user
        if not view.may(me, Permission.MODERATE) or (view.rank(me) or MUTED) <= MEMBER:
            return
        for user, rank in view.ranks.items():
            until_ms = muted_until(channel, user) if rank == MUTED and user != me else None
            if not until_ms:
                continue
            before, mine = rank_before_silence(channel, user), view.rank(me)
            if before == MEMBER or (mine is not None and view.may(me, Permission.APPOINT) and before < mine):
                yield user, until_ms, before
            else:
                yield user, until_ms + RANK_BACK_MS, MEMBER

    def _ending_bans(self, channel: Channel) -> Iterator[tuple[UserId, int, int]]:
        """(user, level, when it ends) of those who are banned until then, and whom we may let in again."""
        view, me = channel.view, self._world.identity.user
        rank = view.rank(me)
        if rank is None or not view.may(me, Permission.MODERATE):
            return
        for user, bans in view.bans.items():
            level, ends = max(ban.level for ban in bans), [ban.until_ms or NEVER_MS for ban in bans]
            if level <= rank and max(ends) < NEVER_MS:
                yield user, level, max(ends)

    def wake_times(self, channel: Channel) -> list[int]:
        """When our own invitations end, and the bans and silences that we may."""
        if not self.tidies(channel):
            return []
        states = channel.view.invitations.values()
        times = [s.invite.expires_ms for s in states if s.maker == self._world.identity.user and not s.closed]
        times += [at for _, at, _ in self._ending_silences(channel)]
        return times + [until_ms for _, _, until_ms in self._ending_bans(channel)]
