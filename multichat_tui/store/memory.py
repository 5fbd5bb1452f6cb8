"""The twin of the real store: plain structures in memory, with the same order, the same refusals and the same rollback.

In simulation it is what survives a crash, so a block that raises leaves it exactly as it was.
"""

import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial
from typing import Any, cast

from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.limits import MAX_DEVICE_REFERENCES
from multichat_tui.model.mailbox_store import MailboxStore
from multichat_tui.model.ports import ChainEnd, Space, TimelineEntry, Transaction
from multichat_tui.model.records import Absence, Proof, Record
from multichat_tui.model.searching import Search, holds_all, words_of
from multichat_tui.model.snapshots import Position
from multichat_tui.model.values import dataclass
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
from multichat_tui.store.memory_mailbox import MailboxState, MemoryMailbox
from multichat_tui.store.search import place_range
from multichat_tui.store.undo import UndoLog


@dataclass(frozen=True, slots=True)
class _Held:
    record: Record
    arrival: int
    arrived_ms: int


@dataclass(slots=True)
class _LogState:
    """One log of a channel. Lists ascend."""

    arrivals: list[int] = field(default_factory=list)
    chains: dict[DeviceId, list[tuple[int, int]]] = field(default_factory=dict)
    """(seq, arrival): of a fork, the branch that came first stands first."""
    heads: set[RecordId] = field(default_factory=set)
    awaited: set[RecordId] = field(default_factory=set)
    """Parents and prevs that are not held: below a horizon. If one comes after all, it is no head."""


@dataclass(slots=True)
class _Timeline:
    """One channel's entries. Lists ascend."""

    order: list[tuple[int, RecordId]] = field(default_factory=list)
    """(ets, id) of the visible ones."""
    arrivals: list[int] = field(default_factory=list)
    """Of the visible ones."""
    devices: dict[DeviceId, list[int]] = field(default_factory=dict)
    """Arrivals of all, hidden too."""


@dataclass(slots=True)
class _State:
    values: dict[Space, dict[bytes, bytes]] = field(default_factory=lambda: {space: {} for space in Space})
    keys: dict[Space, list[bytes]] = field(default_factory=lambda: {space: [] for space in Space})
    held: dict[RecordId, _Held] = field(default_factory=dict)
    by_arrival: dict[int, RecordId] = field(default_factory=dict)
    logs: dict[tuple[ChannelId, Log], _LogState] = field(default_factory=dict)
    entries: dict[RecordId, TimelineEntry] = field(default_factory=dict)
    replies: dict[RecordId, list[int]] = field(default_factory=dict)
    """Arrivals of what answers a record. Those of forgotten channels stay; arrival numbers are never used again."""
    references: dict[RecordId, dict[tuple[int, DeviceId], list[tuple[int, RecordId]]]] = field(default_factory=dict)
    """By target, then by kind and device: (ets, id) of what refers to it. Lists ascend."""
    unseen_references: list[int] = field(default_factory=list)
    """Arrivals of entries that are to be looked at again for what they refer to. Ascends."""
    timelines: dict[ChannelId, _Timeline] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    """Of what can be searched for: by time, then in the order in which it was shown. Ascends."""
    texts: dict[int, tuple[RecordId, tuple[str, ...]]] = field(default_factory=dict)
    """(id, folded words) by place."""
    place_of: dict[RecordId, int] = field(default_factory=dict)
    acknowledged: dict[DeviceId, dict[tuple[ChannelId, Log, DeviceId], int]] = field(default_factory=dict)
    last_arrival: int = 0
    expiring: dict[int, int] = field(default_factory=dict)
    """When records are due to expire, by arrival."""
    due: list[tuple[int, int]] = field(default_factory=list)
    """The same as (at_ms, arrival); ascends."""
    mailbox: MailboxState = field(default_factory=MailboxState)


class MemoryStore:
    """A `ports.Store` without a disk."""

    def __init__(self) -> None:
        self._state = _State()
        self._open = True
        self._inside = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if not self._open:
            raise RuntimeError("the store is closed")
        if self._inside:
            raise RuntimeError("transactions do not nest")
        self._inside = True
        undo = UndoLog()
        transaction = _MemoryTransaction(self._state, undo)
        try:
            yield transaction
        except BaseException:
            undo.roll_back()
            raise
        finally:
            transaction.end()
            self._inside = False

    def close(self) -> None:
        self._open = False


