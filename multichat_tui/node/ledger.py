"""Records into a channel: our own are made, others' are checked; both are delivered in the same way, once, in causal order."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from multichat_tui.channel.control import root_create
from multichat_tui.channel.view import View
from multichat_tui.crypto.identity import founders_hold
from multichat_tui.crypto.keys import verify
from multichat_tui.model.act_bytes import decode_acts, encode_acts
from multichat_tui.model.acts import Act, Admit, Create, Devices, Redact
from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.events import DeliveryChanged
from multichat_tui.model.frames import ElidedItem, Item, Prefix
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.limits import (
    MAX_CHANNEL_DEVICES,
    MAX_CONTROL_RECORDS_PER_DEVICE,
    MAX_ETS,
    MAX_MEMBER_DEVICES,
    MAX_NAMED_BELOW,
    MAX_PAGE_ROWS,
    MAX_PARENTS,
    SALT_BYTES,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.records import (
    Header,
    Kind,
    Proof,
    Record,
    body_hash,
    decode_header,
    encode_header,
    expected_ets,
    record_id,
    seal_body,
    signed_bytes,
    size_bucket,
)
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.account_state import COPIED
from multichat_tui.node.bodies import Bodies
from multichat_tui.node.branches import Branches
from multichat_tui.node.gaps import lies_below
from multichat_tui.node.held import Held
from multichat_tui.node.message_rows import MessageRows
from multichat_tui.node.noted_reports import note_reports
from multichat_tui.node.standing import Standing
from multichat_tui.node.timeline import SHOWN, Timeline
from multichat_tui.node.world import Channel, World, new_channel
from multichat_tui.sync.chains import ChainKey, Island, chain_key
from multichat_tui.sync.elision import Mismatch, Missing, restore

WHOLE = 2**53
"""Beyond every arrival number."""


class Receipt(Enum):
    """What came of an item from a peer."""

    DELIVERED = "delivered"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    UNPROVEN = "unproven"
    """Its own signature does not hold; one that covers it may have been with it."""


def has_places(channel: Channel, devices: DeviceList | Rejected) -> bool:
    """Whether a channel has room for the devices of a list that its control log does not name yet."""
    if isinstance(devices, Rejected):
        return True
    certificates = channel.control.certificates
    new = sum(1 for certificate in devices.certificates if certificate.device not in certificates)
    theirs = sum(1 for certificate in certificates.values() if certificate.user == devices.user)
    return not new or (theirs + new <= MAX_MEMBER_DEVICES and len(certificates) + new <= MAX_CHANNEL_DEVICES)


class Ledger:
    def __init__(self, world: World, rows: MessageRows) -> None:
        self._world = world
        self.held = Held(world)
        self.timeline = Timeline(world, rows, self.held)
        self._branches = Branches(world)
        self.bodies = Bodies(world)
        self.bodies.on_filled = self._filled
        self.bodies.on_gone = self._gone
        self.bodies.on_expiry = self.timeline.note_lapse
        self.on_redaction: Callable[[Channel, Record, tuple[Act, ...], UserId], None] = lambda channel, record, acts, user: None
        """A record with redactions was delivered; set by `redactions`, as is the next."""
        self.on_recount: Callable[[Channel, View, View], None] = lambda channel, before, after: None
        self.delivered: list[tuple[ChannelId, ChainKey, int, RecordId]] = []
        """(channel, chain, seq, id) of what came from peers and was delivered, until the reader clears it. Ours is not in it:
        nobody holds that yet, though it may have been made in the same batch."""

        self.filled: list[tuple[ChannelId, ChainKey]] = []
        """(channel, chain) of bodies that have come after their headers, until the reader clears it."""

    @property
    def own_device(self) -> DeviceId:
        return self._world.identity.device

    def end_batch(self) -> None:
        self.held.end_batch()
        self.delivered.clear()
        self.filled.clear()

    def expect(self, records: list[Record]) -> None:
        """These are about to be delivered: what is asked of each of them is asked once for a page."""
        for first in range(0, len(records), MAX_PAGE_ROWS):
            self._world.txn.look_ahead([record.id for record in records[first : first + MAX_PAGE_ROWS]])

    # Ours

    def author(
        self,
        channel: Channel,
        log: Log,
        acts: tuple[Act, ...],
        *,
        recipients: tuple[UserId, ...] | None = None,
        lives_ms: int = 0,
    ) -> Record:
        """Make, sign and deliver a record on top of everything held, for all or for some members, for a time or (0) as long as
        the channel keeps it. The logics have agreed before.
        `errors.IntentRefused` if nobody would take it (see `has_room`), or it would contradict what a copy of this profile has
        written."""
        if self._world.identity.rollback:
            raise IntentRefused(Refusal.NOT_ALLOWED, COPIED)
        if not self.is_known(channel):
            raise IntentRefused(
                Refusal.NOT_A_MEMBER,
                "Nobody in this channel knows this device yet.",
                "It is told there by the first member who is reached.",
            )
        if log == Log.CONTROL and not self.has_room(channel):
            raise IntentRefused(Refusal.LIMIT, "This device has made as many changes to this channel as one may.")
        for merged in dict.fromkeys((Log.CONTROL, log)):
            # The control log first: every record names all of its heads.
            while len(self._citable(channel, merged)) > MAX_PARENTS:
                self._make(channel, merged, Kind.MERGE, self._citable(channel, merged)[:MAX_PARENTS], b"\xa0")
        kind = Kind.CONTROL if log == Log.CONTROL else Kind.CONTENT
        ends = self.bodies.life(channel, acts, lives_ms) if log is Log.CONTENT else None
        return self._make(channel, log, kind, self._citable(channel, log), encode_acts(acts), acts, recipients, ends)

    def _citable(self, channel: Channel, log: Log) -> tuple[RecordId, ...]:
        """The heads that a record of ours may name. While history is filled in, of others' those only that were here before: what
        came since may stand on what nobody will ever have, and who names it would not be heard by anybody else. Where history is
        withheld from us, none of others', for the same reason."""
        heads, edge = sorted(channel.chains.heads[log]), channel.edge
        if log is Log.CONTROL or not channel.partial:
            return tuple(heads)
        low = 0 if edge is None or channel.chains.holes else edge.low
        own = channel.chains.ends.get((log, self._world.identity.device[:PREFIX_SIZE]))
        arrivals = ((head, self._world.txn.arrival(head)) for head in heads)
        return tuple(
            head
            for head, arrival in arrivals
            if (own is not None and head == own.id) or (arrival is not None and arrival[0] < low)
        )

    def is_known(self, channel: Channel) -> bool:
        """Whether the control log names this device as a living one: else nobody would take what it writes."""
        device = self._world.identity.device
        return device in channel.control.certificates and device not in channel.view.revocations

    def has_room(self, channel: Channel, *, by_itself: bool = False) -> bool:
        """Whether others would take one more control record of ours. What the node does `by_itself` at the wish of others leaves
        a quarter to its user."""
        if self._world.identity.rollback or not self.is_known(channel):
            return False
        written = channel.chains.held((Log.CONTROL, self._world.identity.device[:PREFIX_SIZE])) + 1
        return written < (MAX_CONTROL_RECORDS_PER_DEVICE * 3 // 4 if by_itself else MAX_CONTROL_RECORDS_PER_DEVICE)

    def _make(
        self,
        channel: Channel,
        log: Log,
        kind: Kind,
        parents: tuple[RecordId, ...],
        content: bytes,
        acts: tuple[Act, ...] = (),
        recipients: tuple[UserId, ...] | None = None,
        expires_ms: int | None = None,
    ) -> Record:
        world = self._world
        body = seal_body(content, world.entropy(SALT_BYTES))
        key = (log, world.identity.device[:PREFIX_SIZE])
        end = channel.chains.ends.get(key)
        known = channel.chains.heads[log]
        control = channel.chains.heads[Log.CONTROL] if log == Log.CONTENT else {}
        # Whatever is shown here comes before it, named or not.
        earlier = parents if not channel.partial or log is Log.CONTROL else tuple(known)
        header = Header(
            kind=kind,
            channel=channel.id,
            log=log,
            device=world.identity.device,
            seq=0 if end is None else end.seq + 1,
            prev=None if end is None else end.id,
            parents=parents,
            control_heads=tuple(sorted(control)),
            timestamp_ms=world.now,
            ets=min(MAX_ETS - 1, expected_ets(world.now, (*(known[i] for i in earlier), *control.values()))),
            expires_ms=expires_ms,
            recipients=recipients,
            body_hash=body_hash(body),
            body_size_bucket=size_bucket(len(body)),
        )
        record = self._sign(header, body)
        self._deliver(channel, record, acts)
        world.written.add(channel.id)
        for session in world.peers():
            if channel.serves(session.device):
                session.push_due.setdefault(channel.id, set()).add(key)
        return record

    def _sign(self, header: Header, body: bytes) -> Record:
        header_bytes = encode_header(header)
        identifier = record_id(header_bytes)
        signature = self._world.identity.signer.sign(signed_bytes(identifier))
        return Record(header=header, header_bytes=header_bytes, id=identifier, signature=signature, body=body)

    def found(self, create: Create) -> Channel:
        """Make a channel of which we are a founder."""
        world = self._world
        body = seal_body(encode_acts((create,)), world.entropy(SALT_BYTES))
        header = Header(
            kind=Kind.ROOT,
            channel=None,
            log=Log.CONTROL,
            device=world.identity.device,
            seq=0,
            prev=None,
            parents=(),
            control_heads=(),
            timestamp_ms=world.now,
            ets=world.now,
            body_hash=body_hash(body),
            body_size_bucket=size_bucket(len(body)),
        )
        record = self._sign(header, body)
        channel = new_channel(ChannelId(record.id), Standing(membership=Membership.JOINED))
        world.add_channel(channel)
        world.keep(channel, channel.standing)
        self._deliver(channel, record, (create,))
        return channel

    # Others'

    def receive(self, channel: Channel, item: Item, devices: tuple[Prefix, ...]) -> Receipt | Missing | Mismatch:
        """Check an item and deliver it. Missing: it must wait for others. Never raises for what the item holds."""
        # A record that is held already is not worth rebuilding.
        repeated = self._repeated(channel, item, devices)
        if repeated is not None:
            return repeated
        found = restore(item, devices, self.held.surroundings(channel))
        if isinstance(found, Missing | Mismatch):
            return found
        if isinstance(found, Rejected):
            self._world.count(f"record-{found.reason.value}")
            return Receipt.REJECTED
        return self._check(channel, found)

    def _repeated(self, channel: Channel, item: Item, devices: tuple[Prefix, ...]) -> Receipt | None:
        if not isinstance(item, ElidedItem):
            return None
        key: ChainKey = (item.log, devices[item.device])
        if channel.lacking.begins(item.check):
            # It may bring what is lacking of that.
            return None
        return Receipt.DUPLICATE if self._branches.holds(channel, key, item.seq, item.check) else None

    def _check(self, channel: Channel, record: Record) -> Receipt | Missing:
        world = self._world
        header = record.header
        if record.channel != channel.id:
            return self._reject("record-channel")
        key = chain_key(header)
        end = channel.chains.ends.get(key)
        if channel.chains.device(key) not in (None, header.device):
            # Somebody has made two of his keys begin alike (2^32 tries): the first one to write has the chain of that name.
            return self._reject("record-device")
        held = -1 if end is None else end.seq
        if key not in channel.chains.forks and channel.chains.hole(key, header.seq) is not None:
            # It is withheld from us, and counts as held.
            return Receipt.DUPLICATE
        if (header.seq <= held or key in channel.chains.islands) and world.txn.holds(record.id):
            self.bodies.hear(channel, record)
            return Receipt.DUPLICATE
        if header.device == world.identity.device and not world.identity.rollback:
            # Ours, and never written here: the proof is in the signature, whatever else it depends on.
            if not verify(header.device, signed_bytes(record.id), record.signature):
                return self._reject("record-signature")
            self._branches.own_copy()
        island = channel.chains.islands.get(key)
        if island is not None and (header.seq > held + 1 or header.prev == island.end.id):
            return self._check_island(channel, record, key, island)
        if header.seq > held + 1:
            place = (header.log, key[1], header.seq - 1)
            return Missing(places=(place,), id=record.id, device=header.device)
        absent = self._absent(channel, header)
        if absent:
            branch = (*key, header.seq - 1, header.prev) if header.prev is not None and header.prev in absent else None
            return Missing(ids=absent, id=record.id, device=header.device, branch=branch)
        if not self._follows(channel, header):
            return self._reject("record-chain")
        if island is not None and self._branches.stands_above_gap(channel, record):
            return self._wait_for_gap(record, key, island)
        return self._settle(channel, record)

    def _absent(self, channel: Channel, header: Header) -> tuple[RecordId, ...]:
        """Dependencies that must come first. Parents that are known to lie below the edge need not: history will bring them."""
        absent = tuple(i for i in header.dependencies if not self.held.holds(channel, header, i))
        if not absent or not channel.below:
            return absent
        needed = {header.prev, *header.control_heads}
        return tuple(i for i in absent if i in needed or i not in channel.below)

    def note_below(self, channel: Channel, record: Record) -> bool:
        """Note a record that others name and that lies below the edge. False if it does not, or is not what it says it is."""
        header = record.header
        key = chain_key(header)
        if header.log is not Log.CONTENT or record.channel != channel.id or not lies_below(channel, key, header.seq):
            return False
        if channel.devices.get(key[1]) != header.device or not verify(header.device, signed_bytes(record.id), record.signature):
            return False
        if len(channel.below) >= MAX_NAMED_BELOW:
            channel.below.clear()
        channel.below.add(record.id)
        return True

    def _wait_for_gap(self, record: Record, key: ChainKey, island: Island) -> Missing:
        """It begins a branch above a gap: looked at again when more of what is below is here."""
        return Missing(places=((*key, island.first - 1),), id=record.id, device=record.header.device)

    def _settle(
        self, channel: Channel, record: Record, *, island: bool = False, arrival: int | None = None, covered: bool = False
    ) -> Receipt:
        """Deliver a record whose place and dependencies are right, if the rest of it is. `covered`: a held one names it."""
        world = self._world
        header = record.header
        if covered:
            record = replace(record, proof=Proof.COVER)
        elif not verify(header.device, signed_bytes(record.id), record.signature):
            world.count("record-signature")
            return Receipt.UNPROVEN
        if record.body is None and header.log is Log.CONTROL:
            return self._reject("record-body")
        acts: tuple[Act, ...] = ()
        if header.kind != Kind.MERGE and record.body is not None:
            decoded = decode_acts(record.body[SALT_BYTES:], header.log)
            if isinstance(decoded, Rejected):
                return self._reject("record-acts")
            acts = decoded
        if not self.known_author(channel, record, acts):
            return self._reject("record-author")
        if not island and not self._branches.has_room(channel, record):
            world.count("branch-refused")
            return Receipt.DUPLICATE
        self.take(channel, record, acts, island=island, arrival=arrival)
        return Receipt.DELIVERED

    def take(
        self, channel: Channel, record: Record, acts: tuple[Act, ...], *, island: bool = False, arrival: int | None = None
    ) -> None:
        """Deliver a record of somebody else that is checked: nothing is left to be looked at (see also `foresight`)."""
        self._deliver(channel, record, acts, island=island, arrival=arrival)
        self.delivered.append((channel.id, chain_key(record.header), record.header.seq, record.id))

    def _check_island(self, channel: Channel, record: Record, key: ChainKey, island: Island) -> Receipt | Missing:
        """A record of a chain with a gap, beyond the part that is held from 0: it may follow the island."""
        header = record.header
        if header.prev == island.end.id:
            if header.seq != island.end.seq + 1:
                return self._reject("record-chain")
            absent = self._absent(channel, header)
            if absent:
                return Missing(ids=absent, id=record.id, device=header.device)
            return self._settle(channel, record, island=True)
        if header.seq > island.end.seq + 1 or (key in channel.chains.forks and header.seq < island.first):
            return Missing(places=((*key, header.seq - 1),), id=record.id, device=header.device)
        if header.seq < island.first:
            # Within the gap: that is for the history to bring.
            return Receipt.DUPLICATE
        return self._wait_for_gap(record, key, island)

    def receive_history(self, channel: Channel, record: Record, arrival: int) -> Receipt | Missing:
        """A record of a page of the newest that is missing, from the newest down: it may lie upon an island, close to its lower
        edge from below, or begin one. Its parents may be missing; its control heads may not."""
        header = record.header
        key = chain_key(header)
        chains = channel.chains
        if record.channel != channel.id or header.log is not Log.CONTENT or chains.device(key) not in (None, header.device):
            return self._reject("record-channel")
        island = chains.islands.get(key)
        if chains.holds(key, header.seq) or key in chains.forks or header.device == self._world.identity.device:
            self.bodies.hear(channel, record)
            # A chain that forks, and our own, are not filled: what they lack is looked at closely, from below.
            return Receipt.DUPLICATE
        follows = header.seq == chains.held(key) + 1
        if island is None:
            fits = not follows or header.prev is None or chains.ends[key].id == header.prev
        elif header.seq > island.end.seq:
            fits = header.prev == island.end.id
        else:
            fits = header.seq == island.first - 1 and record.id == island.under
        if not fits:
            return Receipt.DUPLICATE
        absent = tuple(i for i in header.control_heads if channel.control.operation(i) is None)
        if absent:
            return Missing(ids=absent)
        straight = follows and island is None
        covered = island is not None and record.id == island.under
        return self._settle(channel, record, island=not straight, arrival=arrival, covered=covered)

    def _follows(self, channel: Channel, header: Header) -> bool:
        """Whether the prev, which is held, is the record before in the same chain, on whatever branch."""
        if header.prev is None:
            return True
        end = channel.chains.ends.get(chain_key(header))
        if end is not None and end.id == header.prev:
            return end.seq == header.seq - 1
        shown = channel.chains.hole_ends.get(header.prev)
        if shown is not None:
            return (shown.device, shown.seq) == (header.device, header.seq - 1)
        prev = self.held.fresh_by_id.get(header.prev) or self._world.txn.record(header.prev)
        place = (channel.id, header.log, header.device, header.seq - 1)
        return prev is not None and (prev.channel, prev.header.log, prev.header.device, prev.header.seq) == place

    def _reject(self, reason: str) -> Receipt:
        self._world.count(reason)
        return Receipt.REJECTED

    def known_author(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> bool:
        """Signed by a device that the control log names, within the bounds that keep a log small."""
        header = record.header
        if header.channel is None:
            create = root_create(record, acts) if acts else None
            return create is not None and founders_hold(create)
        if header.device not in channel.control.certificates:
            return False
        if header.log == Log.CONTENT:
            return True
        first = acts[0] if acts else None
        full = len(channel.control.certificates) >= MAX_CHANNEL_DEVICES
        if isinstance(first, Create) or (full and isinstance(first, Admit)):
            # A full channel takes nobody in; whatever else its control log says, removals above all, is taken.
            return False
        if isinstance(first, Devices) and not has_places(channel, decode_device_list(first.devices)):
            return False
        return channel.control.written_before(header.device, header.dependencies) < MAX_CONTROL_RECORDS_PER_DEVICE

    def key_of(self, item: Item, devices: tuple[Prefix, ...]) -> ChainKey | None:
        """The chain that an item says it belongs to."""
        if isinstance(item, ElidedItem):
            return item.log, devices[item.device]
        header = decode_header(item.header_bytes)
        return None if isinstance(header, Rejected) else chain_key(header)

    # Both

    def _deliver(
        self, channel: Channel, record: Record, acts: tuple[Act, ...], *, island: bool = False, arrival: int | None = None
    ) -> None:
        world = self._world
        edge = channel.edge
        past = arrival is not None and edge is not None and arrival <= edge.high
        said = acts
        record, acts = self.bodies.as_kept(channel, record, said)
        arrival = world.txn.append(record, world.now, arrival)
        self.bodies.kept(channel, record, said)
        if island:
            self._branches.advance_island(channel, record)
        else:
            self._branches.advance(channel, record)
        self.held.add(channel.id, record)
        if record.header.log == Log.CONTROL:
            self._control(channel, record, acts)
        if record.body is None:
            self.timeline.show_absent(channel, record, arrived=True, past=past)
        else:
            self._take_effect(channel, record, acts, arrival, past=past)
        if record.header.log is Log.CONTENT:
            self.timeline.show_cited(channel, record.header)
            self.timeline.recount_above(channel, record.header)

    def _take_effect(
        self, channel: Channel, record: Record, acts: tuple[Act, ...], arrival: int, *, past: bool = False, filled: bool = False
    ) -> None:
        """What follows from the body of a record: when it is delivered with one, or (`filled`) when that has come after all."""
        user = channel.control.user_of(record.header.device)
        assert user is not None
        if any(isinstance(act, SHOWN) for act in acts):
            self.timeline.show(channel, record, acts, arrival, user, past=past, instead=filled)
        elif filled:
            self.timeline.hide(channel, record.id)
        if any(isinstance(act, Redact) for act in acts):
            self._world.redacting.add(channel.id)
            self.on_redaction(channel, record, acts, user)
        if acts and record.header.log is Log.CONTENT:
            note_reports(self._world, channel, record, acts, user)

    def _gone(self, channel: Channel, record: Record) -> None:
        """The body of a held record has gone, or it is known why it is not here."""
        self._world.gone.add((channel.id, chain_key(record.header), record.header.seq))
        self.held.renew(record)
        # It may have been pinned.
        self._world.acted_on.add((record.id, channel.id))
        self.timeline.show_absent(channel, record)

    def _filled(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> None:
        """The body of a held record has come."""
        arrival = self._world.txn.arrival(record.id)
        assert arrival is not None
        self._take_effect(channel, record, acts, arrival[0], filled=True)
        self.timeline.recount_above(channel, record.header)
        self.filled.append((channel.id, chain_key(record.header)))
        for session in self._world.peers():
            if record.id in session.asked_in_vain:
                session.asked_in_vain.discard(record.id)
                session.bodies_due.setdefault(channel.id, []).append(record.id)

    def _control(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> None:
        world = self._world
        before = channel.view if channel.rooted else None
        known = len(channel.control.certificates)
        if record.header.kind == Kind.MERGE:
            channel.control.add(record, ())
        else:
            channel.control.add(record, acts)
            operation = channel.control.operation(record.id)
            if operation is not None and operation.devices is not None and record.header.device != world.identity.device:
                world.lists_heard.append(operation.devices)
            if operation is not None and operation.join is not None and known != len(channel.control.certificates):
                self.timeline.name_again(channel, operation.join.certificate.user)
        if known != len(channel.control.certificates):
            channel.devices = {device[:PREFIX_SIZE]: device for device in channel.control.certificates}
        after = channel.view
        world.workspaces_due = world.audiences_changed = True
        world.changed_channels.add(channel.id)
        # A view shares with the one before what has not changed: thousands of records change neither members nor invitations.
        ended = before is None or before.endings is not after.endings or before.rankings is not after.rankings
        revoked = before is None or before.revocations is not after.revocations
        ruled = before is None or before.thresholds is not after.thresholds or before.rulings is not after.rulings
        ruled = ruled or before is None or before.halts is not after.halts
        if before is not None and (ended or revoked or ruled or (before.effective ^ after.effective) & before.mask):
            self.timeline.recount(channel, before, after)
            self.on_recount(channel, before, after)
        gone = before.members.keys() - after.members.keys() if before is not None else frozenset()
        if gone:
            world.farewells_due.add(channel.id)
            for session in world.peers():
                if session.user in gone:
                    # What others write while they are out is not offered on to them. They may be in again on this very link.
                    session.forget(channel.id)
        for device in [each for each in channel.told if channel.control.user_of(each) in after.members]:
            channel.told.discard(device)
            world.txn.delete(Space.TOLD, channel.id + device)
        if ended or revoked or before is None or before.members is not after.members:
            world.changed_members.add(channel.id)
            world.credentials_changed = True
            world.emit(lambda seq: DeliveryChanged(seq=seq, channel=channel.id, first=0, last=WHOLE))
        elif (
            before.invitations is not after.invitations
            or before.settings is not after.settings
            or known != len(channel.control.certificates)
        ):
            world.credentials_changed = True
