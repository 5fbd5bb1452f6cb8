"""How well typed characters fit a text: the way quick switchers have it. Pure; nothing here knows what the texts are."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

MAX_QUERY_CHARACTERS = 100
"""More than anybody types; keeps a pasted page from being matched character by character."""

MEANT_CHARACTERS = 4
"""A word of so many is likely meant as it stands: where some texts hold it so, those that hold its letters apart do not fit."""

_START, _RUN, _WHOLE = 8, 5, 20


def fitness(query: str, text: str) -> int | None:
    """The greater the better; None: it does not fit. Every word of `query` must be in `text`, its characters in their order.

    Characters at the beginnings of words and runs of them count more, gaps a little less. Case never counts.
    """
    folded = text.casefold()
    total = 0
    for word in query[:MAX_QUERY_CHARACTERS].casefold().split():
        found = _word(word, folded)
        if found is None:
            return None
        total += found
    return total - len(folded) // 8


def _word(word: str, text: str) -> int | None:
    whole = text.find(word)
    if whole >= 0:
        while whole > 0 and text[whole - 1].isalnum():
            following = text.find(word, whole + 1)
            if following < 0:
                break
            whole = following
        starts = whole == 0 or not text[whole - 1].isalnum()
        return _WHOLE + _RUN * len(word) + (_START * 2 if starts else 0) + (_START if whole == 0 else 0)
    points, at, before = 0, -1, -2
    for character in word:
        at = text.find(character, at + 1)
        if at < 0:
            return None
        points += _RUN if at == before + 1 else _START if at == 0 or not text[at - 1].isalnum() else 0
        points -= min(3, at - before - 1) if before >= 0 else 0
        before = at
    return points


def best(query: str, items: Iterable[T], text_of: Callable[[T], str]) -> list[T]:
    """Those that fit, best first, equals in the order that they came in; all of them for an empty query. Where some hold the
    longer words of the query as they stand, others do not fit."""
    if not query.strip():
        return list(items)
    scored = [(fitness(query, text_of(item)), item) for item in items]
    fitting = [(points, item) for points, item in scored if points is not None]
    meant = [word for word in query.casefold().split() if len(word) >= MEANT_CHARACTERS]
    whole = [(points, item) for points, item in fitting if all(word in text_of(item).casefold() for word in meant)]
    fitting = whole or fitting
    fitting.sort(key=lambda each: -each[0])
    return [item for _, item in fitting]
