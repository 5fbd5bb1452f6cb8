"""Slash commands to get about and to read again: the whole of a screen for those who have none."""

from multichat_tui.model.errors import UsageError
from multichat_tui.model.intents import FetchOlder
from multichat_tui.model.limits import MAX_PAGE_ROWS, OLDER_RECORDS
from multichat_tui.model.snapshots import ChannelRow
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_destination, id_text
from multichat_tui.node.api.transcript import gap_words, spoken_lines

LAST_ROWS = 10
"""What /last shows when it is not told how much."""


async def switch(call: Call) -> Outcome:
    channel = await find_destination(call.api, call.need_words(), call.channel)
    row = (await call.api.channel(channel)).rows
    return Outcome(fields={"channel": id_text(channel), "name": row.name}, open_channel=channel)


async def unread(call: Call) -> Outcome:
    call.need_none()
    rows = [row for row in (await call.api.channels()).rows if row.unread]
    return Outcome(
        lines=tuple(unread_line(row) for row in rows) or ("Nothing is unread.",),
        fields={
            "channels": [
                {"channel": id_text(row.id), "name": row.name, "unread": row.unread, "mentions": row.mentions} for row in rows
            ]
        },
    )


def unread_line(row: ChannelRow) -> str:
    """`#dev: 3 unread, 1 mentions you`."""
    mentions = f", {row.mentions} {'mentions' if row.mentions == 1 else 'mention'} you" if row.mentions else ""
    return f"{channel_label(row)}: {row.unread} unread{mentions}"


async def last(call: Call) -> Outcome:
    channel = call.need_channel()
    if call.words and not (call.words.isascii() and call.words.isdigit() and len(call.words) <= 6 and int(call.words)):
        raise UsageError(f"{call.words[:20]!r} is no number of messages.", f"Usage: {call.usage}")
    count = min(int(call.words or LAST_ROWS), MAX_PAGE_ROWS)
    label = channel_label((await call.api.channel(channel)).rows)
    rows = (await call.api.timeline(channel, limit=count)).rows
    gaps = (await call.api.channel(channel)).rows.gaps
    return Outcome(
        lines=(*(tuple(spoken_lines(label, rows)) or (f"{label} is empty.",)), *map(gap_words, gaps)),
        fields={"channel": id_text(channel), "messages": [{"id": id_text(row.id), "text": row.text} for row in rows]},
    )


async def older(call: Call) -> Outcome:
    channel = call.need_channel()
    count = OLDER_RECORDS
    if call.words:
        if not (call.words.isascii() and call.words.isdigit() and 0 < len(call.words) <= 9 and int(call.words) > 0):
            raise UsageError(f"{call.words[:20]!r} is no number of messages.", f"Usage: {call.usage}")
        count = int(call.words)
    row = (await call.api.channel(channel)).rows
    fields: dict[str, Plain] = {"channel": id_text(channel), "missing": sum(gap.missing for gap in row.gaps)}
    if not row.gaps:
        return Outcome(lines=(f"Nothing that is known of is missing in {channel_label(row)}.",), fields=fields)
    await call.api.submit(FetchOlder(channel=channel, count=count))
    told = f"Asked for {count:,} older messages." if any(gap.ets is not None for gap in row.gaps) else "Asked once more."
    return Outcome(lines=(told,), fields=fields | {"asked": count})
