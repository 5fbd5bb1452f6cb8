"""The moderation console: reports, who has come, the log, and something done about many at once; all by keys."""

import time
from dataclasses import replace

import pytest
from seat import Seat, Sit, until
from twin import TwinNode, channel_id, some_id, user

from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.events import ReportsChanged
from multichat_tui.model.ids import RecordId
from multichat_tui.model.intents import (
    ApproveJoin,
    BanMember,
    DenyJoin,
    GiveRank,
    RedactMessages,
    RemoveMember,
    SendMessage,
    SettleReport,
    Together,
    UndoDeed,
)
from multichat_tui.model.limits import MAX_ACTS
from multichat_tui.model.moderation import DeedKind, DeedRow, DeedState, ReportedMessage, ReportRow, ReportState, RosterRow
from multichat_tui.model.ranks import MUTED
from multichat_tui.model.snapshots import WaitingRow
from multichat_tui.ui.overseeing import OverseeingScreen, fitting
from multichat_tui.ui.oversight import DAY_MS, HOUR_MS, Oversight, Tab

DEV = channel_id("dev")
MINUTE_MS = 60_000


def person(name: str, *, minutes: int, messages: int = 3, **more: object) -> RosterRow:
    """Who came so many minutes ago."""
    row = RosterRow(
        user=user(name),
        name=name,
        role="member",
        rank=0,
        me=False,
        online=True,
        joined_ms=int(time.time() * 1000) - minutes * MINUTE_MS,
        admitted_by="anna",
        messages=messages,
        link_open=True,
    )
    return replace(row, **more)


def deed(number: int, **more: object) -> DeedRow:
    row = DeedRow(
        id=RecordId(some_id(f"deed {number}")),
        act=0,
        time_ms=int(time.time() * 1000) - number * MINUTE_MS,
        author=user("me"),
        name="me",
        kind=DeedKind.BANNED,
        said=f"me banned eve{number}",
        reason="spam",
        state=DeedState.IN_EFFECT,
        mine=True,
        subject=user("eve"),
        subject_name="eve",
        undo=f"lift the ban of eve{number}",
        stays="An invitation lets them back in.",
    )
    return replace(row, **more)


def report(number: int, about: str, **more: object) -> ReportRow:
    row = ReportRow(
        id=RecordId(some_id(f"report {number}")),
        time_ms=int(time.time() * 1000) - number * MINUTE_MS,
        reporter=user("anna"),
        reporter_name="anna",
        reason="spam",
        user=user(about),
        name=about,
        messages=(ReportedMessage(id=RecordId(some_id(f"said {number}")), text="buy now", here=True),),
        state=ReportState.OPEN,
    )
    return replace(row, **more)


def raided(count: int = 50) -> TwinNode:
    """A channel into which so many came in the last hour; two members are from before."""
    node = TwinNode()
    node.add_channel("dev", members=("anna", "bob"))
    old = [person("anna", minutes=9 * 24 * 60, admitted_by=""), person("bob", minutes=2 * 24 * 60)]
    mine = person("me", minutes=1, me=True)
    node.rosters[DEV] = [
        mine,
        *(person(f"spam{number}", minutes=number % 50, messages=number % 9) for number in range(count)),
        *old,
    ]
    return node


def redacted(intent: Together) -> list[RecordId]:
    return [target for part in intent.intents if isinstance(part, RedactMessages) for target in part.targets]


async def console(seat: Seat, *keys: str) -> OverseeingScreen:
    """The console, opened by its key and read."""
    await seat.opened(DEV)
    await seat.press("f2", *keys)
    screen = seat.app.screen
    assert isinstance(screen, OverseeingScreen)
    await until(lambda: screen.loaded)
    await seat.pilot.pause()
    return screen


