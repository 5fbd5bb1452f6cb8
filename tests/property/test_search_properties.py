"""Searching against brute force: random texts, shown, hidden, changed and forgotten, in both stores."""

import unicodedata
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from builders import START_MS, Talk, entry_of, make_record, person
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from multichat_tui.model.acts import Message
from multichat_tui.model.ids import Log, RecordId
from multichat_tui.model.ports import Transaction
from multichat_tui.model.records import Kind, encode_header
from multichat_tui.model.searching import Phrase, Search, marked_places, pieces_of, words_of
from multichat_tui.model.snapshots import Position
from multichat_tui.store.memory import MemoryStore
from multichat_tui.store.sqlite import SqliteStore

PEOPLE = tuple(person(name) for name in ("ana", "ben", "cleo"))
TALKS = [Talk.begin(*PEOPLE, name=name) for name in ("one", "two")]
LETTERS = "aáàbBéeE ,.-\"'*01中文字京ガだｶ한ß\u0301\u200d👍🏽я\u0438\u0306\ufeff\n\x00"
TEXTS = st.one_of(
    st.text(LETTERS, max_size=14),
    st.text(max_size=12),
    st.lists(st.sampled_from(["boat", "Böat", "boats", "北京", "sail", "SAIL", "a", "é"]), max_size=6).map(" ".join),
)


def oracle_words(text: str) -> list[str]:
    """Words of plain letters, by another way than the program's: for texts whose letters are all known here."""
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(c for c in flat if c not in "\u0301\u0300\u0306\u200d\ufeff")
    joined = unicodedata.normalize("NFC", kept)
    words = "".join(
        f" {c} " if unicodedata.category(c) == "So" or "\u3040" <= c <= "\u9fff" else c if c.isalnum() else " " for c in joined
    )
    return words.split()


def oracle_finds(words: list[str], phrases: list[tuple[list[str], bool]]) -> bool:
    line = " " + " ".join(words) + " "
    return all(f" {' '.join(phrase)}{'' if prefix else ' '}" in line for phrase, prefix in phrases if phrase)


def asked(phrases: list[tuple[str, bool]], **more: object) -> Search:
    return Search(phrases=tuple(Phrase(text=t, prefix=p) for t, p in phrases), **more)


@given(st.text("aáàbBéeE ,.-\"'*01中文字京ß\u0301\u200d👍я", max_size=30))
def test_words_are_what_another_way_of_folding_finds(text: str) -> None:
    # A mark after a space or at the start belongs to no letter, and is dropped both ways.
    assert words_of(text) == oracle_words(text)


@given(TEXTS)
def test_words_are_the_same_with_and_without_places_and_lie_in_the_text_in_order(text: str) -> None:
    pieces = pieces_of(text)
    assert [word for word, _, _ in pieces] == words_of(text)
    assert all(0 <= begin < end <= len(text) for _, begin, end in pieces)
    assert all(one[1] <= other[1] for one, other in pairwise(pieces))
    assert all(word and word == word.strip() and '"' not in word and "\x00" not in word for word, _, _ in pieces)


