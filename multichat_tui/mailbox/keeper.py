"""A mailbox's answers: a request, and what its link has shown, against what is kept (docs/protocol/mailbox-protocol.md).

The rule: whoever has not shown a key is told the same of what is there and of what is not. What is refused changes nothing, and
is counted. An answer leaves after the commit of what it says.
"""

from collections import Counter
from dataclasses import field
from typing import assert_never

from multichat_tui.mailbox.terms import Seals, Terms
from multichat_tui.mailbox.visit import Visit
from multichat_tui.model.ids import PREFIX_SIZE
from multichat_tui.model.limits import (
    DISK_RETRY_MS,
    EXPIRY_TOLERANCE_MS,
    FETCH_ANSWER_BYTES,
    FETCH_BATCH_BYTES,
    FETCH_FRAME_BYTES,
    FETCH_LINK_BYTES,
    FETCH_RETRY_MS,
    MAX_ENVELOPE_BYTES,
    MAX_ENVELOPE_LIFE_MS,
    MAX_KEPT_QUEUES,
    MAX_LISTED_ENVELOPES,
    MAX_QUEUE_WRITERS,
    MAX_SHOWN,
    MAX_SHOWN_IN_ALL,
)
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    Challenge,
    CloseQueue,
    DeleteEnvelopes,
    Deposited,
    Envelopes,
    FetchedEnvelope,
    FetchEnvelopes,
    GrantUsage,
    HasEnvelopes,
    ListedEnvelope,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    MailboxReply,
    MailboxRequest,
    OpenQueue,
    PutEnvelope,
    ShowGrant,
    ShowWriter,
    TakeQueue,
    Word,
)
from multichat_tui.model.mailbox_store import KeptEnvelope, KeptQueue, KeptWriter, MailboxStore, charge
from multichat_tui.model.mailboxes import (
    QueueId,
    envelope_hash,
    grant_signed_bytes,
    queue_id,
    queue_signed_bytes,
    writer_signed_bytes,
)
from multichat_tui.model.values import dataclass


