"""What a mailbox keeps, in the database. How much is used is read into memory when first wanted, and written once per commit.

The rule: after a rollback nothing that is remembered is believed any more; `forget` empties it and the tables are read again.
"""

import os
from typing import Any

from multichat_tui.model.ids import PREFIX_SIZE
from multichat_tui.model.limits import MAX_COLLECTED_IN_ALL, MAX_QUEUE_BYTES, MAX_REMEMBERED_COLLECTED
from multichat_tui.model.mailbox_frames import EnvelopeHash, Word, WriterPrefix
from multichat_tui.model.mailbox_store import KeptEnvelope, KeptGrant, KeptQueue, KeptWriter, RefusalCount, charge
from multichat_tui.model.mailboxes import QueueId
from multichat_tui.model.values import dataclass
from multichat_tui.store.database import Database, Row
from multichat_tui.store.files import file_fault

CACHED = 8192
"""Queues, and writers, remembered between transactions; beyond it all are read again when wanted."""
_ENVELOPE = "serial, hash, size, writer, stored_ms, expires_ms"


@dataclass(slots=True)
class _Grant:
    number: int
    key: bytes
    name: str
    quota_bytes: int
    most_queues: int
    made_ms: int
    revoked: bool
    used_bytes: int
    queues: int
    envelopes: int


@dataclass(slots=True)
class _Queue:
    number: int
    grant: _Grant
    opened_ms: int
    quota_bytes: int
    used_bytes: int
    envelopes: int
    writers: int


@dataclass(slots=True)
class _Writer:
    verifier: bytes
    allowed: bool
    quota_bytes: int
    used_bytes: int


