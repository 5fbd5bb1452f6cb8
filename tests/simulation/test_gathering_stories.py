"""Stories of somebody who writes much, one message after the other, to somebody who is away, and of nodes that end before what
they have to say lies at a mailbox; in virtual time."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, engine_of, until
from test_audit_stories import hosted
from test_mailbox_use_stories import routed

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import AddMailbox, ChangeSetting, GrantPlace, MarkRead
from multichat_tui.model.limits import AWAY_MS, GATHER_FROM, MAX_DEPOSITS_PER_DEVICE, MAX_GATHER_MS
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
    """Parcels of his that lie at bob's mailbox, or are on their way there."""
    deposits = engine_of(ann).world.deposits
    return sum(len(deposits.of(device)) for device in deposits.devices)


async def all_stored(person: Person, channel: ChannelId, texts: list[str]) -> bool:
    rows = {row.text: row for row in await person.rows(channel) if row.text in texts}
    return len(rows) == len(texts) and all(row.state is Delivery.STORED for row in rows.values())


async def has(person: Person, channel: ChannelId, texts: list[str]) -> None:
    async def come() -> bool:
        return await person.texts(channel) == texts

    await until(come, f"{person.name} has all of it while who wrote it is away")


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
        await has(bob, channel, texts)

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
        await has(bob, channel, texts)

    run_virtual(story())


def test_who_writes_to_somebody_who_has_just_left_and_leaves_too_has_left_it_at_the_mailbox() -> None:
    async def story() -> None:
        world = SimulatedWorld(743)
        channel, ann, bob, _ = await hosted(world, seed=743)
        await routed(ann, bob, channel, 1)
        his = engine_of(bob).world.identity.device
        await bob.stop()

        async def gone() -> bool:
            return engine_of(ann).world.session_of(his) is None

        await until(gone, "ann sees that bob has left")
        await ann.say(channel, "wait")
        await ann.stop()
        await bob.start()
        await has(bob, channel, ["wait"])

    run_virtual(story())


def test_who_leaves_with_a_text_on_its_way_to_the_mailbox_waits_for_its_receipt() -> None:
    async def story() -> None:
        channel, ann, bob = await begin(744)
        await asyncio.sleep(2 * AWAY_MS / 1000)
        await ann.say(channel, "on its way")
        assert not await all_stored(ann, channel, ["on its way"])
        await ann.stop()
        await bob.start()
        await has(bob, channel, ["on its way"])

    run_virtual(story())


async def apart(seed: int, text: str) -> tuple[ChannelId, Person, Person]:
    """Ann and bob both have mailboxes, and no link; she has written to him, and he has it."""
    world = SimulatedWorld(seed)
    channel, ann, bob, host = await hosted(world, seed=seed)
    link = (await host.api.submit(GrantPlace(name="ann"))).link
    assert link is not None
    await ann.api.submit(AddMailbox(link=link))
    await routed(ann, bob, channel, 1)
    await routed(bob, ann, channel, 1)
    world.hub.partition(["ann"], ["bob"])
    await asyncio.sleep(2 * AWAY_MS / 1000)
    await ann.say(channel, text)
    await has(bob, channel, [text])
    return channel, ann, bob


async def learns(person: Person, channel: ChannelId, state: Delivery) -> None:
    async def is_so() -> bool:
        return (await person.rows(channel))[-1].state is state

    await until(is_so, f"{person.name} learns of it: {state.value}")


def test_who_gets_what_lay_at_the_mailbox_and_leaves_at_once_has_said_that_it_has_come() -> None:
    async def story() -> None:
        channel, ann, bob = await apart(745, "has it come?")
        await bob.stop()
        await learns(ann, channel, Delivery.ALL)

    run_virtual(story())


@pytest.mark.parametrize("seconds", [0, 10])
def test_who_reads_what_lay_at_the_mailbox_and_leaves_soon_has_said_that_it_was_read(seconds: int) -> None:
    async def story() -> None:
        channel, ann, bob = await apart(746, "have you read it?")
        await bob.api.submit(MarkRead(channel=channel, arrival=None))
        await asyncio.sleep(seconds)
        await bob.stop()
        await learns(ann, channel, Delivery.READ)

    run_virtual(story())


