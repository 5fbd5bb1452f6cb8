"""The network's twin: hosts in one process, joined by a seeded hub, in the running event loop's time.

It accepts whom the real one accepts and answers with the same inputs and the same words. The hub decides by its seed alone how
long frames take, which are lost, doubled or overtaken; it cuts and heals. docs/testing.md says how a run is repeated.
Announcements are not lost, nor gathered for a moment; whom they name, and when those follow who had no room, is as on a real LAN.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, product

from multichat_tui.crypto.handshake import VERSIONS
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.errors import LinkFailed
from multichat_tui.model.ids import DeviceId, LinkId
from multichat_tui.model.limits import (
    ANNOUNCE_AGAIN_S,
    ANNOUNCED_KEYS,
    HANDSHAKE_TIMEOUT_S,
    MAX_FRAME_BYTES,
    PING_INTERVAL_S,
    PING_TIMEOUT_S,
)
from multichat_tui.model.ports import (
    ONLY_ACCEPT,
    ONLY_DIAL,
    Counted,
    Credential,
    CredentialKind,
    DialFailed,
    LinkPath,
    LocalDevice,
    NearbyGone,
    NearbySeen,
    NetworkChanged,
    NetworkInput,
    PeerSeen,
    mailbox_user,
)
from multichat_tui.model.values import dataclass
from multichat_tui.net.announcement import announced_keys
from multichat_tui.net.reasons import DialFailure, Turned
from multichat_tui.net.rounds import Rounds, Turns
from multichat_tui.net.simulated_link import Conditions, Link

__all__ = ["Conditions", "SimulatedHub", "SimulatedNetwork"]

FrameTap = Callable[["SimulatedNetwork", "SimulatedNetwork", bytes], None]


class SimulatedHub:
    """The wires between all hosts. `on_frame(sender, receiver, frame)` sees every frame as it is sent."""

    def __init__(
        self,
        seed: int,
        conditions: Conditions | None = None,
        *,
        link_timeout_s: float = PING_INTERVAL_S + PING_TIMEOUT_S,
    ) -> None:
        self.random = random.Random(seed)  # noqa: S311  # chance of the simulated world, no secret
        self.conditions = conditions or Conditions()
        self.link_timeout_s = link_timeout_s
        self.on_frame: FrameTap | None = None
        self._pairs: dict[tuple[str, str], Conditions] = {}
        self._groups: dict[str, int] = {}
        self._listening: dict[str, SimulatedNetwork] = {}
        self._hosts: dict[str, str] = {}
        self._announced: dict[bytes, dict[str, SimulatedNetwork]] = {}
        self._looking: dict[bytes, dict[str, SimulatedNetwork]] = {}
        self._nearby: dict[str, tuple[SimulatedNetwork, bytes]] = {}
        self._keys_of: dict[str, tuple[tuple[bytes, ...], tuple[bytes, ...]]] = {}

    def set_conditions(self, one: str, other: str, conditions: Conditions) -> None:
        """For this pair of hosts, both ways, instead of the hub's own."""
        self._pairs[min(one, other), max(one, other)] = conditions

    def conditions_between(self, one: str, other: str) -> Conditions:
        return self._pairs.get((min(one, other), max(one, other)), self.conditions)

    def partition(self, *groups: Iterable[str]) -> None:
        """Cut the hosts (by name) of each group from those of the others; hosts in no group reach all. Replaces the last cut.

        Links across the cut go down after `link_timeout_s` unless it heals before.
        """
        self._regroup({name: number for number, group in enumerate(groups) for name in group})

    def heal(self) -> None:
        """Undo the cut: links that still stand go on, and hosts that share a key see each other again."""
        self._regroup({})

    def reaches(self, one: str, other: str) -> bool:
        return _joined(self._groups, one, other)

    def _regroup(self, groups: dict[str, int]) -> None:
        before, self._groups = self._groups, groups
        for network in list(self._listening.values()):
            network.rewire()
        for key in self._looking:
            for one, other in product(self._looking[key].values(), self._announced.get(key, {}).values()):
                if not _joined(before, one.name, other.name):
                    self._show(key, one, other)

    def network_at(self, address: str) -> "SimulatedNetwork | None":
        return self._listening.get(address)

    def listen(self, network: "SimulatedNetwork", port: int | None) -> str:
        """The address that a starting host gets: its host part for good, its port new each time unless asked for."""
        if network.name not in self._hosts:
            number = len(self._hosts) + 1
            self._hosts[network.name] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        if any(other.name == network.name for other in self._listening.values()):
            raise LinkFailed(f"{network.name} is running already")
        chosen = port if port else self.random.randrange(20_000, 60_000)
        address = f"{self._hosts[network.name]}:{chosen}"
        self._listening[address] = network
        return address

    def forget(self, network: "SimulatedNetwork", address: str) -> None:
        self._listening.pop(address, None)
        self.announce(network, (), ())
        self.announce_nearby(network, b"")

    def announce(self, network: "SimulatedNetwork", announced: tuple[bytes, ...], looking: tuple[bytes, ...]) -> None:
        """What this host shows and looks for on its LAN, instead of what it did before; both sides see each other."""
        if self._keys_of.get(network.name, ((), ())) == (announced, looking):
            return
        was_announced, was_looking = self._keys_of.pop(network.name, ((), ()))
        for table, gone in ((self._announced, was_announced), (self._looking, was_looking)):
            for key in gone:
                table[key].pop(network.name, None)
                if not table[key]:
                    del table[key]
        if not announced and not looking:
            return
        self._keys_of[network.name] = (announced, looking)
        for key in announced:
            self._announced.setdefault(key, {})[network.name] = network
        for key in looking:
            self._looking.setdefault(key, {})[network.name] = network
        for key in announced:
            if key not in was_announced:
                for other in self._looking.get(key, {}).values():
                    self._show(key, other, network)
        for key in looking:
            if key not in was_looking:
                for other in self._announced.get(key, {}).values():
                    self._show(key, network, other)

    def announce_nearby(self, network: "SimulatedNetwork", nearby: bytes) -> None:
        """This host is visible to all on its LAN under an id, or (empty) no more; those who are visible see each other."""
        before = self._nearby.pop(network.name, (network, b""))[1]
        if nearby:
            self._nearby[network.name] = (network, nearby)
        if nearby == before:
            return
        for other, theirs in list(self._nearby.values()):
            if other is network or other.site != network.site or not self.reaches(other.name, network.name):
                continue
            delay_s = self.conditions_between(other.name, network.name).latency_ms / 1000
            later = asyncio.get_running_loop().call_later
            if before:
                later(delay_s, other.input, NearbyGone(nearby=before))
            if nearby:
                later(delay_s, other.input, NearbySeen(nearby=nearby, address=network.address))
                later(delay_s, network.input, NearbySeen(nearby=theirs, address=other.address))

    def _show(self, key: bytes, looker: "SimulatedNetwork", announcer: "SimulatedNetwork") -> None:
        if looker is announcer or looker.site != announcer.site or not self.reaches(looker.name, announcer.name):
            return
        delay_s = self.conditions_between(looker.name, announcer.name).latency_ms / 1000
        asyncio.get_running_loop().call_later(delay_s, looker.see, key, announcer)


