"""What counts as near, and how the settings that spare data and power are read."""

import pytest

from multichat_tui.model.economy import parse_every
from multichat_tui.model.text import size_words


def test_how_often_a_node_looks_is_a_span_of_a_minute_to_a_day() -> None:
    assert [parse_every(text) for text in ("1m", "15m", "2h", "24h")] == [60_000, 900_000, 7_200_000, 86_400_000]
    for text in ("", "0m", "30s", "25h", "1d", "m", "15", "-5m", "²m"):
        with pytest.raises(ValueError, match="1m to 24h"):
            parse_every(text)


def test_sizes_are_told_by_their_greatest_unit() -> None:
    assert [size_words(size) for size in (0, 999, 1000, 4_240, 17_300_000, 2_500_000_000)] == [
        "0 B", "999 B", "1000 B", "4.1 KiB", "16 MiB", "2.3 GiB",
    ]  # fmt: skip
