"""How far back a channel's history is fetched without being asked for, as a setting's text."""

import re

from multichat_tui.model.limits import MAX_HISTORY_DEPTH
from multichat_tui.model.values import dataclass

SETTING = "history.depth"
ALL = "all"
FORM = "all, a number of messages (2000), or of days (30d)"
_DEPTH = re.compile(r"([0-9]{1,9})(d?)")


@dataclass(frozen=True, slots=True)
class Depth:
    """So many of the newest messages of a channel, or days."""

    count: int
    days: bool


def parse_depth(text: str) -> Depth | None:
    """None for `all`. ValueError for what is none of FORM."""
    wanted = text.strip().lower()
    match = _DEPTH.fullmatch(wanted)
    if wanted == ALL:
        return None
    if match is None or not 0 < int(match[1]) <= MAX_HISTORY_DEPTH:
        raise ValueError(FORM)
    return Depth(int(match[1]), bool(match[2]))
