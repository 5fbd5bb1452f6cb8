"""Fingerprints: what two peers share, in a few bytes, so that being up to date costs one exchange of them.

Three parts, each the beginning of a hash: over the chains of all shared channels, over the statements of their people, and over
the receipts. Between peers of link version 5 a fourth: over what devices say to those channels, and to one another.
"""

from collections.abc import Iterable
from typing import TypeAlias

from multichat_tui.model.device_statements import DeviceStatement
from multichat_tui.model.frames import FINGERPRINT_BYTES, TABLE_TAG_BYTES, Prefix
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, UserId, digest
from multichat_tui.model.receipts import Receipt

Said: TypeAlias = tuple[UserId, int, int, bytes]
"""A statement's user, kind, number and body; of a device list its mark instead of the number."""

CHAINS_SAME, STATEMENTS_SAME, RECEIPTS_SAME, DEVICE_STATEMENTS_SAME = 1, 2, 4, 8
ALL_SAME = CHAINS_SAME | STATEMENTS_SAME | RECEIPTS_SAME
"""Of a fingerprint of three parts; with DEVICE_STATEMENTS_SAME, of four."""
_PARTS = (12, 4, 4)
_PARTS_WITH_DEVICES = (11, 3, 3, 3)
"""Bytes of each part: between peers below link version 5, and from it on."""
assert sum(_PARTS) == sum(_PARTS_WITH_DEVICES) == FINGERPRINT_BYTES


def fingerprint(
    channels: Iterable[tuple[ChannelId, bytes]],
    statements: Iterable[Said],
    receipts: Iterable[Receipt],
    device_statements: Iterable[DeviceStatement] | None = None,
) -> bytes:
    """`channels`: each shared one with the digest of its chains. The order of the arguments' entries does not matter.
    `device_statements` are None where the peer knows none."""
    chains = b"".join(identifier + held for identifier, held in sorted(channels))
    said = sorted(
        user + bytes([kind]) + number.to_bytes(16, "big") + digest("mc.fp.body", body) for user, kind, number, body in statements
    )
    got = sorted(r.channel + r.device + r.number.to_bytes(8, "big") for r in receipts)
    parts = [
        digest("mc.fp.chains", chains),
        digest("mc.fp.statement", b"".join(said)),
        digest("mc.fp.receipts", b"".join(got)),
    ]
    if device_statements is None:
        return b"".join(part[:size] for part, size in zip(parts, _PARTS, strict=True))
    told = sorted(s.audience + s.device + bytes([s.kind]) + s.number.to_bytes(8, "big") for s in device_statements)
    parts.append(digest("mc.fp.device", b"".join(told)))
    return b"".join(part[:size] for part, size in zip(parts, _PARTS_WITH_DEVICES, strict=True))


def same_parts(ours: bytes, theirs: bytes, *, devices: bool) -> int:
    """Which of the parts are equal, as flags. `devices`: these fingerprints have a part for device statements."""
    same = start = 0
    for bit, size in enumerate(_PARTS_WITH_DEVICES if devices else _PARTS):
        same |= (ours[start : start + size] == theirs[start : start + size]) << bit
        start += size
    return same


class DeviceNumbers:
    """The devices of a channel by ascending id, so that a vector names them by small numbers. `tag` tells whether two nodes
    mean the same table."""

    __slots__ = ("_indexes", "prefixes", "tag")

    def __init__(self, devices: Iterable[DeviceId]) -> None:
        ordered = sorted(devices)
        self.prefixes: tuple[Prefix, ...] = tuple(device[:PREFIX_SIZE] for device in ordered)
        self._indexes = {prefix: index for index, prefix in enumerate(self.prefixes)}
        self.tag = digest("mc.fp.table", b"".join(ordered))[:TABLE_TAG_BYTES]

    def index(self, prefix: Prefix) -> int | None:
        return self._indexes.get(prefix)
