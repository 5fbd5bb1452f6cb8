"""What counts as near, and how the settings that spare data and power are read."""

import pytest

from multichat_tui.model.economy import parse_every
from multichat_tui.model.text import size_words
from multichat_tui.node.economy import is_near


@pytest.mark.parametrize(
    "address", ["192.168.1.7:4711", "10.0.0.2:1", "127.0.0.1:9", "[::1]:9", "[fe80::1%eth0]:9", "[fd00::7]:4711", "169.254.1.1:1"]
)
def test_addresses_of_this_host_and_of_private_networks_are_near(address: str) -> None:
    assert is_near(address)


@pytest.mark.parametrize("address", ["8.8.8.8:53", "[2a00:1450::1]:443", "example.org:4711", "localhost:1", "", "nonsense"])
def test_names_and_public_addresses_are_not(address: str) -> None:
    assert not is_near(address)


def test_how_often_a_node_looks_is_a_span_of_a_minute_to_a_day() -> None:
    assert [parse_every(text) for text in ("1m", "15m", "2h", "24h")] == [60_000, 900_000, 7_200_000, 86_400_000]
    for text in ("", "0m", "30s", "25h", "1d", "m", "15", "-5m", "²m"):
        with pytest.raises(ValueError, match="1m to 24h"):
            parse_every(text)


def test_sizes_are_told_by_their_greatest_unit() -> None:
    assert [size_words(size) for size in (0, 999, 1000, 4_240, 17_300_000, 2_500_000_000)] == [
        "0 B", "999 B", "1000 B", "4.1 KiB", "16 MiB", "2.3 GiB",
    ]  # fmt: skip
