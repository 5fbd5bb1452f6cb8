"""Slash commands that read the log of moderation and take deeds back; and what they share with the command line."""

import time

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import UndoDeed
from multichat_tui.model.limits import MAX_MODLOG_ROWS
from multichat_tui.model.moderation import DeedKind, DeedPage, DeedRow, DeedSearch, DeedState, RosterRow
from multichat_tui.model.text import duration
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.options import split_options
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import MIN_ID_CHARACTERS, find_among, id_text, nearest, one_line
from multichat_tui.node.api.transcript import local_time

SHOWN_DEEDS = 50
"""Of the log, unless more are asked for."""
UNDOABLE = 9
"""Deeds that /undo numbers."""
LOOKED_AT_PAGES = 5
"""Of the log, for something to undo."""
KINDS = tuple(kind.value for kind in DeedKind)
STATE_WORDS = {
    DeedState.IN_EFFECT: "in effect",
    DeedState.LIFTED: "over",
    DeedState.REVERTED: "reverted",
    DeedState.REFUSED: "without effect: they had no right to it",
    DeedState.PROVISIONAL: "provisional: somebody else could turn out to have had the place first",
}


def state_words(row: DeedRow) -> str:
    """What a deed is worth now: `reverted: ann made bob an admin`."""
    return STATE_WORDS[row.state] + (f": {one_line(row.by)}" if row.by else "")


def deed_line(row: DeedRow) -> str:
    """`2026-11-21 14:00:00  ann banned bob until ...: spam  [in effect]`."""
    return f"{local_time(row.time_ms)}  {deed_words(row)}  [{state_words(row)}]"


def deed_words(row: DeedRow) -> str:
    """Who did what and why."""
    return one_line(row.said) + (f": {one_line(row.reason)}" if row.reason else "")


def deed_fields(row: DeedRow) -> dict[str, Plain]:
    return {
        "id": id_text(row.id),
        "act": row.act,
        "time": row.time_ms,
        "author": id_text(row.author),
        "name": row.name,
        "kind": row.kind.value,
        "said": row.said,
        "reason": row.reason,
        "subject": None if row.subject is None else id_text(row.subject),
        "subject_name": row.subject_name,
        "state": row.state.value,
        "by": row.by,
        "until_ms": row.until_ms or None,
        "undo": row.undo,
        "stays": row.stays,
    }


def deed_kind(text: str) -> DeedKind:
    """The kind of this name. `errors.UsageError`."""
    word = text.strip().lower()
    if word in KINDS:
        return DeedKind(word)
    close = nearest(word, KINDS)
    advice = f"Did you mean {close}?" if close else f"It is one of {', '.join(KINDS)}."
    raise UsageError(f"The log has no kind {one_line(word)[:40]!r}.", advice)


def since_of(text: str, now_ms: int) -> int:
    """When a span like 1h or 7d, that ends now, began. `errors.UsageError`."""
    span = duration(text)
    if span is None:
        raise UsageError(f"{text[:20]!r} is no span of time.", "Write it like 1h, 7d or 2w.")
    return max(0, now_ms - span)


async def search_of(api: NodeApi, channel: ChannelId, *, name: str, kind: str, last: str, now_ms: int) -> DeedSearch:
    """What is asked of the log; empty words ask for everything."""
    return DeedSearch(
        user=await _anybody(api, channel, name) if name else None,
        kinds=(deed_kind(kind),) if kind else (),
        since_ms=since_of(last, now_ms) if last else 0,
    )


async def _anybody(api: NodeApi, channel: ChannelId, name: str) -> UserId:
    """A member, or somebody who was one or is banned."""
    rules = (await api.rules(channel)).rows
    people = {row.user: row.name for row in (await api.members(channel)).rows}
    for row in rules.former:
        people.setdefault(row.user, row.name)
    for ban in rules.bans:
        people.setdefault(ban.user, ban.name)
    found = find_among(list(people.items()), name, "person in the log", lambda each: (each[1], each[0]))
    return found[0]


async def read_log(api: NodeApi, channel: ChannelId, search: DeedSearch, count: int) -> tuple[list[DeedRow], RecordId | None]:
    """So many rows, the newest first, and from where it goes on."""
    rows: list[DeedRow] = []
    page = DeedPage(rows=(), more=None)
    first = True
    while first or (page.more is not None and len(rows) < count):
        page = (await api.modlog(channel, search=search, before=page.more, limit=min(count - len(rows), MAX_MODLOG_ROWS))).rows
        rows += page.rows
        first = False
    return rows, page.more


