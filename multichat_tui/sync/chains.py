"""Chains: what is held of a channel, here and at peers, by the last record of each chain."""

from dataclasses import dataclass
from typing import TypeAlias

from multichat_tui.model.frames import ChainTip, Prefix
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, digest
from multichat_tui.model.limits import MAX_BRANCHES
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.records import Header, Record

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


def chain_key(header: Header) -> ChainKey:
    return header.log, header.device[:PREFIX_SIZE]


class Chains:
    """The chains of one channel, and the heads of its two logs with their ets."""

    __slots__ = ("_digest", "by_id", "ends", "forks", "heads")

    def __init__(self) -> None:
        self.ends: dict[ChainKey, End] = {}
        """Of a forked chain, the end of the branch that was the first to come furthest."""
        self.forks: dict[ChainKey, dict[RecordId, int]] = {}
        """The ends of all branches of the chains that fork, with their seqs."""
        self.by_id: dict[RecordId, End] = {}
        self.heads: dict[Log, dict[RecordId, int]] = {Log.CONTROL: {}, Log.CONTENT: {}}
        self._digest: bytes | None = None

    @classmethod
    def of(cls, txn: Transaction, channel: ChannelId) -> "Chains":
        """The chains of a channel as stored."""
        chains = cls()
        for end in txn.chain_ends(channel):
            record = txn.record(end.id)
            if record is not None:
                chains.ends[end.log, end.device[:PREFIX_SIZE]] = chains.by_id[end.id] = End(
                    device=end.device,
                    seq=end.seq,
                    id=end.id,
                    ets=end.ets,
                    control_heads=record.header.control_heads,
                )
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
        heads = self.heads[header.log]
        for parent in header.parents:
            heads.pop(parent, None)
        if header.prev is not None:
            heads.pop(header.prev, None)
        heads[record.id] = header.ets
        return forked

    def digest(self) -> bytes:
        """Over what is held: equal on two nodes exactly if they hold the same records. Kept until a record is delivered."""
        if self._digest is None:
            parts = [
                bytes([key[0]]) + self.ends[key].device + seq.to_bytes(8, "big") + leaf
                for key in sorted(self.ends)
                for leaf, seq in sorted(self.leaves(key).items())
            ]
            self._digest = digest("mc.fp.channel", b"".join(parts))
        return self._digest

    def leaves(self, key: ChainKey) -> dict[RecordId, int]:
        """The ends of a chain's branches with their seqs: one, unless it forks."""
        forked = self.forks.get(key)
        if forked is not None:
            return forked
        end = self.ends[key]
        return {end.id: end.seq}

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
