"""Rows about a mailbox that is kept for others, for twins of the node."""

from multichat_tui.model.hosting import HostRow, PlaceRow

NOW_MS = 1_700_000_000_000


def no_mailbox() -> HostRow:
    return HostRow(
        on=False,
        mailbox=None,
        addresses=(),
        shown_on_lan=False,
        total_bytes=1024**3,
        used_bytes=0,
        free_bytes=None,
        resting=False,
        links=0,
        places=(),
        refused=(),
    )


def place_row(name: str, **changes: object) -> PlaceRow:
    fields = {
        "name": name,
        "made_ms": NOW_MS,
        "quota_bytes": 64 * 1024**2,
        "used_bytes": 0,
        "queues": 0,
        "most_queues": 256,
        "envelopes": 0,
        "oldest_ms": None,
        "revoked": False,
        "refused": (),
    }
    return PlaceRow(**(fields | changes))  # type: ignore[arg-type]
