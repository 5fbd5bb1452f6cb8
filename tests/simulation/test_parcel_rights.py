"""What goes into a parcel is what its reader may have, by the same rules as over a link."""

import copy

from carried import carry, device_of, hand_over, within, write
from parted import part, parted, user_of
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.history import NONE
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import (
    ConfigureChannel,
    InviteToChannel,
    JoinChannel,
    RedactMessages,
    RemoveMember,
    SendMessage,
)
from multichat_tui.model.snapshots import Membership, RowKind
from multichat_tui.net.simulated import Conditions
from multichat_tui.net.virtual_time import run_virtual


def test_who_was_removed_gets_nothing_and_nothing_of_them_is_taken() -> None:
    async def story() -> None:
        _, (ann, bob, cem), channel = await parted(31, "ann", "bob", "cem")
        await ann.api.submit(RemoveMember(channel=channel, user=await user_of(bob)))
        await ann.say(channel, "without bob")
        parcel = write(ann, bob)
        assert parcel is None or (parcel.covers == () and channel not in parcel.contents)
        await bob.say(channel, "still here?")
        carry(bob, ann)
        assert "still here?" not in await ann.texts(channel)
        carry(ann, cem)
        assert await cem.texts(channel) == ["without bob"]
        assert write(cem, bob) is None

    run_virtual(story())


def test_history_that_is_withheld_from_a_newcomer_is_named_and_not_given() -> None:
    async def story() -> None:
        world = SimulatedWorld(32)
        ann, ben, dora = await world.add("ann", "ben", "dora")
        await world.pair(ann, ben)
        await world.pair(ann, dora)
        channel = await world.channel_of(ann, ben)
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.HISTORY, value=NONE))
        await world.pair(ben, dora)
        await ben_has_setting(ben, channel)
        world.hub.partition(["ann"], ["ben", "dora"])
        await ann.say(channel, "before dora")
        link = (await ben.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        await dora.api.submit(JoinChannel(link=link))
        await until(lambda: joined(dora, channel), "dora is in")
        await part(world)
        carry(ben, ann)
        await ann.say(channel, "after dora")
        parcel = write(ann, dora)
        assert parcel is not None
        assert b"before dora" not in parcel.contents
        assert hand_over(ann, dora, parcel.contents)
        assert await dora.texts(channel) == ["after dora"]
        carry(dora, ann)
        assert write(ann, dora) is None, "what is withheld is acknowledged too"

    run_virtual(story())


async def ben_has_setting(ben: Person, channel: ChannelId) -> None:
    async def has() -> bool:
        settings = within(ben, lambda engine: engine.world.channels[channel].view.setting(SettingKey.HISTORY))
        return settings == NONE

    await until(has, "the policy is known")


async def joined(person: Person, channel: ChannelId) -> bool:
    return any(row.id == channel and row.membership is Membership.JOINED for row in (await person.api.channels()).rows)


def test_a_message_to_some_goes_to_the_others_without_its_text() -> None:
    async def story() -> None:
        _, (ann, bob, cem), channel = await parted(33, "ann", "bob", "cem")
        await ann.api.submit(SendMessage(channel=channel, text="for bob alone", recipients=(await user_of(bob),)))
        await ann.say(channel, "for all")
        parcel = write(ann, cem)
        assert parcel is not None
        assert b"for bob alone" not in parcel.contents
        assert hand_over(ann, cem, parcel.contents)
        rows = await cem.rows(channel)
        assert [row.kind for row in rows[-2:]] == [RowKind.FOR_OTHERS, RowKind.MESSAGE]
        carry(ann, bob)
        assert await bob.texts(channel) == ["for bob alone", "for all"]
        carry(bob, cem)
        assert await cem.texts(channel) == ["for all"]

    run_virtual(story())


def test_what_was_redacted_is_in_no_parcel_any_more() -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(34, "ann", "bob")
        accepted = await ann.api.submit(SendMessage(channel=channel, text="a slip"))
        assert accepted.record is not None
        await ann.api.submit(RedactMessages(channel=channel, targets=(accepted.record,)))
        await ann.say(channel, "what I meant")
        parcel = write(ann, bob)
        assert parcel is not None
        assert b"a slip" not in parcel.contents
        assert hand_over(ann, bob, parcel.contents)
        assert await bob.texts(channel) == ["what I meant"]

    run_virtual(story())


class Twin(Person):
    """Another machine with a copy of somebody's profile as it is now."""

    def __init__(self, original: Person, name: str) -> None:
        super().__init__(original.world, name)
        self.store.inner = copy.deepcopy(original.store.inner)
        original.world.people[name] = self


def test_both_branches_of_a_copied_profile_go_on_in_parcels() -> None:
    async def story() -> None:
        world, (ann, bob, cem), channel = await parted(35, "ann", "bob", "cem")
        await ann.stop()
        twin = Twin(ann, "twin")
        world.hub.partition(*([name] for name in world.people))
        await ann.start()
        await twin.start()
        for number in range(3):
            await ann.say(channel, f"ann {number}")
        await twin.say(channel, "twin")
        one, other = write(ann, bob), write(twin, bob)
        assert one is not None
        assert other is not None
        assert hand_over(ann, bob, one.contents)
        assert hand_over(ann, bob, other.contents)
        assert set(await bob.texts(channel)) == {"ann 0", "ann 1", "ann 2", "twin"}
        assert carry(bob, cem)
        assert set(await cem.texts(channel)) == {"ann 0", "ann 1", "ann 2", "twin"}
        carry(cem, bob)
        device = device_of(cem)
        again = within(bob, lambda engine: engine.parcels.contents_for(device))
        assert again is None or not again.covers, "cem is known to hold both branches"

    run_virtual(story())


def test_who_was_let_in_and_has_nothing_of_the_channel_yet_gets_its_control_log_first() -> None:
    async def story() -> None:
        world = SimulatedWorld(36)
        ann, ben, dora = await world.add("ann", "ben", "dora")
        await world.pair(ann, ben)
        await world.pair(ann, dora)
        await world.pair(ben, dora)
        channel = await world.channel_of(ann, ben)
        await ben.say(channel, "early")

        async def heard() -> bool:
            return await ann.texts(channel) == ["early"]

        await until(heard, "ann has it")
        world.hub.set_conditions("ben", "dora", Conditions(latency_ms=700))
        world.hub.partition(["ann"], ["ben", "dora"])
        link = (await ben.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        await dora.api.submit(JoinChannel(link=link))

        async def let_in() -> bool:
            return len((await ben.api.members(channel)).rows) == 3

        await until(let_in, "ben has let dora in")
        await part(world)
        assert not await joined(dora, channel)
        carry(ben, ann)
        await ann.say(channel, "welcome")
        assert carry(ann, dora)
        assert await joined(dora, channel)
        assert await dora.texts(channel) == ["early", "welcome"]

    run_virtual(story())
