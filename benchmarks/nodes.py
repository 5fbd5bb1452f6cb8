"""Messages between nodes, and between two of the floor: latency, throughput, CPU, catching up, one sender with many receivers.

Floor and nodes take turns, so that both meet the same moods of the machine; what is reported are medians over the turns.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measures import Figure, Measure, Met, at_most, median_of, part_of_floor, quantile, times_floor
from benchmarks.workers import Worker

TURNS = 2
SINGLE = 120
"""Messages one by one, in each turn."""
STREAMED = 4000
STREAMED_FLOOR = 20_000
WAITING = 1000
RECEIVERS = 20
FANNED_OUT = 500
PAUSE_MS = 2.0


@dataclass(slots=True)
class Party:
    """Somebody who sends and somebody who receives."""

    sender: Worker
    receivers: list[Worker]


@dataclass(slots=True)
class Runs:
    """What the turns of one side have shown."""

    arrival_ms: list[list[float]] = field(default_factory=list)
    acked_ms: list[list[float]] = field(default_factory=list)
    single_cpu_s: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    stored_rate: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    waiting_s: list[float] = field(default_factory=list)
    fan_s: list[float] = field(default_factory=list)


@asynccontextmanager
async def floor_party(directory: Path, receivers: int = 1) -> AsyncIterator[Party]:
    async with AsyncExitStack() as stack:
        workers = []
        for number in range(receivers + 1):
            home = directory / f"floor{number}"
            home.mkdir(parents=True)
            worker = await Worker.start("benchmarks.floor", str(home))
            stack.push_async_callback(worker.stop)
            workers.append(worker)
        port = (await workers[0].ask("listen"))["listen"]
        for worker in workers[1:]:
            await worker.ask("connect", port=port)
        yield Party(workers[0], workers[1:])


@asynccontextmanager
async def node_party(directory: Path, receivers: int = 1) -> AsyncIterator[Party]:
    """Nodes in one channel; with one receiver the two are contacts too. All receivers are linked with the sender alone."""
    async with AsyncExitStack() as stack:
        workers = []
        for number in range(receivers + 1):
            worker = await Worker.start("benchmarks.node_worker", str(directory / f"node{number}"))
            stack.push_async_callback(worker.stop)
            workers.append(worker)
        sender, others = workers[0], workers[1:]
        await asyncio.gather(*(worker.ask("create", name=f"node {number}") for number, worker in enumerate(workers)))
        await sender.ask("start")
        await asyncio.gather(*(worker.ask("start") for worker in others))
        if receivers == 1:
            await others[0].ask("accept_contact", link=(await sender.ask("invite_contact"))["link"])
        link = (await sender.ask("create_channel", name="garden", uses=receivers))["link"]
        for worker in others:
            await worker.ask("join", link=link)
        await sender.ask("stream", label="warm", count=20)
        yield Party(sender, others)


async def single(party: Party, runs: Runs, label: str, count: int = SINGLE) -> None:
    """Latency, one message at a time."""
    receiver = party.receivers[0]
    cpu_s = (await receiver.ask("arrivals"))["cpu_s"]
    sent = await party.sender.ask("one_by_one", label=label, count=count, pause_ms=PAUSE_MS)
    seen = await receiver.ask("arrivals")
    arrivals = seen["arrivals"]
    submitted = sent["submitted"]
    runs.arrival_ms.append([(arrivals[name] - at) / 1e6 for name, at in submitted.items()])
    runs.acked_ms.append([(sent["acknowledged"][name] - at) / 1e6 for name, at in submitted.items()])
    runs.single_cpu_s.append((sent["cpu_s"] + seen["cpu_s"] - cpu_s) / count * 1000)


async def streaming(party: Party, runs: Runs, label: str, count: int) -> None:
    """Throughput, stored and acknowledged, and the CPU time of both processes."""
    receiver = party.receivers[0]
    cpu_s = (await receiver.ask("cpu"))["cpu_s"]
    sent = await party.sender.ask("stream", label=label, count=count)
    seen = await receiver.ask("cpu")
    runs.rate.append(count / ((sent["acknowledged"] - sent["started"]) / 1e9))
    runs.stored_rate.append(count / ((sent["stored"] - sent["started"]) / 1e9))
    runs.cpu_s.append((sent["cpu_s"] + seen["cpu_s"] - cpu_s) / count * 1000)


async def waiting_floor(directory: Path, runs: Runs) -> None:
    async with AsyncExitStack() as stack:
        workers = []
        for name in ("sender", "receiver"):
            (directory / name).mkdir(parents=True)
            workers.append(await Worker.start("benchmarks.floor", str(directory / name)))
            stack.push_async_callback(workers[-1].stop)
        sender, receiver = workers
        port = (await sender.ask("listen"))["listen"]
        await sender.ask("keep", label="kept", count=WAITING)
        await receiver.ask("connect", port=port)
        done = await sender.ask("acked", label="kept", number=WAITING - 1)
        runs.waiting_s.append((done["acknowledged"] - done["link_up"]) / 1e9)


async def waiting_nodes(party: Party, runs: Runs, label: str) -> None:
    """The receiver goes, messages are written, the receiver comes again as a new process on the same profile."""
    gone = party.receivers[0]
    directory = gone.name.split()[-1]
    await gone.stop()
    await party.sender.ask("keep", label=label, count=WAITING)
    back = await Worker.start("benchmarks.node_worker", directory)
    party.receivers[0] = back
    await back.ask("start")
    done = await party.sender.ask("acked", label=label, number=WAITING - 1)
    runs.waiting_s.append((done["acknowledged"] - done["link_up"]) / 1e9)


async def fan_out(party: Party, runs: Runs, label: str) -> None:
    sent = await party.sender.ask("stream", label=label, count=FANNED_OUT)
    runs.fan_s.append((sent["acknowledged"] - sent["started"]) / 1e9)


async def pairs(directory: Path, turns: int = TURNS) -> tuple[Runs, Runs]:
    """(floor, ours) for everything between two."""
    floor, ours = Runs(), Runs()
    async with floor_party(directory / "floor") as low, node_party(directory / "nodes") as high:
        for turn in range(turns):
            await single(low, floor, f"f{turn}-")
            await single(high, ours, f"n{turn}-")
        for turn in range(turns):
            await streaming(low, floor, f"fs{turn}-", STREAMED_FLOOR)
            await streaming(high, ours, f"ns{turn}-", STREAMED)
        for turn in range(turns):
            await waiting_floor(directory / f"kept{turn}", floor)
            await waiting_nodes(high, ours, f"nk{turn}-")
        await high.receivers[0].stop()
    return floor, ours


async def crowds(directory: Path, turns: int = TURNS) -> tuple[Runs, Runs]:
    """(floor, ours) for one sender and many receivers, a process for each."""
    floor, ours = Runs(), Runs()
    async with node_party(directory / "nodes", RECEIVERS) as high, floor_party(directory / "floor", RECEIVERS) as low:
        for turn in range(turns):
            await fan_out(low, floor, f"ff{turn}-")
            await fan_out(high, ours, f"nf{turn}-")
    return floor, ours


def _latency(values: list[list[float]], share: float) -> float:
    return median_of(quantile(turn, share) for turn in values)


def pair_figures(floor: Runs, ours: Runs, where: str) -> list[Figure]:
    def both(name: str, unit: str, get: Callable[[Runs], float], target: str = "", met: Met | None = None) -> Figure:
        measure = Measure(name=f"{name} [{where}]", unit=unit, target=target, met=met)
        return Figure(measure=measure, ours=get(ours), floor=get(floor))

    arrived, acked = "submit -> committed at the receiver", "acknowledged after a durable commit"
    return [
        both(f"{arrived}, p50", "ms", lambda r: _latency(r.arrival_ms, 0.5), "<= 2.5x", times_floor(2.5)),
        both(f"{arrived}, p99", "ms", lambda r: _latency(r.arrival_ms, 0.99), "<= 10", at_most(10)),
        both(f"{acked}, p50", "ms", lambda r: _latency(r.acked_ms, 0.5), "<= 2.5x", times_floor(2.5)),
        both("sustained, stored and acknowledged", "messages/s", lambda r: median_of(r.rate), ">= 0.15x", part_of_floor(0.15)),
        both("CPU per 1,000 messages, streaming", "s", lambda r: median_of(r.cpu_s), "<= 0.2", at_most(0.2)),
        both("CPU per 1,000 messages, one by one", "s", lambda r: median_of(r.single_cpu_s)),
        both("1,000 waiting, from link up", "s", lambda r: median_of(r.waiting_s), "<= 0.25", at_most(0.25)),
    ]


def crowd_figures(floor: Runs, ours: Runs, where: str) -> list[Figure]:
    name = f"1 sender, {RECEIVERS} receivers, {FANNED_OUT} messages [{where}]"
    measure = Measure(name=name, unit="s", target="<= 1", met=at_most(1))
    return [Figure(measure=measure, ours=median_of(ours.fan_s), floor=median_of(floor.fan_s))]


async def main() -> None:
    from benchmarks.measures import table

    for name, base in (("disk", "/var/tmp"), ("memory", "/dev/shm")):
        with tempfile.TemporaryDirectory(dir=base) as directory:
            print(table(pair_figures(*await pairs(Path(directory)), name)), flush=True)
        with tempfile.TemporaryDirectory(dir=base) as directory:
            print(table(crowd_figures(*await crowds(Path(directory)), name)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
