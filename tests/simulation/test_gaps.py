"""What is missing is told, asked for, and fetched as deep as one wants."""

import asyncio
from pathlib import Path

from simulated_world import Person, SimulatedWorld, until
from test_far_behind import backlog, complete, crash_and_return, has_newest, short_pages, three, virtually
from test_fork_stories import Forger, shows

from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import ChainTip, ChannelOffer, Offer
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log
from multichat_tui.model.intents import ChangeSetting, FetchOlder
from multichat_tui.model.snapshots import Delivery, Gap
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.engine import Engine
from multichat_tui.store.sqlite import SqliteStore

__all__ = ["short_pages"]


def engine(person: Person) -> Engine:
    return person.api._engine


async def gaps(person: Person, channel: ChannelId) -> tuple[Gap, ...]:
    return (await person.api.channel(channel)).rows.gaps


async def paused(person: Person, channel: ChannelId) -> bool:
    return [gap.paused for gap in await gaps(person, channel)] == [True]


async def gapless(person: Person, channel: ChannelId) -> bool:
    return not await gaps(person, channel)


@virtually
async def test_a_depth_of_messages_stops_there_and_older_ones_come_on_demand() -> None:
    world, channel, ana, ben, cleo = await three(501)
    await cleo.api.submit(ChangeSetting(key="history.depth", value="100"))
    await cleo.stop()
    await backlog(channel, 400, ana, ben)
    await cleo.start()
    await until(lambda: paused(cleo, channel), "it stops at the depth")
    (gap,) = await gaps(cleo, channel)
    texts = await cleo.texts(channel)
    held = [text for text in texts if text.startswith("message")]
    assert 100 <= len(held) <= 150
    assert gap.missing == 400 - len(held)
    assert gap.ets is not None
    rows = [row for row in await cleo.rows(channel) if row.text.startswith("message")]
    assert min(row.ets for row in rows) == gap.ets
    await asyncio.sleep(600)
    assert await cleo.texts(channel) == texts
    await ana.say(channel, "live")
    await cleo.say(channel, "mine")
    for person in (ana, ben, cleo):
        await until(lambda person=person: shows(person, channel, "live", "mine"), "live messages come and go")
    await cleo.stop()
    await cleo.start()
    assert await paused(cleo, channel)
    await cleo.api.submit(FetchOlder(channel=channel, count=100))
    await until(lambda: fewer(cleo, channel, gap.missing - 99), "older ones come")
    await until(lambda: paused(cleo, channel), "it stops again")
    (left,) = await gaps(cleo, channel)
    assert 0 < left.missing <= gap.missing - 100
    await cleo.api.submit(ChangeSetting(key="history.depth", value="all"))
    await until(lambda: gapless(cleo, channel), "all of it")
    assert len(await world.converge(channel)) == 403


async def fewer(person: Person, channel: ChannelId, than: int) -> bool:
    return sum(gap.missing for gap in await gaps(person, channel)) < than


@virtually
async def test_a_depth_of_days_stops_at_the_first_older_message() -> None:
    world, channel, ana, ben, cleo = await three(503)
    await cleo.api.submit(ChangeSetting(key="history.depth", value="2d"))
    await cleo.stop()
    for number in range(150):
        await ana.say(channel, f"message old {number}")
    await asyncio.sleep(3 * 24 * 3600)
    for number in range(40):
        await ben.say(channel, f"message new {number}")
    await world.converge(channel)
    await cleo.start()
    await until(lambda: paused(cleo, channel), "it stops at the depth")
    texts = await cleo.texts(channel)
    assert {f"message new {number}" for number in range(40)} <= set(texts)
    assert "message old 0" not in texts


@virtually
async def test_who_is_asked_is_named_and_that_nobody_has_it_too() -> None:
    _, channel, ana, ben, cleo = await three(511, Conditions(latency_ms=400))
    await cleo.stop()
    await backlog(channel, 400, ana, ben)
    await ben.stop()
    await cleo.start()
    asked: set[str] = set()

    async def seen() -> bool:
        asked.update(gap.asking for gap in await gaps(cleo, channel))
        return "ana" in asked

    await until(seen, "ana is named")
    await ana.stop()
    await until(lambda: nobody(cleo, channel), "nobody is asked")
    (gap,) = await gaps(cleo, channel)
    assert gap.missing > 0
    assert not gap.paused
    await ana.start()
    await until(lambda: gapless(cleo, channel), "nothing is missing")


async def nobody(person: Person, channel: ChannelId) -> bool:
    return [gap.asking for gap in await gaps(person, channel)] == [""]


@virtually
async def test_messages_that_wait_for_one_that_nobody_has_are_told() -> None:
    _world, channel, ana, ben, _cleo = await three(521)
    forger = Forger(ben)
    first, *rest = forger.branch(channel, ["lost", "waits 1", "waits 2"])
    forger.tell(ana, channel, *rest)
    await until(lambda: waiting(ana, channel, 2), "two wait", timeout_s=60)
    (gap,) = await gaps(ana, channel)
    assert (gap.ets, gap.missing, gap.waiting) == (None, 1, 2)
    assert gap.asking in ("ben", "")
    forger.tell(ana, channel, first)
    await until(lambda: shows(ana, channel, "lost", "waits 1", "waits 2"), "they show")
    await until(lambda: gapless(ana, channel), "nothing is missing")


