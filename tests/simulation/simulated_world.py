"""A simulated world: whole nodes (service, engine, memory store) on a seeded network in virtual time."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from multichat_tui.crypto.olm import seeded_olm_account
from multichat_tui.crypto.seeded_ratchets import SeededRatchets
from multichat_tui.model.errors import IntentRefused, MultichatError, StorageFailed
from multichat_tui.model.events import Event
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import AcceptContact, CreateChannel, InviteContact, InviteToChannel, JoinChannel, SendMessage
from multichat_tui.model.ports import Store, Transaction
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.net.simulated import Conditions, SimulatedHub, SimulatedNetwork
from multichat_tui.node.engine import Engine
from multichat_tui.node.genesis import complete_identity, create_identity, needs_account
from multichat_tui.node.service import Node
from multichat_tui.store.memory import MemoryStore

START_MS = 1_760_000_000_000


class Crash(BaseException):
    """The process is killed here."""


class CrashingStore:
    """A store that survives its process: it can be told to kill it just before or just after the next commit."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.crash_next: str | None = None
        self.on_crash: Callable[[], None] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        plan = self.crash_next
        try:
            with self.inner.transaction() as txn:
                yield txn
                if plan == "before":
                    raise Crash
        except Crash:
            self._crash()
        if plan == "after":
            self._crash()

    def _crash(self) -> None:
        self.crash_next = None
        if self.on_crash is not None:
            self.on_crash()
        raise StorageFailed("killed")

    def close(self) -> None:
        pass


class Person:
    """One person's machine: its store outlives its processes."""

    def __init__(
        self, world: "SimulatedWorld", name: str, skew_ms: int = 0, restores: "Person | None" = None, lost: bool = True
    ) -> None:
        """`restores`: made from the recovery phrase of that person; `lost`: whose older devices are revoked."""
        self.world = world
        self.name = name
        self.skew_ms = skew_ms
        self.store = CrashingStore(world.new_store(name))
        self.store.on_crash = self.crash
        self.network = SimulatedNetwork(world.hub, name)
        self.random = random.Random(f"{world.seed}/{name}")
        self.node: Node | None = None
        self.starts = 0
        self.acknowledged: list[tuple[ChannelId, bytes]] = []
        """(channel, record) of every message whose submit was answered."""
        entropy = self.random.randbytes
        self.account_entropy = entropy(32) if restores is None else restores.account_entropy
        create_identity(
            self.store,
            name=name,
            account_entropy=self.account_entropy,
            entropy=entropy,
            now_ms=self.now_ms(),
            restored=restores is not None,
            lost=lost,
            new_olm=seeded_olm_account,
        )

    def now_ms(self) -> int:
        return self.world.now_ms() + self.skew_ms

    @property
    def api(self) -> Node:
        assert self.node is not None, f"{self.name} is not running"
        return self.node

    @property
    def running(self) -> bool:
        return self.node is not None

    async def start(self) -> Node:
        self.starts += 1
        with self.store.transaction() as txn:
            incomplete = needs_account(txn)
        if incomplete:
            complete_identity(
                self.store,
                account_entropy=self.account_entropy,
                entropy=self.random.randbytes,
                now_ms=self.now_ms(),
                new_olm=seeded_olm_account,
            )
        node = Node(
            store=self.store,
            network=self.network,
            now_ms=self.now_ms,
            entropy=self.random.randbytes,
            executor=None,
            open_account=lambda passphrase: self.account_entropy,
            ratchets=SeededRatchets(self.random.randbytes),
        )
        await node.start()
        self.node = node
        return node

    def crash(self) -> None:
        """kill -9."""
        node, self.node = self.node, None
        if node is not None:
            self.network.crash()
            node.die()

    async def stop(self) -> None:
        node, self.node = self.node, None
        if node is not None:
            await node.stop()

    async def say(self, channel: ChannelId, text: str) -> None:
        accepted = await self.api.submit(SendMessage(channel=channel, text=text))
        assert accepted.record is not None
        self.acknowledged.append((channel, accepted.record))

    async def texts(self, channel: ChannelId) -> list[str]:
        return [row.text for row in await self.rows(channel) if row.kind is RowKind.MESSAGE]

    async def rows(self, channel: ChannelId) -> list[MessageRow]:
        """The whole timeline, page by page."""
        rows: list[MessageRow] = []
        page = (await self.api.timeline(channel, limit=200)).rows
        while page:
            rows[:0] = page
            page = (await self.api.timeline(channel, before=page[0].position, limit=200)).rows
        return rows


