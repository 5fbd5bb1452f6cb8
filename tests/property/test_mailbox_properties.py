"""A mailbox asked at random, by owners, writers and strangers, against a model that is obviously right: plain lists."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from mailbox_parties import Mailbox, Visitor, grant_seed, id_of, seed_of, verifier_of

from multichat_tui.crypto.mailboxes import audit_proof, deposit_holds, open_queue, show_grant, show_writer, take_queue
from multichat_tui.mailbox.terms import Terms
from multichat_tui.model.limits import MIN_ENVELOPE_CHARGE
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    Challenge,
    CloseQueue,
    DeleteEnvelopes,
    Deposited,
    HasEnvelopes,
    ListEnvelopes,
    MailboxAnswer,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailboxes import envelope_hash

GRANTS = {"ann": (5000, 2), "dora": (2500, 3)}
"""Quota and most queues."""
QUEUES = ("q1", "q2", "q3", "q4")
WRITERS = ("ben", "cleo", "eve")
TERMS = Terms(total_bytes=6000, queue_bytes=3000)
ENVELOPES = tuple(bytes([number]) * size for number, size in enumerate((1, 400, 600, 900, 1500)))
LINKS = 4

links, queues, writers = st.integers(0, LINKS - 1), st.sampled_from(QUEUES), st.sampled_from(WRITERS)
writing_links = st.sampled_from((2, 2, 2, *range(LINKS)))
envelopes, grants = st.sampled_from(ENVELOPES), st.sampled_from(sorted(GRANTS))


@dataclass
class Lying:
    envelope: bytes
    writer: str
    expires_ms: int
    serial: int

    @property
    def cost(self) -> int:
        return max(MIN_ENVELOPE_CHARGE, len(self.envelope))


@dataclass
class Queue:
    grant: str
    writers: dict[str, int] = field(default_factory=dict)
    lying: list[Lying] = field(default_factory=list)
    taken: list[Lying] = field(default_factory=list)
    """Collected by the owner, until they would have expired."""


@dataclass
class Link:
    grant: str = ""
    owned: set[str] = field(default_factory=set)
    writes: set[tuple[str, str]] = field(default_factory=set)


class RandomVisits(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.mailbox = Mailbox(terms=TERMS)
        for name, (quota, most) in GRANTS.items():
            self.mailbox.grant(name, quota_bytes=quota, most_queues=most)
        self.visitors: list[Visitor] = [self.mailbox.visitor() for _ in range(LINKS)]
        self.links = [Link() for _ in range(LINKS)]
        self.queues: dict[str, Queue] = {}
        self.revoked: set[str] = set()
        self.refusals = 0
        # Two owners, and somebody who writes to both; the last link is a stranger's.
        for link, grant, names in ((0, "ann", ("q1", "q2")), (1, "dora", ("q3",))):
            self.show_grant(link, grant)
            for name in names:
                self.open(link, name)
                self.allow(link, name, {"ben": 9000, "cleo": 1200}, set())
                for writer in ("ben", "cleo"):
                    self.show_writer(2, name, writer)

    # The model's own view

    def used(self, *names: str) -> int:
        return sum(lying.cost for name in names for lying in self.queues[name].lying)

    def of_grant(self, grant: str) -> list[str]:
        return [name for name, queue in self.queues.items() if queue.grant == grant]

    def owner_word(self, link: int, queue: str) -> Word | None:
        if queue not in self.links[link].owned:
            return Word.UNAUTHORISED
        return None if queue in self.queues else Word.UNKNOWN

    def said(self, answer: object, word: Word | None) -> bool:
        """Whether it was done; the word is what the model has expected (None: not refused)."""
        if word is None:
            assert not isinstance(answer, MailboxAnswer) or answer.word is Word.DONE, answer
            return True
        assert isinstance(answer, MailboxAnswer)
        assert answer.word is word
        self.refusals += 1
        return False

    # Verbs

    @rule(link=links, grant=grants)
    def show_grant(self, link: int, grant: str) -> None:
        visitor = self.visitors[link]
        word = Word.UNKNOWN if grant in self.revoked else None
        if self.said(visitor.ask(show_grant(1, grant_seed(grant), visitor.binding)), word):
            self.links[link].grant = grant

    @rule(link=links, queue=queues)
    def open(self, link: int, queue: str) -> None:
        visitor, grant, word = self.visitors[link], self.links[link].grant, None
        if not grant:
            word = Word.UNAUTHORISED
        elif queue not in self.queues and grant in self.revoked:
            word = Word.UNKNOWN
        elif queue not in self.queues and len(self.of_grant(grant)) >= GRANTS[grant][1]:
            word = Word.TOO_MANY
        if self.said(visitor.ask(open_queue(1, seed_of(queue), visitor.binding)), word):
            self.links[link].owned.add(queue)
            self.queues.setdefault(queue, Queue(grant))

    @rule(link=links, queue=queues)
    def take(self, link: int, queue: str) -> None:
        visitor = self.visitors[link]
        word = None if queue in self.queues else Word.UNKNOWN
        if self.said(visitor.ask(take_queue(1, seed_of(queue), visitor.binding)), word):
            self.links[link].owned.add(queue)

    @rule(
        link=links,
        queue=queues,
        quotas=st.dictionaries(writers, st.sampled_from((0, 700, 1500, 9000)), max_size=2),
        forbid=st.sets(writers),
    )
    def allow(self, link: int, queue: str, quotas: dict[str, int], forbid: set[str]) -> None:
        request = AllowWriters(
            number=1,
            queue=id_of(queue),
            allow=tuple((verifier_of(name), quota) for name, quota in quotas.items()),
            forbid=tuple(verifier_of(name)[:8] for name in sorted(forbid)),
        )
        if self.said(self.visitors[link].ask(request), self.owner_word(link, queue)):
            for name in forbid:
                self.queues[queue].writers.pop(name, None)
            self.queues[queue].writers.update(quotas)

    @rule(link=links, queue=queues, writer=writers)
    def show_writer(self, link: int, queue: str, writer: str) -> None:
        visitor = self.visitors[link]
        word = None if queue in self.queues and writer in self.queues[queue].writers else Word.UNKNOWN
        if self.said(visitor.ask(show_writer(1, seed_of(writer), id_of(queue), visitor.binding)), word):
            self.links[link].writes.add((queue, writer))

    @rule(link=writing_links, queue=queues, writer=writers, envelope=envelopes, life=st.sampled_from((0, 3, 10, 10**6)))
    def put(self, link: int, queue: str, writer: str, envelope: bytes, life: int) -> None:
        expires_ms = self.mailbox.now + life
        request = PutEnvelope(
            number=1, queue=id_of(queue), writer=verifier_of(writer)[:8], envelope=envelope, expires_ms=expires_ms
        )
        answer = self.visitors[link].ask(request)
        found = self.queues.get(queue)
        known = next((each for each in found.lying if each.envelope == envelope), None) if found else None
        cost = max(MIN_ENVELOPE_CHARGE, len(envelope))
        word = None
        if (queue, writer) not in self.links[link].writes:
            word = Word.UNAUTHORISED
        elif found is None or writer not in found.writers:
            word = Word.UNKNOWN
        elif life == 0:
            word = Word.EXPIRED
        elif known is not None:
            word = None
        elif any(each.envelope == envelope for each in found.taken):
            assert answer == MailboxAnswer(number=1, word=Word.COLLECTED)
            return
        elif found.grant in self.revoked:
            word = Word.UNKNOWN
        elif sum(each.cost for each in found.lying if each.writer == writer) + cost > found.writers[writer]:
            word = Word.FULL_WRITER
        elif self.used(queue) + cost > TERMS.queue_bytes:
            word = Word.FULL_QUEUE
        elif self.used(*self.of_grant(found.grant)) + cost > GRANTS[found.grant][0]:
            word = Word.FULL_OWNER
        elif self.used(*self.queues) + cost > TERMS.total_bytes:
            word = Word.FULL
        if not self.said(answer, word):
            return
        assert isinstance(answer, Deposited)
        assert found is not None
        (receipt,) = answer.receipts
        assert deposit_holds(self.mailbox.id, id_of(queue), receipt)
        if known is None:
            (fresh,) = self.mailbox.keeper.news.pop(id_of(queue))
            known = Lying(envelope, writer, expires_ms, fresh.serial)
            assert all(known.serial > each.serial for queue in self.queues.values() for each in queue.lying)
            found.lying.append(known)
        assert (receipt.envelope, receipt.expires_ms) == (envelope_hash(envelope), known.expires_ms)

    @rule(queue=queues, writer=writers, many=st.lists(envelopes, min_size=1, max_size=6), life=st.sampled_from((5, 10**6)))
    def put_many(self, queue: str, writer: str, many: list[bytes], life: int) -> None:
        for envelope in many:
            self.put(2, queue, writer, envelope, life)

    @rule(link=links, queue=queues, places=st.sets(st.integers(0, 3)))
    def delete(self, link: int, queue: str, places: set[int]) -> None:
        """Any serials that are somewhere: only those of this queue go."""
        everywhere = [lying.serial for found in self.queues.values() for lying in found.lying]
        serials = tuple(everywhere[place] for place in sorted(places) if place < len(everywhere))
        request = DeleteEnvelopes(number=1, queue=id_of(queue), serials=serials)
        if self.said(self.visitors[link].ask(request), self.owner_word(link, queue)):
            found = self.queues[queue]
            found.taken += [each for each in found.lying if each.serial in serials]
            found.lying = [each for each in found.lying if each.serial not in serials]

    @rule(link=links, queue=queues, luck=st.integers(0, 2))
    def close(self, link: int, queue: str, luck: int) -> None:
        if luck:
            return
        if self.said(self.visitors[link].ask(CloseQueue(number=1, queue=id_of(queue))), self.owner_word(link, queue)):
            del self.queues[queue]

    @rule(link=links, queue=queues)
    def read(self, link: int, queue: str) -> None:
        visitor, word = self.visitors[link], self.owner_word(link, queue)
        if self.said(visitor.ask(ListEnvelopes(number=1, queue=id_of(queue), after=0, limit=99)), word):
            lying = self.queues[queue].lying
            assert visitor.serials(queue) == [each.serial for each in lying]
            assert visitor.fetch(queue, *visitor.serials(queue)) == {each.serial: each.envelope for each in lying}

    @rule(link=links, queue=queues, envelope=envelopes)
    def audit(self, link: int, queue: str, envelope: bytes) -> None:
        visitor, shown = self.visitors[link], self.links[link]
        mine = {writer for name, writer in shown.writes if name == queue}
        found = self.queues.get(queue)
        there, taken = (
            [each for each in lying if each.envelope == envelope and (queue in shown.owned or each.writer in mine)]
            for lying in ((found.lying, found.taken) if found else ([], []))
        )
        allowed = queue in shown.owned or bool(mine)
        word = Word.UNAUTHORISED if not allowed else None
        has = visitor.ask(HasEnvelopes(number=1, queue=id_of(queue), envelopes=(envelope_hash(envelope),)))
        if self.said(has, word):
            assert [receipt.expires_ms for receipt in has.receipts] == [each.expires_ms for each in there]
            assert len(has.collected) == len(taken)
        if word is None and not there and not taken:
            word = Word.UNKNOWN
        request = Challenge(number=1, queue=id_of(queue), envelope=envelope_hash(envelope), nonce=b"n" * 32)
        answer = visitor.ask(request)
        if word is None and not there:
            assert answer == MailboxAnswer(number=1, word=Word.COLLECTED)
        elif self.said(answer, word):
            assert answer.proof == audit_proof(b"n" * 32, envelope)

    @rule(grant=grants, revoked=st.booleans())
    def revoke(self, grant: str, revoked: bool) -> None:
        with self.mailbox.box() as box:
            kept = next(each for each in box.grants() if each.name == grant)
            box.change_grant(kept.key, quota_bytes=kept.quota_bytes, most_queues=kept.most_queues, revoked=revoked)
        self.revoked = self.revoked | {grant} if revoked else self.revoked - {grant}

    @rule(passed=st.integers(1, 10))
    def time_passes(self, passed: int) -> None:
        self.mailbox.now += passed
        with self.mailbox.box() as box:
            while box.sweep(self.mailbox.now, 2) == 2:
                pass
        for found in self.queues.values():
            found.lying = [each for each in found.lying if each.expires_ms > self.mailbox.now]
            found.taken = [each for each in found.taken if each.expires_ms > self.mailbox.now]

    @rule(link=links, luck=st.integers(0, 4))
    def link_goes_and_another_comes(self, link: int, luck: int) -> None:
        if luck:
            return
        self.mailbox.keeper.leave(self.visitors[link].visit)
        self.visitors[link], self.links[link] = self.mailbox.visitor(), Link()

    # What always holds

    @invariant()
    def what_is_used_is_what_lies_there(self) -> None:
        if not hasattr(self, "mailbox"):
            return
        with self.mailbox.box() as box:
            assert box.used_bytes() == self.used(*self.queues)
            for grant in box.grants():
                assert grant.used_bytes == self.used(*self.of_grant(grant.name)) <= grant.quota_bytes
                assert grant.queues == len(self.of_grant(grant.name)) <= grant.most_queues
            for name, found in self.queues.items():
                for writer, quota in found.writers.items():
                    kept = box.writer(id_of(name), verifier_of(writer)[:8])
                    assert kept is not None
                    assert kept.quota_bytes == quota
                    assert kept.used_bytes == sum(each.cost for each in found.lying if each.writer == writer)

    @invariant()
    def every_refusal_is_counted(self) -> None:
        if hasattr(self, "mailbox"):
            assert sum(self.mailbox.keeper.refused.values()) == self.refusals
            assert self.mailbox.keeper.shown == sum(visitor.visit.shown for visitor in self.visitors)


RandomVisits.TestCase.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestRandomVisits = RandomVisits.TestCase
