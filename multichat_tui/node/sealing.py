"""Sealing: contents for one device become a message that only that device opens, and back, with the state of both kept in the
same transaction. The rules about sessions stand in docs/protocol/envelopes.md.
"""

from dataclasses import replace

from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import (
    MAX_CONTENTS_BYTES,
    MAX_UNANSWERED,
    NEW_SESSION_MS,
    SEAL_SALT_BYTES,
    SESSION_KEPT_MS,
)
from multichat_tui.model.sealed import MAX_COUNTER, Sealed, decode_sealed
from multichat_tui.node.identity import olm_account
from multichat_tui.node.kept_sessions import KeptSessions, Live, Notes, SessionNote, heard, sending, with_note
from multichat_tui.node.opened import Opened
from multichat_tui.node.prekeys import FALLBACK, Prekeys
from multichat_tui.node.world import World

FIRST_KIND = 0


class Sealing:
    def __init__(self, world: World) -> None:
        self._world = world
        self._prekeys = Prekeys(world)
        self._opened = Opened(world)
        self._sessions = KeptSessions(world)
        self._swept = False

    def prekey_for(self, audience: bytes) -> bytes:
        """The key (32 bytes) that a route for this audience carries from now on: one for them alone by a contact's user id, or
        one's own for one's other devices; the fallback key by a channel's id. When it has changed later,
        `world.prekeys_changed` says for whom."""
        return self._prekeys.current(audience)

    def fallback_key(self) -> bytes:
        """The key that stands in all routes, as the only one or beside one of their own."""
        return self._prekeys.current(FALLBACK)

    # Writing

    def can_seal(self, device: DeviceId, prekey: bytes | None, fallback: bytes | None = None) -> bool:
        """Whether `seal` has what it needs."""
        if self._world.certificate_of(device) is None or self._world.identity.stopped:
            return False
        return sending(self._sessions.notes(device)) is not None or self._first_key(device, prekey, fallback) is not None

    def seal(self, device: DeviceId, prekey: bytes | None, contents: bytes, fallback: bytes | None = None) -> bytes | None:
        """The sealed message, for this device alone. `prekey` is the key for us alone in its newest route, `fallback` the one
        for all. None: there is neither a session nor a key to begin one with, or it is no device of ours to write to.

        ValueError: contents longer than MAX_CONTENTS_BYTES.
        """
        world = self._world
        if len(contents) > MAX_CONTENTS_BYTES:
            raise ValueError("contents too long to be sealed")
        certificate = world.certificate_of(device)
        if certificate is None or world.identity.stopped:
            return None
        notes = self._sessions.notes(device)
        note = sending(notes)
        live = None if note is None else self._sessions.live(device, note.session)
        if note is None or live is None:
            key = self._first_key(device, prekey, fallback)
        else:
            key = fallback if fallback is not None and self._replaceable(notes, note, live, fallback) else None
        begun = None if key is None else world.ratchets.begin(olm_account(world.txn), certificate.olm_key, key)
        if key is not None and begun is not None:
            note, live = SessionNote(session=begun[0], prekey=key, ours=True, made_ms=world.now), Live(ratchets=begun[1])
            self._add(device, note, live)
            if key == prekey:
                self._prekeys.spend(device, key)
        if note is None or live is None or live.sent >= MAX_COUNTER:
            return None
        kind, ciphertext = live.ratchets.encrypt(world.entropy(SEAL_SALT_BYTES) + contents)
        sealed = Sealed(session=note.session, counter=live.sent, kind=kind, ciphertext=ciphertext)
        live.sent, live.unanswered, live.used_ms = live.sent + 1, live.unanswered + 1, world.now
        self._sessions.changed(device, note.session)
        return sealed.encoded

    def _first_key(self, device: DeviceId, prekey: bytes | None, fallback: bytes | None) -> bytes | None:
        """By which key a first session is begun: the one for us alone is good for one, ever."""
        return fallback if prekey is None or self._prekeys.is_spent(device, prekey) else prekey

    def doubt(self, device: DeviceId) -> bytes | None:
        """What was sealed for a device should have been acknowledged by now: it was heard of since. Another session may be begun
        with the next, at most one an hour. The session's id; None: nothing was written in it since the device has written."""
        notes = self._sessions.notes(device)
        note = sending(notes)
        live = None if note is None else self._sessions.live(device, note.session)
        if note is None or live is None or not live.unanswered:
            return None
        if not note.doubted:
            self._sessions.note(device, with_note(notes, replace(note, doubted=True)))
        return note.session

    def _replaceable(self, notes: Notes, note: SessionNote, live: Live, fallback: bytes) -> bool:
        """Whether another session, begun with the fallback key, is better than this one. By the same key it is not while that
        one is not answered: each of its messages can begin it. But after too many that are lost none can be read."""
        lost = live.unanswered >= MAX_UNANSWERED
        if not (note.doubted or lost):
            return False
        if note.ours and note.prekey == fallback and not note.turn and not lost:
            return False
        begun = [known.made_ms for known in notes if known.ours]
        return not begun or not 0 <= self._world.now - max(begun) < NEW_SESSION_MS

    # Reading

    def unseal(self, device: DeviceId, sealed: bytes) -> bytes | Rejected:
        """The contents of what a device has sealed for this one; each message once. What is refused leaves everything as it was,
        and is counted: `Reason.REPLAYED` is a copy of what was opened, anything else is lost and has to be said again."""
        copy = self._opened.has(device, sealed)
        contents = Rejected(Reason.REPLAYED) if copy else self._unseal(device, sealed)
        if isinstance(contents, Rejected):
            self._world.count(f"envelope-{contents.reason}")
        else:
            self._opened.add(device, sealed)
        return contents

    def was_opened(self, device: DeviceId, sealed: bytes) -> bool:
        """Whether this is a copy of what was opened before, in the time that an envelope may lie in a mailbox."""
        return self._opened.has(device, sealed)

    def order(self, sealed: bytes) -> tuple[bytes, int] | Rejected:
        """(session id, counter): what one device has written is opened in this order, so that little is passed over."""
        found = decode_sealed(sealed)
        return found if isinstance(found, Rejected) else (found.session, found.counter)

    def _unseal(self, device: DeviceId, sealed: bytes) -> bytes | Rejected:
        world = self._world
        found = decode_sealed(sealed)
        if isinstance(found, Rejected):
            return found
        certificate = world.certificate_of(device)
        if certificate is None:
            return Rejected(Reason.UNKNOWN, "device")
        live = self._sessions.live(device, found.session)
        if live is None:
            return self._begun(device, found)
        opened = live.ratchets.decrypt(found.kind, found.ciphertext)
        if isinstance(opened, Rejected):
            return opened
        notes = self._sessions.notes(device)
        note = next(known for known in notes if known.session == found.session)
        changed = heard(notes, note)
        if changed is not notes:
            self._sessions.note(device, changed)
        return self._took(device, found.session, live, opened)

    def _begun(self, device: DeviceId, found: Sealed) -> bytes | Rejected:
        """A message of a session that is not here: one that begins it, or nothing that could be read."""
        world = self._world
        certificate = world.certificate_of(device)
        assert certificate is not None
        if found.kind != FIRST_KIND:
            return Rejected(Reason.NO_SESSION)
        first = world.ratchets.first(found.ciphertext)
        if isinstance(first, Rejected):
            return first
        if first.session != found.session:
            return Rejected(Reason.SCHEMA, "sealed message: it is of another session")
        prekey = self._prekeys.take(first.prekey, device, certificate.user, found.session)
        if isinstance(prekey, Rejected):
            return prekey
        try:
            accepted = world.ratchets.accept(prekey.secret, certificate.olm_key, found.ciphertext)
        except Damaged:
            world.count("prekey-damaged")
            return Rejected(Reason.NO_PREKEY)
        if isinstance(accepted, Rejected):
            return accepted
        self._prekeys.used(first.prekey, prekey, device)
        turn = 1 + max((known.turn for known in self._sessions.notes(device)), default=0)
        note = SessionNote(session=found.session, prekey=first.prekey, ours=False, made_ms=world.now, turn=turn)
        live = Live(ratchets=accepted[0])
        self._add(device, note, live)
        return self._took(device, found.session, live, accepted[1])

    def _took(self, device: DeviceId, session: bytes, live: Live, plaintext: bytes) -> bytes | Rejected:
        live.unanswered, live.used_ms = 0, self._world.now
        self._sessions.changed(device, session)
        if len(plaintext) < SEAL_SALT_BYTES:
            return Rejected(Reason.SCHEMA, "sealed message: contents")
        return plaintext[SEAL_SALT_BYTES:]

    def _add(self, device: DeviceId, note: SessionNote, live: Live) -> None:
        gone = self._sessions.add(device, note, live)
        if gone is not None and not gone.ours:
            self._prekeys.spent(gone.prekey, device, gone.session)

    # Time

    def tick(self) -> None:
        if not self._swept:
            self._swept = True
            self._forget_strangers()
        self._prekeys.tick()
        self._opened.tick()

    def flush(self) -> None:
        """The batch ends: sessions are stored as they are now, in its transaction."""
        self._sessions.flush()

    def wake_times(self) -> list[int]:
        return self._prekeys.wake_times()

    def _forget_strangers(self) -> None:
        """Sessions with devices that are nobody's of ours any more, and were not used for long."""
        world = self._world
        known = world.certificates()
        for device in self._sessions.devices():
            if device in known:
                continue
            notes = self._sessions.notes(device)
            lives = [self._sessions.live(device, note.session) for note in notes]
            if all(live is None or world.now - live.used_ms > SESSION_KEPT_MS for live in lives):
                self._sessions.forget(device)
                for note in notes:
                    if not note.ours:
                        self._prekeys.spent(note.prekey, device, note.session)
