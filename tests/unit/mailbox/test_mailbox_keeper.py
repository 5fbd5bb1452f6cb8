"""A keeper's answers: what is kept for whom, and each refusal with its word."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from mailbox_parties import LATER, NOW, Mailbox, Visitor, grant_seed, id_of, putting, seed_of, verifier_of

from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import audit_proof, deposit_holds, open_queue, show_grant, show_writer, take_queue
from multichat_tui.mailbox import keeper as keeper_module
from multichat_tui.mailbox.terms import Terms
from multichat_tui.model.limits import (
    DISK_RETRY_MS,
    EXPIRY_TOLERANCE_MS,
    FETCH_ANSWER_BYTES,
    FETCH_FRAME_BYTES,
    MAX_ENVELOPE_BYTES,
    MAX_ENVELOPE_LIFE_MS,
    MIN_ENVELOPE_CHARGE,
    MIN_FREE_BYTES,
)
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    Challenge,
    CloseQueue,
    DeleteEnvelopes,
    Deposited,
    Envelopes,
    FetchEnvelopes,
    GrantUsage,
    HasEnvelopes,
    ListEnvelopes,
    MailboxAnswer,
    MailboxRequest,
    Word,
)
from multichat_tui.model.mailboxes import envelope_hash, grant_key_seed


@pytest.fixture
def mailbox() -> Mailbox:
    """Ann has a queue for Ben, where Ben and Cleo may write; Dora has one where Ben may."""
    box = Mailbox()
    box.grant("ann")
    box.grant("dora")
    box.owner("ann", "ann from ben").allow("ann from ben", "ben", "cleo")
    box.owner("dora", "dora from ben").allow("dora from ben", "ben")
    return box


@pytest.fixture
def ann(mailbox: Mailbox) -> Visitor:
    return mailbox.owner("ann", "ann from ben")


@pytest.fixture
def ben(mailbox: Mailbox) -> Visitor:
    return mailbox.writer("ann from ben", "ben")


QUEUE, HERS = "ann from ben", "dora from ben"


def test_what_ben_puts_ann_lists_fetches_and_deletes(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    deposited = ben.put(QUEUE, "ben", b"envelope")
    assert isinstance(deposited, Deposited)
    (receipt,) = deposited.receipts
    assert (receipt.envelope, receipt.expires_ms) == (envelope_hash(b"envelope"), LATER)
    assert deposit_holds(mailbox.id, id_of(QUEUE), receipt)
    (listed,) = ann.listing(QUEUE).envelopes
    assert (listed.envelope, listed.size, listed.writer, listed.stored_ms) == (
        envelope_hash(b"envelope"),
        8,
        verifier_of("ben")[:8],
        NOW,
    )
    assert ann.fetch(QUEUE, listed.serial) == {listed.serial: b"envelope"}
    assert ann.word(DeleteEnvelopes(number=1, queue=id_of(QUEUE), serials=(listed.serial,))) is Word.DONE
    assert ann.serials(QUEUE) == []
    assert ann.fetch(QUEUE, listed.serial) == {}
    assert mailbox.keeper.removed


def test_the_same_envelope_again_gets_the_same_receipt_and_lies_there_once(ann: Visitor, ben: Visitor) -> None:
    first = ben.put(QUEUE, "ben", b"envelope")
    assert ben.put(QUEUE, "ben", b"envelope", LATER + 5) == first
    assert len(ann.serials(QUEUE)) == 1


def test_a_mailbox_that_is_full_still_says_again_what_it_has(mailbox: Mailbox, ben: Visitor) -> None:
    first = ben.put(QUEUE, "ben", b"envelope")
    mailbox.keeper.terms = Terms(total_bytes=0)
    mailbox.keeper.disk_rests_until = LATER
    assert ben.put(QUEUE, "ben", b"envelope") == first


def test_opening_again_changes_nothing_and_no_link_is_as_good_as_another(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    ben.put(QUEUE, "ben", b"envelope")
    again = mailbox.owner("ann", QUEUE)
    assert len(again.serials(QUEUE)) == 1
    taker = mailbox.visitor()
    assert taker.word(take_queue(1, seed_of(QUEUE), taker.binding)) is Word.DONE
    assert len(taker.serials(QUEUE)) == 1


def test_a_grant_tells_what_is_used_of_it(mailbox: Mailbox, ben: Visitor) -> None:
    ben.put(QUEUE, "ben", b"envelope")
    visitor = mailbox.visitor()
    answer = visitor.ask(show_grant(4, grant_seed("ann"), visitor.binding))
    usage = GrantUsage(used_bytes=MIN_ENVELOPE_CHARGE, quota_bytes=10**6, queues=1, most_queues=9)
    assert answer == MailboxAnswer(number=4, word=Word.DONE, usage=usage)


# Who may what


def owner_requests(queue: str) -> list[MailboxRequest]:
    return [
        AllowWriters(number=1, queue=id_of(queue), allow=((verifier_of("eve"), 9**9),)),
        ListEnvelopes(number=1, queue=id_of(queue), after=0, limit=9, subscribe=True),
        FetchEnvelopes(number=1, queue=id_of(queue), serials=(1, 2)),
        DeleteEnvelopes(number=1, queue=id_of(queue), serials=(1, 2)),
        CloseQueue(number=1, queue=id_of(queue)),
    ]


@pytest.mark.parametrize("place", range(5), ids=["allow", "list", "fetch", "delete", "close"])
@pytest.mark.parametrize("queue", [HERS, "no such queue"])
def test_an_owner_who_asks_for_anothers_queue_hears_the_same_as_for_none(
    mailbox: Mailbox, ann: Visitor, place: int, queue: str
) -> None:
    mailbox.writer(HERS, "ben").put(HERS, "ben", b"hers")
    for visitor in (ann, mailbox.visitor(), mailbox.writer(HERS, "ben")):
        assert visitor.word(owner_requests(queue)[place]) is Word.UNAUTHORISED
    assert mailbox.owner("dora", HERS).serials(HERS) != []
    assert mailbox.keeper.refused[b"", Word.UNAUTHORISED] == 3
    assert id_of(queue) not in ann.visit.subscribed


def test_nobody_writes_without_having_shown_their_key_on_this_link(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    stranger = mailbox.visitor()
    for visitor in (stranger, ann, ben):
        assert visitor.word(putting(QUEUE, "cleo", b"envelope")) is Word.UNAUTHORISED
    assert ben.word(putting(HERS, "ben", b"envelope")) is Word.UNAUTHORISED
    assert ann.serials(QUEUE) == []


def test_whoever_is_not_allowed_hears_the_same_as_where_there_is_no_queue(mailbox: Mailbox) -> None:
    eve = mailbox.visitor()
    for queue in (QUEUE, "no such queue"):
        assert eve.word(show_writer(1, seed_of("eve"), id_of(queue), eve.binding)) is Word.UNKNOWN


SHOWS: list[Callable[[bytes], MailboxRequest]] = [
    lambda binding: show_grant(1, grant_seed("ann"), binding),
    lambda binding: open_queue(1, seed_of(QUEUE), binding),
    lambda binding: take_queue(1, seed_of(QUEUE), binding),
    lambda binding: show_writer(1, seed_of("ben"), id_of(QUEUE), binding),
]


@pytest.mark.parametrize("show", SHOWS, ids=["grant", "open", "take", "write"])
def test_what_was_shown_over_one_link_is_worth_nothing_over_another(mailbox: Mailbox, ann: Visitor, show) -> None:
    thief = mailbox.owner("dora")
    before = replace(thief.visit, owned=set(), writers={})
    assert thief.word(show(ann.binding)) is Word.UNAUTHORISED
    assert thief.word(replace(show(thief.binding), signature=bytes(64))) is Word.UNAUTHORISED
    assert replace(thief.visit, faults=0) == before
    assert thief.word(show(thief.binding)) is Word.DONE


def test_a_queue_is_opened_by_its_own_key_alone(mailbox: Mailbox) -> None:
    """A writer knows the queue's public key: they do not get it opened under their own grant."""
    ben = mailbox.owner("dora")
    forged = replace(open_queue(1, seed_of("ben"), ben.binding), queue_key=public_key(seed_of("another of ann's")))
    assert ben.word(forged) is Word.UNAUTHORISED
    assert mailbox.visitor().word(open_queue(1, seed_of("x"), mailbox.visitor().binding)) is Word.UNAUTHORISED


