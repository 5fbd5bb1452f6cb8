"""From a parsed command line to the coroutine that does it."""

from collections.abc import Awaitable, Callable, Mapping

from multichat_tui.headless.conformance import conformance
from multichat_tui.headless.host import Context
from multichat_tui.headless.verbs import (
    asking,
    auditing,
    channels,
    configuring,
    devices,
    identity,
    messages,
    moderating,
    names,
    people,
    regards,
    running,
    searching,
    serving,
    trust,
)

Verb = Callable[[Context], Awaitable[int]]

VERBS: Mapping[tuple[str, str | None], Verb] = {
    ("complete-names", None): names.complete_names,
    ("init", None): identity.init,
    ("whoami", None): identity.whoami,
    ("paths", None): identity.paths,
    ("wipe", None): identity.wipe,
    ("devices", "list"): devices.list_all,
    ("devices", "revoke"): devices.revoke,
    ("devices", "rename"): devices.rename,
    ("devices", "settle"): devices.settle,
    ("account", "close"): devices.close_account,
    ("node", None): running.node,
    ("status", None): running.status,
    ("events", None): running.events,
    ("do", None): running.do,
    ("peer", "list"): running.peer_list,
    ("pair", "invite"): people.pair_invite,
    ("pair", "accept"): people.pair_accept,
    ("pair", "nearby"): trust.pair_nearby,
    ("contact", "verify"): trust.contact_verify,
    ("contact", "unverify"): trust.contact_unverify,
    ("contact", "warnings"): trust.contact_warnings,
    ("contact", "list"): people.contact_list,
    ("contact", "show"): people.contact_show,
    ("contact", "requests"): asking.requests,
    ("contact", "accept"): asking.accept,
    ("contact", "decline"): asking.decline,
    ("contact", "ignore"): regards.ignore,
    ("contact", "block"): regards.block,
    ("contact", "unignore"): regards.unignore,
    ("contact", "unblock"): regards.unblock,
    ("contact", "ignored"): regards.ignored,
    ("channel", "create"): channels.create,
    ("channel", "invite"): channels.invite,
    ("channel", "join"): channels.join,
    ("channel", "leave"): channels.leave,
    ("channel", "list"): channels.list_all,
    ("channel", "members"): channels.members,
    ("channel", "role"): moderating.role,
    ("channel", "kick"): moderating.kick,
    ("channel", "ban"): moderating.ban,
    ("channel", "unban"): moderating.unban,
    ("channel", "bans"): moderating.bans,
    ("channel", "lockdown"): moderating.lockdown,
    ("channel", "permissions"): moderating.permissions,
    ("channel", "permission"): moderating.permission,
    ("channel", "modlog"): auditing.modlog,
    ("channel", "undo"): auditing.undo,
    ("channel", "report"): auditing.report,
    ("channel", "reports"): auditing.reports,
    ("channel", "settle"): auditing.settle,
    ("channel", "roster"): auditing.roster,
    ("channel", "slow"): configuring.slow,
    ("channel", "archive"): configuring.archive,
    ("channel", "unarchive"): configuring.unarchive,
    ("channel", "close"): configuring.close,
    ("channel", "newcomers"): serving.newcomers,
    ("send", None): messages.send,
    ("log", None): messages.log,
    ("thread", None): messages.thread,
    ("conformance", None): conformance,
    ("search", None): searching.search,
}


async def perform(context: Context) -> int:
    """Do what the command line says; the exit code. May raise any `errors.MultichatError`."""
    return await VERBS[context.args.verb, context.args.action](context)
