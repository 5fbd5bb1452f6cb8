"""What is signed and proven between a mailbox and those who use it (docs/protocol/mailbox-protocol.md)."""

from multichat_tui.crypto.keys import Signer, mac, public_key, sign, verify
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import MAX_QUEUE_BYTES
from multichat_tui.model.mailbox_frames import DepositReceipt, EnvelopeHash, OpenQueue, ShowGrant, ShowWriter, TakeQueue
from multichat_tui.model.mailboxes import (
    MailboxId,
    QueueId,
    deposit_signed_bytes,
    grant_key_seed,
    grant_signed_bytes,
    queue_signed_bytes,
    writer_signed_bytes,
)
from multichat_tui.model.ports import LocalDevice


def local_device(seed: bytes) -> LocalDevice:
    """A device of no account, with this Ed25519 seed: a mailbox itself, or whoever comes to one."""
    return LocalDevice(device=DeviceId(public_key(seed)), signing_seed=seed, certificate=None, incarnation=0)


class MailboxSeals:
    """What a mailbox of this Ed25519 seed signs and checks. Implements `mailbox.terms.Seals`."""

    __slots__ = ("_signer",)

    def __init__(self, seed: bytes) -> None:
        self._signer = Signer(seed)

    def __repr__(self) -> str:
        return "MailboxSeals(…)"

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        return verify(key, message, signature)

    def receipt(self, queue: QueueId, envelope: EnvelopeHash, expires_ms: int) -> DepositReceipt:
        return sign_deposit(self._signer, queue, envelope, expires_ms)

    def proof(self, nonce: bytes, envelope: bytes) -> bytes:
        return audit_proof(nonce, envelope)


def show_grant(number: int, grant_seed: bytes, binding: bytes) -> ShowGrant:
    """`grant_seed`: the 16 bytes of the link."""
    seed = grant_key_seed(grant_seed)
    return ShowGrant(number=number, grant=public_key(seed), signature=sign(seed, grant_signed_bytes(binding)))


def open_queue(number: int, queue_seed: bytes, binding: bytes, quota_bytes: int = MAX_QUEUE_BYTES) -> OpenQueue:
    """`queue_seed`: of the queue's Ed25519 key."""
    return OpenQueue(
        number=number,
        queue_key=public_key(queue_seed),
        signature=sign(queue_seed, queue_signed_bytes(binding)),
        quota_bytes=quota_bytes,
    )


def take_queue(number: int, queue_seed: bytes, binding: bytes) -> TakeQueue:
    return TakeQueue(number=number, queue_key=public_key(queue_seed), signature=sign(queue_seed, queue_signed_bytes(binding)))


def show_writer(number: int, writer_seed: bytes, queue: QueueId, binding: bytes) -> ShowWriter:
    """`writer_seed`: of the Ed25519 key whose public half, the verifier, the owner has allowed."""
    return ShowWriter(
        number=number,
        queue=queue,
        verifier=public_key(writer_seed),
        signature=sign(writer_seed, writer_signed_bytes(queue, binding)),
    )


def sign_deposit(mailbox: Signer, queue: QueueId, envelope: EnvelopeHash, expires_ms: int) -> DepositReceipt:
    return DepositReceipt(
        envelope=envelope,
        expires_ms=expires_ms,
        signature=mailbox.sign(deposit_signed_bytes(queue, envelope, expires_ms)),
    )


def deposit_holds(mailbox: MailboxId, queue: QueueId, receipt: DepositReceipt) -> bool:
    """Whether it is that mailbox's word."""
    return verify(mailbox, deposit_signed_bytes(queue, receipt.envelope, receipt.expires_ms), receipt.signature)


def audit_proof(nonce: bytes, envelope: bytes) -> bytes:
    """What only who holds the envelope can say: 32 bytes. `nonce` has 32."""
    return mac(nonce, "mc.audit", envelope)
