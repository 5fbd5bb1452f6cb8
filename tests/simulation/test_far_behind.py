"""Far behind: the newest first, then what is older, downwards, until nothing is missing."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

import pytest
from simulated_world import Person, SimulatedWorld, collect, until

from multichat_tui.model.events import Event, MessageAdded
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import filling


def virtually(story: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """The story as a test in virtual time."""

    def test() -> None:
        run_virtual(story())

    test.__name__ = story.__name__
    return test


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in little: what is far behind at a thousand is so at sixty here."""
    monkeypatch.setattr(filling, "FAR_BEHIND_RECORDS", 60)
    monkeypatch.setattr(filling, "NEWEST_RECORDS", 24)
    monkeypatch.setattr(filling, "JUMP_RECORDS", 8)


async def backlog(channel: ChannelId, count: int, *people: Person) -> list[str]:
    """Messages while somebody is away, by turns."""
    for number in range(count):
        await people[number % len(people)].say(channel, f"message {number}")
    for person in people:
        await until(lambda person=person: _has(person, channel, count), "the talkers agree")
    return [f"message {number}" for number in range(count)]


async def _has(person: Person, channel: ChannelId, count: int) -> bool:
    return len({text for text in await person.texts(channel) if text.startswith("message ")}) == count


async def has_newest(person: Person, channel: ChannelId, text: str) -> bool:
    rows = (await person.api.timeline(channel, limit=12)).rows
    return any(row.text == text for row in rows)


async def complete(person: Person, channel: ChannelId) -> bool:
    edge = person.api._engine.world.channels[channel]
    return edge.edge is None and not edge.chains.islands


async def three(seed: int, conditions: Conditions | None = None) -> tuple[SimulatedWorld, ChannelId, Person, Person, Person]:
    world = SimulatedWorld(seed, conditions)
    ana, ben, cleo = await world.add("ana", "ben", "cleo")
    await world.pair(ana, ben)
    await world.pair(ana, cleo)
    channel = await world.channel_of(ana, ben, cleo)
    await ana.say(channel, "before")
    await world.converge(channel)
    return world, channel, ana, ben, cleo


@virtually
async def test_the_newest_comes_first_and_the_rest_follows_downwards() -> None:
    world, channel, ana, ben, cleo = await three(21)
    await cleo.stop()
    await backlog(channel, 400, ana, ben)
    await cleo.start()
    events: list[Event] = []
    listening = asyncio.ensure_future(collect(cleo, events))
    await until(lambda: _complete_with(cleo, channel, 402), "cleo has all")
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    added = [event for event in events if isinstance(event, MessageAdded)]
    assert added[0].row.text.startswith("message 3")
    assert not added[0].past
    past = [event.row.text for event in added if event.past]
    assert len(past) > 300
    assert not any(event.row.late for event in added)
    assert await complete(cleo, channel)
    texts = await world.converge(channel)
    assert sorted(texts) == sorted(["before", *(f"message {n}" for n in range(400))])


async def _complete_with(person: Person, channel: ChannelId, count: int) -> bool:
    return await complete(person, channel) and len(await person.texts(channel)) >= count - 1


@virtually
async def test_loss_repetition_and_reordering_end_in_the_same_history_everywhere() -> None:
    for seed in (31, 32):
        conditions = Conditions(jitter_ms=80, loss=0.05, duplication=0.1, reordering=0.1, reliable=False)
        world, channel, ana, ben, cleo = await three(seed, conditions)
        await cleo.stop()
        await backlog(channel, 200, ana, ben)
        await cleo.start()
        for number in range(10):
            await (ana, ben, cleo)[number % 3].say(channel, f"live {number}")
            await asyncio.sleep(0.2)
        await world.converge(channel, timeout_s=2000)
        await until(lambda cleo=cleo, channel=channel: complete(cleo, channel), "no gap is left")
        assert len(await cleo.texts(channel)) == 211


@virtually
async def test_a_crash_at_any_commit_while_filling_loses_nothing() -> None:
    world, channel, ana, ben, cleo = await three(41)
    await cleo.stop()
    await backlog(channel, 300, ana, ben)
    await cleo.start()
    await crash_and_return(cleo, 12)
    texts = await world.converge(channel)
    assert sorted(texts) == sorted(["before", *(f"message {n}" for n in range(300))])
    await until(lambda: complete(cleo, channel), "no gap is left")


