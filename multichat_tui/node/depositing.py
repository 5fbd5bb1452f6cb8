"""Depositing: whoever is away gets what they lack in parcels, sealed for each device and put into its mailboxes.

The state of the session, the sealed bytes and the row of the deposit commit together; what a device is known to hold ends the
deposits that cover it, by whatever way that was learned. docs/protocol/deposits.md, 23.4.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.limits import (
    AWAY_MS,
    DEPOSIT_COPIES,
    DEPOSIT_DELAY_MS,
    DEPOSIT_MS,
    MAX_DEPOSIT_BYTES,
    MAX_OLD_RECORDS,
    OLD_HISTORY_MS,
    READ_TELL_MS,
    ROUTE_AGAIN_MS,
    ROUTE_SPREAD_MS,
    ROUTE_TELL_MS,
    SETTLE_START_MS,
)
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.parcels import Cover
from multichat_tui.node.custody import Custody
from multichat_tui.node.deposit_ends import DepositEnds
from multichat_tui.node.deposits import Deposit
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.holdings import Holdings
from multichat_tui.node.kept_ids import KeptIds
from multichat_tui.node.packing import Covering
from multichat_tui.node.parcels import Parcels
from multichat_tui.node.putting import Audits, Putting, Slot, Writing
from multichat_tui.node.sealing import Sealing
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey

PARCELS_AT_ONCE = 8
"""For one device in one batch; then whatever waits comes first."""
PAUSE_MS = 5
RETRY_MS = 10 * 60 * 1000
"""Before a device is looked at again that could not be written to."""
AUDIENCES_MS = 5_000
"""Who is where may have changed: each time that something was read, too."""
TO_BE_TOLD = b"reads-told"
"""In Space.SELF: devices that are to be told in a parcel what of theirs was read."""


Prekeys: TypeAlias = tuple[bytes | None, bytes | None]
"""The key by which we alone begin one session with a device, and the one for everybody."""


class Depositing:
    def __init__(
        self,
        world: World,
        parcels: Parcels,
        sealing: Sealing,
        statements: DeviceStatements,
        holdings: Holdings,
        writing: Writing,
        slots: Callable[[DeviceId], tuple[Slot, ...]],
        prekeys_of: Callable[[DeviceId], Prekeys],
        unaware: Callable[[], set[DeviceId]],
    ) -> None:
        """`slots`, `prekeys_of`: of a device, by its newest route. `unaware`: who may not know by what ways
        we are written to."""
        self._world = world
        self._parcels = parcels
        self._sealing = sealing
        self._holdings = holdings
        self._slots_of = slots
        self._known_slots: dict[DeviceId, tuple[Slot, ...]] = {}
        """As they were looked up in this batch."""
        self._prekeys_of = prekeys_of
        self._unaware = unaware
        self._routes_at: int | None = None
        """When it is looked who is to be told of our routes."""
        self._routes_due: set[DeviceId] = set()
        """To be told of them, also where there is nothing else to say."""
        self._kept_tells = KeptIds(world, TO_BE_TOLD)
        self._to_tell = {DeviceId(each) for each in self._kept_tells.load()}
        """The same, of what of theirs was read: also when the node ends."""
        self._writing = writing
        self._custody = Custody(world, statements)
        self._putting = Putting(world, writing, self._slots)
        self._putting.on_stored = self._stored
        self._putting.on_lost = self._lost
        self._writable: set[DeviceId] = set()
        """Devices that have mailboxes, as far as we know."""
        self._due: dict[DeviceId, int] = {}
        """When it is looked what a device lacks."""
        self._written_to: set[DeviceId] = set()
        """We have written something since they were left anything last: reason enough to try who was silent for long."""
        self._last: list[Deposit] | None = None
        """Once the node is to end: what lies at no mailbox yet."""
        self._take_over: dict[tuple[DeviceId, ChannelId], int] = {}
        """From when on we deposit what others have written in a channel, too."""
        self.ends = DepositEnds(world, self._look, lambda device: device in self._due)
        self._routed_at: int | None = None
        """When it is looked whether routes of devices to which something is under way count no more, without a word of them."""
        self.in_vain: Callable[[MailboxId], bool] = lambda mailbox: False
        """Whether a mailbox was just called in vain, wherever it may be; set by the engine."""

    def audit(self, audits: Audits) -> None:
        """From now on it is looked how mailboxes do with what is put there."""
        self._putting.audits = audits

    def load(self, devices: tuple[DeviceId, ...]) -> None:
        """`devices`: those that have routes. What is under way goes on; what is lacking is looked at once links had time."""
        self._world.deposits.load(self._world.txn, self._world.now)
        for device in devices:
            if self._slots(device):
                self._writable.add(device)
                self._putting.on_route(device)
                self._look_soon(device, SETTLE_START_MS)

    def _slots(self, device: DeviceId) -> tuple[Slot, ...]:
        if device not in self._known_slots:
            self._known_slots[device] = self._slots_of(device)
        return self._known_slots[device]

    # What happens

    def on_route(self, device: DeviceId) -> None:
        """A device has another route: it may have other mailboxes, or its first ones."""
        self._known_slots.clear()
        certificate = self._world.certificate_of(device)
        if certificate is not None:
            self._world.changed_contacts.add(certificate.user)
        if self._slots(device):
            self._writable.add(device)
            self._putting.on_route(device)
            self._look_soon(device, DEPOSIT_DELAY_MS)
        else:
            self._writable.discard(device)

    def hurry(self) -> None:
        """The node ends: what is gathered, or waits for company or for a link to come again, goes now. What only says by what
        ways we are written to keeps its time."""
        world = self._world
        self._last = [row for row in world.deposits.all() if not row.stored]
        self._due = dict.fromkeys(self._due, world.now)

    @property
    def leaving(self) -> bool:
        """The node is to end, and something is on its way to mailboxes that may take it."""
        return any(
            not row.stored and any(target.counts and not self.in_vain(target.mailbox) for target in row.targets)
            for row in self._last or ()
            if self._world.deposits.has(row)
        )

    def _look_soon(self, device: DeviceId, delay_ms: int) -> None:
        """What a device lacks is looked at after this, if it is not linked then; what others have written, later."""
        self._look(device, self._world.now + delay_ms)
        linked = self._linked()
        for channel in self._world.channels.values():
            if channel.live and channel.serves(device):
                self._take_over_later(channel, device, linked)

    def _look(self, device: DeviceId, at: int) -> None:
        self._due[device] = min(at, self._due.get(device, at))

    def _take_over_later(self, channel: Channel, device: DeviceId, linked: set[DeviceId]) -> None:
        if (device, channel.id) not in self._take_over:
            self._take_over[device, channel.id] = self._world.now + self._custody.wait_ms(channel, device, linked)

    def _linked(self) -> set[DeviceId]:
        return {session.device for session in self._world.peers() if not session.closing}

    # The end of a batch

    def tick(self) -> None:
        world = self._world
        self._known_slots.clear()
        written, relayed, informed = world.written, world.relayed, world.informed
        world.written, world.relayed, world.informed = set(), set(), set()
        gone, world.gone = world.gone, set()
        for device in world.heard.back & self._writable:
            self._look_soon(device, DEPOSIT_DELAY_MS)
        world.unheard -= world.heard.back
        world.heard.back.clear()
        if world.deposits:
            self.ends.end_what_is_void(gone)
        if world.audiences_changed and world.deposits and self._routed_at is None:
            self._routed_at = world.now + AUDIENCES_MS
        if self._routed_at is not None and self._routed_at <= world.now:
            self._routed_at = None
            for device in world.deposits.devices:
                self._putting.on_route(device)
        for device in informed:
            if world.heard.is_unconfirmed(device):
                world.heard.of(world.txn, device, world.now).unconfirmed_ms = 0
                world.heard.keep(world.txn, device)
        for device in informed & set(world.deposits.devices):
            self.ends.end_what_came(device)
        if self._writable or world.deposits:
            linked = self._linked()
            self._note(written, relayed, linked)
            self._look_at_routes(linked)
            self._answer(linked)
            self._deposit_due(linked)
            self._putting.tick()
            self._writing.tick()
            self._custody.tick()
            if self.ends.sweep():
                self._to_tell = {device for device in self._to_tell if world.certificate_of(device) is not None}
            self._kept_tells.keep(self._to_tell)
        fewer, world.deposits.fewer = world.deposits.fewer, []
        for row in fewer:
            self._show([cover for cover in row.covers if not self.ends.came(row.device, cover)])
        world.left_at = {d: at for d, at in world.left_at.items() if at + AWAY_MS > world.now} if world.left_at else {}

    def _note(self, written: set[ChannelId], relayed: set[ChannelId], linked: set[DeviceId]) -> None:
        """Records were made, or have come: members who are away are to get them."""
        world = self._world
        for identifier in written | relayed:
            channel = world.channels.get(identifier)
            if channel is None or not channel.live or not channel.rooted:
                continue
            for device in channel.audience(world.identity.device):
                if device in linked or device not in self._writable:
                    continue
                if identifier in written:
                    self._written_to.add(device)
                    away = world.now - world.left_at.get(device, -AWAY_MS) >= AWAY_MS
                    self._look(device, world.now if away else world.now + DEPOSIT_DELAY_MS)
                else:
                    self._take_over_later(channel, device, linked)
        for device, at in world.left_at.items():
            if at == world.now and device in self._writable:
                self._look_soon(device, DEPOSIT_DELAY_MS)

    def _look_at_routes(self, linked: set[DeviceId]) -> None:
        """Contacts who do not say that they know by what ways we are written to are told in parcels of their own."""
        world = self._world
        if world.routes_changed:
            world.routes_changed = False
            self._routes_at = world.now + ROUTE_TELL_MS
        if self._routes_at is None or self._routes_at > world.now:
            return
        self._routes_at = None
        for device in self._unaware() & self._writable:
            due_at = world.heard.of(world.txn, device, world.now).routed_ms + ROUTE_AGAIN_MS
            if due_at <= world.now and device not in linked:
                # Nobody waits for it: all at once would show a mailbox whose contacts these are.
                self._routes_due.add(device)
                self._look(device, world.now + int.from_bytes(world.entropy(4), "big") % ROUTE_SPREAD_MS)
            again_at = max(due_at, world.now + ROUTE_TELL_MS) if due_at > world.now else world.now + ROUTE_AGAIN_MS
            self._routes_at = min(again_at, self._routes_at or again_at)

    def tell(self, devices: set[DeviceId]) -> None:
        """What we say of ourselves goes to these in parcels, where they are away, also if nothing else is to be said; soon, but
        not each time."""
        for device in devices & self._writable - self._linked():
            self._to_tell.add(device)
            self._look(device, self._world.now + (READ_TELL_MS if self._last is None else 0))

    def _answer(self, linked: set[DeviceId]) -> None:
        """What is owed for parcels: over the link, which has settled it by itself, or in another parcel."""
        for device in self._parcels.due():
            if device in linked:
                self._parcels.settle(device)
            elif device in self._writable:
                self._look(device, self._world.now)

    def _deposit_due(self, linked: set[DeviceId]) -> None:
        now = self._world.now
        for (device, channel), at in list(self._take_over.items()):
            if at <= now:
                self._look(device, now)
                if device in linked:
                    del self._take_over[device, channel]
        for device, at in list(self._due.items()):
            if at > now:
                continue
            del self._due[device]
            if device in linked:
                self._to_tell.discard(device)
            if device in linked or device not in self._writable:
                continue
            gathers_until = self._world.deposits.gathers_until(device, now)
            if gathers_until > now and self._last is None:
                self._look(device, gathers_until)
            else:
                self._deposit(device)

    # One device

    def _deposit(self, device: DeviceId) -> None:
        world = self._world
        silent = world.heard.is_silent(world.txn, device, world.now)
        if silent:
            world.unheard.add(device)
        if silent and (device not in self._written_to or world.deposits.of(device)):
            self._taken_over(device)
            return
        (prekey, fallback), slots = self._prekeys_of(device), self._slots(device)
        if not slots or not self._sealing.can_seal(device, prekey, fallback) or not world.pair_keys_of(device):
            self._look(device, world.now + RETRY_MS)
            return
        for _ in range(PARCELS_AT_ONCE):
            rows = world.deposits.of(device)
            if world.deposits.full(device) or world.deposits.size >= MAX_DEPOSIT_BYTES:
                # Its own acknowledgement has it looked at sooner, if that is what makes room.
                self._look(device, world.now + RETRY_MS)
                return
            covers = [cover for row in rows for cover in row.covers]
            tells = device in self._to_tell or (device in self._routes_due and self._last is None)
            parcel = self._parcels.contents_for(device, covered=covers, served=self._served(device, covers), routes=tells)
            if tells:
                self._routes_due.discard(device)
                self._to_tell.discard(device)
                world.heard.of(world.txn, device, world.now).routed_ms = world.now
                world.heard.keep(world.txn, device)
            sealed = None if parcel is None else self._sealing.seal(device, prekey, parcel.contents, fallback)
            if parcel is None or sealed is None:
                self._taken_over(device)
                return
            wanted = min(DEPOSIT_COPIES, len(slots))
            expires = min(parcel.expires_ms, world.now + DEPOSIT_MS)
            row = world.deposits.add(world.txn, device, sealed, parcel.covers, world.now, expires, wanted)
            self._parcels.lies(parcel, row)
            self._written_to.discard(device)
            if self._last is not None:
                self._last.append(row)
            world.count("deposits")
            self._putting.begin(row)
            if silent or not parcel.covers:
                # One parcel finds whoever is there again: two of whom neither was heard of would wait for each other for ever.
                return
        self._look(device, world.now + PAUSE_MS)

    def _taken_over(self, device: DeviceId) -> None:
        """All that was due for a device is on its way."""
        now = self._world.now
        for name, at in list(self._take_over.items()):
            if name[0] == device and at <= now:
                del self._take_over[name]

    def _served(self, device: DeviceId, covers: list[Cover]) -> Callable[[Channel, ChainKey], int | None]:
        """Our own records go at once, with all that they stand on, but for what its authors have deposited; what only others have
        written goes when we are to take it over."""
        world, me = self._world, self._world.identity.device
        covering = Covering(covers)
        ours: dict[ChannelId, bool] = {}
        words: dict[ChannelId, dict[ChainKey, int]] = {}
        world.left_to_links.discard(device)

        def has_ours(channel: Channel) -> bool:
            for log in Log:
                key: ChainKey = (log, me[:PREFIX_SIZE])
                held, known = channel.chains.held(key), world.peer_top(device, channel.id, key)
                first, last = covering.lacking(channel.id, key, known + 1, held)
                if first <= last:
                    return True
            return False

        def served(channel: Channel, key: ChainKey) -> int | None:
            if self._is_old(channel, key, device, covering):
                world.left_to_links.add(device)
                return None
            if channel.chains.device(key) == me:
                return -1
            if channel.id not in ours:
                at = self._take_over.get((device, channel.id))
                ours[channel.id] = has_ours(channel) or (at is not None and at <= world.now)
                words[channel.id] = self._custody.words(channel, device) if ours[channel.id] else {}
            return words[channel.id].get(key, -1) if ours[channel.id] else None

        return served

    def _is_old(self, channel: Channel, key: ChainKey, device: DeviceId, covering: Covering) -> bool:
        """Whether a device lacks so much of a content chain, from so long ago, that it is left to links."""
        world, author = self._world, channel.chains.device(key)
        known = world.peer_top(device, channel.id, key)
        first, last = covering.lacking(channel.id, key, known + 1, channel.chains.held(key))
        if key[0] is not Log.CONTENT or last - first < MAX_OLD_RECORDS or author is None:
            return False
        oldest = world.txn.in_chain(channel.id, key[0], author, first)
        arrival = None if oldest is None else world.txn.arrival(oldest)
        return arrival is not None and arrival[1] + OLD_HISTORY_MS <= world.now

    # What became of it

    def _stored(self, row: Deposit) -> None:
        world = self._world
        if not row.covers and row.settled:
            world.deposits.remove(world.txn, row)
            return
        for channel in self._show(row.covers):
            if row.settled:
                self._custody.changed(channel)

    def _show(self, covers: Iterable[Cover]) -> list[Channel]:
        """Of what we have written, it is another thing now where it lies. Returns in which channels."""
        world, me = self._world, self._world.identity.device
        world.status_changed = True
        shown = []
        for cover in covers:
            channel = world.channels.get(cover.channel)
            if channel is not None and cover.device == me and cover.log is Log.CONTENT:
                self._holdings.delivery_changed(channel, cover.first, cover.last)
                shown.append(channel)
        return shown

    def _lost(self, row: Deposit) -> None:
        """It was given out, or lost, and nobody has acknowledged it: it is sealed anew, by another session if need be."""
        world = self._world
        world.count("deposit-lost")
        session = self._sealing.doubt(row.device)
        world.deposits.remove(world.txn, row)
        for other in world.deposits.of(row.device) if session is not None else ():
            order = self._sealing.order(world.deposits.sealed(world.txn, other) or b"")
            if not isinstance(order, Rejected) and order[0] == session:
                world.deposits.remove(world.txn, other)
        self._look(row.device, world.now)

    def wake_times(self) -> list[int]:
        if not self._writable and not self._world.deposits:
            return []
        routes = [at for at in (self._routes_at, self._routed_at) if at is not None]
        times = [
            *routes,
            *self._due.values(),
            *self._putting.wake_times(),
            *self._writing.wake_times(),
            *self._custody.wake_times(),
        ]
        return times + [at for at in self._take_over.values() if at > self._world.now]
