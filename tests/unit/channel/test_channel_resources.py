"""Types of resources: how their acts are read, what their logics allow, what counts of acts beside each other."""

from collections.abc import Mapping

import pytest

from multichat_tui.channel.resources import Registry, poll, registry, task, typed_values, write
from multichat_tui.channel.resources.folding import fold
from multichat_tui.channel.resources.marks import PIN, REACT, pinned, reactions
from multichat_tui.channel.resources.message import EDIT, MESSAGE, text_of
from multichat_tui.channel.resources.message import TYPE as MESSAGE_TYPE
from multichat_tui.channel.resources.shape import ActShape, Deed, Plain, Unfit
from multichat_tui.model.act_bytes import decode_acts, encode_acts
from multichat_tui.model.acts import Act, Message, SetTopic, UnknownAct
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import Log, RecordId, UserId
from multichat_tui.model.limits import MAX_CONTENDERS, MAX_NAMED_ACTS
from multichat_tui.model.ranks import Permission
from multichat_tui.model.reactions import NAMED, is_reaction, reaction_of

ANN, BOB, KIM = (UserId(bytes([n]) * 32) for n in (1, 2, 3))
TARGET = RecordId(b"t" * 32)


def deed(
    shape: ActShape,
    number: int,
    user: UserId = ANN,
    *after: Deed,
    ets: int | None = None,
    moderates: bool = False,
    **values: Plain,
) -> Deed:
    return Deed(
        shape=shape,
        record=RecordId(number.to_bytes(32, "big")),
        index=0,
        ets=number if ets is None else ets,
        time_ms=0,
        user=user,
        rank=0,
        moderates=moderates,
        values=values,
        after=tuple(each.record for each in after),
    )


MADE = deed(MESSAGE, 1, text="one")


# Reading and writing


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        (EDIT, {"text": "anew"}),
        (REACT, {"emoji": "👍", "on": True}),
        (PIN, {"on": False}),
        (poll.VOTE, {"option": 2}),
        (poll.VOTE, {}),
        (task.CHANGE, {"to": "done"}),
    ],
)
def test_what_is_written_is_read_again(shape: ActShape, values: Mapping[str, Plain]) -> None:
    act = write(shape, values, (TARGET, 3), (RecordId(b"a" * 32),))
    decoded = decode_acts(encode_acts((act,)), Log.CONTENT)
    assert not isinstance(decoded, Rejected)
    read = registry().read(decoded[0])
    assert read is not None
    assert (read.shape, dict(read.values), read.target, read.after) == (shape, values, (TARGET, 3), (RecordId(b"a" * 32),))
    assert registry().targets(decoded) == ((TARGET, shape.number),)


def test_of_the_first_act_no_index_is_written_and_of_nothing_followed_no_list() -> None:
    assert dict(write(PIN, {"on": True}, (TARGET, 0)).fields) == {1: TARGET, 4: True}


@pytest.mark.parametrize(
    "act",
    [
        UnknownAct(type=65, fields={4: "no target"}),
        UnknownAct(type=65, fields={1: TARGET}),
        UnknownAct(type=65, fields={1: TARGET, 4: ""}),
        UnknownAct(type=65, fields={1: b"short", 4: "x"}),
        UnknownAct(type=65, fields={1: TARGET, 2: 16, 4: "x"}),
        UnknownAct(type=65, fields={1: TARGET, 3: [TARGET] * (MAX_NAMED_ACTS + 1), 4: "x"}),
        UnknownAct(type=65, fields={1: TARGET, 3: ["x"], 4: "x"}),
        UnknownAct(type=67, fields={1: TARGET, 4: "great", 5: True}),
        UnknownAct(type=67, fields={1: TARGET, 4: "👍", 5: 1}),
        UnknownAct(type=68, fields={1: TARGET}),
        UnknownAct(type=128, fields={4: "?", 5: ["one"]}),
        UnknownAct(type=128, fields={4: "?", 5: ["one", "one"]}),
        UnknownAct(type=128, fields={4: "?", 5: ["one", ""]}),
        UnknownAct(type=129, fields={1: TARGET, 4: 12}),
        UnknownAct(type=131, fields={1: TARGET, 4: 3}),
    ],
)
def test_a_malformed_act_is_known_and_has_no_effect(act: UnknownAct) -> None:
    assert registry().knows(act)
    assert registry().read(act) is None
    assert registry().permission(act) is None
    assert registry().targets((act,)) == ()


