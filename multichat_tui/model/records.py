"""Records: what a channel is made of. A signed header that names its past, and a salted body that may be absent.

Header map keys (docs/protocol/records.md gives bytes and vectors):
0 version, 1 suite, 2 kind, 3 channel, 4 log, 5 device, 6 seq, 7 prev, 8 parents, 9 control_heads, 10 timestamp_ms, 11 ets,
12 expires_ms, 13 recipients, 14 body_hash, 15 body_size_bucket. Optional ones (3, 7, 12, 13) are left out when absent; keys
from 16 on belong to newer versions: they are signed, kept and forwarded as they stand.
"""

import hashlib
from collections.abc import Iterable
from enum import IntEnum
from itertools import pairwise

from multichat_tui.model.codec import Reason, Rejected, Value, encode_array_head, encode_unsigned
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId, digest
from multichat_tui.model.limits import (
    LIFTING_ETS,
    MAX_BODY_BYTES,
    MAX_CONTROL_HEADS,
    MAX_ETS,
    MAX_HEADER_BYTES,
    MAX_INTEGER,
    MAX_PARENTS,
    MAX_RECIPIENTS,
    MAX_TIMESTAMP_MS,
    SALT_BYTES,
)
from multichat_tui.model.schema import Malformed, as_bytes, as_enum, as_id, as_ids, as_int, as_map, read
from multichat_tui.model.values import dataclass

VERSION = 1
SUITE = 1
"""Ed25519, BLAKE2b-256."""
SIGNATURE_BYTES = 64
BODY_HASH_BYTES = 32
SMALLEST_BUCKET_BYTES = 64


class Kind(IntEnum):
    """What a record is. A newer kind is kept and forwarded, and shown as needing a newer version."""

    ROOT = 1
    CONTROL = 2
    CONTENT = 3
    MERGE = 4
    """Names more heads than one record can; carries nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The signed part of a record. `channel` is None in a root, whose id is the channel's."""

    version: int = VERSION
    suite: int = SUITE
    kind: int
    channel: ChannelId | None
    log: Log
    device: DeviceId
    seq: int
    """Place in the chain of this device in this log, from 0."""
    prev: RecordId | None
    """The record before in the chain; None exactly at seq 0."""
    parents: tuple[RecordId, ...]
    """The heads of the same log that the author had, ascending; at most 16."""
    control_heads: tuple[RecordId, ...]
    """In the content log: the heads of the control log that the author had."""
    timestamp_ms: int
    ets: int
    """Display order: max(timestamp, 1 + the greatest ets of parents and control heads)."""
    expires_ms: int | None = None
    recipients: tuple[UserId, ...] | None = None
    body_hash: bytes
    body_size_bucket: int

    @property
    def dependencies(self) -> tuple[RecordId, ...]:
        """Everything that must be delivered before this record."""
        first = () if self.prev is None else (self.prev,)
        return tuple(dict.fromkeys((*first, *self.parents, *self.control_heads)))


class Proof(IntEnum):
    """How we know that a record is its device's. Never sent: what others know is their own affair."""

    OWN = 0
    """Its own signature was verified."""
    COVER = 1
    """A later record of its chain vouches for it (`sync.runs`); its own signature was not looked at."""
    COVER_ONLY = 2
    """As before, and its own signature does not hold: nobody takes it without the one that covers it."""


class Absence(IntEnum):
    """Why the body of a held record is not here. Never sent: every node has its own reasons."""

    MISSING = 1
    """For no reason known here: it is asked for."""
    REDACTED = 2
    EXPIRED = 3
    LOCAL = 4
    """Older than what this profile keeps."""
    NOT_FOR_US = 5
    """Its recipients are others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A header with its exact bytes, id and signature, and the body where it is held."""

    header: Header
    header_bytes: bytes
    id: RecordId
    signature: bytes
    body: bytes | None
    proof: Proof = Proof.OWN
    absence: Absence | None = None
    """Of a record that is held: None exactly where the body is here."""

    @property
    def channel(self) -> ChannelId:
        return ChannelId(self.id) if self.header.channel is None else self.header.channel

    @property
    def size(self) -> int:
        """Bytes of the full form, roughly: what pages and parking count."""
        return len(self.header_bytes) + len(self.signature) + len(self.body or b"")


def size_bucket(size: int) -> int:
    """The smallest b with size <= 64 * 2**b: what a header tells of its body's size."""
    bucket = 0
    while SMALLEST_BUCKET_BYTES << bucket < size:
        bucket += 1
    return bucket


def seal_body(content: bytes, salt: bytes) -> bytes:
    """The body as stored and sent: the salt, then the content."""
    if len(salt) != SALT_BYTES:
        raise ValueError("the salt has 32 bytes")
    return salt + content


def body_hash(body: bytes) -> bytes:
    """Keyed with the body's own salt, so that a header betrays nothing of a body that is gone."""
    return hashlib.blake2b(body[SALT_BYTES:], digest_size=BODY_HASH_BYTES, key=body[:SALT_BYTES], person=b"mc.body").digest()


def record_id(header_bytes: bytes) -> RecordId:
    return RecordId(digest("mc.record", header_bytes))


