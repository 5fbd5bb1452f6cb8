"""Invitation links as people handle them: wrapped, cut off, mistyped, made by somebody hostile."""

import base64

import pytest

from multichat_tui.model.codec import Reason, Rejected, encode
from multichat_tui.model.ids import ChannelId, UserId, digest
from multichat_tui.model.invitations import Invitation, InvitationKind, join_seed, parse_link, token_key

USER, CHANNEL = UserId(b"u" * 32), ChannelId(b"c" * 32)
FIELDS = {0: 1, 1: 1, 2: bytes(16), 3: USER, 4: 1_750_000_000_000, 5: ["192.168.1.5:4000", "[fe80::1%eth0]:4000"]}


def invitation(kind: InvitationKind = InvitationKind.JOIN, addresses: tuple[str, ...] = ("192.168.1.5:4000",)) -> Invitation:
    return Invitation(
        kind=kind,
        seed=bytes(range(16)),
        user=USER,
        expires_ms=1_750_000_000_000,
        addresses=addresses,
        channel=None if kind is InvitationKind.PAIR else CHANNEL,
    )


def link_of(fields: dict[int, object], kind: str = "pair") -> str:
    """A link with a right check, whatever its fields."""
    body = encode(dict(sorted(fields.items())))
    return f"multichat:{kind}/" + base64.urlsafe_b64encode(body + digest("mc.link", body)[:4]).decode().rstrip("=")


@pytest.mark.parametrize("kind", InvitationKind)
def test_a_link_is_read_back(kind: InvitationKind) -> None:
    assert parse_link(invitation(kind).link) == invitation(kind)


def test_a_link_may_be_wrapped_and_indented() -> None:
    link = invitation().link
    assert parse_link("  " + "\n\t ".join(link[at : at + 20] for at in range(0, len(link), 20)) + "\r\n") == invitation()


def test_a_link_that_is_cut_off_anywhere_is_told_so() -> None:
    link = invitation().link
    for end in range(len("multichat:join/"), len(link)):
        rejected = parse_link(link[:end])
        assert isinstance(rejected, Rejected), end
        assert "cut off" in rejected.detail


def test_a_link_with_one_wrong_character_is_rejected() -> None:
    link = invitation().link
    for at in range(len("multichat:join/"), len(link) - 1):
        other = "A" if link[at] != "A" else "B"
        assert isinstance(parse_link(link[:at] + other + link[at + 1 :]), Rejected), at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "multichat:",
        "multichat:join",
        "multichat:join/",
        "multichat:pair/AAAA",
        "multichat:pair/AAAAA",
        "multichat:pair/=",
        "multichat:pair/\u00e4\u00f6",
        "multichat:pair/\ud800",
        "https://example.org/",
        "hello",
    ],
)
def test_what_is_no_link_is_rejected(text: str) -> None:
    assert isinstance(parse_link(text), Rejected)


def test_the_words_in_front_say_what_is_expected() -> None:
    body = invitation(InvitationKind.PAIR).link.split("/", 1)[1]
    for scheme in ("multichat:join/", "multichat:chat/", "otherchat:pair/", "MULTICHAT:PAIR/"):
        assert isinstance(parse_link(scheme + body), Rejected)


def test_a_link_has_at_most_2048_characters() -> None:
    rejected = parse_link(invitation().link + " " * 2048)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.TOO_LARGE
    assert len(invitation(addresses=tuple(f"{n}" * 64 for n in range(8))).link) <= 2048


def test_a_right_check_does_not_help_wrong_fields() -> None:
    assert isinstance(parse_link(link_of(FIELDS)), Invitation)
    assert isinstance(parse_link(link_of({**FIELDS, 9: "newer"})), Invitation)
    for key in FIELDS:
        assert isinstance(parse_link(link_of({k: v for k, v in FIELDS.items() if k != key})), Rejected), key
    for wrong in (
        {2: bytes(15)},
        {3: bytes(31)},
        {4: 2**48},
        {4: -1},
        {5: ["a"] * 9},
        {5: ["a" * 65]},
        {5: [""]},
        {5: ["a b:1"]},
        {5: ["\x1b[31m:1"]},
        {5: ["\u0430:1"]},
        {5: [b"a"]},
        {6: CHANNEL},
    ):
        assert isinstance(parse_link(link_of({**FIELDS, **wrong})), Rejected), wrong
    assert isinstance(parse_link(link_of(FIELDS, "join")), Rejected)
    assert isinstance(parse_link(link_of({**FIELDS, 6: CHANNEL}, "join")), Invitation)


def test_a_link_of_a_newer_version_says_so() -> None:
    for newer in ({0: 2}, {1: 2}):
        rejected = parse_link(link_of({**FIELDS, **newer}))
        assert isinstance(rejected, Rejected)
        assert rejected.reason is Reason.UNKNOWN
        assert "newer version" in rejected.detail


def test_the_keys_of_a_link_are_apart_and_do_not_show() -> None:
    made = invitation()
    assert made.token_key == token_key(made.seed)
    assert len({made.seed, token_key(made.seed), join_seed(made.seed)}) == 3
    assert str(made) == repr(made) == "Invitation(join, …)"
