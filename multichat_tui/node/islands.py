"""Islands told to peers, and what peers tell of theirs: who holds what of chains above gaps."""

from multichat_tui.model.frames import HeldIsland, Islands
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, Log
from multichat_tui.model.limits import MAX_TIPS
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.node.holdings import MAX_UNHEARD_CHAINS, Holdings, accepts, shares
from multichat_tui.node.holes import Holes, forget_holes, heard_holes
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.islands import decode_edge, decode_span, encode_span
from multichat_tui.sync.session import Role, Session

ISLANDS_VERSION = 3
"""The first version of the link protocol that knows islands."""


def load_islands(txn: Transaction, world: World, channel: Channel) -> None:
    """What is stored of a channel's edge, and of its peers' islands."""
    edge = txn.get(Space.EDGE, channel.id)
    if edge is not None:
        channel.edge = decode_edge(edge)
    size = len(channel.id)
    for name, value in txn.scan(Space.ISLAND, channel.id):
        peer, author = DeviceId(name[size : 2 * size]), name[2 * size :]
        world.peer_islands(peer, channel.id)[Log.CONTENT, author[:PREFIX_SIZE]] = decode_span(value)


def forget_islands(txn: Transaction, channel: Channel) -> None:
    """The channel is forgotten: so are its gaps, what peers held, what was dated ahead, and redactions."""
    txn.delete(Space.EDGE, channel.id)
    forget_holes(txn, channel)
    for space in (Space.GAP, Space.ISLAND, Space.CITED, Space.REDACTION, Space.LAPSED):
        for name, _ in txn.scan(space, channel.id):
            txn.delete(space, name)


def forget_islands_of(world: World, peer: DeviceId) -> None:
    """What a peer was known to hold above gaps is not relied upon any more."""
    for channel, known in world.islands.pop(peer, {}).items():
        if known:
            for name, _ in world.txn.scan(Space.ISLAND, channel + peer):
                world.txn.delete(Space.ISLAND, name)


class IslandNews:
    """Tells and hears what is held above gaps."""

    def __init__(self, world: World, holdings: Holdings, holes: Holes) -> None:
        self._world = world
        self._holdings = holdings
        self._holes = holes

    def tell(self, session: Session, channel: Channel, keys: set[ChainKey] | None) -> None:
        """Of these chains, or of all: beside tips, which speak of what is below the gaps."""
        if shares(channel, session):
            self._holes.tell(session, channel, keys)
        islands = channel.chains.islands
        if session.version < ISLANDS_VERSION or not islands or not shares(channel, session):
            return
        named = sorted(islands.keys() if keys is None else islands.keys() & keys)
        for start in range(0, len(named), MAX_TIPS):
            told = []
            for key in named[start : start + MAX_TIPS]:
                end = islands[key].end
                told.append(HeldIsland(device=key[1], first=islands[key].first, last=end.seq, hash=end.id[:PREFIX_SIZE]))
            self._world.send(session, Islands(channel=channel.id[:PREFIX_SIZE], islands=tuple(told)))

    def heard(self, session: Session, frame: Islands) -> None:
        world = self._world
        channel = world.by_prefix.get(frame.channel)
        if channel is None or not accepts(channel, session) or not shares(channel, session):
            return
        heard_holes(session, channel.id, frame, MAX_UNHEARD_CHAINS)
        theirs = session.islands.setdefault(channel.id, {})
        for told in frame.islands:
            key: ChainKey = (Log.CONTENT, told.device)
            if key in channel.chains.forks:
                continue
            if channel.chains.holds(key, told.last):
                if not self._is_ours(channel, key, told):
                    world.count("forked")
                    continue
                self.note(session, channel, key, told.first, told.last)
            news = not channel.chains.holds(key, told.first) or told.last > channel.chains.top(key)
            if news and (key in theirs or len(theirs) < MAX_UNHEARD_CHAINS):
                theirs[key] = (told.first, told.last)
                session.had_news = True
                channel.plan_at = world.now

    def _is_ours(self, channel: Channel, key: ChainKey, told: HeldIsland) -> bool:
        device = channel.chains.device(key)
        ours = None if device is None else self._world.txn.in_chain(channel.id, key[0], device, told.last)
        return ours is not None and ours[:PREFIX_SIZE] == told.hash

    def note(self, session: Session, channel: Channel, key: ChainKey, first: int, last: int) -> None:
        """A peer is known to hold this part of a chain, for good."""
        world = self._world
        if world.peer_holds(session.device, channel.id).get(key, -1) >= first - 1:
            self._holdings.raise_(session, channel, key, last)
            return
        known = world.peer_islands(session.device, channel.id)
        before = known.get(key, (first, first - 1))
        if before[0] <= last + 1 and first <= before[1] + 1:
            first, last = min(first, before[0]), max(last, before[1])
        elif before[1] > last:
            return
        self._holdings.reached(session, channel, key, last)
        device = channel.chains.device(key)
        if (first, last) == known.get(key) or device is None:
            return
        known[key] = (first, last)
        world.informed.add(session.device)
        world.txn.put(Space.ISLAND, channel.id + session.device + device, encode_span(first, last))
        if device == world.identity.device:
            world.status_changed = True
            self._holdings.delivery_changed(channel, first, last)
            if channel.id in session.sent and session.role is Role.PEER and channel.serves(session.device):
                self._holdings.push(session, channel, key)
