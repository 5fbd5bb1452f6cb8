"""Slash commands that make resources and act on them: one for each that a type of resource brings, and the list of pins."""

from collections.abc import Awaitable, Callable

from multichat_tui.channel.resources import registry
from multichat_tui.channel.resources.marks import MARKS
from multichat_tui.channel.resources.shape import CommandShape, ResourceType
from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ActOn, MakeResource
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Command, Outcome
from multichat_tui.node.api.lookup import find_message, id_text, one_line
from multichat_tui.node.api.transcript import local_time

MIN_NAMED_CHARACTERS = 6
"""A first word of so many characters that some id begins with is that message; fewer are more likely the words themselves."""
WHAT_CHARACTERS = 60
PINNED, REACTED = "pinned", "reacted"


def resource_commands() -> tuple[Command, ...]:
    """Of all types that are registered."""
    return tuple(_command(kind, shape) for kind in registry().types for shape in kind.commands)


def _command(kind: ResourceType, shape: CommandShape) -> Command:
    return Command(name=shape.name, usage=shape.usage, summary=shape.summary, run=_run(kind, shape))


def _run(kind: ResourceType, shape: CommandShape) -> Callable[[Call], Awaitable[Outcome]]:
    async def make(call: Call) -> Outcome:
        channel = call.need_channel()
        words = call.need_words()
        fields = tuple(shape.fields(words).items())
        accepted = await call.api.submit(MakeResource(channel=channel, kind=kind.name, fields=fields))
        said = shape.said.format(what=one_line(words)[:WHAT_CHARACTERS])
        return Outcome(
            lines=(said,),
            fields={"id": None if accepted.record is None else id_text(accepted.record), "channel": id_text(channel)},
            record=accepted.record,
        )

    async def act(call: Call) -> Outcome:
        channel = call.need_channel()
        row, words = await _target(call, channel, kind, shape)
        fields = shape.fields(words)
        if not words and shape.fields("?") != fields:
            # Something is to be said with it.
            raise call.misused()
        await act_on(call.api, row, shape.act, **fields)
        # Of an edit what it says now: the row is from before.
        text = fields.get("text", row.text)
        said = shape.said.format(what=f"{one_line(row.name)}: {one_line(text)}"[:WHAT_CHARACTERS])
        return Outcome(lines=(said,), fields={"message": id_text(row.id), "channel": id_text(row.channel)} | dict(fields))

    return make if shape.act == kind.makes.name else act


async def act_on(api: NodeApi, row: MessageRow, act: str, **fields: str) -> None:
    """Do something with a message, or with what else stands in a row."""
    await api.submit(ActOn(channel=row.channel, record=row.id, act=act, fields=tuple(fields.items())))


async def _target(call: Call, channel: ChannelId, kind: ResourceType, shape: CommandShape) -> tuple[MessageRow, str]:
    """(what is acted on, the words behind its id): the message that the first word names, else the newest that fits."""
    first, _, rest = call.words.partition(" ")
    if len(first) >= MIN_NAMED_CHARACTERS:
        try:
            return await find_message(call.api, first, channel), rest.strip()
        except (NotFound, UsageError):
            pass
    if shape.wants == PINNED:
        rows = (await call.api.pins(channel)).rows
    else:
        rows = (await call.api.timeline(channel, limit=MAX_PAGE_ROWS)).rows
    act = kind.act(shape.act)
    any_kind = act in MARKS
    for row in reversed(rows):
        fits = row.kind is RowKind.MESSAGE and (any_kind or (row.resource or "message") == kind.name)
        if act is not None and act.own:
            fits = fits and row.mine
        if shape.wants == REACTED:
            fits = fits and any(reaction.mine for reaction in row.reactions)
        if fits:
            return row, call.words.strip()
    raise NotFound(f"There is nothing here to /{shape.name}.", "log --json shows ids; the beginning of one names a message.")


async def pins(call: Call) -> Outcome:
    call.need_none()
    rows = (await call.api.pins(call.need_channel())).rows
    lines = tuple(f"{id_text(row.id)[:8]}  {local_time(row.time_ms)}  {one_line(row.name)}: {one_line(row.text)}" for row in rows)
    return Outcome(
        lines=lines or ("Nothing is pinned here. /pin pins the newest message, p in the timeline another.",),
        fields={"pins": [{"id": id_text(r.id), "name": r.name, "text": r.text, "time": r.time_ms} for r in rows]},
        hang=10,
    )
