"""Slash commands about workspaces and their lists of channels; and what they share with the command line."""

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import CreateChannel, CreateWorkspace, JoinListed, ListChannel, UnlistChannel
from multichat_tui.model.ranks import MEMBER, holders_words, role_of
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, ListedRow, Membership
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.moderating import Done, role_rank
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_channel, id_text, nearest, one_line

PRIVATE = "--private"
ROLE = "--role"
NAME_CELLS = 20
"""The column of /list where what a channel is about begins."""
_INSIDE = (Membership.JOINED, Membership.JOINING)
NONE_YET = "You are in no workspace. /workspace new NAME makes one; /join LINK joins one."


# Deeds, for slash commands and the command line alike


async def found(api: NodeApi, name: str) -> tuple[Done, ChannelId | None]:
    accepted = await api.submit(CreateWorkspace(name=name))
    fields: dict[str, Plain] = {"channel": id_text(accepted.channel) if accepted.channel else None, "name": name.strip()}
    said = f"The workspace {one_line(name)} is made. /workspace make NAME makes a channel in it, /invite lets people in."
    return Done(said=said, fields=fields), accepted.channel


async def create_in(
    api: NodeApi, workspace: ChannelRow, name: str, private: bool, least: int = MEMBER
) -> tuple[Done, ChannelId | None]:
    intent = CreateChannel(name=name.removeprefix("#"), workspace=workspace.id, open=not private, least=least)
    accepted = await api.submit(intent)
    how = "/invite lets people in." if private else f"{_capital(_who(least))} find it with /list and may join."
    said = f"#{one_line(intent.name)} is made in {one_line(workspace.name)}. {how}"
    fields: dict[str, Plain] = {
        "workspace": id_text(workspace.id),
        "name": intent.name,
        "open": not private,
        "role": _role(least),
    }
    channel = accepted.channel
    return Done(said=said, fields=fields | {"channel": id_text(channel) if channel else None}), channel


async def add(api: NodeApi, workspace: ChannelRow, channel: ChannelRow, private: bool, least: int = MEMBER) -> Done:
    await api.submit(ListChannel(workspace=workspace.id, channel=channel.id, open=not private, least=least))
    how = f"is on the list of {one_line(workspace.name)}" + ("." if private else f", and {_who(least)} may join.")
    return _about(workspace, channel.id, f"{channel_label(channel)} {how}")


async def remove(api: NodeApi, workspace: ChannelRow, name: str) -> Done:
    row = await find_listed(api, workspace, name)
    await api.submit(UnlistChannel(workspace=workspace.id, channel=row.channel))
    said = f"#{one_line(row.name)} is off the list of {one_line(workspace.name)}. Who is in it stays in it."
    return _about(workspace, row.channel, said)


async def join_listed(api: NodeApi, workspace: ChannelRow, row: ListedRow) -> Done:
    await api.submit(JoinListed(workspace=workspace.id, channel=row.channel))
    who = (
        "somebody of the workspace who may let people in has to be online"
        if row.role
        else "any of its members who is online lets you in"
    )
    said = f"Joining #{one_line(row.name)}: {who}."
    return _about(workspace, row.channel, said)


def _who(least: int) -> str:
    return "its members" if least <= MEMBER else holders_words(least)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _role(least: int) -> str:
    return role_of(least) if least > MEMBER else ""


def _about(workspace: ChannelRow, channel: ChannelId, said: str) -> Done:
    return Done(said=said, fields={"workspace": id_text(workspace.id), "channel": id_text(channel)})


# Looking up


async def all_workspaces(api: NodeApi) -> list[ChannelRow]:
    """Those that one is in: who was removed from one has no use for what its list said then."""
    return [row for row in (await api.channels()).rows if row.kind is ChannelKind.WORKSPACE and row.membership in _INSIDE]


async def find_workspace(api: NodeApi, name: str) -> ChannelRow:
    """By name, or the beginning of the id. `errors.NotFound`, `errors.UsageError` for what is another channel."""
    rows = await all_workspaces(api)
    if not rows:
        raise NotFound("You are in no workspace.", "/workspace new NAME makes one; /join LINK joins one.")
    try:
        row = await find_channel(api, name)
    except NotFound:
        raise NotFound(f"There is no workspace {one_line(name)[:48]!r}.", "/workspaces lists yours.") from None
    if row.kind is ChannelKind.WORKSPACE and row.membership not in _INSIDE:
        raise NotFound(f"You are not in {one_line(row.name)} any more.", "/join LINK brings you back.")
    if row.kind is not ChannelKind.WORKSPACE:
        raise UsageError(f"{channel_label(row)} is no workspace.", f"Yours: {', '.join(one_line(each.name) for each in rows)}.")
    return row


async def current_workspace(api: NodeApi, channel: ChannelId | None) -> ChannelRow:
    """Of the open channel; else the only one there is. `errors.NotFound`, `errors.UsageError`."""
    rows = await all_workspaces(api)
    here = None if channel is None else (await api.channel(channel)).rows
    if here is not None:
        fitting = [row for row in rows if row.id == here.id or row.id in here.workspaces]
        if fitting:
            return fitting[0]
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise NotFound("You are in no workspace.", "/workspace new NAME makes one; /join LINK joins one.")
    raise UsageError("Which workspace?", f"Name it, or open one first: {', '.join(one_line(row.name) for row in rows)}.")


