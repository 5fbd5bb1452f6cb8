"""What is held of a channel's records, looked up: headers, places, and what an elided record is rebuilt from."""

from multichat_tui.model.frames import Prefix
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log, RecordId
from multichat_tui.model.records import Header, Record
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, End, chain_key
from multichat_tui.sync.elision import Place, Surroundings

KEPT_HEADERS = 2048
"""About 2 MB, which the database's own cache of headers mostly shares: some pages on their way in each direction."""


class Held:
    """`fresh`: delivered in this batch, to be sent on without reading it again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.fresh: dict[tuple[ChannelId, ChainKey, int], Record] = {}
        self.fresh_by_id: dict[RecordId, Record] = {}
        self._headers: dict[RecordId, Header] = {}
        """Of held records: lately delivered, sent or asked about. The oldest goes first."""

    def add(self, channel: ChannelId, record: Record) -> None:
        """It was delivered just now."""
        self.fresh[channel, chain_key(record.header), record.header.seq] = record
        self.fresh_by_id[record.id] = record
        self.remember(record)

    def renew(self, record: Record) -> None:
        """Its body has gone: if it is to be sent on, then without."""
        if record.id in self.fresh_by_id:
            self.fresh[record.channel, chain_key(record.header), record.header.seq] = record
            self.fresh_by_id[record.id] = record

    def end_batch(self) -> None:
        self.fresh.clear()
        self.fresh_by_id.clear()

    def holds(self, channel: Channel, header: Header, identifier: RecordId) -> bool:
        """Whether a dependency is here and stands where the header says it does. What stands in the other log, or in another
        channel, is as absent as what does not exist: else one channel could be asked what is held of another."""
        log = Log.CONTROL if identifier in header.control_heads else header.log
        if log == Log.CONTROL:
            return channel.control.operation(identifier) is not None
        if identifier in channel.chains.heads[Log.CONTENT] or identifier in channel.chains.hole_ends:
            return True
        held = self.fresh_by_id.get(identifier) or self._world.txn.record(identifier)
        return held is not None and held.channel == channel.id and held.header.log == log

    def _at(self, channel: Channel, log: Log, prefix: Prefix, seq: int) -> RecordId | None:
        chains = channel.chains
        end = chains.ends.get((log, prefix))
        if (end is None or seq > end.seq) and (log, prefix) in chains.islands and chains.holds((log, prefix), seq):
            end = chains.islands[log, prefix].end
        if end is None or seq > end.seq:
            return None
        if end.seq == seq:
            return end.id
        shown = chains.hole_end((log, prefix), seq) if chains.holes else None
        return self._world.txn.in_chain(channel.id, log, end.device, seq) if shown is None else shown.id

    def surroundings(self, channel: Channel) -> Surroundings:
        chains = channel.chains

        def ets(identifier: RecordId) -> int:
            found = chains.heads[Log.CONTENT].get(identifier)
            if found is None:
                found = chains.heads[Log.CONTROL].get(identifier)
            if found is not None:
                return found
            shown = chains.hole_ends.get(identifier)
            header = self.header_of(identifier) if shown is None else shown
            return 0 if header is None else header.ets

        def control_heads(identifier: RecordId) -> tuple[RecordId, ...]:
            shown = chains.hole_ends.get(identifier)
            header = self.header_of(identifier) if shown is None else shown
            return () if header is None else header.control_heads

        def control_heads_of(identifier: RecordId) -> tuple[RecordId, ...]:
            end = chains.by_id.get(identifier)
            return control_heads(identifier) if end is None else end.control_heads

        return Surroundings(
            channel=channel.id,
            device=channel.devices.get,
            at=lambda log, prefix, seq: self._at(channel, log, prefix, seq),
            ets=ets,
            control_heads=control_heads_of,
        )

    def place(self, channel: Channel, identifier: RecordId) -> Place | None:
        """Where a held record stands."""
        end = channel.chains.by_id.get(identifier) or channel.chains.hole_ends.get(identifier)
        if end is not None:
            header: Header | End = end
        else:
            found = self.header_of(identifier)
            if found is None or (found.channel or identifier) != channel.id:
                return None
            header = found
        forked = bool(channel.chains.forks) and any(key[1] == header.device[:PREFIX_SIZE] for key in channel.chains.forks)
        return Place(device=header.device, seq=header.seq, ets=header.ets, forked=forked)

    def header_of(self, identifier: RecordId) -> Header | None:
        """The header of a held record; mostly without a look into the database, as records cite what was lately here."""
        header = self._headers.get(identifier)
        if header is None:
            record = self._world.txn.record(identifier)
            if record is None:
                return None
            self.remember(record)
            header = record.header
        return header

    def remember(self, record: Record) -> None:
        """The header of a record that is held is about to be wanted."""
        if len(self._headers) >= KEPT_HEADERS:
            del self._headers[next(iter(self._headers))]
        self._headers[record.id] = record.header
