"""Sending messages and reading them."""

import asyncio
from collections.abc import AsyncIterator
from itertools import groupby

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import Output, message_fields
from multichat_tui.headless.remote import AGAIN, GONE
from multichat_tui.headless.session import session, wait_for
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal, TimedOut, Unreachable, UsageError
from multichat_tui.model.events import ChannelChanged, Event, MessageAdded, Resync
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import FetchOlder, SendMessage
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.snapshots import ChannelRow, Delivery, MessageRow, Position
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import disappearing, posting, serving
from multichat_tui.node.api.lookup import ID_CHARACTERS, find_destination, find_message, id_text
from multichat_tui.node.api.transcript import gap_words, ignored_words, message_lines
from multichat_tui.node.api.wire import from_json

ALONE_PATIENCE_S = 5.0
"""How long a command without a running node tries to deliver on its own."""


def hint(record: RecordId, *, attached: bool) -> str:
    """What becomes of a message that has not come as far as it was waited for, and who says why."""
    goes = "the node that runs goes on trying" if attached else "goes out whenever a node of yours runs: multichat node"
    return f"It is kept, and {goes}. What it waits for: multichat net why {id_text(record)[:8]}"


async def send(context: Context) -> int:
    args, out = context.args, context.out
    async with session(context.host, network=args.wait != "queued") as opened:
        api = opened.api
        channel = await find_destination(api, args.to)
        reply = (await find_message(api, args.reply, channel)).id if args.reply is not None else None
        people = await serving.people_named(api, channel, args.recipients)
        lives_ms = 0 if args.expires is None else disappearing.life_span(args.expires)
        message = SendMessage(channel=channel, text=args.text, reply_to=reply, recipients=people, lives_ms=lives_ms)
        record = (await api.submit(message)).record
        if record is None:
            raise IntentRefused(Refusal.UNKNOWN, "The node named no message in its answer.")
        if args.wait == "delivered":
            await wait_for(api, Settled(api, record, alone_is_enough=False), args.timeout)
        elif args.wait == "read":
            await wait_for(api, Settled(api, record, alone_is_enough=False, read=True), args.timeout)
        elif args.wait == "stored":
            await wait_for(api, Settled(api, record, alone_is_enough=False, stored_is_enough=True), args.timeout)
        elif args.wait is None and not opened.attached:
            await wait_for(api, Settled(api, record, alone_is_enough=True), ALONE_PATIENCE_S)
        row = (await api.message(record)).rows
    return _sent(out, record, row, asked=args.wait, attached=opened.attached)


async def post(context: Context) -> int:
    """Written in all of the channels, or in none."""
    args, out = context.args, context.out
    async with session(context.host, network=True) as opened:
        accepted, labels = await posting.post(opened.api, args.places, args.text)
        each = [Settled(opened.api, record, alone_is_enough=True) for _, record in accepted.posts]

        async def all_settled() -> bool | None:
            return all([await settled() is not None for settled in each]) or None

        if not opened.attached:
            await wait_for(opened.api, all_settled, ALONE_PATIENCE_S)
        rows = [(await opened.api.message(record)).rows for _, record in accepted.posts]
    for (channel, record), label, row in zip(accepted.posts, labels, rows, strict=True):
        state = Delivery.QUEUED if row is None else row.state
        fields = {"id": id_text(record), "channel": id_text(channel), "name": label, "state": state.value}
        out.result(fields, f"{id_text(record)[:8]}  {label}  {state.value}")
    return 0


class Settled:
    """Asks whether a message has come as far as it can: to all whom it is for, failed, or (if that is enough) nobody is there."""

    def __init__(
        self, api: NodeApi, record: RecordId, *, alone_is_enough: bool, stored_is_enough: bool = False, read: bool = False
    ) -> None:
        """`read`: that all have it is not enough."""
        self._api = api
        self._record = record
        self._final = {Delivery.READ, Delivery.FAILED} | ({Delivery.ALONE} if alone_is_enough else set())
        self._final |= set() if read else {Delivery.ALL}
        self._stored_is_enough = stored_is_enough

    async def __call__(self) -> MessageRow | None:
        row = (await self._api.message(self._record)).rows
        if row is not None and self._stored_is_enough and row.state is Delivery.STORED and row.stored == row.copies:
            return row
        return row if row is not None and row.state in self._final else None


def _sent(out: Output, record: RecordId, row: MessageRow | None, *, asked: str | None, attached: bool) -> int:
    """Say how far the message has come; the exit code by what was asked for."""
    state = row.state if row is not None else Delivery.QUEUED
    delivered, total = (row.delivered, row.total) if row is not None else (0, 0)
    stored, copies = (row.stored, row.copies) if row is not None else (0, 0)
    fields = {
        "id": id_text(record),
        "state": state.value,
        "stored": stored,
        "copies": copies,
        "delivered": delivered,
        "total": total,
    }
    words = {Delivery.ALL: "delivered to all", Delivery.READ: "read by all"}
    words |= {Delivery.ALONE: "kept: nobody else is there yet", Delivery.QUEUED: "queued"}
    words[Delivery.STORED] = f"stored at {stored} of {copies} mailboxes, delivered to {delivered} of {total}"
    out.result(fields, f"{id_text(record)[:8]}  {words.get(state, f'delivered to {delivered} of {total}')}")
    if row is not None and state is Delivery.FAILED:
        raise IntentRefused(Refusal.NOT_ALLOWED, "The message was not accepted.", row.failure)
    arrived = state in (Delivery.ALL, Delivery.READ)
    if asked == "read" and state is not Delivery.READ:
        raise TimedOut("Not everybody has said in time to have read it.", "Who does not want to, never says so.")
    if asked == "delivered" and not arrived:
        raise TimedOut("Not delivered to all in time.", hint(record, attached=attached))
    if asked == "stored" and not arrived and (state is not Delivery.STORED or stored < copies):
        raise TimedOut("Not stored at mailboxes of all in time.", hint(record, attached=attached))
    if asked is None and not attached and not arrived and state is not Delivery.ALONE:
        out.note(hint(record, attached=attached))
    return 0


