"""What goes into a parcel for a device: records that it may have and lacks, what it is acknowledged, what it is told besides."""

from collections.abc import Callable, Iterable
from dataclasses import field
from itertools import islice
from typing import TypeAlias

from multichat_tui.channel.bodies import expires_at, retention_of
from multichat_tui.model.device_statements import DeviceStatement, StatementName
from multichat_tui.model.frames import Ack, ChannelAck, MessageFrame
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log
from multichat_tui.model.limits import (
    MAX_CARRIED_TIPS,
    MAX_COVERS,
    MAX_DEVICE_STATEMENTS,
    MAX_GATHERED_FRAMES,
    MAX_TIMESTAMP_MS,
    PAGE_RECORDS,
)
from multichat_tui.model.parcels import Cover
from multichat_tui.model.receipts import ReceiptName
from multichat_tui.model.records import Record
from multichat_tui.model.values import dataclass
from multichat_tui.node.branches import Branches
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.holdings import shares, tips_told
from multichat_tui.node.islands import IslandNews
from multichat_tui.node.pages import Pages
from multichat_tui.node.private_statements import told_to
from multichat_tui.node.receipts import Receipts
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, chain_key
from multichat_tui.sync.session import Session

ITEM_BYTES = 32
"""What an item has in a frame beside its record, at most."""
FRAMING_PART = 16
"""What frames have beside their items takes no more than this part of a parcel."""
TIP_BYTES = 32
RECEIPTS_AT_ONCE = 8
"""Receipts of one channel in one parcel; further ones go with the next."""
FRAMES_AT_ONCE = MAX_GATHERED_FRAMES // 2
"""Beyond so many no further channel is looked at: there is to be room for the rest of one, and for what is told besides."""

Place: TypeAlias = tuple[ChannelId, ChainKey]
Served: TypeAlias = Callable[[Channel, ChainKey], int | None]
"""Up to which seq a chain reaches the device by somebody else; None: it is left out for now."""


def by_nobody(channel: Channel, key: ChainKey) -> int | None:
    """Nobody else writes to the device."""
    return -1


@dataclass(slots=True, kw_only=True)
class Told:
    """What a device was told beside records. Not stored: it is told again after a start."""

    receipts: dict[ReceiptName, int] = field(default_factory=dict)
    statements: tuple[int, ...] = ()
    device_statements: dict[StatementName, int] = field(default_factory=dict)
    lying: dict[StatementName, tuple[int, int]] = field(default_factory=dict)
    """(number, serial of a deposit): what is in that need not be said again as long as that lies somewhere."""


class Covering:
    """What is on its way to a device."""

    def __init__(self, covers: Iterable[Cover]) -> None:
        self._spans: dict[Place, list[tuple[int, int]]] = {}
        self._leaves: set[tuple[Place, bytes]] = set()
        for cover in covers:
            place = cover.channel, (cover.log, cover.device[:PREFIX_SIZE])
            if cover.leaf:
                self._leaves.add((place, cover.leaf))
            else:
                self._spans.setdefault(place, []).append((cover.first, cover.last))
        for spans in self._spans.values():
            spans.sort()

    def lacking(self, channel: ChannelId, key: ChainKey, first: int, last: int) -> tuple[int, int]:
        """The lowest part of a range that is not covered; empty (first beyond last) if there is none."""
        for low, high in self._spans.get((channel, key), ()):
            if low > first:
                return first, min(last, low - 1)
            first = max(first, high + 1)
        return first, last

    def has_leaf(self, channel: ChannelId, key: ChainKey, leaf: bytes) -> bool:
        return ((channel, key), leaf[:PREFIX_SIZE]) in self._leaves


