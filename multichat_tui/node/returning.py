"""How a restored device comes back: over a link under the account's return key, or one between members of a channel.

ASK from the device; TELL from a contact, or another device of the account: the newest device list known, the profile, and the
teller's own; DONE: the list that certifies the device; WELCOME: it was adopted. Each step proves the return key, which only the
account and its contacts have; the account's own key is proven by the handshake, or by the certificate under which the link is.
A question is put again until it is answered, and every step may be repeated: shares are the same each time.
"""

from multichat_tui.crypto.identity import device_list_holds, statement_holds
from multichat_tui.crypto.keys import equal, mac
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import MessageFrame, ReturnFrame, ReturnStage
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, UserId
from multichat_tui.model.limits import MAX_CONTACTS, MAX_INTEGER, MAX_LIST_NUMBER
from multichat_tui.model.ports import Space
from multichat_tui.model.statements import Profile, Statement, StatementKind, decode_profile, decode_statement
from multichat_tui.node.devices import Devices
from multichat_tui.node.guests import Guests
from multichat_tui.node.standing import Contact
from multichat_tui.node.world import World
from multichat_tui.sync.session import Role, Session, Watch

MAX_KEY_TRIES = 8
"""How often a return key is given again over one link, with doubling waits, to a contact who does not say that they have it."""


