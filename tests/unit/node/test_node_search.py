"""Searching through a whole node: what shows is found, and only that."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from builders import AS_VERSION_1
from simulated_world import START_MS, SimulatedWorld

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import CreateChannel, LeaveChannel, OpenDirect, SendMessage
from multichat_tui.model.limits import FUTURE_TOLERANCE_MS, INDEX_SLICE_ENTRIES
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.net.simulated import SimulatedHub, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.api.queries import understand
from multichat_tui.node.genesis import create_identity
from multichat_tui.node.service import Node
from multichat_tui.store.sqlite import SqliteStore


def words(*texts: str, **more: object) -> Search:
    return Search(phrases=tuple(Phrase(text=text) for text in texts), **more)


async def texts(node: Node, search: Search) -> list[str]:
    return [found.row.text for found in (await node.search(search)).rows.rows]


def test_members_find_what_others_wrote_and_lose_what_they_left() -> None:
    async def story() -> None:
        world = SimulatedWorld(5)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        dev = await world.channel_of(ann, bob)
        await ann.say(dev, "the red boat")
        await world.converge(dev)
        await bob.say(dev, "a blue boat")
        await world.converge(dev)
        page = (await bob.api.search(words("boat"))).rows
        assert [(found.row.text, found.places) for found in page.rows] == [
            ("a blue boat", ((7, 11),)),
            ("the red boat", ((8, 12),)),
        ]
        assert page.more is None
        assert page.indexed_percent == 100
        assert await texts(bob.api, await understand(bob.api, "boat from:ann in:#dev")) == ["the red boat"]
        # Topics, names and joinings are no messages.
        assert await texts(bob.api, words("dev")) == []
        # A conversation of two is one, whichever of its channels is named.
        direct = (await ann.api.submit(OpenDirect(user=bob.api._identity.user))).channel
        assert direct is not None
        await ann.say(direct, "a secret boat")
        await world.converge(direct)
        assert await texts(bob.api, words("secret", channels=(direct,))) == ["a secret boat"]
        await bob.api.submit(LeaveChannel(channel=dev))
        assert await texts(bob.api, words("boat")) == ["a secret boat"]
        with pytest.raises(NotFound):
            await bob.api.search(words("boat", channels=(dev,)))
        with pytest.raises(NotFound):
            await bob.api.search(words("boat", channels=(ChannelId(bytes(32)),)))

    run_virtual(story())


def test_what_is_held_back_is_not_found_before_its_time() -> None:
    async def story() -> None:
        world = SimulatedWorld(6)
        ann = (await world.add("ann"))[0]
        fast = (await world.add("fast", skew_ms=FUTURE_TOLERANCE_MS + 60_000))[0]
        await world.pair(ann, fast)
        dev = await world.channel_of(ann, fast)
        await fast.say(dev, "from the future")
        await world.converge(dev)
        assert await texts(ann.api, words("future")) == []
        await asyncio.sleep(120)
        assert await texts(ann.api, words("future")) == ["from the future"]

    run_virtual(story())


def stored_node(path: Path, executor: ThreadPoolExecutor, *, new: bool) -> tuple[Node, SqliteStore]:
    import random

    entropy = random.Random(1).randbytes
    store = SqliteStore(path, bytes(32))
    if new:
        create_identity(store, name="ann", account_entropy=entropy(32), entropy=entropy, now_ms=START_MS)
    network = SimulatedNetwork(SimulatedHub(1), "ann")
    return (
        Node(store=store, network=network, now_ms=lambda: int(time.time() * 1000), entropy=entropy, executor=executor),
        store,
    )


async def test_an_older_profile_is_indexed_while_the_node_runs_and_says_how_far(tmp_path: Path) -> None:
    count = INDEX_SLICE_ENTRIES + 40
    with ThreadPoolExecutor(1) as executor:
        node, store = stored_node(tmp_path / "m.db", executor, new=True)
        await node.start()
        channel = (await node.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        await asyncio.gather(*(node.submit(SendMessage(channel=channel, text=f"boat {n}")) for n in range(count)))
        await node.stop()
        # As a version before the index left it.
        store._database.rows(AS_VERSION_1)
        store.close()
        node, store = stored_node(tmp_path / "m.db", executor, new=False)
        percents = []
        await node.start()
        async with asyncio.timeout(30), node.events() as events:
            percents.append((await node.status()).rows.indexed_percent)
            while percents[-1] < 100:
                await anext(events)
                percents.append((await node.status()).rows.indexed_percent)
        assert percents == sorted(percents)
        page = (await node.search(words("boat"), limit=1000)).rows
        assert page.indexed_percent == 100
        assert len(page.rows) == 200
        assert page.more == page.rows[-1].row.position
        rest = (await node.search(words("boat"), before=page.more, limit=1000)).rows
        assert {f.row.text for f in (*page.rows, *rest.rows)} == {f"boat {n}" for n in range(count)}
        with pytest.raises(UsageError):
            await node.search(replace(words("boat"), since_ms=-5))
        await node.stop()
        store.close()
