"""Synchronisation over links: offers, requests, records, acknowledgements (docs/protocol.md gives the state machine).

- On link up both sides OFFER what they hold of the channels that they share; each REQUESTs what it lacks; records come in pages,
  in causal order; each page is acknowledged after its commit, and the next follows.
- Live records go out at once to everyone who holds the ones before them. What is not acknowledged in time is offered again, not
  sent again: the answer is an acknowledgement, or a request.
- Records of others are offered on after a moment; to a peer that had to ask for them they go at once from then on.
"""

from collections import deque
from collections.abc import Iterable

from multichat_tui.crypto.identity import statement_holds
from multichat_tui.model.codec import Rejected
from multichat_tui.model.events import DeliveryChanged, PresenceChanged
from multichat_tui.model.frames import (
    Ack,
    ChainRange,
    ChainTip,
    ChannelAck,
    ChannelOffer,
    MessageFrame,
    Offer,
    Request,
    StatementOffer,
)
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.limits import (
    GAP_DELAY_MS,
    MAX_PENDING_OFFERS,
    MAX_RECORD_FAULTS,
    MAX_RELAY_DELAY_MS,
    MAX_REQUEST_IDS,
    MAX_REQUEST_RANGES,
    MAX_STATEMENTS,
    MAX_TIPS,
    PUSH_WINDOW_RECORDS,
    RELAY_DELAY_MS,
)
from multichat_tui.model.records import Record
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.statements import decode_statement
from multichat_tui.node.ledger import Ledger, Receipt
from multichat_tui.node.pages import Pages
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.elision import Mismatch, Missing
from multichat_tui.sync.parking import Awaited, Parked, Parking
from multichat_tui.sync.session import Pending, Role, Session, Want, Watch

ALL = None
MAX_UNHEARD_CHAINS = 8192
"""Chains that a peer may say it holds, of one channel, that we know nothing of."""


