"""Slash commands that take texts away, and that let them disappear, against the twin."""

import pytest
from api_twin import ApiTwin, user

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.intents import ChangeSetting, ConfigureChannel, PurgeMessages, RedactMessages, SendMessage
from multichat_tui.model.lives import life_of, life_setting
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.lookup import id_text

HOUR_MS = 3_600_000


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def dev(api):
    return api.add_channel("dev", "bob", "eve").id


async def test_delete_takes_the_newest_of_ones_own_or_the_one_that_is_named(api, dev):
    with pytest.raises(NotFound):
        await run_command(api, dev, "/delete")
    first = api.arrive(dev, api.name, "first", mine=True)
    second = api.arrive(dev, api.name, "second", mine=True)
    other = api.arrive(dev, "bob", "not mine")
    outcome = await run_command(api, dev, "/delete")
    assert "beyond anybody's reach" in outcome.lines[0]
    await run_command(api, dev, f"/delete {id_text(first.id)[:12]}")
    assert api.intents == [RedactMessages(channel=dev, targets=(row.id,)) for row in (second, first)]
    with pytest.raises(UsageError, match="somebody else's"):
        await run_command(api, dev, f"/delete {id_text(other.id)[:12]}")


async def test_redact_names_several_and_a_reason(api, dev):
    rows = [api.arrive(dev, "eve", f"spam {number}") for number in range(2)]
    names = ",".join(id_text(row.id)[:12] for row in rows)
    await run_command(api, dev, f"/redact {names} spam and more")
    assert api.intents == [RedactMessages(channel=dev, targets=tuple(row.id for row in rows), reason="spam and more")]
    for line in ("/redact", "/redact x", f"/redact {names},x"):
        with pytest.raises(UsageError):
            await run_command(api, dev, line)
    assert len(api.intents) == 1


@pytest.mark.parametrize(("words", "all_of_it"), [("last 1h spam", False), ("1h spam", False), ("all spam", True)])
async def test_purge_is_by_person_and_time(api, dev, words, all_of_it):
    outcome = await run_command(api, dev, f"/purge eve {words}")
    assert ("wrote here as far as it is here is" if all_of_it else "wrote here within the last hour is") in outcome.lines[0]
    (intent,) = api.intents
    assert isinstance(intent, PurgeMessages)
    assert (intent.user, intent.reason) == (user("eve"), "spam")
    assert (intent.since_ms == 0) == all_of_it


@pytest.mark.parametrize("words", ["", "last", "sometime", "last ever"])
async def test_what_is_no_time_purges_nothing(api, dev, words):
    with pytest.raises(UsageError):
        await run_command(api, dev, f"/purge eve {words}")
    assert api.intents == []


async def test_expire_is_for_one_message_or_for_all_that_follow(api, dev):
    await run_command(api, dev, "/expire 1h see you at nine")
    await run_command(api, dev, "/expire 1h")
    await run_command(api, dev, "/expire off")
    assert api.intents == [
        SendMessage(channel=dev, text="see you at nine", lives_ms=HOUR_MS),
        ChangeSetting(key=life_setting(dev), value=str(HOUR_MS)),
        ChangeSetting(key=life_setting(dev), value=""),
    ]
    assert "stays" in (await run_command(api, dev, "/expire")).lines[0]
    for line in ("/expire soon", "/expire 1s", "/expire off and a text", "/expire 400d"):
        with pytest.raises(UsageError):
            await run_command(api, dev, line)


async def test_disappear_sets_what_the_channel_keeps_and_says_what_it_cannot_promise(api, dev):
    outcome = await run_command(api, dev, "/disappear 7d less to lose")
    assert "Every device forgets by its own clock" in outcome.lines[0]
    assert api.intents == [ConfigureChannel(channel=dev, key=SettingKey.RETENTION, value=168 * HOUR_MS, reason="less to lose")]
    assert (await run_command(api, dev, "/disappear off")).lines == ("What is written in #dev from now on stays.",)
    assert "stay" in (await run_command(api, dev, "/disappear")).lines[0]


def test_a_stored_wish_is_read_or_is_none():
    assert [life_of(each) for each in (None, b"", b"3600000", "3600000", b"1", b"x", "٣" * 7, "9" * 99)] == [
        0, 0, HOUR_MS, HOUR_MS, 0, 0, 0, 0,
    ]  # fmt: skip
