"""Searching a million messages: the store, the node's answer and the painted result, beside plain SQLite FTS5.

The floor has the same words in an index of its own, without encryption and without our rows; it answers with row numbers only.
"""

import asyncio
import itertools
import os
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks.measures import Figure, Measure, at_most, quantile
from multichat_tui.crypto.olm import new_olm_account
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import Message
from multichat_tui.model.ids import ChannelId, Log, RecordId
from multichat_tui.model.intents import CreateChannel, SendMessage
from multichat_tui.model.ports import TimelineEntry
from multichat_tui.model.records import body_hash, encode_header, record_id, seal_body, size_bucket
from multichat_tui.model.searching import Phrase, Search, words_of
from multichat_tui.net.simulated import SimulatedHub, SimulatedNetwork
from multichat_tui.node.genesis import create_identity
from multichat_tui.node.service import Node
from multichat_tui.store.sqlite import SqliteStore
from multichat_tui.ui.finding import PAGE_HITS

MESSAGES = int(os.environ.get("MULTICHAT_SEARCHED", "1000000"))
CHANNELS = 40
RARE_EVERY = 5000
"""One message in so many goes to the rare channel."""
WORDS = 30_000
ROUNDS = 40
BATCH = 512
START_MS = 1_700_000_000_000
FLOOR = "select rowid from found where found match ? order by rowid desc limit 24"


def vocabulary(chance: random.Random) -> list[str]:
    """Made words; like those of a language, the most frequent ones are short."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    lengths = (min(11, 2 + number.bit_length() // 2 + chance.randint(0, 2)) for number in range(1, WORDS * 2))
    made = dict.fromkeys("".join(chance.choice(letters) for _ in range(length)) for length in lengths)
    return list(made)[:WORDS]


async def build(directory: Path) -> tuple[SqliteStore, Node, list[ChannelId], list[str], sqlite3.Connection, float]:
    """A profile with the messages, its node, and the floor's index."""
    chance = random.Random(1)
    words = vocabulary(chance)
    weights = list(itertools.accumulate(1 / (n + 3) for n in range(len(words))))
    store = SqliteStore(directory / "messages.db", os.urandom(32))
    create_identity(
        store, name="ann", account_entropy=os.urandom(32), entropy=os.urandom, now_ms=START_MS, new_olm=new_olm_account
    )
    executor = ThreadPoolExecutor(1)

    def node() -> Node:
        network = SimulatedNetwork(SimulatedHub(1), "ann")
        return Node(store=store, network=network, now_ms=lambda: int(time.time() * 1000), entropy=os.urandom, executor=executor)

    first = node()
    await first.start()
    channels: list[ChannelId] = []
    for number in range(CHANNELS + 1):
        channel = (await first.submit(CreateChannel(name=f"channel-{number}"))).channel
        assert channel is not None
        await first.submit(SendMessage(channel=channel, text="begin"))
        channels.append(channel)
    await first.stop()
    floor = sqlite3.connect(directory / "floor.db", isolation_level=None)
    floor.execute("pragma journal_mode = wal")
    floor.execute("create virtual table found using fts5(words, content='', prefix='2 3')")
    began = time.monotonic()
    with store.transaction() as txn:
        ends = {c: txn.record(txn.heads(c, Log.CONTENT)[0]) for c in channels}
        entries = {c: txn.entry(end.id) for c, end in ends.items() if end is not None}
    for start in range(0, MESSAGES, BATCH):
        floor.execute("begin")
        with store.transaction() as txn:
            for number in range(start, min(MESSAGES, start + BATCH)):
                channel = (
                    channels[-1] if number % RARE_EVERY == 7 else channels[min(CHANNELS - 1, int(chance.paretovariate(1)) - 1)]
                )
                text = " ".join(chance.choices(words, cum_weights=weights, k=10))
                end, entry = ends[channel], entries[channel]
                assert end is not None
                assert entry is not None
                body = seal_body(encode_acts((Message(text=text),)), bytes(32))
                at_ms = START_MS + number * 60_000
                header = replace(
                    end.header, seq=end.header.seq + 1, prev=end.id, parents=(end.id,), timestamp_ms=at_ms,
                    ets=max(at_ms, end.header.ets + 1), body_hash=body_hash(body), body_size_bucket=size_bucket(len(body)),
                )  # fmt: skip
                encoded = encode_header(header)
                record = replace(end, header=header, header_bytes=encoded, id=RecordId(record_id(encoded)), body=body)
                arrival = txn.append(record, at_ms)
                shown: TimelineEntry = replace(entry, id=record.id, ets=header.ets, arrival=arrival)
                txn.show(shown, text)
                ends[channel] = record
                floor.execute("insert into found (rowid, words) values (?, ?)", (number + 1, " ".join(words_of(text))))
        floor.execute("commit")
    built_s = time.monotonic() - began
    running = node()
    await running.start()
    return store, running, channels, words, floor, built_s