def signed_bytes(identifier: RecordId) -> bytes:
    """What a record's signature covers."""
    return b"multichat record 1\0" + identifier


def expected_ets(timestamp_ms: int, earlier: Iterable[int]) -> int:
    """The ets that a record should have, from those of its parents and control heads; beyond 2**49 they do not lift."""
    greatest = timestamp_ms
    for ets in earlier:
        if greatest <= ets < LIFTING_ETS:
            greatest = ets + 1
    return greatest


def encode_header(header: Header) -> bytes:
    """What `codec.encode` gives for the header's map, written out field by field: it is encoded for every record that is made,
    rebuilt or checked, and its types are known here."""
    number, write_ids = encode_unsigned, _encode_ids
    parts = [_MAP_HEADS[entries(header)], b"\x00", number(header.version), b"\x01", number(header.suite)]
    parts += (b"\x02", number(header.kind))
    if header.channel is not None:
        parts += (b"\x03", ID_HEAD, header.channel)
    parts += (b"\x04", number(header.log), b"\x05", ID_HEAD, header.device, b"\x06", number(header.seq))
    if header.prev is not None:
        parts += (b"\x07", ID_HEAD, header.prev)
    parts += (b"\x08", write_ids(header.parents), b"\x09", write_ids(header.control_heads))
    parts += (b"\x0a", number(header.timestamp_ms), b"\x0b", number(header.ets))
    if header.expires_ms is not None:
        parts += (b"\x0c", number(header.expires_ms))
    if header.recipients is not None:
        parts += (b"\x0d", write_ids(header.recipients))
    parts += (b"\x0e", ID_HEAD, header.body_hash, b"\x0f", number(header.body_size_bucket))
    return b"".join(parts)


def _encode_ids(ids: tuple[bytes, ...]) -> bytes:
    if len(ids) == 1:
        # Nearly always.
        return _ONE_ID_HEAD + ids[0]
    return b"".join((encode_array_head(len(ids)), *(part for one in ids for part in (ID_HEAD, one))))


def entries(header: Header) -> int:
    """How many entries the map of a header has, as far as this version knows them."""
    optional = (header.channel, header.prev, header.expires_ms, header.recipients)
    return len(_NEEDED) + sum(value is not None for value in optional)


def known_whole(record: "Record") -> bool:
    """Whether the header has no field of a newer version, so that it can be rebuilt from what is known of it."""
    return record.header_bytes[:1] == _MAP_HEADS[entries(record.header)]


def decode_header(header_bytes: bytes) -> Header | Rejected:
    """A header of version 1 or newer; unknown keys from 16 on are left to the bytes."""
    usual = _usual_header(header_bytes)
    if usual is not None:
        return usual
    return read(header_bytes, MAX_HEADER_BYTES, _header)


def _usual_header(encoded: bytes) -> Header | None:
    """The header, where it is laid out as nearly all are: version 1, no recipients, nothing unknown. None: the general way will
    tell. It reads what should stand where, and then compares: what would be written for it is the one encoding."""
    if encoded[1:6] != b"\x00\x01\x01\x01\x02" or len(encoded) > MAX_HEADER_BYTES:
        return None
    try:
        kind, at = encoded[6], 7
        channel = prev = expires_ms = None
        if encoded[at] == 3:
            channel, at = ChannelId(encoded[at + 3 : at + 35]), at + 35
        log, device = Log(encoded[at + 1]), DeviceId(encoded[at + 5 : at + 37])
        seq, at = _number(encoded, at + 38)
        if encoded[at] == 7:
            prev, at = RecordId(encoded[at + 3 : at + 35]), at + 35
        parents, at = _id_list(encoded, at + 1)
        control_heads, at = _id_list(encoded, at + 1)
        timestamp_ms, at = _number(encoded, at + 1)
        ets, at = _number(encoded, at + 1)
        if encoded[at] == 12:
            expires_ms, at = _number(encoded, at + 1)
        hashed, bucket = encoded[at + 3 : at + 35], encoded[at + 36]
    except (IndexError, ValueError):
        return None
    header = Header(
        kind=kind,
        channel=channel,
        log=log,
        device=device,
        seq=seq,
        prev=prev,
        parents=parents,
        control_heads=control_heads,
        timestamp_ms=timestamp_ms,
        ets=ets,
        expires_ms=expires_ms,
        body_hash=hashed,
        body_size_bucket=bucket,
    )
    small = 0 < kind < 24 and bucket < 24 and seq <= MAX_INTEGER
    timely = timestamp_ms < MAX_TIMESTAMP_MS and ets < MAX_ETS and (expires_ms or 0) < MAX_TIMESTAMP_MS
    if not (small and timely) or shape_fault(header) is not None:
        return None
    return header if encode_header(header) == encoded else None


