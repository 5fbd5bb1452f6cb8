"""Others' records are offered on by a few soon and by the rest later: everybody gets them, and a talk costs few frames."""

import asyncio
from collections import Counter

from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.frame_bytes import decode_frame
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.limits import LATER_RELAY_DELAY_MS
from multichat_tui.net.simulated import Conditions, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual

MEMBERS = 12
LATEST_S = 1.5 * LATER_RELAY_DELAY_MS / 1000 + 5


async def members(seed: int) -> tuple[SimulatedWorld, ChannelId, list[Person]]:
    world = SimulatedWorld(seed, Conditions(latency_ms=20))
    people = await world.add(*(f"p{number}" for number in range(MEMBERS)))
    channel = await world.channel_of(*people)
    await asyncio.sleep(LATEST_S)
    return world, channel, people


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


def test_who_is_linked_with_one_member_alone_gets_all_that_the_others_write() -> None:
    """The first text of somebody may have to wait for those whose turn is later; what follows comes at once."""

    async def story() -> None:
        for seed in (1, 2):
            world, channel, people = await members(seed)
            bridge, lonely, author, *_ = people
            world.hub.partition([lonely.name], [person.name for person in people if person not in (bridge, lonely)])
            await asyncio.sleep(world.hub.link_timeout_s + 20)
            await author.say(channel, "first")
            await until(lambda: has(lonely, channel, "first"), "it has come by way of the bridge", timeout_s=LATEST_S)  # noqa: B023
            await asyncio.sleep(20)
            await author.say(channel, "second")
            await until(lambda: has(lonely, channel, "second"), "it has come at once", timeout_s=2)  # noqa: B023

    run_virtual(story())


def test_a_talk_of_many_costs_few_frames_for_each_delivery() -> None:
    async def story() -> None:
        world, channel, people = await members(4)
        frames: Counter[str] = Counter()

        def tap(sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> None:
            frames[type(decode_frame(frame)).__name__] += 1

        world.hub.on_frame = tap
        for number in range(60):
            await people[number % MEMBERS].say(channel, f"text {number}")
            await asyncio.sleep(2)
        await asyncio.sleep(LATEST_S)
        texts = await world.converge(channel)
        deliveries = 60 * (MEMBERS - 1)
        assert len(texts) == 60
        assert frames["MessageFrame"] == deliveries, "each got each text once, from its author"
        # Beside each text and its acknowledgement: offers of three to everybody, and of the others now and then.
        assert sum(frames.values()) < 10 * deliveries

    run_virtual(story())