@pytest.mark.parametrize("act", [UnknownAct(type=99, fields={1: TARGET}), SetTopic(topic="x")])
def test_what_is_no_act_of_a_resource_is_not_known(act: Act) -> None:
    assert not registry().knows(act)
    assert registry().read(act) is None


def test_every_act_says_what_it_needs() -> None:
    needs = {shape.number: shape.permission for kind in registry().types for shape in (kind.makes, *kind.acts)}
    assert needs[65] is needs[64] is needs[128] is Permission.SEND
    assert (needs[67], needs[68], needs[129]) == (Permission.REACT, Permission.PIN, Permission.REACT)
    assert registry().permission(Message(text="x")) is Permission.SEND


def test_two_types_of_one_name_or_number_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="one name or number"):
        Registry((MESSAGE_TYPE, poll.TYPE, poll.TYPE))


def test_what_people_type_is_checked_before_anything_is_written() -> None:
    found = typed_values(poll.MAKE, {"question": "When?", "options": "Fri |  Sat day| Sun"})
    assert found == {"question": "When?", "options": ("Fri", "Sat day", "Sun")}
    for shape, fields in (
        (poll.MAKE, {"question": "When?", "options": "Fri"}),
        (poll.MAKE, {"question": "", "options": "a|b"}),
        (poll.MAKE, {"question": "When?"}),
        (poll.MAKE, {"question": "When?", "options": "a|b", "colour": "red"}),
        (poll.MAKE, {"question": "\ud800", "options": "a|b"}),
        (poll.VOTE, {"option": "0"}),
        (poll.VOTE, {"option": "²"}),
        (task.CHANGE, {"to": "later"}),
        (PIN, {"on": "maybe"}),
        (REACT, {"emoji": "x", "on": "yes"}),
    ):
        assert isinstance(typed_values(shape, fields), Unfit), fields


# Reactions