async def test_a_raid_is_cleaned_in_six_keys(sit: Sit) -> None:
    node = raided()
    node.foreseen_refusals[user("spam7")] = "spam7 is an admin."
    async with sit(node) as seat:
        screen = await console(seat)
        # Open, mark all who came in the last hour, kick and ban, because of a raid, do it: with F2 that is five keys.
        await seat.press("a")
        await seat.sees("50 marked")
        await seat.press("K", "4")
        await seat.sees("will not kick and ban spam7: spam7 is an admin.")
        await seat.sees("What it will do (49, 1 would be refused)")
        assert not any(isinstance(intent, Together) for intent in node.intents)
        await seat.press("enter")
        await seat.sees("49 banned, 1 refused")
        together = [intent for intent in node.intents if isinstance(intent, Together)]
        assert [len(each.intents) for each in together] == [MAX_ACTS, MAX_ACTS, MAX_ACTS, 1]
        bans = [part for each in together for part in each.intents]
        assert {ban.user for ban in bans} == {user(f"spam{number}") for number in range(50) if number != 7}
        assert all(isinstance(ban, BanMember) and (ban.reason, ban.lasts_ms) == ("raid", 0) for ban in bans)
        # And all of it is taken back by one key.
        await seat.press("u")
        await seat.sees("4 of 4 taken back.")
        undone = [intent.record for intent in node.intents if isinstance(intent, UndoDeed)]
        assert len(undone) == 4
        await seat.press("u")
        await seat.sees("Nothing was done here yet")
        assert screen.is_current


async def test_people_are_chosen_by_time_by_name_by_what_they_wrote_and_one_by_one(sit: Sit) -> None:
    async with sit(raided()) as seat:
        await console(seat)
        await seat.sees("50 of 52")
        await seat.press("t", "t")
        await seat.sees("came in the last 7 days")
        await seat.sees("51 of 52")
        await seat.press("slash", *"spam1")
        await seat.sees("11 of 52")
        await seat.press("enter", "n")
        await seat.sees("wrote nothing, name spam1")
        await seat.sees("1 of 52")
        await seat.press("c", "slash", *"SPAM?", "enter")
        await seat.sees("10 of 52")
        await seat.press("space", "space", "s", "t", "w", *"too loud", "enter")
        await seat.sees("Silence 2 people: too loud")
        await seat.sees("lasts for 1 hour")
        await seat.press("m", "enter")
        await seat.sees("2 silenced")
        (together,) = [intent for intent in seat.node.intents if isinstance(intent, Together)]
        *ranks, told = together.intents
        assert [(each.rank, each.lasts_ms, each.reason) for each in ranks if isinstance(each, GiveRank)] == [
            (MUTED, HOUR_MS, "too loud")
        ] * 2
        assert told == SendMessage(channel=DEV, text="2 people are silenced for 1 hour: too loud")


async def test_what_they_have_written_goes_with_them(sit: Sit) -> None:
    node = raided(20)
    for number in range(20):
        for line in range(20):
            node.put(node.row(DEV, f"spam{number}", f"buy {line}"), quietly=True)
    async with sit(node) as seat:
        await console(seat, "a", "K", "1")
        await seat.sees("takes away what they have written: 400 here")
        await seat.sees("kick and ban spam3, and 20 messages of theirs go")
        await seat.press("m", "enter")
        await seat.sees("20 banned, 400 messages redacted. u takes it back, but no text.")
        together = [intent.intents for intent in node.intents if isinstance(intent, Together)]
        assert all(len(parts) <= MAX_ACTS for parts in together)
        kinds = [[type(part).__name__ for part in parts] for parts in together]
        assert kinds[0] == ["BanMember"] * 14 + ["RedactMessages"]
        assert kinds[1] == ["BanMember"] * 6 + ["RedactMessages", "SendMessage"]
        # What does not fit beside the others has a record of its own.
        assert kinds[2:] == [["RedactMessages"]]
        gone = [target for parts in together for part in parts if isinstance(part, RedactMessages) for target in part.targets]
        assert len(gone) == len(set(gone)) == 400
        assert {row.id for row in node.rows[DEV]} == set(gone)


async def test_what_is_written_while_the_sheet_is_read_goes_too(sit: Sit) -> None:
    node = raided(2)
    node.say(DEV, "spam0", "buy one")
    async with sit(node) as seat:
        await console(seat, "a", "K", "4")
        await seat.sees("takes away what they have written: 1 here")
        late = [node.say(DEV, f"spam{number}", "buy another") for number in range(2)]
        await seat.press("enter")
        await seat.sees("2 banned, 3 messages redacted")
        gone = [target for intent in node.intents if isinstance(intent, Together) for target in redacted(intent)]
        assert {row.id for row in late} < set(gone)


