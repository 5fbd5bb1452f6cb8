"""One end of a link: the handshake in its channel, then frames both ways and pings that measure the round trip.

A link that has not come up tells its attempt why; one that has, tells its owner once why it went down.
"""

import asyncio
from typing import Protocol, TypeAlias

from multichat_tui.crypto.handshake import ClientHandshake, Failed, Failure, Proven, ServerHandshake
from multichat_tui.model.ids import LinkId
from multichat_tui.model.limits import (
    MAX_CLIENT_HELLO_BYTES,
    MAX_HANDSHAKE_BYTES,
    MAX_LINK_OUTBOX_BYTES,
    PING_INTERVAL_S,
    PING_TIMEOUT_S,
)
from multichat_tui.net.channel import Channel, Ending
from multichat_tui.net.framing import FRAME, PING, FrameReader, Garbled, ping, pong, prefix
from multichat_tui.net.reasons import DownReason

MAX_UNPROVEN_BYTES = MAX_CLIENT_HELLO_BYTES + 4 * MAX_HANDSHAKE_BYTES
"""On the wire, before the other end has proven itself: its ClientHello, its handshake messages and TLS around them."""
SMOOTHING = 0.125
"""Weight of a new round trip in the smoothed one (RFC 6298)."""
NOTABLE_CHANGE = 0.2
NOTABLE_CHANGE_MS = 1.0

Handshake: TypeAlias = ClientHandshake | ServerHandshake
Why: TypeAlias = Failure | Ending | None
"""Why a link did not come up; None: it sent more than a stranger may."""


class LinkAttempt(Protocol):
    """Whoever brings a link about: accepts it or dials. Hears either `succeeded` or `failed`, and nothing afterwards."""

    def connected(self, link: "LinkEnd") -> bool:
        """`link.host` is known now. False ends the attempt."""

    def make_handshake(self, link: "LinkEnd") -> Handshake:
        """TLS stands: the handshake for this channel."""

    def succeeded(self, link: "LinkEnd", proven: Proven) -> None: ...

    def failed(self, link: "LinkEnd", why: Why) -> None: ...


class LinkOwner(Protocol):
    """Whom a link that is up tells what happens."""

    def link_frame(self, link: "LinkEnd", frame: bytes) -> None: ...

    def link_rtt(self, link: "LinkEnd", rtt_ms: float) -> None: ...

    def link_down(self, link: "LinkEnd", reason: str) -> None: ...


