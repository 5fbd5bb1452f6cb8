"""From a parsed command line to the coroutine that does it; what comes with a later version is told here."""

import argparse
from collections.abc import Awaitable, Callable, Mapping

from multichat_tui.headless.host import Context
from multichat_tui.headless.parser import LATER_VERBS
from multichat_tui.headless.verbs import channels, identity, messages, people, running
from multichat_tui.model.errors import UsageError

Verb = Callable[[Context], Awaitable[int]]

VERBS: Mapping[tuple[str, str | None], Verb] = {
    ("init", None): identity.init,
    ("whoami", None): identity.whoami,
    ("paths", None): identity.paths,
    ("wipe", None): identity.wipe,
    ("node", None): running.node,
    ("status", None): running.status,
    ("events", None): running.events,
    ("do", None): running.do,
    ("peer", "list"): running.peer_list,
    ("pair", "invite"): people.pair_invite,
    ("pair", "accept"): people.pair_accept,
    ("contact", "list"): people.contact_list,
    ("contact", "show"): people.contact_show,
    ("channel", "create"): channels.create,
    ("channel", "invite"): channels.invite,
    ("channel", "join"): channels.join,
    ("channel", "leave"): channels.leave,
    ("channel", "list"): channels.list_all,
    ("channel", "members"): channels.members,
    ("send", None): messages.send,
    ("log", None): messages.log,
}


def refuse_later(args: argparse.Namespace) -> None:
    """`errors.UsageError` for what is in the plan and not in this version."""
    asked = {
        "init --restore": args.verb == "init" and args.restore,
        "send --reply": args.verb == "send" and args.reply is not None,
        "send --expires": args.verb == "send" and args.expires is not None,
        "send --wait stored": args.verb == "send" and args.wait == "stored",
        "send --wait read": args.verb == "send" and args.wait == "read",
        "channel invite --role": args.verb == "channel" and args.action == "invite" and args.role is not None,
        "pair nearby": (args.verb, args.action) == ("pair", "nearby"),
        "contact verify": (args.verb, args.action) == ("contact", "verify"),
        "demo without --headless": args.verb == "demo" and not args.headless,
    } | {name: args.verb == name for name in LATER_VERBS}
    for what, meant in asked.items():
        if meant:
            raise UsageError(f"{what} comes with a later version.")


async def perform(context: Context) -> int:
    """Do what the command line says; the exit code. May raise any `errors.MultichatError`."""
    return await VERBS[context.args.verb, context.args.action](context)