@pytest.mark.parametrize("seconds", [0, 10])
def test_what_was_read_just_before_a_node_was_killed_is_said_after_its_next_start(seconds: int) -> None:
    async def story() -> None:
        channel, ann, bob = await apart(747, "have you read it?")
        await bob.api.submit(MarkRead(channel=channel, arrival=None))
        await asyncio.sleep(seconds)
        bob.crash()
        await bob.start()
        await learns(ann, channel, Delivery.READ)

    run_virtual(story())


def test_what_was_read_just_before_a_clock_was_set_back_is_said() -> None:
    async def story() -> None:
        channel, ann, bob = await apart(748, "have you read it?")
        await bob.api.submit(MarkRead(channel=channel, arrival=None))
        bob.skew_ms = -60 * 60 * 1000
        await learns(ann, channel, Delivery.READ)

    run_virtual(story())


@pytest.mark.parametrize("silent", [False, True])
def test_a_node_says_while_it_ends_that_it_leaves_something_and_afterwards_whether_some_of_it_stayed(silent: bool) -> None:
    async def story() -> None:
        world = SimulatedWorld(743)
        channel, ann, bob, host = await hosted(world, seed=743)
        await routed(ann, bob, channel, 1)
        await bob.stop()
        await asyncio.sleep(60)
        host.network.pause(silent)
        await ann.say(channel, "on my way")
        node = ann.api
        assert not node.leaving
        ends = asyncio.create_task(ann.stop())
        told = 0
        while not ends.done():
            await asyncio.sleep(0.01)
            told += node.leaving
        assert told > 250 if silent else told < 250, told
        assert node.leaving == silent

    run_virtual(story())


async def seconds_to_stop(person: Person) -> float:
    began = asyncio.get_running_loop().time()
    await person.stop()
    return asyncio.get_running_loop().time() - began


def test_who_leaves_does_not_wait_for_a_mailbox_that_is_not_there() -> None:
    async def story() -> None:
        world = SimulatedWorld(751)
        channel, ann, bob, host = await hosted(world, seed=751)
        await routed(ann, bob, channel, 1)
        await bob.stop()
        await host.stop()
        await asyncio.sleep(2 * AWAY_MS / 1000)
        await ann.say(channel, "the first one finds out")
        assert await seconds_to_stop(ann) < 1
        await ann.start()
        await asyncio.sleep(10 * 60)
        await ann.say(channel, "and another one knows")
        assert await seconds_to_stop(ann) < 0.1

    run_virtual(story())


def test_who_leaves_while_it_rests_wakes_for_what_it_has_gathered() -> None:
    async def story() -> None:
        channel, ann, bob = await begin(752)
        await ann.api.submit(ChangeSetting(key="net.mode", value="low-power"))
        texts = [f"message {number}" for number in range(100)]
        for text in texts:
            await ann.say(channel, text)
            await asyncio.sleep(1)

        async def rests() -> bool:
            return engine_of(ann).world.resting_until is not None

        await until(rests, "ann's node rests")
        assert not await all_stored(ann, channel, texts), "some of it is gathered"
        await ann.stop()
        await bob.start()
        await has(bob, channel, texts)

    run_virtual(story())


def test_who_has_nothing_to_leave_does_not_wake_for_that() -> None:
    async def story() -> None:
        channel, ann, _bob = await begin(753)
        await asyncio.sleep(2 * AWAY_MS / 1000)
        await ann.say(channel, "one")
        await ann.api.submit(ChangeSetting(key="net.mode", value="low-power"))

        async def rests() -> bool:
            return engine_of(ann).world.resting_until is not None

        await until(rests, "ann's node rests")
        assert await all_stored(ann, channel, ["one"])
        world = engine_of(ann).world
        assert await seconds_to_stop(ann) < 0.1
        assert world.resting_until is not None

    run_virtual(story())
