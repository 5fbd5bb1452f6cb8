"""Searches as people type them: words, "a phrase", from:NAME, in:CHANNEL, before:, after: and on: a date.

All words must be in a message; the last one may be the beginning of one while it is typed (`typing`), and so may each with a `*`
behind it. Dates are days, months or years of the local calendar, or spans back from now: on:2026-01-31, before:2026-02, after:7d.
Names are those of `lookup`; what means nobody names the nearest there is.
"""

import re
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.limits import (
    MAX_ETS,
    MAX_QUERY_CHANNELS,
    MAX_QUERY_CHARACTERS,
    MAX_QUERY_USERS,
)
from multichat_tui.model.searching import Phrase, Search, check_search
from multichat_tui.model.text import duration
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.lookup import find_author, find_channel

FILTERS = ("from", "in", "before", "after", "on")
HERE = "here"
"""in:here is the channel that is open."""
_PART = re.compile(
    r"""(?:(?P<filter>from|in|before|after|on):(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]*)))|(?:"(?P<phrase>[^"]*)(?P<closed>"?))|(?P<word>[^\s"]+)""",
    re.IGNORECASE,
)
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search before its names are looked up. Dates are in milliseconds, from and before."""

    phrases: tuple[Phrase, ...] = ()
    people: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    since_ms: int = 0
    until_ms: int = MAX_ETS

    @property
    def empty(self) -> bool:
        """Nothing is asked for."""
        return self == Query()


def parse_query(text: str, *, typing: bool = False, now_ms: int | None = None) -> Query:
    """What `text` asks for. With `typing` a filter without a value, or with half a date, is passed over. `errors.UsageError`."""
    if len(text) > MAX_QUERY_CHARACTERS:
        raise UsageError(f"A search has at most {MAX_QUERY_CHARACTERS} characters.", "Use fewer words.")
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    phrases: list[Phrase] = []
    named: dict[str, list[str]] = {"from": [], "in": []}
    since_ms, until_ms = 0, MAX_ETS
    matches = list(_PART.finditer(text))
    for match in matches:
        last = typing and match is matches[-1] and match.end() == len(text)
        if match["filter"] is None:
            phrases += _phrase(match, last)
            continue
        name = match["filter"].lower()
        value = (match["bare"] or match["quoted"] or "").strip()
        if not value:
            if typing:
                continue
            raise UsageError(f"{name}: needs a {_NEEDS[name]}, such as {name}:{_EXAMPLES[name]}.")
        if name in named:
            named[name].append(value)
            continue
        try:
            begin, end = day_range(value, now_ms)
        except UsageError:
            if last:
                continue
            raise
        since_ms = max(since_ms, end if name == "after" else begin if name == "on" else 0)
        until_ms = min(until_ms, begin if name == "before" else end if name == "on" else MAX_ETS)
    check_search(Search(phrases=tuple(phrases)))
    people, channels = (tuple(dict.fromkeys(named[name])) for name in ("from", "in"))
    if len(people) > MAX_QUERY_USERS or len(channels) > MAX_QUERY_CHANNELS:
        raise UsageError("Those are too many people or channels for one search.", "Leave some out, or search everywhere.")
    return Query(phrases=tuple(phrases), people=people, channels=channels, since_ms=since_ms, until_ms=until_ms)


_NEEDS = {"from": "name", "in": "channel", "before": "date", "after": "date", "on": "date"}
_EXAMPLES = {"from": "bob", "in": "#dev", "before": "2026-01-31", "after": "7d", "on": "yesterday"}


def _phrase(match: "re.Match[str]", last: bool) -> list[Phrase]:
    if match["word"] is not None:
        return [Phrase(text=match["word"], prefix=last or match["word"].endswith("*"))]
    open_end = last and not match["closed"]
    return [Phrase(text=match["phrase"], prefix=open_end or match["phrase"].endswith("*"))]


def day_range(text: str, now_ms: int) -> tuple[int, int]:
    """The milliseconds from, and before, of a day, month or year of the local calendar, `today`, `yesterday`; or twice the moment
    that lies a span such as 7d back. `errors.UsageError`."""
    word = text.strip().lower()
    span = duration(word)
    if span is not None:
        return max(0, now_ms - span), max(0, now_ms - span)
    if word in ("today", "yesterday"):
        day = datetime.fromtimestamp(now_ms / 1000).astimezone().date() - timedelta(days=word == "yesterday")
        return _ms(day), _ms(day + timedelta(days=1))
    match = _DATE.fullmatch(word)
    if match is not None:
        year, month, of_month = (int(part) if part else None for part in match.groups())
        assert year is not None
        try:
            begin = date(year, 1 if month is None else month, 1 if of_month is None else of_month)
            if of_month is not None:
                end = begin + timedelta(days=1)
            elif month is not None:
                end = date(year + month // 12, month % 12 + 1, 1)
            else:
                end = date(year + 1, 1, 1)
            return _ms(begin), _ms(end)
        except (ValueError, OverflowError, OSError):
            pass
    raise UsageError(f"{text.strip()[:20]!r} is no date.", "Write it like 2026-01-31, 2026-01, 2026, today, yesterday or 7d.")


def _ms(day: date) -> int:
    """When a day begins here."""
    return max(0, int(datetime(day.year, day.month, day.day).astimezone().timestamp() * 1000))


async def understand(
    api: NodeApi, text: str, *, typing: bool = False, channel: ChannelId | None = None, now_ms: int | None = None
) -> Search:
    """The search that `text` asks for; `channel` is the open one. `errors.UsageError`, `errors.NotFound`, `IntentRefused`."""
    query = parse_query(text, typing=typing, now_ms=now_ms)
    channels = await _channels(api, query.channels, channel)
    users: list[UserId] = [(await find_author(api, name, channels)).user for name in query.people]
    return Search(
        phrases=query.phrases,
        channels=tuple(dict.fromkeys(channels)),
        users=tuple(dict.fromkeys(users)),
        since_ms=query.since_ms,
        until_ms=query.until_ms,
    )


async def _channels(api: NodeApi, names: Sequence[str], here: ChannelId | None) -> tuple[ChannelId, ...]:
    found = []
    for name in names:
        if name.lower() == HERE:
            if here is None:
                raise UsageError("No channel is open for in:here.", "Name one: in:#dev.")
            found.append(here)
        else:
            found.append((await find_channel(api, name)).id)
    return tuple(found)


def quoted(name: str) -> str:
    """A name as it stands behind a filter."""
    return f'"{name}"' if re.search(r"\s", name) else name
