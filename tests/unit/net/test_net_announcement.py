"""Announcements on the LAN: who recognises them, and that nobody else learns anything from them or breaks anything with them."""

import ipaddress
import itertools
from dataclasses import replace

import pytest
from builders import person, seeded_entropy
from hypothesis import given
from hypothesis import strategies as st
from net_parties import held_invitation, open_invitation, peer_credential

from multichat_tui.model.limits import ANNOUNCED_KEYS, ANNOUNCED_TOKENS, SHORT_TOKEN_BYTES, SHORT_TOKENS, TOKEN_BYTES
from multichat_tui.model.ports import Credential, CredentialKind
from multichat_tui.net.announcement import SERVICE_TYPE, Announcement, announce, announced_keys, matching, parse

ANN, BOB, EVE = person("ann"), person("bob"), person("eve")
DAY = 20_000
HERE = (ipaddress.ip_address("192.168.1.7"), ipaddress.ip_address("fd00::7"))
SEED = bytes(range(16))


def air(text: dict[str, bytes]) -> dict[bytes, bytes | None]:
    """The TXT record as the other side gets it."""
    return {key.encode(): value for key, value in text.items()}


def announced(
    *credentials: Credential, day: int = DAY, port: int = 4321, seed: str = "one"
) -> tuple[Announcement, dict[str, bytes]]:
    return announce(announced_keys(credentials), day=day, port=port, addresses=HERE, entropy=seeded_entropy(seed))


def heard(*credentials: Credential, day: int = DAY) -> Announcement:
    announcement, text = announced(*credentials, day=day)
    found = parse(f"{announcement.instance}.{SERVICE_TYPE}", 4321, air(text))
    assert found == announcement
    return found


def test_a_peer_recognises_the_announcement():
    found = heard(peer_credential(ANN, EVE), peer_credential(ANN, BOB))
    assert list(matching(found, [peer_credential(BOB, EVE), peer_credential(BOB, ANN)], DAY)) == [peer_credential(BOB, ANN)]


def test_a_holder_of_an_invitation_recognises_who_gave_it():
    assert list(matching(heard(open_invitation(SEED)), [held_invitation(SEED)], DAY)) == [held_invitation(SEED)]


def test_a_held_invitation_is_not_announced():
    assert list(matching(heard(held_invitation(SEED)), [held_invitation(SEED)], DAY)) == []


def test_two_who_gave_out_the_same_invitation_do_not_look_for_each_other():
    assert list(matching(heard(open_invitation(SEED)), [open_invitation(SEED)], DAY)) == []


def test_a_stranger_recognises_nobody():
    assert list(matching(heard(peer_credential(ANN, BOB)), [peer_credential(EVE, BOB), held_invitation(SEED)], DAY)) == []


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_neighbouring_days_are_recognised(off: int):
    assert list(matching(heard(peer_credential(ANN, BOB)), [peer_credential(BOB, ANN)], DAY + off))


@pytest.mark.parametrize("off", [-2, 2, 365])
def test_other_days_are_not(off: int):
    assert not list(matching(heard(peer_credential(ANN, BOB)), [peer_credential(BOB, ANN)], DAY + off))


def test_a_token_cannot_be_moved_to_another_address_port_or_name():
    found = heard(peer_credential(ANN, BOB))
    elsewhere = (ipaddress.ip_address("8.8.8.8"),)
    for moved in (
        replace(found, addresses=elsewhere),
        replace(found, port=22),
        replace(found, instance="0" * 16),
        replace(found, addresses=(*found.addresses, *elsewhere)),
    ):
        assert not list(matching(moved, [peer_credential(BOB, ANN)], DAY))


def peers(count: int) -> list[Credential]:
    return [Credential(kind=CredentialKind.PEER, key=n.to_bytes(2) * 16, device=BOB.device) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 200, 231, 232, 233, 500])
def test_there_are_always_as_many_tokens(count: int):
    credentials = peers(count)
    announcement, text = announced(*credentials)
    assert len(announcement.tokens) == ANNOUNCED_TOKENS
    assert len(announcement.short) == SHORT_TOKENS
    assert {name: len(text[name]) for name in "tuwxyz"} == dict.fromkeys("tu", 128) | dict.fromkeys("wxyz", 200)
    assert len(text["t"]) + len(text["u"]) == ANNOUNCED_TOKENS * TOKEN_BYTES
    assert sum(len(text[name]) for name in "wxyz") == SHORT_TOKENS * SHORT_TOKEN_BYTES
    assert all(len(key) + 1 + len(value) <= 255 for key, value in text.items())
    recognised = list(matching(announcement, credentials, DAY))
    assert recognised == credentials[:ANNOUNCED_KEYS]


def test_the_record_stays_under_what_one_packet_takes():
    """With as many of the longest addresses as it may have, and visible to everybody (RFC 6763, section 6.2)."""
    addresses = tuple(ipaddress.ip_address(f"fd00::{n}") for n in range(1, 12))
    _, text = announce(
        announced_keys(peers(300)), day=DAY, port=1, addresses=addresses, entropy=seeded_entropy("one"), nearby=bytes(16)
    )
    assert sum(1 + len(key) + 1 + len(value) for key, value in text.items()) <= 1300


