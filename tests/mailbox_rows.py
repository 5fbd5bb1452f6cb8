"""Rows of one's own mailboxes, for tests of what is said about them."""

from dataclasses import replace
from typing import Any

from multichat_tui.model.snapshots import MailboxRow, MailboxState


def mailbox_row(number: int = 1, **changes: Any) -> MailboxRow:
    """One in use, but for the changes."""
    row = MailboxRow(
        number=number,
        name=f"k3f9x2a{number}",
        addresses=("10.0.0.9:4700",),
        state=MailboxState.READY,
        since_ms=None,
        detail="",
        used_bytes=12 * 1024,
        quota_bytes=64 * 1024**2,
        queues=14,
        ready=14,
        waiting=0,
        unaware=0,
        checks=3,
        losses=0,
    )
    return replace(row, **changes)