class Exchange:
    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self._pages = Pages(world, ledger)

    # Links

    def begin(self, session: Session) -> None:
        """A link leads to a peer: say what we hold of the channels that we share."""
        world = self._world
        shared: dict[ChannelId, set[ChainKey] | None] = {c.id: ALL for c in world.channels.values() if self._shares(c, session)}
        self._offer(session, shared, statements=True)
        user = session.user
        assert user is not None
        world.emit(lambda seq: PresenceChanged(seq=seq, user=user, device=session.device, online=True))
        self._presence(session)

    def end(self, session: Session) -> None:
        """The link is down."""
        world = self._world
        for channel in world.channels.values():
            if any(want.link == session.link for want in channel.wants.values()):
                channel.wants = {key: want for key, want in channel.wants.items() if want.link != session.link}
                channel.plan_at = world.now
        user = session.user
        if session.role is Role.PEER and user is not None and not world.online(user):
            world.emit(lambda seq: PresenceChanged(seq=seq, user=user, device=session.device, online=False))
            self._presence(session)

    def _presence(self, session: Session) -> None:
        world = self._world
        for channel in world.channels.values():
            if channel.serves(session.device):
                world.changed_channels.add(channel.id)
        if session.user in world.contacts:
            world.changed_contacts.add(session.user)

    def _shares(self, channel: Channel, session: Session) -> bool:
        return channel.rooted and channel.serves(session.device)

    def announce(self, channel: Channel) -> None:
        """A channel is new to us or to somebody: offer it whole to every member who is linked."""
        for session in self._world.peers():
            if self._shares(channel, session):
                self._offer(session, {channel.id: ALL}, statements=False)

    def announce_statements(self) -> None:
        for session in self._world.peers():
            self._offer(session, {}, statements=True)

    # Offers

    def _offer(self, session: Session, chains: dict[ChannelId, set[ChainKey] | None], *, statements: bool) -> None:
        """In as many offers as keep each within what a frame holds."""
        part: dict[ChannelId, set[ChainKey] | None] = {}
        size = 0
        for identifier, keys in chains.items():
            channel = self._world.channels.get(identifier)
            count = 2 + (len(keys) if keys is not None else 0 if channel is None else len(channel.chains.ends))
            if part and size + count > MAX_TIPS:
                self._offer_part(session, part, statements=statements)
                part, size, statements = {}, 0, False
            part[identifier] = keys
            size += count
        self._offer_part(session, part, statements=statements)

    def _offer_part(self, session: Session, chains: dict[ChannelId, set[ChainKey] | None], *, statements: bool) -> None:
        if len(session.offers) >= MAX_PENDING_OFFERS:
            self._world.close(session, "it acknowledges nothing")
            return
        number = session.next_offer
        session.next_offer += 1
        watch = Watch(sent_at=self._world.now, next_at=self._world.now + session.rtt.timeout_ms(0))
        session.offers[number] = Pending(watch=watch, chains=chains, statements=statements)
        self._send_offer(session, number)

    def _send_offer(self, session: Session, number: int) -> None:
        world = self._world
        pending = session.offers[number]
        offers = []
        for identifier, keys in pending.chains.items():
            channel = world.channels.get(identifier)
            if channel is None or not self._shares(channel, session):
                continue
            held = channel.chains.ends
            sent = session.sent.setdefault(identifier, {})
            for key in held if keys is ALL else keys & held.keys():
                sent[key] = max(held[key].seq, sent.get(key, -1))
            tips = channel.chains.tips() if keys is ALL else tuple(channel.chains.tip(k) for k in sorted(keys) if k in held)
            offers.append(ChannelOffer(channel=identifier, tips=tips))
        statements = self._known_statements(session) if pending.statements else ()
        world.send(session, Offer(number=number, channels=tuple(offers), statements=statements))

    def _known_statements(self, session: Session) -> tuple[StatementOffer, ...]:
        """Ours, and those of the people in the channels that we share."""
        world = self._world
        users = {world.identity.user}
        for channel in world.channels.values():
            if self._shares(channel, session):
                users.update(channel.view.members)
        users.discard(session.user)
        own = world.identity.profile
        offers = [StatementOffer(user=own.user, kind=own.kind, number=own.number)]
        offers += [
            StatementOffer(user=user, kind=kind, number=statement.number)
            for (user, kind), statement in sorted(world.statements.items())
            if user in users and user != own.user
        ]
        return tuple(offers)

    def on_offer(self, session: Session, offer: Offer) -> None:
        world = self._world
        first, session.heard = not session.heard, True
        session.ack_offers.append(offer.number)
        for entry in offer.channels:
            channel = world.channels.get(entry.channel)
            if channel is None or not self._accepts(channel, session):
                continue
            lacks = self._learn(session, channel, entry.tips)
            if lacks:
                channel.plan_at = world.now
            # At link up our own offer says what we hold, unless we got it since then; later the acknowledgement does.
            ends = channel.chains.ends
            told = session.sent.get(channel.id, {}) if first else {}
            keys = {(tip.log, tip.device) for tip in entry.tips} & ends.keys()
            session.ack_due.setdefault(channel.id, set()).update(k for k in keys if ends[k].seq > told.get(k, -1))
        wanted = []
        for statement in offer.statements:
            known = world.statements.get((statement.user, statement.kind))
            if statement.user != world.identity.user and (known is None or known.number < statement.number):
                wanted.append((statement.user, statement.kind))
        for start in range(0, len(wanted), MAX_STATEMENTS):
            chunk = tuple(wanted[start : start + MAX_STATEMENTS])
            world.send(session, Request(channel=bytes(PREFIX_SIZE), statements=chunk))

    def _accepts(self, channel: Channel, session: Session) -> bool:
        """Whether we take this channel's records from this peer."""
        if not channel.live:
            return False
        if channel.rooted and channel.serves(session.device):
            return True
        # Before the control log is here, whoever holds the invitation's other end, or the other founder, may bring it.
        tentative = not channel.rooted or channel.standing.membership is Membership.JOINING
        return tentative and session.role in (Role.HOST, Role.PEER)

    def _learn(self, session: Session, channel: Channel, tips: tuple[ChainTip, ...]) -> bool:
        """Take in what a peer says it holds; True if that is more than we hold."""
        offered = session.offered.setdefault(channel.id, {})
        lacks = False
        for tip in tips:
            key: ChainKey = (tip.log, tip.device)
            if tip.seq <= channel.chains.held(key):
                self._acknowledged(session, channel, tip)
            elif key in offered or len(offered) < MAX_UNHEARD_CHAINS:
                offered[key] = max(tip.seq, offered.get(key, -1))
                lacks = True
                # Of a chain that it holds further than we do, it holds all that we hold.
                end = channel.chains.ends.get(key)
                if end is not None:
                    self._raise(session, channel, key, end.seq)
        return lacks

    # Acknowledgements

    def on_ack(self, session: Session, ack: Ack) -> None:
        world = self._world
        pending = session.offers.pop(ack.offer, None) if ack.offer is not None else None
        if pending is not None and not pending.watch.tries:
            session.rtt.measured(world.now - pending.watch.sent_at)
        acknowledged: set[ChannelId] = set()
        for entry in ack.channels:
            channel = world.by_prefix.get(entry.channel)
            if channel is None or not channel.rooted or not channel.serves(session.device):
                continue
            acknowledged.add(channel.id)
            for tip in entry.tips:
                if tip.seq <= channel.chains.held((tip.log, tip.device)):
                    self._acknowledged(session, channel, tip)
                elif self._accepts(channel, session) and self._learn(session, channel, (tip,)):
                    channel.plan_at = world.now
            self._pages.acknowledged(session, channel)
        if pending is not None:
            self._settle_relays(session, pending, acknowledged)

    def _settle_relays(self, session: Session, pending: Pending, acknowledged: set[ChannelId]) -> None:
        """An offer of others' records that found them held already: that peer gets them elsewhere, so wait longer."""
        for identifier, keys in pending.chains.items():
            channel = self._world.channels.get(identifier)
            if channel is None or keys is ALL or identifier not in acknowledged:
                continue
            holds = self._world.peer_holds(session.device, identifier)
            for key in keys:
                if key[1] != self._world.identity.device[:PREFIX_SIZE] and holds.get(key, -1) >= channel.chains.held(key):
                    delay = session.relay_delay.get(key[1], RELAY_DELAY_MS)
                    session.relay_delay[key[1]] = min(MAX_RELAY_DELAY_MS, max(RELAY_DELAY_MS, delay * 2))

    def _acknowledged(self, session: Session, channel: Channel, tip: ChainTip) -> None:
        """The peer holds our chain up to tip.seq, if its record there is ours."""
        key: ChainKey = (tip.log, tip.device)
        end = channel.chains.ends[key]
        txn = self._world.txn
        ours = end.id if tip.seq == end.seq else txn.in_chain(channel.id, tip.log, end.device, tip.seq)
        if ours is None or ours[:PREFIX_SIZE] != tip.hash:
            self._world.count("forked")
            return
        self._raise(session, channel, key, tip.seq)

    def _raise(self, session: Session, channel: Channel, key: ChainKey, seq: int) -> None:
        world = self._world
        holds = world.peer_holds(session.device, channel.id)
        before = holds.get(key, -1)
        watch = session.watches.get((channel.id, key))
        if watch is not None and seq >= session.sent.get(channel.id, {}).get(key, -1):
            if not watch.tries:
                session.rtt.measured(world.now - watch.sent_at)
            del session.watches[channel.id, key]
        elif watch is not None and seq > before:
            watch.tries = 0
            watch.next_at = world.now + session.rtt.timeout_ms(0)
        if seq <= before:
            return
        holds[key] = seq
        device = channel.chains.ends[key].device
        world.txn.acknowledge(session.device, channel.id, key[0], device, seq)
        if device == world.identity.device:
            world.status_changed = True
            if key[0] == Log.CONTENT:
                self._delivery_changed(channel, before + 1, seq)
            if channel.id in session.sent and session.role is Role.PEER and channel.serves(session.device):
                self._push(session, channel, (key,))

    def _delivery_changed(self, channel: Channel, first_seq: int, last_seq: int) -> None:
        world = self._world
        device = world.identity.device
        first = world.txn.arrival_in_chain(channel.id, Log.CONTENT, device, first_seq)
        last = world.txn.arrival_in_chain(channel.id, Log.CONTENT, device, last_seq)
        shown = world.conversation(channel)[0].id
        if first is not None and last is not None:
            world.emit(lambda seq: DeliveryChanged(seq=seq, channel=shown, first=first, last=last))

    # Requests

    def on_request(self, session: Session, request: Request) -> None:
        world = self._world
        if request.statements:
            self._send_statements(session, request.statements)
        channel = world.by_prefix.get(request.channel)
        if channel is None or not channel.rooted or not channel.serves(session.device):
            return
        for entry in request.ranges:
            if entry.device != world.identity.device[:PREFIX_SIZE] and (entry.log, entry.device) in channel.chains.ends:
                session.relay_delay[entry.device] = 0
        self._pages.asked(session, channel, request)

    def _send_statements(self, session: Session, wanted: tuple[tuple[UserId, int], ...]) -> None:
        world = self._world
        allowed = {(offer.user, offer.kind) for offer in self._known_statements(session)}
        own = world.identity.profile
        found = []
        for name in wanted:
            if name == (own.user, own.kind):
                found.append(own.encoded)
            elif name in allowed and name in world.statements:
                found.append(world.statements[name].encoded)
        if found:
            world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), statements=tuple(found)))

    def plan(self, channel: Channel) -> None:
        """Ask for what is known to be missing: each chain from one peer at a time, the nearest that offers most of it."""
        world = self._world
        channel.plan_at = None
        if not channel.live:
            return
        sessions = [s for s in world.sessions.values() if channel.id in s.offered and self._accepts(channel, s)]
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
                self._plan_again(channel, want.deadline)
                continue
            tries = 0 if want is None or want.last <= held else want.tries + 1
            candidates = sorted((s for offered, s in offering if offered > held), key=lambda s: s.rtt.timeout_ms(0))
            session = candidates[tries % len(candidates)]
            last = session.offered[channel.id][key]
            deadline = world.now + session.rtt.timeout_ms(tries)
            channel.wants[key] = Want(link=session.link, last=last, deadline=deadline, tries=tries)
            chosen[session.link] = session
            ranges.setdefault(session.link, []).append(ChainRange(device=key[1], log=key[0], first=held + 1, last=last))
            self._plan_again(channel, deadline)
        for link, wanted in ranges.items():
            wanted.sort(key=lambda r: (r.log, r.device))
            for start in range(0, len(wanted), MAX_REQUEST_RANGES):
                chunk = tuple(wanted[start : start + MAX_REQUEST_RANGES])
                world.send(chosen[link], Request(channel=channel.id[:PREFIX_SIZE], ranges=chunk))

    def _plan_again(self, channel: Channel, at: int) -> None:
        channel.plan_at = at if channel.plan_at is None else min(channel.plan_at, at)

    # Records

    def on_message(self, session: Session, frame: MessageFrame) -> None:
        world = self._world
        for encoded in frame.statements:
            self._on_statement(session, encoded)
        channel = world.by_prefix.get(frame.channel)
        if channel is None or not frame.items or not self._accepts(channel, session):
            return
        came = self._take_all(session, channel, [Parked(item=item, devices=frame.devices) for item in frame.items])
        if came:
            self._unblock(session, channel, came)
            self._progress(session, channel)

    def _take_all(self, session: Session, channel: Channel, items: list[Parked]) -> list[Awaited]:
        """Items, and whatever of this link waited for them; what was delivered, by place and by id."""
        acked = session.ack_due.setdefault(channel.id, set())
        parking = session.parking.setdefault(channel.id, Parking())
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
        outcome = self._ledger.receive(channel, item, devices)
        match outcome:
            case Receipt.DELIVERED:
                delivered, self._ledger.delivered = self._ledger.delivered, []
                for _, key, seq, _ in delivered:
                    acked.add(key)
                    self._received(session, channel, key, seq)
                return tuple(name for _, (log, device), seq, record in delivered for name in ((log, device, seq), record))
            case Receipt.DUPLICATE:
                acked.update(self._keys_of(channel, parked))
            case Receipt.REJECTED:
                session.faults += 1
                if session.faults > MAX_RECORD_FAULTS:
                    world.close(session, "it sent too many invalid records")
            case Mismatch():
                self._ask_full(session, channel, outcome)
            case Missing():
                parking.park(parked, outcome.places[0] if outcome.places else outcome.ids[0])
                self._want(session, channel, outcome)
        return ()

    def _keys_of(self, channel: Channel, parked: Parked) -> set[ChainKey]:
        key = self._ledger.key_of(parked.item, parked.devices)
        return {key} if key is not None and key in channel.chains.ends else set()

    def _received(self, session: Session, channel: Channel, key: ChainKey, seq: int) -> None:
        """A record of somebody else was delivered: the sender holds it; others may lack it."""
        world = self._world
        self._raise(session, channel, key, seq)
        want = channel.wants.get(key)
        if want is not None:
            if seq >= want.last:
                del channel.wants[key]
                channel.plan_at = world.now
            else:
                want.deadline = world.now + session.rtt.timeout_ms(0)
                want.tries = 0
        for other in world.peers():
            if other is session or not channel.serves(other.device):
                continue
            if other.offered.get(channel.id, {}).get(key, -1) >= seq:
                # It offered this, and waits to hear that we have it, from whomever it came.
                other.ack_due.setdefault(channel.id, set()).add(key)
            if world.peer_holds(other.device, channel.id).get(key, -1) >= seq:
                continue
            delay = other.relay_delay.get(key[1], RELAY_DELAY_MS)
            # Of two peers who both relay, the greater device id waits longer and is mostly told meanwhile.
            tie = RELAY_DELAY_MS // 2 if delay and world.identity.device > other.device else 0
            due = other.offer_due.setdefault(channel.id, {})
            due.setdefault(key, world.now + delay + tie)

    def _unblock(self, source: Session, channel: Channel, came: list[Awaited]) -> None:
        """What other links have parked may be deliverable now, and then again what this one has."""
        work = [(other, came) for other in self._world.sessions.values() if other is not source]
        while work:
            session, news = work.pop()
            parking = session.parking.get(channel.id)
            released = parking.release(*news) if parking is not None and len(parking) else []
            more = self._take_all(session, channel, released) if released else []
            if more:
                work += [(other, more) for other in self._world.sessions.values() if other is not session]

    def _progress(self, session: Session, channel: Channel) -> None:
        """The control log may have shown whose device is whose, and what we are in this channel (see `introductions`)."""
        for other in list(self._world.sessions.values()):
            waiting, other.statements = other.statements, {}
            for encoded in waiting.values():
                self._on_statement(other, encoded)
        self.on_progress(session, channel)

    def on_progress(self, session: Session, channel: Channel) -> None:
        """Replaced by the engine: what else follows from delivered records."""

    def _ask_full(self, session: Session, channel: Channel, mismatch: Mismatch) -> None:
        self._world.count("elision-mismatch")
        request = ChainRange(device=mismatch.device, log=mismatch.log, first=mismatch.seq, last=mismatch.seq)
        self._world.send(session, Request(channel=channel.id[:PREFIX_SIZE], ranges=(request,), full=True))

    def _want(self, session: Session, channel: Channel, missing: Missing) -> None:
        """Ask for dependencies: in a moment, as they are mostly on their way."""
        world = self._world
        offered = session.offered.setdefault(channel.id, {})
        for log, device, seq in missing.places:
            if (log, device) in offered or len(offered) < MAX_UNHEARD_CHAINS:
                offered[log, device] = max(seq, offered.get((log, device), -1))
        if missing.places:
            self._plan_again(channel, world.now + GAP_DELAY_MS)
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

    def _on_statement(self, session: Session, encoded: bytes) -> None:
        world = self._world
        statement = decode_statement(encoded)
        if isinstance(statement, Rejected) or not statement_holds(statement):
            world.count("statement-rejected")
            return
        if statement.user == world.identity.user:
            world.count("statement-author")
            return
        if not self._is_device_of(statement.device, statement.user):
            # The control log that names the device may be on its way.
            if len(session.statements) < MAX_STATEMENTS:
                session.statements[statement.user, statement.kind] = encoded
            world.count("statement-author")
            return
        if world.learn_statement(statement):
            for channel in world.channels.values():
                if channel.rooted and statement.user in channel.view.members:
                    world.changed_members.add(channel.id)
            for other in world.peers():
                if other is not session and other.user != statement.user:
                    other.statements_due = True

    def _is_device_of(self, device: bytes, user: UserId) -> bool:
        world = self._world
        contact = world.contacts.get(user)
        if contact is not None and any(c.device == device for c in contact.devices.living):
            return True
        return any(channel.control.user_of(DeviceId(device)) == user for channel in world.channels.values())

    # Sending

    def flush(self) -> None:
        """At the end of a batch: everything for one peer together."""
        for session in list(self._world.sessions.values()):
            if session.push_due:
                self._flush_pushes(session)
            if session.ack_due or session.ack_offers:
                self._flush_acks(session)
            if session.offer_due:
                self._flush_offers(session)
            if session.statements_due:
                # Once for all that came in this batch: who changes his name a thousand times is not passed on a thousand times.
                session.statements_due = False
                if session.role is Role.PEER:
                    self._offer(session, {}, statements=True)
        for channel in list(self._world.channels.values()):
            if channel.plan_at is not None and channel.plan_at <= self._world.now:
                self.plan(channel)

    def _flush_pushes(self, session: Session) -> None:
        due, session.push_due = session.push_due, {}
        for identifier, keys in due.items():
            channel = self._world.channels.get(identifier)
            if channel is None or session.role is not Role.PEER or not channel.serves(session.device):
                continue
            if identifier in session.sent:
                self._push(session, channel, keys)
            else:
                self._offer(session, {identifier: ALL}, statements=False)

    def _push(self, session: Session, channel: Channel, keys: Iterable[ChainKey]) -> None:
        """Send what follows what was sent or offered. Anything before that the peer knows of, and asks for what it lacks."""
        world = self._world
        sent = session.sent[channel.id]
        holds = world.peer_holds(session.device, channel.id)
        records: list[Record] = []
        for key in keys:
            end = channel.chains.ends[key]
            told = sent.get(key, -1)
            base = max(told, holds.get(key, -1))
            watch = session.watches.get((channel.id, key))
            room = PUSH_WINDOW_RECORDS - (told - holds.get(key, -1) if watch is not None else 0)
            last = min(end.seq, base + max(0, room))
            if last > base:
                records += self._recent(channel, key, base + 1, last)
        if records:
            self._pages.send(session, channel, records)

    def _recent(self, channel: Channel, key: ChainKey, first: int, last: int) -> list[Record]:
        fresh = self._ledger.fresh
        found = [fresh.get((channel.id, key, seq)) for seq in range(first, last + 1)]
        if all(found):
            return [record for record in found if record is not None]
        return self._world.txn.chain(channel.id, key[0], channel.chains.ends[key].device, first, last)

    def _flush_acks(self, session: Session) -> None:
        world = self._world
        due, session.ack_due = session.ack_due, {}
        numbers, session.ack_offers = session.ack_offers, []
        entries: list[ChannelAck] = []
        size = 0
        for identifier, keys in due.items():
            channel = world.channels.get(identifier)
            if channel is not None and keys:
                tips = tuple(channel.chains.tip(key) for key in sorted(keys) if key in channel.chains.ends)
                if entries and size + len(tips) > MAX_TIPS:
                    world.send(session, Ack(channels=tuple(entries)))
                    entries, size = [], 0
                entries.append(ChannelAck(channel=identifier[:PREFIX_SIZE], tips=tips))
                size += 1 + len(tips)
        if not numbers:
            if entries:
                world.send(session, Ack(channels=tuple(entries)))
            return
        for position, number in enumerate(numbers):
            world.send(session, Ack(channels=tuple(entries) if position == 0 else (), offer=number))

    def _flush_offers(self, session: Session) -> None:
        """Others' records: pushed at once to those who asked for such before, offered after a while to the rest."""
        world = self._world
        chains: dict[ChannelId, set[ChainKey] | None] = {}
        relays: dict[ChannelId, list[ChainKey]] = {}
        for identifier, due in list(session.offer_due.items()):
            channel = world.channels.get(identifier)
            if channel is None or not channel.serves(session.device):
                del session.offer_due[identifier]
                continue
            holds = world.peer_holds(session.device, identifier)
            for key, at in list(due.items()):
                if holds.get(key, -1) >= channel.chains.held(key):
                    del due[key]
                elif at <= world.now:
                    del due[key]
                    serving = session.serving.get(identifier)
                    if session.relay_delay.get(key[1]) == 0 and (serving is None or key not in serving.ranges):
                        relays.setdefault(identifier, []).append(key)
                    else:
                        keys = chains.setdefault(identifier, set())
                        assert keys is not None
                        keys.add(key)
            if not due:
                del session.offer_due[identifier]
        for identifier, relayed in relays.items():
            session.sent.setdefault(identifier, {})
            self._push(session, world.channels[identifier], relayed)
        if chains:
            self._offer(session, chains, statements=False)

    # Time

    def tick(self) -> None:
        """What waited too long is offered again."""
        world = self._world
        for session in world.peers():
            for number, pending in list(session.offers.items()):
                if pending.watch.next_at <= world.now:
                    pending.watch.tries += 1
                    pending.watch.next_at = world.now + session.rtt.timeout_ms(pending.watch.tries)
                    self._send_offer(session, number)
            overdue: dict[ChannelId, set[ChainKey] | None] = {}
            for (identifier, key), watch in session.watches.items():
                if watch.next_at <= world.now:
                    watch.tries += 1
                    watch.next_at = world.now + session.rtt.timeout_ms(watch.tries)
                    keys = overdue.setdefault(identifier, set())
                    assert keys is not None
                    keys.add(key)
            if overdue:
                self._offer(session, overdue, statements=False)

    def wake_times(self) -> list[int]:
        times = [channel.plan_at for channel in self._world.channels.values() if channel.plan_at is not None]
        for session in self._world.peers():
            times += [pending.watch.next_at for pending in session.offers.values()]
            times += [watch.next_at for watch in session.watches.values()]
            times += [at for due in session.offer_due.values() for at in due.values()]
        return times
