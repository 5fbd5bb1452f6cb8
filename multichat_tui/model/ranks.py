"""Ranks, and what they are needed for (authority.md). A rank is an integer; more may do more."""

from enum import IntEnum

FOUNDER = 1000
"""Above every rank that can be given. Fixed by the root."""
ADMIN = 100
MODERATOR = 50
MEMBER = 0
MUTED = -1
"""Present, and silent."""
RANKS = {"founder": FOUNDER, "admin": ADMIN, "moderator": MODERATOR, "member": MEMBER, "muted": MUTED}
"""The ranks that every channel has, by name."""


class Permission(IntEnum):
    """What a channel can ask a rank for: each has a threshold, the least rank that may."""

    SEND = 1
    INVITE = 2
    """Make invitations. To one's own rank only where that is MEMBER; else to ranks below."""
    ADMIT = 3
    """Let in who holds an invitation."""
    MODERATE = 4
    """Mute, remove, ban, redact: those of lower rank."""
    APPOINT = 5
    """Give ranks above MEMBER, below one's own."""
    CHANGE = 6
    """Change thresholds and settings."""
    TOPIC = 7
    RENAME = 8
    PIN = 9
    REACT = 10
    LINKS = 11
    FILES = 12
    PROFILE = 13
    """Change the name by which one goes here: who may not is shown by the one that they joined with."""
    CREATE = 14
    """Make channels, in a workspace."""


OF_CONTENT = frozenset({Permission.SEND, Permission.PIN, Permission.REACT, Permission.LINKS, Permission.FILES})
"""What content needs: raising one of these draws a fence."""

THRESHOLDS: dict[Permission, int] = {
    Permission.SEND: MEMBER,
    Permission.INVITE: MEMBER,
    Permission.ADMIT: MEMBER,
    Permission.MODERATE: MODERATOR,
    Permission.APPOINT: ADMIN,
    Permission.CHANGE: ADMIN,
    Permission.TOPIC: MEMBER,
    Permission.RENAME: ADMIN,
    Permission.PIN: MODERATOR,
    Permission.REACT: MEMBER,
    Permission.LINKS: MEMBER,
    Permission.FILES: MEMBER,
    Permission.PROFILE: MEMBER,
    Permission.CREATE: ADMIN,
}
"""As long as nobody has changed them."""

DEEDS = {
    Permission.SEND: "write",
    Permission.INVITE: "invite people",
    Permission.ADMIT: "let people in",
    Permission.MODERATE: "mute, remove and ban",
    Permission.APPOINT: "give ranks",
    Permission.CHANGE: "change permissions",
    Permission.TOPIC: "set the topic",
    Permission.RENAME: "rename the channel",
    Permission.PIN: "pin messages",
    Permission.REACT: "react",
    Permission.LINKS: "send links",
    Permission.FILES: "send files",
    Permission.PROFILE: "change their names",
    Permission.CREATE: "make channels",
}
"""What each is for, in words."""


def role_of(rank: int) -> str:
    """The name of a rank, or its number."""
    return next((name for name, known in RANKS.items() if known == rank), f"rank {rank}")


def standing_words(rank: int) -> str:
    """What somebody of this rank is: `a moderator`, `muted`, `of rank 20`."""
    role = role_of(rank)
    if rank == MUTED:
        return role
    return f"of {role}" if rank not in RANKS.values() else f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


def holders_words(least: int) -> str:
    """Who has this rank at least: `founders`, `moderators and above`, `those of rank 20 and above`, `all members`."""
    if least > ADMIN:
        return "founders"
    if least <= MUTED:
        return "all members, the muted too"
    if least == MEMBER:
        return "all members"
    return f"{role_of(least)}s and above" if least in RANKS.values() else f"those of {role_of(least)} and above"
