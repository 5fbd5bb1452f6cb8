"""Searching, as every store must do it: the real one and its twin run the same tests."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from builders import START_MS, Person, Talk, entry_of, person

from multichat_tui.model.acts import Message
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.limits import MAX_ETS, MAX_INDEXED_PER_MS
from multichat_tui.model.ports import Store, Transaction
from multichat_tui.model.records import Record
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.model.snapshots import Position
from multichat_tui.store.memory import MemoryStore
from multichat_tui.store.sqlite import SqliteStore

ANA, BEN, CLEO = person("ana"), person("ben"), person("cleo")
PEOPLE = {who.device: who for who in (ANA, BEN, CLEO)}
KEY = bytes(range(32))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "messages.db", KEY)
    yield store
    store.close()


class Told:
    """A conversation that is kept as it is told: `text_of` says what each record is found by."""

    def __init__(self, store: Store, *founders: Person, name: str = "harbour") -> None:
        self.store = store
        self.talk = Talk.begin(*founders, name=name)
        self.texts: dict[RecordId, str] = {}
        with store.transaction() as txn:
            txn.append(self.talk.root, 1)

    @property
    def channel(self) -> ChannelId:
        return self.talk.channel

    def say(self, author: Person, text: str, *, at_ms: int | None = None, hidden: bool = False, **other: object) -> Record:
        record = self.talk.add(author, Message(text=text), at_ms=at_ms, **other)
        with self.store.transaction() as txn:
            txn.show(entry_of(record, txn.append(record, 1), author, hidden=hidden), text)
        self.texts[record.id] = text
        return record

    def show(self, record: Record, text: str | None = None, **changes: object) -> None:
        with self.store.transaction() as txn:
            entry = txn.entry(record.id)
            assert entry is not None
            txn.show(replace(entry, **changes), text)


def asked(*phrases: str, prefix: bool = False, **more: object) -> Search:
    """The last phrase may go on with `prefix`."""
    made = tuple(Phrase(text=text, prefix=prefix and text is phrases[-1]) for text in phrases)
    return Search(phrases=made, **more)


def ids(
    txn: Transaction,
    search: Search,
    *,
    before: Position | None = None,
    limit: int = 50,
    without: tuple[ChannelId, ...] = (),
    not_by: tuple[UserId, ...] = (),
) -> list[RecordId]:
    rows = txn.search(search, before=before, limit=limit, without=without, not_by=not_by)
    assert all(entry.id == record.id and not entry.hidden for entry, record in rows)
    return [entry.id for entry, _ in rows]


def found(store: Store, search: Search, **more: object) -> list[RecordId]:
    with store.transaction() as txn:
        return ids(txn, search, **more)


def test_words_are_found_newest_first_in_any_case_and_without_accents(store: Store) -> None:
    told = Told(store, ANA, BEN)
    first = told.say(ANA, "The École opens at nine")
    told.say(BEN, "which school?")
    last = told.say(BEN, "ah, the ECOLE")
    assert found(store, asked("école")) == [last.id, first.id]
    assert found(store, asked("nine ecole")) == []
    assert found(store, asked("nine", "ecole")) == [first.id]
    assert found(store, asked("ecol")) == []
    assert found(store, asked("ecol", prefix=True)) == [last.id, first.id]
    assert found(store, asked("the", "ec", prefix=True)) == [last.id, first.id]
    assert found(store, asked("the ec", prefix=True)) == [last.id, first.id]


def test_a_phrase_is_found_only_as_it_stands(store: Store) -> None:
    told = Told(store, ANA)
    one = told.say(ANA, "red boat, blue sail")
    other = told.say(ANA, "blue boat, red sail")
    assert found(store, asked("red boat")) == [one.id]
    assert found(store, asked("boat red")) == [other.id]
    assert found(store, asked("boat", "red")) == [other.id, one.id]
    assert found(store, asked("boat bl", prefix=True)) == [one.id]
    assert found(store, asked("boat-blue")) == [one.id]


def test_a_single_letter_stands_for_itself_until_another_is_typed(store: Store) -> None:
    told = Told(store, ANA)
    word, letter = told.say(ANA, "apple"), told.say(ANA, "plan a")
    assert found(store, asked("a", prefix=True)) == [letter.id]
    assert found(store, asked("ap", prefix=True)) == [word.id]


def test_parts_of_texts_without_spaces_are_found(store: Store) -> None:
    told = Told(store, ANA)
    chinese, japanese, thai = told.say(ANA, "明天去北京大学吗"), told.say(ANA, "ガンダムを見た"), told.say(ANA, "สวัสดีครับ")
    emoji = told.say(ANA, "done👍🏽")
    assert found(store, asked("北京")) == [chinese.id]
    assert found(store, asked("京北")) == []
    assert found(store, asked("大学", "明天")) == [chinese.id]
    assert found(store, asked("ダム")) == [japanese.id]
    assert found(store, asked("ﾀﾞﾑ")) == [japanese.id]
    assert found(store, asked("ดีครับ")) == [thai.id]
    assert found(store, asked("👍")) == [emoji.id]


def test_channels_people_and_times_narrow_a_search(store: Store) -> None:
    one, other = Told(store, ANA, BEN), Told(store, BEN, CLEO, name="other")
    a = one.say(ANA, "boat", at_ms=START_MS + 1000)
    b = one.say(BEN, "boat", at_ms=START_MS + 2000)
    c = other.say(BEN, "boat", at_ms=START_MS + 3000)
    d = other.say(CLEO, "boats", at_ms=START_MS + 4000)
    assert found(store, asked("boat")) == [c.id, b.id, a.id]
    assert found(store, asked("boat", channels=(one.channel,))) == [b.id, a.id]
    assert found(store, asked("boat", prefix=True, channels=(other.channel,))) == [d.id, c.id]
    assert found(store, asked("boat", channels=(one.channel, other.channel), users=(BEN.user,))) == [c.id, b.id]
    assert found(store, asked("boat", users=(ANA.user, CLEO.user))) == [a.id]
    assert found(store, asked(users=(CLEO.user,))) == [d.id]
    assert found(store, asked(channels=(one.channel,))) == [b.id, a.id]
    assert found(store, asked("boat", since_ms=START_MS + 2000)) == [c.id, b.id]
    assert found(store, asked("boat", until_ms=START_MS + 2000)) == [a.id]
    assert found(store, asked(since_ms=START_MS + 2000, until_ms=START_MS + 4000)) == [c.id, b.id]
    assert found(store, asked()) == [d.id, c.id, b.id, a.id]
    assert found(store, asked("boat"), without=(other.channel,)) == [b.id, a.id]
    assert found(store, asked(), without=(one.channel, ChannelId(b"c" * 32))) == [d.id, c.id]
    assert found(store, asked("boat"), not_by=(BEN.user,)) == [a.id]
    assert found(store, asked(), not_by=(CLEO.user, UserId(b"u" * 32)), without=(one.channel,)) == [c.id]
    assert found(store, asked("boat", channels=(ChannelId(b"c" * 32),))) == []
    assert found(store, asked("boat", users=(UserId(b"u" * 32),))) == []
    assert found(store, asked("boat", users=(UserId(b"u" * 32), ANA.user))) == [a.id]


def test_what_arrives_late_is_found_at_its_time(store: Store) -> None:
    told = Told(store, ANA, BEN)
    late = told.talk.add(BEN, Message(text="boat one"), at_ms=START_MS + 1000, parents=())
    told.say(ANA, "boat two", at_ms=START_MS + 5000, parents=())
    three = told.say(ANA, "boat three", at_ms=START_MS + 9000, parents=())
    with store.transaction() as txn:
        txn.show(entry_of(late, txn.append(late, 1), BEN), "boat one")
    assert found(store, asked("boat"))[-1] == late.id
    assert found(store, asked("boat"), limit=1) == [three.id]


def test_pages_go_on_where_the_one_before_ended(store: Store) -> None:
    told = Told(store, ANA)
    said = [told.say(ANA, f"boat {n}", at_ms=START_MS + n // 3, parents=(), after=None) for n in range(20)]
    whole = found(store, asked("boat"))
    assert set(whole) == {record.id for record in said}
    by_id = {record.id: record for record in said}
    pages: list[RecordId] = []
    before: Position | None = None
    while page := found(store, asked("boat"), before=before, limit=3):
        pages += page
        before = Position(ets=by_id[page[-1]].header.ets, id=page[-1])
    assert pages == whole
    gone = Position(ets=said[9].header.ets, id=RecordId(b"g" * 32))
    assert found(store, asked("boat"), before=gone) == [i for i in whole if by_id[i].header.ets < gone.ets]
    assert found(store, asked("boat"), limit=0) == []
    with store.transaction() as txn, pytest.raises(ValueError):
        txn.search(asked("boat"), before=None, limit=-1)


def test_what_is_hidden_is_not_found_until_it_shows(store: Store) -> None:
    told = Told(store, ANA, BEN)
    record = told.say(BEN, "beyond the fence", hidden=True)
    assert found(store, asked("fence")) == []
    told.show(record, hidden=False)
    assert found(store, asked("fence")) == [record.id]
    told.show(record, hidden=True, mention=True)
    assert found(store, asked("fence")) == []
    assert found(store, asked()) == []


def test_a_changed_text_is_found_by_its_new_words_only(store: Store) -> None:
    told = Told(store, ANA)
    other, record = told.say(ANA, "a swan"), told.say(ANA, "a gull")
    told.show(record, "a swan too")
    assert found(store, asked("gull")) == []
    assert found(store, asked("swan")) == [record.id, other.id]
    told.show(record, "")
    assert found(store, asked("swan")) == [other.id]
    assert found(store, asked()) == [other.id]
    told.show(record, "a gull again")
    assert found(store, asked("gull")) == [record.id]
    told.show(record, user=BEN.user)
    assert found(store, asked("gull", users=(BEN.user,))) == [record.id]
    assert found(store, asked("gull", users=(ANA.user,))) == []


def test_what_was_shown_without_a_text_is_not_found(store: Store) -> None:
    talk = Talk.begin(ANA)
    record = talk.say(ANA, "boat")
    with store.transaction() as txn:
        txn.append(talk.root, 1)
        txn.show(entry_of(record, txn.append(record, 1), ANA))
        assert ids(txn, asked("boat")) == []
        assert ids(txn, asked()) == []
        assert txn.indexed_percent() == 100
        assert txn.index_older(lambda record: "boat", 9) == 100
        assert ids(txn, asked("boat")) == []


def test_a_search_sees_what_its_transaction_has_written_and_nothing_of_one_that_failed(store: Store) -> None:
    told = Told(store, ANA)
    kept = told.say(ANA, "boat one")
    record = told.talk.say(ANA, "boat two")
    with suppress(KeyError), store.transaction() as txn:
        txn.show(entry_of(record, txn.append(record, 1), ANA), "boat two")
        assert ids(txn, asked("boat")) == [record.id, kept.id]
        txn.forget_channel(told.channel)
        assert ids(txn, asked("boat")) == []
        raise KeyError
    assert found(store, asked("boat")) == [kept.id]
    with store.transaction() as txn:
        entry = entry_of(record, txn.append(record, 1), ANA)
        txn.show(entry, "boat two")
        txn.show(entry, "ship two")
        txn.show(entry)
    assert found(store, asked("boat")) == [kept.id]
    assert found(store, asked("ship")) == [record.id]


def test_a_forgotten_channel_is_not_found_and_the_others_are(store: Store) -> None:
    one, other = Told(store, ANA, BEN), Told(store, BEN, name="other")
    for number in range(5):
        one.say(ANA, f"boat {number}")
    stays = other.say(BEN, "boat")
    with store.transaction() as txn:
        txn.forget_channel(one.channel)
        assert ids(txn, asked("boat")) == [stays.id]
    assert found(store, asked("boat")) == [stays.id]
    assert found(store, asked(users=(ANA.user,))) == []
    again = Told(store, CLEO, name="again")
    fresh = again.say(CLEO, "boat", at_ms=START_MS + 1000)
    assert found(store, asked("boat", channels=(again.channel,))) == [fresh.id]


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "'",
        "boat\x00boat",
        'boat" OR "swan',
        "boat OR swan",
        "boat NOT swan",
        "NEAR(boat swan)",
        "words:boat",
        "marks : x",
        "^boat",
        "{words} : boat",
        "-boat",
        "(boat",
        "boat*",
        "*",
        "boat' --",
        "\ud800boat",
        "boat\u202e",
        "AND AND AND",
        "x" * 10_000,
        "боат " * 2000,
        "\U0010ffff \ufdfa \U00010000",
    ],
)
def test_no_text_is_an_operator_or_an_error(store: Store, text: str) -> None:
    told = Told(store, ANA)
    record = told.say(ANA, "boat and swan")
    for prefix in (False, True):
        with store.transaction() as txn:
            answer = ids(txn, asked(text, prefix=prefix))
            assert answer in ([], [record.id])
            assert ids(txn, asked("swan")) == [record.id]
    assert found(store, asked("boat AND swan")) == [record.id]
    assert found(store, asked("boat OR swan")) == []


def test_thousands_of_terms_are_an_answer_too(store: Store) -> None:
    told = Told(store, ANA)
    record = told.say(ANA, " ".join(f"w{n}" for n in range(60)))
    assert found(store, asked(*(f"w{n}" for n in range(60)))) == [record.id]
    assert found(store, asked(*(f"w{n}" for n in range(200)))) == []


def test_a_flood_within_one_millisecond_is_found_up_to_its_bound(store: Store) -> None:
    told = Told(store, ANA)
    base = told.say(ANA, "flood", at_ms=START_MS + 5000)
    with store.transaction() as txn:
        for number in range(MAX_INDEXED_PER_MS + 5):
            header = replace(base.header, seq=number + 1)
            record = replace(base, id=RecordId(number.to_bytes(32, "big")), header=header)
            txn.show(entry_of(record, txn.append(record, 1), ANA), "flood")
    with store.transaction() as txn:
        assert len(txn.search(asked("flood"), before=None, limit=2000)) == MAX_INDEXED_PER_MS
    later = told.say(ANA, "flood", at_ms=START_MS + 5001, parents=())
    assert found(store, asked("flood"), limit=1) == [later.id]


def test_the_far_ends_of_time_are_found(store: Store) -> None:
    told = Told(store, ANA)
    record = told.say(ANA, "boat")
    with store.transaction() as txn:
        for number, ets in enumerate((0, MAX_ETS - 1)):
            header = replace(record.header, seq=number + 1, ets=ets)
            far = replace(record, id=RecordId(bytes([number]) * 32), header=header)
            txn.show(entry_of(far, txn.append(far, 1), ANA), "boat")
    assert found(store, asked("boat")) == [RecordId(b"\x01" * 32), record.id, RecordId(bytes(32))]
    assert found(store, asked("boat", since_ms=1, until_ms=MAX_ETS - 1)) == [record.id]


def test_notices_are_not_found(store: Store) -> None:
    told = Told(store, ANA)
    topic = told.talk.set_topic(ANA, "boats")
    with store.transaction() as txn:
        txn.show(entry_of(topic, txn.append(topic, 1), ANA, notice=True), "")
    assert topic.header.log == Log.CONTROL
    assert found(store, asked("boats")) == []
