"""Commands about workspaces."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.session import session
from multichat_tui.headless.verbs.channels import joined, let_in
from multichat_tui.node.api.commands import workspaces
from multichat_tui.node.api.commands.moderating import role_rank
from multichat_tui.node.api.lookup import find_channel, id_text, one_line


async def create(context: Context) -> int:
    async with session(context.host, network=True) as opened:
        done, _ = await workspaces.found(opened.api, context.args.name)
    context.out.result(done.fields, done.said)
    return 0


async def listed(context: Context) -> int:
    """All of them."""
    out = context.out
    async with session(context.host, network=False) as opened:
        rows = await workspaces.all_workspaces(opened.api)
        sizes = [len((await opened.api.directory(row.id)).rows) for row in rows]
    for row, channels in zip(rows, sizes, strict=True):
        fields = {"channel": id_text(row.id), "name": row.name, "members": row.members, "channels": channels}
        count = "1 channel" if channels == 1 else f"{channels} channels"
        out.result(fields, f"{one_line(row.name)}: {workspaces.members_words(row)}, {count}")
    if not rows and not out.json_lines:
        out.result({}, "You are in no workspace.")
    return 0


async def directory(context: Context) -> int:
    out = context.out
    async with session(context.host, network=False) as opened:
        workspace = await workspaces.find_workspace(opened.api, context.args.workspace)
        rows = (await opened.api.directory(workspace.id)).rows
    for row in rows:
        out.result(workspaces.listed_fields(row), workspaces.listed_line(row))
    if not rows and not out.json_lines:
        out.result({}, f"There is nothing on the list of {one_line(workspace.name)} yet.")
    return 0


async def make(context: Context) -> int:
    args = context.args
    async with session(context.host, network=True) as opened:
        workspace = await workspaces.find_workspace(opened.api, args.workspace)
        done, _ = await workspaces.create_in(opened.api, workspace, args.name, args.private, role_rank(args.role))
    context.out.result(done.fields, done.said)
    return 0


async def add(context: Context) -> int:
    args = context.args
    async with session(context.host, network=True) as opened:
        workspace = await workspaces.find_workspace(opened.api, args.workspace)
        channel = await find_channel(opened.api, args.channel)
        done = await workspaces.add(opened.api, workspace, channel, args.private, role_rank(args.role))
    context.out.result(done.fields, done.said)
    return 0


async def remove(context: Context) -> int:
    args = context.args
    async with session(context.host, network=True) as opened:
        workspace = await workspaces.find_workspace(opened.api, args.workspace)
        done = await workspaces.remove(opened.api, workspace, args.channel)
    context.out.result(done.fields, done.said)
    return 0


async def join(context: Context) -> int:
    args = context.args
    async with session(context.host, network=True) as opened:
        api = opened.api
        workspace = await workspaces.find_workspace(api, args.workspace)
        found = await workspaces.find_listed(api, workspace, args.channel)
        await workspaces.join_listed(api, workspace, found)
        row = await let_in(api, found.channel, args.timeout)
    return joined(context.out, found.channel, row)
