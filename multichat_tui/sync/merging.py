"""Merging: the records of several chains in order of arrival, from either end, without reading those that nobody asked for.

Within a chain, places and arrival numbers ascend together; so the next record in order of arrival is that of some chain's front.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from multichat_tui.sync.chains import ChainKey

Ranges: TypeAlias = Mapping[ChainKey, tuple[int, int]]
"""Places of chains that are wanted: first and last, both included."""
ReadPlaces: TypeAlias = Callable[[ChainKey, int, int, int], list[tuple[int, int]]]
"""(chain, first, last, limit) -> (seq, arrival number) of held records from the end that comes first."""

MOST_AT_ONCE = 128
"""Places read of one chain at a time."""


def merged(ranges: Ranges, read: ReadPlaces, *, newest_first: bool, expected: int) -> Iterator[tuple[ChainKey, int]]:
    """(chain, seq) of what is held of the ranges, by arrival number: ascending, or with `newest_first` descending.

    `expected`: about how many the caller will take; bounds how much is read ahead.
    """
    chunk = max(2, min(MOST_AT_ONCE, 2 * expected // max(1, len(ranges))))
    sign = -1 if newest_first else 1
    fronts: list[tuple[int, ChainKey, int, list[tuple[int, int]]]] = []

    def advance(key: ChainKey, rest: list[tuple[int, int]]) -> None:
        if rest:
            seq, arrival = rest.pop()
            heapq.heappush(fronts, (sign * arrival, key, seq, rest))

    for key, (first, last) in ranges.items():
        advance(key, read(key, first, last, chunk)[::-1])
    while fronts:
        _, key, seq, rest = heapq.heappop(fronts)
        yield key, seq
        if not rest:
            first, last = ranges[key]
            first, last = (first, seq - 1) if newest_first else (seq + 1, last)
            rest = read(key, first, last, chunk)[::-1] if first <= last else []
        advance(key, rest)
