"""Slash commands: the same in the terminal's composer and in `multichat do`. Each turns into intents and reads of `node.api`."""

from collections.abc import Collection

from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import (
    acting,
    asking,
    auditing,
    bundles,
    channels,
    configuring,
    devices,
    disappearing,
    exposing,
    general,
    hindering,
    joins,
    keeping,
    mailboxes,
    moderating,
    people,
    posting,
    reading,
    redacting,
    regards,
    reporting,
    screens,
    searching,
    serving,
    together,
    trust,
    workspaces,
)
from multichat_tui.node.api.commands.shape import (
    FILES,
    MAILBOXES,
    NAMES,
    PLACES,
    REPORTED,
    UNDOABLE,
    WAITING,
    Call,
    Command,
    Outcome,
)
from multichat_tui.node.api.lookup import nearest

__all__ = ["COMMANDS", "Call", "Command", "Outcome", "is_command", "run_command"]

USAGE_CELLS = 25
"""The column of usages in /help; a longer one has a line of its own."""


def is_command(text: str) -> bool:
    """Whether a line typed by the user is meant as a command. Two slashes begin a message with one."""
    return text.startswith("/") and not text.startswith("//")


def goes_elsewhere(line: str) -> bool:
    """Whether what is written behind this command is meant for a channel that it opens; also where that is mistyped."""
    name = line[1:].split(maxsplit=1)[0].lower() if line[1:].strip() else ""
    command = _BY_NAME.get(name) or _BY_NAME.get(nearest(name, _BY_NAME) or "")
    return command is not None and command.goes


async def run_command(
    api: NodeApi,
    channel: ChannelId | None,
    line: str,
    passphrase: str | None = None,
    *,
    screens: bool = False,
    compared: Collection[ComparisonId] = (),
) -> Outcome:
    """Do what `line` says; `channel` is the one that is open. May raise any `errors.MultichatError`.

    `screens`: the caller has some, and does what `Outcome.screen` asks for; for others that is refused.
    `compared`: comparisons whose words it has shown as lines.
    """
    if not is_command(line):
        raise UsageError("A command begins with one slash.", "/help lists them.")
    head = line[1:].split(maxsplit=1)
    name = head[0].lower() if head and not line[1:2].isspace() else ""
    command = _command_named(name)
    if command is None:
        close = nearest(name, _BY_NAME)
        advice = f"Did you mean /{close}?" if close else "/help lists the commands; // begins a message with a slash."
        raise UsageError(f"There is no command /{name[:40]}." if name.isprintable() else "There is no such command.", advice)
    words = head[1].strip() if len(head) > 1 else ""
    outcome = await command.run(
        Call(
            api=api,
            channel=channel,
            words=words,
            usage=command.usage,
            summary=command.summary,
            passphrase=passphrase,
            compared=compared,
        )
    )
    if outcome.screen and not screens:
        raise UsageError(f"/{command.name} is about the screens.", "Type it there; /set changes settings from here too.")
    return outcome


async def _help(call: Call) -> Outcome:
    if not call.words:
        lines: list[str] = []
        for each in COMMANDS:
            beside = len(each.usage) <= USAGE_CELLS
            lines += [] if beside else [each.usage]
            lines.append(f"{each.usage if beside else '':<{USAGE_CELLS}}  {each.summary}")
        return Outcome(
            lines=(*lines, "", "// begins a message with a slash. Names with spaces stand in double quotes."),
            hang=USAGE_CELLS + 2,
            fields={"commands": [{"name": c.name, "usage": c.usage, "summary": c.summary} for c in COMMANDS]},
        )
    name = call.words.removeprefix("/").lower()
    command = _BY_NAME.get(name)
    if command is None:
        close = nearest(name, _BY_NAME)
        raise UsageError("There is no such command.", f"Did you mean /{close}?" if close else "/help lists them.")
    also = f"Also: {', '.join('/' + alias for alias in command.aliases)}." if command.aliases else ""
    return Outcome(
        lines=tuple(line for line in (command.usage, command.summary, also) if line),
        fields={"name": command.name, "usage": command.usage, "summary": command.summary},
    )


def _command_named(name: str) -> Command | None:
    """Also of types of resources that were registered later than this module was read."""
    return _BY_NAME.get(name) or next((each for each in acting.resource_commands() if each.name == name), None)


