"""Stories of nodes that spare data and power, between whole nodes in virtual time."""

import asyncio

import pytest
from mailbox_caller import call
from mailbox_calls import granted, seed_of
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.crypto.mailboxes import take_queue
from multichat_tui.model.economy import EVERY_SETTING, MODE_SETTING, Mode
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting, FetchOlder, GrantPlace, HostMailbox, SetDraft, SetRegard
from multichat_tui.model.mailbox_frames import Word
from multichat_tui.model.ports import LinkUp
from multichat_tui.model.regards import Regard
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import filling


async def _set(person: Person, key: str, value: str) -> None:
    await person.api.submit(ChangeSetting(key=key, value=value))


async def _rests(person: Person) -> bool:
    row = (await person.api.status()).rows
    return row.resting_until_ms is not None and row.links == 0


def _has(person: Person, channel: ChannelId, text: str):  # type: ignore[no-untyped-def]  # a condition for `until`
    async def has() -> bool:
        return text in await person.texts(channel)

    return has


def test_a_node_of_low_power_is_without_links_but_for_a_while_now_and_then_and_gets_everything() -> None:
    async def story() -> None:
        world = SimulatedWorld(731)
        ann, phone = await world.add("ann", "phone")
        await world.pair(ann, phone)
        channel = await world.channel_of(ann, phone)
        await _set(phone, EVERY_SETTING, "10m")
        await _set(phone, MODE_SETTING, Mode.LOW_POWER)
        await until(lambda: _rests(phone), "the phone rests")
        linked = 0
        began = world.now_ms()
        await ann.say(channel, "while you rest")
        while "while you rest" not in await phone.texts(channel):
            assert world.now_ms() - began < 11 * 60_000
            await asyncio.sleep(1)
        await until(lambda: _rests(phone), "it rests again")
        for _ in range(1200):
            await asyncio.sleep(1)
            linked += (await phone.api.status()).rows.links > 0
        assert linked < 60, "in twenty minutes it wakes twice"

    run_virtual(story())


def test_what_the_user_of_a_resting_node_writes_goes_at_once_and_what_only_this_device_knows_wakes_nobody() -> None:
    async def story() -> None:
        world = SimulatedWorld(732)
        ann, phone = await world.add("ann", "phone")
        await world.pair(ann, phone)
        channel = await world.channel_of(ann, phone)
        await _set(phone, EVERY_SETTING, "24h")
        await _set(phone, MODE_SETTING, Mode.LOW_POWER)
        await until(lambda: _rests(phone), "the phone rests")
        await phone.api.submit(SetDraft(channel=channel, text="half a thought"))
        await asyncio.sleep(60)
        assert await _rests(phone)
        await ann.say(channel, "are you there?")
        began = world.now_ms()
        await phone.say(channel, "yes")
        await until(_has(ann, channel, "yes"), "ann has it")
        await until(_has(phone, channel, "are you there?"), "and the phone has hers")
        assert world.now_ms() - began < 30_000
        await _set(phone, MODE_SETTING, Mode.USUAL)
        await until(lambda: _linked(phone), "it is linked again for good")
        await asyncio.sleep(600)
        assert await _linked(phone)

    run_virtual(story())


async def _linked(person: Person) -> bool:
    return (await person.api.status()).rows.links == 1


def test_a_resting_node_keeps_no_links_of_those_who_use_its_mailbox() -> None:
    async def story() -> None:
        world = SimulatedWorld(736)
        (phone,) = await world.add("phone")
        await phone.api.submit(HostMailbox(on=True))
        grant = granted((await phone.api.submit(GrantPlace(name="ann"))).link)
        owner = await call(world, grant.address)
        await owner.own(grant, "queue")
        await owner.listing("queue", subscribe=True)
        await _set(phone, EVERY_SETTING, "24h")
        await _set(phone, MODE_SETTING, Mode.LOW_POWER)
        await until(lambda: _rests(phone), "the phone rests")
        await owner.until(lambda: owner.down, timeout_s=5)
        assert (await phone.api.hosting()).rows.links == 0
        late = await call(world, grant.address)
        assert not any(isinstance(each, LinkUp) for each in late.inputs)
        await _set(phone, MODE_SETTING, Mode.USUAL)
        again = await call(world, grant.address)
        assert await again.word(lambda n, b: take_queue(n, seed_of("queue"), b)) is Word.DONE

    run_virtual(story())


def test_a_resting_node_rests_again_after_a_restart_and_is_called_in_vain() -> None:
    async def story() -> None:
        world = SimulatedWorld(733)
        ann, phone = await world.add("ann", "phone")
        await world.pair(ann, phone)
        channel = await world.channel_of(ann, phone)
        await _set(phone, EVERY_SETTING, "30m")
        await _set(phone, MODE_SETTING, Mode.LOW_POWER)
        await until(lambda: _rests(phone), "the phone rests")
        phone.crash()
        await phone.start()
        await until(lambda: _linked(phone), "it looks around when it starts")
        await until(lambda: _rests(phone), "and rests")
        await ann.say(channel, "one")
        await asyncio.sleep(20 * 60)
        assert "one" not in await phone.texts(channel)
        await until(_has(phone, channel, "one"), "it comes the next time", timeout_s=1200)

    run_virtual(story())


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "FAR_BEHIND_RECORDS", 60)
    monkeypatch.setattr(filling, "NEWEST_RECORDS", 24)


@pytest.mark.usefixtures("short_pages")
def test_where_data_costs_older_history_waits_until_it_is_asked_for_and_the_newest_does_not() -> None:
    async def story() -> None:
        world = SimulatedWorld(734)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        await _set(bob, MODE_SETTING, Mode.METERED)
        await bob.stop()
        for number in range(200):
            await ann.say(channel, f"message {number}")
        bob.network.site = "far from home"
        await bob.start()
        await until(_has(bob, channel, "message 199"), "the newest is here")
        await asyncio.sleep(600)
        gap = (await bob.api.channel(channel)).rows.gaps[0]
        assert gap.paused
        assert gap.missing > 100
        await bob.api.submit(FetchOlder(channel=channel, count=200))
        await until(_has(bob, channel, "message 0"), "the rest has come")
        row = (await bob.api.status()).rows
        assert [each.path for each in row.traffic] == ["direct"]
        assert row.traffic[0].received > 50_000

    run_virtual(story())


def test_where_data_costs_records_of_others_are_offered_on_in_batches() -> None:
    async def story() -> None:
        world = SimulatedWorld(735)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(ann, bob)
        await world.pair(ann, kim)
        channel = await world.channel_of(ann, bob, kim)
        await _set(ann, MODE_SETTING, Mode.METERED)
        kim.network.site = "far from home"
        for one, other in ((bob, kim), (kim, bob)):
            blocked = (await other.api.me()).rows.user
            await one.api.submit(SetRegard(user=blocked, regard=Regard.BLOCKED))
        await kim.stop()
        await kim.start()
        await until(lambda: _links(kim, 1), "kim reaches ann alone")
        await bob.say(channel, "hello kim")
        await until(_has(ann, channel, "hello kim"), "ann has it at once")
        await asyncio.sleep(30)
        assert "hello kim" not in await kim.texts(channel)
        await until(_has(kim, channel, "hello kim"), "kim gets it by the next batch")

    run_virtual(story())


async def _links(person: Person, count: int) -> bool:
    return (await person.api.status()).rows.links == count