class Returning:
    """Both sides of the conversation, and the return keys that contacts give each other beforehand."""

    def __init__(self, world: World, devices: Devices, guests: Guests) -> None:
        self._world = world
        self._devices = devices
        self._guests = guests

    # Links

    def opened(self, session: Session) -> bool:
        """A link under an invitation is up: True if it is ours to speak on."""
        if session.role is not Role.HOST or session.join_key != self._world.identity.devices.account_key:
            return False
        self._ask(session)
        return True

    def linked(self, session: Session) -> None:
        """A link leads to a peer, or to a contact now: give our return key to a contact who lacks it; ask whoever may know us of
        old."""
        world = self._world
        identity, user = world.identity, session.user
        contact = None if user is None else world.contacts.get(user)
        if contact is not None:
            self._give_key(session, contact, 0)
        if identity.returning is not None and contact is None and user != identity.user and session.version >= 2:
            self._say(session, ReturnStage.ASK, identity.return_key)

    def tick(self) -> None:
        """Questions without an answer are put again, and one day nobody is waited for any more."""
        world = self._world
        for session in list(world.sessions.values()):
            watch = session.returning
            if watch is not None and watch.next_at <= world.now:
                watch.tries += 1
                self._ask(session)
            watch = session.giving_key
            contact = None if watch is None or session.user is None else world.contacts.get(session.user)
            if watch is not None and watch.next_at <= world.now:
                session.giving_key = None
                if contact is not None and watch.tries < MAX_KEY_TRIES:
                    self._give_key(session, contact, watch.tries + 1)
        returning = world.identity.returning
        if returning is not None and returning.over(world.now):
            world.identity.returned(world.txn)
            world.credentials_changed = True

    def wake_times(self) -> list[int]:
        sessions = self._world.sessions.values()
        times = [watch.next_at for s in sessions for watch in (s.returning, s.giving_key) if watch is not None]
        returning = self._world.identity.returning
        if returning is not None and returning.met:
            times.append(returning.ends_ms)
        return times

    def _ask(self, session: Session) -> None:
        world = self._world
        self._say(session, ReturnStage.ASK, world.identity.return_key)
        tries = 0 if session.returning is None else session.returning.tries
        session.returning = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(tries), tries=tries)

    # Return keys

    def _give_key(self, session: Session, contact: Contact, tries: int) -> None:
        """Unless they have it. Whoever does not take us for a contact yet, or any more, does not answer."""
        world = self._world
        identity = world.identity
        if contact.told or not identity.return_key or identity.stopped:
            return
        world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), return_key=identity.return_key))
        session.giving_key = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(tries), tries=tries)

    def on_key(self, session: Session, key: bytes, held: bytes) -> None:
        """A contact's return key, or the word that ours is kept."""
        world = self._world
        contact = None if session.user is None else world.contacts.get(session.user)
        if contact is None or session.role is not Role.PEER:
            return
        if key:
            if contact.return_key != key:
                self._keep(contact.but(return_key=key))
                world.credentials_changed = True
            world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), return_key_held=key[:PREFIX_SIZE]))
        elif held and held == world.identity.return_key[:PREFIX_SIZE] and not contact.told:
            self._keep(contact.but(told=True))
            session.giving_key = None

    def _keep(self, contact: Contact) -> None:
        world = self._world
        world.contacts[contact.user] = contact
        world.txn.put(Space.CONTACT, contact.user, contact.encoded())
        world.changed_contacts.add(contact.user)

    # The conversation

    def _say(self, session: Session, stage: ReturnStage, key: bytes, **parts: bytes) -> None:
        share = self._share(session.device)
        proof = _proof(key, stage, self._world.identity.device, session.device, share)
        self._world.send(session, ReturnFrame(stage=stage, proof=proof, share=share, **parts))

    def _share(self, device: DeviceId) -> bytes:
        """Our half of the secret with a device: the same at every repetition, so that nothing need be kept."""
        return mac(self._world.identity.secrets.signing_seed, "mc.retshare", device)

    def on_return(self, session: Session, frame: ReturnFrame) -> None:
        world = self._world
        teller = frame.stage in (ReturnStage.ASK, ReturnStage.DONE)
        user = self._returner(session) if teller else world.identity.user
        key = None if user is None else self._key_of(user)
        if not key or not equal(frame.proof, _proof(key, frame.stage, session.device, world.identity.device, frame.share)):
            # Any member of a channel is asked by a device that comes back, and only contacts can answer.
            world.count("return-not-ours")
            return
        assert user is not None
        match frame.stage:
            case ReturnStage.ASK:
                self._tell(session, user, key)
            case ReturnStage.TELL:
                self._told(session, frame, key)
            case ReturnStage.DONE:
                self._done(session, frame, user, key)
            case ReturnStage.WELCOME:
                self._welcome(session)

    def _returner(self, session: Session) -> UserId | None:
        """Whose account the device at the other end has proven to be of."""
        if session.role is Role.GUEST:
            certificate = session.certificate
            same = certificate is not None and certificate.account_key == session.join_key
            return certificate.user if certificate is not None and same else None
        return session.user if session.role is Role.PEER else None

    def _key_of(self, user: UserId) -> bytes:
        world = self._world
        if user == world.identity.user:
            return world.identity.return_key
        contact = world.contacts.get(user)
        return b"" if contact is None else contact.return_key

    def _tell(self, session: Session, user: UserId, key: bytes) -> None:
        world = self._world
        identity = world.identity
        listed = world.list_of(user)
        if listed is None or identity.stopped:
            return
        if session.device in listed.revoked:
            world.close(session, "its device is revoked")
            return
        own = user == identity.user
        profile = identity.profile if own else world.statements.get((user, StatementKind.PROFILE))
        self._say(
            session,
            ReturnStage.TELL,
            key,
            account_list=listed.encoded,
            account_profile=b"" if profile is None else profile.encoded,
            teller_list=b"" if own else identity.devices.encoded,
            teller_profile=b"" if own else identity.profile.encoded,
        )

    def _told(self, session: Session, frame: ReturnFrame, key: bytes) -> None:
        """Somebody knows us of old: take over what they hold, and show them the list that has us in it."""
        world = self._world
        identity = world.identity
        listed = _list(frame.account_list)
        if identity.returning is None or listed is None or listed.user != identity.user:
            world.count("return-rejected")
            return
        if frame.teller_list:
            met = self._befriend(session, frame, key)
        else:
            met = any(certificate.device == session.device for certificate in listed.living)
        if not met:
            world.count("return-rejected")
            world.close(session, "its identity does not hold")
            return
        unmet = not identity.returning.met
        self._devices.bring_together(listed)
        profile = _profile(frame.account_profile, identity.user)
        signers = {certificate.device for certificate in listed.certificates}
        newer = profile is not None and (unmet or profile[0].number > identity.profile.number)
        # None follows the greatest number there is: who has stolen a device of ours may have signed that.
        followed = profile is not None and profile[0].number < MAX_INTEGER
        if profile is not None and newer and followed and profile[0].device in signers:
            identity.take_over(world.txn, profile[0], profile[1])
            world.name_version += 1
        self._say(
            session,
            ReturnStage.DONE,
            key,
            account_list=identity.devices.encoded,
            account_profile=identity.profile.encoded,
        )

    def _befriend(self, session: Session, frame: ReturnFrame, key: bytes) -> bool:
        world = self._world
        listed, profile = _list(frame.teller_list), _profile(frame.teller_profile)
        if listed is None or listed.user == world.identity.user or (session.user not in (None, listed.user)):
            return False
        if all(certificate.device != session.device for certificate in listed.living):
            return False
        known = world.contacts.get(listed.user)
        if known is None and len(world.contacts) >= MAX_CONTACTS:
            return False
        secret = _secret(key, frame.share, self._share(session.device))
        first = known is None
        if known is None:
            known = Contact(devices=listed, secret=secret, confirmed=False, last_seen_ms=world.now, return_key=b"")
        if known.secret_of(session.device) != (secret, True):
            self._keep(known.apart.with_secret(session.device, secret, False))
            world.credentials_changed = True
        if first:
            self._devices.begin(listed)
            world.named.add(listed.user)
        self._devices.learn(listed, session)
        if profile is not None and profile[0].user == listed.user:
            world.learn_statement(profile[0])
        world.name_version += 1
        return True

    def _done(self, session: Session, frame: ReturnFrame, user: UserId, key: bytes) -> None:
        """The list that certifies the returning device: adopt it, and the link is a peer's."""
        world = self._world
        listed = _list(frame.account_list)
        if listed is None or listed.user != user or all(c.device != session.device for c in listed.living):
            world.count("return-rejected")
            return
        if not self._devices.learn(listed, session):
            # Ours is newer, or neither follows the other: it hears of ours and makes one that holds both.
            self._tell(session, user, key)
            return
        contact = world.contacts.get(user)
        if contact is not None:
            secret = _secret(key, self._share(session.device), frame.share)
            self._keep(contact.apart.with_secret(session.device, secret, True).but(last_seen_ms=world.now))
            world.credentials_changed = True
        profile = _profile(frame.account_profile, user)
        if contact is not None and profile is not None:
            world.learn_statement(profile[0])
        self._devices.write_now(user)
        self._say(session, ReturnStage.WELCOME, key)
        self._promote(session, user)

    def _welcome(self, session: Session) -> None:
        """They have our list, and the secret: the link is one between peers, and no other key is needed any more."""
        world = self._world
        session.returning = None
        user = session.user
        contact = None if user is None else world.contacts.get(user)
        if contact is not None and not contact.secret_of(session.device)[1]:
            secret, _ = contact.secret_of(session.device)
            self._keep(contact.apart.with_secret(session.device, secret, True))
            world.credentials_changed = True
        if user is not None and (contact is not None or user == world.identity.user):
            self._promote(session, user)

    def _promote(self, session: Session, user: UserId) -> None:
        # The return key stands for many: further contacts are looked for under it while this link lives.
        session.join_key = None
        session.returning = None
        self._guests.promote(session, user)


def _list(encoded: bytes) -> DeviceList | None:
    listed = decode_device_list(encoded)
    if isinstance(listed, Rejected) or listed.number >= MAX_LIST_NUMBER or not device_list_holds(listed):
        return None
    return listed


def _profile(encoded: bytes, user: UserId | None = None) -> tuple[Statement, Profile] | None:
    statement = decode_statement(encoded)
    if isinstance(statement, Rejected) or statement.kind != StatementKind.PROFILE or not statement_holds(statement):
        return None
    profile = decode_profile(statement.content)
    if isinstance(profile, Rejected) or user not in (None, statement.user):
        return None
    return statement, profile


def _proof(key: bytes, stage: ReturnStage, sender: DeviceId, receiver: DeviceId, share: bytes) -> bytes:
    return mac(key, "mc.retproof", bytes([stage]), sender, receiver, share)


def _secret(key: bytes, teller_share: bytes, returner_share: bytes) -> bytes:
    return mac(key, "mc.retpair", teller_share, returner_share)
