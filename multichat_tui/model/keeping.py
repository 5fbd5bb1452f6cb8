"""How long this profile keeps texts for itself: a setting, in days, and one for each channel, in days or a number of messages. It
tells nobody, and others keep theirs."""

import re

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.values import dataclass

SETTING = "history.keep"
OF_CHANNEL = "keep."
"""What the names of the settings of single channels begin with."""
ALL = "all"
MAX_KEPT_DAYS = 36_525
"""A hundred years."""
MAX_KEPT_MESSAGES = 1_000_000
_DAYS = re.compile(r"[1-9]\d{0,4}d", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,6}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """For so many days after they came, or so many of the newest messages; neither: for good."""

    days: int = 0
    count: int = 0


def parse_keeping(text: str) -> int:
    """Days; 0: for good. ValueError with the form that is needed."""
    word = text.strip().lower()
    if word == ALL:
        return 0
    if _DAYS.fullmatch(word) is None or int(word[:-1]) > MAX_KEPT_DAYS:
        raise ValueError("all, or a number of days such as 90d")
    return int(word[:-1])


def parse_channel_keeping(text: str) -> Keep:
    """ValueError with the form that is needed."""
    word = text.strip().lower()
    if _COUNT.fullmatch(word) is not None and int(word) <= MAX_KEPT_MESSAGES:
        return Keep(count=int(word))
    try:
        return Keep(days=parse_keeping(word))
    except ValueError:
        raise ValueError(f"all, a number of days such as 30d, or of messages (up to {MAX_KEPT_MESSAGES}) such as 1000") from None


def keep_setting(channel: ChannelId) -> str:
    """The name of the setting of a channel: the beginning of its id makes it fit."""
    return f"{OF_CHANNEL}{channel[:16].hex()}"


def keep_of(stored: bytes | str | None) -> Keep | None:
    """None: nothing was wished for this channel, or nothing that can be."""
    text = stored.decode(errors="replace") if isinstance(stored, bytes) else stored or ""
    try:
        return parse_channel_keeping(text)
    except ValueError:
        return None
