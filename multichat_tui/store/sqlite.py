"""The real store: an encrypted SQLite database, durable at every commit."""

# ruff: noqa: S608 - statements are put together from constants of this module; values are always bound.

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from multichat_tui.model.errors import StoreError
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.limits import MAX_DEVICE_REFERENCES, MAX_INTEGER
from multichat_tui.model.mailbox_store import MailboxStore
from multichat_tui.model.ports import ChainEnd, Space, TimelineEntry, Transaction
from multichat_tui.model.records import Absence, Proof, Record
from multichat_tui.model.searching import Search, words_of
from multichat_tui.model.snapshots import Position
from multichat_tui.store.chains import Chains
from multichat_tui.store.checks import (
    ENDED,
    UNREAD_CAP,
    as_held,
    check_entry,
    check_many,
    check_positions,
    check_slice,
    cited,
    filled,
)
from multichat_tui.store.database import Database, Row, open_database
from multichat_tui.store.headers import Headers
from multichat_tui.store.mailbox import MailboxTables
from multichat_tui.store.schema import Migration, released_migrations
from multichat_tui.store.search import IndexedText, SearchIndex, channel_mark, match_of, percent_of, place_range, user_mark
from multichat_tui.store.unread import UnreadCounts

_RECORD = "r.id, r.header, r.signature, ifnull(r.body, r.absence), r.proof"
_ENTRY = "r.id, e.ets, e.arrival, u.id, d.id, e.mention, e.late, e.hidden, e.notice"
_ENTRY_FROM = (
    "entry e cross join record r on r.arrival = e.arrival cross join identifier u on u.number = e.user"
    " cross join identifier d on d.number = e.device"
)


def id_prefix(identifier: bytes) -> int:
    """An id's first eight bytes as a signed integer that sorts as the ids do."""
    return int.from_bytes(identifier[:PREFIX_SIZE], "big") - 2**63


class SqliteStore:
    """A `ports.Store` on a file. `key` is the database's 32-byte key.

    Opening raises `StorageFailed`, `ProfileBusy`, `Damaged` or `NewerVersion`; an absent file is made only with `create`.
    """

    def __init__(self, path: Path, key: bytes, *, create: bool = True, migrations: tuple[Migration, ...] | None = None) -> None:
        known = released_migrations() if migrations is None else migrations
        self._database = open_database(Path(path), key, known, create=create)
        self._chains = Chains(self._database)
        self._headers = Headers(self._database.path)
        self._mailbox = MailboxTables(self._database)
        self._unread = UnreadCounts(self._database)
        self._inside = False
        self._open = True

    def __repr__(self) -> str:
        return f"SqliteStore({self._database.path})"

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if not self._open:
            raise RuntimeError("the store is closed")
        if self._inside:
            raise RuntimeError("transactions do not nest")
        self._inside = True
        transaction = _SqliteTransaction(self._database, self._chains, self._headers, self._mailbox, self._unread)
        try:
            self._database.begin()
            yield transaction
            transaction.write()
            self._database.commit()
        except BaseException:
            self._chains.forget()
            self._mailbox.forget()
            self._unread.forget()
            self._database.roll_back()
            raise
        finally:
            forgot = transaction.end()
            self._inside = False
        self._chains.trim()
        self._mailbox.trim()
        if forgot:
            self._truncate_log()

    def _truncate_log(self) -> None:
        """What was forgotten is to leave the log too, and the copy from before a migration. Where the disk refuses that now, a
        later checkpoint, or the next start, does it."""
        try:
            self._database.truncate_log()
            self._database.drop_copy()
        except StoreError:
            self._database.roll_back()

    def close(self) -> None:
        """Idempotent."""
        if self._open:
            self._open = False
            self._database.close()


