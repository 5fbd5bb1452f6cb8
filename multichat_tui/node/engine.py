"""The node's pure step: inputs in, effects out, all within one transaction. Dispatches; the work is done in the rooms.

`load` builds the state in memory from the store; after a transaction that failed the engine is thrown away and loaded again.
"""

from collections.abc import Iterable
from functools import partial
from typing import Protocol

from multichat_tui.channel.resources import registry
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import Act
from multichat_tui.model.codec import Reason, Rejected, decode, encode
from multichat_tui.model.comparing import CompareConfirm, CompareEnd, CompareKey, CompareStart
from multichat_tui.model.errors import Damaged
from multichat_tui.model.events import (
    ChannelChanged,
    ContactChanged,
    MembersChanged,
    StatusChanged,
)
from multichat_tui.model.frame_bytes import decode_frame
from multichat_tui.model.frames import (
    Ack,
    Frame,
    Islands,
    JoinAnswer,
    JoinFrame,
    MessageFrame,
    Offer,
    PairFrame,
    ReadFrame,
    Request,
    ReturnFrame,
    Withheld,
)
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, ChannelId, DeviceId, LinkId, Log, UserId
from multichat_tui.model.intents import Accepted, Intent
from multichat_tui.model.limits import (
    INDEX_PAUSE_MS,
    INDEX_SLICE_ENTRIES,
    LINKS_PER_DEVICE,
    MAX_RECORD_FAULTS,
    RECEIPT_RESTART_MS,
    SALT_BYTES,
    TELL_DELAY_MS,
)
from multichat_tui.model.mailbox_frames import MailboxAnswer, MailboxFrame, MailboxRequest, Word
from multichat_tui.model.ports import (
    Counted,
    DialFailed,
    Entropy,
    FrameIn,
    LinkDown,
    LinkRtt,
    LinkUp,
    NearbyGone,
    NearbySeen,
    NetworkChanged,
    NetworkInput,
    PeerSeen,
    Ratchets,
    Space,
    Stopping,
    Transaction,
)
from multichat_tui.model.receipts import Receipt, decode_receipt
from multichat_tui.model.records import Kind
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.statements import decode_statement
from multichat_tui.model.trust import AlarmKind
from multichat_tui.node.act_words import reply_of_record
from multichat_tui.node.alarms import look_at_names
from multichat_tui.node.bodies import load_lacking
from multichat_tui.node.branches import forked_devices
from multichat_tui.node.bundles import Bundles
from multichat_tui.node.choices import Choices
from multichat_tui.node.comparisons import Comparisons
from multichat_tui.node.deposit_audits import DepositAudits
from multichat_tui.node.depositing import Depositing
from multichat_tui.node.device_statements import load_device_statements
from multichat_tui.node.devices import Devices
from multichat_tui.node.dialing import ANSWER_MS, Dialing
from multichat_tui.node.economy import Economy
from multichat_tui.node.effects import Effects
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.guests import Guests
from multichat_tui.node.host_choices import HostChoices
from multichat_tui.node.hosting import Hosting
from multichat_tui.node.identity import Identity
from multichat_tui.node.incarnations import Incarnations
from multichat_tui.node.introductions import Introductions
from multichat_tui.node.islands import load_islands
from multichat_tui.node.keeping import Keeping
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.mailbox_use import MailboxUse
from multichat_tui.node.meeting import Meeting
from multichat_tui.node.message_rows import changed_row
from multichat_tui.node.offered_channels import COMING_BACK_MS
from multichat_tui.node.parcels import CarriedFrame, Parcels
from multichat_tui.node.reads import Reads
from multichat_tui.node.redactions import Redactions
from multichat_tui.node.regarding import Regards
from multichat_tui.node.returning import Returning
from multichat_tui.node.rows import Rows
from multichat_tui.node.sealing import Sealing
from multichat_tui.node.standing import decode_contact, decode_kept_list, decode_standing
from multichat_tui.node.vouching import Vouching
from multichat_tui.node.world import Channel, World, new_channel
from multichat_tui.node.writing import MailboxWriting, prekeys_of, routed_devices, slots_of
from multichat_tui.sync.chains import Chains
from multichat_tui.sync.session import Role, Session

