"""What every store must do: the real one and its twin run the same tests, and a random walk over both compares all they show."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from builders import START_MS, Person, Talk, entry_of, make_record, person
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from multichat_tui.model.acts import Message
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId
from multichat_tui.model.limits import MAX_DEVICE_REFERENCES, MAX_PAGE_ROWS
from multichat_tui.model.ports import Space, Store, Transaction
from multichat_tui.model.records import Absence, Kind, Proof, Record
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.model.snapshots import Position
from multichat_tui.store.memory import MemoryStore
from multichat_tui.store.sqlite import SqliteStore

ANA, BEN, CLEO = person("ana"), person("ben"), person("cleo")
KEY = bytes(range(32))
PEER = DeviceId(b"p" * 32)


class Crash(BaseException):
    """Not an Exception: what interrupts a block may be anything."""


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "messages.db", KEY)
    yield store
    store.close()


def keep(store: Store, *records: Record, arrived_ms: int = 7) -> list[int]:
    with store.transaction() as txn:
        return [txn.append(record, arrived_ms) for record in records]


def keep_and_show(store: Store, talk: Talk, *people: Person, mention: Callable[[Record], bool] = lambda _: False) -> None:
    authors = {person.device: person for person in people}
    with store.transaction() as txn:
        for record in talk.records:
            arrival = txn.append(record, 7)
            if record.header.log == Log.CONTENT:
                txn.show(entry_of(record, arrival, authors.get(record.header.device), mention=mention(record)))


def shown(txn: Transaction, *channels: ChannelId, **page: Position | int | None) -> list[RecordId]:
    arguments = {"before": None, "after": None, "limit": 100} | page
    rows = txn.timeline(channels, **arguments)
    assert all(entry.id == record.id for entry, record in rows)
    return [entry.id for entry, _ in rows]


def long_talk(count: int) -> Talk:
    talk = Talk.begin(ANA, BEN)
    for number in range(count):
        talk.say((ANA, BEN)[number % 2], f"message {number}")
    return talk


# Answers


def test_the_visible_answers_of_a_record_are_found_by_arrival_whether_it_is_held_or_not(store: Store) -> None:
    talk = long_talk(6)
    asked, other, *answers = talk.records[1:]
    keep_and_show(store, talk, ANA, BEN)
    authors = {person.device: person for person in (ANA, BEN)}
    with store.transaction() as txn:
        assert txn.replies(asked.id, 9) == []
        for record in reversed(answers):
            arrival, _ = txn.arrival(record.id) or (0, 0)
            hidden = record is answers[1]
            txn.show(entry_of(record, arrival, authors[record.header.device], hidden=hidden), reply_to=asked.id)
            txn.show(entry_of(record, arrival, authors[record.header.device], hidden=hidden), reply_to=asked.id)
        arrival, _ = txn.arrival(other.id) or (0, 0)
        txn.show(entry_of(other, arrival, authors[other.header.device]), reply_to=RecordId(b"?" * 32))
    with store.transaction() as txn:
        seen = [record.id for record in answers if record is not answers[1]]
        assert [entry.id for entry in txn.replies(asked.id, 9)] == seen
        assert [entry.id for entry in txn.replies(asked.id, 2)] == seen[:2]
        assert [entry.id for entry in txn.replies(RecordId(b"?" * 32), 9)] == [other.id]
        unheld = RecordId(b"?" * 32)
        assert txn.replied((asked.id, other.id, unheld)) == {asked.id, unheld}
        assert txn.replied(()) == frozenset()
        with pytest.raises(ValueError, match="at most"):
            txn.replied([asked.id] * (MAX_PAGE_ROWS + 1))
        assert txn.index_older_replies(lambda record: asked.id, 9)
        assert [entry.id for entry in txn.replies(asked.id, 9)] == seen
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
        assert txn.replies(asked.id, 9) == []


# References


def noted(txn: Transaction, target: RecordId, limit: int = 99, **which: object) -> list[RecordId]:
    return [record.id for record in txn.references(target, limit, **which)]  # type: ignore[arg-type]  # kinds and by


def test_what_refers_to_a_record_is_read_in_display_order_whether_that_is_held_or_not(store: Store) -> None:
    talk = long_talk(7)
    target, unheld = talk.records[1], RecordId(b"?" * 32)
    others = talk.records[2:]
    keep(store, *talk.records)
    with store.transaction() as txn:
        assert noted(txn, target.id) == []
        for number, record in reversed(list(enumerate(others))):
            txn.refer(record.id, [(target.id, 65 + number % 2), (unheld, 65)])
            txn.refer(record.id, [(target.id, 65 + number % 2)])
        txn.refer(others[0].id, [(target.id, 68)])
        with pytest.raises(ValueError, match="not held"):
            txn.refer(unheld, [(target.id, 65)])
    with store.transaction() as txn:
        in_order = [record.id for record in others]
        assert noted(txn, target.id) == in_order
        assert noted(txn, target.id, 2) == in_order[:2]
        assert noted(txn, target.id, kinds=(65, 68)) == in_order[::2]
        assert noted(txn, target.id, by=(ANA.device,)) == [r.id for r in others if r.header.device == ANA.device]
        assert noted(txn, target.id, by=(CLEO.device,)) == noted(txn, target.id, by=()) == []
        assert noted(txn, unheld) == in_order
        assert txn.references(target.id, 1) == [others[0]]
        assert txn.referred((target.id, unheld, others[0].id)) == {target.id, unheld}
        with pytest.raises(ValueError, match="at most"):
            txn.referred([target.id] * (MAX_PAGE_ROWS + 1))
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
        assert noted(txn, target.id) == []
        assert txn.referred((target.id,)) == frozenset()


def test_what_was_looked_for_ahead_is_answered_as_it_is_when_asked(store: Store) -> None:
    talk = long_talk(6)
    target, other, answering = talk.records[1:4]
    keep_and_show(store, talk, ANA, BEN)
    author = next(person for person in (ANA, BEN) if person.device == answering.header.device)
    with store.transaction() as txn:
        txn.refer(answering.id, [(other.id, 65)])
    with store.transaction() as txn:
        ids = (target.id, other.id)
        txn.look_ahead(ids)
        assert (txn.referred(ids), txn.replied(ids)) == ({other.id}, frozenset())
        assert txn.referred((target.id,)) == txn.replied((target.id,)) == frozenset()
        txn.refer(answering.id, [(target.id, 66)])
        arrival, _ = txn.arrival(answering.id) or (0, 0)
        txn.show(entry_of(answering, arrival, author), reply_to=target.id)
        assert txn.referred((target.id,)) == txn.replied((target.id,)) == {target.id}
        assert (txn.referred(ids), txn.replied(ids)) == (set(ids), {target.id})
        with pytest.raises(ValueError, match="at most"):
            txn.look_ahead([target.id] * (MAX_PAGE_ROWS + 1))


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_of_one_device_the_first_references_stay_in_whatever_order_they_come(store: Store, backwards: bool) -> None:
    talk = long_talk(2 * MAX_DEVICE_REFERENCES + 7)
    target, more = talk.records[1], talk.records[2:]
    keep(store, *talk.records)
    with store.transaction() as txn:
        for record in reversed(more) if backwards else more:
            txn.refer(record.id, [(target.id, 67)])
    with store.transaction() as txn:
        for device in (ANA.device, BEN.device):
            first = [record.id for record in more if record.header.device == device][:MAX_DEVICE_REFERENCES]
            assert noted(txn, target.id, 999, by=(device,)) == first


def test_references_of_a_block_that_fails_are_not_noted(store: Store) -> None:
    talk = long_talk(3)
    keep(store, *talk.records)
    with store.transaction() as txn:
        txn.refer(talk.records[2].id, [(talk.records[1].id, 65)])

    def fail() -> None:
        with store.transaction() as txn:
            txn.refer(talk.records[3].id, [(talk.records[1].id, 65)])
            raise Crash

    with pytest.raises(Crash):
        fail()
    with store.transaction() as txn:
        assert noted(txn, talk.records[1].id) == [talk.records[2].id]


def test_entries_are_looked_at_again_each_once_the_newest_first(store: Store) -> None:
    talk = long_talk(7)
    keep_and_show(store, talk, ANA, BEN)
    shown_ones = [record.id for record in talk.records[1:]]
    with store.transaction() as txn:
        assert txn.older_references(9) == []
        txn.look_again_at_references()
        found = txn.older_references(5)
        assert [entry.id for entry, _ in found] == [record.id for _, record in found] == shown_ones[:1:-1]
    with store.transaction() as txn:
        assert [entry.id for entry, _ in txn.older_references(5)] == shown_ones[1::-1]
        assert txn.older_references(5) == []
        txn.look_again_at_references()
        with pytest.raises(ValueError, match="at least one"):
            txn.older_references(0)


# Bodies


def searched(txn: Transaction, word: str) -> list[RecordId]:
    found = txn.search(Search(phrases=(Phrase(text=word),)), before=None, limit=9)
    return [entry.id for entry, _ in found]


def test_a_body_is_dropped_with_what_finds_it_and_its_record_stays(store: Store) -> None:
    talk = long_talk(3)
    first, second, third = talk.records[1:]
    keep_and_show(store, talk, ANA, BEN)
    with store.transaction() as txn:
        for record, author in ((first, ANA), (second, BEN)):
            arrival, _ = txn.arrival(record.id) or (0, 0)
            txn.show(entry_of(record, arrival, author), "herring and bread")
    with store.transaction() as txn:
        heads, ends = txn.heads(talk.channel, Log.CONTENT), txn.chain_ends(talk.channel)
        assert txn.drop_body(first.id, Absence.REDACTED)
        assert not txn.drop_body(RecordId(b"?" * 32), Absence.REDACTED)
        assert searched(txn, "herring") == [second.id]
        assert txn.record(first.id) == replace(first, body=None, absence=Absence.REDACTED)
    with store.transaction() as txn:
        assert txn.record(first.id) == replace(first, body=None, absence=Absence.REDACTED)
        assert [record.body for record in txn.chain(talk.channel, Log.CONTENT, ANA.device, 0, 9)] == [None, third.body]
        assert (txn.heads(talk.channel, Log.CONTENT), txn.chain_ends(talk.channel)) == (heads, ends)
        assert shown(txn, talk.channel) == [first.id, second.id, third.id]
        assert searched(txn, "herring") == [second.id]
        # The reason may become another one; the body is not there to be dropped again.
        assert not txn.drop_body(first.id, Absence.MISSING)
        assert txn.record(first.id) == replace(first, body=None, absence=Absence.MISSING)


def test_a_missing_body_is_listed_until_it_is_filled_in(store: Store) -> None:
    talk = long_talk(4)
    bare = [replace(record, body=None) for record in talk.records[1:]]
    for_others = replace(bare[3], absence=Absence.NOT_FOR_US)
    keep(store, talk.root, *bare[:3], for_others)
    with store.transaction() as txn:
        assert txn.record(bare[0].id) == replace(bare[0], absence=Absence.MISSING)
        assert txn.record(for_others.id) == for_others
        assert txn.missing_bodies(talk.channel, 9) == [record.id for record in reversed(bare[:3])]
        assert txn.missing_bodies(talk.channel, 1) == [bare[2].id]
        assert txn.missing_bodies(ChannelId(b"?" * 32), 9) == []
        txn.fill_body(bare[1].id, talk.records[2].body or b"")
        assert txn.record(bare[1].id) == talk.records[2]
        for record in (bare[1].id, RecordId(b"?" * 32)):
            with pytest.raises(ValueError, match="no body missing"):
                txn.fill_body(record, b"again")
    with store.transaction() as txn:
        assert txn.record(bare[1].id) == talk.records[2]
        assert txn.missing_bodies(talk.channel, 9) == [bare[2].id, bare[0].id]


def test_what_expires_is_listed_when_it_is_due_the_first_first(store: Store) -> None:
    talk = long_talk(4)
    first, second, third, fourth = talk.records[1:]
    keep(store, *talk.records)
    with store.transaction() as txn:
        assert txn.next_expiry() is None
        for record, at_ms in ((first, 900), (second, 300), (third, 300), (fourth, 100), (fourth, 1000)):
            txn.expire_at(record.id, at_ms)
        txn.expire_at(RecordId(b"?" * 32), 5)
        assert txn.next_expiry() == 300
    with store.transaction() as txn:
        assert txn.expired(299, 9) == []
        assert txn.expired(900, 9) == [second.id, third.id, first.id]
        assert txn.expired(900, 2) == [second.id, third.id]
        txn.done_expiring(second.id)
        txn.done_expiring(second.id)
        assert txn.expired(300, 9) == [third.id]
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
        assert txn.next_expiry() is None


# Small values


def test_a_value_is_read_back_replaced_and_deleted(store: Store) -> None:
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") is None
        txn.put(Space.SELF, b"name", b"ana")
        txn.put(Space.SETTING, b"name", b"other")
        assert txn.get(Space.SELF, b"name") == b"ana"
    with store.transaction() as txn:
        txn.put(Space.SELF, b"name", b"anna")
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") == b"anna"
        txn.delete(Space.SELF, b"name")
        txn.delete(Space.SELF, b"name")
        assert txn.get(Space.SELF, b"name") is None
        assert txn.get(Space.SETTING, b"name") == b"other"


def test_an_empty_key_and_an_empty_value_are_values(store: Store) -> None:
    with store.transaction() as txn:
        txn.put(Space.SELF, b"", b"")
        assert txn.get(Space.SELF, b"") == b""
        assert txn.scan(Space.SELF) == [(b"", b"")]


@pytest.mark.parametrize("prefix", [b"", b"a", b"a\xff", b"\xff", b"\xff\xff", b"b"])
def test_a_scan_gives_the_keys_of_a_prefix_in_ascending_order(store: Store, prefix: bytes) -> None:
    keys = [b"", b"a", b"a\x00", b"a\xfe", b"a\xff", b"a\xff\xff", b"a\xff\xff\x00", b"b", b"\xff", b"\xff\xff", b"\xff\xff\x01"]
    with store.transaction() as txn:
        for key in reversed(keys):
            txn.put(Space.CONTACT, key, b"value of " + key)
        txn.put(Space.ADDRESS, prefix + b"1", b"elsewhere")
        expected = [(key, b"value of " + key) for key in sorted(keys) if key.startswith(prefix)]
        assert txn.scan(Space.CONTACT, prefix) == expected


# Records


def test_a_record_is_kept_as_it_stood(store: Store) -> None:
    talk = Talk.begin(ANA, BEN)
    told = talk.say(ANA, "hello", recipients=(ANA.user,), expires_ms=START_MS + 5)
    bodiless = replace(talk.say(BEN, "gone"), body=None, absence=Absence.EXPIRED)
    keep(store, talk.root, told, bodiless, arrived_ms=42)
    with store.transaction() as txn:
        assert [txn.record(record.id) for record in (talk.root, told, bodiless)] == [talk.root, told, bodiless]
        assert txn.arrival(told.id) == (2, 42)
        assert txn.holds(told.id)
        assert not txn.holds(RecordId(told.id[:-1] + b"\x00"))
        assert txn.record(RecordId(bytes(32))) is None
        assert txn.arrival(RecordId(bytes(32))) is None


def test_how_a_record_is_proven_is_kept_and_can_be_learned_later(store: Store) -> None:
    talk = Talk.begin(ANA)
    covered = replace(talk.say(ANA, "covered"), proof=Proof.COVER)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
        txn.append(covered, 2)
        assert txn.record(covered.id) == covered
    with store.transaction() as txn:
        txn.prove(covered.id, Proof.COVER_ONLY)
        assert txn.record(covered.id) == replace(covered, proof=Proof.COVER_ONLY)
    with store.transaction() as txn:
        txn.prove(covered.id, Proof.COVER)
    with store.transaction() as txn:
        assert txn.record(covered.id) == covered
        txn.prove(covered.id, Proof.OWN)
        txn.prove(RecordId(b"n" * 32), Proof.OWN)
        assert txn.chain(talk.channel, Log.CONTENT, ANA.device, 0, 9) == [replace(covered, proof=Proof.OWN)]
        assert [record.proof for _, record in txn.arrivals(talk.channel, Log.CONTENT, 0, 9)] == [Proof.OWN]
    with store.transaction() as txn:
        assert txn.record(covered.id) == replace(covered, proof=Proof.OWN)


def test_ids_that_begin_alike_are_told_apart(store: Store) -> None:
    talk = long_talk(1)
    keep(store, *talk.records)
    with store.transaction() as txn:
        for record in talk.records:
            other = RecordId(record.id[:8] + bytes(24))
            assert not txn.holds(other)
            assert txn.record(other) is None
            assert txn.arrival(other) is None
            assert txn.entry(other) is None


def test_a_record_within_its_transaction_is_read_back(store: Store) -> None:
    talk = long_talk(2)
    with store.transaction() as txn:
        arrivals = [txn.append(record, 1) for record in talk.records]
        assert arrivals == [1, 2, 3]
        assert all(txn.holds(record.id) and txn.record(record.id) == record for record in talk.records)
        assert [record for _, record in txn.arrivals(talk.channel, Log.CONTENT, 0, 9)] == talk.records[1:]
        assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[2].id,)
        assert len(txn.chain_ends(talk.channel)) == 3


def test_a_record_that_is_held_is_not_taken_again(store: Store) -> None:
    talk = long_talk(1)
    keep(store, *talk.records)
    with store.transaction() as txn:
        for _ in range(2):
            with pytest.raises(ValueError, match="held"):
                txn.append(talk.records[1], 9)
    with store.transaction() as txn:
        assert txn.arrivals(talk.channel, Log.CONTENT, 0, 9) == [(2, talk.records[1])]


def test_arrivals_are_counted_over_all_channels_and_paged(store: Store) -> None:
    one, two = long_talk(5), Talk.begin(BEN, CLEO, name="other")
    keep(store, one.root, two.root, *one.records[1:])
    with store.transaction() as txn:
        assert txn.arrivals(two.channel, Log.CONTROL, 0, 9) == [(2, two.root)]
        assert txn.arrivals(one.channel, Log.CONTENT, 4, 2) == [(5, one.records[3]), (6, one.records[4])]
        assert txn.arrivals(one.channel, Log.CONTENT, 7, 9) == []
        assert txn.arrivals(ChannelId(bytes(32)), Log.CONTENT, 0, 9) == []
        with pytest.raises(ValueError):
            txn.arrivals(one.channel, Log.CONTENT, 0, -1)


def test_a_chain_is_read_by_its_places(store: Store) -> None:
    talk = long_talk(10)
    keep(store, *talk.records)
    mine = [record for record in talk.records[1:] if record.header.device == ANA.device]
    with store.transaction() as txn:
        place = (talk.channel, Log.CONTENT, ANA.device)
        assert txn.in_chain(*place, 3) == mine[3].id
        assert txn.in_chain(*place, 5) is None
        assert txn.in_chain(talk.channel, Log.CONTENT, CLEO.device, 0) is None
        assert txn.arrival_in_chain(*place, 3) == 8
        assert txn.arrival_in_chain(*place, 5) is None
        assert txn.chain(*place, 1, 3) == mine[1:4]
        assert txn.chain(*place, 4, 2**63 - 1) == mine[4:]
        assert txn.chain(*place, 3, 2) == []
        assert txn.chain(talk.channel, Log.CONTENT, CLEO.device, 0, 9) == []


def test_a_fork_of_a_chain_is_held_in_both_branches_and_the_first_stands(store: Store) -> None:
    talk = long_talk(4)
    mine = [record for record in talk.records[1:] if record.header.device == ANA.device]
    forked = talk.say(ANA, "another second", after=mine[0], parents=(mine[0].id,), at_ms=START_MS + 1)
    assert (forked.header.seq, forked.id) != (mine[1].header.seq, mine[1].id)
    keep(store, *talk.records)
    with store.transaction() as txn:
        place = (talk.channel, Log.CONTENT, ANA.device)
        assert txn.in_chain(*place, 1) == mine[1].id
        assert txn.arrival_in_chain(*place, 1) == 4
        assert txn.chain(*place, 0, 9) == [mine[0], mine[1], forked]
        assert [end.id for end in txn.chain_ends(talk.channel) if end.device == ANA.device and end.log] == [mine[1].id]
        assert set(txn.heads(talk.channel, Log.CONTENT)) == {talk.records[4].id, forked.id}
    longer = talk.say(ANA, "a third", after=forked, parents=(forked.id,))
    keep(store, longer)
    with store.transaction() as txn:
        assert [end.id for end in txn.chain_ends(talk.channel) if end.device == ANA.device and end.log] == [longer.id]


def test_chain_ends_come_by_log_and_device(store: Store) -> None:
    talk = Talk.begin(ANA, BEN)
    for author in (CLEO, BEN, ANA, CLEO):
        talk.say(author, "hi")
    talk.set_topic(BEN, "boats")
    keep(store, *talk.records)
    with store.transaction() as txn:
        ends = txn.chain_ends(talk.channel)
        assert txn.chain_ends(ChannelId(bytes(32))) == []
    assert [(end.log, end.device) for end in ends] == sorted((end.log, end.device) for end in ends)
    assert {(end.log, end.device): (end.seq, end.id, end.ets) for end in ends} == {
        (log, author.device): (last.header.seq, last.id, last.header.ets)
        for log in Log
        for author in (ANA, BEN, CLEO)
        if (last := talk.end(author.device, log)) is not None
    }


def test_heads_are_what_nothing_held_cites(store: Store) -> None:
    talk = Talk.begin(ANA, BEN)
    first = talk.say(ANA, "first")
    left = talk.say(BEN, "left", parents=(first.id,))
    right = talk.say(CLEO, "right", parents=(first.id,))
    keep(store, *talk.records)
    with store.transaction() as txn:
        assert txn.heads(talk.channel, Log.CONTENT) == tuple(sorted((left.id, right.id)))
        assert txn.heads(talk.channel, Log.CONTROL) == (talk.root.id,)
        assert txn.heads(ChannelId(bytes(32)), Log.CONTROL) == ()
    joined = talk.say(ANA, "joined", parents=(left.id, right.id))
    keep(store, joined)
    with store.transaction() as txn:
        assert txn.heads(talk.channel, Log.CONTENT) == (joined.id,)


def test_prev_ceases_to_be_a_head_even_where_it_is_no_parent(store: Store) -> None:
    talk = Talk.begin(ANA, BEN)
    first = talk.say(ANA, "first")
    beside = talk.say(BEN, "beside", parents=())
    second = talk.say(ANA, "second", parents=(beside.id,))
    keep(store, talk.root, first, beside, second)
    with store.transaction() as txn:
        assert txn.heads(talk.channel, Log.CONTENT) == (second.id,)


def test_a_record_from_below_the_horizon_is_no_head_when_it_comes_after_what_cites_it(store: Store) -> None:
    talk = long_talk(6)
    keep(store, talk.root, *talk.records[4:])
    with store.transaction() as txn:
        assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[6].id,)
        before = txn.chain_ends(talk.channel)
    for record in talk.records[1:4]:
        keep(store, record)
    with store.transaction() as txn:
        assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[6].id,)
        assert txn.chain_ends(talk.channel) == before
        assert [record.header.seq for record in txn.chain(talk.channel, Log.CONTENT, ANA.device, 0, 9)] == [0, 1, 2]


# Transactions


@pytest.mark.parametrize("fault", [ValueError, Crash])
def test_a_block_that_raises_leaves_nothing(store: Store, fault: type[BaseException]) -> None:
    talk = long_talk(6)
    keep_and_show(store, Talk(talk.root, talk.records[1:3]), ANA, BEN)
    with store.transaction() as txn:
        txn.put(Space.SELF, b"a", b"1")
        txn.put(Space.CHANNEL, talk.channel, b"kept")
        txn.acknowledge(PEER, talk.channel, Log.CONTENT, ANA.device, 1)
    known = all_of(store, [talk.channel], [record.id for record in talk.records])

    def spoil() -> None:
        with store.transaction() as txn:
            for record in talk.records[3:]:
                txn.show(entry_of(record, txn.append(record, 1), mention=True))
            first = txn.entry(talk.records[1].id)
            assert first is not None
            txn.show(replace(first, hidden=True))
            txn.put(Space.SELF, b"a", b"2")
            txn.put(Space.SELF, b"b", b"3")
            txn.acknowledge(PEER, talk.channel, Log.CONTENT, ANA.device, 9)
            txn.acknowledge(DeviceId(b"q" * 32), talk.channel, Log.CONTENT, BEN.device, 9)
            txn.delete(Space.SELF, b"a")
            txn.forget_channel(talk.channel)
            raise fault

    for _ in range(2):
        with pytest.raises(fault):
            spoil()
        assert all_of(store, [talk.channel], [record.id for record in talk.records]) == known
    assert keep(store, talk.records[3]) == [4]


def test_transactions_do_not_nest_and_end_with_their_block(store: Store) -> None:
    with store.transaction() as txn:
        with pytest.raises(RuntimeError), store.transaction():
            pass
        txn.put(Space.SELF, b"a", b"1")
    with pytest.raises(RuntimeError):
        txn.get(Space.SELF, b"a")
    with store.transaction() as later:
        assert later.get(Space.SELF, b"a") == b"1"


def test_a_closed_store_takes_no_more_transactions(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(RuntimeError), store.transaction():
        pass


def test_a_store_is_used_from_another_thread_than_its_maker(store: Store) -> None:
    talk = long_talk(3)
    thread = threading.Thread(target=keep_and_show, args=(store, talk, ANA, BEN))
    thread.start()
    thread.join()
    with store.transaction() as txn:
        assert shown(txn, talk.channel) == [record.id for record in talk.records[1:]]


# Timelines


def test_a_timeline_is_read_in_pages_from_either_end(store: Store) -> None:
    talk = long_talk(25)
    keep_and_show(store, talk, ANA, BEN)
    places = [(record.header.ets, record.id) for record in talk.records[1:]]
    ids = [place[1] for place in places]
    with store.transaction() as txn:
        assert shown(txn, talk.channel, limit=10) == ids[15:]
        assert shown(txn, talk.channel, limit=0) == []
        before = Position(ets=places[15][0], id=ids[15])
        assert shown(txn, talk.channel, before=before, limit=10) == ids[5:15]
        assert shown(txn, talk.channel, before=before) == ids[:15]
        assert shown(txn, talk.channel, after=before, limit=4) == ids[16:20]
        between = Position(ets=places[15][0], id=RecordId(bytes(32)))
        assert shown(txn, talk.channel, after=between, limit=1) == [ids[15]]
        assert shown(txn, talk.channel, before=between, limit=1) == [ids[14]]
        assert shown(txn, ChannelId(bytes(32))) == []
        with pytest.raises(ValueError):
            shown(txn, talk.channel, before=before, after=before)


def test_entries_of_one_ets_are_ordered_by_id(store: Store) -> None:
    talk = Talk.begin(ANA, BEN)
    for author in (ANA, BEN, CLEO, person("dora"), person("eve"), person("fay")):
        talk.say(author, "at once", parents=(), at_ms=START_MS + 5)
    keep_and_show(store, talk)
    ids = sorted(record.id for record in talk.records[1:])
    with store.transaction() as txn:
        assert shown(txn, talk.channel) == ids
        for place, record in enumerate(ids):
            position = Position(ets=START_MS + 5, id=record)
            assert shown(txn, talk.channel, before=position, limit=2) == ids[max(0, place - 2) : place]
            assert shown(txn, talk.channel, after=position, limit=2) == ids[place + 1 : place + 3]


def test_two_conversations_with_one_person_read_as_one(store: Store) -> None:
    mine, theirs = Talk.begin(ANA, BEN, name=""), Talk.begin(BEN, ANA, name="")
    written = []
    for number in range(12):
        talk = (mine, theirs)[number % 3 == 0]
        written.append(talk.say((ANA, BEN)[number % 2], "hi", at_ms=START_MS + 1000 * number + 9))
    keep_and_show(store, mine, ANA, BEN)
    keep_and_show(store, theirs, ANA, BEN)
    ids = [record.id for record in sorted(written, key=lambda record: (record.header.ets, record.id))]
    both = (mine.channel, theirs.channel)
    with store.transaction() as txn:
        assert shown(txn, *both) == ids
        assert shown(txn, *both, *both) == ids
        middle = Position(ets=sorted(written, key=lambda r: r.header.ets)[6].header.ets, id=ids[6])
        assert shown(txn, *both, before=middle, limit=4) == ids[2:6]
        assert shown(txn, *both, after=middle, limit=4) == ids[7:11]
        assert txn.newest(both) == (max(r.header.ets for r in written), 14)
        assert txn.unread(both, 0, (ANA.device,)) == (6, 0)
        assert txn.newest(()) is None


def test_an_entry_tells_what_was_shown_and_is_replaced_by_its_id(store: Store) -> None:
    talk = long_talk(2)
    keep(store, *talk.records)
    with store.transaction() as txn:
        assert txn.entry(talk.records[1].id) is None
        entry = entry_of(talk.records[1], 2, ANA, late=True)
        txn.show(entry)
        assert txn.entry(talk.records[1].id) == entry
        other = replace(entry, user=BEN.user, mention=True, late=False)
        txn.show(other)
        txn.show(other)
        assert txn.entry(talk.records[1].id) == other
        assert txn.timeline((talk.channel,), before=None, after=None, limit=9) == [(other, talk.records[1])]
        assert txn.unread((talk.channel,), 0, ()) == (1, 1)


def test_notices_are_shown_but_not_unread(store: Store) -> None:
    talk = long_talk(4)
    keep_and_show(store, talk, ANA, BEN)
    with store.transaction() as txn:
        entry = txn.entry(talk.records[4].id)
        assert entry is not None
        txn.show(replace(entry, notice=True))
        assert txn.entry(entry.id) == replace(entry, notice=True)
        assert shown(txn, talk.channel) == [record.id for record in talk.records[1:]]
        assert txn.unread((talk.channel,), 0, ()) == (3, 0)


def test_hidden_entries_are_neither_shown_nor_counted_until_they_are_shown_again(store: Store) -> None:
    talk = long_talk(4)
    keep_and_show(store, talk, ANA, BEN)
    last = talk.records[4]
    with store.transaction() as txn:
        entry = txn.entry(last.id)
        assert entry is not None
        txn.show(replace(entry, hidden=True))
        assert txn.entry(last.id) == replace(entry, hidden=True)
        assert shown(txn, talk.channel) == [record.id for record in talk.records[1:4]]
        assert txn.unread((talk.channel,), 0, ()) == (3, 0)
        assert txn.newest((talk.channel,)) == (talk.records[3].header.ets, 4)
        assert [each.hidden for each in txn.entries_by_device(talk.channel, BEN.device)] == [False, True]
        txn.show(entry)
        assert shown(txn, talk.channel) == [record.id for record in talk.records[1:]]


def test_an_entry_needs_its_record_and_says_what_is_so(store: Store) -> None:
    talk = long_talk(2)
    keep(store, *talk.records[:2])
    with store.transaction() as txn:
        good = entry_of(talk.records[1], 2, ANA)
        for wrong in (
            entry_of(talk.records[2], 3, BEN),
            replace(good, arrival=1),
            replace(good, ets=good.ets + 1),
            replace(good, device=BEN.device),
            replace(good, channel=ChannelId(bytes(32))),
        ):
            with pytest.raises(ValueError):
                txn.show(wrong)
        assert txn.entry(good.id) is None


def test_entries_by_device_come_in_order_of_arrival(store: Store) -> None:
    talk = long_talk(6)
    talk.set_topic(ANA, "boats")
    authors = {ANA.device: ANA, BEN.device: BEN}
    with store.transaction() as txn:
        for record in (talk.root, *reversed(talk.records[1:])):
            txn.show(entry_of(record, txn.append(record, 1), authors[record.header.device]))
        mine = txn.entries_by_device(talk.channel, ANA.device)
        assert [entry.arrival for entry in mine] == sorted(entry.arrival for entry in mine)
        assert len(mine) == 5
        assert txn.entries_by_device(talk.channel, CLEO.device) == []
        assert txn.entries_by_device(ChannelId(bytes(32)), ANA.device) == []


def test_unread_counts_what_others_wrote_since(store: Store) -> None:
    talk = long_talk(10)
    keep_and_show(store, talk, ANA, BEN, mention=lambda record: record.header.seq == 4)
    with store.transaction() as txn:
        assert txn.unread((talk.channel,), 0, ()) == (10, 2)
        assert txn.unread((talk.channel,), 0, (ANA.device, CLEO.device)) == (5, 1)
        assert txn.unread((talk.channel,), 7, (ANA.device,)) == (2, 1)
        assert txn.unread((talk.channel,), 11, (ANA.device,)) == (0, 0)
        assert txn.unread((talk.channel,), 0, (ANA.device, BEN.device)) == (0, 0)
        assert txn.unread((), 0, ()) == (0, 0)


def test_what_was_counted_as_unread_follows_what_happens_to_it(store: Store) -> None:
    talk = Talk.begin(ANA, BEN)
    authors = {person.device: person for person in (ANA, BEN)}
    first, second, third = (talk.say(BEN, text) for text in ("one", "two", "three"))

    def count() -> tuple[int, int]:
        with store.transaction() as txn:
            return txn.unread((talk.channel,), 0, (ANA.device,))

    with store.transaction() as txn:
        txn.append(talk.root, 1)
        kept = txn.reserve_arrivals(1)
        entry = entry_of(first, txn.append(first, 1), BEN)
        txn.show(entry)
    assert count() == (1, 0)
    with store.transaction() as txn:
        txn.show(replace(entry, mention=True))
    assert count() == (1, 1)
    with store.transaction() as txn:
        txn.show(replace(entry, hidden=True))
        assert txn.unread((talk.channel,), 0, (ANA.device,)) == (0, 0)
        txn.show(entry)
    assert count() == (1, 0)
    with store.transaction() as txn:
        txn.show(entry_of(second, txn.append(second, 1, kept), BEN))
    assert count() == (2, 0)

    def fail() -> None:
        with store.transaction() as txn:
            txn.show(entry_of(third, txn.append(third, 1), BEN, mention=True))
            assert txn.unread((talk.channel,), 0, (ANA.device,)) == (3, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert count() == (2, 0)
    with store.transaction() as txn:
        txn.show(entry_of(third, txn.append(third, 1), BEN))
    assert count() == (3, 0)
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
        assert txn.unread((talk.channel,), 0, (ANA.device,)) == (0, 0)
        for record in talk.records:
            arrival = txn.append(record, 1)
            if record.header.log is Log.CONTENT:
                txn.show(entry_of(record, arrival, authors[DeviceId(record.header.device)]))
    assert count() == (3, 0)


def test_unread_counts_to_a_thousand_and_finds_mentions_beyond(store: Store) -> None:
    root = Talk.begin(ANA, BEN).root
    unsigned = make_record(
        ANA,
        kind=Kind.CONTENT,
        channel=root.channel,
        log=Log.CONTENT,
        seq=0,
        prev=None,
        parents=(),
        control_heads=(root.id,),
        timestamp_ms=START_MS,
        ets=START_MS,
        acts=(Message(text="many"),),
    )
    with store.transaction() as txn:
        txn.append(root, 1)
        for number in range(1003):
            # The store takes ids as they come; real signatures would only cost time here.
            record = replace(unsigned, id=RecordId(number.to_bytes(32, "big")), header=replace(unsigned.header, seq=number))
            txn.show(entry_of(record, txn.append(record, 1), ANA, mention=number == 1002))
        assert txn.unread((root.channel,), 0, ()) == (1000, 1)
        assert txn.unread((root.channel,), 4, ()) == (1000, 1)
        assert txn.unread((root.channel,), 5, ()) == (999, 1)


# Forgetting


def test_a_forgotten_channel_is_gone_and_its_numbers_are_not_used_again(store: Store) -> None:
    talk, other = long_talk(4), Talk.begin(BEN, CLEO, name="other")
    other.say(BEN, "stays")
    keep_and_show(store, other, BEN)
    keep_and_show(store, talk, ANA, BEN)
    channels, ids = [talk.channel, other.channel], [record.id for record in (*talk.records, *other.records)]
    with store.transaction() as txn:
        for channel in channels:
            txn.put(Space.CHANNEL, channel, b"standing")
            txn.put(Space.FORK, channel + b"end of a branch", b"")
            txn.acknowledge(PEER, channel, Log.CONTENT, BEN.device, 0)
        txn.acknowledge(ANA.device, talk.channel, Log.CONTENT, BEN.device, 1)
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
        txn.forget_channel(ChannelId(bytes(32)))
        assert not txn.holds(talk.root.id)
        assert txn.chain_ends(talk.channel) == []
    with store.transaction() as txn:
        assert not any(txn.holds(record.id) or txn.record(record.id) or txn.entry(record.id) for record in talk.records)
        assert txn.chain_ends(talk.channel) == []
        assert [txn.heads(talk.channel, log) for log in Log] == [(), ()]
        assert [txn.arrivals(talk.channel, log, 0, 9) for log in Log] == [[], []]
        assert shown(txn, talk.channel) == []
        assert txn.get(Space.CHANNEL, talk.channel) is None
        assert [key for key, _ in txn.scan(Space.FORK)] == [other.channel + b"end of a branch"]
        assert txn.acknowledged(PEER) == [(other.channel, Log.CONTENT, BEN.device, 0)]
        assert txn.acknowledged(ANA.device) == []
        assert shown(txn, other.channel) == [other.records[1].id]
        assert txn.get(Space.CHANNEL, other.channel) == b"standing"
    with store.transaction() as txn:
        assert [txn.append(record, 1) for record in talk.records] == [8, 9, 10, 11, 12]
        assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[-1].id,)
    assert all_of(store, channels, ids)["records"][0][1] == (8, 1)


def test_a_channel_may_be_forgotten_and_taken_again_within_one_transaction(store: Store) -> None:
    talk = long_talk(3)
    with store.transaction() as txn:
        for record in talk.records:
            txn.append(record, 1)
        txn.forget_channel(talk.channel)
        assert not txn.holds(talk.root.id)
        assert [txn.append(record, 1) for record in talk.records] == [5, 6, 7, 8]
    with store.transaction() as txn:
        assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[3].id,)
        assert [end.seq for end in txn.chain_ends(talk.channel)].count(1) == 1


# Acknowledgements


def test_what_a_peer_holds_can_be_forgotten(store: Store) -> None:
    talk = long_talk(1)
    with store.transaction() as txn:
        for peer in (PEER, ANA.device):
            txn.acknowledge(peer, talk.channel, Log.CONTENT, ANA.device, 3)
    with store.transaction() as txn:
        txn.forget_acknowledged(PEER)
        txn.forget_acknowledged(BEN.device)
        assert txn.acknowledged(PEER) == []
    with store.transaction() as txn:
        assert txn.acknowledged(PEER) == []
        assert txn.acknowledged(ANA.device) == [(talk.channel, Log.CONTENT, ANA.device, 3)]
        txn.acknowledge(PEER, talk.channel, Log.CONTENT, ANA.device, 1)

    def fail() -> None:
        with store.transaction() as txn:
            txn.forget_acknowledged(PEER)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.transaction() as txn:
        assert txn.acknowledged(PEER) == [(talk.channel, Log.CONTENT, ANA.device, 1)]


def test_what_a_peer_holds_only_rises(store: Store) -> None:
    talk = long_talk(1)
    unknown = ChannelId(b"c" * 32)
    with store.transaction() as txn:
        assert txn.acknowledged(PEER) == []
        for seq in (3, 7, 5):
            txn.acknowledge(PEER, talk.channel, Log.CONTENT, ANA.device, seq)
        txn.acknowledge(PEER, talk.channel, Log.CONTROL, ANA.device, 0)
        txn.acknowledge(PEER, unknown, Log.CONTENT, BEN.device, 1)
        txn.acknowledge(BEN.device, unknown, Log.CONTENT, BEN.device, 2)
        expected = [
            (talk.channel, Log.CONTROL, ANA.device, 0),
            (talk.channel, Log.CONTENT, ANA.device, 7),
            (unknown, Log.CONTENT, BEN.device, 1),
        ]
        assert txn.acknowledged(PEER) == sorted(expected)
        assert txn.chain_ends(talk.channel) == []
        with pytest.raises(ValueError):
            txn.acknowledge(PEER, talk.channel, Log.CONTENT, ANA.device, -1)


# Both compared


def all_of(store: Store, channels: list[ChannelId], ids: list[RecordId]) -> dict[str, list[object]]:
    """Everything that a store shows of some channels, records and the people of these tests."""
    devices = [ANA.device, BEN.device, CLEO.device]
    with store.transaction() as txn:
        return {
            "values": [txn.scan(space) for space in Space],
            "records": [(txn.record(i), txn.arrival(i), txn.entry(i), txn.holds(i)) for i in ids],
            "arrivals": [txn.arrivals(channel, log, 1, 7) for channel in channels for log in Log],
            "ends": [txn.chain_ends(channel) for channel in channels],
            "heads": [txn.heads(channel, log) for channel in channels for log in Log],
            "chains": [
                (txn.chain(channel, log, device, 0, 99), txn.in_chain(channel, log, device, 1))
                for channel in channels
                for log in Log
                for device in devices
            ],
            "entries": [txn.entries_by_device(channel, device) for channel in channels for device in devices],
            "timeline": [
                txn.timeline(tuple(channels), before=None, after=None, limit=5),
                txn.timeline(tuple(channels[:1]), before=None, after=Position(ets=START_MS, id=ids[0]), limit=50),
                txn.timeline(tuple(channels), before=Position(ets=START_MS + 9000, id=ids[0]), after=None, limit=3),
            ],
            "counts": [txn.unread(tuple(channels), after, (ANA.device,)) for after in (3, 0, 3)],
            "newest": [txn.newest(tuple(channels)), txn.newest(tuple(channels[1:]))],
            "acknowledged": [txn.acknowledged(device) for device in devices],
            "missing": [txn.missing_bodies(channel, 5) for channel in channels],
            "expiring": [txn.next_expiry(), txn.expired(4, 3), txn.expired(9, 99)],
        }


def _universe() -> list[Talk]:
    talks = [Talk.begin(ANA, BEN), Talk.begin(BEN, CLEO, name="other")]
    for talk in talks:
        first = talk.say(ANA, "first")
        talk.say(BEN, "left", parents=(first.id,))
        talk.say(CLEO, "right", parents=(first.id,))
        talk.set_topic(BEN, "boats")
        talk.say(ANA, "joined")
        talk.say(ANA, "forked", after=first, parents=(first.id,), at_ms=START_MS + 4000)
        talk.say(BEN, "on")
    return talks


TALKS = _universe()
CHANNELS = [talk.channel for talk in TALKS]
RECORDS = [record for talk in TALKS for record in talk.records]
IDS = [record.id for record in RECORDS]
PEOPLE = {person.device: person for person in (ANA, BEN, CLEO)}

_steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, len(RECORDS) - 1), st.integers(0, 99)),
        st.tuples(st.just("append"), st.integers(0, len(RECORDS) - 1), st.integers(0, 99)),
        st.tuples(st.just("show"), st.integers(0, len(RECORDS) - 1), st.tuples(*[st.booleans()] * 4)),
        st.tuples(st.just("put"), st.sampled_from(list(Space)), st.binary(max_size=2), st.binary(max_size=3)),
        st.tuples(st.just("delete"), st.sampled_from(list(Space)), st.binary(max_size=2)),
        st.tuples(
            st.just("acknowledge"),
            st.integers(0, 2),
            st.integers(0, 1),
            st.integers(0, 2),
            st.integers(0, 5),
        ),
        st.tuples(st.just("drop"), st.integers(0, len(RECORDS) - 1), st.sampled_from(Absence)),
        st.tuples(st.just("fill"), st.integers(0, len(RECORDS) - 1)),
        st.tuples(st.just("expire"), st.integers(0, len(RECORDS) - 1), st.integers(0, 9)),
        st.tuples(st.just("done"), st.integers(0, len(RECORDS) - 1)),
        st.tuples(st.just("forget"), st.integers(0, 1)),
    ),
    max_size=12,
)


def _take(txn: Transaction, step: tuple) -> object:
    """Do one step, its records, channels and devices given by their places; what it answered, or which error it raised."""
    devices = sorted(PEOPLE)
    match step:
        case ("append", place, arrived_ms):
            try:
                return txn.append(RECORDS[place], arrived_ms)
            except ValueError as error:
                return str(error)
        case ("show", place, (mention, late, hidden, notice)):
            record = RECORDS[place]
            arrival = txn.arrival(record.id)
            if arrival is None:
                return None
            author = PEOPLE[record.header.device]
            return txn.show(entry_of(record, arrival[0], author, mention=mention, late=late, hidden=hidden, notice=notice))
        case ("drop", place, absence):
            return txn.drop_body(IDS[place], absence)
        case ("fill", place):
            try:
                return txn.fill_body(IDS[place], RECORDS[place].body or b"")
            except ValueError as error:
                return str(error)
        case ("expire", place, at_ms):
            return txn.expire_at(IDS[place], at_ms)
        case ("done", place):
            return txn.done_expiring(IDS[place])
        case ("put", space, key, value):
            return txn.put(space, key, value)
        case ("delete", space, key):
            return txn.delete(space, key)
        case ("acknowledge", peer, channel, device, seq):
            return txn.acknowledge(devices[peer], CHANNELS[channel], Log.CONTENT, devices[device], seq)
        case ("forget", channel):
            return txn.forget_channel(CHANNELS[channel])
    raise AssertionError(step)


class BothStores(RuleBasedStateMachine):
    """Random blocks, some of which raise at their end, and reopening: both stores show the same at every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.path = Path(self.directory.name) / "messages.db"
        self.twin = MemoryStore()
        self.real = SqliteStore(self.path, KEY)

    @rule(steps=_steps, crash=st.booleans())
    def block(self, steps: list[tuple], crash: bool) -> None:
        answers = []
        for store in (self.twin, self.real):
            taken = []
            try:
                with store.transaction() as txn:
                    taken = [_take(txn, step) for step in steps]
                    taken += [txn.heads(channel, log) for channel in CHANNELS for log in Log]
                    taken += [txn.chain_ends(channel) for channel in CHANNELS]
                    if crash:
                        raise Crash
            except Crash:
                pass
            answers.append(taken)
        assert answers[0] == answers[1]

    @rule()
    def reopen(self) -> None:
        self.real.close()
        self.real = SqliteStore(self.path, KEY, create=False)

    @invariant()
    def same(self) -> None:
        twin, real = all_of(self.twin, CHANNELS, IDS), all_of(self.real, CHANNELS, IDS)
        for part in twin:
            assert twin[part] == real[part], part

    def teardown(self) -> None:
        self.real.close()
        self.directory.cleanup()


