"""Who is removed is told so, at once or when a member is met again, and hears nothing more."""

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import BanMember, GiveRank, InviteToChannel, JoinChannel, RemoveMember
from multichat_tui.model.ranks import ADMIN, MEMBER
from multichat_tui.model.snapshots import Membership
from multichat_tui.net.virtual_time import run_virtual


async def user_of(person: Person) -> UserId:
    return (await person.api.me()).rows.user


async def removed(person: Person, channel: ChannelId) -> bool:
    return (await person.api.channel(channel)).rows.membership is Membership.REMOVED


async def members(person: Person, channel: ChannelId, names: list[str]) -> bool:
    try:
        return sorted(row.name for row in (await person.api.members(channel)).rows) == names
    except MultichatError:
        return False


def test_one_who_is_removed_while_linked_is_told_at_once_and_hears_nothing_more() -> None:
    async def story() -> None:
        world = SimulatedWorld(701)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(ann, bob)
        await world.pair(ann, kim)
        channel = await world.channel_of(ann, bob, kim)
        await ann.api.submit(RemoveMember(channel=channel, user=await user_of(bob), reason="spam"))
        await until(lambda: removed(bob, channel), "bob knows", timeout_s=10)
        await until(lambda: members(kim, channel, ["ann", "kim"]), "kim knows", timeout_s=10)
        await ann.say(channel, "among us")
        await until(lambda: has(kim, channel, "among us"), "kim hears")
        assert "among us" not in await bob.texts(channel)
        assert "ann removed bob: spam" in [row.text for row in await kim.rows(channel)]

    run_virtual(story())


def test_one_who_was_away_when_removed_is_told_by_the_first_member_they_meet() -> None:
    async def story() -> None:
        world = SimulatedWorld(702)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(ann, bob)
        await world.pair(ann, kim)
        await world.pair(bob, kim)
        channel = await world.channel_of(ann, bob, kim)
        user = await user_of(bob)
        await bob.stop()
        await ann.api.submit(RemoveMember(channel=channel, user=user))
        await until(lambda: members(kim, channel, ["ann", "kim"]), "kim knows")
        await ann.say(channel, "among us")
        await until(lambda: has(kim, channel, "among us"), "kim hears")
        await ann.stop()
        await bob.start()
        await until(lambda: removed(bob, channel), "bob knows", timeout_s=30)
        assert "among us" not in await bob.texts(channel)

    run_virtual(story())


def test_one_who_was_removed_by_who_had_no_right_any_more_is_in_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(703)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(ann, bob)
        await world.pair(ann, kim)
        await world.pair(bob, kim)
        channel = await world.channel_of(ann, bob, kim)
        users = {person.name: await user_of(person) for person in (ann, bob, kim)}
        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=ADMIN))
        await until(lambda: role(bob, channel, "bob", "admin"), "bob knows")
        world.hub.partition(["ann"], ["bob", "kim"])
        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=MEMBER))
        await bob.api.submit(BanMember(channel=channel, user=users["kim"]))
        await until(lambda: removed(kim, channel), "kim is told", timeout_s=30)
        world.hub.heal()
        for person in (ann, bob, kim):
            await until(lambda person=person: members(person, channel, ["ann", "bob", "kim"]), f"{person.name} sees all")
        await kim.say(channel, "here again")
        await until(lambda: has(ann, channel, "here again"), "ann hears")

    run_virtual(story())


@pytest.mark.parametrize("seed", [711, 712, 713])
def test_of_two_who_used_a_link_for_one_on_both_sides_of_a_cut_the_one_without_a_place_is_told(seed: int) -> None:
    async def story() -> None:
        world = SimulatedWorld(seed)
        ann, bob, hal, ina = await world.add("ann", "bob", "hal", "ina")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        once = (await ann.api.submit(InviteToChannel(channel=channel))).link
        assert once is not None
        world.hub.partition(["ann", "hal"], ["bob", "ina"])
        await hal.api.submit(JoinChannel(link=once))
        await ina.api.submit(JoinChannel(link=once))
        for person in (hal, ina):
            await until(lambda person=person: joined(person, channel), f"{person.name} is in")
        world.hub.heal()
        await until(lambda: same_members(ann, bob, channel), "ann and bob see the same one of them", timeout_s=60)
        names = {row.name for row in (await ann.api.members(channel)).rows}
        late, out = (hal, ina) if "hal" in names else (ina, hal)
        await until(lambda: removed(out, channel), f"{out.name} is told", timeout_s=60)
        assert await joined(late, channel)

    run_virtual(story())


async def same_members(one: Person, other: Person, channel: ChannelId) -> bool:
    found = [{row.name for row in (await person.api.members(channel)).rows} for person in (one, other)]
    return found[0] == found[1] and len(found[0]) == 3


async def joined(person: Person, channel: ChannelId) -> bool:
    return (await person.api.channel(channel)).rows.membership is Membership.JOINED


async def role(person: Person, channel: ChannelId, name: str, wanted: str) -> bool:
    return {row.name: row.role for row in (await person.api.members(channel)).rows}.get(name) == wanted


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)
