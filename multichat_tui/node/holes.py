"""Holes: what the channel's history policy keeps from this device. It counts as held, so that nothing waits for it.

A hole is believed for the header of its last record: signed by the chain's device, and such that this node itself, by the
channel's rules as it knows them, would withhold it. When the rules change it is opened, and asked for like anything missing.
"""

from multichat_tui.crypto.keys import verify
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import HoleRange, Islands, Withheld, WithheldRange
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log, RecordId
from multichat_tui.model.limits import MAX_NAMED_BELOW, MAX_TIPS
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.records import Header, decode_header, record_id, signed_bytes
from multichat_tui.node.branches import Branches
from multichat_tui.node.holdings import Holdings, accepts
from multichat_tui.node.withholding import WITHHELD_VERSION, Withholding
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import SEQ_SIZE, ChainKey, chain_key, end_of
from multichat_tui.sync.islands import Hole
from multichat_tui.sync.parking import Awaited
from multichat_tui.sync.session import Session


class Holes:
    def __init__(self, world: World, holdings: Holdings, withholding: Withholding) -> None:
        self._world = world
        self._holdings = holdings
        self._withholding = withholding
        self._branches = Branches(world)

    # Told to us

    def take(self, session: Session, channel: Channel, frame: Withheld) -> dict[ChainKey, list[Awaited]]:
        """What is withheld from us, says a peer. Returns, by chains, the places and ids that need not be waited for any more."""
        came: dict[ChainKey, list[Awaited]] = {}
        for shown, header in self._authentic(channel, frame.ranges):
            if any(channel.control.operation(head) is None for head in header.control_heads):
                continue
            if not self._withholding.from_us(channel, header):
                # A header that covers another one; or the peer goes by other rules than we do, and somebody else is asked.
                continue
            key = chain_key(header)
            identifier = record_id(shown.header_bytes)
            if key in channel.chains.forks:
                self._note(channel, identifier, header)
                names: list[Awaited] = [identifier]
            elif shown.first <= channel.chains.held(key) + 1 and header.seq > channel.chains.held(key):
                names = self._skip(session, channel, key, header, shown)
            else:
                self._note_below(channel, identifier)
                names = [identifier]
            came.setdefault(key, []).extend(names)
        return came

    def _authentic(self, channel: Channel, ranges: tuple[WithheldRange, ...]) -> list[tuple[WithheldRange, Header]]:
        """Those whose headers are content of this channel and signed by a device that it knows, or covered by one that is."""
        found: list[tuple[WithheldRange, Header]] = []
        above: Header | None = None
        for shown in reversed(ranges):
            header = decode_header(shown.header_bytes)
            if isinstance(header, Rejected) or header.channel != channel.id or header.log is not Log.CONTENT:
                self._world.count("withheld-rejected")
                above = None
                continue
            identifier = record_id(shown.header_bytes)
            covered = above is not None and above.prev == identifier and above.device == header.device
            known = channel.devices.get(header.device[:PREFIX_SIZE]) == header.device
            place_free = channel.chains.device(chain_key(header)) in (None, header.device)
            if not (known and place_free and shown.first <= header.seq):
                above = None
                continue
            if not covered and not verify(header.device, signed_bytes(identifier), shown.signature):
                self._world.count("withheld-rejected")
                above = None
                continue
            above = header
            found.append((shown, header))
        return found[::-1]

    def _note(self, channel: Channel, identifier: RecordId, header: Header) -> None:
        """Of a chain that forks: a record that others may stand on."""
        ends = channel.chains.hole_ends
        if len(ends) < MAX_NAMED_BELOW:
            ends[identifier] = end_of(header, identifier)

    def _note_below(self, channel: Channel, identifier: RecordId) -> None:
        """Somebody may name it as parent: nothing waits for it."""
        if len(channel.below) >= MAX_NAMED_BELOW:
            channel.below.clear()
        channel.below.add(identifier)

    def _skip(self, session: Session, channel: Channel, key: ChainKey, header: Header, shown: WithheldRange) -> list[Awaited]:
        world, chains = self._world, channel.chains
        island = chains.islands.get(key)
        if island is not None and header.seq >= island.first:
            return []
        first = chains.held(key) + 1
        hole = Hole(first=first, last=header.seq, header_bytes=shown.header_bytes, signature=shown.signature)
        before = chains.holes.get(key, ())
        hole = chains.skip(header, hole)
        if before and before[-1].first == hole.first:
            world.txn.delete(Space.HOLE, _name(channel.id, header, before[-1].last))
        world.txn.put(Space.HOLE, _name(channel.id, header, hole.last), hole.encoded())
        if island is not None:
            self._branches.close_gap(channel, key, header.device)
        self._asked(session, channel, key, header.seq)
        self._holdings.raise_(session, channel, key, header.seq, record_id(shown.header_bytes)[:PREFIX_SIZE])
        world.changed_channels.add(channel.id)
        places: list[Awaited] = [(*key, header.seq), record_id(shown.header_bytes)]
        for other in world.sources():
            parking = other.parking.get(channel.id)
            for each in () if parking is None else parking.awaited():
                if not isinstance(each, bytes) and each[:2] == key and first <= each[2] < header.seq:
                    places.append(each)
        return places

    def _asked(self, session: Session, channel: Channel, key: ChainKey, seq: int) -> None:
        """What was asked for has come so far."""
        want = channel.wants.get(key)
        if want is not None and seq >= want.last:
            del channel.wants[key]
            channel.plan_at = self._world.now
        elif want is not None:
            want.deadline, want.tries = self._world.now + session.rtt.timeout_ms(0), 0

    # Opened again

    def look(self, channel: Channel) -> None:
        """At the end of a batch: what was withheld and is not by the rules as they are now is missing."""
        chains = channel.chains
        if not chains.holes or channel.holes_mask == channel.view.mask:
            return
        waits = False
        for key in sorted(chains.holes):
            header = decode_header(chains.holes[key][-1].header_bytes)
            if isinstance(header, Rejected) or self._withholding.from_us(channel, header):
                continue
            waits |= not self._open(channel, key, header)
        if not waits:
            channel.holes_mask = channel.view.mask

    def _open(self, channel: Channel, key: ChainKey, header: Header) -> bool:
        world, chains = self._world, channel.chains
        last = chains.holes[key][-1]
        below = chains.hole_end(key, last.first - 1) if last.first else None
        if below is None and last.first:
            records = world.txn.chain(channel.id, key[0], header.device, last.first - 1, last.first - 1)
            below = end_of(records[0].header, records[0].id) if records else None
        hole = chains.reopen(key, below)
        if hole is None:
            return key in chains.forks
        world.txn.delete(Space.HOLE, _name(channel.id, header, hole.last))
        if key in chains.islands:
            self._branches.close_gap(channel, key, header.device)
        for session in world.sessions.values():
            if accepts(channel, session):
                holds = world.peer_holds(session.device, channel.id).get(key, -1)
                offered = session.offered.setdefault(channel.id, {})
                offered[key] = max(holds, offered.get(key, -1), hole.last)
                session.told_holes.pop(channel.id, None)
        channel.plan_at = world.now
        world.changed_channels.add(channel.id)
        return key not in chains.holes

    # Told by us, and by others

    def tell(self, session: Session, channel: Channel, keys: set[ChainKey] | None, *, again: bool = False) -> None:
        """What our tips of these chains, or of all, speak of and we do not hold: once on each link, and when it changes."""
        holes = channel.chains.holes
        if not holes or session.version < WITHHELD_VERSION:
            return
        told = session.told_holes.setdefault(channel.id, {})
        named = sorted(holes.keys() if keys is None else holes.keys() & keys)
        news = [key for key in named if again or told.get(key) != holes[key][-1].last]
        ranges = [HoleRange(device=key[1], first=hole.first, last=hole.last) for key in news for hole in holes[key]]
        for start in range(0, len(ranges), MAX_TIPS):
            part = tuple(ranges[start : start + MAX_TIPS])
            self._world.send(session, Islands(channel=channel.id[:PREFIX_SIZE], islands=(), holes=part))
        told.update((key, holes[key][-1].last) for key in news)


