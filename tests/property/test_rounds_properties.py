"""Whom announcements name: as many as there is room for, whose turn it is, and nobody waits for ever, whoever comes and goes."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from multichat_tui.net.rounds import Turns

ROOM = 4
CHANGES = st.lists(st.tuples(st.integers(0, 9), st.lists(st.integers(0, 10_000), max_size=4)), min_size=1, max_size=40)
"""Before each announcement: how many are new, and which of those who are there go."""


@given(first=st.integers(0, 40), changes=CHANGES)
def test_nobody_is_passed_over_by_somebody_who_was_named_since(first: int, changes: list[tuple[int, list[int]]]) -> None:
    turns = Turns(room=ROOM)
    numbers = itertools.count()
    there = [next(numbers).to_bytes(4) for _ in range(first)]
    waited: dict[bytes, set[bytes]] = {}
    """Of each key, who was named since it was named, or came."""
    for new, leaving in changes:
        for at in leaving:
            if there:
                del there[at % len(there)]
        there += [next(numbers).to_bytes(4) for _ in range(new)]
        named = turns.next(there)
        assert len(named) == len(set(named)) == min(ROOM, len(there))
        assert set(named) <= set(there)
        for key in there:
            before = waited.setdefault(key, set())
            if key in named:
                before.clear()
            else:
                assert not before & set(named)
                before |= set(named)


@given(count=st.integers(1, 900), room=st.integers(1, 300), skipped=st.integers(0, 5))
def test_so_many_announcements_as_it_takes_name_everybody(count: int, room: int, skipped: int) -> None:
    turns = Turns(room=room)
    keys = [number.to_bytes(4) for number in range(count)]
    for _ in range(skipped):
        turns.next(keys)
    needed = -(-count // room)
    assert {key for _ in range(needed) for key in turns.next(keys)} == set(keys)
