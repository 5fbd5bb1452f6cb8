"""Collecting: what others have left for this device at its mailboxes is listed, fetched, and read in the order of its writing.

All mailboxes list first: a session between two devices passes over few of its messages only, and who writes to two mailboxes
leaves each message at both or at either. What was read, or can be read by nobody, is deleted there.
"""

from collections.abc import Callable
from dataclasses import field
from functools import partial
from typing import Protocol, TypeAlias

from multichat_tui.crypto.envelopes import unwrap, wrapper_key
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import (
    COLLECT_WAIT_MS,
    MAX_COLLECTED,
    MAX_COLLECTED_BYTES,
    MAX_DELETED_AT_ONCE,
    MAX_FETCHED_AT_ONCE,
    MAX_LISTED_ENVELOPES,
    READ_AT_ONCE,
    UNREAD_MS,
)
from multichat_tui.model.mailbox_frames import (
    DeleteEnvelopes,
    EnvelopeHash,
    Envelopes,
    FetchedEnvelope,
    FetchEnvelopes,
    ListedEnvelope,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    MailboxReply,
    WriterPrefix,
)
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId, QueueId, envelope_hash
from multichat_tui.model.values import dataclass
from multichat_tui.node.kept_mailboxes import OwnMailbox, OwnQueue
from multichat_tui.node.mailbox_links import MailboxLinks, Purpose
from multichat_tui.node.own_mailboxes import OwnMailboxes
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

Place: TypeAlias = tuple[MailboxId, QueueId]
FETCH_BYTES = 1024 * 1024
"""What is asked for at once of one queue."""
MAX_LISTED = 16_384
"""Envelopes that were listed and not fetched, in all queues: about 4 MiB. What is beyond is listed again when there is room."""
BUSY_MS = 1_000
"""A mailbox that does not give what it has listed is asked again after this, if it says no other time."""


@dataclass(slots=True, kw_only=True)
class _Lying:
    """What lies in one queue, as far as the mailbox has listed it over this link."""

    box: OwnMailbox
    queue: OwnQueue
    last: int = 0
    """The greatest serial heard of."""
    listing: bool = False
    list_at: int | None = None
    """The mailbox did not list it: it is asked again then."""
    whole: bool = False
    """All of it was listed."""
    listed: dict[int, ListedEnvelope] = field(default_factory=dict)
    """By serial: not fetched yet."""
    cut: bool = False
    """There was no room for all that was listed."""
    fetching: bool = False
    paused_until: int = 0
    reading: set[int] = field(default_factory=set)
    """Fetched, not read yet."""
    read: set[int] = field(default_factory=set)
    """To be deleted."""
    held: dict[EnvelopeHash, int] = field(default_factory=dict)
    """Serials of what was read and stays for a test."""
    deleting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    """An envelope that is waiting to be read, without its wrapper. `order`: the session and the number within it."""

    place: Place
    serial: int
    hash: EnvelopeHash
    device: DeviceId
    order: tuple[bytes, int]
    sealed: bytes
    stored_ms: int


class Specimens(Protocol):
    """What lies in one's own queues to find out whether it stays there (`node.auditing`)."""

    def holds(self, place: Place, envelope: EnvelopeHash) -> bool:
        """It was fetched, and is to be left where it is."""

    def is_dummy(self, place: Place, envelope: EnvelopeHash) -> bool:
        """It is from ourselves, and says nothing."""

    def consider(self, place: Place, envelope: bytes) -> None:
        """An envelope of somebody's: it may be wanted for a test once it was read."""

    def stays(self, place: Place, envelope: EnvelopeHash) -> bool:
        """It was read: whether it is held from now on. False: it is deleted."""

    def wrong(self, mailbox: MailboxId) -> None:
        """The mailbox gave something else than it had listed."""


