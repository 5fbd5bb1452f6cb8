"""Channels that everybody may read by link: readers get that channel and nothing else, write nothing, and are not in it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_moderation_stories import invite

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import ChainRange, ChannelOffer, Frame, MessageFrame, Offer, ReadFrame, Request
from multichat_tui.model.history import ALL, JOINING
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log
from multichat_tui.model.intents import (
    BanMember,
    ChangeKind,
    ConfigureChannel,
    CreateChannel,
    InviteToChannel,
    JoinChannel,
    LeaveChannel,
    SendMessage,
)
from multichat_tui.model.presets import Preset
from multichat_tui.model.snapshots import Membership, RowKind
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.world import World
from multichat_tui.sync.session import Role, Session


def virtually(story: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """The story as a test in virtual time."""

    def test() -> None:
        run_virtual(story())

    test.__name__ = story.__name__
    return test


@contextmanager
def said_to_readers() -> Iterator[list[Frame]]:
    """All that anybody says over links by which somebody reads."""
    frames: list[Frame] = []
    send = World.send

    def noted(world: World, session: Session, frame: Frame) -> None:
        before = len(world.out.frames)
        send(world, session, frame)
        if session.role in (Role.READER, Role.SOURCE) and len(world.out.frames) > before:
            frames.append(frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "send", noted)
        yield frames


async def sees(person: Person, channel: ChannelId, texts: list[str]) -> bool:
    return await person.texts(channel) == texts


async def open_channel(
    seed: int, conditions: Conditions | None = None
) -> tuple[SimulatedWorld, ChannelId, Person, Person, Person, str]:
    """A channel of ana and ben that is read by link, with a past; cleo knows none of them. The link."""
    world = SimulatedWorld(seed, conditions)
    ana, ben, cleo = await world.add("ana", "ben", "cleo")
    await world.pair(ana, ben)
    channel = await world.channel_of(ana, ben)
    for number in range(4):
        await (ana, ben)[number % 2].say(channel, f"past {number}")
    await until(lambda: has(ana, channel, "past 3"), "ana has all")
    await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.READING, value=1))
    link = (await ana.api.submit(InviteToChannel(channel=channel, read=True))).link
    assert link is not None
    assert link.startswith("multichat:read/")
    return world, channel, ana, ben, cleo, link


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


async def has_all(person: Person, channel: ChannelId, *texts: str) -> bool:
    return set(texts) <= set(await person.texts(channel))


PAST = tuple(f"past {n}" for n in range(4))


@virtually
async def test_a_reader_has_the_past_and_follows_and_is_no_member() -> None:
    _, channel, ana, ben, cleo, link = await open_channel(1)
    with said_to_readers() as frames:
        accepted = await cleo.api.submit(JoinChannel(link=link))
        assert accepted.channel == channel
        await until(lambda: has_all(cleo, channel, *PAST), "cleo has the past")
        await ben.say(channel, "news")
        await until(lambda: has(cleo, channel, "news"), "cleo follows")
    assert {type(frame) for frame in frames} == {ReadFrame, MessageFrame}
    row = (await cleo.api.channel(channel)).rows
    assert row.membership is Membership.READING
    with pytest.raises(IntentRefused) as refused:
        await cleo.api.submit(SendMessage(channel=channel, text="hello"))
    assert "/join" in refused.value.advice
    for person in (ana, ben):
        assert len((await person.api.members(channel)).rows) == 2
        rows = await person.rows(channel)
        assert not any(row.kind is RowKind.JOINED and row.text == "cleo" for row in rows)
        assert (await person.api.message(rows[-1].id)).rows is not None


@virtually
async def test_following_goes_on_after_restarts_and_losses_without_asking_over_and_over() -> None:
    conditions = Conditions(jitter_ms=80, loss=0.05, duplication=0.1, reordering=0.1, reliable=False)
    _, channel, ana, ben, cleo, link = await open_channel(2, conditions)
    await cleo.api.submit(JoinChannel(link=link))
    for number in range(30):
        await (ana, ben)[number % 2].say(channel, f"live {number}")
        if number in (7, 19):
            cleo.crash()
            await cleo.start()
        await asyncio.sleep(0.3)
    await until(lambda: has_all(cleo, channel, *PAST, *(f"live {n}" for n in range(30))), "cleo has all", timeout_s=100)
    assert await cleo.texts(channel) == await ana.texts(channel)
    await asyncio.sleep(60)
    with said_to_readers() as frames:
        await asyncio.sleep(600)
    assert frames == []


@virtually
async def test_when_it_is_closed_reading_ends_and_the_old_link_opens_nothing_again() -> None:
    _, channel, ana, ben, cleo, link = await open_channel(3)
    await cleo.api.submit(JoinChannel(link=link))
    await until(lambda: has_all(cleo, channel, *PAST), "cleo has the past")
    await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.READING, value=0))
    await ana.say(channel, "among us")
    await until(lambda: has(ben, channel, "among us"), "ben has it")
    await asyncio.sleep(120)
    assert not await has(cleo, channel, "among us")
    with pytest.raises(IntentRefused):
        await ana.api.submit(InviteToChannel(channel=channel, read=True))
    await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.READING, value=1))
    await asyncio.sleep(120)
    assert not await has(cleo, channel, "among us")
    again = (await ben.api.submit(InviteToChannel(channel=channel, read=True))).link
    assert again is not None
    await cleo.api.submit(JoinChannel(link=again))
    await until(lambda: has(cleo, channel, "among us"), "by the new link")


@virtually
async def test_nobody_reads_where_newcomers_do_not_see_everything_and_nobody_who_is_banned() -> None:
    _, channel, ana, ben, cleo, link = await open_channel(4)
    await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=JOINING))
    await until(lambda: closed_at(ben, channel), "ben knows")
    await cleo.api.submit(JoinChannel(link=link))
    await asyncio.sleep(120)
    assert (await cleo.rows(channel)) == []
    user = (await cleo.api.me()).rows.user
    await ana.api.submit(BanMember(channel=channel, user=user))
    await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=ALL))
    await asyncio.sleep(600)
    assert (await cleo.rows(channel)) == []


async def closed_at(person: Person, channel: ChannelId) -> bool:
    rows = (await person.api.rules(channel)).rows.settings
    return any(row.key is SettingKey.HISTORY and row.value == JOINING for row in rows)


@virtually
async def test_a_reader_gets_nothing_of_other_channels_no_texts_for_some_and_answers_to_nothing_else() -> None:
    _, channel, ana, ben, cleo, link = await open_channel(5)
    hidden = (await ana.api.submit(CreateChannel(name="hidden"))).channel
    assert hidden is not None
    await ana.say(hidden, "a secret")
    ben_user = (await ben.api.me()).rows.user
    await ana.api.submit(SendMessage(channel=channel, text="for ben", recipients=(ben_user,)))
    with said_to_readers() as given:
        await cleo.api.submit(JoinChannel(link=link))
        await until(lambda: has_all(cleo, channel, *PAST), "cleo has the past")
        await asyncio.sleep(5)
    items = [item for frame in given if isinstance(frame, MessageFrame) for item in frame.items]
    assert any(b"past 3" in (item.body or b"") for item in items)
    assert not any(b"for ben" in (item.body or b"") for item in items)
    engine = cleo.api._engine
    assert engine is not None
    session = next(session for session in engine.world.sessions.values() if session.role is Role.SOURCE)
    with said_to_readers() as frames:
        for each in (channel, hidden):
            everything = tuple(ChainRange(device=session.device[:PREFIX_SIZE], log=log, first=0, last=100) for log in Log)
            for asked in (
                Request(channel=each[:PREFIX_SIZE], ranges=everything),
                Request(channel=each[:PREFIX_SIZE], ranges=everything, full=True),
                Offer(number=7, channels=(ChannelOffer(channel=each, tips=()),)),
            ):
                cleo.network.send(session.link, encode_frame(asked))
        await asyncio.sleep(60)
    assert frames == []
    with cleo.store.inner.transaction() as txn:
        bodies = [record.body or b"" for log in Log for _, record in txn.arrivals(channel, log, 0, 1000)]
        assert not txn.arrivals(hidden, Log.CONTENT, 0, 10)
    assert not any(b"for ben" in body or b"a secret" in body for body in bodies)


@virtually
async def test_a_reader_comes_in_by_an_invitation_or_stops_and_nothing_is_left() -> None:
    _, channel, ana, ben, cleo, link = await open_channel(6)
    await cleo.api.submit(JoinChannel(link=link))
    await until(lambda: has_all(cleo, channel, *PAST), "cleo has the past")
    await cleo.api.submit(LeaveChannel(channel=channel))
    assert channel not in [row.id for row in (await cleo.api.channels()).rows]
    await cleo.api.submit(JoinChannel(link=link))
    await until(lambda: has_all(cleo, channel, *PAST), "cleo reads again")
    invitation = (await ben.api.submit(InviteToChannel(channel=channel))).link
    assert invitation is not None
    await cleo.api.submit(JoinChannel(link=invitation))
    await until(lambda: is_in(cleo, channel), "cleo is a member")
    await cleo.say(channel, "here I am")
    for person in (ana, ben):
        await until(lambda person=person: has(person, channel, "here I am"), f"{person.name} hears cleo")


async def is_in(person: Person, channel: ChannelId) -> bool:
    return (await person.api.channel(channel)).rows.membership is Membership.JOINED


@virtually
async def test_who_is_banned_while_reading_is_given_nothing_more() -> None:
    _, channel, ana, ben, cleo, link = await open_channel(7)
    await cleo.api.submit(JoinChannel(link=link))
    await until(lambda: has_all(cleo, channel, *PAST), "cleo has the past")
    user = (await cleo.api.me()).rows.user
    await ana.api.submit(BanMember(channel=channel, user=user))
    await until(lambda: is_banned(ben, channel), "ben knows")
    await ana.say(channel, "without them")
    await asyncio.sleep(120)
    assert not await has(cleo, channel, "without them")


async def is_banned(person: Person, channel: ChannelId) -> bool:
    return bool((await person.api.rules(channel)).rows.bans)


async def kind_of(person: Person, channel: ChannelId) -> Preset | None:
    return (await person.api.rules(channel)).rows.kind


@virtually
async def test_a_channel_is_made_public_is_read_by_its_link_and_is_not_when_it_is_of_another_kind() -> None:
    world = SimulatedWorld(9)
    ana, ben, cleo = await world.add("ana", "ben", "cleo")
    news = (await ana.api.submit(CreateChannel(name="news", kind=Preset.PUBLIC))).channel
    assert news is not None
    await ben.api.submit(JoinChannel(link=await invite(ana, news)))
    await until(lambda: is_kind(ben, news, Preset.PUBLIC), "ben knows its kind")
    await ben.say(news, "from a member")
    link = (await ben.api.submit(InviteToChannel(channel=news, read=True))).link
    assert link is not None
    await cleo.api.submit(JoinChannel(link=link))
    await until(lambda: has(cleo, news, "from a member"), "cleo reads")
    assert (await cleo.api.channel(news)).rows.membership is Membership.READING
    with pytest.raises(IntentRefused, match="of that kind already"):
        await ana.api.submit(ChangeKind(channel=news, kind=Preset.PUBLIC))
    await ana.api.submit(ChangeKind(channel=news, kind=Preset.PRIVATE))
    await until(lambda: is_kind(ben, news, Preset.PRIVATE), "ben knows that it is private")
    await ana.say(news, "among us")
    await until(lambda: has(ben, news, "among us"), "ben has it")
    await asyncio.sleep(120)
    assert not await has(cleo, news, "among us")
    await ana.api.submit(ChangeKind(channel=news, kind=Preset.PUBLIC))
    assert await kind_of(ana, news) is Preset.PUBLIC
    again = (await ana.api.submit(InviteToChannel(channel=news, read=True))).link
    assert again != link


@virtually
async def test_a_channel_whose_history_newcomers_do_not_see_is_not_public_and_undoing_that_kind_ends_reading() -> None:
    world = SimulatedWorld(10)
    ana, ben = await world.add("ana", "ben")
    await world.pair(ana, ben)
    channel = await world.channel_of(ana, ben)
    await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=JOINING))
    with pytest.raises(IntentRefused, match="whole history") as refused:
        await ana.api.submit(ChangeKind(channel=channel, kind=Preset.PUBLIC))
    assert "/newcomers all" in refused.value.advice
    with pytest.raises(IntentRefused, match="whole history"):
        await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.READING, value=1))
    assert await kind_of(ana, channel) is Preset.OPEN
    await ana.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=ALL))
    await ana.api.submit(ChangeKind(channel=channel, kind=Preset.PUBLIC))
    assert await kind_of(ana, channel) is Preset.PUBLIC
    lines = (await run_command(ana.api, channel, "/undo")).lines
    assert "end reading by link" in " ".join(lines)
    await run_command(ana.api, channel, "/undo 1")
    assert await kind_of(ana, channel) is Preset.OPEN


async def is_kind(person: Person, channel: ChannelId, kind: Preset) -> bool:
    return await kind_of(person, channel) is kind
