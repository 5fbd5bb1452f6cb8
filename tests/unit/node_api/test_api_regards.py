"""Slash commands about whom one ignores, who asks, and who is vouched for, against the twin."""

import pytest
from api_twin import ApiTwin, user

from multichat_tui.model.errors import IntentRefused, NotFound, UsageError
from multichat_tui.model.intents import AnswerRequest, Introduce, SetRegard, SetVouch
from multichat_tui.model.regards import Regard, RequestKind, RequestRow
from multichat_tui.model.trust import TrustPath, TrustRow, TrustStep
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


async def test_trust_shows_the_path_by_which_somebody_is_known_and_calls_nobody_verified_for_it(api):
    api.trust_rows[user("bob")] = TrustRow(
        user=user("bob"),
        name="bob",
        contact=False,
        verified=False,
        regard=Regard.NONE,
        vouched=False,
        paths=(
            TrustPath(steps=(TrustStep(user=user("ann"), name="ann", verified=True, since_ms=0, note="from\nschool"),)),
            TrustPath(
                steps=(
                    TrustStep(user=user("kim"), name="kim", verified=True, since_ms=0),
                    TrustStep(user=user("lee"), name="lee", verified=False, since_ms=0),
                )
            ),
        ),
    )
    dev = next(iter(api.rows))
    lines = (await run_command(api, dev, "/trust bob")).lines
    assert lines[0] == "bob is no contact of yours, and not verified."
    assert lines[1].startswith("ann, verified, vouches for bob (since 19")
    assert len(lines) == 3
    assert "\n" not in lines[1]
    assert "kim, verified, vouches for lee" in lines[2]
    assert "lee, not verified, vouches for bob" in lines[2]


async def test_who_asks_is_accepted_or_declined_by_name(api):
    api.requests[user("carol")] = RequestRow(
        user=user("carol"), name="carol", kind=RequestKind.DIRECT, since_ms=0, through="dev", texts=("hi\nthere",), count=1
    )
    lines = (await run_command(api, None, "/requests")).lines
    assert lines[0] == "carol asks to write to you, a member of #dev (1 message):"
    assert all("\n" not in line for line in lines)
    with pytest.raises(NotFound):
        await run_command(api, None, "/accept nobody")
    outcome = await run_command(api, None, "/accept carol")
    assert api.intents == [AnswerRequest(user=user("carol"), accept=True)]
    assert outcome.open_channel is not None
    with pytest.raises(NotFound, match="Nobody asks"):
        await run_command(api, None, "/decline carol")


async def test_vouching_and_introducing_name_contacts(api):
    for name in ("ann", "kim lee"):
        api.add_contact(name)
    await run_command(api, None, '/vouch "kim lee" from school')
    await run_command(api, None, "/unvouch ann")
    await run_command(api, None, '/introduce "kim lee" ann you both sail')
    assert api.intents == [
        SetVouch(user=user("kim lee"), vouched=True, note="from school"),
        SetVouch(user=user("ann"), vouched=False),
        Introduce(one=user("kim lee"), other=user("ann"), note="you both sail"),
    ]
    with pytest.raises(UsageError):
        await run_command(api, None, "/introduce ann")
