"""Device statements: what a device says, signed, to one audience: a channel, or one contact.

Of one device, audience and kind the newest counts. For a channel they are passed on by its members; for a contact they are told
by their author alone (docs/protocol/routes.md, section 22).
"""

from enum import IntEnum
from typing import NewType, TypeAlias

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.identity import signed_fields, signed_parts
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import MAX_DEVICE_STATEMENT_BYTES, MAX_INTEGER
from multichat_tui.model.schema import as_bytes, as_id, as_int, read
from multichat_tui.model.values import dataclass

Audience = NewType("Audience", bytes)
"""For whom it is said: a channel id, or the user id of a contact (32 bytes)."""
StatementName: TypeAlias = tuple[Audience, DeviceId, int]
"""For whom, by which device, of what kind."""


class DeviceStatementKind(IntEnum):
    """One of a newer kind is kept for nobody: its meaning cannot be checked."""

    ROUTE = 1
    """Where the device can be written to while it is away."""
    DEPOSITED = 2
    """What it has left for others at their mailboxes."""
    READ = 3
    """Up to where its user has read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatement:
    """`number` goes up with each of this name."""

    audience: Audience
    device: DeviceId
    kind: int
    number: int
    content: bytes
    body: bytes
    signature: bytes
    """The device's."""

    @property
    def name(self) -> StatementName:
        return self.audience, self.device, self.kind

    @property
    def encoded(self) -> bytes:
        return encode([self.body, self.signature])


def device_statement_body(
    *, audience: Audience, device: DeviceId, kind: DeviceStatementKind, number: int, content: bytes
) -> bytes:
    return encode({0: 1, 1: 1, 2: audience, 3: device, 4: kind.value, 5: number, 6: content})


def device_statement_signed_bytes(body: bytes) -> bytes:
    return b"multichat device statement 1\0" + body


def decode_device_statement(encoded: bytes) -> DeviceStatement | Rejected:
    """The statement, its signature not verified yet, and its content not opened."""
    return read(encoded, MAX_DEVICE_STATEMENT_BYTES, _statement)


def _statement(value: Value) -> DeviceStatement:
    body, (signature,) = signed_parts(value, "device statement", MAX_DEVICE_STATEMENT_BYTES, 1)
    fields = signed_fields(body, "device statement", MAX_DEVICE_STATEMENT_BYTES, 7)
    return DeviceStatement(
        audience=Audience(as_id(fields[2], "audience")),
        device=DeviceId(as_id(fields[3], "device")),
        kind=as_int(fields[4], "kind", 255, 1),
        number=as_int(fields[5], "number", MAX_INTEGER),
        content=as_bytes(fields[6], "content", MAX_DEVICE_STATEMENT_BYTES),
        body=body,
        signature=signature,
    )