@pytest.mark.parametrize("emoji", [*(emoji for emoji, _ in NAMED), "👍🏽", "👨‍👩‍👧‍👦", "🇳🇴", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☁️"])
def test_one_emoji_is_a_reaction(emoji: str) -> None:
    assert is_reaction(emoji)


@pytest.mark.parametrize(
    "text", ["", "x", "1", "👍👍", "👍 ", "👍\n", "a\u20e3", "👍\u200d", "\u200d", "\ufe0f", "🇳", "👍" * 20, "\ud800"]
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_reaction(text)


def test_an_emoji_may_be_given_by_name() -> None:
    assert (reaction_of(":tada:"), reaction_of(" +1 "), reaction_of("🦆"), reaction_of("duck")) == ("🎉", "👍", "🦆", None)


# What counts


def test_only_its_author_edits_a_message() -> None:
    present = fold(MADE, [deed(EDIT, 2, BOB, text="mine now"), deed(EDIT, 3, ANN, text="two")])
    assert text_of(present) == "two"
    assert [each.record for each in present.accepted] == [deed(EDIT, 3).record]


def test_whoever_has_seen_an_edit_replaces_it_whatever_the_clock_says() -> None:
    first = deed(EDIT, 5, ANN, text="two")
    second = deed(EDIT, 6, ANN, first, ets=2, text="three")
    assert text_of(fold(MADE, [first, second])) == "three"


def test_of_edits_beside_each_other_the_last_in_display_order_stands() -> None:
    edits = [deed(EDIT, number, ANN, text=str(number)) for number in (2, 3, 4)]
    present = fold(MADE, edits)
    assert text_of(present) == "4"
    assert {each.record for each in present.heads["edit"]} == {each.record for each in edits}
    assert text_of(fold(MADE, [*edits, deed(EDIT, 9, ANN, edits[0], ets=1, text="of one only")])) == "4"


def test_a_vote_is_one_of_each_and_of_an_option_there_is() -> None:
    made = deed(poll.MAKE, 1, question="?", options=("a", "b"))
    first = deed(poll.VOTE, 2, BOB, option=0)
    votes = [
        first,
        deed(poll.VOTE, 3, BOB, first, option=1),
        deed(poll.VOTE, 4, KIM, option=1),
        deed(poll.VOTE, 5, ANN, option=2),
    ]
    shown = poll.TYPE.show(fold(made, votes), KIM, lambda user: "?")
    assert shown.lines == ("1. a: no votes", "2. b: 2 votes, yours")
    # Whoever has voted needs no word on how.
    assert shown.hint == ""
    gone = poll.TYPE.show(fold(made, [*votes, deed(poll.VOTE, 6, KIM, votes[2])]), KIM, lambda user: "?")
    assert gone.lines[1] == "2. b: 1 vote"
    assert gone.hint == "/vote 1 to /vote 2 answers"


def test_a_task_is_taken_once_and_what_stands_on_the_other_taking_does_not_count() -> None:
    made = deed(task.MAKE, 1, title="row")
    one, other = deed(task.CHANGE, 2, BOB, to="taken"), deed(task.CHANGE, 3, KIM, to="taken")
    done = deed(task.CHANGE, 4, KIM, other, to="done")
    present = fold(made, [done, other, one])
    assert present.slots["change"] is one
    by_bob = deed(task.CHANGE, 5, BOB, one, done, to="done")
    assert fold(made, [done, other, one, by_bob]).slots["change"] is by_bob


def test_a_task_says_to_each_what_they_can_do_about_it() -> None:
    made, taken = deed(task.MAKE, 1, title="row"), deed(task.CHANGE, 2, BOB, to="taken")
    done = deed(task.CHANGE, 3, BOB, taken, to="done")

    def hints(*deeds: Deed) -> list[str]:
        return [task.TYPE.show(fold(made, list(deeds)), user, lambda user: "?").hint for user in (BOB, KIM)]

    assert hints() == ["/take takes it, /done ends it"] * 2
    assert hints(taken) == ["/done ends it", ""]
    assert hints(taken, done) == ["", ""]


@pytest.mark.parametrize(
    ("user", "moderates", "to", "may"),
    [
        (BOB, False, "open", True),
        (ANN, False, "open", True),
        (KIM, False, "open", False),
        (KIM, True, "open", True),
        (KIM, False, "done", False),
        (KIM, False, "taken", False),
        (BOB, False, "done", True),
    ],
)
def test_a_taken_task_is_opened_and_ended_by_those_whom_it_concerns(user: UserId, moderates: bool, to: str, may: bool) -> None:
    made, taken = deed(task.MAKE, 1, ANN, title="row"), deed(task.CHANGE, 2, BOB, to="taken")
    then = deed(task.CHANGE, 3, user, taken, moderates=moderates, to=to)
    assert (fold(made, [taken, then]).slots["change"] is then) is may


def test_reactions_stand_by_number_and_ones_own_can_be_taken_back() -> None:
    one = deed(REACT, 2, BOB, emoji="🎉", on=True)
    more = [deed(REACT, 3, KIM, emoji="👍", on=True), deed(REACT, 4, ANN, emoji="👍", on=True)]
    assert [(each.emoji, each.users) for each in reactions(fold(MADE, [one, *more]))] == [("👍", (KIM, ANN)), ("🎉", (BOB,))]
    back = deed(REACT, 5, BOB, one, emoji="🎉", on=False)
    others = deed(REACT, 6, ANN, one, emoji="🎉", on=False)
    assert [each.emoji for each in reactions(fold(MADE, [one, *more, back, others]))] == ["👍"]


def test_a_pin_is_taken_away_by_whoever_has_seen_it() -> None:
    pin = deed(PIN, 2, ANN, on=True)
    assert pinned(fold(MADE, [pin])) is pin
    assert pinned(fold(MADE, [pin, deed(PIN, 3, BOB, pin, on=False)])) is None


def test_names_of_what_is_not_here_or_makes_a_circle_do_no_harm() -> None:
    lost = deed(EDIT, 9, ANN, text="lost")
    stray = deed(EDIT, 2, ANN, lost, text="stray")
    assert text_of(fold(MADE, [stray])) == "stray"
    one, two = deed(EDIT, 3, ANN, deed(EDIT, 4), text="a"), deed(EDIT, 4, ANN, deed(EDIT, 3), text="b")
    assert text_of(fold(MADE, [one, two, stray])) == "stray"
    assert text_of(fold(MADE, [deed(EDIT, 3, ANN, deed(EDIT, 3), text="itself")])) == "itself"


def test_of_very_many_acts_on_one_thing_the_first_are_looked_at() -> None:
    edits = [deed(EDIT, number, ANN, text=str(number)) for number in range(2, 2 + 2 * MAX_CONTENDERS)]
    assert text_of(fold(MADE, edits)) == str(MAX_CONTENDERS + 1)


def test_a_very_long_line_of_acts_is_followed() -> None:
    made = deed(task.MAKE, 1, ANN, title="row")
    line = [deed(task.CHANGE, 2, ANN, to="taken")]
    for number in range(3, MAX_CONTENDERS):
        line.append(deed(task.CHANGE, number, ANN, line[-1], to="open" if number % 2 else "taken"))
    assert fold(made, line).slots["change"] is line[-1]
