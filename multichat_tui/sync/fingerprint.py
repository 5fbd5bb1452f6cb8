"""Fingerprints: what two peers share, in a few bytes, so that being up to date costs one exchange of them.

Three parts, each the beginning of a hash: over the chains of all shared channels, over the statements of their people, and over
the receipts.
"""

from collections.abc import Iterable
from typing import TypeAlias

from multichat_tui.model.frames import FINGERPRINT_BYTES, TABLE_TAG_BYTES, Prefix
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, UserId, digest
from multichat_tui.model.receipts import Receipt

Said: TypeAlias = tuple[UserId, int, int, bytes]
"""A statement's user, kind, number and body; of a device list its mark instead of the number."""

CHAIN_BYTES = 12
STATEMENT_BYTES = 4
RECEIPT_BYTES = 4
assert CHAIN_BYTES + STATEMENT_BYTES + RECEIPT_BYTES == FINGERPRINT_BYTES

CHAINS_SAME, STATEMENTS_SAME, RECEIPTS_SAME = 1, 2, 4
ALL_SAME = CHAINS_SAME | STATEMENTS_SAME | RECEIPTS_SAME


def fingerprint(channels: Iterable[tuple[ChannelId, bytes]], statements: Iterable[Said], receipts: Iterable[Receipt]) -> bytes:
    """`channels`: each shared one with the digest of its chains. The order of the arguments' entries does not matter."""
    chains = b"".join(identifier + held for identifier, held in sorted(channels))
    said = sorted(
        user + bytes([kind]) + number.to_bytes(16, "big") + digest("mc.fp.body", body) for user, kind, number, body in statements
    )
    got = sorted(r.channel + r.device + r.number.to_bytes(8, "big") for r in receipts)
    return (
        digest("mc.fp.chains", chains)[:CHAIN_BYTES]
        + digest("mc.fp.statement", b"".join(said))[:STATEMENT_BYTES]
        + digest("mc.fp.receipts", b"".join(got))[:RECEIPT_BYTES]
    )


def same_parts(ours: bytes, theirs: bytes) -> int:
    """Which of the parts are equal, as flags."""
    after = CHAIN_BYTES + STATEMENT_BYTES
    return (
        (CHAINS_SAME if ours[:CHAIN_BYTES] == theirs[:CHAIN_BYTES] else 0)
        | (STATEMENTS_SAME if ours[CHAIN_BYTES:after] == theirs[CHAIN_BYTES:after] else 0)
        | (RECEIPTS_SAME if ours[after:] == theirs[after:] else 0)
    )


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
