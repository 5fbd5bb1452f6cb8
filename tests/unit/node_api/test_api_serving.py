"""Slash commands about who is served what, against the twin."""

import pytest
from api_twin import ApiTwin

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.history import ALL, JOINING, MAX_POLICY, NONE, parse_policy, policy_name, policy_words
from multichat_tui.model.intents import ConfigureChannel, InviteToChannel, SendMessage
from multichat_tui.node.api.commands import run_command


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def dev(api):
    return api.add_channel("dev", "bob").id


@pytest.mark.parametrize(
    ("line", "value", "said"),
    [
        ("/newcomers none", NONE, "Newcomers to #dev see nothing that was written before everybody knew them."),
        ("/newcomers joining", JOINING, "Newcomers to #dev see what is written from their joining on."),
        ("/newcomers 30d", JOINING + 30, "Newcomers to #dev see the last 30 days before their joining."),
        ("/newcomers 1d", JOINING + 1, "Newcomers to #dev see the last day before their joining."),
        ("/newcomers ALL", ALL, "Newcomers to #dev see the whole history."),
    ],
)
async def test_the_policy_is_set_by_its_command(api, dev, line, value, said):
    outcome = await run_command(api, dev, f"{line} as agreed")
    assert api.intents == [ConfigureChannel(channel=dev, key=SettingKey.HISTORY, value=value, reason="as agreed")]
    assert outcome.lines == (said,)


async def test_the_command_alone_says_what_is_so(api, dev):
    assert (await run_command(api, dev, "/newcomers")).lines[0].startswith("Newcomers see the whole history. ")
    await run_command(api, dev, "/newcomers 7d")
    outcome = await run_command(api, dev, "/newcomers")
    assert outcome.lines[0].startswith("Newcomers see the last 7 days before their joining. ")
    assert outcome.fields == {"value": "7d"}


@pytest.mark.parametrize("word", ["ever", "0d", "d", "-1d", "30", "3651d", "1e3d", "٣d"])
async def test_what_is_no_policy_changes_nothing(api, dev, word):
    with pytest.raises(UsageError) as refused:
        await run_command(api, dev, f"/newcomers {word}")
    assert "30d" in refused.value.advice
    assert api.intents == []


def test_every_policy_is_written_as_it_is_read():
    for policy in (ALL, NONE, JOINING, JOINING + 1, MAX_POLICY):
        assert parse_policy(policy_name(policy)) == policy
        assert policy_words(policy)


async def test_reading_by_link_is_switched_and_its_link_made(api, dev):
    assert (await run_command(api, dev, "/public")).lines[0].startswith("Only members read")
    on = await run_command(api, dev, "/public on for the press")
    assert on.lines == ("Everybody with a link can read #dev now. /invite read makes the link.",)
    assert api.intents[-1] == ConfigureChannel(channel=dev, key=SettingKey.READING, value=1, reason="for the press")
    assert (await run_command(api, dev, "/public")).lines[0].startswith("Everybody with a link can read")
    for line in ("/invite read", "/invite --read", "/invite #dev read"):
        await run_command(api, dev, line)
        assert api.intents[-1] == InviteToChannel(channel=dev, read=True)
    await run_command(api, dev, "/public off")
    assert api.intents[-1].value == 0
    with pytest.raises(UsageError):
        await run_command(api, dev, "/public maybe")


async def test_a_message_goes_to_the_members_named(api, dev):
    await run_command(api, dev, "/to bob the key is under the mat")
    (intent,) = api.intents
    assert isinstance(intent, SendMessage)
    bob = next(row.user for row in api.inside[dev] if row.name == "bob")
    assert (intent.text, intent.recipients) == ("the key is under the mat", (bob,))
    for line in ("/to", "/to bob", "/to , text"):
        with pytest.raises(UsageError):
            await run_command(api, dev, line)
    with pytest.raises(NotFound):
        await run_command(api, dev, "/to bob,nobody text")
    assert len(api.intents) == 1
