"""The screens in a terminal of 120x40, against a lean Textual app: first paint, keys, pages, a long channel, a flood.

The terminal is a pty whose other end notes when each piece of output came; nothing is drawn. The profile is a real one, with a
node that is linked with another node, in a process of its own, which sends the messages.
"""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.measures import Figure, Measure, at_most, median_of, quantile
from benchmarks.workers import ROOT, Worker, WorkerFailed, resident_mb

COLUMNS, LINES = 120, 40
PAINTED_BYTES = 2000
"""So much output is the first screen, not preliminaries."""
LETTERS = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýþÿ"
"""Typed to see when they come back: they occur in no message and no escape sequence."""
HISTORY = 10_000
FLOOD = 10_000
STARTS = 3
PAGES = 40
OPENINGS = 5
KEYS = 90
RATE = 100.0
PAGE_UP, NEXT_CHANNEL, PREVIOUS_CHANNEL, ERASE = b"\x1b[5~", b"\x1b[19~", b"\x1b[18~", b"\x15"


class Terminal:
    """A program in a pty. Output is kept with the time (ns, monotonic) at which it was read."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.pieces: list[tuple[int, bytes]] = []
        self.total = 0
        self._came = asyncio.Event()

    async def start(self) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.set_blocking(master, False)
        self.master = master
        asyncio.get_running_loop().add_reader(master, self._read)
        not_ours = ("MULTICHAT_", "TMUX", "COLORTERM", "NO_COLOR")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(not_ours)}
        environment |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "TEXTUAL_ANIMATIONS": "none"}
        self.started = time.monotonic_ns()
        self.process = subprocess.Popen(  # noqa: ASYNC220  # it is to have the terminal as its own
            [sys.executable, "-m", *self.command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        )
        os.close(slave)

    def _read(self) -> None:
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self.master)
        self.pieces.append((time.monotonic_ns(), data))
        self.total += len(data)
        self._came.set()

    def press(self, key: bytes) -> tuple[int, int]:
        """(time, number of pieces before)."""
        before = len(self.pieces)
        at = time.monotonic_ns()
        os.write(self.master, key)
        return at, before

    async def seen(self, pattern: bytes, since: int = 0, timeout_s: float = 20.0) -> tuple[int, re.Match[bytes]]:
        """When output since this piece first matched."""
        compiled = re.compile(pattern, re.DOTALL)
        held, index = b"", since
        async with asyncio.timeout(timeout_s):
            while True:
                while index < len(self.pieces):
                    at, data = self.pieces[index]
                    held += data
                    index += 1
                    found = compiled.search(held)
                    if found:
                        return at, found
                self._came.clear()
                await self._came.wait()

    async def painted(self) -> int:
        at, _ = await self.seen(b".{%d}" % PAINTED_BYTES)
        return at

    async def quiet(self, seconds: float = 0.4, within: float = 10.0) -> None:
        """Until nothing has come for a while."""
        begun = time.monotonic()
        while time.monotonic() - begun < within:
            before = self.total
            await asyncio.sleep(seconds)
            if self.total == before:
                return

    async def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self.process.wait, 15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)


@asynccontextmanager
async def terminal(*command: str) -> AsyncIterator[Terminal]:
    made = Terminal(*command)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


# What is done in both


async def echoes(screen: Terminal, count: int, pause_s: float = 0.03) -> list[float]:
    """From a key to its letter on the screen, in ms; the line is emptied when all letters are in it."""
    times = []
    for number in range(count):
        letter = LETTERS[number % len(LETTERS)].encode()
        if number % len(LETTERS) == 0:
            screen.press(ERASE)
            await asyncio.sleep(0.2)
        at, before = screen.press(letter)
        echoed, _ = await screen.seen(re.escape(letter), before)
        times.append((echoed - at) / 1e6)
        await asyncio.sleep(pause_s * (0.5 + (number * 7 % 10) / 10))
    screen.press(ERASE)
    return times


async def bytes_per_key(screen: Terminal, count: int = 30) -> float:
    screen.press(ERASE)
    await screen.quiet()
    before = screen.total
    for number in range(count):
        screen.press(b"abcdefghij"[number % 10 : number % 10 + 1])
        await asyncio.sleep(0.06)
    await asyncio.sleep(0.2)
    taken = (screen.total - before) / count
    screen.press(ERASE)
    await screen.quiet()
    return taken


async def idle_bytes(screen: Terminal) -> float:
    before = screen.total
    await asyncio.sleep(5)
    return float(screen.total - before)


# A profile with something in it


class Scene:
    """Ann, whose screens are measured, and Bob, who writes; two channels: `alpha` with a little, `big` with 10,000 messages."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "ann"

    @property
    def command(self) -> tuple[str, ...]:
        return ("multichat_tui", "--home", str(self.home), "--no-lan", "--listen", "127.0.0.1:0")

    async def prepare(self) -> None:
        self.bob = await Worker.start("benchmarks.node_worker", str(self.directory / "bob"))
        ann = await Worker.start("benchmarks.node_worker", str(self.home / "profiles" / "default"))
        bob = self.bob
        try:
            await asyncio.gather(ann.ask("create", name="ann"), bob.ask("create", name="bob"))
            await bob.ask("start")
            await ann.ask("start")
            await ann.ask("accept_contact", link=(await bob.ask("invite_contact"))["link"])
            self.alpha = await bob.ask("create_channel", name="alpha")
            await ann.ask("join", link=self.alpha["link"])
            await bob.ask("stream", label="alp", count=60)
            await ann.ask("mark_read")
            self.big = await bob.ask("create_channel", name="big")
            await ann.ask("join", link=self.big["link"])
            await bob.ask("stream", label="big", count=HISTORY)
            await ann.ask("mark_read")
            await bob.ask("use", channel=self.alpha["channel"])
        finally:
            await ann.stop()

    async def linked(self, after: int) -> int:
        """When a link to Bob came up after a moment."""
        async with asyncio.timeout(20):
            while True:
                ups = [at for at in (await self.bob.ask("link_ups"))["link_ups"] if at > after]
                if ups:
                    return int(ups[-1])
                await asyncio.sleep(0.05)


