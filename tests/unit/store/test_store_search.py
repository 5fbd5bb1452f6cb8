"""The index of the real store: what leaves it is gone from the disk, and older profiles are indexed in slices."""

from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from builders import AS_VERSION_1, START_MS, Talk, entry_of, person

from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import RecordId
from multichat_tui.model.limits import SALT_BYTES
from multichat_tui.model.records import Record
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.store.search import channel_mark, match_of, user_mark
from multichat_tui.store.sqlite import SqliteStore

ANA, BEN = person("ana"), person("ben")
KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


def words(text: str, *, prefix: bool = False) -> Search:
    return Search(phrases=(Phrase(text=text, prefix=prefix),))


def found(store: SqliteStore, search: Search) -> list[RecordId]:
    with store.transaction() as txn:
        return [entry.id for entry, _ in txn.search(search, before=None, limit=500)]


def text_of(record: Record) -> str:
    acts = decode_acts((record.body or b"")[SALT_BYTES:], record.header.log)
    assert not isinstance(acts, Rejected)
    return acts[0].text


def check(store: SqliteStore) -> None:
    """The index is whole, and agrees with the words that are kept."""
    with store.transaction():
        store._database.run("insert into found (found, rank) values ('integrity-check', 1)")


class Plain(apsw.Connection):
    """A connection that is never given its key, so that the pages on the disk can be read."""

    def execute(self, sql: str, *arguments: object, **others: object) -> apsw.Cursor:
        return super().execute("select 1" if "pragma key" in sql else sql, *arguments, **others)


def test_the_words_of_what_was_forgotten_are_nowhere_in_the_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "Connection", Plain)
    store = SqliteStore(path, KEY)
    talk, other = Talk.begin(ANA, BEN), Talk.begin(BEN, name="other")
    secret = [f"zyxwvuts{number:03}rqponm" for number in range(120)]
    for number, word in enumerate(secret):
        with store.transaction() as txn:
            if not number:
                txn.append(talk.root, 1)
                txn.append(other.root, 1)
            record = talk.say(ANA, f"Meet at {word.upper()} tonight", parents=())
            txn.show(entry_of(record, txn.append(record, 1), ANA), f"Meet at {word.upper()} tonight")
            stays = other.say(BEN, f"meet {number}", parents=())
            txn.show(entry_of(stays, txn.append(stays, 1), BEN), f"meet {number}")
    assert len(found(store, words("zyxwvuts", prefix=True))) == 120
    store.close()
    traces = [b"yxwvuts", b"YXWVUTS", *(word[9:].encode() for word in secret[::10])]
    assert all(trace in path.read_bytes().replace(b"yxwvuts", b"yxwvuts") for trace in traces[:2])
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
    assert found(store, words("zyxwvuts", prefix=True)) == []
    assert len(found(store, words("meet"))) == 120
    check(store)
    for file in path.parent.iterdir():
        assert not any(trace in file.read_bytes() for trace in traces)
    store.close()


def test_the_words_of_a_text_that_was_changed_leave_the_index(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "Connection", Plain)
    store = SqliteStore(path, KEY)
    talk = Talk.begin(ANA)
    record = talk.say(ANA, "neutral")
    with store.transaction() as txn:
        txn.append(talk.root, 1)
        entry = entry_of(record, txn.append(record, 1), ANA)
        txn.show(entry, "the zyxwvuts thing")
    with store.transaction() as txn:
        txn.show(entry, "the harmless thing")
    check(store)
    store.close()
    assert b"yxwvuts" not in path.read_bytes()
    assert b"harmless" in path.read_bytes()


def older_profile(path: Path, messages: int) -> Talk:
    """A database as version 1 of the schema left it."""
    talk = Talk.begin(ANA, BEN)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
        for number in range(messages):
            author = (ANA, BEN)[number % 2]
            record = talk.say(author, f"boat number {number}", parents=())
            txn.show(entry_of(record, txn.append(record, 1), author, hidden=number == 3))
        topic = talk.set_topic(ANA, "boats")
        txn.show(entry_of(topic, txn.append(topic, 1), ANA, notice=True))
    store._database.rows(AS_VERSION_1)
    store.close()
    return talk


