"""Three people on this machine: real processes with temporary homes, real links on loopback, played as a transcript.

Everything goes through the command line, as anybody could type it. Your own profile is not touched: each process gets a home of
its own below a temporary directory, which is removed at the end whatever happens.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multichat_tui.headless.output import Output
from multichat_tui.model.errors import MultichatError, TimedOut
from multichat_tui.model.text import visible

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
            await _end(process, signal.SIGKILL)
        if process.returncode != 0:
            said = visible(err.decode("utf-8", "replace").strip())
            raise MultichatError(f"{self.name}: {' '.join(words[:2])} ended with {process.returncode}: {said}")
        return [json.loads(line) for line in out.splitlines()]

    async def come_online(self, others: list[str]) -> None:
        """Run a node on loopback alone, which looks for the others where they listen."""
        connect = [word for address in others for word in ("--connect", address)]
        self.node = await self._start("node", "--no-lan", "--listen", "127.0.0.1:0", *connect)
        assert self.node.stdout is not None
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                line = await self.node.stdout.readline()
        except TimeoutError:
            raise TimedOut(f"{self.name}: the node did not start in time.") from None
        if not line:
            raise MultichatError(f"{self.name}: the node has ended at once.")
        self.listen = json.loads(line)["listen"]
        self._drain = asyncio.create_task(_discard(self.node.stdout))

    async def go_offline(self) -> None:
        node, self.node = self.node, None
        if node is not None:
            await _end(node, signal.SIGTERM)
        if self._drain is not None:
            await self._drain
            self._drain = None

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MULTICHAT_")}
        environment["XDG_RUNTIME_DIR"] = str(self.runtime)
        stderr = asyncio.subprocess.DEVNULL if words[0] == "node" else asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "multichat_tui",
            "--home",
            str(self.home),
            "--json",
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment,
        )


async def demo(out: Output) -> int:
    """Play it; 0 only if every message has reached everybody. Cleans up whatever happens."""
    root = Path(tempfile.mkdtemp(prefix="multichat-demo-"))
    players = {name: Player(name, root / name, root) for name in ("ann", "bob", "cleo")}
    try:
        return await _play(out, players)
    finally:
        for player in players.values():
            with contextlib.suppress(ProcessLookupError):
                await player.go_offline()
        shutil.rmtree(root, ignore_errors=True)


async def _play(out: Output, players: dict[str, Player]) -> int:
    ann, bob, cleo = players.values()

    def tell(step: str, **fields: object) -> None:
        out.result({"step": step, **fields}, step)

    for player in players.values():
        made = await player.run("init", "--name", player.name, "--no-passphrase")
        await player.come_online([address for other in players.values() for address in other.listen])
        tell(f"{player.name} has an identity and a node on {player.listen[0]}", user=made[0]["user"], listen=player.listen)

    pairing = (await ann.run("pair", "invite"))[0]["link"]
    paired = (await bob.run("pair", "accept", pairing))[0]
    tell("bob has paired with ann by a link", safety_number=paired["safety_number"])

    channel = (await ann.run("channel", "create", "garden"))[0]["channel"]
    link = (await ann.run("channel", "invite", "garden", "--uses", "2"))[0]["link"]
    for player in (bob, cleo):
        await player.run("channel", "join", link)
        tell(f"{player.name} has joined #garden by ann's invitation", channel=channel)

    sent: list[str] = []

    async def say(player: Player, text: str, *options: str) -> None:
        sent.append((await player.run("send", *options, "garden", text))[0]["id"])
        tell(f"{player.name}: {text}", id=sent[-1])

    await say(ann, "The tomatoes are ripe.", "--wait", "delivered")
    await say(bob, "I'll bring a basket.", "--wait", "delivered")
    await cleo.go_offline()
    tell("cleo closes the lid of her laptop")
    await say(ann, "Cleo, keep some basil for us?")
    await say(bob, "And the small peppers.")
    state = (await bob.run("log", "garden", "-n", "1"))[0]
    tell(f"bob sees: {state['state']}, {state['delivered']} of {state['total']}", state=state["state"])
    await cleo.come_online([*ann.listen, *bob.listen])
    tell("cleo is back")
    await say(cleo, "All set aside.", "--wait", "delivered")

    direct = (await bob.run("send", "--wait", "delivered", "@ann", "Just for you: happy birthday."))[0]
    tell("bob -> ann: Just for you: happy birthday.", id=direct["id"])
    complete = await _complete(players, sent)
    secret_kept = all(row["id"] != direct["id"] for row in await cleo.run("log", "garden", "-n", "200"))
    good = complete and secret_kept
    tell("Everything was delivered to everybody." if good else "Something is missing.", delivered=good)
    return 0 if good else 1


async def _complete(players: dict[str, Player], sent: list[str]) -> bool:
    """Whether everybody holds every message, in the same order, within the time of a step."""
    try:
        async with asyncio.timeout(STEP_TIMEOUT_S):
            while True:
                logs = [await player.run("log", "garden", "-n", "200") for player in players.values()]
                orders = [[row["id"] for row in log if row["kind"] == "message"] for log in logs]
                states = [row["state"] for log in logs for row in log if row["kind"] == "message" and row["mine"]]
                if all(set(order) == set(sent) for order in orders) and set(states) == {"delivered-all"}:
                    return all(order == orders[0] for order in orders)
    except TimeoutError:
        return False


async def _discard(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass


async def _end(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
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