KNOWN_ACTS = b"known-acts"
"""In Space.SELF: the numbers of the acts on resources that the version which ran last has known."""
NEVER = 2**62
"""Later than every clock."""


class MailboxSide(Protocol):
    """One side of the mailbox protocol: who keeps, or who uses mailboxes."""

    def up(self, session: Session) -> str:
        """A link is there. Why it is closed again, or nothing."""

    def take(self, session: Session, frame: Frame | MailboxFrame) -> bool:
        """False: a frame that does not belong there."""

    def down(self, session: Session) -> None: ...


class Engine:
    """One profile's node. Every method runs within the transaction given to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows = Rows(world)
        self._ledger = Ledger(world, self.rows.messages)
        self._redactions = Redactions(world, self._ledger)
        self._keeping = Keeping(world, self._ledger.bodies, self.rows.messages)
        self._exchange = Exchange(world, self._ledger)
        self.parcels = Parcels(world, self._exchange.packing)
        self.parcels.on_frame = self._carried
        self._devices = Devices(world, self._ledger)
        self._dialing = Dialing(world)
        self._economy = Economy(world)
        self._guests = Guests(world, self._exchange, self._dialing)
        self._vouching = Vouching(world, self._exchange, self._dialing)
        self._regards = Regards(world, self._exchange)
        self._introductions = Introductions(world, self._ledger, self._exchange, self._devices, self._guests, self._regards)
        self._returning = Returning(world, self._devices, self._guests)
        self._exchange.on_begin(self._returning.linked)
        self._exchange.arrivals.on_list = self._devices.hear
        self._exchange.arrivals.on_return_key = self._returning.on_key
        self._incarnations = Incarnations(world)
        self.sealing = Sealing(world)
        self.mailboxes = MailboxUse(world, self._exchange.device_statements, self.sealing)
        self.rows.node.mailboxes = self.mailboxes.rows
        self._dialing.mailboxes = self.mailboxes.links.targets
        self._dialing.routed = self.mailboxes.routes.addresses_of
        self.bundles = Bundles(world, self.parcels, self.sealing, partial(prekeys_of, self.mailboxes.routes, world))
        writing = MailboxWriting(world, self.mailboxes.links)
        self.depositing = Depositing(
            world,
            self.parcels,
            self.sealing,
            self._exchange.device_statements,
            self._exchange.holdings,
            writing,
            partial(slots_of, self.mailboxes.routes, world),
            partial(prekeys_of, self.mailboxes.routes, world),
            self.mailboxes.routes.unaware,
        )
        self.depositing.in_vain = lambda mailbox: self._dialing.in_vain(DeviceId(mailbox))
        self.depositing.audit(DepositAudits(world, self.mailboxes.scores, writing.challenge))
        world.mailbox_failing = lambda mailbox, user: self.mailboxes.scores.of(mailbox, user).failing
        world.hides_mailboxes = self.mailboxes.routes.hides
        world.mailboxes_of = lambda device: frozenset(
            slot.address.mailbox for slot in slots_of(self.mailboxes.routes, world, device)
        )
        self._reads = Reads(world, self._exchange.device_statements, self._exchange.holdings)
        self._reads.on_said = self.depositing.tell
        self._exchange.requests.on_lost = self.depositing.ends.on_lost
        self.mailboxes.routes.on_change = self.depositing.on_route
        self.mailboxes.collecting.on_envelope = self._collected
        self._comparisons = Comparisons(world, self._introductions.pairing, self._dialing)
        self._meeting = Meeting(world, self._comparisons)
        self.hosting = Hosting(world)
        self.mailboxes.own.is_ours = self.hosting.is_ours
        self.mailbox_sides: dict[Role, MailboxSide] = {Role.CLIENT: self.hosting, Role.MAILBOX: self.mailboxes.links}
        """Who takes links of mailboxes, by what the other end is: CLIENT or MAILBOX. Where nobody does, they are closed."""
        self._comparisons_at = NEVER
        self._introductions_at = self._dialing_at = self._tell_at = NEVER
        self._index_at = world.now
        self._others_at = 0
        """When anything but a call is due, as of the last batch."""
        host_choices = HostChoices(world, self.hosting)
        self.rows.hosting = host_choices.row
        self._choices = Choices(
            world,
            self._ledger,
            self._exchange,
            self._introductions,
            self._dialing,
            self._devices,
            self._comparisons,
            self._meeting,
            self._regards,
            self._vouching,
            self.mailboxes.own,
            host_choices,
        )

    @classmethod
    def load(
        cls,
        txn: Transaction,
        identity: Identity,
        entropy: Entropy,
        now: int,
        event_seq: int = 0,
        ratchets: Ratchets | None = None,
    ) -> "Engine":
        """The engine of a profile as it is stored. `ratchets`: Olm, or its twin where the profile's account is one of that."""
        world = World(identity=identity, entropy=entropy, txn=txn, now=now, event_seq=event_seq)
        if ratchets is not None:
            world.ratchets = ratchets
        for _, value in txn.scan(Space.STATEMENT):
            statement = decode_statement(value)
            if not isinstance(statement, Rejected):
                world.restore_statement(statement)
        for key, value in txn.scan(Space.CONTACT):
            world.contacts[UserId(key)] = decode_contact(value)
        for key, value in txn.scan(Space.DEVICES):
            world.restore_list(UserId(key), decode_kept_list(value))
        for key, value in txn.scan(Space.CHANNEL):
            channel = new_channel(ChannelId(key), decode_standing(value))
            _replay(txn, channel)
            for _, encoded in txn.scan(Space.RECEIPT, channel.id):
                receipt = decode_receipt(encoded)
                if isinstance(receipt, Receipt):
                    channel.receipts[receipt.device] = receipt
            # What came just before the last end may be owed a receipt.
            channel.receipt_at = now + RECEIPT_RESTART_MS
            load_islands(txn, world, channel)
            load_lacking(txn, channel, now)
            channel.told = {DeviceId(name[ID_SIZE:]) for name, _ in txn.scan(Space.TOLD, channel.id)}
            world.add_channel(channel)
        world.forked = forked_devices(txn)
        load_device_statements(world)
        if not identity.rollback:
            # It has become a new device since then.
            txn.delete(Space.ALARM, identity.user + AlarmKind.OWN_COPY.value.encode())
        for device in world.certificates():
            for channel_id, log, author, seq in txn.acknowledged(device):
                world.peer_holds(device, channel_id)[log, author[:PREFIX_SIZE]] = seq
        world.indexed_percent = txn.indexed_percent()
        known = encode(list(registry().numbers))
        if txn.get(Space.SELF, KNOWN_ACTS) != known:
            # What an older version has shown as needing a newer one may be understood now.
            txn.look_again_at_references()
            txn.put(Space.SELF, KNOWN_ACTS, known)
        engine = cls(world)
        engine._regards.load()
        engine._introductions.asking.load()
        world.heard.load(txn, now)
        engine.parcels.load()
        engine.depositing.load(routed_devices(world))
        engine.mailboxes.load()
        world.answered_introductions = {seed for seed, _ in txn.scan(Space.ANSWERED)}
        for key, value in txn.scan(Space.INTRODUCED):
            introduced = decode_statement(value)
            if not isinstance(introduced, Rejected):
                world.introduced[UserId(key)] = introduced
        for channel in world.channels.values():
            if channel.standing.membership is Membership.JOINING and channel.standing.joining is None:
                channel.coming_back_until = now + COMING_BACK_MS
            if channel.rooted:
                engine._devices.look_at(channel)
        return engine

    def keep_clients(self, before: "Engine", failed: Iterable[NetworkInput]) -> Effects:
        """The disk has refused a batch, and this was loaded again: whoever uses its mailbox need not come again for that.
        `failed`: the inputs of that batch. Returns what is to be told to them."""
        asked: dict[LinkId, list[MailboxRequest | None]] = {}
        for event in failed:
            if isinstance(event, FrameIn) and event.link in before.world.clients:
                frame = decode_frame(event.frame)
                asked.setdefault(event.link, []).append(frame if isinstance(frame, MailboxRequest) else None)
        self.hosting.disk_refused()
        return self.hosting.take_over(before.hosting, asked)

    # Steps

    def carry_on(self, last: "Engine") -> None:
        """In the place of another engine of this profile: what the network has shown it, and does not show again."""
        self.world.listen = last.world.listen
        self._dialing.carry_on(last._dialing)

    def begin(self, txn: Transaction, now: int, *, listened: bool = True) -> None:
        """A batch begins. Without a listener events are numbered but not built."""
        self.world.listened = listened
        self.world.txn = txn
        self.world.now = now
        self.world.out = Effects()
        self.world.served.clear()
        self.hosting.begin()

    def submit(self, intent: Intent, account_entropy: bytes | None = None) -> Accepted:
        """`account_entropy`: for intents that need the account's key. `errors.IntentRefused`: nothing has changed."""
        accepted = self._choices.submit(intent, account_entropy)
        self._economy.submitted(intent)
        return accepted

    def network(self, event: NetworkInput) -> None:
        match event:
            case FrameIn():
                session = self.world.sessions.get(event.link) or self.world.clients.get(event.link)
                if session is not None:
                    self.world.moved(session, len(event.frame), 0)
                    self._frame(session, event.frame)
            case LinkUp():
                self._up(event)
            case LinkDown():
                self._down(event)
            case LinkRtt():
                session = self.world.sessions.get(event.link)
                if session is not None:
                    session.link_rtt_ms = event.rtt_ms
                    if session.user in self.world.contacts:
                        self.world.changed_contacts.add(session.user)
                    self.world.status_changed = True
            case PeerSeen():
                self._dialing.seen(event)
                self.world.dialing_changed = True
            case NearbySeen() | NearbyGone():
                self._meeting.seen(event)
            case DialFailed():
                self._dialing.failed(event)
                self.world.dialing_changed = True
            case NetworkChanged():
                self.world.listen = event.listen
                self.world.status_changed = True
                self._dialing.network_changed()
                self.world.dialing_changed = True
            case Counted():
                self.world.count(event.reason, event.count)
            case Stopping():
                self._exchange.hurry()
                self._reads.hurry()
                self.parcels.hurry()
                self.depositing.hurry()

    def finish(self, *, dials_alone: bool = False) -> Effects:
        """The batch ends: what is due is sent together, changes are told once, and the next wake-up is known. `dials_alone`:
        nothing has come, but for calls in vain, of which a day has many: they concern nothing but further calls."""
        world = self.world
        if dials_alone and world.now < self._others_at:
            self._call()
            wake_at = min(self._dialing_at, self._others_at)
            world.out.wake_at = None if wake_at == NEVER else wake_at
            return world.out
        world.withdraw()
        look_at_names(world)
        self._exchange.tick()
        self._incarnations.tick()
        self._ledger.timeline.show_due()
        if self._index_at <= world.now:
            self._index_older()
        self._ledger.bodies.sweep()
        self._keeping.tick()
        self._redactions.tick()
        self._choices.purging.tick()
        self._devices.settle()
        self._returning.tick()
        self.sealing.tick()
        self._introductions.tend()
        if world.credentials_changed or world.introductions_changed or self._introductions_at <= world.now:
            self._introductions.tick()
            self._vouching.settle()
            self._guests.tick()
            self._introductions_at = min((*self._introductions.wake_times(), *self._guests.wake_times()), default=NEVER)
            world.introductions_changed = False
        if world.comparisons_changed or self._comparisons_at <= world.now:
            world.comparisons_changed = False
            self._comparisons.tick()
            self._meeting.tick()
            self._comparisons_at = min((*self._comparisons.wake_times(), *self._meeting.wake_times()), default=NEVER)
        self._ledger.timeline.settle()
        self.mailboxes.tick()
        self._reads.tick()
        self.parcels.tick()
        self.depositing.tick()
        if self.depositing.leaving:
            self._economy.wake()
        self._exchange.flush()
        world.audiences_changed = False
        self._economy.tick()
        self.hosting.finish()
        if world.credentials_changed:
            world.out.credentials = self._dialing.refresh()
            world.dialing_changed = True
        self._call()
        if self._tell_at == NEVER and world.changed:
            self._tell_at = world.now + TELL_DELAY_MS
        elif self._tell_at <= world.now:
            self._tell_at = NEVER
            self._tell()
        due = world.early[0][0] if world.early else NEVER
        timers = (self._introductions_at, self._comparisons_at, self._tell_at, self._index_at, due)
        times = (
            *self._exchange.wake_times(),
            *self.parcels.wake_times(),
            *self.depositing.wake_times(),
            *self._introductions.turns,
            *self._incarnations.wake_times(),
            *self._redactions.wake_times(),
            *self._keeping.wake_times(),
            *self._choices.purging.wake_times(),
            *self._devices.wake_times(),
            *self._returning.wake_times(),
            *self.hosting.wake_times(),
            *self.sealing.wake_times(),
            *self.mailboxes.wake_times(),
            *self._reads.wake_times(),
            *self._economy.wake_times(),
        )
        self._others_at = min((*times, *timers))
        wake_at = min(self._dialing_at, self._others_at)
        world.out.wake_at = None if wake_at == NEVER else wake_at
        self._ledger.end_batch()
        self.sealing.flush()
        return world.out

    def _call(self) -> None:
        world = self.world
        if world.dialing_changed or self._dialing_at <= world.now:
            self._dialing.call()
            self._dialing_at = min(self._dialing.wake_times(), default=NEVER)
            world.dialing_changed = False

    def _index_older(self) -> None:
        """A slice of what was stored before there was an index; the next one after a pause."""
        world = self.world
        percent = world.txn.index_older(self.rows.messages.resources.searched_text_of, INDEX_SLICE_ENTRIES)
        whole = world.txn.index_older_replies(reply_of_record, INDEX_SLICE_ENTRIES)
        whole = self._ledger.timeline.look_again(INDEX_SLICE_ENTRIES) and whole
        self._index_at = NEVER if percent == 100 and whole else world.now + INDEX_PAUSE_MS
        if percent != world.indexed_percent:
            world.indexed_percent = percent
            world.status_changed = True

    def _tell(self) -> None:
        world = self.world
        if not world.listened:
            world.forget_changes()
            return
        for identifier in sorted(world.changed_members):
            if identifier in world.channels:
                shown = world.conversation(world.channels[identifier])[0].id
                world.emit(partial(MembersChanged, channel=shown))
        told: set[ChannelId] = set()
        for identifier in sorted(world.changed_channels):
            channel = world.channels.get(identifier)
            if channel is not None and channel.standing.membership is Membership.ASKED:
                world.status_changed = True
                continue
            if channel is None or channel.standing.membership is Membership.LEFT:
                continue
            shown_channel = world.conversation(channel)[0]
            if shown_channel.id not in told:
                told.add(shown_channel.id)
                row = self.rows.channel(shown_channel)
                world.emit(partial(ChannelChanged, row=row))
        for user in sorted(world.changed_contacts):
            if user in world.contacts:
                contact = self.rows.contact(user)
                world.emit(partial(ContactChanged, row=contact))
        for root in {self.rows.messages.root_of(record) for record in world.answered}:
            grown = self.rows.messages.message(root)
            if grown is not None:
                world.emit(changed_row(grown))
        if world.status_changed:
            world.emit(lambda seq: StatusChanged(seq=seq))
        world.forget_changes()

    # Links

    def _up(self, up: LinkUp) -> None:
        if up.mailbox:
            self._mailbox_up(up)
            return
        world = self.world
        guest = up.join_key is not None and not up.dialled
        host = up.join_key is not None and up.dialled
        user = world.user_of(up.device) if up.join_key is None else None
        if up.certificate is not None:
            user = up.certificate.user
        session = Session(
            link=up.link,
            device=up.device,
            user=user,
            role=Role.GUEST if guest else Role.HOST if host else Role.PEER,
            dialled=up.dialled,
            path=up.path,
            address=up.address,
            join_key=up.join_key,
            certificate=up.certificate,
            binding=up.binding,
            incarnation=up.incarnation,
            version=up.version,
            began_at=world.now,
        )
        self._dialing.up(up)
        world.dialing_changed = True
        if up.join_key is not None and self._dialing.is_nearby(up.join_key):
            session.user, session.nearby = None, True
            self._meeting.up(session)
            return
        if session.role is Role.PEER and (user is None or up.device == world.identity.device):
            world.close(session, "not a peer any more")
            return
        if session.role is Role.PEER and not self._keep_of_two(session):
            world.close(session, "there is a link already")
            return
        if session.role is Role.GUEST and not self._guests.takes(session):
            world.close(session, "too many came with invitations at once")
            return
        world.sessions[up.link] = session
        world.status_changed = True
        if session.role is Role.PEER:
            world.hear(session.device)
            self._dialing.reached(session)
        else:
            world.introductions_changed = True
        if session.role is Role.PEER:
            self._incarnations.up(session)
            self._introductions.pairing.seen(session, up.key)
            self._exchange.begin(session)
            self._comparisons.linked(session)
        elif not self._returning.opened(session):
            self._introductions.opened(session)

    def _mailbox_up(self, up: LinkUp) -> None:
        """A link with a mailbox, or with somebody who uses ours: no peer, whatever device they come as."""
        world = self.world
        session = Session(
            link=up.link,
            device=up.device,
            user=None,
            role=Role.MAILBOX if up.dialled else Role.CLIENT,
            dialled=up.dialled,
            path=up.path,
            address=up.address,
            join_key=None,
            certificate=None,
            binding=up.binding,
            local=up.local,
            version=up.version,
            began_at=world.now,
        )
        if session.role is Role.MAILBOX:
            self._dialing.up(up)
            world.dialing_changed = True
        side = self.mailbox_sides.get(session.role)
        refused = "no mailbox is used or kept here" if side is None else side.up(session)
        if refused:
            world.close(session, refused)
            return
        (world.sessions if session.role is Role.MAILBOX else world.clients)[up.link] = session
        world.status_changed = True

    def _keep_of_two(self, session: Session) -> bool:
        """Of two links to one device, dialled at the same time from both ends, the one dialled by the lower device id stays; of
        two that one end has dialled, that end chooses the first. Both ends so come to the same.

        Where the peer has evidently lost the first, the newer stays: nobody dials whom they have a link to.
        """
        world = self.world
        others = [s for s in world.peers() if s.device == session.device and not s.closing]
        if not others:
            return True
        existing = others[0]
        if session.incarnation != existing.incarnation and len(others) < LINKS_PER_DEVICE:
            self._incarnations.doubt(existing)
            return True
        lost = session.incarnation > existing.incarnation or session.began_at - existing.began_at > ANSWER_MS
        if not lost and session.dialled and existing.dialled:
            return False
        if not lost and session.dialled == existing.dialled and len(others) < LINKS_PER_DEVICE:
            return True
        ours_stays = world.identity.device < session.device
        if not lost and session.dialled != existing.dialled and existing.dialled == ours_stays:
            return False
        world.close(existing, "replaced by another link to the same device")
        return True

    def _down(self, down: LinkDown) -> None:
        world = self.world
        session = world.sessions.pop(down.link, None) or world.clients.pop(down.link, None)
        if session is None:
            return
        world.status_changed = True
        if session.role in (Role.CLIENT, Role.MAILBOX):
            self.mailbox_sides[session.role].down(session)
            if session.role is Role.MAILBOX:
                self._dialing.down(session.device)
                world.dialing_changed = True
            return
        self._exchange.end(session)
        self._dialing.down(session.device)
        if session.role is Role.SOURCE and session.join_key is not None:
            self._dialing.source_down(session.join_key, gave=session.moved_at > 0)
        world.dialing_changed = world.introductions_changed = True
        self._comparisons.unlinked(session)
        if session.nearby:
            world.comparisons_changed = True
            return
        if session.role is Role.PEER:
            world.hear(session.device)
            self._introductions.pairing.seen(session)

    # Frames

    def _frame(self, session: Session, encoded: bytes) -> None:
        world = self.world
        frame = decode_frame(encoded)
        if isinstance(frame, Rejected):
            world.count(f"frame-{frame.reason.value}")
            if session.role is Role.CLIENT:
                world.send(session, MailboxAnswer(number=0, word=Word.MALFORMED))
            self._fault(session)
            return
        if session.role in (Role.CLIENT, Role.MAILBOX):
            if not self.mailbox_sides[session.role].take(session, frame):
                world.count("frame-out-of-place")
                self._fault(session)
            return
        if isinstance(frame, MailboxFrame):
            world.count("frame-out-of-place")
            self._fault(session)
            return
        match frame:
            case _ if session.nearby:
                if not self._meeting.on_frame(session, frame):
                    world.count("frame-from-stranger")
                    self._fault(session)
            case CompareStart() | CompareKey() | CompareConfirm() | CompareEnd() if session.role is Role.PEER:
                if session.user is None or not world.blocked(session.user):
                    self._comparisons.on_frame(session, frame)
            case PairFrame():
                self._introductions.pairing.on_pair(session, frame)
            case JoinFrame():
                self._introductions.admissions.on_join(session, frame)
            case JoinAnswer():
                self._introductions.admissions.on_join_answer(session, frame)
            case ReturnFrame():
                self._returning.on_return(session, frame)
            case ReadFrame():
                self._exchange.readers.on_read(session, frame)
            case _ if session.role in (Role.GUEST, Role.READER):
                # Told nothing, and nothing is taken from it, until it is admitted.
                world.count("frame-from-guest")
                self._fault(session)
            case Offer():
                self._exchange.on_offer(session, frame)
                if session.role is Role.PEER:
                    for entry in frame.channels:
                        if entry.channel not in world.channels:
                            self._introductions.offered.on_offer(session, entry)
            case Request():
                if session.role is Role.PEER:
                    self._exchange.on_request(session, frame)
            case MessageFrame():
                unknown = frame.items and frame.channel not in world.by_prefix
                if not unknown or self._introductions.offered.on_message(session, frame):
                    self._exchange.on_message(session, frame)
            case Ack():
                self._incarnations.on_ack(session, frame)
                self._exchange.on_ack(session, frame)
            case Islands():
                self._exchange.on_islands(session, frame)
            case Withheld():
                self._exchange.on_withheld(session, frame)
            case _:
                world.count("frame-out-of-place")
                self._fault(session)

    def _collected(self, device: DeviceId, sealed: bytes) -> bool:
        """Whatever comes of it, it need not lie at the mailbox any longer: nothing is opened twice."""
        self.take_sealed(device, sealed)
        return True

    def take_sealed(self, device: DeviceId, sealed: bytes) -> bool:
        """What a device has sealed for this one, unwrapped. False: it could not be opened, and is not worth keeping."""
        contents = self.sealing.unseal(device, sealed)
        if isinstance(contents, Rejected):
            if contents.reason is not Reason.REPLAYED:
                # Whoever has written it is to see what we lack.
                self.parcels.owe(device)
            return False
        return self.parcels.take(device, contents)

    def _carried(self, session: Session, frame: CarriedFrame) -> bool:
        """A frame out of a parcel. False: it is of a channel that is not known yet, and may be later."""
        match frame:
            case MessageFrame():
                unknown = frame.items and frame.channel not in self.world.by_prefix
                if unknown and not self._introductions.offered.on_message(session, frame):
                    return False
                self._exchange.on_message(session, frame)
            case Request():
                self._exchange.on_request(session, frame)
            case Ack():
                self.parcels.heard(session.device, frame.device_statements)
                self._exchange.on_ack(session, frame)
            case Islands():
                self._exchange.on_islands(session, frame)
            case Withheld():
                self._exchange.on_withheld(session, frame)
        return True

    def _fault(self, session: Session) -> None:
        """A frame that nobody honest sends."""
        session.faults += 1
        if session.faults > MAX_RECORD_FAULTS:
            self.world.close(session, "it sent too many invalid frames")


def _replay(txn: Transaction, channel: Channel) -> None:
    """The control log, chain ends and heads of a stored channel. Signatures are looked at once in a profile's life, and not at
    every start: what is stored is ours, page by page."""
    marked = decode(txn.get(Space.VERIFIED, channel.id) or encode(0), 16)
    verified = sound = marked if isinstance(marked, int) else 0
    after = 0
    while True:
        rows = txn.arrivals(channel.id, Log.CONTROL, after, 256)
        if not rows:
            break
        for arrival, record in rows:
            after = arrival
            acts: tuple[Act, ...] | Rejected = ()
            if record.header.kind != Kind.MERGE:
                acts = decode_acts((record.body or b"")[SALT_BYTES:], Log.CONTROL)
            if isinstance(acts, Rejected):
                raise Damaged("A control record in the database is not readable.", "Restore the profile from a backup.")
            channel.control.add(record, acts, verified=arrival <= verified)
            if channel.control.sound:
                sound = arrival
    if sound > verified:
        txn.put(Space.VERIFIED, channel.id, encode(sound))
    channel.devices = {device[:PREFIX_SIZE]: device for device in channel.control.certificates}
    channel.chains = Chains.of(txn, channel.id)
