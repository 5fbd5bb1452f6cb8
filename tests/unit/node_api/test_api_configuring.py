"""Slash commands about the settings of a channel, against the twin."""

import pytest
from api_twin import ApiTwin

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import UsageError
from multichat_tui.model.intents import ConfigureChannel
from multichat_tui.node.api.commands import run_command

ARCHIVED = "#dev is archived: all can read it, and nobody writes."


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def dev(api):
    return api.add_channel("dev", "bob").id


@pytest.mark.parametrize(
    ("line", "key", "value", "reason", "said"),
    [
        ("/slow 30s", SettingKey.SLOW_MODE, 30_000, "", "#dev: one message in 30 seconds from each member."),
        ("/slow 5m too  fast", SettingKey.SLOW_MODE, 300_000, "too  fast", "#dev: one message in 5 minutes from each member."),
        ("/slow OFF", SettingKey.SLOW_MODE, 0, "", "Slow mode is off in #dev."),
        (
            "/archive done",
            SettingKey.ARCHIVED,
            1,
            "done",
            f"{ARCHIVED} /unarchive opens it again.",
        ),
        ("/unarchive", SettingKey.ARCHIVED, 0, "", "#dev is open again."),
        ("/close for-good moved", SettingKey.CLOSED, 1, "moved", "#dev is closed for good: nobody writes or comes in any more."),
    ],
)
async def test_a_setting_is_changed_by_its_command(api, dev, line, key, value, reason, said):
    outcome = await run_command(api, dev, line)
    assert api.intents == [ConfigureChannel(channel=dev, key=key, value=value, reason=reason)]
    assert outcome.lines == (said,)
    assert (outcome.fields["setting"], outcome.fields["value"]) == (key.name.lower(), value)


async def test_slow_alone_says_what_is_so(api, dev):
    assert (await run_command(api, dev, "/slow")).lines[0].startswith("Slow mode is off.")
    await run_command(api, dev, "/slow 90s")
    assert (await run_command(api, dev, "/slow")).lines[0].startswith("Slow mode: one message in 1 minute 30 seconds ")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("/slow soon", "at most 24h"),
        ("/slow 2d", "at most 24h"),
        ("/close", "/close for-good"),
        ("/close moved", "for-good"),
    ],
)
async def test_what_is_mistyped_or_not_confirmed_changes_nothing(api, dev, line, advice):
    with pytest.raises(UsageError) as refused:
        await run_command(api, dev, line)
    assert advice in f"{refused.value.message} {refused.value.advice}"
    assert api.intents == []
