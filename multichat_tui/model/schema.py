"""Reading typed fields out of decoded values.

The functions raise `Malformed`; each public decoder of this room catches it once, at its entry, and returns `codec.Rejected`.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import TypeVar

from multichat_tui.model.codec import Reason, Rejected, Value, decode
from multichat_tui.model.ids import PREFIX_SIZE

T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)


class Malformed(Exception):
    """A decoded value is not of the shape that it should be. Never leaves this room."""

    def __init__(self, detail: str, reason: Reason = Reason.SCHEMA) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason, detail)


def read(encoded: bytes, max_bytes: int, build: Callable[[Value], T]) -> T | Rejected:
    """Decode strictly, then build; whatever is wrong comes back as a `Rejected`."""
    value = decode(encoded, max_bytes)
    if isinstance(value, Rejected):
        return value
    try:
        return build(value)
    except Malformed as error:
        return error.rejected


def as_map(value: Value, what: str) -> Mapping[int, Value]:
    if not isinstance(value, dict):
        raise Malformed(f"{what}: a map is needed")
    return value


def as_list(value: Value, what: str, most: int, least: int = 0) -> Sequence[Value]:
    if not isinstance(value, list):
        raise Malformed(f"{what}: an array is needed")
    if not least <= len(value) <= most:
        raise Malformed(f"{what}: {len(value)} entries", Reason.LIMIT)
    return value


def as_int(value: Value, what: str, most: int, least: int = 0) -> int:
    if type(value) is not int:
        raise Malformed(f"{what}: an integer is needed")
    if not least <= value <= most:
        raise Malformed(f"{what}: {value} is outside {least}..{most}", Reason.LIMIT)
    return value


def as_bool(value: Value, what: str) -> bool:
    if type(value) is not bool:
        raise Malformed(f"{what}: a boolean is needed")
    return value


def as_bytes(value: Value, what: str, most: int, least: int = 0) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed(f"{what}: bytes are needed")
    if not least <= len(value) <= most:
        raise Malformed(f"{what}: {len(value)} bytes", Reason.LIMIT)
    return value


def as_id(value: Value, what: str) -> bytes:
    return as_bytes(value, what, 32, 32)


def as_prefix(value: Value, what: str) -> bytes:
    """The first bytes of an id, which name it in frames."""
    return as_bytes(value, what, PREFIX_SIZE, PREFIX_SIZE)


def as_text(value: Value, what: str, most: int, least: int = 0) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{what}: text is needed")
    if not least <= len(value) <= most:
        raise Malformed(f"{what}: {len(value)} characters", Reason.LIMIT)
    return value


def as_enum(value: Value, what: str, kind: type[E]) -> E:
    try:
        return kind(as_int(value, what, 2**31))
    except ValueError:
        raise Malformed(f"{what}: {value!r} is unknown", Reason.UNKNOWN) from None


def as_ids(value: Value, what: str, most: int) -> tuple[bytes, ...]:
    """Ids in strictly ascending order: one set has one encoding."""
    ids = tuple(as_id(entry, what) for entry in as_list(value, what, most))
    if any(a >= b for a, b in itertools.pairwise(ids)):
        raise Malformed(f"{what}: not in ascending order")
    return ids


def frozen(value: Value) -> Value:
    """The same with tuples for arrays, so that nobody changes it."""
    if isinstance(value, list):
        return tuple(frozen(entry) for entry in value)
    return {key: frozen(entry) for key, entry in value.items()} if isinstance(value, dict) else value
