"""An encrypted byte stream over one TCP connection: what is written in one turn of the event loop leaves in one piece.

All channels of a network read into one buffer, since each is done with what it read before the next one reads.
"""

import asyncio
from enum import Enum, auto
from typing import Protocol

from multichat_tui.model.limits import HANDSHAKE_TIMEOUT_S
from multichat_tui.net.tls import Broken, TlsPump

RECEIVE_BUFFER_BYTES = 128 * 1024


class Ending(Enum):
    """How a channel came to its end."""

    GOODBYE = auto()
    """The other end has closed it properly."""
    LOST = auto()
    """The connection is gone without a word."""
    NOT_TLS = auto()
    """The other end sent what TLS does not allow."""


class ChannelUser(Protocol):
    """What stands on top of a channel. No method is called after `ended`, nor after the user has closed the channel."""

    def connected(self, host: str) -> bool:
        """There is a connection to this address; False ends it at once."""

    def established(self) -> None:
        """TLS stands: bytes can be written."""

    def received(self, plain: bytes) -> None: ...

    def took(self, count: int) -> None:
        """So many bytes came over the wire; they have been dealt with."""

    def ended(self, ending: Ending) -> None: ...


class Channel(asyncio.BufferedProtocol):
    """`buffer` is shared with other channels of the same loop."""

    __slots__ = (
        "_buffer",
        "_closed",
        "_flush_due",
        "_linger",
        "_loop",
        "_pending",
        "_pending_bytes",
        "_pump",
        "_transport",
        "_user",
        "heard_s",
        "paused",
    )

    def __init__(self, pump: TlsPump, user: ChannelUser, buffer: memoryview) -> None:
        self._loop = asyncio.get_running_loop()
        self._pump = pump
        self._user = user
        self._buffer = buffer
        self._transport: asyncio.Transport | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._flush_due = False
        self._closed = False
        self._linger: asyncio.TimerHandle | None = None
        self.paused = False
        self.heard_s = 0.0
        """Loop time at which bytes last came."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if self._is_closed() or not peer or not self._user.connected(peer[0]):
            self._closed = True
            transport.abort()
            return
        self._drain()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._closed:
            return
        self.heard_s = self._loop.time()
        was_established = self._pump.established
        outcome = self._pump.feed(self._buffer[:nbytes])
        if isinstance(outcome, Broken):
            self._end(Ending.NOT_TLS)
            return
        self._drain()
        if self._pump.established and not was_established:
            self._user.established()
        for piece in outcome.plain:
            if self._is_closed():
                return
            self._user.received(piece)
        if not self._is_closed():
            self._user.took(nbytes)
        if outcome.ended:
            self._end(Ending.GOODBYE)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._linger is not None:
            self._linger.cancel()
        self._end(Ending.LOST)

    def _is_closed(self) -> bool:
        """Asked anew after each call to the user, who may have closed the channel."""
        return self._closed

    def _end(self, ending: Ending) -> None:
        if not self._closed:
            self.abort()
            self._user.ended(ending)

    def _drain(self) -> None:
        sealed = self._pump.drain()
        if sealed and self._transport is not None:
            self._transport.write(sealed)

    def certificate_hash(self) -> bytes:
        """SHA-256 of the server's certificate, on the client's side once TLS stands."""
        return self._pump.certificate_hash()

    @property
    def unsent_bytes(self) -> int:
        waiting = self._transport.get_write_buffer_size() if self._transport is not None else 0
        return waiting + self._pending_bytes

    def write(self, plain: bytes) -> None:
        """Send with whatever else is written in this turn of the loop."""
        self._pending.append(plain)
        self._pending_bytes += len(plain)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if not self._pending:
            return
        plain = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        self._pump.seal(plain)
        self._drain()

    def pause(self, paused: bool) -> None:
        """Stop reading, or go on."""
        if self._transport is None or self._closed or paused == self.paused:
            return
        self.paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """Send what was written and a goodbye. An end that does not take it is cut off after a while. The user hears no more."""
        if self._closed:
            return
        if self._pump.established:
            self._flush()
            self._pump.say_goodbye()
            self._drain()
        self._closed = True
        if self._transport is not None:
            self._linger = self._loop.call_later(HANDSHAKE_TIMEOUT_S, self._transport.abort)
            self._transport.close()

    def abort(self) -> None:
        """Cut off at once. The user hears no more."""
        self._closed = True
        self._pending.clear()
        self._pending_bytes = 0
        if self._transport is not None:
            self._transport.abort()