class _MemoryTransaction:
    __slots__ = ("_state", "_undo")

    def __init__(self, state: _State, undo: UndoLog) -> None:
        self._state = state
        self._undo = undo

    def end(self) -> None:
        self._state = cast(_State, ENDED)

    @property
    def mailbox(self) -> MailboxStore:
        return MemoryMailbox(self._state.mailbox, self._undo)

    # Small values

    def get(self, space: Space, key: bytes) -> bytes | None:
        return self._state.values[space].get(key)

    def put(self, space: Space, key: bytes, value: bytes) -> None:
        values = self._state.values[space]
        if key not in values:
            self._undo.insert(self._state.keys[space], key)
        self._undo.assign(values, key, value)

    def delete(self, space: Space, key: bytes) -> None:
        values = self._state.values[space]
        if key in values:
            self._undo.remove(self._state.keys[space], key)
            self._undo.drop(values, key)

    def scan(self, space: Space, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
        values, keys = self._state.values[space], self._state.keys[space]
        found = []
        for place in range(bisect.bisect_left(keys, prefix), len(keys)):
            if not keys[place].startswith(prefix):
                break
            found.append((keys[place], values[keys[place]]))
        return found

    # Records

    def append(self, record: Record, arrived_ms: int, arrival: int | None = None) -> int:
        state, undo = self._state, self._undo
        if record.id in state.held:
            raise ValueError("this record is held already")
        if arrival is None:
            arrival = self.reserve_arrivals(1)
        elif arrival in state.by_arrival:
            raise ValueError("another record has this arrival number")
        undo.assign(state.held, record.id, _Held(as_held(record), arrival, arrived_ms))
        undo.assign(state.by_arrival, arrival, record.id)
        header = record.header
        log = undo.opened(state.logs, (record.channel, header.log), _LogState)
        undo.insert(log.arrivals, arrival)
        undo.insert(undo.opened(log.chains, header.device, list), (header.seq, arrival))
        for parent in cited(header):
            if not undo.discard(log.heads, parent) and parent not in state.held:
                undo.add(log.awaited, parent)
        if not undo.discard(log.awaited, record.id):
            undo.add(log.heads, record.id)
        return arrival

    def prove(self, record: RecordId, proof: Proof) -> None:
        held = self._state.held.get(record)
        if held is not None:
            proven = _Held(replace(held.record, proof=proof), held.arrival, held.arrived_ms)
            self._undo.assign(self._state.held, record, proven)

    def drop_body(self, record: RecordId, absence: Absence) -> bool:
        held = self._state.held.get(record)
        if held is None or held.record.absence is absence:
            return False
        self._forget_text(record)
        self._replace(held, replace(held.record, body=None, absence=absence))
        return held.record.body is not None

    def fill_body(self, record: RecordId, body: bytes) -> None:
        held = self._state.held.get(record)
        changed = filled(None if held is None else held.record, body)
        assert held is not None
        self._replace(held, changed)

    def _replace(self, held: _Held, record: Record) -> None:
        self._undo.assign(self._state.held, record.id, _Held(record, held.arrival, held.arrived_ms))

    def missing_bodies(self, channel: ChannelId, limit: int) -> list[RecordId]:
        check_positions(None, None, limit)
        log = self._state.logs.get((channel, Log.CONTENT))
        newest_first = (self._at(arrival) for arrival in reversed(log.arrivals)) if log else iter(())
        return [record.id for record in newest_first if record.absence is Absence.MISSING][:limit]

    def expire_at(self, record: RecordId, at_ms: int) -> None:
        held = self._state.held.get(record)
        if held is not None:
            self.done_expiring(record)
            self._undo.assign(self._state.expiring, held.arrival, at_ms)
            self._undo.insert(self._state.due, (at_ms, held.arrival))

    def expired(self, until_ms: int, limit: int) -> list[RecordId]:
        check_positions(None, None, limit)
        due = self._state.due[: bisect.bisect_left(self._state.due, (until_ms + 1, 0))]
        return [self._state.by_arrival[arrival] for _, arrival in due[:limit]]

    def done_expiring(self, record: RecordId) -> None:
        held = self._state.held.get(record)
        at_ms = None if held is None else self._state.expiring.get(held.arrival)
        if held is not None and at_ms is not None:
            self._undo.remove(self._state.due, (at_ms, held.arrival))
            self._undo.drop(self._state.expiring, held.arrival)

    def next_expiry(self) -> int | None:
        return self._state.due[0][0] if self._state.due else None

    def reserve_arrivals(self, count: int) -> int:
        state = self._state
        self._undo.run(partial(setattr, state, "last_arrival", state.last_arrival))
        state.last_arrival += count
        return state.last_arrival - count + 1

    def holds(self, record: RecordId) -> bool:
        return record in self._state.held

    def record(self, record: RecordId) -> Record | None:
        held = self._state.held.get(record)
        return held.record if held else None

    def arrival(self, record: RecordId) -> tuple[int, int] | None:
        held = self._state.held.get(record)
        return (held.arrival, held.arrived_ms) if held else None

    def _at(self, arrival: int) -> Record:
        return self._state.held[self._state.by_arrival[arrival]].record

    def _chain(self, channel: ChannelId, log: Log, device: DeviceId) -> list[tuple[int, int]]:
        state = self._state.logs.get((channel, log))
        return state.chains.get(device, []) if state else []

    def in_chain(self, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> RecordId | None:
        arrival = self.arrival_in_chain(channel, log, device, seq)
        return None if arrival is None else self._state.by_arrival[arrival]

    def chain(self, channel: ChannelId, log: Log, device: DeviceId, first: int, last: int) -> list[Record]:
        chain = self._chain(channel, log, device)
        low, high = bisect.bisect_left(chain, (first, 0)), bisect.bisect_left(chain, (last + 1, 0))
        return [self._at(arrival) for _, arrival in chain[low:high]]

    def arrivals(self, channel: ChannelId, log: Log, after: int, limit: int) -> list[tuple[int, Record]]:
        check_positions(None, None, limit)
        state = self._state.logs.get((channel, log))
        if state is None:
            return []
        start = bisect.bisect_right(state.arrivals, after)
        return [(arrival, self._at(arrival)) for arrival in state.arrivals[start : start + limit]]

    def arrival_in_chain(self, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> int | None:
        chain = self._chain(channel, log, device)
        place = bisect.bisect_left(chain, (seq, 0))
        return chain[place][1] if place < len(chain) and chain[place][0] == seq else None

    def places(
        self, channel: ChannelId, log: Log, device: DeviceId, first: int, last: int, limit: int, *, newest_first: bool
    ) -> list[tuple[int, int]]:
        chain = self._chain(channel, log, device)
        low, high = bisect.bisect_left(chain, (first, 0)), bisect.bisect_left(chain, (last + 1, 0))
        arrivals: dict[int, int] = {}
        for seq, arrival in chain[low:high]:
            arrivals.setdefault(seq, arrival)
        return sorted(arrivals.items(), reverse=newest_first)[:limit]

    def chain_ends(self, channel: ChannelId) -> list[ChainEnd]:
        ends = []
        for log in Log:
            state = self._state.logs.get((channel, log))
            for device, chain in sorted(state.chains.items()) if state else ():
                place = bisect.bisect_left(chain, (chain[-1][0], 0))
                record = self._at(chain[place][1])
                header = record.header
                ends.append(ChainEnd(log=log, device=device, seq=header.seq, id=record.id, ets=header.ets))
        return ends

    def heads(self, channel: ChannelId, log: Log) -> tuple[RecordId, ...]:
        state = self._state.logs.get((channel, log))
        return tuple(sorted(state.heads)) if state else ()

    def is_head(self, channel: ChannelId, log: Log, record: RecordId) -> bool:
        state = self._state.logs.get((channel, log))
        return state is not None and record in state.heads

    def awaits(self, channel: ChannelId, log: Log) -> bool:
        state = self._state.logs.get((channel, log))
        return state is not None and bool(state.awaited)

    def forget_channel(self, channel: ChannelId) -> None:
        state, undo = self._state, self._undo
        for log in Log:
            for arrival in state.logs[channel, log].arrivals if (channel, log) in state.logs else ():
                record = state.by_arrival[arrival]
                self._forget_text(record)
                self.done_expiring(record)
                undo.drop(state.entries, record)
                self._forget_references(state.held[record].record)
                undo.drop(state.held, record)
                undo.drop(state.by_arrival, arrival)
            undo.drop(state.logs, (channel, log))
        undo.drop(state.timelines, channel)
        for peer, chains in list(state.acknowledged.items()):
            for chain in [chain for chain in chains if chain[0] == channel]:
                undo.drop(chains, chain)
            if not chains:
                undo.drop(state.acknowledged, peer)
        self.delete(Space.CHANNEL, channel)
        for key, _ in self.scan(Space.FORK, channel):
            self.delete(Space.FORK, key)

    def _forget_references(self, record: Record) -> None:
        place, device = (record.header.ets, record.id), record.header.device
        for groups in self._state.references.values():
            for (_, by), noted in groups.items():
                if by == device and place in noted:
                    self._undo.remove(noted, place)

    # Timelines

    def show(self, entry: TimelineEntry, text: str | None = None, *, reply_to: RecordId | None = None) -> None:
        state, undo = self._state, self._undo
        held = state.held.get(entry.id)
        check_entry(entry, held.record if held else None, held.arrival if held else None)
        timeline = undo.opened(state.timelines, entry.channel, _Timeline)
        before = state.entries.get(entry.id)
        if before is None:
            undo.insert(undo.opened(timeline.devices, entry.device, list), entry.arrival)
        elif not before.hidden:
            undo.remove(timeline.order, (before.ets, before.id))
            undo.remove(timeline.arrivals, before.arrival)
        if not entry.hidden:
            undo.insert(timeline.order, (entry.ets, entry.id))
            undo.insert(timeline.arrivals, entry.arrival)
        undo.assign(state.entries, entry.id, entry)
        if text is not None:
            self._find_by(entry, tuple(words_of(text)))
        if reply_to is not None and entry.arrival not in state.replies.get(reply_to, ()):
            undo.insert(undo.opened(state.replies, reply_to, list), entry.arrival)

    def replies(self, record: RecordId, limit: int) -> list[TimelineEntry]:
        check_positions(None, None, limit)
        state = self._state
        held = [state.by_arrival[arrival] for arrival in state.replies.get(record, ()) if arrival in state.by_arrival]
        return [state.entries[identifier] for identifier in held if not state.entries[identifier].hidden][:limit]

    def replied(self, records: Sequence[RecordId]) -> frozenset[RecordId]:
        check_many(records)
        return frozenset(record for record in records if self._state.replies.get(record))

    def index_older_replies(self, reply_of: Callable[[Record], RecordId | None], limit: int) -> bool:
        return True

    def refer(self, record: RecordId, targets: Sequence[tuple[RecordId, int]]) -> None:
        state, undo = self._state, self._undo
        held = state.held.get(record)
        if held is None:
            raise ValueError("this record is not held")
        header = held.record.header
        for target, kind in targets:
            groups = undo.opened(state.references, target, dict)
            noted = undo.opened(groups, (kind, header.device), list)
            if (header.ets, record) not in noted:
                undo.insert(noted, (header.ets, record))
                for last in noted[MAX_DEVICE_REFERENCES:]:
                    undo.remove(noted, last)

    def references(
        self, target: RecordId, limit: int, *, kinds: Sequence[int] = (), by: Sequence[DeviceId] | None = None
    ) -> list[Record]:
        check_positions(None, None, limit)
        found = {
            place
            for (kind, device), noted in self._state.references.get(target, {}).items()
            if (not kinds or kind in kinds) and (by is None or device in by)
            for place in noted
        }
        return [self._state.held[record].record for _, record in sorted(found)[:limit]]

    def referred(self, records: Sequence[RecordId]) -> frozenset[RecordId]:
        check_many(records)
        return frozenset(record for record in records if any(self._state.references.get(record, {}).values()))

    def look_ahead(self, records: Sequence[RecordId]) -> None:
        check_many(records)

    def look_again_at_references(self) -> None:
        state = self._state
        self._undo.run(partial(setattr, state, "unseen_references", state.unseen_references))
        state.unseen_references = sorted(entry.arrival for entry in state.entries.values())

    def older_references(self, limit: int) -> list[tuple[TimelineEntry, Record]]:
        state = self._state
        if not state.unseen_references:
            return []
        check_slice(limit)
        self._undo.run(partial(setattr, state, "unseen_references", state.unseen_references))
        slice_ = state.unseen_references[-limit:]
        state.unseen_references = state.unseen_references[: -len(slice_)]
        held = [arrival for arrival in reversed(slice_) if arrival in state.by_arrival]
        return [(self._entry_at(arrival), self._at(arrival)) for arrival in held]

    def entry(self, record: RecordId) -> TimelineEntry | None:
        return self._state.entries.get(record)

    def _entry_at(self, arrival: int) -> TimelineEntry:
        return self._state.entries[self._state.by_arrival[arrival]]

    def _timelines(self, channels: tuple[ChannelId, ...]) -> list[_Timeline]:
        found = (self._state.timelines.get(channel) for channel in dict.fromkeys(channels))
        return [timeline for timeline in found if timeline is not None]

    def entries_by_device(self, channel: ChannelId, device: DeviceId) -> list[TimelineEntry]:
        timeline = self._state.timelines.get(channel)
        return [self._entry_at(arrival) for arrival in timeline.devices.get(device, [])] if timeline else []

    def timeline(
        self, channels: tuple[ChannelId, ...], *, before: Position | None, after: Position | None, limit: int
    ) -> list[tuple[TimelineEntry, Record]]:
        check_positions(before, after, limit)
        places: list[tuple[int, RecordId]] = []
        for timeline in self._timelines(channels):
            order = timeline.order
            if after is not None:
                start = bisect.bisect_right(order, (after.ets, after.id))
                places += order[start : start + limit]
            else:
                end = len(order) if before is None else bisect.bisect_left(order, (before.ets, before.id))
                places += order[max(0, end - limit) : end]
        places.sort()
        page = places[:limit] if after is not None else places[len(places) - min(limit, len(places)) :]
        return [(self._state.entries[i], self._state.held[i].record) for _, i in page]

    def unread(self, channels: tuple[ChannelId, ...], after_arrival: int, mine: tuple[DeviceId, ...]) -> tuple[int, int]:
        entries = mentions = 0
        for timeline in self._timelines(channels):
            start = bisect.bisect_right(timeline.arrivals, after_arrival)
            for arrival in timeline.arrivals[start:]:
                entry = self._entry_at(arrival)
                if entry.device not in mine and not entry.notice:
                    entries += 1
                    mentions += entry.mention
                if mentions >= UNREAD_CAP:
                    break
        return min(entries, UNREAD_CAP), min(mentions, UNREAD_CAP)

    def newest(self, channels: tuple[ChannelId, ...]) -> tuple[int, int] | None:
        timelines = [timeline for timeline in self._timelines(channels) if timeline.order]
        if not timelines:
            return None
        return max(t.order[-1][0] for t in timelines), max(t.arrivals[-1] for t in timelines)

    # Searching

    def _find_by(self, entry: TimelineEntry, words: tuple[str, ...]) -> None:
        state, undo = self._state, self._undo
        place = state.place_of.get(entry.id)
        self._forget_text(entry.id)
        if words and place is None:
            first, end = place_range(entry.ets, entry.ets + 1)
            at = bisect.bisect_left(state.places, end)
            place = max(first, state.places[at - 1] + 1) if at else first
            place = place if place < end else None
        if words and place is not None:
            undo.insert(state.places, place)
            undo.assign(state.texts, place, (entry.id, words))
            undo.assign(state.place_of, entry.id, place)

    def _forget_text(self, record: RecordId) -> None:
        state, undo = self._state, self._undo
        place = state.place_of.get(record)
        if place is not None:
            undo.remove(state.places, place)
            undo.drop(state.texts, place)
            undo.drop(state.place_of, record)

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
        state = self._state
        first, end = place_range(search.since_ms, search.until_ms)
        if before is not None:
            end = min(end, state.place_of.get(before.id, place_range(before.ets, before.ets)[0]))
        found: list[tuple[TimelineEntry, Record]] = []
        low = bisect.bisect_left(state.places, first)
        for at in range(bisect.bisect_left(state.places, end) - 1, low - 1, -1):
            if len(found) == limit:
                break
            record, words = state.texts[state.places[at]]
            entry = state.entries[record]
            if (
                not entry.hidden
                and entry.channel not in without
                and entry.user not in not_by
                and (not search.channels or entry.channel in search.channels)
                and (not search.users or entry.user in search.users)
                and holds_all(words, search)
            ):
                found.append((entry, state.held[record].record))
        return found

    def indexed_percent(self) -> int:
        return 100

    def index_older(self, text_of: Callable[[Record], str], limit: int) -> int:
        return 100

    # Acknowledgements

    def acknowledged(self, peer: DeviceId) -> list[tuple[ChannelId, Log, DeviceId, int]]:
        chains = self._state.acknowledged.get(peer, {})
        return [(channel, log, device, seq) for (channel, log, device), seq in sorted(chains.items())]

    def acknowledge(self, peer: DeviceId, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> None:
        if seq < 0:
            raise ValueError("a place in a chain is not negative")
        chains: dict[Any, int] = self._undo.opened(self._state.acknowledged, peer, dict)
        if chains.get((channel, log, device), -1) < seq:
            self._undo.assign(chains, (channel, log, device), seq)

    def forget_acknowledged(self, peer: DeviceId) -> None:
        if peer in self._state.acknowledged:
            self._undo.drop(self._state.acknowledged, peer)
