"""Whom a node calls, where, and how many at a time."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

from simulated_world import SimulatedWorld, until

from multichat_tui.model.intents import ConnectTo
from multichat_tui.model.ports import Credential, LinkPath, PeerSeen
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.dialing import CALLS_AT_ONCE


def test_one_address_is_not_called_for_everybody_at_once_and_first_for_whom_it_is_known_to_be_of() -> None:
    async def story() -> None:
        world = SimulatedWorld(41)
        ann, *others = await world.add("ann", "bob", "carl", "dora", "emil", "fay", "gus")
        for other in others:
            await world.pair(ann, other)
        await world.channel_of(ann, *others)
        addresses = {row.name: row.address for row in (await ann.api.peers()).rows}
        devices = {row.name: row.device for row in (await ann.api.peers()).rows}
        for other in others:
            await other.stop()
        calls: list[tuple[int, str, object]] = []
        dial = ann.network.dial

        def noting(credential: Credential, address: str) -> None:
            calls.append((world.now_ms(), address, credential.device))
            dial(credential, address)

        ann.network.dial = noting
        await ann.stop()
        await ann.start()
        await ann.api.submit(ConnectTo(address=addresses["gus"]))
        there = [call for call in calls if call[1] == addresses["gus"]]

        async def all_tried() -> bool:
            there[:] = [call for call in calls if call[1] == addresses["gus"]]
            return {device for _, _, device in there} == set(devices.values())

        await until(all_tried, "everybody is called there in the end")
        assert there[0][2] == devices["gus"]
        times = [at for at, _, _ in there]
        assert max(times.count(at) for at in times) <= CALLS_AT_ONCE

    run_virtual(story())


def test_whom_the_network_shows_at_another_address_is_called_there_at_once() -> None:
    async def story() -> None:
        world = SimulatedWorld(42)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        engine = ann.api._engine
        assert engine is not None
        key = next(target.credential.key for target in engine._dialing._targets if target.credential.device is not None)
        await bob.stop()

        async def gone() -> bool:
            return not engine.world.sessions

        await until(gone, "the link is down")
        calls: list[str] = []
        ann.network.dial = lambda credential, address: calls.append(address)  # type: ignore[method-assign]
        await asyncio.sleep(30)
        calls.clear()
        ann.api._deliver(PeerSeen(key=key, address="192.0.2.7:4000", path=LinkPath.LAN))
        await asyncio.sleep(0.1)
        assert calls == ["192.0.2.7:4000"]

    run_virtual(story())
