"""Answers to those who ask to be let in, decided; `choices` writes them. What asks for them is in `admissions`."""

from collections.abc import Mapping

from multichat_tui.channel.petitions import Petition
from multichat_tui.model.acts import Admit, RefuseJoin
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import UserId, fingerprint
from multichat_tui.model.intents import ApproveJoin, DenyJoin
from multichat_tui.model.limits import MAX_CHANNEL_DEVICES
from multichat_tui.model.ranks import Permission
from multichat_tui.model.snapshots import WaitingRow
from multichat_tui.node.moderating import clean_reason, need
from multichat_tui.node.world import Channel, World


class Petitioning:
    def __init__(self, world: World) -> None:
        self._world = world

    def decide(self, channel: Channel, intent: ApproveJoin | DenyJoin) -> Admit | RefuseJoin:
        """`errors.IntentRefused`: every other node would refuse it, too."""
        mine = need(channel.view, self._world.identity.user, Permission.ADMIT, "let people in")
        petition = self._waiting(channel, intent.user)
        if isinstance(intent, DenyJoin):
            return RefuseJoin(user=petition.user, join_key=petition.join.join_key, reason=clean_reason(intent.reason))
        states = [s for s in channel.view.invitations.values() if s.invite.join_key == petition.join.join_key and s.open]
        if not states:
            raise IntentRefused(Refusal.SPENT, "Their invitation was used up or withdrawn meanwhile.", "/invite makes another.")
        if all(state.invite.rank > mine for state in states):
            raise IntentRefused(Refusal.NOT_ALLOWED, "Their invitation leads to a rank above yours.")
        if _kept_out(channel, petition):
            raise IntentRefused(Refusal.NOT_ALLOWED, "They are banned here.", "/unban lifts that.")
        if len(channel.control.certificates) >= MAX_CHANNEL_DEVICES:
            raise IntentRefused(Refusal.LIMIT, "This channel is full.")
        return Admit(join=petition.encoded)

    def _waiting(self, channel: Channel, user: UserId) -> Petition:
        found = [petition for petition in channel.control.waiting() if petition.user == user]
        if not found:
            raise NotFound("They do not ask to be let in.", "/joins lists who does.")
        # Of several links that they have, the one that leads on: the last that they used.
        return found[-1]


def awaited(channel: Channel) -> list[Petition]:
    """Those whom somebody could let in, the first first: whoever was banned meanwhile asks in vain. Who asks by several links,
    or several members, stands there once."""
    last = {petition.user: petition for petition in channel.control.waiting() if not _kept_out(channel, petition)}
    return list(last.values())


def _kept_out(channel: Channel, petition: Petition) -> bool:
    """Whether a ban stands against every rank that their invitation leads to."""
    bans = channel.view.bans.get(petition.user, ())
    key = petition.join.join_key
    ranks = [state.invite.rank for state in channel.view.invitations.values() if state.invite.join_key == key and state.open]
    return bool(bans) and all(any(ban.level > rank for ban in bans) for rank in ranks)


def waiting_rows(world: World, channel: Channel, names: Mapping[UserId, str]) -> tuple[WaitingRow, ...]:
    """Who asks to be let in, the first first."""
    makers = {state.invite.join_key: state.maker for state in channel.view.invitations.values() if state.open}
    return tuple(
        WaitingRow(
            user=petition.user,
            name=names[petition.user],
            fingerprint=fingerprint(petition.user),
            inviter=names[makers[petition.join.join_key]] if petition.join.join_key in makers else "",
            asked_ms=petition.join.timestamp_ms,
        )
        for petition in awaited(channel)
    )
