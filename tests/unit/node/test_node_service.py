"""The shell around the engine: batches that fail, subscribers that are slow, an end that leaves nobody waiting."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import asyncio
import logging
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from simulated_world import START_MS, SimulatedWorld, until

from multichat_tui.model.errors import IntentRefused, StorageFailed, Unreachable
from multichat_tui.model.events import ChannelChanged, MessageAdded, MessageChanged, Resync
from multichat_tui.model.ids import LinkId
from multichat_tui.model.intents import AddMailbox, ChangeSetting, CreateChannel, GrantPlace, HostMailbox, SendMessage, SetNearby
from multichat_tui.model.limits import SUBSCRIBER_EVENTS
from multichat_tui.model.ports import FrameIn, Transaction
from multichat_tui.model.snapshots import MailboxState, RowKind
from multichat_tui.net.simulated import Conditions, SimulatedHub, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.genesis import create_identity
from multichat_tui.node.service import RETRY_S, Node
from multichat_tui.store.memory import MemoryStore


class FullDisk:
    """A store whose commits fail while `full`."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.full = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.inner.transaction() as txn:
            yield txn
            if self.full:
                raise StorageFailed("The disk is full.", "Make room.")

    def close(self) -> None:
        pass


def new_node(store: FullDisk, executor: ThreadPoolExecutor | None = None, *, lan: bool = True) -> Node:
    entropy = random.Random(1).randbytes
    create_identity(store, name="ann", account_entropy=entropy(32), entropy=entropy, now_ms=START_MS)
    network = SimulatedNetwork(SimulatedHub(1), "ann")
    return Node(store=store, network=network, now_ms=lambda: int(time.time() * 1000), entropy=entropy, executor=executor, lan=lan)


async def test_who_is_not_on_the_local_network_is_not_told_to_be_visible_there() -> None:
    node = new_node(FullDisk(), lan=False)
    await node.start()
    with pytest.raises(IntentRefused, match="nobody could see you"):
        await node.submit(SetNearby(visible=True))
    assert (await node.status()).rows.nearby is None
    await node.submit(SetNearby(visible=False))
    await node.stop()


async def test_a_full_disk_refuses_the_message_with_the_reason_and_the_node_goes_on_when_there_is_room() -> None:
    store = FullDisk()
    node = new_node(store)
    await node.start()
    channel = (await node.submit(CreateChannel(name="dev"))).channel
    assert channel is not None
    store.full = True
    with pytest.raises(StorageFailed, match="disk is full"):
        await node.submit(SendMessage(channel=channel, text="lost?"))
    store.full = False
    await node.submit(SendMessage(channel=channel, text="kept"))
    texts = [row.text for row in (await node.timeline(channel)).rows if row.kind is RowKind.MESSAGE]
    assert texts == ["kept"]
    assert (await node.status()).rows.trouble == ""
    await node.stop()


