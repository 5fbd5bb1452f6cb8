"""Pages of the log of moderation, for twins of the node."""

from collections.abc import Sequence

from multichat_tui.model.ids import RecordId
from multichat_tui.model.moderation import DeedPage, DeedRow, DeedSearch


def deed_page(rows: Sequence[DeedRow], search: DeedSearch, before: RecordId | None, limit: int) -> DeedPage:
    """Of rows of which the newest comes first."""
    found = [
        row
        for row in rows
        if (not search.kinds or row.kind in search.kinds)
        and search.user in (None, row.author, row.subject)
        and search.since_ms <= row.time_ms < search.until_ms
    ]
    start = next((index + 1 for index, row in enumerate(found) if row.id == before), 0)
    page = found[start : start + limit]
    return DeedPage(rows=tuple(page), more=page[-1].id if page and start + limit < len(found) else None)
