"""Two nodes: pairing, direct messages, a channel, one of them away for a while."""

from simulated_world import SimulatedWorld, until

from multichat_tui.model.intents import OpenDirect
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual


def test_two_people_pair_by_link_and_write_to_each_other() -> None:
    async def story() -> None:
        world = SimulatedWorld(1)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        bob_user = (await bob.api.me()).rows.user
        channel = (await ann.api.submit(OpenDirect(user=bob_user))).channel
        assert channel is not None
        await ann.say(channel, "hello")
        await until(lambda: _has(bob, channel, "hello"), "bob has it")
        await bob.say(channel, "hi")
        assert await world.converge(channel) == ["hello", "hi"]

        async def delivered() -> bool:
            return all(row.state is Delivery.ALL for row in await ann.rows(channel) if row.mine and row.text)

        await until(delivered, "ann sees it delivered")

    run_virtual(story())


def test_a_member_who_was_away_gets_everything_once_and_in_order() -> None:
    async def story() -> None:
        world = SimulatedWorld(2)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        await bob.stop()
        for number in range(1000):
            await ann.say(channel, f"message {number}")
        await bob.start()
        assert await world.converge(channel) == [f"message {number}" for number in range(1000)]

    run_virtual(story())


async def _has(person: object, channel: object, text: str) -> bool:
    return text in await person.texts(channel)