async def test_messages_alone_can_be_taken_away_and_people_alone_dealt_with(sit: Sit) -> None:
    node = raided(2)
    said = node.put(node.row(DEV, "spam0", "buy"), quietly=True)
    async with sit(node) as seat:
        await console(seat, "a", "r", "1")
        await seat.sees("will not take away 0 messages of spam1: There is nothing of theirs")
        await seat.press("enter")
        await seat.sees("1 message redacted, 1 refused")
        await seat.press("a", "K", "r")
        await seat.sees("leaves what they have written")
        await seat.press("enter")
        await seat.sees("2 banned. u takes it back.")
        first, second = (intent.intents for intent in node.intents if isinstance(intent, Together))
        assert first == (RedactMessages(channel=DEV, targets=(said.id,), reason="spam"),)
        assert [type(part) for part in second] == [BanMember, BanMember]


async def test_who_waits_is_let_in_or_denied_with_a_reason(sit: Sit) -> None:
    node = raided(1)
    node.waiting_rows[DEV] = [
        WaitingRow(user=user(name), name=name, fingerprint="abcd", inviter="anna", asked_ms=int(time.time() * 1000))
        for name in ("zoe", "max", "eve")
    ]
    async with sit(node) as seat:
        screen = await console(seat)
        assert screen.state.tab is Tab.WAITING
        await seat.sees("zoe asks to be let in, by a link of anna")
        await seat.press("y")
        await seat.sees("1 let in.")
        await seat.press("a", "x", *"no bots", "enter")
        await seat.sees("2 denied.")
        answers = [intent for intent in node.intents if isinstance(intent, ApproveJoin | DenyJoin)]
        assert answers == [
            ApproveJoin(channel=DEV, user=user("zoe")),
            DenyJoin(channel=DEV, user=user("max"), reason="no bots"),
            DenyJoin(channel=DEV, user=user("eve"), reason="no bots"),
        ]
        await seat.sees("Nobody waits to be let in.")


async def test_the_arrows_go_from_page_to_page(sit: Sit) -> None:
    async with sit(raided(2)) as seat:
        screen = await console(seat)
        assert screen.state.tab is Tab.PEOPLE
        shown = []
        for key in ("right", "right", "left", "left", "left"):
            await seat.press(key)
            shown.append(screen.state.tab)
        assert shown == [Tab.LOG, Tab.REPORTS, Tab.LOG, Tab.PEOPLE, Tab.WAITING]


@pytest.mark.parametrize("keys", [("1",), ("2",), ("3",), ("4",), ("3", "K"), ("3", "slash")])
async def test_the_way_out_and_the_help_are_named_whole_on_a_narrow_screen(sit: Sit, keys: tuple[str, ...]) -> None:
    node = raided(2)
    node.reported[DEV] = [report(1, "spam0")]
    async with sit(node, size=(80, 24)) as seat:
        await console(seat, *keys)
        way_out = "Esc leaves it" if keys[-1] == "slash" else "F1 help"
        await until(lambda: way_out in seat.lines[-1], f"{way_out!r} in {seat.lines[-1]!r}")
        assert "Esc" in seat.lines[-1]
        assert "…" not in seat.lines[-1]


def test_of_the_words_of_the_keys_those_stay_that_lead_out() -> None:
    words = ["a all", "b ban", "Esc back", "F1 help"]
    assert fitting(words, 40) == words
    assert fitting(words, 33) == words
    assert fitting(words, 32) == ["a all", "Esc back", "F1 help"]
    assert fitting(words, 5) == ["Esc back", "F1 help"]


async def test_nothing_is_done_without_enter_and_escape_goes_back_step_by_step(sit: Sit) -> None:
    async with sit(raided(3)) as seat:
        screen = await console(seat, "space", "slash", "s", "enter", "k", "escape")
        assert screen.lines.plan is None
        assert screen.state.count_marked(int(time.time() * 1000)) == 1
        await seat.press("escape")
        assert screen.state.count_marked(int(time.time() * 1000)) == 0
        await seat.press("escape")
        assert screen.state.pattern == ""
        await seat.press("escape")
        await until(lambda: seat.app.screen is seat.main)
        assert not any(isinstance(intent, Together) for intent in seat.node.intents)