class LinkEnd:
    """Stands on `channel`, which whoever makes the two sets. Implements `channel.ChannelUser`."""

    __slots__ = (
        "_attempt",
        "_handshake",
        "_loop",
        "_over",
        "_owner",
        "_ping_number",
        "_pinged_s",
        "_reader",
        "_rtt_ms",
        "_said_rtt_ms",
        "_timer",
        "_unproven_bytes",
        "channel",
        "greeted",
        "host",
        "number",
        "up",
    )

    channel: Channel

    def __init__(self, attempt: LinkAttempt, owner: LinkOwner) -> None:
        self._attempt = attempt
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._handshake: Handshake | None = None
        self._reader = FrameReader()
        self._unproven_bytes = 0
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._ping_number = 0
        self._pinged_s = 0.0
        self._rtt_ms = 0.0
        self._said_rtt_ms = 0.0
        self.host = ""
        """The other end's address, as seen from here."""
        self.number = LinkId(0)
        """Given by the owner when the link comes up."""
        self.up = False
        self.greeted = False
        """Whether the other end has begun the handshake inside TLS."""

    def connected(self, host: str) -> bool:
        self.host = host
        if self._over or not self._attempt.connected(self):
            self._over = True
            return False
        return True

    def established(self) -> None:
        self._handshake = self._attempt.make_handshake(self)
        if isinstance(self._handshake, ServerHandshake):
            self.channel.write(self._handshake.begin())

    def received(self, plain: bytes) -> None:
        if self._handshake is not None:
            plain = self._shake(self._handshake, plain)
        if not self.up or not plain:
            return
        for piece in self._reader.read(plain):
            if self._over:
                return
            if isinstance(piece, Garbled):
                self._fall(DownReason.GARBLED)
                return
            kind, content = piece
            if kind == FRAME:
                self._owner.link_frame(self, content)
            elif kind == PING:
                self._write(pong(content))
            else:
                self._ponged(content)

    def _shake(self, handshake: Handshake, plain: bytes) -> bytes:
        """One step of the handshake; returns what belongs to the link."""
        step = handshake.receive(plain)
        self.greeted = isinstance(handshake, ServerHandshake) or handshake.greeted
        if step.send:
            self.channel.write(step.send)
        match step.outcome:
            case None:
                return b""
            case Failed(reason=reason):
                self._fail(reason)
                return b""
            case Proven() as proven:
                self._handshake = None
                self.up = True
                self._attempt.succeeded(self, proven)
                if not self._over:
                    self._ping()
                return step.rest

    def took(self, count: int) -> None:
        if not self.up and not self._over:
            self._unproven_bytes += count
            if self._unproven_bytes > MAX_UNPROVEN_BYTES:
                self._fail(None)

    def ended(self, ending: Ending) -> None:
        if not self.up:
            self._fail(ending)
        elif ending is Ending.GOODBYE:
            self._fall(DownReason.CLOSED_BY_PEER)
        else:
            self._fall(DownReason.BROKEN if ending is Ending.LOST else DownReason.GARBLED)

    def _fail(self, why: Why) -> None:
        """Nothing is said to the other end."""
        if not self._over:
            self._over = True
            self.channel.abort()
            self._attempt.failed(self, why)

    def _fall(self, reason: str) -> None:
        if self._finish():
            self.channel.abort()
            self._owner.link_down(self, reason)

    def _finish(self) -> bool:
        """Whether the link was still up."""
        was_up, self._over = self.up and not self._over, True
        if self._timer is not None:
            self._timer.cancel()
        return was_up

    def send(self, frame: bytes) -> None:
        """The frame goes out after all that was sent before, or the link goes down."""
        if self._over or not self.up:
            return
        if self.channel.unsent_bytes + len(frame) > MAX_LINK_OUTBOX_BYTES:
            self._fall_soon(DownReason.OUTBOX_FULL)
            return
        self.channel.write(prefix(FRAME, len(frame)))
        self.channel.write(frame)

    def _write(self, piece: bytes) -> None:
        """A ping or pong: who asks for many without reading the answers fills the outbox like anybody else."""
        if self.channel.unsent_bytes > MAX_LINK_OUTBOX_BYTES:
            self._fall(DownReason.OUTBOX_FULL)
        else:
            self.channel.write(piece)

    def _fall_soon(self, reason: str) -> None:
        if self._finish():
            self.channel.abort()
            self._loop.call_soon(self._owner.link_down, self, reason)

    def close(self, reason: str) -> None:
        """Send what is due and say goodbye; the owner hears of it in the next turn of the loop."""
        if self._finish():
            self.channel.close()
            self._loop.call_soon(self._owner.link_down, self, reason)

    def abandon(self, *, politely: bool = False) -> None:
        """End without telling the owner."""
        self._finish()
        if politely and self.up:
            self.channel.close()
        else:
            self.channel.abort()

    def _ping(self) -> None:
        self._ping_number += 1
        self._pinged_s = self._loop.time()
        self._timer = self._loop.call_later(PING_TIMEOUT_S, self._missed)
        self._write(ping(self._ping_number.to_bytes(8, "big")))

    def _missed(self) -> None:
        """No answer in time. As long as anything comes, or we do not read, the link stands."""
        if not self.channel.paused and self.channel.heard_s <= self._pinged_s:
            self._fall(DownReason.SILENT)
            return
        self._pinged_s = max(self._pinged_s, self.channel.heard_s)
        self._timer = self._loop.call_later(PING_TIMEOUT_S, self._missed)

    def _ponged(self, token: bytes) -> None:
        if int.from_bytes(token, "big") != self._ping_number or self._timer is None:
            return
        self._timer.cancel()
        self._timer = self._loop.call_later(PING_INTERVAL_S, self._ping)
        sample_ms = max(0.0, (self._loop.time() - self._pinged_s) * 1000)
        self._rtt_ms = sample_ms if not self._said_rtt_ms else self._rtt_ms + SMOOTHING * (sample_ms - self._rtt_ms)
        change_ms = abs(self._rtt_ms - self._said_rtt_ms)
        if not self._said_rtt_ms or (change_ms > NOTABLE_CHANGE_MS and change_ms > NOTABLE_CHANGE * self._said_rtt_ms):
            self._said_rtt_ms = self._rtt_ms or NOTABLE_CHANGE_MS / 1000
            self._owner.link_rtt(self, self._said_rtt_ms)
