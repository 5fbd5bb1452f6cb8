"""Numbers for ids, chain ends and heads: read into memory when first wanted, and written once per commit rather than per record.

The rule: after a rollback nothing of this is believed any more; `forget` empties it and the tables are read again.
"""

from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId
from multichat_tui.model.records import Record
from multichat_tui.model.values import dataclass
from multichat_tui.store.database import Database

CACHED = 16_384
"""Entries kept of each kind between transactions; beyond it all are read again when wanted."""


@dataclass(slots=True)
class Chain:
    """A row of the table; `seq` is -1 and `id` empty where none of its records is held."""

    number: int
    seq: int
    id: bytes
    ets: int


@dataclass(slots=True)
class _Heads:
    stored: frozenset[RecordId]
    now: set[RecordId]
    awaited: set[RecordId]


class Chains:
    """The tables identifier, chain, head and awaited."""

    __slots__ = ("_chains", "_changed_chains", "_changed_heads", "_database", "_heads", "_numbers")

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._chains: dict[tuple[int, bytes], Chain] = {}
        self._heads: dict[int, _Heads] = {}
        self._changed_chains: dict[tuple[int, bytes], Chain] = {}
        self._changed_heads: set[int] = set()

    def trim(self) -> None:
        """After a commit: keep memory bounded."""
        if (
            max(len(self._numbers), len(self._chains), sum(len(heads.now) + len(heads.awaited) for heads in self._heads.values()))
            > CACHED
        ):
            self.forget()

    def find(self, identifier: bytes) -> int | None:
        """The number of an id, if it has one."""
        number = self._numbers.get(identifier)
        if number is None:
            row = self._database.row("select number from identifier where id = ?", (identifier,))
            if row is None:
                return None
            number = self._numbers[identifier] = int(row[0])
        return number

    def number(self, identifier: bytes) -> int:
        """The number of an id, given now if it has none."""
        number = self.find(identifier)
        if number is None:
            row = self._database.row("insert into identifier (id) values (?) returning number", (identifier,))
            assert row is not None
            number = self._numbers[identifier] = int(row[0])
        return number

    def find_lane(self, channel: ChannelId, log: Log) -> int | None:
        number = self.find(channel)
        return None if number is None else 2 * number + log

    def lane(self, channel: ChannelId, log: Log) -> int:
        return 2 * self.number(channel) + log

    def find_chain(self, lane: int, device: DeviceId) -> Chain | None:
        chain = self._chains.get((lane, device))
        if chain is None:
            number = self.find(device)
            row = None
            if number is not None:
                row = self._database.row(
                    "select number, ifnull(seq, -1), ifnull(id, x''), ifnull(ets, 0) from chain where lane = ? and device = ?",
                    (lane, number),
                )
            if row is None:
                return None
            chain = self._chains[lane, device] = Chain(*row)
        return chain

    def chain(self, lane: int, device: DeviceId) -> Chain:
        """The chain, made now if there is none."""
        chain = self.find_chain(lane, device)
        if chain is None:
            row = self._database.row(
                "insert into chain (lane, device) values (?, ?) returning number", (lane, self.number(device))
            )
            assert row is not None
            chain = self._chains[lane, device] = Chain(int(row[0]), -1, b"", 0)
        return chain

    def extend(self, lane: int, device: DeviceId, chain: Chain, record: Record) -> None:
        """The record counts as the chain's end if it is further than all before; of a fork, the first that came does."""
        if record.header.seq > chain.seq:
            chain.seq, chain.id, chain.ets = record.header.seq, record.id, record.header.ets
            self._changed_chains[lane, device] = chain

    def _heads_of(self, lane: int) -> _Heads:
        heads = self._heads.get(lane)
        if heads is None:
            stored = frozenset(RecordId(row[0]) for row in self._database.rows("select id from head where lane = ?", (lane,)))
            awaited = {RecordId(row[0]) for row in self._database.rows("select id from awaited where lane = ?", (lane,))}
            heads = self._heads[lane] = _Heads(stored, set(stored), awaited)
        return heads

    def heads(self, lane: int) -> tuple[RecordId, ...]:
        return tuple(sorted(self._heads_of(lane).now))

    def is_head(self, lane: int, record: RecordId) -> bool:
        return record in self._heads_of(lane).now

    def awaits(self, lane: int) -> bool:
        return bool(self._heads_of(lane).awaited)

    def uncited(self, lane: int, record: RecordId) -> None:
        """A record came: it is a head, unless one that cites it came before."""
        heads = self._heads_of(lane)
        if record in heads.awaited:
            heads.awaited.discard(record)
            self._database.run("delete from awaited where lane = ? and id = ?", (lane, record))
        else:
            heads.now.add(record)
            self._changed_heads.add(lane)

    def cite(self, lane: int, record: RecordId) -> bool:
        """Whether the record was a head; it is none any more."""
        heads = self._heads_of(lane).now
        if record not in heads:
            return False
        heads.discard(record)
        self._changed_heads.add(lane)
        return True

    def await_record(self, lane: int, record: RecordId) -> None:
        """Cited, and not held."""
        self._heads_of(lane).awaited.add(record)
        self._database.run("insert or ignore into awaited (lane, id) values (?, ?)", (lane, record))

    def write(self) -> None:
        """Bring the tables up to date."""
        self._database.run_many(
            "update chain set seq = ?, id = ?, ets = ? where number = ?",
            ((chain.seq, chain.id, chain.ets, chain.number) for chain in self._changed_chains.values()),
        )
        self._changed_chains.clear()
        for lane in self._changed_heads:
            heads = self._heads[lane]
            self._database.run_many(
                "delete from head where lane = ? and id = ?", ((lane, i) for i in sorted(heads.stored - heads.now))
            )
            self._database.run_many("insert into head values (?, ?)", ((lane, i) for i in sorted(heads.now - heads.stored)))
            heads.stored = frozenset(heads.now)
        self._changed_heads.clear()
