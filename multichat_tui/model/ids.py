"""Identifiers. Each is 32 bytes with a meaning of its own, so that mypy keeps them apart."""

import base64
import hashlib
from enum import IntEnum
from functools import lru_cache
from typing import NewType

UserId = NewType("UserId", bytes)
"""BLAKE2b-256 of the account's Ed25519 public key."""
DeviceId = NewType("DeviceId", bytes)
"""The device's Ed25519 public key."""
RecordId = NewType("RecordId", bytes)
"""BLAKE2b-256 of a record's header bytes."""
ChannelId = NewType("ChannelId", bytes)
"""The id of the channel's first control record, its root."""
LinkId = NewType("LinkId", int)
"""A live connection to one device; counted up by the network for the life of the process."""

ID_SIZE = 32
PREFIX_SIZE = 8
"""Bytes of an id that stand for it where the reader can find the whole one."""


class Log(IntEnum):
    """The two logs of a channel."""

    CONTROL = 0
    CONTENT = 1


def digest(domain: str, *parts: bytes, key: bytes = b"") -> bytes:
    """BLAKE2b-256 over the parts, separated by `domain` (at most 16 ASCII bytes, RFC 7693 personalisation).

    The parts are not framed: callers pass at most one part of variable length, and that one last.
    """
    return hashlib.blake2b(b"".join(parts), digest_size=32, key=key, person=domain.encode("ascii")).digest()


@lru_cache(maxsize=4096)
def user_id(account_key: bytes) -> UserId:
    """The user id that belongs to an account's public key (32 bytes). Kept: it is asked for several times per message."""
    return UserId(digest("mc.user", account_key))


def fingerprint(identifier: bytes) -> str:
    """The whole id for people: lower-case base32 in groups of four, 13 groups for 32 bytes."""
    text = base64.b32encode(identifier).decode("ascii").rstrip("=").lower()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def short(identifier: bytes) -> str:
    """The first eight base32 characters (40 bits): to recognise, never to verify."""
    return base64.b32encode(identifier[:5]).decode("ascii").lower()
