"""Options of slash commands: words like `uses=3` and `expires=7d`."""

from multichat_tui.model.errors import UsageError
from multichat_tui.model.limits import MAX_USES
from multichat_tui.model.text import describe_ms, duration

MIN_EXPIRY_MS = 60 * 1000
"""A link that is gone before it can be pasted helps nobody."""
MAX_EXPIRY_MS = 366 * 24 * 60 * 60 * 1000


def split_options(words: str, *known: str) -> tuple[str, dict[str, str]]:
    """(the words that are no options, the options by name). Only words with a `known` name before the `=` are options."""
    rest, options = [], {}
    for word in words.split():
        name, sign, value = word.partition("=")
        if sign and name.lower() in known:
            options[name.lower()] = value
        else:
            rest.append(word)
    return " ".join(rest), options


def expiry_ms(text: str) -> int:
    """Milliseconds of a span like 90s, 15m, 1h, 7d, 2w. `errors.UsageError`."""
    span = duration(text.strip())
    if span is None:
        raise UsageError(f"{text[:20]!r} is no span of time.", "Write it like 15m, 1h, 7d or 2w.")
    if not MIN_EXPIRY_MS <= span <= MAX_EXPIRY_MS:
        raise UsageError("A link can be valid from one minute to one year.")
    return span


def span_words(ms: int) -> str:
    """A length of time as people say it: "1 hour", "1 week", "1 day 12 hours"."""
    words = []
    for part in describe_ms(ms).split():
        count = part.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = _UNITS.get(part[len(count) :], part[len(count) :])
        words.append(f"{count} {unit}{'' if count == '1' else 's'}")
    return " ".join(words)


_UNITS = {"w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}


def use_count(text: str) -> int:
    """How many may use a link. `errors.UsageError`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MAX_USES):
        raise UsageError(f"{text[:20]!r} cannot be the number of uses.", f"It is a number from 1 to {MAX_USES}.")
    return int(text)


def link_kind(text: str) -> str:
    """`pair`, `join` (also for a link that lets one read only), or empty for what is no link of ours."""
    compact = "".join(text.split()).lower()
    kinds = {"pair": "pair", "join": "join", "read": "join"}
    return next((kind for word, kind in kinds.items() if compact.startswith(f"multichat:{word}/")), "")
