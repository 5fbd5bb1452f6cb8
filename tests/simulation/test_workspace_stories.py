"""Workspaces between whole nodes in virtual time: lists of channels, and what is decided in a workspace carried into them."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, engine_of, until

from multichat_tui.model.errors import IntentRefused, MultichatError, NotFound
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import (
    ApproveJoin,
    BanMember,
    CreateChannel,
    CreateWorkspace,
    GiveRank,
    InviteToChannel,
    JoinChannel,
    JoinListed,
    LeaveChannel,
    LiftBan,
    ListChannel,
    RemoveMember,
    RenameChannel,
    UnlistChannel,
)
from multichat_tui.model.invitations import Invitation, InvitationKind
from multichat_tui.model.moderation import DeedKind, DeedSearch
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR
from multichat_tui.model.snapshots import ChannelKind, ListedRow, Membership, RowKind
from multichat_tui.net.virtual_time import run_virtual

HOUR_MS = 3_600_000


async def user_of(person: Person) -> UserId:
    user: UserId = (await person.api.me()).rows.user
    return user


async def roles(person: Person, channel: ChannelId) -> dict[str, str]:
    try:
        return {row.name: row.role for row in (await person.api.members(channel)).rows}
    except MultichatError:
        return {}


async def shows(person: Person, channel: ChannelId, expected: dict[str, str]) -> None:
    async def same() -> bool:
        return await roles(person, channel) == expected

    try:
        await until(same, f"{person.name} shows {expected}")
    except AssertionError:
        print(person.name, await roles(person, channel))
        raise


async def listing(person: Person, workspace: ChannelId, name: str) -> ListedRow:
    """The entry of this name, once it is there."""

    async def there() -> bool:
        return any(row.name == name for row in (await person.api.directory(workspace)).rows)

    await until(there, f"{person.name} sees {name} on the list")
    return next(row for row in (await person.api.directory(workspace)).rows if row.name == name)


async def membership(person: Person, channel: ChannelId) -> Membership | None:
    try:
        return (await person.api.channel(channel)).rows.membership
    except NotFound:
        return None


async def comes_in(person: Person, workspace: ChannelId, name: str) -> ChannelId:
    row = await listing(person, workspace, name)
    await person.api.submit(JoinListed(workspace=workspace, channel=row.channel))

    async def inside() -> bool:
        return await membership(person, row.channel) is Membership.JOINED

    await until(inside, f"{person.name} is in {name}")
    return row.channel


async def acme(world: SimulatedWorld, *names: str) -> tuple[list[Person], ChannelId]:
    """The first of them has founded a workspace and invited the others; all are contacts of each other."""
    people = await world.add(*names)
    for index, one in enumerate(people):
        for other in people[index + 1 :]:
            await world.pair(one, other)
    workspace = (await people[0].api.submit(CreateWorkspace(name="acme"))).channel
    assert workspace is not None
    for other in people[1:]:
        link = (await people[0].api.submit(InviteToChannel(channel=workspace))).link
        assert link is not None
        await other.api.submit(JoinChannel(link=link))
    for person in people:
        await shows(person, workspace, {names[0]: "founder"} | dict.fromkeys(names[1:], "member"))
    return people, workspace


async def make(person: Person, workspace: ChannelId, name: str, *, is_open: bool = True) -> ChannelId:
    channel = (await person.api.submit(CreateChannel(name=name, workspace=workspace, open=is_open))).channel
    assert channel is not None
    return channel


def test_members_find_the_channels_of_a_workspace_on_its_list_and_come_in_without_a_link() -> None:
    async def story() -> None:
        world = SimulatedWorld(301)
        (ann, bob, kim), workspace = await acme(world, "ann", "bob", "kim")
        assert (await ann.api.channel(workspace)).rows.kind is ChannelKind.WORKSPACE
        dev = await make(ann, workspace, "dev")
        row = await listing(bob, workspace, "dev")
        assert (row.channel, row.joined, row.open, row.members) == (dev, False, True, None)
        assert await membership(bob, dev) is None
        await comes_in(bob, workspace, "dev")
        await shows(bob, dev, {"ann": "founder", "bob": "member"})
        assert (await bob.api.channel(dev)).rows.workspaces == (workspace,)
        # Whoever is in lets in others, also while the one who made the way in is away.
        await ann.stop()
        await comes_in(kim, workspace, "dev")
        await kim.say(dev, "hello")
        await until(lambda: has(bob, dev, "hello"), "bob reads it")
        await ann.start()
        assert await world.converge(dev) == ["hello"]
        # What it is called and about is on the list as it is.
        await ann.api.submit(RenameChannel(channel=dev, name="development"))
        await ann.api.submit(LeaveChannel(channel=workspace))
        assert (await listing(bob, workspace, "development")).members == 3

    run_virtual(story())


def test_a_channel_that_is_not_open_is_on_the_list_and_needs_a_link() -> None:
    async def story() -> None:
        world = SimulatedWorld(302)
        (ann, bob), workspace = await acme(world, "ann", "bob")
        board = await make(ann, workspace, "board", is_open=False)
        row = await listing(bob, workspace, "board")
        assert not row.open
        with pytest.raises(IntentRefused, match="not open"):
            await bob.api.submit(JoinListed(workspace=workspace, channel=board))
        with pytest.raises(NotFound):
            await bob.api.submit(JoinListed(workspace=workspace, channel=ChannelId(bytes(32))))
        with pytest.raises(IntentRefused, match="no workspace"):
            await ann.api.submit(ListChannel(workspace=board, channel=workspace))
        with pytest.raises(IntentRefused, match="only"):
            await bob.api.submit(CreateChannel(name="mine", workspace=workspace))
        assert [row.name for row in (await bob.api.channels()).rows] == ["acme"]
        await ann.api.submit(ListChannel(workspace=workspace, channel=board))
        await until(lambda: is_open(bob, workspace, "board"), "it is open now")
        await comes_in(bob, workspace, "board")
        await ann.api.submit(UnlistChannel(workspace=workspace, channel=board))

        async def gone() -> bool:
            return not (await bob.api.directory(workspace)).rows

        await until(gone, "it is off the list")
        assert await membership(bob, board) is Membership.JOINED

    run_virtual(story())


def test_roles_removals_and_bans_of_a_workspace_are_carried_into_its_channels_and_out_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(303)
        (ann, bob, kim), workspace = await acme(world, "ann", "bob", "kim")
        dev, ops = await make(ann, workspace, "dev"), await make(ann, workspace, "ops")
        for person in (bob, kim):
            for name in ("dev", "ops"):
                await comes_in(person, workspace, name)
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=MODERATOR))
        for channel in (workspace, dev, ops):
            await shows(kim, channel, {"ann": "founder", "bob": "moderator", "kim": "member"})
        # Who moderates the workspace moderates its channels with it.
        await bob.api.submit(BanMember(channel=workspace, user=await user_of(kim), reason="spam"))
        for channel in (workspace, dev, ops):
            await shows(ann, channel, {"ann": "founder", "bob": "moderator"})
        said = [row.text for row in await ann.rows(dev) if row.kind is RowKind.MODERATED]
        assert said[-1] == "bob banned kim: spam (as decided in acme)"
        await until(lambda: is_out(kim, dev), "kim is told")
        await bob.api.submit(LiftBan(channel=workspace, user=await user_of(kim)))

        async def free() -> bool:
            return not any([(await ann.api.rules(channel)).rows.bans for channel in (workspace, dev, ops)])

        await until(free, "the bans are lifted everywhere")
        # What a channel decides later for itself stays.
        await ann.api.submit(GiveRank(channel=dev, user=await user_of(bob), rank=0))
        await asyncio.sleep(900)
        await shows(bob, dev, {"ann": "founder", "bob": "member"})
        await shows(bob, ops, {"ann": "founder", "bob": "moderator"})

    run_virtual(story())


def test_who_comes_into_a_channel_later_has_the_role_that_the_workspace_gave() -> None:
    async def story() -> None:
        world = SimulatedWorld(304)
        (ann, bob), workspace = await acme(world, "ann", "bob")
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=ADMIN))
        dev = await make(ann, workspace, "dev")
        await comes_in(bob, workspace, "dev")
        await shows(ann, dev, {"ann": "founder", "bob": "admin"})

    run_virtual(story())


def test_when_who_decided_is_away_others_who_may_carry_it_into_the_channels() -> None:
    async def story() -> None:
        world = SimulatedWorld(305)
        (ann, bob, kim), workspace = await acme(world, "ann", "bob", "kim")
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=MODERATOR))
        dev = await make(ann, workspace, "dev")
        for person in (bob, kim):
            await comes_in(person, workspace, "dev")
        await shows(kim, dev, {"ann": "founder", "bob": "moderator", "kim": "member"})
        # bob is in the workspace only, as it were: he removes kim while he has left the channel.
        await bob.api.submit(LeaveChannel(channel=dev))
        await bob.api.submit(RemoveMember(channel=workspace, user=await user_of(kim)))
        await shows(ann, dev, {"ann": "founder"})

    run_virtual(story())


def test_who_was_removed_from_a_workspace_does_not_come_in_by_the_old_list() -> None:
    async def story() -> None:
        world = SimulatedWorld(306)
        (ann, bob, kim), workspace = await acme(world, "ann", "bob", "kim")
        dev = await make(ann, workspace, "dev")
        await comes_in(bob, workspace, "dev")
        old = await listing(kim, workspace, "dev")
        world.hub.partition(["ann", "bob"], ["kim"])
        await asyncio.sleep(60)
        await ann.api.submit(RemoveMember(channel=workspace, user=await user_of(kim)))
        await asyncio.sleep(60)
        # kim has not heard of it, and knows the way in as it was.
        await kim.api.submit(JoinListed(workspace=workspace, channel=old.channel))
        world.hub.heal()
        await asyncio.sleep(600)
        await shows(ann, dev, {"ann": "founder", "bob": "member"})
        assert await membership(kim, dev) is not Membership.JOINED

    run_virtual(story())


def test_a_channel_of_two_workspaces_obeys_both_and_tells_neither_of_the_other() -> None:
    async def story() -> None:
        world = SimulatedWorld(307)
        (ann, bob, kim, eve), acme_ = await acme(world, "ann", "bob", "kim", "eve")
        other = (await bob.api.submit(CreateWorkspace(name="umbrella"))).channel
        assert other is not None
        for person in (kim, ann):
            link = (await bob.api.submit(InviteToChannel(channel=other))).link
            assert link is not None
            await person.api.submit(JoinChannel(link=link))
        await shows(bob, other, {"bob": "founder", "kim": "member", "ann": "member"})
        dev = await make(ann, acme_, "dev")
        for person in (bob, kim, eve):
            await comes_in(person, acme_, "dev")
        await ann.api.submit(GiveRank(channel=dev, user=await user_of(bob), rank=ADMIN))
        await shows(bob, dev, {"ann": "founder", "bob": "admin", "kim": "member", "eve": "member"})
        await bob.api.submit(ListChannel(workspace=other, channel=dev))
        assert (await listing(kim, other, "dev")).joined
        assert set((await kim.api.channel(dev)).rows.workspaces) == {acme_, other}
        await bob.api.submit(BanMember(channel=other, user=await user_of(kim), reason="there"))
        await shows(ann, dev, {"ann": "founder", "bob": "admin", "eve": "member"})
        # eve, who is in one of them only, reads that it was done, and not where it was decided.
        told = [row.text for row in await eve.rows(dev) if row.kind is RowKind.MODERATED]
        assert "bob banned kim: there" in told
        assert not any("umbrella" in text for text in told)
        assert set((await eve.api.channel(dev)).rows.workspaces) == {acme_}
        await shows(ann, acme_, {"ann": "founder", "bob": "member", "kim": "member", "eve": "member"})

    run_virtual(story())


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


async def is_out(person: Person, channel: ChannelId) -> bool:
    return await membership(person, channel) is Membership.REMOVED


async def asks_by_the_list(person: Person, workspace: ChannelId, channel: ChannelId) -> None:
    """As a program would that does not look at what the list asks for."""
    way_in = engine_of(person).world.channels[workspace].view.directory[channel][1].way_in
    assert way_in is not None
    link = Invitation(
        kind=InvitationKind.JOIN,
        seed=way_in.seed,
        user=way_in.user,
        expires_ms=way_in.expires_ms,
        addresses=(),
        channel=channel,
    ).link
    await person.api.submit(JoinChannel(link=link))


async def is_open(person: Person, workspace: ChannelId, name: str) -> bool:
    return (await listing(person, workspace, name)).open


def test_a_channel_is_for_those_of_a_role_in_the_workspace_as_long_as_they_have_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(318)
        (ann, bob, kim), workspace = await acme(world, "ann", "bob", "kim")
        made = await ann.api.submit(CreateChannel(name="helm", workspace=workspace, least=MODERATOR))
        helm = made.channel
        assert helm is not None
        row = await listing(bob, workspace, "helm")
        assert (row.open, row.role, row.fits) == (True, "moderator", False)
        with pytest.raises(IntentRefused, match="moderators and above") as refused:
            await bob.api.submit(JoinListed(workspace=workspace, channel=helm))
        assert "a member" in refused.value.message
        # With the role, nobody has to agree.
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=MODERATOR))

        async def fits() -> bool:
            return (await listing(bob, workspace, "helm")).fits

        await until(fits, "bob has the role")
        await comes_in(bob, workspace, "helm")
        await shows(ann, helm, {"ann": "founder", "bob": "moderator"})
        # A program that asks all the same waits, and comes in with the role.
        await asks_by_the_list(kim, workspace, helm)

        async def asks() -> bool:
            return bool((await ann.api.rules(helm)).rows.waiting)

        await until(asks, "kim asks")
        await asyncio.sleep(600)
        assert await roles(ann, helm) == {"ann": "founder", "bob": "moderator"}
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(kim), rank=MODERATOR))
        await shows(ann, helm, {"ann": "founder", "bob": "moderator", "kim": "moderator"})
        # Without it they are out, and with it they come back.
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=MEMBER, reason="a rest"))
        await shows(kim, helm, {"ann": "founder", "kim": "moderator"})
        assert await membership(bob, helm) is Membership.REMOVED
        assert (await roles(bob, workspace))["bob"] == "member"
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=MODERATOR))
        await until(fits, "bob has the role again")
        await asyncio.sleep(400)
        await comes_in(bob, workspace, "helm")
        await shows(ann, helm, {"ann": "founder", "bob": "moderator", "kim": "moderator"})

    run_virtual(story())


async def comings(person: Person, channel: ChannelId) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """By name, how each came in as the timeline tells it; and what the log of moderation says of that, the newest first."""
    rows = (await person.api.timeline(channel)).rows
    log = (await person.api.modlog(channel, search=DeedSearch(kinds=(DeedKind.JOINED,)))).rows.rows
    return {row.text: row.deeds for row in rows if row.kind is RowKind.JOINED}, [row.said for row in log]


def test_who_comes_in_by_a_role_is_told_of_as_such_and_not_as_let_in_by_whoever_wrote_it_down() -> None:
    async def story() -> None:
        world = SimulatedWorld(329)
        (ann, bob, kim, eve), workspace = await acme(world, "ann", "bob", "kim", "eve")
        helm = (await ann.api.submit(CreateChannel(name="helm", workspace=workspace, least=MODERATOR))).channel
        assert helm is not None
        for person in (bob, eve):
            await ann.api.submit(GiveRank(channel=workspace, user=await user_of(person), rank=ADMIN))

        async def fits() -> bool:
            return (await listing(bob, workspace, "helm")).fits

        await until(fits, "bob has the role")
        await comes_in(bob, workspace, "helm")
        # Kim asks by the same way without the role, and eve, who has it, by a link; ann lets them in herself.
        await asks_by_the_list(kim, workspace, helm)
        (dan,) = await world.add("dan")
        for person, invited_by in ((eve, bob), (dan, ann)):
            asked = (await invited_by.api.submit(InviteToChannel(channel=helm))).link
            assert asked is not None
            await person.api.submit(JoinChannel(link=asked))

        async def ask() -> bool:
            return {row.name for row in (await ann.api.rules(helm)).rows.waiting} == {"kim", "eve", "dan"}

        await until(ask, "all three ask")
        for person in (kim, eve, dan):
            await ann.api.submit(ApproveJoin(channel=helm, user=await user_of(person)))
        everybody = {"ann": "founder", "bob": "member", "kim": "member", "eve": "member", "dan": "member"}
        for person in (ann, bob, dan):
            await until(lambda person=person: inside(person, helm, set(everybody)), f"{person.name} sees all")
        # Who is given the role later was let in all the same.
        await asyncio.sleep(60)
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(kim), rank=MODERATOR))
        await asyncio.sleep(60)
        by_hand = {"kim": ("ann let kim in",), "eve": ("ann let eve in",), "dan": ("ann let dan in",)}
        for person in (ann, bob):
            timeline, log = await comings(person, helm)
            assert timeline == {"bob": ("as admin of acme",), **by_hand}
            assert set(log) == {"bob came in as admin of acme", "ann let kim in", "ann let eve in", "ann let dan in"}
            about_ann = DeedSearch(kinds=(DeedKind.JOINED,), user=await user_of(ann))
            found = (await person.api.modlog(helm, search=about_ann)).rows.rows
            assert {row.said: row.name for row in found}["bob came in as admin of acme"] == "bob"
        # It stays so when bob loses the role, and when the list has another way in.
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=MODERATOR))
        await ann.api.submit(UnlistChannel(workspace=workspace, channel=helm))
        await asyncio.sleep(60)
        assert (await comings(ann, helm))[0]["bob"] == ("as admin of acme",)
        # Who is not in the workspace is not told of it.
        timeline, log = await comings(dan, helm)
        assert timeline == {"bob": ("ann let bob in",), **by_hand}
        assert "ann let bob in" in log

    run_virtual(story())


async def inside(person: Person, channel: ChannelId, names: set[str]) -> bool:
    return set(await roles(person, channel)) == names


def test_who_comes_in_by_the_list_of_a_workspace_is_told_of_as_such() -> None:
    async def story() -> None:
        world = SimulatedWorld(330)
        (ann, bob), workspace = await acme(world, "ann", "bob")
        dev = await make(ann, workspace, "dev")
        await comes_in(bob, workspace, "dev")
        for person in (ann, bob):
            await until(lambda person=person: inside(person, dev, {"ann", "bob"}), "both are in")
            assert await comings(person, dev) == ({"bob": ()}, ["bob joined by the list of acme"])

    run_virtual(story())
