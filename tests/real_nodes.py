"""The program in real processes: homes of their own, commands, nodes, and what can be read in bytes that others get to see.

Everything lies below one temporary directory, and every process that was started is ended, by its id.
"""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any, TypeVar

from programs import Done, run, start

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.headless.session import wait_for
from multichat_tui.headless.socket_path import socket_path
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import AcceptContact, CreateChannel, InviteContact, InviteToChannel, JoinChannel, SendMessage
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.snapshots import Delivery, Membership, MessageRow, RowKind
from multichat_tui.node.api import NodeApi

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
PATIENCE_S = 60.0
LOOK_AGAIN_S = 1.0
"""Not all that changes is an event, and not every program that is asked tells of them."""
LOCAL = ("--no-lan", "--listen", "127.0.0.1:0")


class Homes:
    """One temporary directory with a home for each name."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._started: list[RealNode] = []
        self._nodes: dict[str, RealNode] = {}
        self._silence = Events()
        self.programs: dict[str, Sequence[str]] = {}
        """What Python is told to run in a home, if not the package as it is."""

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
        program = self.programs.get(who, ("-m", "multichat_tui"))
        return [sys.executable, *program, "--home", str(self.home(who)), *words]

    def run(self, who: str, *words: str, said: str = "", together: bool = False, **extra: str) -> Done:
        """A command with nothing, or `said`, to read; `together`: both outputs in one, as a terminal has them."""
        command, environment = self.command(who, *words), self.environment(**extra)
        return run(command, environment, said=said.encode(), together=together, timeout=PATIENCE_S)

    def told(self, who: str, *words: str) -> str:
        """What a command that must succeed tells people."""
        done = self.run(who, *words)
        assert done.returncode == 0, (words, done.returncode, done.stderr.decode())
        return done.stdout.decode()

    def results(self, who: str, *words: str, **extra: str) -> list[dict[str, Any]]:
        """The JSON objects of a command that must succeed."""
        done = self.run(who, "--json", *words, **extra)
        assert done.returncode == 0, (words, done.returncode, done.stderr.decode())
        return [json.loads(line) for line in done.stdout.splitlines()]

    def said(self, who: str, *words: str) -> tuple[int, str]:
        """(exit code, all that a command says) to people."""
        done = self.run(who, *words, together=True)
        return done.returncode, done.stdout.decode()

    def until_results(
        self, who: str, words: Sequence[str], wanted: Callable[[list[dict[str, Any]]], bool]
    ) -> list[dict[str, Any]]:
        """The same, asked again until it is as wanted: when the node of this home tells of something, or after a while. Each time
        costs a process."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            news = self._nodes[who].news if who in self._nodes else self._silence
            heard = news.count
            if wanted(found := self.results(who, *words)):
                return found
            assert time.monotonic() < deadline, f"{who} never answered {' '.join(words)} as wanted: {found}"
            news.wait_beyond(heard, LOOK_AGAIN_S)

    def node(self, who: str, *words: str, inside: Sequence[str] = (), **extra: str) -> "RealNode":
        """A node that runs and serves its control socket."""
        self._nodes[who] = made = self.start([*inside, *self.command(who, "node", *words)], **extra)
        return made

    def start(self, command: Sequence[str], **extra: str) -> "RealNode":
        """A program that speaks as a node does."""
        one = RealNode(command, self.environment(**extra))
        self._started.append(one)
        one.wait_ready()
        return one

    def pair(self, one: str, other: str) -> None:
        """Make two people contacts; their nodes run."""
        self.results(other, "pair", "accept", self.results(one, "pair", "invite")[0]["link"])

    async def attach(self, who: str) -> RemoteNode:
        """The running node of a home, through its control socket."""
        return await RemoteNode.attach(socket_path(self.profile(who), self.environment()), timeout_s=PATIENCE_S)

    def end_all(self) -> None:
        for one in self._started:
            one.kill()


class Events:
    """How many there were, for whoever waits for one more."""

    def __init__(self) -> None:
        self.count = 0
        self._more = threading.Condition()

    def add(self) -> None:
        with self._more:
            self.count += 1
            self._more.notify_all()

    def wait_beyond(self, count: int, patience_s: float) -> None:
        """Until there are more than `count`, or patience is at its end."""
        with self._more:
            self._more.wait_for(lambda: self.count > count, patience_s)


