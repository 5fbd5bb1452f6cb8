"""Islands: what is held of a chain above a gap, while history is fetched newest first.

Of every content chain a node holds the part from 0 to its end, and at most one island above it; between them lies the gap. What
is said of a chain to others (tips) speaks of the lower part alone, so that it never claims what is not held.
"""

from dataclasses import field
from typing import TypeAlias

from multichat_tui.model.codec import Value, decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.frames import Prefix
from multichat_tui.model.ids import LinkId, Log, RecordId
from multichat_tui.model.limits import MAX_CHANNEL_DEVICES, MAX_HEADER_BYTES
from multichat_tui.model.values import dataclass

ContentKey: TypeAlias = tuple[Log, Prefix]
MAX_EDGE_BYTES = 64 * 1024 + 32 * MAX_CHANNEL_DEVICES


@dataclass(slots=True, kw_only=True)
class Edge:
    """Down to where a channel's history is held without a gap. Exists while something below is missing, or something that a
    held record names.

    `high`: the next arrival number for what is filled in, downwards, so that the order of arrival stays a causal one. `ets`: of
    the oldest record above the edge. `quiet`: chains of which nothing above the edge is known, with the seq up to which they
    were known to go when it was drawn: these records too are below it. `low`: the first arrival number since it was drawn. What
    came before has all its past here; of what came later that is not known.
    """

    high: int
    ets: int
    low: int = 0
    quiet: dict[ContentKey, int] = field(default_factory=dict)

    def encoded(self) -> bytes:
        quiet: Value = [[device, seq] for (_, device), seq in sorted(self.quiet.items())]
        return encode([self.high, self.ets, quiet, self.low])


def decode_edge(encoded: bytes) -> Edge:
    """What `Edge.encoded` wrote."""
    value = decode(encoded, MAX_EDGE_BYTES)
    match value:
        case [int(high), int(ets), [*quiet], *lows]:
            chains: dict[ContentKey, int] = {}
            for entry in quiet:
                match entry:
                    case [bytes(device), int(seq)]:
                        chains[Log.CONTENT, device] = seq
            # Without it nothing that others wrote counts as come before.
            low = lows[0] if lows and isinstance(lows[0], int) else 0
            return Edge(high=high, ets=ets, quiet=chains, low=low)
    raise Damaged("The profile's record of a channel's history is not readable.", "Restore the profile from a backup.")


@dataclass(slots=True, kw_only=True)
class Fill:
    """A request for the newest of what is missing, and what came of it."""

    link: LinkId
    deadline: int
    tries: int
    asked: dict[ContentKey, tuple[int, int]]
    live: bool
    """For what is newer than the edge, or draws it: it arrives as live records do."""
    moved: bool = False
    """It has brought something."""
    pages: int = 0
    """Pages that have come."""
    count: int = 0
    """How many records were asked for,"""
    got: int = 0
    """and how many of those that came were new."""
    jump: bool = False
    """For chains of which nothing above the edge is known: whatever of them is older than the edge is left there."""
    old: bool = False
    """There was such,"""
    seen: set[ContentKey] = field(default_factory=set)
    """of these chains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A gap as stored: by ids, as of a chain that forks several records stand at one place."""

    lower: RecordId | None
    """The end of what is held below it; None for nothing."""
    first: int
    """The seq of the lowest record above it,"""
    under: RecordId | None
    """what that one stands on,"""
    end: RecordId
    """and the newest record above it."""


def encode_gap(gap: Gap) -> bytes:
    return encode([gap.lower, gap.first, gap.under, gap.end])


def decode_gap(encoded: bytes) -> Gap:
    """What `encode_gap` wrote."""
    match decode(encoded, 160):
        case [bytes() | None as lower, int(first), bytes() | None as under, bytes(end)]:
            return Gap(
                lower=None if lower is None else RecordId(lower),
                first=first,
                under=None if under is None else RecordId(under),
                end=RecordId(end),
            )
    raise Damaged("The profile's record of a gap is not readable.", "Restore the profile from a backup.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Of a content chain: what this device is not served, and counts as held. `header_bytes` and `signature` are its last
    record's, which was shown."""

    first: int
    last: int
    header_bytes: bytes
    signature: bytes

    def encoded(self) -> bytes:
        return encode([self.first, self.header_bytes, self.signature])


def decode_hole(last: int, encoded: bytes) -> Hole:
    """What `Hole.encoded` wrote under that seq."""
    match decode(encoded, MAX_HEADER_BYTES + 256):
        case [int(first), bytes(header_bytes), bytes(signature)]:
            return Hole(first=first, last=last, header_bytes=header_bytes, signature=signature)
    raise Damaged("The profile's record of what is withheld is not readable.", "Restore the profile from a backup.")


def encode_span(first: int, last: int) -> bytes:
    return encode([first, last])


def decode_span(encoded: bytes) -> tuple[int, int]:
    """What `encode_span` wrote."""
    match decode(encoded, 64):
        case [int(first), int(last)]:
            return first, last
    raise Damaged("The profile's record of a chain is not readable.", "Restore the profile from a backup.")
