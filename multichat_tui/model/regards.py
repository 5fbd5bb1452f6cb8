"""How one regards other people: whom one ignores or blocks. One's own business: nobody is told."""

from dataclasses import dataclass
from enum import StrEnum

from multichat_tui.model.ids import UserId


class Regard(StrEnum):
    NONE = "none"
    """As everybody else."""
    IGNORED = "ignored"
    """What they write is folded into one line, calls nobody and does not count as unread."""
    BLOCKED = "blocked"
    """Ignored; and no messages between the two, no pairing, no link that this node asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegardRow:
    """Somebody whom one ignores or has blocked. `name` is made safe."""

    user: UserId
    name: str
    regard: Regard
    since_ms: int
