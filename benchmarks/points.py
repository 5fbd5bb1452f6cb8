"""What is simulated, point by point, and how what a run has found is read."""

import statistics
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from benchmarks.scenarios import MOBILE, Scenario, available, cut, friends, mobiles, mobiles_and_desktop, sized, town

SHARES = (10, 20, 40, 70, 100)
SIZES = (2, 5, 10, 20, 50)
CUT_MESSAGES = (20, 100, 500, 2000)
MAILBOXES = (0, 1, 2, 3)
TOWNS = (50, 100, 200, 500, 1000)
Run: TypeAlias = dict[str, Any]
"""One `village.Lived`, as JSON has it, with its `point`."""
Spread: TypeAlias = tuple[float, float, float]
"""Median, least and most over seeds."""


def points() -> dict[str, Scenario]:
    """All of them, by name: the part first."""
    found = {f"mobiles/{count}": mobiles(count) for count in MAILBOXES}
    found |= {f"desktop/{count}": mobiles_and_desktop(count) for count in MAILBOXES[:3]}
    found |= {f"friends/{count}": friends(count) for count in MAILBOXES[1:]}
    found |= {f"roughmobiles/{count}": mobiles(count, conditions=MOBILE) for count in MAILBOXES}
    found |= {f"availability/{share}/{count}": available(share / 100, count) for share in SHARES for count in MAILBOXES}
    found |= {"mobiles/1m": mobiles(1, members_keep=True)}
    found |= {"desktop/1m": mobiles_and_desktop(1, members_keep=True)}
    found |= {f"availability/{share}/1m": available(share / 100, 1, members_keep=True) for share in SHARES}
    found |= {f"size/{size}": sized(size) for size in SIZES}
    found |= {f"cut/{count}": cut(count) for count in CUT_MESSAGES}
    found |= {f"roughcut/{count}": cut(count, MOBILE) for count in CUT_MESSAGES}
    found |= {f"town/{nodes}": town(nodes) for nodes in TOWNS}
    return found


def parts() -> list[str]:
    return list(dict.fromkeys(name.partition("/")[0] for name in points()))


def spread(runs: Iterable[Run], value: Callable[[Run], float | None]) -> Spread | None:
    """None where any seed has no value, as too little was delivered in time."""
    values = [value(run) for run in runs]
    if not values or any(each is None for each in values):
        return None
    known = [each for each in values if each is not None]
    return statistics.median(known), min(known), max(known)


def per_delivery(kind: str) -> Callable[[Run], float]:
    """Frames or bytes for each delivery; `cpu`: milliseconds of processor time."""

    def value(found: Run) -> float:
        if kind == "cpu":
            return float(found["cpu_s"]["measured"]) * 1000 / max(1, found["deliveries"])
        return float(sum(found[kind].values())) / max(1, found["deliveries"])

    return value
