"""Keys on members, as the commands that they stand for."""

from multichat_tui.model.regards import Regard
from multichat_tui.model.snapshots import MemberRow
from multichat_tui.node.api.lookup import one_line

LADDER = ("muted", "member", "moderator", "admin")


def command_about(action: str, member: MemberRow) -> str | None:
    """The line for the composer, with a space behind it for a reason; None where there is no higher or lower rank to give."""
    name = one_line(member.name)
    name = f'"{name}"' if " " in name else name
    match action:
        case "list.kick":
            return f"/kick {name} "
        case "list.ban":
            return f"/ban {name} "
        case "list.ignore" if member.regard is not Regard.NONE:
            return f"/{'unblock' if member.regard is Regard.BLOCKED else 'unignore'} {name}"
        case "list.ignore":
            return f"/ignore {name}"
        case "list.silence":
            return f"/{'unsilence' if member.role == 'muted' else 'silence'} {name} "
        case "list.promote" | "list.demote" if member.role in LADDER:
            step = LADDER.index(member.role) + (1 if action == "list.promote" else -1)
            return f"/role {name} {LADDER[step]} " if 0 <= step < len(LADDER) else None
        case _:
            return None
