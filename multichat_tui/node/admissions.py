"""Coming into channels by invitation links: what we ask of others, and what we do when somebody asks us."""

from multichat_tui.channel.view import InvitationState
from multichat_tui.crypto.identity import join_holds, sign_join
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.acts import Admit, Ask
from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.frames import JoinAnswer, JoinFrame, JoinOutcome
from multichat_tui.model.ids import LinkId, Log
from multichat_tui.model.invitations import InvitationKind, join_seed
from multichat_tui.model.joins import Join, decode_join
from multichat_tui.model.limits import MAX_CHANNEL_DEVICES, MAX_CHANNELS
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.guests import Guests
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.standing import Joining, Standing
from multichat_tui.node.typed_links import read_link
from multichat_tui.node.upkeep import Upkeep
from multichat_tui.node.world import Channel, World, new_channel
from multichat_tui.sync.session import Role, Session, Watch

REFUSED_NOTES = {
    JoinOutcome.SPENT: "The invitation was used up already. Ask for a new one.",
    JoinOutcome.EXPIRED: "The invitation has expired. Ask for a new one.",
    JoinOutcome.CLOSED: "The invitation was withdrawn. Ask for a new one.",
    JoinOutcome.OVER: "The channel was closed for good.",
    JoinOutcome.DENIED: "Somebody who may let people in said no.",
    JoinOutcome.REFUSED: "The invitation is not valid there. Ask for a new one.",
}


WAITING_NOTE = "Waiting for approval: somebody who may let people in has to agree."


