"""Populations in virtual time (`benchmarks/simulate.py`): they end with the same, nothing takes less time than presence permits,
and a seed gives the same again. Each run checks itself at its end: one order, one authority, nothing twice, nothing lost."""

import itertools
import random
from dataclasses import replace

import pytest

from benchmarks.availability import BOX, DAY_S, LAPTOP, PHONE, Habit, Presence, bursts, foremost, next_there, share_there
from benchmarks.scenarios import MOBILE, Scenario, cut, mobiles, mobiles_and_desktop, sized, town
from benchmarks.village import Lived, Village, live
from multichat_tui.net.virtual_time import run_virtual


def lived(scenario: Scenario, seed: int) -> Lived:
    return run_virtual(live(scenario, seed))


@pytest.mark.parametrize("habit", [PHONE, LAPTOP, BOX, bursts(0.5, 600)], ids=["phone", "laptop", "box", "half"])
def test_machines_are_there_as_much_as_their_habit_says(habit: Habit) -> None:
    chance = random.Random(7)
    found = [habit.presence(chance, 30 * DAY_S) for _ in range(20)]
    assert share_there(found, 30 * DAY_S) == pytest.approx(habit.share, rel=0.1)
    for presence in found:
        assert all(begin < end for begin, end in presence)
        assert all(one[1] < other[0] for one, other in itertools.pairwise(presence))


def test_the_least_time_goes_by_way_of_whoever_was_there_with_both() -> None:
    author: Presence = ((0, 10),)
    relay: Presence = ((5, 25), (90, 95))
    reader: Presence = ((20, 30),)
    late: Presence = ((40, 60),)
    assert foremost(0, 1, (author, relay, reader, late)) == [1, 5, 20, None]
    assert foremost(0, 6, (author, relay, reader, late)) == [6, 6, 20, None]
    assert foremost(2, 26, (author, relay, reader, late)) == [None, None, 26, None]
    assert next_there(relay, 25) == 90
    assert next_there(relay, 24) == 24
    assert next_there(relay, 95) is None


@pytest.mark.parametrize(
    "scenario",
    [
        replace(town(10), hours=2.0, messages=6),
        replace(mobiles_and_desktop(1, members_keep=True), hours=8.0, messages=20),
        replace(mobiles(1), hours=6.0, messages=10),
        replace(cut(12, MOBILE), people=((BOX, 6),)),
        replace(sized(6), messages=20),
    ],
    ids=lambda scenario: scenario.name,
)
def test_a_village_lives_to_its_end(scenario: Scenario) -> None:
    """Nothing lost, one order (the run checks that), and nobody had a message before it was possible."""
    village = Village(scenario, seed=5)
    run_virtual(village.live())
    found, best = run_virtual(_delays(village))
    assert len(found) > 0
    for delay, least in zip(found, best, strict=True):
        assert delay is None or (least is not None and delay >= least) or scenario.newcomers
    assert (village.whole() == 1) == (None not in found)
    assert village.links or scenario.cut_hours or scenario.hours < 0.2


def test_with_a_mailbox_each_nothing_takes_longer_than_presence_permits_but_for_seconds() -> None:
    """Two phones that are hardly ever there together, half of whose ends are the process's death."""
    village = Village(replace(mobiles(1), hours=18.0, messages=24), seed=5)
    run_virtual(village.live())
    pairs = list(zip(*run_virtual(_delays(village)), strict=True))
    possible = [(delay, least) for delay, least in pairs if least is not None]
    assert len(possible) > 15
    assert all(delay is not None and delay - least < 10 for delay, least in possible), possible
    assert village.traffic.frames["mailbox"] > 0


async def _delays(village: Village) -> tuple[list[float | None], list[float | None]]:
    return village.delays()


def test_a_seed_gives_the_same_again() -> None:
    scenario = replace(town(10), hours=0.5)
    one, other = (replace(lived(scenario, 3), cpu_s={}) for _ in range(2))
    assert one == other
    assert replace(lived(scenario, 4), cpu_s={}, seed=3) != one
