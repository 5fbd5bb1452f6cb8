"""What is searched for: words, as people mean them, and the conditions of a search. The same in both stores and on the screen.

The rule: a word is folded here, on both sides of the comparison. Case, accents and compatibility forms do not count; letters
of scripts that are written without spaces, and emoji, are words of their own, so that parts of such texts are found too.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.limits import (
    MAX_ETS,
    MAX_INDEXED_WORDS,
    MAX_MARKED_PLACES,
    MAX_QUERY_CHANNELS,
    MAX_QUERY_CHARACTERS,
    MAX_QUERY_PHRASES,
    MAX_QUERY_USERS,
    MAX_QUERY_WORDS,
    MAX_WORD_CHARACTERS,
)
from multichat_tui.model.snapshots import MessageRow, Position
from multichat_tui.model.values import dataclass

Piece = tuple[str, int, int]
"""A folded word, and where it begins and ends in the text."""

_ASCII_WORD = re.compile("[a-z0-9]+")
_DROPPED = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
"""Accents, points and strokes that people leave out. Vowel signs of other scripts stay: without them words would be others."""
_ALONE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3040-\u30ff\u3105-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
"""Letters of scripts without spaces: Chinese, Japanese, Thai, Lao, Burmese, Khmer."""
MAX_SEGMENT_CHARACTERS = 16
"""A letter and what combines with it; what is beyond begins another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Words that follow each other, as they were typed; with `prefix` the last one may go on, if it has more than one letter."""

    text: str
    prefix: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(words_of(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All phrases, in one of the channels, by one of the users (none named: any), with since_ms <= ets < until_ms."""

    phrases: tuple[Phrase, ...] = ()
    channels: tuple[ChannelId, ...] = ()
    users: tuple[UserId, ...] = ()
    since_ms: int = 0
    until_ms: int = MAX_ETS

    @property
    def terms(self) -> tuple[tuple[tuple[str, ...], bool], ...]:
        """The phrases that hold words, folded."""
        found = ((phrase.words, phrase.prefix) for phrase in self.phrases)
        return tuple(dict.fromkeys((words, prefix and len(words[-1]) > 1) for words, prefix in found if words))


def check_search(search: Search) -> None:
    """`errors.UsageError` for more than an index should be asked at once."""
    too_long = any(len(phrase.text) > MAX_QUERY_CHARACTERS for phrase in search.phrases)
    if too_long or len(search.phrases) > MAX_QUERY_PHRASES or sum(len(words) for words, _ in search.terms) > MAX_QUERY_WORDS:
        raise UsageError(f"A search has at most {MAX_QUERY_PHRASES} words and phrases.", "Leave some out.")
    if len(search.users) > MAX_QUERY_USERS or len(search.channels) > MAX_QUERY_CHANNELS:
        raise UsageError("Those are too many people or channels for one search.", "Leave some out, or search everywhere.")
    if not (0 <= search.since_ms <= MAX_ETS and 0 <= search.until_ms <= MAX_ETS):
        raise UsageError("That time lies beyond all calendars.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """`places` are the ranges of `row.text` that were searched for, ascending and apart."""

    row: MessageRow
    places: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """Newest first. `more` is where the next page goes on, before that position; None: this is all."""

    rows: tuple[FoundRow, ...]
    more: Position | None = None
    indexed_percent: int = 100
    """Below this the older part of the history is not in the index yet, and is not found."""


def words_of(text: str) -> list[str]:
    """The folded words of a text, in order."""
    if text.isascii():
        words = _ASCII_WORD.findall(text.lower())
        if len(text) > MAX_WORD_CHARACTERS:
            words = [word[:MAX_WORD_CHARACTERS] for word in words]
        return words[:MAX_INDEXED_WORDS]
    return [word for word, _, _ in pieces_of(text)]


def pieces_of(text: str) -> list[Piece]:
    """The folded words of a text with their places in it, in order."""
    if text.isascii():
        found = [(match.group()[:MAX_WORD_CHARACTERS], *match.span()) for match in _ASCII_WORD.finditer(text.lower())]
        return found[:MAX_INDEXED_WORDS]
    cutter = _Cutter()
    index = 0
    while index < len(text) and len(cutter.pieces) < MAX_INDEXED_WORDS:
        end = index + 1
        while end < len(text) and end - index < MAX_SEGMENT_CHARACTERS and _combines(text[end]):
            end += 1
        cutter.take(fold(text[index:end]), index, end)
        index = end
    cutter.end_word()
    return cutter.pieces[:MAX_INDEXED_WORDS]


class _Cutter:
    """Puts folded letters together to words."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._word: list[str] = []
        self._begin = self._end = 0
        self._alone = False

    def take(self, folded: str, begin: int, end: int) -> None:
        for character in folded:
            kind = _kind(character)
            if kind == "M" and self._word:
                self._word.append(character)
            elif kind in ("L", "M"):
                if self._alone or not self._word:
                    self._begin_word(begin)
                self._word.append(character)
            elif kind == "A":
                self._begin_word(begin)
                self._word.append(character)
                self._alone = True
            else:
                self.end_word()
                continue
            self._end = end
        if not folded and self._word:
            self._end = end

    def _begin_word(self, begin: int) -> None:
        self.end_word()
        self._begin = begin

    def end_word(self) -> None:
        if self._word:
            self.pieces.append(("".join(self._word)[:MAX_WORD_CHARACTERS], self._begin, self._end))
            self._word.clear()
        self._alone = False


@lru_cache(maxsize=8192)
def fold(segment: str) -> str:
    """A letter with what combines with it, as it is compared."""
    if segment.isascii():
        return segment.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", segment).casefold())
    kept = "".join(c for c in _DROPPED.sub("", apart) if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", kept)


@lru_cache(maxsize=8192)
def _kind(character: str) -> str:
    """L: part of a word; M: a mark, part of the word before; A: a word of its own; empty: stands between words."""
    category = unicodedata.category(character)
    if category == "So" and not character.isascii():
        return "A"
    if category[0] == "M":
        return "M"
    if category[0] in "LN" or category == "Co":
        return "A" if _ALONE.match(character) else "L"
    return ""


def _combines(character: str) -> bool:
    if character.isascii():
        return False
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
        or "\u1160" <= character <= "\u11ff"
        or character in "\uff9e\uff9f"
    )


def runs_of(words: Sequence[str], phrase: tuple[str, ...], prefix: bool) -> list[int]:
    """Where the phrase begins among the words."""
    length = len(phrase)
    *head, last = phrase
    return [
        at
        for at in range(len(words) - length + 1)
        if list(words[at : at + length - 1]) == head
        and (words[at + length - 1].startswith(last) if prefix else words[at + length - 1] == last)
    ]


def holds_all(words: Sequence[str], search: Search) -> bool:
    """Whether a text with these words has all that is searched for."""
    return all(runs_of(words, phrase, prefix) for phrase, prefix in search.terms)


def marked_places(text: str, search: Search) -> tuple[tuple[int, int], ...]:
    """The ranges of a text that the phrases found, ascending and apart; the first MAX_MARKED_PLACES of them."""
    pieces = pieces_of(text)
    words = [word for word, _, _ in pieces]
    spans = sorted(
        (pieces[at][1], pieces[at + len(phrase) - 1][2])
        for phrase, prefix in search.terms
        for at in runs_of(words, phrase, prefix)
    )
    apart: list[tuple[int, int]] = []
    for begin, end in spans:
        if apart and begin <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        elif begin < end:
            apart.append((begin, end))
    return tuple(apart[:MAX_MARKED_PLACES])
