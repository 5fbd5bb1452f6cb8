"""Slash commands that take texts away; and what they share with the command line."""

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import PurgeMessages, RedactMessages
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.model.text import duration
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.moderating import Done, anybody
from multichat_tui.node.api.commands.options import span_words
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import MIN_ID_CHARACTERS, find_message, id_text, one_line

ALL = "all"
LAST = "last"
HONEST = "Copies, photographs of screens, and devices that never come back, are beyond anybody's reach."
PURGE_SPANS = (f"{LAST} 1h", f"{LAST} 1d", ALL)


async def redact(api: NodeApi, channel: ChannelId, rows: list[MessageRow], reason: str) -> Done:
    """Of one channel. `errors.IntentRefused`, `errors.NotFound`."""
    await api.submit(RedactMessages(channel=channel, targets=tuple(row.id for row in rows), reason=reason))
    what = "1 message is" if len(rows) == 1 else f"{len(rows)} messages are"
    ids: Plain = [id_text(row.id) for row in rows]
    return Done(said=f"{what} taken away, here and wherever it was received. {HONEST}", fields={"ids": ids, "reason": reason})


async def purge(api: NodeApi, channel: ChannelId, name: str, text: str, reason: str, now_ms: int) -> Done:
    """`text`: `all`, or such as 1h."""
    lasts_ms = purge_span(text)
    user, called = await anybody(api, channel, name)
    since_ms = now_ms - lasts_ms if lasts_ms else 0
    await api.submit(PurgeMessages(channel=channel, user=user, since_ms=max(0, since_ms), reason=reason))
    span = span_words(lasts_ms) if lasts_ms else ""
    # The last hour; the last 2 hours; the last 1 day 12 hours.
    spell = span.removeprefix("1 ") if span.count(" ") == 1 else span
    when = f"within the last {spell}" if span else "as far as it is here"
    said = f"What {one_line(called)} wrote here {when} is being taken away. {HONEST}"
    return Done(said=said, fields={"user": id_text(user), "since": since_ms, "reason": reason}, whom=called)


def purge_span(text: str) -> int:
    """Milliseconds; 0 for all. `errors.UsageError`."""
    if text.strip().lower() == ALL:
        return 0
    span = duration(text)
    if span is None:
        raise UsageError(f"{one_line(text)[:20]!r} is no span of time.", "Write it like 1h, 7d or 2w; or all.")
    return span


# The commands


async def delete(call: Call) -> Outcome:
    """One's own: the one that is named, or the newest."""
    channel = call.need_channel()
    if call.words:
        row = await find_message(call.api, call.words, channel)
    else:
        rows = (await call.api.timeline(channel, limit=MAX_PAGE_ROWS)).rows
        mine = [row for row in rows if row.mine and row.kind is RowKind.MESSAGE]
        if not mine:
            raise NotFound("There is no message of yours here to delete.")
        row = mine[-1]
    if not row.mine:
        raise UsageError("That message is somebody else's.", "/redact takes it away, if you may.")
    return (await redact(call.api, row.channel, [row], "")).outcome()


async def redact_messages(call: Call) -> Outcome:
    """`/redact ID[,ID...] [REASON]`."""
    channel = call.need_channel()
    first, reason = call.first_word()
    names = [name for name in first.split(",") if name]
    if not names or any(len(name) < MIN_ID_CHARACTERS for name in names):
        raise call.misused("d in the timeline writes the ids; so does log --json.")
    rows = [await find_message(call.api, name, channel) for name in names]
    return (await redact(call.api, rows[0].channel, rows, reason)).outcome()


async def purge_messages(call: Call) -> Outcome:
    """`/purge NAME last 1h|all [REASON]`."""
    channel = call.need_channel()
    name, rest = call.first_word()
    span, _, reason = rest.partition(" ")
    if span.lower() == LAST:
        span, _, reason = reason.strip().partition(" ")
    if not span:
        raise call.misused("For instance /purge eve last 1h spam, or /purge eve all.")
    return (await purge(call.api, channel, name, span, reason.strip(), call.now_ms())).outcome()