async def log(context: Context) -> int:
    args, out = context.args, context.out
    async with session(context.host, network=args.follow or args.older is not None) as opened:
        api = opened.api
        channel = await find_destination(api, args.channel)
        if args.older is not None:
            await _fetch_older(api, channel, args.older, args.timeout)
        if not args.follow:
            before = await _position(api, channel, args.before) if args.before else None
            _print(out, await _page(api, channel, before, args.count))
            for gap in (await api.channel(channel)).rows.gaps:
                out.note(gap_words(gap))
            return 0
        async with api.events() as events:
            page = await _page(api, channel, None, args.count)
            _print(out, page)
            newest = max((row.arrival for row in page), default=0)
            if args.count == 0:
                newest = max((row.arrival for row in (await api.timeline(channel, limit=1)).rows), default=0)
            async for rows in _following(api, channel, newest, events):
                _print(out, rows)
    raise Unreachable(GONE, AGAIN)


async def _fetch_older(api: NodeApi, channel: ChannelId, count: int, timeout_s: float) -> None:
    """Wait until so many of the missing messages are here, or none is missing. `errors.TimedOut` says how many still are."""
    async with api.events() as events:
        missing = first = _missing((await api.channel(channel)).rows)
        await api.submit(FetchOlder(channel=channel, count=count))
        try:
            async with asyncio.timeout(timeout_s):
                while missing and first - missing < count:
                    event = await anext(events)
                    if isinstance(event, Resync):
                        missing = _missing((await api.channel(channel)).rows)
                    elif isinstance(event, ChannelChanged) and event.row.id == channel:
                        missing = _missing(event.row)
                        first = max(first, missing)
        except TimeoutError:
            raise TimedOut(f"{missing:,} messages are still missing.", "multichat log goes on without --older.") from None


def _missing(row: ChannelRow) -> int:
    return sum(gap.missing for gap in row.gaps if gap.ets is not None and not gap.withheld)


async def thread(context: Context) -> int:
    """A message and everything that answers it, whichever of them is named."""
    args, out = context.args, context.out
    async with session(context.host, network=False) as opened:
        row = await find_message(opened.api, args.message)
        found = (await opened.api.thread(row.id)).rows
    _print(out, found.rows)
    return 0


def _print(out: Output, rows: tuple[MessageRow, ...]) -> None:
    for ignored, group in groupby(rows, key=lambda row: row.ignored):
        folded = list(group)
        for number, row in enumerate(folded, 1):
            lines = message_lines(row) if not ignored else [ignored_words(number)] if number == len(folded) else []
            out.result(message_fields(row), *lines)


async def _page(api: NodeApi, channel: ChannelId, before: Position | None, count: int) -> tuple[MessageRow, ...]:
    """The newest `count` rows before a position, oldest first, read in pages."""
    rows: tuple[MessageRow, ...] = ()
    while len(rows) < count:
        limit = min(count - len(rows), MAX_PAGE_ROWS)
        page = (await api.timeline(channel, before=before, limit=limit)).rows
        rows = page + rows
        if len(page) < limit:
            break
        before = page[0].position
    return rows


async def _following(
    api: NodeApi, channel: ChannelId, newest: int, events: AsyncIterator[Event]
) -> AsyncIterator[tuple[MessageRow, ...]]:
    """Rows in the order in which they arrive, each once; after a Resync what was missed is read from the timeline."""
    async for event in events:
        match event:
            case MessageAdded(row=row) if row.channel == channel and row.arrival > newest:
                newest = row.arrival
                yield (row,)
            case Resync():
                missed = await arrived_since(api, channel, newest)
                newest = max((row.arrival for row in missed), default=newest)
                yield missed


async def arrived_since(api: NodeApi, channel: ChannelId, arrival: int) -> tuple[MessageRow, ...]:
    """Rows that arrived after `arrival`, back to the first whole page without one: what is later than that is older history."""
    found: list[MessageRow] = []
    before: Position | None = None
    while True:
        page = (await api.timeline(channel, before=before, limit=MAX_PAGE_ROWS)).rows
        newer = [row for row in page if row.arrival > arrival]
        found += newer
        if not newer or len(page) < MAX_PAGE_ROWS:
            return tuple(sorted(found, key=lambda row: row.arrival))
        before = page[0].position


async def _position(api: NodeApi, channel: ChannelId, text: str) -> Position:
    """The place of a message by its id. `errors.NotFound`."""
    word = text.strip().lower()
    if len(word) != ID_CHARACTERS:
        raise UsageError("--before needs the whole id of a message, as log --json shows it.")
    row = (await api.message(from_json(RecordId, word))).rows
    if row is None or row.channel != channel:
        raise NotFound("There is no such message in this channel.")
    return row.position
