"""Messages to some members: all hold the header, the named ones the text, whoever hands it on."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from hostile_members import Hostile
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.acts import Message
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.intents import SendMessage
from multichat_tui.model.records import Absence, Record
from multichat_tui.model.snapshots import Delivery, MessageRow, RowKind
from multichat_tui.net.virtual_time import run_virtual


def virtually(story: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """The story as a test in virtual time."""

    def test() -> None:
        run_virtual(story())

    test.__name__ = story.__name__
    return test


async def user_of(person: Person) -> UserId:
    user: UserId = (await person.api.me()).rows.user
    return user


async def whisper(author: Person, channel: ChannelId, text: str, *people: Person, reply_to: RecordId | None = None) -> RecordId:
    users = tuple([await user_of(person) for person in people])
    accepted = await author.api.submit(SendMessage(channel=channel, text=text, recipients=users, reply_to=reply_to))
    assert accepted.record is not None
    return accepted.record


def held(person: Person, record: RecordId) -> Record | None:
    with person.store.inner.transaction() as txn:
        return txn.record(record)


async def row_of(person: Person, record: RecordId) -> MessageRow | None:
    return (await person.api.message(record)).rows


async def reads(person: Person, record: RecordId, text: str) -> bool:
    row = await row_of(person, record)
    return row is not None and row.kind is RowKind.MESSAGE and row.text == text


async def knows_of(person: Person, record: RecordId) -> bool:
    row = await row_of(person, record)
    return row is not None and row.kind is RowKind.FOR_OTHERS


async def three(seed: int) -> tuple[SimulatedWorld, ChannelId, Person, Person, Person]:
    world = SimulatedWorld(seed)
    ana, ben, cleo = await world.add("ana", "ben", "cleo")
    await world.pair(ana, ben)
    await world.pair(ana, cleo)
    await world.pair(ben, cleo)
    channel = await world.channel_of(ana, ben, cleo)
    await ana.say(channel, "before")
    await world.converge(channel)
    return world, channel, ana, ben, cleo


@virtually
async def test_only_those_named_get_the_text_and_the_others_see_that_there_is_one() -> None:
    _, channel, ana, ben, cleo = await three(1)
    record = await whisper(ana, channel, "a surprise for cleo", ben)
    await until(lambda: reads(ben, record, "a surprise for cleo"), "ben reads it")
    await until(lambda: knows_of(cleo, record), "cleo sees that there is something")
    absent = held(cleo, record)
    assert absent is not None
    assert (absent.body, absent.absence) == (None, Absence.NOT_FOR_US)
    row = await row_of(cleo, record)
    assert row is not None
    assert (row.text, row.to) == ("", ("ben",))
    mine = await row_of(ana, record)
    assert mine is not None
    assert mine.to == ("ben",)
    await until(lambda: delivered(ana, record), "it counts as delivered to ben alone")
    devices = (await ana.api.delivery(record)).rows.devices
    assert [device.name for device in devices] == ["ben"]
    # What follows it goes to all.
    await ana.say(channel, "for all")
    await until(lambda: has(cleo, channel, "for all"), "cleo goes on")


async def delivered(person: Person, record: RecordId) -> bool:
    row = await row_of(person, record)
    return row is not None and (row.state, row.delivered, row.total) == (Delivery.ALL, 1, 1)


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


@virtually
async def test_an_answer_goes_to_those_who_have_what_it_answers() -> None:
    _, channel, ana, ben, cleo = await three(2)
    record = await whisper(ana, channel, "what shall we give her", ben)
    await until(lambda: reads(ben, record, "what shall we give her"), "ben reads it")
    answer = await whisper(ben, channel, "a book", reply_to=record)
    await until(lambda: reads(ana, answer, "a book"), "ana reads the answer")
    await until(lambda: knows_of(cleo, answer), "cleo sees that there is something")
    row = await row_of(ana, answer)
    assert row is not None
    assert row.to == ("ana",)


@virtually
async def test_whoever_lacks_the_text_hands_on_the_header_and_the_text_comes_from_who_has_it() -> None:
    _, channel, ana, ben, cleo = await three(3)
    people = (await user_of(ben),)
    await ben.stop()
    accepted = await ana.api.submit(SendMessage(channel=channel, text="for ben alone", recipients=people))
    record = accepted.record
    assert record is not None
    await until(lambda: knows_of(cleo, record), "cleo holds the header")
    await ana.stop()
    await ben.start()
    await until(lambda: is_missing(ben, record), "ben knows that there is a text that he lacks")
    await ana.start()
    await until(lambda: reads(ben, record, "for ben alone"), "ben has it from ana")
    assert await knows_of(cleo, record)
    await until(lambda: delivered(ana, record), "ana knows")


async def is_missing(person: Person, record: RecordId) -> bool:
    row = await row_of(person, record)
    return row is not None and row.kind is RowKind.MISSING


@virtually
async def test_a_text_that_is_pushed_to_somebody_else_is_not_kept() -> None:
    _, channel, ana, ben, cleo = await three(4)
    record = await whisper(ana, channel, "first", ben)
    await until(lambda: knows_of(cleo, record), "cleo holds the header")
    hostile = Hostile(ana, "lie", ana.random)
    world = ana.api._engine.world
    told = held(ana, record)
    assert told is not None
    ben_user = await user_of(ben)
    leaked = hostile._record(world, channel, _message("leaked"), recipients=(ben_user,))
    for session in world.peers():
        hostile._tell(session, channel, told, leaked)
    await until(lambda: knows_of(cleo, leaked.id), "cleo has taken the header")
    await asyncio.sleep(5)
    for each in (record, leaked.id):
        found = held(cleo, each)
        assert found is not None
        assert found.body is None
    assert await reads(ben, leaked.id, "leaked")


def _message(text: str) -> Message:

    return Message(text=text)


@virtually
async def test_whom_it_may_be_for_is_decided_before_it_is_sent() -> None:
    world, channel, ana, ben, cleo = await three(5)
    (dan,) = await world.add("dan")
    await world.pair(ana, dan)
    for people in ((dan,), (ana,)):
        with pytest.raises(IntentRefused):
            await whisper(ana, channel, "no", *people)
    assert ben
    assert cleo
    with ana.store.inner.transaction() as txn:
        assert [r.header.recipients for _, r in txn.arrivals(channel, Log.CONTENT, 0, 100)] == [None]
