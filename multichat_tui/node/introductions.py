"""How people come to know each other: pairing by link, joining a channel by link, and direct channels that others begin.

An invitation link opens a connection whose other end is told nothing but the answer to it. Frames are repeated until answered,
and answers are repeated for the same question, so that a crash or a lost frame at any point costs time only.
"""

from dataclasses import replace

from multichat_tui.channel.control import root_create
from multichat_tui.channel.view import InvitationState
from multichat_tui.crypto.identity import device_list_holds, founders_hold, join_holds, sign_join, statement_holds
from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.acts import Admit, CloseInvitation, Remove, Style, Tip, decode_acts
from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.frames import (
    ChainRange,
    ChannelOffer,
    FullItem,
    JoinAnswer,
    JoinFrame,
    JoinOutcome,
    MessageFrame,
    Offer,
    PairFrame,
    Request,
)
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.invitations import SEED_BYTES, Invitation, InvitationKind, join_seed, parse_link, token_key
from multichat_tui.model.joins import Join, decode_join
from multichat_tui.model.limits import (
    MAX_CHANNEL_DEVICES,
    MAX_CHANNELS,
    MAX_CONTACTS,
    MAX_LIST_NUMBER,
    MAX_OPEN_INVITATIONS,
    SALT_BYTES,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.records import Kind, decode_record
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.statements import Statement, StatementKind, decode_statement
from multichat_tui.node.devices import Devices
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.guests import Guests
from multichat_tui.node.islands import forget_islands
from multichat_tui.node.ledger import LEFT_REASON, Ledger
from multichat_tui.node.standing import (
    Contact,
    HeldPairing,
    Joining,
    OpenPairing,
    Standing,
    decode_held_pairing,
    decode_open_pairing,
)
from multichat_tui.node.world import Channel, World, new_channel
from multichat_tui.sync.session import Role, Session, Watch

COMING_BACK_MS = 10 * 60 * 1000
"""A channel offered to a restored device is given up after this if its control log has not shown us in it."""
MAX_BEGUN = 8
"""Living direct channels with one contact. Two are made if both begin one at once; more are nobody's wish but a flood's."""
REFUSED_NOTES = {
    JoinOutcome.SPENT: "The invitation was used up already. Ask for a new one.",
    JoinOutcome.EXPIRED: "The invitation has expired. Ask for a new one.",
    JoinOutcome.CLOSED: "The invitation was withdrawn. Ask for a new one.",
    JoinOutcome.REFUSED: "The invitation is not valid there. Ask for a new one.",
}


def read_link(text: str, kind: InvitationKind) -> Invitation:
    """The invitation of a typed link, or a refusal in words."""
    invitation = parse_link(text)
    if isinstance(invitation, Rejected):
        raise IntentRefused(Refusal.BAD_LINK, f"This is no usable invitation: {invitation.detail}.", "Copy the whole link again.")
    if invitation.kind is not kind:
        other = "/join LINK" if invitation.kind is InvitationKind.JOIN else "/pair LINK"
        what = "a channel" if invitation.kind is InvitationKind.JOIN else "becoming contacts"
        raise IntentRefused(Refusal.BAD_LINK, f"This link is an invitation to {what}.", f"Use {other}.")
    return invitation


class Introductions:
    def __init__(self, world: World, ledger: Ledger, exchange: Exchange, devices: Devices, guests: Guests) -> None:
        self._world = world
        self._ledger = ledger
        self._exchange = exchange
        self._devices = devices
        self._guests = guests
        exchange.arrivals.on_progress = self.progress

    # Links

    def opened(self, session: Session) -> None:
        """A link under an invitation is up."""
        if session.role is not Role.HOST or session.join_key is None:
            return
        self._ask(session)

    def _ask(self, session: Session) -> None:
        """Say what we came for."""
        world = self._world
        join_key = session.join_key
        assert join_key is not None
        value = world.txn.get(Space.PAIRING, join_key)
        if value is not None:
            pairing = decode_held_pairing(value)
            if session.user != pairing.user:
                world.close(session, "somebody else answered")
                return
            world.send(session, self._pair_frame(join_key, pairing.share, confirmed=False))
        else:
            channel = self._joining(join_key)
            if channel is None or channel.standing.joining is None:
                world.close(session, "nothing to ask for")
                return
            world.send(session, JoinFrame(join=channel.standing.joining.join))
        tries = 0 if session.conversation is None else session.conversation.tries
        world.introductions_changed = True
        session.conversation = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(tries), tries=tries)

    def _joining(self, join_key: bytes) -> Channel | None:
        for channel in self._world.channels.values():
            joining = channel.standing.joining
            if joining is not None and public_key(join_seed(joining.seed)) == join_key:
                return channel
        return None

    def tick(self) -> None:
        """Questions without an answer are put again; expired invitations end."""
        world = self._world
        for session in list(world.sessions.values()):
            watch = session.conversation
            if watch is not None and watch.next_at <= world.now:
                watch.tries += 1
                self._ask(session)
        for channel in list(world.channels.values()):
            if channel.live and channel.rooted:
                self._tidy(channel)
            joining = channel.standing.joining
            if joining is not None and joining.expires_ms <= world.now:
                self._refuse(channel, JoinOutcome.EXPIRED)
            elif joining is not None:
                self._ask_members(channel)
            if channel.coming_back_until is not None and channel.coming_back_until <= world.now:
                forget_islands(world.txn, channel)
                world.txn.forget_channel(channel.id)
                world.drop_channel(channel)
        for space in (Space.PAIRING, Space.INVITATION):
            for key, value in world.txn.scan(space):
                decoded = decode_held_pairing(value) if space is Space.PAIRING else decode_open_pairing(value)
                if decoded.expires_ms <= world.now:
                    world.txn.delete(space, key)
                    world.credentials_changed = True

    def wake_times(self) -> list[int]:
        world = self._world
        times = [s.conversation.next_at for s in world.sessions.values() if s.conversation is not None]
        for channel in world.channels.values():
            if channel.coming_back_until is not None:
                times.append(channel.coming_back_until)
            if channel.standing.joining is not None:
                times.append(channel.standing.joining.expires_ms)
                if channel.join_watch is not None and any(s.user == channel.standing.joining.inviter for s in world.peers()):
                    times.append(channel.join_watch.next_at)
            if self._tidies(channel):
                mine = (s for s in channel.view.invitations.values() if s.maker == world.identity.user and not s.closed)
                times += [state.invite.expires_ms for state in mine]
        return times

    # Pairing

    def invite_contact(self, expires_in_ms: int, addresses: tuple[str, ...]) -> str:
        world = self._world
        if len(world.txn.scan(Space.INVITATION)) >= MAX_OPEN_INVITATIONS:
            raise IntentRefused(Refusal.LIMIT, "There are too many open invitations.", "Wait until some have expired.")
        seed = world.entropy(SEED_BYTES)
        pairing = OpenPairing(seed=seed, share=world.entropy(32), expires_ms=world.now + expires_in_ms)
        world.txn.put(Space.INVITATION, public_key(join_seed(seed)), pairing.encoded())
        world.credentials_changed = True
        return Invitation(
            kind=InvitationKind.PAIR,
            seed=seed,
            user=world.identity.user,
            expires_ms=pairing.expires_ms,
            addresses=addresses,
        ).link

    def accept_contact(self, link: str) -> UserId:
        world = self._world
        invitation = read_link(link, InvitationKind.PAIR)
        if invitation.user == world.identity.user:
            raise IntentRefused(Refusal.OWN_LINK, "This is your own link.", "Give it to the person who is to use it.")
        if invitation.expires_ms <= world.now:
            raise IntentRefused(Refusal.EXPIRED, "This link has expired.", "Ask for a new one.")
        if invitation.user in world.contacts:
            raise IntentRefused(Refusal.ALREADY, "You are contacts already.", "Use /msg to write to them.")
        if len(world.contacts) >= MAX_CONTACTS:
            raise IntentRefused(Refusal.LIMIT, "There are too many contacts.")
        join_key = public_key(join_seed(invitation.seed))
        if world.txn.get(Space.PAIRING, join_key) is None:
            pairing = HeldPairing(
                seed=invitation.seed,
                share=world.entropy(32),
                user=invitation.user,
                addresses=invitation.addresses,
                expires_ms=invitation.expires_ms,
            )
            world.txn.put(Space.PAIRING, join_key, pairing.encoded())
        world.credentials_changed = True
        return invitation.user

    def _pair_frame(self, join_key: bytes, share: bytes, *, confirmed: bool) -> PairFrame:
        identity = self._world.identity
        return PairFrame(
            invitation=join_key,
            devices=identity.devices.encoded,
            profile=identity.profile.encoded,
            share=share,
            confirmed=confirmed,
        )

    def on_pair(self, session: Session, frame: PairFrame) -> None:
        if session.role is Role.HOST and frame.invitation == session.join_key:
            self._paired_by_host(session, frame)
        elif frame.invitation == session.join_key or (session.join_key is None and session.role is Role.PEER):
            self._paired_by_guest(session, frame)

    def _paired_by_guest(self, session: Session, frame: PairFrame) -> None:
        """Somebody came with a pairing link of ours."""
        world = self._world
        value = world.txn.get(Space.INVITATION, frame.invitation)
        if value is None:
            world.close(session, "the invitation is gone")
            return
        pairing = decode_open_pairing(value)
        half = self._half(session, frame)
        if half is None:
            world.count("pair-rejected")
            world.close(session, "its identity does not hold")
            return
        devices, profile = half
        if pairing.expires_ms <= world.now or (pairing.user is not None and pairing.user != devices.user):
            world.count("pair-spent")
            world.close(session, "the invitation is spent")
            return
        secret = _pairing_secret(pairing.seed, pairing.share, frame.share)
        if pairing.user is None:
            spent = OpenPairing(seed=pairing.seed, share=pairing.share, expires_ms=pairing.expires_ms, user=devices.user)
            world.txn.put(Space.INVITATION, frame.invitation, spent.encoded())
        if not self._befriend(session, devices, profile, secret, confirmed=frame.confirmed):
            return
        if not frame.confirmed:
            world.send(session, self._pair_frame(frame.invitation, pairing.share, confirmed=True))
        self.promote(session, devices.user)

    def _paired_by_host(self, session: Session, frame: PairFrame) -> None:
        """The maker of the link has answered."""
        world = self._world
        value = world.txn.get(Space.PAIRING, frame.invitation)
        half = self._half(session, frame)
        if value is None or half is None:
            world.close(session, "its identity does not hold")
            return
        pairing = decode_held_pairing(value)
        devices, profile = half
        if devices.user != pairing.user or not frame.confirmed:
            world.close(session, "somebody else answered")
            return
        secret = _pairing_secret(pairing.seed, frame.share, pairing.share)
        if not self._befriend(session, devices, profile, secret, confirmed=True):
            return
        world.txn.delete(Space.PAIRING, frame.invitation)
        session.conversation = None
        world.send(session, self._pair_frame(frame.invitation, pairing.share, confirmed=True))
        self.promote(session, devices.user)

    def _half(self, session: Session, frame: PairFrame) -> tuple[DeviceList, Statement] | None:
        """The other side's device list and profile, if they hold and are of the device at the link's end."""
        devices = decode_device_list(frame.devices)
        profile = decode_statement(frame.profile)
        if isinstance(devices, Rejected) or isinstance(profile, Rejected):
            return None
        if not device_list_holds(devices) or not statement_holds(profile) or profile.kind != StatementKind.PROFILE:
            return None
        living = {certificate.device for certificate in devices.living}
        if session.device not in living or profile.device not in living or profile.user != devices.user:
            return None
        if session.user is not None and session.user != devices.user:
            return None
        return devices, profile

    def _befriend(self, session: Session, devices: DeviceList, profile: Statement, secret: bytes, *, confirmed: bool) -> bool:
        """False if the list is an older one than we know, and does not name the device at the other end any more."""
        if self.befriend(session.device, devices, profile, secret, confirmed=confirmed, session=session):
            return True
        self._world.close(session, "its device is not one of theirs any more")
        return False

    def befriend(
        self,
        device: DeviceId,
        devices: DeviceList,
        profile: Statement,
        secret: bytes,
        *,
        confirmed: bool,
        session: Session | None = None,
    ) -> bool:
        """Keep a contact who was proven to use `device`, with the secret that it and we have. False: the list is an older one
        than we know, and the device is not in the newest any more."""
        world = self._world
        if devices.number >= MAX_LIST_NUMBER:
            # Neither could a later list follow, nor could it be offered to anybody.
            world.count("devices-rejected")
            return False
        self._devices.learn(devices, session)
        newest = world.list_of(devices.user) or devices
        if all(certificate.device != device for certificate in newest.living):
            world.count("pair-old-devices")
            return False
        known = world.contacts.get(devices.user)
        if known is None or (not known.secrets and len(newest.living) == 1):
            contact = Contact(
                devices=newest,
                secret=secret,
                confirmed=confirmed or (known is not None and known.confirmed and known.secret == secret),
                verified=known is not None and known.verified,
                last_seen_ms=world.now,
                return_key=b"" if known is None else known.return_key,
                told=known is not None and known.told,
            )
            first = known is None
            if len(newest.living) > 1:
                contact = contact.but(confirmed=False).apart.with_secret(device, secret, confirmed)
        else:
            first = False
            had = known.secret_of(device)
            contact = known.with_secret(device, secret, confirmed or had == (secret, True)).but(last_seen_ms=world.now)
        if contact != known:
            world.contacts[devices.user] = contact
            world.txn.put(Space.CONTACT, devices.user, contact.encoded())
            world.credentials_changed = True
        if first:
            self._devices.begin(newest)
            world.named.add(devices.user)
        world.name_version += 1
        world.changed_contacts.add(devices.user)
        world.learn_statement(profile)
        return True

    def promote(self, session: Session, user: UserId) -> None:
        """The other end of an invitation's link has become a peer."""
        session.conversation = None
        if session.role is not Role.PEER:
            self._guests.promote(session, user)
            self._exchange.begin(session)

    def seen(self, session: Session, key: bytes = b"") -> None:
        """A contact is or was just now linked; who made the link under the key with the pairing secret has it."""
        world = self._world
        contact = None if session.user is None else world.contacts.get(session.user)
        if contact is None:
            return
        changed = replace(contact, last_seen_ms=world.now)
        secret, confirmed = contact.secret_of(session.device)
        if not confirmed:
            certificate = next((c for c in contact.devices.living if c.device == session.device), None)
            if certificate is not None and key == world.link_keys(certificate)[0]:
                apart = bool(contact.secrets)
                changed = changed.with_secret(session.device, secret, True) if apart else replace(changed, confirmed=True)
                world.credentials_changed = True
        world.contacts[contact.user] = changed
        world.txn.put(Space.CONTACT, contact.user, changed.encoded())

    # Joining

    def join_channel(self, link: str) -> Channel:
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
        self._ask_members(known)
        return known

    def _ask_members(self, channel: Channel) -> None:
        """Any member can admit: ask those that we are linked with, above all the inviter; again while there is no answer."""
        world = self._world
        joining, watch = channel.standing.joining, channel.join_watch
        if joining is None or (watch is not None and watch.next_at > world.now):
            return
        asked = [s for s in world.peers() if s.user == joining.inviter or (channel.rooted and channel.serves(s.device))]
        for session in asked:
            world.send(session, JoinFrame(join=joining.join))
        if asked:
            tries = 0 if watch is None else watch.tries + 1
            wait = min(session.rtt.timeout_ms(tries) for session in asked)
            world.introductions_changed = True
            channel.join_watch = Watch(sent_at=world.now, next_at=world.now + wait, tries=tries)

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
        world.send(session, JoinAnswer(join_key=join.join_key, outcome=outcome))
        if outcome is JoinOutcome.ADMITTED:
            assert channel is not None
            if session.role is Role.PEER:
                self._exchange.announce(channel)
            else:
                self.promote(session, join.certificate.user)

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
        if state.closed and len(state.used_by) < state.invite.uses:
            return JoinOutcome.EXPIRED if state.invite.expires_ms <= world.now else JoinOutcome.CLOSED
        if state.closed or (not state.open and user not in state.used_by):
            return JoinOutcome.SPENT
        if state.invite.expires_ms <= world.now:
            return JoinOutcome.EXPIRED
        if len(channel.control.certificates) >= MAX_CHANNEL_DEVICES or not self._ledger.has_room(channel, by_itself=True):
            return JoinOutcome.REFUSED
        self._ledger.author(channel, Log.CONTROL, (Admit(join=encoded),))
        if user not in channel.view.members:
            return JoinOutcome.SPENT
        self._tidy(channel)
        return JoinOutcome.ADMITTED

    def _invitation(self, channel: Channel, join_key: bytes) -> InvitationState | None:
        found = [s for s in channel.view.invitations.values() if s.invite.join_key == join_key]
        return next((s for s in found if s.open), found[0] if found else None)

    def on_join_answer(self, session: Session, answer: JoinAnswer) -> None:
        channel = self._joining(answer.join_key)
        if channel is None or channel.standing.joining is None:
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
            self._world.keep(channel, channel.standing.but(note="Waiting for approval."))
        elif inviter:
            session.conversation = None
            self._refuse(channel, answer.outcome)
            if session.role is Role.HOST:
                self._world.close(session, "the invitation was refused")

    def _refuse(self, channel: Channel, outcome: JoinOutcome) -> None:
        world = self._world
        note = REFUSED_NOTES.get(outcome, REFUSED_NOTES[JoinOutcome.REFUSED])
        world.keep(channel, channel.standing.but(membership=Membership.REFUSED, joining=None, note=note))
        world.credentials_changed = True

    def progress(self, session: Session, channel: Channel) -> None:
        """Records of a channel were delivered from a link: we may have become a member, or ceased to be one."""
        world = self._world
        session.moved_at = world.now
        if not channel.rooted:
            return
        me = world.identity.user
        member = me in channel.view.members
        if channel.standing.membership is Membership.JOINING and member and self._is_back(channel):
            channel.coming_back_until = None
            world.keep(channel, channel.standing.but(membership=Membership.JOINED, joining=None, note=""))
            world.credentials_changed = True
            self._exchange.announce(channel)
        elif channel.standing.membership is Membership.JOINED and not member:
            note = "You were removed from this channel."
            world.keep(channel, channel.standing.but(membership=Membership.REMOVED, note=note))
            world.credentials_changed = True
        for host in [s for s in world.sessions.values() if s.role is Role.HOST] if member else []:
            user = channel.control.user_of(host.device)
            pairing = host.join_key is not None and world.txn.get(Space.PAIRING, host.join_key) is not None
            if user is not None and channel.serves(host.device) and not pairing:
                self.promote(host, user)
        self._devices.look_at(channel)
        if channel.live:
            self._greet(channel)
            self._confirm_leavings(channel)
            self._tidy(channel)

    def _is_back(self, channel: Channel) -> bool:
        """A channel that we asked to join, or one that was offered to a restored device, whose control log shows that our account
        has come in by itself and that this device is one of the account's: nobody else's word puts us into a channel."""
        if channel.standing.joining is not None:
            return True
        world, control = self._world, channel.control
        me = world.identity
        certificate = control.certificates.get(me.device)
        if certificate is None or certificate.user != me.user or me.device in channel.view.revocations:
            return False
        founded = control.user_of(control.root_device) == me.user
        return founded or bool(control.join_name(me.user)) or channel.view.style is Style.DIRECT

    def _greet(self, channel: Channel) -> None:
        """Members who are linked and were never told of the channel are told now."""
        for session in self._world.peers():
            if channel.id not in session.sent and channel.serves(session.device):
                session.push_due.setdefault(channel.id, set())

    def _confirm_leavings(self, channel: Channel) -> None:
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

    def _tidy(self, channel: Channel) -> None:
        """Our own invitations that are spent or have expired are closed (authority.md, rule 6)."""
        world = self._world
        if not self._tidies(channel):
            return
        for (record, index), state in list(channel.view.invitations.items()):
            spent = len(state.used_by) >= state.invite.uses
            if not self._tidies(channel):
                return
            if state.maker == world.identity.user and not state.closed and (spent or state.invite.expires_ms <= world.now):
                self._ledger.author(channel, Log.CONTROL, (CloseInvitation(invitation=record, index=index),))

    def _tidies(self, channel: Channel) -> bool:
        """Whether our closing of an invitation would count, and be taken."""
        return (
            channel.rooted
            and channel.standing.membership is Membership.JOINED
            and self._world.identity.user in channel.view.members
            and self._ledger.has_room(channel, by_itself=True)
        )

    # Direct channels that others begin

    def on_unknown_channel(self, session: Session, entry: ChannelOffer) -> None:
        """A contact offers a channel that we do not know: ask for its root; it is taken if it is our direct channel, or to all
        appearances one that our account is in."""
        if self._comes_back_by(session) and len(self._world.channels) < MAX_CHANNELS and len(session.offered) < MAX_CHANNELS:
            session.offered[entry.channel] = {(tip.log, tip.device): tip.seq for tip in entry.tips}
            self._world.send(session, Request(channel=entry.channel[:PREFIX_SIZE], ids=(RecordId(entry.channel),)))
            return
        if session.user not in self._world.contacts:
            return
        ranges = tuple(ChainRange(device=t.device, log=t.log, first=0, last=0) for t in entry.tips if t.log is Log.CONTROL)
        if ranges and len(self._world.channels) < MAX_CHANNELS and len(session.offered) < MAX_CHANNELS:
            session.offered[entry.channel] = {(tip.log, tip.device): tip.seq for tip in entry.tips}
            self._world.send(session, Request(channel=entry.channel[:PREFIX_SIZE], ranges=ranges[:2]))

    def on_unknown_message(self, session: Session, frame: MessageFrame) -> bool:
        """Whether the frame brings the root of a direct channel of this contact and us; then the channel is added, empty."""
        world = self._world
        if len(world.channels) >= MAX_CHANNELS:
            return False
        if self._comes_back_by(session):
            return self._take_back(frame)
        if session.user not in world.contacts:
            return False
        if sum(1 for channel in world.channels.values() if channel.live and world.partner(channel) == session.user) >= MAX_BEGUN:
            world.count("too-many-direct-channels")
            return False
        for item in frame.items:
            if not isinstance(item, FullItem):
                continue
            record = decode_record(item.header_bytes, item.signature, item.body)
            if isinstance(record, Rejected) or record.header.kind != Kind.ROOT or record.body is None:
                continue
            acts = decode_acts(record.body[SALT_BYTES:], Log.CONTROL)
            create = None if isinstance(acts, Rejected) else root_create(record, acts)
            if create is None or create.style is not Style.DIRECT or record.id[:PREFIX_SIZE] != frame.channel:
                continue
            founders = {founder[0].user for founder in create.founders}
            devices = {c.device for founder in create.founders for c in founder}
            if founders != {world.identity.user, session.user} or world.identity.device not in devices:
                continue
            if not founders_hold(create):
                world.count("forged-founder")
                continue
            channel = new_channel(ChannelId(record.id), Standing(membership=Membership.JOINED))
            channel.plan_at = world.now
            world.add_channel(channel)
            world.keep(channel, channel.standing)
            return True
        return False

    def _comes_back_by(self, session: Session) -> bool:
        """Whether a peer may show us channels of our account: another device of it always, a contact while we come back."""
        world = self._world
        if session.role is not Role.PEER or world.identity.unmet:
            return False
        if session.user == world.identity.user:
            return True
        return world.identity.returning is not None and session.user in world.contacts

    def _take_back(self, frame: MessageFrame) -> bool:
        """The root of a channel that may be our account's: its control log will show whether it is (see `_is_back`)."""
        world = self._world
        for item in frame.items:
            record = decode_record(item.header_bytes, item.signature, item.body) if isinstance(item, FullItem) else None
            if record is None or isinstance(record, Rejected) or record.header.kind != Kind.ROOT or record.body is None:
                continue
            acts = decode_acts(record.body[SALT_BYTES:], Log.CONTROL)
            create = None if isinstance(acts, Rejected) else root_create(record, acts)
            if create is None or record.id[:PREFIX_SIZE] != frame.channel or not founders_hold(create):
                continue
            founders = {founder[0].user for founder in create.founders}
            if create.style is Style.DIRECT and world.identity.user not in founders:
                continue
            note = "Coming back from those who have it."
            channel = new_channel(ChannelId(record.id), Standing(membership=Membership.JOINING, note=note))
            channel.plan_at = world.now
            channel.coming_back_until = world.now + COMING_BACK_MS
            world.add_channel(channel)
            world.keep(channel, channel.standing)
            world.introductions_changed = True
            return True
        return False


def _pairing_secret(seed: bytes, inviter_share: bytes, accepter_share: bytes) -> bytes:
    """Mixed from the link's seed and one share of each side."""
    return mac(token_key(seed), "mc.pairing", inviter_share, accepter_share)


def unknown_channels(world: World, offer: Offer) -> list[ChannelOffer]:
    return [entry for entry in offer.channels if entry.channel not in world.channels]
