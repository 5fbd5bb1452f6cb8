"""Devices that write two different records at one place, and profiles that were copied: everybody ends with all of it."""

import asyncio
import copy
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.acts import Act, Message, SetTopic
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import ChainTip, ChannelOffer, FullItem, MessageFrame, Offer
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log
from multichat_tui.model.intents import SendMessage
from multichat_tui.model.limits import FORKED_LINK_MS, MAX_BRANCHES, MAX_PARENTS, MIN_SHUN_MS
from multichat_tui.model.records import Record
from multichat_tui.model.trust import AlarmKind
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "node"))

from test_node_hostile import Mallory

ROUGH = Conditions(latency_ms=20, jitter_ms=30, loss=0.1, duplication=0.1, reordering=0.1, reliable=False)


def story(play: Callable[[], Awaitable[None]]) -> None:
    run_virtual(play())


class Forger:
    """A member who signs what he likes, with the keys and links of a person's node, and tells each one another thing."""

    def __init__(self, person: Person) -> None:
        self.mallory = Mallory(person)
        self.person = person
        self.device = self.mallory.world.identity.device

    def record(
        self, channel: ChannelId, act: Act, log: Log = Log.CONTENT, after: Record | None = None, **other: object
    ) -> Record:
        """On top of what the node holds, or of a record that it does not hold."""
        ahead = 0 if after is None else 1 + after.header.seq - self.mallory.record(channel, (act,), log=log).header.seq
        if after is not None:
            other.update(prev=after.id, parents=(after.id,))
        return self.mallory.record(channel, (act,), log=log, seq_ahead=ahead, **other)

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


class Copy(Person):
    """Another machine with a copy of somebody's profile as it is now."""

    def __init__(self, original: Person, name: str) -> None:
        super().__init__(original.world, name)
        self.store.inner = copy.deepcopy(original.store.inner)
        original.world.people[name] = self


async def stopped(person: Person) -> bool:
    return "is a copy" in (await person.api.status()).rows.trouble


async def refuses(person: Person, channel: ChannelId) -> bool:
    try:
        await person.api.submit(SendMessage(channel=channel, text="never said"))
    except IntentRefused:
        return True
    return False


async def kinds(person: Person) -> set[AlarmKind]:
    return {alarm.kind for alarm in (await person.api.status()).rows.alarms}


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
            before = Mallory(person).world.channels[channel].chains.forks
            await person.stop()
            await person.start()
            assert [sorted(leaves) for leaves in before.values()] == [sorted((one[-1].id, other[-1].id))]
            assert Mallory(person).world.channels[channel].chains.forks == before
            assert Mallory(person).world.forked == {forger.device}
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


@pytest.mark.parametrize("seed", range(331, 333))
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
        for person in (ann, kim, dave):
            assert [row.name for row in (await person.api.members(channel)).rows if row.forked] == ["bob"]

    story(play)


# Copies and snapshots of profiles


async def three(seed: int) -> tuple[SimulatedWorld, Person, Person, Person, ChannelId]:
    world = SimulatedWorld(seed, Conditions(latency_ms=2))
    ann, kim, bob = await world.add("ann", "kim", "bob")
    await world.pair(ann, kim)
    await world.pair(ann, bob)
    channel = await world.channel_of(ann, kim, bob)
    await ann.say(channel, "begin")
    await bob.say(channel, "bob begins")
    await world.converge(channel)
    return world, ann, kim, bob, channel


@pytest.mark.parametrize("seed", range(351, 355))
def test_a_profile_copied_while_running_stops_and_nothing_is_lost(seed: int) -> None:
    """Both copies write without knowing of each other, and meet through a third."""

    async def play() -> None:
        world, ann, kim, bob, channel = await three(seed)
        other = Copy(bob, "other bob")
        world.hub.partition(["bob", "ann"], ["other bob", "kim"])
        await other.start()
        await bob.say(channel, "bob here")
        await other.say(channel, "bob there")
        await other.say(channel, "bob there again")
        await until(lambda: shows(ann, channel, "bob here"), "one side")
        await until(lambda: shows(kim, channel, "bob there again"), "the other side")
        world.hub.heal()
        await until(lambda: stopped(bob), "the one stops", timeout_s=3600)
        await until(lambda: stopped(other), "the other stops", timeout_s=3600)
        assert await refuses(bob, channel)
        assert await refuses(other, channel)
        said = ("bob here", "bob there", "bob there again")

        async def everywhere() -> bool:
            return all([await shows(person, channel, *said) for person in (ann, kim, bob, other)])

        await until(everywhere, "all of it", timeout_s=3600)
        for person in (ann, kim, bob, other):
            assert "never said" not in await person.texts(channel)
        assert AlarmKind.COPIED in await kinds(ann)
        assert AlarmKind.OWN_COPY in await kinds(bob)
        await ann.say(channel, "afterwards")
        await until(lambda: shows(bob, channel, "afterwards"), "links stay for reading", timeout_s=3600)
        await bob.stop()
        await bob.start()
        assert await refuses(bob, channel)

    story(play)


@pytest.mark.parametrize("seed", range(361, 365))
def test_a_restored_snapshot_that_meets_somebody_first_forks_nothing(seed: int) -> None:
    async def play() -> None:
        world, ann, kim, bob, channel = await three(seed)
        snapshot = copy.deepcopy(bob.store.inner)
        await bob.stop()
        await bob.start()
        await bob.say(channel, "after the snapshot")
        await world.converge(channel)
        await bob.stop()
        bob.store.inner = snapshot
        await bob.start()
        await until(lambda: stopped(bob), "it stops")
        await until(lambda: shows(bob, channel, "after the snapshot"), "it has its own records again")
        assert await refuses(bob, channel)
        for person in (ann, kim):
            assert all(not c.chains.forks for c in Mallory(person).world.channels.values())
            assert "forked" not in dict((await person.api.status()).rows.counters)

        async def warned() -> bool:
            return AlarmKind.SET_BACK in await kinds(ann)

        await until(warned, "a warning of the earlier state")

    story(play)


