"""Slash commands about the settings of a channel, against the twin."""

from dataclasses import replace

import pytest
from api_twin import ApiTwin, user

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.intents import ApproveJoin, ChangeKind, ConfigureChannel, CreateChannel, DenyJoin
from multichat_tui.model.presets import Preset
from multichat_tui.model.snapshots import WaitingRow
from multichat_tui.node.api.commands import run_command

START_MS = 1_700_000_000_000
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


# Kinds


@pytest.mark.parametrize(
    ("line", "name", "kind"),
    [
        ("/create news --broadcast", "news", Preset.BROADCAST),
        ("/create news --public", "news", Preset.PUBLIC),
        ("/create --approval the club", "the club", Preset.APPROVAL),
        ("/create #dev", "dev", Preset.OPEN),
        ("/create --private", "--private", Preset.OPEN),
    ],
)
async def test_a_channel_is_created_of_a_kind(api, line, name, kind):
    outcome = await run_command(api, None, line)
    assert api.intents == [CreateChannel(name=name, kind=kind)]
    assert outcome.fields["kind"] == kind.value


async def test_a_channel_is_made_another_kind_and_says_which_it_is(api, dev):
    assert (await run_command(api, dev, "/kind")).lines[0] == "#dev has rules of its own."
    outcome = await run_command(api, dev, "/kind broadcast for the release")
    assert api.intents == [ChangeKind(channel=dev, kind=Preset.BROADCAST, reason="for the release")]
    assert outcome.lines == ("#dev is broadcast now. Moderators and above write; all members read, react and invite.",)
    lines = (await run_command(api, dev, "/kind")).lines
    assert lines[0].startswith("#dev is broadcast. ")
    assert [line.split()[0] for line in lines[1:-1]] == [preset.value for preset in Preset]
    with pytest.raises(UsageError) as refused:
        await run_command(api, dev, "/kind brodcast")
    assert "Did you mean broadcast?" in refused.value.advice


async def test_a_public_channel_says_how_it_is_read_and_another_kind_that_the_links_end(api, dev):
    made = await run_command(api, None, "/create news --public")
    assert "Everybody with a link reads" in made.lines[0]
    assert "/invite read" in made.lines[0]
    assert "/invite read" in (await run_command(api, dev, "/kind public")).lines[0]
    await api.submit(ConfigureChannel(channel=dev, key=SettingKey.READING, value=1))
    assert (await run_command(api, dev, "/kind private")).lines[0].endswith("Links for reading end.")
    assert "Links for reading" not in (await run_command(api, dev, "/kind public")).lines[0]


# Requests to be let in


def asking(api, channel, *names):
    rows = tuple(
        WaitingRow(user=user(each), name=each, fingerprint="f", inviter="bob", asked_ms=1_700_000_000_000) for each in names
    )
    api.rules_rows[channel] = replace(api.rules_rows[channel], waiting=rows)


async def test_who_asks_to_be_let_in_is_listed_and_answered(api, dev):
    assert "Nobody asks to be let in." in (await run_command(api, dev, "/joins")).lines[0]
    asking(api, dev, "eve", "kim lee")
    lines = (await run_command(api, dev, "/joins")).lines
    assert lines[0].startswith("eve  since ")
    assert lines[0].endswith(", by a link of bob")
    outcome = await run_command(api, dev, "/approve kim lee")
    assert outcome.lines == ("kim lee is let into #dev.",)
    outcome = await run_command(api, dev, "/deny eve who are you?")
    assert outcome.lines[0].startswith("eve is not let into #dev, and is told so.")
    assert api.intents == [
        ApproveJoin(channel=dev, user=user("kim lee")),
        DenyJoin(channel=dev, user=user("eve"), reason="who are you?"),
    ]


async def test_who_does_not_ask_cannot_be_let_in(api, dev):
    with pytest.raises(NotFound, match="Nobody asks to be let in here"):
        await run_command(api, dev, "/approve eve")
    asking(api, dev, "eve")
    with pytest.raises(NotFound, match="person who asks to be let in"):
        await run_command(api, dev, "/deny bob")
    assert api.intents == []
