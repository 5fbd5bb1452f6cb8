"""Slash commands about whom one ignores or blocks, against the twin."""

import pytest
from api_twin import ApiTwin, user

from multichat_tui.model.errors import IntentRefused, NotFound, UsageError
from multichat_tui.model.intents import SetRegard
from multichat_tui.model.regards import Regard
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.transcript import message_lines, spoken_lines


@pytest.fixture
def api():
    twin = ApiTwin()
    twin.add_channel("dev", "bob", "kim lee")
    return twin


@pytest.mark.parametrize(("verb", "regard"), [("ignore", Regard.IGNORED), ("block", Regard.BLOCKED)])
async def test_a_member_of_any_channel_is_ignored_or_blocked_by_name(api, verb, regard):
    outcome = await run_command(api, None, f'/{verb} "kim lee"')
    assert api.intents == [SetRegard(user=user("kim lee"), regard=regard)]
    assert outcome.fields["regard"] == regard.value
    assert "not told" in outcome.lines[0]
    assert (await run_command(api, None, "/ignored")).lines == (f"{regard.value:<8} kim lee",)


async def test_only_who_is_ignored_can_be_unignored_and_a_block_is_lifted_by_its_own_command(api):
    with pytest.raises(NotFound):
        await run_command(api, None, "/unignore bob")
    await run_command(api, None, "/block bob")
    with pytest.raises(IntentRefused, match="/unblock"):
        await run_command(api, None, "/unignore bob")
    await run_command(api, None, "/unblock bob")
    assert api.intents[-1] == SetRegard(user=user("bob"), regard=Regard.NONE)
    assert "nobody" in (await run_command(api, None, "/ignored")).lines[0]
    with pytest.raises(UsageError):
        await run_command(api, None, "/ignore")


async def test_lines_for_people_fold_what_is_ignored_and_say_how_much_it_is(api):
    dev = next(iter(api.rows))
    rows = [api.arrive(dev, "bob", "spam") for _ in range(3)]
    rows = [type(row)(**{**{f: getattr(row, f) for f in row.__slots__}, "ignored": True}) for row in rows]
    told = spoken_lines("#dev", [*rows, api.arrive(dev, "kim lee", "hello")])
    assert told[0] == "#dev ignored: 3 messages"
    assert told[1].endswith("kim lee: hello")
    assert "spam" not in "".join(message_lines(rows[0]))
