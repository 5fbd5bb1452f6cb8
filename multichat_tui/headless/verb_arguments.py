"""The verbs of the command line, and what each takes: the text of its help, and what completion and the manual are made from."""

import argparse
from typing import Any

from multichat_tui.headless.completed import NAMED, SHELLS
from multichat_tui.model.limits import MAX_GRANT_QUEUES, MAX_LISTED_MAILBOXES, MAX_USES

MAX_SECONDS = 10 * 24 * 60 * 60.0


def add_verbs(verb: Any, noun: Any) -> None:
    """`verb(name, help, *aliases, within=)` makes a parser, or something that forgets what it is told where the line does not
    name it; `noun(name, help, *aliases)` makes one whose actions are verbs `within` it."""
    _profile_verbs(verb, noun)
    _program_verbs(verb, noun)
    _people_verbs(verb, noun)
    _channel_verbs(verb, noun)
    _workspace_verbs(verb, noun)
    _message_verbs(verb)
    bundle = noun("bundle", "messages in a file, for whom no network reaches")
    export = verb("export", "write what others lack into a new file, sealed for their devices", within=bundle)
    export.add_argument("file", metavar="FILE")
    whom = export.add_mutually_exclusive_group()
    whom.add_argument("name", nargs="?", metavar="NAME", help="for this person alone, with all that you share")
    whom.add_argument("-c", "--channel", metavar="CH", help="for the members of a channel, with what is in it")
    verb("import", "read what a file has for this device", within=bundle).add_argument("file", metavar="FILE")
    peer = noun("peer", "devices that are known", "peers")
    verb("list", "how each device is reached", within=peer)
    net = noun("net", "the ways to others")
    why = verb("why", "why what you wrote is not everywhere yet, device by device", within=net)
    why.add_argument(
        "which",
        nargs="?",
        default="",
        metavar="ID|NAME|#CHANNEL",
        help="one message, or the newest that waits for somebody or in a channel; without: in each channel",
    )
    _mailbox_verbs(verb, noun)
    do = verb("do", "any slash command, with its result or refusal")
    do.add_argument("-c", "--channel", metavar="CH", help="the channel that is open for the command")
    do.add_argument("line", nargs="+", metavar="COMMAND", help='such as "/whois bob"')
    do.add_argument(
        "--together",
        action="store_true",
        help="each COMMAND is one by itself, and all are done as one, or none; what has no slash is a message",
    )
    demo = verb("demo", "several nodes on this machine, talking; never touches your profile")
    demo.add_argument("--headless", action="store_true", help="play it as a transcript; exit 0 only if all was delivered")
    demo.add_argument("--stage", metavar="DIR", help=argparse.SUPPRESS)
    conforms = verb("conformance", "put the questions of the protocol's specification to an implementation")
    conforms.add_argument("--level", action="append", metavar="L", help="only this level; may be repeated")
    conforms.add_argument(
        "--answer", action="store_true", help="be the implementation that is asked: questions on standard input"
    )
    conforms.add_argument("command", nargs="*", metavar="COMMAND", help="the program to ask, after --; default: this one")


def _program_verbs(verb: Any, noun: Any) -> None:
    """About the program itself; none of them needs a profile."""
    completion = verb("completion", "a script that completes command lines")
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")
    verb("man", "the manual page, as roff: multichat man | man -l -")
    verb("complete-names", argparse.SUPPRESS).add_argument("kind", choices=NAMED)
    config = noun("config", "the configuration file")
    verb("show", "every setting that is in force, and where it was said", within=config)
    verb("path", "where the configuration file is looked for", within=config)
    verb("check", "whether the configuration file is in order", within=config)


