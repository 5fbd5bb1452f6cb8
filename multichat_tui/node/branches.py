"""Chains that fork: two records of one device stand at one place, because its profile was copied, or because it lies.

All branches are held beside each other, each a chain of its own; what is delivered depends on prev and the other dependencies by
their ids, never on which branch came first. A branch is told and asked for by its end.
"""

from collections.abc import Iterable

from multichat_tui.model.frames import ChainRange, ChainTip, Prefix, Request
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, DeviceId, Log, RecordId
from multichat_tui.model.limits import MAX_ASKS, MAX_BRANCHES, MAX_LACKING_TIPS, MAX_REQUEST_IDS, PAGE_RECORDS
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.records import Record
from multichat_tui.model.trust import AlarmKind
from multichat_tui.node.alarms import raise_alarm
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, chain_key
from multichat_tui.sync.session import Asked, Session

BELOW_VERSION = 2
"""The first version of the link protocol that answers for a record together with its chain below."""
MAX_ISLAND_STEPS = 1024
"""Records looked at to find out which branch another one stands on."""
RANGES_AT_ONCE = 32
"""Places asked for in one request: the answer has a page of records at most."""


class Branches:
    """What is held of forked chains, here and at peers, and what of them is lacking."""

    def __init__(self, world: World) -> None:
        self._world = world

    # Here

    def holds(self, channel: Channel, key: ChainKey, seq: int, begins: Prefix) -> bool:
        """Whether we hold a record at this place of a chain, on any branch, with an id that begins so."""
        end = channel.chains.ends.get(key)
        if end is None or seq > end.seq:
            return False
        if key not in channel.chains.forks and channel.chains.hole(key, seq) is not None:
            # Of what is withheld nobody can be held to be on another branch.
            return True
        if seq == end.seq and end.id[:PREFIX_SIZE] == begins:
            return True
        txn = self._world.txn
        if key in channel.chains.forks:
            return any(record.id[:PREFIX_SIZE] == begins for record in txn.chain(channel.id, key[0], end.device, seq, seq))
        found = None if seq == end.seq else txn.in_chain(channel.id, key[0], end.device, seq)
        return found is not None and found[:PREFIX_SIZE] == begins

    def has_room(self, channel: Channel, record: Record) -> bool:
        """Whether a record may begin one more branch. Beyond `MAX_BRANCHES` only what somebody else has written upon is taken,
        or a device could make everybody hold any number of them."""
        key = chain_key(record.header)
        leaves = channel.chains.forks.get(key)
        if leaves is None or len(leaves) < MAX_BRANCHES or record.header.prev in leaves:
            return True
        parkings = (session.parking.get(channel.id) for session in self._world.sources())
        return any(parking is not None and parking.cited_by_others(record.id, record.header.device) for parking in parkings)

    def advance(self, channel: Channel, record: Record) -> None:
        """A record was delivered: keep the ends of its chain's branches, if it forks."""
        newly = channel.chains.advance(record)
        self._advanced(channel, record, newly)

    def _advanced(self, channel: Channel, record: Record, newly: bool) -> None:
        key = chain_key(record.header)
        leaves = channel.chains.forks.get(key)
        if leaves is not None:
            self._keep(channel, key, record.header.device, leaves if newly else (record.id,), record.header.prev)
            if newly:
                self._found(channel, key, record.header.device)
        if key in channel.chains.islands:
            self._join(channel, key, record.header.device)

    def _keep(
        self, channel: Channel, key: ChainKey, device: DeviceId, leaves: Iterable[RecordId], before: RecordId | None
    ) -> None:
        chain = channel.id + bytes([key[0]]) + device
        for leaf in leaves:
            self._world.txn.put(Space.FORK, chain + leaf, b"")
        if before is not None:
            self._world.txn.delete(Space.FORK, chain + before)

    # Above gaps

    def advance_island(self, channel: Channel, record: Record) -> None:
        """A record was delivered above the gap of its chain."""
        head = self._world.txn.is_head(channel.id, record.header.log, record.id)
        newly = channel.chains.advance_island(record, head=head)
        key = chain_key(record.header)
        if newly:
            self._keep(channel, key, record.header.device, channel.chains.forks[key], None)
            self._found(channel, key, record.header.device)
        self._join(channel, key, record.header.device)

    def close_gap(self, channel: Channel, key: ChainKey, device: DeviceId) -> None:
        """The part below a gap has changed otherwise than by a record that was delivered."""
        self._join(channel, key, device)

    def _join(self, channel: Channel, key: ChainKey, device: DeviceId) -> None:
        """Close the gap if what the island stands on has come; keep what is left of it."""
        world, chains = self._world, channel.chains
        island = chains.islands[key]
        straight = key not in chains.forks
        if not chains.join(key, world.txn.holds):
            world.txn.put(Space.GAP, channel.id + device, island.encoded(chains.ends.get(key)))
            return
        world.txn.delete(Space.GAP, channel.id + device)
        leaves = chains.forks.get(key)
        if leaves is not None:
            self._keep(channel, key, device, leaves if straight else (island.end.id,), island.under)
            if straight:
                self._found(channel, key, device)

    def stands_above_gap(self, channel: Channel, record: Record) -> bool:
        """Whether what a record follows is held above the gap of its chain, and not from its beginning on. True too if that would
        take too long to find out: then it waits until the gap is closed."""
        key = chain_key(record.header)
        island = channel.chains.islands.get(key)
        prev = record.header.prev
        if island is None or prev is None or record.header.seq <= island.first:
            return False
        if record.header.seq > island.end.seq + 1 or prev in channel.chains.leaves(key):
            return False
        for _ in range(MAX_ISLAND_STEPS):
            held = self._world.txn.record(prev)
            if held is None or held.header.prev is None or held.header.seq < island.first:
                return False
            if held.header.seq == island.first and held.header.prev == island.under:
                return True
            prev = held.header.prev
        return True

    def _found(self, channel: Channel, key: ChainKey, device: DeviceId) -> None:
        """A chain that was straight until now: what was asked and awaited by seq is by branches from here on."""
        world = self._world
        world.count("forked")
        world.forked.add(device)
        world.changed_members.add(channel.id)
        world.status_changed = world.dialing_changed = True
        channel.wants.pop(key, None)
        channel.plan_at = world.now
        for session in world.peers():
            session.watches.pop((channel.id, key), None)
            if channel.serves(session.device) and channel.id in session.sent:
                session.offer_later(channel.id, key, world.now)
        user = channel.control.user_of(device)
        if user is not None and device != world.identity.device:
            raise_alarm(world, user, AlarmKind.COPIED, detail=device)

    def own_copy(self) -> None:
        """A record of this very device that it has not written: this profile was copied, or put back to an earlier state."""
        world = self._world
        world.identity.found_copied(world.txn)
        world.count("own-copy")
        world.status_changed = world.credentials_changed = True
        raise_alarm(world, world.identity.user, AlarmKind.OWN_COPY, detail=world.identity.device)

    # At peers

    def known(self, session: Session, channel: Channel, key: ChainKey, seq: int, begins: Prefix) -> None:
        """A peer holds this record of a forked chain; it counts if it is the end of a branch here."""
        leaves = channel.chains.forks[key]
        found = session.branches.setdefault((channel.id, key), set())
        found.intersection_update(leaves)
        found.update(leaf for leaf, at in leaves.items() if at == seq and leaf[:PREFIX_SIZE] == begins)

    def lacks(self, session: Session, channel: Channel, key: ChainKey) -> bool:
        """Whether the peer is not known to hold all branches of a forked chain."""
        return not channel.chains.forks[key].keys() <= session.branches.get((channel.id, key), set())

    def lack(self, session: Session, channel: Channel, tip: ChainTip) -> None:
        """A peer holds a branch that we lack, within what we hold of the chain."""
        lacking = session.lacking.setdefault(channel.id, {})
        lacking[tip] = Asked(again_at=self._world.now)
        while len(lacking) > MAX_LACKING_TIPS:
            del lacking[next(iter(lacking))]
        channel.plan_at = self._world.now

    # What is lacking

    def ask(self, channel: Channel, sessions: list[Session]) -> int | None:
        """Ask for the ends of branches, and again for ancestors that have not come. When to look again."""
        times = []
        for session in sessions:
            times += self._ask_tips(session, channel, sessions)
            times += self._ask_roots(session, channel)
        return min(times, default=None)

    def _ask_tips(self, session: Session, channel: Channel, sessions: list[Session]) -> list[int]:
        world = self._world
        lacking = session.lacking.get(channel.id, {})
        ranges, times = [], []
        for tip, asked in list(lacking.items()):
            key = (tip.log, tip.device)
            if self.holds(channel, key, tip.seq, tip.hash):
                del lacking[tip]
                if key in channel.chains.forks:
                    self.known(session, channel, key, tip.seq, tip.hash)
                continue
            others = (other.lacking.get(channel.id, {}).get(tip) for other in sessions if other is not session)
            waits = max((other.again_at for other in others if other is not None and other.tries), default=0)
            if max(waits, asked.again_at) > world.now:
                times.append(max(waits, asked.again_at))
            elif asked.tries >= MAX_ASKS:
                del lacking[tip]
            else:
                asked.again_at = world.now + session.rtt.timeout_ms(asked.tries)
                asked.tries += 1
                times.append(asked.again_at)
                ranges.append(ChainRange(device=tip.device, log=tip.log, first=tip.seq, last=tip.seq))
        for start in range(0, len(ranges), RANGES_AT_ONCE):
            chunk = tuple(ranges[start : start + RANGES_AT_ONCE])
            world.send(session, Request(channel=channel.id[:PREFIX_SIZE], ranges=chunk, full=True))
        return times

    def _ask_roots(self, session: Session, channel: Channel) -> list[int]:
        world = self._world
        parking = session.parking.get(channel.id)
        roots = [] if parking is None else parking.roots()
        below = self._below_islands(session, channel)
        if not roots and not below:
            return []
        known = session.asked_ids.setdefault(channel.id, {})
        for root, branch in below.items():
            known.setdefault(root, Asked(again_at=world.now, branch=branch))
        due: list[RecordId] = []
        times: list[int] = []
        for root in dict.fromkeys((*roots, *below)):
            asked = known.setdefault(root, Asked(again_at=world.now))
            if asked.again_at > world.now:
                times.append(asked.again_at)
            elif asked.tries < MAX_ASKS and len(due) < MAX_REQUEST_IDS:
                due.append(root)
        return times + self.ask_ids(session, channel, due)

    def _below_islands(self, session: Session, channel: Channel) -> dict[RecordId, tuple[Log, Prefix, int]]:
        """What islands of forked chains stand on, with its place: where it is not parked already and this peer may have it."""
        found = {}
        parking = session.parking.get(channel.id)
        for key, island in channel.chains.islands.items():
            if key not in channel.chains.forks or island.under is None or (parking is not None and island.under in parking):
                continue
            offered = session.offered.get(channel.id, {}).get(key, -1)
            if max(offered, self._world.peer_top(session.device, channel.id, key)) >= island.first - 1:
                found[island.under] = (*key, island.first - 1)
        return found

    def ask_ids(self, session: Session, channel: Channel, records: list[RecordId]) -> list[int]:
        """Ask for records by their ids, all noted in `asked_ids`; those below a fork with the chain that leads to them."""
        world = self._world
        known = session.asked_ids[channel.id]
        plain, below, windows, times = [], [], [], []
        for identifier in records:
            asked = known[identifier]
            asked.again_at = world.now + session.rtt.timeout_ms(asked.tries)
            asked.tries += 1
            times.append(asked.again_at)
            if asked.branch is None:
                plain.append(identifier)
            elif session.version >= BELOW_VERSION:
                below.append(identifier)
            else:
                log, device, seq = asked.branch
                windows.append(ChainRange(device=device, log=log, first=max(0, seq + 1 - PAGE_RECORDS), last=seq))
        prefix = channel.id[:PREFIX_SIZE]
        if plain:
            world.send(session, Request(channel=prefix, ids=tuple(plain)))
        if below:
            world.send(session, Request(channel=prefix, ids=tuple(below), full=True))
        if windows:
            world.send(session, Request(channel=prefix, ranges=tuple(windows[:RANGES_AT_ONCE]), full=True))
        return times

    def below(self, record: Record, count: int) -> list[Record]:
        """A record and the chain below it, at most `count` in all, the lowest first."""
        found = [record]
        while len(found) < count and found[-1].header.prev is not None:
            prev = self._world.txn.record(found[-1].header.prev)
            if prev is None:
                break
            found.append(prev)
        found.reverse()
        return found


def forked_devices(txn: Transaction) -> set[DeviceId]:
    """Devices whose chains fork, as stored."""
    begin = ID_SIZE + 1
    return {DeviceId(name[begin : begin + ID_SIZE]) for name, _ in txn.scan(Space.FORK)}