@dataclass(slots=True, kw_only=True)
class Keeper:
    """One mailbox. `box` is what it keeps, of the transaction under way: set by whoever begins one, with the time."""

    terms: Terms
    seals: Seals
    box: MailboxStore
    now: int = 0
    disk_rests_until: int = 0
    """The disk has refused something: until then nothing is put here."""
    shown: int = 0
    """Over all links."""
    fetched_bytes: int = 0
    """In this batch."""
    refused: Counter[tuple[bytes, Word]] = field(default_factory=Counter)
    """By grant (empty: of who had shown none) and word, since they were last taken."""
    news: dict[QueueId, list[ListedEnvelope]] = field(default_factory=dict)
    """What came in since it was last taken."""
    subscribers: dict[QueueId, list[Visit]] = field(default_factory=dict)
    put_expiring: int | None = None
    """When the first of the envelopes expires that came in since this was last taken."""
    removed: bool = False
    """Envelopes have gone, and traces of them may be in files."""
    _free: int | None = None
    """Of the disk, as it was when it was looked at in this batch, less what was put since."""
    _looked: bool = False

    def begin(self, box: MailboxStore, now: int) -> None:
        """A batch begins."""
        self.box, self.now, self.fetched_bytes, self._looked = box, now, 0, False

    def receive(self, visit: Visit) -> None:
        """A link goes on that another keeper of the same box has answered until now."""
        self.shown += visit.shown
        for queue in visit.subscribed:
            self.subscribers.setdefault(queue, []).append(visit)

    def leave(self, visit: Visit) -> None:
        """The link is down."""
        self.shown -= visit.shown
        for queue in list(visit.subscribed):
            self._unsubscribe(visit, queue)

    def take_news(self) -> list[tuple[Visit, Listing]]:
        """What subscribers are to be told of what came in since this was asked last."""
        told = []
        for queue, came in self.news.items():
            for visit in self.subscribers.get(queue, ()):
                for start in range(0, len(came), MAX_LISTED_ENVELOPES):
                    part = tuple(came[start : start + MAX_LISTED_ENVELOPES])
                    more = start + len(part) < len(came)
                    told.append((visit, Listing(number=0, queue=queue, envelopes=part, more=more)))
        self.news.clear()
        return told

    def answer(self, visit: Visit, request: MailboxRequest) -> list[MailboxReply]:
        """Do it, or refuse it in a word."""
        match request:
            case ShowGrant():
                return [self._show_grant(visit, request)]
            case OpenQueue():
                return [self._open(visit, request)]
            case TakeQueue():
                return [self._take(visit, request)]
            case ShowWriter():
                return [self._show_writer(visit, request)]
            case PutEnvelope():
                return [self._put(visit, request)]
            case Challenge():
                return [self._challenge(visit, request)]
            case HasEnvelopes():
                return [self._has(visit, request)]
            case AllowWriters() | ListEnvelopes() | FetchEnvelopes() | DeleteEnvelopes() | CloseQueue():
                return self._owners(visit, request)
            case _:
                assert_never(request)

    # Showing keys

    def _show_grant(self, visit: Visit, request: ShowGrant) -> MailboxReply:
        if not self.seals.verify(request.grant, grant_signed_bytes(visit.binding), request.signature):
            return self._unauthorised(visit, request.number)
        grant = self.box.grant(request.grant)
        if grant is None or grant.revoked:
            return self._refuse(request.number, Word.UNKNOWN)
        visit.grant = request.grant
        usage = GrantUsage(
            used_bytes=grant.used_bytes,
            quota_bytes=grant.quota_bytes,
            queues=grant.queues,
            most_queues=grant.most_queues,
        )
        return MailboxAnswer(number=request.number, word=Word.DONE, usage=usage)

    def _open(self, visit: Visit, request: OpenQueue) -> MailboxReply:
        if not visit.grant or not self.seals.verify(request.queue_key, queue_signed_bytes(visit.binding), request.signature):
            return self._unauthorised(visit, request.number)
        queue = queue_id(request.queue_key)
        if self.box.queue(queue) is None:
            grant = self.box.grant(visit.grant)
            if grant is None or grant.revoked:
                return self._refuse(request.number, Word.UNKNOWN)
            if grant.queues >= grant.most_queues:
                return self._refuse(request.number, Word.TOO_MANY, visit.grant)
            if sum(each.queues for each in self.box.grants()) >= MAX_KEPT_QUEUES:
                return self._refuse(request.number, Word.FULL, visit.grant)
            self.box.open(queue, visit.grant, self.now, request.quota_bytes)
        else:
            self.box.limit_queue(queue, request.quota_bytes)
        return self._own(visit, request.number, queue)

    def _take(self, visit: Visit, request: TakeQueue) -> MailboxReply:
        if not self.seals.verify(request.queue_key, queue_signed_bytes(visit.binding), request.signature):
            return self._unauthorised(visit, request.number)
        queue = queue_id(request.queue_key)
        if self.box.queue(queue) is None:
            return self._refuse(request.number, Word.UNKNOWN)
        return self._own(visit, request.number, queue)

    def _own(self, visit: Visit, number: int, queue: QueueId) -> MailboxReply:
        if queue not in visit.owned:
            if not self._count_shown(visit):
                return self._refuse(number, Word.TOO_MANY)
            visit.owned.add(queue)
        return _done(number)

    def _show_writer(self, visit: Visit, request: ShowWriter) -> MailboxReply:
        message = writer_signed_bytes(request.queue, visit.binding)
        if not self.seals.verify(request.verifier, message, request.signature):
            return self._unauthorised(visit, request.number)
        prefix = request.verifier[:PREFIX_SIZE]
        writer = self.box.writer(request.queue, prefix)
        if writer is None or writer.verifier != request.verifier:
            return self._refuse(request.number, Word.UNKNOWN)
        if prefix not in visit.writes(request.queue) and not self._count_shown(visit):
            return self._refuse(request.number, Word.TOO_MANY)
        visit.writers.setdefault(request.queue, {})[prefix] = request.verifier
        return _done(request.number)

    def _count_shown(self, visit: Visit) -> bool:
        """One more, if there is room."""
        if visit.shown >= MAX_SHOWN or self.shown >= MAX_SHOWN_IN_ALL:
            return False
        visit.shown += 1
        self.shown += 1
        return True

    # Writing

    def _put(self, visit: Visit, request: PutEnvelope) -> MailboxReply:
        verifier = visit.writes(request.queue).get(request.writer)
        if verifier is None:
            return self._unauthorised(visit, request.number)
        queue, writer = self.box.queue(request.queue), self.box.writer(request.queue, request.writer)
        if queue is None or writer is None or writer.verifier != verifier:
            return self._refuse(request.number, Word.UNKNOWN)
        size = len(request.envelope)
        word = self._shape(size, request.expires_ms)
        if word is not None:
            return self._refuse(request.number, word, queue.grant)
        hash = envelope_hash(request.envelope)
        known = self.box.find(request.queue, hash)
        if known is None and self.box.collected(request.queue, hash) is not None:
            return MailboxAnswer(number=request.number, word=Word.COLLECTED)
        if known is None:
            word = self._room(queue, writer, charge(size))
            if word is not None:
                wait = DISK_RETRY_MS if word is Word.BUSY else None
                return self._refuse(request.number, word, queue.grant, wait)
            serial = self.box.put(
                request.queue, request.writer, hash, request.envelope, stored_ms=self.now, expires_ms=request.expires_ms
            )
            fresh = ListedEnvelope(serial=serial, envelope=hash, size=size, writer=request.writer, stored_ms=self.now)
            self.news.setdefault(request.queue, []).append(fresh)
            self.put_expiring = min(request.expires_ms, self.put_expiring or request.expires_ms)
        expires_ms = request.expires_ms if known is None else known.expires_ms
        return Deposited(number=request.number, receipts=(self.seals.receipt(request.queue, hash, expires_ms),))

    def _shape(self, size: int, expires_ms: int) -> Word | None:
        """What is wrong with an envelope, whoever brings it."""
        if size == 0:
            return Word.MALFORMED
        if size > MAX_ENVELOPE_BYTES:
            return Word.TOO_LARGE
        if expires_ms <= self.now:
            return Word.EXPIRED
        return Word.TOO_LONG if expires_ms > self.now + MAX_ENVELOPE_LIFE_MS + EXPIRY_TOLERANCE_MS else None

    def _room(self, queue: KeptQueue, writer: KeptWriter, cost: int) -> Word | None:
        """Why there is no room for so many bytes more."""
        grant = self.box.grant(queue.grant)
        if grant is None or grant.revoked:
            return Word.UNKNOWN
        if writer.used_bytes + cost > writer.quota_bytes:
            return Word.FULL_WRITER
        if queue.used_bytes + cost > min(queue.quota_bytes, self.terms.queue_bytes):
            return Word.FULL_QUEUE
        if grant.used_bytes + cost > grant.quota_bytes:
            return Word.FULL_OWNER
        if self.box.used_bytes() + cost > self.terms.total_bytes:
            return Word.FULL
        return Word.BUSY if self._disk_is_full(cost) else None

    def _disk_is_full(self, cost: int) -> bool:
        if self.now < self.disk_rests_until:
            return True
        if not self._looked:
            self._free, self._looked = self.box.free_bytes(), True
        if self._free is None:
            return False
        self._free -= cost
        return self._free < self.terms.free_bytes

    # Owning

    def _owners(
        self, visit: Visit, request: AllowWriters | ListEnvelopes | FetchEnvelopes | DeleteEnvelopes | CloseQueue
    ) -> list[MailboxReply]:
        if request.queue not in visit.owned:
            return [self._unauthorised(visit, request.number)]
        queue = self.box.queue(request.queue)
        if queue is None:
            return [self._refuse(request.number, Word.UNKNOWN)]
        match request:
            case AllowWriters():
                return [self._allow(queue, request)]
            case ListEnvelopes():
                return [self._list(visit, request)]
            case FetchEnvelopes():
                return self._fetch(visit, queue, request)
            case DeleteEnvelopes():
                self.removed |= self.box.collect(request.queue, request.serials) > 0
                return [_done(request.number)]
            case CloseQueue():
                self.box.close(request.queue)
                self.removed |= queue.envelopes > 0
                self._unsubscribe(visit, request.queue)
                return [_done(request.number)]
            case _:
                assert_never(request)

    def _allow(self, queue: KeptQueue, request: AllowWriters) -> MailboxReply:
        """All of it or nothing."""
        allow = {verifier[:PREFIX_SIZE]: verifier for verifier, _ in request.allow}
        forbid = set(request.forbid)
        known = {prefix: self.box.writer(queue.id, prefix) for prefix in {*allow, *forbid}}
        if any(allow[verifier[:PREFIX_SIZE]] != verifier for verifier, _ in request.allow) or any(
            writer is not None and prefix in allow and writer.verifier != allow[prefix] for prefix, writer in known.items()
        ):
            return self._refuse(request.number, Word.MALFORMED, queue.grant)
        new = sum(known[prefix] is None or prefix in forbid for prefix in allow)
        gone = sum(known[prefix] is not None for prefix in forbid)
        if queue.writers + new - gone > MAX_QUEUE_WRITERS:
            return self._refuse(request.number, Word.TOO_MANY, queue.grant)
        for prefix in request.forbid:
            self.box.forbid(queue.id, prefix)
        for verifier, quota in request.allow:
            self.box.allow(queue.id, verifier, quota)
        return _done(request.number)

    def _list(self, visit: Visit, request: ListEnvelopes) -> MailboxReply:
        if request.subscribe and request.queue not in visit.subscribed:
            visit.subscribed.add(request.queue)
            self.subscribers.setdefault(request.queue, []).append(visit)
        found = self.box.listing(request.queue, request.after, request.limit + 1)
        return Listing(
            number=request.number,
            queue=request.queue,
            envelopes=tuple(_listed(kept) for kept in found[: request.limit]),
            more=len(found) > request.limit,
        )

    def _unsubscribe(self, visit: Visit, queue: QueueId) -> None:
        if queue in visit.subscribed:
            visit.subscribed.discard(queue)
            rest = [other for other in self.subscribers[queue] if other is not visit]
            if rest:
                self.subscribers[queue] = rest
            else:
                del self.subscribers[queue]

    def _fetch(self, visit: Visit, queue: KeptQueue, request: FetchEnvelopes) -> list[MailboxReply]:
        if visit.fetched_bytes >= FETCH_LINK_BYTES or self.fetched_bytes >= FETCH_BATCH_BYTES:
            return [self._refuse(request.number, Word.BUSY, queue.grant, FETCH_RETRY_MS)]
        pages: list[list[FetchedEnvelope]] = [[]]
        total = page = 0
        for serial in dict.fromkeys(request.serials):
            found = self.box.envelope(request.queue, serial)
            if found is None:
                continue
            kept, envelope = found
            if total and total + len(envelope) > FETCH_ANSWER_BYTES:
                break
            if page and page + len(envelope) > FETCH_FRAME_BYTES:
                pages.append([])
                page = 0
            pages[-1].append(FetchedEnvelope(serial=serial, writer=kept.writer, envelope=envelope))
            total += len(envelope)
            page += len(envelope)
        visit.fetched_bytes += total
        self.fetched_bytes += total
        last = len(pages) - 1
        return [
            Envelopes(number=request.number, queue=request.queue, envelopes=tuple(content), following=last - place)
            for place, content in enumerate(pages)
        ]

    # Either

    def _challenge(self, visit: Visit, request: Challenge) -> MailboxReply:
        if request.queue not in visit.owned and not visit.writes(request.queue):
            return self._unauthorised(visit, request.number)
        kept = self._findable(visit, request.queue, request.envelope)
        found = None if kept is None else self.box.envelope(request.queue, kept.serial)
        if found is None and self._was_collected(visit, request.queue, request.envelope):
            return MailboxAnswer(number=request.number, word=Word.COLLECTED)
        if found is None:
            return self._refuse(request.number, Word.UNKNOWN)
        return MailboxAnswer(number=request.number, word=Word.DONE, proof=self.seals.proof(request.nonce, found[1]))

    def _has(self, visit: Visit, request: HasEnvelopes) -> MailboxReply:
        if request.queue not in visit.owned and not visit.writes(request.queue):
            return self._unauthorised(visit, request.number)
        asked = dict.fromkeys(request.envelopes)
        there = {envelope: self._findable(visit, request.queue, envelope) for envelope in asked}
        gone = [envelope for envelope in asked if there[envelope] is None and self._was_collected(visit, request.queue, envelope)]
        receipts = (self.seals.receipt(request.queue, e.hash, e.expires_ms) for e in there.values() if e is not None)
        return Deposited(number=request.number, receipts=tuple(receipts), collected=tuple(gone))

    def _findable(self, visit: Visit, queue: QueueId, envelope: bytes) -> KeptEnvelope | None:
        """An envelope that is there for this visitor: the owner's queue has all, a writer has their own."""
        kept = self.box.find(queue, envelope)
        if kept is None or queue in visit.owned or kept.writer in visit.writes(queue):
            return kept
        return None

    def _was_collected(self, visit: Visit, queue: QueueId, envelope: bytes) -> bool:
        writer = self.box.collected(queue, envelope)
        return writer is not None and (queue in visit.owned or writer in visit.writes(queue))

    def _unauthorised(self, visit: Visit, number: int) -> MailboxAnswer:
        """What nobody honest asks."""
        visit.faults += 1
        return self._refuse(number, Word.UNAUTHORISED)

    def _refuse(self, number: int, word: Word, grant: bytes = b"", retry_after_ms: int | None = None) -> MailboxAnswer:
        self.refused[grant, word] += 1
        return MailboxAnswer(number=number, word=word, retry_after_ms=retry_after_ms)


def _done(number: int) -> MailboxAnswer:
    return MailboxAnswer(number=number, word=Word.DONE)


def _listed(kept: KeptEnvelope) -> ListedEnvelope:
    return ListedEnvelope(serial=kept.serial, envelope=kept.hash, size=kept.size, writer=kept.writer, stored_ms=kept.stored_ms)
