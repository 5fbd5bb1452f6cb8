"""Pairing: becoming contacts by a link, which one gives and the other uses."""

from dataclasses import replace

from multichat_tui.crypto.identity import device_list_holds, statement_holds
from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.frames import PairFrame
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.invitations import SEED_BYTES, Invitation, InvitationKind, join_seed, token_key
from multichat_tui.model.limits import MAX_CONTACTS, MAX_LIST_NUMBER, MAX_OPEN_INVITATIONS
from multichat_tui.model.ports import Space
from multichat_tui.model.statements import Statement, StatementKind, decode_statement
from multichat_tui.node.devices import Devices
from multichat_tui.node.guests import Guests
from multichat_tui.node.standing import Contact, HeldPairing, OpenPairing, decode_held_pairing, decode_open_pairing
from multichat_tui.node.typed_links import read_link
from multichat_tui.node.world import World
from multichat_tui.sync.session import Role, Session


class Pairing:
    def __init__(self, world: World, devices: Devices, guests: Guests) -> None:
        self._world = world
        self._devices = devices
        self._guests = guests

    def invite(self, expires_in_ms: int, addresses: tuple[str, ...]) -> str:
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

    def accept(self, link: str) -> UserId:
        world = self._world
        invitation = read_link(link, InvitationKind.PAIR)
        if invitation.user == world.identity.user:
            raise IntentRefused(Refusal.OWN_LINK, "This is your own link.", "Give it to the person who is to use it.")
        if world.blocked(invitation.user):
            raise IntentRefused(Refusal.NOT_ALLOWED, "You have blocked the person who made this link.", "/unblock comes first.")
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

    def frame(self, join_key: bytes, share: bytes, *, confirmed: bool) -> PairFrame:
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
        if world.blocked(devices.user):
            # Not answered: who is turned away calls again at once, and who hears nothing waits.
            world.count("pair-blocked")
            return
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
            world.send(session, self.frame(frame.invitation, pairing.share, confirmed=True))
        self._guests.promote(session, devices.user)

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
        world.send(session, self.frame(frame.invitation, pairing.share, confirmed=True))
        self._guests.promote(session, devices.user)

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
        if world.blocked(devices.user):
            world.count("pair-blocked")
            return False
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


def _pairing_secret(seed: bytes, inviter_share: bytes, accepter_share: bytes) -> bytes:
    """Mixed from the link's seed and one share of each side."""
    return mac(token_key(seed), "mc.pairing", inviter_share, accepter_share)
