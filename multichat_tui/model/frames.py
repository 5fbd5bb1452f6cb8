"""Frames: what links carry. Each stands alone, so that loss, repetition and reordering cost time only.

OFFER says what I hold, REQUEST what I want, MESSAGE carries it, ACK says what I have delivered and stored (after the Bramble
Synchronisation Protocol and MVDS). JOIN and PAIR are the two conversations of a link opened by an invitation.
Channels and devices are named by the first eight bytes of their ids where the reader knows the whole.
"""

from enum import IntEnum, StrEnum
from typing import TypeAlias

from multichat_tui.model.comparing import (
    CONFIRM,
    END,
    KEY,
    START,
    CompareFrame,
)
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.values import dataclass

Prefix: TypeAlias = bytes
"""Eight bytes of an id."""
FINGERPRINT_BYTES = 20
TABLE_TAG_BYTES = 4


class FrameType(IntEnum):
    OFFER = 1
    REQUEST = 2
    MESSAGE = 3
    ACK = 4
    JOIN = 5
    JOIN_ANSWER = 6
    PAIR = 7
    ISLANDS = 8
    WITHHELD = 9
    READ = 10
    RETURN = 24
    COMPARE_START = START
    COMPARE_KEY = KEY
    COMPARE_CONFIRM = CONFIRM
    COMPARE_END = END


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTip:
    """A chain is held whole up to `seq`, whose id begins with `hash`. `device` is the id's prefix."""

    device: Prefix
    log: Log
    seq: int
    hash: Prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOffer:
    channel: ChannelId
    tips: tuple[ChainTip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOffer:
    user: UserId
    kind: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """Tips of a channel that the reader knows, its devices named by their places in the table of its devices by ascending id.

    `table` is that table's tag. `places`: (2 * index of the device + log, seq, first 8 bytes of the id there).
    """

    channel: Prefix
    table: bytes
    places: tuple[tuple[int, int, Prefix], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptOffer:
    """The newest receipt of a device for a channel has this number."""

    channel: Prefix
    device: Prefix
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatementOffer:
    """The newest device statement for an audience, by a device, of a kind has this number."""

    audience: Prefix
    device: Prefix
    kind: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Answered by an Ack that repeats `number`; sent again until then.

    From `fingerprint` on: between peers of link version 2; device statements and their numbers: version 5. With a fingerprint
    it says nothing else.
    """

    number: int
    channels: tuple[ChannelOffer, ...] = ()
    statements: tuple[StatementOffer, ...] = ()
    fingerprint: bytes = b""
    """Of all that both share (`sync.fingerprint`), 20 bytes; or empty."""
    vectors: tuple[Vector, ...] = ()
    receipts: tuple[bytes, ...] = ()
    """Receipts themselves, encoded."""
    receipt_numbers: tuple[ReceiptOffer, ...] = ()
    device_statements: tuple[bytes, ...] = ()
    """Device statements themselves, encoded."""
    device_numbers: tuple[DeviceStatementOffer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRange:
    """Both ends included."""

    device: Prefix
    log: Log
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    channel: Prefix
    ranges: tuple[ChainRange, ...] = ()
    ids: tuple[RecordId, ...] = ()
    statements: tuple[tuple[UserId, int], ...] = ()
    full: bool = False
    """Answer in the full form: the elided one could not be rebuilt."""
    receipts: tuple[tuple[Prefix, Prefix], ...] = ()
    """(channel, device) of receipts that are wanted."""
    device_statements: tuple[tuple[Prefix, Prefix, int], ...] = ()
    """(audience, device, kind) of device statements that are wanted (link version 5)."""
    newest: int = 0
    """If not 0: of the ranges so many records that came last, newest pages first (link version 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullItem:
    """A record as it was signed."""

    header_bytes: bytes
    signature: bytes
    body: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A record by its place: the frame's device table, log, seq."""

    device: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ElidedItem:
    """A record without what the reader can rebuild. What is None has its expected value:

    parents: the prev alone (none at seq 0); control_heads: those of the prev; ets: `records.expected_ets`;
    kind: CONTENT or CONTROL by log.
    """

    device: int
    """Index in the frame's device table."""
    log: Log
    seq: int
    timestamp_ms: int
    check: Prefix
    """The first bytes of the record's id."""
    signature: bytes
    body: bytes
    parents: tuple[Ref, ...] | None = None
    control_heads: tuple[Ref, ...] | None = None
    ets: int | None = None
    kind: int | None = None
    expires_ms: int | None = None
    recipients: tuple[UserId, ...] | None = None


Item: TypeAlias = FullItem | ElidedItem


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFrame:
    channel: Prefix
    devices: tuple[Prefix, ...] = ()
    items: tuple[Item, ...] = ()
    statements: tuple[bytes, ...] = ()
    following: int | None = None
    """In the answer to a request for the newest: how many pages of it still follow. What its records cite and is neither held
    nor in it lies below."""
    lists: tuple[bytes, ...] = ()
    """Device lists, encoded."""
    return_key: bytes = b""
    """The sender's own, told to a contact once."""
    return_key_held: bytes = b""
    """The beginning of the receiver's return key: the sender has stored it."""
    device_statements: tuple[bytes, ...] = ()
    """Encoded (link version 5)."""
    receipts: tuple[bytes, ...] = ()
    """Receipts, encoded: in parcels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAck:
    channel: Prefix
    tips: tuple[ChainTip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Delivered and committed; cumulative, so a later one covers an earlier one that was lost."""

    channels: tuple[ChannelAck, ...] = ()
    offer: int | None = None
    statements: tuple[StatementOffer, ...] = ()
    same: int | None = None
    """Of an offer with a fingerprint: which of its parts are equal here (flags of `sync.fingerprint`)."""
    unread: tuple[Prefix, ...] = ()
    """Channels of the offer whose vectors name their devices by another table than ours."""
    device_statements: tuple[DeviceStatementOffer, ...] = ()
    """Those of the reader's device that were taken (link version 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldIsland:
    """Of a content chain, beyond what its tip says: held from `first` to `last`, whose id begins with `hash`."""

    device: Prefix
    first: int
    last: int
    hash: Prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleRange:
    """Of a content chain: counted as held, and not held, as it was withheld from the sender. Both ends included."""

    device: Prefix
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Islands:
    """What the sender holds above gaps (link version 3), and what its tips speak of and it does not hold (version 4)."""

    channel: Prefix
    islands: tuple[HeldIsland, ...]
    holes: tuple[HoleRange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldRange:
    """Of a content chain, from `first` on to the record with this header, which is shown to prove that there is such."""

    first: int
    header_bytes: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What the reader is not served, by the channel's rules (link version 4). A range may be followed by headers that cover the
    record at its end."""

    channel: Prefix
    ranges: tuple[WithheldRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFrame:
    join: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFrame:
    """Who holds a link for reading asks for what follows these tips; answered by MESSAGE, and again when there is more."""

    join_key: bytes
    """The link's public key."""
    tips: tuple[ChainTip, ...]


class JoinOutcome(StrEnum):
    WAITING = "waiting"
    ADMITTED = "admitted"
    SPENT = "spent"
    EXPIRED = "expired"
    CLOSED = "closed"
    OVER = "over"
    """The channel is closed for good."""
    DENIED = "denied"
    """Somebody who may has looked at it."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAnswer:
    join_key: bytes
    outcome: JoinOutcome
    reason: str = ""
    """Of DENIED: what was said about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFrame:
    """One side's half of a pairing. The secret mixes both shares; `confirmed`: the sender has stored the other's half."""

    invitation: bytes
    """The invitation's public key, 32 bytes."""
    devices: bytes
    """The sender's device list, encoded."""
    profile: bytes
    """The sender's profile statement, encoded."""
    share: bytes
    confirmed: bool


class ReturnStage(IntEnum):
    ASK = 1
    """From a device that its account's phrase has made: who am I, and do you know me?"""
    TELL = 2
    """From a contact, or another device of the account: what is known of it, and who tells it."""
    DONE = 3
    """From the returning device: the list that certifies it."""
    WELCOME = 4
    """The list was adopted: the link is one between peers now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnFrame:
    """A step of the conversation by which a restored device comes back (docs/protocol/introductions.md)."""

    stage: ReturnStage
    proof: bytes
    """By the account's return key, over the stage, both devices and the share: 32 bytes."""
    share: bytes
    """The sender's half of the new pairing secret, 32 bytes."""
    account_list: bytes = b""
    """TELL, DONE: the newest device list of the returning account."""
    account_profile: bytes = b""
    """TELL, DONE: its profile statement; empty if none is known."""
    teller_list: bytes = b""
    """TELL: the device list of the contact."""
    teller_profile: bytes = b""


Frame: TypeAlias = (
    Offer
    | Request
    | MessageFrame
    | Ack
    | JoinFrame
    | ReadFrame
    | JoinAnswer
    | PairFrame
    | Islands
    | Withheld
    | ReturnFrame
    | CompareFrame
)
