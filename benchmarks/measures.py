"""What is measured, what is wanted of it, and the table that says both."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Met: TypeAlias = Callable[[float, float | None], bool]
"""Whether a target is met, by ours and the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of the table. `met` is None where there is no target."""

    name: str
    unit: str
    target: str
    met: Met | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A result; `note` says what could not be measured, or how."""

    measure: Measure
    ours: float | None
    floor: float | None = None
    note: str = ""


def at_most(limit: float) -> Met:
    return lambda ours, floor: ours <= limit


def times_floor(most: float, limit: float | None = None) -> Met:
    """At most so many times the floor, and within `limit` where there is one."""
    return lambda ours, floor: floor is not None and ours <= most * floor and (limit is None or ours <= limit)


def part_of_floor(least: float) -> Met:
    return lambda ours, floor: floor is not None and ours >= least * floor


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie; of few values, the next higher one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median_of(values: Iterable[float]) -> float:
    return statistics.median(values)


def number(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 10_000:
        return f"{value / 1000:.1f}k"
    digits = next(digits for digits, least in ((0, 100), (1, 10), (2, 0.1), (3, 0)) if value >= least)
    return f"{value:.{digits}f}"


def row(figure: Figure) -> tuple[str, ...]:
    measure, ours, floor = figure.measure, figure.ours, figure.floor
    ratio = "–" if ours is None or not floor else f"{ours / floor:.2f}x"
    if ours is None:
        verdict = figure.note or "not measured"
    elif measure.met is None:
        verdict = figure.note or "–"
    else:
        verdict = ("met" if measure.met(ours, floor) else "NOT met") + (f" ({figure.note})" if figure.note else "")
    return (f"{measure.name}, {measure.unit}", number(floor), number(ours), ratio, measure.target or "–", verdict)


HEADINGS = ("measure", "floor", "ours", "ratio", "target", "")


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown, columns aligned."""
    rows = [HEADINGS, *(row(figure) for figure in figures)]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEADINGS))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