class MailboxTables:
    """The tables mailbox_*. Implements `model.mailbox_store.MailboxStore`; one of them serves all transactions of a store."""

    __slots__ = ("_changed", "_collected", "_database", "_grants", "_numbers", "_queues", "_traces", "_used", "_writers")

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        self._grants: dict[bytes, _Grant] | None = None
        self._numbers: dict[int, _Grant] = {}
        self._queues: dict[QueueId, _Queue] = {}
        self._writers: dict[int, dict[WriterPrefix, _Writer]] = {}
        """By their queues' numbers."""
        self._changed: set[tuple[str, Any]] = set()
        self._traces = False
        self._used: int | None = None
        """Bytes under all grants; None: not added up."""
        self._collected: int | None = None
        """How many envelopes are remembered as collected, at most; None: not counted."""

    def trim(self) -> None:
        """After a commit: keep memory bounded."""
        if max(len(self._queues), sum(map(len, self._writers.values()))) > CACHED:
            self.forget()

    def write(self) -> bool:
        """Bring the tables up to date. Whether traces of what was removed are to leave the files."""
        for kind, name in self._changed:
            if kind == "grant":
                grant = self._all_grants().get(name)
                if grant is not None:
                    values = (grant.quota_bytes, grant.most_queues, int(grant.revoked), grant.used_bytes, grant.queues)
                    self._database.run(
                        "update mailbox_grant set quota_bytes = ?, most_queues = ?, revoked = ?, used_bytes = ?, queues = ?,"
                        " envelopes = ? where number = ?",
                        (*values, grant.envelopes, grant.number),
                    )
            elif kind == "queue":
                queue = self._queues.get(name)
                if queue is not None:
                    self._database.run(
                        "update mailbox_queue set quota_bytes = ?, used_bytes = ?, envelopes = ?, writers = ? where number = ?",
                        (queue.quota_bytes, queue.used_bytes, queue.envelopes, queue.writers, queue.number),
                    )
            else:
                writer = self._writers.get(name[0], {}).get(name[1])
                if writer is not None:
                    self._database.run(
                        "update mailbox_writer set allowed = ?, quota_bytes = ?, used_bytes = ? where queue = ? and prefix = ?",
                        (int(writer.allowed), writer.quota_bytes, writer.used_bytes, *name),
                    )
        self._changed.clear()
        traces, self._traces = self._traces, False
        return traces

    # Grants

    def _all_grants(self) -> dict[bytes, _Grant]:
        if self._grants is None:
            rows = self._database.rows(
                "select number, key, name, quota_bytes, most_queues, made_ms, revoked, used_bytes, queues,"
                " envelopes from mailbox_grant"
            )
            found = [_Grant(*row) for row in rows]
            self._grants = {grant.key: grant for grant in found}
            self._numbers = {grant.number: grant for grant in found}
        return self._grants

    def grants(self) -> list[KeptGrant]:
        return sorted((_kept_grant(grant) for grant in self._all_grants().values()), key=lambda grant: grant.name)

    def grant(self, key: bytes) -> KeptGrant | None:
        found = self._all_grants().get(key)
        return None if found is None else _kept_grant(found)

    def add_grant(self, grant: KeptGrant) -> None:
        grants = self._all_grants()
        if grant.key in grants or any(other.name == grant.name for other in grants.values()):
            raise ValueError("a grant of this key or name is there already")
        row = self._database.row(
            "insert into mailbox_grant (key, name, quota_bytes, most_queues, made_ms, revoked, used_bytes, queues)"
            " values (?, ?, ?, ?, ?, ?, 0, 0) returning number",
            (grant.key, grant.name, grant.quota_bytes, grant.most_queues, grant.made_ms, int(grant.revoked)),
        )
        assert row is not None
        made = _Grant(
            int(row[0]), grant.key, grant.name, grant.quota_bytes, grant.most_queues, grant.made_ms, grant.revoked, 0, 0, 0
        )
        grants[grant.key] = self._numbers[made.number] = made

    def change_grant(self, key: bytes, *, quota_bytes: int, most_queues: int, revoked: bool) -> None:
        grant = self._all_grants()[key]
        grant.quota_bytes, grant.most_queues, grant.revoked = quota_bytes, most_queues, revoked
        self._changed.add(("grant", key))

    def drop_grant(self, key: bytes) -> None:
        grant = self._all_grants()[key]
        for kept in self.queues(key):
            self.close(kept.id)
        self._database.run("delete from mailbox_grant where number = ?", (grant.number,))
        self._database.run("delete from mailbox_refusal where grant_key = ?", (key,))
        del self._all_grants()[key], self._numbers[grant.number]

    def queues(self, grant: bytes) -> list[KeptQueue]:
        number = self._all_grants()[grant].number
        rows = self._database.rows("select id from mailbox_queue where grant_number = ? order by opened_ms, id", (number,))
        return [_kept_queue(QueueId(row[0]), self._queue(QueueId(row[0]))) for row in rows]

    def oldest_ms(self, grant: bytes) -> int | None:
        row = self._database.row(
            "select min(e.stored_ms) from mailbox_queue q cross join mailbox_envelope e"
            " on e.serial = (select min(serial) from mailbox_envelope where queue = q.number) where q.grant_number = ?",
            (self._all_grants()[grant].number,),
        )
        return None if row is None else row[0]

    # Queues

    def _find(self, queue: QueueId) -> _Queue | None:
        found = self._queues.get(queue)
        if found is None:
            row = self._database.row(
                "select number, grant_number, opened_ms, quota_bytes, used_bytes, envelopes, writers from mailbox_queue"
                " where id = ?",
                (queue,),
            )
            if row is None:
                return None
            self._all_grants()
            found = self._queues[queue] = _Queue(row[0], self._numbers[row[1]], *row[2:])
        return found

    def _queue(self, queue: QueueId) -> _Queue:
        found = self._find(queue)
        if found is None:
            raise KeyError("no such queue")
        return found

    def queue(self, queue: QueueId) -> KeptQueue | None:
        found = self._find(queue)
        return None if found is None else _kept_queue(queue, found)

    def open(self, queue: QueueId, grant: bytes, at_ms: int, quota_bytes: int = MAX_QUEUE_BYTES) -> None:
        owner = self._all_grants()[grant]
        if self._find(queue) is not None:
            raise ValueError("the queue is open already")
        # A number is never used again: what lies in a closed queue must not turn up in another.
        row = self._database.row(
            "insert into mailbox_queue (number, id, grant_number, opened_ms, quota_bytes, used_bytes, envelopes, writers)"
            " select 1 + max(ifnull((select max(number) from mailbox_queue), 0),"
            " ifnull((select max(queue) from mailbox_closed), 0)), ?, ?, ?, ?, 0, 0, 0 returning number",
            (queue, owner.number, at_ms, quota_bytes),
        )
        assert row is not None
        self._queues[queue] = _Queue(int(row[0]), owner, at_ms, quota_bytes, 0, 0, 0)
        owner.queues += 1
        self._changed.add(("grant", grant))

    def limit_queue(self, queue: QueueId, quota_bytes: int) -> None:
        self._queue(queue).quota_bytes = quota_bytes
        self._changed.add(("queue", queue))

    def close(self, queue: QueueId) -> None:
        found = self._queue(queue)
        grant = found.grant
        self._database.run("delete from mailbox_writer where queue = ?", (found.number,))
        self._database.run("delete from mailbox_queue where number = ?", (found.number,))
        self._database.run("insert into mailbox_closed values (?)", (found.number,))
        del self._queues[queue]
        self._writers.pop(found.number, None)
        grant.used_bytes -= found.used_bytes
        self._used = None
        grant.envelopes -= found.envelopes
        grant.queues -= 1
        self._changed.add(("grant", grant.key))

    # Writers

    def _writer(self, number: int, prefix: WriterPrefix) -> _Writer | None:
        known = self._writers.setdefault(number, {})
        found = known.get(prefix)
        if found is None:
            row = self._database.row(
                "select verifier, allowed, quota_bytes, used_bytes from mailbox_writer where queue = ? and prefix = ?",
                (number, prefix),
            )
            if row is None:
                return None
            found = known[prefix] = _Writer(row[0], bool(row[1]), *row[2:])
        return found

    def writer(self, queue: QueueId, prefix: WriterPrefix) -> KeptWriter | None:
        where = self._find(queue)
        found = None if where is None else self._writer(where.number, prefix)
        if found is None or not found.allowed:
            return None
        return KeptWriter(verifier=found.verifier, quota_bytes=found.quota_bytes, used_bytes=found.used_bytes)

    def allow(self, queue: QueueId, verifier: bytes, quota_bytes: int) -> None:
        where, prefix = self._queue(queue), verifier[:PREFIX_SIZE]
        known = self._writer(where.number, prefix)
        if known is None:
            self._database.run(
                "insert into mailbox_writer values (?, ?, ?, 1, ?, 0)", (where.number, prefix, verifier, quota_bytes)
            )
            self._writers[where.number][prefix] = _Writer(verifier, True, quota_bytes, 0)
            where.writers += 1
        elif known.verifier != verifier:
            raise ValueError("another verifier begins alike")
        else:
            where.writers += not known.allowed
            known.allowed, known.quota_bytes = True, quota_bytes
            self._changed.add(("writer", (where.number, prefix)))
        self._changed.add(("queue", queue))

    def forbid(self, queue: QueueId, prefix: WriterPrefix) -> None:
        where = self._queue(queue)
        known = self._writer(where.number, prefix)
        if known is None or not known.allowed:
            return
        known.allowed = False
        where.writers -= 1
        self._changed |= {("queue", queue), ("writer", (where.number, prefix))}
        self._forget_idle(where.number, prefix, known)

    def _forget_idle(self, number: int, prefix: WriterPrefix, writer: _Writer) -> None:
        """Who is not allowed and has nothing there any more is nobody."""
        if not writer.allowed and not writer.used_bytes:
            self._database.run("delete from mailbox_writer where queue = ? and prefix = ?", (number, prefix))
            del self._writers[number][prefix]

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
        where = self._queue(queue)
        row = self._database.row(
            "insert into mailbox_envelope (queue, mark, hash, size, writer, stored_ms, expires_ms) values (?, ?, ?, ?, ?, ?, ?)"
            " returning serial",
            (where.number, _mark(hash), hash, len(envelope), writer, stored_ms, expires_ms),
        )
        assert row is not None
        serial = int(row[0])
        self._database.run("insert into mailbox_bytes values (?, ?)", (serial, envelope))
        self._count(queue, where, writer, charge(len(envelope)), 1)
        return serial

    def _count(self, queue: QueueId, where: _Queue, prefix: WriterPrefix, used: int, envelopes: int) -> None:
        """So much more, or less, lies in a queue."""
        where.used_bytes += used
        where.envelopes += envelopes
        where.grant.used_bytes += used
        if self._used is not None:
            self._used += used
        where.grant.envelopes += envelopes
        self._changed |= {("queue", queue), ("grant", where.grant.key)}
        writer = self._writer(where.number, prefix)
        if writer is not None:
            writer.used_bytes += used
            self._changed.add(("writer", (where.number, prefix)))
            self._forget_idle(where.number, prefix, writer)

    def find(self, queue: QueueId, hash: EnvelopeHash) -> KeptEnvelope | None:
        where = self._find(queue)
        if where is None:
            return None
        row = self._database.row(
            f"select {_ENVELOPE} from mailbox_envelope where mark = ? and queue = ? and hash = ?",  # noqa: S608 - a constant
            (_mark(hash), where.number, hash),
        )
        return None if row is None else _kept_envelope(row)

    def listing(self, queue: QueueId, after: int, limit: int) -> list[KeptEnvelope]:
        where = self._find(queue)
        if where is None:
            return []
        rows = self._database.rows(
            f"select {_ENVELOPE} from mailbox_envelope where queue = ? and serial > ? order by serial limit ?",  # noqa: S608
            (where.number, after, limit),
        )
        return [_kept_envelope(row) for row in rows]

    def envelope(self, queue: QueueId, serial: int) -> tuple[KeptEnvelope, bytes] | None:
        where = self._find(queue)
        if where is None:
            return None
        row = self._database.row(
            f"select {_ENVELOPE}, envelope from mailbox_envelope join mailbox_bytes using (serial)"  # noqa: S608 - a constant
            " where serial = ? and queue = ?",
            (serial, where.number),
        )
        return None if row is None else (_kept_envelope(row[:-1]), row[-1])

    def collect(self, queue: QueueId, serials: tuple[int, ...]) -> int:
        where = self._find(queue)
        if where is None:
            return 0
        gone = sum(self._remove(queue, where, serial, collected=True) for serial in serials)
        if gone:
            self._database.run(
                "delete from mailbox_collected where queue = ?1 and serial <="
                " (select serial from mailbox_collected where queue = ?1 order by serial desc limit 1 offset ?2)",
                (where.number, MAX_REMEMBERED_COLLECTED),
            )
            self._forget_oldest(gone)
        return gone

    def _remove(self, queue: QueueId, where: _Queue, serial: int, *, collected: bool) -> bool:
        row = self._database.row(
            "delete from mailbox_envelope where serial = ? and queue = ? returning writer, size, mark, hash, expires_ms",
            (serial, where.number),
        )
        if row is None:
            return False
        writer, size, *named = row
        self._database.run("delete from mailbox_bytes where serial = ?", (serial,))
        self._count(queue, where, writer, -charge(size), -1)
        if collected:
            self._database.run(
                "insert into mailbox_collected (serial, queue, writer, mark, hash, expires_ms) values (?, ?, ?, ?, ?, ?)",
                (serial, where.number, writer, *named),
            )
        return True

    def _forget_oldest(self, more: int) -> None:
        """Over all queues so many are remembered; how many there are is counted anew after a rollback, and rounded up."""
        if self._collected is None:
            row = self._database.row("select count(*) from mailbox_collected")
            self._collected = 0 if row is None else int(row[0])
        else:
            self._collected += more
        if self._collected > MAX_COLLECTED_IN_ALL:
            self._database.run(
                "delete from mailbox_collected where serial in (select serial from mailbox_collected order by serial limit ?)",
                (self._collected - MAX_COLLECTED_IN_ALL,),
            )
            self._collected = None

    def collected(self, queue: QueueId, hash: EnvelopeHash) -> WriterPrefix | None:
        where = self._find(queue)
        if where is None:
            return None
        row = self._database.row(
            "select writer from mailbox_collected where mark = ? and queue = ? and hash = ?", (_mark(hash), where.number, hash)
        )
        return None if row is None else row[0]

    def sweep(self, until_ms: int, limit: int) -> int:
        left = limit
        for (closed,) in self._database.rows("select queue from mailbox_closed"):
            rows = self._database.rows("select serial from mailbox_envelope where queue = ? limit ?", (closed, left))
            for (serial,) in rows:
                self._database.run("delete from mailbox_envelope where serial = ?", (serial,))
                self._database.run("delete from mailbox_bytes where serial = ?", (serial,))
            if len(rows) < left:
                self._database.run("delete from mailbox_collected where queue = ?", (closed,))
                self._database.run("delete from mailbox_closed where queue = ?", (closed,))
                self._collected = None
            left -= len(rows)
            if not left:
                return limit
        rows = self._database.rows(
            "select q.id, e.serial from mailbox_envelope e join mailbox_queue q on q.number = e.queue"
            " where e.expires_ms <= ? order by e.expires_ms limit ?",
            (until_ms, left),
        )
        for queue, serial in rows:
            self._remove(QueueId(queue), self._queue(QueueId(queue)), serial, collected=False)
        left -= len(rows)
        rows = self._database.rows(
            "delete from mailbox_collected where serial in"
            " (select serial from mailbox_collected where expires_ms <= ? order by expires_ms limit ?) returning serial",
            (until_ms, left),
        )
        return limit - left + len(rows)

    def next_expiry(self) -> int | None:
        if self._database.row("select 1 from mailbox_closed limit 1") is not None:
            return 0
        row = self._database.row(
            "select min(at) from (select min(expires_ms) as at from mailbox_envelope"
            " union all select min(expires_ms) from mailbox_collected)"
        )
        return None if row is None else row[0]

    # In all

    def used_bytes(self) -> int:
        if self._used is None:
            self._used = sum(grant.used_bytes for grant in self._all_grants().values())
        return self._used

    def free_bytes(self) -> int | None:
        try:
            disk = os.statvfs(self._database.path.parent)
        except OSError as error:
            raise file_fault(error, self._database.path.parent, "read") from error
        return disk.f_bavail * disk.f_frsize

    def forget_traces(self) -> None:
        self._traces = True

    def add_refusals(self, grant: bytes, word: Word, count: int, at_ms: int) -> None:
        self._database.run(
            "insert into mailbox_refusal values (?, ?, ?, ?)"
            " on conflict do update set count = count + excluded.count, last_ms = excluded.last_ms",
            (grant, word.value, count, at_ms),
        )

    def refusals(self) -> list[RefusalCount]:
        rows = self._database.rows("select grant_key, word, count, last_ms from mailbox_refusal order by grant_key, word")
        return [RefusalCount(grant=row[0], word=Word(row[1]), count=row[2], last_ms=row[3]) for row in rows]


def _mark(hash: EnvelopeHash) -> int:
    return int.from_bytes(hash[:PREFIX_SIZE], "big") - 2**63


def _kept_grant(grant: _Grant) -> KeptGrant:
    return KeptGrant(
        key=grant.key,
        name=grant.name,
        quota_bytes=grant.quota_bytes,
        most_queues=grant.most_queues,
        made_ms=grant.made_ms,
        revoked=bool(grant.revoked),
        used_bytes=grant.used_bytes,
        queues=grant.queues,
        envelopes=grant.envelopes,
    )


def _kept_queue(queue: QueueId, found: _Queue) -> KeptQueue:
    return KeptQueue(
        id=queue,
        grant=found.grant.key,
        opened_ms=found.opened_ms,
        quota_bytes=found.quota_bytes,
        used_bytes=found.used_bytes,
        envelopes=found.envelopes,
        writers=found.writers,
    )


def _kept_envelope(row: Row) -> KeptEnvelope:
    return KeptEnvelope(serial=row[0], hash=row[1], size=row[2], writer=row[3], stored_ms=row[4], expires_ms=row[5])
