"""Frames between a mailbox and those who use it (docs/protocol/mailbox-protocol.md).

Whoever dials asks, and numbers what they ask; the mailbox answers each, in order, with the same number. Nothing else is said over
such a link, and none of these frames over any other.
"""

from enum import IntEnum, StrEnum
from typing import TypeAlias

from multichat_tui.model.ids import PREFIX_SIZE
from multichat_tui.model.limits import MAX_QUEUE_BYTES
from multichat_tui.model.mailboxes import QueueId
from multichat_tui.model.values import dataclass

WriterPrefix: TypeAlias = bytes
"""The first eight bytes of a writer's verifier."""
EnvelopeHash: TypeAlias = bytes
"""32 bytes (`mailboxes.envelope_hash`)."""


class MailboxFrameType(IntEnum):
    GRANT = 32
    OPEN = 33
    TAKE = 34
    ALLOW = 35
    WRITE = 36
    PUT = 37
    LIST = 38
    FETCH = 39
    DELETE = 40
    CLOSE = 41
    CHALLENGE = 42
    HAS = 43
    DEPOSITED = 44
    LISTING = 45
    ENVELOPES = 46
    ANSWER = 47


class Word(StrEnum):
    """What a mailbox says in one word."""

    DONE = "done"
    UNKNOWN = "unknown"
    """No such grant, queue, writer or envelope, or none for whoever asks: they are not told which."""
    UNAUTHORISED = "unauthorised"
    """The link has not shown what this needs, or the signature is wrong."""
    FULL_WRITER = "full-writer"
    FULL_QUEUE = "full-queue"
    FULL_OWNER = "full-owner"
    FULL = "full"
    """The mailbox as a whole."""
    COLLECTED = "collected"
    """It was there, and the queue's owner has taken it."""
    TOO_LARGE = "too-large"
    TOO_LONG = "too-long"
    """It is to be kept for longer than this mailbox keeps anything."""
    EXPIRED = "expired"
    """By the mailbox's clock its time is over."""
    TOO_MANY = "too-many"
    """Queues, writers, or keys shown over one link."""
    BUSY = "busy"
    """Not now: the disk is full, or too much is asked for at once."""
    MALFORMED = "malformed"
    REFUSED = "refused"
    """For a reason that only newer versions know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowGrant:
    """The link may open queues under this grant. Answered by `done` with its usage."""

    number: int
    grant: bytes
    """Public key of the grant."""
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQueue:
    """A queue under the grant shown last, new if there is none of this key yet, or with another quota. The link acts for its
    owner from now on."""

    number: int
    queue_key: bytes
    signature: bytes
    quota_bytes: int = MAX_QUEUE_BYTES
    """What may lie in it at a time: no contact takes all of an owner's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeQueue:
    """The link acts for the queue's owner from now on."""

    number: int
    queue_key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowWriters:
    """By the owner: who may put, and how much of theirs may lie in the queue at a time; and who may not any more."""

    number: int
    queue: QueueId
    allow: tuple[tuple[bytes, int], ...] = ()
    """(verifier, quota in bytes)"""
    forbid: tuple[WriterPrefix, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowWriter:
    """The link may put there from now on."""

    number: int
    queue: QueueId
    verifier: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PutEnvelope:
    """Answered, once it is stored for good, by DEPOSITED with one receipt. Again: the same receipt."""

    number: int
    queue: QueueId
    writer: WriterPrefix
    envelope: bytes
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEnvelopes:
    """By the owner: what lies there with serials above `after`, in order. `subscribe`: new ones are told from now on."""

    number: int
    queue: QueueId
    after: int
    limit: int
    subscribe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchEnvelopes:
    """By the owner. Those that are not there are left out; what is too much for one answer is asked for again."""

    number: int
    queue: QueueId
    serials: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEnvelopes:
    """By the owner. Those that are not there are no fault."""

    number: int
    queue: QueueId
    serials: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseQueue:
    """By the owner: the queue goes with all that lies in it."""

    number: int
    queue: QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """By the owner, or by the writer of the envelope: show that you hold it. Answered by `done` with the proof."""

    number: int
    queue: QueueId
    envelope: EnvelopeHash
    nonce: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HasEnvelopes:
    """By the owner, or by a writer for their own: which of these are there?"""

    number: int
    queue: QueueId
    envelopes: tuple[EnvelopeHash, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositReceipt:
    """The mailbox's word that it keeps an envelope until then; it is worth what the mailbox is."""

    envelope: EnvelopeHash
    expires_ms: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited:
    """To PUT one receipt, to HAS one for each envelope that is there."""

    number: int
    receipts: tuple[DepositReceipt, ...]
    collected: tuple[EnvelopeHash, ...] = ()
    """To HAS: those that were there, and that the queue's owner has taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEnvelope:
    serial: int
    """Of the mailbox: ascends, and is never used again."""
    envelope: EnvelopeHash
    size: int
    """Bytes."""
    writer: WriterPrefix
    stored_ms: int
    """By the mailbox's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Number 0: news of a queue that the link has subscribed to."""

    number: int
    queue: QueueId
    envelopes: tuple[ListedEnvelope, ...]
    more: bool = False
    """There are further ones after these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedEnvelope:
    serial: int
    writer: WriterPrefix
    envelope: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelopes:
    number: int
    queue: QueueId
    envelopes: tuple[FetchedEnvelope, ...]
    following: int = 0
    """So many more of these frames belong to the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantUsage:
    """What is used of a grant, and what it allows."""

    used_bytes: int
    quota_bytes: int
    queues: int
    most_queues: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxAnswer:
    number: int
    word: Word
    retry_after_ms: int | None = None
    proof: bytes = b""
    """To CHALLENGE: the MAC of the envelope under the nonce, 32 bytes."""
    usage: GrantUsage | None = None
    """To GRANT."""


MailboxRequest: TypeAlias = (
    ShowGrant
    | OpenQueue
    | TakeQueue
    | AllowWriters
    | ShowWriter
    | PutEnvelope
    | ListEnvelopes
    | FetchEnvelopes
    | DeleteEnvelopes
    | CloseQueue
    | Challenge
    | HasEnvelopes
)
MailboxReply: TypeAlias = Deposited | Listing | Envelopes | MailboxAnswer
MailboxFrame: TypeAlias = MailboxRequest | MailboxReply

WRITER_PREFIX_BYTES = PREFIX_SIZE