def _figure(name: str, unit: str, target: str, ours: float, floor: float | None = None, limit: float | None = None) -> Figure:
    measure = Measure(name=name, unit=unit, target=target, met=None if limit is None else at_most(limit))
    return Figure(measure=measure, ours=ours, floor=floor)


async def headless(scene: Scene) -> list[Figure]:
    """A node without a screen, as the command line runs it."""
    ready, resident = [], 0.0
    for _ in range(1 + STARTS):
        started = time.monotonic_ns()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *scene.command, "--json", "node", stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert process.stdout is not None
        drain = None
        try:
            if not await process.stdout.readline():
                raise WorkerFailed("the node did not start")
            ready.append((time.monotonic_ns() - started) / 1e6)
            drain = asyncio.create_task(process.stdout.read())
            await scene.linked(started)
            await asyncio.sleep(1)
            resident = resident_mb(process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            if drain is not None:
                await drain
    return [
        _figure("headless node ready", "ms", "", median_of(ready[1:])),
        _figure("resident memory, headless node", "MB", "<= 48", resident, None, 48),
    ]


async def starts(scene: Scene) -> list[Figure]:
    """Starting, the two in turn. The first time, in which modules may have to be compiled, does not count."""
    floor_paint, paint, shown, able = [], [], [], []
    for _ in range(1 + STARTS):
        async with terminal("benchmarks.lean") as lean:
            floor_paint.append((await lean.painted() - lean.started) / 1e6)
            await lean.quiet()
        async with terminal(*scene.command) as ours:
            paint.append((await ours.painted() - ours.started) / 1e6)
            shown.append((await ours.seen(b"alp000059"))[0] / 1e6 - ours.started / 1e6)
            able.append((await scene.linked(ours.started) - ours.started) / 1e6)
            await ours.quiet()
    return [
        _figure("first paint", "ms", "<= 350", median_of(paint[1:]), median_of(floor_paint[1:]), 350),
        _figure("last messages on the screen", "ms", "", median_of(shown[1:])),
        _figure("linked with a known peer (at its address)", "ms", "<= 600", median_of(able[1:]), None, 600),
    ]


async def keys(scene: Scene) -> list[Figure]:
    """Keys, idle and while messages arrive; bytes; memory; then pages, openings and the flood in the same run."""
    async with terminal("benchmarks.lean") as lean:
        await lean.painted()
        await lean.quiet()
        floor_idle = await echoes(lean, KEYS)
        floor_bytes, floor_silence, floor_mb = await bytes_per_key(lean), await idle_bytes(lean), resident_mb(lean.process.pid)
    async with terminal("benchmarks.lean", str(RATE)) as lean:
        await lean.painted()
        floor_busy = await echoes(lean, KEYS)
    async with terminal(*scene.command) as ours:
        await ours.seen(b"alp000059")
        await scene.linked(ours.started)
        await ours.quiet(1.5)
        idle = await echoes(ours, KEYS)
        await ours.quiet(1.5)
        per_key = await bytes_per_key(ours)
        await ours.quiet(1.5)
        silence = await idle_bytes(ours)
        steady_mb = resident_mb(ours.process.pid)
        sending = asyncio.create_task(scene.bob.ask("at_rate", label="rat", rate=RATE, seconds=KEYS * 0.045 + 2))
        await ours.seen(b"rat0000")
        busy = await echoes(ours, KEYS)
        await sending
        await ours.quiet(1.0)
        opened, last = await openings(ours)
        paged = await pages(ours, last)
        ours.press(PREVIOUS_CHANNEL)
        await ours.quiet(1.0)
        flooded_s, flooded_keys = await flood(scene, ours)
        flood_mb = resident_mb(ours.process.pid)
    return [
        _figure("key to echo, idle, p50", "ms", "", quantile(idle, 0.5), quantile(floor_idle, 0.5)),
        _figure("key to echo, idle, p99", "ms", "", quantile(idle, 0.99), quantile(floor_idle, 0.99)),
        _figure("key to echo, 100 messages/s arriving, p50", "ms", "<= 5", quantile(busy, 0.5), quantile(floor_busy, 0.5), 5),
        _figure("key to echo, 100 messages/s arriving, p99", "ms", "<= 15", quantile(busy, 0.99), quantile(floor_busy, 0.99), 15),
        _figure("bytes per key", "bytes", "<= 300", per_key, floor_bytes, 300),
        _figure("idle, in 5 s", "bytes", "0", silence, floor_silence, 0),
        _figure("page up, p50", "ms", "<= 15", quantile(paged, 0.5), None, 15),
        _figure("page up, p99", "ms", "<= 40", quantile(paged, 0.99), None, 40),
        _figure("opening a channel of 10,000", "ms", "<= 50", median_of(opened), None, 50),
        _figure("flood of 10,000 into the open channel", "s", "<= 2.5", flooded_s, None, 2.5),
        _figure("key to echo in the flood, p50", "ms", "", quantile(flooded_keys, 0.5)),
        _figure("key to echo in the flood, longest", "ms", "<= 50", max(flooded_keys), None, 50),
        _figure("resident memory, node and screens", "MB", "<= 60", steady_mb, floor_mb, 60),
        _figure("resident memory, node and screens, after the flood", "MB", "", flood_mb),
    ]


async def openings(screen: Terminal) -> tuple[list[float], int]:
    """From the key to the newest message; and the number of the piece with which the channel came last."""
    times = []
    last = b"big%06d" % (HISTORY - 1)
    for _ in range(OPENINGS):
        at, before = screen.press(NEXT_CHANNEL)
        shown, _ = await screen.seen(last, before)
        times.append((shown - at) / 1e6)
        await screen.quiet(0.3)
        screen.press(PREVIOUS_CHANNEL)
        await screen.quiet(0.3)
    _, opened = screen.press(NEXT_CHANNEL)
    await screen.quiet(0.5)
    return times, opened


def lowest_since(screen: Terminal, index: int) -> int:
    """The oldest message of the long channel in what was written since."""
    written = b"".join(piece for _, piece in screen.pieces[index:])
    return min((int(number) for number in re.findall(rb"big(\d{6})", written)), default=HISTORY)


async def pages(screen: Terminal, opened: int) -> list[float]:
    """From Page Up to the first piece with a message older than all before. `opened`: the piece with which the channel came."""
    times, lowest = [], lowest_since(screen, opened)
    for _ in range(PAGES):
        at, before = screen.press(PAGE_UP)
        index = before
        async with asyncio.timeout(10):
            while lowest_since(screen, before) >= lowest:
                await screen.seen(rb".", index)
                index = len(screen.pieces)
        times.append((screen.pieces[index - 1][0] - at) / 1e6)
        await asyncio.sleep(0.12)
        lowest = lowest_since(screen, before)
    return times


async def flood(scene: Scene, screen: Terminal) -> tuple[float, list[float]]:
    """(seconds from the first submit to the last message on the screen, echoes meanwhile)."""
    before = len(screen.pieces)
    begun = time.monotonic_ns()
    sending = asyncio.create_task(scene.bob.ask("stream", label="flo", count=FLOOD))
    last = asyncio.create_task(screen.seen(b"flo%06d" % (FLOOD - 1), before, 100))
    await screen.seen(rb"flo\d{6}", before)
    times: list[float] = []
    while not last.done():
        times += await echoes(screen, 1, 0.05)
    shown, _ = await last
    await sending
    return (shown - begun) / 1e9, times


async def figures(directory: Path) -> list[Figure]:
    scene = Scene(directory)
    await scene.prepare()
    try:
        return [*await starts(scene), *await headless(scene), *await keys(scene)]
    finally:
        await scene.bob.stop()


async def main() -> None:
    from benchmarks.measures import table

    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else "/var/tmp") as directory:
        print(table(await figures(Path(directory))))


if __name__ == "__main__":
    asyncio.run(main())
