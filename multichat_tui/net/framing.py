"""How frames stand in the byte stream of a link: a kind (1 byte), a length (3 bytes, big-endian), then so many bytes.

Beside frames there are pings and pongs, whose eight bytes the other side gives back unread. A kind or a length that no node
sends ends the link: the reader says so with `Garbled`.
"""

from collections.abc import Iterator
from typing import TypeAlias

from multichat_tui.model.limits import MAX_FRAME_BYTES
from multichat_tui.model.values import dataclass

FRAME = 0
PING = 1
PONG = 2
PREFIX_BYTES = 4
PING_BYTES = 8

Piece: TypeAlias = tuple[int, bytes]
"""(FRAME, PING or PONG; what it carries)."""

if MAX_FRAME_BYTES >= 2**24:
    raise AssertionError("the length of a frame has three bytes")


@dataclass(frozen=True, slots=True)
class Garbled:
    """The stream is not what a node sends; nothing after this can be read."""

    detail: str


def prefix(kind: int, size: int) -> bytes:
    return (kind << 24 | size).to_bytes(PREFIX_BYTES, "big")


def ping(token: bytes) -> bytes:
    return prefix(PING, PING_BYTES) + token


def pong(token: bytes) -> bytes:
    return prefix(PONG, PING_BYTES) + token


class FrameReader:
    """Cuts the stream into pieces. Holds at most one piece that is not yet whole."""

    __slots__ = ("_buffer", "_garbled")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._garbled = False

    def read(self, received: bytes) -> Iterator[Piece | Garbled]:
        """The pieces that are whole now, in order. After `Garbled` there are no more, ever."""
        if self._garbled:
            return
        stream: bytes | bytearray = received
        if self._buffer:
            self._buffer += received
            stream = self._buffer
        at, end = 0, len(stream)
        while end - at >= PREFIX_BYTES:
            kind = stream[at]
            size = int.from_bytes(stream[at + 1 : at + PREFIX_BYTES], "big")
            fault = _fault(kind, size)
            if fault:
                self._garbled = True
                self._buffer.clear()
                yield Garbled(fault)
                return
            if end - at - PREFIX_BYTES < size:
                break
            at += PREFIX_BYTES
            yield kind, bytes(stream[at : at + size])
            at += size
        if stream is self._buffer:
            del self._buffer[:at]
        else:
            self._buffer += received[at:]


def _fault(kind: int, size: int) -> str:
    if kind == FRAME:
        return "" if size <= MAX_FRAME_BYTES else "a frame beyond the limit"
    if kind in (PING, PONG):
        return "" if size == PING_BYTES else "a ping of another size"
    return "an unknown kind"
