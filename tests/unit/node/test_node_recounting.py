"""What has to be looked at again when the control log changes: what those concerned have written, and nothing else."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import InviteToChannel, JoinChannel, LeaveChannel
from multichat_tui.model.ports import TimelineEntry
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.timeline import Timeline
from multichat_tui.node.world import Channel


async def let_in(world: SimulatedWorld, inviter: Person, channel: ChannelId, name: str) -> Person:
    (guest,) = await world.add(name)
    link = (await inviter.api.submit(InviteToChannel(channel=channel))).link
    assert link is not None
    await guest.api.submit(JoinChannel(link=link))

    async def inside() -> bool:
        return any(row.name == name for row in (await inviter.api.members(channel)).rows)

    await until(inside, f"{name} is in")
    return guest


def test_who_comes_after_somebody_has_left_has_nothing_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[tuple[str, UserId]] = []
    """Whose node, and whose entry."""
    recount = Timeline._recount_entry

    def noted(self: Timeline, channel: Channel, entry: TimelineEntry) -> None:
        looked_at.append((self._world.identity.name, entry.user))
        recount(self, channel, entry)

    monkeypatch.setattr(Timeline, "_recount_entry", noted)

    async def play() -> None:
        world = SimulatedWorld(1)
        ann, bob, cid = await world.add("ann", "bob", "cid")
        for other in (bob, cid):
            await world.pair(ann, other)
        channel = await world.channel_of(ann, bob, cid)
        for number in range(5):
            await bob.say(channel, f"bob {number}")
            await cid.say(channel, f"cid {number}")
        await world.converge(channel)
        looked_at.clear()
        await bob.api.submit(LeaveChannel(channel=channel))

        async def gone() -> bool:
            return all(row.name != "bob" for row in (await cid.api.members(channel)).rows)

        await until(gone, "he has left")
        await asyncio.sleep(10)
        assert {"ann", "cid"} <= {node for node, _ in looked_at}
        await bob.stop()
        looked_at.clear()
        await let_in(world, ann, channel, "dora")
        assert {node for node, _ in looked_at} <= {"dora"}  # she hears all of it at once
        looked_at.clear()
        him = (await cid.api.me()).rows.user
        await cid.api.submit(LeaveChannel(channel=channel))
        await until(lambda: heard(looked_at, "ann"), "the other has left, too")
        assert {user for node, user in looked_at if node == "ann"} == {him}

    run_virtual(play())


async def heard(looked_at: list[tuple[str, UserId]], name: str) -> bool:
    return any(node == name for node, _ in looked_at)