def _profile_verbs(verb: Any, noun: Any) -> None:
    init = verb("init", "make your identity")
    init.add_argument("--name", help="what others see; can be changed later (with --restore: as before)")
    init.add_argument(
        "--recovery-file",
        metavar="F",
        help="write the recovery phrase to a new file instead of showing it; with --restore: read it from there",
    )
    init.add_argument("--no-passphrase", action="store_true", help="protect the profile by file permissions only")
    init.add_argument("--restore", action="store_true", help="bring an identity back from its recovery phrase, on a new device")
    init.add_argument("--keep-devices", action="store_true", help="with --restore: the other devices are not lost; revoke none")
    init.add_argument("--alone", action="store_true", help="with --restore: nobody knows the identity; wait for nobody")
    init.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="with --restore: seconds to wait for a contact")
    devices = noun("devices", "the devices of your identity", "device")
    verb("list", "all of them, the revoked ones too", within=devices)
    verb("revoke", "end one for good", within=devices).add_argument("name", metavar="NAME")
    rename = verb("rename", "call one something, on this device only", within=devices)
    rename.add_argument("name", metavar="NAME")
    rename.add_argument("label", metavar="LABEL", help='what to call it; "" takes the name away')
    verb("settle", "make one list of two that contradict each other", within=devices)
    account = noun("account", "your identity as a whole")
    close = verb("close", "tell all contacts that it is not used any more, and delete this profile", within=account)
    close.add_argument("--yes", action="store_true", help="do not ask")
    close.add_argument("--timeout", type=_seconds, default=20.0, metavar="S", help="seconds to wait for contacts (default: 20)")
    verb("whoami", "your user id, device, name and fingerprint")
    verb("paths", "where configuration, profile, log and socket are")
    verb("wipe", "delete this profile for good").add_argument("--yes", action="store_true", help="do not ask")
    node = verb("node", "run without a screen until SIGTERM; events on standard output")
    node.add_argument("--until-eof", action="store_true", help="end when standard input does: with whoever holds its other end")
    verb("status", "links, queue, addresses and trouble")
    verb("events", "the event stream, one JSON object per line").add_argument(
        "--channel", metavar="CH", help="only what concerns this channel"
    )


def _mailbox_verbs(verb: Any, noun: Any) -> None:
    """About one's own mailboxes, and the mailbox that a node keeps for others."""
    mailbox = noun("mailbox", "have messages kept for you while you are away; keep them for others", "mailboxes")
    verb("list", "yours: what state they are in, and what lies there for you", within=mailbox)
    add = verb("add", "let others leave messages for you in a mailbox", within=mailbox)
    add.add_argument("link", metavar="LINK", help="from whoever runs it: multichat mailbox grant NAME")
    remove = verb("remove", "give one up; it is looked into until everybody knows. Again: forget it at once", within=mailbox)
    remove.add_argument("number", type=_count(MAX_LISTED_MAILBOXES), metavar="N", help="its number in the list")

    def how(made: argparse.ArgumentParser) -> None:
        made.add_argument("--quota", metavar="SIZE", help="what it keeps in all, such as 500M or 2G (default: 1G)")
        made.add_argument(
            "--address", metavar="HOST:PORT", action="append", help="where others find it, if not where it listens; to 4"
        )

    run_help = "a node that keeps a mailbox (at port 4700 unless --listen says otherwise); makes its profile, and prints a link"
    run = verb("run", run_help, within=mailbox)
    how(run)
    run.add_argument("--recovery-file", metavar="F", help="when it makes its profile: write the recovery phrase to a new file")
    run.add_argument("--until-eof", action="store_true", help="end when standard input does: with whoever holds its other end")
    host = verb("host", "keep one on your own node, or no more; without a word: whether it does", within=mailbox)
    host.add_argument("switch", nargs="?", default="status", choices=("on", "off", "status"))
    how(host)
    host.add_argument("--lan-door", choices=("on", "off"), help="those who know it find it on the local network (default: off)")
    grant = verb("grant", "give somebody a place in it: prints the link for them", within=mailbox)
    grant.add_argument("name", metavar="NAME", help="your word for them")
    grant.add_argument("--quota", metavar="SIZE", help="what may lie there at a time (default: 64M)")
    grant.add_argument(
        "--queues", type=_count(MAX_GRANT_QUEUES), metavar="N", help="one for each contact and channel (default: 256)"
    )
    verb("grants", "who has a place", within=mailbox)
    revoke = verb("revoke", "take nothing more for somebody; what is there can be taken until it expires", within=mailbox)
    revoke.add_argument("name", metavar="NAME")
    revoke.add_argument("--now", action="store_true", help="delete what is there at once")
    verb("kept", "what is kept for whom, how much, since when, and what was refused", within=mailbox)


