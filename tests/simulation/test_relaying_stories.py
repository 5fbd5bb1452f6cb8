"""Others' records are offered on by a few soon and by the rest later: everybody gets them, and a talk costs few frames."""

import asyncio
from collections import Counter

import pytest
from simulated_world import Person, SimulatedWorld, engine_of, until

from multichat_tui.model.codec import Rejected
from multichat_tui.model.frame_bytes import decode_frame
from multichat_tui.model.frames import Offer
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.limits import LATER_RELAY_DELAY_MS, RELAY_DELAY_PER_MEMBER_MS
from multichat_tui.model.receipts import decode_receipt
from multichat_tui.net.simulated import Conditions, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual

MEMBERS = 12
LATEST_S = 1.5 * LATER_RELAY_DELAY_MS / 1000 + 5
LEARNT_S = 1.5 * RELAY_DELAY_PER_MEMBER_MS * MEMBERS / 1000 + 5
"""Whoever was found to have everything already is offered more within this."""


async def members(seed: int) -> tuple[SimulatedWorld, ChannelId, list[Person]]:
    world = SimulatedWorld(seed, Conditions(latency_ms=20))
    people = await world.add(*(f"p{number}" for number in range(MEMBERS)))
    channel = await world.channel_of(*people)
    await asyncio.sleep(LATEST_S)
    return world, channel, people


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


async def talk(people: list[Person], channel: ChannelId, count: int) -> None:
    for number in range(count):
        await people[number % len(people)].say(channel, f"text {number}")
        await asyncio.sleep(2)


@pytest.mark.parametrize("before", [0, 2 * MEMBERS])
def test_who_is_linked_with_one_member_alone_gets_all_that_the_others_write(before: int) -> None:
    """The first text may have to wait, the longer the less was needed until then; what follows comes at once."""

    async def story() -> None:
        for seed in (1, 2):
            world, channel, people = await members(seed)
            await talk(people, channel, before)
            bridge, lonely, author, other, *_ = people
            world.hub.partition([lonely.name], [person.name for person in people if person not in (bridge, lonely)])
            await asyncio.sleep(world.hub.link_timeout_s + 20)
            await author.say(channel, "first")
            await until(lambda: has(lonely, channel, "first"), "it has come by way of the bridge", timeout_s=LEARNT_S)  # noqa: B023
            await author.say(channel, "second")
            await until(lambda: has(lonely, channel, "second"), "it has come at once", timeout_s=2)  # noqa: B023
            await asyncio.sleep(10)
            await other.say(channel, "third")
            await until(lambda: has(lonely, channel, "third"), "so has somebody else's", timeout_s=2)  # noqa: B023

    run_virtual(story())


def test_who_comes_while_the_author_is_linked_with_one_member_alone_need_not_wait_for_what_was_learnt_of_others() -> None:
    async def story() -> None:
        world, channel, people = await members(3)
        await talk(people, channel, 2 * MEMBERS)
        bridge, lonely, author, *rest = people
        await author.stop()
        world.hub.partition([author.name], [person.name for person in people if person not in (bridge, author)])
        await author.start()
        await until(lambda: knows(bridge, author), "they are linked")
        await author.say(channel, "by one alone")
        for person in (lonely, *rest):
            await until(lambda: has(person, channel, "by one alone"), "it has come", timeout_s=LATEST_S)  # noqa: B023

    run_virtual(story())


async def knows(one: Person, other: Person) -> bool:
    return engine_of(one).world.session_of(engine_of(other).world.identity.device) is not None


def test_a_receipt_goes_whole_to_each_member_once_and_its_author_learns_of_it() -> None:
    async def story() -> None:
        world, channel, people = await members(6)
        author, keeper, *readers = people[:7]
        for person in (*readers, *people[7:]):
            await person.stop()
        await author.say(channel, "while you were away")
        await until(lambda: has(keeper, channel, "while you were away"), "it is kept")
        await author.stop()
        whole: Counter[tuple[str, bytes]] = Counter()

        def tap(sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> None:
            offer = decode_frame(frame)
            if isinstance(offer, Offer):
                for encoded in offer.receipts:
                    receipt = decode_receipt(encoded)
                    assert not isinstance(receipt, Rejected)
                    whole[receiver.name, receipt.device] += 1

        world.hub.on_frame = tap
        for person in readers:
            await person.start()
        makers = {engine_of(person).world.identity.device for person in readers}
        for person in readers:
            await until(lambda: has(person, channel, "while you were away"), "it has come")  # noqa: B023
        await asyncio.sleep(30)
        for person in (keeper, *readers):
            me, receipts = engine_of(person).world.identity.device, engine_of(person).world.channels[channel].receipts
            assert makers - {me} <= receipts.keys(), "each has each one's"
        assert len(whole) >= len(makers) * len(readers)
        assert max(whole.values()) == 1, "nobody was sent what they had"
        # Those who have got it leave, and the author hears of it from who is left.
        for person in readers:
            await person.stop()
        await author.start()
        await until(lambda: reached(author, len(readers) + 1), "the author knows of all of them")

    run_virtual(story())


async def reached(author: Person, devices: int) -> bool:
    delivery = (await author.api.delivery(RecordId(author.acknowledged[-1][1]))).rows
    return sum(device.delivered for device in delivery.devices) == devices


def test_a_talk_of_many_costs_few_frames_for_each_delivery() -> None:
    async def story() -> None:
        world, channel, people = await members(4)
        frames: Counter[str] = Counter()

        def tap(sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> None:
            frames[type(decode_frame(frame)).__name__] += 1

        world.hub.on_frame = tap
        await talk(people, channel, 60)
        await asyncio.sleep(LEARNT_S)
        texts = await world.converge(channel)
        deliveries = 60 * (MEMBERS - 1)
        assert len(texts) == 60
        assert frames["MessageFrame"] == deliveries, "each got each text once, from its author"
        # Beside each text and its acknowledgement: offers now and then.
        assert sum(frames.values()) < 5 * deliveries

    run_virtual(story())