async def test_what_is_refused_after_all_is_told_and_the_rest_is_done(sit: Sit) -> None:
    node = raided(20)
    async with sit(node) as seat:
        await console(seat, "a", "b")
        await seat.sees("Ban 20 people")
        node.refuse_with = IntentRefused(Refusal.NOT_ALLOWED, "You are a member.")
        await seat.press("enter")
        await seat.sees("0 banned, 2 refused. Refused: You are a member.")


async def test_the_log_is_read_and_what_is_chosen_there_is_taken_back(sit: Sit) -> None:
    node = raided(1)
    node.deeds[DEV] = [
        deed(1, state=DeedState.REVERTED, by="anna made eve an admin", undo="", stays=""),
        deed(2),
        deed(3, kind=DeedKind.REMOVED, undo="", stays="A removal cannot be taken back: /invite makes a link."),
    ]
    async with sit(node) as seat:
        await console(seat, "4")
        await seat.sees("Now: reverted: anna made eve an admin.")
        await seat.press("u")
        await seat.sees("There is nothing of that to take back.")
        await seat.press("down")
        await seat.sees("u would lift the ban of eve2. An invitation lets them back in.")
        await seat.press("u")
        await seat.sees("Done: lift the ban of eve2.")
        await seat.press("down", "u")
        await seat.sees("A removal cannot be taken back")
        assert [intent.record for intent in node.intents if isinstance(intent, UndoDeed)] == [deed(2).id]


async def test_open_reports_come_first_and_are_dismissed_or_acted_upon(sit: Sit) -> None:
    node = raided(1)
    node.reported[DEV] = [report(1, "eve"), report(2, "bob"), report(3, "zoe", state=ReportState.DISMISSED, settled_by="anna")]
    async with sit(node) as seat:
        screen = await console(seat)
        assert screen.state.tab is Tab.REPORTS
        await seat.sees("anna about eve: spam")
        await seat.gone("zoe")
        await seat.press("x")
        await seat.sees("1 report dismissed.")
        # Whoever is reported is dealt with, and the report is settled with it.
        await seat.press("b", "1", "enter")
        await seat.sees("1 banned")
        settled = [(intent.report, intent.acted) for intent in node.intents if isinstance(intent, SettleReport)]
        assert settled == [(report(1, "eve").id, False), (report(2, "bob").id, True)]
        (together,) = [intent for intent in node.intents if isinstance(intent, Together)]
        assert together.intents == (BanMember(channel=DEV, user=user("bob"), reason="spam"),)
        await seat.sees("Nothing is reported.")
        await seat.press("n")
        await seat.sees("zoe")


async def test_enter_on_a_report_goes_to_the_message(sit: Sit) -> None:
    node = raided(1)
    node.fill(DEV, 40)
    said = node.say(DEV, "bob", "buy now")
    node.fill(DEV, 40)
    node.reported[DEV] = [report(1, "bob", messages=(ReportedMessage(id=said.id, text="buy now", here=True),))]
    async with sit(node) as seat:
        await console(seat)
        await seat.press("enter")
        await until(lambda: seat.app.screen is seat.main and seat.main.timeline.cursor == said.id)


async def test_marked_members_of_the_pane_are_dealt_with_together(sit: Sit) -> None:
    node = raided(1)
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await until(lambda: seat.main.front.desk.members)
        seat.main.members.focus()
        await seat.press("g", "space", "down", "space", "k")
        await seat.sees("Kick 2 people")
        await seat.press("enter")
        await seat.sees("2 removed")
        (together,) = [intent for intent in node.intents if isinstance(intent, Together)]
        assert {part.user for part in together.intents if isinstance(part, RemoveMember)} == {user("anna"), user("bob")}