def test_a_snapshot_is_told_again_what_it_had_acknowledged() -> None:
    async def play() -> None:
        world, ann, _, bob, channel = await three(371)
        snapshot = copy.deepcopy(bob.store.inner)
        await ann.say(channel, "acknowledged")
        await world.converge(channel)
        await bob.stop()
        bob.store.inner = snapshot
        await bob.start()
        await until(lambda: shows(bob, channel, "acknowledged"), "told again")
        await bob.say(channel, "nothing of mine was lost")
        await world.converge(channel)
        assert AlarmKind.OWN_COPY not in await kinds(bob)

    story(play)


def test_a_node_that_only_hears_of_its_copy_goes_on() -> None:
    """Tips alone prove nothing: anybody could lie."""

    async def play() -> None:
        _, ann, _, bob, channel = await three(372)
        liar = Mallory(ann)
        device = Mallory(bob).world.identity.device
        tip = ChainTip(device=device[:PREFIX_SIZE], log=Log.CONTENT, seq=0, hash=b"x" * 8)
        ahead = ChainTip(device=device[:PREFIX_SIZE], log=Log.CONTENT, seq=7, hash=b"y" * 8)
        session = liar.world.session_of(device)
        assert session is not None
        for number in range(3):
            offer = Offer(number=1000 + number, channels=(ChannelOffer(channel=channel, tips=(tip, ahead)),))
            ann.network.send(session.link, encode_frame(offer))
            await asyncio.sleep(10)
        await bob.say(channel, "still writing")
        await until(lambda: shows(ann, channel, "still writing"), "delivered")

    story(play)


def test_two_copies_that_are_up_at_once_are_noticed_before_they_write() -> None:
    async def play() -> None:
        world, ann, _, bob, channel = await three(373)
        other = Copy(bob, "other bob")
        await other.start()

        async def told() -> bool:
            return bool({AlarmKind.RUNNING_TWICE, AlarmKind.SET_BACK} & await kinds(ann))

        await until(told, "a warning")
        # Both were said in the same moment: which comes first is for the ids to say.
        assert sorted(await world.converge(channel)) == ["begin", "bob begins"]

    story(play)


def test_a_restart_is_no_second_copy() -> None:
    async def play() -> None:
        world, ann, _, bob, channel = await three(374)
        for _ in range(5):
            bob.crash()
            await bob.start()
            await bob.say(channel, "again")
            await world.converge(channel)
            await asyncio.sleep(20)
        assert await kinds(ann) == set()

    story(play)


def test_links_with_a_device_that_forks_are_short_and_far_between() -> None:
    async def play() -> None:
        world, (ann, kim, dave), _, channel, forger = await four(375)
        forger.tell(ann, channel, *forger.branch(channel, ["one"]))
        forger.tell(kim, channel, *forger.branch(channel, ["other"]))
        device = forger.mallory.world.identity.device
        people = (ann, kim, dave)

        async def cut() -> bool:
            return all(Mallory(person).world.session_of(device) is None for person in people)

        await until(cut, "no link with it", timeout_s=FORKED_LINK_MS / 1000 + 60)
        linked = 0
        for _ in range(60):
            await asyncio.sleep(MIN_SHUN_MS / 1000 / 4)
            linked += any(Mallory(person).world.session_of(device) is not None for person in people)
        assert linked < 30
        await world.converge(channel)

    story(play)


def test_however_many_branches_there_are_offers_and_acknowledgements_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forger and somebody who writes upon all his branches make others hold any number; what is said of them is bounded."""
    monkeypatch.setattr("multichat_tui.sync.chains.MAX_BRANCHES", 4)
    monkeypatch.setattr("multichat_tui.node.branches.MAX_BRANCHES", 4)
    monkeypatch.setattr("multichat_tui.node.offers.MAX_BRANCHES", 4)
    monkeypatch.setattr("multichat_tui.node.offers.MAX_TIPS", 9)

    async def play() -> None:
        world, (ann, kim, dave), bob, channel, forger = await four(376)
        many = [forger.record(channel, Message(text=f"branch {number}")) for number in range(24)]
        parts = ((ann, many[:4]), (kim, many[4:8]), (dave, many[8:12]))
        for person, part in parts:
            forger.tell(person, channel, *part)

        async def held() -> bool:
            return all([await _holds(person, channel, part) for person, part in parts])

        await until(held, "everybody's part")
        bob.crash()
        for person in (ann, kim, dave):
            await person.say(channel, f"{person.name} upon them")
        texts = await world.converge(channel)
        assert len(texts) == 4 + 12
        for person in (ann, kim, dave):
            leaves = max(len(f) for f in Mallory(person).world.channels[channel].chains.forks.values())
            assert leaves == 12
            await person.stop()
            await person.start()
        await ann.say(channel, "afterwards")
        await world.converge(channel)
        for person in (ann, kim, dave):
            counted = dict((await person.api.status()).rows.counters)
            assert not any(reason.startswith("frame-") for reason in counted)

    story(play)


async def _holds(person: Person, channel: ChannelId, records: list[Record]) -> bool:
    with person.store.inner.transaction() as txn:
        return all(txn.holds(record.id) for record in records)
