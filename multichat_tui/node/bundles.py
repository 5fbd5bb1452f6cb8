"""Bundles: parcels in a file, so that whatever carries a file is a link. A bundle names nobody in clear, and only the devices
that it is for can read it (docs/protocol/deposits.md, 23.3).

Made and read in slices, each in a transaction of its own: a bundle may hold years of history.
"""

from collections.abc import Callable, Iterator
from dataclasses import field

from multichat_tui.crypto.envelopes import QUEUE_ID_BYTES, unwrap, verifier, wrap, wrapper_key
from multichat_tui.crypto.keys import mac
from multichat_tui.model.codec import Reason, Rejected, Value, encode
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, UserId, digest
from multichat_tui.model.limits import (
    BUNDLE_NONCE_BYTES,
    MAX_BUNDLE_BYTES,
    MAX_BUNDLE_ENVELOPES,
    MAX_ENVELOPE_BYTES,
    MIN_ENVELOPE_BYTES,
)
from multichat_tui.model.parcels import Cover
from multichat_tui.model.schema import as_bytes, as_list, read
from multichat_tui.model.values import dataclass
from multichat_tui.node.depositing import Prekeys
from multichat_tui.node.parcels import Parcels
from multichat_tui.node.sealing import Sealing
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey

MAGIC = b"multichat bundle 1\n"
HINT_BYTES = PREFIX_SIZE
FRAME_BYTES = 32
"""What an envelope has in a bundle beside itself, at most."""


@dataclass(slots=True, kw_only=True)
class Packed:
    """A bundle that is being made."""

    nonce: bytes
    channel: ChannelId | None
    """Records of this one alone; None: of all."""
    named: bool
    """For one person: they are told what has come from them, whatever was told before."""
    devices: list[DeviceId]
    """Those that are still to be written to, the first one is under way."""
    covers: list[Cover] = field(default_factory=list)
    """What the bundle has for the first of them."""
    entries: list[list[bytes]] = field(default_factory=list)
    size: int = 0
    total: int = 0
    written: set[DeviceId] = field(default_factory=set)
    unready: int = 0
    """Devices that have told no key yet by which they could be written to."""
    full: bool = False

    @property
    def done(self) -> int:
        return self.total - len(self.devices)

    def encoded(self) -> bytes:
        return MAGIC + self.nonce + encode(self.entries)


@dataclass(slots=True, kw_only=True)
class Unpacked:
    """A bundle that is being read."""

    nonce: bytes
    entries: tuple[tuple[bytes, bytes], ...]
    """(hint, envelope), as they stand in it."""
    at: int = 0
    opened: int = 0
    repeated: int = 0
    """Were opened before."""
    refused: int = 0
    """For this device by their hint, and not to be opened."""
    foreign: int = 0


def decode_bundle(encoded: bytes) -> Unpacked | Rejected:
    """Its envelopes, none of them opened."""
    if len(encoded) > MAX_BUNDLE_BYTES:
        return Rejected(Reason.TOO_LARGE, "bundle")
    head = len(MAGIC) + BUNDLE_NONCE_BYTES
    if not encoded.startswith(MAGIC) or len(encoded) < head:
        return Rejected(Reason.UNKNOWN, "no bundle")
    entries = read(encoded[head:], MAX_BUNDLE_BYTES, _entries)
    if isinstance(entries, Rejected):
        return entries
    return Unpacked(nonce=encoded[len(MAGIC) : head], entries=entries)


def _entries(value: Value) -> tuple[tuple[bytes, bytes], ...]:
    found = []
    for each in as_list(value, "bundle", MAX_BUNDLE_ENVELOPES):
        hint, envelope = as_list(each, "entry", 2, 2)
        found.append(
            (
                as_bytes(hint, "hint", HINT_BYTES, HINT_BYTES),
                as_bytes(envelope, "envelope", MAX_ENVELOPE_BYTES, MIN_ENVELOPE_BYTES),
            )
        )
    return tuple(found)


def hint_of(pair: bytes, nonce: bytes, writer: DeviceId) -> bytes:
    """By which the reader of an envelope finds out whose it is: another one in every bundle."""
    return mac(pair, "mc.bundle", nonce, writer)[:HINT_BYTES]


def queue_of(nonce: bytes, reader: DeviceId) -> bytes:
    """What stands for the reader's queue: another one in every bundle."""
    return digest("mc.bundle", nonce, reader)[:QUEUE_ID_BYTES]