def _people_verbs(verb: Any, noun: Any) -> None:
    pair = noun("pair", "become contacts")
    invite = verb("invite", "make a pairing link for one person", within=pair)
    invite.add_argument("--expires", metavar="SPAN", default="1h", help="how long it is valid, such as 15m, 1h, 2d (default: 1h)")
    invite.add_argument("--qr", action="store_true", help="draw the link as a QR code too")
    _waiting(invite, "until somebody has answered")
    accept = verb("accept", "accept a pairing link and wait for the answer", within=pair)
    accept.add_argument("link", metavar="LINK")
    accept.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds to wait (default: 30)")
    nearby = verb("nearby", "meet somebody on this network: both are visible for five minutes, and compare words", within=pair)
    nearby.add_argument("code", nargs="*", metavar="CODE", help="the two words that the other person sees as their own")
    nearby.add_argument("--timeout", type=_seconds, default=300.0, metavar="S", help="seconds to wait (default: 300)")
    contact = noun("contact", "people you are paired with", "contacts")
    verb("list", "all contacts", within=contact)
    verb("show", "one contact, with the safety number", within=contact).add_argument("name", metavar="NAME")
    verify = verb("verify", "be sure who somebody is: compare words on both screens, or their safety number", within=contact)
    verify.add_argument("name", metavar="NAME")
    verify.add_argument("--number", metavar="N", help="the safety number as they read it out; nothing else is compared then")
    verify.add_argument("--timeout", type=_seconds, default=300.0, metavar="S", help="seconds to wait (default: 300)")
    verb("unverify", "take a verification back", within=contact).add_argument("name", metavar="NAME")
    warnings = verb("warnings", "warnings about people's keys; with a name: you have seen them", within=contact)
    warnings.add_argument("name", nargs="?", metavar="NAME")
    for name, help_text in (
        ("ignore", "fold what somebody writes into one line, in every channel; they are not told"),
        ("unignore", "show it again"),
        ("block", "ignore somebody, and no messages or links between the two of you; they are not told"),
        ("unblock", "take that back"),
    ):
        verb(name, help_text, within=contact).add_argument("name", metavar="NAME")
    vouch = verb("vouch", "tell your contacts that you know somebody; it verifies nobody", within=contact)
    vouch.add_argument("name", metavar="NAME")
    vouch.add_argument("note", nargs="*", metavar="NOTE", help="how you know them; your contacts see it")
    verb("unvouch", "take that back", within=contact).add_argument("name", metavar="NAME")
    verb("trust", "what speaks for somebody: who vouches for them", within=contact).add_argument("name", metavar="NAME")
    introduce = verb("introduce", "bring two of your contacts together: both are asked, and told by whom", within=contact)
    introduce.add_argument("name", metavar="NAME")
    introduce.add_argument("other", metavar="OTHER")
    introduce.add_argument("note", nargs="*", metavar="NOTE", help="what both are told beside")
    verb("ignored", "whom you ignore or have blocked", within=contact)
    verb("requests", "people who are no contacts and ask to write to you", within=contact)
    verb("accept", "take up what somebody asks", within=contact).add_argument("name", metavar="NAME")
    verb("decline", "delete what somebody asks; they are not told", within=contact).add_argument("name", metavar="NAME")


