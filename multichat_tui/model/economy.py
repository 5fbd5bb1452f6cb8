"""How sparing a node is with data and with power: the settings that say so, as front ends keep them."""

import re
from enum import StrEnum

from multichat_tui.model.values import dataclass

MODE_SETTING = "net.mode"
EVERY_SETTING = "net.every"
PATHS_SETTING = "net.paths"


class Mode(StrEnum):
    USUAL = "usual"
    METERED = "metered"
    """Data that goes beyond the local network costs: nothing goes there that nobody waits for."""
    LOW_POWER = "low-power"
    """Links are up from time to time only, and when the user writes."""


class Paths(StrEnum):
    """Whom this node calls."""

    ALL = "all"
    NEAR = "near"
    """Addresses of this host and of private networks."""


DEFAULT_EVERY = "15m"
EVERY_FORM = "1m to 24h, as 5m, 90m, 2h"
_EVERY = re.compile(r"([0-9]{1,4})([mh])")
_UNIT_MS = {"m": 60_000, "h": 3_600_000}


def parse_every(text: str) -> int:
    """Milliseconds between two times at which a node of low power looks around. ValueError for what is not of EVERY_FORM."""
    match = _EVERY.fullmatch(text.strip().lower())
    span_ms = 0 if match is None else int(match[1]) * _UNIT_MS[match[2]]
    if not 60_000 <= span_ms <= 24 * 3_600_000:
        raise ValueError(EVERY_FORM)
    return span_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficRow:
    """What went over links of one path since the node was started: frames, in bytes, without what TLS and TCP put around them."""

    path: str
    received: int
    sent: int
