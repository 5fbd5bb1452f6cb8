"""What a mailbox's operator allows in all, and what the mailbox asks of keys."""

from typing import Protocol

from multichat_tui.model.limits import MAILBOX_BYTES, MAX_QUEUE_BYTES, MIN_FREE_BYTES
from multichat_tui.model.mailbox_frames import DepositReceipt, EnvelopeHash
from multichat_tui.model.mailboxes import QueueId
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """In bytes: of all envelopes, of those in one queue, and what stays free on the disk."""

    total_bytes: int = MAILBOX_BYTES
    queue_bytes: int = MAX_QUEUE_BYTES
    free_bytes: int = MIN_FREE_BYTES


class Seals(Protocol):
    """Signatures and proofs, which another room makes."""

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool: ...

    def receipt(self, queue: QueueId, envelope: EnvelopeHash, expires_ms: int) -> DepositReceipt:
        """Signed by the mailbox."""

    def proof(self, nonce: bytes, envelope: bytes) -> bytes: ...