class RealNode:
    """A `multichat node` process and its lines, which are read whether or not anybody waits for them."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.process = start(command, environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.ready: dict[str, Any] = {}
        """What it said when it was."""
        self.listen: list[str] = []
        self.news = Events()
        self._lines: Queue[bytes] = Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
            self.news.add()
        self._lines.put(b"")

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.listen[0].rpartition(":")[2])

    def wait_ready(self) -> None:
        self.ready = self.until(lambda event: event["event"] == "ready")
        self.listen = self.ready["listen"]

    def until(self, condition: Callable[[dict[str, Any]], object], patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next event for which the condition holds; those before it are gone."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise AssertionError("waited in vain for an event of a node") from None
            if not line:
                raise AssertionError(f"the node has ended with {self.process.wait(PATIENCE_S)}")
            event: dict[str, Any] = json.loads(line)
            if condition(event):
                return event

    def kill(self) -> None:
        """kill -9, unless it has ended. Idempotent."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


async def until(api: NodeApi, check: Callable[[], Awaitable[T | None]], what: str, patience_s: float = PATIENCE_S) -> T:
    """What `check` answers as soon as that is not None; it is asked after every event."""
    found = await wait_for(api, check, patience_s)
    assert found is not None, f"waited in vain for {what}"
    return found


async def befriend(one: NodeApi, other: NodeApi) -> None:
    """Make two people contacts by a link."""
    link = (await one.submit(InviteContact())).link
    assert link is not None
    before = {row.user for row in (await one.contacts()).rows if not row.pending}
    user = (await other.submit(AcceptContact(link=link))).user

    async def known() -> bool | None:
        return any(row.user == user and not row.pending for row in (await other.contacts()).rows) or None

    async def knows() -> bool | None:
        return any(row.user not in before and not row.pending for row in (await one.contacts()).rows) or None

    await until(other, known, "the contact")
    await until(one, knows, "the answer")


async def bring_in(member: NodeApi, guest: NodeApi, channel: ChannelId) -> str:
    """Let somebody into a channel by a link; the link."""
    link = (await member.submit(InviteToChannel(channel=channel))).link
    assert link is not None
    await guest.submit(JoinChannel(link=link))

    async def joined() -> bool | None:
        return (await guest.channel(channel)).rows.membership is Membership.JOINED or None

    await until(guest, joined, "the channel")
    return link


async def two_in_a_channel(
    homes: Homes, who: tuple[str, str], name: str, *, contacts: bool = False
) -> tuple[list[RealNode], list[RemoteNode], ChannelId]:
    """New people, each with a node that runs and is attached to; the first has made the channel and let the second in."""
    for each in who:
        homes.results(each, "init", "--name", each, "--no-passphrase")
    nodes = [await asyncio.to_thread(homes.node, each, *LOCAL) for each in who]
    one, other = [await homes.attach(each) for each in who]
    if contacts:
        await befriend(one, other)
    channel = (await one.submit(CreateChannel(name=name))).channel
    assert channel is not None
    await bring_in(one, other, channel)
    return nodes, [one, other], channel


async def say(api: NodeApi, channel: ChannelId, text: str) -> RecordId:
    """Send a message; returns when the own node has it."""
    record = (await api.submit(SendMessage(channel=channel, text=text))).record
    assert record is not None
    return record


async def until_delivered(api: NodeApi, record: RecordId) -> None:
    """Wait until a message is on all devices that it is for."""

    async def delivered() -> bool | None:
        row = (await api.message(record)).rows
        return (row is not None and row.state in (Delivery.ALL, Delivery.READ)) or None

    await until(api, delivered, "the delivery")


async def messages(api: NodeApi, channel: ChannelId) -> list[MessageRow]:
    """All messages of a channel, in display order."""
    rows: tuple[MessageRow, ...] = ()
    while True:
        page = (await api.timeline(channel, before=rows[0].position if rows else None, limit=MAX_PAGE_ROWS)).rows
        rows = page + rows
        if len(page) < MAX_PAGE_ROWS:
            return [row for row in rows if row.kind is RowKind.MESSAGE]


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
