"""Commands about the mailbox that a node keeps for others; `run` is one that does nothing else."""

import asyncio

from multichat_tui.headless.host import Context
from multichat_tui.headless.line.reading import end_of_input
from multichat_tui.headless.session import session
from multichat_tui.headless.verbs.identity import phrase_lines, recovery_file_of
from multichat_tui.model.errors import ProfileAbsent, UsageError
from multichat_tui.model.intents import GrantPlace, HostMailbox, RevokePlace
from multichat_tui.node.api.commands import hosting
from multichat_tui.node.api.launch import ProfileState
from multichat_tui.node.api.lookup import id_text

NAME = "mailbox"
"""Of a profile that is made for a mailbox alone."""
FIRST_PLACE = "first"
WHAT_FOR = (
    "It brings back the name of this node, not what it keeps, nor its place: for that, keep a copy of the profile's directory, "
    "made while nothing runs (multichat paths says where it is)."
)
ANEW = "To have it, begin with: multichat mailbox run --recovery-file F"


async def run(context: Context) -> int:
    """A node that keeps a mailbox, until SIGTERM. Makes the profile and a first place where there is none yet."""
    args, out, host = context.args, context.out, context.host
    shown = None
    # Before a profile is made, whose phrase is shown once.
    total, addresses = hosting.checked_host(args.quota, args.address)
    if host.state() is ProfileState.NEW:
        # Nobody's own device: that it is here tells of nobody, and who writes to its users can find it on their network.
        shown = True
        entropy, phrase = host.new_account()
        with recovery_file_of(args.recovery_file, phrase) as recovery_file:
            await host.create(name=NAME, passphrase=host.passphrase, account_entropy=entropy)
        if host.passphrase is None:
            out.note("Without a passphrase the profile is protected by the permissions of its files only.")
        if recovery_file is not None:
            out.note(f"The recovery phrase is in {recovery_file}. {WHAT_FOR}")
        elif out.stdout.isatty() and not out.json_lines:
            out.result({}, *phrase_lines(phrase), WHAT_FOR, "")
        else:
            # What a service prints is kept in logs.
            out.note(f"Its recovery phrase was not shown, as nobody may be looking, and is gone. {WHAT_FOR} {ANEW}")
    elif args.recovery_file:
        gone = "The recovery phrase cannot be written any more. It was made with its profile."
        raise UsageError(gone, "Leave out --recovery-file.")
    async with session(host, network=True, attach=False) as opened:
        api = opened.api
        await api.submit(HostMailbox(on=True, total_bytes=total, addresses=addresses, shown_on_lan=shown))
        row, status = (await api.hosting()).rows, (await api.status()).rows
        link = None if row.places else (await api.submit(GrantPlace(name=FIRST_PLACE))).link
        row = (await api.hosting()).rows
        lines = hosting.host_lines(row, lan=status.lan)
        if link is not None:
            lines += hosting.granted_lines(FIRST_PLACE, link)
        fields = {"event": "ready", "listen": list(status.listen), "user": id_text(status.me.user), "link": link}
        out.result(fields | hosting.host_fields(row), *lines)
        if args.until_eof:
            await end_of_input()
        else:
            await asyncio.Event().wait()
    return 0


def _need_profile(context: Context) -> None:
    """`errors.ProfileAbsent`: whoever begins here mostly wants a mailbox, and no identity of their own."""
    if context.host.state() is ProfileState.NEW:
        raise ProfileAbsent(
            f"There is no profile in {context.host.paths.profile} yet.",
            "multichat mailbox run makes one for a mailbox alone, multichat init --name NAME one for you.",
        )


async def host(context: Context) -> int:
    args = context.args
    _need_profile(context)
    async with session(context.host, network=False) as opened:
        api = opened.api
        if args.switch in ("on", "off"):
            total, addresses = hosting.checked_host(args.quota, args.address)
            shown = None if args.lan_door is None else args.lan_door == "on"
            await api.submit(HostMailbox(on=args.switch == "on", total_bytes=total, addresses=addresses, shown_on_lan=shown))
        row, lan = (await api.hosting()).rows, (await api.status()).rows.lan
    context.out.result(hosting.host_fields(row), *hosting.host_lines(row, running=opened.attached, lan=lan))
    return 0


async def grant(context: Context) -> int:
    args = context.args
    _need_profile(context)
    quota = hosting.size(args.quota) if args.quota else None
    async with session(context.host, network=False) as opened:
        accepted = await opened.api.submit(GrantPlace(name=args.name, quota_bytes=quota, queues=args.queues))
    link = accepted.link or ""
    context.out.result({"name": args.name, "link": link}, *hosting.granted_lines(args.name, link))
    return 0


async def grants(context: Context) -> int:
    _need_profile(context)
    async with session(context.host, network=False) as opened:
        row = (await opened.api.hosting()).rows
    if context.out.json_lines:
        for place in row.places:
            context.out.object(hosting.place_fields(place))
        return 0
    nothing = hosting.NO_PLACES if row.on else f"{hosting.OFF} {hosting.HOW}"
    context.out.result({}, *(tuple(hosting.place_line(place) for place in row.places) or (nothing,)))
    return 0


async def revoke(context: Context) -> int:
    _need_profile(context)
    name, at_once = context.args.name, context.args.now
    async with session(context.host, network=False) as opened:
        await opened.api.submit(RevokePlace(name=name, at_once=at_once))
    context.out.result({"name": name, "now": at_once}, *hosting.revoked_lines(name, at_once=at_once))
    return 0


async def kept(context: Context) -> int:
    _need_profile(context)
    async with session(context.host, network=False) as opened:
        row, lan = (await opened.api.hosting()).rows, (await opened.api.status()).rows.lan
    context.out.result(hosting.host_fields(row), *hosting.kept_lines(row, running=opened.attached, lan=lan))
    return 0
