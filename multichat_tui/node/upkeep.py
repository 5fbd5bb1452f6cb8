"""What a node writes into the control logs of its channels by itself: it closes invitations that are spent, and confirms that
members have left (authority.md, rules 6 and 8)."""

from multichat_tui.model.acts import CloseInvitation, Remove, Tip
from multichat_tui.model.ids import Log
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.timeline import LEFT_REASON
from multichat_tui.node.world import Channel, World


class Upkeep:
    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger

    def tidy(self, channel: Channel) -> None:
        """Our own invitations that are spent or have expired are closed (authority.md, rule 6)."""
        world = self._world
        if not self.tidies(channel):
            return
        for (record, index), state in list(channel.view.invitations.items()):
            spent = len(state.used_by) >= state.invite.uses
            if not self.tidies(channel):
                return
            if state.maker == world.identity.user and not state.closed and (spent or state.invite.expires_ms <= world.now):
                self._ledger.author(channel, Log.CONTROL, (CloseInvitation(invitation=record, index=index),))

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
                fence = tuple(
                    Tip(device=end.device, log=key[0], seq=end.seq, hash=end.id)
                    for key, end in sorted(channel.chains.ends.items())
                    if channel.control.user_of(end.device) == user
                )
                self._ledger.author(channel, Log.CONTROL, (Remove(user=user, fence=fence, reason=LEFT_REASON),))
                removed.add(user)

    def wake_times(self, channel: Channel) -> list[int]:
        """When our own invitations expire."""
        if not self.tidies(channel):
            return []
        states = channel.view.invitations.values()
        return [s.invite.expires_ms for s in states if s.maker == self._world.identity.user and not s.closed]
