"""Leaving: who has several devices leaves with all of them, and who has left once still hears what is done to them later."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, engine_of, until

from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import InviteToChannel, JoinChannel, LeaveChannel, RemoveMember, SendMessage
from multichat_tui.model.snapshots import Membership
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.introductions import LEFT_ELSEWHERE


async def _is(person: Person, channel: ChannelId, membership: Membership) -> bool:
    return (await person.api.channel(channel)).rows.membership is membership


async def _two_devices(world: SimulatedWorld, *, founds: bool) -> tuple[Person, Person, Person, ChannelId]:
    """(ann, ann's second device, bob, a channel of both that one of them has founded)."""
    ann, bob = await world.add("ann", "bob")
    await world.pair(ann, bob)
    channel = await (world.channel_of(ann, bob) if founds else world.channel_of(bob, ann))
    second = await world.restore(ann, "ann's second", revoke=False)
    await until(lambda: _is(second, channel, Membership.JOINED), "the second device is in")
    return ann, second, bob, channel


async def _rejoin(inviter: Person, person: Person, channel: ChannelId) -> None:
    link = (await inviter.api.submit(InviteToChannel(channel=channel))).link
    assert link is not None
    await person.api.submit(JoinChannel(link=link))
    await until(lambda: _is(person, channel, Membership.JOINED), f"{person.name} is in again")


@pytest.mark.parametrize("founds", [False, True], ids=["member", "founder"])
@pytest.mark.parametrize("there", ["all", "own", "others"])
def test_who_leaves_on_one_device_is_shown_as_out_on_the_other(founds: bool, there: str) -> None:
    """`there`: who is, besides the device that hears of it: all, or the device that has left, or the others alone."""

    async def story() -> None:
        world = SimulatedWorld(81)
        ann, second, bob, channel = await _two_devices(world, founds=founds)
        if there != "all":
            await ann.stop()
        if there == "own":
            await bob.stop()
        await second.api.submit(LeaveChannel(channel=channel))
        await asyncio.sleep(60)
        if there == "others":
            await second.stop()
        if there != "all":
            await ann.start()
        await until(lambda: _is(ann, channel, Membership.REMOVED), "the first device knows")
        assert (await ann.api.channel(channel)).rows.note == LEFT_ELSEWHERE
        with pytest.raises(IntentRefused):
            await ann.api.submit(SendMessage(channel=channel, text="to nobody"))
        if there == "all":
            # Nobody goes on telling anybody.
            await asyncio.sleep(60)
            for person in (ann, second, bob):
                mine = engine_of(person).world
                assert not mine.channels[channel].untold(mine.identity.device)

    run_virtual(story())


def test_who_comes_in_again_on_one_device_is_in_on_the_other() -> None:
    async def story() -> None:
        world = SimulatedWorld(82)
        ann, second, bob, channel = await _two_devices(world, founds=False)
        await second.api.submit(LeaveChannel(channel=channel))
        await until(lambda: _is(ann, channel, Membership.REMOVED), "the first device knows")
        await _rejoin(bob, second, channel)
        await until(lambda: _is(ann, channel, Membership.JOINED), "so is the first device")
        await ann.api.submit(SendMessage(channel=channel, text="again"))
        await until(lambda: _reads(bob, channel, "again"), "bob reads it")

    run_virtual(story())


async def _reads(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


def test_who_has_left_once_and_come_again_hears_that_they_were_removed() -> None:
    async def story() -> None:
        world = SimulatedWorld(83)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(bob, ann)
        await ann.api.submit(LeaveChannel(channel=channel))
        await asyncio.sleep(60)
        await _rejoin(bob, ann, channel)
        await bob.api.submit(RemoveMember(channel=channel, user=(await ann.api.me()).rows.user))
        await until(lambda: _is(ann, channel, Membership.REMOVED), "ann knows")
        assert (await ann.api.channel(channel)).rows.note == "You were removed from this channel."

    run_virtual(story())
