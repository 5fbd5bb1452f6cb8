"""HOST:PORT, and how near an address is."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multichat_tui.model.hosts import parse_host
from multichat_tui.model.ports import LinkPath
from multichat_tui.net.addresses import join_address, own_addresses, own_networks, path_to, reachable_addresses, split_address

OWN = (ipaddress.ip_address("192.168.1.7"), ipaddress.ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("host", "port", "written"),
    [
        ("10.0.0.1", 80, "10.0.0.1:80"),
        ("::1", 80, "[::1]:80"),
        ("fd00::1", 65535, "[fd00::1]:65535"),
        ("host.example", 1, "host.example:1"),
    ],
)
def test_addresses_are_written_and_read_back(host: str, port: int, written: str):
    assert join_address(host, port) == written
    assert split_address(written) == (host, port)


@pytest.mark.parametrize(
    "written",
    [
        "",
        ":",
        "a",
        "a:",
        ":1",
        "a:0",
        "a:65536",
        "a:-1",
        "a:1x",
        "a:١",
        "::1:80",
        "[::1]",
        "[a]:80",
        "[]:80",
        "a b:80",
        "a\n:80",
        "x" * 80 + ":1",
    ],
)
def test_what_is_no_address_is_none(written: str):
    assert split_address(written) is None


@given(st.text(max_size=80))
def test_no_text_raises(written: str):
    split_address(written)
    parse_host(written)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("127.0.0.1", LinkPath.LOCAL),
        ("127.9.9.9", LinkPath.LOCAL),
        ("::1", LinkPath.LOCAL),
        ("::ffff:127.0.0.1", LinkPath.LOCAL),
        ("192.168.1.7", LinkPath.LOCAL),
        ("192.168.1.8", LinkPath.LAN),
        ("10.1.2.3", LinkPath.LAN),
        ("169.254.1.1", LinkPath.LAN),
        ("fe80::1%eth0", LinkPath.LAN),
        ("fd00::1", LinkPath.LAN),
        ("8.8.8.8", LinkPath.DIRECT),
        ("2a00:1450::1", LinkPath.DIRECT),
        ("host.example", LinkPath.DIRECT),
    ],
)
def test_the_path_tells_how_near_an_address_is(host: str, path: LinkPath):
    assert path_to(host, OWN) is path


def test_loopback_is_shown_to_others_only_where_there_is_nothing_else():
    assert reachable_addresses(OWN) == OWN[:1]
    assert reachable_addresses(OWN[1:]) == OWN[1:]


def test_this_host_has_addresses_and_each_is_in_a_network_of_it():
    assert own_addresses()
    assert all(any(address in network for network in own_networks()) for address in own_addresses())
