"""Catching up after an absence: what it costs on the link."""

from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.frames import MessageFrame, decode_frame
from multichat_tui.model.ids import ChannelId, LinkId
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual


def _items_sent(person: Person) -> list[int]:
    """How many records each MESSAGE frame had that a person's node has sent from now on."""
    sent: list[int] = []
    send = person.network.send

    def counting(link: LinkId, frame: bytes) -> None:
        decoded = decode_frame(frame)
        if isinstance(decoded, MessageFrame) and decoded.items:
            sent.append(len(decoded.items))
        send(link, frame)

    person.network.send = counting  # type: ignore[method-assign]
    return sent


async def _newest_is(person: Person, channel: ChannelId, text: str) -> None:
    async def newest() -> bool:
        return (await person.api.timeline(channel, limit=1)).rows[-1].text == text

    await until(newest, f"{person.name} has {text}")


def test_a_chain_that_comes_seldom_is_not_asked_for_again_while_others_come() -> None:
    async def story() -> None:
        world = SimulatedWorld(5, Conditions(latency_ms=150))
        ann, bob, carl = await world.add("ann", "bob", "carl")
        await world.pair(ann, bob)
        await world.pair(ann, carl)
        channel = await world.channel_of(ann, bob, carl)
        await bob.stop()
        for part in range(3):
            for number in range(500):
                await ann.say(channel, f"message {part} {number}")
            await _newest_is(carl, channel, f"message {part} 499")
            await carl.say(channel, f"carl {part}")
            await _newest_is(ann, channel, f"carl {part}")
        await carl.stop()
        sent = _items_sent(ann)
        await bob.start()
        await _newest_is(bob, channel, "carl 2")
        await until(lambda: _count_is(bob, channel, 1503), "bob has all")
        assert sum(sent) == 1503

    run_virtual(story())


async def _count_is(person: Person, channel: ChannelId, count: int) -> bool:
    return len(await person.texts(channel)) == count
