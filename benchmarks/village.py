"""A population of whole nodes (the real service, engine and store in memory) that lives through a scenario in virtual time.

What is measured is noted outside the nodes: when a record is committed at a machine, and every frame as it is sent.
"""

import asyncio
import logging
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice

from benchmarks.availability import HOUR_S, Presence, foremost, next_there, share_there
from benchmarks.scenarios import Scenario
from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import (
    AddMailbox,
    CreateChannel,
    GrantPlace,
    HostMailbox,
    InviteToChannel,
    JoinChannel,
    LeaveChannel,
)
from multichat_tui.model.mailbox_frames import MailboxFrameType
from multichat_tui.model.ports import Store, Transaction
from multichat_tui.net.simulated import Conditions, SimulatedNetwork
from multichat_tui.node import dialing
from multichat_tui.node.engine import Engine
from multichat_tui.node.world import Channel, World
from multichat_tui.store.memory import MemoryStore
from tests.simulation.simulated_world import Person, SimulatedWorld

PATIENCE_MS = 6 * 3600 * 1000
"""Between two calls in vain, at last."""
LINKS_EVERY_S = 600.0
"""So often the links that are up are counted."""
CHANNELS_PER_BOX = 10
"""So many channels share their mailboxes."""
AFTER_COMING_S = 2.0
"""Whoever comes to write does so after this."""
END_S = 12 * HOUR_S
"""When all are there at last, they have come to hold the same within this, or something is wrong."""
FRAME_KINDS = {1: "offer", 2: "request", 3: "message", 4: "ack"} | {int(kind): "mailbox" for kind in MailboxFrameType}
LONG_TYPE = 0x18
"""Where a frame's type stands: it is in the next byte."""


class NotingStore(MemoryStore):
    """Notes when each record is committed first: `since`, a moment of virtual time by record."""

    def __init__(self) -> None:
        super().__init__()
        self.since: dict[RecordId, float] = {}
        self._seen = 0

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as txn:
            yield txn
        held = self._state.held
        if len(held) != self._seen:
            now = asyncio.get_running_loop().time()
            for record in islice(reversed(held), max(0, len(held) - self._seen)):
                self.since.setdefault(record, now)
            self._seen = len(held)


@dataclass(slots=True)
class Place:
    """A channel: its members by number, and who is left out of what is measured, as they come or go meanwhile."""

    number: int
    channel: ChannelId
    link: str
    founder: int
    members: list[int]
    boxes: list[int]
    moved: set[int] = field(default_factory=set)

    keep: bool = False
    """Boxes are members, too."""

    @property
    def everybody(self) -> list[int]:
        return [*self.members, *self.boxes] if self.keep else self.members


@dataclass(slots=True)
class Written:
    place: Place
    author: int
    at_s: float
    record: RecordId


