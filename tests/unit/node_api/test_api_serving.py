"""Slash commands about who is served what, against the twin."""

import pytest
from api_twin import ApiTwin

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import UsageError
from multichat_tui.model.history import ALL, JOINING, MAX_POLICY, NONE, parse_policy, policy_name, policy_words
from multichat_tui.model.intents import ConfigureChannel
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
