"""What people paste and what is heard on the air: links, names, addresses, spans, announcements."""

import base64
from collections.abc import Sequence

from multichat_tui.config import check_address
from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import UsageError
from multichat_tui.model.hosts import parse_host
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.invitations import SCHEME, Invitation, InvitationKind, _check, parse_link
from multichat_tui.model.text import clean_name, describe_ms, duration, mentions, visible
from multichat_tui.net.addresses import split_address
from multichat_tui.net.announcement import SERVICE_TYPE, VERSION, parse


class LinkTarget:
    """The first byte chooses the reader."""

    name = "links"

    def seeds(self) -> Sequence[bytes]:
        made = [
            Invitation(kind=kind, seed=bytes(16), user=UserId(bytes(32)), expires_ms=10**12, addresses=addresses, channel=channel)
            for addresses in ((), ("127.0.0.1:4", "[::1]:65535"))
            for kind, channel in ((InvitationKind.PAIR, None), (InvitationKind.JOIN, ChannelId(bytes(32))))
        ]
        links = [b"\0" + one.link.encode() for one in made]
        links += [bytes([5, number % 2]) + _body(one.link) for number, one in enumerate(made)]
        return [
            *links,
            b"\0multichat:pair/",
            b"\0multichat:join/pgAB",
            b"\x01ann",
            b"\x02127.0.0.1:4000",
            b"\x02[::1]:1",
            b"\x037d",
            b"\x04" + bytes(900),
        ]

    def words(self) -> Sequence[bytes]:
        return [
            *(bytes([number]) for number in range(6)), b"multichat:", b"pair/", b"join/", b"MULTICHAT:", b" ", b"\n", b"-", b"_", b"=", b"+", b"[", b"]", b"::", b":0",
            b":65535", b":65536", b"1h", b"99999999999999999w", "\u202e".encode(), "\u0301".encode(), "é".encode(), b"~abcd", b"@", "\u0661".encode(), VERSION,
        ]  # fmt: skip

    def play(self, case: bytes) -> str:
        which, rest = (case[0] % 6 if case else 0), case[1:]
        text = rest.decode("utf-8", "replace")
        if which == 5:
            return f"5 {_link(_checked(rest))}"
        return f"{which} {(_link, _name, _address, _span)[which](text) if which < 4 else _heard(rest)}"

    def close(self) -> None: ...


def _body(link: str) -> bytes:
    """What a link holds, without its check."""
    encoded = link.rpartition("/")[2]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))[:-4]


def _checked(rest: bytes) -> str:
    """A link whose check is right, whatever it holds."""
    kind, body = ("join" if rest[:1] == b"\1" else "pair"), rest[1:]
    return f"{SCHEME}{kind}/{base64.urlsafe_b64encode(body + _check(body)).decode().rstrip('=')}"


def _link(text: str) -> str:
    found = parse_link(text)
    if isinstance(found, Rejected):
        return f"rejected {found.reason} {found.detail[:40]}"
    assert parse_link(found.link) == found, "another link by another name"
    assert found.seed.hex() not in repr(found)
    return f"{found.kind} {len(found.addresses)}"


def _name(text: str) -> str:
    found = clean_name(text)
    mentions(text, found or "ann")
    if found is None:
        return "no name"
    assert clean_name(found) == found
    assert visible(found) == found
    assert "\n" not in found
    return "name"


def _address(text: str) -> str:
    host = parse_host(text)
    split = split_address(text)
    try:
        check_address(text, "listen")
    except UsageError:
        return f"refused {host is None} {split is None}"
    return f"taken {split is None}"


def _span(text: str) -> str:
    found = duration(text)
    if found is None:
        return "none"
    assert found > 0
    assert describe_ms(found)
    return f"span {len(str(found))}"


def _heard(heard: bytes) -> str:
    size = 128
    record = {b"v": heard[:1], b"t": heard[1 : 1 + size], b"u": heard[1 + size : 1 + 2 * size], b"a": heard[1 + 2 * size :]}
    found = parse(f"{heard[:8].hex()}.{SERVICE_TYPE}", int.from_bytes(heard[:2], "big"), record | {b"v": VERSION})
    return f"announced {found is not None and len(found.addresses)}"
