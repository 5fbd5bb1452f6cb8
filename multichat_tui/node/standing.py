"""The small values that a node keeps per channel, contact and invitation, and their encoding."""

from dataclasses import replace
from typing import Any

from multichat_tui.model.codec import Value, decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import ChannelId, DeviceId, UserId
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.values import dataclass

MAX_VALUE_BYTES = 256 * 1024


def _fields(encoded: bytes, what: str) -> dict[int, Any]:
    """A map that this module has written: its fields need no check beyond the strict decoding."""
    value = decode(encoded, MAX_VALUE_BYTES)
    if not isinstance(value, dict):
        raise Damaged(f"The profile's record of a {what} is not readable.", "Restore the profile from a backup.")
    return dict(value)


def _entries(encoded: bytes, what: str) -> list[Any]:
    value = decode(encoded, MAX_VALUE_BYTES)
    if not isinstance(value, list):
        raise Damaged(f"The profile's record of a {what} is not readable.", "Restore the profile from a backup.")
    return list(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """A channel invitation that we hold and were not admitted by yet."""

    seed: bytes
    inviter: UserId
    addresses: tuple[str, ...]
    expires_ms: int
    join: bytes
    """The signed join, the same at every try."""

    def __repr__(self) -> str:
        return "Joining(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A conversation that somebody has begun who is no contact."""

    since_ms: int
    through: ChannelId
    """A channel that both are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One's own side of a channel."""

    membership: Membership
    read_arrival: int = 0
    draft: str = ""
    note: str = ""
    joining: Joining | None = None
    asked: Asked | None = None

    def encoded(self) -> bytes:
        fields: dict[int, Value] = {0: self.membership.value, 1: self.read_arrival, 2: self.draft, 3: self.note}
        if self.joining is not None:
            j = self.joining
            fields[4] = [j.seed, j.inviter, list(j.addresses), j.expires_ms, j.join]
        if self.asked is not None:
            fields[5] = [self.asked.since_ms, self.asked.through]
        return encode(fields)

    def but(self, **changes: Any) -> "Standing":
        return replace(self, **changes)


def decode_standing(encoded: bytes) -> Standing:
    fields = _fields(encoded, "channel")
    joining = asked = None
    if 5 in fields:
        since_ms, through = fields[5]
        asked = Asked(since_ms=since_ms, through=ChannelId(through))
    if 4 in fields:
        seed, inviter, addresses, expires_ms, join = fields[4]
        joining = Joining(
            seed=seed,
            inviter=UserId(inviter),
            addresses=tuple(addresses),
            expires_ms=expires_ms,
            join=join,
        )
    return Standing(
        membership=Membership(str(fields[0])),
        read_arrival=int(fields[1]),
        draft=str(fields[2]),
        note=str(fields[3]),
        joining=joining,
        asked=asked,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSecret:
    """The secret that one device of a contact and this device have, and whether that one is known to have it."""

    device: DeviceId
    secret: bytes
    confirmed: bool

    def __repr__(self) -> str:
        return "DeviceSecret(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody we have paired with."""

    devices: DeviceList
    secret: bytes
    """Mixed into the pair keys of all their devices with ours."""
    confirmed: bool
    """They are known to have the secret too: no other key is accepted any more."""
    verified: bool = False
    last_seen_ms: int = 0
    secrets: tuple[DeviceSecret, ...] = ()
    """Of each device apart, once the contact has had another one than at pairing. Empty: `secret` is that of their only one."""
    return_key: bytes = b""
    """Theirs: by it a device that they restore is known here. Empty while they have not told it."""
    told: bool = False
    """They are known to have ours."""

    @property
    def user(self) -> UserId:
        return self.devices.user

    def secret_of(self, device: DeviceId) -> tuple[bytes, bool]:
        """(secret, whether no other key is accepted any more) for links with this device."""
        if not self.secrets:
            return self.secret, self.confirmed
        found = next((entry for entry in self.secrets if entry.device == device), None)
        return (self.secret, False) if found is None else (found.secret, found.confirmed)

    def mailbox_secrets_of(self, device: DeviceId) -> tuple[bytes, ...]:
        """What may be mixed into the pair key by which this device and ours write to each other while they are not linked, the
        likeliest first. A device that came after the pairing and was not met since has no secret yet."""
        secret, confirmed = self.secret_of(device)
        if confirmed:
            return (secret,)
        guessed = self.secrets and secret == self.secret
        return (b"", secret) if guessed else (secret, b"")

    def with_secret(self, device: DeviceId, secret: bytes, confirmed: bool) -> "Contact":
        """A secret for one device; the others keep theirs."""
        kept = tuple(entry for entry in self.apart.secrets if entry.device != device)
        return replace(self, secrets=(*kept, DeviceSecret(device=device, secret=secret, confirmed=confirmed)))

    @property
    def apart(self) -> "Contact":
        """The same, with the secret of each known device for itself: to be taken before the devices change."""
        if self.secrets:
            return self
        living = self.devices.living
        return replace(
            self, secrets=tuple(DeviceSecret(device=c.device, secret=self.secret, confirmed=self.confirmed) for c in living)
        )

    def but(self, **changes: Any) -> "Contact":
        return replace(self, **changes)

    def with_devices(self, devices: DeviceList) -> "Contact":
        """Their newer list: devices that it revokes lose their secrets, new ones have none yet."""
        known = {entry.device: entry for entry in self.apart.secrets}
        living = (certificate.device for certificate in devices.living)
        new = (known.get(d) or DeviceSecret(device=d, secret=self.secret, confirmed=False) for d in living)
        return replace(self, devices=devices, secrets=tuple(new))

    def __repr__(self) -> str:
        return "Contact(…)"

    def encoded(self) -> bytes:
        fields: dict[int, Value] = {
            0: self.devices.encoded,
            1: self.secret,
            2: self.confirmed,
            3: self.verified,
            4: self.last_seen_ms,
        }
        if self.secrets:
            fields[16] = [[entry.device, entry.secret, entry.confirmed] for entry in self.secrets]
        if self.return_key:
            fields[17] = self.return_key
        if self.told:
            fields[18] = True
        return encode(fields)


def decode_contact(encoded: bytes) -> Contact:
    fields = _fields(encoded, "contact")
    devices = decode_device_list(bytes(fields[0]))
    if not isinstance(devices, DeviceList):
        raise Damaged("The profile's record of a contact is not readable.", "Restore the profile from a backup.")
    return Contact(
        devices=devices,
        secret=bytes(fields[1]),
        confirmed=bool(fields[2]),
        verified=bool(fields[3]),
        last_seen_ms=int(fields[4]),
        secrets=tuple(
            DeviceSecret(device=DeviceId(device), secret=secret, confirmed=confirmed)
            for device, secret, confirmed in fields.get(16, ())
        ),
        return_key=bytes(fields.get(17, b"")),
        told=bool(fields.get(18, False)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """The newest device list of an account, and another that contradicts it, if one was seen."""

    devices: DeviceList
    fork: DeviceList | None = None

    def encoded(self) -> bytes:
        fields: dict[int, Value] = {0: self.devices.encoded}
        if self.fork is not None:
            fields[1] = self.fork.encoded
        return encode(fields)


def decode_kept_list(encoded: bytes) -> KeptList:
    fields = _fields(encoded, "device list")
    devices = decode_device_list(bytes(fields[0]))
    fork = decode_device_list(bytes(fields[1])) if 1 in fields else None
    if not isinstance(devices, DeviceList) or not isinstance(fork, DeviceList | None):
        raise Damaged("The profile's record of a device list is not readable.", "Restore the profile from a backup.")
    return KeptList(devices=devices, fork=fork)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPairing:
    """A pairing link that we gave out; single use. `user` has taken it up; kept until it expires, to answer repetitions."""

    seed: bytes
    share: bytes
    expires_ms: int
    user: UserId | None = None

    def __repr__(self) -> str:
        return "OpenPairing(…)"

    def encoded(self) -> bytes:
        return encode([self.seed, self.share, self.expires_ms, self.user])


def decode_open_pairing(encoded: bytes) -> OpenPairing:
    seed, share, expires_ms, user = _entries(encoded, "invitation")
    return OpenPairing(seed=seed, share=share, expires_ms=expires_ms, user=user)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPairing:
    """A pairing link that we were given, not answered yet."""

    seed: bytes
    share: bytes
    user: UserId
    addresses: tuple[str, ...]
    expires_ms: int
    failure: str = ""

    def __repr__(self) -> str:
        return "HeldPairing(…)"

    def encoded(self) -> bytes:
        return encode([self.seed, self.share, self.user, list(self.addresses), self.expires_ms, self.failure])


def decode_held_pairing(encoded: bytes) -> HeldPairing:
    seed, share, user, addresses, expires_ms, failure = _entries(encoded, "pairing")
    return HeldPairing(seed=seed, share=share, user=user, addresses=tuple(addresses), expires_ms=expires_ms, failure=failure)
