"""Of any acts on a resource, in any order of arrival, all nodes make the same; what nobody had the right to changes nothing."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from multichat_tui.channel.resources import poll, task
from multichat_tui.channel.resources.folding import fold
from multichat_tui.channel.resources.marks import PIN, REACT
from multichat_tui.channel.resources.message import EDIT, MESSAGE
from multichat_tui.channel.resources.shape import ActShape, Contest, Deed, Present
from multichat_tui.model.ids import RecordId, UserId

USERS = tuple(UserId(bytes([number]) * 32) for number in (1, 2, 3))
VALUES: dict[ActShape, st.SearchStrategy[dict[str, Any]]] = {
    EDIT: st.fixed_dictionaries({"text": st.sampled_from("abc")}),
    REACT: st.fixed_dictionaries({"emoji": st.sampled_from("👍🎉"), "on": st.booleans()}),
    PIN: st.fixed_dictionaries({"on": st.booleans()}),
    poll.VOTE: st.one_of(st.just({}), st.fixed_dictionaries({"option": st.integers(0, 3)})),
    task.CHANGE: st.fixed_dictionaries({"to": st.sampled_from(task.STATES)}),
}
MADE = {
    MESSAGE: {"text": "a"},
    poll.MAKE: {"question": "?", "options": ("x", "y", "z")},
    task.MAKE: {"title": "row"},
}
ACTS = {MESSAGE: (EDIT, REACT, PIN), poll.MAKE: (poll.VOTE, REACT, PIN), task.MAKE: (task.CHANGE, REACT, PIN)}


@st.composite
def histories(draw: st.DrawFn) -> tuple[Deed, list[Deed]]:
    """What was made, and acts on it: each follows any of those before it, whatever its clock says."""
    makes = draw(st.sampled_from(list(MADE)))
    made = _deed(makes, 0, draw(st.sampled_from(USERS)), 0, MADE[makes], ())
    deeds: list[Deed] = []
    for number in range(1, draw(st.integers(1, 14))):
        shape = draw(st.sampled_from(ACTS[makes]))
        after = draw(st.lists(st.sampled_from(deeds), max_size=3)) if deeds else []
        user, ets = draw(st.sampled_from(USERS)), draw(st.integers(0, 20))
        deeds.append(_deed(shape, number, user, ets, draw(VALUES[shape]), tuple(each.record for each in after)))
    return made, deeds


def _deed(shape: ActShape, number: int, user: UserId, ets: int, values: dict[str, Any], after: tuple[RecordId, ...]) -> Deed:
    return Deed(
        shape=shape,
        record=RecordId((number * 7919 % 251).to_bytes(32, "big")),
        index=0,
        ets=ets,
        time_ms=0,
        user=user,
        rank=0,
        moderates=False,
        values=values,
        after=after,
    )


def told(present: Present) -> tuple[object, ...]:
    return (
        {slot: each.record for slot, each in present.slots.items()},
        {slot: {each.record for each in heads} for slot, heads in present.heads.items()},
        [each.record for each in present.accepted],
    )


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_makes_the_same(history: tuple[Deed, list[Deed]], chance: Any) -> None:
    made, deeds = history
    shuffled = [*deeds, *chance.sample(deeds, len(deeds) // 2)]
    unique = {each.record: each for each in shuffled}
    mixed = list(unique.values())
    chance.shuffle(mixed)
    assert told(fold(made, mixed)) == told(fold(made, deeds))


@given(histories())
def test_what_counts_was_accepted_and_is_followed_by_nothing_that_was(history: tuple[Deed, list[Deed]]) -> None:
    made, deeds = history
    present = fold(made, deeds)
    for slot, winner in present.slots.items():
        assert winner in present.accepted
        if winner.shape.contest is Contest.LAST:
            assert winner in present.heads[slot]
            assert not any(winner.record in each.after and each.slot == slot for each in present.accepted)


@given(histories())
def test_an_act_is_judged_by_its_own_past_and_not_by_what_lies_beside_it(history: tuple[Deed, list[Deed]]) -> None:
    made, deeds = history
    accepted = {each.record for each in fold(made, deeds).accepted}
    by_record = {each.record: each for each in deeds}
    for each in deeds:
        past, waiting = {each.record}, [each]
        while waiting:
            for record in waiting.pop().after:
                above = by_record[record]
                if above.slot == each.slot and record not in past:
                    past.add(record)
                    waiting.append(above)
        alone = fold(made, [by_record[record] for record in past])
        assert (each.record in {one.record for one in alone.accepted}) == (each.record in accepted)


@given(histories())
def test_nobody_elses_edit_and_no_second_vote_ever_counts(history: tuple[Deed, list[Deed]]) -> None:
    made, deeds = history
    present = fold(made, deeds)
    assert all(each.user == made.user for each in present.of(EDIT))
    votes = present.of(poll.VOTE)
    assert len({each.user for each in votes}) == len(votes)
    assert all((each.number("option") or 0) < 3 for each in votes)
