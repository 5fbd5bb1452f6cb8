"""What lies in one's own queues to find out whether it stays there: kept without its bytes, with answers to a few questions."""

from dataclasses import field

from multichat_tui.crypto.mailboxes import audit_proof
from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.ids import ID_SIZE
from multichat_tui.model.limits import LONGEST_SPECIMEN_MS, MAX_TIMESTAMP_MS, SPECIMEN_CHALLENGES
from multichat_tui.model.mailbox_frames import EnvelopeHash
from multichat_tui.model.mailboxes import QUEUE_ID_BYTES, MailboxId, QueueId
from multichat_tui.model.ports import Entropy, Space
from multichat_tui.model.schema import as_bool, as_bytes, as_int, as_list, read
from multichat_tui.model.values import dataclass
from multichat_tui.node.world import World

NONCE_BYTES = PROOF_BYTES = 32
MAX_ROW_BYTES = 512


@dataclass(slots=True, kw_only=True)
class Specimen:
    mailbox: MailboxId
    queue: QueueId
    envelope: EnvelopeHash
    dummy: bool
    """From ourselves; else from somebody who writes to us, and read already."""
    brief: bool = False
    """A dummy that is deleted as soon as it was fetched, as most of what others write is."""
    placed: bool = False
    """The mailbox has said that it keeps it."""
    fetched: bool = False
    """It was read, and left where it is."""
    located: bool = False
    """The mailbox has said until when it keeps it:"""
    over_ms: int = 0
    """before then it is asked for."""
    due_ms: int
    answers: list[tuple[bytes, bytes]]
    """(nonce, proof) of questions that were not asked yet."""
    asked: bool = field(default=False)
    """An answer is under way. Not stored, nor the next."""
    unanswered: int = 0
    """How often in turn there was none,"""
    rests_until: int = 0
    """and until when nothing is asked because of that."""

    @property
    def name(self) -> bytes:
        return self.mailbox + self.envelope

    def encoded(self) -> bytes:
        answers: Value = [[nonce, proof] for nonce, proof in self.answers]
        flags = [self.dummy, self.brief, self.placed, self.fetched, self.located]
        return encode([self.queue, *flags, self.over_ms, self.due_ms, answers])


def specimen(
    mailbox: MailboxId, queue: QueueId, name: EnvelopeHash, envelope: bytes, due_ms: int, entropy: Entropy, *, dummy: bool
) -> Specimen:
    """Of these bytes, with as many answers as it may be asked for."""
    nonces = [entropy(NONCE_BYTES) for _ in range(SPECIMEN_CHALLENGES)]
    answers = [(nonce, audit_proof(nonce, envelope)) for nonce in nonces]
    return Specimen(mailbox=mailbox, queue=queue, envelope=name, dummy=dummy, placed=not dummy, due_ms=due_ms, answers=answers)


def decode_specimen(name: bytes, encoded: bytes) -> Specimen | Rejected:
    def build(value: Value) -> Specimen:
        fields = as_list(value, "specimen", 9, 9)
        pairs = [as_list(pair, "answer", 2, 2) for pair in as_list(fields[8], "answers", SPECIMEN_CHALLENGES)]
        return Specimen(
            mailbox=MailboxId(name[:ID_SIZE]),
            queue=QueueId(as_bytes(fields[0], "queue", QUEUE_ID_BYTES, QUEUE_ID_BYTES)),
            envelope=name[ID_SIZE:],
            dummy=as_bool(fields[1], "dummy"),
            brief=as_bool(fields[2], "brief"),
            placed=as_bool(fields[3], "placed"),
            fetched=as_bool(fields[4], "fetched"),
            located=as_bool(fields[5], "located"),
            over_ms=as_int(fields[6], "over", MAX_TIMESTAMP_MS),
            due_ms=as_int(fields[7], "due", MAX_TIMESTAMP_MS),
            answers=[
                (as_bytes(n, "nonce", NONCE_BYTES, NONCE_BYTES), as_bytes(p, "proof", PROOF_BYTES, PROOF_BYTES)) for n, p in pairs
            ],
        )

    return read(encoded, MAX_ROW_BYTES, build)


class SpecimenRows:
    """All of them, in memory and in the store alike."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows: dict[tuple[MailboxId, EnvelopeHash], Specimen] = {}

    def load(self) -> None:
        """A dummy whose receipt did not come before the end may be there or not: if it is, it is deleted."""
        txn = self._world.txn
        for name, value in txn.scan(Space.SPECIMEN):
            row = decode_specimen(name, value)
            if isinstance(row, Rejected):
                txn.delete(Space.SPECIMEN, name)
                continue
            row.brief = row.brief or not row.placed
            row.due_ms = min(row.due_ms, self._world.now + LONGEST_SPECIMEN_MS)
            self._rows[row.mailbox, row.envelope] = row

    def find(self, mailbox: MailboxId, queue: QueueId, envelope: EnvelopeHash) -> Specimen | None:
        row = self._rows.get((mailbox, envelope))
        return row if row is not None and row.queue == queue else None

    def is_there(self, row: Specimen) -> bool:
        return self._rows.get((row.mailbox, row.envelope)) is row

    def of(self, mailbox: MailboxId) -> list[Specimen]:
        return [row for row in self._rows.values() if row.mailbox == mailbox]

    def all(self) -> list[Specimen]:
        return list(self._rows.values())

    def keep(self, row: Specimen) -> None:
        self._rows[row.mailbox, row.envelope] = row
        self._world.txn.put(Space.SPECIMEN, row.name, row.encoded())

    def drop(self, row: Specimen) -> None:
        if self._rows.pop((row.mailbox, row.envelope), None) is not None:
            self._world.txn.delete(Space.SPECIMEN, row.name)