BothStores.TestCase.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestBothStores = BothStores.TestCase


# Places, and history fetched backwards


def test_places_are_read_from_either_end_within_bounds(store: Store) -> None:
    talk = long_talk(8)
    keep(store, *talk.records)
    channel, device = talk.records[0].channel, ANA.device
    with store.transaction() as txn:
        forward = txn.places(channel, Log.CONTENT, device, 1, 3, 2, newest_first=False)
        backward = txn.places(channel, Log.CONTENT, device, 1, 3, 2, newest_first=True)
        assert [seq for seq, _ in forward] == [1, 2]
        assert [seq for seq, _ in backward] == [3, 2]
        for seq, arrival in (*forward, *backward):
            assert txn.arrival_in_chain(channel, Log.CONTENT, device, seq) == arrival
        assert txn.places(channel, Log.CONTENT, device, 90, 99, 2, newest_first=True) == []
        assert txn.places(ChannelId(b"?" * 32), Log.CONTENT, device, 0, 99, 2, newest_first=False) == []


def test_reserved_arrival_numbers_are_left_out_and_can_be_given_to_older_records(store: Store) -> None:
    talk = long_talk(4)
    *early, older, newer = talk.records
    with store.transaction() as txn:
        last = [txn.append(record, 7) for record in early][-1]
        reserved = txn.reserve_arrivals(1000)
        assert reserved == last + 1
        assert txn.append(newer, 7) == last + 1001
        assert txn.is_head(newer.channel, Log.CONTENT, newer.id)
        assert txn.awaits(newer.channel, Log.CONTENT)
    with store.transaction() as txn:
        assert txn.awaits(newer.channel, Log.CONTENT)
        assert not txn.awaits(newer.channel, Log.CONTROL)
        assert txn.append(older, 8, reserved + 5) == reserved + 5
        assert not txn.awaits(newer.channel, Log.CONTENT)
        assert not txn.is_head(older.channel, Log.CONTENT, older.id)
        assert [record.id for _, record in txn.arrivals(older.channel, Log.CONTENT, last, 9)] == [older.id, newer.id]
        assert txn.arrival(older.id) == (reserved + 5, 8)


def test_an_abandoned_reservation_is_forgotten(store: Store) -> None:
    talk = long_talk(2)

    def interrupted() -> None:
        with store.transaction() as txn:
            txn.reserve_arrivals(1000)
            raise Crash

    with pytest.raises(Crash):
        interrupted()
    assert keep(store, *talk.records) == list(range(1, len(talk.records) + 1))