@dataclass(slots=True)
class Traffic:
    """Frames and their bytes, by kind."""

    frames: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def note(self, sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> None:
        kind = FRAME_KINDS.get(frame[3] if frame[2] == LONG_TYPE else frame[2], "other")
        self.frames[kind] += 1
        self.bytes[kind] += len(frame)


class Village:
    """One run. `live` raises AssertionError where something was lost, or members do not end with the same."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.world = SimulatedWorld(seed, Conditions(latency_ms=5))
        self.world.new_store = self._new_store
        self.chance = random.Random(f"village/{seed}")
        self.stores: list[NotingStore] = []
        self.people: list[Person] = []
        self.places: list[Place] = []
        self.presence: list[Presence] = []
        self.traffic = Traffic()
        self._chosen: set[tuple[int, int]] = set()
        """(machine, box)."""
        self.written: list[Written] = []
        self.failures: list[str] = []
        self.began_s = 0.0
        self.starts = 0
        self.cpu_s: dict[str, float] = {}
        self.converged_s = 0.0
        self.links: list[int] = []
        """Of each machine that was there when it was looked."""

    def _new_store(self, name: str) -> Store:
        self.stores.append(NotingStore())
        return self.stores[-1]

    @property
    def until_s(self) -> float:
        """The end of what is measured: as long again as messages were written, for those who come later."""
        hours = self.scenario.hours
        return (hours if self.scenario.cut_hours else 2 * hours) * HOUR_S

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began_s

    async def live(self) -> None:
        with watched(self.failures, int(self.scenario.patience_s * 1000)):
            with self._processor("setting up"):
                await self._settle_in()
            if self.scenario.cut_hours:
                await self._live_apart()
                with self._processor("measured"):
                    await self._come_together()
            else:
                with self._processor("measured"):
                    await self._live_on()
                await self._come_together()
            self._check_end()
        assert not self.failures, self.failures[:3]

    @contextmanager
    def _processor(self, what: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.cpu_s[what] = time.process_time() - began

    # The beginning

    async def _settle_in(self) -> None:
        scenario, chance = self.scenario, self.chance
        for habit, count in scenario.people:
            for _ in range(count):
                await self._add(f"n{len(self.people)}", habit.presence(chance, self.until_s))
        count = len(self.people)
        for _ in range(-(-scenario.channels // CHANNELS_PER_BOX) * scenario.mailboxes):
            await self._add(f"box{len(self.people)}", scenario.keepers.presence(chance, self.until_s))
        for number in range(scenario.channels):
            members = chance.sample(range(count), min(count, scenario.members or count))
            first_box = count + number // CHANNELS_PER_BOX * scenario.mailboxes
            boxes = list(range(first_box, first_box + scenario.mailboxes))
            await self._found(number, members, boxes)
        await self._wait(lambda: all(self._are_in(place) for place in self.places), "all are in", 3600)
        if not scenario.members_keep:
            for place in self.places:
                await self._choose_mailboxes(place)
            await self._wait(self._are_reachable, "all know where to leave what they write", 3600)
        await asyncio.sleep(60)
        for person in self.people:
            if chance.random() < scenario.skewed:
                person.skew_ms = chance.randrange(-86_400_000, 86_400_000)
        self.world.hub.conditions = scenario.conditions
        self.world.hub.on_frame = self.traffic.note

    async def _add(self, name: str, presence: Presence) -> None:
        person = Person(self.world, name)
        # At the same address each time: whoever was linked once is found again.
        person.network = SimulatedNetwork(self.world.hub, name, port=4000)
        self.world.people[name] = person
        self.people.append(person)
        self.presence.append(presence)
        await person.start()

    async def _found(self, number: int, members: list[int], boxes: list[int]) -> None:
        everybody = [*boxes, *members] if self.scenario.members_keep else members
        founder = self.people[everybody[0]]
        channel = (await founder.api.submit(CreateChannel(name=f"channel {number}"))).channel
        assert channel is not None
        link = (await founder.api.submit(InviteToChannel(channel=channel, uses=1000))).link or ""
        for other in everybody[1:]:
            await self.people[other].api.submit(JoinChannel(link=link))
        self.places.append(Place(number, channel, link, everybody[0], members, boxes, keep=self.scenario.members_keep))

    async def _choose_mailboxes(self, place: Place) -> None:
        """Each member has a place in each of the channel's boxes, unless it has one there already."""
        for box in place.boxes:
            keeper = self.people[box]
            await keeper.api.submit(HostMailbox(on=True, addresses=(keeper.network.address,), shown_on_lan=True))
            for member in place.members:
                if (member, box) not in self._chosen:
                    self._chosen.add((member, box))
                    link = (await keeper.api.submit(GrantPlace(name=f"n{member}"))).link or ""
                    await self.people[member].api.submit(AddMailbox(link=link))

    def _are_reachable(self) -> bool:
        """Each member knows a queue of each other one's in each of their mailboxes."""
        for place in self.places:
            devices = {index: world_of(self.people[index]).identity.device for index in place.members}
            for index in place.members:
                routes = engine_of(self.people[index]).mailboxes.routes
                for other, device in devices.items():
                    known = {queue.mailbox.mailbox for route in routes.of(device) for queue in route.route.queues}
                    if other != index and len(known) < len(place.boxes):
                        return False
        return True

    def _are_in(self, place: Place) -> bool:
        return all(len(self._members(index, place)) >= len(place.everybody) for index in place.everybody)

    def _members(self, index: int, place: Place) -> frozenset[UserId]:
        channel = self._channel(index, place)
        return frozenset() if channel is None or not channel.rooted else frozenset(channel.view.members)

    def _channel(self, index: int, place: Place) -> Channel | None:
        return world_of(self.people[index]).channels.get(place.channel)

    # Life

    async def _live_on(self) -> None:
        """Machines come and go as they do, and people write."""
        notes = self._plan_messages()
        turns: list[tuple[float, str, int, int]] = []
        for index, presence in enumerate(self.presence):
            turns += [(begin, "come", index, 0) for begin, _ in presence] + [(end, "go", index, 0) for _, end in presence]
        turns += [(at_s, "say", number, author) for at_s, number, author in notes]
        for place in self.places:
            for _ in range(self.scenario.newcomers):
                turns.append((self.chance.uniform(0, self.scenario.hours * HOUR_S), "change", place.number, 0))
        for index, person in enumerate(self.people):
            if next_there(self.presence[index], 0.0) != 0.0:
                await person.stop()
        self.began_s = asyncio.get_running_loop().time()
        turns += [(number * LINKS_EVERY_S, "count", 0, 0) for number in range(1, int(self.until_s / LINKS_EVERY_S))]
        for at_s, turn, index, author in sorted(turns):
            if at_s >= self.until_s:
                break
            await asyncio.sleep(max(0.0, at_s - self.now()))
            match turn:
                case "come" if not self.people[index].running:
                    self.starts += 1
                    await self.people[index].start()
                case "go" if self.people[index].running:
                    await self._go(self.people[index])
                case "say":
                    await self._say(self.places[index], author)
                case "change":
                    await self._change(self.places[index])
                case "count":
                    self.links += [len(world_of(person).peers()) for person in self.people if person.running]
        await asyncio.sleep(max(0.0, self.until_s - self.now()))

    async def _go(self, person: Person) -> None:
        if self.chance.random() < self.scenario.killed:
            person.crash()
        else:
            await person.stop()

    def _plan_messages(self) -> list[tuple[float, int, int]]:
        """(when, place, author): at any time, by whoever is there, or as soon as they come."""
        planned = []
        for place in self.places:
            for _ in range(self.scenario.messages):
                author, wanted_s = self.chance.choice(place.members), self.chance.uniform(0, self.scenario.hours * HOUR_S)
                at_s = next_there(self.presence[author], wanted_s)
                if at_s is not None and at_s < self.until_s:
                    planned.append((at_s if at_s == wanted_s else at_s + AFTER_COMING_S, place.number, author))
        return planned

    async def _say(self, place: Place, author: int) -> None:
        person = self.people[author]
        if not person.running or author in place.moved:
            return
        with suppress(MultichatError):
            await person.say(place.channel, f"message {len(self.written)} in channel {place.number} " + "x" * 160)
            self.written.append(Written(place, author, self.now(), RecordId(person.acknowledged[-1][1])))

    async def _change(self, place: Place) -> None:
        """Somebody who is there comes into the channel, and somebody leaves it."""
        outside = [
            i for i in range(len(self.people)) if i not in place.everybody and self.people[i].running and i not in place.moved
        ]
        inside = [i for i in place.members if i != place.founder and self.people[i].running and i not in place.moved]
        with suppress(MultichatError):
            if outside:
                comer = self.chance.choice(outside)
                place.moved.add(comer)
                await self.people[comer].api.submit(JoinChannel(link=place.link))
            if inside:
                leaver = self.chance.choice(inside)
                place.moved.add(leaver)
                await self.people[leaver].api.submit(LeaveChannel(channel=place.channel))

    async def _live_apart(self) -> None:
        """Everybody is there, on two sides of a cut, and writes on; then it heals."""
        names = [person.name for person in self.people]
        self.chance.shuffle(names)
        half = len(names) // 2
        self.world.hub.partition(names[:half], names[half:])
        self.began_s = asyncio.get_running_loop().time()
        for at_s, number, author in sorted(self._plan_messages()):
            await asyncio.sleep(max(0.0, at_s - self.now()))
            await self._say(self.places[number], author)
        await asyncio.sleep(max(0.0, self.until_s - self.now()))

    # The end

    async def _come_together(self) -> None:
        """Everybody is there at last: all come to hold the same, and nothing that was acknowledged is lost."""
        if self.scenario.cut_hours:
            # This is what is measured.
            self.traffic.frames.clear()
            self.traffic.bytes.clear()
        else:
            self.world.hub.conditions = Conditions(latency_ms=5)
            self.world.hub.on_frame = None
        for person in self.people:
            person.skew_ms = 0
            if not person.running:
                await person.start()
        healed_s = self.now()
        self.world.hub.heal()
        await self._wait(self._is_one, "everybody holds the same", END_S)
        arrived = [self._since(index, note) or 0.0 for note in self.written for index in self._staying(note.place)]
        self.converged_s = max(0.0, max(arrived, default=0.0) - healed_s)
        await asyncio.sleep(60)

    def _staying(self, place: Place) -> list[int]:
        return [index for index in place.everybody if index not in place.moved]

    def _since(self, index: int, note: Written) -> float | None:
        """When a machine had a message, in the time of what is measured."""
        since = self.stores[index].since.get(note.record)
        return None if since is None else since - self.began_s

    def _is_one(self) -> bool:
        return all(
            note.record in self.stores[index].since for note in self.written for index in self._staying(note.place)
        ) and all(len({self._digest(index, place) for index in self._staying(place)}) == 1 for place in self.places)

    def _digest(self, index: int, place: Place) -> bytes:
        channel = self._channel(index, place)
        return b"" if channel is None else channel.chains.digest()

    def _check_end(self) -> None:
        """The same in the same order, each once; who may what is the same everywhere; what was acknowledged is there."""
        for place in self.places:
            orders = []
            for index in self._staying(place):
                with self.people[index].store.inner.transaction() as txn:
                    shown = [record.id for _, record in txn.timeline((place.channel,), before=None, after=None, limit=10**6)]
                assert len(shown) == len(set(shown)), "a message is shown twice"
                orders.append(shown)
                channel = self._channel(index, place)
                assert channel is not None
                assert self._members(index, place) == self._members(place.founder, place), "other members"
            assert all(order == orders[0] for order in orders), f"another order in channel {place.number}"
            said = {note.record for note in self.written if note.place is place}
            assert said <= set(orders[0]), "what was acknowledged is not shown"

    async def _wait(self, holds: Callable[[], bool], what: str, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not holds():
            assert loop.time() < deadline, f"not within {timeout_s:.0f} s: {what}"
            await asyncio.sleep(2)

    # What came of it

    def delays(self) -> tuple[list[float | None], list[float | None]]:
        """(as it was, as it could be at best): for each message and each other member, how long it took to get there; None where
        that was not within what is measured. Boxes do not count: nobody reads there."""
        found: list[float | None] = []
        best: list[float | None] = []
        for note in self.written:
            there = [*note.place.members, *note.place.boxes]
            author = there.index(note.author)
            least = foremost(author, note.at_s, [self.presence[index] for index in there])
            for position, index in enumerate(note.place.members):
                if index == note.author or index in note.place.moved:
                    continue
                since = self._since(index, note)
                found.append(None if since is None or since > self.until_s else since - note.at_s)
                first = least[position]
                best.append(None if first is None else first - note.at_s)
        return found, best

    def whole(self) -> float:
        """The share of messages that every member's machine had within what is measured."""
        had = [
            all(
                (since := self._since(index, note)) is not None and since <= self.until_s
                for index in note.place.members
                if index not in note.place.moved
            )
            for note in self.written
        ]
        return sum(had) / max(1, len(had))


def engine_of(person: Person) -> Engine:
    engine = person.api._engine
    assert engine is not None
    return engine


def world_of(person: Person) -> World:
    return engine_of(person).world


@contextmanager
def watched(failures: list[str], first_patience_ms: int) -> Iterator[None]:
    """What nodes log as failures of their own; and the patience of those who call in vain, for days of virtual time."""

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info is not None:
                failures.append(f"{record.getMessage()} {record.exc_info[1]!r}")

    watch, root = Watch(level=logging.WARNING), logging.getLogger("multichat_tui")
    root.addHandler(watch)
    before = dialing.MIN_REDIAL_MS, dialing.MAX_REDIAL_MS
    dialing.MIN_REDIAL_MS, dialing.MAX_REDIAL_MS = first_patience_ms, PATIENCE_MS
    try:
        yield
    finally:
        dialing.MIN_REDIAL_MS, dialing.MAX_REDIAL_MS = before
        root.removeHandler(watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What came of one run, as it is stored beside the figures. Times are seconds."""

    scenario: str
    seed: int
    machines: int
    messages: int
    deliveries: int
    """To a member's machine, within what is measured: after a cut, of what was written on the other side."""
    there: float
    """The share of the time that people's machines were there."""
    delays: dict[str, float | None]
    """Quantiles of the delay, by name; None where so many did not get it within what is measured."""
    best: dict[str, float | None]
    late: dict[str, float | None]
    """Quantiles of the delay beyond the least that presence permits, for deliveries that it permits within what is measured."""
    within: dict[str, float]
    """Which share of the deliveries took at most so long."""
    best_within: dict[str, float]
    whole: float
    """The share of messages that were delivered to everybody, within what is measured."""
    frames: dict[str, int]
    bytes: dict[str, int]
    links: dict[str, float]
    """Of a machine that is there: in the mean, and at most."""
    starts: int
    converged_s: float
    cpu_s: dict[str, float]


QUANTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}
WITHIN_S = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 172800)


def quantiles(delays: list[float | None]) -> dict[str, float | None]:
    ordered = sorted(float("inf") if delay is None else delay for delay in delays)
    found = (
        {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in QUANTILES.items()} if ordered else {}
    )
    return {name: None if delay == float("inf") else round(delay, 3) for name, delay in found.items()}


def shares_within(delays: list[float | None]) -> dict[str, float]:
    count = max(1, len(delays))
    return {str(limit): round(sum(d is not None and d <= limit for d in delays) / count, 4) for limit in WITHIN_S}


async def live(scenario: Scenario, seed: int) -> Lived:
    village = Village(scenario, seed)
    await village.live()
    found, best = village.delays()
    pairs = list(zip(found, best, strict=True))
    people = sum(count for _, count in scenario.people)
    return Lived(
        scenario=scenario.name,
        seed=seed,
        machines=len(village.people),
        messages=len(village.written),
        deliveries=sum((delay is None) == bool(scenario.cut_hours) for delay in found),
        there=round(share_there(village.presence[:people], village.until_s), 4),
        delays=quantiles(found),
        best=quantiles(best),
        late=quantiles([None if delay is None else delay - least for delay, least in pairs if least is not None]),
        within=shares_within(found),
        best_within=shares_within(best),
        frames=dict(sorted(village.traffic.frames.items())),
        bytes=dict(sorted(village.traffic.bytes.items())),
        whole=round(village.whole(), 4),
        links={"mean": round(statistics.fmean(village.links or [0]), 2), "most": max(village.links, default=0)},
        starts=village.starts,
        converged_s=round(village.converged_s, 3),
        cpu_s={what: round(seconds, 2) for what, seconds in village.cpu_s.items()},
    )
