"""Filling: a node that lags far behind asks for the newest first, and then for what is older, downwards.

When more is missing of a channel than `FAR_BEHIND_RECORDS`, an edge is drawn: what comes first is the newest, in islands of the
chains; then what is below the edge is asked for from whoever holds it, page after page, one request at a time. Nothing is kept
of it but what is delivered, so it may be broken off anywhere.
"""

from multichat_tui.crypto.keys import verify
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import ChainRange, FullItem, MessageFrame, Request
from multichat_tui.model.ids import PREFIX_SIZE, Log, RecordId
from multichat_tui.model.limits import (
    BACKFILL_ARRIVALS,
    FAR_BEHIND_RECORDS,
    JUMP_RECORDS,
    MAX_ASKS,
    MAX_ETS,
    MAX_RECORD_FAULTS,
    MAX_REQUEST_RANGES,
    NEWEST_RECORDS,
    PAGE_WINDOW,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.records import Record, decode_record, signed_bytes
from multichat_tui.node.gaps import missing_below, reached_depth
from multichat_tui.node.holes import above_holes, beyond_holes
from multichat_tui.node.islands import ISLANDS_VERSION
from multichat_tui.node.ledger import Ledger, Receipt
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, chain_key
from multichat_tui.sync.islands import Edge, Fill
from multichat_tui.sync.session import Session

MIN_WAIT_MS = 3000
"""For a page of an answer: it is large, and others may be before it."""
SILENT_FILLS = 2
"""Answers with nothing new after which a peer is not asked for these chains any more."""
CONTROL_TRIES = 3
"""A chain of the control log that was asked for so often in vain is not waited for."""


def _was_asked(fill: Fill, record: Record) -> bool:
    first, last = fill.asked.get(chain_key(record.header), (0, -1))
    return first <= record.header.seq <= last


def _in_turn(session: Session) -> tuple[int, int]:
    """Peers in the order in which they are asked: those who answer, and soon."""
    return session.silent_fills, session.rtt.timeout_ms(0)


def _is_left_over(channel: Channel, edge: Edge) -> bool:
    """Nothing that anybody tells of is missing below it: it stays for what held records name and nobody has."""
    return not channel.chains.islands and not edge.quiet


class Filling:
    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger

    # What is missing

    def beyond(self, session: Session, channel: Channel, key: ChainKey, base: int) -> int:
        """Up to which seq a peer says it holds a chain without a gap from `base` + 1; -1 if not that one."""
        offered = beyond_holes(session, channel.id, key, base, session.offered.get(channel.id, {}).get(key, -1))
        first, last = session.islands.get(channel.id, {}).get(key, (0, -1))
        if first <= base + 1:
            offered = max(offered, last)
        return offered if offered > base else -1

    def best(self, sessions: list[Session], channel: Channel, key: ChainKey) -> int:
        """The greatest seq of a chain that any of them says it holds."""
        claims = [s.offered.get(channel.id, {}).get(key, -1) for s in sessions]
        claims += [s.islands.get(channel.id, {}).get(key, (0, -1))[1] for s in sessions]
        return max(claims, default=-1)

    def settle(self, channel: Channel) -> None:
        """What was left of a gap may have come in the usual way."""
        edge = channel.edge
        if edge is None or channel.chains.islands or missing_below(channel):
            return
        if edge.quiet or not self._world.txn.awaits(channel.id, Log.CONTENT):
            self._keep(channel, edge)
            self._world.changed_channels.add(channel.id)

    # Asking

    def plan(self, channel: Channel, sessions: list[Session]) -> set[ChainKey]:
        """Ask for the newest of what is missing, if that is the way at present. Returns the chains to leave alone."""
        world = self._world
        self.settle(channel)
        able = [s for s in sessions if s.version >= ISLANDS_VERSION and (channel.id in s.offered or channel.id in s.islands)]
        keys = {key for s in able for known in (s.offered, s.islands) for key in known.get(channel.id, {})}
        own = world.identity.device[:PREFIX_SIZE]
        keys = {key for key in keys if key[0] is Log.CONTENT and key not in channel.chains.forks and key[1] != own}
        if not able or not keys:
            return set()
        best = {key: self.best(able, channel, key) for key in keys}
        fill = channel.fill
        if channel.edge is None or _is_left_over(channel, channel.edge):
            lacking = {k for k in keys if best[k] > channel.chains.held(k) and k not in channel.chains.islands}
            if sum(best[key] - channel.chains.held(key) for key in lacking) <= FAR_BEHIND_RECORDS:
                return set()
            chains = channel.chains
            tips = ((key, tip) for s in able for key, tip in s.offered.get(channel.id, {}).items())
            behind = (key for key, tip in tips if key[0] is Log.CONTROL and tip > chains.held(key))
            if not channel.rooted or any(self._awaited(channel, key) for key in behind):
                # The control log comes first and whole: who may write, and what is shown, follows from it.
                return lacking
            spans = {key: (channel.chains.held(key) + 1, best[key]) for key in lacking}
            return lacking if self._ask(channel, able, spans, NEWEST_RECORDS, live=True) else set()
        quiet = channel.edge.quiet
        chains = channel.chains
        silent = {key for key in keys & quiet.keys() - chains.islands.keys() if best[key] > chains.held(key)}
        below: dict[ChainKey, tuple[int, int]] = {}
        for key in keys:
            gap = channel.chains.gap(key)
            if gap is not None:
                below[key] = gap
            elif key in quiet and channel.chains.held(key) < min(best[key], quiet[key]):
                below[key] = (channel.chains.held(key) + 1, quiet[key])
        if fill is not None and fill.link in world.sessions and world.now < fill.deadline:
            self._again(channel, fill.deadline)
            return silent
        asked = self._probe(channel, able, silent)
        if not asked and below and not reached_depth(world, channel):
            asked = self._ask(channel, able, below, min(NEWEST_RECORDS, channel.older or NEWEST_RECORDS), live=False)
        if not asked and not reached_depth(world, channel):
            # Nobody gives the newest of what is left (for them the chain forks): it is asked for in the usual way, from below.
            return set()
        # A chain with an island is asked for in the usual way above it; nothing else of these is.
        return silent

    def _probe(self, channel: Channel, able: list[Session], silent: set[ChainKey]) -> bool:
        """Look into what peers claim to hold of chains of which nothing above the edge is known: what is newer than the edge is
        news. That others claimed as much when it was drawn proves nothing."""
        for session in sorted(able, key=_in_turn):
            claims = {key: self.best([session], channel, key) for key in silent}
            probed = session.probed.get(channel.id, {})
            spans = {
                key: (channel.chains.held(key) + 1, claim)
                for key, claim in claims.items()
                if claim > channel.chains.held(key) and probed.get(key) != claim
            }
            if spans and self._ask(channel, [session], spans, JUMP_RECORDS, live=True):
                return True
        return False

    def _awaited(self, channel: Channel, key: ChainKey) -> bool:
        """Whether a chain may still come from those who say they hold it. Who says what is not so holds up nothing for long."""
        want = channel.wants.get(key)
        return want is None or want.tries < CONTROL_TRIES

    def _ask(
        self, channel: Channel, able: list[Session], spans: dict[ChainKey, tuple[int, int]], count: int, *, live: bool
    ) -> bool:
        """Ask the nearest that has any of it at its upper end. False if nobody has."""
        world = self._world
        fill = channel.fill
        if fill is not None and fill.link in world.sessions and world.now < fill.deadline:
            self._again(channel, fill.deadline)
            return True
        tries = 0 if fill is None else fill.tries + 1
        asked_before = None if fill is None else world.sessions.get(fill.link)
        if asked_before is not None and fill is not None and not fill.moved:
            asked_before.silent_fills += 1
            if asked_before.silent_fills >= MAX_ASKS:
                self._refused(asked_before, channel, fill)
        offers = [(session, self._served(session, channel, spans)) for session in able]
        candidates = sorted((entry for entry in offers if entry[1]), key=lambda entry: _in_turn(entry[0]))
        if not candidates:
            channel.fill = None
            return False
        session, spans = candidates[0]
        asked = dict(sorted(spans.items())[:MAX_REQUEST_RANGES])
        deadline = world.now + max(MIN_WAIT_MS, session.rtt.timeout_ms(tries))
        channel.fill = Fill(link=session.link, deadline=deadline, tries=tries, asked=asked, live=live, count=count)
        channel.fill.jump = live and channel.edge is not None and not _is_left_over(channel, channel.edge)
        ranges = [ChainRange(device=k[1], log=k[0], first=first, last=last) for k, (first, last) in asked.items()]
        request = Request(channel=channel.id[:PREFIX_SIZE], ranges=tuple(ranges), newest=count)
        world.send(session, request)
        self._again(channel, deadline)
        return True

    def _served(
        self, session: Session, channel: Channel, spans: dict[ChainKey, tuple[int, int]]
    ) -> dict[ChainKey, tuple[int, int]]:
        found: dict[ChainKey, tuple[int, int]] = {}
        refused = session.unfilled.get(channel.id, {})
        for key, (first, last) in spans.items():
            tip = session.offered.get(channel.id, {}).get(key, -1)
            low, high = session.islands.get(channel.id, {}).get(key, (0, -1))
            if tip >= last or (not channel.chains.islands.get(key) and tip >= first):
                found[key] = (first, min(last, tip))
            if high >= first and (high >= last or key not in channel.chains.islands) and low <= last:
                found[key] = (max(first, low), min(last, high))
            if key in found:
                found[key] = above_holes(session, channel.id, key, *found[key])
                if found[key][0] > found[key][1]:
                    del found[key]
        return {key: span for key, span in found.items() if refused.get(key) != span[1]}

    def fills(self, session: Session, channel: Channel, key: ChainKey) -> bool:
        """Whether a peer may serve the upper end of a gap."""
        gap = channel.chains.gap(key)
        return session.version >= ISLANDS_VERSION and gap is not None and bool(self._served(session, channel, {key: gap}))

    def _again(self, channel: Channel, at: int) -> None:
        channel.plan_at = at if channel.plan_at is None else min(channel.plan_at, at)

    # Taking

    def take(self, session: Session, channel: Channel, frame: MessageFrame) -> list[tuple[ChainKey, int, RecordId]]:
        """A page of the answer to what we asked this peer: deliver it from its newest record down. Returns what was delivered."""
        world = self._world
        fill = channel.fill
        if fill is None or fill.link != session.link:
            return []
        found = (self._record(session, item) for item in frame.items if isinstance(item, FullItem))
        records = [record for record in found if record is not None and _was_asked(fill, record)]
        edge = channel.edge
        drawn = edge is None or (fill.live and _is_left_over(channel, edge))
        if drawn and not records:
            self._came(session, channel, fill, frame)
            return []
        if edge is None or drawn:
            edge = self._draw(channel)
            before, channel.edge = channel.edge, edge
        else:
            before = edge
        live, told = fill.live and bool(records), world.event_seq
        next_arrival = world.txn.reserve_arrivals(len(records)) + len(records) - 1 if live else edge.high
        self._ledger.expect(records)
        for record in reversed(records):
            if fill.jump and self._stays_below(channel, edge, fill, record):
                continue
            outcome = self._ledger.receive_history(channel, record, next_arrival)
            if outcome is Receipt.DELIVERED:
                next_arrival -= 1
                if not live:
                    edge.high = next_arrival
                    channel.older = max(0, channel.older - 1)
                if not fill.jump:
                    edge.ets = min(edge.ets, record.header.ets)
            elif outcome in (Receipt.REJECTED, Receipt.UNPROVEN):
                self._fault(session)
        delivered = [(key, seq, identifier) for _, key, seq, identifier in self._ledger.delivered]
        self._ledger.delivered.clear()
        if live:
            # Told as it would have come; further pages of the answer are what was before it.
            world.turn_events(told)
            fill.live = False
        fill.got += len(delivered)
        if delivered or fill.old:
            fill.moved, fill.tries = True, 0
            session.silent_fills = 0
        self._came(session, channel, fill, frame)
        if drawn and not delivered:
            # Nothing keeps the arrival numbers below it free.
            channel.edge = before
            return []
        self._keep(channel, edge)
        world.changed_channels.add(channel.id)
        return delivered

    def _stays_below(self, channel: Channel, edge: Edge, fill: Fill, record: Record) -> bool:
        """Whether a record of a chain of which nothing above the edge is known is older than the edge. Then the chain goes on to
        it at least, whatever was claimed."""
        key, header = chain_key(record.header), record.header
        if header.ets >= edge.ets:
            return False
        if verify(header.device, signed_bytes(record.id), record.signature) and channel.devices.get(key[1]) == header.device:
            fill.old = True
            if key in edge.quiet and key not in fill.seen:
                fill.seen.add(key)
                edge.quiet[key] = header.seq
        return True

    def _came(self, session: Session, channel: Channel, fill: Fill, frame: MessageFrame) -> None:
        """A page of an answer has come: wait for the next, or look at what is still missing."""
        fill.pages += 1
        if frame.following == 0 or fill.pages >= PAGE_WINDOW:
            self._answered(session, channel, fill, items=bool(frame.items))
        else:
            fill.deadline = self._world.now + max(MIN_WAIT_MS, session.rtt.timeout_ms(fill.tries))
        channel.plan_at = self._world.now

    def _record(self, session: Session, item: FullItem) -> Record | None:
        record = decode_record(item.header_bytes, item.signature, item.body)
        if isinstance(record, Rejected):
            self._world.count(f"record-{record.reason.value}")
            self._fault(session)
            return None
        return record

    def _fault(self, session: Session) -> None:
        session.faults += 1
        if session.faults > MAX_RECORD_FAULTS:
            self._world.close(session, "it sent too many invalid records")

    def _answered(self, session: Session, channel: Channel, fill: Fill, *, items: bool) -> None:
        """The answer is complete. Chains that it should have moved and did not are not asked of this peer again."""
        channel.fill = None
        if fill.jump and (fill.old or fill.got < fill.count):
            session.probed.setdefault(channel.id, {}).update({key: last for key, (_, last) in fill.asked.items()})
        if fill.moved:
            return
        session.silent_fills += 1
        if items and session.silent_fills < SILENT_FILLS:
            # It may have been the answer to what was asked before, which was held already.
            return
        self._refused(session, channel, fill)

    def _refused(self, session: Session, channel: Channel, fill: Fill) -> None:
        refused = session.unfilled.setdefault(channel.id, {})
        quiet = {} if channel.edge is None else channel.edge.quiet
        for key, (_, last) in fill.asked.items():
            refused[key] = last
            if key in quiet:
                # It does not have what it said that it has: only what others say counts.
                others = [s for s in self._world.sessions.values() if key not in s.unfilled.get(channel.id, {})]
                quiet[key] = min(quiet[key], self.best(others, channel, key))

    def _draw(self, channel: Channel) -> Edge:
        """The edge of a channel of which all that is missing is newer than all that is held."""
        low = self._world.txn.reserve_arrivals(BACKFILL_ARRIVALS)
        quiet: dict[ChainKey, int] = {}
        for session in self._world.sessions.values():
            for known in (session.offered.get(channel.id, {}), {k: s[1] for k, s in session.islands.get(channel.id, {}).items()}):
                for key, seq in known.items():
                    if key[0] is Log.CONTENT and key[1] in channel.devices and seq > channel.chains.held(key):
                        quiet[key] = max(seq, quiet.get(key, -1))
        first = low if channel.edge is None else min(low, channel.edge.low)
        return Edge(high=low + BACKFILL_ARRIVALS - 1, ets=MAX_ETS - 1, quiet=quiet, low=first)

    def _keep(self, channel: Channel, edge: Edge) -> None:
        """Store the edge, or rub it out when nothing is missing below it, nor anything that held records name."""
        chains = channel.chains
        edge.quiet = {k: seq for k, seq in edge.quiet.items() if k not in chains.islands and chains.held(k) < seq}
        if chains.islands or edge.quiet or self._world.txn.awaits(channel.id, Log.CONTENT):
            self._world.txn.put(Space.EDGE, channel.id, edge.encoded())
        else:
            channel.edge = None
            channel.older = 0
            channel.below.clear()
            self._world.txn.delete(Space.EDGE, channel.id)
