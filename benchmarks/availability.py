"""When machines are there: presence drawn by chance from habits, and the least time that a message can take given it.

All times are seconds of virtual time from the beginning of what is measured.
"""

import bisect
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
Presence: TypeAlias = tuple[tuple[float, float], ...]
"""From when until when a machine is there, ascending, without overlap."""
DAYTIME = (6 * HOUR_S, 14 * HOUR_S)
"""A laptop is opened, at the earliest and at the latest, so long after midnight of its owner; owners live in all time zones."""
LONGEST_BREAK_S = 1.5 * HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """`share` of the time there, in bursts of `burst_s` in the mean; `kind` says how they are spread over a day."""

    kind: str
    share: float
    burst_s: float = 0.0

    def presence(self, chance: random.Random, until_s: float) -> Presence:
        match self.kind:
            case "always":
                return ((0.0, until_s),)
            case "day":
                return _days(self, chance, until_s)
            case _:
                return _bursts(self, chance, until_s)


def bursts(share: float, burst_s: float = 300.0) -> Habit:
    """There for moments at any time: each lasts, and each absence between two, as long as chance has it (exponentially)."""
    return Habit(kind="bursts", share=share, burst_s=burst_s)


PHONE = bursts(0.1)
"""A tenth of the time, five minutes in the mean."""
LAPTOP = Habit(kind="day", share=1 / 3, burst_s=2 * HOUR_S)
BOX = Habit(kind="always", share=1.0)
"""A machine that is always on."""


def _bursts(habit: Habit, chance: random.Random, until_s: float) -> Presence:
    if habit.share >= 1:
        return ((0.0, until_s),)
    away_s = habit.burst_s * (1 - habit.share) / habit.share
    # At the beginning it is there with the chance that it has at any time; what is left of a burst is distributed as a whole one.
    time_s = 0.0 if chance.random() < habit.share else chance.expovariate(1 / away_s)
    found = []
    while time_s < until_s:
        end_s = time_s + chance.expovariate(1 / habit.burst_s)
        found.append((time_s, min(end_s, until_s)))
        time_s = end_s + chance.expovariate(1 / away_s)
    return tuple(found)


def _days(habit: Habit, chance: random.Random, until_s: float) -> Presence:
    """Eight hours or so of each day, closed now and then."""
    zone_s = chance.uniform(0, DAY_S)
    found = []
    for day in range(-1, int(until_s // DAY_S) + 2):
        time_s = day * DAY_S + zone_s + chance.uniform(*DAYTIME)
        left_s = habit.share * DAY_S * chance.uniform(0.75, 1.25)
        while left_s > 0:
            open_s = min(left_s, chance.expovariate(1 / habit.burst_s))
            begin_s, end_s = max(0.0, time_s), min(until_s, time_s + open_s)
            if begin_s < end_s and (not found or begin_s > found[-1][1]):
                found.append((begin_s, end_s))
            left_s -= open_s
            time_s += open_s + chance.uniform(60, LONGEST_BREAK_S)
    return tuple(found)


def is_there(presence: Presence, at_s: float) -> bool:
    return next_there(presence, at_s) == at_s


def next_there(presence: Presence, at_s: float) -> float | None:
    """The first moment from `at_s` on at which a machine is there; None if there is none."""
    place = bisect.bisect_right(presence, (at_s, float("inf")))
    if place and at_s < presence[place - 1][1]:
        return at_s
    return presence[place][0] if place < len(presence) else None


def foremost(author: int, written_s: float, members: Sequence[Presence]) -> list[float | None]:
    """When each member can have at the earliest what `author` wrote then, if whoever is there at the same time has all that the
    others have, at once (foremost journeys: Bui Xuan, Ferreira, Jarry, 2003). None: not as long as presence is known."""
    reached: list[float | None] = [None] * len(members)
    reached[author] = written_s
    moments = sorted({begin for presence in members for begin, _ in presence if begin > written_s} | {written_s})
    for moment in moments:
        there = [index for index, presence in enumerate(members) if is_there(presence, moment)]
        if any(reached[index] is not None for index in there):
            for index in there:
                if reached[index] is None:
                    reached[index] = moment
    return reached


def share_there(all_presence: Iterable[Presence], until_s: float) -> float:
    """How much of the time the machines were there in fact."""
    totals = [sum(end - begin for begin, end in presence) / until_s for presence in all_presence]
    return sum(totals) / len(totals)
