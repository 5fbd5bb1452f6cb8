"""A keeper on a store in memory, and those who come to it with their keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import MailboxSeals, open_queue, show_grant, show_writer
from multichat_tui.mailbox.keeper import Keeper
from multichat_tui.mailbox.terms import Terms
from multichat_tui.mailbox.visit import Visit
from multichat_tui.model.ids import LinkId
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    Envelopes,
    FetchEnvelopes,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    MailboxReply,
    MailboxRequest,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailbox_store import KeptGrant, MailboxStore
from multichat_tui.model.mailboxes import MailboxId, QueueId, grant_key_seed, queue_id
from multichat_tui.store.memory import MemoryStore

NOW = 1_760_000_000_000
LATER = NOW + 24 * 60 * 60 * 1000


def seed_of(name: str) -> bytes:
    return name.encode().ljust(32, b".")


@dataclass
class Mailbox:
    """Each request in a transaction of its own, as if each came in a batch of its own."""

    terms: Terms = field(default_factory=Terms)
    now: int = NOW
    store: MemoryStore = field(default_factory=MemoryStore)
    seed: bytes = b"m" * 32

    def __post_init__(self) -> None:
        with self.store.transaction() as txn:
            self.keeper = Keeper(terms=self.terms, seals=MailboxSeals(self.seed), box=txn.mailbox)
        self._links = count(1)

    @property
    def id(self) -> MailboxId:
        return MailboxId(public_key(self.seed))

    @contextmanager
    def box(self) -> Iterator[MailboxStore]:
        with self.store.transaction() as txn:
            yield txn.mailbox

    def grant(self, name: str, *, quota_bytes: int = 10**6, most_queues: int = 9) -> None:
        key = public_key(grant_key_seed(grant_seed(name)))
        with self.box() as box:
            box.add_grant(KeptGrant(key=key, name=name, quota_bytes=quota_bytes, most_queues=most_queues, made_ms=self.now))

    def _visit(self) -> Visit:
        number = next(self._links)
        return Visit(binding=number.to_bytes(32, "big"), link=LinkId(number))

    def visitor(self) -> "Visitor":
        return Visitor(self, self._visit())

    def owner(self, grant: str, *queues: str) -> "Visitor":
        """Somebody who has shown this grant and opened these queues."""
        visitor = self.visitor()
        assert visitor.ask(show_grant(1, grant_seed(grant), visitor.binding)).word is Word.DONE
        for queue in queues:
            assert visitor.ask(open_queue(1, seed_of(queue), visitor.binding)).word is Word.DONE
        return visitor

    def writer(self, queue: str, name: str) -> "Visitor":
        """Somebody who has shown that they may write there."""
        visitor = self.visitor()
        answer = visitor.ask(show_writer(1, seed_of(name), id_of(queue), visitor.binding))
        assert answer.word is Word.DONE
        return visitor


@dataclass
class Visitor:
    mailbox: Mailbox
    visit: Visit

    @property
    def binding(self) -> bytes:
        return self.visit.binding

    def ask_all(self, request: MailboxRequest) -> list[MailboxReply]:
        mailbox = self.mailbox
        with mailbox.store.transaction() as txn:
            mailbox.keeper.begin(txn.mailbox, mailbox.now)
            replies = mailbox.keeper.answer(self.visit, request)
            self.visit.fetched_bytes = 0
        assert {reply.number for reply in replies} == {request.number}
        return replies

    def ask(self, request: MailboxRequest):
        """The one answer."""
        (reply,) = self.ask_all(request)
        return reply

    def word(self, request: MailboxRequest) -> Word:
        answer = self.ask(request)
        assert isinstance(answer, MailboxAnswer), answer
        return answer.word

    def allow(self, queue: str, *writers: str, quota: int = 10**6) -> None:
        allowed = tuple((verifier_of(writer), quota) for writer in writers)
        assert self.word(AllowWriters(number=1, queue=id_of(queue), allow=allowed)) is Word.DONE

    def put(self, queue: str, writer: str, envelope: bytes, expires_ms: int = LATER):
        return self.ask(putting(queue, writer, envelope, expires_ms))

    def listing(self, queue: str, after: int = 0, limit: int = 1024, *, subscribe: bool = False) -> Listing:
        request = ListEnvelopes(number=1, queue=id_of(queue), after=after, limit=limit, subscribe=subscribe)
        answer = self.ask(request)
        assert isinstance(answer, Listing), answer
        return answer

    def serials(self, queue: str) -> list[int]:
        return [listed.serial for listed in self.listing(queue).envelopes]

    def fetch(self, queue: str, *serials: int) -> dict[int, bytes]:
        answers = self.ask_all(FetchEnvelopes(number=1, queue=id_of(queue), serials=serials))
        assert all(isinstance(answer, Envelopes) for answer in answers), answers
        return {each.serial: each.envelope for answer in answers for each in answer.envelopes}  # type: ignore[union-attr]


def grant_seed(name: str) -> bytes:
    return name.encode().ljust(16, b".")


def id_of(queue: str) -> QueueId:
    return queue_id(public_key(seed_of(queue)))


def verifier_of(writer: str) -> bytes:
    return public_key(seed_of(writer))


def putting(queue: str, writer: str, envelope: bytes, expires_ms: int = LATER) -> PutEnvelope:
    return PutEnvelope(number=1, queue=id_of(queue), writer=verifier_of(writer)[:8], envelope=envelope, expires_ms=expires_ms)