def test_without_a_grant_no_queue_is_opened(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    assert visitor.word(show_grant(1, grant_seed("nobody"), visitor.binding)) is Word.UNKNOWN
    assert visitor.word(open_queue(1, seed_of("new"), visitor.binding)) is Word.UNAUTHORISED
    with mailbox.box() as box:
        assert box.queue(id_of("new")) is None


def test_a_grant_that_was_revoked_gives_nothing_new_and_keeps_what_is_there(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    ben.put(QUEUE, "ben", b"before")
    with mailbox.box() as box:
        key = public_key(grant_key_seed(grant_seed("ann")))
        box.change_grant(key, quota_bytes=10**6, most_queues=9, revoked=True)
    assert ann.word(open_queue(1, seed_of("new"), ann.binding)) is Word.UNKNOWN
    assert ann.word(show_grant(1, grant_seed("ann"), ann.binding)) is Word.UNKNOWN
    assert ben.word(putting(QUEUE, "ben", b"after")) is Word.UNKNOWN
    assert isinstance(ben.put(QUEUE, "ben", b"before"), Deposited)
    taker = mailbox.visitor()
    assert taker.word(take_queue(1, seed_of(QUEUE), taker.binding)) is Word.DONE
    assert list(taker.fetch(QUEUE, *taker.serials(QUEUE)).values()) == [b"before"]


def test_a_writer_who_is_forbidden_is_so_at_once_on_links_that_stand(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    ben.put(QUEUE, "ben", b"before")
    request = AllowWriters(number=1, queue=id_of(QUEUE), forbid=(verifier_of("ben")[:8],))
    assert ann.word(request) is Word.DONE
    assert ben.word(putting(QUEUE, "ben", b"after")) is Word.UNKNOWN
    assert ben.word(show_writer(1, seed_of("ben"), id_of(QUEUE), ben.binding)) is Word.UNKNOWN
    assert isinstance(mailbox.writer(QUEUE, "cleo").put(QUEUE, "cleo", b"still"), Deposited)
    assert len(ann.serials(QUEUE)) == 2, "what came before stays until its owner has it"


def test_a_closed_queue_is_there_for_nobody(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    ben.put(QUEUE, "ben", b"envelope")
    ann.listing(QUEUE, subscribe=True)
    assert ann.word(CloseQueue(number=1, queue=id_of(QUEUE))) is Word.DONE
    for request in (*owner_requests(QUEUE), take_queue(1, seed_of(QUEUE), ann.binding)):
        assert ann.word(request) is Word.UNKNOWN
    assert ben.word(putting(QUEUE, "ben", b"envelope")) is Word.UNKNOWN
    assert ann.visit.subscribed == set()


# Room


def test_a_writer_over_quota_is_refused_and_others_are_not(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    ann.allow(QUEUE, "ben", quota=2000)
    assert isinstance(ben.put(QUEUE, "ben", bytes(1500)), Deposited)
    assert ben.word(putting(QUEUE, "ben", b"small, and counts 512")) is Word.FULL_WRITER
    assert isinstance(mailbox.writer(QUEUE, "cleo").put(QUEUE, "cleo", bytes(1500)), Deposited)
    ann.word(DeleteEnvelopes(number=1, queue=id_of(QUEUE), serials=tuple(ann.serials(QUEUE))))
    assert isinstance(ben.put(QUEUE, "ben", b"small"), Deposited)


def test_a_writer_whom_nothing_is_allowed_gets_nothing_in(ann: Visitor, ben: Visitor) -> None:
    ann.allow(QUEUE, "ben", quota=0)
    assert ben.word(putting(QUEUE, "ben", b"x")) is Word.FULL_WRITER


@pytest.mark.parametrize(
    ("word", "terms", "quota"),
    [
        (Word.FULL_QUEUE, Terms(queue_bytes=1500), 10**6),
        (Word.FULL_OWNER, Terms(), 1500),
        (Word.FULL, Terms(total_bytes=1500), 10**6),
    ],
)
def test_queue_owner_and_mailbox_have_bounds_of_their_own(word: Word, terms: Terms, quota: int) -> None:
    box = Mailbox(terms=terms)
    box.grant("ann", quota_bytes=quota)
    box.owner("ann", QUEUE).allow(QUEUE, "ben", quota=10**6)
    ben = box.writer(QUEUE, "ben")
    assert isinstance(ben.put(QUEUE, "ben", bytes(1400)), Deposited)
    assert ben.word(putting(QUEUE, "ben", bytes(101))) is word
    key = public_key(grant_key_seed(grant_seed("ann")))
    assert box.keeper.refused == {(key, word): 1}


def test_an_envelope_of_the_greatest_size_is_taken_and_no_greater_one(ann: Visitor, ben: Visitor) -> None:
    assert isinstance(ben.put(QUEUE, "ben", bytes(MAX_ENVELOPE_BYTES)), Deposited)
    assert ben.word(putting(QUEUE, "ben", bytes(MAX_ENVELOPE_BYTES + 1))) is Word.TOO_LARGE
    assert ben.word(putting(QUEUE, "ben", b"")) is Word.MALFORMED


def test_nothing_is_kept_for_longer_than_thirty_days_and_nothing_that_is_over(ben: Visitor) -> None:
    longest = NOW + MAX_ENVELOPE_LIFE_MS + EXPIRY_TOLERANCE_MS
    assert isinstance(ben.put(QUEUE, "ben", b"1", longest), Deposited)
    assert ben.word(putting(QUEUE, "ben", b"2", longest + 1)) is Word.TOO_LONG
    assert ben.word(putting(QUEUE, "ben", b"3", NOW)) is Word.EXPIRED
    assert isinstance(ben.put(QUEUE, "ben", b"3", NOW + 1), Deposited)


def test_a_grant_has_so_many_queues_and_a_closed_one_makes_room(mailbox: Mailbox) -> None:
    mailbox.grant("small", most_queues=2)
    owner = mailbox.owner("small", "one", "two")
    assert owner.word(open_queue(1, seed_of("three"), owner.binding)) is Word.TOO_MANY
    assert owner.word(open_queue(1, seed_of("two"), owner.binding)) is Word.DONE
    assert owner.word(CloseQueue(number=1, queue=id_of("one"))) is Word.DONE
    assert owner.word(open_queue(1, seed_of("three"), owner.binding)) is Word.DONE


def test_the_mailbox_has_so_many_queues_in_all(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "MAX_KEPT_QUEUES", 2)
    owner = mailbox.owner("ann")
    assert owner.word(open_queue(1, seed_of("third"), owner.binding)) is Word.FULL


def test_a_queue_has_so_many_writers_all_or_none_of_a_request(
    mailbox: Mailbox, ann: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "MAX_QUEUE_WRITERS", 3)
    both = AllowWriters(number=1, queue=id_of(QUEUE), allow=((verifier_of("dan"), 1), (verifier_of("eve"), 1)))
    assert ann.word(both) is Word.TOO_MANY
    dan = mailbox.visitor()
    assert dan.word(show_writer(1, seed_of("dan"), id_of(QUEUE), dan.binding)) is Word.UNKNOWN
    assert ann.word(replace(both, forbid=(verifier_of("cleo")[:8],))) is Word.DONE
    assert ann.word(replace(both, forbid=(verifier_of("dan")[:8],))) is Word.DONE, "forbidden and allowed anew"


def test_two_verifiers_that_begin_alike_are_refused(mailbox: Mailbox, ann: Visitor) -> None:
    alike = verifier_of("ben")[:8] + bytes(24)
    request = AllowWriters(number=1, queue=id_of(QUEUE), allow=((verifier_of("dan"), 1), (alike, 9)))
    assert ann.word(request) is Word.MALFORMED
    assert ann.word(replace(request, allow=((alike, 9), (verifier_of("ben"), 9)))) is Word.MALFORMED
    dan = mailbox.visitor()
    assert dan.word(show_writer(1, seed_of("dan"), id_of(QUEUE), dan.binding)) is Word.UNKNOWN


def test_a_link_shows_so_many_keys(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "MAX_SHOWN", 1)
    owner = mailbox.owner("ann", QUEUE)
    assert owner.word(open_queue(1, seed_of("new"), owner.binding)) is Word.TOO_MANY
    assert owner.word(show_writer(1, seed_of("ben"), id_of(QUEUE), owner.binding)) is Word.TOO_MANY
    assert owner.word(take_queue(1, seed_of(QUEUE), owner.binding)) is Word.DONE


def test_all_links_together_show_so_many_keys_and_give_them_back(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    links = [mailbox.owner("ann", QUEUE), mailbox.owner("dora", HERS)]
    monkeypatch.setattr(keeper_module, "MAX_SHOWN_IN_ALL", mailbox.keeper.shown)
    late = mailbox.visitor()
    assert late.word(take_queue(1, seed_of(QUEUE), late.binding)) is Word.TOO_MANY
    mailbox.keeper.leave(links[0].visit)
    assert late.word(take_queue(1, seed_of(QUEUE), late.binding)) is Word.DONE


# Full disks


class SmallDisk:
    """A mailbox's store on a disk with so much left."""

    def __init__(self, inner, free: int) -> None:
        self._inner, self.free = inner, free

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def free_bytes(self) -> int:
        return self.free


def test_on_a_disk_that_is_nearly_full_nothing_is_put_and_all_else_goes_on(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    ben.put(QUEUE, "ben", b"before")
    with mailbox.box() as box:
        disk = SmallDisk(box, MIN_FREE_BYTES + 600)
        mailbox.keeper.begin(disk, NOW)  # type: ignore[arg-type]
        answers = [mailbox.keeper.answer(ben.visit, putting(QUEUE, "ben", bytes([n]) * 300))[0] for n in range(3)]
        assert isinstance(answers[0], Deposited)
        assert answers[1:] == [MailboxAnswer(number=1, word=Word.BUSY, retry_after_ms=DISK_RETRY_MS)] * 2
        assert isinstance(mailbox.keeper.answer(ben.visit, putting(QUEUE, "ben", b"before"))[0], Deposited)
        mailbox.keeper.begin(SmallDisk(box, MIN_FREE_BYTES + 600), NOW)  # type: ignore[arg-type]
        assert isinstance(mailbox.keeper.answer(ben.visit, putting(QUEUE, "ben", b"later"))[0], Deposited)
    assert len(ann.serials(QUEUE)) == 3


def test_after_the_disk_has_refused_something_nothing_is_put_for_a_while(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    mailbox.keeper.disk_rests_until = NOW + 1
    assert ben.word(putting(QUEUE, "ben", b"x")) is Word.BUSY
    mailbox.now = NOW + 1
    assert isinstance(ben.put(QUEUE, "ben", b"x"), Deposited)


def test_a_queue_has_the_quota_that_its_owner_gave_it_last(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    assert ann.word(open_queue(1, seed_of(QUEUE), ann.binding, 1000)) is Word.DONE
    assert isinstance(ben.put(QUEUE, "ben", bytes(900)), Deposited)
    assert ben.word(putting(QUEUE, "ben", b"more")) is Word.FULL_QUEUE
    assert ann.word(open_queue(1, seed_of(QUEUE), ann.binding, 2000)) is Word.DONE
    assert isinstance(ben.put(QUEUE, "ben", b"more"), Deposited)


# Reading


def test_listings_come_in_parts(ann: Visitor, ben: Visitor) -> None:
    for number in range(5):
        ben.put(QUEUE, "ben", b"%d" % number)
    first = ann.listing(QUEUE, limit=3)
    assert (len(first.envelopes), first.more) == (3, True)
    second = ann.listing(QUEUE, after=first.envelopes[-1].serial, limit=3)
    assert (len(second.envelopes), second.more) == (2, False)
    assert ann.listing(QUEUE, limit=0).more


def test_an_answer_to_fetch_comes_in_frames_and_is_bounded(ann: Visitor, ben: Visitor) -> None:
    for number in range(12):
        ben.put(QUEUE, "ben", bytes([number]) * MAX_ENVELOPE_BYTES, LATER)
        ann.allow(QUEUE, "ben", quota=10**8)
    with ann.mailbox.box() as box:
        key = public_key(grant_key_seed(grant_seed("ann")))
        box.change_grant(key, quota_bytes=10**8, most_queues=9, revoked=False)
    for number in range(12):
        ben.put(QUEUE, "ben", bytes([number]) * MAX_ENVELOPE_BYTES, LATER)
    serials = ann.serials(QUEUE)
    assert len(serials) == 12
    answers = ann.ask_all(FetchEnvelopes(number=3, queue=id_of(QUEUE), serials=tuple(reversed(serials))))
    assert all(isinstance(answer, Envelopes) for answer in answers)
    frames = [[each.serial for each in answer.envelopes] for answer in answers]  # type: ignore[union-attr]
    assert [answer.following for answer in answers] == list(range(len(answers)))[::-1]  # type: ignore[union-attr]
    assert all(len(frame) <= FETCH_FRAME_BYTES // MAX_ENVELOPE_BYTES for frame in frames)
    got = [serial for frame in frames for serial in frame]
    assert got == list(reversed(serials))[: FETCH_ANSWER_BYTES // MAX_ENVELOPE_BYTES]


def test_one_link_does_not_make_the_mailbox_read_without_end(ann: Visitor, ben: Visitor, mailbox: Mailbox) -> None:
    ben.put(QUEUE, "ben", bytes(MAX_ENVELOPE_BYTES))
    (serial,) = ann.serials(QUEUE)
    request = FetchEnvelopes(number=1, queue=id_of(QUEUE), serials=(serial,))
    with mailbox.box() as box:
        mailbox.keeper.begin(box, NOW)
        answers = [mailbox.keeper.answer(ann.visit, request)[0] for _ in range(17)]
    words = [answer.word if isinstance(answer, MailboxAnswer) else None for answer in answers]
    assert words == [None] * 16 + [Word.BUSY]


def test_news_are_told_of_what_came_in(ann: Visitor, ben: Visitor, mailbox: Mailbox) -> None:
    ben.put(QUEUE, "ben", b"1")
    ann.listing(QUEUE, subscribe=True)
    mailbox.keeper.news.clear()
    ben.put(QUEUE, "ben", b"2")
    ben.put(QUEUE, "ben", b"2")
    assert mailbox.keeper.news == {id_of(QUEUE): list(ann.listing(QUEUE).envelopes[1:])}
    assert ann.visit.subscribed == {id_of(QUEUE)}


# Audits


def challenge(queue: str, envelope: bytes, nonce: bytes = b"n" * 32) -> Challenge:
    return Challenge(number=1, queue=id_of(queue), envelope=envelope_hash(envelope), nonce=nonce)


def test_owner_and_writer_are_shown_that_an_envelope_is_there(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    ben.put(QUEUE, "ben", b"envelope")
    proof = MailboxAnswer(number=1, word=Word.DONE, proof=audit_proof(b"n" * 32, b"envelope"))
    assert ann.ask(challenge(QUEUE, b"envelope")) == ben.ask(challenge(QUEUE, b"envelope")) == proof
    assert ben.ask(challenge(QUEUE, b"envelope", b"o" * 32)) != proof


def test_a_challenge_for_what_was_never_stored_or_is_anothers_hears_one_word(
    mailbox: Mailbox, ann: Visitor, ben: Visitor
) -> None:
    ben.put(QUEUE, "ben", b"envelope")
    mailbox.writer(HERS, "ben").put(HERS, "ben", b"hers")
    cleo = mailbox.writer(QUEUE, "cleo")
    assert ann.word(challenge(QUEUE, b"never")) is Word.UNKNOWN
    assert ben.word(challenge(QUEUE, b"never")) is Word.UNKNOWN
    assert cleo.word(challenge(QUEUE, b"envelope")) is Word.UNKNOWN
    assert ann.word(challenge(QUEUE, b"hers")) is Word.UNKNOWN
    for visitor, queue in ((ann, HERS), (mailbox.visitor(), QUEUE), (mailbox.visitor(), "no such queue")):
        assert visitor.word(challenge(queue, b"envelope")) is Word.UNAUTHORISED


def test_what_the_owner_has_taken_is_said_to_be_collected_to_owner_and_writer_alone(
    mailbox: Mailbox, ann: Visitor, ben: Visitor
) -> None:
    ben.put(QUEUE, "ben", b"envelope")
    ann.word(DeleteEnvelopes(number=1, queue=id_of(QUEUE), serials=tuple(ann.serials(QUEUE))))
    request = HasEnvelopes(number=1, queue=id_of(QUEUE), envelopes=(envelope_hash(b"envelope"), envelope_hash(b"never")))
    for visitor in (ann, ben):
        assert visitor.ask(request) == Deposited(number=1, receipts=(), collected=(envelope_hash(b"envelope"),))
        assert visitor.word(challenge(QUEUE, b"envelope")) is Word.COLLECTED
    assert ben.word(putting(QUEUE, "ben", b"envelope")) is Word.COLLECTED
    assert ann.serials(QUEUE) == []
    cleo = mailbox.writer(QUEUE, "cleo")
    assert cleo.ask(request) == Deposited(number=1, receipts=())
    assert cleo.word(challenge(QUEUE, b"envelope")) is Word.UNKNOWN
    mailbox.now = LATER
    with mailbox.box() as box:
        assert box.sweep(LATER, 9) == 1
    assert ann.word(challenge(QUEUE, b"envelope")) is Word.UNKNOWN


def test_has_answers_with_receipts_for_what_is_there(mailbox: Mailbox, ann: Visitor, ben: Visitor) -> None:
    first, second = (ben.put(QUEUE, "ben", envelope).receipts for envelope in (b"1", b"2"))
    hashes = tuple(envelope_hash(envelope) for envelope in (b"2", b"never", b"1", b"2"))
    request = HasEnvelopes(number=1, queue=id_of(QUEUE), envelopes=hashes)
    assert ben.ask(request) == ann.ask(request) == Deposited(number=1, receipts=second + first)
    assert mailbox.writer(QUEUE, "cleo").ask(request) == Deposited(number=1, receipts=())
    assert mailbox.visitor().word(request) is Word.UNAUTHORISED
