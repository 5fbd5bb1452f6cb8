"""What newcomers are served: nothing that the channel's policy keeps from them, all else; nobody waits for what is withheld."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.frames import Frame, MessageFrame, Request
from multichat_tui.model.history import JOINING, NONE
from multichat_tui.model.ids import ChannelId, Log
from multichat_tui.model.intents import ConfigureChannel, InviteToChannel, JoinChannel, RemoveMember
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import filling
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

DAY_S = 24 * 60 * 60


def virtually(story: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """The story as a test in virtual time."""

    def test() -> None:
        run_virtual(story())

    test.__name__ = story.__name__
    return test


async def set_history(person: Person, channel: ChannelId, policy: int) -> None:
    await person.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=policy))


async def joins(person: Person, channel: ChannelId, inviter: Person) -> None:
    link = (await inviter.api.submit(InviteToChannel(channel=channel))).link
    assert link is not None
    await person.api.submit(JoinChannel(link=link))
    await until(lambda: is_member(person, channel), f"{person.name} is in")


async def is_member(person: Person, channel: ChannelId) -> bool:
    me = (await person.api.me()).rows.user
    return any(row.user == me for row in (await person.api.members(channel)).rows)


async def sees(person: Person, channel: ChannelId, texts: list[str]) -> bool:
    return sorted(await person.texts(channel)) == sorted(texts)


async def withheld(person: Person, channel: ChannelId) -> int:
    gaps = (await person.api.channel(channel)).rows.gaps
    assert not any(gap.missing for gap in gaps if not gap.withheld)
    return sum(gap.missing for gap in gaps if gap.withheld)


def bodies_of(person: Person, channel: ChannelId) -> set[str]:
    """What a node has of content, whatever it shows."""
    with person.store.inner.transaction() as txn:
        return {str(record.body) for _, record in txn.arrivals(channel, Log.CONTENT, 0, 10_000)}


async def settled(*people: Person) -> None:
    """Nobody asks anybody for anything any more."""

    async def quiet() -> bool:
        return not any(channel.wants for person in people for channel in person.api._engine.world.channels.values())

    await until(quiet, "nothing is asked for")


async def two(seed: int) -> tuple[SimulatedWorld, ChannelId, Person, Person, Person]:
    """A channel of ana and ben with a past, and cleo, who is to come."""
    world = SimulatedWorld(seed)
    ana, ben, cleo = await world.add("ana", "ben", "cleo")
    await world.pair(ana, ben)
    await world.pair(ana, cleo)
    channel = await world.channel_of(ana, ben)
    for number in range(6):
        await (ana, ben)[number % 2].say(channel, f"past {number}")
    await until(lambda: sees(ben, channel, [f"past {n}" for n in range(6)]), "ben has all")
    return world, channel, ana, ben, cleo


@virtually
async def test_a_newcomer_is_served_what_comes_from_joining_on_and_told_of_the_rest() -> None:
    _, channel, ana, ben, cleo = await two(1)
    await set_history(ana, channel, JOINING)
    await joins(cleo, channel, ana)
    await ana.say(channel, "welcome")
    await ben.say(channel, "hello")
    await until(lambda: sees(cleo, channel, ["welcome", "hello"]), "cleo has what was said since")
    await cleo.say(channel, "thanks")
    everything = [f"past {n}" for n in range(6)] + ["welcome", "hello", "thanks"]
    await until(lambda: sees(ana, channel, everything), "ana has all")
    await until(lambda: sees(ben, channel, everything), "ben has all")
    assert await withheld(cleo, channel) == 6
    assert not any("past" in body for body in bodies_of(cleo, channel))
    await settled(ana, ben, cleo)


@virtually
async def test_links_that_come_again_ask_for_nothing_that_is_withheld() -> None:
    _, channel, ana, ben, cleo = await two(2)
    await set_history(ana, channel, JOINING)
    await joins(cleo, channel, ana)
    await ana.say(channel, "welcome")
    await until(lambda: sees(cleo, channel, ["welcome"]), "cleo has it")
    await cleo.stop()
    await ben.say(channel, "while you were away")
    await cleo.start()
    await until(lambda: sees(cleo, channel, ["welcome", "while you were away"]), "cleo has what came meanwhile")
    await settled(ana, ben, cleo)
    assert await withheld(cleo, channel) == 6
    with counted_requests() as requests:
        await asyncio.sleep(600)
        await cleo.stop()
        await cleo.start()
        await until(lambda: online(cleo, ana), "they are linked again")
        await asyncio.sleep(60)
    assert requests == []
    assert channels_equal(ana, cleo, channel)


async def online(person: Person, other: Person) -> bool:
    user = (await other.api.me()).rows.user
    return any(row.user == user and row.online for row in (await person.api.contacts()).rows)


@contextmanager
def counted_requests() -> Iterator[list[Request]]:
    """What anybody asks for of channels meanwhile."""
    requests: list[Request] = []
    send = World.send

    def noted(world: World, session: Session, frame: Frame) -> None:
        if isinstance(frame, Request) and (frame.ranges or frame.ids):
            requests.append(frame)
        send(world, session, frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "send", noted)
        yield requests


@contextmanager
def sent_bodies(person: Person) -> Iterator[list[tuple[bytes | None, bytes]]]:
    """The bodies that a node sends meanwhile, with whom they go to."""
    bodies: list[tuple[bytes | None, bytes]] = []
    send = World.send
    engine = person.api._engine
    assert engine is not None
    sender = engine.world

    def noted(world: World, session: Session, frame: Frame) -> None:
        if world is sender and isinstance(frame, MessageFrame):
            bodies.extend((session.user, item.body or b"") for item in frame.items)
        send(world, session, frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "send", noted)
        yield bodies


def channels_equal(one: Person, other: Person, channel: ChannelId) -> bool:
    """Their fingerprints of it are the same: at the next link up nothing is said."""
    digests = {person.api._engine.world.channels[channel].chains.digest() for person in (one, other)}
    return len(digests) == 1


@virtually
async def test_newcomers_of_different_days_serve_each_other_what_each_may_have() -> None:
    world, channel, ana, ben, cleo = await two(3)
    (dan,) = await world.add("dan")
    await world.pair(cleo, dan)
    await world.pair(ana, dan)
    await set_history(ana, channel, JOINING)
    await joins(cleo, channel, ana)
    await ana.say(channel, "welcome cleo")
    await until(lambda: sees(cleo, channel, ["welcome cleo"]), "cleo has it")
    await asyncio.sleep(60)
    await joins(dan, channel, ana)
    await ben.say(channel, "welcome dan")
    for person, texts in ((cleo, ["welcome cleo", "welcome dan"]), (dan, ["welcome dan"])):
        await until(lambda person=person, texts=texts: sees(person, channel, texts), f"{person.name} has theirs")
    await ana.stop()
    await ben.stop()
    await cleo.say(channel, "only us")
    await until(lambda: sees(dan, channel, ["welcome dan", "only us"]), "cleo serves dan")
    assert await withheld(dan, channel) == 7
    await dan.say(channel, "yes")
    await until(lambda: sees(cleo, channel, ["welcome cleo", "welcome dan", "only us", "yes"]), "dan serves cleo")
    await ana.start()
    await ben.start()
    everything = [f"past {n}" for n in range(6)] + ["welcome cleo", "welcome dan", "only us", "yes"]
    for person in (ana, ben):
        await until(lambda person=person: sees(person, channel, everything), f"{person.name} has all")
    await settled(ana, ben, cleo, dan)


@virtually
async def test_a_wider_policy_opens_what_was_withheld() -> None:
    _, channel, ana, ben, cleo = await two(4)
    await set_history(ana, channel, JOINING)
    await joins(cleo, channel, ana)
    await ana.say(channel, "welcome")
    await until(lambda: sees(cleo, channel, ["welcome"]), "cleo has it")
    assert await withheld(cleo, channel) == 6
    await set_history(ana, channel, JOINING + 1)
    everything = [f"past {n}" for n in range(6)] + ["welcome"]
    await until(lambda: sees(cleo, channel, everything), "cleo has the last day")
    assert await withheld(cleo, channel) == 0
    await settled(ana, ben, cleo)
    assert channels_equal(ana, cleo, channel)


@virtually
async def test_who_is_let_in_again_has_what_they_had_and_not_what_was_said_meanwhile() -> None:
    _, channel, ana, ben, cleo = await two(5)
    await set_history(ana, channel, JOINING)
    await joins(cleo, channel, ana)
    await ana.say(channel, "first time")
    await until(lambda: sees(cleo, channel, ["first time"]), "cleo has it")
    user = (await cleo.api.me()).rows.user
    await ana.api.submit(RemoveMember(channel=channel, user=user))
    await until(lambda: is_gone(ana, ben, channel, user), "cleo is out")
    await ana.say(channel, "behind her back")
    await ben.say(channel, "indeed")
    await asyncio.sleep(60)
    await joins(cleo, channel, ana)
    await ben.say(channel, "again")
    await until(lambda: sees(cleo, channel, ["first time", "again"]), "cleo has what was said in her time")
    assert await withheld(cleo, channel) == 8
    await cleo.say(channel, "back")
    await until(lambda: has(ben, channel, "back"), "ben hears her")
    await settled(ana, ben, cleo)


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


async def is_gone(ana: Person, ben: Person, channel: ChannelId, user: bytes) -> bool:
    rows = [row for person in (ana, ben) for row in (await person.api.members(channel)).rows]
    return all(row.user != user for row in rows)


@virtually
async def test_nobody_who_did_not_know_the_newcomer_yet_is_relayed_to_them_by_the_strictest_policy() -> None:
    _, channel, ana, ben, cleo = await two(6)
    await set_history(ana, channel, NONE)
    await ben.stop()
    await joins(cleo, channel, ana)
    await ana.stop()
    await ben.start()
    await ben.say(channel, "to whom I know")
    await ana.start()
    await until(lambda: has(ana, channel, "to whom I know"), "ana has it")
    await ben.say(channel, "to all")
    await until(lambda: has(ana, channel, "to all"), "ana has that too")
    await until(lambda: sees(cleo, channel, ["to all"]), "cleo has what was written to her")
    assert not any("whom I know" in body for body in bodies_of(cleo, channel))
    await settled(ana, ben, cleo)


@virtually
async def test_a_newcomer_to_a_long_history_gets_the_newest_of_what_they_may_have() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "FAR_BEHIND_RECORDS", 40)
        patch.setattr(filling, "NEWEST_RECORDS", 16)
        _, channel, ana, ben, cleo = await two(7)
        for number in range(100):
            await (ana, ben)[number % 2].say(channel, f"old {number}")
        await asyncio.sleep(2 * DAY_S)
        for number in range(90):
            await (ana, ben)[number % 2].say(channel, f"new {number}")
        await until(lambda: has(ben, channel, "new 88"), "ben has all")
        await until(lambda: has(ana, channel, "new 89"), "ana has all")
        await set_history(ana, channel, JOINING + 1)
        await joins(cleo, channel, ana)
        await until(lambda: sees(cleo, channel, [f"new {n}" for n in range(90)]), "cleo has the last day")
        assert await withheld(cleo, channel) == 106
        assert not any("old" in body or "past" in body for body in bodies_of(cleo, channel))
        await ana.say(channel, "welcome")
        await cleo.say(channel, "thanks")
        for person in (ana, ben, cleo):
            await until(lambda person=person: has(person, channel, "thanks"), "all hear cleo")
            await until(lambda person=person: has(person, channel, "welcome"), "all hear ana")
        await settled(ana, ben, cleo)


@virtually
async def test_a_member_who_lags_behind_is_not_sent_to_a_newcomer_for_what_the_newcomer_lacks() -> None:
    world, channel, ana, ben, cleo = await two(8)
    (dan,) = await world.add("dan")
    await world.pair(ana, dan)
    await joins(dan, channel, ana)
    await world.pair(ben, cleo)
    await set_history(ana, channel, NONE)
    await until(lambda: has(dan, channel, "past 5"), "dan has all")
    await dan.stop()
    await joins(cleo, channel, ana)
    await until(lambda: is_member_for(ben, channel, cleo), "ben knows cleo")
    await ben.stop()
    # dan writes before anybody can tell him of cleo.
    await dan.start()
    await dan.say(channel, "whom I know")
    await until(lambda: has(ana, channel, "whom I know"), "ana has it")
    await dan.say(channel, "to all")
    await until(lambda: sees(cleo, channel, ["to all"]), "cleo has what was written for her")
    assert not any("whom I know" in body for body in bodies_of(cleo, channel))
    await ana.stop()
    await dan.stop()
    await ben.start()
    await until(lambda: online(ben, cleo), "ben meets cleo alone")
    await asyncio.sleep(30)
    with counted_requests() as requests:
        await asyncio.sleep(600)
    assert not requests
    assert not await has(ben, channel, "to all")
    await ana.start()
    everything = [f"past {n}" for n in range(6)] + ["whom I know", "to all"]
    await until(lambda: sees(ben, channel, everything), "ben has all from ana")
    await settled(ana, ben, cleo)


async def is_member_for(person: Person, channel: ChannelId, other: Person) -> bool:
    user = (await other.api.me()).rows.user
    return any(row.user == user for row in (await person.api.members(channel)).rows)


@virtually
async def test_loss_and_crashes_do_not_change_what_a_newcomer_gets() -> None:
    conditions = Conditions(jitter_ms=80, loss=0.05, duplication=0.1, reordering=0.1, reliable=False)
    world = SimulatedWorld(9, conditions)
    ana, ben, cleo = await world.add("ana", "ben", "cleo")
    await world.pair(ana, ben)
    await world.pair(ana, cleo)
    channel = await world.channel_of(ana, ben)
    for number in range(40):
        await (ana, ben)[number % 2].say(channel, f"past {number}")
    await set_history(ana, channel, JOINING)
    await asyncio.sleep(5)
    await joins(cleo, channel, ana)
    for number in range(20):
        await (ana, ben, cleo)[number % 3].say(channel, f"live {number}")
        if number in (3, 9):
            cleo.crash()
            await cleo.start()
        await asyncio.sleep(0.3)
    expected = [f"live {n}" for n in range(20)]
    await until(lambda: sees(cleo, channel, expected), "cleo has what was said since")
    everything = [f"past {n}" for n in range(40)] + expected
    for person in (ana, ben):
        await until(lambda person=person: sees(person, channel, everything), f"{person.name} has all")
    await settled(ana, ben, cleo)


@virtually
async def test_who_is_let_in_again_far_behind_gets_nothing_from_between() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "FAR_BEHIND_RECORDS", 20)
        patch.setattr(filling, "NEWEST_RECORDS", 16)
        _, channel, ana, ben, cleo = await two(10)
        await set_history(ana, channel, JOINING)
        await joins(cleo, channel, ana)
        await ana.say(channel, "first time")
        await until(lambda: sees(cleo, channel, ["first time"]), "cleo has it")
        user = (await cleo.api.me()).rows.user
        await cleo.stop()
        for number in range(15):
            await (ana, ben)[number % 2].say(channel, f"then {number}")
        await ana.api.submit(RemoveMember(channel=channel, user=user))
        await until(lambda: is_gone(ana, ben, channel, user), "cleo is out")
        for number in range(30):
            await (ana, ben)[number % 2].say(channel, f"between {number}")
        await until(lambda: has(ana, channel, "between 29"), "ana has all")
        await until(lambda: has(ben, channel, "between 28"), "ben has all")
        await cleo.start()
        await asyncio.sleep(60)
        await joins(cleo, channel, ana)
        for number in range(25):
            await (ana, ben)[number % 2].say(channel, f"again {number}")
        expected = ["first time", *(f"then {n}" for n in range(15)), *(f"again {n}" for n in range(25))]
        await until(lambda: sees(cleo, channel, expected), "cleo has what was said in her times")
        assert not any("between" in body for body in bodies_of(cleo, channel))
        await settled(ana, ben, cleo)


@virtually
async def test_what_comes_live_from_somebody_who_does_not_know_the_newcomer_is_not_passed_on_either() -> None:
    world, channel, ana, ben, cleo = await two(11)
    # All that cleo gets of ben comes by ana.
    world.hub.set_conditions("ben", "cleo", Conditions(loss=1.0, reliable=False))
    await set_history(ana, channel, NONE)
    await until(lambda: withholds(ben, channel), "ben knows the policy")
    await ben.stop()
    await joins(cleo, channel, ana)
    await ana.say(channel, "welcome")
    await until(lambda: sees(cleo, channel, ["welcome"]), "cleo has it")
    # As if she had asked for ben's records over this link before: they go to her at once.
    engine = ana.api._engine
    assert engine is not None
    chains = engine.world.channels[channel].chains.ends
    for session in engine.world.peers():
        session.asked_of.update(key[1] for key in chains)
    # Before anybody can tell him.
    with sent_bodies(ana) as sent:
        await ben.start()
        await ben.say(channel, "to whom I know")
        await until(lambda: has(ana, channel, "to whom I know"), "ana has it")
        await ben.say(channel, "to all")
        await until(lambda: sees(cleo, channel, ["welcome", "to all"]), "cleo has what was written to her")
    user = (await cleo.api.me()).rows.user
    assert any(b"to all" in body for to, body in sent if to == user)
    assert not any(b"whom I know" in body for to, body in sent if to == user)
    assert not any("whom I know" in body for body in bodies_of(cleo, channel))
    assert await withheld(cleo, channel) == 7
    await settled(ana, ben, cleo)


async def withholds(person: Person, channel: ChannelId) -> bool:
    rows = (await person.api.rules(channel)).rows.settings
    return any(row.key is SettingKey.HISTORY and row.value == NONE for row in rows)
