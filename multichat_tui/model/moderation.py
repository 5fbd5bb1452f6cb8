"""What front ends read about moderation: what was done to people's rights and to a channel, reports, and who has come.

Frozen rows like those of `snapshots`. Names are safe to draw; reasons and quoted texts are others', hostile until made visible.
"""

from enum import StrEnum

from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.values import dataclass


class DeedKind(StrEnum):
    """What a control act did."""

    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"
    BANNED = "banned"
    UNBANNED = "unbanned"
    DENIED = "denied"
    """Somebody who asked was not let in."""
    REDACTED = "redacted"
    """Messages of others were taken away, alone or in one record with something else."""
    RANK = "rank"
    """Promoted, demoted, silenced, or let write again."""
    PERMISSION = "permission"
    SETTING = "setting"
    TOPIC = "topic"
    RENAMED = "renamed"
    INVITED = "invited"
    """A link was made."""
    CLOSED = "closed"
    """A link was closed."""


class DeedState(StrEnum):
    """What a deed is worth now."""

    IN_EFFECT = "in-effect"
    LIFTED = "lifted"
    """It had effect until somebody took it back or did something else; `DeedRow.by` says who and what."""
    REVERTED = "reverted"
    """It has no effect: somebody of higher rank decided otherwise beside it, which its author had not seen."""
    REFUSED = "refused"
    """It never had: its author had no right to it."""
    PROVISIONAL = "provisional"
    """A place of a link that is full and not closed yet: it can still turn out that somebody else had it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedSearch:
    """What is wanted of the log: all of it by default. `user`: who did it, or whom it was done to."""

    user: UserId | None = None
    kinds: tuple[DeedKind, ...] = ()
    since_ms: int = 0
    until_ms: int = 2**53


EVERYTHING = DeedSearch()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedRow:
    """One act of a control record, or a redaction that stands by itself. Of a composite every act has a row, all of one `id`."""

    id: RecordId
    act: int
    """Its place in the record."""
    time_ms: int
    """By its author's clock."""
    author: UserId
    name: str
    """The author's."""
    kind: DeedKind
    said: str
    """Who did what, in words of this node, without the reason."""
    reason: str
    state: DeedState
    mine: bool = False
    subject: UserId | None = None
    subject_name: str = ""
    by: str = ""
    """What has lifted or reverted it, in words of this node; may be empty."""
    until_ms: int = 0
    """When it ends by itself; 0: never."""
    undo: str = ""
    """What undoing its record would do, in words of this node, as `lift the ban of bob`; empty: it cannot be undone."""
    stays: str = ""
    """Why it cannot, or what of it stays, and what there is to do instead; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedPage:
    """The newest first. `more`: from where the next page goes on, None at the end."""

    rows: tuple[DeedRow, ...]
    more: RecordId | None = None


class ReportState(StrEnum):
    OPEN = "open"
    DISMISSED = "dismissed"
    ACTED = "acted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedMessage:
    id: RecordId
    text: str
    """As its author sent it; empty where it is not here (any more)."""
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """`user`: whom it is about, said or as the author of the messages; None where nobody here knows them."""

    id: RecordId
    time_ms: int
    reporter: UserId
    reporter_name: str
    reason: str
    user: UserId | None
    name: str
    messages: tuple[ReportedMessage, ...]
    state: ReportState
    mine: bool = False
    settled_by: str = ""
    settled_ms: int = 0
    settled_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """A member, and how they came. `messages`: how many records of content they have written here, as far as is known."""

    user: UserId
    name: str
    role: str
    rank: int
    me: bool
    online: bool
    joined_ms: int
    """By the clock of who let them in; of a founder that of the channel's beginning."""
    admitted_by: str
    """The name of whose link it was; empty of founders."""
    messages: int
    provisional: bool = False
    """See `MemberRow`."""
    link_open: bool = False
    """Others can still come by that link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What would come of an intent now. Nothing is done."""

    refused: str = ""
    """Why it would be refused, in words of this node; empty: it would be done."""
    acts: int = 0
    """How many acts of a record it would take."""
