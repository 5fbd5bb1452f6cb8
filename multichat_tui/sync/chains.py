"""Chains: what is held of a channel, here and at peers, by the last record of each chain."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import Damaged
from multichat_tui.model.frames import ChainTip, Prefix
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, digest
from multichat_tui.model.limits import MAX_BRANCHES
from multichat_tui.model.ports import ChainEnd, Space, Transaction
from multichat_tui.model.records import Header, Record, decode_header, record_id
from multichat_tui.model.values import dataclass
from multichat_tui.sync.islands import Gap, Hole, decode_gap, decode_hole, encode_gap

SEQ_SIZE = 8
"""Bytes of a seq in a key of the store."""
ChainKey: TypeAlias = tuple[Log, Prefix]
"""A chain of a channel: its log, and the first bytes of its device's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The newest record of a chain held here."""

    device: DeviceId
    seq: int
    id: RecordId
    ets: int
    control_heads: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Island:
    """What is held of a chain above a gap: from `first`, whose prev is `under`, to `end`."""

    first: int
    under: RecordId | None
    """None for an island that begins with the first record of its chain, and so is none any more (`Chains.join`)."""
    end: End

    def encoded(self, lower: End | None) -> bytes:
        """As stored, with the end of what is held below the gap."""
        return encode_gap(Gap(lower=None if lower is None else lower.id, first=self.first, under=self.under, end=self.end.id))


def chain_key(header: Header) -> ChainKey:
    return header.log, header.device[:PREFIX_SIZE]


def _end(record: Record) -> End:
    return end_of(record.header, record.id)


def end_of(header: Header, identifier: RecordId) -> End:
    return End(device=header.device, seq=header.seq, id=identifier, ets=header.ets, control_heads=header.control_heads)