def _channel_verbs(verb: Any, noun: Any) -> None:
    channel = noun("channel", "channels", "channels")
    create = verb("create", "make a channel", within=channel)
    create.add_argument("name", metavar="NAME")
    create.add_argument("--kind", default="open", metavar="KIND", help="open (default), private, approval, broadcast or public")
    invite = verb("invite", "make a link that lets somebody into a channel", within=channel)
    invite.add_argument("channel", metavar="CH")
    invite.add_argument("--uses", type=_count(MAX_USES), default=1, metavar="N", help="how many may use it (default: 1)")
    invite.add_argument("--expires", metavar="SPAN", default="7d", help="how long it is valid (default: 7d)")
    invite.add_argument("--qr", action="store_true", help="draw the link as a QR code too")
    invite.add_argument("--read", action="store_true", help="for everybody to read, not to come in (see: channel public)")
    invite.add_argument("--role", help=argparse.SUPPRESS)
    _waiting(invite, "until somebody has come in")
    join = verb("join", "join a channel by a link, and wait to be let in", within=channel)
    join.add_argument("link", metavar="LINK")
    join.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds to wait (default: 30)")
    leave = verb("leave", "leave a channel", within=channel)
    leave.add_argument("channel", metavar="CH")
    leave.add_argument("--anyway", action="store_true", help="also as its only founder, who could have closed it")
    verb("list", "all channels and conversations", within=channel)
    verb("members", "who is in a channel", "member", within=channel).add_argument("channel", metavar="CH")
    _moderating_verbs(verb, channel)