class Admissions:
    def __init__(self, world: World, ledger: Ledger, exchange: Exchange, guests: Guests, upkeep: Upkeep) -> None:
        self._world = world
        self._ledger = ledger
        self._exchange = exchange
        self._guests = guests
        self._upkeep = upkeep
        self._waiting: dict[LinkId, bytes] = {}
        """Over links that are up: the joins that were answered by WAITING."""

    def join(self, link: str) -> Channel:
        world = self._world
        invitation = read_link(link, InvitationKind.JOIN)
        assert invitation.channel is not None
        known = world.channels.get(invitation.channel)
        if known is not None and known.standing.membership is Membership.JOINED:
            raise IntentRefused(Refusal.ALREADY, "You are in this channel already.")
        if invitation.user == world.identity.user:
            raise IntentRefused(Refusal.OWN_LINK, "This is your own link.", "Give it to the person who is to use it.")
        if invitation.expires_ms <= world.now:
            raise IntentRefused(Refusal.EXPIRED, "This link has expired.", "Ask for a new one.")
        if len(world.channels) >= MAX_CHANNELS:
            raise IntentRefused(Refusal.LIMIT, "There are too many channels.", "Leave one first.")
        identity = world.identity
        join = sign_join(
            identity.secrets,
            join_seed(invitation.seed),
            invitation.channel,
            identity.certificate,
            identity.name,
            world.now,
        )
        joining = Joining(
            seed=invitation.seed,
            inviter=invitation.user,
            addresses=invitation.addresses,
            expires_ms=invitation.expires_ms,
            join=join.encoded,
        )
        if known is None:
            known = new_channel(invitation.channel, Standing(membership=Membership.JOINING))
            world.add_channel(known)
        note = "Waiting for somebody of the channel to be reached."
        world.keep(known, known.standing.but(membership=Membership.JOINING, joining=joining, note=note))
        world.credentials_changed = True
        known.join_watch = None
        self.ask_members(known)
        return known

    def joining_by(self, join_key: bytes) -> Channel | None:
        """The channel that we want to come into by the invitation of this key."""
        for channel in self._world.channels.values():
            joining = channel.standing.joining
            if joining is not None and public_key(join_seed(joining.seed)) == join_key:
                return channel
        return None

    def ask_members(self, channel: Channel) -> None:
        """Any member can admit: ask those that we are linked with, above all the inviter; again while there is no answer."""
        world = self._world
        joining, watch = channel.standing.joining, channel.join_watch
        if (
            joining is None
            or channel.standing.membership is Membership.READING
            or (watch is not None and watch.next_at > world.now)
        ):
            return
        asked = [session for session in world.peers() if self.may_know(session, channel)]
        for session in asked:
            world.send(session, JoinFrame(join=joining.join))
        if asked:
            tries = 0 if watch is None else watch.tries + 1
            wait = min(session.rtt.timeout_ms(tries) for session in asked)
            world.introductions_changed = True
            channel.join_watch = Watch(sent_at=world.now, next_at=world.now + wait, tries=tries)

    def may_know(self, session: Session, channel: Channel) -> bool:
        """Whether a peer may be in a channel that we want to come into: the inviter, who is known to be in it, and who is in a
        workspace on whose list it stands."""
        joining = channel.standing.joining
        if joining is None or session.user == joining.inviter or (channel.rooted and channel.serves(session.device)):
            return joining is not None
        lists = (c for c in self._world.channels.values() if c.rooted and channel.id in c.view.directory)
        return any(workspace.serves(session.device) for workspace in lists)

    def on_join(self, session: Session, frame: JoinFrame) -> None:
        """Somebody wants to come in: admit them if the invitation allows."""
        world = self._world
        join = decode_join(frame.join)
        if isinstance(join, Rejected) or join.certificate.device != session.device:
            world.count("join-rejected")
            return
        channel = world.channels.get(join.channel)
        outcome = JoinOutcome.REFUSED
        if channel is not None and channel.rooted and channel.standing.membership is Membership.JOINED:
            outcome = self._admit(channel, join, frame.join)
        if outcome is JoinOutcome.REFUSED:
            world.count("join-refused")
        if outcome is JoinOutcome.WAITING:
            if self._waiting.get(session.link) == frame.join:
                # Said already over this link; the answer follows when there is one.
                return
            self._waiting[session.link] = frame.join
        else:
            self._waiting.pop(session.link, None)
        reason = ""
        if outcome is JoinOutcome.DENIED and channel is not None:
            refusal = channel.control.refusal(join.certificate.user, join.join_key)
            reason = "" if refusal is None else refusal.reason
        world.send(session, JoinAnswer(join_key=join.join_key, outcome=outcome, reason=reason))
        if outcome is JoinOutcome.ADMITTED:
            assert channel is not None
            if session.role is Role.PEER:
                self._exchange.announce(channel)
            else:
                self._guests.promote(session, join.certificate.user)

    def _admit(self, channel: Channel, join: Join, encoded: bytes) -> JoinOutcome:
        world = self._world
        user = join.certificate.user
        state = self._invitation(channel, join.join_key)
        if state is None:
            return JoinOutcome.REFUSED
        known = channel.control.user_of(join.certificate.device)
        if not join_holds(join) or known not in (None, user):
            # Before all else: what the join says of its device's user is nobody's word until then.
            return JoinOutcome.REFUSED
        if user in channel.view.members and known is not None:
            return JoinOutcome.ADMITTED
        if channel.view.closed:
            return JoinOutcome.OVER
        if state.closed and len(state.used_by) < state.invite.uses:
            return JoinOutcome.EXPIRED if state.invite.expires_ms <= world.now else JoinOutcome.CLOSED
        if state.closed or (not state.open and user not in state.used_by):
            return JoinOutcome.SPENT
        if state.invite.expires_ms <= world.now:
            return JoinOutcome.EXPIRED
        if channel.view.threshold(Permission.ADMIT) > MEMBER and user not in channel.view.members:
            return self._ask(channel, join, encoded)
        me, rank = world.identity.user, state.invite.rank
        mine, banned = channel.view.rank(me), any(ban.level > rank for ban in channel.view.bans.get(user, ()))
        if banned or mine is None or mine < rank or not channel.view.may(me, Permission.ADMIT):
            return JoinOutcome.REFUSED
        if len(channel.control.certificates) >= MAX_CHANNEL_DEVICES or not self._ledger.has_room(channel, by_itself=True):
            return JoinOutcome.REFUSED
        self._ledger.author(channel, Log.CONTROL, (Admit(join=encoded),))
        if user not in channel.view.members:
            return JoinOutcome.SPENT
        self._upkeep.tidy(channel)
        return JoinOutcome.ADMITTED

    def _ask(self, channel: Channel, join: Join, encoded: bytes) -> JoinOutcome:
        """Where somebody has to agree, the request is written down for all who may."""
        user, key = join.certificate.user, join.join_key
        if channel.control.refusal(user, key) is not None:
            return JoinOutcome.DENIED
        mine = channel.view.rank(self._world.identity.user)
        asks = [petition for petition in channel.control.waiting() if petition.join.join_key == key]
        if any(petition.user == user for petition in asks):
            return JoinOutcome.WAITING
        if channel.control.has_asked(user, key):
            # They were let in, and are out again.
            return JoinOutcome.SPENT
        state = self._invitation(channel, key)
        banned = state is not None and any(ban.level > state.invite.rank for ban in channel.view.bans.get(user, ()))
        if mine is None or mine < MEMBER or banned or not self._ledger.has_room(channel, by_itself=True):
            return JoinOutcome.REFUSED
        if state is not None and len({*state.used_by, *(petition.user for petition in asks)}) < state.invite.uses:
            self._ledger.author(channel, Log.CONTROL, (Ask(join=encoded),))
        return JoinOutcome.WAITING

    def answer_waiting(self, channel: Channel) -> None:
        """The control log has grown: who waits over a link may be in, or refused."""
        for link, encoded in list(self._waiting.items()):
            session, join = self._world.sessions.get(link), decode_join(encoded)
            if session is None or isinstance(join, Rejected):
                del self._waiting[link]
            elif join.channel == channel.id:
                self.on_join(session, JoinFrame(join=encoded))

    def _invitation(self, channel: Channel, join_key: bytes) -> InvitationState | None:
        found = [s for s in channel.view.invitations.values() if s.invite.join_key == join_key]
        return next((s for s in found if s.open), found[0] if found else None)

    def on_join_answer(self, session: Session, answer: JoinAnswer) -> None:
        channel = self.joining_by(answer.join_key)
        if channel is None or channel.standing.joining is None or channel.standing.membership is Membership.READING:
            return
        inviter = session.user == channel.standing.joining.inviter
        if answer.outcome is JoinOutcome.ADMITTED:
            session.conversation = None
            if session.role is Role.HOST:
                # The first offer of the channel follows; ours is empty, as we hold nothing that we share.
                self._world.keep(channel, channel.standing.but(note="Admitted; the channel is on its way."))
            channel.join_watch = None
        elif answer.outcome is JoinOutcome.WAITING:
            session.conversation = None
            if channel.standing.note != WAITING_NOTE:
                self._world.keep(channel, channel.standing.but(note=WAITING_NOTE))
        elif inviter or (answer.outcome is JoinOutcome.DENIED and session.role is Role.HOST):
            session.conversation = None
            self.refuse(channel, answer.outcome, answer.reason)
            if session.role is Role.HOST:
                self._world.close(session, "the invitation was refused")

    def refuse(self, channel: Channel, outcome: JoinOutcome, reason: str = "") -> None:
        """We were not let in."""
        world = self._world
        note = REFUSED_NOTES.get(outcome, REFUSED_NOTES[JoinOutcome.REFUSED])
        note = f"{note.removesuffix('.')}: {reason}" if reason else note
        world.keep(channel, channel.standing.but(membership=Membership.REFUSED, joining=None, note=note))
        world.credentials_changed = True
