"""A whole node in a process of its own, driven through `node.service.Node`: encrypted store on disk, TCP on loopback, no LAN."""

import asyncio
import cProfile
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import sending
from benchmarks.workers import Answer, serve
from multichat_tui.crypto.identity import ENTROPY_BYTES
from multichat_tui.model.events import ChannelChanged, ContactChanged, DeliveryChanged, MessageAdded, Resync
from multichat_tui.model.frames import FrameType
from multichat_tui.model.ids import ChannelId, LinkId
from multichat_tui.model.intents import (
    AcceptContact,
    AddMailbox,
    ConnectTo,
    CreateChannel,
    GrantPlace,
    HostMailbox,
    InviteContact,
    InviteToChannel,
    JoinChannel,
    MarkRead,
    SendMessage,
)
from multichat_tui.model.ports import FrameIn, LinkUp, LocalDevice, NetworkInput
from multichat_tui.model.snapshots import Delivery, MailboxState, Membership, RowKind
from multichat_tui.net.network import TcpNetwork
from multichat_tui.node.genesis import create_identity
from multichat_tui.node.service import Node
from multichat_tui.store.profile import OpenProfile, create_profile, open_profile

PROFILE_VARIABLE = "BENCHMARK_PROFILE"
"""Where to leave the profiles of both threads (cProfile), as PATH.label.loop and PATH.label.store; it slows the node down."""

NEWEST_LOOK_S, COUNT_LOOK_S = 0.01, 0.1
"""Records below the newest come without an event of their own: so often is looked. To count many takes some milliseconds."""


