"""Mailboxes: nodes that keep envelopes for others. What they and their queues are called, and the links that grant a place.

`multichat:mailbox/...` is handed out by an operator: whoever holds it may open queues there (docs/protocol/mailbox-protocol.md).
A mailbox has a key of its own, random, which says nothing of whose node it is.
"""

from typing import NewType

from multichat_tui.model.codec import Reason, Rejected, Value, encode, encode_bytes_head, encode_unsigned
from multichat_tui.model.ids import PREFIX_SIZE, digest
from multichat_tui.model.invitations import as_address, pack_link, unpack_link
from multichat_tui.model.limits import LINK_SEED_BYTES, MAX_LINK_CHARACTERS, MAX_MAILBOX_ADDRESSES
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_list, as_map, read
from multichat_tui.model.values import dataclass

MailboxId = NewType("MailboxId", bytes)
"""The mailbox's Ed25519 public key."""
QueueId = NewType("QueueId", bytes)
"""The first 16 bytes of the hash of a queue's public key."""

QUEUE_ID_BYTES = 16
WRITER_BYTES = PREFIX_SIZE
"""A writer is named within a queue by the first bytes of its verifier."""
LINK_NAME = "mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxAddress:
    """Which mailbox, and where. `door_key` (32 bytes) opens the door to links: whoever knows a route or a grant knows it.
    `addresses` are 1 to 4 HOST:PORT."""

    mailbox: MailboxId
    door_key: bytes
    addresses: tuple[str, ...]

    def __repr__(self) -> str:
        return "MailboxAddress(…)"

    @property
    def value(self) -> Value:
        return {0: self.mailbox, 1: self.door_key, 2: self.addresses}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxGrant:
    """A place in a mailbox, as its operator hands it out: whoever holds the seed (16 bytes) uses it."""

    address: MailboxAddress
    seed: bytes

    def __repr__(self) -> str:
        return "MailboxGrant(…)"

    @property
    def link(self) -> str:
        return pack_link(LINK_NAME, encode({0: 1, 1: self.address.value, 2: self.seed}))


def read_mailbox_address(value: Value) -> MailboxAddress:
    """From a decoded value. Raises `schema.Malformed`: for decoders of this room."""
    fields = as_map(value, "mailbox")
    if any(key not in fields for key in range(3)):
        raise Malformed("mailbox: a field is missing")
    return MailboxAddress(
        mailbox=MailboxId(as_id(fields[0], "mailbox")),
        door_key=as_id(fields[1], "door key"),
        addresses=tuple(as_address(entry) for entry in as_list(fields[2], "addresses", MAX_MAILBOX_ADDRESSES, 1)),
    )


def decode_mailbox_address(encoded: bytes) -> MailboxAddress | Rejected:
    return read(encoded, MAX_LINK_CHARACTERS, read_mailbox_address)


def parse_mailbox_link(text: str) -> MailboxGrant | Rejected:
    """The grant in a link as typed or pasted; white space inside (from wrapped lines) is ignored."""
    body = unpack_link(text, (LINK_NAME,), "a mailbox link begins with multichat:mailbox/")
    return body if isinstance(body, Rejected) else read(body[1], MAX_LINK_CHARACTERS, _grant)


def _grant(value: Value) -> MailboxGrant:
    fields = as_map(value, "link")
    if any(key not in fields for key in range(3)):
        raise Malformed("link: a field is missing")
    if as_int(fields[0], "version", 255, 1) != 1:
        raise Malformed("the link needs a newer version", Reason.UNKNOWN)
    return MailboxGrant(
        address=read_mailbox_address(fields[1]), seed=as_bytes(fields[2], "seed", LINK_SEED_BYTES, LINK_SEED_BYTES)
    )


def grant_key_seed(seed: bytes) -> bytes:
    """Seed of the Ed25519 key that shows a grant; the mailbox keeps the public key."""
    return digest("mc.mailgrant", seed)


def queue_id(queue_key: bytes) -> QueueId:
    return QueueId(digest("mc.queue", queue_key)[:QUEUE_ID_BYTES])


def envelope_hash(envelope: bytes) -> bytes:
    return digest("mc.envelope", envelope)


def as_queue_id(value: Value) -> QueueId:
    return QueueId(as_bytes(value, "queue", QUEUE_ID_BYTES, QUEUE_ID_BYTES))


# What is signed. `binding` is the link's own (32 bytes): a signature holds on this link alone.


def grant_signed_bytes(binding: bytes) -> bytes:
    """By the grant's key."""
    return b"multichat grant 1\0" + binding


def queue_signed_bytes(binding: bytes) -> bytes:
    """By the queue's key: this link acts for the queue's owner."""
    return b"multichat queue 1\0" + binding


def writer_signed_bytes(queue: QueueId, binding: bytes) -> bytes:
    """By the writer's key: this link may put into the queue."""
    return b"multichat writer 1\0" + queue + binding


def deposit_signed_bytes(queue: QueueId, envelope: bytes, expires_ms: int) -> bytes:
    """By the mailbox: it keeps the envelope of this hash until then."""
    # What `codec.encode` gives for the list of these three.
    heads = encode_bytes_head(len(queue)), encode_bytes_head(len(envelope))
    return b"".join((b"multichat deposit 1\0\x83", heads[0], queue, heads[1], envelope, encode_unsigned(expires_ms)))