async def waiting(person: Person, channel: ChannelId, count: int) -> bool:
    return [gap.waiting for gap in await gaps(person, channel)] == [count]


@virtually
async def test_an_author_learns_by_receipt_what_was_filled_in_by_others() -> None:
    _world, channel, ana, ben, cleo = await three(531)
    await ben.stop()
    await cleo.stop()
    await backlog(channel, 200, ana)
    await ben.start()
    await until(lambda: has_newest(ben, channel, "message 199"), "ben has it")
    await until(lambda: complete(ben, channel), "ben has all")
    await ana.stop()
    await cleo.start()
    await until(lambda: complete_with(cleo, channel, 200), "cleo has all of it from ben")
    await asyncio.sleep(30)
    await cleo.stop()
    await ana.start()
    await until(lambda: delivered(ana, channel, 201), "ana learns that cleo has all, by ben")


async def complete_with(person: Person, channel: ChannelId, count: int) -> bool:
    return await complete(person, channel) and len(await person.texts(channel)) >= count


async def delivered(person: Person, channel: ChannelId, count: int) -> bool:
    return sum(row.state is Delivery.ALL for row in await person.rows(channel)) == count


@virtually
async def test_absurd_numbers_of_older_messages_are_refused() -> None:
    _, channel, ana, _, _ = await three(541)
    for count in (0, -1, 10**9 + 1):
        try:
            await ana.api.submit(FetchOlder(channel=channel, count=count))
        except IntentRefused:
            continue
        raise AssertionError(count)


def test_far_behind_on_the_real_store_with_crashes(tmp_path: Path) -> None:
    async def play() -> None:
        world = SimulatedWorld(551)
        world.new_store = lambda name: SqliteStore(tmp_path / f"{name}.db", bytes(range(32)))
        ana, ben, cleo = await world.add("ana", "ben", "cleo")
        await world.pair(ana, ben)
        await world.pair(ana, cleo)
        channel = await world.channel_of(ana, ben, cleo)
        await ana.say(channel, "before")
        await world.converge(channel)
        await cleo.stop()
        await backlog(channel, 200, ana, ben)
        await cleo.start()
        await crash_and_return(cleo, 6)
        texts = await world.converge(channel)
        assert sorted(texts) == sorted(["before", *(f"message {n}" for n in range(200))])
        await until(lambda: complete(cleo, channel), "no gap is left")

    run_virtual(play())


@virtually
async def test_claims_of_what_does_not_exist_hold_up_nobody() -> None:
    world, channel, ana, ben, cleo = await three(561)
    await world.pair(ben, cleo)
    await cleo.stop()
    await backlog(channel, 300, ana)  # ben says nothing
    forger = Forger(ben)
    world.hub.partition(["ana"], ["cleo"])
    answers, engine(ben)._exchange.on_request = engine(ben)._exchange.on_request, lambda session, request: None
    await cleo.start()
    await until(lambda: linked(cleo, ben), "cleo meets ben")
    devices = [engine(person).world.identity.device[:PREFIX_SIZE] for person in (ana, ben)]
    tips = tuple(
        ChainTip(device=device, log=log, seq=seq, hash=bytes(8))
        for device in (*devices, bytes(8))
        for log, seq in ((Log.CONTROL, 10**9), (Log.CONTENT, 10**15))
    )
    offer = Offer(number=10**6, channels=(ChannelOffer(channel=channel, tips=tips),))
    session = forger.mallory.world.session_of(engine(cleo).world.identity.device)
    assert session is not None
    ben.network.send(session.link, encode_frame(offer))
    await asyncio.sleep(1)
    engine(ben)._exchange.on_request = answers
    world.hub.heal()
    await until(lambda: complete_with(cleo, channel, 301), "cleo has all", timeout_s=120)
    await until(lambda: gapless(cleo, channel), "and nothing is said to be missing", timeout_s=120)


async def linked(one: Person, other: Person) -> bool:
    return engine(one).world.session_of(engine(other).world.identity.device) is not None


@virtually
async def test_who_answers_nothing_is_asked_last() -> None:
    world, channel, ana, ben, cleo = await three(571)
    await world.pair(ben, cleo)
    await cleo.stop()
    await backlog(channel, 400, ana, ben)
    engine(ben)._exchange.on_request = lambda session, request: None
    await cleo.start()
    await until(lambda: complete_with(cleo, channel, 401), "cleo has all from ana", timeout_s=60)


@virtually
async def test_delivered_is_what_is_held_and_nothing_in_a_gap() -> None:
    _, channel, ana, ben, cleo = await three(581)
    await cleo.api.submit(ChangeSetting(key="history.depth", value="60"))
    await ben.stop()
    await cleo.stop()
    await backlog(channel, 200, ana)
    await cleo.start()
    await until(lambda: paused(cleo, channel), "it stops at the depth")
    await ana.say(channel, "live")
    await until(lambda: shows(cleo, channel, "live"), "live messages come")
    await asyncio.sleep(60)
    held = set(await cleo.texts(channel))
    told = {row.text for row in await ana.rows(channel) if row.state is Delivery.SOME}
    assert told == {text for text in held if text == "live" or text.startswith("message ")}
    assert 60 < len(told) < 150
    await ana.stop()
    await ana.start()
    assert {row.text for row in await ana.rows(channel) if row.state is Delivery.SOME} == told
