"""Prekeys: the keys that one's routes carry, so that somebody can begin a session with this device while it is away.

A contact has one of their own, good for one session of each of their devices, and another one once it was used; its secret goes
when all of their devices have used it. All share the fallback key, which is another one every week: fellow members begin with it,
and contacts replace a session with it. Former keys are kept for as long as an envelope may lie in a mailbox.
"""

from dataclasses import replace

from multichat_tui.model.codec import Reason, Rejected, decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.limits import (
    MAX_FORMER_PREKEYS,
    MAX_SPENT_SESSIONS,
    PREKEY_KEPT_MS,
    PREKEY_ROTATION_MS,
    SWEEP_PREKEYS_MS,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.values import dataclass
from multichat_tui.node.identity import olm_account
from multichat_tui.node.world import World

FALLBACK = b""
"""The audience of the key that all share."""
_KEY, _OF, _SPENT, _THEIRS = b"key/", b"of/", b"spent/", b"theirs/"
"""In Space.OLM: a key with its secret, by public key; an audience's keys, the newest first; by public key, device and session
id, a session that is given up here and must not be begun again; by device, the key of its own for us that we have used."""
MAX_ROW_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Prekey:
    """A key that was given out."""

    secret: bytes
    audience: bytes
    made_ms: int
    replaced_ms: int = 0
    """When another took its place; 0: it is the one to be used."""
    used_by: tuple[DeviceId, ...] = ()
    """Of a contact's: the devices that have begun a session with it."""

    def __repr__(self) -> str:
        return "Prekey(…)"

    @property
    def encoded(self) -> bytes:
        return encode([self.secret, self.audience, self.made_ms, self.replaced_ms, list(self.used_by)])

    def over(self, now: int) -> bool:
        return self.replaced_ms > 0 and now - self.replaced_ms > PREKEY_KEPT_MS

    def replaced(self, now: int) -> "Prekey":
        """Another is to take its place; never before it was made, or a clock of years ago would have it forgotten once it is
        right again, and with it what is under way."""
        return self if self.replaced_ms else replace(self, replaced_ms=max(now, self.made_ms))


def _decoded(stored: bytes) -> Prekey:
    value = decode(stored, MAX_ROW_BYTES)
    if not isinstance(value, list) or len(value) != 5:
        raise Damaged("The profile's record of a key for envelopes is not readable.", "Restore the profile from a backup.")
    secret, audience, made_ms, replaced_ms, used_by = value
    return Prekey(
        secret=bytes(secret),
        audience=bytes(audience),
        made_ms=int(made_ms),
        replaced_ms=int(replaced_ms),
        used_by=tuple(DeviceId(bytes(device)) for device in used_by),
    )


class Prekeys:
    def __init__(self, world: World) -> None:
        self._world = world
        self._swept_at = 0
        self._any = True

    # Giving out

    def current(self, audience: bytes) -> bytes:
        """The public key that a route for this audience (a contact's user id, one's own, or a channel id) carries."""
        audience = self._kind(audience)
        keys = self._keys(audience)
        if keys:
            newest = self._prekey(keys[0])
            if newest is not None and not self._worn(newest):
                return keys[0]
        return self._make(audience, keys)[0]

    def _kind(self, audience: bytes) -> bytes:
        world = self._world
        known = audience == world.identity.user or UserId(audience) in world.contacts
        return audience if known else FALLBACK

    def _worn(self, prekey: Prekey) -> bool:
        """Whether another has to take its place: a contact's when it was used, the fallback key when it is a week old."""
        age_ms = self._world.now - prekey.made_ms
        old = prekey.audience == FALLBACK and not -PREKEY_ROTATION_MS < age_ms < PREKEY_ROTATION_MS
        return old or prekey.replaced_ms > 0

    def _make(self, audience: bytes, keys: list[bytes]) -> list[bytes]:
        world = self._world
        if keys:
            self._replaced(keys[0])
        public, secret = world.ratchets.new_prekey(olm_account(world.txn))
        world.txn.put(Space.OLM, _KEY + public, Prekey(secret=secret, audience=audience, made_ms=world.now).encoded)
        keys = [public, *keys]
        for former in keys[1 + MAX_FORMER_PREKEYS :]:
            self._forget_key(former)
        keys = keys[: 1 + MAX_FORMER_PREKEYS]
        world.txn.put(Space.OLM, _OF + audience, encode(keys))
        self._any = True
        return keys

    # Theirs

    def is_spent(self, device: DeviceId, prekey: bytes) -> bool:
        """Whether we have begun a session with a device by this key, which it has given to us alone: it is good for one, ever."""
        return self._world.txn.get(Space.OLM, _THEIRS + device) == prekey

    def spend(self, device: DeviceId, prekey: bytes) -> None:
        """The last one is remembered: an older route never comes after a newer one."""
        self._world.txn.put(Space.OLM, _THEIRS + device, prekey)

    # Taking

    def take(self, public: bytes, device: DeviceId, user: UserId, session: bytes) -> Prekey | Rejected:
        """The key by which a device of this user begins a session."""
        world = self._world
        prekey = self._prekey(public)
        if prekey is None or prekey.over(world.now):
            return Rejected(Reason.NO_PREKEY)
        if world.txn.get(Space.OLM, _SPENT + public + device + session) is not None:
            return Rejected(Reason.NO_SESSION, "it was given up")
        if prekey.audience != FALLBACK and (prekey.audience != user or device in prekey.used_by):
            return Rejected(Reason.NO_PREKEY)
        if len(world.txn.scan(Space.OLM, _SPENT + public + device)) >= MAX_SPENT_SESSIONS:
            return Rejected(Reason.LIMIT)
        return prekey

    def used(self, public: bytes, prekey: Prekey, device: DeviceId) -> None:
        """A device has begun a session with a key. A contact's is given out no more then; when all of their devices have used it,
        its secret goes, and then nobody can open their first messages again."""
        world = self._world
        if prekey.audience == FALLBACK:
            return
        world.prekeys_changed.add(prekey.audience)
        used_by = {*prekey.used_by, device}
        kept = replace(prekey.replaced(world.now), used_by=tuple(sorted(used_by)))
        listed = world.list_of(UserId(prekey.audience))
        if listed is None or used_by >= {c.device for c in listed.living} - {world.identity.device}:
            self._forget_key(public)
        else:
            world.txn.put(Space.OLM, _KEY + public, kept.encoded)

    def spent(self, public: bytes, device: DeviceId, session: bytes) -> None:
        """A session that this key has begun is given up here: while the key is kept, its first messages begin none again."""
        if self._world.txn.get(Space.OLM, _KEY + public) is not None:
            self._world.txn.put(Space.OLM, _SPENT + public + device + session, b"")

    # Time

    def tick(self) -> None:
        """Now and then: another fallback key where one is in use, and away with what is over."""
        world = self._world
        if not self.due(world.now):
            return
        self._swept_at = world.now
        if world.identity.stopped:
            return
        given = world.txn.scan(Space.OLM, _OF)
        self._any = bool(given)
        for name, _ in given:
            self._sweep(name[len(_OF) :])

    def due(self, now: int) -> bool:
        return self._any and not 0 <= now - self._swept_at < SWEEP_PREKEYS_MS

    def wake_times(self) -> list[int]:
        return [self._swept_at + SWEEP_PREKEYS_MS] if self._any else []

    def _sweep(self, audience: bytes) -> None:
        world = self._world
        keys = self._keys(audience)
        newest = self._prekey(keys[0]) if keys else None
        if audience == FALLBACK and newest is not None and self._worn(newest):
            keys = self._make(audience, keys)
            world.prekeys_changed.add(FALLBACK)
        elif audience != FALLBACK and self._kind(audience) == FALLBACK and keys:
            # No contact any more. What they have written before is read for a while.
            self._replaced(keys[0])
        kept = []
        for public in keys:
            prekey = self._prekey(public)
            if prekey is not None and not prekey.over(world.now):
                kept.append(public)
            else:
                self._forget_key(public)
        if not kept:
            world.txn.delete(Space.OLM, _OF + audience)
        elif kept != keys:
            world.txn.put(Space.OLM, _OF + audience, encode(kept))

    # Rows

    def _replaced(self, public: bytes) -> None:
        prekey = self._prekey(public)
        if prekey is not None and not prekey.replaced_ms:
            self._world.txn.put(Space.OLM, _KEY + public, prekey.replaced(self._world.now).encoded)

    def _forget_key(self, public: bytes) -> None:
        txn = self._world.txn
        txn.delete(Space.OLM, _KEY + public)
        for name, _ in txn.scan(Space.OLM, _SPENT + public):
            txn.delete(Space.OLM, name)

    def _prekey(self, public: bytes) -> Prekey | None:
        stored = self._world.txn.get(Space.OLM, _KEY + public)
        return None if stored is None else _decoded(stored)

    def _keys(self, audience: bytes) -> list[bytes]:
        stored = self._world.txn.get(Space.OLM, _OF + audience)
        value = decode(stored, MAX_ROW_BYTES) if stored is not None else []
        return [bytes(key) for key in value if isinstance(key, bytes)] if isinstance(value, list) else []
