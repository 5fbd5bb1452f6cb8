"""Taking back what was done: every deed by its ordinary opposite, which others judge like any other act.

What cannot be taken back says so, and what to do instead. A record is undone as a whole, as far as it can be.
"""

from multichat_tui.channel.redacting import redactions
from multichat_tui.model.acts import (
    Act,
    CloseInvitation,
    Redact,
    Rename,
    SetTopic,
)
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.intents import ConfigureChannel, NameRole, UndoDeed
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.configuring import Configuring
from multichat_tui.node.moderating import Moderating, need
from multichat_tui.node.opposites import STAYS, Opposite, opposites, undo_words
from multichat_tui.node.world import Channel, World


class Undoing:
    def __init__(self, world: World, moderating: Moderating) -> None:
        self._world = world
        self._moderating = moderating
        self._configuring = Configuring(world)

    def decide(self, channel: Channel, intent: UndoDeed) -> tuple[Act, ...]:
        """The opposite of what a record did. `errors.IntentRefused`: we may not, or nothing of it is left."""
        operation = channel.control.operation(intent.record)
        if operation is None:
            record = self._world.txn.record(intent.record)
            if record is not None and record.channel == channel.id and any(redactions(acts_of(record))):
                raise IntentRefused(Refusal.ALREADY, STAYS[Redact])
            raise NotFound("The log of this channel does not hold that.", "/modlog shows what it holds.")
        if not channel.control.effective(operation.id):
            raise IntentRefused(Refusal.ALREADY, "That has no effect as it is: there is nothing to take back.")
        found = list(opposites(channel, operation, self._world.now, intent.reason))
        if not found:
            _, stays = undo_words(channel, operation, self._world.now, lambda user: "")
            raise IntentRefused(Refusal.ALREADY, stays or "There is nothing left of that to take back.")
        return tuple(act for what, _ in found for act in self._acts(channel, what))

    def _acts(self, channel: Channel, what: Opposite) -> tuple[Act, ...]:
        match what:
            case SetTopic():
                need(channel.view, self._world.identity.user, Permission.TOPIC, "set the topic")
                return (what,)
            case Rename():
                need(channel.view, self._world.identity.user, Permission.RENAME, "rename it")
                return (what,)
            case CloseInvitation():
                self._may_close(channel, what)
                return (what,)
            case ConfigureChannel():
                return self._configuring.decide(channel, what)
            case NameRole():
                return self._configuring.name_role(channel, what)
            case _:
                return self._moderating.decide(channel, what)

    def _may_close(self, channel: Channel, close: CloseInvitation) -> None:
        """One's own to MEMBER whatever one is; others only below one's own rank."""
        state, me = channel.view.invitations[close.invitation, close.index], self._world.identity.user
        if state.maker == me and state.invite.rank == MEMBER:
            return
        permission = Permission.INVITE if state.maker == me else Permission.MODERATE
        if state.invite.rank >= need(channel.view, me, permission, "close links of others"):
            raise IntentRefused(Refusal.NOT_ALLOWED, "That link leads to a rank that is not below yours.")
