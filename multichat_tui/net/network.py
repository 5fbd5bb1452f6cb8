"""The real network: listens, dials, looks around on the LAN, and follows the host from one network to the next."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence

from multichat_tui.model.errors import LinkFailed
from multichat_tui.model.hosts import Address, parse_host
from multichat_tui.model.ids import LinkId
from multichat_tui.model.limits import ANNOUNCE_AGAIN_S, HANDSHAKE_TIMEOUT_S
from multichat_tui.model.ports import (
    ONLY_DIAL,
    Credential,
    Entropy,
    LocalDevice,
    NearbyGone,
    NearbySeen,
    NetworkChanged,
    NetworkInput,
    PeerSeen,
)
from multichat_tui.model.values import dataclass
from multichat_tui.net.acceptor import Acceptor
from multichat_tui.net.addresses import own_addresses
from multichat_tui.net.channel import RECEIVE_BUFFER_BYTES
from multichat_tui.net.dialler import Dialler
from multichat_tui.net.door import Door
from multichat_tui.net.lan import LanDiscovery
from multichat_tui.net.links import LinkTable
from multichat_tui.net.listener import Listener, open_listener
from multichat_tui.net.watch import AddressWatch

DAY_S = 86_400
CHECK_DAY_S = 3600.0
"""Timers stand still while a machine sleeps; a day that began meanwhile is noticed after this at the latest."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Life:
    """What exists from start to stop."""

    deliver: Callable[[NetworkInput], None]
    links: LinkTable
    door: Door
    acceptor: Acceptor
    dialler: Dialler
    listener: Listener
    lan: LanDiscovery | None
    day: int
    outward: frozenset[Address]
    """The addresses, other than loopback, that we had when last we had any."""
    watch: AddressWatch | None = None
    day_timer: asyncio.TimerHandle | None = None
    renewal: asyncio.Task[None] | None = None
    again: bool = False
    """Something changed while a renewal was under way."""


