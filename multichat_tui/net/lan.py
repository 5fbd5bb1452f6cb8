"""Discovery on the LAN: announces our keys' tokens on every interface, and finds those whose tokens our keys open.

Looks first and announces then: a newcomer finds who is there before anybody else has to find them. Announces again from time to
time (`rounds`), under new names: what was lost on the way, or had no room, is heard then. Where there is no network, or none that
carries multicast, nothing happens until the network changes.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from multichat_tui.model.hosts import Address
from multichat_tui.model.limits import ANNOUNCE_AGAIN_S, ANNOUNCE_CHANGE_EVERY_S, ANNOUNCE_CHANGES
from multichat_tui.model.ports import ONLY_ACCEPT, Credential, Entropy, NearbyGone, NearbySeen, PeerSeen
from multichat_tui.model.values import dataclass
from multichat_tui.net.addresses import interface_addresses, join_address, own_addresses, own_networks, path_to
from multichat_tui.net.announcement import SERVICE_TYPE, Announcement, announce, announced_keys, matching
from multichat_tui.net.rounds import Rounds, Turns

if TYPE_CHECKING:
    from multichat_tui.net.neighbourhood import Neighbourhood

GATHER_S = 0.05
"""Changes of credentials come in groups; they are announced together."""
MAX_INTERFACES = 8
MAX_KNOWN = 256
"""Announcements remembered, to be tried again when our credentials change."""
OUR_NAMES = 4 * MAX_INTERFACES
"""Service names of our own that may still be on the air."""
BURST = 64
EVERY_S = 1 / 16
"""Announcements looked at: each costs some microseconds per credential, and anybody can send them. Others are heard next time."""
CLOSE_S = 3.0
DAY_S = 86_400

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    """An announcement, the interface on which it was heard last, the keys that were tried on it, and our own nearby id when it
    was told."""

    announcement: Announcement
    interface: str
    tried: frozenset[bytes] = frozenset()
    nearby: bytes = b""


@dataclass(slots=True)
class _Allowance:
    """So many at once, and then one in `every_s`."""

    burst: int
    every_s: float
    _full_at: float = 0.0
    """When nothing will have been taken any more."""

    def wait_s(self, now_s: float) -> float:
        """0 if one can be taken now."""
        return max(0.0, self._full_at - now_s - (self.burst - 1) * self.every_s)

    def take(self, now_s: float) -> bool:
        if self.wait_s(now_s) > 0:
            return False
        self._full_at = max(self._full_at, now_s) + self.every_s
        return True


class LanDiscovery:
    """`seen` gets what was found. `wall_s` is the clock in seconds since 1970; `again_s` as in `limits.ANNOUNCE_AGAIN_S`."""

    def __init__(
        self,
        *,
        seen: Callable[[PeerSeen | NearbySeen | NearbyGone], None],
        entropy: Entropy,
        wall_s: Callable[[], float],
        again_s: Sequence[float] = ANNOUNCE_AGAIN_S,
    ) -> None:
        self._seen = seen
        self._entropy = entropy
        self._wall_s = wall_s
        self._loop = asyncio.get_running_loop()
        self._credentials: tuple[Credential, ...] = ()
        self._wanted: dict[bytes, Credential] = {}
        """By key, whom we would dial if they were shown."""
        self._wanted_keys: frozenset[bytes] = frozenset()
        self._shown: tuple[frozenset[bytes], bytes] = (frozenset(), b"")
        """The keys that are announced, in turns, and the nearby id."""
        self._turns = Turns()
        self._rounds = Rounds(self._renew, lambda: int.from_bytes(entropy(2)) / 0xFFFF, again_s)
        self._changes = _Allowance(ANNOUNCE_CHANGES, ANNOUNCE_CHANGE_EVERY_S)
        self._port = 0
        self._host: Address | None = None
        self._interfaces: tuple[tuple[str, tuple[Address, ...]], ...] = ()
        """As they were at the last `look`: if they have changed since, the port may have to change with them."""
        self._neighbourhoods: dict[str, Neighbourhood] = {}
        self._known: dict[str, _Known] = {}
        self._ours: deque[str] = deque(maxlen=OUR_NAMES)
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._looks = _Allowance(BURST, EVERY_S)

    def publish(self, credentials: tuple[Credential, ...]) -> None:
        """What to announce and to look for from now on; known announcements are tried with it at once."""
        if credentials == self._credentials:
            return
        self._credentials = credentials
        self._wanted = {c.key: c for c in credentials if c.kind not in ONLY_ACCEPT}
        self._wanted_keys = frozenset(self._wanted)
        for known in list(self._known.values()):
            self._match(known)
        shown = frozenset(announced_keys(credentials)), self._nearby
        if shown == self._shown:
            return
        self._shown = shown
        if self._port and self._timer is None:
            wait_s = max(GATHER_S, self._changes.wait_s(self._loop.time()))
            self._timer = self._loop.call_later(wait_s, self._change)

    @property
    def _nearby(self) -> bytes:
        return next((c.nearby for c in self._credentials if c.nearby), b"")

    def look(self, port: int, host: Address | None) -> None:
        """Announce this port on all interfaces there are now (`host`: only on that address's), under new names."""
        self._port, self._host = port, host
        self._interfaces = interface_addresses()
        self._rounds.begin()
        self._renew()

    def rest(self) -> None:
        """Show nothing and look at nothing until the next `look`: a new network shall not hear the old port."""
        self._port = 0
        self._rounds.end()
        self._renew()

    def _change(self) -> None:
        """Announce other keys than before."""
        self._changes.take(self._loop.time())
        self._rounds.changed()
        self._renew()

    def _renew(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    async def settled(self) -> None:
        """Wait until all is announced that is to be."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _follow(self) -> None:
        while self._again:
            self._again = False
            places = self._places()
            for name in [name for name, there in self._neighbourhoods.items() if places.get(name) != there.addresses]:
                await self._leave(name)
            await asyncio.gather(
                *(self._enter(name, addresses) for name, addresses in places.items() if name not in self._neighbourhoods)
            )
            named = self._turns.next(announced_keys(self._credentials)) if self._neighbourhoods else ()
            await asyncio.gather(*(self._show(there, named) for there in list(self._neighbourhoods.values())))

    def _places(self) -> dict[str, tuple[Address, ...]]:
        """The interfaces to be on and what to announce there. One without IPv4 is left out."""
        places = {}
        for name, addresses in self._interfaces if self._port else ():
            if self._host is not None:
                addresses = tuple(address for address in addresses if address == self._host)
            if any(address.version == 4 for address in addresses):
                places[name] = addresses
        ordered = sorted(places.items(), key=lambda place: (not place[1][0].is_loopback, place[0]))
        return dict(ordered[:MAX_INTERFACES])

    async def _enter(self, name: str, addresses: tuple[Address, ...]) -> None:
        from multichat_tui.net.neighbourhood import Neighbourhood, ZeroconfError  # 0.1 s and 8 MB, only where discovery is on

        try:
            there = Neighbourhood(name, addresses, heard=self._heard, found=partial(self._found, name), gone=self._gone)
        except OSError as error:
            _log.info("event=lan-interface-refused errno=%s", error.errno)
            return
        self._neighbourhoods[name] = there
        try:
            await there.begin()
        except (OSError, ZeroconfError, TimeoutError) as error:
            _log.info("event=lan-interface-refused error=%s", type(error).__name__)
            await self._leave(name)

    async def _leave(self, name: str) -> None:
        """What was heard there is forgotten, so that it is told again when we are back."""
        there = self._neighbourhoods.pop(name)
        for service_name in [service for service, known in self._known.items() if known.interface == name]:
            self._leave_nearby(self._known.pop(service_name))
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_S):
                await there.close()

    async def _show(self, there: "Neighbourhood", named: tuple[bytes, ...]) -> None:
        announcement, text = announce(
            named,
            day=int(self._wall_s()) // DAY_S,
            port=self._port,
            addresses=there.addresses,
            entropy=self._entropy,
            nearby=self._nearby,
        )
        self._ours.append(f"{announcement.instance}.{SERVICE_TYPE}")
        try:
            await there.show(announcement, text)
        except OSError as error:
            _log.info("event=lan-announce-failed errno=%s", error.errno)

    def _heard(self, service_name: str) -> bool:
        """Whether to spend time on an announcement: not on our own, and not on a flood."""
        if service_name in self._ours:
            return False
        return self._looks.take(self._loop.time())

    def _found(self, interface: str, announcement: Announcement) -> None:
        name = f"{announcement.instance}.{SERVICE_TYPE}"
        if name in self._known and self._known[name].announcement == announcement:
            return
        self._known.pop(name, None)
        while len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[name] = known = _Known(announcement, interface)
        self._match(known)

    def _gone(self, service_name: str) -> None:
        known = self._known.pop(service_name, None)
        self._leave_nearby(known)

    def _leave_nearby(self, known: _Known | None) -> None:
        """Whoever is announced no more is not nearby any more; who announces anew has the new announcement already."""
        nearby = b"" if known is None else known.announcement.nearby
        if nearby and all(other.announcement.nearby != nearby for other in self._known.values()):
            self._seen(NearbyGone(nearby=nearby))

    def _match(self, known: _Known) -> None:
        """Tell of each of our keys that the announcer shows to hold, once."""
        announcement = known.announcement
        reachable = _on_link(announcement.addresses)
        if not reachable:
            return
        own_nearby = self._nearby
        if own_nearby and announcement.nearby not in (b"", own_nearby) and own_nearby != known.nearby:
            known.nearby = own_nearby
            for address in reachable:
                where = join_address(str(address), announcement.port)
                self._seen(NearbySeen(nearby=announcement.nearby, address=where))
        untried = [credential for key, credential in self._wanted.items() if key not in known.tried]
        known.tried = self._wanted_keys
        for credential in matching(announcement, untried, int(self._wall_s()) // DAY_S):
            own = own_addresses()
            for address in reachable:
                host = str(address)
                where = join_address(host, announcement.port)
                self._seen(PeerSeen(key=credential.key, address=where, path=path_to(host, own)))

    async def close(self) -> None:
        self._rounds.end()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(self._leave(name) for name in list(self._neighbourhoods)))


def _on_link(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    """Those in a network that we are in: nobody on the LAN makes us knock anywhere else."""
    networks = own_networks()
    return tuple(address for address in addresses if any(address in network for network in networks))