class Collecting:
    def __init__(
        self,
        world: World,
        links: MailboxLinks,
        own: OwnMailboxes,
        order: Callable[[bytes], tuple[bytes, int] | Rejected],
    ) -> None:
        """`order`: of a sealed message (`node.sealing`)."""
        self._world = world
        self._links = links
        self._own = own
        self._order = order
        self._lying: dict[Place, _Lying] = {}
        self._fetched: list[_Fetched] = []
        self._fetched_bytes = 0
        self._later: list[_Fetched] = []
        """What could not be taken: tried once more when something else was."""
        self._waits_until: int | None = None
        """Until when what was fetched waits for mailboxes that have not listed everything."""
        self.on_envelope: Callable[[DeviceId, bytes], bool] = lambda device, sealed: False
        """A sealed message of a device. False: it is not taken now, and stays where it is. Set by who reads them."""
        self.specimens: Specimens | None = None
        """What stays for tests; set by who tests."""
        own.on_taken = self._list
        own.on_gone = self._gone
        own.is_empty = self._is_empty
        links.on_news = self._news

    @property
    def waiting(self) -> dict[MailboxId, int]:
        """Envelopes that each mailbox has for us, as far as is known."""
        found: dict[MailboxId, int] = {}
        for (mailbox, _), lying in self._lying.items():
            found[mailbox] = found.get(mailbox, 0) + len(lying.listed) + len(lying.reading)
        return found

    # What lies there

    def _list(self, box: OwnMailbox, queue: OwnQueue) -> None:
        """This link may look into the queue: from the beginning, and from then on the mailbox tells what is new."""
        place = box.id, queue.id
        lying = self._lying[place] = _Lying(box=box, queue=queue)
        self._fetched = [each for each in self._fetched if each.place != place]
        self._later = [each for each in self._later if each.place != place]
        self._fetched_bytes = sum(len(each.sealed) for each in self._fetched)
        if self._waits_until is None:
            self._waits_until = self._world.now + COLLECT_WAIT_MS
        self._list_on(lying)

    def _again_at(self, answer: MailboxReply | None) -> int:
        """When a mailbox is asked again that has not done what it was asked for."""
        after = answer.retry_after_ms if isinstance(answer, MailboxAnswer) else None
        return self._world.now + max(100, min(after or BUSY_MS, 60 * BUSY_MS))

    def _list_on(self, lying: _Lying) -> None:
        lying.list_at = None
        lying.listing = self._links.request(
            lying.box.address,
            Purpose.OWN,
            lambda number, _: ListEnvelopes(
                number=number, queue=lying.queue.id, after=lying.last, limit=MAX_LISTED_ENVELOPES, subscribe=True
            ),
            partial(self._listed, lying),
        )

    def _current(self, lying: _Lying) -> bool:
        return self._lying.get((lying.box.id, lying.queue.id)) is lying

    def _listed(self, lying: _Lying, answer: MailboxReply | None) -> None:
        if not self._current(lying):
            return
        lying.listing = False
        if not isinstance(answer, Listing) or answer.queue != lying.queue.id:
            lying.list_at = self._again_at(answer)
            return
        self._note(lying, answer)
        if answer.more and answer.envelopes and not lying.cut:
            self._list_on(lying)
        else:
            lying.whole = not lying.cut
            self._look_again(lying)

    def _look_again(self, lying: _Lying) -> None:
        """It may be closed, once nothing lies there."""
        if (lying.box.draining or lying.queue.over) and self._is_empty(lying.box, lying.queue):
            self._own.look_again()

    def _news(self, address: MailboxAddress, listing: Listing) -> None:
        lying = self._lying.get((address.mailbox, listing.queue))
        if lying is None:
            return
        self._note(lying, listing)
        if listing.more and not lying.listing and not lying.cut:
            self._list_on(lying)

    def _note(self, lying: _Lying, listing: Listing) -> None:
        room = MAX_LISTED - sum(len(each.listed) for each in self._lying.values())
        for each in listing.envelopes:
            if each.serial <= lying.last:
                continue
            if room <= 0:
                lying.cut = True
                break
            lying.last = each.serial
            if self.specimens is not None and self.specimens.holds((lying.box.id, lying.queue.id), each.envelope):
                lying.held[each.envelope] = each.serial
                continue
            lying.listed[each.serial] = each
            room -= 1
        self._world.status_changed = True

    def _gone(self, box: OwnMailbox, queue: OwnQueue) -> None:
        self._lying.pop((box.id, queue.id), None)

    def _is_empty(self, box: OwnMailbox, queue: OwnQueue) -> bool:
        lying = self._lying.get((box.id, queue.id))
        if lying is None or not lying.whole or lying.listing:
            return False
        return not (lying.listed or lying.reading or lying.read or lying.deleting)

    def _settled(self) -> bool:
        """Every mailbox that answers has listed what it has."""
        for box in self._own.boxes.values():
            since = self._links.unreached_since(box.id, Purpose.OWN)
            if since is not None and self._world.now - since < COLLECT_WAIT_MS:
                return False
            if since is not None or box.refused is not None:
                continue
            for queue in box.queues.values():
                lying = self._lying.get((box.id, queue.id))
                if queue.opened and queue.refused is None and (lying is None or not (lying.whole and queue.taken)):
                    return False
        return True

    # Fetching

    def tick(self) -> None:
        """Fetch what is listed, read what is fetched, delete what was read."""
        if not self._lying and not self._fetched and self._waits_until is None:
            return
        for place, lying in list(self._lying.items()):
            if not lying.queue.taken:
                # The link is gone: what was fetched over it is read all the same, and its copy found again later is a duplicate.
                del self._lying[place]
            elif lying.cut and not lying.listed and not lying.listing:
                lying.cut = False
                self._list_on(lying)
            elif lying.list_at is not None and lying.list_at <= self._world.now and not lying.listing:
                self._list_on(lying)
        self._fetch()
        self._read()
        self._delete()

    def _fetch(self) -> None:
        lying = sorted(
            (each for each in self._lying.values() if each.listed and not each.fetching and each.paused_until <= self._world.now),
            key=lambda each: min(listed.stored_ms for listed in each.listed.values()),
        )
        busy = {each.box.id for each in self._lying.values() if each.fetching}
        for each in lying:
            if len(self._fetched) >= MAX_COLLECTED or self._fetched_bytes >= MAX_COLLECTED_BYTES:
                return
            if each.box.id in busy:
                continue  # of each mailbox one queue at a time
            serials: list[int] = []
            size = 0
            for serial, listed in each.listed.items():
                if serials and (size + listed.size > FETCH_BYTES or len(serials) >= MAX_FETCHED_AT_ONCE):
                    break
                serials.append(serial)
                size += listed.size
            asked = tuple(serials)
            each.fetching = self._links.request(
                each.box.address,
                Purpose.OWN,
                partial(_fetch_request, each.queue.id, asked),
                partial(self._came, each, asked),
            )
            busy.add(each.box.id)

    def _came(self, lying: _Lying, asked: tuple[int, ...], answer: MailboxReply | None) -> None:
        if not self._current(lying):
            return
        lying.fetching = False
        if not isinstance(answer, Envelopes) or answer.queue != lying.queue.id:
            lying.paused_until = self._again_at(answer)
            return
        place = lying.box.id, lying.queue.id
        writers = self._own.writers.known(lying.queue)
        came = False
        for envelope in answer.envelopes:
            listed = lying.listed.pop(envelope.serial, None)
            if listed is None or envelope.serial not in asked:
                continue
            came = True
            hash = envelope_hash(envelope.envelope)
            if hash != listed.envelope or envelope.writer != listed.writer:
                self._world.count("mailbox-other-envelope")
                self._lost(lying)
            dummy = self.specimens is not None and self.specimens.is_dummy(place, hash)
            found = None if dummy else self._open(place, envelope, writers, listed.stored_ms)
            if found is None:
                self._done_with(lying, envelope.serial, hash)
            else:
                if self.specimens is not None:
                    self.specimens.consider(place, envelope.envelope)
                lying.reading.add(envelope.serial)
                self._fetched.append(found)
                self._fetched_bytes += len(found.sealed)
        if not came:
            # None of them is there any more: expired, or lost.
            for serial in asked:
                lying.listed.pop(serial, None)

    def _lost(self, lying: _Lying) -> None:
        lying.box.losses += 1
        if self.specimens is not None:
            self.specimens.wrong(lying.box.id)

    def _open(
        self,
        place: Place,
        envelope: FetchedEnvelope,
        writers: dict[WriterPrefix, tuple[DeviceId, bytes]],
        stored_ms: int,
    ) -> _Fetched | None:
        """Without its wrapper; None: it is nobody's of ours, or nothing that can be read."""
        who = writers.get(envelope.writer)
        if who is None:
            self._world.count("envelope-stranger")
            return None
        device, pair = who
        sealed = unwrap(wrapper_key(pair, place[1]), place[1], envelope.writer, envelope.envelope)
        order = sealed if isinstance(sealed, Rejected) else self._order(sealed)
        if isinstance(sealed, Rejected) or isinstance(order, Rejected):
            self._world.count("envelope-unreadable")
            return None
        hash = envelope_hash(envelope.envelope)
        return _Fetched(
            place=place,
            serial=envelope.serial,
            hash=hash,
            device=device,
            order=order,
            sealed=sealed,
            stored_ms=stored_ms,
        )

    def _done_with(self, lying: _Lying, serial: int, envelope: EnvelopeHash) -> None:
        """It is deleted, now or once it was tested."""
        if self.specimens is not None and self.specimens.stays((lying.box.id, lying.queue.id), envelope):
            lying.held[envelope] = serial
        else:
            lying.read.add(serial)

    def lacks(self, place: Place, envelope: EnvelopeHash) -> bool:
        """The mailbox has listed all that lies there, and this is not among it."""
        lying = self._lying.get(place)
        if lying is None or not lying.whole or lying.listing or lying.reading:
            return False
        return envelope not in lying.held and all(each.envelope != envelope for each in lying.listed.values())

    def release(self, place: Place, envelope: EnvelopeHash) -> None:
        """It does not stay for a test any more."""
        lying = self._lying.get(place)
        serial = None if lying is None else lying.held.pop(envelope, None)
        if lying is not None and serial is not None:
            lying.read.add(serial)

    # Reading

    def _read(self) -> None:
        """Once all mailboxes have listed, or have not in time, and nothing more is on its way that could come before."""
        world = self._world
        if not self._fetched:
            if self._waits_until is not None and self._settled():
                self._waits_until = None
            return
        full = len(self._fetched) >= MAX_COLLECTED or self._fetched_bytes >= MAX_COLLECTED_BYTES
        more = any(each.fetching or each.listed for each in self._lying.values())
        late = self._waits_until is not None and self._waits_until <= world.now
        if not full and not late and (more or (self._waits_until is not None and not self._settled())):
            if self._waits_until is None:
                self._waits_until = world.now + COLLECT_WAIT_MS
            return
        if not more:
            self._waits_until = None
        self._fetched.sort(key=lambda each: (each.device, each.order))
        now, self._fetched = self._fetched[:READ_AT_ONCE], self._fetched[READ_AT_ONCE:]
        seen: dict[tuple[DeviceId, bytes], bool] = {}
        refused: list[_Fetched] = []
        for each in now:
            lying = self._lying.get(each.place)
            name = each.device, each.sealed
            if name not in seen:
                seen[name] = self.on_envelope(each.device, each.sealed)
            if lying is not None:
                lying.reading.discard(each.serial)
                if seen[name]:
                    self._done_with(lying, each.serial, each.hash)
                elif each.stored_ms + UNREAD_MS <= world.now:
                    world.count("envelope-never-read")
                    lying.read.add(each.serial)
                else:
                    refused.append(each)
        if any(seen.values()):
            # What was taken may be what these have waited for.
            self._fetched += self._later
            self._later = refused
        else:
            self._later += refused
            while len(self._later) > MAX_COLLECTED or sum(len(each.sealed) for each in self._later) > MAX_COLLECTED_BYTES:
                # It comes again with the next link.
                del self._later[0]
        self._fetched_bytes = sum(len(each.sealed) for each in self._fetched)
        world.status_changed = True

    def _delete(self) -> None:
        for lying in self._lying.values():
            if not lying.read or lying.deleting:
                continue
            serials = tuple(sorted(lying.read)[:MAX_DELETED_AT_ONCE])
            lying.deleting = self._links.request(
                lying.box.address,
                Purpose.OWN,
                partial(_delete_request, lying.queue.id, serials),
                partial(self._deleted, lying, serials),
            )

    def _deleted(self, lying: _Lying, serials: tuple[int, ...], answer: MailboxReply | None) -> None:
        lying.deleting = False
        if answer is not None and self._current(lying):
            lying.read.difference_update(serials)
            self._look_again(lying)

    def wake_times(self) -> list[int]:
        now = self._world.now
        times = [each.paused_until for each in self._lying.values() if each.listed and each.paused_until > now]
        times += [each.list_at for each in self._lying.values() if each.list_at is not None]
        if self._fetched:
            times.append(now if self._waits_until is None else max(now, self._waits_until))
        return times


def _fetch_request(queue: QueueId, serials: tuple[int, ...], number: int, session: Session) -> FetchEnvelopes:
    return FetchEnvelopes(number=number, queue=queue, serials=serials)


def _delete_request(queue: QueueId, serials: tuple[int, ...], number: int, session: Session) -> DeleteEnvelopes:
    return DeleteEnvelopes(number=number, queue=queue, serials=serials)
