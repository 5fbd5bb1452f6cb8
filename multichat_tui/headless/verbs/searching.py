"""Searching all history from the shell."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import message_fields
from multichat_tui.headless.session import session
from multichat_tui.model.errors import UsageError
from multichat_tui.model.limits import MAX_FOUND_ROWS
from multichat_tui.model.searching import FoundRow
from multichat_tui.model.snapshots import Position
from multichat_tui.node.api.commands.searching import channel_labels, indexing_notes
from multichat_tui.node.api.queries import parse_query, quoted, understand
from multichat_tui.node.api.transcript import found_line


async def search(context: Context) -> int:
    """Newest first; exit code 0 also where nothing is found."""
    args, out = context.args, context.out
    filters = {"in": args.channels, "from": args.people, "after": args.after, "before": args.before}
    parts = [*args.words, *(f"{name}:{quoted(value)}" for name, values in filters.items() for value in values)]
    text = " ".join(parts)
    if parse_query(text).empty:
        raise UsageError("There is no word in that to search for.", "See multichat search --help.")
    async with session(context.host, network=False) as opened:
        api = opened.api
        asked = await understand(api, text)
        labels = await channel_labels(api)
        left, shown, percent = args.count, 0, 100
        before: Position | None = None
        while left > 0:
            page = (await api.search(asked, before=before, limit=min(left, MAX_FOUND_ROWS))).rows
            percent = min(percent, page.indexed_percent)
            for found in page.rows:
                out.result(found_fields(found), found_line(labels.get(found.row.channel, "?"), found))
            left, shown, before = left - len(page.rows), shown + len(page.rows), page.more
            if before is None:
                break
    if not shown:
        out.note("Nothing is found.")
    for note in indexing_notes(percent):
        out.note(note)
    return 0


def found_fields(found: FoundRow) -> dict[str, object]:
    """As `log`, and `places`: the ranges of the text, in characters, that were searched for."""
    return message_fields(found.row) | {"places": [list(place) for place in found.places]}
