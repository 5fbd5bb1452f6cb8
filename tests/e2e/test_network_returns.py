"""A cable that is pulled and plugged in again, a machine that loses power: links come back at once, and nothing is missing."""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from cable import Cable, ip, laid_cable
from real_nodes import Homes, RealNode, befriend, bring_in, messages, say, until, until_delivered

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.intents import CreateChannel
from multichat_tui.model.limits import MAX_REDIAL_MS, PING_TIMEOUT_S

pytestmark = [pytest.mark.e2e, pytest.mark.lan, pytest.mark.timeout(180)]

AT_ONCE_S = 12.0
"""Generous to a busy machine, and less than any of the timers that would bring a link back in the end."""
assert min(PING_TIMEOUT_S, MAX_REDIAL_MS / 1000 / 4) > AT_ONCE_S

_hosts = itertools.count(1)


@pytest.fixture
def cable(require: Callable[[bool, str], None]) -> Iterator[Cable]:
    with laid_cable(require) as one:
        yield one


class Machine:
    """A home in a namespace, its node while one runs, and the way to it."""

    def __init__(self, homes: Homes, namespace: str, name: str) -> None:
        self.homes = homes
        self.name = name
        self._namespace = namespace
        self._inside = ("ip", "netns", "exec", namespace)
        self._node: RealNode | None = None
        self._api: RemoteNode | None = None
        homes.results(name, "init", "--name", name, "--no-passphrase")

    @property
    def api(self) -> RemoteNode:
        assert self._api is not None
        return self._api

    async def start(self) -> None:
        self._node = await asyncio.to_thread(self.homes.node, self.name, inside=self._inside)
        self._api = await self.homes.attach(self.name)

    async def lose_power(self) -> None:
        """kill -9: if the cable is cut, the other side hears nothing of it."""
        assert self._node is not None
        await self.leave()
        self._node.kill()

    def move(self) -> None:
        """Another address in the same network."""
        ip("-n", self._namespace, "addr", "flush", "dev", "cable")
        ip("-n", self._namespace, "addr", "add", f"10.77.0.{10 + next(_hosts)}/24", "dev", "cable")

    async def leave(self) -> None:
        if self._api is not None:
            await self._api.close()

    async def until_linked(self) -> None:
        await until(self.api, self._linked, f"a link of {self.name}")

    async def until_alone(self) -> None:
        await until(self.api, self._alone, f"{self.name} to have no link")

    async def _linked(self) -> bool | None:
        return (await self.api.status()).rows.links == 1 or None

    async def _alone(self) -> bool | None:
        return (await self.api.status()).rows.links == 0 or None


@pytest.fixture
async def machines(cable: Cable) -> AsyncIterator[Callable[..., Machine]]:
    base = Path(tempfile.mkdtemp(prefix="mc-cable-"))
    homes = Homes(base)
    made: list[Machine] = []

    def make(namespace: str, name: str) -> Machine:
        made.append(Machine(homes, namespace, name))
        return made[-1]

    yield make
    for machine in made:
        with contextlib.suppress(AssertionError):
            await machine.leave()
    homes.end_all()
    shutil.rmtree(base, ignore_errors=True)


async def test_a_cable_that_is_plugged_in_again_brings_links_and_messages_back_at_once(
    cable: Cable, machines: Callable[..., Machine]
):
    ann, bob = machines(cable.left, "ann"), machines(cable.right, "bob")
    cleo, dan = machines(cable.left, "cleo"), machines(cable.right, "dan")
    for one, other in ((ann, bob), (cleo, dan)):
        await one.start()
        await other.start()
        await befriend(one.api, other.api)
        await one.until_linked()
    channel = (await ann.api.submit(CreateChannel(name="harbour"))).channel
    assert channel is not None
    await bring_in(ann.api, bob.api, channel)
    await until_delivered(ann.api, await say(ann.api, channel, "before"))

    cable.cut()
    # Ann and Bob are linked and have to notice; Cleo and Dan start anew, and call in vain at ever longer intervals meanwhile.
    for machine in (cleo, dan):
        await machine.lose_power()
        await machine.start()
    sent = [await say(machine.api, channel, f"{machine.name} {n}") for n in range(5) for machine in (ann, bob)]
    for machine in (ann, bob, cleo, dan):
        await machine.until_alone()

    cable.mend()
    async with asyncio.timeout(AT_ONCE_S):
        for machine in (ann, bob, cleo, dan):
            await machine.until_linked()
    for machine, records in ((ann, sent[::2]), (bob, sent[1::2])):
        for record in records:
            await until_delivered(machine.api, record)
    logs = [[row.id for row in await messages(machine.api, channel)] for machine in (ann, bob)]
    assert logs[0] == logs[1]
    assert len(logs[0]) == 1 + len(sent)
    assert set(sent) < set(logs[0])


async def test_a_machine_that_lost_power_is_linked_as_soon_as_it_is_back_though_the_other_noticed_nothing(
    cable: Cable, machines: Callable[..., Machine]
):
    ann, bob = machines(cable.left, "ann"), machines(cable.right, "bob")
    await ann.start()
    await bob.start()
    await befriend(ann.api, bob.api)
    channel = (await ann.api.submit(CreateChannel(name="harbour"))).channel
    assert channel is not None
    await bring_in(ann.api, bob.api, channel)
    for unlucky, other in ((ann, bob), (bob, ann)):
        await other.until_linked()
        cable.cut()
        await unlucky.lose_power()
        unlucky.move()  # also, nothing of what its kernel still has to say of the old link can leave any more
        cable.mend()
        before = await say(other.api, channel, f"{other.name} has not noticed")
        await unlucky.start()
        async with asyncio.timeout(AT_ONCE_S):
            await unlucky.until_linked()
            await until_delivered(unlucky.api, await say(unlucky.api, channel, f"{unlucky.name} is back"))
            await until_delivered(other.api, before)
