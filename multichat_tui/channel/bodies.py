"""Whether a record may be without its body, and until when it may have one: the one place that says so.

The rule: everything here follows from the header, the control log at the heads that it cites, what redacts it, and the clock. So
every node comes to the same, also one that has never seen the body, and nobody can withhold one by saying anything.
"""

from multichat_tui.channel.control import ControlLog
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.limits import MIN_LIFE_MS
from multichat_tui.model.records import Absence, Header, Kind


def retention_of(control: ControlLog, header: Header) -> int:
    """For how many milliseconds the channel keeps what was written after the control heads that the header cites; 0: for good."""
    if header.log is Log.CONTROL or not control.ever_set(SettingKey.RETENTION):
        return 0
    span = control.state_at(header.control_heads).number(SettingKey.RETENTION)
    return max(MIN_LIFE_MS, span) if span else 0


def expires_at(header: Header, retention_ms: int) -> int | None:
    """When the body of a record is to be gone from everywhere: by its author's wish, or by the channel's rule where that is
    sooner or nothing was wished. None: never by itself. Both count by its author's clock."""
    if header.kind != Kind.CONTENT or (header.expires_ms is None and not retention_ms):
        return None
    ends = [] if header.expires_ms is None else [header.expires_ms]
    ends += [header.timestamp_ms + retention_ms] if retention_ms else []
    return min(ends, default=None)


def excuse(
    header: Header, *, now: int, reader: UserId, author: UserId | None, redacted: bool, retention_ms: int = 0
) -> Absence | None:
    """Why `reader` need not have the body of a record; None: they should have it, and who withholds it hides something.

    `author`: whose device has written it. `redacted`: an effective redaction names it. `retention_ms`: see `retention_of`.
    """
    if header.log is Log.CONTROL:
        # The control log is always whole.
        return None
    if redacted:
        return Absence.REDACTED
    due = expires_at(header, retention_ms)
    if due is not None and due <= now:
        return Absence.EXPIRED
    if header.recipients is not None and reader not in header.recipients and reader != author:
        return Absence.NOT_FOR_US
    return None


def reaches(control: ControlLog, header: Header, about: Header) -> bool:
    """Whether all members who are given the text of one record are given that of another, too, which acts on it. What some alone
    can read changes nothing for all: else each of them would be shown something else."""
    if header.recipients is None:
        return True
    if about.recipients is None:
        return False
    given = {*header.recipients, control.user_of(header.device)}
    cited = control.state_at(header.control_heads)
    people = {*about.recipients, control.user_of(about.device)} - given
    return all(user is None or cited.rank(user) is None for user in people)