def _number(encoded: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it; for what is no number, anything."""
    first = encoded[at]
    if first < 24:
        return first, at + 1
    end = at + 1 + (1 << (first & 3))
    return int.from_bytes(encoded[at + 1 : end], "big"), end


def _id_list(encoded: bytes, at: int) -> tuple[tuple[RecordId, ...], int]:
    """The ids of a list of at most sixteen, and the place behind it. ValueError."""
    count = encoded[at] - 0x80
    if not 0 <= count <= MAX_PARENTS:
        raise ValueError("no such list")
    end = at + 1 + 34 * count
    return tuple(RecordId(encoded[start + 2 : start + 34]) for start in range(at + 1, end, 34)), end


def _header(value: Value) -> Header:
    fields = as_map(value, "header")
    if any(key < 16 and key not in _KNOWN for key in fields):
        raise Malformed("header: unknown key")
    missing = _NEEDED - fields.keys()
    if missing:
        raise Malformed(f"header: no key {min(missing)}")
    kind = as_int(fields[2], "kind", 255, 1)
    log = as_enum(fields[4], "log", Log)
    seq = as_int(fields[6], "seq", MAX_INTEGER)
    header = Header(
        version=as_int(fields[0], "version", 255, 1),
        suite=as_int(fields[1], "suite", 255, 1),
        kind=kind,
        channel=ChannelId(as_id(fields[3], "channel")) if 3 in fields else None,
        log=log,
        device=DeviceId(as_id(fields[5], "device")),
        seq=seq,
        prev=RecordId(as_id(fields[7], "prev")) if 7 in fields else None,
        parents=tuple(RecordId(i) for i in as_ids(fields[8], "parents", MAX_PARENTS)),
        control_heads=tuple(RecordId(i) for i in as_ids(fields[9], "control_heads", MAX_CONTROL_HEADS)),
        timestamp_ms=as_int(fields[10], "timestamp", MAX_TIMESTAMP_MS - 1),
        ets=as_int(fields[11], "ets", MAX_ETS - 1),
        expires_ms=as_int(fields[12], "expires", MAX_TIMESTAMP_MS - 1) if 12 in fields else None,
        recipients=tuple(UserId(i) for i in as_ids(fields[13], "recipients", MAX_RECIPIENTS)) if 13 in fields else None,
        body_hash=as_bytes(fields[14], "body_hash", BODY_HASH_BYTES, BODY_HASH_BYTES),
        body_size_bucket=as_int(fields[15], "bucket", 63),
    )
    _check_shape(header)
    return header


_NEEDED = frozenset((0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 14, 15))
_KNOWN = _NEEDED | {3, 7, 12, 13}
_MAP_HEADS = tuple(bytes((0xA0 | count,)) for count in range(24))
ID_HEAD = b"\x58\x20"
"""Of a byte string of 32 bytes."""
_ONE_ID_HEAD = encode_array_head(1) + ID_HEAD


def _check_shape(header: Header) -> None:
    """The rules between fields."""
    root = header.kind == Kind.ROOT
    if root != (header.channel is None):
        raise Malformed("a root, and only a root, names no channel")
    if (header.seq == 0) != (header.prev is None):
        raise Malformed("prev is absent exactly at seq 0")
    if root and (header.seq != 0 or header.parents or header.log != Log.CONTROL):
        raise Malformed("a root is the first record of a control log")
    if not root and header.log == Log.CONTROL and not header.parents:
        raise Malformed("a control record other than the root has parents")
    if header.log == Log.CONTROL and header.control_heads:
        raise Malformed("control records name their control heads as parents")
    if header.log == Log.CONTENT and not header.control_heads:
        raise Malformed("content records name control heads")
    if header.kind == Kind.CONTROL and header.log != Log.CONTROL:
        raise Malformed("a control record stands in the control log")
    if header.kind == Kind.CONTENT and header.log != Log.CONTENT:
        raise Malformed("a content record stands in the content log")


def shape_fault(header: Header) -> Rejected | None:
    """What is wrong between the fields of a header that was not decoded from bytes; `decode_header` checks the same."""
    lists = (header.parents, header.control_heads, header.recipients or ())
    if any(len(ids) > 1 and any(a >= b for a, b in pairwise(ids)) for ids in lists):
        return Rejected(Reason.SCHEMA, "header: ids are in ascending order")
    try:
        _check_shape(header)
    except Malformed as error:
        return error.rejected
    return None


def assemble(header: Header, header_bytes: bytes, signature: bytes, body: bytes | None) -> Record | Rejected:
    """A record from its parts, hashes checked; the signature is for the caller to verify."""
    if len(signature) != SIGNATURE_BYTES:
        return Rejected(Reason.SIGNATURE, "64 bytes are needed")
    if body is not None:
        if not SALT_BYTES < len(body) <= MAX_BODY_BYTES:
            return Rejected(Reason.LIMIT, "body size")
        if size_bucket(len(body)) != header.body_size_bucket or body_hash(body) != header.body_hash:
            return Rejected(Reason.HASH, "the body is not the header's")
    return Record(header=header, header_bytes=header_bytes, id=record_id(header_bytes), signature=signature, body=body)


def decode_record(header_bytes: bytes, signature: bytes, body: bytes | None) -> Record | Rejected:
    """A record in its full form. The signature is not verified here."""
    header = decode_header(header_bytes)
    if isinstance(header, Rejected):
        return header
    return assemble(header, header_bytes, signature, body)
