"""The mailboxes that the user has chosen, and this device's queues there: as kept in memory, and stored."""

from dataclasses import field
from typing import Any

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.codec import Rejected, Value, decode, encode
from multichat_tui.model.device_statements import Audience
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import ID_SIZE
from multichat_tui.model.mailbox_frames import GrantUsage, Word, WriterPrefix
from multichat_tui.model.mailboxes import MailboxAddress, MailboxGrant, MailboxId, QueueId, decode_mailbox_address, queue_id
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.routes import RoutedQueue
from multichat_tui.model.values import dataclass

MAX_ROW_BYTES = 256 * 1024


@dataclass(slots=True, kw_only=True)
class OwnQueue:
    """One's own queue for one audience at one mailbox. From `taken` on: nothing of it is stored."""

    audience: Audience
    seed: bytes
    """Of its Ed25519 key, 32 bytes."""
    opened: bool = False
    """The mailbox has said that it is there."""
    allowed: set[WriterPrefix] = field(default_factory=set)
    """Writers that the mailbox was told of, and those that there are not."""
    ready: bool = False
    """Everybody of the audience may write: it can be named in a route."""
    unaware: set[bytes] = field(default_factory=set)
    """Devices (first bytes of their ids) that may not know yet that it can be written to, or, of one that was given up, that it
    can not be any more."""
    over: bool = False
    """There is no such audience any more: it is closed once nothing lies there. Not stored, nor what follows."""
    taken: bool = False
    """This link may act for it."""
    asked: bool = False
    """Something about it is under way."""
    refused: Word | None = None
    key: bytes = field(init=False)
    """Public: it costs a multiplication on the curve."""
    id: QueueId = field(init=False)

    def __post_init__(self) -> None:
        self.key = public_key(self.seed)
        self.id = queue_id(self.key)

    def __repr__(self) -> str:
        return "OwnQueue(…)"

    @property
    def encoded(self) -> bytes:
        return encode({0: self.seed, 1: self.opened, 2: sorted(self.allowed), 3: self.ready, 4: sorted(self.unaware)})


@dataclass(slots=True, kw_only=True)
class OwnMailbox:
    grant: MailboxGrant
    added_ms: int
    removed_ms: int | None = None
    """When it was given up: until nobody can have anything there any more it is still looked into."""
    checks: int = 0
    """How often it was seen whether it still has what it had,"""
    losses: int = 0
    """and how often it had not."""
    queues: dict[Audience, OwnQueue] = field(default_factory=dict)
    answered: bool = False
    """Over this link it has said whether the grant stands,"""
    shown: bool = False
    """and it does: queues can be opened."""
    usage: GrantUsage | None = None
    refused: Word | None = None
    again_at: int | None = None
    """When to ask again what it has refused."""

    def __repr__(self) -> str:
        return "OwnMailbox(…)"

    @property
    def id(self) -> MailboxId:
        return self.grant.address.mailbox

    @property
    def address(self) -> MailboxAddress:
        return self.grant.address

    @property
    def draining(self) -> bool:
        return self.removed_ms is not None

    def routed(self, audience: Audience) -> RoutedQueue | None:
        """Its queue for an audience, as a route names it; None while there is none that can be written to."""
        queue = self.queues.get(audience)
        if queue is None or not queue.ready or self.draining:
            return None
        return RoutedQueue(mailbox=self.address, queue_key=queue.key)

    @property
    def encoded(self) -> bytes:
        fields: dict[int, Value] = {0: encode(self.address.value), 1: self.grant.seed, 2: self.added_ms}
        if self.removed_ms is not None:
            fields[3] = self.removed_ms
        return encode(fields | {4: self.checks, 5: self.losses})


def load_mailboxes(txn: Transaction, now: int) -> dict[MailboxId, OwnMailbox]:
    """In the order in which they were added; what was added by a clock that was ahead is so now. When one was given up stays as
    it is: it may be the clock now that is wrong, and none is to be forgotten too early because of that."""
    found = sorted((_mailbox(value) for _, value in txn.scan(Space.MAILBOX)), key=lambda box: (box.added_ms, box.id))
    for box in found:
        box.added_ms = min(box.added_ms, now)
        for key, value in txn.scan(Space.QUEUE, box.id):
            box.queues[Audience(key[ID_SIZE:])] = _queue(Audience(key[ID_SIZE:]), value)
    return {box.id: box for box in found}


def keep_mailbox(txn: Transaction, box: OwnMailbox) -> None:
    txn.put(Space.MAILBOX, box.id, box.encoded)


def keep_queue(txn: Transaction, box: OwnMailbox, queue: OwnQueue) -> None:
    txn.put(Space.QUEUE, box.id + queue.audience, queue.encoded)


def drop_queue(txn: Transaction, box: OwnMailbox, queue: OwnQueue) -> None:
    box.queues.pop(queue.audience, None)
    txn.delete(Space.QUEUE, box.id + queue.audience)


def drop_mailbox(txn: Transaction, box: OwnMailbox) -> None:
    for queue in list(box.queues.values()):
        drop_queue(txn, box, queue)
    txn.delete(Space.MAILBOX, box.id)


def _fields(encoded: bytes) -> dict[int, Any]:
    """What this module has written: its fields need no check beyond the strict decoding."""
    value = decode(encoded, MAX_ROW_BYTES)
    if not isinstance(value, dict):
        raise _damaged()
    return dict(value)


def _mailbox(encoded: bytes) -> OwnMailbox:
    fields = _fields(encoded)
    address = decode_mailbox_address(fields[0])
    if isinstance(address, Rejected):
        raise _damaged()
    return OwnMailbox(
        grant=MailboxGrant(address=address, seed=fields[1]),
        added_ms=fields[2],
        removed_ms=fields.get(3),
        checks=fields[4],
        losses=fields[5],
    )


def _queue(audience: Audience, encoded: bytes) -> OwnQueue:
    fields = _fields(encoded)
    return OwnQueue(
        audience=audience,
        seed=fields[0],
        opened=fields[1],
        allowed=set(fields[2]),
        ready=fields[3],
        unaware=set(fields[4]),
    )


def _damaged() -> Damaged:
    return Damaged("The profile's record of a mailbox is not readable.", "Restore the profile from a backup.")
