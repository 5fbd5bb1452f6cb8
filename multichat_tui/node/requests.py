"""What is missing, and whom it is asked from; what others ask for."""

from collections.abc import Callable
from dataclasses import replace

from multichat_tui.model.frames import ChainRange, Prefix, Request
from multichat_tui.model.ids import PREFIX_SIZE, Log, RecordId
from multichat_tui.model.limits import GAP_DELAY_MS, MAX_REQUEST_IDS, MAX_REQUEST_RANGES, SETTLED_LINK_MS
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.branches import Branches
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.filling import Filling
from multichat_tui.node.gaps import reached_depth
from multichat_tui.node.holdings import MAX_UNHEARD_CHAINS, accepts
from multichat_tui.node.pages import Pages
from multichat_tui.node.receipts import Receipts
from multichat_tui.node.statements import Statements
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.elision import Missing
from multichat_tui.sync.session import Asked, Session, Want


class Requests:
    """Asks for what is missing; answers what others ask for."""

    def __init__(
        self,
        world: World,
        pages: Pages,
        statements: Statements,
        receipts: Receipts,
        device_statements: DeviceStatements,
        filling: Filling,
    ) -> None:
        self._world = world
        self._pages = pages
        self._statements = statements
        self._filling = filling
        self._branches = Branches(world)
        self._receipts = receipts
        self._device_statements = device_statements
        self.on_lost: Callable[[Session, Channel, tuple[ChainRange, ...]], None] = lambda session, channel, ranges: None
        """Somebody who is written to through parcels lacks this; set by the engine."""

    def on_request(self, session: Session, request: Request) -> None:
        world = self._world
        if request.statements:
            self._statements.send(session, request.statements)
        if request.receipts:
            self._receipts.asked(session, request.receipts)
        if request.device_statements:
            self._device_statements.asked(session, request.device_statements)
        channel = world.by_prefix.get(request.channel)
        if channel is None or not channel.rooted or not channel.serves(session.device):
            return
        for entry in request.ranges:
            if entry.device != world.identity.device[:PREFIX_SIZE] and (entry.log, entry.device) in channel.chains.ends:
                session.asked_of.add(entry.device)
                session.in_vain = 0
                session.needs_us = session.needs_us or world.now - session.began_at > SETTLED_LINK_MS
        if session.carried and not request.full:
            # What was on its way is lost, it seems.
            self.on_lost(session, channel, request.ranges)
            request = replace(request, ranges=())
        self._pages.asked(session, channel, request)

    def plan(self, channel: Channel) -> None:
        """Ask for what is known to be missing: each chain from one peer at a time, the nearest that offers most of it."""
        world = self._world
        channel.plan_at = None
        if not channel.hears:
            return
        again_at = self._branches.ask(channel, [s for s in world.sessions.values() if accepts(channel, s)])
        if again_at is not None:
            self.plan_again(channel, again_at)
        chains = channel.chains
        sessions = [s for s in world.sessions.values() if accepts(channel, s)]
        asks = channel.standing.membership is Membership.ASKED
        filled = set() if asks else self._filling.plan(channel, sessions)
        ranges: dict[int, list[ChainRange]] = {}
        chosen: dict[int, Session] = {}
        known = {key for s in sessions for claims in (s.offered, s.islands) for key in claims.get(channel.id, {})}
        for key in known - filled:
            if self._filling.best(sessions, channel, key) <= chains.held(key):
                channel.wants.pop(key, None)
                for session in sessions:
                    session.offered.get(channel.id, {}).pop(key, None)
                    session.islands.get(channel.id, {}).pop(key, None)
                continue
            base = chains.top(key)
            offering = [(self._filling.beyond(s, channel, key, base), s) for s in sessions]
            if key in chains.islands and all(offered < 0 for offered, _ in offering):
                # Nothing above the island: what is below may be closed from its lower end, where nobody has its upper one.
                base, limit = chains.held(key), chains.islands[key].first - 1
                if key in chains.forks:
                    limit = self._filling.best(sessions, channel, key)  # beside the island there may be another branch
                elif reached_depth(world, channel) or self._fills(channel, key, sessions):
                    continue
                offering = [(min(limit, self._filling.beyond(s, channel, key, base)), s) for s in sessions]
            want = channel.wants.get(key)
            offering = [(offered, s) for offered, s in offering if offered > base]
            if not offering:
                channel.wants.pop(key, None)
                continue
            held = base
            if want is not None and want.link in world.sessions and world.now < want.deadline and want.last > held:
                self.plan_again(channel, want.deadline)
                continue
            tries = 0 if want is None or want.last <= held else want.tries + 1
            candidates = sorted((s for offered, s in offering if offered > held), key=lambda s: s.rtt.timeout_ms(0))
            session = candidates[tries % len(candidates)]
            last = next(offered for offered, s in offering if s is session)
            deadline = world.now + session.rtt.timeout_ms(tries)
            channel.wants[key] = Want(link=session.link, last=last, deadline=deadline, tries=tries)
            chosen[session.link] = session
            ranges.setdefault(session.link, []).append(ChainRange(device=key[1], log=key[0], first=held + 1, last=last))
            self.plan_again(channel, deadline)
        for link, wanted in ranges.items():
            wanted.sort(key=lambda r: (r.log, r.device))
            for start in range(0, len(wanted), MAX_REQUEST_RANGES):
                chunk = tuple(wanted[start : start + MAX_REQUEST_RANGES])
                world.send(chosen[link], Request(channel=channel.id[:PREFIX_SIZE], ranges=chunk))

    def _fills(self, channel: Channel, key: ChainKey, sessions: list[Session]) -> bool:
        """Whether a gap is filled from its upper end."""
        return channel.edge is not None and any(self._filling.fills(s, channel, key) for s in sessions)

    def plan_again(self, channel: Channel, at: int) -> None:
        channel.plan_at = at if channel.plan_at is None else min(channel.plan_at, at)

    def want(self, session: Session, channel: Channel, missing: Missing) -> None:
        """Ask for dependencies: in a moment, as they are mostly on their way."""
        world = self._world
        offered = session.offered.setdefault(channel.id, {})
        for log, device, seq in missing.places:
            if (log, device) in offered or len(offered) < MAX_UNHEARD_CHAINS:
                offered[log, device] = max(seq, offered.get((log, device), -1))
        if missing.places:
            self.plan_again(channel, world.now + GAP_DELAY_MS)
        if session.carried:
            # It may lie in a parcel that is still to be taken: what is lacking after all goes with the next one (`parcels`).
            return
        known = session.asked_ids.setdefault(channel.id, {})
        parking = session.parking.get(channel.id)
        ids: list[RecordId] = []
        if len(known) > MAX_REQUEST_IDS * 4:
            known.clear()
        for identifier in missing.ids:
            if len(ids) == MAX_REQUEST_IDS or (parking is not None and identifier in parking):
                continue
            asked = known.get(identifier)
            if asked is None or asked.again_at <= world.now:
                asked = known.setdefault(identifier, Asked(again_at=world.now))
                if missing.branch is not None and missing.branch[3] == identifier:
                    asked.branch = missing.branch[:3]
                ids.append(identifier)
        for at in self._branches.ask_ids(session, channel, ids):
            self.plan_again(channel, at)

    def ask_full(self, session: Session, channel: Channel, log: Log, device: Prefix, seq: int) -> None:
        request = ChainRange(device=device, log=log, first=seq, last=seq)
        self._world.send(session, Request(channel=channel.id[:PREFIX_SIZE], ranges=(request,), full=True))
