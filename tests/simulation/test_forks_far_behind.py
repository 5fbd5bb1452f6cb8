"""Chains that fork while somebody who is far behind fetches them newest first: he ends with all branches, like everybody."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_far_behind import backlog, complete, has_newest, short_pages, three
from test_fork_stories import Forger, shows, story

from multichat_tui.model.acts import Message
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.records import Record
from multichat_tui.net.simulated import Conditions
from multichat_tui.node.engine import Engine

__all__ = ["short_pages"]


def engine(person: Person) -> Engine:
    return person.api._engine


async def forks(person: Person, channel: ChannelId, leaves: int) -> bool:
    return [len(found) for found in engine(person).world.channels[channel].chains.forks.values()] == [leaves]


async def linked(one: Person, other: Person) -> bool:
    return engine(one).world.session_of(engine(other).world.identity.device) is not None


async def settled(world: SimulatedWorld, channel: ChannelId, *people: Person) -> None:
    texts = await world.converge(channel, timeout_s=2000)
    assert len(texts) == len(set(texts))
    for person in people:
        await until(lambda person=person: complete(person, channel), f"{person.name} has no gap")


@pytest.mark.parametrize("seed", [401, 402])
def test_a_chain_that_forks_below_what_is_fetched_first(seed: int) -> None:
    async def play() -> None:
        world, channel, ana, ben, cleo = await three(seed)
        await world.pair(ben, cleo)
        await cleo.stop()
        forger = Forger(ben)
        await backlog(channel, 80, ana, ben)
        forger.tell(ana, channel, *forger.branch(channel, ["left 1"]))
        forger.tell(ana, channel, *forger.branch(channel, ["right 1"]))
        await until(lambda: shows(ana, channel, "left 1", "right 1"), "ana has both")
        for number in range(80, 320):
            await ana.say(channel, f"message {number}")
        await cleo.start()
        await until(lambda: shows(cleo, channel, "left 1", "right 1", "message 0", "message 319"), "cleo has all", timeout_s=900)
        await settled(world, channel, cleo)

    story(play)


@pytest.mark.parametrize("seed", [411, 412])
def test_a_chain_that_forks_after_the_newest_came(seed: int) -> None:
    async def play() -> None:
        world, channel, ana, ben, cleo = await three(seed)
        await world.pair(ben, cleo)
        await cleo.stop()
        forger = Forger(ben)
        await backlog(channel, 300, ana, ben)
        await cleo.start()
        await until(lambda: has_newest(cleo, channel, "message 299"), "the newest is there")
        forger.tell(ana, channel, *forger.branch(channel, ["left 1"]))
        forger.tell(ana, channel, *forger.branch(channel, ["right 1"]))
        await until(lambda: shows(cleo, channel, "left 1", "right 1", "message 0", "message 299"), "cleo has all", timeout_s=900)
        await settled(world, channel, cleo)
        assert await forks(cleo, channel, 2)

    story(play)


async def two_branches(
    seed: int, below: int, above: int, beside: int
) -> tuple[SimulatedWorld, ChannelId, Person, Person, Person, list[Record], list[Record]]:
    """Ana has one branch of ben's chain, of `above` records, dora another, of `beside`; both begin after the `below` records that
    cleo has. Dora is not linked with ana before both meet cleo, who is away."""
    world = SimulatedWorld(seed, Conditions(latency_ms=20))
    ana, ben, cleo, dora = await world.add("ana", "ben", "cleo", "dora")
    for one in (ben, cleo, dora):
        await world.pair(ana, one)
    channel = await world.channel_of(ana, ben, cleo, dora)
    await world.pair(ben, dora)
    await world.pair(cleo, dora)
    for number in range(below):
        await ben.say(channel, f"message {number}")
    await world.converge(channel)
    await cleo.stop()
    forger = Forger(ben)
    left = forger.branch(channel, [f"left {number}" for number in range(above)])
    right = forger.branch(channel, [f"right {number}" for number in range(beside)])
    world.hub.partition([ana.name], [dora.name])
    for start in range(0, len(left), 40):
        forger.tell(ana, channel, *left[start : start + 40])
    for start in range(0, len(right), 40):
        forger.tell(dora, channel, *right[start : start + 40])
    await asyncio.sleep(0.025)
    # Before they tell him of each other's.
    ben.crash()
    await until(lambda: shows(ana, channel, left_text(left)), "ana has the left one")
    await until(lambda: shows(dora, channel, f"right {beside - 1}"), "dora has the right one")
    assert not engine(ana).world.channels[channel].chains.forks
    assert not engine(dora).world.channels[channel].chains.forks
    return world, channel, ana, cleo, dora, left, right


def left_text(left: list[Record]) -> str:
    return f"left {len(left) - 1}"


@pytest.mark.parametrize(("seed", "beside"), [(421, 80), (424, 159), (425, 158)])
def test_a_branch_that_comes_from_below_meets_the_island_of_another(seed: int, beside: int) -> None:
    async def play() -> None:
        world, channel, ana, cleo, dora, left, right = await two_branches(seed, 30, 160, beside)
        world.hub.partition([ana.name, cleo.name], [dora.name])
        await cleo.start()
        await until(lambda: shows(cleo, channel, left_text(left)), "the newest of the left branch")
        await ana.stop()
        if beside > 80:
            world.hub.conditions = Conditions(latency_ms=20, jitter_ms=100, loss=0.1, reordering=0.2, reliable=False)
        world.hub.heal()
        await until(lambda: shows(cleo, channel, f"right {beside - 1}"), "the right branch comes from below", timeout_s=900)
        assert not await complete(cleo, channel)
        await cleo.stop()
        await cleo.start()
        await dora.stop()
        await ana.start()
        await until(lambda: shows(cleo, channel, "left 0", left_text(left)), "the rest of the left one", timeout_s=900)
        await dora.start()
        await settled(world, channel, cleo)
        for person in (ana, cleo, dora):
            await until(lambda person=person: forks(person, channel, 2), "two branches")
        leaves = engine(cleo).world.channels[channel].chains.forks
        assert [set(found) for found in leaves.values()] == [{left[-1].id, right[-1].id}]
        await cleo.stop()
        await cleo.start()
        assert engine(cleo).world.channels[channel].chains.forks == leaves

    story(play)


@pytest.mark.parametrize("seed", [431, 432])
def test_both_branches_come_at_once(seed: int) -> None:
    async def play() -> None:
        world, channel, _ana, cleo, _dora, left, _right = await two_branches(seed, 30, 160, 80)
        world.hub.heal()
        await cleo.start()
        await until(lambda: shows(cleo, channel, left_text(left), "right 79", "left 0"), "both branches", timeout_s=900)
        await settled(world, channel, cleo)
        assert await forks(cleo, channel, 2)

    story(play)


def test_a_branch_that_begins_above_a_gap_waits_until_that_is_closed() -> None:
    async def play() -> None:
        world, channel, ana, cleo, dora, left, _right = await two_branches(441, 30, 160, 80)
        await dora.stop()
        await cleo.start()
        await until(lambda: shows(cleo, channel, left_text(left)), "the newest of the left branch")
        chains = engine(cleo).world.channels[channel].chains
        assert chains.islands
        ((key, island),) = chains.islands.items()
        inside = next(record for record in left if record.header.seq == island.end.seq - 2)
        await ana.stop()
        ben = world.people["ben"]
        await ben.start()
        await until(lambda: linked(ben, cleo), "ben meets cleo")
        forger = Forger(ben)
        stray = forger.record(channel, Message(text="stray"), after=inside)
        forger.tell(cleo, channel, stray)
        await asyncio.sleep(5)
        assert not await shows(cleo, channel, "stray")
        assert key in chains.islands
        await ana.start()
        await until(lambda: shows(cleo, channel, "stray", "left 0"), "it is shown", timeout_s=900)
        assert key not in chains.islands
        await dora.start()
        await asyncio.sleep(1)
        await settled(world, channel, cleo)

    story(play)


def test_an_island_on_a_branch_that_nobody_has_holds_up_nothing() -> None:
    async def play() -> None:
        world, channel, ana, cleo, dora, left, _right = await two_branches(451, 30, 160, 80)
        world.hub.partition([ana.name, cleo.name], [dora.name])
        await cleo.start()
        await until(lambda: shows(cleo, channel, left_text(left)), "the newest of the left branch")
        assert engine(cleo).world.channels[channel].chains.islands
        ana.crash()
        del world.people["ana"]
        world.hub.heal()
        await until(lambda: shows(cleo, channel, "right 79"), "the right branch comes from below", timeout_s=900)
        for number in range(5):
            await dora.say(channel, f"dora {number}")
        await until(lambda: shows(cleo, channel, "dora 4"), "what dora writes upon it", timeout_s=60)
        await cleo.say(channel, "cleo")
        await until(lambda: shows(dora, channel, "cleo"), "what cleo writes upon it", timeout_s=60)

    story(play)
