"""The twin of `store.mailbox`: plain structures in memory, with the same order, the same refusals and the same rollback."""

from dataclasses import field, replace

from multichat_tui.model.ids import PREFIX_SIZE
from multichat_tui.model.limits import MAX_QUEUE_BYTES, MAX_REMEMBERED_COLLECTED
from multichat_tui.model.mailbox_frames import EnvelopeHash, Word, WriterPrefix
from multichat_tui.model.mailbox_store import KeptEnvelope, KeptGrant, KeptQueue, KeptWriter, RefusalCount, charge
from multichat_tui.model.mailboxes import QueueId
from multichat_tui.model.values import dataclass
from multichat_tui.store.undo import UndoLog


@dataclass(frozen=True, slots=True)
class _Writer:
    verifier: bytes
    allowed: bool
    quota_bytes: int
    used_bytes: int


@dataclass(slots=True)
class MailboxState:
    grants: dict[bytes, KeptGrant] = field(default_factory=dict)
    queues: dict[QueueId, KeptQueue] = field(default_factory=dict)
    writers: dict[tuple[QueueId, WriterPrefix], _Writer] = field(default_factory=dict)
    envelopes: dict[int, tuple[QueueId, KeptEnvelope, bytes]] = field(default_factory=dict)
    serials: dict[QueueId, list[int]] = field(default_factory=dict)
    """Lists ascend."""
    by_hash: dict[tuple[QueueId, EnvelopeHash], int] = field(default_factory=dict)
    due: list[tuple[int, int]] = field(default_factory=list)
    """(expires_ms, serial); ascends."""
    collected: dict[QueueId, list[tuple[int, EnvelopeHash, WriterPrefix, int]]] = field(default_factory=dict)
    """(serial, hash, writer, expires_ms); lists ascend."""
    refusals: dict[tuple[bytes, str], RefusalCount] = field(default_factory=dict)
    last_serial: list[int] = field(default_factory=lambda: [0])


