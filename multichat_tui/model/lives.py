"""How long what is sent is to live: the user's wish for one channel, kept as a setting of the profile."""

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.limits import MAX_LIFE_MS, MIN_LIFE_MS

PREFIX = "expire."


def life_setting(channel: ChannelId) -> str:
    """The name of the setting of a channel: the beginning of its id makes it fit."""
    return f"{PREFIX}{channel[:16].hex()}"


def life_of(stored: bytes | str | None) -> int:
    """Milliseconds; 0 where nothing was wished, or nothing that can be."""
    text = stored.decode(errors="replace") if isinstance(stored, bytes) else stored or ""
    span = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    return span if MIN_LIFE_MS <= span <= MAX_LIFE_MS else 0
