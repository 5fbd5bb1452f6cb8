"""Many nodes in a few channels, for days of virtual time: one seeded history, and what must hold during it and at its end.

`python -m tests.simulation.many_nodes --nodes 50 --seeds 20` plays twenty fresh histories and prints each seed; `--first 1` those
from 1 on; `--seed S` repeats one. Hash seeds are fixed by starting again, so that a history is the same wherever it is played.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile_members import Hostile
from many_invariants import check_chains, check_delivery, check_end, differences, world_of
from many_mailboxes import Mailboxes
from many_plan import (
    DAY_MS,
    DAY_S,
    HOUR_S,
    KINDS,
    MAX_LOST,
    MAX_SECOND,
    ROUGH,
    SECOND,
    TURNS,
    YEAR_MS,
    Place,
    Plan,
    remove,
    watched_log,
)
from many_texts import Texts
from simulated_world import Person, SimulatedWorld

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, DeviceId, UserId
from multichat_tui.model.intents import (
    BanMember,
    ConnectTo,
    CreateChannel,
    GiveRank,
    Intent,
    InviteToChannel,
    JoinChannel,
    LeaveChannel,
    LiftBan,
    Lockdown,
    RemoveMember,
    RenameChannel,
    RevokeDevice,
    SetName,
    SetPermission,
    SetTopic,
)
from multichat_tui.model.mailbox_frames import MailboxFrameType
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR, MUTED, Permission
from multichat_tui.model.snapshots import Membership
from multichat_tui.net.simulated import Conditions, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.bodies import BODILESS_VERSION

MAILBOX_FRAMES = {MailboxFrameType.PUT: "deposits", MailboxFrameType.ENVELOPES: "collections"}


class History:
    """One of them. `play` raises AssertionError where something does not hold."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = SimulatedWorld(plan.seed, Conditions(latency_ms=2))
        self.world.new_store = plan.new_store
        self.chance = random.Random(f"history/{plan.seed}")  # chance of the simulated world, no secret
        self.places: list[Place] = []
        self.hostile: dict[str, Hostile] = {}
        self.mailboxes = Mailboxes(self)
        self.texts = Texts(self)
        self.lost: set[str] = set()
        """Machines whose devices are revoked."""
        self.helpers: dict[str, set[str]] = {}
        """By whom a machine is recognised that comes back: these stay where they are."""
        self.toggle_at: dict[str, float] = {}
        self.heal_at = 0.0
        self.said = 0
        self.happened: Counter[str] = Counter()
        self.leaks: list[str] = []
        self.users: dict[bytes, UserId] = {}
        """By the secret of the account."""
        self.devices: dict[str, DeviceId] = {}
        self.chance_of_checks = random.Random(f"checks/{plan.seed}")
        self._spoiling = False
        self._tasks: set[asyncio.Future[None]] = set()

    @property
    def honest(self) -> list[Person]:
        """Machines that count at the end."""
        others = {*self.hostile, *self.lost, *self.mailboxes.names}
        return [p for name, p in self.world.people.items() if name not in others]

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def play(self) -> None:
        with watched_log() as failures:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(
                lambda _, context: failures.append(f"{context.get('message')}: {context.get('exception')!r}")
            )
            await self.set_up()
            for step in range(self.plan.steps):
                self.come_and_go()
                await self.turn(step)
                self.mailboxes.turn()
                await self.texts.turn()
                if step % 40 == 39:
                    self.check_running(failures)
                await asyncio.sleep(self.pause())
            await self.settle()
            self.check_running(failures)
            await check_end(self)
            if self.plan.alone:
                await self.mailboxes.check_end()
                self.check_running(failures)

    # The beginning

    async def set_up(self) -> None:
        world, chance, count = self.world, self.chance, self.plan.nodes
        people = await world.add(*(f"n{number}" for number in range(count)))
        for person in people:
            me = (await person.api.me()).rows
            self.users[person.account_entropy], self.devices[person.name] = me.user, me.device
        if self.plan.hostile:
            kinds = KINDS if count >= 3 * len(KINDS) else chance.sample(KINDS, max(1, count // 3))
            for person, kind in zip(people[-len(kinds) :], kinds, strict=True):
                self.hostile[person.name] = Hostile(person, kind, random.Random(f"{kind}/{self.plan.seed}"))
        for number, person in enumerate(people):
            if chance.random() < 0.25:
                person.network.version = BODILESS_VERSION if self.plan.texts else 1
            self.toggle_at[person.name] = 0.0 if number else float("inf")
        world.hub.on_frame = self.tap
        for one, other in itertools.pairwise(people):
            if chance.random() < 0.5:
                await world.pair(one, other)
        for number in range(max(2, count // 15)):
            await self.found(number, people[number], people)
        if self.plan.mailboxes:
            await self.mailboxes.open(people)
        world.hub.conditions = ROUGH
        for person in people:
            if chance.random() < 0.2:
                person.skew_ms = self.skew()

    async def found(self, number: int, founder: Person, people: list[Person]) -> None:
        channel = (await founder.api.submit(CreateChannel(name=f"channel {number}"))).channel
        assert channel is not None
        place = Place(number, channel, founder)
        self.places.append(place)
        place.link = (
            await founder.api.submit(InviteToChannel(channel=channel, uses=200, expires_in_ms=YEAR_MS - DAY_MS))
        ).link or ""
        wanted = self.chance.sample(people, max(3, len(people) // 3))
        for person in {p.name: p for p in (*wanted, *(h.person for h in self.hostile.values()))}.values():
            if person is not founder:
                await self.join(person, place)
        await self.wait(lambda: len(self.members(place)) >= len(place.told), "all are in", 600)

    # Chance

    def pause(self) -> float:
        kind = self.chance.choices(("instant", "seconds", "minutes", "hours"), (20, 40, 30, 10))[0]
        longest = {"instant": 0.05, "seconds": 10, "minutes": 20 * 60, "hours": 5 * HOUR_S}[kind]
        return self.chance.uniform(0, longest)

    def skew(self) -> int:
        return int(self.chance.choice((1, 60, 86_400, 365 * 86_400, 5 * 365 * 86_400)) * 1000 * self.chance.uniform(-1, 1))

    def come_and_go(self) -> None:
        """A third is always there, a third is there for hours a day, a third for minutes, a tenth of the time."""
        for number, (name, person) in enumerate(list(self.world.people.items())):
            if self.now() < self.toggle_at.get(name, float("inf")) or name in self.lost:
                continue
            there, away = ((DAY_S, 60.0), (8 * HOUR_S, 16 * HOUR_S), (300.0, 3000.0))[number % 3]
            self.toggle_at[name] = self.now() + self.chance.expovariate(1 / (away if person.running else there))
            if person.running:
                self.begin(person.stop()) if self.chance.random() < 0.5 else person.crash()
            else:
                self.begin(person.start())

    def begin(self, change: Coroutine[Any, Any, object]) -> None:
        """A start or an end takes its time; a process may be killed over it."""

        async def changed() -> None:
            with suppress(MultichatError):
                await change

        task = asyncio.ensure_future(changed())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def turn(self, step: int) -> None:
        """One random thing happens."""
        if self.heal_at and self.now() >= self.heal_at:
            self.heal_at = 0.0
            self.world.hub.heal()
        person = self.chance.choice([each for each in self.world.people.values() if each.name not in self.mailboxes.names])
        mine = [place for place in self.places if person.name in place.told - place.away]
        place = self.chance.choice(mine if mine and self.chance.random() < 0.7 else self.places)
        kind = self.chance.choices(tuple(TURNS), tuple(TURNS.values()))[0]
        match kind:
            case "say" | "burst" if person.running:
                for _ in range(1 if kind == "say" else 12):
                    await self.say(person, place)
            case "crash" if person.running:
                person.store.crash_next = self.chance.choice(("before", "after"))
                await self.say(person, place)
            case "cut" if not self.heal_at:
                names = list(self.world.people)
                self.chance.shuffle(names)
                middle = self.chance.randrange(1, len(names))
                self.world.hub.partition(names[:middle], names[middle:])
                self.happened["cuts"] += 1
                self.heal_at = self.now() + self.chance.uniform(HOUR_S, 3 * DAY_S)
            case "clock":
                person.skew_ms = self.skew()
            case "rule":
                await self.rule(person, place, step)
            case "join" if person.running and person.name not in place.told and person.name not in self.lost:
                await self.join(person, place)
            case "leave" | "remove" if not self.has_founded(person, place) and person.name in place.told - place.away:
                await self.end(person, place, kind)
            case "moderate":
                able = [other for other in self.honest if other.running and self.moderates(other, place)]
                if able:
                    await self.moderate(self.chance.choice(able), place)
            case "restore" if len(self.lost) < MAX_LOST:
                await self.restore(person)
            case "second" if sum(name.endswith(SECOND) for name in self.world.people) < MAX_SECOND:
                await self.add_second(person)
            case "revoke" if len(self.lost) < MAX_LOST:
                await self.revoke(person)
            case "hostile" if self.hostile:
                hostile = self.chance.choice(list(self.hostile.values()))
                self.happened[hostile.kind] += 1
                self._spoiling = True
                hostile.turn(place.channel, place.mark)
                self._spoiling = False
            case _:
                pass

    # What happens

    async def say(self, person: Person, place: Place) -> None:
        """A message; whose process dies over it, or who may not write, was not told that it was sent."""
        if not person.running or place.channel not in self.channels(person):
            return
        self.said += 1
        with suppress(MultichatError):
            await person.say(place.channel, f"{place.mark} {person.name} {self.said}")
            self.happened["messages"] += 1

    async def do(self, person: Person, intent: Intent) -> bool:
        try:
            await person.api.submit(intent)
        except MultichatError:
            return False
        return True

    async def rule(self, person: Person, place: Place, step: int) -> None:
        if not person.running:
            return
        match self.chance.randrange(3):
            case 0:
                await self.do(person, SetTopic(channel=place.channel, topic=f"{place.mark} topic {step}"))
            case 1:
                await self.do(person, RenameChannel(channel=place.channel, name=f"{place.mark} {step}"))
            case _:
                await self.do(person, SetName(name=f"{person.name} since {step}"))

    async def join(self, person: Person, place: Place) -> None:
        self.happened["joins"] += 1
        place.told.update(self.machines_of(person))
        await self.do(person, JoinChannel(link=place.link))

    async def end(self, person: Person, place: Place, kind: str) -> None:
        """Somebody leaves, or a founder's node removes them."""
        if self.all_helpers().intersection(self.machines_of(person)):
            return
        if kind == "leave" and person.running:
            if await self.do(person, LeaveChannel(channel=place.channel)):
                self.happened["leavings"] += 1
                place.away.update(self.machines_of(person))
        elif (
            kind == "remove"
            and place.founder.running
            and remove(place.founder, place.channel, self.users[person.account_entropy])
        ):
            self.happened["removals"] += 1
            place.away.update(self.machines_of(person))

    def has_founded(self, person: Person, place: Place) -> bool:
        """On whatever machine of theirs."""
        return person.account_entropy == place.founder.account_entropy

    def moderates(self, person: Person, place: Place) -> bool:
        """As they see it themselves."""
        engine = person.api._engine
        mine = None if engine is None else engine.world.channels.get(place.channel)
        user = self.users[person.account_entropy]
        return mine is not None and mine.rooted and (mine.view.rank(user) or MUTED) >= MODERATOR

    async def moderate(self, person: Person, place: Place) -> None:
        """Somebody does something to the rights of somebody else, perhaps by what they knew long ago. Those on whom it hangs that
        others come back stay as they are."""
        chance, channel = self.chance, place.channel
        staying = {self.users[self.world.people[name].account_entropy] for name in (*self.all_helpers(), *self.helpers)}
        engine = person.api._engine
        mine = None if engine is None else engine.world.channels.get(channel)
        others = [] if mine is None or not mine.rooted else sorted(set(mine.view.members) - staying)
        if not others:
            return
        target = chance.choice(others)
        rank = chance.choice((ADMIN, MODERATOR, 20, MEMBER, MEMBER, MUTED))
        # Most of it by whom it may be done: a few are raised first.
        intent: Intent = chance.choice(
            (
                GiveRank(channel=channel, user=target, rank=rank),
                GiveRank(channel=channel, user=target, rank=chance.choice((ADMIN, MODERATOR))),
                SetPermission(channel=channel, permission=chance.choice(tuple(Permission)), rank=chance.choice((rank, MEMBER))),
                Lockdown(channel=channel, on=chance.random() < 0.4),
                BanMember(channel=channel, user=target, lasts_ms=int(chance.uniform(0, 3 * DAY_MS))),
                RemoveMember(channel=channel, user=target),
                LiftBan(channel=channel, user=chance.choice(sorted(mine.view.bans)))
                if mine is not None and mine.view.bans
                else SetTopic(channel=channel, topic=f"{place.mark} moderated"),
            )
        )
        if await self.do(person, intent):
            self.happened[f"moderated: {type(intent).__name__}"] += 1

    async def restore(self, person: Person) -> None:
        """From the phrase alone; the lost machine is never started again. Only whom a contact can recognise."""
        founders = {place.founder.name for place in self.places}
        if person.name in founders or not self.has_one_machine(person):
            return
        helpers = await self.helpers_of(person)
        if not helpers:
            return
        await person.stop()
        self.lost.add(person.name)
        self.happened["restored"] += 1
        await self.restored(person, f"{person.name} again", helpers, revoke=True)

    async def add_second(self, person: Person) -> None:
        """Another machine of an account whose first one stays."""
        helpers = await self.helpers_of(person) if self.has_one_machine(person) else set()
        if not helpers:
            return
        self.happened["second machines"] += 1
        await self.restored(person, person.name + SECOND, helpers, revoke=False)

    async def restored(self, person: Person, name: str, helpers: set[str], *, revoke: bool) -> None:
        for place in self.places:
            for names in (place.told, place.away):
                if person.name in names:
                    names.add(name)
        self.helpers[name] = helpers
        machine = await self.world.restore(person, name, revoke=revoke)
        self.devices[name] = world_of(machine).identity.device
        self.toggle_at[name] = float("inf") if revoke else self.now() + DAY_S
        await self.call_helpers(machine)

    async def call_helpers(self, machine: Person) -> None:
        """Announcements have room for so many keys, those of return last: its owner enters addresses of those who may help."""
        for name in sorted(self.helpers[machine.name]):
            helper = self.world.people[name]
            if helper.running and machine.running and world_of(machine).identity.returning is not None:
                await self.do(machine, ConnectTo(address=helper.network.address))

    def has_one_machine(self, person: Person) -> bool:
        stays = person.name in self.hostile or person.name in self.all_helpers()
        return person.running and not stays and self.machines_of(person) == [person.name]

    async def revoke(self, person: Person) -> None:
        """One of two machines of an account ends the other, which goes on until it hears of it and is not started again then."""
        others = [name for name in self.machines_of(person) if name not in (person.name, *self.lost)]
        founders = {place.founder.name for place in self.places}
        if not others or person.name in self.lost or others[0] in founders or not self.channels(person):
            return
        other = self.world.people[others[0]]
        device = self.devices[other.name]
        identity = world_of(person).identity
        known = {certificate.device for certificate in identity.devices.living}
        if identity.returning is not None or device not in known or identity.device not in known:
            return
        if await self.do(person, RevokeDevice(device=device)):
            self.happened["revoked"] += 1
            self.lost.add(other.name)

    def all_helpers(self) -> set[str]:
        return set().union(*self.helpers.values())

    async def helpers_of(self, person: Person) -> set[str]:
        """Who has lost everything is let into a channel again by a contact who is in it: there must be an honest one in each, who
        stays there. Their machines; none where somebody would not be recognised everywhere."""
        contacts = {row.user for row in (await person.api.contacts()).rows if not row.pending}
        if not person.running:
            return set()  # its end had begun before it was asked
        friends = {p.name: self.users[p.account_entropy] for p in self.honest if p is not person}
        friends = {name: user for name, user in friends.items() if user in contacts}
        for place in self.places:
            if person.name not in place.told or person.name in place.away:
                continue
            mine = world_of(person).channels.get(place.channel)
            if mine is None or mine.standing.membership is not Membership.JOINED:
                return set()
            if not any(name in place.told - place.away and user in mine.view.members for name, user in friends.items()):
                return set()
        return set(friends)

    def machines_of(self, person: Person) -> list[str]:
        return [name for name, other in self.world.people.items() if other.account_entropy == person.account_entropy]

    def tap(self, sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> None:
        """Every frame as it is sent: who was never told of a channel gets nothing that names it or was said in it."""
        if frame[1:3] == b"\x00\x18" and frame[3] in MAILBOX_FRAMES:
            self.happened[MAILBOX_FRAMES[frame[3]]] += 1
        for hostile in self.hostile.values():
            if hostile.person.network in (sender, receiver):
                hostile.overhear(frame)
        if self._spoiling:
            return
        self.leaks += self.texts.leaks(sender, receiver, frame)
        for place in self.places:
            if receiver.name not in place.told and (place.channel[:8] in frame or place.mark.encode() in frame):
                self.leaks.append(f"{sender.name} told {receiver.name} of {place.mark}")
            elif (
                place.mark.encode() in frame
                and not self.is_member(sender, receiver, place)
                and not self.is_farewell(sender, receiver, place, frame)
            ):
                self.leaks.append(f"{sender.name} served {receiver.name}, whom it knows to be no member of {place.mark}")

    def is_member(self, sender: SimulatedNetwork, receiver: SimulatedNetwork, place: Place) -> bool:
        """As the sender sees it when the frame leaves: after the commit that caused it."""
        node = self.world.people[sender.name].node
        mine = None if node is None or node._engine is None else node._engine.world.channels.get(place.channel)
        there = self.world.people[receiver.name]
        user = self.users[there.account_entropy]
        if mine is None:
            return True
        if user not in mine.view.members:
            return False
        # A profile that was found to be a copy goes on as another device.
        engine = None if there.node is None else there.node._engine
        return engine is None or engine.world.identity.device not in mine.view.revocations

    def is_farewell(self, sender: SimulatedNetwork, receiver: SimulatedNetwork, place: Place, frame: bytes) -> bool:
        """Whether it holds nothing but what shows somebody why they are no member, with all that was before that."""
        there, person = self.world.people[receiver.name], self.world.people[sender.name]
        node = person.node
        mine = None if node is None or node._engine is None else node._engine.world.channels.get(place.channel)
        said = [f"{place.mark} {name} ".encode() for name in self.world.people]
        if mine is None or any(each in frame for each in said):
            return False
        grounds = mine.control.grounds(self.users[there.account_entropy])
        with person.store.inner.transaction() as txn:
            others = [op.id for op in mine.control.newest_first() if not grounds >> op.index & 1]
            bodies = [record.body for record in map(txn.record, others) if record is not None and record.body]
        return not any(body in frame for body in bodies)

    # What is so

    def channels(self, person: Person) -> dict[ChannelId, object]:
        engine = person.api._engine if person.running else None
        return {} if engine is None else dict(engine.world.channels)

    def members(self, place: Place) -> frozenset[UserId]:
        engine = place.founder.api._engine
        assert engine is not None
        return frozenset(engine.world.channels[place.channel].view.members)

    def check_running(self, failures: list[str]) -> None:
        assert not failures, failures[:5]
        assert not self.leaks, self.leaks[:5]
        check_delivery(self)
        check_chains(self)

    # The end

    async def settle(self) -> None:
        """Everything heals: cuts, clocks, wires, machines; then everybody must come to hold the same."""
        self.happened["hours"] = int(self.now() / HOUR_S)
        world = self.world
        world.hub.heal()
        world.hub.conditions = Conditions(latency_ms=2)
        self.toggle_at = {}
        for person in world.people.values():
            person.skew_ms = 0
            person.store.crash_next = None
        await asyncio.gather(*self._tasks)
        for person in self.honest:
            if not person.running:
                await person.start()
        await self.mailboxes.settle()
        for name in (*self.hostile, *self.lost):
            world.people[name].crash()
        for person in self.honest:
            if person.name in self.helpers:
                await self.call_helpers(person)
        await self.wait(lambda: not differences(self), "the same everywhere", 12 * HOUR_S, lambda: str(differences(self)[:6]))
        if self.plan.texts:
            await self.texts.settle()
        for place in self.places:
            await self.say(place.founder, place)
        await self.wait(lambda: not differences(self), "the same at the end", HOUR_S, lambda: str(differences(self)[:6]))
        await asyncio.sleep(60)

    async def wait(self, holds: Callable[[], bool], what: str, timeout_s: float, why: Callable[[], str] = str) -> None:
        deadline = self.now() + timeout_s
        while not holds():
            assert self.now() < deadline, f"not within {timeout_s} s: {what}; {why()}"
            await asyncio.sleep(1 if timeout_s <= 600 else 20)


def play(plan: Plan) -> History:
    async def played() -> History:
        history = History(plan)
        await history.play()
        return history

    return run_virtual(played())


def told(plan: Plan) -> tuple[bool, str]:
    """(whether it was clean, what is printed of it)."""
    began = time.process_time()
    try:
        history = play(plan)
    except (AssertionError, RuntimeError) as error:
        return False, f"FAILED seed {plan.seed}: {error!r}"
    what = ", ".join(f"{count} {kind}" for kind, count in sorted(history.happened.items()))
    machines = len(history.world.people)
    return True, f"clean: seed {plan.seed}, {machines} machines, {time.process_time() - began:.0f} s of CPU; {what}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.many_nodes", description=__doc__)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--mailboxes", type=int, default=0, help="machines that keep one, every third in bad faith")
    parser.add_argument("--alone", action="store_true", help="with mailboxes: at the end a word must go by mailbox alone")
    parser.add_argument("--seeds", type=int, default=1, help="how many, fresh ones")
    parser.add_argument("--first", type=int, help="so many from this one on, instead of fresh ones")
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--jobs", type=int, default=1, help="processes beside each other")
    parser.add_argument("--texts", action="store_true", help="some are for some members, for a time, or taken away")
    asked = parser.parse_args(arguments)
    size = {
        "nodes": asked.nodes,
        "steps": asked.steps,
        "mailboxes": asked.mailboxes,
        "alone": asked.alone,
        "texts": asked.texts,
    }
    if asked.seed is not None:
        play(Plan(seed=asked.seed, **size))
        print(f"clean: seed {asked.seed}")
        return 0
    fresh = random.SystemRandom()
    first = asked.first
    seeds = [fresh.randrange(10**9) if first is None else first + number for number in range(asked.seeds)]
    plans = [Plan(seed=seed, **size) for seed in seeds]
    failed = []
    for seed, (clean, words) in zip(seeds, _played(plans, asked.jobs), strict=True):
        print(words, flush=True)
        if not clean:
            failed.append(seed)
    print(f"{len(seeds) - len(failed)} of {len(seeds)} clean")
    if failed:
        again = f"--nodes {asked.nodes} --steps {asked.steps}" + (f" --mailboxes {asked.mailboxes}" if asked.mailboxes else "")
        again += (" --alone" if asked.alone else "") + (" --texts" if asked.texts else "")
        print("again:", *(f"python -m tests.simulation.many_nodes {again} --seed {seed}" for seed in failed), sep="\n")
    return 1 if failed else 0


def _played(plans: list[Plan], jobs: int) -> Iterator[tuple[bool, str]]:
    """In their order, as they are done."""
    if jobs == 1:
        yield from map(told, plans)
        return
    # New processes now and then: nothing of one history may stay with the next hundred.
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=20) as pool:
        yield from pool.imap(told, plans)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of ids are walked in the order of their hashes.
        os.execve(sys.executable, [*sys.orig_argv], os.environ | {"PYTHONHASHSEED": "0"})
    raise SystemExit(main(sys.argv[1:]))
