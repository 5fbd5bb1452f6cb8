"""The signs that the screens draw with, in two sets. Nothing else may put a sign outside ASCII on the screen."""

import sys
from collections.abc import Mapping

from multichat_tui.model.snapshots import Delivery
from multichat_tui.model.values import dataclass
from multichat_tui.ui.preferences import Signs

DELIVERY_CELLS = 2
"""Width of the delivery column. Every delivery sign fits, but for that of mailboxes, which takes two cells more from the text."""
MOST_TOLD = 9
"""Mailboxes in that sign are counted up to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One set. Every sign is one cell wide, but for the delivery signs of up to two, that of mailboxes of four with its numbers,
    and that of what expires, of up to three."""

    queued: str
    stored: str
    """Before the numbers of mailboxes: `▤1/2`."""
    some: str
    all: str
    read: str
    failed: str
    alone: str
    online: str
    offline: str
    waiting: str
    rule: str
    bar: str
    quote: str
    reply: str
    cursor: str
    down: str
    up: str
    dash: str
    dot: str
    within: str
    """Between a workspace and a channel in it."""
    more: str
    alarm: str
    expires: str
    """Behind what is to disappear."""
    holder: str
    """Carries a combining mark that has nothing to stand on."""

    def delivery(self, state: Delivery, stored: int = 0, copies: int = 0) -> str:
        """`stored`: at how many mailboxes it lies, of `copies`."""
        match state:
            case Delivery.OTHERS:
                return ""
            case Delivery.ALONE:
                return self.alone
            case Delivery.QUEUED:
                return self.queued
            case Delivery.STORED:
                return f"{self.stored}{min(MOST_TOLD, stored)}/{min(MOST_TOLD, copies)}"
            case Delivery.SOME:
                return self.some
            case Delivery.ALL:
                return self.all
            case Delivery.READ:
                return self.read
            case Delivery.FAILED:
                return self.failed


UNICODE = Glyphs(
    queued="⋯",
    stored="▤",
    some="✓",
    all="✓✓",
    read="◉",
    failed="✗",
    alone="·",
    online="●",
    offline="○",
    waiting="⋯",
    rule="─",
    bar="│",
    quote="┃",
    reply="↳",
    cursor="▌",
    down="▼",
    up="▲",
    dash="—",
    dot="·",
    within="▸",
    more="…",
    alarm="!",
    expires="◷",
    holder="◌",
)
ASCII = Glyphs(
    queued="..",
    stored="#",
    some="+",
    all="++",
    read="**",
    failed="!!",
    alone="-",
    online="*",
    offline="o",
    waiting="~",
    rule="-",
    bar="|",
    quote="|",
    reply=">",
    cursor=">",
    down="v",
    up="^",
    dash="-",
    dot="-",
    within=">",
    more="~",
    alarm="!",
    expires="(t)",
    holder="o",
)


def encoding_of(environment: Mapping[str, str]) -> str:
    """What the locale says of the terminal. Python itself writes UTF-8 in the C locale, and pretends that it was asked to."""
    language = environment.get("LC_ALL") or environment.get("LANG", "")
    kind = environment.get("LC_ALL") or environment.get("LC_CTYPE") or language
    if language in ("", "C", "POSIX") and kind in ("", "C", "POSIX", "C.UTF-8", "C.utf8"):
        return "ascii"
    name = kind.partition("@")[0].rpartition(".")[2]
    return name if "." in kind or name.upper().startswith("UTF") else sys.getfilesystemencoding()


def choose(signs: Signs, encoding: str) -> Glyphs:
    """`encoding`: of the terminal, as Python names it."""
    if signs is Signs.AUTO:
        return UNICODE if encoding.lower().replace("-", "").replace("_", "") == "utf8" else ASCII
    return ASCII if signs is Signs.ASCII else UNICODE
