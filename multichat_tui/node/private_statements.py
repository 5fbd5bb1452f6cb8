"""Statements that are for one's own contacts alone: whom one vouches for, and introductions, each for its reader.

They are told by their author only, over a link with a contact, and taken from nobody else: who is told something passes it on to
nobody, and who is shown what is not the peer's own refuses it.
"""

from multichat_tui.model.ids import UserId
from multichat_tui.model.statements import PRIVATE, Statement, StatementKind
from multichat_tui.node.world import World


def told_to(world: World, user: UserId | None) -> tuple[Statement, ...]:
    """What of ours somebody is told: a contact, or (whom we vouch for) another device of our own."""
    own = world.statements.get((world.identity.user, StatementKind.VOUCH))
    if user == world.identity.user:
        return () if own is None else (own,)
    if user is None or user not in world.contacts or world.blocked(user):
        return ()
    introduced = world.introduced.get(user)
    return tuple(statement for statement in (own, introduced) if statement is not None)


def takes_from(world: World, peer: UserId | None, author: UserId, kind: int) -> bool:
    """Whether a statement of this kind and author is taken from a peer."""
    if peer is None or peer != author:
        return False
    if author == world.identity.user:
        return kind == StatementKind.VOUCH
    return author in world.contacts and not world.blocked(author)


def said_between(world: World, user: UserId | None) -> tuple[Statement, ...]:
    """What both ends of a link have of these, once both have told: for the comparison at link up."""
    told = told_to(world, user)
    if user is None or user == world.identity.user or user not in world.contacts or world.blocked(user):
        return told
    theirs = (world.statements.get((user, kind)) for kind in sorted(PRIVATE))
    return (*told, *(statement for statement in theirs if statement is not None))
