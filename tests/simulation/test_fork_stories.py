"""Devices that write two different records at one place, and profiles that were copied: everybody ends with all of it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.acts import Act, Message, SetTopic
from multichat_tui.model.frames import FullItem, MessageFrame, encode_frame
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log
from multichat_tui.model.limits import MAX_BRANCHES, MAX_PARENTS
from multichat_tui.model.records import Record
from multichat_tui.model.trust import AlarmKind
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "node"))

from test_node_hostile import Mallory

ROUGH = Conditions(latency_ms=20, jitter_ms=30, loss=0.1, duplication=0.1, reordering=0.1, reliable=False)


def story(play: Callable[[], Awaitable[None]]) -> None:
    run_virtual(play())  # type: ignore[arg-type]  # coroutine functions


class Forger:
    """A member who signs what he likes, with the keys and links of a person's node, and tells each one another thing."""

    def __init__(self, person: Person) -> None:
        self.mallory = Mallory(person)
        self.person = person

    def record(
        self, channel: ChannelId, act: Act, log: Log = Log.CONTENT, after: Record | None = None, **other: object
    ) -> Record:
        """On top of what the node holds, or of a record that it does not hold."""
        ahead = 0 if after is None else 1 + after.header.seq - self.mallory.record(channel, (act,), log=log).header.seq
        if after is not None:
            other.update(prev=after.id, parents=(after.id,))
        return self.mallory.record(channel, (act,), log=log, seq_ahead=ahead, **other)  # type: ignore[arg-type]

    def branch(self, channel: ChannelId, texts: list[str]) -> list[Record]:
        records: list[Record] = []
        for text in texts:
            records.append(self.record(channel, Message(text=text), after=records[-1] if records else None))
        return records

    def tell(self, whom: Person, channel: ChannelId, *records: Record) -> None:
        device = Mallory(whom).world.identity.device
        session = self.mallory.world.session_of(device)
        assert session is not None
        items = tuple(FullItem(header_bytes=r.header_bytes, signature=r.signature, body=r.body) for r in records)
        self.person.network.send(session.link, encode_frame(MessageFrame(channel=channel[:PREFIX_SIZE], items=items)))


async def shows(person: Person, channel: ChannelId, *texts: str) -> bool:
    return set(texts) <= set(await person.texts(channel))


async def four(seed: int) -> tuple[SimulatedWorld, list[Person], Person, ChannelId, Forger]:
    """Three honest members, all linked, and a forger whose node will say nothing by itself any more."""
    world = SimulatedWorld(seed, Conditions(latency_ms=2))
    ann, kim, dave, bob = await world.add("ann", "kim", "dave", "bob")
    for one in (kim, dave, bob):
        await world.pair(ann, one)
    channel = await world.channel_of(ann, kim, dave, bob)
    await world.pair(bob, kim)
    await world.pair(bob, dave)
    await ann.say(channel, "begin")
    await world.converge(channel)
    return world, [ann, kim, dave], bob, channel, Forger(bob)


@pytest.mark.parametrize("seed", range(301, 307))
def test_different_branches_to_different_members_end_at_all_and_in_one_order(seed: int) -> None:
    async def play() -> None:
        world, (ann, kim, dave), bob, channel, forger = await four(seed)
        one = forger.branch(channel, ["one", "one more"])
        other = forger.branch(channel, ["other", "other more", "other most"])
        forger.tell(ann, channel, *one)
        forger.tell(kim, channel, *other)
        await until(lambda: shows(ann, channel, "one more"), "one branch")
        await until(lambda: shows(kim, channel, "other most"), "the other")
        bob.crash()
        world.hub.conditions = ROUGH
        await ann.say(channel, "ann on one")
        await kim.say(channel, "kim on other")
        await dave.say(channel, "dave")
        texts = await world.converge(channel)
        assert {"one", "one more", "other", "other more", "other most", "ann on one", "kim on other", "dave"} <= set(texts)
        for person in (ann, kim, dave):
            await person.stop()
            await person.start()
        await ann.say(channel, "after a restart")
        await world.converge(channel)
        assert await shows(dave, channel, "after a restart")

    story(play)


