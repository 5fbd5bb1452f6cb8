"""The one tree of errors.

```
MultichatError                 title, message, what to do; an exit code of the command line
├── IntentRefused              a logic said no; shown to the user, the text stays where it was      1
│   └── NotFound               no such channel, contact or message                                 3
├── UsageError                 the words of a command or a setting are off                         2
├── TimedOut                   a wait that was asked for and not met                               5
├── StoreError
│   ├── ProfileAbsent          there is none where one was asked for                             3
│   ├── ProfileExists          there is one where a new one was to be made                       1
│   ├── WrongPassphrase        locked, or the passphrase does not open it                          4
│   ├── ProfileBusy            another process holds the profile and does not answer               6
│   ├── Damaged                a file is not what it should be                                     7
│   ├── NewerVersion           written by a newer version                                          8
│   └── StorageFailed          full, read-only, no permission                                      9
├── LinkFailed                 a connection could not be made or was cut                           1
└── Unreachable                the node behind the control socket is gone                          6
```
Malformed input from peers is no exception: decoders return `codec.Rejected`.
"""

from enum import StrEnum


class MultichatError(Exception):
    """Base. `code` is stable and part of the control socket's protocol; `message` says what happened, `advice` what to do."""

    code = "internal"
    exit_code = 70

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class Refusal(StrEnum):
    """Why an intent was refused."""

    NOT_A_MEMBER = "not-a-member"
    NOT_ALLOWED = "not-allowed"
    EMPTY = "empty"
    TOO_LONG = "too-long"
    BAD_NAME = "bad-name"
    BAD_LINK = "bad-link"
    OWN_LINK = "own-link"
    EXPIRED = "expired"
    SPENT = "spent"
    CLOSED = "closed"
    ALREADY = "already"
    LIMIT = "limit"
    UNKNOWN = "unknown"
    LEFT = "left"
    AMBIGUOUS = "ambiguous"
    TOO_SOON = "too-soon"
    NEWER = "needs-newer-version"


class IntentRefused(MultichatError):
    code = "refused"
    exit_code = 1

    def __init__(self, reason: Refusal, message: str, advice: str = "") -> None:
        super().__init__(message, advice)
        self.reason = reason


class NotFound(IntentRefused):
    code = "not-found"
    exit_code = 3

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(Refusal.UNKNOWN, message, advice)


class UsageError(MultichatError):
    code = "usage"
    exit_code = 2


class TimedOut(MultichatError):
    code = "timeout"
    exit_code = 5


class StoreError(MultichatError):
    code = "storage"
    exit_code = 9


class ProfileAbsent(StoreError):
    code = "no-profile"
    exit_code = 3


class ProfileExists(StoreError):
    code = "profile-exists"
    exit_code = 1


class WrongPassphrase(StoreError):
    code = "locked"
    exit_code = 4


class ProfileBusy(StoreError):
    code = "busy"
    exit_code = 6


class Damaged(StoreError):
    code = "damaged"
    exit_code = 7


class NewerVersion(StoreError):
    code = "newer-version"
    exit_code = 8


class StorageFailed(StoreError):
    code = "storage"
    exit_code = 9


class LinkFailed(MultichatError):
    code = "link"
    exit_code = 1


class Unreachable(MultichatError):
    code = "unreachable"
    exit_code = 6
