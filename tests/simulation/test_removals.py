"""Who is removed is told so, at once or when a member is met again, and hears nothing more."""

from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import RemoveMember
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


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)
