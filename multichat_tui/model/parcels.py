"""Parcels: what one device says to another that it has no link to, carried by whoever keeps it until then.

The contents are ordinary frames, those that a link carries, one after the other. A parcel covers records: while it is on its way
nobody need send them to that device again.
"""

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.device_statements import StatementName
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.limits import MAX_CONTENTS_BYTES, MAX_CONTENTS_FRAMES, MAX_COVERS, MAX_INTEGER, MAX_TIMESTAMP_MS
from multichat_tui.model.schema import as_bytes, as_enum, as_id, as_int, as_list, read
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Of a chain the records from `first` to `last`. `leaf`: of a chain that forks, the first bytes of the id at the end of the
    branch; empty where it does not."""

    channel: ChannelId
    log: Log
    device: DeviceId
    first: int
    last: int
    leaf: bytes = b""

    def as_value(self) -> Value:
        return [self.channel, self.log.value, self.device, self.first, self.last, self.leaf]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    contents: bytes
    """See `encode_contents`."""
    covers: tuple[Cover, ...]
    """Empty: nothing in it asks for an acknowledgement."""
    expires_ms: int = MAX_TIMESTAMP_MS
    """When the first text in it is to be gone from everywhere."""
    statements: tuple[tuple[StatementName, int], ...] = ()
    """Our own device statements in it, with their numbers."""


def encode_contents(frames: list[bytes]) -> bytes:
    return encode(frames)


def decode_contents(encoded: bytes) -> tuple[bytes, ...] | Rejected:
    """The frames of a parcel, none of them decoded; at most MAX_CONTENTS_BYTES."""
    return read(encoded, MAX_CONTENTS_BYTES, _contents)


def _contents(value: Value) -> tuple[bytes, ...]:
    return tuple(as_bytes(frame, "frame", MAX_CONTENTS_BYTES, 1) for frame in as_list(value, "contents", MAX_CONTENTS_FRAMES, 1))


def cover_of(value: Value) -> Cover:
    """`schema.Malformed`."""
    parts = as_list(value, "cover", 6, 6)
    first = as_int(parts[3], "first", MAX_INTEGER)
    return Cover(
        channel=ChannelId(as_id(parts[0], "channel")),
        log=as_enum(parts[1], "log", Log),
        device=DeviceId(as_id(parts[2], "device")),
        first=first,
        last=as_int(parts[4], "last", MAX_INTEGER, first),
        leaf=as_bytes(parts[5], "leaf", PREFIX_SIZE),
    )


def covers_of(value: Value) -> tuple[Cover, ...]:
    """`schema.Malformed`."""
    return tuple(cover_of(each) for each in as_list(value, "covers", MAX_COVERS))