def heard_holes(session: Session, channel: ChannelId, frame: Islands, most: int) -> None:
    """What a peer's tips speak of and it does not hold. Of one chain a frame names all holes."""
    theirs = session.holes.setdefault(channel, {})
    named: dict[ChainKey, list[tuple[int, int]]] = {}
    for told in frame.holes:
        named.setdefault((Log.CONTENT, told.device), []).append((told.first, told.last))
    for key, ranges in named.items():
        if key in theirs or len(theirs) < most:
            theirs[key] = tuple(sorted(ranges))


def beyond_holes(session: Session, channel: ChannelId, key: ChainKey, base: int, offered: int) -> int:
    """Up to where a peer that tells of a chain up to `offered` may serve it from `base` + 1 on; -1 if not that one."""
    for first, last in session.holes.get(channel, {}).get(key, ()):
        if first <= base + 1 <= last:
            return -1
        if first > base:
            return min(offered, first - 1)
    return offered


def above_holes(session: Session, channel: ChannelId, key: ChainKey, first: int, last: int) -> tuple[int, int]:
    """The upper end of a range, as far down as a peer may serve it; first beyond last if not even its upper end."""
    for low, high in session.holes.get(channel, {}).get(key, ()):
        if low <= last <= high:
            return last + 1, last
        if high < last:
            first = max(first, high + 1)
    return first, last


def forget_holes(txn: Transaction, channel: Channel) -> None:
    """The channel is forgotten."""
    for name, _ in txn.scan(Space.HOLE, channel.id):
        txn.delete(Space.HOLE, name)


def _name(channel: ChannelId, header: Header, last: int) -> bytes:
    return channel + header.device + last.to_bytes(SEQ_SIZE, "big")
