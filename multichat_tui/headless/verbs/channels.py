"""Commands about channels: making, joining, leaving, listing."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import Output, counted, plain, table
from multichat_tui.headless.session import session, wait_for
from multichat_tui.headless.verbs.configuring import note_read_link
from multichat_tui.headless.verbs.people import SOMEBODY_ONLINE, draw_qr
from multichat_tui.model.errors import IntentRefused, Refusal, TimedOut, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import CreateChannel, InviteToChannel, JoinChannel, LeaveChannel
from multichat_tui.model.presets import PRESETS
from multichat_tui.model.snapshots import ChannelRow, MemberRow, Membership
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.channels import is_last_founder
from multichat_tui.node.api.commands.configuring import kind_of
from multichat_tui.node.api.commands.options import expiry_ms, link_kind, span_words
from multichat_tui.node.api.lookup import channel_label, find_channel, id_text, one_line


async def create(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        intent = CreateChannel(name=context.args.name.removeprefix("#"), kind=kind_of(context.args.kind))
        made = (await opened.api.submit(intent)).channel
        row = (await opened.api.channel(_known(made))).rows
    context.out.result(_fields(row), f"{channel_label(row)}  {id_text(row.id)}")
    if PRESETS[intent.kind].reading:
        note_read_link(context, row.name)
    return 0


async def invite(context: Context) -> int:
    args, out = context.args, context.out
    expires_in_ms = expiry_ms(args.expires)
    async with session(context.host, network=True) as opened:
        api = opened.api
        row = await find_channel(api, args.channel)
        if args.read:
            link = (await api.submit(InviteToChannel(channel=row.id, read=True))).link
            out.result({"link": link, "channel": id_text(row.id), "read": True}, str(link))
            out.note(f"Lets everybody read {channel_label(row)} until that is ended: multichat channel join LINK")
            return 0
        before = {member.user for member in (await api.members(row.id)).rows}
        intent = InviteToChannel(channel=row.id, uses=args.uses, expires_in_ms=expires_in_ms)
        link = (await api.submit(intent)).link
        out.result(
            {"link": link, "channel": id_text(row.id), "uses": args.uses, "expires_in_ms": expires_in_ms},
            str(link),
        )
        if args.qr:
            draw_qr(out, str(link))
        people = "one person" if args.uses == 1 else f"{args.uses} people"
        out.note(f"Lets {people} into {channel_label(row)} for {span_words(expires_in_ms)}: multichat channel join LINK")
        if not args.wait:
            if not opened.attached:
                out.note(SOMEBODY_ONLINE)
            return 0

        async def came() -> MemberRow | None:
            return next((member for member in (await api.members(row.id)).rows if member.user not in before), None)

        member = await wait_for(api, came, args.timeout if args.timeout is not None else expires_in_ms / 1000)
    if member is None:
        raise TimedOut("Nobody has come in by the link.", SOMEBODY_ONLINE)
    out.result(plain(member), f"{one_line(member.name)} has joined {channel_label(row)}")
    return 0


async def join(context: Context) -> int:
    args, out = context.args, context.out
    if link_kind(args.link) == "pair":
        raise UsageError("That is a pairing link.", "Use: multichat pair accept LINK")
    async with session(context.host, network=True) as opened:
        api = opened.api
        channel = _known((await api.submit(JoinChannel(link=args.link))).channel)
        row = await let_in(api, channel, args.timeout)
    return joined(out, channel, row)


async def let_in(api: NodeApi, channel: ChannelId, timeout_s: float) -> ChannelRow:
    """Wait until it is decided; the channel as it is then, or when the time is up."""

    async def decided() -> ChannelRow | None:
        row = (await api.channel(channel)).rows
        if row.membership is Membership.READING and not row.members:
            return None
        return row if row.membership is not Membership.JOINING else None

    return await wait_for(api, decided, timeout_s) or (await api.channel(channel)).rows


def joined(out: Output, channel: ChannelId, row: ChannelRow) -> int:
    """Say what came of joining. `errors.TimedOut`, `errors.IntentRefused`."""
    if row.membership is Membership.JOINING or (row.membership is Membership.READING and not row.members):
        out.result({"channel": id_text(channel), "name": None, "membership": Membership.JOINING.value}, "Joining waits.")
        why = one_line(row.note) or "No member of the channel was reached yet."
        raise TimedOut(why, "Joining goes on whenever a node of yours runs.")
    if row.membership is Membership.READING:
        out.result(_fields(row), f"Reading {channel_label(row)}, not a member")
        return 0
    if row.membership is not Membership.JOINED:
        raise IntentRefused(Refusal.NOT_ALLOWED, "You were not let in.", one_line(row.note))
    out.result(_fields(row), f"Joined {channel_label(row)}")
    return 0


async def leave(context: Context) -> int:
    async with session(context.host, network=True) as opened:
        row = await find_channel(opened.api, context.args.channel)
        if not context.args.anyway and await is_last_founder(opened.api, row):
            raise UsageError(
                f"You are the only founder of {channel_label(row)}: when you have left, nobody can close it, or name an admin.",
                "multichat channel close closes it for all first; --anyway leaves it to the others.",
            )
        await opened.api.submit(LeaveChannel(channel=row.id))
    context.out.result({"channel": id_text(row.id), "name": row.name}, f"Left {channel_label(row)}")
    if not opened.attached:
        context.out.note("The other members hear of it when a node of yours runs.")
    return 0


async def list_all(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        rows = (await opened.api.channels()).rows
    if context.out.json_lines:
        for row in rows:
            context.out.object(_fields(row))
        return 0
    cells = [
        (
            channel_label(row),
            _standing(row),
            f"{row.unread} unread" if row.unread else "",
            one_line(row.topic or row.note),
        )
        for row in rows
    ]
    context.out.result({}, *(table(cells) or ["No channels yet. multichat channel create NAME makes one."]))
    return 0


async def members(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        channel = await find_channel(opened.api, context.args.channel)
        rows = (await opened.api.members(channel.id)).rows
    if context.out.json_lines:
        for row in rows:
            context.out.object(plain(row) | {"presence": _presence(row)})
        return 0
    cells = [(one_line(row.name), row.role, _presence(row), _marks(row)) for row in rows]
    context.out.result({}, *table(cells))
    return 0


def _standing(row: ChannelRow) -> str:
    if row.membership is not Membership.JOINED:
        return row.membership.value
    return f"{counted(row.members, 'member')}, {counted(row.online, 'other')} online"


def _marks(row: MemberRow) -> str:
    return "COPIED OR LYING" if row.forked else "verified" if row.verified else ""


def _presence(row: MemberRow) -> str:
    return "online" if row.online or row.me else "offline"


def _fields(row: ChannelRow) -> dict[str, object]:
    fields: dict[str, object] = plain(row)
    return {"channel": fields.pop("id")} | fields


def _known(channel: ChannelId | None) -> ChannelId:
    if channel is None:
        raise IntentRefused(Refusal.UNKNOWN, "The node named no channel in its answer.")
    return channel
