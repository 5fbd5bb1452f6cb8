"""Stories of somebody who writes much, one message after the other, to somebody who is away, in virtual time."""

import asyncio

from simulated_world import Person, SimulatedWorld, engine_of, until
from test_audit_stories import hosted
from test_mailbox_use_stories import routed

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.limits import GATHER_FROM, MAX_DEPOSITS_PER_DEVICE, MAX_GATHER_MS
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual


async def begin(seed: int) -> tuple[ChannelId, Person, Person]:
    """Ann and bob; bob is away, and has a mailbox."""
    world = SimulatedWorld(seed)
    channel, ann, bob, _ = await hosted(world, seed=seed)
    await routed(ann, bob, channel, 1)
    await bob.stop()
    return channel, ann, bob


def under_way(ann: Person) -> int:
    """Parcels of hers that lie at bob's mailbox, or are on their way there."""
    deposits = engine_of(ann).world.deposits
    return sum(len(deposits.of(device)) for device in deposits.devices)


async def all_stored(person: Person, channel: ChannelId, texts: list[str]) -> bool:
    rows = {row.text: row for row in await person.rows(channel) if row.text in texts}
    return len(rows) == len(texts) and all(row.state is Delivery.STORED for row in rows.values())


def test_a_days_talk_lies_at_the_mailbox_in_fewer_parcels_than_may_be_under_way() -> None:
    async def story() -> None:
        channel, ann, bob = await begin(741)
        texts = [f"line {number}" for number in range(300)]
        for text in texts:
            await ann.say(channel, text)
            await asyncio.sleep(60)
        assert await all_stored(ann, channel, texts[: 300 - MAX_GATHER_MS // 60_000 - 1])
        await asyncio.sleep(MAX_GATHER_MS / 1000)
        assert await all_stored(ann, channel, texts)
        assert GATHER_FROM < under_way(ann) < MAX_DEPOSITS_PER_DEVICE
        await ann.stop()
        await bob.start()

        async def come() -> bool:
            return await bob.texts(channel) == texts

        await until(come, "bob has all of it while ann is away")

    run_virtual(story())


def test_a_node_that_ends_leaves_what_it_has_gathered() -> None:
    async def story() -> None:
        channel, ann, bob = await begin(742)
        texts = [f"line {number}" for number in range(80)]
        for text in texts:
            await ann.say(channel, text)
            await asyncio.sleep(10)
        assert not await all_stored(ann, channel, texts), "some of it is gathered"
        await ann.stop()
        await bob.start()

        async def come() -> bool:
            return await bob.texts(channel) == texts

        await until(come, "bob has all of it while ann is away")

    run_virtual(story())
