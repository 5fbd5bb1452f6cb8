"""Statements: what a user says beside any channel. The newest per (user, kind) counts; exchanged between peers at link up."""

from enum import IntEnum

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.identity import signed_fields, signed_parts
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.limits import MAX_INTEGER, MAX_NAME_CHARACTERS
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_map, as_text, read
from multichat_tui.model.values import dataclass

MAX_STATEMENT_BYTES = 4096


class StatementKind(IntEnum):
    """A statement of a newer kind is kept for nobody: its meaning cannot be checked."""

    PROFILE = 1
    DEVICES = 2
    """Not carried as a statement: in offers and requests it names the user's device list."""
    CLOSED = 3
    """The account is closed for good; signed by the account's own key."""
    VOUCH = 4
    """Whom the user vouches for; told to contacts by the user alone."""
    INTRODUCTION = 5
    """People whom the user brings together with the reader; told to the reader by the user alone."""


PRIVATE = frozenset({StatementKind.VOUCH, StatementKind.INTRODUCTION})
"""Passed on by nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Signed by a device of the user. Of two with the same number the greater body counts."""

    user: UserId
    kind: int
    device: DeviceId
    number: int
    content: bytes
    body: bytes
    signature: bytes

    @property
    def encoded(self) -> bytes:
        return encode([self.body, self.signature])


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a user says of themselves."""

    name: str
    status: str = ""


def statement_body(*, user: UserId, kind: StatementKind, device: DeviceId, number: int, content: bytes) -> bytes:
    return encode({0: 1, 1: 1, 2: kind.value, 3: user, 4: device, 5: number, 6: content})


def statement_signed_bytes(body: bytes) -> bytes:
    return b"multichat statement 1\0" + body


def decode_statement(encoded: bytes) -> Statement | Rejected:
    """The statement, its signature not verified yet."""
    return read(encoded, MAX_STATEMENT_BYTES, _statement)


def _statement(value: Value) -> Statement:
    body, (signature,) = signed_parts(value, "statement", MAX_STATEMENT_BYTES, 1)
    inner = signed_fields(body, "statement", MAX_STATEMENT_BYTES, 7)
    return Statement(
        kind=as_int(inner[2], "kind", 255, 1),
        user=UserId(as_id(inner[3], "user")),
        device=DeviceId(as_id(inner[4], "device")),
        number=as_int(inner[5], "number", MAX_INTEGER),
        content=as_bytes(inner[6], "content", MAX_STATEMENT_BYTES),
        body=body,
        signature=signature,
    )


def encode_profile(profile: Profile) -> bytes:
    return encode({0: profile.name, 1: profile.status})


def decode_profile(content: bytes) -> Profile | Rejected:
    return read(content, MAX_STATEMENT_BYTES, _profile)


def _profile(value: Value) -> Profile:
    fields = as_map(value, "profile")
    if 0 not in fields or 1 not in fields:
        raise Malformed("profile: a field is missing")
    return Profile(
        name=as_text(fields[0], "name", MAX_NAME_CHARACTERS, 1),
        status=as_text(fields[1], "status", MAX_NAME_CHARACTERS),
    )
