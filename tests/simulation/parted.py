"""People of one channel who have no links any more."""

import asyncio

from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.snapshots import Delivery, RowKind


async def part(world: SimulatedWorld) -> None:
    """Cut everybody off from everybody."""
    world.hub.partition(*([name] for name in world.people))

    async def alone() -> bool:
        running = [person for person in world.people.values() if person.running]
        online = [row.online for person in running for row in (await person.api.contacts()).rows]
        return not any(online)

    # Links that are cut are given up after this: until then there is nothing to look at.
    await asyncio.sleep(world.hub.link_timeout_s)
    await until(alone, "nobody is linked")


async def parted(seed: int, *names: str) -> tuple[SimulatedWorld, list[Person], ChannelId]:
    """A channel of these people, the first of whom is everybody's contact; from now on nobody is linked."""
    world = SimulatedWorld(seed)
    people = await world.add(*names)
    for other in people[1:]:
        await world.pair(people[0], other)
    channel = await world.channel_of(people[0], *people[1:])
    await world.converge(channel)
    await part(world)
    return world, people, channel


async def user_of(person: Person) -> UserId:
    return (await person.api.me()).rows.user


async def states(person: Person, channel: ChannelId) -> list[Delivery]:
    """Of one's own messages."""
    return [row.state for row in await person.rows(channel) if row.mine and row.kind is RowKind.MESSAGE]
