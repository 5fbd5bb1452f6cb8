"""Catching up after an absence: what it costs on the link."""

from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.frame_bytes import decode_frame
from multichat_tui.model.frames import MessageFrame
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

    person.network.send = counting
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


async def _told_while_catching_up(seed: int, missing: int) -> list[tuple[int, int]]:
    """(done, total) as it was told to somebody who was away for so many messages."""
    world = SimulatedWorld(seed, Conditions(latency_ms=150))
    ann, bob = await world.add("ann", "bob")
    await world.pair(ann, bob)
    channel = await world.channel_of(ann, bob)
    await bob.stop()
    for number in range(missing):
        await ann.say(channel, f"message {number}")
    await bob.start()
    told: list[tuple[int, int]] = []

    async def here() -> bool:
        told.extend((work.done, work.total) for work in (await bob.api.status()).rows.progress)
        return len(await bob.texts(channel)) == missing

    await until(here, "bob has all")
    await until(lambda: _nothing_is_told(bob), "it is over")
    return told


async def _nothing_is_told(person: Person) -> bool:
    return not (await person.api.status()).rows.progress


def test_much_that_is_missing_is_told_with_how_far_it_is_until_all_is_here() -> None:
    async def story() -> None:
        told = await _told_while_catching_up(6, 1_500)
        assert told
        assert told[0] == (0, 1_500)
        left = [total - done for done, total in told]
        assert sorted(left, reverse=True) == left, "a link that ends in the midst begins another count, of what is left"
        assert any(0 < done < total for done, total in told)

    run_virtual(story())


def test_a_little_that_is_missing_is_not_worth_a_word() -> None:
    async def story() -> None:
        assert await _told_while_catching_up(7, 300) == []

    run_virtual(story())


def test_nothing_is_told_any_more_when_the_one_who_has_it_leaves_in_the_midst() -> None:
    async def story() -> None:
        world = SimulatedWorld(8, Conditions(latency_ms=150))
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        await bob.stop()
        for number in range(1_500):
            await ann.say(channel, f"message {number}")
        await bob.start()

        async def under_way() -> bool:
            return bool((await bob.api.status()).rows.progress)

        await until(under_way, "bob catches up")
        ann.crash()
        await until(lambda: _nothing_is_told(bob), "bob waits for nobody")
        assert len(await bob.texts(channel)) < 1_500

    run_virtual(story())
