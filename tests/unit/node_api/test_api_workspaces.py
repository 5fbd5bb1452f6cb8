"""Slash commands about workspaces and their lists."""

from dataclasses import replace

import pytest
from api_twin import ApiTwin

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import CreateChannel, CreateWorkspace, JoinListed, ListChannel, UnlistChannel
from multichat_tui.model.snapshots import ChannelKind, ListedRow, Membership
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.commands.workspaces import listed_line

HR = ChannelId(b"h" * 32)


def space(api: ApiTwin, name: str) -> ChannelId:
    return api.add_channel(name, "bob", kind=ChannelKind.WORKSPACE).id


def entry(channel: ChannelId, name: str, *, joined: bool = False, is_open: bool = True) -> ListedRow:
    return ListedRow(
        channel=channel, name=name, topic="", joined=joined, joining=False, open=is_open, members=3 if joined else None
    )


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def acme(api):
    return space(api, "acme")


@pytest.fixture
def dev(api, acme):
    row = api.add_channel("dev", "bob")
    api.rows[row.id] = replace(row, workspaces=(acme,))
    api.directories[acme] = [entry(row.id, "dev", joined=True), entry(HR, "hr")]
    return row.id


async def test_a_workspace_is_made_and_opened(api):
    outcome = await run_command(api, None, "/workspace new umbrella corp")
    assert api.intents == [CreateWorkspace(name="umbrella corp")]
    assert outcome.open_channel is not None


async def test_channels_are_made_in_the_workspace_of_the_open_channel(api, acme, dev):
    await run_command(api, dev, "/workspace make #ops")
    await run_command(api, acme, "/workspace create board --private")
    assert api.intents == [
        CreateChannel(name="ops", workspace=acme, open=True),
        CreateChannel(name="board", workspace=acme, open=False),
    ]


async def test_who_was_removed_from_a_workspace_is_told_so_and_shown_nothing_of_its_list(api, acme, dev):
    api.rows[acme] = replace(api.rows[acme], membership=Membership.REMOVED)
    assert "no workspace" in (await run_command(api, dev, "/workspaces")).lines[0]
    space(api, "umbrella")
    with pytest.raises(NotFound, match="not in acme any more"):
        await run_command(api, dev, "/list acme")
    with pytest.raises(NotFound, match="no workspace 'zoo'"):
        await run_command(api, dev, "/list zoo")


async def test_a_channel_is_put_on_the_list_and_taken_off_it(api, acme, dev):
    tea = api.add_channel("tea", "bob").id
    await run_command(api, tea, "/workspace add")
    await run_command(api, acme, "/workspace add tea --private")
    await run_command(api, dev, "/workspace remove #hr")
    assert api.intents == [
        ListChannel(workspace=acme, channel=tea),
        ListChannel(workspace=acme, channel=tea, open=False),
        UnlistChannel(workspace=acme, channel=HR),
    ]


async def test_the_list_says_where_one_is_and_how_to_come_in(api, acme, dev):
    outcome = await run_command(api, dev, "/list")
    assert [" ".join(line.split()) for line in outcome.lines] == ["#dev you and 2 more", "#hr open: /join #hr"]
    assert outcome == await run_command(api, None, "/directory acme")
    assert [row["joined"] for row in outcome.fields["channels"]] == [True, False]


async def test_a_channel_on_a_list_is_joined_by_its_name_and_one_that_one_is_in_is_opened(api, acme, dev):
    outcome = await run_command(api, dev, "/join #hr")
    assert api.intents == [JoinListed(workspace=acme, channel=HR)]
    assert outcome.open_channel == HR
    assert (await run_command(api, acme, "/join dev")).open_channel == dev
    assert len(api.intents) == 1
    with pytest.raises(UsageError, match="no channel on the list"):
        await run_command(api, dev, "/join #nothing")
    assert len(api.intents) == 1


async def test_where_there_are_several_the_workspace_has_to_be_named(api, acme, dev):
    space(api, "umbrella")
    with pytest.raises(UsageError, match="Which workspace"):
        await run_command(api, None, "/list")
    outcome = await run_command(api, None, "/workspace acme")
    assert outcome.open_channel == acme
    with pytest.raises(UsageError, match="no workspace"):
        await run_command(api, None, "/workspace dev")
    assert "umbrella" in (await run_command(api, None, "/workspaces")).lines[1]


async def test_who_is_in_no_workspace_is_told_how_to_make_one(api):
    assert "/workspace new" in (await run_command(api, None, "/workspaces")).lines[0]
    with pytest.raises(NotFound, match="in no workspace"):
        await run_command(api, None, "/list")


@pytest.mark.parametrize("line", ["/workspace", "/workspace new", "/workspace create", "/workspace remove", "/workspaces x"])
async def test_what_is_incomplete_changes_nothing(api, acme, dev, line):
    with pytest.raises(UsageError):
        await run_command(api, dev, line)
    assert api.intents == []


async def test_a_channel_for_those_of_a_role_is_made_listed_and_shown_so(api, acme, dev):
    outcome = await run_command(api, acme, "/workspace make helm --role moderator")
    assert api.intents == [CreateChannel(name="helm", workspace=acme, least=50)]
    assert outcome.lines == ("#helm is made in acme. Moderators and above find it with /list and may join.",)
    outcome = await run_command(api, dev, "/workspace add --role admins")
    assert api.intents[1:] == [ListChannel(workspace=acme, channel=dev, least=100)]
    for line in ("/workspace make helm --role", "/workspace make helm --role moderatr", "/workspace make --role moderator"):
        with pytest.raises(UsageError):
            await run_command(api, acme, line)
    assert len(api.intents) == 2


def test_who_may_come_in_is_said_beside_a_channel_for_those_of_a_role():
    row = ListedRow(channel=HR, name="hr", topic="", joined=False, joining=False, open=True, members=None, role="moderator")
    assert listed_line(row).split() == ["#hr", "open:", "/join", "#hr"]
    assert "for those of the role moderator" in listed_line(replace(row, fits=False))
    assert "you and 2 more, for moderator" in listed_line(replace(row, joined=True, members=3))
