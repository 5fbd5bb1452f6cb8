"""Comparing words, people nearby and warnings on the screens."""

import pytest
from seat import Sit, until
from twin import TwinNode

from multichat_tui.model.comparing import ComparisonId, Purpose
from multichat_tui.model.emoji import EMOJI
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.events import AlarmRaised
from multichat_tui.model.intents import Answer, AnswerComparison, BeginVerification, MeetNearby, SetNearby
from multichat_tui.model.trust import AlarmKind, AlarmRow, ComparisonRow, ComparisonState, NearbyPerson, NearbyRow
from multichat_tui.ui.comparing import CompareScreen
from multichat_tui.ui.preferences import Signs

ONE = ComparisonId(bytes(32))
WORDS = ("abandon", "zoo", "legal", "winner")


def comparison(state: ComparisonState, **more: object) -> ComparisonRow:
    shown = state in (ComparisonState.COMPARE, ComparisonState.CONFIRMED)
    fields: dict[str, object] = {
        "id": ONE, "purpose": Purpose.VERIFY, "state": state, "begun_here": True, "name": "bob", "began_ms": 0,
        "words": WORDS if shown else (), "emoji": EMOJI[:7] if shown else (),
    }  # fmt: skip
    return ComparisonRow(**(fields | more))


async def test_words_are_shown_and_y_says_that_they_are_the_same(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("nobody linked")
        seat.node.set_status(comparisons=(comparison(ComparisonState.COMPARE),))
        await seat.sees("comparing words: F4")
        await seat.press("f4")
        await seat.sees("abandon zoo legal winner")
        await seat.sees("dog")
        await seat.sees("n DIFFERENT")
        await seat.press("y")
        await until(lambda: seat.node.intents[-1:] == [AnswerComparison(comparison=ONE, answer=Answer.SAME)])
        seat.node.set_status(comparisons=(comparison(ComparisonState.DONE),))
        await seat.sees("bob is verified")
        await seat.press("y")
        await seat.press("escape")
        await until(lambda: not isinstance(seat.app.screen, CompareScreen))
        assert seat.node.intents[-1] == AnswerComparison(comparison=ONE, answer=Answer.CANCEL), "what is over is put away"


async def test_a_comparison_that_somebody_else_begins_does_not_take_the_place_of_the_one_that_is_shown(sit: Sit) -> None:
    other = comparison(
        ComparisonState.COMPARE, id=ComparisonId(b"\1" * 32), name="eve", begun_here=False, words=("ice", "oak", "sun", "zoo")
    )
    async with sit(TwinNode()) as seat:
        await seat.sees("nobody linked")
        seat.node.set_status(comparisons=(comparison(ComparisonState.COMPARE),))
        await seat.press("f4")
        await seat.sees("abandon")
        seat.node.set_status(comparisons=(comparison(ComparisonState.COMPARE), other))
        await seat.press("y")
        await until(lambda: seat.node.intents[-1:] == [AnswerComparison(comparison=ONE, answer=Answer.SAME)])
        # Not even when it is over: what was pressed for the one must not be taken for the other.
        seat.node.set_status(comparisons=(comparison(ComparisonState.TIMED_OUT), other))
        await seat.gone("abandon")
        await seat.press("y")
        await seat.gone("ice oak sun zoo")
        assert seat.node.intents[-1] == AnswerComparison(comparison=ONE, answer=Answer.SAME)


async def test_n_says_that_they_differ_and_the_screen_says_that_nothing_was_stored(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("nobody linked")
        seat.node.set_status(comparisons=(comparison(ComparisonState.COMPARE),))
        await seat.press("f4")
        await seat.sees("abandon")
        await seat.press("n")
        await until(lambda: seat.node.intents[-1:] == [AnswerComparison(comparison=ONE, answer=Answer.DIFFERENT)])
        seat.node.set_status(comparisons=(comparison(ComparisonState.DIFFERENT),))
        await seat.sees("Nothing was stored")
        await seat.gone("abandon")


async def test_somebody_who_wants_to_compare_is_announced_and_takes_no_keys_away(sit: Sit) -> None:
    node = TwinNode()
    channel = node.add_channel("dev")
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("nobody linked")
        seat.node.set_status(comparisons=(comparison(ComparisonState.COMPARE, begun_here=False),))
        await seat.sees("bob wants to compare words with you: F4")
        await seat.press("y", "n")
        assert seat.main.composer.text == "yn"
        assert not any(isinstance(intent, AnswerComparison) for intent in seat.node.intents)


async def test_people_nearby_are_listed_by_their_words_and_chosen_by_digit(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("nobody linked")
        await seat.press("f4")
        await seat.sees("v visible nearby")
        await seat.press("v")
        await until(lambda: seat.node.intents[-1:] == [SetNearby(visible=True)])
        seat.node.set_status(nearby=NearbyRow(until_ms=1_700_000_000_000, code="amber otter", people=()))
        await seat.sees("amber otter")
        await seat.sees("Nobody else is visible here yet")
        people = (NearbyPerson(id="aa" * 16, code="blue whale"), NearbyPerson(id="bb" * 16, code="calm zebra"))
        seat.node.set_status(nearby=NearbyRow(until_ms=1_700_000_000_000, code="amber otter", people=people))
        await seat.sees("2 calm zebra")
        await seat.press("7")
        await seat.press("2")
        await until(lambda: seat.node.intents[-1:] == [MeetNearby(person="bb" * 16)])
        await seat.press("o")
        await until(lambda: seat.node.intents[-1:] == [SetNearby(visible=False)])
        await seat.press("escape")
        await seat.sees("VISIBLE NEARBY")


async def test_v_on_a_person_in_a_side_pane_begins_a_comparison_or_says_why_not(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("nobody linked")
        bob = seat.node.add_contact("bob")
        await seat.sees("bob")
        seat.main.channels.focus()
        await seat.press("v")
        await until(lambda: seat.node.intents[-1:] == [BeginVerification(user=bob)])
        await until(lambda: isinstance(seat.app.screen, CompareScreen))
        await seat.press("escape")
        seat.node.refuse_with = IntentRefused(Refusal.UNKNOWN, "They are not online.", "Compare the safety number.")
        await until(lambda: not isinstance(seat.app.screen, CompareScreen))
        seat.main.channels.focus()
        await seat.press("v")
        await seat.sees("They are not online.")


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
async def test_why_something_near_was_refused_and_what_to_do_is_not_cut_off(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(TwinNode(), size=size) as seat:
        await seat.sees("nobody linked")
        await seat.press("f4")
        await seat.sees("v visible nearby")
        advice = "Start it without --no-lan, or use a link: /pair."
        seat.node.refuse_with = IntentRefused(
            Refusal.NOT_ALLOWED, "This node is not shown, so nobody could see you there.", advice
        )
        await seat.press("v")
        await seat.sees("This node is not shown")
        await seat.sees("use a link: /pair." if size[0] > 40 else "/pair.")
        await seat.press("escape")
        await until(lambda: not isinstance(seat.app.screen, CompareScreen))


async def test_ascii_screens_show_words_only(sit: Sit) -> None:
    async with sit(TwinNode(), signs=Signs.ASCII) as seat:
        await seat.sees("nobody linked")
        seat.node.set_status(comparisons=(comparison(ComparisonState.COMPARE),))
        await seat.press("f4")
        await seat.sees("abandon zoo legal winner")
        assert not any(symbol in seat.text for symbol, _ in EMOJI)


async def test_a_hostile_name_stays_on_its_line(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("nobody linked")
        row = comparison(ComparisonState.COMPARE, purpose=Purpose.MEET, name="bob\n\x1b[31mevil\u202e", code="amber otter")
        seat.node.set_status(comparisons=(row,))
        await seat.press("f4")
        await seat.sees("amber otter")
        assert "\x1b" not in seat.text
        assert "\u202e" not in seat.text


async def test_a_warning_about_keys_is_loud_and_stays_until_it_is_acknowledged(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("nobody linked")
        bob = seat.node.add_contact("bob", verified=True)
        row = AlarmRow(user=bob, name="bob~2", kind=AlarmKind.SAME_NAME, since_ms=1, other=bob, other_name="bob", verified=True)
        seat.node.set_status(alarms=(row,))
        seat.node.tell(AlarmRaised(seq=seat.node.next_seq(), row=row))
        await seat.sees("ANOTHER KEY")
        await seat.press("escape")
        await seat.sees("ANOTHER KEY")
        seat.node.set_status(alarms=())
        await seat.gone("ANOTHER KEY")


async def test_on_a_low_screen_the_rest_of_the_sheet_is_reached_by_scrolling(sit: Sit) -> None:
    async with sit(TwinNode(), size=(40, 10)) as seat:
        await seat.sees("nobody linked")
        seat.node.set_status(comparisons=(comparison(ComparisonState.COMPARE),))
        await seat.press("f4")
        await seat.sees("abandon zoo legal winner")
        await seat.sees("Up, Down: more")
        last = EMOJI[6][1]
        assert "be the same." not in seat.text
        for _ in range(8):
            await seat.press("down")
        await seat.sees("be the same.")
        await seat.sees(last)
        await seat.press("y")
        await until(lambda: seat.node.intents[-1:] == [AnswerComparison(comparison=ONE, answer=Answer.SAME)])


async def test_everybody_nearby_can_be_seen_on_a_low_screen(sit: Sit) -> None:
    people = tuple(NearbyPerson(id=f"{number}", code=f"calm lamp{number}") for number in range(9))
    async with sit(TwinNode(), size=(40, 10)) as seat:
        await seat.sees("nobody linked")
        seat.node.set_status(nearby=NearbyRow(until_ms=0, code="amber otter", people=people))
        await seat.press("f4")
        await seat.sees("amber otter")
        for _ in range(12):
            await seat.press("down")
        await seat.sees("9 calm lamp8")