class Bundles:
    def __init__(self, world: World, parcels: Parcels, sealing: Sealing, prekeys_of: Callable[[DeviceId], Prekeys]) -> None:
        """`prekeys_of`: those that a device has told last."""
        self._world = world
        self._parcels = parcels
        self._sealing = sealing
        self._hints: tuple[bytes, dict[bytes, tuple[DeviceId, bytes]]] | None = None
        """Of the bundle that is being read, by hint: who has made it, with the key that we share."""
        self._prekeys_of = prekeys_of
        self._answers: dict[DeviceId, dict[ChannelId, set[ChainKey]]] = {}
        """Whom the next bundles tell how far we hold which chains, as what came from them came in one: what is told by mailboxes
        may not reach them, and a file may be lost. Not stored."""

    # Made

    def begin(self, channel: ChannelId | None, user: UserId | None) -> Packed:
        """For the devices of the members of a channel, of a person, or of all whom we know. `errors.IntentRefused`: nobody."""
        if self._world.identity.stopped:
            raise IntentRefused(Refusal.NOT_ALLOWED, "This device says nothing just now.", "multichat status tells why.")
        devices = sorted(self._devices(channel, user))
        if not devices:
            raise IntentRefused(Refusal.EMPTY, "There is nobody to write a bundle for.", "Pair with somebody first: /pair.")
        nonce = self._world.entropy(BUNDLE_NONCE_BYTES)
        return Packed(nonce=nonce, channel=channel, named=user is not None, devices=devices, total=len(devices))

    def _devices(self, channel: ChannelId | None, user: UserId | None) -> Iterator[DeviceId]:
        world = self._world
        if channel is None:
            yield from (device for device, each in world.certificates().items() if user is None or each.user == user)
            return
        found = world.channels.get(channel)
        for part in () if found is None else world.conversation(found):
            if part.live:
                yield from (device for device in part.audience(world.identity.device) if device not in world.revoked)

    def pack(self, packed: Packed) -> None:
        """One more envelope, or one device done with."""
        if packed.full or not packed.devices:
            return
        device = packed.devices[0]
        room = MAX_BUNDLE_BYTES - packed.size - len(MAGIC) - BUNDLE_NONCE_BYTES - FRAME_BYTES
        if room < MAX_ENVELOPE_BYTES + FRAME_BYTES or len(packed.entries) >= MAX_BUNDLE_ENVELOPES:
            packed.full = True
            packed.devices.clear()
            return
        entry = self._write(packed, device)
        if entry is None:
            packed.devices.pop(0)
            packed.covers.clear()
            return
        packed.entries.append(entry)
        packed.written.add(device)
        packed.size += len(entry[1]) + FRAME_BYTES

    def _write(self, packed: Packed, device: DeviceId) -> list[bytes] | None:
        world = self._world
        pairs, me = world.pair_keys_of(device), world.identity.device
        prekey, fallback = self._prekeys_of(device)
        if not pairs or not self._sealing.can_seal(device, prekey, fallback):
            packed.unready += not packed.covers
            return None
        if device not in packed.written:
            self._owe(device, named=packed.named)
        begun = bool(packed.covers)
        parcel = self._parcels.contents_for(device, covered=packed.covers, served=self._only(packed.channel))
        if parcel is None or (begun and not parcel.covers):
            return None
        sealed = self._sealing.seal(device, prekey, parcel.contents, fallback)
        if sealed is None:
            return None
        packed.covers += parcel.covers
        pair = pairs[0]
        queue = queue_of(packed.nonce, device)
        writer = verifier(pair, queue, me)[:PREFIX_SIZE]
        return [hint_of(pair, packed.nonce, me), wrap(wrapper_key(pair, queue), queue, writer, sealed)]

    def _owe(self, device: DeviceId, *, named: bool) -> None:
        """What it is told of what has come from it."""
        session = self._parcels.session(device)
        if self._world.session_of(device) is not None:
            # Over the link both have said what they hold.
            self._answers.pop(device, None)
        elif named:
            self._parcels.owe(device)
        for identifier, keys in self._answers.get(device, {}).items() if session is not None else ():
            assert session is not None
            session.ack_due.setdefault(identifier, set()).update(keys)

    def _only(self, channel: ChannelId | None) -> Callable[[Channel, ChainKey], int | None]:
        world = self._world
        found = None if channel is None else world.channels.get(channel)
        parts = None if found is None else {part.id for part in world.conversation(found)}
        return lambda each, key: -1 if parts is None or each.id in parts else None

    # Read

    def unpack(self, unpacked: Unpacked) -> None:
        """Open one more envelope, and take what it holds."""
        hint, envelope = unpacked.entries[unpacked.at]
        unpacked.at += 1
        found = self._writer_of(unpacked.nonce, hint)
        if found is None:
            unpacked.foreign += 1
            return
        device, pair = found
        queue = queue_of(unpacked.nonce, self._world.identity.device)
        writer = verifier(pair, queue, device)[:PREFIX_SIZE]
        sealed = unwrap(wrapper_key(pair, queue), queue, writer, envelope)
        contents = sealed if isinstance(sealed, Rejected) else self._sealing.unseal(device, sealed)
        if isinstance(contents, Rejected):
            self._world.count(f"bundle-{contents.reason.value}")
            again = contents.reason is Reason.REPLAYED
            unpacked.repeated += again
            unpacked.refused += not again
            return
        unpacked.opened += self._parcels.take(device, contents)
        session = self._parcels.session(device)
        for identifier, keys in session.ack_due.items() if session is not None else ():
            self._answers.setdefault(device, {}).setdefault(identifier, set()).update(keys)

    def _writer_of(self, nonce: bytes, hint: bytes) -> tuple[DeviceId, bytes] | None:
        """Who has made an envelope, with the key that we share."""
        if self._hints is None or self._hints[0] != nonce:
            known: dict[bytes, tuple[DeviceId, bytes]] = {}
            for device in self._world.certificates():
                for pair in self._world.pair_keys_of(device):
                    known[hint_of(pair, nonce, device)] = device, pair
            self._hints = nonce, known
        return self._hints[1].get(hint)
