"""The Olm sessions that this device has with another one, as they are kept: at most five, and which of them is written on."""

from dataclasses import replace
from typing import TypeAlias

from multichat_tui.model.codec import Value, decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import ID_SIZE, DeviceId
from multichat_tui.model.limits import MAX_LIVE_SESSIONS, MAX_SESSIONS_PER_DEVICE
from multichat_tui.model.ports import RatchetSession, Space
from multichat_tui.model.values import dataclass
from multichat_tui.node.world import World

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


@dataclass(slots=True, kw_only=True)
class Live:
    """A session in memory, and its counts."""

    ratchets: RatchetSession
    sent: int = 0
    unanswered: int = 0
    """Written since it decrypted last."""
    used_ms: int = 0

    def __repr__(self) -> str:
        return "Live(…)"

    @property
    def encoded(self) -> bytes:
        return encode([self.ratchets.stored(), self.sent, self.unanswered, self.used_ms])


Notes: TypeAlias = tuple[SessionNote, ...]
Name: TypeAlias = tuple[DeviceId, bytes]
"""Device and session id."""


def sending(notes: Notes) -> SessionNote | None:
    """The session to write on: the one that has decrypted last, or else the newest. If all are doubted, the newest."""
    certain = [note for note in notes if not note.doubted]
    if certain:
        return max(certain, key=lambda note: (note.turn, note.made_ms))
    return notes[-1] if notes else None


def heard(notes: Notes, note: SessionNote) -> Notes:
    """The notes after a session has decrypted; the same object if nothing has changed."""
    top = max(known.turn for known in notes)
    if note.turn == top and top > 0 and not note.doubted:
        return notes
    turn = note.turn if note.turn == top and top > 0 else top + 1
    return with_note(notes, replace(note, turn=turn, doubted=False))


def with_note(notes: Notes, note: SessionNote) -> Notes:
    """The same notes, one of them as it is now."""
    return tuple(note if known.session == note.session else known for known in notes)


class KeptSessions:
    """The sessions with all devices. Those in use stay in memory; what they are by the end of a batch is stored in its
    transaction (`flush`). After a transaction that has failed this is thrown away with the engine, and loaded again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._notes: dict[DeviceId, Notes] = {}
        self._live: dict[Name, Live] = {}
        """Those that were used last at the end."""
        self._changed: set[Name] = set()

    def notes(self, device: DeviceId) -> Notes:
        """Of the sessions with a device, in the order in which they were made."""
        if device not in self._notes:
            stored = self._world.txn.get(Space.RATCHET, device)
            self._notes[device] = () if stored is None else _notes(stored)
        return self._notes[device]

    def note(self, device: DeviceId, notes: Notes) -> None:
        self._notes[device] = notes
        self._world.txn.put(Space.RATCHET, device, encode([note.stored for note in notes]))

    def live(self, device: DeviceId, session: bytes) -> Live | None:
        name = device, session
        live = self._live.pop(name, None)
        if live is None:
            if all(note.session != session for note in self.notes(device)):
                return None
            stored = self._world.txn.get(Space.RATCHET, device + session)
            if stored is None:
                return None
            try:
                live = self._loaded(stored)
            except Damaged:
                # One session that cannot be read is lost; the node is not.
                self._world.count("session-damaged")
                self._drop(device, session)
                self.note(device, tuple(note for note in self.notes(device) if note.session != session))
                return None
        self._live[name] = live
        return live

    def changed(self, device: DeviceId, session: bytes) -> None:
        """It has encrypted or decrypted."""
        self._changed.add((device, session))

    def add(self, device: DeviceId, note: SessionNote, live: Live) -> SessionNote | None:
        """A new session. The one that had to go for it: of more than five that in which a message was opened longest ago."""
        notes, gone = self.notes(device), None
        if len(notes) >= MAX_SESSIONS_PER_DEVICE:
            gone = min(notes, key=lambda known: (known.turn, known.made_ms))
            self._drop(device, gone.session)
            notes = tuple(known for known in notes if known is not gone)
        self._live[device, note.session] = live
        self._changed.add((device, note.session))
        self.note(device, (*notes, note))
        return gone

    def forget(self, device: DeviceId) -> None:
        for note in self.notes(device):
            self._drop(device, note.session)
        self._notes.pop(device, None)
        self._world.txn.delete(Space.RATCHET, device)

    def devices(self) -> list[DeviceId]:
        """With which there are sessions."""
        return [DeviceId(name) for name, _ in self._world.txn.scan(Space.RATCHET) if len(name) == ID_SIZE]

    def flush(self) -> None:
        """Store what has changed; of the sessions in memory keep those that were used last."""
        for device, session in self._changed:
            self._world.txn.put(Space.RATCHET, device + session, self._live[device, session].encoded)
        self._changed.clear()
        while len(self._live) > MAX_LIVE_SESSIONS:
            del self._live[next(iter(self._live))]
        if len(self._notes) > MAX_LIVE_SESSIONS:
            self._notes.clear()

    def _drop(self, device: DeviceId, session: bytes) -> None:
        self._live.pop((device, session), None)
        self._changed.discard((device, session))
        self._world.txn.delete(Space.RATCHET, device + session)

    def _loaded(self, stored: bytes) -> Live:
        value = decode(stored, MAX_ROW_BYTES)
        if not isinstance(value, list) or len(value) != 4:
            raise _damaged()
        ratchets, sent, unanswered, used_ms = value
        return Live(
            ratchets=self._world.ratchets.load(bytes(ratchets)), sent=int(sent), unanswered=int(unanswered), used_ms=int(used_ms)
        )


def _notes(stored: bytes) -> Notes:
    value = decode(stored, MAX_ROW_BYTES)
    if not isinstance(value, list):
        raise _damaged()
    return tuple(
        SessionNote(
            session=bytes(session),
            prekey=bytes(prekey),
            ours=bool(ours),
            made_ms=int(made_ms),
            turn=int(turn),
            doubted=bool(doubted),
        )
        for session, prekey, ours, made_ms, turn, doubted in value
    )


def _damaged() -> Damaged:
    return Damaged("The profile's record of keys for envelopes is not readable.", "Restore the profile from a backup.")