async def crash_and_return(person: Person, times: int) -> None:
    """By turns before and after a commit."""
    for number in range(times):
        await asyncio.sleep(0.02 * (number % (times // 3)))
        person.store.crash_next = ("before", "after")[number % 2]
        await until(lambda: _is_down(person), "the crash came", timeout_s=60)
        await person.start()
    person.store.crash_next = None


async def _is_down(person: Person) -> bool:
    return not person.running


@virtually
async def test_when_the_serving_peer_vanishes_another_one_goes_on() -> None:
    world, channel, ana, ben, cleo = await three(51)
    await world.pair(ben, cleo)
    await cleo.stop()
    await backlog(channel, 300, ana, ben)
    await ben.stop()
    await cleo.start()
    await until(lambda: has_newest(cleo, channel, "message 299"), "the newest is there")
    await ana.stop()
    await ben.start()
    await until(lambda: complete(cleo, channel), "no gap is left")
    texts = await world.converge(channel)
    assert len(texts) == 301


@virtually
async def test_members_with_different_gaps_fill_each_others() -> None:
    world, channel, ana, ben, cleo = await three(61)
    await world.pair(ben, cleo)
    await cleo.stop()
    await backlog(channel, 120, ana, ben)
    await ben.stop()
    for number in range(120, 320):
        await ana.say(channel, f"message {number}")
    await cleo.start()
    await until(lambda: has_newest(cleo, channel, "message 319"), "cleo has the newest")
    await ana.stop()
    await ben.start()
    texts = await world.converge(channel)
    assert len(texts) > 150
    await ana.start()
    assert len(await world.converge(channel)) == 321
    for person in (ben, cleo):
        await until(lambda person=person: complete(person, channel), "no gap is left")


@virtually
async def test_what_is_held_above_a_gap_shows_as_delivered_and_what_is_not_does_not() -> None:
    world, channel, ana, ben, cleo = await three(71)
    await ben.stop()
    await cleo.stop()
    await backlog(channel, 200, ana)
    await cleo.start()
    await until(lambda: has_newest(cleo, channel, "message 199"), "cleo has the newest")
    cleo.crash()
    rows = {row.text: row for row in await ana.rows(channel)}
    held = set(await _held_after_restart(cleo, channel))
    for text, row in rows.items():
        if row.state is Delivery.SOME:
            assert text in held | {"before"}
    await cleo.start()
    await ben.start()
    await world.converge(channel)
    await until(lambda: _delivered(ana, channel, 201), "all is delivered to all")


async def _held_after_restart(person: Person, channel: ChannelId) -> list[str]:
    with person.store.inner.transaction() as txn:
        from multichat_tui.model.act_bytes import decode_acts
        from multichat_tui.model.ids import Log

        found = []
        for _, record in txn.arrivals(channel, Log.CONTENT, 0, 10_000):
            acts = decode_acts((record.body or b"")[32:], Log.CONTENT)
            found += [getattr(act, "text", "") for act in acts] if isinstance(acts, tuple) else []
        return found


async def _delivered(person: Person, channel: ChannelId, count: int) -> bool:
    return sum(row.state is Delivery.ALL for row in await person.rows(channel)) == count


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("old", ["who is behind", "who has it"])
def test_with_an_earlier_version_of_the_link_protocol_all_comes_as_ever(version: int, old: str) -> None:
    async def play() -> None:
        world, channel, ana, ben, cleo = await three(80 + version)
        await cleo.stop()
        for person in (cleo,) if old == "who is behind" else (ana, ben):
            person.network.version = version
        await backlog(channel, 200, ana, ben)
        await cleo.start()
        texts = await world.converge(channel)
        assert sorted(texts) == sorted(["before", *(f"message {n}" for n in range(200))])
        assert await complete(cleo, channel)

    run_virtual(play())


@pytest.mark.parametrize("version", [1, 2])
def test_a_gap_is_closed_by_a_peer_of_an_earlier_version(version: int) -> None:
    async def play() -> None:
        world, channel, ana, ben, cleo = await three(90 + version)
        await world.pair(ben, cleo)
        await cleo.api.submit(ChangeSetting(key="history.depth", value="60"))
        await cleo.stop()
        await backlog(channel, 300, ana, ben)
        ben.network.version = version
        await ben.stop()
        await cleo.start()
        await until(lambda: has_newest(cleo, channel, "message 299"), "the newest is there")
        await ana.stop()
        assert not await complete(cleo, channel)
        await cleo.api.submit(ChangeSetting(key="history.depth", value="all"))
        await ben.start()
        await until(lambda: complete(cleo, channel), "ben closes the gap")
        await cleo.say(channel, "live")
        await until(lambda: has_newest(ben, channel, "live"), "ben has what cleo writes")
        await ana.start()
        assert len(await world.converge(channel)) == 302

    run_virtual(play())
