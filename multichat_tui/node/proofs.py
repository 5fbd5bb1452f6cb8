"""Records on their way out: what a peer is sent it can prove, so that nobody is blamed for what another has signed badly.

A record that was taken because a later one covers it (`sync.runs`) is sent in a frame with that one, or after its own signature
was looked at, which happens once. If that does not hold, it goes only with its cover: in a stretch of the log, as it arrived
here, that ends where everything in it is covered. Peers of version 1 of the link protocol take no such record and get none.
"""

from multichat_tui.crypto.keys import verify
from multichat_tui.model.ids import Log, RecordId
from multichat_tui.model.limits import PAGE_RECORDS
from multichat_tui.model.records import Proof, Record, signed_bytes
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, chain_key
from multichat_tui.sync.runs import covers, uncovered

COVERING_VERSION = 2
"""From this version of the link protocol on a record may be proven by another one."""
REMEMBERED = 4096
"""Signatures that were looked at lately, by record; about 0.5 MB."""


class Proofs:
    def __init__(self, world: World) -> None:
        self._world = world
        self._looked: dict[RecordId, Proof] = {}

    def frames(self, channel: Channel, records: list[Record], version: int) -> list[list[Record]]:
        """The records as they may be sent to a peer of that version, each list in a frame of its own. What cannot be proven to it
        is left out, and what follows that in its chain."""
        if all(record.proof is Proof.OWN for record in records):
            return [records]
        if version < COVERING_VERSION:
            kept = self._by_themselves(records)
            return [kept] if kept else []
        alone = next((r for r in records if r.proof is not Proof.OWN and r in self._bare(records)), None)
        if alone is None:
            return [records]
        before, after = records[: records.index(alone)], records[records.index(alone) + 1 :]
        stretch = self._stretch(channel, alone)
        sent = {record.id for record in stretch} or {alone.id}
        rest = [record for record in after if record.id not in sent]
        if not stretch:
            self._world.count("record-not-provable")
            rest = [record for record in rest if chain_key(record.header) != chain_key(alone.header)]
        frames = self.frames(channel, before, version) if before else []
        frames += [stretch] if stretch else []
        return frames + (self.frames(channel, rest, version) if rest else [])

    def _bare(self, records: list[Record]) -> tuple[Record, ...]:
        """Those that neither hold by themselves nor are covered by another one here."""
        return tuple(record for record in uncovered(records) if self._proof(record) is Proof.COVER_ONLY)

    def _by_themselves(self, records: list[Record]) -> list[Record]:
        kept: list[Record] = []
        ended: set[ChainKey] = set()
        for record in records:
            key = chain_key(record.header)
            if self._proof(record) is Proof.COVER_ONLY:
                ended.add(key)
            if key not in ended:
                kept.append(record)
        return kept

    def _stretch(self, channel: Channel, record: Record) -> list[Record]:
        """From this record on what arrived here, up to where all is covered: it came in one frame. Empty if not so."""
        arrival = self._world.txn.arrival(record.id)
        if arrival is None:
            return []
        bare: dict[RecordId, Record] = {}
        stretch: list[Record] = []
        for _, each in self._world.txn.arrivals(channel.id, Log.CONTENT, arrival[0] - 1, PAGE_RECORDS):
            stretch.append(each)
            below = None if each.header.prev is None else bare.get(each.header.prev)
            if below is not None and covers(each, below):
                del bare[below.id]
            if self._proof(each) is Proof.COVER_ONLY:
                bare[each.id] = each
            if not bare:
                return stretch
        return []

    def _proof(self, record: Record) -> Proof:
        """How the record is proven; its own signature is looked at if that is not known yet."""
        if record.proof is not Proof.COVER:
            return record.proof
        found = self._looked.get(record.id)
        if found is None:
            holds = verify(record.header.device, signed_bytes(record.id), record.signature)
            found = Proof.OWN if holds else Proof.COVER_ONLY
            self._world.txn.prove(record.id, found)
            if len(self._looked) >= REMEMBERED:
                self._looked.clear()
            self._looked[record.id] = found
        return found
