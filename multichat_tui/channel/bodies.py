"""Whether a record may be without its body, and until when it may have one: the one place that says so.

The rule: everything here follows from the header, the control log at the heads that it cites, what redacts it, and the clock. So
every node comes to the same, also one that has never seen the body, and nobody can withhold one by saying anything.
"""

from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.records import Absence, Header


def expires_at(header: Header) -> int | None:
    """When the body of a record is to be gone from everywhere; None: never by itself."""
    return header.expires_ms if header.log is Log.CONTENT else None


def excuse(header: Header, *, now: int, reader: UserId, author: UserId | None, redacted: bool) -> Absence | None:
    """Why `reader` need not have the body of a record; None: they should have it, and who withholds it hides something.

    `author`: whose device has written it. `redacted`: an effective redaction names it.
    """
    if header.log is Log.CONTROL:
        # The control log is always whole.
        return None
    if redacted:
        return Absence.REDACTED
    due = expires_at(header)
    if due is not None and due <= now:
        return Absence.EXPIRED
    if header.recipients is not None and reader not in header.recipients and reader != author:
        return Absence.NOT_FOR_US
    return None
