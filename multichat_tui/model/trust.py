"""What is known, and what is doubtful, about who somebody is: the rows of alarms."""

from dataclasses import dataclass
from enum import StrEnum

from multichat_tui.model.ids import UserId


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

    @property
    def alarming(self) -> bool:
        """False for what is worth knowing and usually harmless."""
        return self not in (AlarmKind.NEW_DEVICE, AlarmKind.DEVICE_REVOKED)


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
