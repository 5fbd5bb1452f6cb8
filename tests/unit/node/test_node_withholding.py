"""What the history policy keeps from newcomers does not leave the node, however they ask; and nobody is talked into a hole."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_node_hostile import Mallory, counters, setting

from multichat_tui.model.acts import Message
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.frames import (
    ChainRange,
    ChainTip,
    ChannelOffer,
    Frame,
    MessageFrame,
    Offer,
    Request,
    Withheld,
    WithheldRange,
)
from multichat_tui.model.history import ALL, JOINING
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log
from multichat_tui.model.intents import ConfigureChannel, InviteToChannel, JoinChannel
from multichat_tui.model.records import Record
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session


@contextmanager
def overheard(person: Person) -> Iterator[list[Frame]]:
    """What a node sends meanwhile."""
    frames: list[Frame] = []
    send = World.send
    world = Mallory(person).world

    def noted(self: World, session: Session, frame: Frame) -> None:
        if self is world:
            frames.append(frame)
        send(self, session, frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "send", noted)
        yield frames


async def newcomer(seed: int) -> tuple[Person, Person, ChannelId, list[Record]]:
    """ann's channel with a past of three messages, and bob, who came after it."""
    world = SimulatedWorld(seed)
    ann, bob = await world.add("ann", "bob")
    await world.pair(ann, bob)
    channel = await world.channel_of(ann)
    for number in range(3):
        await ann.say(channel, f"past {number}")
    await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=JOINING))
    await asyncio.sleep(1)
    link = (await ann.api.submit(InviteToChannel(channel=channel))).link
    assert link is not None
    await bob.api.submit(JoinChannel(link=link))
    await until(lambda: _are_in(ann, channel, 2), "bob is let in")
    await ann.say(channel, "welcome")
    await until(lambda: _sees(bob, channel, ["welcome"]), "bob is in")
    with ann.store.inner.transaction() as txn:
        records = [record for _, record in txn.arrivals(channel, Log.CONTENT, 0, 100)]
    return ann, bob, channel, records


async def _are_in(person: Person, channel: ChannelId, count: int) -> bool:
    return len((await person.api.members(channel)).rows) == count


async def _sees(person: Person, channel: ChannelId, texts: list[str]) -> bool:
    return await person.texts(channel) == texts


def test_no_request_brings_out_what_is_withheld():
    async def play() -> None:
        ann, bob, channel, records = await newcomer(1)
        mallory = Mallory(bob)
        past, device, prefix = records[:3], records[0].header.device[:PREFIX_SIZE], channel[:PREFIX_SIZE]
        everything = (ChainRange(device=device, log=Log.CONTENT, first=0, last=100),)
        with overheard(ann) as frames:
            mallory.send(Request(channel=prefix, ids=tuple(record.id for record in past)))
            mallory.send(Request(channel=prefix, ids=tuple(record.id for record in records), full=True))
            mallory.send(Request(channel=prefix, ranges=everything))
            mallory.send(Request(channel=prefix, ranges=everything, full=True))
            mallory.send(Request(channel=prefix, ranges=everything, newest=100))
            mallory.send(Request(channel=prefix, ranges=(replace(everything[0], first=1, last=1),), newest=5))
            # What one says to hold, or to lack, changes nothing.
            tip = ChainTip(device=device, log=Log.CONTENT, seq=0, hash=past[0].id[:PREFIX_SIZE])
            mallory.send(Offer(number=10**6, channels=(ChannelOffer(channel=channel, tips=(tip,)),)))
            await asyncio.sleep(30)
        bodies = [item.body for frame in frames if isinstance(frame, MessageFrame) for item in frame.items]
        assert any(body is not None and b"welcome" in body for body in bodies)
        assert not any(b"past" in body for body in bodies if body is not None)
        shown = [each.header_bytes for frame in frames if isinstance(frame, Withheld) for each in frame.ranges]
        assert past[2].header_bytes in shown

    run_virtual(play())


def test_a_hole_is_not_believed_where_the_rules_do_not_withhold():
    async def play() -> None:
        world, ann, bob, channel = await setting(2)
        mallory = Mallory(ann)
        far = mallory.record(channel, (Message(text="far"),), seq_ahead=5, prev=mallory.record(channel, (Message(text="x"),)).id)
        shown = WithheldRange(first=0, header_bytes=far.header_bytes, signature=far.signature)
        mallory.send(Withheld(channel=channel[:PREFIX_SIZE], ranges=(shown,)))
        await ann.say(channel, "as ever")
        await until(lambda: _sees(bob, channel, ["as ever"]), "bob hears ann")
        assert not Mallory(bob).world.channels[channel].chains.holes
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=JOINING))
        for _ in range(3):
            await asyncio.sleep(5)
            mallory.send(Withheld(channel=channel[:PREFIX_SIZE], ranges=(shown,)))
        await asyncio.sleep(5)
        assert not Mallory(bob).world.channels[channel].chains.holes
        await ann.say(channel, "once more")
        await until(lambda: _sees(bob, channel, ["as ever", "once more"]), "bob hears ann")
        assert not Mallory(bob).world.channels[channel].chains.holes
        assert world

    run_virtual(play())


def test_a_forged_header_proves_no_hole():
    async def play() -> None:
        ann, bob, channel, records = await newcomer(3)
        mallory = Mallory(ann)
        chains = Mallory(bob).world.channels[channel].chains
        before = dict(chains.holes)
        other = replace(records[2].header, seq=9, prev=records[2].id)
        forged = mallory.record(channel, (Message(text="forged"),), seed=bytes(32))
        ranges = (
            WithheldRange(first=0, header_bytes=forged.header_bytes, signature=forged.signature),
            WithheldRange(first=0, header_bytes=b"no header", signature=bytes(64)),
        )
        mallory.send(Withheld(channel=channel[:PREFIX_SIZE], ranges=ranges))
        await until(lambda: _counted(bob, "withheld-rejected", 2), "both are counted")
        assert chains.holes == before
        assert other.seq == 9
        await bob.say(channel, "still here")
        await until(lambda: _sees(ann, channel, ["past 0", "past 1", "past 2", "welcome", "still here"]), "ann hears bob")

    run_virtual(play())


async def _counted(person: Person, reason: str, count: int) -> bool:
    return (await counters(person)).get(reason, 0) >= count


def test_what_is_withheld_no_more_is_asked_for():
    async def play() -> None:
        ann, bob, channel, _ = await newcomer(4)
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=ALL))
        await until(lambda: _sees(bob, channel, ["past 0", "past 1", "past 2", "welcome"]), "bob has all")
        assert not Mallory(bob).world.channels[channel].chains.holes
        await bob.stop()
        await bob.start()
        assert await _sees(bob, channel, ["past 0", "past 1", "past 2", "welcome"])

    run_virtual(play())


def test_holes_outlive_a_restart():
    async def play() -> None:
        ann, bob, channel, records = await newcomer(5)
        held = Mallory(bob).world.channels[channel].chains
        before = (dict(held.holes), dict(held.ends), held.digest(), dict(held.hole_ends))
        await bob.stop()
        await bob.start()
        again = Mallory(bob).world.channels[channel].chains if bob.api._engine else held
        assert (dict(again.holes), dict(again.ends), again.digest(), dict(again.hole_ends)) == before
        assert held.holes
        assert records
        await ann.say(channel, "after it")
        await until(lambda: _sees(bob, channel, ["welcome", "after it"]), "bob goes on")

    run_virtual(play())