def peak_resident_mb() -> float:
    """The most memory that this process has had resident, in MB of 10^6 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def kind_of(frame: bytes) -> str:
    """`records` for a MESSAGE frame of a channel; else the number of its type (docs/protocol/frames.md, section 8)."""
    return "records" if frame[2] == FrameType.MESSAGE and frame[5:13] != bytes(8) else str(frame[2])


class TimedNetwork(TcpNetwork):
    """Remembers when links came up, and counts frames and their bytes. A frame that comes waits `delay_ms` for the node."""

    delay_ms = 0
    link_ups: list[int]
    frames: list[tuple[str, str, int]]
    """(out or in, what, size) of every frame since `traffic` was asked for."""

    async def start(self, local: LocalDevice, deliver: Callable[[NetworkInput], None]) -> tuple[str, ...]:
        self.link_ups, self.frames = [], []

        def noting(event: NetworkInput) -> None:
            if isinstance(event, LinkUp):
                self.link_ups.append(time.monotonic_ns())
            elif isinstance(event, FrameIn):
                self.frames.append(("in", kind_of(event.frame), len(event.frame)))
                if self.delay_ms:
                    asyncio.get_running_loop().call_later(self.delay_ms / 1000, deliver, event)
                    return
            deliver(event)

        return await super().start(local, noting)

    def send(self, link: LinkId, frame: bytes) -> None:
        self.frames.append(("out", kind_of(frame), len(frame)))
        super().send(link, frame)


class Commands:
    """What the parent may ask for. `directory` is the profile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self.seen = sending.Seen()
        self.arrivals_of: dict[int, str] = {}
        """Our own messages that are not acknowledged, by arrival number; the names of all of them by that."""
        self.changed = asyncio.Condition()
        self.channel_id: ChannelId | None = None
        self.profile: OpenProfile | None = None
        self.resyncs = 0
        self.profilers: list[tuple[str, cProfile.Profile]] = []

    # Life

    async def create(self, name: str) -> Answer:
        def make() -> None:
            entropy = os.urandom(ENTROPY_BYTES)
            made = create_profile(self.directory, passphrase=None, account_entropy=entropy, entropy=os.urandom)
            create_identity(made.store, name=name, account_entropy=entropy, entropy=os.urandom, now_ms=now_ms())
            made.close()

        await asyncio.get_running_loop().run_in_executor(self.thread, make)
        return {}

    async def start(
        self, connect: list[str] | None = None, listen: str = "127.0.0.1:0", delay_ms: int = 0, noted: bool = True
    ) -> Answer:
        """`noted`: names and times of messages that come are kept, which takes memory."""
        loop = asyncio.get_running_loop()
        self.profile = await loop.run_in_executor(self.thread, open_profile, self.directory)
        self.network = TimedNetwork(listen=listen, lan=False)
        self.network.delay_ms = delay_ms
        self.noted = noted
        self.node = Node(
            store=self.profile.store, network=self.network, now_ms=now_ms, entropy=os.urandom, executor=self.thread, lan=False
        )
        await self.node.start()
        ready = asyncio.Event()
        self.following = asyncio.create_task(self._follow(ready))
        await ready.wait()
        for address in connect or ():
            await self.node.submit(ConnectTo(address=address))
        return {"listen": self.node.listen[0]}

    async def end(self) -> None:
        if self.profile is not None:
            await self.node.stop()
            await self.following
            await asyncio.get_running_loop().run_in_executor(self.thread, self.profile.close)
        self.thread.shutdown()

    async def profiling(self, label: str) -> Answer:
        """Profile both threads from now on, if that is wanted."""
        if PROFILE_VARIABLE in os.environ:
            for name in ("store", "loop"):
                profiler = cProfile.Profile()
                self.profilers.append((f"{os.environ[PROFILE_VARIABLE]}.{label}.{name}", profiler))
                if name == "store":
                    await asyncio.get_running_loop().run_in_executor(self.thread, profiler.enable)
                else:
                    profiler.enable()
        return {}

    async def profiled(self) -> Answer:
        for path, profiler in self.profilers:
            if path.endswith(".store"):
                await asyncio.get_running_loop().run_in_executor(self.thread, profiler.disable)
            else:
                profiler.disable()
            profiler.dump_stats(path)
        self.profilers.clear()
        return {}

    # Events

    async def _follow(self, ready: asyncio.Event) -> None:
        async with self.node.events() as events:
            ready.set()
            async for event in events:
                match event:
                    case MessageAdded(row=row) if row.kind is RowKind.MESSAGE:
                        name = row.text.split(" ", 1)[0]
                        if row.mine:
                            self.arrivals_of[row.arrival] = name
                        elif self.noted:
                            self.seen.arrivals[name] = time.monotonic_ns()
                        continue
                    case DeliveryChanged(last=last):
                        await self._acknowledged(last)
                    case Resync():
                        self.resyncs += 1
                    case ChannelChanged() | ContactChanged():
                        pass
                    case _:
                        continue
                async with self.changed:
                    self.changed.notify_all()

    async def _acknowledged(self, last: int) -> None:
        """With one other device that is all; with more, the newest row tells whether everybody has it."""
        now = time.monotonic_ns()
        if self.everybody > 1:
            assert self.channel_id is not None
            newest = (await self.node.timeline(self.channel_id, limit=1)).rows[-1]
            if newest.state is not Delivery.ALL:
                return
        for arrival in [arrival for arrival in self.arrivals_of if arrival <= last]:
            self.seen.acked[self.arrivals_of.pop(arrival)] = now

    everybody = 1
    """Devices that our messages are for."""

    async def _until(self, condition: Callable[[], Any]) -> Any:
        async with self.changed:
            while not (found := condition()):
                await self.changed.wait()
            return found

    async def _acked(self, name: str) -> int:
        found: int = await self._until(lambda: self.seen.acked.get(name))
        return found

    async def _submit(self, text: str) -> None:
        assert self.channel_id is not None
        await self.node.submit(SendMessage(channel=self.channel_id, text=text))

    # Coming together

    async def invite_contact(self) -> Answer:
        return {"link": (await self.node.submit(InviteContact())).link}

    async def accept_contact(self, link: str) -> Answer:
        await self.node.submit(AcceptContact(link=link))
        while not [row for row in (await self.node.contacts()).rows if not row.pending]:
            async with self.changed:
                await self.changed.wait()
        return {}

    async def create_channel(self, name: str, uses: int = 1) -> Answer:
        made = await self.node.submit(CreateChannel(name=name))
        assert made.channel is not None
        self.channel_id = made.channel
        self.everybody = uses
        invited = await self.node.submit(InviteToChannel(channel=made.channel, uses=uses))
        return {"channel": made.channel.hex(), "link": invited.link}

    async def join(self, link: str) -> Answer:
        self.channel_id = (await self.node.submit(JoinChannel(link=link))).channel
        assert self.channel_id is not None
        while (await self.node.channel(self.channel_id)).rows.membership is not Membership.JOINED:
            async with self.changed:
                await self.changed.wait()
        return {}

    async def use(self, channel: str, everybody: int = 1) -> Answer:
        """The channel that messages go to from now on."""
        self.channel_id = ChannelId(bytes.fromhex(channel))
        self.everybody = everybody
        return {}

    async def mark_read(self) -> Answer:
        assert self.channel_id is not None
        newest = (await self.node.timeline(self.channel_id, limit=1)).rows[-1]
        await self.node.submit(MarkRead(channel=self.channel_id, arrival=newest.arrival))
        return {}

    # Mailboxes

    async def host(self, name: str) -> Answer:
        """Be a mailbox, and give somebody a place in it."""
        await self.node.submit(HostMailbox(on=True))
        return {"link": (await self.node.submit(GrantPlace(name=name))).link}

    async def add_mailbox(self, link: str) -> Answer:
        await self.node.submit(AddMailbox(link=link))
        while not all(row.state is MailboxState.READY for row in (await self.node.status()).rows.mailboxes):  # noqa: ASYNC110  # as above
            await asyncio.sleep(COUNT_LOOK_S)
        return {}

    async def routed(self) -> Answer:
        """Wait until a mailbox of somebody else is known here."""

        def known() -> bool:
            engine = self.node._engine
            assert engine is not None
            return any(engine.depositing._slots_of(device) for device in engine.world.certificates())

        while not await asyncio.get_running_loop().run_in_executor(self.thread, known):  # noqa: ASYNC110  # it comes without an event
            await asyncio.sleep(COUNT_LOOK_S)
        return {}

    async def stored(self) -> Answer:
        """Wait until our newest message lies at a mailbox."""
        assert self.channel_id is not None
        while (await self.node.timeline(self.channel_id, limit=1)).rows[-1].state is not Delivery.STORED:  # noqa: ASYNC110  # as above
            await asyncio.sleep(COUNT_LOOK_S)
        return {"cpu_s": time.process_time()}

    async def arrived(self, count: int) -> Answer:
        """Wait until so many messages have come since the start; when the link came, and the last of them."""
        while len(self.seen.arrivals) < count:  # noqa: ASYNC110  # as above
            await asyncio.sleep(NEWEST_LOOK_S)
        last = max(self.seen.arrivals.values())
        return {"at": last, "link_up": self.network.link_ups[0], "cpu_s": time.process_time()}

    # Measuring

    async def one_by_one(self, label: str, count: int, pause_ms: float) -> Answer:
        return await sending.one_by_one(self._submit, self._acked, label, count, pause_ms)

    async def stream(self, label: str, count: int) -> Answer:
        return await sending.stream(self._submit, self._acked, label, count)

    async def at_rate(self, label: str, rate: float, seconds: float) -> Answer:
        return await sending.at_rate(self._submit, label, rate, seconds)

    async def keep(self, label: str, count: int) -> Answer:
        """Messages for somebody who is not here."""
        numbers = iter(range(count))

        async def lane() -> None:
            for number in numbers:
                await self._submit(sending.text_of(label, number))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(sending.WINDOW):
                tasks.create_task(lane())
        return {}

    async def acked(self, label: str, number: int) -> Answer:
        name = sending.text_of(label, number).split()[0]
        return {"acknowledged": await self._acked(name), "link_up": self.network.link_ups[-1]}

    async def link_ups(self) -> Answer:
        return {"link_ups": self.network.link_ups}

    async def arrivals(self) -> Answer:
        seen, self.seen.arrivals = self.seen.arrivals, {}
        return {"arrivals": seen, "resyncs": self.resyncs, "cpu_s": time.process_time()}

    def _newest(self) -> int:
        """The ets of the newest entry. On the store's thread."""
        return self._number(
            "select ifnull(max((select max(ets) from entry where channel = number and hidden = 0)), 0) from identifier"
        )

    def _count(self) -> int:
        """How many records this profile holds. On the store's thread."""
        return self._number("select count(*) from record")

    def _number(self, sql: str) -> int:
        assert self.profile is not None
        row = self.profile.store._database.row(sql)
        assert row is not None
        return int(row[0])

    async def held(self, count: int = 0, ets: int = 0) -> Answer:
        """Wait until so many records are held; how many, when, what it has taken, and when the newest, of `ets`, was there."""
        loop = asyncio.get_running_loop()
        while (newest := await loop.run_in_executor(self.thread, self._newest)) < ets:  # noqa: ASYNC110  # see below
            await asyncio.sleep(NEWEST_LOOK_S)
        newest_at = time.monotonic_ns()
        while (held := await loop.run_in_executor(self.thread, self._count)) < count:  # noqa: ASYNC110  # it comes without an event
            await asyncio.sleep(COUNT_LOOK_S)
        now = time.monotonic_ns()
        ups = self.network.link_ups
        peak_mb = peak_resident_mb()
        return {
            "peak_mb": peak_mb,
            "held": held,
            "ets": newest,
            "at": now,
            "newest_at": newest_at,
            "link_up": ups[-1] if ups else 0,
            "cpu_s": time.process_time(),
        }

    async def traffic(self) -> Answer:
        """Frames since this was last asked for."""
        frames, self.network.frames = self.network.frames, []
        return {"frames": frames}

    async def cpu(self) -> Answer:
        return {"cpu_s": time.process_time()}

    def table(self) -> dict[str, Any]:
        names = (
            "create", "start", "profiling", "profiled", "invite_contact", "accept_contact", "create_channel", "join", "use",
            "mark_read", "host", "add_mailbox", "routed", "stored", "arrived",
            "one_by_one", "stream", "at_rate", "keep", "acked", "link_ups", "arrivals", "held", "traffic",
            "cpu",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


async def main(directory: Path) -> None:
    commands = Commands(directory)
    await serve(commands.table(), commands.end)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