def test_an_older_profile_opens_at_once_and_is_indexed_in_slices_the_newest_first(path: Path) -> None:
    talk = older_profile(path, 40)
    said = [record.id for record in talk.records[1:41]]
    store = SqliteStore(path, KEY)
    assert found(store, words("boat")) == []
    with store.transaction() as txn:
        assert txn.indexed_percent() == 0
        first = txn.index_older(text_of, 10)
    assert 0 < first < 100
    assert found(store, words("boat")) == said[:-11:-1]
    # What is said meanwhile is found at once, and what shows again is not indexed twice.
    late = talk.say(BEN, "boat late", parents=())
    with store.transaction() as txn:
        txn.show(entry_of(late, txn.append(late, 1), BEN), "boat late")
        old = txn.entry(said[5])
        assert old is not None
        txn.show(old, "boat shown again")
    assert found(store, words("boat")) == [late.id, *said[:-11:-1], said[5]]
    store.close()
    store = SqliteStore(path, KEY)
    percents = [first]
    while percents[-1] < 100:
        with store.transaction() as txn:
            percents.append(txn.index_older(text_of, 10))
    assert percents == sorted(percents)
    expected = [late.id, *(i for i in reversed(said) if i != said[3])]
    assert found(store, words("boat")) == expected
    assert found(store, words("number 7")) == [said[7]]
    assert found(store, words("again")) == [said[5]]
    check(store)
    # The hidden one was indexed too: it is found as soon as it shows.
    with store.transaction() as txn:
        hidden = txn.entry(said[3])
        assert hidden is not None
        txn.show(replace(hidden, hidden=False))
        assert txn.index_older(text_of, 10) == 100
    assert said[3] in found(store, words("boat"))
    store.close()


def test_an_older_profile_without_messages_has_nothing_to_index(path: Path) -> None:
    store = SqliteStore(path, KEY)
    store._database.rows(AS_VERSION_1)
    store.close()
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        assert txn.indexed_percent() == 100
    store.close()


def test_a_slice_has_at_least_one_entry(path: Path) -> None:
    older_profile(path, 2)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn, pytest.raises(ValueError):
        txn.index_older(text_of, 0)
    with store.transaction() as txn:
        assert txn.index_older(text_of, 1) < 100
    store.close()


def test_what_came_in_any_order_is_written_in_order_of_time(path: Path) -> None:
    store = SqliteStore(path, KEY)
    talk = Talk.begin(ANA)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
        for number in (5, 1, 4, 2, 3):
            record = talk.say(ANA, f"boat {number}", at_ms=START_MS + 1000 * number, parents=(), after=None)
            txn.show(entry_of(record, txn.append(record, 1), ANA), f"boat {number}")
    assert [p for (p,) in store._database.rows("select place from found_text order by rowid")] == [
        (START_MS + 1000 * n) * 512 for n in range(1, 6)
    ]
    check(store)
    store.close()


def test_marks_are_one_sign_and_differ_for_channels_people_and_numbers() -> None:
    numbers = [*range(1, 300), 500_000, 10**6, 10**9, 2**40]
    marks = [mark(number) for number in numbers for mark in (channel_mark, user_mark)]
    assert len(set(marks)) == len(marks)
    assert all(len(channel_mark(number)) == 1 for number in range(1, 300))
    assert all(ord(sign) >= 0x10000 for mark in marks for sign in mark)


def test_an_expression_holds_folded_words_and_signs_only() -> None:
    search = Search(phrases=(Phrase(text='Red "Boat'), Phrase(text="sa", prefix=True), Phrase(text='"*')))
    assert match_of(search, (), ()) == '(words : "red boat") AND (words : "sa" *)'
    assert match_of(Search(), (), ()) == ""
    channels = f'(marks : ("{channel_mark(1)}" OR "{channel_mark(2)}"))'
    assert match_of(Search(), (1, 2), (3,)) == f'{channels} AND (marks : ("{user_mark(3)}"))'
