"""Whoever comes to our door: a place in it, a deadline, and the listening side of the handshake."""

import asyncio
from collections.abc import Callable

from multichat_tui.crypto.handshake import CredentialSource, Failure, Proven, ServerHandshake
from multichat_tui.model.ports import Entropy, LocalDevice
from multichat_tui.net.channel import Channel, Ending
from multichat_tui.net.door import Door
from multichat_tui.net.link import LinkEnd, Why
from multichat_tui.net.links import LinkTable
from multichat_tui.net.reasons import Turned
from multichat_tui.net.tls import ServerIdentity, TlsPump


class Acceptor:
    """Makes links of connections that come in. `port()` is where we listen, as we tell it to those who have proven a key."""

    def __init__(
        self,
        *,
        local: LocalDevice,
        credentials: CredentialSource,
        links: LinkTable,
        door: Door,
        entropy: Entropy,
        port: Callable[[], int],
        buffer: memoryview,
        timeout_s: float,
    ) -> None:
        self.local = local
        self.credentials = credentials
        self.links = links
        self.door = door
        self.entropy = entropy
        self.port = port
        self.timeout_s = timeout_s
        self._buffer = buffer
        self._arrivals: set[_Arrival] = set()

    def factory(self, identity: ServerIdentity) -> Callable[[], asyncio.BaseProtocol]:
        """What a listener with this certificate makes of each connection."""

        def make() -> Channel:
            link = LinkEnd(_Arrival(self, identity), self.links)
            link.channel = Channel(TlsPump(identity.context, server=True), link, self._buffer)
            return link.channel

        return make

    def began(self, arrival: "_Arrival") -> None:
        self._arrivals.add(arrival)

    def over(self, arrival: "_Arrival") -> None:
        self._arrivals.discard(arrival)

    def close(self) -> None:
        """Cut off all who have not proven themselves."""
        for arrival in list(self._arrivals):
            arrival.drop()


class _Arrival:
    """One stranger, until proven. Implements `link.LinkAttempt`."""

    __slots__ = ("_acceptor", "_deadline", "_identity", "_link", "_place")

    def __init__(self, acceptor: Acceptor, identity: ServerIdentity) -> None:
        self._acceptor = acceptor
        self._identity = identity
        self._place: str | None = None
        self._link: LinkEnd | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connected(self, link: LinkEnd) -> bool:
        self._place = self._acceptor.door.admit(link.host)
        if self._place is None:
            return False
        self._link = link
        self._deadline = asyncio.get_running_loop().call_later(self._acceptor.timeout_s, self._expire)
        self._acceptor.began(self)
        return True

    def make_handshake(self, link: LinkEnd) -> ServerHandshake:
        acceptor = self._acceptor
        return ServerHandshake(
            acceptor.local,
            acceptor.credentials,
            self._identity.certificate_hash,
            acceptor.entropy,
            port=acceptor.port(),
        )

    def succeeded(self, link: LinkEnd, proven: Proven) -> None:
        self._leave()
        self._acceptor.links.enter(link, proven, dialled=False)

    def failed(self, link: LinkEnd, why: Why) -> None:
        self._leave()
        self._acceptor.door.count(_turned(why))

    def _expire(self) -> None:
        self.drop()
        self._acceptor.door.count(Turned.TIMED_OUT)

    def drop(self) -> None:
        self._leave()
        if self._link is not None:
            self._link.abandon()

    def _leave(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if self._place is not None:
            self._acceptor.door.leave(self._place)
            self._place = None
        self._acceptor.over(self)


def _turned(why: Why) -> Turned:
    match why:
        case None:
            return Turned.OVERSIZED
        case Ending.GOODBYE | Ending.LOST:
            return Turned.GONE
        case Ending.NOT_TLS | Failure.MALFORMED:
            return Turned.GARBAGE
        case Failure.NO_COMMON_VERSION:
            return Turned.NO_COMMON_VERSION
        case Failure.UNKNOWN_KEY | Failure.WRONG_PROOF | Failure.OURSELVES:
            return Turned.UNKNOWN
