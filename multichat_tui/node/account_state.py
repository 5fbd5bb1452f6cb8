"""What hinders one's own account, or is not complete yet, in words."""

from multichat_tui.node.world import World

WAITING = "Waiting for a contact to bring your account back: on the same network by itself, elsewhere with /connect HOST:PORT."
REVOKED = "This device was revoked by another device of your account: it can read what it has, and nothing more."
FORKED = "Two device lists of your account contradict each other: somebody else may have its recovery phrase. See /devices."
COPIED = "This profile is a copy or an older state of itself: it writes nothing until it has become a new device of your account."


def account_trouble(world: World) -> str:
    """Empty where nothing is wrong."""
    identity = world.identity
    if world.closed(identity.user):
        return "This account is closed."
    if identity.revoked:
        return REVOKED
    if identity.rollback:
        return COPIED
    if identity.unmet:
        return WAITING
    if identity.user in world.forks:
        return FORKED
    return ""
