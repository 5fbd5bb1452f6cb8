"""What ranks are called in a channel: the names that its members gave them, as far as they can be told from the usual ones."""

from collections.abc import Mapping

from multichat_tui.channel.view import View
from multichat_tui.model.lookalikes import skeleton
from multichat_tui.model.ranks import RANKS, role_of
from multichat_tui.model.snapshots import RoleRow
from multichat_tui.model.text import clean_name

_USUAL = frozenset(skeleton(name) for role in RANKS for name in (role, f"{role}s"))


def role_names(view: View) -> Mapping[int, str]:
    """By rank, safe to draw. A name that looks like a usual role, or like that of a higher rank, is none: the number stands."""
    found: dict[int, str] = {}
    seen = set(_USUAL)
    for rank, given in sorted(view.role_names.items(), reverse=True):
        name = clean_name(given)
        if name is not None and skeleton(name.casefold()) not in seen:
            seen.add(skeleton(name.casefold()))
            found[rank] = name
    return found


def looks_usual(name: str) -> bool:
    """Whether a name could be taken for one of the roles that every channel has."""
    return skeleton(name.casefold()) in _USUAL


def role_name(view: View, rank: int) -> str:
    """`moderator`, `reviewer`, `rank 20`."""
    return role_names(view).get(rank) or role_of(rank)


def role_rows(view: View) -> tuple[RoleRow, ...]:
    """The ranks that have a name of their own, the highest first."""
    return tuple(RoleRow(rank=rank, name=name) for rank, name in role_names(view).items())
