"""Examples of values, of encodings that are almost right, and of bytes that somebody has tampered with."""

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


def _heads(major: int, number: int) -> st.SearchStrategy[bytes]:
    fitting = [width for width in (0, 1, 2, 4, 8) if number < (24 if width == 0 else 1 << 8 * width)]
    return st.one_of(
        st.just(head(major, number, fitting[0])), st.sampled_from(fitting).map(lambda width: head(major, number, width))
    )


@st.composite
def _loose_leaf(draw: st.DrawFn) -> bytes:
    which = draw(st.integers(0, 7))
    if which == 0:
        number = draw(st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 300)))
        return draw(_heads(draw(st.integers(0, 1)), number))
    if which in (1, 2):
        raw = draw(st.one_of(st.binary(max_size=30), plain_text.map(str.encode)))
        return draw(_heads(1 + which, len(raw))) + raw
    if which == 3:
        return draw(
            st.sampled_from(
                [b"\xf4", b"\xf5", b"\xf6", b"\xf7", b"\xe0", b"\xf8\x14", b"\xf8\xff", b"\xff", b"\x1c", b"\x5f\xff"]
            )
        )
    if which == 4:
        return draw(st.sampled_from([b"\xf9", b"\xfa", b"\xfb"])) + draw(ids(draw(st.sampled_from([2, 4, 8]))))
    return draw(st.sampled_from([b"\x00", b"\x01", b"\x41a", b"\x61a"]))


@st.composite
def loose_cbor(draw: st.DrawFn, depth: int = 3) -> bytes:
    """Something near the encoding: any widths, any order of keys, keys twice, tags, floats, indefinite lengths, false lengths."""
    which = draw(st.integers(0, 9)) if depth else 0
    if which < 4:
        return draw(_loose_leaf())
    if which < 7:
        items = draw(st.lists(loose_cbor(depth - 1), max_size=4))
        if which == 6:
            return b"\x9f" + b"".join(items) + b"\xff"
        return draw(_heads(4, len(items) + draw(st.sampled_from([0, 0, 0, 0, 1])))) + b"".join(items)
    if which < 9:
        pairs = draw(
            st.lists(st.tuples(st.one_of(_heads(0, draw(st.integers(0, 300))), _loose_leaf()), loose_cbor(depth - 1)), max_size=4)
        )
        return draw(_heads(5, len(pairs))) + b"".join(key + value for key, value in sorted(pairs))
    tag = draw(
        st.one_of(st.integers(0, 64), st.sampled_from([100, 258, 260, 261, 1004, 43000, 55799]), st.integers(0, 2**64 - 1))
    )
    return draw(_heads(6, tag)) + draw(loose_cbor(depth - 1))


@st.composite
def tampered(draw: st.DrawFn, encoded: bytes) -> bytes:
    """`encoded` after one to three changes such as a stranger on the line, or at the other end of it, might make."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(encoded) - 1)))
        end = draw(st.integers(at, min(len(encoded), at + 40)))
        match draw(st.integers(0, 6)):
            case 0:
                encoded = encoded[:at] + bytes((draw(st.integers(0, 255)),)) + encoded[at + 1 :]
            case 1:
                encoded = encoded[:at] + draw(st.binary(min_size=1, max_size=9)) + encoded[at:]
            case 2:
                encoded = encoded[:at] + encoded[end:]
            case 3:
                encoded = encoded[:at]
            case 4:
                encoded = encoded[:end] + encoded[at:end] + encoded[end:]
            case 5:
                encoded = encoded[:at] + draw(loose_cbor()) + encoded[end:]
            case _:
                flipped = encoded[at] ^ (1 << draw(st.integers(0, 7))) if encoded else 0
                encoded = encoded[:at] + bytes((flipped,)) + encoded[at + 1 :]
    return encoded
