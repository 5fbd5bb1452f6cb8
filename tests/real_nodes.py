"""The program in real processes: homes of their own, commands, nodes, and what can be read in bytes that others get to see.

Everything lies below one temporary directory, and every process that was started is ended, by its id.
"""

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PATIENCE_S = 60.0
LOCAL = ("--no-lan", "--listen", "127.0.0.1:0")


class Homes:
    """One temporary directory with a home for each name."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._started: list[RealNode] = []

    def environment(self, **extra: str) -> dict[str, str]:
        """Of every process: nothing of this one's but where programs are."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.base),
            "XDG_RUNTIME_DIR": str(self.base),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            **extra,
        }

    def home(self, who: str) -> Path:
        return self.base / who

    def profile(self, who: str) -> Path:
        return self.home(who) / "profiles" / "default"

    def command(self, who: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "multichat_tui", "--home", str(self.home(who)), *words]

    def results(self, who: str, *words: str, **extra: str) -> list[dict[str, Any]]:
        """The JSON objects of a command that must succeed."""
        done = subprocess.run(
            self.command(who, "--json", *words),
            capture_output=True,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, (words, done.returncode, done.stderr.decode())
        return [json.loads(line) for line in done.stdout.splitlines()]

    def node(self, who: str, *words: str, inside: Sequence[str] = (), **extra: str) -> "RealNode":
        """A node that runs and serves its control socket."""
        command = [*inside, *self.command(who, "node", *words)]
        one = RealNode(command, self.environment(**extra))
        self._started.append(one)
        one.wait_ready()
        return one

    def pair(self, one: str, other: str) -> None:
        """Make two people contacts; their nodes run."""
        self.results(other, "pair", "accept", self.results(one, "pair", "invite")[0]["link"])

    def end_all(self) -> None:
        for one in self._started:
            one.kill()


class RealNode:
    """A `multichat node` process and its lines."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._unread = b""
        self.listen: list[str] = []

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.listen[0].rpartition(":")[2])

    def wait_ready(self) -> None:
        self.listen = self.until(lambda event: event["event"] == "ready")["listen"]

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next event for which the condition holds; those before it are gone."""
        deadline = time.monotonic() + PATIENCE_S
        for event in self._events(deadline):
            if condition(event):
                return event
        raise AssertionError(f"the node has ended with {self.process.wait()}")

    def _events(self, deadline: float) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None
        while True:
            while b"\n" in self._unread:
                line, self._unread = self._unread.split(b"\n", 1)
                yield json.loads(line)
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise AssertionError("waited in vain for an event of a node")
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            if not piece:
                return
            self._unread += piece

    def kill(self) -> None:
        """kill -9, unless it has ended. Idempotent."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        assert self.process.stdout is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        if not self.process.stdout.closed:
            with contextlib.suppress(AssertionError):
                for _ in self._events(time.monotonic() + PATIENCE_S):
                    pass
            self.process.stdout.close()
        return self.process.wait(PATIENCE_S)


def resident_bytes(pid: int, what: str = "VmRSS") -> int:
    """How much memory a process holds, from /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has ended")


def id_bytes(word: str) -> bytes:
    """An id as commands print it."""
    return base64.b32decode(word.upper() + "=" * (-len(word) % 8))


def spellings(value: bytes) -> set[bytes]:
    """How a value could be written: raw, hex, base32, base64; parts that do not depend on what stands around it."""
    written = {value, value.hex().encode(), value.hex().upper().encode()}
    written |= {base64.b32encode(value).rstrip(b"=")[:-1], base64.b32encode(value).rstrip(b"=")[:-1].lower()}
    for before in range(3):
        # Within a longer base64 text a value begins at one of three places; its edges mix with the neighbours.
        padded = bytes(before) + value
        for encoded in (base64.b64encode(padded), base64.urlsafe_b64encode(padded)):
            written.add(encoded.rstrip(b"=")[-(-before * 8 // 6) : -2])
    return written


def found_in(haystack: bytes, values: dict[str, bytes]) -> list[str]:
    """The names of those values that can be read in there in any spelling."""
    return [name for name, value in values.items() if any(spelling in haystack for spelling in spellings(value))]
