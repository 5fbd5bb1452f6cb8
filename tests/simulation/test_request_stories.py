"""People who are no contacts and write: they wait in the requests, bounded, until they are accepted; nothing tells them more."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, collect, until

from multichat_tui.model.errors import IntentRefused, NotFound
from multichat_tui.model.events import ChannelChanged, Event, MessageAdded
from multichat_tui.model.ids import ChannelId, Log, UserId
from multichat_tui.model.intents import AnswerRequest, ChangeSetting, LeaveChannel, OpenDirect, SetRegard
from multichat_tui.model.limits import MAX_REQUEST_RECORDS
from multichat_tui.model.regards import Regard, RequestRow
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.model.snapshots import ChannelKind
from multichat_tui.net.virtual_time import run_virtual


async def user_of(person: Person) -> UserId:
    return (await person.api.me()).rows.user


async def write_to(person: Person, other: Person, *texts: str) -> ChannelId:
    channel = (await person.api.submit(OpenDirect(user=await user_of(other)))).channel
    assert channel is not None
    for text in texts:
        await person.say(channel, text)
    return channel


async def requests(person: Person) -> tuple[RequestRow, ...]:
    return (await person.api.status()).rows.requests


async def conversations(person: Person) -> list[str]:
    return [row.name for row in (await person.api.channels()).rows if row.kind is ChannelKind.DIRECT]


async def asked(person: Person, count: int = 1) -> bool:
    return len(await requests(person)) == count


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


async def strangers(seed: int, *names: str) -> list[Person]:
    """The first is a contact of all others, who know each other by a channel only."""
    world = SimulatedWorld(seed)
    people = await world.add(*names)
    for other in people[1:]:
        await world.pair(people[0], other)
    await world.channel_of(people[0], *people[1:])
    return people


def test_a_stranger_waits_in_the_requests_quietly_and_is_a_conversation_once_accepted() -> None:
    async def story() -> None:
        _, bob, eve = await strangers(911, "ann", "bob", "eve")
        heard: list[Event] = []
        listening = asyncio.create_task(collect(bob, heard))
        channel = await write_to(eve, bob)
        await asyncio.sleep(30)
        assert await requests(bob) == (), "who has said nothing does not ask"
        await eve.say(channel, "hello bob, may I?")
        await until(lambda: asked(bob), "it stands in the requests")
        (row,) = await requests(bob)
        assert (row.name, row.through, row.texts, row.count) == ("eve", "dev", ("hello bob, may I?",), 1)
        assert await conversations(bob) == []
        assert not any(isinstance(event, MessageAdded) and "may I" in event.row.text for event in heard)
        assert not any(isinstance(event, ChannelChanged) and event.row.id == channel for event in heard)
        assert (await bob.api.search(Search(phrases=(Phrase(text="hello"),)))).rows.rows == ()
        with pytest.raises(NotFound):
            await bob.api.channel(channel)
        await bob.stop()
        await bob.start()
        assert [each.texts for each in await requests(bob)] == [("hello bob, may I?",)]
        accepted = await bob.api.submit(AnswerRequest(user=await user_of(eve), accept=True))
        assert accepted.channel == channel
        assert await requests(bob) == ()
        assert await conversations(bob) == ["eve"]
        assert (await bob.api.channel(channel)).rows.unread == 1
        await bob.say(channel, "welcome")
        await until(lambda: has(eve, channel, "welcome"), "the answer comes")
        await eve.say(channel, "thanks")
        await until(lambda: has(bob, channel, "thanks"), "and so on")
        listening.cancel()

    run_virtual(story())


def test_of_one_request_so_many_records_are_taken_and_the_rest_comes_when_it_is_accepted() -> None:
    async def story() -> None:
        _, bob, eve = await strangers(912, "ann", "bob", "eve")
        texts = [f"message {number}" for number in range(MAX_REQUEST_RECORDS + 40)]
        channel = await write_to(eve, bob, *texts)
        await until(lambda: asked(bob), "it stands in the requests")
        await asyncio.sleep(300)
        (row,) = await requests(bob)
        assert 0 < row.count <= MAX_REQUEST_RECORDS
        with bob.store.transaction() as txn:
            held = sum(len(txn.arrivals(channel, log, 0, 1000)) for log in Log)
        assert held <= MAX_REQUEST_RECORDS
        await bob.stop()
        await bob.start()
        await asyncio.sleep(300)
        assert (await requests(bob))[0].count == row.count, "a restart does not make room"
        await bob.api.submit(AnswerRequest(user=await user_of(eve), accept=True))
        await until(lambda: has(bob, channel, texts[-1]), "all of it comes")
        assert await bob.texts(channel) == texts

    run_virtual(story())


def test_declined_stays_declined_and_the_asker_is_told_nothing() -> None:
    async def story() -> None:
        _, bob, eve = await strangers(913, "ann", "bob", "eve")
        channel = await write_to(eve, bob, "buy this")
        await until(lambda: asked(bob), "it stands in the requests")
        await bob.api.submit(AnswerRequest(user=await user_of(eve), accept=False))
        assert await requests(bob) == ()
        before = await eve.rows(channel)
        await eve.say(channel, "really, buy this")
        await asyncio.sleep(300)
        after = [row.state for row in await eve.rows(channel)]
        assert after[: len(before)] == [row.state for row in before]
        # A conversation begun anew is no way around it.
        await eve.api.submit(LeaveChannel(channel=channel))
        await write_to(eve, bob, "buy that")
        await asyncio.sleep(300)
        await bob.stop()
        await bob.start()
        await asyncio.sleep(300)
        assert await requests(bob) == ()
        with pytest.raises(NotFound):
            await bob.api.submit(AnswerRequest(user=await user_of(eve), accept=True))
        # bob thinks better of it, and writes first.
        talk = await write_to(bob, eve, "what was it?")
        await until(lambda: asked(eve, 0), "eve has written first herself: no request")
        await until(lambda: has(eve, talk, "what was it?"), "it comes straight in")

    run_virtual(story())


def test_one_request_of_each_person_and_so_many_through_one_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr("multichat_tui.node.asking.MAX_REQUESTS_PER_CHANNEL", 2)
        _, bob, *others = await strangers(914, "ann", "bob", "cid", "dan", "eve")
        for other in others:
            await write_to(other, bob, f"I am {other.name}")
        await until(lambda: asked(bob, 2), "two ask")
        await asyncio.sleep(300)
        first, second = await requests(bob)
        assert first.user != second.user
        await bob.api.submit(AnswerRequest(user=first.user, accept=False))
        await until(lambda: asked(bob, 2), "there is room for the third")
        assert first.user not in {row.user for row in await requests(bob)}

    run_virtual(story())


def test_who_is_ignored_or_may_not_ask_does_not_and_who_is_paired_meanwhile_does_not_wait() -> None:
    async def story() -> None:
        ann, bob, eve, dan = await strangers(915, "ann", "bob", "eve", "dan")
        world = ann.world
        await bob.api.submit(SetRegard(user=await user_of(dan), regard=Regard.IGNORED))
        await write_to(dan, bob, "psst")
        channel = await write_to(eve, bob, "hello")
        await until(lambda: asked(bob), "eve asks")
        await asyncio.sleep(120)
        assert [row.name for row in await requests(bob)] == ["eve"]
        await world.pair(bob, eve)
        await until(lambda: asked(bob, 0), "a contact does not wait")
        assert await conversations(bob) == ["eve"]
        assert await bob.texts(channel) == ["hello"]
        await eve.api.submit(ChangeSetting(key="requests", value="nobody"))
        await write_to(dan, eve, "psst")
        await asyncio.sleep(300)
        assert await requests(eve) == ()
        with pytest.raises(IntentRefused, match="members of your channels"):
            await eve.api.submit(OpenDirect(user=await user_of(eve)))

    run_virtual(story())