@pytest.mark.parametrize("seed", range(311, 315))
def test_a_fork_of_the_control_log_gives_all_the_same_channel(seed: int) -> None:
    async def play() -> None:
        world, (ann, kim, dave), bob, channel, forger = await four(seed)
        one = forger.record(channel, SetTopic(topic="one"), Log.CONTROL)
        other = forger.record(channel, SetTopic(topic="other"), Log.CONTROL)
        forger.tell(ann, channel, one)
        forger.tell(kim, channel, other)
        bob.crash()
        world.hub.conditions = ROUGH
        await ann.say(channel, "ann")
        await kim.say(channel, "kim")

        async def same() -> bool:
            topics = {(await person.api.channel(channel)).rows.topic for person in (ann, kim, dave)}
            return len(topics) == 1 and "" not in topics

        await until(same, "one topic")
        await world.converge(channel)
        for person in (ann, kim, dave):
            control = Mallory(person).world.channels[channel].control
            assert control.operation(one.id) is not None
            assert control.operation(other.id) is not None

    story(play)


def test_more_branches_than_a_record_has_parents_are_merged() -> None:
    async def play() -> None:
        world, (ann, kim, dave), bob, channel, forger = await four(321)
        roots = [forger.record(channel, Message(text=f"branch {number}")) for number in range(MAX_PARENTS * 2)]
        for number, record in enumerate(roots):
            forger.tell((ann, kim, dave)[number % 3], channel, record)
        bob.crash()
        await asyncio.sleep(1)
        await dave.say(channel, "over all of them")
        texts = await world.converge(channel)
        assert len(texts) == 2 + len(roots)

    story(play)


def test_branches_beyond_the_bound_come_only_under_what_others_wrote() -> None:
    async def play() -> None:
        world, (ann, kim, _), bob, channel, forger = await four(322)
        many = [forger.record(channel, Message(text=f"branch {number}")) for number in range(MAX_BRANCHES + 20)]
        forger.tell(ann, channel, *many)
        forger.tell(kim, channel, *reversed(many))
        key = (Log.CONTENT, Mallory(bob).world.identity.device[:PREFIX_SIZE])

        async def full() -> bool:
            return all(len(Mallory(p).world.channels[channel].chains.forks.get(key, ())) >= MAX_BRANCHES for p in (ann, kim))

        await until(full, "as many as are taken")
        assert "branch 0" not in await kim.texts(channel)
        bob.crash()
        await ann.say(channel, "ann on the first ones")
        await kim.say(channel, "kim on the last ones")
        texts = await world.converge(channel)
        assert len(texts) == 3 + len(many)

    story(play)


@pytest.mark.parametrize("seed", range(331, 335))
def test_a_long_fork_is_caught_up_with(seed: int) -> None:
    """Branches of several windows, one side of which was away meanwhile; links lose and reorder."""

    async def play() -> None:
        world, (ann, kim, dave), bob, channel, forger = await four(seed)
        dave.crash()
        one = forger.branch(channel, [f"one {number}" for number in range(300)])
        other = forger.branch(channel, [f"other {number}" for number in range(400)])
        for start in range(0, 400, 100):
            forger.tell(ann, channel, *one[start : start + 100])
            forger.tell(kim, channel, *other[start : start + 100])
        await until(lambda: shows(ann, channel, "one 299"), "one branch")
        await until(lambda: shows(kim, channel, "other 399"), "the other")
        bob.crash()
        world.hub.conditions = ROUGH
        await dave.start()
        await kim.say(channel, "kim")
        texts = await world.converge(channel, timeout_s=1200)
        assert len(texts) == 702

    story(play)


def test_a_record_that_follows_anothers_is_refused() -> None:
    """Prev is the record before in the same chain, or none."""

    async def play() -> None:
        _, (ann, _, _), _, channel, forger = await four(341)
        theirs = Mallory(ann).world.channels[channel].chains
        head = next(iter(theirs.heads[Log.CONTENT]))
        mine = forger.branch(channel, ["first", "second"])
        odd = forger.mallory.record(channel, (Message(text="odd"),), seq_ahead=2, prev=head)
        forger.tell(ann, channel, *mine)
        await until(lambda: shows(ann, channel, "second"), "an honest chain")
        forger.tell(ann, channel, odd)

        async def counted() -> bool:
            return dict((await ann.api.status()).rows.counters).get("record-chain", 0) > 0

        await until(counted, "counted")
        assert "odd" not in await ann.texts(channel)

    story(play)


def test_everybody_is_warned_of_a_device_that_forks() -> None:
    async def play() -> None:
        _, (ann, kim, dave), bob, channel, forger = await four(342)
        forger.tell(ann, channel, *forger.branch(channel, ["one"]))
        forger.tell(kim, channel, *forger.branch(channel, ["other"]))
        await until(lambda: shows(kim, channel, "other"), "a branch")
        bob.crash()

        async def warned() -> bool:
            told = [(await person.api.status()).rows.alarms for person in (ann, kim, dave)]
            return all([alarm.kind for alarm in alarms] == [AlarmKind.COPIED] for alarms in told)

        await until(warned, "a warning everywhere")

    story(play)
