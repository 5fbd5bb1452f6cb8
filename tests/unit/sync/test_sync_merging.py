"""Merging chains in order of arrival."""

import random

from multichat_tui.model.ids import Log
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.merging import merged


def key(name: bytes) -> ChainKey:
    return Log.CONTENT, name * 8


def test_merging_gives_the_order_of_arrival_from_either_end() -> None:
    draw = random.Random(7)
    arrivals: dict[ChainKey, list[int]] = {key(b"a"): [], key(b"b"): [], key(b"c"): []}
    for arrival in range(500):
        arrivals[draw.choice(list(arrivals))].append(arrival)
    reads = 0
    for newest_first in (False, True):

        def read(chain: ChainKey, first: int, last: int, limit: int, newest_first: bool = newest_first) -> list[tuple[int, int]]:
            nonlocal reads
            reads += 1
            found = list(enumerate(arrivals[chain]))[first : last + 1]
            return (found[::-1] if newest_first else found)[:limit]

        ranges = {key(b"a"): (3, 90), key(b"c"): (10, 10_000)}
        wanted = [
            (a, chain, seq)
            for chain, (low, high) in ranges.items()
            for seq, a in enumerate(arrivals[chain])
            if low <= seq <= high
        ]
        expected = [(chain, seq) for _, chain, seq in sorted(wanted, reverse=newest_first)]
        assert list(merged(ranges, read, newest_first=newest_first, expected=16)) == expected
    assert reads < 40


def test_merging_reads_no_more_than_what_is_taken_asks_for() -> None:
    asked: list[tuple[int, int, int]] = []

    def read(chain: ChainKey, first: int, last: int, limit: int) -> list[tuple[int, int]]:
        asked.append((first, last, limit))
        return [(seq, seq) for seq in range(last, max(first, last - limit + 1) - 1, -1)]

    found = merged({key(b"a"): (0, 99_999)}, read, newest_first=True, expected=20)
    assert [seq for _, (_, seq) in zip(range(30), ((c, s) for c, s in found), strict=False)] == list(range(99_999, 99_969, -1))
    assert asked == [(0, 99_999, 40)]
