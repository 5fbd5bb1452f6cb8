"""What is known, and what is doubtful, about who somebody is: the rows of alarms, of comparisons, and of people nearby."""

from enum import StrEnum

from multichat_tui.model.comparing import ComparisonId, Purpose
from multichat_tui.model.ids import UserId
from multichat_tui.model.regards import Regard
from multichat_tui.model.values import dataclass


class AlarmKind(StrEnum):
    """What happened to somebody's keys. Each stands until the user has acknowledged it."""

    SAME_NAME = "same-name"
    """Somebody with another account key goes by the name of a contact (or one that looks like it)."""
    FORKED_DEVICES = "forked-devices"
    """The account has signed two different device lists under one number: copied, or malicious."""
    NEW_DEVICE = "new-device"
    """The same account is used on a device that was not known. A notice rather than an alarm."""
    DEVICE_REVOKED = "device-revoked"
    """The account has revoked one of its devices. A notice rather than an alarm."""
    WORDS_DIFFER = "words-differ"
    """A comparison of words or emoji has failed: somebody may stand in between."""

    COPIED = "copied"
    """A device of theirs has written two different records at one place: its profile was copied, or it lies."""

    RUNNING_TWICE = "running-twice"
    """Two nodes with the keys of one device of theirs are up at once."""
    SET_BACK = "set-back"
    """A device of theirs says that it was started fewer times than it said before: put back to an earlier state, or copied."""
    OWN_COPY = "own-copy"
    """Somebody has shown a record of this very device that this profile has not written."""

    MAILBOX = "mailbox"
    """No keys, of oneself: a mailbox that one has chosen does not do what it is for. A notice, gone when it does well again."""

    @property
    def alarming(self) -> bool:
        """False for what is worth knowing and usually harmless."""
        return self not in (AlarmKind.NEW_DEVICE, AlarmKind.DEVICE_REVOKED, AlarmKind.MAILBOX)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """Names are made safe. `other` is the contact whose name is meant by SAME_NAME."""

    user: UserId
    name: str
    kind: AlarmKind
    since_ms: int
    other: UserId | None = None
    other_name: str = ""
    verified: bool = False
    """Whether `other` (SAME_NAME) or `user` (all others) is verified."""


class ComparisonState(StrEnum):
    """How far a comparison of words or emoji has come. From DONE on it is over."""

    WAITING = "waiting"
    """The other side is being reached, or has not answered yet."""
    COMPARE = "compare"
    """The words are there: are they the same on both screens?"""
    CONFIRMED = "confirmed"
    """This user has said that they are the same; the other one has not yet."""
    DONE = "done"
    DIFFERENT = "different"
    """One of the two saw other words: nothing was stored, and somebody may stand in between."""
    REFUSED = "refused"
    """The other side does not want to."""
    CANCELLED = "cancelled"
    """This user does not want to."""
    BUSY = "busy"
    """The other side compares with somebody else just now."""
    TIMED_OUT = "timed-out"
    LOST = "lost"
    """The link was lost."""
    FAILED = "failed"
    """What came does not hold: nothing was stored."""

    @property
    def over(self) -> bool:
        return self not in (ComparisonState.WAITING, ComparisonState.COMPARE, ComparisonState.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """`name` is made safe; of somebody nearby it is only what they say, until it is done. `user`: the contact, if known."""

    id: ComparisonId
    purpose: Purpose
    state: ComparisonState
    begun_here: bool
    name: str
    began_ms: int
    code: str = ""
    """Of somebody nearby: the two words under which they are listed."""
    user: UserId | None = None
    words: tuple[str, ...] = ()
    emoji: tuple[tuple[str, str], ...] = ()
    """(symbol, name) of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStep:
    """A contact who vouches for the next one of a path, or for its end. `name` is made safe, `note` is hostile text."""

    user: UserId
    name: str
    verified: bool
    since_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPath:
    steps: tuple[TrustStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRow:
    """What speaks for somebody. Whoever is vouched for is not verified by that."""

    user: UserId
    name: str
    contact: bool
    verified: bool
    regard: Regard
    vouched: bool
    """One vouches for them oneself, with this `note`."""
    note: str = ""
    paths: tuple[TrustPath, ...] = ()
    """The shortest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbyPerson:
    """Somebody who is visible on this network now."""

    id: str
    """32 hexadecimal digits, random, and new each time."""
    code: str
    """Two words that they see as their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbyRow:
    """This node is visible to everybody on the local network until then, and sees others who are."""

    until_ms: int
    code: str
    people: tuple[NearbyPerson, ...]