async def undoable(api: NodeApi, channel: ChannelId) -> list[DeedRow]:
    """The newest deeds that can be taken back, one row of each record."""
    found: dict[RecordId, DeedRow] = {}
    before: RecordId | None = None
    for _ in range(LOOKED_AT_PAGES):
        page = (await api.modlog(channel, before=before, limit=MAX_MODLOG_ROWS)).rows
        for row in page.rows:
            if row.undo:
                found.setdefault(row.id, row)
        before = page.more
        if before is None or len(found) >= UNDOABLE:
            break
    return list(found.values())[:UNDOABLE]


async def undo_deed(api: NodeApi, channel: ChannelId, which: str, reason: str) -> DeedRow:
    """Take back the deed of this number, or whose record begins so; what was taken back."""
    rows = await undoable(api, channel)
    word = which.strip().lower()
    if word.isascii() and word.isdigit() and len(word) < MIN_ID_CHARACTERS:
        if not 1 <= int(word) <= len(rows):
            raise NotFound(f"There is no deed {int(word)} to take back here.", "/undo lists them.")
        row = rows[int(word) - 1]
    else:
        found = [row for row in rows if len(word) >= MIN_ID_CHARACTERS and id_text(row.id).startswith(word)]
        if len(found) != 1:
            raise NotFound("No deed that can be taken back has this number or id.", "/undo lists them.")
        row = found[0]
    await api.submit(UndoDeed(channel=channel, record=row.id, reason=reason))
    return row


async def undoings(api: NodeApi, channel: ChannelId) -> list[tuple[DeedRow, str]]:
    """`undoable`, each with why the user may not take it back; empty: they may."""
    rows = await undoable(api, channel)
    foreseen = (await api.foresee(tuple(UndoDeed(channel=channel, record=row.id) for row in rows))).rows if rows else ()
    return [(row, each.refused) for row, each in zip(rows, foreseen, strict=True)]


def undo_line(number: int, row: DeedRow, refused: str) -> str:
    """`1  would lift the ban of bob  (ann banned bob: spam)`."""
    return f"{number}  would {one_line(row.undo)}  ({deed_words(row)})" + (" (not you)" if refused else "")


def undo_fields(row: DeedRow, refused: str) -> dict[str, Plain]:
    return deed_fields(row) | {"may": not refused}


def roster_line(row: RosterRow) -> str:
    """`bob  member, joined 2026-11-21 14:00:00 by a link of ann, 12 messages`."""
    came = f"joined {local_time(row.joined_ms)}" + (f" by a link of {one_line(row.admitted_by)}" if row.admitted_by else "")
    open_link = ", which is still open" if row.link_open else ""
    return f"{one_line(row.name)}  {row.role}, {came}{open_link}, {row.messages} message{'' if row.messages == 1 else 's'}"


# The commands


async def modlog(call: Call) -> Outcome:
    channel = call.need_channel()
    rest, options = split_options(call.words, "kind", "last")
    words = rest.split()
    count = SHOWN_DEEDS
    if words and words[-1].isascii() and words[-1].isdigit() and len(words[-1]) <= 4:
        count = max(1, int(words.pop()))
    name = " ".join(words).strip('"')
    kind, last = options.get("kind", ""), options.get("last", "")
    search = await search_of(call.api, channel, name=name, kind=kind, last=last, now_ms=int(time.time() * 1000))
    rows, more = await read_log(call.api, channel, search, count)
    lines = [deed_line(row) for row in rows] or ["Nothing of that kind has been done here."]
    if more is not None:
        lines.append(f"There is more: /modlog {min(9999, 2 * count)} shows it.")
    fields: dict[str, Plain] = {"deeds": [deed_fields(row) for row in rows], "more": more is not None}
    return Outcome(lines=tuple(lines), fields=fields, hang=21)


async def undo(call: Call) -> Outcome:
    channel = call.need_channel()
    if call.words:
        which, reason = call.first_word()
        row = await undo_deed(call.api, channel, which, reason)
        stays = f" {row.stays}" if row.stays else ""
        return Outcome(lines=(f"Done: {one_line(row.undo)}.{stays}",), fields=deed_fields(row), record=row.id)
    rows = await undoings(call.api, channel)
    lines = [undo_line(number, row, refused) for number, (row, refused) in enumerate(rows, 1)]
    told = ("", "/undo N takes one of them back.") if rows else ("There is nothing here that could be taken back.",)
    return Outcome(lines=(*lines, *told), fields={"deeds": [undo_fields(*each) for each in rows]}, hang=3)
