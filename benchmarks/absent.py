"""Delivery to who is away, through mailboxes.

A thousand messages waiting at one, between processes: written while the reader is off, whose mailbox is a third process; their
writer has gone when the reader comes. And what a message to many devices that are all away costs on its whole way: made, sealed,
wrapped, stored, put at two mailboxes and acknowledged by both, with real Olm and databases on disk, in one process and in virtual
time.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks.measures import Figure, Measure, median_of
from benchmarks.workers import Worker
from multichat_tui.crypto.olm import new_olm_account
from multichat_tui.crypto.ratchets import OlmRatchets
from multichat_tui.model.intents import AddMailbox, GrantPlace, HostMailbox
from multichat_tui.model.snapshots import Delivery, MailboxState
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.store.sqlite import SqliteStore
from tests.simulation import simulated_world
from tests.simulation.simulated_world import Person, SimulatedWorld, until

WAITING = 1000
TURNS = 3
DEVICES = 20
"""Readers that are simulated; the figures are for a hundred."""
HUNDRED = 100
MESSAGES = 6
TEXT = "x" * 200
APART_S = 30.0
AWAY = f"message to {HUNDRED} devices that are away, on 2 mailboxes each, the whole way"

MAILED = Measure(name=f"{WAITING:,} waiting at a mailbox, from link up [disk]", unit="s", target="–")
COLLECTED_CPU = Measure(name=f"{WAITING:,} waiting at a mailbox, CPU of who comes, its start included", unit="s", target="–")
DEPOSITED_CPU = Measure(name=f"{WAITING:,} for who is away, CPU of who writes and deposits", unit="s", target="–")
WRITER_CPU = Measure(name=f"{AWAY}, CPU of who writes", unit="ms", target="–")
HOST_CPU = Measure(name=f"{AWAY}, CPU of both mailboxes", unit="ms", target="–")
BYTES = Measure(name=f"{AWAY}, frames both ways", unit="kB", target="–", met=None)


async def waiting(directory: Path) -> tuple[list[float], list[float], list[float]]:
    """(seconds from link up, CPU of who comes, CPU of who writes) of each turn."""
    took, came, wrote = [], [], []
    async with AsyncExitStack() as stack:
        workers = {}
        for name in ("host", "writer", "reader"):
            workers[name] = await Worker.start("benchmarks.node_worker", str(directory / name))
            stack.push_async_callback(workers[name].stop)
            await workers[name].ask("create", name=name)
            await workers[name].ask("start")
        host, writer, reader = workers.values()
        await reader.ask("accept_contact", link=(await writer.ask("invite_contact"))["link"])
        made = await writer.ask("create_channel", name="garden")
        await reader.ask("join", link=made["link"])
        await reader.ask("add_mailbox", link=(await host.ask("host", name="reader"))["link"])
        for turn in range(TURNS):
            await writer.ask("routed")
            await reader.stop()
            before = (await writer.ask("cpu"))["cpu_s"]
            await writer.ask("keep", label=f"m{turn}-", count=WAITING)
            wrote.append((await writer.ask("stored"))["cpu_s"] - before)
            await writer.stop()
            reader = await Worker.start("benchmarks.node_worker", str(directory / "reader"))
            stack.push_async_callback(reader.stop)
            await reader.ask("start")
            done = await reader.ask("arrived", count=WAITING)
            took.append((done["at"] - done["link_up"]) / 1e9)
            came.append(done["cpu_s"])
            writer = await Worker.start("benchmarks.node_worker", str(directory / "writer"))
            stack.push_async_callback(writer.stop)
            await writer.ask("start")
            await writer.ask("use", channel=made["channel"])
    return took, came, wrote


class Spent:
    """CPU of the batches of each person's node."""

    def __init__(self) -> None:
        self.by: Counter[str] = Counter()

    def follow(self, person: Person) -> None:
        node: Any = person.api
        inner: Callable[[], Any] = node._run

        def timed() -> Any:
            began = time.thread_time()
            outcome = inner()
            self.by[person.name] += round((time.thread_time() - began) * 1e6)
            return outcome

        node._run = timed


async def _crowd(directory: Path) -> tuple[list[float], list[float], list[float]]:
    """For each message: (ms of the writer, ms of both mailboxes, bytes of frames), for all readers."""
    world = SimulatedWorld(1)
    world.new_store = lambda name: SqliteStore(directory / f"{name}.db", bytes(32))
    ann, one, two = await world.add("ann", "one", "two")
    readers = await world.add(*(f"reader {number}" for number in range(DEVICES)))
    for keeper in (one, two):
        await keeper.api.submit(HostMailbox(on=True))
    for reader in readers:
        # Routes of contacts name addresses of a private network too.
        await world.pair(ann, reader)
    channel = await world.channel_of(ann, *readers)
    for reader in readers:
        for keeper in (one, two):
            link = (await keeper.api.submit(GrantPlace(name=reader.name))).link
            assert link is not None
            await reader.api.submit(AddMailbox(link=link))

    def slots() -> list[int]:
        engine: Any = ann.api._engine
        return [len(engine.depositing._slots_of(device)) for device in engine.world.certificates()]

    async def routed() -> bool:
        rows = [row for reader in readers for row in (await reader.api.status()).rows.mailboxes]
        return all(row.state is MailboxState.READY for row in rows) and slots().count(2) == DEVICES

    await until(routed, "all mailboxes of all readers are known", timeout_s=900)
    for reader in readers:
        await reader.stop()
    spent = Spent()
    for person in (ann, one, two):
        spent.follow(person)
    writer, hosts, sizes = [], [], []
    carried = Counter[str]()

    def see(sender: Any, receiver: Any, encoded: bytes) -> None:
        carried["bytes"] += len(encoded)

    world.hub.on_frame = see
    for _ in range(MESSAGES):
        await asyncio.sleep(APART_S)
        spent.by.clear()
        carried.clear()
        await ann.say(channel, TEXT)

        async def stored() -> bool:
            (row,) = (await ann.api.timeline(channel, limit=1)).rows
            return row.state is Delivery.STORED and (row.stored, row.copies) == (2, 2)

        await until(stored, "it lies at two mailboxes for everybody")
        writer.append(spent.by["ann"] / 1000)
        hosts.append((spent.by["one"] + spent.by["two"]) / 1000)
        sizes.append(float(carried["bytes"]))
    return writer, hosts, sizes


def crowd(directory: Path) -> tuple[float, float, float]:
    """(ms of the writer, ms of both mailboxes, bytes) of a message to a hundred devices: of those after the first, the middle."""
    seeded = simulated_world.SeededRatchets, simulated_world.seeded_olm_account
    world: Any = simulated_world
    world.SeededRatchets, world.seeded_olm_account = lambda _: OlmRatchets(), new_olm_account
    try:
        found = run_virtual(_crowd(directory))
    finally:
        world.SeededRatchets, world.seeded_olm_account = seeded
    writer, hosts, sizes = (median_of(each[1:]) * HUNDRED / DEVICES for each in found)
    return writer, hosts, sizes


async def figures(directory: Path) -> list[Figure]:
    took, came, wrote = await waiting(directory)
    writer, hosts, sizes = await asyncio.to_thread(crowd, directory)
    return [
        Figure(measure=MAILED, ours=median_of(took)),
        Figure(measure=COLLECTED_CPU, ours=median_of(came)),
        Figure(measure=DEPOSITED_CPU, ours=median_of(wrote)),
        Figure(measure=WRITER_CPU, ours=writer),
        Figure(measure=HOST_CPU, ours=hosts),
        Figure(measure=BYTES, ours=sizes / 1000),
    ]
