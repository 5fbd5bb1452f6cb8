"""Two real nodes that are killed at random instants while both write: what was answered is kept, once, in one order."""

import asyncio
import contextlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import Homes, RealNode, befriend, bring_in, messages, say, until

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.errors import Unreachable
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import CreateChannel
from multichat_tui.model.snapshots import Delivery

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

KILLS = 6
MESSAGES_BETWEEN = (5, 40)
AFTER_THE_LAST = 10
NAMES = ("ann", "bob")


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-kill-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


class Writer:
    """A person who writes without a pause, through whatever node of theirs runs."""

    def __init__(self, name: str, homes: Homes) -> None:
        self.name = name
        self.homes = homes
        self.api: RemoteNode | None = None
        self.node: RealNode | None = None
        self.words: tuple[str, ...] = ("--listen", "127.0.0.1:0")
        self.answered: dict[RecordId, str] = {}
        self.tried: set[str] = set()
        self.running = asyncio.Event()

    async def come(self) -> None:
        self.node = await asyncio.to_thread(self.homes.node, self.name, "--no-lan", *self.words)
        self.api = await self.homes.attach(self.name)
        self.running.set()

    async def die(self) -> None:
        assert self.node is not None
        assert self.api is not None
        self.running.clear()
        self.node.kill()
        await self.api.close()

    async def write(self, channel: ChannelId, told: asyncio.Queue[None]) -> None:
        """Until cancelled. What a dying node did not answer is given up: it may have been kept or not."""
        number = 0
        while True:
            await self.running.wait()
            assert self.api is not None
            number += 1
            text = f"{self.name} {number}"
            self.tried.add(text)
            with contextlib.suppress(Unreachable):
                self.answered[await say(self.api, channel, text)] = text
                await told.put(None)


async def test_nothing_answered_is_lost_and_nothing_is_twice_however_often_nodes_are_killed(homes: Homes):
    seed = int(os.environ.get("MULTICHAT_TEST_SEED") or time.time_ns())
    print(f"MULTICHAT_TEST_SEED={seed}")
    chance = random.Random(seed)
    writers = [Writer(name, homes) for name in NAMES]
    for writer in writers:
        homes.results(writer.name, "init", "--name", writer.name, "--no-passphrase")
        await writer.come()
    for writer, other in (writers, writers[::-1]):
        assert writer.node is not None
        assert other.node is not None
        writer.words = ("--listen", writer.node.listen[0], "--connect", other.node.listen[0])
    ann, bob = writers
    assert ann.api is not None
    assert bob.api is not None
    await befriend(ann.api, bob.api)
    channel = (await ann.api.submit(CreateChannel(name="harbour"))).channel
    assert channel is not None
    await bring_in(ann.api, bob.api, channel)

    told: asyncio.Queue[None] = asyncio.Queue(maxsize=1)
    writing = [asyncio.create_task(writer.write(channel, told)) for writer in writers]
    try:
        for _ in range(KILLS):
            for _ in range(chance.randint(*MESSAGES_BETWEEN)):
                await asyncio.wait_for(told.get(), 60)
            unlucky = chance.choice(writers)
            await unlucky.die()
            for _ in range(chance.randint(0, MESSAGES_BETWEEN[0])):
                await asyncio.wait_for(told.get(), 60)
            await unlucky.come()
        for _ in range(AFTER_THE_LAST):
            await asyncio.wait_for(told.get(), 60)
    finally:
        for task in writing:
            task.cancel()
        outcomes = await asyncio.gather(*writing, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes

    for writer, other in (writers, writers[::-1]):
        api, theirs = writer.api, other.api
        assert api is not None
        assert theirs is not None

        async def level(api: RemoteNode = api, theirs: RemoteNode = theirs) -> bool | None:
            mine, others = await messages(api, channel), await messages(theirs, channel)
            delivered = all(row.state is Delivery.ALL for row in mine if row.mine)
            return (delivered and {row.id for row in mine} == {row.id for row in others}) or None

        await until(api, level, "both histories to be the same")
    logs = [await messages(writer.api, channel) for writer in writers if writer.api is not None]
    orders = [[row.id for row in log] for log in logs]
    assert orders[0] == orders[1]
    assert len(set(orders[0])) == len(orders[0])
    texts = {row.id: row.text for row in logs[0]}
    assert [row.text for row in logs[0]] == [row.text for row in logs[1]]
    assert len(set(texts.values())) == len(texts)
    for writer in writers:
        assert writer.answered.items() <= texts.items()
    assert set(texts.values()) <= ann.tried | bob.tried
    for writer in writers:
        assert writer.api is not None
        await writer.api.close()
