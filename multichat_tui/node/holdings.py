"""What peers are known to hold: raised by their acknowledgements, and by what they offer and send."""

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.events import DeliveryChanged
from multichat_tui.model.frames import ChainTip, Prefix
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, Log
from multichat_tui.model.invitations import join_seed
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.branches import Branches
from multichat_tui.node.pushes import Pushes
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Role, Session

MAX_UNHEARD_CHAINS = 8192
"""Chains that a peer may say it holds, of one channel, that we know nothing of."""


def shares(channel: Channel, session: Session) -> bool:
    return channel.rooted and channel.serves(session.device)


def accepts(channel: Channel, session: Session) -> bool:
    """Whether we take this channel's records from this peer."""
    if not channel.hears or not channel.has_room or session.role in (Role.CLIENT, Role.MAILBOX):
        return False
    if channel.rooted and channel.serves(session.device):
        return True
    if channel.standing.membership is Membership.READING:
        joining = channel.standing.joining
        return session.role is Role.SOURCE and joining is not None and session.join_key == public_key(join_seed(joining.seed))
    # Before the control log is here, whoever holds the invitation's other end, or the other founder, may bring it.
    tentative = not channel.rooted or channel.standing.membership is Membership.JOINING
    return tentative and session.role in (Role.HOST, Role.PEER)


def tips_told(world: World, session: Session, channel: Channel, key: ChainKey) -> tuple[ChainTip, ...]:
    """What is said to a peer of a chain that we hold. To its author's device: how far it is held with its bodies, as what they
    learn is that their words have come."""
    tips = channel.chains.named(key)
    if not len(channel.lacking) or channel.chains.device(key) != session.device or key in channel.chains.forks:
        return tips
    lacking = channel.lacking.lowest((key,)).get(key)
    if lacking is None or lacking > channel.chains.held(key):
        return tips
    below = world.txn.in_chain(channel.id, key[0], session.device, lacking - 1) if lacking else None
    return () if below is None else (ChainTip(device=key[1], log=key[0], seq=lacking - 1, hash=below[:PREFIX_SIZE]),)


class Holdings:
    """What each peer is known to hold for good, and what it says it holds beyond that."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self._world = world
        self._pushes = pushes
        self._branches = Branches(world)

    def learn(self, session: Session, channel: Channel, tips: tuple[ChainTip, ...]) -> bool:
        """Take in what a peer says it holds; True if that is more than we hold."""
        offered = session.offered.setdefault(channel.id, {})
        lacks = False
        for tip in tips:
            key: ChainKey = (tip.log, tip.device)
            if tip.seq <= channel.chains.held(key):
                self.acknowledged(session, channel, tip)
            elif key in offered or len(offered) < MAX_UNHEARD_CHAINS:
                offered[key] = max(tip.seq, offered.get(key, -1))
                lacks = session.had_news = True
                # Of a chain that it holds further than we do, it holds all that we hold.
                end = channel.chains.ends.get(key)
                if end is not None:
                    self.raise_(session, channel, key, end.seq)
        return lacks

    def acknowledged(self, session: Session, channel: Channel, tip: ChainTip) -> None:
        """The peer holds our chain up to tip.seq, if its record there is ours; otherwise it holds a branch that we lack."""
        key: ChainKey = (tip.log, tip.device)
        if self._branches.holds(channel, key, tip.seq, tip.hash):
            self.raise_(session, channel, key, tip.seq, tip.hash)
        elif accepts(channel, session):
            self._branches.lack(session, channel, tip)

    def raise_(self, session: Session, channel: Channel, key: ChainKey, seq: int, begins: Prefix = b"") -> None:
        """A peer holds a chain up to `seq`, where the record's id begins so."""
        world = self._world
        if key in channel.chains.forks:
            if begins:
                self._branches.known(session, channel, key, seq, begins)
                world.informed.add(session.device)
            if self._branches.lacks(session, channel, key):
                return
            seq = channel.chains.held(key)
        self.reached(session, channel, key, seq)
        if not self.note(session.device, channel, key, seq):
            return
        ours = channel.chains.device(key) == world.identity.device
        if ours and channel.id in session.sent and session.role is Role.PEER and channel.serves(session.device):
            self._pushes.push(session, channel, (key,))

    def note(self, peer: DeviceId, channel: Channel, key: ChainKey, seq: int) -> bool:
        """A device is known to hold our chain up to `seq`, for good. False if that was known."""
        world = self._world
        holds = world.peer_holds(peer, channel.id)
        before = holds.get(key, -1)
        if seq <= before:
            return False
        holds[key] = seq
        world.informed.add(peer)
        device = channel.chains.device(key)
        assert device is not None
        first, last = world.peer_islands(peer, channel.id).get(key, (0, -1))
        if first <= seq + 1 and last >= 0:
            # The gap of the peer is closed.
            holds[key] = seq = max(seq, last)
            del world.peer_islands(peer, channel.id)[key]
            world.txn.delete(Space.ISLAND, channel.id + peer + device)
        world.txn.acknowledge(peer, channel.id, key[0], device, seq)
        if device == world.identity.device:
            world.status_changed = True
            if key[0] == Log.CONTENT:
                self.delivery_changed(channel, before + 1, seq)
        return True

    def reached(self, session: Session, channel: Channel, key: ChainKey, seq: int) -> None:
        """A peer has told that it holds this place of a chain: what was sent up to there has come."""
        world = self._world
        watch = session.watches.get((channel.id, key))
        if watch is None:
            return
        if seq >= session.sent.get(channel.id, {}).get(key, -1):
            if not watch.tries:
                session.rtt.measured(world.now - watch.sent_at)
            del session.watches[channel.id, key]
        elif seq > world.peer_top(session.device, channel.id, key):
            watch.tries = 0
            watch.next_at = world.now + session.rtt.timeout_ms(0)

    def push(self, session: Session, channel: Channel, key: ChainKey) -> None:
        self._pushes.push(session, channel, (key,))

    def delivery_changed(self, channel: Channel, first_seq: int, last_seq: int) -> None:
        world = self._world
        device = world.identity.device
        first = world.txn.arrival_in_chain(channel.id, Log.CONTENT, device, first_seq)
        last = world.txn.arrival_in_chain(channel.id, Log.CONTENT, device, last_seq)
        shown = world.conversation(channel)[0].id
        if first is not None and last is not None:
            world.emit(lambda seq: DeliveryChanged(seq=seq, channel=shown, first=first, last=last))
