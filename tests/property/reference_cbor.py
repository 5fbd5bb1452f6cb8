"""A second decoder of the strict encoding, written from RFC 8949 and the rules of
docs/protocol/encoding-and-keys.md alone: what the real one must agree with. Slow and plain."""

from typing import Any

DEEPEST = 8
LARGEST = 2**63 - 1
LARGEST_KEY = 2**16 - 1


class Refused(Exception):
    """These bytes are not a value."""


def reference_decode(encoded: bytes) -> Any:
    """The value, or Refused."""
    value, end = _item(encoded, 0, 0)
    if end != len(encoded):
        raise Refused("trailing bytes")
    return value


def _take(encoded: bytes, start: int, count: int) -> bytes:
    if start + count > len(encoded):
        raise Refused("cut off")
    return encoded[start : start + count]


def _argument(encoded: bytes, at: int) -> tuple[int, int]:
    """The argument of the head at `at`, in its shortest form, and where the head ends."""
    additional = encoded[at] & 0x1F
    if additional < 24:
        return additional, at + 1
    if additional > 27:
        raise Refused("reserved or indefinite")
    width = 1 << (additional - 24)
    number = int.from_bytes(_take(encoded, at + 1, width), "big")
    smallest = {1: 24, 2: 2**8, 4: 2**16, 8: 2**32}[width]
    if number < smallest:
        raise Refused("not the shortest form")
    return number, at + 1 + width


def _item(encoded: bytes, at: int, depth: int) -> tuple[Any, int]:
    major = _take(encoded, at, 1)[0] >> 5
    if major == 7:
        if encoded[at] not in (0xF4, 0xF5, 0xF6):
            raise Refused("simple value or float")
        return {0xF4: False, 0xF5: True, 0xF6: None}[encoded[at]], at + 1
    if major == 6:
        raise Refused("tag")
    number, at = _argument(encoded, at)
    if major in (0, 1):
        if number > LARGEST:
            raise Refused("beyond 64 bits")
        return (number if major == 0 else -1 - number), at
    if major in (2, 3):
        raw = _take(encoded, at, number)
        if major == 2:
            return raw, at + number
        try:
            return raw.decode("utf-8"), at + number
        except UnicodeDecodeError:
            raise Refused("no UTF-8") from None
    if depth >= DEEPEST:
        raise Refused("too deep")
    if major == 4:
        items = []
        for _ in range(number):
            item, at = _item(encoded, at, depth + 1)
            items.append(item)
        return items, at
    fields: dict[int, Any] = {}
    last = -1
    for _ in range(number):
        if _take(encoded, at, 1)[0] >> 5 != 0:
            raise Refused("key")
        key, at = _argument(encoded, at)
        if not last < key <= LARGEST_KEY:
            raise Refused("key order")
        last = key
        fields[key], at = _item(encoded, at, depth + 1)
    return fields, at