async def find_listed(api: NodeApi, workspace: ChannelRow, name: str) -> ListedRow:
    """By name, with or without #, or the beginning of the id. `errors.NotFound`."""
    rows = (await api.directory(workspace.id)).rows
    wanted = name.strip().removeprefix("#").casefold()
    fitting = [row for row in rows if row.name.casefold() == wanted] or [
        row for row in rows if len(wanted) >= 4 and id_text(row.channel).startswith(wanted)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        ids = ", ".join(id_text(row.channel)[:8] for row in fitting)
        raise UsageError(f"Several channels on the list are called {one_line(name)}.", f"Write the beginning of its id: {ids}.")
    close = nearest(wanted, {row.name: row for row in rows})
    advice = f"Did you mean #{one_line(close)}?" if close else "/list shows the list."
    raise NotFound(f"#{one_line(name.strip().removeprefix('#'))} is not on the list of {one_line(workspace.name)}.", advice)


async def find_on_any_list(api: NodeApi, channel: ChannelId | None, name: str) -> tuple[ChannelRow, ListedRow] | None:
    """A channel of this name on a list of ours: that of the open channel's workspace first. None: there is none."""
    rows = await all_workspaces(api)
    if rows and channel is not None:
        here = (await api.channel(channel)).rows
        rows.sort(key=lambda row: row.id != here.id and row.id not in here.workspaces)
    for workspace in rows:
        try:
            return workspace, await find_listed(api, workspace, name)
        except NotFound:
            continue
    return None


# What is read


def members_words(row: ChannelRow) -> str:
    return "1 member" if row.members == 1 else f"{row.members} members"


def listed_fields(row: ListedRow) -> dict[str, Plain]:
    return {
        "channel": id_text(row.channel),
        "name": row.name,
        "topic": row.topic,
        "joined": row.joined,
        "open": row.open,
        "role": row.role,
        "members": row.members,
    }


def listed_line(row: ListedRow) -> str:
    """The name, whether one is in it, and what it is about."""
    people = "" if row.members is None else f"you and {row.members - 1} more" if row.members > 1 else "you alone"
    way = f"open: /join #{one_line(row.name)}" if row.fits else f"for those of the role {row.role}"
    state = people or ("joining" if row.joining else way if row.open else "by invitation")
    state += f", for {row.role}" if people and row.role else ""
    topic = f"  {one_line(row.topic)}" if row.topic else ""
    return f"{'#' + one_line(row.name):<{NAME_CELLS}}  {state}{topic}"


# Slash commands


async def workspaces(call: Call) -> Outcome:
    call.need_none()
    rows = await all_workspaces(call.api)
    lines, told = [], []
    for row in rows:
        listed = (await call.api.directory(row.id)).rows
        inside = sum(1 for each in listed if each.joined)
        lines.append(f"{one_line(row.name):<{NAME_CELLS}}  {members_words(row)}, in {inside} of {len(listed)} channels")
        fields: dict[str, Plain] = {"channel": id_text(row.id), "name": row.name, "members": row.members}
        told.append(fields | {"channels": len(listed), "joined": inside})
    return Outcome(lines=tuple(lines) or (NONE_YET,), fields={"workspaces": list(told)}, hang=NAME_CELLS + 2)


async def listing(call: Call) -> Outcome:
    api = call.api
    workspace = await find_workspace(api, call.words) if call.words else await current_workspace(api, call.channel)
    rows = (await api.directory(workspace.id)).rows
    empty = f"There is nothing on the list of {one_line(workspace.name)} yet. /workspace make NAME makes a channel in it."
    return Outcome(
        lines=tuple(map(listed_line, rows)) or (empty,),
        fields={"workspace": id_text(workspace.id), "channels": [listed_fields(row) for row in rows]},
        hang=NAME_CELLS + 2,
    )


async def workspace(call: Call) -> Outcome:
    """`new NAME`, `make NAME` (once called `create`), `add [#CHANNEL]`, `remove #CHANNEL`; else the name of one to be opened."""
    verb, _, rest = call.need_words().partition(" ")
    rest, private = _without(rest.strip(), PRIVATE)
    rest, least = _role_asked(rest)
    api = call.api
    match verb.lower():
        case "new" if rest:
            done, made = await found(api, rest)
            return Outcome(lines=(done.said,), fields=done.fields, open_channel=made)
        case "make" | "create" if rest:
            done, made = await create_in(api, await current_workspace(api, call.channel), rest, private, least)
            return Outcome(lines=(done.said,), fields=done.fields, open_channel=made)
        case "add":
            row = await find_channel(api, rest) if rest else (await api.channel(call.need_channel())).rows
            return (await add(api, await _other_workspace(call, row), row, private, least)).outcome()
        case "remove" if rest:
            return (await remove(api, await current_workspace(api, call.channel), rest)).outcome()
        case "new" | "make" | "create" | "remove":
            raise call.misused()
        case _:
            row = await find_workspace(api, call.words)
            return Outcome(lines=(), fields={"channel": id_text(row.id), "name": row.name}, open_channel=row.id)


async def _other_workspace(call: Call, channel: ChannelRow) -> ChannelRow:
    """Where a channel is to be put on the list: the only one that it is not on."""
    rows = [row for row in await all_workspaces(call.api) if row.id not in channel.workspaces]
    if len(rows) == 1:
        return rows[0]
    return await current_workspace(call.api, call.channel)


def _without(words: str, option: str) -> tuple[str, bool]:
    """(the words but for the option, whether it was there)."""
    parts = words.split()
    return (" ".join(part for part in parts if part != option), True) if option in parts else (words, False)


def _role_asked(words: str) -> tuple[str, int]:
    """(the words but for `--role ROLE`, the rank). `errors.UsageError`."""
    parts = words.split()
    if ROLE not in parts:
        return words, MEMBER
    at = parts.index(ROLE)
    if at + 1 == len(parts):
        raise UsageError("--role is followed by the role that one needs in the workspace.", "Such as: --role moderator")
    return " ".join(parts[:at] + parts[at + 2 :]), role_rank(parts[at + 1])