class TcpNetwork:
    """Implements `ports.Network`. `listen` is HOST:PORT, an address of this host or `*` for all; port 0 and None: any port.

    A port that was not asked for is new, with its certificate, at each start, each UTC day, and when the host has moved to
    another network; links that stand are not touched. `handshake_timeout_s`, `wall_s` (the clock, in seconds) and `again_s`
    (after which times we announce ourselves again) are for tests.
    """

    def __init__(
        self,
        *,
        listen: str | None = None,
        lan: bool = True,
        entropy: Entropy = os.urandom,
        handshake_timeout_s: float = HANDSHAKE_TIMEOUT_S,
        wall_s: Callable[[], float] = time.time,
        again_s: Sequence[float] = ANNOUNCE_AGAIN_S,
    ) -> None:
        self._listen = listen
        self._lan = lan
        self._entropy = entropy
        self._timeout_s = handshake_timeout_s
        self._wall_s = wall_s
        self._again_s = again_s
        self._credentials: tuple[Credential, ...] = ()
        self._accepting: tuple[Credential, ...] = ()
        self._life: _Life | None = None

    async def start(self, local: LocalDevice, deliver: Callable[[NetworkInput], None]) -> tuple[str, ...]:
        if self._life is not None:
            raise LinkFailed("the network is running already")
        host, port = _split_listen(self._listen)
        links, door = LinkTable(deliver), Door(deliver)
        buffer = memoryview(bytearray(RECEIVE_BUFFER_BYTES))
        acceptor = Acceptor(
            local=local,
            credentials=lambda: self._accepting,
            links=links,
            door=door,
            entropy=self._entropy,
            port=self._port,
            buffer=buffer,
            timeout_s=self._timeout_s,
        )
        dialler = Dialler(
            local=local,
            links=links,
            deliver=deliver,
            entropy=self._entropy,
            port=self._port,
            is_ours=self._is_ours,
            buffer=buffer,
            timeout_s=self._timeout_s,
        )
        listener = await open_listener(host, port, acceptor.factory)
        lan = None
        if self._lan:
            lan = LanDiscovery(seen=self._seen, entropy=self._entropy, wall_s=self._wall_s, again_s=self._again_s)
        self._life = life = _Life(
            deliver=deliver,
            links=links,
            door=door,
            acceptor=acceptor,
            dialler=dialler,
            listener=listener,
            lan=lan,
            day=self._today(),
            outward=_outward(own_addresses()),
        )
        life.watch = AddressWatch(self._addresses_changed)
        self._await_day(life)
        if lan is not None:
            lan.publish(self._credentials)
            lan.look(listener.port, listener.host)
        return listener.addresses()

    def _port(self) -> int:
        return self._life.listener.port if self._life is not None else 0

    def _is_ours(self, address: Address, port: int) -> bool:
        return self._life is not None and self._life.listener.is_at(address, port)

    def _today(self) -> int:
        return int(self._wall_s()) // DAY_S

    def _seen(self, seen: PeerSeen | NearbySeen | NearbyGone) -> None:
        if self._life is not None:
            self._life.deliver(seen)

    def publish(self, credentials: Iterable[Credential]) -> None:
        self._credentials = tuple(credentials)
        self._accepting = tuple(c for c in self._credentials if c.kind not in ONLY_DIAL)
        if self._life is not None and self._life.lan is not None:
            self._life.lan.publish(self._credentials)

    def dial(self, credential: Credential, address: str) -> None:
        if self._life is not None:
            self._life.dialler.dial(credential, address)

    def send(self, link: LinkId, frame: bytes) -> None:
        if self._life is not None:
            self._life.links.send(link, frame)

    def close_link(self, link: LinkId, reason: str) -> None:
        if self._life is not None:
            self._life.links.close(link, reason)

    def pause(self, paused: bool) -> None:
        if self._life is not None:
            self._life.links.pause(paused)

    async def stop(self) -> None:
        life, self._life = self._life, None
        if life is None:
            return
        if life.watch is not None:
            life.watch.close()
        if life.day_timer is not None:
            life.day_timer.cancel()
        if life.renewal is not None:
            life.renewal.cancel()
            await asyncio.gather(life.renewal, return_exceptions=True)
        life.listener.close()
        life.links.end()
        life.acceptor.close()
        life.door.close()
        await life.dialler.close()
        if life.lan is not None:
            await life.lan.close()

    def _await_day(self, life: _Life) -> None:
        rest_s = DAY_S - self._wall_s() % DAY_S
        life.day_timer = asyncio.get_running_loop().call_later(min(rest_s, CHECK_DAY_S) + 1, self._check_day)

    def _check_day(self) -> None:
        life = self._life
        if life is None:
            return
        if self._today() != life.day:
            life.day = self._today()
            self._renew(life, fresh=True)
        self._await_day(life)

    def _addresses_changed(self, addresses: tuple[Address, ...]) -> None:
        """Another network if nothing is left of the addresses that we had; else we are still there, and only look again."""
        life = self._life
        if life is None:
            return
        outward = _outward(addresses)
        moved = bool(outward) and bool(life.outward) and not outward & life.outward
        life.outward = outward or life.outward
        if moved and life.lan is not None and not _split_listen(self._listen)[1]:
            life.lan.rest()
        self._renew(life, fresh=moved)
        life.deliver(NetworkChanged(listen=life.listener.addresses()))

    def _renew(self, life: _Life, *, fresh: bool) -> None:
        """Announce ourselves anew; `fresh`: with another port and certificate, where the port was not asked for."""
        host, port = _split_listen(self._listen)
        if fresh and not port:
            if life.renewal is not None and not life.renewal.done():
                life.again = True
                return
            life.renewal = asyncio.create_task(self._replace_listener(life, host))
        elif life.lan is not None:
            life.lan.look(life.listener.port, life.listener.host)

    async def _replace_listener(self, life: _Life, host: str | None) -> None:
        """The old one stays open until the new one is announced."""
        while True:
            life.again = False
            try:
                listener = await open_listener(host, 0, life.acceptor.factory)
            except LinkFailed as error:
                _log.warning("event=listen-renewal-failed reason=%r", error.message)
                return
            old, life.listener = life.listener, listener
            try:
                if life.lan is not None:
                    life.lan.look(listener.port, listener.host)
                    await life.lan.settled()
            finally:
                old.close()
            life.deliver(NetworkChanged(listen=listener.addresses()))
            if not life.again:
                return


def _split_listen(listen: str | None) -> tuple[str | None, int]:
    """(host or None for all, port or 0 for any). Raises `errors.LinkFailed` for what is no HOST:PORT."""
    if listen is None:
        return None, 0
    host, colon, digits = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not digits.isascii() or not digits.isdigit() or int(digits) > 65535:
        raise LinkFailed(f"cannot listen on {listen!r}: that is not HOST:PORT", "For example 0.0.0.0:4433, or *:0 for any port.")
    address = parse_host(host)
    everywhere = host in ("", "*") or (address is not None and address.is_unspecified)
    return (None if everywhere else host), int(digits)


def _outward(addresses: tuple[Address, ...]) -> frozenset[Address]:
    return frozenset(address for address in addresses if not address.is_loopback)
