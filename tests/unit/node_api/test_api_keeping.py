"""Commands about how much of a channel is kept here."""

import pytest
from api_twin import ApiTwin

from multichat_tui.model.errors import UsageError
from multichat_tui.model.intents import ChangeSetting
from multichat_tui.model.keeping import Keep, keep_of, keep_setting, parse_channel_keeping
from multichat_tui.node.api.commands import run_command


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def dev(api):
    return api.add_channel("dev", "bob").id


@pytest.mark.parametrize(("text", "keep"), [("30d", Keep(days=30)), ("1000", Keep(count=1000)), (" All ", Keep())])
def test_a_channel_keeps_days_or_messages_or_everything(text, keep):
    assert parse_channel_keeping(text) == keep
    assert keep_of(text.encode()) == keep


@pytest.mark.parametrize("text", ["", "0", "0d", "-1", "1000001", "٣", "30 d", "1e3", "40000d", "usual"])
def test_what_is_no_rule_keeps_as_usual(text):
    assert keep_of(text) is None
    with pytest.raises(ValueError, match="such as 30d"):
        parse_channel_keeping(text)


async def test_the_rule_of_a_channel_is_shown_and_changed_and_taken_back(api, dev):
    shown = await run_command(api, dev, "/keep")
    assert shown.lines[0].startswith("This profile keeps all texts of #dev, as history.keep says")
    outcome = await run_command(api, dev, "/keep 1000")
    assert api.intents == [ChangeSetting(key=keep_setting(dev), value="1000")]
    assert "the newest 1,000 messages of #dev" in outcome.lines[0]
    assert (await run_command(api, dev, "/keep")).fields == {"keep": "1000"}
    assert (await run_command(api, dev, "/keep 1d")).lines[0].startswith("This profile keeps texts for a day of #dev")
    await run_command(api, dev, "/keep usual")
    assert (await run_command(api, dev, "/keep")).fields == {"keep": "usual"}
    await api.submit(ChangeSetting(key="history.keep", value="90d"))
    assert "keeps texts for 90 days of #dev" in (await run_command(api, dev, "/keep")).lines[0]
    with pytest.raises(UsageError) as refused:
        await run_command(api, dev, "/keep most")
    assert "usual" in refused.value.advice