def _workspace_verbs(verb: Any, noun: Any) -> None:
    workspace = noun("workspace", "workspaces: groups with a list of channels", "workspaces")

    def about(name: str, help_text: str, *words: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verb(name, help_text, within=workspace)
        for word in words:
            made.add_argument({"WS": "workspace", "CH": "channel"}.get(word, word.lower()), metavar=word)
        return made

    about("create", "make a workspace; as a channel it has members, roles and invitations", "NAME")
    about("list", "the workspaces that you are in")
    about("directory", "the channels on a workspace's list", "WS")
    private = "they come in by invitation, not by the list"
    for made in (
        about("make", "make a channel in a workspace", "WS", "NAME"),
        about("add", "put a channel on the list", "WS", "CH"),
    ):
        made.add_argument("--private", action="store_true", help=private)
        made.add_argument("--role", default="member", metavar="ROLE", help="which one needs in the workspace, and keeps needing")
    about("remove", "take a channel off the list; who is in it stays in it", "WS", "CH")
    join = about("join", "join a channel that is on the list, and wait to be let in", "WS", "CH")
    join.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds to wait (default: 30)")


def _moderating_verbs(verb: Any, channel: Any) -> None:
    """About people's rights in a channel. Roles and permissions are checked where they are read."""

    def about(name: str, help_text: str, *words: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verb(name, help_text, within=channel)
        made.add_argument("channel", metavar="CH")
        for word in words:
            made.add_argument("name" if word == "PERSON" else word.lower(), metavar=word)
        if words:
            made.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
        return made

    role = about("role", "make somebody an admin, moderator, member or muted, or give a rank from -1 to 100", "PERSON", "ROLE")
    role.add_argument("--for", dest="span", metavar="SPAN", help="of muted: for how long, such as 1h, 7d (default: for good)")
    about("kick", "remove somebody; an invitation lets them back in", "PERSON")
    ban = about("ban", "remove somebody and keep them out", "PERSON")
    ban.add_argument("--for", dest="span", metavar="SPAN", help="for how long, such as 1h, 7d, 2w (default: until it is lifted)")
    about("unban", "lift a ban; an invitation lets them back in", "PERSON")
    about("bans", "who is banned, until when and why")
    lockdown = about("lockdown", "let only moderators and above write and let people in")
    lockdown.add_argument("--off", action="store_true", help="open it again")
    lockdown.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
    about("permissions", "who may do what in a channel, and what you are")
    about("permission", "say who may do something in a channel", "PERMISSION", "ROLE")
    about("public", "let everybody with a link read a channel without being in it, or end that: on or off", "SWITCH")
    about("newcomers", "say what newcomers see of the history: none, joining, all, or days such as 30d", "POLICY")
    roles = about("roles", "the roles of a channel; or call a rank from 1 to 99 something")
    roles.add_argument("rank", nargs="?", metavar="RANK")
    roles.add_argument("name", nargs="?", metavar="NAME", help="what it is called; off takes the name away")
    roles.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
    kind = about("kind", "what kind of channel it is; or make it one of: open, private, approval, broadcast, public")
    kind.add_argument("kind", nargs="?", metavar="KIND")
    kind.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
    about("waiting", "who asks to be let in, where somebody has to agree")
    about("approve", "let in somebody who asks for it", "PERSON")
    about("deny", "do not let them in; they are told so, with the reason", "PERSON")
    about("slow", "let each member write one message in a span of time, such as 30s; off ends it", "SPAN")
    about("disappear", "let what is written from now on disappear after a span of time, such as 7d; off: it stays", "SPAN")
    keep = about("keep", "how much of a channel this profile keeps for itself")
    keep.add_argument("rule", nargs="?", metavar="RULE", help="30d, 1000 (messages), all; usual: as in other channels")
    for name, help_text in (("archive", "make a channel read only"), ("unarchive", "open it again"), ("close", "end a channel")):
        made = about(name, help_text)
        made.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
    made.add_argument("--yes", action="store_true", help="that is for good, and you are sure")
    _auditing_verbs(verb, channel)


def _auditing_verbs(verb: Any, channel: Any) -> None:
    """About what was done in a channel, and what members report."""

    def about(name: str, help_text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verb(name, help_text, within=channel)
        made.add_argument("channel", metavar="CH")
        return made

    log = about("modlog", "who did what to people's rights and to the channel, why, and what it is worth now")
    log.add_argument("--person", metavar="PERSON", help="only what this person did, or what was done to them")
    log.add_argument("--kind", metavar="KIND", help="only this kind, such as banned, rank, permission")
    log.add_argument("--last", metavar="SPAN", help="only what was done within this span, such as 1h, 7d")
    log.add_argument("-n", type=_count(100_000), default=50, metavar="N", dest="count", help="how many (default: 50)")
    undo = about("undo", "what can be taken back; with its number or id: take it back")
    undo.add_argument("which", nargs="?", metavar="N|ID")
    undo.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
    report = about("report", "ask the moderators to look at somebody, or at a message")
    report.add_argument("name", metavar="PERSON|ID")
    report.add_argument("words", nargs="+", metavar="REASON")
    report.add_argument("--message", action="append", metavar="ID", help="a message to look at; may be given several times")
    about("reports", "what members have reported, the open ones").add_argument(
        "--all", action="store_true", help="the settled ones too"
    )
    settle = about("settle", "say what has become of a report")
    settle.add_argument("id", metavar="N|ID", help="its number in `channel reports`, or the beginning of its id")
    settle.add_argument("outcome", choices=("done", "dismiss"))
    settle.add_argument("--reason", default="", metavar="TEXT", help="what was done, or why nothing")
    about("privacy", "who could learn what of a channel: its members, those who were, and whoever watches the network")
    about("roster", "the members with when and by whose link they came, and how much they have written")


def _message_verbs(verb: Any) -> None:
    send = verb("send", "send a message to a channel or to @CONTACT")
    send.add_argument("to", metavar="CH|@CONTACT")
    send.add_argument("text", nargs="+", metavar="TEXT", help="- reads standard input")
    send.add_argument(
        "--wait",
        choices=("queued", "delivered", "stored", "read"),
        help="queued: kept on this machine; stored: at mailboxes of all who are away; delivered: on all devices it is for; "
        "read: everybody says to have read it. "
        "Default: queued if a node runs, else tries for five seconds",
    )
    send.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds to wait with --wait (default: 30)")
    send.add_argument("--reply", metavar="ID", help="as an answer to this message, by its id or the beginning of it")
    send.add_argument(
        "--to", dest="recipients", action="append", default=[], metavar="PERSON", help="for this member alone; again for more"
    )
    send.add_argument("--expires", metavar="SPAN", help="it is gone from everywhere after so long, such as 1h, 7d")
    post = verb("post", "say the same in several channels at once: in all of them, or in none if one of them does not take it")
    post.add_argument(
        "words", nargs="+", metavar="#CH ... TEXT", help="the channels, each with its #; then the text, - reads standard input"
    )
    redact = verb("redact", "take messages away, everywhere: yours, or as a moderator those of lower ranks")
    redact.add_argument("channel", metavar="CH|@CONTACT")
    redact.add_argument("ids", nargs="+", metavar="ID", help="the beginning of a message's id, as send and log --json show it")
    redact.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
    purge = verb("purge", "take away what somebody wrote in a channel")
    purge.add_argument("channel", metavar="CH")
    purge.add_argument("name", metavar="PERSON")
    purge.add_argument("--last", metavar="SPAN", help="within this span, such as 1h, 7d")
    purge.add_argument("--all", action="store_true", help="all of it that is here")
    purge.add_argument("--reason", default="", metavar="TEXT", help="why; all in the channel see it")
    log = verb("log", "messages of a channel")
    log.add_argument("channel", metavar="CH|@CONTACT")
    log.add_argument("-n", type=_count(100_000, 0), default=50, metavar="N", dest="count", help="how many (default: 50)")
    log.add_argument("--before", metavar="ID", help="those before this message")
    log.add_argument("--follow", action="store_true", help="go on with new ones as they come")
    log.add_argument(
        "--older",
        type=_count(10**9),
        metavar="N",
        help="first fetch N of the older messages that are missing here",
    )
    log.add_argument("--timeout", type=_seconds, default=60.0, metavar="S", help="of --older (default: 60)")
    search = verb("search", "search all history, the newest first")
    search.add_argument(
        "words",
        nargs="*",
        metavar="WORDS",
        help="all must be there; also '\"a phrase\"', wor*, and filters such as from:bob in:dev",
    )
    search.add_argument(
        "--channel", action="append", default=[], metavar="CH", dest="channels", help="only there; may be repeated"
    )
    search.add_argument(
        "--from", action="append", default=[], metavar="NAME", dest="people", help="only by this person, or me; may be repeated"
    )
    date = "2026-01-31, 2026-01, 2026, today, yesterday, or a span back such as 7d"
    search.add_argument("--after", action="append", default=[], metavar="DATE", help=f"after that day: {date}")
    search.add_argument("--before", action="append", default=[], metavar="DATE", help="before that day")
    search.add_argument("-n", type=_count(100_000), default=50, metavar="N", dest="count", help="how many (default: 50)")
    edit = verb("edit", "say something else in a message of yours")
    edit.add_argument("message", metavar="ID", help="of the message; the beginning does for recent ones")
    edit.add_argument("text", nargs="+", metavar="TEXT", help="- reads standard input")
    react = verb("react", "react to a message with an emoji")
    react.add_argument("message", metavar="ID", help="of the message; the beginning does for recent ones")
    react.add_argument("emoji", metavar="EMOJI", help="itself, or its name, such as +1 or tada")
    react.add_argument("--remove", action="store_true", help="take it back")
    pin = verb("pin", "pin a message to its channel")
    pin.add_argument("message", metavar="ID", help="of the message; the beginning does for recent ones")
    pin.add_argument("--remove", action="store_true", help="take the pin away")
    verb("pins", "what is pinned in a channel").add_argument("channel", metavar="CH|@CONTACT")
    thread = verb("thread", "a message and what answers it")
    thread.add_argument("message", metavar="ID", help="of any message of the thread; the beginning does for recent ones")


def _waiting(parser: argparse.ArgumentParser, until: str) -> None:
    parser.add_argument("--wait", action="store_true", help=f"stay {until}")
    stay = "seconds to stay (default: as long as the link is valid)"
    parser.add_argument("--timeout", type=_seconds, default=None, metavar="S", help=stay)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def _count(most: int, least: int = 1) -> Any:
    def count(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return value

    return count
