"""Whether others' mailboxes keep what we have put there for them: asked while we still have its bytes, and what follows from it.

Who fails is left for last among a person's mailboxes, and never left out: what lies there may come all the same.
"""

from collections.abc import Callable
from functools import partial

from multichat_tui.crypto.mailboxes import audit_proof
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.mailbox_frames import EnvelopeHash, MailboxAnswer, MailboxReply, Word
from multichat_tui.model.mailboxes import MailboxId, envelope_hash
from multichat_tui.node.putting import Heard, Slot
from multichat_tui.node.scores import Scores
from multichat_tui.node.world import World

NONCE_BYTES = 32
REFUSALS = (Word.FULL, Word.BUSY, Word.REFUSED, Word.TOO_MANY)
"""For which the mailbox is to blame, not the place of its owner."""
Ask = Callable[[Slot, bytes, EnvelopeHash, bytes, Heard], None]
"""CHALLENGE about a queue: seed of the writer's key, envelope, nonce."""


class DepositAudits:
    """Implements `putting.Audits`."""

    def __init__(self, world: World, scores: Scores, ask: Ask) -> None:
        self._world = world
        self._scores = scores
        self._ask = ask

    def _user(self, device: DeviceId) -> UserId | None:
        certificate = self._world.certificate_of(device)
        return None if certificate is None else certificate.user

    def ranked(self, device: DeviceId, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
        """Those that fail come last; the order is otherwise the same."""
        user = self._user(device)
        if user is None:
            return slots
        return tuple(sorted(slots, key=lambda slot: self._scores.of(slot.address.mailbox, user).failing is not None))

    def took(self, device: DeviceId, mailbox: MailboxId) -> None:
        user = self._user(device)
        if user is not None:
            self._scores.took(mailbox, user)

    def refused(self, device: DeviceId, mailbox: MailboxId, word: Word | None) -> None:
        user = self._user(device)
        if user is not None and word in REFUSALS:
            self._scores.refused(mailbox, user)

    def lost(self, device: DeviceId, mailbox: MailboxId) -> None:
        user = self._user(device)
        if user is not None:
            self._scores.lost(mailbox, user)

    def prove(self, device: DeviceId, slot: Slot, seed: bytes, envelope: bytes, failed: Callable[[], None]) -> None:
        """It says that it has it: let it show that. `failed`: it has not."""
        nonce = self._world.entropy(NONCE_BYTES)
        proof = audit_proof(nonce, envelope)
        self._ask(slot, seed, envelope_hash(envelope), nonce, partial(self._heard, device, slot.address.mailbox, proof, failed))

    def _heard(
        self, device: DeviceId, mailbox: MailboxId, proof: bytes, failed: Callable[[], None], reply: MailboxReply | None
    ) -> None:
        user = self._user(device)
        if user is None or not isinstance(reply, MailboxAnswer) or reply.word is not Word.DONE:
            return  # collected in between, say
        if reply.proof == proof:
            self._scores.passed(mailbox, user)
        else:
            self._scores.lost(mailbox, user)
            failed()
