"""Slash commands that read the log of moderation, undo, silence for a time, report and settle, against the twin."""

from dataclasses import replace

import pytest
from api_twin import ApiTwin, named, user

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import RecordId
from multichat_tui.model.intents import BanMember, GiveRank, SendReport, SettleReport, UndoDeed
from multichat_tui.model.moderation import DeedKind, DeedRow, DeedState, Foreseen
from multichat_tui.model.ranks import MUTED
from multichat_tui.model.snapshots import Snapshot
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.lookup import id_text

HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def dev(api):
    return api.add_channel("dev", "bob", "eve", "kim lee").id


def deed(number: int, **more: object) -> DeedRow:
    row = DeedRow(
        id=RecordId(named(f"deed {number}")),
        act=0,
        time_ms=START_MS + number * 1000,
        author=user("bob"),
        name="bob",
        kind=DeedKind.BANNED,
        said=f"bob banned eve{number}",
        reason="spam",
        state=DeedState.IN_EFFECT,
        subject=user("eve"),
        subject_name="eve",
        undo=f"lift the ban of eve{number}",
        stays="An invitation lets them back in.",
    )
    return replace(row, **more)


# The log


async def test_the_log_tells_who_did_what_why_and_what_it_is_worth(api, dev):
    api.deeds[dev] = [
        deed(2, state=DeedState.REVERTED, by="ann made eve an admin", undo=""),
        deed(1, kind=DeedKind.RANK, said="bob muted kim\nlee", subject=user("kim lee"), reason=""),
    ]
    outcome = await run_command(api, dev, "/modlog")
    assert [line[21:] for line in outcome.lines] == [
        "bob banned eve2: spam  [reverted: ann made eve an admin]",
        "bob muted kim␊lee  [in effect]",
    ]
    assert [row["state"] for row in outcome.fields["deeds"]] == ["reverted", "in-effect"]
    assert len((await run_command(api, dev, "/modlog kind=rank")).lines) == 1
    assert len((await run_command(api, dev, '/modlog "kim lee"')).lines) == 1
    assert len((await run_command(api, dev, "/modlog eve kind=rank")).lines) == 1
    assert (await run_command(api, dev, "/modlog last=1h")).lines == ("Nothing of that kind has been done here.",)


async def test_the_log_shows_so_many_and_says_that_there_is_more(api, dev):
    api.deeds[dev] = [deed(number) for number in range(60, 0, -1)]
    assert (await run_command(api, dev, "/modlog")).lines[-1] == "There is more: /modlog 100 shows it."
    few = await run_command(api, dev, "/modlog 3")
    assert (len(few.lines), few.fields["more"]) == (4, True)
    whole = await run_command(api, dev, "/modlog 100")
    assert (len(whole.lines), whole.fields["more"]) == (60, False)


@pytest.mark.parametrize(("line", "advice"), [("/modlog kind=bannd", "Did you mean banned"), ("/modlog last=soon", "1h, 7d")])
async def test_what_the_log_does_not_know_is_said_with_advice(api, dev, line, advice):
    with pytest.raises(UsageError) as caught:
        await run_command(api, dev, line)
    assert advice in caught.value.advice


# Undoing


async def test_undo_says_what_is_not_ones_own_to_take_back(api, dev, monkeypatch):
    api.deeds[dev] = [deed(2), deed(1)]

    async def foresee(intents):
        assert [intent.record for intent in intents] == [deed(2).id, deed(1).id]
        return Snapshot(as_of=0, rows=(Foreseen(refused="bob is a founder."), Foreseen(acts=1)))

    monkeypatch.setattr(api, "foresee", foresee)
    listed = await run_command(api, dev, "/undo")
    assert [line.endswith("(not you)") for line in listed.lines[:2]] == [True, False]
    assert [each["may"] for each in listed.fields["deeds"]] == [False, True]


