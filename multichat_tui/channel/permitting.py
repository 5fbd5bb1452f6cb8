"""Whether the state of its own past allows an operation: rule 1 of authority.md. What is not allowed there is never used."""

from multichat_tui.channel.authority import Authority, joined
from multichat_tui.channel.content_rules import asked
from multichat_tui.channel.operations import Operation
from multichat_tui.channel.petitions import may_ask, may_refuse
from multichat_tui.channel.subjects import needed
from multichat_tui.model.acts import (
    Act,
    Admit,
    Ask,
    Ban,
    CloseInvitation,
    Devices,
    Invite,
    Leave,
    Listing,
    Message,
    Redact,
    RefuseJoin,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    Setting,
    SetTopic,
    Style,
    Unban,
    UnknownAct,
)
from multichat_tui.model.channel_settings import SettingKey, Slot, holds, known, least_rank, role_name_of, rule_of
from multichat_tui.model.ids import UserId
from multichat_tui.model.limits import MAX_CUSTOM_RANKS, MAX_LISTED
from multichat_tui.model.ranks import MEMBER, RANKS, Permission


def permitted(past: Authority, operation: Operation) -> int | None:
    """The rank that its author has there, if it is allowed; `past` is of the operation's own past."""
    rank = past.rank(operation.user)
    if rank is None or past.revoked(operation.device):
        return None
    if not all(_permits(past, operation, act, rank) for act in operation.acts):
        return None
    return rank if _ranks_fit(past, operation) else None


def seats(past: Authority, operation: Operation) -> bool:
    """Whether a permitted admit makes a member: else it brings one more device of one."""
    return operation.join is not None and past.rank(joined(operation)) is None


def _permits(past: Authority, operation: Operation, act: Act, rank: int) -> bool:
    permission = needed(past.subjects, operation, act)
    if permission is not None and past.threshold(permission) > rank:
        return False
    group = past.subjects.style is not Style.DIRECT
    match act:
        case Invite():
            return group and (act.rank < rank or (act.rank == rank == MEMBER and len(operation.acts) == 1))
        case CloseInvitation():
            return _may_close(past, operation, act, rank)
        case Admit():
            return operation.join is not None and _may_admit(past, operation, operation.join.join_key, rank)
        case SetRank():
            theirs = past.rank(act.user)
            return theirs is not None and act.rank < rank and _below(past, act.user, rank)
        case Remove():
            # Of one who has left, too: it draws the fence.
            return _below(past, act.user, rank) and past.was_here(act.user)
        case Ban():
            return _below(past, act.user, rank)
        case Unban():
            return not past.banned(act.user, rank, past.mask)
        case SetThreshold():
            return act.rank <= rank and past.threshold(act.permission) <= rank
        case Ask():
            return may_ask(past, operation, rank)
        case RefuseJoin():
            return may_refuse(past, act)
        case Setting():
            return holds(act.key, act.value) and least_rank(act.key, act.value) <= rank and _has_place(past, act, group)
        case Devices():
            # Of an account that is or was in the channel: nobody fills it with the devices of strangers.
            return operation.devices is not None and past.was_here(operation.devices.user)
        case Rename():
            return group
        case Listing():
            return past.subjects.style is Style.WORKSPACE and (not act.name or _fits_list(past, act))
        case Leave() | SetTopic() | Redact():
            return True
        case Message() | UnknownAct():
            # Content beside control acts, which nobody allows unless they understand it.
            return permission is not None and asked(past, ()).allows_beside_control(rank, act)
        case _:
            return False


def _has_place(past: Authority, act: Setting, group: bool) -> bool:
    """Whether a channel of this style has such a setting, and room for it."""
    named = role_name_of(act.value) if act.key == SettingKey.ROLE_NAME else None
    if named is not None:
        names = {slot for slot in past.subjects.slots(SettingKey.ROLE_NAME) if _name(past, slot)}
        return group and (not named[1] or len(names - {(act.key, named[0])}) < MAX_CUSTOM_RANKS)
    rule = rule_of(act.key)
    return group or not known(act.key) or (rule is not None and rule.direct)


def _name(past: Authority, slot: Slot) -> str:
    named = role_name_of(past.set_to(slot))
    return "" if named is None else named[1]


def _ranks_fit(past: Authority, operation: Operation) -> bool:
    """Whether the ranks that it brings into use leave no more of them than a channel may have."""
    brought = {act.rank for act in operation.acts if isinstance(act, SetRank | Invite)}
    if brought <= _USUAL:
        return True
    return len((brought | past.subjects.custom_ranks(past.mask)) - _USUAL) <= MAX_CUSTOM_RANKS


_USUAL = frozenset(RANKS.values())


def _fits_list(past: Authority, act: Listing) -> bool:
    listed = past.directory()
    return act.channel in listed or len(listed) < MAX_LISTED


def _may_close(past: Authority, operation: Operation, act: CloseInvitation, rank: int) -> bool:
    found = past.subjects.invitation((act.invitation, act.index))
    if found is None or not past.mask & found[0].bit or not past.effective(found[0]):
        return False
    maker, invite = found
    own = maker.user == operation.user and invite.rank == rank == MEMBER and len(operation.acts) == 1
    return invite.rank < rank or own


def _may_admit(past: Authority, operation: Operation, join_key: bytes, rank: int) -> bool:
    """A place is left for somebody who is no member, or the account has its place under this invitation already."""
    user, new = joined(operation), seats(past, operation)
    if user in past.subjects.founders or past.number(SettingKey.CLOSED):
        return False
    for name, invite in past.invitations(join_key):
        users = {joined(admit) for admit in past.placed(name)}
        room = user in users or (new and len(users) < invite.uses)
        may = max(invite.rank, past.threshold(Permission.ADMIT)) <= rank
        if room and may and not past.closed(name) and not past.banned(user, invite.rank, past.mask):
            return True
    return False


def _below(past: Authority, user: UserId, rank: int) -> bool:
    """Whether somebody may be acted on from a rank. That they have left does not matter where they were given such a rank beside
    it: a leaving weighs no more than who leaves, and would not be asked for where the operation is decided."""
    return user not in past.subjects.founders and not past.holds(user, rank)
