"""What counts as near, and who counts as one sender."""

import pytest

from multichat_tui.model.hosts import is_near, one_sender


@pytest.mark.parametrize(
    "address",
    [
        "192.168.1.7:4711",
        "10.0.0.2:1",
        "127.0.0.1:9",
        "[::1]:9",
        "[fe80::1%eth0]:9",
        "[fd00::7]:4711",
        "169.254.1.1:1",
        "[::ffff:10.0.0.2]:1",
    ],
)
def test_addresses_of_this_host_and_of_private_networks_are_near(address: str) -> None:
    assert is_near(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8:53", "[2a00:1450::1]:443", "[::ffff:8.8.8.8]:53", "example.org:4711", "localhost:1", "", "nonsense"]
)
def test_names_and_public_addresses_are_not(address: str) -> None:
    assert not is_near(address)


def test_one_sender_is_an_ipv4_address_or_the_network_of_an_ipv6_host() -> None:
    assert one_sender("8.8.8.8") == one_sender("::ffff:8.8.8.8") != one_sender("::ffff:8.8.4.4")
    assert one_sender("[2a00:1450::1]") == one_sender("2a00:1450::ffff:1%eth0") != one_sender("2a00:1450:0:1::1")
    assert one_sender("a.example") != one_sender("b.example")
