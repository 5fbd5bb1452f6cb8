"""Slash commands that find: /search over all history, /jump to a message or a day."""

from contextlib import suppress

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.searching import FoundPage
from multichat_tui.model.snapshots import MessageRow, Position
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_message, id_text, one_line
from multichat_tui.node.api.queries import day_range, parse_query, understand
from multichat_tui.node.api.transcript import found_line, spoken_line

FOUND_ROWS = 20
"""What /search shows as lines."""
AROUND_ROWS = 3
"""Rows before and after the one that /jump goes to, where there is no screen to see them on."""
_LAST_ID = RecordId(b"\xff" * 32)
IDS_AND_DATES = "i on a message shows its id, of older ones it is needed whole; dates are like 2026-01-31, yesterday or 7d."
TEACHING = 'Usage: /search WORDS; also "a phrase", from:NAME, in:CHANNEL, before:DATE, after:DATE, on:DATE.'


async def search(call: Call) -> Outcome:
    if not call.words:
        return Outcome(lines=(TEACHING,), search="")
    if parse_query(call.words).empty:
        raise UsageError("There is no word in that to search for.", TEACHING)
    asked = await understand(call.api, call.words, channel=call.channel)
    page = (await call.api.search(asked, limit=FOUND_ROWS)).rows
    labels = await channel_labels(call.api)
    lines = [found_line(labels.get(found.row.channel, "?"), found) for found in page.rows]
    rows: list[Plain] = [
        {
            "id": id_text(found.row.id),
            "channel": id_text(found.row.channel),
            "name": found.row.name,
            "time": found.row.time_ms,
            "text": found.row.text,
        }
        for found in page.rows
    ]
    return Outcome(
        lines=(*(lines or ["Nothing is found."]), *page_notes(page)),
        fields={"messages": rows, "more": page.more is not None, "indexed_percent": page.indexed_percent},
        search=call.words,
    )


def page_notes(page: FoundPage) -> tuple[str, ...]:
    """What is to be said of a page of what was found: that there is more, that older messages are not in the index yet."""
    more = (f"There is more: these are the newest {len(page.rows)}. Another word narrows it.",) if page.more is not None else ()
    return more + indexing_notes(page.indexed_percent)


def indexing_notes(percent: int) -> tuple[str, ...]:
    """Why a search may miss something for now."""
    if percent >= 100:
        return ()
    return (f"Indexing {percent} %: older messages are not found yet.",)


async def channel_labels(api: NodeApi) -> dict[ChannelId, str]:
    """`#dev` or `@bob`, safe to draw, by channel."""
    return {row.id: channel_label(row) for row in (await api.channels()).rows}


async def jump(call: Call) -> Outcome:
    word = call.need_words().strip().lower()
    row = await _by_date(call, word) if _is_date(word, call.now_ms()) else await _by_id(call, word)
    label = (await channel_labels(call.api)).get(row.channel, "?")
    before = (await call.api.timeline(row.channel, before=row.position, limit=AROUND_ROWS)).rows
    after = (await call.api.timeline(row.channel, after=row.position, limit=AROUND_ROWS)).rows
    return Outcome(
        lines=tuple(spoken_line(label, each) for each in (*before, row, *after)),
        fields={"id": id_text(row.id), "channel": id_text(row.channel), "time": row.time_ms, "text": row.text},
        open_channel=row.channel,
        jump=row,
    )


def _is_date(word: str, now_ms: int) -> bool:
    """A day, rather than an id: `today` could be the beginning of one too."""
    try:
        day_range(word, now_ms)
    except UsageError:
        return False
    return True


async def _by_id(call: Call, word: str) -> MessageRow:
    """By the beginning of an id, in the open channel before all others."""
    try:
        if call.channel is not None:
            with suppress(NotFound):
                return await find_message(call.api, word, call.channel)
        return await find_message(call.api, word)
    except UsageError:
        raise UsageError(f"{one_line(word)[:60]!r} is no date, and no id of a message.", IDS_AND_DATES) from None
    except NotFound as error:
        raise NotFound(error.message, IDS_AND_DATES) from None


async def _by_date(call: Call, word: str) -> MessageRow:
    """The first message of a day in the open channel, or the last one before it."""
    since_ms, _ = day_range(word, call.now_ms())
    channel = call.need_channel()
    at = Position(ets=max(0, since_ms - 1), id=_LAST_ID)
    rows = (await call.api.timeline(channel, after=at, limit=1)).rows
    rows = rows or (await call.api.timeline(channel, before=Position(ets=at.ets + 1, id=RecordId(b"")), limit=1)).rows
    if not rows:
        raise NotFound("This channel is empty.")
    return rows[0]