class _SqliteTransaction:
    __slots__ = (
        "_acknowledged",
        "_appended",
        "_chains",
        "_database",
        "_forgot",
        "_headers",
        "_index",
        "_mailbox",
        "_next_arrival",
        "_shown",
        "_unread",
        "_unreferred",
        "_unreplied",
    )

    def __init__(
        self, database: Database, chains: Chains, headers: Headers, mailbox: MailboxTables, unread: UnreadCounts
    ) -> None:
        self._headers = headers
        self._mailbox = mailbox
        self._unread = unread
        self._database = database
        self._chains = chains
        self._index = SearchIndex(database)
        self._appended: dict[RecordId, tuple[Record, int]] = {}
        """Records of this transaction, with their arrivals."""
        self._shown: set[int] = set()
        """Arrivals of those that have an entry already."""
        self._acknowledged: dict[tuple[int, int], int] = {}
        """What was learned of peers: (peer, chain) and seq. Of many places of a chain only the last is written."""
        self._unreferred: set[int] = set()
        """Prefixes to which nothing refers, as far as `look_ahead` has looked."""
        self._unreplied: set[int] = set()
        self._next_arrival: int | None = None
        self._forgot = False

    def write(self) -> None:
        """Bring the tables up to date, before the commit."""
        self._index.write()
        self._chains.write()
        self._write_acknowledged()
        self._forgot |= self._mailbox.write()

    def end(self) -> bool:
        """Whether something was forgotten. Nothing works any more afterwards."""
        self._database, self._chains, self._mailbox = cast(Database, ENDED), cast(Chains, ENDED), cast(MailboxTables, ENDED)
        return self._forgot

    @property
    def mailbox(self) -> MailboxStore:
        return self._mailbox

    # Small values

    def get(self, space: Space, key: bytes) -> bytes | None:
        row = self._database.row("select value from small_value where space = ? and key = ?", (space.value, key))
        return row[0] if row else None

    def put(self, space: Space, key: bytes, value: bytes) -> None:
        self._database.run(
            "insert into small_value values (?, ?, ?) on conflict do update set value = excluded.value",
            (space.value, key, value),
        )

    def delete(self, space: Space, key: bytes) -> None:
        self._database.run("delete from small_value where space = ? and key = ?", (space.value, key))

    def scan(self, space: Space, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
        above = _after_all_with(prefix)
        if above is None:
            sql = "select key, value from small_value where space = ? and key >= ? order by key"
            rows = self._database.rows(sql, (space.value, prefix))
        else:
            sql = "select key, value from small_value where space = ? and key >= ? and key < ? order by key"
            rows = self._database.rows(sql, (space.value, prefix, above))
        return [(row[0], row[1]) for row in rows]

    # Records

    def append(self, record: Record, arrived_ms: int, arrival: int | None = None) -> int:
        header = record.header
        lane = self._chains.lane(record.channel, header.log)
        chain = self._chains.chain(lane, header.device)
        # Beyond the end of its chain nothing is held.
        if header.seq <= chain.seq and self.holds(record.id):
            raise ValueError("this record is held already")
        if arrival is None:
            arrival = self._take_arrivals(1)
        record = as_held(record)
        self._database.run(
            "insert into record values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                arrival,
                chain.number,
                header.seq,
                lane,
                id_prefix(record.id),
                arrived_ms,
                record.id,
                record.header_bytes,
                record.signature,
                record.body,
                record.proof,
                record.absence or 0,
            ),
        )
        self._appended[record.id] = record, arrival
        self._headers.keep(record.id, header)
        self._chains.extend(lane, header.device, chain, record)
        for parent in cited(header):
            if not self._chains.cite(lane, parent) and not self.holds(parent):
                self._chains.await_record(lane, parent)
        self._chains.uncited(lane, record.id)
        return arrival

    def prove(self, record: RecordId, proof: Proof) -> None:
        if record in self._appended:
            held, arrival = self._appended[record]
            self._appended[record] = replace(held, proof=proof), arrival
        self._database.run("update record set proof = ? where prefix = ? and id = ?", (proof.value, id_prefix(record), record))

    def drop_body(self, record: RecordId, absence: Absence) -> bool:
        held = self.record(record)
        if held is None or held.absence is absence:
            return False
        arrival = self._arrival_of(record)
        place = self._database.row("select place from entry where arrival = ? and place is not null", (arrival,))
        indexed = None if place is None else self._index.find(place[0])
        if indexed is not None:
            # Before the text goes: an index entry is taken out with the words that it was put in with.
            self._index.drop(indexed)
            self._database.run("update entry set place = null where arrival = ?", (arrival,))
        self._replace(replace(held, body=None, absence=absence), arrival)
        self._forgot = self._forgot or held.body is not None
        return held.body is not None

    def fill_body(self, record: RecordId, body: bytes) -> None:
        self._replace(filled(self.record(record), body), self._arrival_of(record))

    def _arrival_of(self, record: RecordId) -> int:
        found = self.arrival(record)
        return 0 if found is None else found[0]

    def _replace(self, record: Record, arrival: int) -> None:
        if record.id in self._appended:
            self._appended[record.id] = record, arrival
        self._database.run(
            "update record set body = ?, absence = ? where arrival = ?", (record.body, record.absence or 0, arrival)
        )

    def missing_bodies(self, channel: ChannelId, limit: int) -> list[RecordId]:
        check_positions(None, None, limit)
        rows = self._database.rows(
            "select id from record where lane = ? and absence = 1 order by arrival desc limit ?",
            (self._chains.find_lane(channel, Log.CONTENT), limit),
        )
        return [RecordId(row[0]) for row in rows]

    def expire_at(self, record: RecordId, at_ms: int) -> None:
        arrival = self._arrival_of(record)
        if arrival:
            self._database.run(
                "insert into expiring values (?, ?) on conflict do update set at_ms = excluded.at_ms", (arrival, at_ms)
            )

    def expired(self, until_ms: int, limit: int) -> list[RecordId]:
        check_positions(None, None, limit)
        rows = self._database.rows(
            "select r.id from expiring x cross join record r on r.arrival = x.arrival where x.at_ms <= ?"
            " order by x.at_ms, x.arrival limit ?",
            (until_ms, limit),
        )
        return [RecordId(row[0]) for row in rows]

    def done_expiring(self, record: RecordId) -> None:
        self._database.run("delete from expiring where arrival = ?", (self._arrival_of(record),))

    def next_expiry(self) -> int | None:
        row = self._database.row("select min(at_ms) from expiring")
        return None if row is None else row[0]

    def reserve_arrivals(self, count: int) -> int:
        return self._take_arrivals(count)

    def _take_arrivals(self, count: int) -> int:
        if self._next_arrival is None:
            row = self._database.row(
                "select 1 + max((select arrival from arrival_floor), ifnull((select max(arrival) from record), 0))"
            )
            assert row is not None
            self._next_arrival = int(row[0])
        arrival = self._next_arrival
        self._next_arrival += count
        return arrival

    def holds(self, record: RecordId) -> bool:
        if record in self._appended:
            return True
        return self._database.row("select 1 from record where prefix = ? and id = ?", (id_prefix(record), record)) is not None

    def record(self, record: RecordId) -> Record | None:
        if record in self._appended:
            return self._appended[record][0]
        row = self._database.row(f"select {_RECORD} from record r where r.prefix = ? and r.id = ?", (id_prefix(record), record))
        return self._headers.record(row) if row else None

    def arrival(self, record: RecordId) -> tuple[int, int] | None:
        row = self._database.row(
            "select arrival, arrived_ms from record where prefix = ? and id = ?", (id_prefix(record), record)
        )
        return (row[0], row[1]) if row else None

    def _chain_number(self, channel: ChannelId, log: Log, device: DeviceId) -> int | None:
        lane = self._chains.find_lane(channel, log)
        chain = None if lane is None else self._chains.find_chain(lane, device)
        return chain.number if chain else None

    def in_chain(self, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> RecordId | None:
        row = self._database.row(
            "select id from record where chain = ? and seq = ? order by arrival limit 1",
            (self._chain_number(channel, log, device), seq),
        )
        return RecordId(row[0]) if row else None

    def chain(self, channel: ChannelId, log: Log, device: DeviceId, first: int, last: int) -> list[Record]:
        rows = self._database.rows(
            f"select {_RECORD} from record r where r.chain = ? and r.seq between ? and ? order by r.seq, r.arrival",
            (self._chain_number(channel, log, device), first, min(last, MAX_INTEGER)),
        )
        return [self._headers.record(row) for row in rows]

    def arrivals(self, channel: ChannelId, log: Log, after: int, limit: int) -> list[tuple[int, Record]]:
        check_positions(None, None, limit)
        rows = self._database.rows(
            f"select {_RECORD}, r.arrival from record r where r.lane = ? and r.arrival > ? order by r.arrival limit ?",
            (self._chains.find_lane(channel, log), after, limit),
        )
        return [(row[5], self._headers.record(row[:5])) for row in rows]

    def arrival_in_chain(self, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> int | None:
        row = self._database.row(
            "select arrival from record where chain = ? and seq = ? order by arrival limit 1",
            (self._chain_number(channel, log, device), seq),
        )
        return row[0] if row else None

    def places(
        self, channel: ChannelId, log: Log, device: DeviceId, first: int, last: int, limit: int, *, newest_first: bool
    ) -> list[tuple[int, int]]:
        order = "desc" if newest_first else "asc"
        rows = self._database.rows(
            "select seq, min(arrival) from record where chain = ? and seq between ? and ?"
            f" group by seq order by seq {order} limit ?",
            (self._chain_number(channel, log, device), first, min(last, MAX_INTEGER), limit),
        )
        return [(row[0], row[1]) for row in rows]

    def chain_ends(self, channel: ChannelId) -> list[ChainEnd]:
        self._chains.write()
        ends = []
        for log in Log:
            rows = self._database.rows(
                "select i.id, c.seq, c.id, c.ets from chain c join identifier i on i.number = c.device"
                " where c.lane = ? and c.seq is not null order by i.id",
                (self._chains.find_lane(channel, log),),
            )
            ends += [ChainEnd(log=log, device=DeviceId(r[0]), seq=r[1], id=RecordId(r[2]), ets=r[3]) for r in rows]
        return ends

    def heads(self, channel: ChannelId, log: Log) -> tuple[RecordId, ...]:
        lane = self._chains.find_lane(channel, log)
        return () if lane is None else self._chains.heads(lane)

    def is_head(self, channel: ChannelId, log: Log, record: RecordId) -> bool:
        lane = self._chains.find_lane(channel, log)
        return lane is not None and self._chains.is_head(lane, record)

    def awaits(self, channel: ChannelId, log: Log) -> bool:
        lane = self._chains.find_lane(channel, log)
        return lane is not None and self._chains.awaits(lane)

    def forget_channel(self, channel: ChannelId) -> None:
        self.delete(Space.CHANNEL, channel)
        for key, _ in self.scan(Space.FORK, channel):
            self.delete(Space.FORK, key)
        number = self._chains.find(channel)
        if number is None:
            return
        self.write()
        database = self._database
        for row in database.rows("select place from entry where channel = ? and place is not null order by place", (number,)):
            text = self._index.find(row[0])
            if text is not None:
                self._index.drop(text)
        database.run(
            "update arrival_floor set arrival = max(arrival, ifnull((select max(arrival) from record), 0))",
        )
        lanes = (2 * number, 2 * number + 1)
        database.run("delete from expiring where arrival in (select arrival from record where lane in (?, ?))", lanes)
        database.run("delete from reply where arrival in (select arrival from record where lane in (?, ?))", lanes)
        database.run("delete from reference where arrival in (select arrival from record where lane in (?, ?))", lanes)
        database.run("delete from entry where arrival in (select arrival from record where lane in (?, ?))", lanes)
        database.run("delete from record where lane in (?, ?)", lanes)
        database.run("delete from head where lane in (?, ?)", lanes)
        database.run("delete from awaited where lane in (?, ?)", lanes)
        database.run("delete from acknowledged where chain in (select number from chain where lane in (?, ?))", lanes)
        database.run("delete from chain where lane in (?, ?)", lanes)
        database.run(
            "delete from identifier where number = ? or number not in (select lane / 2 from chain"
            " union all select device from chain union all select user from entry union all select peer from acknowledged)",
            (number,),
        )
        self._chains.forget()
        self._headers.forget()
        self._unread.forget()
        self._appended = {i: held for i, held in self._appended.items() if held[0].channel != channel}
        self._forgot = True

    # Timelines

    def show(self, entry: TimelineEntry, text: str | None = None, *, reply_to: RecordId | None = None) -> None:
        record, arrival = self._appended.get(entry.id) or self._held(entry.id)
        check_entry(entry, record, arrival)
        channel, user = self._chains.number(entry.channel), self._chains.number(entry.user)
        before = None
        if entry.id not in self._appended or entry.arrival in self._shown:
            before = self._database.row("select place from entry where arrival = ?", (entry.arrival,))
        self._shown.add(entry.arrival)
        self._unread.written(channel, entry.arrival)
        place = self._index_text(entry, channel, user, None if before is None else before[0], text)
        self._database.run(
            "insert into entry values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set"
            " user = excluded.user, mention = excluded.mention, late = excluded.late, hidden = excluded.hidden,"
            " notice = excluded.notice, place = excluded.place",
            (
                entry.arrival,
                channel,
                entry.ets,
                id_prefix(entry.id),
                user,
                self._chains.number(entry.device),
                entry.mention,
                entry.late,
                entry.hidden,
                entry.notice,
                place,
            ),
        )
        if reply_to is not None:
            self._note_reply(reply_to, entry.arrival)

    def _note_reply(self, parent: RecordId, arrival: int) -> None:
        self._unreplied.discard(id_prefix(parent))
        self._database.run("insert into reply values (?, ?) on conflict do nothing", (id_prefix(parent), arrival))

    def replies(self, record: RecordId, limit: int) -> list[TimelineEntry]:
        check_positions(None, None, limit)
        rows = self._database.rows(
            f"select {_ENTRY}, c.id from reply p cross join {_ENTRY_FROM} cross join identifier c on c.number = e.channel"
            " where p.parent = ? and e.arrival = p.arrival and e.hidden = 0 order by p.arrival limit ?",
            (id_prefix(record), limit),
        )
        return [self._entry_of(ChannelId(row[9]), row) for row in rows]

    def replied(self, records: Sequence[RecordId]) -> frozenset[RecordId]:
        check_many(records)
        wanted = tuple(id_prefix(record) for record in records)
        if self._unreplied.issuperset(wanted):
            return frozenset()
        sql = f"select distinct parent from reply where parent in ({', '.join('?' * len(wanted))})"
        found = {row[0] for row in self._database.rows(sql, wanted)}
        return frozenset(record for record, prefix in zip(records, wanted, strict=True) if prefix in found)

    def index_older_replies(self, reply_of: Callable[[Record], RecordId | None], limit: int) -> bool:
        backlog = self._database.row("select next from reply_backlog")
        if backlog is None:
            return True
        check_slice(limit)
        rows = self._database.rows(
            f"select {_RECORD}, e.arrival from entry e cross join record r on r.arrival = e.arrival"
            " where e.arrival <= ? and e.notice = 0 order by e.arrival desc limit ?",
            (backlog[0], limit),
        )
        for row in rows:
            parent = reply_of(self._headers.record(row[:5]))
            if parent is not None:
                self._note_reply(parent, row[5])
        if len(rows) < limit:
            self._database.run("delete from reply_backlog")
            return True
        self._database.run("update reply_backlog set next = ?", (rows[-1][5] - 1,))
        return False

    def refer(self, record: RecordId, targets: Sequence[tuple[RecordId, int]]) -> None:
        held, arrival = self._appended.get(record) or self._held(record)
        if held is None or arrival is None:
            raise ValueError("this record is not held")
        device = self._chains.number(held.header.device)
        place = (held.header.ets, id_prefix(record), arrival)
        for target, kind in targets:
            group = (id_prefix(target), kind, device)
            self._unreferred.discard(group[0])
            self._database.run("insert into reference values (?, ?, ?, ?, ?, ?) on conflict do nothing", (*group, *place))
            # What is too many goes from the end, so that the same stay whatever the order in which they come.
            self._database.run(
                "delete from reference where target = ? and kind = ? and device = ? and (ets, prefix, arrival) > ("
                " select ets, prefix, arrival from reference where target = ? and kind = ? and device = ?"
                " order by ets, prefix, arrival limit 1 offset ?)",
                (*group, *group, MAX_DEVICE_REFERENCES - 1),
            )

    def references(
        self, target: RecordId, limit: int, *, kinds: Sequence[int] = (), by: Sequence[DeviceId] | None = None
    ) -> list[Record]:
        check_positions(None, None, limit)
        numbers = () if by is None else self._numbers(by)
        wanted = f" and kind in ({', '.join('?' * len(kinds))})" if kinds else ""
        wanted += "" if by is None else f" and device in ({', '.join('?' * len(numbers))})"
        rows = self._database.rows(
            f"select {_RECORD} from (select distinct ets, prefix, arrival from reference where target = ?{wanted}"
            " order by ets, prefix limit ?) f cross join record r on r.arrival = f.arrival",
            (id_prefix(target), *kinds, *numbers, limit),
        )
        return sorted(map(self._headers.record, rows), key=lambda record: (record.header.ets, record.id))

    def referred(self, records: Sequence[RecordId]) -> frozenset[RecordId]:
        check_many(records)
        wanted = tuple(id_prefix(record) for record in records)
        if self._unreferred.issuperset(wanted):
            return frozenset()
        sql = f"select distinct target from reference where target in ({', '.join('?' * len(wanted))})"
        found = {row[0] for row in self._database.rows(sql, wanted)}
        return frozenset(record for record, prefix in zip(records, wanted, strict=True) if prefix in found)

    def look_ahead(self, records: Sequence[RecordId]) -> None:
        self._unreplied.update(map(id_prefix, frozenset(records) - self.replied(records)))
        self._unreferred.update(map(id_prefix, frozenset(records) - self.referred(records)))

    def look_again_at_references(self) -> None:
        self._database.run("delete from reference_backlog")
        self._database.run("insert into reference_backlog select max(arrival) from entry having count(*) > 0")

    def older_references(self, limit: int) -> list[tuple[TimelineEntry, Record]]:
        backlog = self._database.row("select next from reference_backlog")
        if backlog is None:
            return []
        check_slice(limit)
        rows = self._database.rows(
            f"select {_ENTRY}, {_RECORD}, c.id from {_ENTRY_FROM} cross join identifier c on c.number = e.channel"
            " where e.arrival <= ? order by e.arrival desc limit ?",
            (backlog[0], limit),
        )
        if len(rows) < limit:
            self._database.run("delete from reference_backlog")
        else:
            self._database.run("update reference_backlog set next = ?", (rows[-1][2] - 1,))
        return [(self._entry_of(ChannelId(row[14]), row), self._headers.record(row[9:14])) for row in rows]

    def _index_text(self, entry: TimelineEntry, channel: int, user: int, place: int | None, text: str | None) -> int | None:
        """The entry's place in the index, where it is found by anything. What is hidden stays in it, and is passed over."""
        indexed = None if place is None else self._index.find(place)
        words = " ".join(words_of(text)) if text is not None else indexed.words if indexed is not None else ""
        marks = f"{channel_mark(channel)} {user_mark(user)}"
        if indexed is not None:
            if (indexed.marks, indexed.words) == (marks, words):
                return place
            self._index.drop(indexed)
        if not words:
            return None
        if place is None:
            place = self._index.take_place(entry.ets)
        if place is not None:
            self._index.add(IndexedText(place=place, arrival=entry.arrival, marks=marks, words=words))
        return place

    def _held(self, record: RecordId) -> tuple[Record | None, int | None]:
        arrival = self.arrival(record)
        return self.record(record), arrival[0] if arrival else None

    def _entry_of(self, channel: ChannelId, row: Row) -> TimelineEntry:
        return TimelineEntry(
            channel=channel,
            id=RecordId(row[0]),
            ets=row[1],
            arrival=row[2],
            user=UserId(row[3]),
            device=DeviceId(row[4]),
            mention=bool(row[5]),
            late=bool(row[6]),
            hidden=bool(row[7]),
            notice=bool(row[8]),
        )

    def entry(self, record: RecordId) -> TimelineEntry | None:
        row = self._database.row(
            f"select {_ENTRY}, c.id from record r cross join entry e on e.arrival = r.arrival"
            " cross join identifier u on u.number = e.user cross join identifier d on d.number = e.device"
            " cross join identifier c on c.number = e.channel where r.prefix = ? and r.id = ?",
            (id_prefix(record), record),
        )
        return self._entry_of(ChannelId(row[9]), row) if row else None

    def entries_by_device(self, channel: ChannelId, device: DeviceId) -> list[TimelineEntry]:
        chains = tuple(self._chain_number(channel, log, device) for log in Log)
        rows = self._database.rows(
            f"select {_ENTRY} from {_ENTRY_FROM} where e.arrival in"
            " (select arrival from record where chain in (?, ?)) order by e.arrival",
            chains,
        )
        return [self._entry_of(channel, row) for row in rows]

    def timeline(
        self, channels: tuple[ChannelId, ...], *, before: Position | None, after: Position | None, limit: int
    ) -> list[tuple[TimelineEntry, Record]]:
        check_positions(before, after, limit)
        bound, order, position = "", "desc", before or after
        if after is not None:
            bound, order = "and (e.ets, e.prefix, r.id) > (?, ?, ?)", "asc"
        elif before is not None:
            bound = "and (e.ets, e.prefix, r.id) < (?, ?, ?)"
        place = (position.ets, id_prefix(position.id), position.id) if position else ()
        sql = (
            f"select {_ENTRY}, {_RECORD} from {_ENTRY_FROM} where e.channel = ? and e.hidden = 0 {bound}"
            f" order by e.ets {order}, e.prefix {order}, r.id {order} limit ?"
        )
        found = []
        for channel in dict.fromkeys(channels):
            number = self._chains.find(channel)
            found += [(row[1], row[0], channel, row) for row in self._database.rows(sql, (number, *place, limit))]
        found.sort(key=lambda each: each[:2])
        page = found[:limit] if after is not None else found[len(found) - min(limit, len(found)) :]
        return [(self._entry_of(channel, row), self._headers.record(row[9:])) for _, _, channel, row in page]

    def unread(self, channels: tuple[ChannelId, ...], after_arrival: int, mine: tuple[DeviceId, ...]) -> tuple[int, int]:
        devices = self._numbers(mine)
        found = [
            self._unread.of(number, after_arrival, devices, self._take_arrivals(0) - 1) for number in self._numbers(channels)
        ]
        return min(sum(each[0] for each in found), UNREAD_CAP), min(sum(each[1] for each in found), UNREAD_CAP)

    def newest(self, channels: tuple[ChannelId, ...]) -> tuple[int, int] | None:
        found = []
        for number in (self._chains.find(channel) for channel in dict.fromkeys(channels)):
            # Two steps down an index; max() of either would read all of it.
            row = self._database.row(
                "select (select ets from entry where channel = ?1 and hidden = 0 order by ets desc limit 1),"
                " (select arrival from entry where channel = ?1 and hidden = 0 order by arrival desc limit 1)",
                (number,),
            )
            if row is not None and row[0] is not None:
                found.append(row)
        return (max(row[0] for row in found), max(row[1] for row in found)) if found else None

    # Searching

    def search(
        self,
        search: Search,
        *,
        before: Position | None,
        limit: int,
        without: tuple[ChannelId, ...] = (),
        not_by: tuple[UserId, ...] = (),
    ) -> list[tuple[TimelineEntry, Record]]:
        check_positions(None, None, limit)
        self._index.write()
        channels, users = self._numbers(search.channels), self._numbers(search.users)
        if (search.channels and not channels) or (search.users and not users):
            return []
        first, end = place_range(search.since_ms, search.until_ms)
        if before is not None:
            end = min(end, self._place_of(before))
        left_out, unheard = self._numbers(without), self._numbers(not_by)
        match = match_of(search, channels, users)
        asked = "found f cross join found_text t on t.place = f.rowid" if match else "found_text t"
        rows = self._database.rows(
            f"select {_ENTRY}, {_RECORD}, c.id from {asked} cross join {_ENTRY_FROM}"
            " cross join identifier c on c.number = e.channel"
            f" where {'f.found match ? and f.rowid >= ? and f.rowid < ?' if match else 't.place >= ? and t.place < ?'}"
            f" and e.arrival = t.arrival and e.hidden = 0 and e.channel not in ({', '.join('?' * len(left_out))})"
            f" and e.user not in ({', '.join('?' * len(unheard))})"
            f" order by {'f.rowid' if match else 't.place'} desc limit ?",
            (*((match,) if match else ()), first, end, *left_out, *unheard, limit),
        )
        return [(self._entry_of(ChannelId(row[14]), row), self._headers.record(row[9:14])) for row in rows]

    def _numbers(self, identifiers: Iterable[bytes]) -> tuple[int, ...]:
        found = (self._chains.find(identifier) for identifier in dict.fromkeys(identifiers))
        return tuple(number for number in found if number is not None)

    def _place_of(self, position: Position) -> int:
        row = self._database.row(
            "select e.place from record r join entry e on e.arrival = r.arrival where r.prefix = ? and r.id = ?",
            (id_prefix(position.id), position.id),
        )
        return place_range(position.ets, position.ets)[0] if row is None or row[0] is None else int(row[0])

    def indexed_percent(self) -> int:
        return percent_of(self._index.backlog())

    def index_older(self, text_of: Callable[[Record], str], limit: int) -> int:
        backlog = self._index.backlog()
        if backlog is None:
            return 100
        check_slice(limit)
        first, following = backlog
        rows = self._database.rows(
            f"select {_RECORD}, e.arrival, e.ets, e.channel, e.user, e.place from entry e cross join record r"
            " on r.arrival = e.arrival where e.arrival <= ? and e.notice = 0 order by e.arrival desc limit ?",
            (following, limit),
        )
        for row in rows:
            arrival, ets, channel, user, place = row[5:]
            words = "" if place is not None else " ".join(words_of(text_of(self._headers.record(row[:5]))))
            place = self._index.take_place(ets) if words else None
            if place is not None:
                marks = f"{channel_mark(channel)} {user_mark(user)}"
                self._index.add(IndexedText(place=place, arrival=arrival, marks=marks, words=words))
                self._database.run("update entry set place = ? where arrival = ?", (place, arrival))
        following = rows[-1][5] - 1 if len(rows) == limit else 0
        self._index.advance(following)
        return percent_of((first, following) if following else None)

    # Acknowledgements

    def acknowledged(self, peer: DeviceId) -> list[tuple[ChannelId, Log, DeviceId, int]]:
        self._write_acknowledged()
        rows = self._database.rows(
            "select i.id, c.lane % 2, d.id, a.seq from acknowledged a join chain c on c.number = a.chain"
            " join identifier i on i.number = c.lane / 2 join identifier d on d.number = c.device"
            " where a.peer = ? order by i.id, c.lane, d.id",
            (self._chains.find(peer),),
        )
        return [(ChannelId(row[0]), Log(row[1]), DeviceId(row[2]), row[3]) for row in rows]

    def acknowledge(self, peer: DeviceId, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> None:
        if seq < 0:
            raise ValueError("a place in a chain is not negative")
        chain = self._chains.chain(self._chains.lane(channel, log), device)
        name = self._chains.number(peer), chain.number
        self._acknowledged[name] = max(seq, self._acknowledged.get(name, -1))

    def _write_acknowledged(self) -> None:
        self._database.run_many(
            "insert into acknowledged values (?, ?, ?) on conflict do update set seq = max(seq, excluded.seq)",
            ((*name, seq) for name, seq in self._acknowledged.items()),
        )
        self._acknowledged.clear()

    def forget_acknowledged(self, peer: DeviceId) -> None:
        self._write_acknowledged()
        self._database.run("delete from acknowledged where peer = ?", (self._chains.find(peer),))


def _after_all_with(prefix: bytes) -> bytes | None:
    """The least key greater than every key with the prefix; None where there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None