class MemoryMailbox:
    """Implements `model.mailbox_store.MailboxStore`."""

    __slots__ = ("_state", "_undo")

    def __init__(self, state: MailboxState, undo: UndoLog) -> None:
        self._state = state
        self._undo = undo

    # Grants

    def grants(self) -> list[KeptGrant]:
        return sorted(self._state.grants.values(), key=lambda grant: grant.name)

    def grant(self, key: bytes) -> KeptGrant | None:
        return self._state.grants.get(key)

    def add_grant(self, grant: KeptGrant) -> None:
        if grant.key in self._state.grants or any(other.name == grant.name for other in self._state.grants.values()):
            raise ValueError("a grant of this key or name is there already")
        self._undo.assign(self._state.grants, grant.key, replace(grant, used_bytes=0, queues=0, envelopes=0))

    def change_grant(self, key: bytes, *, quota_bytes: int, most_queues: int, revoked: bool) -> None:
        changed = replace(self._state.grants[key], quota_bytes=quota_bytes, most_queues=most_queues, revoked=revoked)
        self._undo.assign(self._state.grants, key, changed)

    def drop_grant(self, key: bytes) -> None:
        for queue in self.queues(key):
            self.close(queue.id)
        for name in [name for name in self._state.refusals if name[0] == key]:
            self._undo.drop(self._state.refusals, name)
        self._undo.drop(self._state.grants, key)

    def queues(self, grant: bytes) -> list[KeptQueue]:
        if grant not in self._state.grants:
            raise KeyError("no such grant")
        found = [queue for queue in self._state.queues.values() if queue.grant == grant]
        return sorted(found, key=lambda queue: (queue.opened_ms, queue.id))

    def oldest_ms(self, grant: bytes) -> int | None:
        first = [self._state.serials[queue.id][0] for queue in self.queues(grant) if queue.envelopes]
        return min((self._state.envelopes[serial][1].stored_ms for serial in first), default=None)

    # Queues

    def queue(self, queue: QueueId) -> KeptQueue | None:
        return self._state.queues.get(queue)

    def open(self, queue: QueueId, grant: bytes, at_ms: int, quota_bytes: int = MAX_QUEUE_BYTES) -> None:
        owner = self._state.grants[grant]
        if queue in self._state.queues:
            raise ValueError("the queue is open already")
        self._undo.assign(self._state.queues, queue, KeptQueue(id=queue, grant=grant, opened_ms=at_ms, quota_bytes=quota_bytes))
        self._undo.assign(self._state.serials, queue, [])
        self._undo.assign(self._state.collected, queue, [])
        self._undo.assign(self._state.grants, grant, replace(owner, queues=owner.queues + 1))

    def limit_queue(self, queue: QueueId, quota_bytes: int) -> None:
        self._undo.assign(self._state.queues, queue, replace(self._state.queues[queue], quota_bytes=quota_bytes))

    def close(self, queue: QueueId) -> None:
        grant = self._state.queues[queue].grant
        self._delete(queue, tuple(self._state.serials[queue]))
        for name in [name for name in self._state.writers if name[0] == queue]:
            self._undo.drop(self._state.writers, name)
        self._undo.drop(self._state.serials, queue)
        self._undo.drop(self._state.collected, queue)
        self._undo.drop(self._state.queues, queue)
        owner = self._state.grants[grant]
        self._undo.assign(self._state.grants, grant, replace(owner, queues=owner.queues - 1))

    # Writers

    def writer(self, queue: QueueId, prefix: WriterPrefix) -> KeptWriter | None:
        found = self._state.writers.get((queue, prefix))
        if found is None or not found.allowed:
            return None
        return KeptWriter(verifier=found.verifier, quota_bytes=found.quota_bytes, used_bytes=found.used_bytes)

    def allow(self, queue: QueueId, verifier: bytes, quota_bytes: int) -> None:
        where, name = self._state.queues[queue], (queue, verifier[:PREFIX_SIZE])
        known = self._state.writers.get(name)
        if known is not None and known.verifier != verifier:
            raise ValueError("another verifier begins alike")
        used = 0 if known is None else known.used_bytes
        self._undo.assign(self._state.writers, name, _Writer(verifier, True, quota_bytes, used))
        if known is None or not known.allowed:
            self._undo.assign(self._state.queues, queue, replace(where, writers=where.writers + 1))

    def forbid(self, queue: QueueId, prefix: WriterPrefix) -> None:
        where, known = self._state.queues[queue], self._state.writers.get((queue, prefix))
        if known is not None and known.allowed:
            self._keep_writer((queue, prefix), replace(known, allowed=False))
            self._undo.assign(self._state.queues, queue, replace(where, writers=where.writers - 1))

    def _keep_writer(self, name: tuple[QueueId, WriterPrefix], writer: _Writer) -> None:
        if writer.allowed or writer.used_bytes:
            self._undo.assign(self._state.writers, name, writer)
        else:
            self._undo.drop(self._state.writers, name)

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
        state, undo = self._state, self._undo
        if queue not in state.queues:
            raise KeyError("no such queue")
        before = state.last_serial[0]
        serial = state.last_serial[0] = before + 1
        undo.run(lambda: state.last_serial.__setitem__(0, before))
        kept = KeptEnvelope(
            serial=serial, hash=hash, size=len(envelope), writer=writer, stored_ms=stored_ms, expires_ms=expires_ms
        )
        undo.assign(state.envelopes, serial, (queue, kept, envelope))
        undo.assign(state.by_hash, (queue, hash), serial)
        undo.insert(state.serials[queue], serial)
        undo.insert(state.due, (expires_ms, serial))
        self._count(queue, writer, charge(len(envelope)), 1)
        return serial

    def _count(self, queue: QueueId, prefix: WriterPrefix, used: int, envelopes: int) -> None:
        state, undo = self._state, self._undo
        where = state.queues[queue]
        changed = replace(where, used_bytes=where.used_bytes + used, envelopes=where.envelopes + envelopes)
        undo.assign(state.queues, queue, changed)
        grant = state.grants[where.grant]
        counted = replace(grant, used_bytes=grant.used_bytes + used, envelopes=grant.envelopes + envelopes)
        undo.assign(state.grants, where.grant, counted)
        writer = state.writers.get((queue, prefix))
        if writer is not None:
            self._keep_writer((queue, prefix), replace(writer, used_bytes=writer.used_bytes + used))

    def find(self, queue: QueueId, hash: EnvelopeHash) -> KeptEnvelope | None:
        serial = self._state.by_hash.get((queue, hash))
        return None if serial is None else self._state.envelopes[serial][1]

    def listing(self, queue: QueueId, after: int, limit: int) -> list[KeptEnvelope]:
        serials = [serial for serial in self._state.serials.get(queue, []) if serial > after]
        return [self._state.envelopes[serial][1] for serial in serials[:limit]]

    def envelope(self, queue: QueueId, serial: int) -> tuple[KeptEnvelope, bytes] | None:
        found = self._state.envelopes.get(serial)
        return None if found is None or found[0] != queue else found[1:]

    def collect(self, queue: QueueId, serials: tuple[int, ...]) -> int:
        remembered = self._state.collected.get(queue, [])
        gone = self._delete(queue, serials)
        for kept in gone:
            self._undo.insert(remembered, (kept.serial, kept.hash, kept.writer, kept.expires_ms))
        for oldest in remembered[: max(0, len(remembered) - MAX_REMEMBERED_COLLECTED)]:
            self._undo.remove(remembered, oldest)
        return len(gone)

    def collected(self, queue: QueueId, hash: EnvelopeHash) -> WriterPrefix | None:
        return next((each[2] for each in self._state.collected.get(queue, []) if each[1] == hash), None)

    def _delete(self, queue: QueueId, serials: tuple[int, ...]) -> list[KeptEnvelope]:
        state, undo = self._state, self._undo
        gone = []
        for serial in serials:
            found = state.envelopes.get(serial)
            if found is None or found[0] != queue:
                continue
            kept = found[1]
            gone.append(kept)
            undo.drop(state.envelopes, serial)
            undo.drop(state.by_hash, (queue, kept.hash))
            undo.remove(state.serials[queue], serial)
            undo.remove(state.due, (kept.expires_ms, serial))
            self._count(queue, kept.writer, -charge(kept.size), -1)
        return gone

    def sweep(self, until_ms: int, limit: int) -> int:
        due = [serial for expires_ms, serial in self._state.due if expires_ms <= until_ms][:limit]
        for serial in due:
            self._delete(self._state.envelopes[serial][0], (serial,))
        over = [(each, remembered) for remembered in self._state.collected.values() for each in remembered if each[3] <= until_ms]
        over = sorted(over, key=lambda found: found[0][3])[: limit - len(due)]
        for each, remembered in over:
            self._undo.remove(remembered, each)
        return len(due) + len(over)

    def next_expiry(self) -> int | None:
        times = [each[3] for remembered in self._state.collected.values() for each in remembered]
        return min([*times, *(at for at, _ in self._state.due[:1])], default=None)

    # In all

    def used_bytes(self) -> int:
        return sum(grant.used_bytes for grant in self._state.grants.values())

    def free_bytes(self) -> int | None:
        return None

    def forget_traces(self) -> None:
        pass

    def add_refusals(self, grant: bytes, word: Word, count: int, at_ms: int) -> None:
        known = self._state.refusals.get((grant, word.value))
        before = 0 if known is None else known.count
        fresh = RefusalCount(grant=grant, word=word, count=before + count, last_ms=at_ms)
        self._undo.assign(self._state.refusals, (grant, word.value), fresh)

    def refusals(self) -> list[RefusalCount]:
        return [self._state.refusals[name] for name in sorted(self._state.refusals)]
