"""Pages: records on their way to a peer, few enough at a time, in causal order, the control log first."""

from collections.abc import Callable
from itertools import islice

from multichat_tui.model.frames import Item, MessageFrame, Request
from multichat_tui.model.ids import PREFIX_SIZE, Log, RecordId
from multichat_tui.model.limits import MAX_LACKING_BODIES, PAGE_BYTES, PAGE_RECORDS, PAGE_WINDOW
from multichat_tui.model.records import Absence, Record
from multichat_tui.node.bodies import is_whole
from multichat_tui.node.branches import Branches
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.proofs import Proofs
from multichat_tui.node.withholding import Kept, Withholding, runs_of
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, chain_key
from multichat_tui.sync.elision import DeviceTable, elide, full
from multichat_tui.sync.merging import merged
from multichat_tui.sync.session import Serving, Session, Watch


class Pages:
    def __init__(self, world: World, ledger: Ledger, withholding: Withholding) -> None:
        self._world = world
        self._ledger = ledger
        self._withholding = withholding
        self.on_lacking: Callable[[Session, Channel, set[ChainKey]], None] = lambda session, channel, keys: None
        """A peer asks for what is withheld from us, and not from it; set by `exchange`."""
        self._branches = Branches(world)
        self._proofs = Proofs(world)

    # Any records

    def send(self, session: Session, channel: Channel, records: list[Record]) -> None:
        """Send records in frames of at most a page each, and watch for their acknowledgement. What is withheld from the peer is
        told as such."""
        kept = [record for record in records if self._withholding.keeps(session, channel, record.header)]
        for key, run in runs_of(kept):
            self._withholding.tell(session, channel, key, run)
            self._watch(session, channel, key, run.last)
        page: list[Record] = []
        records = [record for record in records if record not in kept] if kept else records
        size = 0
        for record in records:
            if page and (len(page) == PAGE_RECORDS or size + record.size > PAGE_BYTES):
                self._send_page(session, channel, page)
                page, size = [], 0
            page.append(record)
            size += record.size
        if page:
            self._send_page(session, channel, page)

    def tell(self, session: Session, channel: Channel, records: list[Record]) -> None:
        """Send at most a page of records to somebody who will not acknowledge them: nothing of it is watched."""
        for frame in self._framed(session, channel, records[:PAGE_RECORDS]):
            items = tuple(full(record) for record in frame)
            self._world.send(session, MessageFrame(channel=channel.id[:PREFIX_SIZE], items=items))

    def granted(self, session: Session, channel: Channel, key: ChainKey, first: int, last: int) -> tuple[int, int]:
        """What of a range of a chain that is held a peer is served, from below; it is told what is withheld before that."""
        return self._granted(session, channel, key, first, last)

    def carry(self, session: Session, channel: Channel, records: list[Record]) -> list[Record]:
        """Say at most a page of records to somebody who reads them later: each frame can be read with what it holds, or in the
        full form. Returns what was said, or told to be withheld."""
        keeps = self._withholding.keeps
        said = [record for record in records if keeps(session, channel, record.header)]
        if said:
            self._withholding.tell_records(session, channel, said)
            records = [record for record in records if record not in said]
        for frame in self._framed(session, channel, records):
            table = DeviceTable()
            within = {record.id for record in frame}
            items = tuple(self._item_within(channel, record, table, within) for record in frame)
            self._world.send(session, MessageFrame(channel=channel.id[:PREFIX_SIZE], devices=tuple(table.prefixes), items=items))
            said += frame
        return said

    def _item_within(self, channel: Channel, record: Record, table: DeviceTable, within: set[RecordId]) -> Item:
        header = record.header
        before = {*header.parents, *(() if header.prev is None else (header.prev,))}
        if header.prev is None or not before <= within or self._prev_heads(record) != header.control_heads:
            return full(record)
        return self._item(channel, record, table)

    def _send_page(self, session: Session, channel: Channel, records: list[Record], *, whole: bool = False) -> list[Record]:
        """What was sent: mostly these records (see `proofs`)."""
        frames = self._framed(session, channel, records)
        for frame in frames:
            self._send_frame(session, channel, frame, whole=whole)
        return [record for frame in frames for record in frame]

    def _framed(self, session: Session, channel: Channel, records: list[Record]) -> list[list[Record]]:
        """The records as a peer may have them and can prove them, in frames; mostly these records (see `proofs`)."""
        records = self._as_sent(session, channel, records)
        frames = self._proofs.frames(channel, records, session.version) if records else []
        if any(frame is not records for frame in frames):
            # Others' records may have been added for their covers.
            keeps = self._withholding.keeps
            frames = [[record for record in frame if not keeps(session, channel, record.header)] for frame in frames]
            frames = [self._as_sent(session, channel, frame) for frame in frames]
        return [frame for frame in frames if frame]

    def _as_sent(self, session: Session, channel: Channel, records: list[Record]) -> list[Record]:
        """The records as this peer may have them and takes them. One that knows no records without bodies gets none, and nothing
        that follows such a one in its chain."""
        sent: list[Record] = []
        ended: set[ChainKey] = set()
        for record in records:
            as_sent = self._ledger.bodies.as_sent(session, channel, record)
            if not is_whole(as_sent, session.version):
                ended.add(chain_key(record.header))
            if chain_key(record.header) not in ended:
                sent.append(as_sent)
        return sent

    def _send_frame(self, session: Session, channel: Channel, records: list[Record], *, whole: bool) -> None:
        world = self._world
        table = DeviceTable()
        for record in records:
            self._ledger.held.remember(record)
        items = tuple(full(record) if whole else self._item(channel, record, table) for record in records)
        frame = MessageFrame(channel=channel.id[:PREFIX_SIZE], devices=tuple(table.prefixes), items=items)
        world.send(session, frame)
        for record in records:
            self._watch(session, channel, chain_key(record.header), record.header.seq)

    def _watch(self, session: Session, channel: Channel, key: ChainKey, seq: int) -> None:
        """A record went out, or that it is withheld: that is to be acknowledged."""
        world = self._world
        if session.carried:
            return
        sent = session.sent.setdefault(channel.id, {})
        sent[key] = max(seq, sent.get(key, -1))
        straight = key not in channel.chains.forks
        has = world.peer_has(session.device, channel.id, key, seq)
        if straight and not has and (channel.id, key) not in session.watches:
            watch = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(0))
            session.watches[channel.id, key] = watch

    def _item(self, channel: Channel, record: Record, table: DeviceTable) -> Item:
        if record.header.log == Log.CONTROL or chain_key(record.header) in channel.chains.forks:
            # The reader may know no device of the channel yet; and a place in a forked chain says too little.
            return full(record)
        return elide(record, table, lambda identifier: self._ledger.held.place(channel, identifier), self._prev_heads(record))

    def _prev_heads(self, record: Record) -> tuple[RecordId, ...] | None:
        header = record.header
        if header.prev is None:
            return None
        prev = self._ledger.held.header_of(header.prev)
        return None if prev is None else prev.control_heads

    # What was asked for

    def asked(self, session: Session, channel: Channel, request: Request) -> None:
        """A request: its ranges are served page by page, its ids at once."""
        if request.full or request.ids:
            records: list[Record | None] = []
            for identifier in request.ids[:PAGE_RECORDS]:
                record = self._world.txn.record(identifier)
                if record is not None and request.full and record.channel == channel.id:
                    records += self._branches.below(record, PAGE_RECORDS - len(records))
                else:
                    records.append(record)
            for entry in request.ranges:
                device = channel.chains.device((entry.log, entry.device))
                if device is not None and request.full and len(records) < PAGE_RECORDS:
                    records += self._world.txn.chain(
                        channel.id, entry.log, device, entry.first, min(entry.last, entry.first + PAGE_RECORDS - 1)
                    )
            self._answer_full(session, channel, [r for r in records if r is not None and r.channel == channel.id])
        if request.full or not request.ranges:
            return
        if request.newest:
            self._send_newest(session, channel, request)
            return
        serving = session.serving.setdefault(channel.id, Serving())
        for entry in request.ranges:
            key = (entry.log, entry.device)
            first, last = self._held(channel, key, entry.first, entry.last, newest=False)
            first, last = self._granted(session, channel, key, first, last)
            if first > last:
                continue
            serving.ranges[key] = (first, last)
            # Pages with what is asked for again were lost; the others are still on their way, and count against the window.
            serving.pages = [page for page in serving.pages if page.get(key, -1) < entry.first]
        self._serve(session, channel, serving)

    def give_bodies(self, session: Session) -> None:
        """What the peer asked for in vain has come: they do not ask again on this link (see `sync.lacking`)."""
        due, session.bodies_due = session.bodies_due, {}
        for identifier, ids in due.items():
            channel = self._world.channels.get(identifier)
            for start in range(0, len(ids) if channel is not None and channel.serves(session.device) else 0, PAGE_RECORDS):
                assert channel is not None
                asked = Request(channel=identifier[:PREFIX_SIZE], ids=tuple(ids[start : start + PAGE_RECORDS]))
                self.asked(session, channel, asked)

    def _answer_full(self, session: Session, channel: Channel, records: list[Record]) -> None:
        for record in records:
            if record.absence is Absence.MISSING and len(session.asked_in_vain) < MAX_LACKING_BODIES and not session.carried:
                session.asked_in_vain.add(record.id)
        kept = [record for record in records if self._withholding.keeps(session, channel, record.header)]
        if kept:
            self._withholding.tell_records(session, channel, kept)
            records = [record for record in records if record not in kept]
        self._send_full(session, channel, records)

    def _granted(self, session: Session, channel: Channel, key: ChainKey, first: int, last: int) -> tuple[int, int]:
        """What of a range a peer is served: from the first record not withheld from it on, up to what is withheld from us."""
        if first > last or key[0] is not Log.CONTENT:
            return first, last
        begin = self._withholding.served_from(session, channel, key, first, last)
        if begin > first:
            self._withholding.tell(session, channel, key, Kept(first=first, last=begin - 1))
            self._watch(session, channel, key, begin - 1)
        if channel.chains.hole(key, begin) is not None and begin <= last:
            if not session.carried:
                self.on_lacking(session, channel, {key})
            return begin, begin - 1
        beyond = (hole.first for hole in channel.chains.holes.get(key, ()) if hole.first > begin)
        return begin, min(last, min(beyond, default=last + 1) - 1)

    def _held(self, channel: Channel, key: ChainKey, first: int, last: int, *, newest: bool) -> tuple[int, int]:
        """What is held of a range without a gap, from its lower end on; or with `newest` from its upper one down."""
        held, island = channel.chains.held(key), channel.chains.islands.get(key)
        if island is None or (last < island.first if newest else first <= held):
            return first, min(last, held)
        return max(first, island.first), min(last, island.end.seq)

    def _send_newest(self, session: Session, channel: Channel, request: Request) -> None:
        """Of the ranges the records that came last: each page in order of arrival, the last page first. All in the full form: the
        reader may hold nothing that they could be rebuilt from. Nothing of it is watched: the reader asks again."""
        ranges: dict[ChainKey, tuple[int, int]] = {}
        for entry in request.ranges:
            key = (entry.log, entry.device)
            first, last = self._held(channel, key, entry.first, entry.last, newest=True)
            first, last = self._granted_newest(session, channel, key, first, last)
            if entry.log is Log.CONTENT and key not in channel.chains.forks and first <= last:
                ranges[key] = (first, last)
        left = min(request.newest, PAGE_RECORDS * PAGE_WINDOW)
        pages: list[list[Record]] = []
        while ranges and left > 0 and len(pages) < PAGE_WINDOW:
            page = self._fill(channel, ranges, newest_first=True)[-left:]
            if not page:
                break
            page = [self._ledger.bodies.as_sent(session, channel, record) for record in page]
            if not all(is_whole(record, session.version) for record in page):
                # It can be given by others only, or from below, up to there.
                break
            for record in page[::-1]:
                key = chain_key(record.header)
                ranges[key] = (ranges[key][0], record.header.seq - 1)
            ranges = {key: span for key, span in ranges.items() if span[0] <= span[1]}
            left -= len(page)
            keeps = self._withholding.keeps
            pages.append([record for record in page if not keeps(session, channel, record.header)])
        for following, page in zip(range(len(pages) - 1, -1, -1), pages, strict=True):
            items = tuple(full(record) for record in page)
            self._world.send(session, MessageFrame(channel=channel.id[:PREFIX_SIZE], items=items, following=following))
        if not pages:
            self._world.send(session, MessageFrame(channel=channel.id[:PREFIX_SIZE], following=0))

    def _granted_newest(self, session: Session, channel: Channel, key: ChainKey, first: int, last: int) -> tuple[int, int]:
        """The upper end of what of a range a peer is served."""
        if first > last or key[0] is not Log.CONTENT:
            return first, last
        begin = self._withholding.served_from(session, channel, key, first, last)
        if begin > first:
            self._withholding.tell(session, channel, key, Kept(first=first, last=begin - 1))
        below = [hole for hole in channel.chains.holes.get(key, ()) if hole.first <= last and hole.last >= begin]
        if below:
            self.on_lacking(session, channel, {key})
            begin = max(hole.last for hole in below) + 1
        return begin, last

    def _send_full(self, session: Session, channel: Channel, records: list[Record]) -> None:
        page: list[Record] = []
        size = 0
        for record in records[:PAGE_RECORDS]:
            if page and size + record.size > PAGE_BYTES:
                self._send_page(session, channel, page, whole=True)
                page, size = [], 0
            page.append(record)
            size += record.size
        if page:
            self._send_page(session, channel, page, whole=True)

    def acknowledged(self, session: Session, channel: Channel) -> None:
        """The peer has acknowledged something: pages that it holds make room for the next."""
        serving = session.serving.get(channel.id)
        if serving is None:
            return
        has, peer = self._world.peer_has, session.device
        serving.pages = [page for page in serving.pages if not all(has(peer, channel.id, k, seq) for k, seq in page.items())]
        self._serve(session, channel, serving)

    def _serve(self, session: Session, channel: Channel, serving: Serving) -> None:
        while serving.ranges and len(serving.pages) < PAGE_WINDOW:
            records = self._next_page(channel, serving)
            if not records:
                serving.ranges.clear()
                break
            records, stops = self._until_kept(session, channel, records)
            sent: list[Record] = []
            for start in range(0, len(records), PAGE_RECORDS):
                sent += self._send_page(session, channel, records[start : start + PAGE_RECORDS])
            page: dict[ChainKey, int] = {}
            for record in sent:
                key = chain_key(record.header)
                if key not in channel.chains.forks:
                    # What is acknowledged of several branches does not show by a seq.
                    page[key] = max(record.header.seq, page.get(key, -1))
                _, last = serving.ranges.get(key, (0, -1))
                if record.header.seq >= last:
                    serving.ranges.pop(key, None)
                else:
                    serving.ranges[key] = (record.header.seq + 1, last)
            if sent:
                serving.pages.append(page)
            for identifier in {record.id for record in records} - {record.id for record in sent}:
                # It cannot be proven to this peer: nor can what follows it.
                unproven = next(record for record in records if record.id == identifier)
                serving.ranges.pop(chain_key(unproven.header), None)
            for key, seq in stops.items():
                self._pass_over(session, channel, serving, key, seq)
        if not serving.ranges and not serving.pages:
            session.serving.pop(channel.id, None)

    def _until_kept(self, session: Session, channel: Channel, records: list[Record]) -> tuple[list[Record], dict[ChainKey, int]]:
        """Of each chain the records up to the first that is withheld, and the seq of that one."""
        stops: dict[ChainKey, int] = {}
        served = []
        for record in records:
            key = chain_key(record.header)
            if key not in stops and self._withholding.keeps(session, channel, record.header):
                stops[key] = record.header.seq
            if key not in stops:
                served.append(record)
        return (served, stops) if stops else (records, stops)

    def _pass_over(self, session: Session, channel: Channel, serving: Serving, key: ChainKey, seq: int) -> None:
        """Go on behind what is withheld from there on; an acknowledgement makes room for it, as for a page."""
        _, last = serving.ranges.pop(key, (0, -1))
        if key in channel.chains.forks or seq > last:
            return
        first, last = self._granted(session, channel, key, seq, last)
        serving.pages.append({key: first - 1})
        if first <= last:
            serving.ranges[key] = first, last

    def _next_page(self, channel: Channel, serving: Serving) -> list[Record]:
        """The next records in order of arrival, which is causal; those of the control log before any content."""
        for log in Log:
            ranges = {key: span for key, span in serving.ranges.items() if key[0] == log}
            if ranges:
                return self._fill(channel, ranges)
        return []

    def page(self, channel: Channel, ranges: dict[ChainKey, tuple[int, int]]) -> list[Record]:
        """As many records of the ranges as fit a page, in order of arrival: no more than go into one frame."""
        return self._fill(channel, ranges)[:PAGE_RECORDS]

    def _fill(self, channel: Channel, ranges: dict[ChainKey, tuple[int, int]], *, newest_first: bool = False) -> list[Record]:
        """As many records of the ranges as fit a page, the first or the last that came, in order of arrival. Costs as much as
        what is found, however much else the log holds."""

        def read(key: ChainKey, first: int, last: int, limit: int) -> list[tuple[int, int]]:
            device = channel.chains.device(key)
            assert device is not None
            return self._world.txn.places(channel.id, key[0], device, first, last, limit, newest_first=newest_first)

        chosen = list(islice(merged(ranges, read, newest_first=newest_first, expected=PAGE_RECORDS), PAGE_RECORDS))
        spans: dict[ChainKey, tuple[int, int]] = {}
        for key, seq in chosen:
            first, last = spans.get(key, (seq, seq))
            spans[key] = min(first, seq), max(last, seq)
        found: dict[tuple[ChainKey, int], list[Record]] = {}
        for key, (first, last) in spans.items():
            device = channel.chains.device(key)
            assert device is not None
            for record in self._world.txn.chain(channel.id, key[0], device, first, last):
                found.setdefault((key, record.header.seq), []).append(record)
        page = _fitting([found[place] for place in chosen])
        return page[::-1] if newest_first else page


def _fitting(places: list[list[Record]]) -> list[Record]:
    """The records of the first places, as many as fit a page; of a place with several branches all or none, as places tell how
    far a request has been served."""
    page: list[Record] = []
    size = 0
    for branches in places:
        size += sum(record.size for record in branches)
        if page and (size > PAGE_BYTES or len(page) + len(branches) > PAGE_RECORDS):
            break
        page += branches
    return page