@given(TEXTS)
def test_folding_again_changes_nothing(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words


@given(TEXTS, st.lists(st.tuples(TEXTS, st.booleans()), max_size=3))
def test_what_is_marked_is_found_and_what_is_found_is_marked(text: str, phrases: list[tuple[str, bool]]) -> None:
    search = asked(phrases)
    places = marked_places(text, search)
    assert all(0 <= a < b <= len(text) for a, b in places)
    assert all(one[1] < other[0] for one, other in pairwise(places))
    single = [asked([phrase]) for phrase in phrases]
    if search.terms and oracle_like(text, search):
        assert places
        assert all(marked_places(text, each) or not each.terms for each in single)


def oracle_like(text: str, search: Search) -> bool:
    return oracle_finds(words_of(text), [(list(words), prefix) for words, prefix in search.terms])


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 1), st.integers(0, 2), st.integers(0, 6), TEXTS, st.booleans()),
        st.tuples(st.just("say"), st.integers(0, 1), st.integers(0, 2), st.integers(0, 6), TEXTS, st.booleans()),
        st.tuples(st.just("hide"), st.integers(0, 30), st.booleans()),
        st.tuples(st.just("change"), st.integers(0, 30), st.one_of(st.none(), TEXTS)),
        st.tuples(st.just("forget"), st.integers(0, 1)),
        st.tuples(st.just("commit")),
    ),
    min_size=1,
    max_size=25,
)
_SEARCHES = st.lists(
    st.tuples(
        st.lists(st.tuples(TEXTS, st.booleans()), max_size=2),
        st.sets(st.integers(0, 1)),
        st.sets(st.integers(0, 2)),
        st.integers(0, 6),
        st.integers(1, 8),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=4,
)


class Shown:
    """What the oracle knows of an entry. `order`: when it was first found by anything."""

    def __init__(self, record: RecordId, channel: int, author: int, at: int, text: str, hidden: bool, order: int) -> None:
        self.record, self.channel, self.author, self.at = record, channel, author, at
        self.text, self.hidden, self.order = text, hidden, order


class Played:
    """Plays steps into both stores and the oracle."""

    def __init__(self, txns: tuple[Transaction, ...]) -> None:
        self.txns = txns
        self.known: list[Shown] = []
        self.count = 0

    def play(self, step: tuple) -> None:
        match step:
            case ("say", channel, author, at, text, hidden):
                self._say(channel, author, at, text, hidden)
            case ("hide", which, hidden) if self.known:
                self._again(self.known[which % len(self.known)], None, hidden)
            case ("change", which, text) if self.known:
                shown = self.known[which % len(self.known)]
                self._again(shown, text, shown.hidden)
            case ("forget", channel):
                self.known = [shown for shown in self.known if shown.channel != channel]
                for txn in self.txns:
                    txn.forget_channel(TALKS[channel].channel)

    def _say(self, channel: int, author: int, at: int, text: str, hidden: bool) -> None:
        self.count += 1
        base = BASES[channel, author]
        header = replace(base.header, seq=self.count, prev=RecordId(b"p" * 32), ets=START_MS + at)
        record = replace(base, id=RecordId(self.count.to_bytes(32, "big")), header=header, header_bytes=encode_header(header))
        for txn in self.txns:
            txn.show(entry_of(record, txn.append(record, 1), PEOPLE[author], hidden=hidden), text)
        self.known.append(Shown(record.id, channel, author, at, text, hidden, self.count))

    def _again(self, shown: Shown, text: str | None, hidden: bool) -> None:
        for txn in self.txns:
            entry = txn.entry(shown.record)
            assert entry is not None
            txn.show(replace(entry, hidden=hidden), text)
        shown.hidden = hidden
        if text is not None:
            self.count += 1
            shown.order = self.count if not words_of(shown.text) else shown.order
            shown.text = text

    def expected(self, search: Search, channels: set[int], users: set[int], since: int, until: int) -> set[RecordId]:
        return {
            shown.record
            for shown in self.known
            if not shown.hidden
            and words_of(shown.text)
            and (not channels or shown.channel in channels)
            and (not users or shown.author in users)
            and since <= shown.at < until
            and oracle_like(shown.text, search)
        }


BASES = {
    (number, author): make_record(
        PEOPLE[author],
        kind=Kind.CONTENT,
        channel=talk.channel,
        log=Log.CONTENT,
        seq=0,
        prev=None,
        parents=(),
        control_heads=(talk.root.id,),
        timestamp_ms=START_MS,
        ets=START_MS,
        acts=(Message(text="base"),),
    )
    for number, talk in enumerate(TALKS)
    for author in range(3)
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(
    # A text that changes keeps its place, though another of the same millisecond takes one before it is written.
    blocks=[[("say", 0, 0, 0, "0", False)], [("change", 0, "00"), ("say", 0, 0, 0, "0", False)]],
    searches=[([], set(), set(), 0, 1, 2)],
)
@given(blocks=st.lists(_STEPS, min_size=1, max_size=3), searches=_SEARCHES)
def test_both_stores_find_what_brute_force_finds(blocks: list[list[tuple]], searches: list[tuple]) -> None:
    with TemporaryDirectory() as directory:
        twin, real = MemoryStore(), SqliteStore(Path(directory) / "messages.db", bytes(32))
        played = Played(())
        for block in blocks:
            with twin.transaction() as one, real.transaction() as other:
                played.txns = (one, other)
                for step in block:
                    played.play(step)
        with twin.transaction() as one, real.transaction() as other:
            for phrases, channels, users, since, until, limit in searches:
                search = asked(
                    phrases,
                    channels=tuple(TALKS[c].channel for c in channels),
                    users=tuple(PEOPLE[u].user for u in users),
                    since_ms=START_MS + since,
                    until_ms=START_MS + until,
                )
                expected = played.expected(search, channels, users, since, until)
                pages = [_pages(txn, search, limit) for txn in (one, other)]
                assert pages[0] == pages[1]
                assert set(pages[0]) == expected
                assert len(pages[0]) == len(expected)
                places = {shown.record: shown.at for shown in played.known}
                times = [places[record] for record in pages[0]]
                assert times == sorted(times, reverse=True)
        with real.transaction():
            real._database.run("insert into found (found, rank) values ('integrity-check', 1)")
        real.close()


def _pages(txn: Transaction, search: Search, limit: int) -> list[RecordId]:
    found: list[RecordId] = []
    before: Position | None = None
    while page := txn.search(search, before=before, limit=limit):
        found += [entry.id for entry, _ in page]
        before = Position(ets=page[-1][0].ets, id=page[-1][0].id)
    return found