async def _together(call: Call) -> Outcome:
    return await together.together(call, _command_named)


COMMANDS: tuple[Command, ...] = (
    Command(name="help", usage="/help [COMMAND]", summary="list the commands, or explain one", run=_help, aliases=("h",)),
    Command(
        name="create",
        goes=True,
        usage="/create NAME [--private|--approval|--broadcast|--public]",
        summary="make a channel",
        run=channels.create,
        takes=(configuring.KIND_FLAGS,) * 4,
    ),
    Command(
        name="join",
        goes=True,
        usage="/join LINK|#NAME",
        summary="join a channel by an invitation link, or by its name on the list of a workspace",
        run=channels.join,
        aliases=("j",),
    ),
    Command(
        name="workspace",
        goes=True,
        usage="/workspace NAME | new NAME | make NAME | add [CHANNEL] | remove CHANNEL [--private] [--role ROLE]",
        summary="open a workspace, make one, or make, put and take channels on and off its list",
        run=workspaces.workspace,
        takes=(("new", "create", "add", "remove"),),
    ),
    Command(name="workspaces", usage="/workspaces", summary="the workspaces that you are in", run=workspaces.workspaces),
    Command(
        name="list",
        usage="/list [WORKSPACE]",
        summary="the channels of this workspace; /join #NAME joins one that is open",
        run=workspaces.listing,
        aliases=("directory",),
    ),
    Command(
        name="invite",
        usage="/invite [CHANNEL] [uses=N] [expires=7d] | read",
        summary="make a link that lets somebody into this channel, or lets everybody read it",
        run=channels.invite,
    ),
    Command(name="leave", usage="/leave [CHANNEL] [anyway]", summary="leave this channel", run=channels.leave, aliases=("part",)),
    Command(
        name="switch",
        goes=True,
        usage="/switch CHANNEL",
        summary="open a channel, or @NAME for the conversation with a person",
        run=reading.switch,
        aliases=("goto",),
    ),
    Command(name="unread", usage="/unread", summary="the channels that hold something unread", run=reading.unread),
    Command(name="last", usage="/last [N]", summary="the newest messages of this channel once more", run=reading.last),
    Command(
        name="older",
        usage="/older [N]",
        summary="fetch N more of the messages that are missing from this channel's history",
        run=reading.older,
    ),
    Command(
        name="bundle",
        usage="/bundle export FILE [NAME|#CHANNEL] | import FILE",
        summary="messages in a file, for whom no network reaches: write what they lack, or read what it has for this device",
        run=bundles.bundle,
        takes=(("export", "import"),),
        after={"export": (FILES, NAMES), "import": (FILES,)},
    ),
    Command(
        name="search",
        usage="/search WORDS",
        summary='search all history: words, "a phrase", from:NAME, in:CHANNEL, before: after: on: a date',
        run=searching.search,
        aliases=("find",),
    ),
    Command(
        name="jump",
        goes=True,
        usage="/jump ID|DATE",
        summary="go to a message by the beginning of its id, or to a day in this channel (2026-01-31, yesterday, 7d)",
        run=searching.jump,
    ),
    Command(name="names", usage="/names [CHANNEL]", summary="who is in this channel", run=channels.names, aliases=("members",)),
    Command(name="topic", usage="/topic [TEXT]", summary="show or set the topic", run=channels.topic),
    Command(name="rename", usage="/rename NAME", summary="give this channel another name", run=channels.rename),
    Command(
        name="role",
        usage="/role NAME ROLE [REASON]",
        summary="make somebody here an admin, moderator, member or muted, or give a rank from -1 to 100",
        run=moderating.role,
        takes=(NAMES, moderating.ROLES),
    ),
    Command(
        name="roles",
        usage="/roles [RANK NAME|off] [REASON]",
        summary="the roles of this channel; or call a rank from 1 to 99 something, such as /roles 20 reviewer",
        run=configuring.roles,
    ),
    Command(
        name="silence",
        usage="/silence NAME [1h] [REASON]",
        summary="let somebody read here, and not write, for a time or until it is lifted",
        run=moderating.mute_member,
        takes=(NAMES, ("1h", "1d", "7d")),
    ),
    Command(
        name="unsilence",
        usage="/unsilence NAME [REASON]",
        summary="let them write again",
        run=moderating.unmute_member,
        takes=(NAMES,),
    ),
    Command(
        name="kick",
        usage="/kick NAME [REASON]",
        summary="remove somebody from this channel; an invitation lets them back in",
        run=moderating.kick_member,
        takes=(NAMES,),
    ),
    Command(
        name="ban",
        usage="/ban NAME [for=7d] [REASON]",
        summary="remove somebody and keep them out, for a time or until it is lifted",
        run=moderating.ban_member,
        takes=(NAMES, (f"{moderating.SPAN}1d", f"{moderating.SPAN}7d", f"{moderating.SPAN}4w")),
    ),
    Command(
        name="unban",
        usage="/unban NAME [REASON]",
        summary="lift a ban; an invitation lets them back in",
        run=moderating.unban_member,
        takes=(NAMES,),
    ),
    Command(name="bans", usage="/bans", summary="who is banned from this channel, until when and why", run=moderating.bans),
    Command(
        name="lockdown",
        usage="/lockdown [off] [REASON]",
        summary="let only moderators and above write and let people in, until /lockdown off",
        run=moderating.lockdown,
        takes=((moderating.OPEN_AGAIN,),),
    ),
    Command(
        name="moderate",
        usage="/moderate",
        summary="the moderation console: reports, who has come, the log; many people at once",
        run=screens.moderation,
        aliases=("mod",),
    ),
    Command(
        name="modlog",
        usage="/modlog [NAME] [kind=K] [last=7d] [N]",
        summary="who did what here to people's rights and to the channel, why, and what it is worth now",
        run=auditing.modlog,
        aliases=("audit",),
        takes=((*NAMES, *(f"kind={kind}" for kind in auditing.KINDS), "last=1d", "last=7d"),),
    ),
    Command(
        name="undo",
        usage="/undo [N] [REASON]",
        summary="what was done here lately that can be taken back, and what that would do; with its number: take it back",
        run=auditing.undo,
        takes=(UNDOABLE,),
    ),
    Command(
        name="report",
        usage="/report NAME|ID REASON",
        summary="ask the moderators to look at somebody here, or at a message by the beginning of its id",
        run=reporting.report_somebody,
        takes=(NAMES,),
    ),
    Command(
        name="reports",
        usage="/reports [all | N done|dismiss [REASON]]",
        summary="what was reported here; moderators settle it",
        run=reporting.reports,
        takes=(REPORTED, ("done", "dismiss")),
    ),
    Command(
        name="delete",
        usage="/delete [ID]",
        summary="take a message of yours away, everywhere: the one with this beginning of its id, or your newest here",
        run=redacting.delete,
        aliases=("del",),
    ),
    Command(
        name="redact",
        usage="/redact ID[,ID...] [REASON]",
        summary="take messages away, everywhere: yours, or as a moderator those of lower ranks",
        run=redacting.redact_messages,
    ),
    Command(
        name="purge",
        usage="/purge NAME last 1h|all [REASON]",
        summary="take away all that somebody wrote here, lately or ever",
        run=redacting.purge_messages,
        takes=(NAMES, redacting.PURGE_SPANS),
    ),
    Command(
        name="expire",
        usage="/expire [SPAN|off] [TEXT]",
        summary="let what you send here disappear after a span of time, such as 1h; with a text: send that so",
        run=disappearing.expire,
        takes=(("1h", "1d", "7d", "off"),),
    ),
    Command(
        name="disappear",
        usage="/disappear [SPAN|off] [REASON]",
        summary="let all that is written in this channel from now on disappear after a span of time",
        run=disappearing.retention,
        takes=(("1h", "1d", "7d", "4w", "off"),),
    ),
    Command(
        name="keep",
        usage="/keep [DAYSd|COUNT|all|usual]",
        summary="how much of this channel stays on this device: texts of so many days, or so many of the newest messages",
        run=keeping.keep,
        takes=(keeping.RULES,),
    ),
    Command(
        name="permissions",
        usage="/permissions",
        summary="who may do what in this channel, and what you are",
        run=moderating.permissions,
    ),
    Command(
        name="permission",
        usage="/permission NAME [ROLE] [REASON]",
        summary="say who may do something here, such as /permission send moderator",
        run=moderating.permission,
        aliases=("perm",),
        takes=(moderating.PERMISSIONS, (*moderating.ROLES, "founder")),
    ),
    Command(
        name="together",
        usage="/together COMMAND ; COMMAND ; ...",
        summary="do several things in this channel as one, all of them or none; what has no slash is a message",
        run=_together,
    ),
    Command(
        name="slow",
        usage="/slow [SPAN|off] [REASON]",
        summary="let each member write one message in a span of time, such as 30s",
        run=configuring.slow,
        takes=(("10s", "30s", "5m", configuring.OFF),),
    ),
    Command(
        name="to",
        usage="/to NAME[,NAME...] TEXT",
        summary="write to some members of this channel: the others see that there is a message, and not its text",
        run=serving.to,
        takes=(NAMES,),
    ),
    Command(
        name="post",
        usage=posting.USAGE,
        summary="say the same in several channels at once: in all of them, or in none if one of them does not take it",
        run=posting.post_message,
    ),
    Command(
        name="privacy",
        usage="/privacy",
        summary="who could learn what of this channel: its members, those who were, and whoever watches the network",
        run=exposing.privacy,
    ),
    Command(
        name="public",
        usage="/public [on|off] [REASON]",
        summary="let everybody with a link read this channel without being in it",
        run=serving.public,
        takes=(serving.SWITCH,),
    ),
    Command(
        name="newcomers",
        usage="/newcomers [none|joining|DAYSd|all] [REASON]",
        summary="say what newcomers see of this channel's history",
        run=serving.newcomers,
        takes=(serving.POLICIES,),
    ),
    Command(
        name="kind",
        usage="/kind [KIND] [REASON]",
        summary="what kind of channel this is: open, private, by approval, broadcast, public; with a name: make it that",
        run=configuring.kind,
        takes=(configuring.KINDS,),
    ),
    Command(name="joins", usage="/joins", summary="who asks to be let into this channel", run=joins.joins),
    Command(
        name="approve", usage="/approve NAME", summary="let in somebody who asks for it", run=joins.approve_join, takes=(WAITING,)
    ),
    Command(
        name="deny",
        usage="/deny NAME [REASON]",
        summary="do not let them in; they are told so, with the reason",
        run=joins.deny_join,
        takes=(WAITING,),
    ),
    Command(
        name="archive",
        usage="/archive [REASON]",
        summary="make this channel read only, and put it at the end of the list",
        run=configuring.archive_channel,
    ),
    Command(name="unarchive", usage="/unarchive [REASON]", summary="open it again", run=configuring.unarchive_channel),
    Command(
        name="close",
        usage=f"/close {configuring.SURE} [REASON]",
        summary="end this channel: nobody writes or comes in any more (founders only)",
        run=configuring.close_channel,
    ),
    Command(
        name="pair",
        usage="/pair [LINK | nearby]",
        summary="become somebody's contact: by a link of yours or theirs, or with somebody on this network",
        run=people.pair,
        takes=(("nearby",),),
    ),
    Command(
        name="msg",
        goes=True,
        usage="/msg NAME TEXT",
        summary="write to one person",
        run=people.message,
        aliases=("m", "dm"),
        takes=(NAMES,),
    ),
    Command(
        name="query",
        goes=True,
        usage="/query NAME",
        summary="open the conversation with one person",
        run=people.query,
        takes=(NAMES,),
        aliases=("q",),
    ),
    Command(
        name="whois",
        usage="/whois NAME",
        summary="fingerprint, safety number and path of a person",
        run=people.whois,
        takes=(NAMES,),
    ),
    Command(name="qr", usage="/qr [LINK]", summary="a link as a QR code; without one a new pairing link", run=people.qr),
    Command(
        name="verify",
        usage="/verify [NAME [NUMBER]]",
        summary="be sure who somebody is: compare words on both screens, or their safety number",
        run=trust.verify,
        takes=(NAMES,),
    ),
    Command(name="unverify", usage="/unverify NAME", summary="take that back", run=trust.unverify, takes=(NAMES,)),
    Command(name="requests", usage="/requests", summary="who is no contact and asks to write to you", run=asking.requests),
    Command(
        name="accept",
        usage="/accept NAME",
        summary="take up what somebody asks",
        run=asking.accept,
        goes=True,
    ),
    Command(name="decline", usage="/decline NAME", summary="delete what somebody asks; they are not told", run=asking.decline),
    Command(
        name="ignore",
        usage="/ignore NAME",
        summary="fold what somebody writes into one line, in every channel; they are not told",
        run=regards.ignore,
        takes=(NAMES,),
    ),
    Command(name="unignore", usage="/unignore NAME", summary="show it again", run=regards.unignore, takes=(NAMES,)),
    Command(
        name="block",
        usage="/block NAME",
        summary="ignore somebody, and no messages or links between the two of you; they are not told",
        run=regards.block,
        takes=(NAMES,),
    ),
    Command(name="unblock", usage="/unblock NAME", summary="take that back", run=regards.unblock, takes=(NAMES,)),
    Command(name="ignored", usage="/ignored", summary="whom you ignore or have blocked", run=regards.ignored),
    Command(
        name="trust",
        usage="/trust [NAME]",
        summary="warnings about people's keys; with a name: you have seen them, or what speaks for that person",
        run=trust.trust,
        takes=(NAMES,),
    ),
    Command(
        name="vouch",
        usage="/vouch NAME [NOTE]",
        summary="tell your contacts that you know somebody; it verifies nobody",
        run=trust.vouch,
        takes=(NAMES,),
    ),
    Command(name="unvouch", usage="/unvouch NAME", summary="take that back", run=trust.unvouch, takes=(NAMES,)),
    Command(
        name="introduce",
        usage="/introduce NAME NAME [NOTE]",
        summary="bring two of your contacts together: both are asked, and told by whom",
        run=trust.introduce,
        takes=(NAMES, NAMES),
    ),
    Command(name="nick", usage="/nick [NAME]", summary="show or change your own name", run=people.nick),
    Command(
        name="devices",
        usage="/devices [revoke NAME]",
        summary="the devices of your account; ends one; also: rename NAME LABEL, settle",
        run=devices.devices,
        takes=(("revoke", "rename", "settle"),),
    ),
    Command(
        name="account",
        usage="/account close YOUR-NAME",
        summary="tell everybody that this account is not used any more",
        run=devices.account,
    ),
    Command(name="status", usage="/status", summary="links, queue, addresses and trouble of this node", run=general.status),
    Command(name="peers", usage="/peers", summary="the devices this node knows, and how they are reached", run=general.peers),
    Command(
        name="net",
        usage="/net why [ID | NAME | #CHANNEL]",
        summary="why what you wrote is not everywhere yet, device by device: what waits, also for somebody, or one message",
        run=hindering.net,
        takes=(("why",), NAMES),
    ),
    Command(
        name="mailbox",
        usage="/mailbox [list | add LINK | remove N | host | grant NAME | grants | revoke NAME | kept]",
        summary="where others leave messages for you while you are away; and to keep such for others on this node",
        run=mailboxes.mailbox,
        takes=(tuple(mailboxes.ACTS),),
        after={"remove": (MAILBOXES,), "host": (("on", "off"),), "grant": (NAMES,), "revoke": (PLACES, ("now",))},
    ),
    Command(name="connect", usage="/connect HOST:PORT", summary="look for peers at an address too", run=general.connect),
    Command(
        name="set",
        usage="/set [KEY [VALUE]]",
        summary="show or change settings",
        run=general.change_setting,
        aliases=("setting",),
    ),
    Command(name="thread", usage="/thread", summary="open the thread of the message under the cursor", run=screens.thread),
    Command(name="theme", usage="/theme [NAME]", summary="choose the colours, seeing each", run=screens.theme),
    Command(
        name="bind",
        usage="/bind [ACTION [KEY...]]",
        summary="show the keys, or give an action others",
        run=screens.bind,
        aliases=("keys",),
    ),
    Command(
        name="unbind", usage="/unbind ACTION [KEY]", summary="give an action its own keys back, or take one", run=screens.unbind
    ),
    Command(
        name="history",
        usage="/history [clear [all]]",
        summary="what you have entered here, or forget it; /set history off keeps nothing",
        run=general.history,
        takes=(("clear",),),
    ),
    Command(
        name="log",
        usage="/log",
        summary="where the log file is, and what is logged, as it comes; /set log debug logs more",
        run=screens.log,
    ),
    Command(name="pins", usage="/pins", summary="what is pinned in this channel", run=acting.pins),
    *acting.resource_commands(),
    Command(
        name="lock",
        usage="/lock",
        summary="hide everything on this terminal until the passphrase is typed; /set lock.idle 10m does it by itself",
        run=screens.lock,
    ),
    Command(name="quit", usage="/quit", summary="end the program", run=general.quit_program, aliases=("exit",)),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