class Chains:
    """The chains of one channel, and the heads of its two logs with their ets."""

    __slots__ = ("_digest", "by_id", "ends", "forks", "heads", "hole_ends", "holes", "islands")

    def __init__(self) -> None:
        self.ends: dict[ChainKey, End] = {}
        """Of a forked chain, the end of the branch that was the first to come furthest."""
        self.islands: dict[ChainKey, Island] = {}
        """Of content chains with a gap: what is held above it. `ends` speaks of what is below."""
        self.forks: dict[ChainKey, dict[RecordId, int]] = {}
        """The ends of all branches of the chains that fork, with their seqs."""
        self.holes: dict[ChainKey, tuple[Hole, ...]] = {}
        """What of content chains is withheld from this device, ascending: it counts as held."""
        self.hole_ends: dict[RecordId, End] = {}
        """The last record of each hole, whose header was shown; of forked chains, too."""
        self.by_id: dict[RecordId, End] = {}
        self.heads: dict[Log, dict[RecordId, int]] = {Log.CONTROL: {}, Log.CONTENT: {}}
        self._digest: bytes | None = None

    @classmethod
    def of(cls, txn: Transaction, channel: ChannelId) -> "Chains":
        """The chains of a channel as stored."""
        chains = cls()
        chains._load_holes(txn, channel)
        gaps = {name[ID_SIZE:]: decode_gap(value) for name, value in txn.scan(Space.GAP, channel)}
        for end in txn.chain_ends(channel):
            chains._load(txn, end, gaps.get(end.device) if end.log is Log.CONTENT else None)
        for key, holes in chains.holes.items():
            last = chains.hole_end(key, holes[-1].last)
            if last is not None and holes[-1].last > chains.held(key) and key not in chains.forks:
                chains._move(key, last)
        for name, _ in txn.scan(Space.FORK, channel):
            leaf = txn.record(RecordId(name[-ID_SIZE:]))
            if leaf is not None:
                chains.forks.setdefault(chain_key(leaf.header), {})[leaf.id] = leaf.header.seq
        for log in Log:
            for head in txn.heads(channel, log):
                record = txn.record(head)
                if record is not None:
                    chains.heads[log][head] = record.header.ets
        return chains

    def _load(self, txn: Transaction, stored: ChainEnd, gap: Gap | None) -> None:
        key = (stored.log, stored.device[:PREFIX_SIZE])
        lower = stored.id if gap is None else gap.lower
        record = None if lower is None else txn.record(lower)
        if record is not None:
            self.ends[key] = self.by_id[record.id] = _end(record)
        top = None if gap is None else txn.record(gap.end)
        if gap is not None and top is not None:
            self.islands[key] = Island(first=gap.first, under=gap.under, end=_end(top))
            self.by_id[top.id] = self.islands[key].end

    # What is withheld

    def _load_holes(self, txn: Transaction, channel: ChannelId) -> None:
        for name, value in txn.scan(Space.HOLE, channel):
            hole = decode_hole(int.from_bytes(name[-SEQ_SIZE:], "big"), value)
            header = decode_header(hole.header_bytes)
            if isinstance(header, Rejected):
                raise Damaged("The profile's record of what is withheld is not readable.", "Restore the profile from a backup.")
            key = chain_key(header)
            self.holes[key] = (*self.holes.get(key, ()), hole)
            identifier = record_id(hole.header_bytes)
            self.hole_ends[identifier] = end_of(header, identifier)

    def skip(self, header: Header, hole: Hole) -> Hole:
        """What lies between the part that is held from 0 and this record, with it, is withheld: from now on it counts as held.
        Returns the hole as it is then, one with that right below it. Not of chains that fork."""
        self._digest = None
        key = chain_key(header)
        holes = self.holes.get(key, ())
        if holes and holes[-1].last == hole.first - 1:
            self.hole_ends.pop(record_id(holes[-1].header_bytes), None)
            hole = replace(hole, first=holes[-1].first)
            holes = holes[:-1]
        self.holes[key] = (*holes, hole)
        end = end_of(header, record_id(hole.header_bytes))
        self.hole_ends[end.id] = end
        self._move(key, end)
        return hole

    def _move(self, key: ChainKey, end: End | None) -> None:
        before = self.ends.pop(key, None)
        if before is not None:
            self.by_id.pop(before.id, None)
        if end is not None:
            self.ends[key] = self.by_id[end.id] = end

    def hole(self, key: ChainKey, seq: int) -> Hole | None:
        """The hole that a place lies in."""
        return next((hole for hole in self.holes.get(key, ()) if hole.first <= seq <= hole.last), None)

    def hole_end(self, key: ChainKey, seq: int) -> End | None:
        """The record at a place, if a hole ends there."""
        hole = self.hole(key, seq)
        return None if hole is None or hole.last != seq else self.hole_ends.get(record_id(hole.header_bytes))

    def reopen(self, key: ChainKey, below: End | None) -> Hole | None:
        """The last hole of a chain is none any more: what is in it is missing. `below`: the record before it. None if that has
        to wait until the chain has no island, or where it forks."""
        if key in self.islands or key in self.forks:
            return None
        self._digest = None
        *holes, hole = self.holes.pop(key)
        if holes:
            self.holes[key] = tuple(holes)
        end, last = self.ends[key], self.hole_ends.pop(record_id(hole.header_bytes))
        self._move(key, below)
        if end.seq > hole.last:
            self.islands[key] = Island(first=hole.last + 1, under=last.id, end=end)
            self.by_id[end.id] = end
        return hole

    def gap(self, key: ChainKey) -> tuple[int, int] | None:
        """The first and last seq that are missing below what is held above. None too where the chain forks: on which branch the
        island stands shows only when what is below it has come by its id."""
        island = self.islands.get(key)
        return None if island is None or key in self.forks else (self.held(key) + 1, island.first - 1)

    def top(self, key: ChainKey) -> int:
        """The seq of the newest record that is held; -1 for none."""
        island = self.islands.get(key)
        return self.held(key) if island is None else island.end.seq

    def holds(self, key: ChainKey, seq: int) -> bool:
        island = self.islands.get(key)
        return seq <= self.held(key) or (island is not None and island.first <= seq <= island.end.seq)

    def device(self, key: ChainKey) -> DeviceId | None:
        """Whose chain it is, if any of it is held."""
        end = self.ends.get(key)
        if end is None:
            island = self.islands.get(key)
            end = None if island is None else island.end
        return None if end is None else end.device

    def advance_island(self, record: Record, *, head: bool) -> bool:
        """A record was delivered at either end of an island, or as the first of one. `head`: no record held cites it. True if by
        it the chain has become a forked one."""
        self._digest = None
        header = record.header
        key = chain_key(header)
        island = self.islands.get(key)
        if island is None:
            self.islands[key] = Island(first=header.seq, under=header.prev, end=_end(record))
            self.by_id[record.id] = self.islands[key].end
        elif header.seq > island.end.seq:
            self.by_id.pop(island.end.id, None)
            self.islands[key] = replace(island, end=_end(record))
            self.by_id[record.id] = self.islands[key].end
        else:
            self.islands[key] = replace(island, first=header.seq, under=header.prev)
        self._cite(record, head=head)
        return self._contradicts(key)

    def _contradicts(self, key: ChainKey) -> bool:
        """The part below a gap has come up to an island that does not follow it: two branches."""
        island, end = self.islands.get(key), self.ends.get(key)
        if island is None or end is None or key in self.forks or end.seq != island.first - 1 or end.id == island.under:
            return False
        self.forks[key] = {end.id: end.seq}
        return True

    def join(self, key: ChainKey, holds: Callable[[RecordId], bool]) -> bool:
        """If what an island stands on is held, it is one with the part below; in a forked chain, another branch of it, or the
        upper end of one. `holds`: whether a record is held. True if they are joined."""
        island = self.islands.get(key)
        if island is None:
            return False
        end, under, top = self.ends.get(key), island.under, island.end
        leaves = self.forks.get(key)
        if leaves is None and (under == (None if end is None else end.id)):
            if end is not None:
                self.by_id.pop(end.id, None)
            self.ends[key] = top
        elif under is None or under in (leaves or ()) or (island.first - 1 <= self.held(key) and holds(under)):
            leaves = self.forks.setdefault(key, {} if end is None else {end.id: end.seq})
            if under is not None:
                leaves.pop(under, None)
            leaves[top.id] = top.seq
            if end is None or top.seq > end.seq:
                self.ends[key] = top
            else:
                self.by_id.pop(top.id, None)
        else:
            return False
        self._digest = None
        del self.islands[key]
        return True

    def held(self, key: ChainKey) -> int:
        """The seq up to which the chain is held; -1 for nothing."""
        end = self.ends.get(key)
        return -1 if end is None else end.seq

    def advance(self, record: Record) -> bool:
        """A record was delivered. True if by it the chain has become a forked one."""
        self._digest = None
        header = record.header
        key = chain_key(header)
        end = self.ends.get(key)
        forked = False
        if key in self.forks or (end is not None and end.id != header.prev):
            forked = key not in self.forks
            leaves = self.forks.setdefault(key, {} if end is None else {end.id: end.seq})
            if header.prev is not None:
                leaves.pop(header.prev, None)
            leaves[record.id] = header.seq
        if end is None or header.seq > end.seq:
            if end is not None:
                self.by_id.pop(end.id, None)
            self.ends[key] = self.by_id[record.id] = End(
                device=header.device, seq=header.seq, id=record.id, ets=header.ets, control_heads=header.control_heads
            )
        self._cite(record, head=True)
        return forked or self._contradicts(key)

    def _cite(self, record: Record, *, head: bool) -> None:
        header = record.header
        heads = self.heads[header.log]
        for parent in header.parents:
            heads.pop(parent, None)
        if header.prev is not None:
            heads.pop(header.prev, None)
        if head:
            heads[record.id] = header.ets

    def digest(self) -> bytes:
        """Over what is held: equal on two nodes exactly if they hold the same records. Kept until a record is delivered."""
        if self._digest is None:
            parts = [
                bytes([key[0]]) + self.ends[key].device + seq.to_bytes(8, "big") + leaf
                for key in sorted(self.ends)
                for leaf, seq in sorted(self.leaves(key).items())
            ]
            for island in (self.islands[key] for key in sorted(self.islands)):
                first, last = island.first.to_bytes(8, "big"), island.end.seq.to_bytes(8, "big")
                parts.append(b"\xff" + island.end.device + first + last + island.end.id)
            self._digest = digest("mc.fp.channel", b"".join(parts))
        return self._digest

    def leaves(self, key: ChainKey) -> dict[RecordId, int]:
        """The ends of a chain's branches with their seqs: one, unless it forks."""
        forked = self.forks.get(key)
        if forked is not None:
            return forked
        end = self.ends.get(key)
        return {} if end is None else {end.id: end.seq}

    def named(self, key: ChainKey) -> tuple[ChainTip, ...]:
        """What an offer or an acknowledgement says of a chain that is held: a tip for each branch, but of no more than
        `MAX_BRANCHES`, those first that no record follows. To the rest the chains lead of those who have written upon them."""
        leaves = self.leaves(key)
        heads = self.heads[key[0]]
        named = sorted(leaves, key=lambda leaf: (leaf not in heads, leaf))[:MAX_BRANCHES]
        return tuple(
            ChainTip(device=key[1], log=key[0], seq=leaves[leaf], hash=leaf[:PREFIX_SIZE])
            for leaf in sorted(named, key=lambda leaf: (leaves[leaf], leaf))
        )

    def tips(self) -> tuple[ChainTip, ...]:
        return tuple(tip for key in sorted(self.ends) for tip in self.named(key))
