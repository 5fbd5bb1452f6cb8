"""What every store must do for a mailbox: the real one and its twin run the same tests, and a random walk compares them."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from multichat_tui.model.limits import MIN_ENVELOPE_CHARGE
from multichat_tui.model.mailbox_frames import Word
from multichat_tui.model.mailbox_store import KeptGrant, KeptWriter, RefusalCount
from multichat_tui.model.mailboxes import QueueId, envelope_hash, queue_id
from multichat_tui.model.ports import Store, Transaction
from multichat_tui.store.memory import MemoryStore
from multichat_tui.store.sqlite import SqliteStore

KEY = bytes(range(32))
FRIEND = KeptGrant(key=b"f" * 32, name="friend", quota_bytes=10_000, most_queues=9, made_ms=5)
OTHER = KeptGrant(key=b"o" * 32, name="other", quota_bytes=20_000, most_queues=3, made_ms=6)
ONE, TWO = queue_id(b"1" * 32), queue_id(b"2" * 32)
ANN, BEN = b"a" * 32, b"b" * 32
NEVER = 2**47


class Crash(BaseException):
    """Not an Exception: what interrupts a block may be anything."""


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "messages.db", KEY)
    yield store
    store.close()


def furnish(store: Store) -> None:
    """Two grants, a queue under each, a writer in each."""
    with store.transaction() as txn:
        txn.mailbox.add_grant(FRIEND)
        txn.mailbox.add_grant(OTHER)
        txn.mailbox.open(ONE, FRIEND.key, 10)
        txn.mailbox.open(TWO, OTHER.key, 11)
        txn.mailbox.allow(ONE, ANN, 5000)
        txn.mailbox.allow(TWO, BEN, 6000)


def put(txn: Transaction, queue: QueueId, writer: bytes, envelope: bytes, *, expires_ms: int = NEVER, at_ms: int = 20) -> int:
    return txn.mailbox.put(queue, writer[:8], envelope_hash(envelope), envelope, stored_ms=at_ms, expires_ms=expires_ms)


def listed(txn: Transaction, queue: QueueId, after: int = 0, limit: int = 100) -> list[int]:
    return [envelope.serial for envelope in txn.mailbox.listing(queue, after, limit)]


def test_what_was_put_is_listed_found_and_fetched_as_it_was(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        serials = [put(txn, ONE, ANN, bytes([n]) * (n + 1), at_ms=20 + n) for n in range(4)]
        elsewhere = put(txn, TWO, BEN, b"elsewhere")
    assert serials == sorted(set(serials))
    with store.transaction() as txn:
        box = txn.mailbox
        assert listed(txn, ONE) == serials
        assert listed(txn, ONE, after=serials[1]) == serials[2:]
        assert listed(txn, ONE, limit=2) == serials[:2]
        assert listed(txn, queue_id(b"?" * 32)) == []
        kept, envelope = box.envelope(ONE, serials[2]) or (None, b"")
        assert envelope == b"\2\2\2"
        assert kept is not None
        assert kept == box.find(ONE, envelope_hash(b"\2\2\2")) == box.listing(ONE, 0, 9)[2]
        assert (kept.size, kept.writer, kept.stored_ms, kept.expires_ms) == (3, ANN[:8], 22, NEVER)
        assert box.envelope(ONE, elsewhere) is None
        assert box.find(ONE, envelope_hash(b"elsewhere")) is None
        assert box.envelope(ONE, 10**6) is None
        assert box.find(queue_id(b"?" * 32), envelope_hash(b"\2\2\2")) is None


def test_what_is_used_is_counted_for_writer_queue_grant_and_in_all(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        first = put(txn, ONE, ANN, bytes(100))
        put(txn, ONE, ANN, bytes(3000))
        put(txn, TWO, BEN, bytes(700))
    with store.transaction() as txn:
        box = txn.mailbox
        used = MIN_ENVELOPE_CHARGE + 3000
        assert box.writer(ONE, ANN[:8]) == KeptWriter(verifier=ANN, quota_bytes=5000, used_bytes=used)
        queue = box.queue(ONE)
        assert queue is not None
        assert (queue.used_bytes, queue.envelopes, queue.writers, queue.opened_ms) == (used, 2, 1, 10)
        grant = box.grant(FRIEND.key)
        assert grant == replace(FRIEND, used_bytes=used, queues=1, envelopes=2)
        assert box.used_bytes() == used + 700
        assert box.collect(ONE, (first, first, 99)) == 1
    with store.transaction() as txn:
        assert txn.mailbox.used_bytes() == 3700
        writer = txn.mailbox.writer(ONE, ANN[:8])
        assert writer is not None
        assert writer.used_bytes == 3000


def test_serials_ascend_over_all_queues_and_are_never_used_again(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        serials = [put(txn, queue, writer, b"%d" % n) for n, (queue, writer) in enumerate([(ONE, ANN), (TWO, BEN)] * 2)]
        assert txn.mailbox.collect(TWO, tuple(serials)) == 2
        assert txn.mailbox.collect(ONE, tuple(serials)) == 2
    with store.transaction() as txn:
        assert put(txn, ONE, ANN, b"later") > max(serials)


def test_nobody_deletes_out_of_anothers_queue(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        serial = put(txn, TWO, BEN, b"hers")
        assert txn.mailbox.collect(ONE, (serial,)) == 0
        assert txn.mailbox.collect(queue_id(b"?" * 32), (serial,)) == 0
    with store.transaction() as txn:
        assert listed(txn, TWO) == [serial]


def test_a_writer_who_is_forbidden_is_gone_and_their_envelopes_stay_and_count(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        box = txn.mailbox
        put(txn, ONE, ANN, bytes(600))
        box.forbid(ONE, ANN[:8])
        box.forbid(ONE, ANN[:8])
        box.forbid(ONE, b"nobody!!")
    with store.transaction() as txn:
        box = txn.mailbox
        assert box.writer(ONE, ANN[:8]) is None
        queue = box.queue(ONE)
        assert queue is not None
        assert (queue.writers, queue.envelopes, queue.used_bytes) == (0, 1, 600)
        box.allow(ONE, ANN, 800)
        assert box.writer(ONE, ANN[:8]) == KeptWriter(verifier=ANN, quota_bytes=800, used_bytes=600)
        box.forbid(ONE, ANN[:8])
        assert box.collect(ONE, tuple(listed(txn, ONE))) == 1
        box.allow(ONE, ANN[:8] + b"x" * 24, 800)  # nothing is left of the other one


def test_two_verifiers_that_begin_alike_are_not_mixed_up(store: Store) -> None:
    furnish(store)
    alike = ANN[:8] + b"x" * 24
    with store.transaction() as txn, pytest.raises(ValueError, match="begins alike"):
        txn.mailbox.allow(ONE, alike, 1)
    with store.transaction() as txn:
        txn.mailbox.allow(ONE, ANN, 77)
        writer = txn.mailbox.writer(ONE, ANN[:8])
        assert writer is not None
        assert writer.quota_bytes == 77
        txn.mailbox.allow(TWO, alike, 1)


def test_a_queue_that_is_closed_is_gone_with_all_that_lay_in_it(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        for number in range(5):
            put(txn, ONE, ANN, b"%d" % number)
        put(txn, TWO, BEN, b"stays")
        txn.mailbox.close(ONE)
        assert txn.mailbox.queue(ONE) is None
        assert txn.mailbox.used_bytes() == MIN_ENVELOPE_CHARGE
    with store.transaction() as txn:
        box = txn.mailbox
        assert (box.queue(ONE), listed(txn, ONE), box.writer(ONE, ANN[:8])) == (None, [], None)
        assert box.grant(FRIEND.key) == FRIEND
        while box.sweep(0, 2) == 2:
            pass
        assert box.next_expiry() == NEVER
        box.open(ONE, FRIEND.key, 30)
        assert (listed(txn, ONE), box.writer(ONE, ANN[:8])) == ([], None)
        assert listed(txn, TWO) != []
        with pytest.raises(KeyError):
            put(txn, queue_id(b"?" * 32), ANN, b"nowhere")
        with pytest.raises(ValueError, match="open already"):
            box.open(ONE, OTHER.key, 31)


def test_a_queue_opened_while_a_closed_one_is_swept_holds_its_own_alone(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        put(txn, ONE, ANN, b"old")
        txn.mailbox.close(TWO)
        txn.mailbox.close(ONE)
        txn.mailbox.open(ONE, OTHER.key, 30)
        txn.mailbox.allow(ONE, BEN, 5000)
        new = put(txn, ONE, BEN, b"new")
        assert txn.mailbox.find(ONE, envelope_hash(b"old")) is None
        txn.mailbox.sweep(0, 99)
        assert listed(txn, ONE) == [new]


def test_a_grant_that_is_dropped_takes_its_queues_along(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        put(txn, ONE, ANN, b"kept")
        txn.mailbox.add_refusals(FRIEND.key, Word.FULL, 1, 2)
        txn.mailbox.drop_grant(FRIEND.key)
    with store.transaction() as txn:
        box = txn.mailbox
        assert box.grants() == [replace(OTHER, queues=1)]
        assert (box.queue(ONE), box.used_bytes(), box.refusals()) == (None, 0, [])
        with pytest.raises(KeyError):
            box.queues(FRIEND.key)
        box.add_grant(FRIEND)


def test_grants_have_keys_and_names_of_their_own(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        for twin in (replace(FRIEND, name="new"), replace(FRIEND, key=b"n" * 32)):
            with pytest.raises(ValueError, match="key or name"):
                txn.mailbox.add_grant(twin)
        txn.mailbox.change_grant(FRIEND.key, quota_bytes=1, most_queues=2, revoked=True)
    with store.transaction() as txn:
        changed = replace(FRIEND, quota_bytes=1, most_queues=2, revoked=True, queues=1)
        assert txn.mailbox.grants() == [changed, replace(OTHER, queues=1)]
        assert [queue.id for queue in txn.mailbox.queues(FRIEND.key)] == [ONE]


def test_what_expires_goes_first_first_and_in_slices(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        assert txn.mailbox.next_expiry() is None
        late, soon, later = (put(txn, ONE, ANN, b"%d" % at, expires_ms=at) for at in (300, 100, 200))
        assert txn.mailbox.next_expiry() == 100
        assert txn.mailbox.sweep(99, 10) == 0
        assert txn.mailbox.sweep(200, 1) == 1
        assert listed(txn, ONE) == [late, later]
        assert soon not in listed(txn, ONE)
        assert txn.mailbox.sweep(200, 10) == 1
        assert (txn.mailbox.next_expiry(), txn.mailbox.used_bytes()) == (300, MIN_ENVELOPE_CHARGE)


def test_the_oldest_of_a_grant_is_told(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        assert txn.mailbox.oldest_ms(FRIEND.key) is None
        first = put(txn, ONE, ANN, b"1", at_ms=100)
        put(txn, ONE, ANN, b"2", at_ms=200)
        put(txn, TWO, BEN, b"3", at_ms=50)
        assert txn.mailbox.oldest_ms(FRIEND.key) == 100
        txn.mailbox.collect(ONE, (first,))
        assert txn.mailbox.oldest_ms(FRIEND.key) == 200


def test_refusals_are_counted_by_grant_and_word(store: Store) -> None:
    with store.transaction() as txn:
        txn.mailbox.add_refusals(b"", Word.UNKNOWN, 2, 7)
        txn.mailbox.add_refusals(FRIEND.key, Word.FULL_OWNER, 1, 8)
        txn.mailbox.add_refusals(b"", Word.UNKNOWN, 3, 9)
    with store.transaction() as txn:
        assert txn.mailbox.refusals() == [
            RefusalCount(grant=b"", word=Word.UNKNOWN, count=5, last_ms=9),
            RefusalCount(grant=FRIEND.key, word=Word.FULL_OWNER, count=1, last_ms=8),
        ]


def test_a_block_that_is_interrupted_leaves_the_mailbox_as_it_was(store: Store) -> None:
    furnish(store)
    with store.transaction() as txn:
        serial = put(txn, ONE, ANN, b"kept")
        before = shown(txn)
    with contextlib.suppress(Crash), store.transaction() as txn:
        box = txn.mailbox
        put(txn, ONE, ANN, b"lost")
        box.collect(ONE, (serial,))
        box.forbid(ONE, ANN[:8])
        box.allow(TWO, ANN, 3)
        box.close(TWO)
        box.change_grant(FRIEND.key, quota_bytes=1, most_queues=1, revoked=True)
        box.drop_grant(OTHER.key)
        box.add_refusals(b"", Word.FULL, 1, 1)
        raise Crash
    with store.transaction() as txn:
        assert shown(txn) == before
        assert put(txn, ONE, ANN, b"next") > serial


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "messages.db", KEY)
    furnish(store)
    with store.transaction() as txn:
        put(txn, ONE, ANN, bytes(200_000))
        last = put(txn, ONE, ANN, b"gone")
        txn.mailbox.collect(ONE, (last,))
        txn.mailbox.forbid(TWO, BEN[:8])
        before = shown(txn)
    store.close()
    store = SqliteStore(tmp_path / "messages.db", KEY, create=False)
    with store.transaction() as txn:
        assert shown(txn) == before
        assert put(txn, ONE, ANN, b"next") > last, "a serial is used again"
        free = txn.mailbox.free_bytes()
        disk = os.statvfs(tmp_path)
        assert free is not None
        assert abs(free - disk.f_bavail * disk.f_frsize) < 2**30
    store.close()


def shown(txn: Transaction) -> object:
    """All that a mailbox shows, of what the walk below can have made."""
    box = txn.mailbox
    return (
        box.grants(),
        [
            (queue, [box.envelope(queue.id, e.serial) for e in box.listing(queue.id, 0, 999)])
            for g in box.grants()
            for queue in box.queues(g.key)
        ],
        [box.writer(queue, writer[:8]) for queue in QUEUES for writer in WRITERS],
        [box.find(queue, envelope_hash(envelope)) for queue in QUEUES for envelope in ENVELOPES],
        [box.collected(queue, envelope_hash(envelope)) for queue in QUEUES for envelope in ENVELOPES],
        [box.oldest_ms(grant.key) for grant in box.grants()],
        box.used_bytes(),
        box.refusals(),
    )


GRANTS = (FRIEND, OTHER)
QUEUES = (*(queue_id(bytes([n]) * 32) for n in range(3)), ONE, TWO)
WRITERS = (ANN, BEN, ANN[:8] + b"x" * 24)
ENVELOPES = tuple(bytes([n]) * size for n, size in enumerate((1, 512, 700, 9000)))
grants, queues = st.sampled_from(GRANTS), st.sampled_from(QUEUES)
writers, envelopes = st.sampled_from(WRITERS), st.sampled_from(ENVELOPES)


class Walk(RuleBasedStateMachine):
    """The same steps on both; after each commit, restart or rollback they show the same."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        self.path = Path(self.place.name) / "messages.db"
        self.stores: list[Store] = [MemoryStore(), SqliteStore(self.path, KEY)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.place.cleanup()

    def both(self, step, *, crash: bool = False) -> None:
        outcomes = []
        for store in self.stores:
            outcome: object = None
            try:
                with store.transaction() as txn:
                    try:
                        outcome = step(txn.mailbox, txn)
                    except (KeyError, ValueError) as refused:
                        outcome = type(refused)
                    if crash:
                        raise Crash
            except Crash:
                pass
            outcomes.append(outcome)
        assert outcomes[0] == outcomes[1]

    @rule(grant=grants, crash=st.booleans())
    def add_grant(self, grant: KeptGrant, crash: bool) -> None:
        self.both(lambda box, _: box.add_grant(grant), crash=crash)

    @rule(grant=grants, quota=st.integers(0, 9), revoked=st.booleans(), crash=st.booleans())
    def change_grant(self, grant: KeptGrant, quota: int, revoked: bool, crash: bool) -> None:
        self.both(lambda box, _: box.change_grant(grant.key, quota_bytes=quota, most_queues=1, revoked=revoked), crash=crash)

    @rule(grant=grants, crash=st.booleans())
    def drop_grant(self, grant: KeptGrant, crash: bool) -> None:
        self.both(lambda box, _: box.drop_grant(grant.key), crash=crash)

    @rule(queue=queues, grant=grants, at=st.integers(0, 5), crash=st.booleans())
    def open(self, queue: QueueId, grant: KeptGrant, at: int, crash: bool) -> None:
        self.both(lambda box, _: box.open(queue, grant.key, at), crash=crash)

    @rule(queue=queues, crash=st.booleans())
    def close(self, queue: QueueId, crash: bool) -> None:
        self.both(lambda box, _: box.close(queue), crash=crash)

    @rule(queue=queues, writer=writers, quota=st.integers(0, 9), crash=st.booleans())
    def allow(self, queue: QueueId, writer: bytes, quota: int, crash: bool) -> None:
        self.both(lambda box, _: box.allow(queue, writer, quota), crash=crash)

    @rule(queue=queues, writer=writers, crash=st.booleans())
    def forbid(self, queue: QueueId, writer: bytes, crash: bool) -> None:
        self.both(lambda box, _: box.forbid(queue, writer[:8]), crash=crash)

    @rule(queue=queues, writer=writers, envelope=envelopes, expires=st.integers(0, 9), crash=st.booleans())
    def put(self, queue: QueueId, writer: bytes, envelope: bytes, expires: int, crash: bool) -> None:
        def step(box, txn):
            if box.find(queue, envelope_hash(envelope)) is not None or box.writer(queue, writer[:8]) is None:
                return None
            put(txn, queue, writer, envelope, expires_ms=expires, at_ms=expires)
            return box.listing(queue, 0, 999)[-1].hash

        self.both(step, crash=crash)

    @rule(queue=queues, places=st.sets(st.integers(0, 4)), crash=st.booleans())
    def collect(self, queue: QueueId, places: set[int], crash: bool) -> None:
        def step(box, _):
            serials = [kept.serial for kept in box.listing(queue, 0, 99)]
            return box.collect(queue, tuple(serials[place] for place in sorted(places) if place < len(serials)))

        self.both(step, crash=crash)

    @rule(until=st.integers(0, 9), limit=st.integers(1, 3), crash=st.booleans())
    def sweep(self, until: int, limit: int, crash: bool) -> None:
        def step(box, _):
            for _ in range(99):
                if box.sweep(until, limit) < limit:
                    break
            return box.next_expiry()

        self.both(step, crash=crash)

    @rule(word=st.sampled_from(Word), crash=st.booleans())
    def refuse(self, word: Word, crash: bool) -> None:
        self.both(lambda box, _: box.add_refusals(b"g" * 32, word, 1, 3), crash=crash)

    @rule()
    def restart(self) -> None:
        self.stores[1].close()
        self.stores[1] = SqliteStore(self.path, KEY, create=False)

    @invariant()
    def both_show_the_same(self) -> None:
        views = []
        for store in self.stores:
            with store.transaction() as txn:
                views.append(without_serials(shown(txn)))
        assert views[0] == views[1]


def without_serials(view: object) -> object:
    """Numbers of a transaction that was rolled back may be left out by one and not by the other."""
    if isinstance(view, list | tuple):
        return [without_serials(part) for part in view]
    return replace(view, serial=0) if hasattr(view, "serial") else view  # type: ignore[type-var]


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
