"""How one comes to trust somebody: from oneself to a contact, from those who vouch to those they vouch for.

Only what contacts have told is known (see `private_statements`), so most paths have two steps; a third one comes about where a
contact vouches for another contact. Who is ignored or blocked vouches for nobody here.
"""

from multichat_tui.model.ids import UserId
from multichat_tui.model.limits import MAX_TRUST_PATHS, MAX_TRUST_STEPS
from multichat_tui.model.regards import Regard
from multichat_tui.model.trust import TrustPath, TrustRow, TrustStep
from multichat_tui.model.vouching import Vouch
from multichat_tui.node.names import names_of
from multichat_tui.node.world import World


def vouchers(world: World, user: UserId) -> tuple[tuple[UserId, Vouch], ...]:
    """The contacts who vouch for somebody, the verified first."""
    found = [
        (voucher, vouch)
        for voucher, vouches in world.vouches.items()
        if voucher in world.contacts and voucher not in world.regards and voucher != user
        for vouch in vouches
        if vouch.user == user
    ]
    return tuple(sorted(found, key=lambda each: (not world.contacts[each[0]].verified, each[1].since_ms, each[0])))


def trust_row(world: World, user: UserId) -> TrustRow:
    names = names_of(world, {user})
    contact = world.contacts.get(user)
    own = next((vouch for vouch in world.vouches.get(world.identity.user, ()) if vouch.user == user), None)
    return TrustRow(
        user=user,
        name=names[user],
        contact=contact is not None,
        verified=contact is not None and contact.verified,
        regard=world.regards.get(user, Regard.NONE),
        vouched=own is not None,
        note="" if own is None else own.note,
        paths=tuple(_shown(world, path, names) for path in _paths(world, user)),
    )


def _paths(world: World, user: UserId) -> list[tuple[tuple[UserId, Vouch], ...]]:
    """The shortest, each from a contact to the user; step by step backwards, MAX_TRUST_STEPS vouches long at most."""
    found: list[tuple[tuple[UserId, Vouch], ...]] = []
    ends: list[tuple[tuple[UserId, Vouch], ...]] = [()]
    for _ in range(MAX_TRUST_STEPS):
        longer = []
        for path in ends:
            target = path[0][0] if path else user
            seen = {step for step, _ in path} | {user}
            longer += [((voucher, vouch), *path) for voucher, vouch in vouchers(world, target) if voucher not in seen]
        found += longer
        ends = [path for path in longer if not world.contacts[path[0][0]].verified]
        if len(found) >= MAX_TRUST_PATHS:
            break
    return found[:MAX_TRUST_PATHS]


def _shown(world: World, path: tuple[tuple[UserId, Vouch], ...], names: dict[UserId, str]) -> TrustPath:
    return TrustPath(
        steps=tuple(
            TrustStep(
                user=voucher,
                name=names[voucher],
                verified=world.contacts[voucher].verified,
                since_ms=vouch.since_ms,
                note=vouch.note,
            )
            for voucher, vouch in path
        )
    )
