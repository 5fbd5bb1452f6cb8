"""One of the people in a demo: a home of their own, commands as anybody could type them, a node while they are online.

Nodes end when the process that began them does: they watch the pipe from it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import field
from pathlib import Path
from typing import Any

from multichat_tui.model.errors import MultichatError, TimedOut
from multichat_tui.model.text import visible
from multichat_tui.model.values import dataclass

STEP_TIMEOUT_S = 60.0
"""One command, or one wait for a delivery. Generous: the machine may be slow, and nothing waits longer than it must."""
STOP_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Player:
    """One person: a home, and a node while they are online."""

    name: str
    home: Path
    runtime: Path
    node: asyncio.subprocess.Process | None = None
    listen: list[str] = field(default_factory=list)
    _drain: asyncio.Task[None] | None = None

    async def run(self, *words: str) -> list[dict[str, Any]]:
        """The JSON results of one command. `errors.MultichatError` with what it said if it fails."""
        process = await self._start(*words)
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                out, err = await process.communicate()
        except TimeoutError:
            raise TimedOut(f"{self.name}: {words[0]} took too long.") from None
        finally:
            await end(process, signal.SIGKILL)
        if process.returncode != 0:
            said = visible(err.decode("utf-8", "replace").strip())
            raise MultichatError(f"{self.name}: {' '.join(words[:2])} ended with {process.returncode}: {said}")
        return [json.loads(line) for line in out.splitlines()]

    async def come_online(self, others: list[str]) -> None:
        """Run a node on loopback alone, which looks for the others where they listen."""
        connect = [word for address in others for word in ("--connect", address)]
        self.node = await self._start("node", "--until-eof", "--no-lan", "--listen", "127.0.0.1:0", *connect)
        self.listen = (await self._ready(self.node))["listen"]
        self._drain = asyncio.create_task(_discard(self.node.stdout))

    async def _ready(self, node: asyncio.subprocess.Process) -> dict[str, Any]:
        """What a node says first."""
        assert node.stdout is not None
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                line = await node.stdout.readline()
        except TimeoutError:
            raise TimedOut(f"{self.name}: the node did not start in time.") from None
        if not line:
            raise MultichatError(f"{self.name}: the node has ended at once.")
        ready: dict[str, Any] = json.loads(line)
        return ready

    async def keep_mailbox(self) -> str:
        """Run a mailbox on loopback, from an empty home; the link that gives the first place in it."""
        self.node = await self._start("mailbox", "run", "--until-eof", "--no-lan", "--listen", "127.0.0.1:0")
        ready = await self._ready(self.node)
        self._drain = asyncio.create_task(_discard(self.node.stdout))
        return str(ready["link"])

    async def go_offline(self) -> None:
        node, self.node = self.node, None
        if node is not None:
            await end(node, signal.SIGTERM)
        if self._drain is not None:
            await self._drain
            self._drain = None

    async def fail(self) -> None:
        """kill -9."""
        if self.node is not None:
            self.node.kill()
        await self.go_offline()

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MULTICHAT_")}
        environment["XDG_RUNTIME_DIR"] = str(self.runtime)
        lasting = "--until-eof" in words
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "multichat_tui",
            "--home",
            str(self.home),
            "--json",
            *words,
            stdin=asyncio.subprocess.PIPE if lasting else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if lasting else asyncio.subprocess.PIPE,
            env=environment,
        )


async def _discard(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(65536):
        pass


async def end(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    """End one of our own processes, by force if it does not go."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(how)
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