class SimulatedWorld:
    def __init__(self, seed: int, conditions: Conditions | None = None) -> None:
        self.seed = seed
        self.hub = SimulatedHub(seed, conditions)
        self.random = random.Random(f"world/{seed}")
        self.people: dict[str, Person] = {}
        self.new_store: Callable[[str], Store] = lambda name: MemoryStore()
        """What keeps the profile of the machine of this name."""
        print(f"simulation seed {seed}")

    def now_ms(self) -> int:
        return START_MS + int(asyncio.get_running_loop().time() * 1000)

    async def add(self, *names: str, skew_ms: int = 0) -> list[Person]:
        added = []
        for name in names:
            person = Person(self, name, skew_ms)
            self.people[name] = person
            await person.start()
            added.append(person)
        return added

    async def restore(self, lost: Person, name: str, *, revoke: bool = True) -> Person:
        """A new machine, with nothing but the recovery phrase of another."""
        person = Person(self, name, restores=lost, lost=revoke)
        self.people[name] = person
        await person.start()
        return person

    async def pair(self, one: Person, other: Person) -> None:
        link = (await one.api.submit(InviteContact())).link
        assert link is not None
        await other.api.submit(AcceptContact(link=link))
        await until(lambda: _are_contacts(one, other), f"{one.name} and {other.name} paired")

    async def channel_of(self, founder: Person, *others: Person, name: str = "dev") -> ChannelId:
        channel = (await founder.api.submit(CreateChannel(name=name))).channel
        assert channel is not None
        for other in others:
            link = (await founder.api.submit(InviteToChannel(channel=channel))).link
            assert link is not None
            await other.api.submit(JoinChannel(link=link))
        everybody = (founder, *others)
        await until(lambda: _all_members(everybody, channel, len(everybody)), "all joined")
        return channel

    async def converge(self, channel: ChannelId, *, timeout_s: float = 600) -> list[str]:
        """Wait until every running member shows the same messages in the same order; returns them."""
        running = [person for person in self.people.values() if person.running]

        async def same() -> bool:
            sets = [[row.id for row in await person.rows(channel)] for person in running]
            return all(found == sets[0] for found in sets)

        await until(same, "same history everywhere", timeout_s=timeout_s)
        return await running[0].texts(channel)


def engine_of(person: Person) -> Engine:
    """Of somebody whose node runs: to look at what no reader of its interface is told, or to spoil it."""
    engine = person.api._engine
    assert engine is not None
    return engine


async def _are_contacts(one: Person, other: Person) -> bool:
    """Both know each other, and both see a link."""
    for person, partner in ((one, other), (other, one)):
        user = (await partner.api.me()).rows.user
        if not any(row.user == user and row.online for row in (await person.api.contacts()).rows):
            return False
    return True


async def _all_members(people: tuple[Person, ...], channel: ChannelId, count: int) -> bool:
    for person in people:
        try:
            if len((await person.api.members(channel)).rows) != count:
                return False
        except IntentRefused:
            return False
    return True


async def until(condition: Callable[[], Awaitable[bool]], what: str, *, timeout_s: float = 300) -> None:
    """Wait in virtual time for a condition; a failure says what was waited for."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        try:
            if await condition():
                return
        except MultichatError:
            pass
        if loop.time() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        await asyncio.sleep(0.05)


async def collect(person: Person, into: list[Event]) -> None:
    async with person.api.events() as events:
        async for event in events:
            into.append(event)
