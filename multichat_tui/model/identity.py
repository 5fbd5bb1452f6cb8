"""Who signs: accounts, devices, and the lists that certify devices.

A certificate holds the device's keys and is signed twice: by the account's key, and by the device's own, so that nobody can claim
the device of somebody else. A device list is a hash-chained, versioned statement of
the account: every certificate and every revocation, so that a reader sees what an account's devices are and were.
"""

from multichat_tui.model.codec import Reason, Rejected, Value, encode
from multichat_tui.model.ids import ID_SIZE, DeviceId, UserId, digest, user_id
from multichat_tui.model.limits import MAX_INTEGER, MAX_TIMESTAMP_MS
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_list, as_map, read
from multichat_tui.model.values import dataclass

MAX_DEVICES = 32
"""Devices of one account, living and revoked."""
MAX_CERTIFICATE_BYTES = 512
MAX_DEVICE_LIST_BYTES = 24 * 1024
SIGNATURE_BYTES = 64
SUITE = 1
"""Ed25519, X25519, BLAKE2b-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The word of account and device that they belong together. `body` is what both signatures cover, as it stood."""

    account_key: bytes
    """Ed25519, 32 bytes; the user id is its hash."""
    device: DeviceId
    """Ed25519, 32 bytes."""
    sealing_key: bytes
    """X25519, 32 bytes: pair keys derive from it."""
    olm_key: bytes
    """Curve25519, 32 bytes: the device's Olm identity key."""
    created_ms: int
    body: bytes
    signature: bytes
    """The account's."""
    device_signature: bytes

    @property
    def user(self) -> UserId:
        return user_id(self.account_key)

    @property
    def encoded(self) -> bytes:
        return encode([self.body, self.signature, self.device_signature])


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceList:
    """All devices of an account, version `number`; `previous` is the digest of version number - 1 (zeroes for the first)."""

    account_key: bytes
    account_sealing_key: bytes
    """X25519, 32 bytes: for devices that the other side does not know yet."""
    number: int
    previous: bytes
    certificates: tuple[Certificate, ...]
    revoked: tuple[DeviceId, ...]
    body: bytes
    signature: bytes

    @property
    def user(self) -> UserId:
        return user_id(self.account_key)

    @property
    def encoded(self) -> bytes:
        return encode([self.body, self.signature])

    @property
    def digest(self) -> bytes:
        return digest("mc.devlist", self.body)

    @property
    def mark(self) -> int:
        """What stands for the list in an offer: its number, then 40 bits of its digest, so that two of one number differ."""
        return self.number << 40 | int.from_bytes(self.digest[:5], "big")

    def covers(self, other: "DeviceList") -> bool:
        """Whether everything that the other list says stands here too."""
        certificates = {certificate.body for certificate in self.certificates}
        return all(c.body in certificates for c in other.certificates) and set(other.revoked) <= set(self.revoked)

    def follows(self, other: "DeviceList") -> bool:
        """Whether this is a later version of the other: greater in number, and made on top of it or holding all that it holds."""
        return self.number > other.number and (self.previous == other.digest or self.covers(other))

    @property
    def living(self) -> tuple[Certificate, ...]:
        return tuple(c for c in self.certificates if c.device not in self.revoked)

    @property
    def certified_revoked(self) -> tuple[DeviceId, ...]:
        """The revoked devices that the list itself shows to be the account's: nobody revokes what is another's."""
        return tuple(c.device for c in self.certificates if c.device in self.revoked)


def certificate_body(*, account_key: bytes, device: bytes, sealing_key: bytes, olm_key: bytes, created_ms: int) -> bytes:
    return encode({0: 1, 1: 1, 2: account_key, 3: device, 4: sealing_key, 5: olm_key, 6: created_ms})


def certificate_signed_bytes(body: bytes) -> bytes:
    return b"multichat certificate 1\0" + body


def decode_certificate(encoded: bytes) -> Certificate | Rejected:
    """The certificate, its signatures not verified yet."""
    return read(encoded, MAX_CERTIFICATE_BYTES, _certificate)


