"""Examples of values, of encodings that are almost right, and of bytes that somebody has tampered with."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from multichat_tui.model.limits import MAX_INTEGER

plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Any text that UTF-8 can hold."""
integers = st.one_of(
    st.integers(-MAX_INTEGER - 1, MAX_INTEGER),
    st.sampled_from(
        [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, MAX_INTEGER, -1, -24, -25, -256, -257, -MAX_INTEGER - 1]
    ),
)
leaves = st.one_of(integers, st.binary(max_size=40), st.binary(min_size=250, max_size=260), plain_text, st.booleans(), st.none())
keys = st.one_of(st.integers(0, 30), st.sampled_from([23, 24, 255, 256, 65535]))


def _nest(depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return leaves
    inner = _nest(depth - 1)
    maps = st.dictionaries(keys, inner, max_size=4).map(lambda fields: dict(sorted(fields.items())))
    return st.one_of(leaves, st.lists(inner, max_size=4), maps)


values = _nest(4)
"""Values of all allowed types."""


def ids(size: int = 32) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def id_sets(most: int) -> st.SearchStrategy[tuple[bytes, ...]]:
    """Ids in ascending order, none twice."""
    return st.sets(ids(), max_size=most).map(lambda found: tuple(sorted(found)))


def head(major: int, number: int, width: int) -> bytes:
    """A head with an argument of `width` bytes (0: in the initial byte), be it the shortest or not."""
    if width == 0:
        return bytes((major << 5 | number,))
    return bytes((major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width],)) + number.to_bytes(width, "big")


seeds = st.integers(0, 2**64 - 1)
"""Large byte strings are made by a seeded generator: much faster than drawing each choice, at the price of shrinking."""


def loose_cbor() -> st.SearchStrategy[bytes]:
    """Something near the encoding: any widths, any order of keys, keys twice, tags, floats, indefinite lengths, false lengths."""
    return seeds.map(lambda seed: _loose(Random(seed), 3))


def tampered(encoded: bytes) -> st.SearchStrategy[bytes]:
    """`encoded` after one to three changes such as a stranger on the line, or at the other end of it, might make."""
    return seeds.map(lambda seed: _tamper(encoded, Random(seed)))


ODD = (b"\xf4", b"\xf5", b"\xf6", b"\xf7", b"\xe0", b"\xf8\x14", b"\xf8\xff", b"\xff", b"\x1c", b"\x5f\xff")
TAGS = (*range(65), 100, 258, 260, 261, 1004, 43000, 55799, 2**64 - 1)


def _number(rng: Random) -> int:
    return rng.getrandbits(rng.choice((3, 5, 8, 16, 32, 63, 64)))


def _any_head(rng: Random, major: int, number: int) -> bytes:
    """Mostly the shortest head, at times a longer one."""
    fitting = [width for width in (0, 1, 2, 4, 8) if number < (24 if width == 0 else 1 << 8 * width)]
    return head(major, number, fitting[0] if rng.random() < 0.95 else rng.choice(fitting))


def _loose_leaf(rng: Random) -> bytes:
    which = rng.randrange(20)
    if which < 8:
        return _any_head(rng, rng.randrange(2), _number(rng))
    if which < 16:
        raw = rng.randbytes(rng.randrange(30)) if which < 13 else "".join(map(chr, rng.choices(range(32, 1000), k=9))).encode()
        return _any_head(rng, 2 if which < 12 else 3, len(raw)) + raw
    if which < 19:
        return rng.choice(ODD)
    return rng.choice((b"\xf9", b"\xfa", b"\xfb")) + rng.randbytes(rng.choice((2, 4, 8)))


def _loose(rng: Random, depth: int) -> bytes:
    which = rng.randrange(20) if depth else 0
    if which < 4:
        return _loose_leaf(rng)
    if which < 11:
        items = [_loose(rng, depth - 1) for _ in range(rng.randrange(4))]
        if which == 4:
            return b"\x9f" + b"".join(items) + b"\xff"
        return _any_head(rng, 4, len(items) + (rng.random() < 0.03)) + b"".join(items)
    if which < 19:
        keys = [
            _any_head(rng, 0, _number(rng) & 0x1FFFF) if rng.random() < 0.97 else _loose_leaf(rng)
            for _ in range(rng.randrange(4))
        ]
        if rng.random() < 0.9:
            keys.sort(key=lambda key: (len(key), key))
        return _any_head(rng, 5, len(keys)) + b"".join(key + _loose(rng, depth - 1) for key in keys)
    return _any_head(rng, 6, rng.choice(TAGS)) + _loose(rng, depth - 1)


def _tamper(encoded: bytes, rng: Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(max(1, len(encoded)))
        end = rng.randint(at, min(len(encoded), at + 40)) if encoded else 0
        match rng.randrange(7):
            case 0:
                encoded = encoded[:at] + rng.randbytes(1) + encoded[at + 1 :]
            case 1:
                encoded = encoded[:at] + rng.randbytes(rng.randint(1, 9)) + encoded[at:]
            case 2:
                encoded = encoded[:at] + encoded[end:]
            case 3:
                encoded = encoded[:at]
            case 4:
                encoded = encoded[:end] + encoded[at:end] + encoded[end:]
            case 5:
                encoded = encoded[:at] + _loose(rng, 2) + encoded[end:]
            case _:
                flipped = encoded[at] ^ (1 << rng.randrange(8)) if encoded else 0
                encoded = encoded[:at] + bytes((flipped,)) + encoded[at + 1 :]
    return encoded
