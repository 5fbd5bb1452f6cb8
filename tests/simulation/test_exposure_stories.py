"""Stories of the page that says who could learn what of a channel, between whole nodes in virtual time."""

from simulated_world import Person, SimulatedWorld, until
from test_moderation_stories import three, user_of

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.exposure import ExposureRow, Party
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import AddMailbox, ChangeKind, ConfigureChannel, GrantPlace, HostMailbox, RemoveMember
from multichat_tui.model.presets import Preset
from multichat_tui.net.virtual_time import run_virtual

DAY_MS = 24 * 60 * 60 * 1000


async def page_of(person: Person, channel: ChannelId) -> dict[Party, ExposureRow]:
    return {row.party: row for row in (await person.api.exposure(channel)).rows}


def test_members_are_named_as_verified_or_not_and_who_was_removed_moves_to_those_who_were() -> None:
    async def story() -> None:
        world = SimulatedWorld(711)
        ann, _, kim, channel = await three(world)
        page = await page_of(ann, channel)
        assert (page[Party.MEMBERS].count, page[Party.MEMBERS].names) == (2, ("bob", "kim"))
        assert page[Party.UNVERIFIED].names == ("bob", "kim")
        assert not page.keys() & {Party.FORMER, Party.READERS, Party.OWN_DEVICES}
        await ann.api.submit(RemoveMember(channel=channel, user=await user_of(kim)))
        page = await page_of(ann, channel)
        assert page[Party.MEMBERS].names == ("bob",)
        assert page[Party.FORMER].names == ("kim",)

    run_virtual(story())


def test_what_the_rules_of_a_channel_open_or_delete_stands_on_its_page() -> None:
    async def story() -> None:
        world = SimulatedWorld(712)
        ann, bob, _, channel = await three(world)
        assert "Newcomers see the whole history." in (await page_of(ann, channel))[Party.MEMBERS].learns
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.RETENTION, value=7 * DAY_MS))
        said = " ".join((await page_of(ann, channel))[Party.MEMBERS].learns)
        assert "delete texts 1w after they were sent" in said
        await ann.api.submit(ChangeKind(channel=channel, kind=Preset.PUBLIC))
        await until(lambda: _readable(bob, channel), "bob hears that everybody may read")
        assert "without being a member" in (await page_of(bob, channel))[Party.READERS].learns[0]

    run_virtual(story())


async def _readable(person: Person, channel: ChannelId) -> bool:
    return Party.READERS in await page_of(person, channel)


def test_mailboxes_of_members_stand_on_the_page_as_soon_as_somebody_has_named_one() -> None:
    async def story() -> None:
        world = SimulatedWorld(713)
        ann, bob, mail = await world.add("ann", "bob", "mail")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        assert Party.MAILBOXES not in await page_of(ann, channel)
        await mail.api.submit(HostMailbox(on=True))
        link = (await mail.api.submit(GrantPlace(name="bob"))).link
        assert link is not None
        await bob.api.submit(AddMailbox(link=link))
        await until(lambda: _knows_mailboxes(ann, channel, 1), "ann knows of bob's mailbox")
        assert "not who has written" in (await page_of(ann, channel))[Party.MAILBOXES].learns[0]

    run_virtual(story())


async def _knows_mailboxes(person: Person, channel: ChannelId, count: int) -> bool:
    row = (await page_of(person, channel)).get(Party.MAILBOXES)
    return row is not None and row.count == count
