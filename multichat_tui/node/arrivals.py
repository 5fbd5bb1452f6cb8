"""Records that come from peers: checked, delivered, or parked until what they depend on is here."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from multichat_tui.model.frames import ElidedItem, FullItem, Item, MessageFrame, Prefix, Withheld
from multichat_tui.model.ids import PREFIX_SIZE, RecordId
from multichat_tui.model.limits import MAX_RECORD_FAULTS
from multichat_tui.model.records import Record, decode_record
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.filling import Filling
from multichat_tui.node.foresight import Foreseen, foresee
from multichat_tui.node.gaps import lies_below
from multichat_tui.node.holdings import Holdings, accepts
from multichat_tui.node.holes import Holes
from multichat_tui.node.islands import IslandNews
from multichat_tui.node.ledger import Ledger, Receipt
from multichat_tui.node.receipts import Receipts
from multichat_tui.node.relaying import Relaying
from multichat_tui.node.requests import Requests
from multichat_tui.node.statements import Statements
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.elision import Mismatch, Missing
from multichat_tui.sync.parking import Awaited, Parked, Parking
from multichat_tui.sync.session import Role, Session


class Arrivals:
    """Takes in what peers send of channels."""

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        holdings: Holdings,
        requests: Requests,
        statements: Statements,
        receipts: Receipts,
        device_statements: DeviceStatements,
        filling: Filling,
        islands: IslandNews,
        holes: Holes,
        relaying: Relaying,
    ) -> None:
        self._world = world
        self._ledger = ledger
        self._holdings = holdings
        self._requests = requests
        self._statements = statements
        self._receipts = receipts
        self._device_statements = device_statements
        self._filling = filling
        self._islands = islands
        self._holes = holes
        self._relaying = relaying
        self.on_progress: Callable[[Session, Channel], None] = lambda session, channel: None
        """What else follows from delivered records; set by `introductions`."""
        self.on_list: Callable[[bytes, Session], None] = lambda encoded, session: None
        """A device list came; set by the engine, as is the next."""
        self.on_read: Callable[[Session, Channel, bool], None] = lambda session, channel, news: None
        """Somebody has given us of a channel that we read by link; with whether there are records in it."""
        self.on_return_key: Callable[[Session, bytes, bytes], None] = lambda session, key, held: None

    def on_message(self, session: Session, frame: MessageFrame) -> None:
        world = self._world
        for encoded in frame.statements:
            self._statements.on_statement(session, encoded)
        for encoded in frame.device_statements:
            self._device_statements.take(session, encoded)
        for encoded in frame.lists:
            self.on_list(encoded, session)
        self._receipts.on_receipts(session, frame.receipts)
        if frame.return_key or frame.return_key_held:
            self.on_return_key(session, frame.return_key, frame.return_key_held)
        channel = world.by_prefix.get(frame.channel)
        if channel is None or not accepts(channel, session):
            return
        self._take_message(session, channel, frame)
        if session.role is Role.SOURCE:
            self.on_read(session, channel, bool(frame.items))

    def _take_message(self, session: Session, channel: Channel, frame: MessageFrame) -> None:
        world = self._world
        if not (frame.items or frame.following is not None):
            return
        asks = channel.standing.membership is Membership.ASKED
        if frame.following is not None and not asks:
            self._take_history(session, channel, frame)
            return
        # Of one that only asks each record is counted as it comes.
        found = {} if asks else foresee(self._ledger, channel, frame.items, frame.devices)
        came = self._take_foreseen(session, channel, found)
        rest = [] if len(found) == len(frame.items) else [p for index, p in enumerate(_parked(frame)) if index not in found]
        released = session.parking[channel.id].release(*came) if came and channel.id in session.parking else []
        came += self._take_all(session, channel, rest + released)
        for _, key in self._ledger.filled:
            if key in channel.chains.ends:
                # A text that came after its header is delivered only now.
                self._receipts.delivered(channel, key)
                author = world.session_of(channel.chains.ends[key].device)
                if author is not None and channel.serves(author.device):
                    author.ack_due.setdefault(channel.id, set()).add(key)
        self._ledger.filled.clear()
        if came:
            channel.waits_since = None
            self._unblock(session, channel, came)
            self._filling.settle(channel)
            self._progress(session, channel)

    def _take_foreseen(self, session: Session, channel: Channel, found: dict[int, Foreseen]) -> list[Awaited]:
        """What of a frame can be delivered as it stands: first and without a gap, so that a record arrives with its cover."""
        self._ledger.expect([each.record for each in found.values()])
        for each in found.values():
            self._ledger.take(channel, each.record, each.acts)
        return self._delivered(session, channel, session.ack_due.setdefault(channel.id, set()))

    def _take_history(self, session: Session, channel: Channel, frame: MessageFrame) -> None:
        """A page of the newest that we lack. One that was not asked for, or not any more, is no loss: it is asked for again."""
        came: list[Awaited] = []
        keys: set[ChainKey] = set()
        for (log, device), seq, identifier in self._filling.take(session, channel, frame):
            keys.add((log, device))
            came += ((log, device, seq), identifier)
        if not came:
            return
        for key in keys - channel.chains.islands.keys():
            # A gap is closed: from here on what is held can be vouched for.
            self._receipts.delivered(channel, key)
        for other in self._world.peers():
            if channel.serves(other.device):
                # Who holds it too need not offer it, and who waits to hear that we have it does.
                other.ack_due.setdefault(channel.id, set()).update(keys)
        for other in self._world.sources():
            parking = other.parking.get(channel.id)
            released = parking.release(*came) if parking is not None and len(parking) else []
            more = self._take_all(other, channel, released) if released else []
            if more:
                self._unblock(other, channel, more)

    def on_withheld(self, session: Session, frame: Withheld) -> None:
        """What a peer does not serve us: nothing waits for it any more."""
        world = self._world
        channel = world.by_prefix.get(frame.channel)
        if channel is None or not channel.rooted or not accepts(channel, session):
            return
        found = self._holes.take(session, channel, frame)
        if not found:
            return
        session.ack_due.setdefault(channel.id, set()).update(found.keys() & channel.chains.ends.keys())
        for other in world.peers():
            # Who offered it waits to hear that it is settled.
            offered = other.offered.get(channel.id, {})
            due = {key for key in found.keys() & offered.keys() if offered[key] <= channel.chains.held(key)}
            if due and channel.serves(other.device):
                other.ack_due.setdefault(channel.id, set()).update(due)
        came = [name for names in found.values() for name in names]
        for other in world.sources():
            parking = other.parking.get(channel.id)
            released = parking.release(*came) if parking is not None and len(parking) else []
            more = self._take_all(other, channel, released) if released else []
            if more:
                self._unblock(other, channel, more)
        self._filling.settle(channel)

    def _take_all(self, session: Session, channel: Channel, items: list[Parked]) -> list[Awaited]:
        """Items, and whatever of this link waited for them; what was delivered, by place and by id."""
        world = self._world
        acked = session.ack_due.setdefault(channel.id, set())
        parking = session.parking.setdefault(channel.id, Parking(world.grounds, session.device))
        queue = deque(items)
        came: list[Awaited] = []
        while queue:
            delivered = self._take(session, channel, queue.popleft(), parking, acked)
            came += delivered
            if delivered and len(parking):
                queue.extend(parking.release(*delivered))
        return came

    def _take(
        self, session: Session, channel: Channel, parked: Parked, parking: Parking, acked: set[ChainKey]
    ) -> tuple[Awaited, ...]:
        """One item; what was delivered, as others may wait for it."""
        world = self._world
        item, devices = parked.item, parked.devices
        if not channel.has_room:
            world.count("request-full")
            return ()
        outcome = self._ledger.receive(channel, item, devices)
        if channel.partial and (outcome is Receipt.DUPLICATE or isinstance(outcome, Missing)):
            below = self._below(channel, item)
            if below is not None:
                acked.update(self._keys_of(channel, parked))
                return (below,)
        match outcome:
            case Missing() if isinstance(item, ElidedItem) and _names_below(channel, item, devices, outcome):
                # The places that it names there cannot be looked up: the full form names ids.
                self._requests.ask_full(session, channel, item.log, devices[item.device], item.seq)
            case Receipt.DELIVERED:
                return tuple(self._delivered(session, channel, acked))
            case Receipt.DUPLICATE:
                acked.update(self._keys_of(channel, parked))
            case Receipt.UNPROVEN if parked.followed:
                # What covers it came with it and could not be delivered yet, so this is nobody's fault: it is asked for again.
                place = (item.log, devices[item.device], item.seq) if isinstance(item, ElidedItem) else None
                self._requests.want(session, channel, Missing(places=() if place is None else (place,)))
            case Receipt.REJECTED | Receipt.UNPROVEN:
                session.faults += 1
                if session.faults > MAX_RECORD_FAULTS:
                    world.close(session, "it sent too many invalid records")
            case Mismatch():
                world.count("elision-mismatch")
                self._requests.ask_full(session, channel, outcome.log, outcome.device, outcome.seq)
            case Missing():
                known = replace(parked, id=outcome.id, author=outcome.device, lacks=outcome.ids)
                parking.park(known, outcome.places[0] if outcome.places else outcome.ids[0])
                self._requests.want(session, channel, outcome)
        return ()

    def _below(self, channel: Channel, item: Item) -> RecordId | None:
        """The id of a record that something parked names, and that is for the history to bring: that need not wait for it."""
        if not isinstance(item, FullItem):
            return None
        record = decode_record(item.header_bytes, item.signature, item.body)
        if not isinstance(record, Record):
            return None
        parkings = (session.parking.get(channel.id) for session in self._world.sources())
        named = any(parking is not None and parking.awaits(record.id) for parking in parkings)
        return record.id if named and self._ledger.note_below(channel, record) else None

    def _delivered(self, session: Session, channel: Channel, acked: set[ChainKey]) -> list[Awaited]:
        """Note what the ledger has delivered of a peer's; the places and ids that others may wait for."""
        delivered, self._ledger.delivered = self._ledger.delivered, []
        channel.taken += len(delivered) if channel.standing.membership is Membership.ASKED else 0
        last: dict[ChainKey, tuple[int, int, RecordId]] = {}
        for _, key, seq, record in delivered:
            if key in channel.chains.forks or key in channel.chains.islands:
                self._received(session, channel, key, seq, seq, record)
            else:
                # One after the other: what is known of the last is known of all.
                last[key] = (last[key][0] if key in last else seq, seq, record)
        acked.update(key for _, key, _, _ in delivered)
        for key, (first, seq, record) in last.items():
            self._received(session, channel, key, first, seq, record)
        return [name for _, (log, device), seq, record in delivered for name in ((log, device, seq), record)]

    def _keys_of(self, channel: Channel, parked: Parked) -> set[ChainKey]:
        key = self._ledger.key_of(parked.item, parked.devices)
        return {key} if key is not None and channel.chains.device(key) is not None else set()

    def _received(self, session: Session, channel: Channel, key: ChainKey, first: int, seq: int, record: RecordId) -> None:
        """Somebody else's records from `first` to that at `seq` were delivered: the sender holds them; others may lack them."""
        world = self._world
        world.relayed.add(channel.id)
        author = channel.chains.device(key)
        if author is not None:
            world.hear(author)
        island = channel.chains.islands.get(key)
        if island is not None and seq >= island.first:
            self._islands.note(session, channel, key, seq, seq)
        else:
            self._holdings.raise_(session, channel, key, seq, record[:PREFIX_SIZE])
            self._receipts.delivered(channel, key)
        want = channel.wants.get(key)
        if want is not None:
            if seq >= want.last:
                del channel.wants[key]
                channel.plan_at = world.now
            else:
                want.deadline = world.now + session.rtt.timeout_ms(0)
                want.tries = 0
        settled = self._relaying.settled(author)
        for other in world.peers():
            if other is session or not channel.serves(other.device):
                continue
            if other.offered.get(channel.id, {}).get(key, -1) >= first:
                # It offered some of this, and waits to hear that we have it, from whomever it came.
                other.ack_due.setdefault(channel.id, set()).add(key)
            if key not in channel.chains.forks and world.peer_has(other.device, channel.id, key, seq):
                continue
            if island is not None:
                # An offer tells of what is held from 0 on; what is above a gap is told beside acknowledgements.
                other.ack_due.setdefault(channel.id, set()).add(key)
                continue
            other.offer_later(channel.id, key, world.now + self._relaying.delay_ms(other, channel, key, settled=settled))

    def _unblock(self, source: Session, channel: Channel, came: list[Awaited]) -> None:
        """What other links have parked may be deliverable now, and then again what this one has."""
        work = [(other, came) for other in self._world.sources() if other is not source]
        while work:
            session, news = work.pop()
            parking = session.parking.get(channel.id)
            released = parking.release(*news) if parking is not None and len(parking) else []
            more = self._take_all(session, channel, released) if released else []
            if more:
                work += [(other, more) for other in self._world.sources() if other is not session]

    def _progress(self, session: Session, channel: Channel) -> None:
        """The control log may have shown whose device is whose, and what we are in this channel (see `introductions`)."""
        for other in self._world.sources():
            waiting, other.statements = other.statements, {}
            for encoded in waiting.values():
                self._statements.on_statement(other, encoded)
            self._device_statements.place(other)
            self._receipts.place(other)
        self.on_progress(session, channel)


def _names_below(channel: Channel, item: ElidedItem, devices: tuple[Prefix, ...], missing: Missing) -> bool:
    """Whether an item, but for its prev, names places that history is still to bring."""
    if not channel.partial or (item.log, devices[item.device], item.seq - 1) in missing.places:
        return False
    return any(lies_below(channel, (log, device), seq) for log, device, seq in missing.places)


def _parked(frame: MessageFrame) -> list[Parked]:
    """The items of a frame, each with what it came with."""
    places = {(item.log, item.device, item.seq) for item in frame.items if isinstance(item, ElidedItem)}
    return [
        Parked(
            item=item,
            devices=frame.devices,
            followed=isinstance(item, ElidedItem) and (item.log, item.device, item.seq + 1) in places,
        )
        for item in frame.items
    ]
