"""The index of words within the database: what goes in, what goes out, and what a search asks of it.

The rule: an index entry is only taken out with exactly the words that it was put in with, so these are kept beside it. What a
search asks is put together from folded words and numbers, never from what somebody typed: no text can be an operator.
"""

from multichat_tui.model.limits import MAX_INDEXED_PER_MS
from multichat_tui.model.searching import Search
from multichat_tui.model.values import dataclass
from multichat_tui.store.database import Database

_FIRST_SIGN = 0x10000
_SIGNS = 0x110000 - _FIRST_SIGN
"""A mark is written with the code points beyond the first plane: one for every number in use, and so none in a prefix index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedText:
    """One row of the table found_text."""

    place: int
    arrival: int
    marks: str
    words: str


def place_range(first_ets: int, end_ets: int) -> tuple[int, int]:
    """The places of first_ets <= ets < end_ets, from the first to before the last."""
    return first_ets * MAX_INDEXED_PER_MS, end_ets * MAX_INDEXED_PER_MS


def channel_mark(number: int) -> str:
    return _mark(2 * number)


def user_mark(number: int) -> str:
    return _mark(2 * number + 1)


def _mark(value: int) -> str:
    signs: list[str] = []
    while value or not signs:
        value, sign = divmod(value, _SIGNS)
        signs.append(chr(_FIRST_SIGN + sign))
    return "".join(signs)


def match_of(search: Search, channels: tuple[int, ...], users: tuple[int, ...]) -> str:
    """The full-text expression; empty where nothing but time is asked for. Channels and users by their numbers."""
    parts = []
    if channels:
        parts.append(_any_mark([channel_mark(number) for number in channels]))
    if users:
        parts.append(_any_mark([user_mark(number) for number in users]))
    for words, prefix in search.terms:
        parts.append(f'words : "{" ".join(words)}"{" *" if prefix else ""}')
    return " AND ".join(f"({part})" for part in parts)


def _any_mark(marks: list[str]) -> str:
    return "marks : (" + " OR ".join(f'"{mark}"' for mark in marks) + ")"


class SearchIndex:
    """The tables found_text and found, within one transaction. What is added is written in order of places, as the index wants
    it: `write` before anything is read, and before the commit."""

    __slots__ = ("_added", "_database", "_dropped", "_greatest", "_last_places")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._added: dict[int, IndexedText] = {}
        self._last_places: dict[int, int] = {}
        """The last place given away in a millisecond."""
        self._dropped: list[int] = []
        """Places that are out of the table since the transaction began: a text that has changed comes back to its own."""
        self._greatest: int | None = None
        """Beyond it nobody had a place when the transaction began."""

    def take_place(self, ets: int) -> int | None:
        """A place that nobody has; None where the millisecond is full."""
        first, end = place_range(ets, ets + 1)
        last = self._last_places.get(ets)
        if last is None:
            if self._greatest is None:
                self._greatest = self._max_place("select max(place) from found_text", ())
            last = first - 1
            if first <= self._greatest:
                sql = "select max(place) from found_text where place >= ? and place < ?"
                last = max(last, self._max_place(sql, (first, end)))
            last = max([last, *(place for place in self._dropped if first <= place < end)])
        if last + 1 >= end:
            return None
        self._last_places[ets] = last + 1
        return last + 1

    def _max_place(self, sql: str, within: tuple[int, ...]) -> int:
        row = self._database.row(sql, within)
        return -1 if row is None or row[0] is None else int(row[0])

    def add(self, text: IndexedText) -> None:
        self._added[text.place] = text

    def find(self, place: int) -> IndexedText | None:
        if place in self._added:
            return self._added[place]
        row = self._database.row("select arrival, marks, words from found_text where place = ?", (place,))
        return None if row is None else IndexedText(place=place, arrival=row[0], marks=row[1], words=row[2])

    def drop(self, text: IndexedText) -> None:
        """The index entry first, while its words are known."""
        if self._added.pop(text.place, None) is None:
            self._database.run(
                "insert into found (found, rowid, marks, words) values ('delete', ?, ?, ?)", (text.place, text.marks, text.words)
            )
            self._database.run("delete from found_text where place = ?", (text.place,))
            self._dropped.append(text.place)

    def write(self) -> None:
        for place in sorted(self._added):
            text = self._added[place]
            self._database.run("insert into found_text values (?, ?, ?, ?)", (place, text.arrival, text.marks, text.words))
            self._database.run("insert into found (rowid, marks, words) values (?, ?, ?)", (place, text.marks, text.words))
        self._added.clear()

    # Older entries

    def backlog(self) -> tuple[int, int] | None:
        """(first, next) arrival of what is still to be indexed; None: nothing."""
        row = self._database.row("select first, next from search_backlog")
        return None if row is None else (int(row[0]), int(row[1]))

    def advance(self, to: int) -> None:
        """What arrived after `to` is indexed."""
        if to > 0:
            self._database.run("update search_backlog set next = ?", (to,))
        else:
            self._database.run("delete from search_backlog")


def percent_of(backlog: tuple[int, int] | None) -> int:
    """How much is indexed; 100 only when all is."""
    if backlog is None:
        return 100
    first, following = backlog
    return min(99, 100 * (first - following) // max(1, first))