def _joined(groups: dict[str, int], one: str, other: str) -> bool:
    return one not in groups or other not in groups or groups[one] == groups[other]


@dataclass(slots=True)
class _Life:
    """One run of a host, from start to stop or crash."""

    local: LocalDevice
    deliver: Callable[[NetworkInput], None]
    address: str


class SimulatedNetwork:
    """One host on the hub, implementing `ports.Network`. `site`: who shares it is found by discovery; None turns that off.

    `name` is the host: a node that restarts uses the same object again, or a new one of the same name. `again_s` as in
    `limits.ANNOUNCE_AGAIN_S`.
    """

    def __init__(
        self,
        hub: SimulatedHub,
        name: str,
        *,
        site: str | None = "home",
        port: int | None = None,
        again_s: Sequence[float] = ANNOUNCE_AGAIN_S,
    ) -> None:
        self.hub = hub
        self.name = name
        self.site = site
        self.version = VERSIONS[-1]
        """Of the link protocol: the greatest that this host speaks; a test makes it an older one."""
        self._port = port
        self._life: _Life | None = None
        self._links: dict[LinkId, Link] = {}
        self._numbers = count(1)
        self._accepting: tuple[Credential, ...] = ()
        self._credentials: tuple[Credential, ...] = ()
        self._dialling: set[tuple[bytes, str, DeviceId | None]] = set()
        self._paused = False
        self._held: list[Callable[[], None]] = []
        self._shown: frozenset[bytes] = frozenset()
        """All keys that are announced, in turns."""
        self._named: tuple[bytes, ...] = ()
        self._turns = Turns()
        self._rounds = Rounds(self._announce_again, random.Random(name).random, again_s)  # noqa: S311  # as the hub's

    @property
    def running(self) -> bool:
        return self._life is not None

    @property
    def address(self) -> str:
        """HOST:PORT, or empty while not running."""
        return self._life.address if self._life else ""

    async def start(self, local: LocalDevice, deliver: Callable[[NetworkInput], None]) -> tuple[str, ...]:
        self._life = _Life(local, deliver, self.hub.listen(self, self._port))
        self._turns = Turns()
        self._arrive()
        return (self.address,)

    def publish(self, credentials: Iterable[Credential]) -> None:
        self._credentials = tuple(credentials)
        self._accepting = tuple(c for c in self._credentials if c.kind not in ONLY_DIAL)
        if self._life is not None and self.site is not None:
            before = self._shown
            self._announce()
            if self._shown != before:
                self._rounds.changed()

    def _arrive(self) -> None:
        """On a LAN where we were not."""
        if self.site is not None:
            self._shown = frozenset()
            self._announce()
            self._rounds.begin()

    def _announce_again(self) -> None:
        if len(self._shown) > ANNOUNCED_KEYS:
            self._named = self._turns.next(announced_keys(self._credentials))
            self._announce()

    def _announce(self) -> None:
        keys = announced_keys(self._credentials)
        if frozenset(keys) != self._shown:
            self._shown, self._named = frozenset(keys), self._turns.next(keys)
        looking = dict.fromkeys(c.key for c in self._credentials if c.kind not in ONLY_ACCEPT)
        self.hub.announce(self, self._named, tuple(looking))
        self.hub.announce_nearby(self, next((c.nearby for c in self._credentials if c.nearby), b""))

    def see(self, key: bytes, announcer: "SimulatedNetwork") -> None:
        """The LAN shows us somebody under a key."""
        if announcer.running and self.hub.reaches(self.name, announcer.name):
            self.input(PeerSeen(key=key, address=announcer.address, path=LinkPath.LAN))

    def input(self, arrived: NetworkInput) -> None:
        if self._life is not None:
            self._life.deliver(arrived)

    def receive(self, action: Callable[[], None]) -> None:
        """Run what came over a wire, or hold it while reading is paused."""
        if self._paused or self._held:
            self._held.append(action)
        else:
            action()

    def pause(self, paused: bool) -> None:
        self._paused = paused
        if not paused and self._held and self._life is not None:
            asyncio.get_running_loop().call_soon(self._release)

    def _release(self) -> None:
        done = 0
        for action in self._held:
            if self._paused:
                break
            action()
            done += 1
        del self._held[:done]

    def dial(self, credential: Credential, address: str) -> None:
        life = self._life
        name = credential.key, address, mailbox_user(credential)
        if life is None or name in self._dialling:
            return
        self._dialling.add(name)
        loop = asyncio.get_running_loop()
        target = self.hub.network_at(address)
        if target is self:
            loop.call_soon(self._failed, life, credential, address, DialFailure.OURSELVES)
        elif target is not None and not self.hub.reaches(self.name, target.name):
            loop.call_later(HANDSHAKE_TIMEOUT_S, self._failed, life, credential, address, DialFailure.TIMED_OUT)
        elif target is None:
            loop.call_later(self._round_trip_s(address), self._failed, life, credential, address, DialFailure.REFUSED)
        else:
            loop.call_later(2.5 * self._round_trip_s(address), self._answered, life, credential, address)

    def _round_trip_s(self, address: str) -> float:
        target = self.hub.network_at(address)
        conditions = self.hub.conditions_between(self.name, target.name) if target else self.hub.conditions
        return (2 * conditions.latency_ms + self.hub.random.uniform(0, conditions.jitter_ms)) / 1000

    def _failed(self, life: _Life, credential: Credential, address: str, reason: DialFailure) -> None:
        if life is self._life:
            user = mailbox_user(credential)
            self._dialling.discard((credential.key, address, user))
            self.input(DialFailed(key=credential.key, address=address, reason=reason.value, local=user))

    def _answered(self, life: _Life, credential: Credential, address: str) -> None:
        """The handshake's end, as the dialling side sees it."""
        if life is not self._life:
            return
        target = self.hub.network_at(address)
        if target is None or target._life is None or not self.hub.reaches(self.name, target.name):
            self._failed(life, credential, address, DialFailure.TIMED_OUT)
            return
        if not target.accepts(credential, life.local):
            target.input(Counted(reason=Turned.UNKNOWN.value, count=1))
            self._failed(life, credential, address, DialFailure.NOT_OUR_PEER)
            return
        self._dialling.discard((credential.key, address, mailbox_user(credential)))
        ours = credential.local or life.local
        Link(self.hub, self, target, credential, locals_=(ours, target.local_for(credential.key))).open()

    def local_for(self, key: bytes) -> LocalDevice:
        """Who we are to those who come under this key."""
        assert self._life is not None
        accepting = next((credential for credential in self._accepting if credential.key == key), None)
        return self._life.local if accepting is None or accepting.local is None else accepting.local

    def accepts(self, credential: Credential, dialler: LocalDevice) -> bool:
        """The acceptance rule of the real handshake: the same key, and each side proves to be whom the other expects."""
        assert self._life is not None
        for ours in self._accepting:
            if ours.key != credential.key:
                continue
            if ours.kind is CredentialKind.MAILBOX_DOOR:
                theirs = ours.local or self._life.local
                return credential.kind is CredentialKind.MAILBOX and credential.device == theirs.device
            if ours.kind is CredentialKind.PEER:
                return (
                    credential.kind is CredentialKind.PEER
                    and ours.device == dialler.device
                    and credential.device == self._life.local.device
                )
            return (
                credential.kind is CredentialKind.HELD_INVITATION
                and credential.join_seed is not None
                and public_key(credential.join_seed) == ours.join_key
                and credential.join_key == ours.join_key
            )
        return False

    @property
    def local(self) -> LocalDevice:
        assert self._life is not None
        return self._life.local

    def attach(self, link: Link) -> LinkId:
        number = LinkId(next(self._numbers))
        self._links[number] = link
        return number

    def detach(self, number: LinkId) -> None:
        self._links.pop(number, None)

    def send(self, link: LinkId, frame: bytes) -> None:
        if len(frame) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(frame)} bytes")
        if link in self._links:
            self._links[link].send(self, frame)

    def close_link(self, link: LinkId, reason: str) -> None:
        if link in self._links:
            self._links[link].close(self, reason)

    def links(self) -> Iterator[LinkId]:
        """The links that are up on this side."""
        return iter(tuple(self._links))

    def rewire(self) -> None:
        """The hub's cuts have changed."""
        for link in list(self._links.values()):
            link.rewire()

    def move(self) -> None:
        """The host gets another network attachment: old links fall silent, the port is new."""
        life = self._life
        if life is None:
            return
        self._fall_silent()
        self.hub.forget(self, life.address)
        life.address = self.hub.listen(self, self._port)
        self._arrive()
        self.input(NetworkChanged(listen=(life.address,)))

    def _fall_silent(self) -> None:
        for link in list(self._links.values()):
            link.sever()

    def crash(self) -> None:
        """The process dies: no goodbye; the others notice when the link has been silent for too long."""
        if self._life is not None:
            self._fall_silent()
            for link in list(self._links.values()):
                link.abandon(self)
            self._end()

    async def stop(self) -> None:
        """Links end with a goodbye. Nothing is delivered afterwards."""
        if self._life is not None:
            for link in list(self._links.values()):
                link.abandon(self)
                link.say_goodbye(self)
            self._end()

    def _end(self) -> None:
        assert self._life is not None
        self.hub.forget(self, self._life.address)
        self._rounds.end()
        self._life = None
        self._links.clear()
        self._dialling.clear()
        self._held.clear()
        self._paused = False
