"""Devices with a network under them, for tests of real and simulated networks alike."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from builders import Person, person

from multichat_tui.crypto.keys import link_key, pair_key, public_key
from multichat_tui.crypto.mailboxes import local_device as anonymous_device
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.invitations import join_seed, token_key
from multichat_tui.model.ports import (
    Credential,
    CredentialKind,
    FrameIn,
    LinkDown,
    LinkUp,
    LocalDevice,
    Network,
    NetworkInput,
)

T = TypeVar("T", bound=NetworkInput)
PATIENCE_S = 60.0

_incarnations = count(1)


def local_device(who: Person) -> LocalDevice:
    return LocalDevice(
        device=who.device,
        signing_seed=who.secrets.signing_seed,
        certificate=who.certificate,
        incarnation=next(_incarnations),
    )


def peer_credential(mine: Person, theirs: Person) -> Credential:
    """What `mine` holds to reach `theirs`, and the other way round."""
    pair = pair_key(mine.secrets.sealing_secret, mine.certificate.sealing_key, theirs.certificate.sealing_key)
    assert pair is not None
    return Credential(kind=CredentialKind.PEER, key=link_key(pair), device=theirs.device)


def open_invitation(seed: bytes) -> Credential:
    return Credential(kind=CredentialKind.OPEN_INVITATION, key=token_key(seed), join_key=public_key(join_seed(seed)))


def held_invitation(seed: bytes) -> Credential:
    return Credential(
        kind=CredentialKind.HELD_INVITATION,
        key=token_key(seed),
        join_key=public_key(join_seed(seed)),
        join_seed=join_seed(seed),
    )


@dataclass
class Party:
    """A device and what its network has told it."""

    who: Person
    network: Network
    inputs: list[NetworkInput] = field(default_factory=list)
    listen: tuple[str, ...] = ()
    local: LocalDevice | None = None
    on_input: Callable[[NetworkInput], None] | None = None
    _waiters: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def device(self) -> DeviceId:
        return self.who.device

    @property
    def address(self) -> str:
        return self.listen[0]

    def deliver(self, arrived: NetworkInput) -> None:
        self.inputs.append(arrived)
        if self.on_input is not None:
            self.on_input(arrived)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def start(self) -> None:
        self.local = local_device(self.who)
        self.listen = await self.network.start(self.local, self.deliver)

    def all(self, kind: type[T]) -> list[T]:
        return [arrived for arrived in self.inputs if isinstance(arrived, kind)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds; it is looked at whenever something is delivered."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter

    async def get(self, kind: type[T], where: Callable[[T], object] = lambda _: True) -> T:
        """The first such input, now or when it comes."""
        found: list[T] = []

        def look() -> bool:
            found[:] = [arrived for arrived in self.all(kind) if where(arrived)]
            return bool(found)

        await self.until(look)
        return found[0]

    def frames(self) -> list[bytes]:
        return [arrived.frame for arrived in self.all(FrameIn)]

    async def up(self, other: "Party") -> LinkUp:
        """The newest link to the other one, when there is one that is not down."""

        def standing() -> list[LinkUp]:
            down = {gone.link for gone in self.all(LinkDown)}
            return [up for up in self.all(LinkUp) if up.device == other.device and up.link not in down]

        await self.until(standing)
        return standing()[-1]


def party(name: str, network: Network) -> Party:
    return Party(person(name), network)


def befriend(one: Party, other: Party) -> None:
    """Both publish the peer credential of the other, and nothing else."""
    one.network.publish([peer_credential(one.who, other.who)])
    other.network.publish([peer_credential(other.who, one.who)])


async def link(one: Party, other: Party) -> tuple[LinkUp, LinkUp]:
    """`one` dials `other` under their peer key; both ends' LinkUp."""
    befriend(one, other)
    one.network.dial(peer_credential(one.who, other.who), other.address)
    return await one.up(other), await other.up(one)


def mailbox_door(key: bytes, seed: bytes) -> Credential:
    """What a mailbox of this Ed25519 seed opens its door with."""
    return Credential(kind=CredentialKind.MAILBOX_DOOR, key=key, local=anonymous_device(seed))


def mailbox_credential(key: bytes, mailbox: bytes, seed: bytes) -> Credential:
    """What somebody comes to that mailbox with, as a device of this seed."""
    return Credential(kind=CredentialKind.MAILBOX, key=key, device=DeviceId(mailbox), local=anonymous_device(seed))
