"""Invitation links: what one person hands to another, by any means.

`multichat:pair/...` makes contacts, `multichat:join/...` opens a channel. After the slash stands base64url of
`[body, check]`, `check` being four bytes of the body's hash, so that a cut-off paste is told from a wrong one.
"""

import base64
import binascii
from collections.abc import Iterable
from enum import StrEnum

from multichat_tui.model.codec import Reason, Rejected, Value, encode
from multichat_tui.model.ids import ChannelId, UserId, digest
from multichat_tui.model.limits import LINK_SEED_BYTES, MAX_LINK_CHARACTERS, MAX_PEER_ADDRESSES, MAX_TIMESTAMP_MS
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_list, as_map, as_text, read
from multichat_tui.model.values import dataclass

SEED_BYTES = LINK_SEED_BYTES
SCHEME = "multichat:"
MAX_ADDRESS_CHARACTERS = 64


class InvitationKind(StrEnum):
    PAIR = "pair"
    JOIN = "join"
    READ = "read"
    """To read a channel without being a member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """`addresses` are HOST:PORT of the inviter at the time; `channel` is set exactly for JOIN and READ."""

    kind: InvitationKind
    seed: bytes
    user: UserId
    expires_ms: int
    addresses: tuple[str, ...]
    channel: ChannelId | None = None

    def __repr__(self) -> str:
        return f"Invitation({self.kind}, …)"

    @property
    def token_key(self) -> bytes:
        """Opens connections to the inviter."""
        return token_key(self.seed)

    @property
    def link(self) -> str:
        fields: dict[int, Value] = {0: 1, 1: 1, 2: self.seed, 3: self.user, 4: self.expires_ms, 5: self.addresses}
        if self.channel is not None:
            fields[6] = self.channel
        return pack_link(self.kind.value, encode(fields))


def token_key(seed: bytes) -> bytes:
    return digest("mc.invtok", seed)


def join_seed(seed: bytes) -> bytes:
    """Seed of the Ed25519 key that signs with the invitation."""
    return digest("mc.invjoin", seed)


def pack_link(name: str, body: bytes) -> str:
    """The link of this name that carries a body."""
    text = base64.urlsafe_b64encode(body + _check(body)).decode("ascii").rstrip("=")
    return f"{SCHEME}{name}/{text}"


def _check(body: bytes) -> bytes:
    return digest("mc.link", body)[:4]


def unpack_link(text: str, names: Iterable[str], otherwise: str) -> tuple[str, bytes] | Rejected:
    """(name, body) of a link of one of these names, as typed or pasted; white space inside is ignored. `otherwise` is what to say
    of anything else."""
    if len(text) > MAX_LINK_CHARACTERS:
        return Rejected(Reason.TOO_LARGE, "too long for an invitation link")
    compact = "".join(text.split())
    for name in names:
        start = f"{SCHEME}{name}/"
        if compact.startswith(start):
            break
    else:
        return Rejected(Reason.SCHEMA, otherwise)
    encoded = compact[len(start) :]
    try:
        blob = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return Rejected(Reason.SCHEMA, "the link is cut off or mistyped")
    body, check = blob[:-4], blob[-4:]
    if not body or _check(body) != check:
        return Rejected(Reason.HASH, "the link is cut off or mistyped")
    return name, body


def parse_link(text: str) -> Invitation | Rejected:
    """The invitation in a link as typed or pasted; white space inside (from wrapped lines) is ignored."""
    otherwise = "an invitation link begins with multichat:pair/, multichat:join/ or multichat:read/"
    unpacked = unpack_link(text, (kind.value for kind in InvitationKind), otherwise)
    if isinstance(unpacked, Rejected):
        return unpacked
    kind, body = InvitationKind(unpacked[0]), unpacked[1]
    return read(body, MAX_LINK_CHARACTERS, lambda value: _invitation(kind, value))


def _invitation(kind: InvitationKind, value: Value) -> Invitation:
    fields = as_map(value, "link")
    if any(key not in fields for key in range(6)):
        raise Malformed("link: a field is missing")
    if as_int(fields[0], "version", 255, 1) != 1 or as_int(fields[1], "suite", 255, 1) != 1:
        raise Malformed("the link needs a newer version", Reason.UNKNOWN)
    if (6 in fields) != (kind is not InvitationKind.PAIR):
        raise Malformed("link: the channel")
    return Invitation(
        kind=kind,
        seed=as_bytes(fields[2], "seed", SEED_BYTES, SEED_BYTES),
        user=UserId(as_id(fields[3], "user")),
        expires_ms=as_int(fields[4], "expires", MAX_TIMESTAMP_MS - 1),
        addresses=tuple(as_address(entry) for entry in as_list(fields[5], "addresses", MAX_PEER_ADDRESSES)),
        channel=ChannelId(as_id(fields[6], "channel")) if 6 in fields else None,
    )


def as_address(value: Value) -> str:
    """Printable ASCII without spaces; whether it is HOST:PORT is for the dialler to see."""
    address = as_text(value, "address", MAX_ADDRESS_CHARACTERS, 1)
    if any(not "!" <= char <= "~" for char in address):
        raise Malformed("link: an address")
    return address
