"""Strict deterministic CBOR (RFC 8949, section 4.2.1): one value has one encoding, anything else is rejected.

Allowed are integers of 64 bits, bytes, text, arrays, booleans, null, and maps whose keys are small non-negative integers in
ascending order. `decode` returns the value or a `Rejected`, and raises nothing, whatever the bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, Union

import cbor2

from multichat_tui.model.limits import MAX_DEPTH, MAX_INTEGER

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


@dataclass(frozen=True, slots=True)
class Rejected:
    """What a decoder answers to bytes that it does not accept."""

    reason: Reason
    detail: str = ""


def encode(value: Value) -> bytes:
    """The one encoding of `value`. Map keys must already ascend; ValueError says which rule the caller broke."""
    fault = _fault(value, 0)
    if fault is not None:
        raise ValueError(fault.detail)
    return cbor2.dumps(value)


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
    fault = _fault(value, 0)
    if fault is not None:
        return fault
    if cbor2.dumps(value) != encoded:
        return Rejected(Reason.NOT_CANONICAL)
    checked: Value = value
    return checked


def _refuse_tag(*_: object) -> Any:
    raise ValueError("tag")


_NO_TAGS = dict.fromkeys((*range(64), 100, 258, 260, 261, 1004, 43000, 55799), _refuse_tag)


def _fault(value: object, depth: int) -> Rejected | None:
    """What in `value` is outside the allowed types. Exact types only: subclasses encode differently."""
    kind = type(value)
    if kind is int:
        if -MAX_INTEGER - 1 <= value <= MAX_INTEGER:  # type: ignore[operator]  # kind is int
            return None
        return Rejected(Reason.TYPE, "integer beyond 64 bits")
    if kind is bytes or kind is str or kind is bool or value is None:
        return None
    if depth >= MAX_DEPTH:
        return Rejected(Reason.TYPE, "nested too deep")
    if kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]  # kind is list or tuple
            fault = _fault(item, depth + 1)
            if fault is not None:
                return fault
        return None
    if kind is dict:
        last = -1
        for key, item in value.items():  # type: ignore[attr-defined]  # kind is dict
            if type(key) is not int or not last < key < MAX_KEY:
                return Rejected(Reason.NOT_CANONICAL, "map keys are small integers in ascending order")
            last = key
            fault = _fault(item, depth + 1)
            if fault is not None:
                return fault
        return None
    return Rejected(Reason.TYPE, kind.__name__)
