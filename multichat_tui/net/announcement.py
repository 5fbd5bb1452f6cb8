"""What a node shows of itself on the LAN: a random name, a port, addresses, and tokens that only key holders can tell from noise.

A token is a MAC under a credential's key over (UTC day, instance, port, addresses): it cannot be moved to another address or
day, and two announcements of one node have nothing in common. There are always 32, filled up with random ones, in random order.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping

from multichat_tui.crypto.keys import mac
from multichat_tui.model.hosts import Address
from multichat_tui.model.limits import ANNOUNCED_TOKENS, MAX_PEER_ADDRESSES, NEARBY_ID_BYTES, TOKEN_BYTES
from multichat_tui.model.ports import ONLY_ACCEPT, ONLY_DIAL, Credential, Entropy
from multichat_tui.model.values import dataclass

SERVICE_TYPE = "_multichat._tcp.local."
VERSION = b"1"
INSTANCE_BYTES = 8
HALF_BYTES = ANNOUNCED_TOKENS * TOKEN_BYTES // 2
"""One string of a TXT record holds at most 255 bytes (RFC 6763, section 6.1), so the tokens stand in two."""
NEIGHBOURING_DAYS = (0, -1, 1)
"""Clocks differ, and days begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """`instance` is 16 hexadecimal digits; it leads to the names on the air, and to nothing else."""

    instance: str
    port: int
    addresses: tuple[Address, ...]
    tokens: frozenset[bytes]
    nearby: bytes = b""
    """Visible to everybody under this random id; empty: only to those who hold a key."""


def announce(
    credentials: Iterable[Credential],
    *,
    day: int,
    port: int,
    addresses: tuple[Address, ...],
    entropy: Entropy,
) -> tuple[Announcement, dict[str, bytes]]:
    """A new announcement for those who hold one of the first 32 keys, and its TXT record. What only dials is not announced."""
    instance = entropy(INSTANCE_BYTES).hex()
    addresses = addresses[:MAX_PEER_ADDRESSES]
    credentials = tuple(credentials)
    nearby = next((c.nearby for c in credentials if c.nearby), b"")
    keys = [c.key for c in credentials if c.kind not in ONLY_DIAL and c.announced and not c.nearby][:ANNOUNCED_TOKENS]
    tokens = [announced_token(key, day, instance, port, addresses) for key in keys]
    tokens += [entropy(TOKEN_BYTES) for _ in range(ANNOUNCED_TOKENS - len(tokens))]
    tokens.sort()  # random values: their order says nothing about the order of the keys
    stream = b"".join(tokens)
    text = {"v": VERSION, "a": _pack(addresses), "t": stream[:HALF_BYTES], "u": stream[HALF_BYTES:]}
    if nearby:
        text["n"] = nearby
    return Announcement(instance=instance, port=port, addresses=addresses, tokens=frozenset(tokens), nearby=nearby), text


def parse(service_name: str, port: int | None, text: Mapping[bytes, bytes | None]) -> Announcement | None:
    """The announcement of a service as found on the air, or None if it is none of ours. Takes anything."""
    instance = service_name.removesuffix(f".{SERVICE_TYPE}")
    if len(instance) != 2 * INSTANCE_BYTES or not set(instance) <= set("0123456789abcdef"):
        return None
    if port is None or not 0 < port < 65536 or text.get(b"v") != VERSION:
        return None
    first, second = text.get(b"t"), text.get(b"u")
    if first is None or second is None or len(first) != HALF_BYTES or len(second) != HALF_BYTES:
        return None
    addresses = unpack_addresses(text.get(b"a") or b"")
    if not addresses:
        return None
    stream = first + second
    tokens = frozenset(stream[i : i + TOKEN_BYTES] for i in range(0, len(stream), TOKEN_BYTES))
    nearby = text.get(b"n") or b""
    if len(nearby) != NEARBY_ID_BYTES:
        nearby = b""
    return Announcement(instance=instance, port=port, addresses=addresses, tokens=tokens, nearby=nearby)


def matching(found: Announcement, credentials: Iterable[Credential], day: int) -> Iterator[Credential]:
    """Those of our credentials under which we would dial, and whose key the announcer shows to hold. About 3 µs each."""
    for credential in credentials:
        if credential.kind not in ONLY_ACCEPT and any(
            announced_token(credential.key, day + off, found.instance, found.port, found.addresses) in found.tokens
            for off in NEIGHBOURING_DAYS
        ):
            yield credential


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
