"""Days on which nothing happens: who calls in vain does not look at everything else each time."""

import asyncio
from collections import Counter

import pytest
from simulated_world import SimulatedWorld

from multichat_tui.model.ports import DialFailed
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.dialing import Dialing
from multichat_tui.node.exchange import Exchange

HOURS = 6


def test_calls_in_vain_do_not_have_everything_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    fail, tick = Dialing.failed, Exchange.tick

    def failed(dialing: Dialing, event: DialFailed) -> None:
        seen["calls in vain"] += 1
        fail(dialing, event)

    def ticked(exchange: Exchange) -> None:
        seen["looks"] += 1
        tick(exchange)

    monkeypatch.setattr(Dialing, "failed", failed)
    monkeypatch.setattr(Exchange, "tick", ticked)

    async def story() -> None:
        world = SimulatedWorld(1201)
        ann, *others = await world.add("ann", "bob", "cleo", "dan", "eve")
        channel = await world.channel_of(ann, *others)
        await ann.say(channel, "hello")
        await world.converge(channel)
        for other in others:
            await other.stop()
        await asyncio.sleep(600)
        seen.clear()
        await asyncio.sleep(HOURS * 3600)
        assert seen["calls in vain"] > 20 * HOURS
        assert seen["looks"] < seen["calls in vain"] / 20
        # Whoever comes is linked with and served as ever.
        await ann.say(channel, "while you were away")
        for other in others:
            await other.start()
        assert "while you were away" in await world.converge(channel)

    run_virtual(story())