def test_tokens_stand_in_no_order_that_tells_of_the_keys():
    one, text = announced(*peers(232))
    other, turned = announced(*reversed(peers(232)))
    assert one.instance == other.instance
    assert {text["t"] + text["u"], turned["t"] + turned["u"]} == {
        b"".join(sorted(tokens)) for tokens in (one.tokens, other.tokens)
    }
    assert all(text[a] <= text[b] for a, b in itertools.pairwise("wxyz"))


def test_who_knows_only_full_tokens_finds_the_first_ones_and_is_found():
    """A program of before there were short ones."""
    announcement, text = announced(*peers(100))
    before = {name: value for name, value in air(text).items() if name not in (b"w", b"x", b"y", b"z")}
    found = parse(f"{announcement.instance}.{SERVICE_TYPE}", 4321, before)
    assert found == replace(announcement, short=frozenset())
    assert list(matching(found, peers(100), DAY)) == peers(ANNOUNCED_TOKENS)


def test_a_key_is_announced_once_however_many_come_under_it():
    one, other = peers(2)
    assert announced_keys([one, other, one, replace(one, announced=False)]) == (one.key, other.key)
    assert announced_keys([replace(one, announced=False), replace(other, nearby=bytes(16))]) == ()


def test_two_announcements_of_one_node_have_nothing_in_common():
    one, _ = announced(peer_credential(ANN, BOB), seed="one")
    other, _ = announced(peer_credential(ANN, BOB), seed="two")
    assert one.instance != other.instance
    assert not one.tokens & other.tokens


def test_the_record_shows_no_key_and_no_device():
    _, text = announced(peer_credential(ANN, BOB), open_invitation(SEED))
    stream = b"".join(text.values())
    for secret in (ANN.device, ANN.user, BOB.device, peer_credential(ANN, BOB).key, open_invitation(SEED).join_key):
        assert secret is not None
        assert secret[:8] not in stream


GOOD = air(announced(peer_credential(ANN, BOB))[1])
NAME = f"{'ab' * 8}.{SERVICE_TYPE}"


@pytest.mark.parametrize(
    ("name", "port", "text"),
    [
        ("printer." + SERVICE_TYPE, 1, GOOD),
        (SERVICE_TYPE, 1, GOOD),
        ("", 1, GOOD),
        (NAME.upper(), 1, GOOD),
        (NAME, 0, GOOD),
        (NAME, 65536, GOOD),
        (NAME, None, GOOD),
        (NAME, -1, GOOD),
        (NAME, 1, {}),
        (NAME, 1, {**GOOD, b"v": b"2"}),
        (NAME, 1, {**GOOD, b"v": None}),
        (NAME, 1, {**GOOD, b"t": None}),
        (NAME, 1, {**GOOD, b"t": GOOD[b"t"][:-1]}),
        (NAME, 1, {**GOOD, b"u": b""}),
        (NAME, 1, {**GOOD, b"t": b"", b"u": b""}),
        (NAME, 1, {**GOOD, b"a": b""}),
        (NAME, 1, {**GOOD, b"a": None}),
        (NAME, 1, {**GOOD, b"a": b"\x04\x01\x02\x03"}),
        (NAME, 1, {**GOOD, b"a": b"\x05\x01\x02\x03\x04"}),
        (NAME, 1, {**GOOD, b"a": b"\x04\x7f\x00\x00\x01" * 9}),
    ],
)
def test_what_is_no_announcement_is_none(name: str, port: int | None, text: dict[bytes, bytes | None]):
    assert parse(NAME, 1, GOOD) is not None
    assert parse(name, port, text) is None


@pytest.mark.parametrize("broken", [None, b"", bytes(199), bytes(201), bytes(50)])
def test_short_tokens_count_all_or_none(broken: bytes | None):
    found = parse(NAME, 1, {**GOOD, b"y": broken})
    assert found is not None
    assert found.short == frozenset()
    assert len(found.tokens) == ANNOUNCED_TOKENS


@given(
    name=st.text(max_size=60),
    port=st.one_of(st.none(), st.integers(-10, 70_000)),
    text=st.dictionaries(
        st.binary(max_size=3) | st.sampled_from([b"v", b"a", b"t", b"u", b"w", b"z"]), st.none() | st.binary(max_size=255)
    ),
)
def test_nothing_on_the_air_raises(name: str, port: int | None, text: dict[bytes, bytes | None]):
    parse(name, port, text)
    parse(NAME, port, {**GOOD, **text})


@given(packed=st.binary(max_size=200))
def test_addresses_that_are_taken_are_few(packed: bytes):
    found = parse(NAME, 1, {**GOOD, b"a": packed})
    assert found is None or 1 <= len(found.addresses) <= 8
