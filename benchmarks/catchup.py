"""Catching up: a long history at once, ten records that are missing, and nothing that is missing.

The long history is written by `benchmarks.history`, by 48 members beside the two nodes, and kept in the system's directory for
temporary files: writing it takes longer than catching up.
"""

import asyncio
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measures import Figure, Measure, at_most
from benchmarks.workers import Answer, Worker

RECORDS = 100_000
MEMBERS = 48
"""Beside the two who catch up: fifty devices."""
MISSING = 10
CHANNELS = 50
QUIET_S = 3.0
"""So long a link is listened to for what is said where nothing is missing, or nothing any more."""
DELAY_MS = 140
"""One way, when round trips are counted; less than half of the first time-out."""
DONE = "done"


@dataclass(slots=True)
class Pair:
    """Two stopped profiles, who are contacts and in one channel or more."""

    directory: Path
    channel: str
    listen: str = "127.0.0.1:0"
    """Where the source listens: from its first start on the same port."""

    def home(self, name: str) -> Path:
        return self.directory / name

    async def start(self, stack: AsyncExitStack, delay_ms: int = 0) -> tuple[Worker, Worker]:
        """(the one who has the records, the one who catches up)."""
        workers = []
        for name in ("source", "sink"):
            workers.append(await Worker.start("benchmarks.node_worker", str(self.home(name))))
            stack.push_async_callback(workers[-1].stop)
        self.listen = (await workers[0].ask("start", listen=self.listen, delay_ms=delay_ms, noted=False))["listen"]
        await workers[1].ask("start", connect=[self.listen], delay_ms=delay_ms, noted=False)
        return workers[0], workers[1]

    async def write(self, members: int, label: str, count: int) -> None:
        """More records at the source."""
        arguments = (str(self.home("source")), self.channel, str(members), label, str(count))
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.history", *arguments)
        if await process.wait() != 0:
            raise RuntimeError("the history was not written")


async def acquainted(directory: Path, channels: int) -> Pair:
    """Two new profiles that share so many channels."""
    async with AsyncExitStack() as stack:
        workers = []
        for name in ("source", "sink"):
            workers.append(await Worker.start("benchmarks.node_worker", str(directory / name)))
            stack.push_async_callback(workers[-1].stop)
            await workers[-1].ask("create", name=name)
            await workers[-1].ask("start")
        source, sink = workers
        await sink.ask("accept_contact", link=(await source.ask("invite_contact"))["link"])
        made: Answer = {}
        for number in range(channels):
            made = await source.ask("create_channel", name=f"channel {number}")
            await sink.ask("join", link=made["link"])
        return Pair(directory, made["channel"])


async def with_history(directory: Path, records: int, members: int) -> Pair:
    """A copy of the pair with a long history, which is made where there is none yet."""
    kept = Path(tempfile.gettempdir()) / f"multichat-benchmark-{records}-{members}"
    if not (kept / DONE).exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(mode=0o700)
        pair = await acquainted(kept, 1)
        await pair.write(members, "h", records)
        (kept / DONE).write_text(pair.channel)
    shutil.copytree(kept, directory, dirs_exist_ok=True)
    return Pair(directory, (kept / DONE).read_text())


async def floor_seconds(directory: Path, records: int) -> float:
    """The floor, with as many messages waiting."""
    async with AsyncExitStack() as stack:
        workers = []
        for name in ("sender", "receiver"):
            (directory / name).mkdir(parents=True)
            workers.append(await Worker.start("benchmarks.floor", str(directory / name)))
            stack.push_async_callback(workers[-1].stop)
        port = (await workers[0].ask("listen"))["listen"]
        await workers[0].ask("keep", label="kept", count=records)
        await workers[1].ask("connect", port=port)
        done = await workers[0].ask("acked", label="kept", number=records - 1)
        return float(done["acknowledged"] - done["link_up"]) / 1e9


def sizes(frames: list[list[object]], *, beside_records: bool) -> int:
    return sum(int(str(size)) for _, kind, size in frames if not beside_records or kind != "records")


def figure(name: str, unit: str, ours: float, limit: float | None = None, floor: float | None = None) -> Figure:
    target = f"<= {limit:g}" if limit is not None else ""
    measure = Measure(name=name, unit=unit, target=target, met=None if limit is None else at_most(limit))
    return Figure(measure=measure, ours=ours, floor=floor)


async def long_history(directory: Path, records: int = RECORDS, members: int = MEMBERS) -> list[Figure]:
    """All of a long history at once, then ten records more."""
    floor_s = await floor_seconds(directory / "floor", records)
    pair = await with_history(directory / "nodes", records, members)
    async with AsyncExitStack() as stack:
        source, sink = await pair.start(stack)
        there = await source.ask("held")
        done = await sink.ask("held", count=there["held"], ets=there["ets"])
        took_s = (done["at"] - done["link_up"]) / 1e9
        newest_s = (done["newest_at"] - done["link_up"]) / 1e9
        frames = (await sink.ask("traffic"))["frames"]
        peaks = (await source.ask("held"))["peak_mb"], done["peak_mb"]
    name = f"{records:,} records of {members + 2} devices"
    found = [
        figure(f"{name}, from link up", "s", took_s, floor=floor_s),
        figure(f"{name}, the newest, from link up", "s", newest_s),
        figure(f"{name}, each", "µs", took_s / records * 1e6, floor=floor_s / records * 1e6),
        figure(f"{name}, all frames, each", "bytes", sizes(frames, beside_records=False) / records),
        figure(f"{name}, peak memory of who has them", "MB", peaks[0]),
        figure(f"{name}, peak memory of who gets them", "MB", peaks[1]),
    ]
    await pair.write(members, "m", MISSING)
    async with AsyncExitStack() as stack:
        source, sink = await pair.start(stack, DELAY_MS)
        there = await source.ask("held")
        done = await sink.ask("held", count=there["held"], ets=there["ets"])
        await asyncio.sleep(QUIET_S)
        frames = (await sink.ask("traffic"))["frames"]
    missing = f"{MISSING} missing of {name}"
    # Whole delays that passed until the last record was held: what had to be waited for one after the other.
    waits = int((done["newest_at"] - done["link_up"]) / 1e6 / DELAY_MS)
    found.append(figure(f"{missing}, beside the records", "bytes", sizes(frames, beside_records=True), 4096))
    found.append(figure(f"{missing}, dependent round trips from link up", "", waits / 2, 2))
    return found


async def nothing_missing(directory: Path) -> list[Figure]:
    pair = await acquainted(directory / "quiet", CHANNELS)
    # What follows upon a joining may still be under way when the two are stopped: that is missing at their first link.
    for _ in range(2):
        async with AsyncExitStack() as stack:
            _, sink = await pair.start(stack)
            await asyncio.sleep(QUIET_S)
            frames = (await sink.ask("traffic"))["frames"]
    return [figure(f"nothing missing in {CHANNELS} channels, both ways", "bytes", sizes(frames, beside_records=False), 100)]


async def figures(directory: Path) -> list[Figure]:
    return await long_history(directory) + await nothing_missing(directory)
