"""Writing into others' queues: over links to their mailboxes, each shown first by which key we may write there."""

from dataclasses import field
from functools import partial

from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import show_writer
from multichat_tui.model.device_statements import Audience, DeviceStatementKind
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId
from multichat_tui.model.limits import PUT_WAIT_MS
from multichat_tui.model.mailbox_frames import (
    Challenge,
    EnvelopeHash,
    HasEnvelopes,
    MailboxAnswer,
    MailboxReply,
    MailboxRequest,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId, QueueId
from multichat_tui.model.values import dataclass
from multichat_tui.node.depositing import Prekeys
from multichat_tui.node.mailbox_links import Build, MailboxLinks, Purpose
from multichat_tui.node.putting import Heard, Slot
from multichat_tui.node.routes import Routes
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session


@dataclass(slots=True, kw_only=True)
class _Order:
    """Something to be asked of a mailbox about one queue."""

    slot: Slot
    seed: bytes
    build: Build
    heard: Heard
    size: int
    until_ms: int


@dataclass(slots=True, kw_only=True)
class _Mailbox:
    waiting: list[_Order] = field(default_factory=list)
    """Until there is a link."""
    shown: set[QueueId] = field(default_factory=set)
    """Queues for which our key was shown over the link that there is."""


class MailboxWriting:
    """Implements `putting.Writing`."""

    def __init__(self, world: World, links: MailboxLinks) -> None:
        self._world = world
        self._links = links
        self._mailboxes: dict[MailboxId, _Mailbox] = {}
        links.on_up[Purpose.WRITING] = self._up

    def put(self, slot: Slot, seed: bytes, envelope: bytes, expires_ms: int, heard: Heard) -> None:
        writer = public_key(seed)[:PREFIX_SIZE]

        def build(number: int, session: Session) -> MailboxRequest:
            return PutEnvelope(number=number, queue=slot.queue, writer=writer, envelope=envelope, expires_ms=expires_ms)

        self._order(slot, seed, build, heard, len(envelope))

    def has(self, slot: Slot, seed: bytes, envelopes: tuple[EnvelopeHash, ...], heard: Heard) -> None:
        def build(number: int, session: Session) -> MailboxRequest:
            return HasEnvelopes(number=number, queue=slot.queue, envelopes=envelopes)

        self._order(slot, seed, build, heard, 0)

    def challenge(self, slot: Slot, seed: bytes, envelope: EnvelopeHash, nonce: bytes, heard: Heard) -> None:
        """Ask to show that one of ours is there."""

        def build(number: int, session: Session) -> MailboxRequest:
            return Challenge(number=number, queue=slot.queue, envelope=envelope, nonce=nonce)

        self._order(slot, seed, build, heard, 0)

    def _order(self, slot: Slot, seed: bytes, build: Build, heard: Heard, size: int) -> None:
        until = self._world.now + PUT_WAIT_MS
        order = _Order(slot=slot, seed=seed, build=build, heard=heard, size=size, until_ms=until)
        self._links.want(slot.address, Purpose.WRITING, until, slot.user)
        if not self._ask(order):
            self._mailboxes.setdefault(slot.address.mailbox, _Mailbox()).waiting.append(order)

    def _ask(self, order: _Order) -> bool:
        """False: there is no link to the mailbox just now."""
        address, queue = order.slot.address, order.slot.queue
        box = self._mailboxes.setdefault(address.mailbox, _Mailbox())
        if not self._links.linked(address.mailbox, Purpose.WRITING):
            return False
        if queue not in box.shown:
            shows = partial(_show, order.seed, queue)
            if not self._links.request(address, Purpose.WRITING, shows, partial(self._heard_of_key, box, queue)):
                return False
            box.shown.add(queue)
        return self._links.request(address, Purpose.WRITING, order.build, partial(self._heard_of, box, order), order.size)

    def _heard_of(self, box: _Mailbox, order: _Order, reply: MailboxReply | None) -> None:
        if isinstance(reply, MailboxAnswer) and reply.word is Word.UNAUTHORISED:
            # As far as the mailbox knows nothing was shown.
            box.shown.discard(order.slot.queue)
        order.heard(reply)

    def _heard_of_key(self, box: _Mailbox, queue: QueueId, reply: MailboxReply | None) -> None:
        if not isinstance(reply, MailboxAnswer) or reply.word is not Word.DONE:
            # What was asked behind it is refused, too; the next time it is shown again.
            box.shown.discard(queue)

    def _up(self, address: MailboxAddress) -> None:
        box = self._mailboxes.get(address.mailbox)
        if box is None:
            return
        box.shown.clear()
        waiting, box.waiting = box.waiting, []
        for order in waiting:
            if not self._ask(order):
                box.waiting.append(order)

    def tick(self) -> None:
        """What found no link in time is told so."""
        now = self._world.now
        for mailbox, box in list(self._mailboxes.items()):
            late = [order for order in box.waiting if order.until_ms <= now]
            box.waiting = [order for order in box.waiting if order.until_ms > now]
            for order in late:
                order.heard(None)
            if not box.waiting and not self._links.linked(mailbox, Purpose.WRITING):
                del self._mailboxes[mailbox]

    def wake_times(self) -> list[int]:
        return [order.until_ms for box in self._mailboxes.values() for order in box.waiting]


def _show(seed: bytes, queue: QueueId, number: int, session: Session) -> MailboxRequest:
    return show_writer(number, seed, queue, session.binding)


# By which ways


def slots_of(routes: Routes, world: World, device: DeviceId) -> tuple[Slot, ...]:
    """The queues of the best route of a device that has some."""
    certificate = world.certificate_of(device)
    if certificate is None:
        return ()
    queues = next((known.route.queues for known in routes.of(device) if known.route.queues), ())
    return tuple(Slot(address=each.mailbox, queue=each.queue, user=certificate.user) for each in queues)


def prekeys_of(routes: Routes, world: World, device: DeviceId) -> Prekeys:
    """(for us alone, for everybody), as a device's routes name them: a contact's has both, a channel's the second one."""
    alone: bytes | None = None
    common: bytes | None = None
    for known in routes.of(device):
        if known.audience == Audience(world.identity.user):
            alone = known.route.prekey
            common = common or known.route.fallback or None
        else:
            common = common or known.route.prekey
    return alone, common


def routed_devices(world: World) -> tuple[DeviceId, ...]:
    """Devices that have said by what ways they are written to."""
    said = {name for by in world.device_statements.values() for name in by}
    return tuple(sorted({device for device, kind in said if kind == DeviceStatementKind.ROUTE} - {world.identity.device}))
