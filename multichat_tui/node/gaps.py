"""Gaps in what is held of a channel, as they are shown: history that is still to come, and messages that wait for others."""

from multichat_tui.model.depth import SETTING, parse_depth
from multichat_tui.model.economy import Mode
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import DAY_MS
from multichat_tui.model.limits import MAX_ASKS
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import Gap
from multichat_tui.node.economy import costs
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.parking import Awaited, Parking
from multichat_tui.sync.session import Session

SHOWN_AFTER_MS = 3000
"""What waits is shown when nothing of its channel has come for so long: mostly it is on its way."""


def missing_below(channel: Channel) -> int:
    """Content that is known to exist below a channel's edge, and is not held."""
    chains = channel.chains
    found = 0
    for key, island in chains.islands.items():
        # Of a forked chain one at least: what the island stands on.
        found += max(1 if key in chains.forks else 0, island.first - 1 - chains.held(key))
    if channel.edge is not None:
        quiet = channel.edge.quiet.items()
        found += sum(max(0, seq - chains.held(key)) for key, seq in quiet if key not in chains.islands)
    return found


def withheld_count(channel: Channel) -> tuple[int, int]:
    """(how many records are withheld from us, the greatest ets of those that are known)."""
    chains = channel.chains
    count = sum(hole.last - hole.first + 1 for holes in chains.holes.values() for hole in holes)
    ends = (chains.hole_end(key, hole.last) for key, holes in chains.holes.items() for hole in holes)
    return count, max((end.ets for end in ends if end is not None), default=0)


def lies_below(channel: Channel, key: ChainKey, seq: int) -> bool:
    """Whether a place is in what history is still to bring."""
    chains, edge = channel.chains, channel.edge
    if key not in chains.forks and chains.hole(key, seq) is not None:
        return True
    if edge is None or chains.holds(key, seq):
        return False
    gap = chains.gap(key)
    return seq <= edge.quiet.get(key, -1) if gap is None else gap[0] <= seq <= gap[1]


def reached_depth(world: World, channel: Channel) -> bool:
    """Whether what is above the edge goes as deep as this user wants, and nothing more was asked for."""
    if channel.older > 0 or channel.edge is None:
        return False
    if world.mode is Mode.METERED and not any(channel.serves(s.device) and not costs(world, s) for s in world.peers()):
        return True
    try:
        depth = parse_depth((world.txn.get(Space.SETTING, SETTING.encode()) or b"all").decode())
    except ValueError:
        return False
    if depth is None:
        return False
    if depth.days:
        return channel.edge.ets < world.now - depth.count * DAY_MS
    return sum(island.end.seq - island.first + 1 for island in channel.chains.islands.values()) >= depth.count


def waits(channel: Channel, session: Session) -> bool:
    """Whether records that this peer sent are parked."""
    parking = session.parking.get(channel.id)
    return parking is not None and len(parking) > 0


def _awaited(channel: Channel, parkings: list[Parking]) -> int:
    """How many records are known to be missing for what is parked. Links may wait for the same ones."""
    awaited = set[Awaited]().union(*(parking.awaited() for parking in parkings))
    missing = 0
    for each in awaited:
        if isinstance(each, bytes):
            missing += 1
            continue
        log, device, seq = each
        if (log, device, seq - 1) not in awaited:
            # All from what is held up to there; what waits for the next place is parked itself.
            missing += max(1, seq - channel.chains.top((log, device)))
    return missing


class Gaps:
    """What the rows of channels tell of gaps, and when that changes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def of(self, channel: Channel, names: dict[UserId, str]) -> tuple[Gap, ...]:
        """The gaps of one channel, the older one first."""
        found = []
        missing = missing_below(channel)
        if missing:
            links = {want.link for key, want in channel.wants.items() if key in channel.chains.islands}
            if channel.fill is not None:
                links.add(channel.fill.link)
            sessions = [self._world.sessions[link] for link in links if link in self._world.sessions]
            found.append(
                Gap(
                    ets=0 if channel.edge is None else channel.edge.ets,
                    missing=missing,
                    asking=self._named(sessions, names),
                    paused=reached_depth(self._world, channel),
                )
            )
        withheld, ets = withheld_count(channel)
        if withheld:
            found.append(Gap(ets=ets, missing=withheld, withheld=True))
        if channel.waiting_shown:
            sessions = [session for session in self._world.sessions.values() if waits(channel, session)]
            parkings = [session.parking[channel.id] for session in sessions]
            asked = [s for s in sessions if any(a.tries < MAX_ASKS for a in s.asked_ids.get(channel.id, {}).values())]
            missing = _awaited(channel, parkings)
            if missing:
                waiting = max(len(parking) for parking in parkings)
                found.append(Gap(missing=missing, waiting=waiting, asking=self._named(asked, names)))
        return tuple(found)

    def _named(self, sessions: list[Session], names: dict[UserId, str]) -> str:
        found = sorted({names[session.user] for session in sessions if session.user is not None and session.user in names})
        return ", ".join(found[:2]) + (" and others" if len(found) > 2 else "")

    def look(self) -> None:
        """At the end of a batch: what has waited for long is shown, what waits no more is not."""
        world = self._world
        waiting = {
            identifier for session in world.sessions.values() for identifier, parking in session.parking.items() if len(parking)
        }
        for channel in world.channels.values():
            if channel.id not in waiting:
                channel.waits_since = None
            elif channel.waits_since is None:
                channel.waits_since = world.now
            shown = channel.waits_since is not None and channel.waits_since + SHOWN_AFTER_MS <= world.now
            if shown != channel.waiting_shown:
                channel.waiting_shown = shown
                world.changed_channels.add(channel.id)

    def wake_times(self) -> list[int]:
        return [
            channel.waits_since + SHOWN_AFTER_MS
            for channel in self._world.channels.values()
            if channel.waits_since is not None and not channel.waiting_shown
        ]

    def ask_again(self, channel: Channel, count: int) -> None:
        """The user wants `count` older messages, and what is waited for asked for once more, of everybody."""
        channel.older = max(channel.older, count)
        channel.fill = None
        for session in self._world.sessions.values():
            session.unfilled.pop(channel.id, None)
            session.asked_ids.pop(channel.id, None)
        channel.plan_at = self._world.now
        self._world.changed_channels.add(channel.id)
