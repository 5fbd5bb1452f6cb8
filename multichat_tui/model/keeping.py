"""How long this profile keeps texts for itself: a setting, in days. It tells nobody, and others keep theirs."""

import re

SETTING = "history.keep"
ALL = "all"
MAX_KEPT_DAYS = 36_525
"""A hundred years."""
_DAYS = re.compile(r"[1-9]\d{0,4}d", re.ASCII)


def parse_keeping(text: str) -> int:
    """Days; 0: for good. ValueError with the form that is needed."""
    word = text.strip().lower()
    if word == ALL:
        return 0
    if _DAYS.fullmatch(word) is None or int(word[:-1]) > MAX_KEPT_DAYS:
        raise ValueError("all, or a number of days such as 90d")
    return int(word[:-1])