async def test_a_message_has_a_menu_for_moderating_its_author(sit: Sit) -> None:
    node = raided(1)
    node.say(DEV, "bob", "buy now")
    async with sit(node) as seat:
        await seat.opened(DEV)
        seat.main.timeline.focus()
        await seat.press("m", *"ban", "enter")
        await seat.sees("Ban bob: no reason given")
        await seat.press("escape", "escape")
        await until(lambda: seat.app.screen is seat.main)
        seat.main.timeline.focus()
        await seat.press("m", *"redact", "enter")
        await seat.sees("Take away what was written by bob: no reason given")
        await seat.sees("take away 1 message of bob")
        await seat.press("escape", "escape")
        await until(lambda: seat.app.screen is seat.main)
        seat.main.timeline.focus()
        await seat.press("m", *"rep", "enter")
        await until(lambda: seat.main.composer.text.startswith("/report "))
        await seat.sees("Those who moderate here now get it")


async def test_what_one_did_last_is_taken_back_by_a_key_from_anywhere(sit: Sit) -> None:
    node = raided(1)
    node.deeds[DEV] = [deed(1, author=user("anna"), name="anna", mine=False), deed(2)]
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("alt+z")
        await seat.sees("Done: lift the ban of eve2.")
        await seat.press("alt+z")
        await seat.sees("You have done nothing here that can be taken back")
        assert [intent.record for intent in node.intents if isinstance(intent, UndoDeed)] == [deed(2).id]


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (120, 40)], ids=str)
async def test_everything_fits_and_hostile_names_draw_nothing(sit: Sit, size: tuple[int, int]) -> None:
    node = raided(3)
    node.rosters[DEV].append(person("[red]x\x1b[31m\u202eevil\n", minutes=1))
    node.reported[DEV] = [report(1, "a\x1b]0;x\x07", reason="\x1b[2J[bold]")]
    node.deeds[DEV] = [deed(1, said="a\nb [b]c[/b]", reason="\x1b[2J")]
    async with sit(node, size=size) as seat:
        await console(seat)
        for keys in (("1",), ("2",), ("3", "a"), ("K",), ("escape", "4"), ("f1",)):
            await seat.press(*keys)
            assert "\x1b" not in seat.text
            assert all(len(line) <= size[0] for line in seat.lines)
        await seat.press("escape")


async def test_after_a_ban_the_line_of_news_offers_to_take_it_back(sit: Sit) -> None:
    node = raided(1)
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await seat.write("/silence bob 1h loud")
        await seat.press("enter")
        await seat.sees("Alt+z takes it back.")
        node.deeds[DEV] = [deed(1)]
        await seat.press("alt+z")
        await seat.sees("Done: lift the ban of eve1.")


async def test_a_moderator_is_told_of_an_open_report_wherever_they_are(sit: Sit) -> None:
    node = raided(1)
    node.add_channel("lobby")
    async with sit(node) as seat:
        await until(lambda: seat.main.front.desk.channels)
        node.reported[DEV] = [report(1, "eve")]
        node.tell(ReportsChanged(seq=node.next_seq(), channel=DEV))
        await seat.sees("#dev: 1 open report; F2 there shows them.")


async def test_a_direct_conversation_has_no_console(sit: Sit) -> None:
    node = TwinNode()
    direct = node.add_direct("bob")
    async with sit(node) as seat:
        await seat.opened(direct)
        await seat.press("f2")
        await seat.sees("Nobody moderates a direct conversation")
        assert seat.app.screen is seat.main


# What is chosen: pure


def test_marks_hold_only_what_is_shown_and_targets_are_named_once() -> None:
    now = int(time.time() * 1000)
    state = Oversight(channel=DEV, label="dev", tab=Tab.PEOPLE)
    state.people = tuple(person(f"p{number}", minutes=number * 40) for number in range(6))
    state.mark_all(now)
    assert state.count_marked(now) == 2
    state.next_span()
    assert (len(state.rows(now)), state.count_marked(now)) == (6, 2)
    state.pattern = "p5"
    assert [target.name for target in state.targets(now)] == ["p5"]
    state.pattern = ""
    assert [target.name for target in state.targets(now)] == ["p0", "p1"]
    state.mark_all(now)
    state.mark_all(now)
    assert state.count_marked(now) == 0
    state.go(Tab.REPORTS)
    state.reports = (report(1, "eve"), report(2, "eve"))
    state.mark_all(now)
    assert [target.name for target in state.targets(now)] == ["eve"]
    assert state.rows(now + 2 * DAY_MS) == list(state.reports)