class LostDisk(FullDisk):
    """Nothing can be read, either, while `full`."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self.full:
            self.tries += 1
            raise StorageFailed("The disk is gone.")
        with super().transaction() as txn:
            yield txn


def test_a_profile_that_cannot_be_loaded_is_tried_again_after_a_pause_whatever_comes_in_and_who_waits_is_told() -> None:
    async def story() -> None:
        store = LostDisk()
        node = new_node(store)
        await node.start()
        channel = (await node.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        store.full = True
        for number in range(50):
            node._deliver(FrameIn(link=LinkId(number), frame=b""))
            await asyncio.sleep(0.1)
        assert store.tries <= 5 * 2 / RETRY_S + 2
        for ask in (node.submit(SendMessage(channel=channel, text="lost")), node.status()):
            with pytest.raises(StorageFailed, match="disk is gone"):
                await asyncio.wait_for(ask, 2 * RETRY_S)
        store.full = False
        await node.submit(SendMessage(channel=channel, text="kept"))
        texts = [row.text for row in (await node.timeline(channel)).rows if row.kind is RowKind.MESSAGE]
        assert texts == ["kept"]
        await node.stop()

    run_virtual(story())


def test_what_is_not_stored_is_known_on_when_the_disk_is_there_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(13)
        disk = LostDisk()
        world.new_store = lambda name: disk if name == "ann" else MemoryStore()
        ann, host = await world.add("ann", "host")
        await host.api.submit(HostMailbox(on=True, shown_on_lan=True))
        link = (await host.api.submit(GrantPlace(name="ann"))).link
        assert link is not None
        await ann.api.submit(AddMailbox(link=link))

        async def ready() -> bool:
            (row,) = (await ann.api.status()).rows.mailboxes
            return row.state is MailboxState.READY

        await until(ready, "ann's mailbox is ready")
        # It has another address from now on, which is shown once.
        await host.stop()
        await asyncio.sleep(60)
        await host.start()
        await until(ready, "ann's mailbox is found where the network shows it")
        before = (await ann.api.status()).as_of
        listen = (await ann.api.status()).rows.listen
        async with ann.api.events() as events:
            disk.full = True
            with pytest.raises(StorageFailed):
                await ann.api.submit(CreateChannel(name="dev"))
            await asyncio.sleep(60)
            disk.full = False
            await until(ready, "ann's mailbox is found there again")
            assert (await ann.api.status()).as_of > before
            await ann.api.submit(CreateChannel(name="dev"))
            numbers = [(await anext(events)).seq for _ in range(3)]
            assert numbers == sorted(numbers)
            assert numbers[0] > before
        assert (await ann.api.status()).rows.listen == listen != ()

    run_virtual(story())


async def test_a_refused_intent_changes_nothing_and_does_not_hinder_others_in_its_batch() -> None:
    node = new_node(FullDisk())
    await node.start()
    channel = (await node.submit(CreateChannel(name="dev"))).channel
    assert channel is not None
    results = await asyncio.gather(
        node.submit(SendMessage(channel=channel, text="one")),
        node.submit(SendMessage(channel=channel, text="   ")),
        node.submit(SendMessage(channel=channel, text="two")),
        return_exceptions=True,
    )
    assert isinstance(results[1], IntentRefused)
    texts = [row.text for row in (await node.timeline(channel)).rows if row.kind is RowKind.MESSAGE]
    assert texts == ["one", "two"]
    await node.stop()


async def test_a_slow_subscriber_is_told_to_read_again_and_costs_bounded_memory() -> None:
    node = new_node(FullDisk())
    await node.start()
    channel = (await node.submit(CreateChannel(name="dev"))).channel
    assert channel is not None
    async with node.events() as events:
        for number in range(SUBSCRIBER_EVENTS):
            await node.submit(SendMessage(channel=channel, text=str(number)))
        first = await anext(events)
        assert isinstance(first, Resync)
        snapshot = await node.channels()
        assert snapshot.as_of >= first.seq
    await node.stop()


async def test_events_are_numbered_without_gaps_and_a_snapshot_says_which_it_includes() -> None:
    node = new_node(FullDisk())
    await node.start()
    async with node.events() as events:
        channel = (await node.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        await node.submit(SendMessage(channel=channel, text="one"))
        seen = []
        while not any(isinstance(event, ChannelChanged) for event in seen):
            seen.append(await anext(events))
        snapshot = await node.timeline(channel)
        while seen[-1].seq < snapshot.as_of:
            seen.append(await anext(events))
        numbers = [event.seq for event in seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert any(isinstance(event, MessageAdded) and event.row.text == "one" for event in seen)
        assert any(isinstance(event, ChannelChanged) for event in seen)
    await node.stop()


async def test_the_store_runs_on_its_own_thread_and_answers_come_back() -> None:
    with ThreadPoolExecutor(max_workers=1) as executor:
        node = new_node(FullDisk(), executor)
        await node.start()
        channel = (await node.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        await asyncio.gather(*(node.submit(SendMessage(channel=channel, text=str(n))) for n in range(300)))
        texts = [row.text for row in (await node.timeline(channel, limit=500)).rows if row.kind is RowKind.MESSAGE]
        assert texts == [str(n) for n in range(300)]
        await node.stop()


async def test_a_stopped_node_refuses_instead_of_hanging_and_ends_its_streams() -> None:
    node = new_node(FullDisk())
    await node.start()
    async with node.events() as events:
        await node.stop()
        ended = [event async for event in events]
    assert all(event.seq > 0 for event in ended)
    with pytest.raises(Unreachable):
        await node.channels()


async def test_frames_of_links_that_are_gone_are_ignored() -> None:
    node = new_node(FullDisk())
    await node.start()
    node._deliver(FrameIn(link=LinkId(99), frame=b"\xa0"))
    assert (await node.channels()).rows == ()
    await node.stop()


def test_a_held_record_shows_its_text_when_it_is_due() -> None:
    async def story() -> None:
        world = SimulatedWorld(11)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        bob.skew_ms = 10 * 60 * 1000
        seen: list[object] = []

        async def listen() -> None:
            async with ann.api.events() as events:
                async for event in events:
                    seen.append(event)

        task = asyncio.ensure_future(listen())
        await bob.say(channel, "from ten minutes ahead")

        async def kind(expected: RowKind) -> bool:
            rows = [row for row in await ann.rows(channel) if row.author != (await ann.api.me()).rows.user]
            return bool(rows) and rows[-1].kind is expected

        await until(lambda: kind(RowKind.HELD), "held")

        async def told() -> bool:
            return any(isinstance(e, MessageChanged) and e.row is not None and e.row.kind is RowKind.MESSAGE for e in seen)

        await until(told, "told that it is due", timeout_s=900)
        assert await kind(RowKind.MESSAGE)
        task.cancel()

    run_virtual(story())


def test_a_clock_that_is_set_back_begins_the_links_again_and_messages_go_on() -> None:
    async def story() -> None:
        world = SimulatedWorld(12)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        world.hub.conditions = Conditions(latency_ms=5, loss=1.0, reliable=False)
        for number in range(20):
            await ann.say(channel, str(number))
        ann.skew_ms = bob.skew_ms = -100 * 1000
        world.hub.conditions = Conditions(latency_ms=5)
        await world.converge(channel, timeout_s=60)
        assert sorted(await bob.texts(channel), key=int) == [str(number) for number in range(20)]

    run_virtual(story())


async def test_how_much_is_logged_is_a_setting_that_holds_at_once_and_after_a_restart() -> None:
    root = logging.getLogger("multichat_tui")
    before = root.level
    store = FullDisk()
    node = new_node(store)
    try:
        await node.start()
        await node.submit(ChangeSetting(key="log", value="debug"))
        assert root.level == logging.DEBUG
        await node.submit(ChangeSetting(key="log", value="info"))
        assert root.level == logging.INFO
        await node.submit(ChangeSetting(key="log", value="nonsense"))
        assert root.level == logging.INFO
        await node.submit(ChangeSetting(key="log", value="debug"))
        await node.stop()
        root.setLevel(logging.INFO)
        network = SimulatedNetwork(SimulatedHub(2), "ann")
        node = Node(store=store, network=network, now_ms=lambda: START_MS, entropy=random.Random(2).randbytes, executor=None)
        await node.start()
        assert root.level == logging.DEBUG
    finally:
        await node.stop()
        root.setLevel(before)
