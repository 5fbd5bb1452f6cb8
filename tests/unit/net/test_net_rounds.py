"""When announcements follow each other, and that nothing in it tells how many are named."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from multichat_tui.model.limits import ANNOUNCE_AGAIN_S, ANNOUNCE_CHANGE_AGAIN_S
from multichat_tui.net.rounds import Rounds, Turns
from multichat_tui.net.virtual_time import run_virtual

DAY_S = 86_400.0


def times(seconds: float, chance: float = 0.5, then: Callable[[Rounds], None] = lambda _: None) -> list[float]:
    """When announcements follow one at time 0; `then` is done after 200 s."""
    found: list[float] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        rounds = Rounds(lambda: found.append(loop.time() - begin_s), lambda: chance)
        rounds.begin()
        loop.call_later(200, then, rounds)
        await asyncio.sleep(seconds)
        rounds.end()
        await asyncio.sleep(seconds)

    run_virtual(run())
    return found


def test_they_follow_soon_after_an_arrival_and_then_seldom():
    assert times(3700) == pytest.approx([10, 30, 90, 690, 1290, 1890, 2490, 3090, 3690])


@pytest.mark.parametrize("chance", [0.0, 0.31, 1.0])
def test_a_quarter_is_chance(chance: float):
    found = times(DAY_S, chance)
    waits = [b - a for a, b in pairwise([0.0, *found])]
    share = 0.75 + chance / 2
    assert waits == pytest.approx([wait * share for wait in (*ANNOUNCE_AGAIN_S, *[600] * (len(waits) - 4))])


def test_other_keys_are_announced_again_within_a_minute_and_nothing_else_changes():
    found = times(2000, then=Rounds.changed)
    assert found == pytest.approx([10, 30, 90, 200 + ANNOUNCE_CHANGE_AGAIN_S, 860, 1460])


def test_a_new_network_begins_anew():
    assert times(400, then=Rounds.begin) == pytest.approx([10, 30, 90, 210, 230, 290])


def test_what_is_due_sooner_is_not_put_off():
    def twice(rounds: Rounds) -> None:
        rounds.begin()
        rounds.changed()

    assert times(215, then=twice) == pytest.approx([10, 30, 90, 210])


def test_after_the_end_there_are_none():
    assert times(DAY_S, then=Rounds.end) == pytest.approx([10, 30, 90])


def keys(*numbers: int) -> list[bytes]:
    return [bytes([number]) for number in numbers]


def test_those_with_room_are_named_each_time_in_their_order():
    turns = Turns(room=3)
    assert turns.next(keys(3, 1, 2)) == turns.next(keys(3, 1, 2)) == tuple(keys(3, 1, 2))
    assert turns.next([]) == ()


def test_of_more_the_rest_has_its_turn_next():
    turns = Turns(room=3)
    named = [turns.next(keys(1, 2, 3, 4, 5)) for _ in range(3)]
    assert named == [tuple(keys(1, 2, 3)), tuple(keys(1, 4, 5)), tuple(keys(1, 2, 3))]


def test_whoever_is_new_is_named_first():
    turns = Turns(room=3)
    turns.next(keys(1, 2, 3, 4, 5))
    assert turns.next(keys(1, 2, 3, 4, 5, 6, 7)) == tuple(keys(4, 5, 6))
    assert turns.next(keys(8, 1, 2, 3, 4, 5, 6, 7)) == tuple(keys(8, 1, 7))


def test_who_comes_again_counts_as_new():
    turns = Turns(room=2)
    turns.next(keys(1, 2, 3))
    turns.next(keys(2, 3))
    assert turns.next(keys(2, 3, 1)) == tuple(keys(2, 1))
