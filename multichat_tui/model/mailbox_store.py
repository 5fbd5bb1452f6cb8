"""What a mailbox keeps, and the port behind which it is kept: grants, queues under them, writers, envelopes.

Bytes that are used count `charge(size)` for each envelope, and are kept for writers, queues, grants and in all.
"""

from typing import Protocol

from multichat_tui.model.limits import MAX_QUEUE_BYTES, MIN_ENVELOPE_CHARGE
from multichat_tui.model.mailbox_frames import EnvelopeHash, Word, WriterPrefix
from multichat_tui.model.mailboxes import QueueId
from multichat_tui.model.values import dataclass


def charge(size: int) -> int:
    """What an envelope of so many bytes counts."""
    return max(size, MIN_ENVELOPE_CHARGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptGrant:
    """A place that the operator has given away. `key`: its public key."""

    key: bytes
    name: str
    """The operator's word for whoever has it."""
    quota_bytes: int
    most_queues: int
    made_ms: int
    revoked: bool = False
    """Nothing new comes in under it; what is there may be taken until it has expired."""
    used_bytes: int = 0
    queues: int = 0
    envelopes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptQueue:
    id: QueueId
    grant: bytes
    opened_ms: int
    quota_bytes: int = MAX_QUEUE_BYTES
    used_bytes: int = 0
    envelopes: int = 0
    writers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWriter:
    verifier: bytes
    quota_bytes: int
    used_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEnvelope:
    serial: int
    hash: EnvelopeHash
    size: int
    writer: WriterPrefix
    stored_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCount:
    """How often something was refused: under a grant, or (empty) to who had shown none."""

    grant: bytes
    word: Word
    count: int
    last_ms: int


class MailboxStore(Protocol):
    """Part of a transaction (`ports.Transaction.mailbox`). Every method may raise `errors.StoreError`. What is done to a grant,
    queue or writer that is not there is a fault of the caller (KeyError), unless it says otherwise."""

    # Grants

    def grants(self) -> list[KeptGrant]:
        """All, by name."""

    def grant(self, key: bytes) -> KeptGrant | None: ...

    def add_grant(self, grant: KeptGrant) -> None:
        """ValueError if its key or name is taken. Nothing is used of it yet."""

    def change_grant(self, key: bytes, *, quota_bytes: int, most_queues: int, revoked: bool) -> None: ...

    def drop_grant(self, key: bytes) -> None:
        """It goes with its queues and all that lies in them, and with its counts of refusals."""

    def queues(self, grant: bytes) -> list[KeptQueue]:
        """By when they were opened, then by id."""

    def oldest_ms(self, grant: bytes) -> int | None:
        """When the oldest envelope that lies under it was stored."""

    # Queues

    def queue(self, queue: QueueId) -> KeptQueue | None: ...

    def open(self, queue: QueueId, grant: bytes, at_ms: int, quota_bytes: int = MAX_QUEUE_BYTES) -> None:
        """ValueError if it is open already."""

    def limit_queue(self, queue: QueueId, quota_bytes: int) -> None:
        """Another quota from now on."""

    def close(self, queue: QueueId) -> None:
        """It goes with all that lies in it: out of sight at once, off the disk in slices (`sweep`)."""

    # Writers

    def writer(self, queue: QueueId, prefix: WriterPrefix) -> KeptWriter | None:
        """None too if there is no such queue."""

    def allow(self, queue: QueueId, verifier: bytes, quota_bytes: int) -> None:
        """A writer, named by the first bytes of the verifier, or another quota for the same. ValueError if another verifier
        begins alike."""

    def forbid(self, queue: QueueId, prefix: WriterPrefix) -> None:
        """What they have put stays. No such writer is no fault."""

    # Envelopes

    def put(
        self,
        queue: QueueId,
        writer: WriterPrefix,
        hash: EnvelopeHash,
        envelope: bytes,
        *,
        stored_ms: int,
        expires_ms: int,
    ) -> int:
        """The serial, which ascends and is never used again. The caller has looked that the hash is not there yet, and that the
        writer is allowed."""

    def find(self, queue: QueueId, hash: EnvelopeHash) -> KeptEnvelope | None:
        """None too if there is no such queue."""

    def listing(self, queue: QueueId, after: int, limit: int) -> list[KeptEnvelope]:
        """With greater serials than `after`, in order."""

    def envelope(self, queue: QueueId, serial: int) -> tuple[KeptEnvelope, bytes] | None: ...

    def collect(self, queue: QueueId, serials: tuple[int, ...]) -> int:
        """The owner has them: they go, and that they were there is remembered until they would have expired, of the last
        `limits.MAX_REMEMBERED_COLLECTED` of a queue. How many of them were there."""

    def collected(self, queue: QueueId, hash: EnvelopeHash) -> WriterPrefix | None:
        """Whose envelope of this hash was collected, if that is remembered."""

    def sweep(self, until_ms: int, limit: int) -> int:
        """Remove up to `limit` envelopes that expire by then or lie in closed queues, and what is remembered of such that were
        collected. How many went: fewer if that was all."""

    def next_expiry(self) -> int | None:
        """When something is to be swept next; 0 if a closed queue is."""

    # In all

    def used_bytes(self) -> int: ...

    def free_bytes(self) -> int | None:
        """On the disk; None where there is none."""

    def forget_traces(self) -> None:
        """After the commit nothing of what was removed is in any file."""

    def add_refusals(self, grant: bytes, word: Word, count: int, at_ms: int) -> None: ...

    def refusals(self) -> list[RefusalCount]:
        """By grant and word."""