def queries(words: list[str], rare: ChannelId) -> list[tuple[str, Search, str | None, float | None]]:
    """(name, search, the floor's expression, wanted ms)."""

    def phrase(text: str, *, prefix: bool = False, **more: tuple[ChannelId, ...]) -> Search:
        return Search(phrases=(Phrase(text=text, prefix=prefix),), **more)

    pair = f"{words[3]} {words[5]}"
    long = next(word for word in words[:400] if len(word) >= 5)
    return [
        ("a word", phrase(words[20]), f'"{words[20]}"', 20),
        ("a very common word", phrase(words[0]), f'"{words[0]}"', 20),
        ("a rare word", phrase(words[-1]), f'"{words[-1]}"', 20),
        ("a prefix of two letters", phrase(words[40][:2], prefix=True), f'"{words[40][:2]}" *', 40),
        ("a prefix of three letters", phrase(words[40][:3], prefix=True), f'"{words[40][:3]}" *', 40),
        ("a prefix of four letters", phrase(long[:4], prefix=True), f'"{long[:4]}" *', 40),
        ("a common word in a rare channel", phrase(words[0], channels=(rare,)), None, 40),
        ("a prefix in a rare channel", phrase(words[0][:2], prefix=True, channels=(rare,)), None, 40),
        ("a phrase", phrase(pair), f'"{pair}"', 40),
    ]


async def times_of(ask: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = ask()
        if asyncio.iscoroutine(answer):
            await answer
        taken.append((time.perf_counter() - began) * 1000)
    return taken


async def figures(directory: Path) -> list[Figure]:
    store, node, channels, words, floor, built_s = await build(directory)
    size = (directory / "messages.db").stat().st_size
    print(f"{MESSAGES:,} messages in {built_s:.0f} s, {size / 1e6:.0f} MB", flush=True)
    made = []
    for name, search, expression, wanted in queries(words, channels[-1]):
        found = len((await node.search(search, limit=PAGE_HITS)).rows.rows)
        ours = await times_of(lambda search=search: node.search(search, limit=PAGE_HITS))
        plain = None
        if expression is not None:
            plain = await times_of(lambda e=expression: floor.execute(FLOOR, (e,)).fetchall())
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            measure = Measure(
                name=f"search: {name} ({found} rows), {label}", unit="ms", target=f"<= {wanted:.0f}" if wanted else "",
                met=at_most(wanted) if wanted else None,
            )  # fmt: skip
            made.append(Figure(measure=measure, ours=quantile(ours, share), floor=quantile(plain, share) if plain else None))
    made.append(await painted(node, words[20]))
    await node.stop()
    store.close()
    return made


class _Launched:
    """The screens' launcher, for a node that runs already."""

    def __init__(self, node: Node) -> None:
        from multichat_tui.node.api.launch import ProfileState

        self.node, self.state = node, ProfileState.OPEN

    async def start(self, passphrase: str | None = None) -> Node:
        return self.node

    async def stop(self) -> None:
        pass


async def painted(node: Node, word: str) -> Figure:
    """From the last key of a word to the screen that shows what it finds."""
    from multichat_tui.ui.app import MultichatApp
    from multichat_tui.ui.preferences import Preferences
    from multichat_tui.ui.search import SearchScreen

    app = MultichatApp(_Launched(node), Preferences())
    taken: list[float] = []
    async with app.run_test(size=(80, 24)) as pilot:
        while app.main.front.current is None or not app.main.front.desk.members:
            await pilot.pause()
        await pilot.press("ctrl+f", "ctrl+f")
        screen = app.screen
        assert isinstance(screen, SearchScreen)
        finder, answered = screen.lines.finder, asyncio.Event()
        show = finder._changed
        finder._changed = lambda: (show(), answered.set())

        async def searched() -> None:
            while finder.searching:
                answered.clear()
                await answered.wait()

        for _ in range(ROUNDS):
            screen.lines.line.set(word[:-1])
            screen.lines._edited()
            await searched()
            await pilot.pause()
            began = time.perf_counter()
            screen.lines.line.type(word[-1])
            screen.lines._edited()
            await searched()
            app.screen._compositor.render_strips()
            taken.append((time.perf_counter() - began) * 1000)
    measure = Measure(name="search: last key to painted results, p50", unit="ms", target="<= 40", met=at_most(40))
    return Figure(measure=measure, ours=quantile(taken, 0.5), note=f"p99 {quantile(taken, 0.99):.0f} ms")
