"""The byte stream of a link, cut into frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multichat_tui.model.limits import MAX_FRAME_BYTES
from multichat_tui.net.framing import FRAME, PING, PONG, FrameReader, Garbled, ping, pong, prefix


def frame(content: bytes) -> bytes:
    return prefix(FRAME, len(content)) + content


def test_a_frame_costs_four_bytes():
    assert frame(b"hello") == b"\x00\x00\x00\x05hello"


@given(contents=st.lists(st.binary(max_size=300), max_size=20), cuts=st.lists(st.integers(1, 50), max_size=200))
def test_frames_come_out_as_they_went_in_whatever_the_pieces(contents: list[bytes], cuts: list[int]):
    stream = b"".join(frame(content) for content in contents)
    reader, got = FrameReader(), []
    while stream:
        size = cuts.pop() if cuts else len(stream)
        piece, stream = stream[:size], stream[size:]
        got += list(reader.read(piece))
    assert got == [(FRAME, content) for content in contents]


def test_pings_and_pongs_stand_between_frames():
    stream = frame(b"a") + ping(b"12345678") + pong(b"87654321") + frame(b"b")
    assert list(FrameReader().read(stream)) == [(FRAME, b"a"), (PING, b"12345678"), (PONG, b"87654321"), (FRAME, b"b")]


@pytest.mark.parametrize(
    "stream",
    [
        b"\x03\x00\x00\x00",
        b"\xff\xff\xff\xff",
        prefix(FRAME, MAX_FRAME_BYTES + 1),
        prefix(PING, 7) + bytes(7),
        prefix(PONG, 9) + bytes(9),
        prefix(PING, 0),
    ],
)
def test_what_no_node_sends_ends_the_stream(stream: bytes):
    reader = FrameReader()
    pieces = list(reader.read(frame(b"good") + stream))
    assert pieces[0] == (FRAME, b"good")
    assert isinstance(pieces[1], Garbled)
    assert list(reader.read(frame(b"more"))) == []


def test_an_oversized_frame_is_refused_before_it_has_come():
    assert isinstance(next(iter(FrameReader().read(prefix(FRAME, MAX_FRAME_BYTES + 1)))), Garbled)


@given(pieces=st.lists(st.binary(max_size=100), max_size=20))
def test_garbage_raises_nothing(pieces: list[bytes]):
    reader = FrameReader()
    for piece in pieces:
        for got in reader.read(piece):
            assert isinstance(got, Garbled | tuple)
