"""Strict deterministic CBOR (RFC 8949, section 4.2.1): one value has one encoding, anything else is rejected.

Allowed are integers of 64 bits, bytes, text, arrays, booleans, null, and maps whose keys are small non-negative integers in
ascending order. `decode` returns the value or a `Rejected`, and raises nothing, whatever the bytes.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias, Union

import cbor2

from multichat_tui.model.limits import MAX_DEPTH, MAX_INTEGER
from multichat_tui.model.values import dataclass

Value: TypeAlias = Union[int, bytes, str, bool, "Sequence[Value]", "Mapping[int, Value]", None]
MAX_KEY = 2**16


class Reason(StrEnum):
    """Why bytes from outside were rejected; also the name of the counter."""

    TOO_LARGE = "too-large"
    NOT_CBOR = "not-cbor"
    NOT_CANONICAL = "not-canonical"
    TYPE = "type"
    SCHEMA = "schema"
    LIMIT = "limit"
    HASH = "hash"
    SIGNATURE = "signature"
    UNKNOWN = "unknown"
    NO_SESSION = "no-session"
    """Encrypted in a session that is not here."""
    NO_PREKEY = "no-prekey"
    """A session begun with a key that is used up or too old."""
    REPLAYED = "replayed"
    """A copy of what was taken before."""
    UNDECRYPTABLE = "undecryptable"


@dataclass(frozen=True, slots=True)
class Rejected:
    """What a decoder answers to bytes that it does not accept."""

    reason: Reason
    detail: str = ""


def encode(value: Value) -> bytes:
    """The one encoding of `value`. Map keys must already ascend; ValueError says which rule the caller broke."""
    parts: list[bytes] = []
    try:
        _write(value, parts.append, 0)
    except _NotAllowed as fault:
        raise ValueError(fault.rejected.detail) from None
    return b"".join(parts)


def decode(encoded: bytes, max_bytes: int) -> Value | Rejected:
    """The value of `encoded` (at most `max_bytes`), or why it is not accepted."""
    if len(encoded) > max_bytes:
        return Rejected(Reason.TOO_LARGE, f"{len(encoded)} bytes, at most {max_bytes}")
    try:
        value: Any = cbor2.loads(
            encoded, max_depth=MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False, semantic_decoders=_NO_TAGS
        )
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        return Rejected(Reason.NOT_CBOR, type(error).__name__)
    parts: list[bytes] = []
    try:
        _write(value, parts.append, 0)
    except _NotAllowed as fault:
        return fault.rejected
    if b"".join(parts) != encoded:
        return Rejected(Reason.NOT_CANONICAL)
    checked: Value = value
    return checked


def decode_text(encoded: bytes, at: int) -> str | None:
    """The text that goes from `at` to the end, if that is the one encoding of a text."""
    if at >= len(encoded):
        return None
    first = encoded[at]
    size = (0, 1, 2, 4)[first - 0x77] if 0x78 <= first <= 0x7A else 0
    begin = at + 1 + size
    length = len(encoded) - begin
    if length < 0 or encoded[at:begin] != _head(_TEXT, length):
        return None
    try:
        return encoded[begin:].decode()
    except UnicodeDecodeError:
        return None


def _refuse_tag(*_: object) -> Any:
    raise ValueError("tag")


_NO_TAGS = dict.fromkeys((*range(64), 100, 258, 260, 261, 1004, 43000, 55799), _refuse_tag)
"""Those that cbor2 would act on. Others come back as CBORTag, which is no allowed type."""


class _NotAllowed(Exception):
    """A value is outside the allowed types. Never leaves this module."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason, detail)


_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = range(0x00, 0xC0, 0x20)


_PACK_16, _PACK_32, _PACK_64 = (struct.Struct(layout).pack for layout in (">BH", ">BI", ">BQ"))


def _long_head(major: int, number: int) -> bytes:
    """Initial byte and the shortest argument that holds `number`."""
    if number < 24:
        return bytes((major | number,))
    if number < 1 << 8:
        return bytes((major | 24, number))
    if number < 1 << 16:
        return _PACK_16(major | 25, number)
    if number < 1 << 32:
        return _PACK_32(major | 26, number)
    return _PACK_64(major | 27, number)


_HEADS = {major: tuple(_long_head(major, number) for number in range(256)) for major in range(0x00, 0xC0, 0x20)}
_BYTES_HEADS = _HEADS[_BYTES]
_UNSIGNED_HEADS = _HEADS[_UNSIGNED]


def _head(major: int, number: int) -> bytes:
    return _HEADS[major][number] if number < 256 else _long_head(major, number)


def encode_unsigned(number: int) -> bytes:
    """The encoding of a non-negative integer of 63 bits."""
    return _UNSIGNED_HEADS[number] if 0 <= number < 256 else _checked_long_head(number)


def encode_bytes_head(length: int) -> bytes:
    """What a byte string of so many bytes begins with."""
    return _BYTES_HEADS[length] if length < 256 else _long_head(_BYTES, length)


def encode_array_head(length: int) -> bytes:
    """What an array of so many items begins with."""
    return _HEADS[_ARRAY][length] if length < 256 else _long_head(_ARRAY, length)


def _checked_long_head(number: int) -> bytes:
    if not 0 <= number <= MAX_INTEGER:
        raise ValueError("integer beyond 63 bits")
    return _long_head(_UNSIGNED, number)


def _write(value: Any, add: Callable[[bytes], None], depth: int) -> None:
    """Add the encoding of `value` in parts. One walk that checks and encodes takes a third less than a check and `cbor2.dumps`.

    Exact types only: a subclass could mean something else. Raises `_NotAllowed`.
    """
    kind = type(value)
    if kind is bytes:
        length = len(value)
        add(_BYTES_HEADS[length] if length < 256 else _long_head(_BYTES, length))
        add(value)
    elif kind is int:
        if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise _NotAllowed(Reason.TYPE, "integer beyond 64 bits")
        if value >= 0:
            add(_UNSIGNED_HEADS[value] if value < 256 else _long_head(_UNSIGNED, value))
        else:
            add(_head(_NEGATIVE, -1 - value))
    elif kind is str:
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            raise _NotAllowed(Reason.TYPE, "text with a lone surrogate") from None
        add(_head(_TEXT, len(encoded)))
        add(encoded)
    elif kind is bool:
        add(b"\xf5" if value else b"\xf4")
    elif value is None:
        add(b"\xf6")
    elif kind is list or kind is tuple or kind is dict:
        if depth >= MAX_DEPTH:
            raise _NotAllowed(Reason.TYPE, "nested too deep")
        if kind is dict:
            _write_map(value, add, depth + 1)
        else:
            add(_head(_ARRAY, len(value)))
            for item in value:
                _write(item, add, depth + 1)
    else:
        raise _NotAllowed(Reason.TYPE, kind.__name__)


def _write_map(value: dict[Any, Any], add: Callable[[bytes], None], depth: int) -> None:
    add(_head(_MAP, len(value)))
    last = -1
    for key, item in value.items():
        if type(key) is not int or not last < key < MAX_KEY:
            raise _NotAllowed(Reason.NOT_CANONICAL, "map keys are small integers in ascending order")
        last = key
        add(_UNSIGNED_HEADS[key] if key < 256 else _long_head(_UNSIGNED, key))
        _write(item, add, depth)
