"""The Olm sessions that this device has with another one, as they are kept: at most five, and which of them is written on."""

from dataclasses import dataclass, replace

from multichat_tui.model.codec import Value, decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import MAX_SESSIONS_PER_DEVICE
from multichat_tui.model.ports import Space, Transaction

MAX_ROW_BYTES = 256 * 1024
"""Five chains with forty kept keys each are 40 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNote:
    """What is known of a session without its ratchets."""

    session: bytes
    """16 bytes."""
    prekey: bytes
    """By which it was begun."""
    ours: bool
    """Begun here, with their prekey; else by them, with ours."""
    made_ms: int
    turn: int = 0
    """Counted up over all sessions with the device, whenever another one than before has decrypted; 0: this one never has."""
    doubted: bool = False
    """What was written on it is not acknowledged."""

    @property
    def stored(self) -> Value:
        return [self.session, self.prekey, self.ours, self.made_ms, self.turn, self.doubted]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A session's ratchets, and its counts."""

    ratchets: bytes
    sent: int = 0
    unanswered: int = 0
    """Written since it decrypted last."""
    used_ms: int = 0

    def __repr__(self) -> str:
        return "SessionState(…)"

    @property
    def encoded(self) -> bytes:
        return encode([self.ratchets, self.sent, self.unanswered, self.used_ms])


def sending(notes: tuple[SessionNote, ...]) -> SessionNote | None:
    """The session to write on: the one that has decrypted last, or else the newest. If all are doubted, the newest."""
    certain = [note for note in notes if not note.doubted]
    if certain:
        return max(certain, key=lambda note: (note.turn, note.made_ms))
    return notes[-1] if notes else None


def load_notes(txn: Transaction, device: DeviceId) -> tuple[SessionNote, ...]:
    """Of the sessions with a device, in the order in which they were made."""
    stored = txn.get(Space.RATCHET, device)
    if stored is None:
        return ()
    value = decode(stored, MAX_ROW_BYTES)
    if not isinstance(value, list):
        raise _damaged()
    notes = []
    for session, prekey, ours, made_ms, turn, doubted in value:
        notes.append(
            SessionNote(
                session=bytes(session),
                prekey=bytes(prekey),
                ours=bool(ours),
                made_ms=int(made_ms),
                turn=int(turn),
                doubted=bool(doubted),
            )
        )
    return tuple(notes)


def load_state(txn: Transaction, device: DeviceId, session: bytes) -> SessionState | None:
    stored = txn.get(Space.RATCHET, device + session)
    if stored is None:
        return None
    value = decode(stored, MAX_ROW_BYTES)
    if not isinstance(value, list) or len(value) != 4:
        raise _damaged()
    ratchets, sent, unanswered, used_ms = value
    return SessionState(ratchets=bytes(ratchets), sent=int(sent), unanswered=int(unanswered), used_ms=int(used_ms))


def keep_state(txn: Transaction, device: DeviceId, session: bytes, state: SessionState) -> None:
    txn.put(Space.RATCHET, device + session, state.encoded)


def keep_notes(txn: Transaction, device: DeviceId, notes: tuple[SessionNote, ...]) -> None:
    txn.put(Space.RATCHET, device, encode([note.stored for note in notes]))


def with_note(notes: tuple[SessionNote, ...], note: SessionNote) -> tuple[SessionNote, ...]:
    """The same notes, one of them as it is now."""
    return tuple(note if known.session == note.session else known for known in notes)


def add_note(
    txn: Transaction, device: DeviceId, notes: tuple[SessionNote, ...], note: SessionNote
) -> tuple[tuple[SessionNote, ...], SessionNote | None]:
    """(the notes with a new session, the one that had to go for it): of more than five that which has decrypted longest ago."""
    gone = None
    if len(notes) >= MAX_SESSIONS_PER_DEVICE:
        gone = min(notes, key=lambda known: (known.turn, known.made_ms))
        txn.delete(Space.RATCHET, device + gone.session)
        notes = tuple(known for known in notes if known is not gone)
    notes = (*notes, note)
    keep_notes(txn, device, notes)
    return notes, gone


def heard(notes: tuple[SessionNote, ...], note: SessionNote) -> tuple[SessionNote, ...]:
    """The notes after a session has decrypted; the same object if nothing has changed."""
    top = max(known.turn for known in notes)
    if note.turn == top and top > 0 and not note.doubted:
        return notes
    turn = note.turn if note.turn == top and top > 0 else top + 1
    return with_note(notes, replace(note, turn=turn, doubted=False))


def _damaged() -> Damaged:
    return Damaged("The profile's record of keys for envelopes is not readable.", "Restore the profile from a backup.")
