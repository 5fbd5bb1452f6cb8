"""What a node shows of itself on the LAN: a random name, a port, addresses, and tokens that only key holders can tell from noise.

A token is a MAC under a credential's key over (UTC day, instance, port, addresses): it cannot be moved to another address or
day, and two announcements of one node have nothing in common. There are always 232, 200 of them cut short, filled up with random
ones, in random order.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence

from multichat_tui.crypto.keys import mac
from multichat_tui.model.hosts import Address
from multichat_tui.model.limits import (
    ANNOUNCED_KEYS,
    ANNOUNCED_TOKENS,
    MAX_PEER_ADDRESSES,
    NEARBY_ID_BYTES,
    SHORT_TOKEN_BYTES,
    SHORT_TOKENS,
    TOKEN_BYTES,
)
from multichat_tui.model.ports import ONLY_ACCEPT, ONLY_DIAL, Credential, Entropy
from multichat_tui.model.values import dataclass

SERVICE_TYPE = "_multichat._tcp.local."
VERSION = b"1"
INSTANCE_BYTES = 8
FULL_NAMES = ("t", "u")
SHORT_NAMES = ("w", "x", "y", "z")
"""One string of a TXT record holds at most 255 bytes (RFC 6763, section 6.1), so the tokens stand in several of the same size."""
NEIGHBOURING_DAYS = (0, -1, 1)
"""Clocks differ, and days begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """`instance` is 16 hexadecimal digits; it leads to the names on the air, and to nothing else."""

    instance: str
    port: int
    addresses: tuple[Address, ...]
    tokens: frozenset[bytes]
    short: frozenset[bytes] = frozenset()
    nearby: bytes = b""
    """Visible to everybody under this random id; empty: only to those who hold a key."""


def announced_keys(credentials: Iterable[Credential]) -> tuple[bytes, ...]:
    """The keys whose holders may find us, each once, in the order of the credentials. What only dials is not announced."""
    return tuple(dict.fromkeys(c.key for c in credentials if c.kind not in ONLY_DIAL and c.announced and not c.nearby))


def announce(
    keys: Sequence[bytes],
    *,
    day: int,
    port: int,
    addresses: tuple[Address, ...],
    entropy: Entropy,
    nearby: bytes = b"",
) -> tuple[Announcement, dict[str, bytes]]:
    """A new announcement for those who hold one of the first `ANNOUNCED_KEYS` keys, and its TXT record."""
    instance = entropy(INSTANCE_BYTES).hex()
    addresses = addresses[:MAX_PEER_ADDRESSES]
    made = [announced_token(key, day, instance, port, addresses) for key in keys[:ANNOUNCED_KEYS]]
    tokens = made[:ANNOUNCED_TOKENS]
    tokens += [entropy(TOKEN_BYTES) for _ in range(ANNOUNCED_TOKENS - len(tokens))]
    short = [token[:SHORT_TOKEN_BYTES] for token in made[ANNOUNCED_TOKENS:]]
    short += [entropy(SHORT_TOKEN_BYTES) for _ in range(SHORT_TOKENS - len(short))]
    text = {"v": VERSION, "a": _pack(addresses)}
    for names, values in ((FULL_NAMES, tokens), (SHORT_NAMES, short)):
        values.sort()  # random values: their order says nothing about the order of the keys
        each = len(values) // len(names)
        text |= {name: b"".join(values[at * each : (at + 1) * each]) for at, name in enumerate(names)}
    if nearby:
        text["n"] = nearby
    announcement = Announcement(
        instance=instance,
        port=port,
        addresses=addresses,
        tokens=frozenset(tokens),
        short=frozenset(short),
        nearby=nearby,
    )
    return announcement, text


def parse(service_name: str, port: int | None, text: Mapping[bytes, bytes | None]) -> Announcement | None:
    """The announcement of a service as found on the air, or None if it is none of ours. Takes anything."""
    instance = service_name.removesuffix(f".{SERVICE_TYPE}")
    if len(instance) != 2 * INSTANCE_BYTES or not set(instance) <= set("0123456789abcdef"):
        return None
    if port is None or not 0 < port < 65536 or text.get(b"v") != VERSION:
        return None
    tokens = _tokens(text, FULL_NAMES, TOKEN_BYTES, ANNOUNCED_TOKENS)
    if not tokens:
        return None
    addresses = unpack_addresses(text.get(b"a") or b"")
    if not addresses:
        return None
    short = _tokens(text, SHORT_NAMES, SHORT_TOKEN_BYTES, SHORT_TOKENS)
    nearby = text.get(b"n") or b""
    if len(nearby) != NEARBY_ID_BYTES:
        nearby = b""
    return Announcement(instance=instance, port=port, addresses=addresses, tokens=tokens, short=short, nearby=nearby)


def _tokens(text: Mapping[bytes, bytes | None], names: Sequence[str], size: int, count: int) -> frozenset[bytes]:
    """The tokens that stand in these strings; none if there are not as many as there must be."""
    strings = [text.get(name.encode()) or b"" for name in names]
    if any(len(string) * len(names) != size * count for string in strings):
        return frozenset()
    return frozenset(string[at : at + size] for string in strings for at in range(0, len(string), size))


def matching(found: Announcement, credentials: Iterable[Credential], day: int) -> Iterator[Credential]:
    """Those of our credentials under which we would dial, and whose key the announcer shows to hold. About 3 µs each."""
    return (c for c in credentials if c.kind not in ONLY_ACCEPT and names_key(found, c.key, day))


def names_key(found: Announcement, key: bytes, day: int) -> bool:
    """Whether the announcer shows to hold this key, today, yesterday or tomorrow."""
    for off in NEIGHBOURING_DAYS:
        token = announced_token(key, day + off, found.instance, found.port, found.addresses)
        if token in found.tokens or token[:SHORT_TOKEN_BYTES] in found.short:
            return True
    return False


def announced_token(key: bytes, day: int, instance: str, port: int, addresses: tuple[Address, ...]) -> bytes:
    """What shows, to whoever holds the key, that the announcer does: `day` is in UTC since 1970."""
    return mac(
        key, "mc.lan", day.to_bytes(8, "big", signed=True), instance.encode("ascii"), port.to_bytes(2, "big"), _pack(addresses)
    )[:TOKEN_BYTES]


def _pack(addresses: tuple[Address, ...]) -> bytes:
    """Each as its version (one byte, 4 or 6) and its bytes (4 or 16)."""
    return b"".join(bytes([address.version]) + address.packed for address in addresses)


def unpack_addresses(packed: bytes) -> tuple[Address, ...] | None:
    """The addresses of an announcement, or None if they are not packed as they must be. Takes anything."""
    addresses: list[Address] = []
    at = 0
    while at < len(packed):
        size = {4: 4, 6: 16}.get(packed[at])
        chunk = packed[at + 1 : at + 1 + (size or 0)]
        if size is None or len(chunk) != size or len(addresses) == MAX_PEER_ADDRESSES:
            return None
        addresses.append(ipaddress.IPv4Address(chunk) if size == 4 else ipaddress.IPv6Address(chunk))
        at += 1 + size
    return tuple(addresses)
