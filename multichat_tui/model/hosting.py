"""What an operator sees of the mailbox that their node keeps for others."""

from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    word: str
    """As it is said to who asked: `full-owner`, `too-long` and the like."""
    count: int
    last_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """A place that was given away, by the name that the operator gave it. What lies there nobody here can read."""

    name: str
    made_ms: int
    quota_bytes: int
    used_bytes: int
    queues: int
    most_queues: int
    envelopes: int
    oldest_ms: int | None
    """When the oldest envelope came that still lies there."""
    revoked: bool
    refused: tuple[RefusedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """`on`: this node keeps a mailbox. The other fields say what it is, or would be."""

    on: bool
    mailbox: MailboxId | None
    """None: this node never was one."""
    addresses: tuple[str, ...]
    """Where those who use it are told to look."""
    shown_on_lan: bool
    total_bytes: int
    used_bytes: int
    free_bytes: int | None
    """On the disk, where that is known."""
    resting: bool
    """The disk has refused something a moment ago: nothing is put here for now."""
    links: int
    places: tuple[PlaceRow, ...]
    refused: tuple[RefusedRow, ...]
    """To those who had shown no key of a place."""