def signed_parts(value: Value, what: str, most: int, signatures: int) -> tuple[bytes, tuple[bytes, ...]]:
    """The body, and the signatures over it, of `[body, signature, ...]`."""
    parts = as_list(value, what, 1 + signatures, 1 + signatures)
    checked = (as_bytes(part, f"{what}: signature", SIGNATURE_BYTES, SIGNATURE_BYTES) for part in parts[1:])
    return as_bytes(parts[0], what, most), tuple(checked)


def _certificate(value: Value) -> Certificate:
    body, (signature, device_signature) = signed_parts(value, "certificate", MAX_CERTIFICATE_BYTES, 2)
    fields = signed_fields(body, "certificate", MAX_CERTIFICATE_BYTES, 7)
    return Certificate(
        account_key=as_id(fields[2], "account key"),
        device=DeviceId(as_id(fields[3], "device")),
        sealing_key=as_id(fields[4], "sealing key"),
        olm_key=as_id(fields[5], "olm key"),
        created_ms=as_int(fields[6], "created", MAX_TIMESTAMP_MS - 1),
        body=body,
        signature=signature,
        device_signature=device_signature,
    )


def signed_fields(body: bytes, what: str, most: int, count: int) -> dict[int, Value]:
    """The map inside a signed body; keys 0 to count - 1 are needed, later ones belong to newer versions.

    A suite other than ours is rejected: what cannot be verified is worth nothing.
    """
    inner = read(body, most, lambda value: dict(as_map(value, what)))
    if isinstance(inner, Rejected):
        raise Malformed(f"{what}: {inner.detail}", inner.reason)
    if any(key not in inner for key in range(count)):
        raise Malformed(f"{what}: a field is missing")
    as_int(inner[0], "version", 255, 1)
    if as_int(inner[1], "suite", 255, 1) != SUITE:
        raise Malformed(f"{what}: a newer suite", Reason.UNKNOWN)
    return inner


def device_list_body(
    *,
    account_key: bytes,
    account_sealing_key: bytes,
    number: int,
    previous: bytes,
    certificates: tuple[Certificate, ...],
    revoked: tuple[DeviceId, ...],
) -> bytes:
    return encode(
        {
            0: 1,
            1: 1,
            2: account_key,
            3: account_sealing_key,
            4: number,
            5: previous,
            6: [c.encoded for c in certificates],
            7: list(revoked),
        }
    )


def device_list_signed_bytes(body: bytes) -> bytes:
    return b"multichat device list 1\0" + body


def decode_device_list(encoded: bytes) -> DeviceList | Rejected:
    """The list, no signature verified yet; its certificates name its own account."""
    return read(encoded, MAX_DEVICE_LIST_BYTES, _device_list)


def _device_list(value: Value) -> DeviceList:
    body, (signature,) = signed_parts(value, "device list", MAX_DEVICE_LIST_BYTES, 1)
    fields = signed_fields(body, "device list", MAX_DEVICE_LIST_BYTES, 8)
    account_key = as_id(fields[2], "account key")
    certificates = []
    for entry in as_list(fields[6], "certificates", MAX_DEVICES, 1):
        certificate = decode_certificate(as_bytes(entry, "certificate", MAX_CERTIFICATE_BYTES))
        if isinstance(certificate, Rejected):
            raise Malformed(certificate.detail, certificate.reason)
        if certificate.account_key != account_key:
            raise Malformed("device list: a certificate of another account")
        certificates.append(certificate)
    if len({c.device for c in certificates}) != len(certificates):
        raise Malformed("device list: a device twice")
    revoked = tuple(DeviceId(as_id(d, "revoked")) for d in as_list(fields[7], "revoked", MAX_DEVICES))
    if len(set(revoked)) != len(revoked):
        raise Malformed("device list: a device revoked twice")
    number, previous = as_int(fields[4], "number", MAX_INTEGER), as_id(fields[5], "previous")
    if (number == 0) != (previous == bytes(ID_SIZE)):
        raise Malformed("device list: the first, and only the first, follows none")
    return DeviceList(
        account_key=account_key,
        account_sealing_key=as_id(fields[3], "account sealing key"),
        number=number,
        previous=previous,
        certificates=tuple(certificates),
        revoked=revoked,
        body=body,
        signature=signature,
    )
