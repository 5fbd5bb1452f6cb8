"""What is missing, and whom it is asked from; what others ask for."""

from multichat_tui.model.frames import ChainRange, Request
from multichat_tui.model.ids import PREFIX_SIZE, RecordId
from multichat_tui.model.limits import GAP_DELAY_MS, MAX_REQUEST_IDS, MAX_REQUEST_RANGES
from multichat_tui.node.holdings import MAX_UNHEARD_CHAINS, accepts
from multichat_tui.node.pages import Pages
from multichat_tui.node.statements import Statements
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.elision import Mismatch, Missing
from multichat_tui.sync.session import Session, Want


class Requests:
    """Asks for what is missing; answers what others ask for."""

    def __init__(self, world: World, pages: Pages, statements: Statements) -> None:
        self._world = world
        self._pages = pages
        self._statements = statements

    def on_request(self, session: Session, request: Request) -> None:
        world = self._world
        if request.statements:
            self._statements.send(session, request.statements)
        channel = world.by_prefix.get(request.channel)
        if channel is None or not channel.rooted or not channel.serves(session.device):
            return
        for entry in request.ranges:
            if entry.device != world.identity.device[:PREFIX_SIZE] and (entry.log, entry.device) in channel.chains.ends:
                session.relay_delay[entry.device] = 0
        self._pages.asked(session, channel, request)

    def plan(self, channel: Channel) -> None:
        """Ask for what is known to be missing: each chain from one peer at a time, the nearest that offers most of it."""
        world = self._world
        channel.plan_at = None
        if not channel.live:
            return
        sessions = [s for s in world.sessions.values() if channel.id in s.offered and accepts(channel, s)]
        ranges: dict[int, list[ChainRange]] = {}
        chosen: dict[int, Session] = {}
        for key in {key for session in sessions for key in session.offered[channel.id]}:
            held = channel.chains.held(key)
            offering = [(s.offered[channel.id].get(key, -1), s) for s in sessions]
            best = max(offered for offered, _ in offering)
            want = channel.wants.get(key)
            if best <= held:
                channel.wants.pop(key, None)
                for session in sessions:
                    session.offered[channel.id].pop(key, None)
                continue
            if want is not None and want.link in world.sessions and world.now < want.deadline and want.last > held:
                self.plan_again(channel, want.deadline)
                continue
            tries = 0 if want is None or want.last <= held else want.tries + 1
            candidates = sorted((s for offered, s in offering if offered > held), key=lambda s: s.rtt.timeout_ms(0))
            session = candidates[tries % len(candidates)]
            last = session.offered[channel.id][key]
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
        asked = session.asked_ids.setdefault(channel.id, {})
        ids: list[RecordId] = []
        for identifier in missing.ids:
            if world.now >= asked.get(identifier, 0) and len(ids) < MAX_REQUEST_IDS:
                if len(asked) > MAX_REQUEST_IDS * 4:
                    asked.clear()
                asked[identifier] = world.now + session.rtt.timeout_ms(0)
                ids.append(identifier)
        if ids:
            world.send(session, Request(channel=channel.id[:PREFIX_SIZE], ids=tuple(ids)))

    def ask_full(self, session: Session, channel: Channel, mismatch: Mismatch) -> None:
        self._world.count("elision-mismatch")
        request = ChainRange(device=mismatch.device, log=mismatch.log, first=mismatch.seq, last=mismatch.seq)
        self._world.send(session, Request(channel=channel.id[:PREFIX_SIZE], ranges=(request,), full=True))