async def test_undo_lists_what_it_would_do_and_does_what_is_chosen(api, dev):
    api.deeds[dev] = [deed(3, undo="", kind=DeedKind.REMOVED), deed(2), deed(1)]
    listed = await run_command(api, dev, "/undo")
    assert listed.lines[0] == "1  would lift the ban of eve2  (bob banned eve2: spam)"
    assert "/undo N" in listed.lines[-1]
    assert api.intents == []
    done = await run_command(api, dev, "/undo 2 it was a mistake")
    assert api.intents == [UndoDeed(channel=dev, record=deed(1).id, reason="it was a mistake")]
    assert done.lines == ("Done: lift the ban of eve1. An invitation lets them back in.",)
    await run_command(api, dev, f"/undo {id_text(deed(2).id)[:8]}")
    assert api.intents[-1] == UndoDeed(channel=dev, record=deed(2).id)
    assert (await run_command(api, dev, "/undo")).lines[-1] == "There is nothing here that could be taken back."
    for which in ("1", "0", "abcdefgh", "x"):
        with pytest.raises(NotFound):
            await run_command(api, dev, f"/undo {which}")


async def test_a_composite_is_one_thing_to_undo(api, dev):
    api.deeds[dev] = [deed(1, act=0), deed(1, act=1)]
    assert len((await run_command(api, dev, "/undo")).fields["deeds"]) == 1


# Silence


@pytest.mark.parametrize(
    ("line", "lasts_ms", "reason"),
    [
        ("/silence bob 1h too loud", HOUR_MS, "too loud"),
        ("/silence bob for=30m", HOUR_MS // 2, ""),
        ("/silence bob too loud", 0, "too loud"),
    ],
)
async def test_silence_takes_a_time(api, dev, line, lasts_ms, reason):
    outcome = await run_command(api, dev, line)
    assert api.intents == [GiveRank(channel=dev, user=user("bob"), rank=MUTED, reason=reason, lasts_ms=lasts_ms)]
    assert ("for " in outcome.lines[0]) == bool(lasts_ms)


async def test_a_ban_takes_a_time_in_the_same_way(api, dev):
    await run_command(api, dev, "/ban bob 2h spam")
    assert api.intents == [BanMember(channel=dev, user=user("bob"), lasts_ms=2 * HOUR_MS, reason="spam")]


# Reports


async def test_a_person_or_a_message_is_reported_with_honest_words(api, dev):
    row = api.arrive(dev, "eve", "buy now")
    outcome = await run_command(api, dev, "/report eve she spams")
    assert api.intents == [SendReport(channel=dev, reason="she spams", user=user("eve"))]
    assert "who moderate here now get it" in outcome.lines[0]
    await run_command(api, dev, f"/report {id_text(row.id)[:10]} spam")
    assert api.intents[-1] == SendReport(channel=dev, reason="spam", user=user("eve"), targets=(row.id,))
    with pytest.raises(UsageError):
        await run_command(api, dev, "/report eve")
    with pytest.raises(NotFound, match="nobodyy"):
        await run_command(api, dev, "/report nobodyy spam")


async def test_reports_are_listed_and_settled_by_their_number(api, dev):
    assert (await run_command(api, dev, "/reports")).lines == ("Nothing is reported here.",)
    row = api.arrive(dev, "eve", "buy\nnow")
    await run_command(api, dev, f"/report {id_text(row.id)[:10]} spam")
    await run_command(api, dev, "/report bob rude")
    listed = await run_command(api, dev, "/reports")
    assert listed.lines[0].startswith("1  ")
    assert listed.lines[0].endswith("me about eve: spam  [open]")
    assert listed.lines[1].startswith("   > buy␊now  (")
    await run_command(api, dev, "/reports 2 dismiss not so bad")
    record = RecordId(named("report 2"))
    assert api.intents[-1] == SettleReport(channel=dev, report=record, acted=False, reason="not so bad")
    assert len((await run_command(api, dev, "/reports")).fields["reports"]) == 1
    every = await run_command(api, dev, "/reports all")
    assert "[dismissed by me: not so bad]" in every.lines[2]
    await run_command(api, dev, "/reports 1 done")
    assert (await run_command(api, dev, "/reports")).lines == ("Nothing is reported here. 2 settled: /reports all shows them.",)
    with pytest.raises(NotFound):
        await run_command(api, dev, "/reports 7 done")
    with pytest.raises(UsageError, match="done or dismiss"):
        await run_command(api, dev, "/reports 1 perhaps")
