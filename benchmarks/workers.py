"""Worker processes: one JSON request per line on their standard input, one JSON answer per line on their output.

A worker measures with its own monotonic clock, which all processes of one host share on Linux.
"""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ANSWER_TIMEOUT_S = 500.0
LINE_BYTES = 64 * 1024 * 1024

Answer = dict[str, Any]
Command = Callable[..., Awaitable[Answer]]


class WorkerFailed(Exception):
    """A worker said that something went wrong, or has ended."""


class Worker:
    """A child process that runs `module`; seen from the parent."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.process = process
        self.name = name

    @classmethod
    async def start(cls, module: str, *arguments: str, interpreter: tuple[str, ...] = ()) -> "Worker":
        process = await asyncio.create_subprocess_exec(
            *(interpreter or (sys.executable,)),
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            limit=LINE_BYTES,
        )
        return cls(process, f"{module} {' '.join(arguments)}")

    async def ask(self, command: str, **fields: Any) -> Answer:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"command": command, **fields}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            line = await self.process.stdout.readline()
        if not line:
            raise WorkerFailed(f"{self.name}: ended at {command}")
        answer: Answer = json.loads(line)
        if "error" in answer:
            raise WorkerFailed(f"{self.name}: {command}: {answer['error']}")
        return answer

    @property
    def rss_mb(self) -> float:
        return resident_mb(self.process.pid)

    async def stop(self) -> None:
        """Let it end by itself; kill it if it does not."""
        if self.process.returncode is not None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(20):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


def resident_mb(pid: int) -> float:
    """Resident memory of a process, shared pages included, in MB of 10^6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise WorkerFailed(f"process {pid} has no memory")


async def serve(commands: dict[str, Command], end: Callable[[], Awaitable[None]]) -> None:
    """In the worker: answer requests until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", closefd=False))
    try:
        while line := await reader.readline():
            request = json.loads(line)
            try:
                answer = await commands[request.pop("command")](**request)
            except Exception as error:  # noqa: BLE001  # the parent is told, and decides
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        await end()
