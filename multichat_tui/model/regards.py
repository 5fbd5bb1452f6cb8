"""How one regards other people: whom one ignores or blocks. One's own business: nobody is told."""

from enum import StrEnum

from multichat_tui.model.ids import UserId
from multichat_tui.model.values import dataclass


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


REQUESTS_SETTING = "requests"


class WhoComesIn(StrEnum):
    """The setting `requests`: whose conversations come in without being asked about. Contacts' always do."""

    VOUCHED = "vouched"
    """Those for whom a contact vouches, too. All others ask."""
    CONTACTS = "contacts"
    """All others ask."""
    NOBODY = "nobody"
    """Others cannot even ask."""


class RequestKind(StrEnum):
    DIRECT = "direct"
    """They have begun a conversation."""
    INTRODUCTION = "introduction"
    """A contact would bring the two of us together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """Somebody who is no contact and asks. Names are made safe; `texts` are as they were sent, cut, and hostile."""

    user: UserId
    name: str
    kind: RequestKind
    since_ms: int
    through: str
    """The channel by which they know us (empty: one that is not shared any more), or who introduces them."""
    texts: tuple[str, ...] = ()
    """The first messages, or what the introducer notes."""
    count: int = 0
    """How many messages are held."""
    vouched_by: tuple[str, ...] = ()
    """Contacts who vouch for them."""