class Packing:
    def __init__(
        self, world: World, pages: Pages, receipts: Receipts, islands: IslandNews, device_statements: DeviceStatements
    ) -> None:
        self._world = world
        self._device_statements = device_statements
        self._pages = pages
        self._receipts = receipts
        self._islands = islands
        self._branches = Branches(world)
        self.expires_ms = MAX_TIMESTAMP_MS
        """When the first text that was packed last is to be gone from everywhere."""
        self._most = 0
        """Bytes of frames with records in the parcel that is packed."""
        self.said: tuple[DeviceStatement, ...] = ()
        """Our own statements that were told last."""

    def pack(self, session: Session, room: int, covering: Covering, served: Served) -> list[Cover]:
        """Say to a carried session what it lacks of the channels that are shared, in about so many bytes."""
        covers: list[Cover] = []
        self.expires_ms = MAX_TIMESTAMP_MS
        self._most = room + room // FRAMING_PART
        for channel in self._world.channels.values():
            if room <= 0 or len(session.gathered) >= FRAMES_AT_ONCE or len(covers) >= MAX_COVERS // 2:
                break
            if channel.live and shares(channel, session):
                room = self._pack_channel(session, channel, room, covering, served, covers)
        return covers

    def _pack_channel(
        self, session: Session, channel: Channel, room: int, covering: Covering, served: Served, covers: list[Cover]
    ) -> int:
        """Returns what room is left; 0 also if something did not fit, as what follows may stand on it."""
        for log in Log:
            branches: list[Record] = []
            ranges: dict[ChainKey, tuple[int, int]] = {}
            for key in [each for each in channel.chains.ends if each[0] is log]:
                by_others = served(channel, key)
                if by_others is None or channel.chains.ends[key].device == session.device:
                    continue
                if key in channel.chains.forks:
                    branches += self._lacking_branches(session, channel, key, covering, covers)
                    continue
                span = self._lacking(session, channel, key, by_others, covering, covers)
                if span[0] <= span[1] and len(ranges) < MAX_COVERS // 4:
                    ranges[key] = span
            room = self._pack_ranges(session, channel, ranges, room, covers)
            for start in range(0, len(branches), PAGE_RECORDS):
                part = branches[start : start + PAGE_RECORDS]
                if self._carry(session, channel, part) is None:
                    # The whole of them is said with the next parcel, or by a link.
                    covers[:] = [
                        cover for cover in covers if not cover.leaf or cover.channel != channel.id or cover.log is not log
                    ]
                    if not self._is_bare(session):
                        return 0
                    self._world.count("branch-fits-no-parcel")
                    break
                room -= sum(record.size + ITEM_BYTES for record in part)
            if room <= 0:
                return 0
        return room

    def _lacking(
        self, session: Session, channel: Channel, key: ChainKey, by_others: int, covering: Covering, covers: list[Cover]
    ) -> tuple[int, int]:
        """What a device lacks of a chain and may have; what is withheld before that it is told."""
        known = max(by_others, self._world.peer_top(session.device, channel.id, key))
        first, last = covering.lacking(channel.id, key, known + 1, channel.chains.held(key))
        if first > last:
            return first, last
        begin, last = self._pages.granted(session, channel, key, first, last)
        if begin > first:
            covers.append(self._cover(channel, key, first, begin - 1))
        return begin, last

    def _cover(self, channel: Channel, key: ChainKey, first: int, last: int) -> Cover:
        device = channel.chains.device(key)
        assert device is not None
        return Cover(channel=channel.id, log=key[0], device=device, first=first, last=last)

    def _pack_ranges(
        self, session: Session, channel: Channel, ranges: dict[ChainKey, tuple[int, int]], room: int, covers: list[Cover]
    ) -> int:
        while ranges and room > 0:
            page: list[Record] = []
            whole = room
            found = self._pages.page(channel, ranges)
            for record in found:
                room -= record.size + ITEM_BYTES
                if room <= 0:
                    break
                page.append(record)
            carried = self._carry(session, channel, page) if page else []
            while carried is None and len(page) > 1:
                page = page[: len(page) // 2]
                carried = self._carry(session, channel, page)
            if carried is None:
                if not self._is_bare(session):
                    return 0
                # It fits no parcel at all: a link brings it, and what stands on it.
                self._world.count("run-fits-no-parcel")
                del ranges[chain_key(page[0].header)]
                room = whole
                continue
            said: dict[ChainKey, tuple[int, int]] = {}
            for record in carried:
                key, seq = chain_key(record.header), record.header.seq
                said[key] = (said.get(key, (seq, seq))[0], seq)
            covers += [self._cover(channel, key, *span) for key, span in said.items()]
            if len(page) < len(found) or not said:
                return 0 if len(page) < len(found) else room
            for record in page:
                key, seq = chain_key(record.header), record.header.seq
                last = ranges.get(key, (0, -1))[1]
                if seq >= last or key not in said or said[key][1] < seq:
                    # Done with; or it cannot be proven to anybody, nor what follows it.
                    ranges.pop(key, None)
                else:
                    ranges[key] = (seq + 1, last)
        return room

    def _is_bare(self, session: Session) -> bool:
        """Whether a parcel holds next to nothing yet, so that there will be no more room in another one."""
        return sum(map(len, session.gathered)) * FRAMING_PART <= self._most

    def _carry(self, session: Session, channel: Channel, records: list[Record]) -> list[Record] | None:
        """What was said: these records, and what is proven only together with them. None: that does not fit, and nothing was."""
        before = len(session.gathered)
        said = self._pages.carry(session, channel, records)
        if len(session.gathered) >= MAX_GATHERED_FRAMES or sum(map(len, session.gathered)) > self._most:
            del session.gathered[before:]
            return None
        for record in said:
            due = None if record.body is None else expires_at(record.header, retention_of(channel.control, record.header))
            self.expires_ms = min(self.expires_ms, MAX_TIMESTAMP_MS if due is None else due)
        return said

    def _lacking_branches(
        self, session: Session, channel: Channel, key: ChainKey, covering: Covering, covers: list[Cover]
    ) -> list[Record]:
        """Of a chain that forks the branches whose ends the device is not known to hold, each from its end down to where there
        is one record only at a place that it holds, or as far as a page goes."""
        world, device = self._world, session.device
        known = set[bytes]()
        for each in (*world.peers(), session):
            if each.device == device:
                known |= each.branches.get((channel.id, key), set())
        held = world.peer_holds(device, channel.id).get(key, -1)
        found: dict[bytes, Record] = {}
        for leaf, seq in channel.chains.forks[key].items():
            if leaf in known or covering.has_leaf(channel.id, key, leaf) or len(found) >= PAGE_RECORDS:
                continue
            record = world.txn.record(leaf)
            if record is None:
                continue
            below = self._branches.below(record, PAGE_RECORDS)
            author = record.header.device
            branch = [
                each
                for each in below
                if each.header.seq > held
                or len(world.txn.chain(channel.id, key[0], author, each.header.seq, each.header.seq)) > 1
            ] or [record]
            found |= {each.id: each for each in branch}
            first = branch[0].header.seq
            covers.append(Cover(channel=channel.id, log=key[0], device=author, first=first, last=seq, leaf=leaf[:PREFIX_SIZE]))
        arrivals = {record.id: world.txn.arrival(record.id) or (0,) for record in found.values()}
        return sorted(found.values(), key=lambda record: arrivals[record.id][0])

    # Besides

    def acknowledge(self, session: Session, covers: list[Cover], room: int) -> None:
        """Say what we hold: of what the device is owed, and of the channels that it is written to about. What does not fit stays
        owed."""
        world = self._world
        for identifier in {cover.channel for cover in covers}:
            channel = world.channels[identifier]
            session.ack_due.setdefault(identifier, set()).update(self.named(channel, session))
        entries: list[ChannelAck] = []
        for identifier in sorted(session.ack_due):
            keys = session.ack_due[identifier]
            told = world.channels.get(identifier)
            if told is None or not keys:
                del session.ack_due[identifier]
                continue
            now = sorted(keys & told.chains.ends.keys())[: max(0, room // TIP_BYTES)]
            tips = tuple(tip for key in now for tip in tips_told(world, session, told, key))
            room -= TIP_BYTES * (1 + len(tips))
            if tips:
                entries.append(ChannelAck(channel=identifier[:PREFIX_SIZE], tips=tips))
            self._islands.tell(session, told, set(now))
            keys -= set(now)
            if not keys & told.chains.ends.keys():
                del session.ack_due[identifier]
        if entries:
            world.send(session, Ack(channels=tuple(entries)))

    def named(self, channel: Channel, session: Session) -> set[ChainKey]:
        """The chains of which a device is told how far we hold them: its own always, the others where they are few."""
        ends = channel.chains.ends
        if len(ends) <= MAX_CARRIED_TIPS:
            return set(ends)
        return {key for key in ends if key[1] == session.device[:PREFIX_SIZE]}

    def tell(self, session: Session, told: Told, covers: list[Cover], *, routes: bool) -> None:
        """Say what is new of receipts and of our own statements; device statements also without anything else, if `routes`."""
        world = self._world
        for identifier in {cover.channel for cover in covers}:
            news = self._receipts.news_for(session, world.channels[identifier], told.receipts, RECEIPTS_AT_ONCE)
            if news:
                told.receipts |= {receipt.name: receipt.number for receipt in news}
                world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), receipts=tuple(each.encoded for each in news)))
        said = self._device_statements.ours_for(session) if covers or routes else ()
        serials = {row.serial for row in world.deposits.of(session.device)}
        unheard = (s for s in said if told.device_statements.get(s.name, -1) < s.number)
        fresh = (s for s in unheard if told.lying.get(s.name, (-1, -1)) not in {(s.number, serial) for serial in serials})
        self.said = tuple(islice(fresh, MAX_DEVICE_STATEMENTS))
        if self.said:
            # Repeated until they are acknowledged, but for what lies somewhere for the device already.
            encoded = tuple(s.encoded for s in self.said)
            world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), device_statements=encoded))
        own, devices = world.identity.profile, world.identity.devices
        private = told_to(world, session.user)
        numbers = (own.number, devices.mark, *(statement.number for statement in private))
        if covers and numbers != told.statements and not world.identity.unmet:
            told.statements = numbers
            lists = (devices.encoded,) if devices.number else ()
            statements = (own.encoded, *(statement.encoded for statement in private))
            world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), statements=statements, lists=lists))
