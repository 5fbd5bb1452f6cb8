"""What takes a deed back, and what of it cannot be taken back: from the control log alone, whoever may do it.

A record is undone as a whole, as far as it can be.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from multichat_tui.channel.operations import Operation
from multichat_tui.model.acts import (
    Admit,
    Ban,
    CloseInvitation,
    Create,
    Invite,
    Leave,
    Redact,
    RefuseJoin,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    Setting,
    SetTopic,
    Unban,
)
from multichat_tui.model.channel_settings import SettingKey, role_name_of, rule_of
from multichat_tui.model.history import policy_words
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import BanMember, ConfigureChannel, GiveRank, LiftBan, NameRole, SetPermission
from multichat_tui.model.ranks import DEEDS, MEMBER, MUTED, holders_words, standing_words
from multichat_tui.model.text import describe_ms
from multichat_tui.node.act_words import moment
from multichat_tui.node.world import Channel

Opposite: TypeAlias = (
    GiveRank | BanMember | LiftBan | SetPermission | ConfigureChannel | NameRole | SetTopic | Rename | CloseInvitation
)
"""An intent, or an act that needs no other decision than that one may."""
STAYS = {
    Remove: "A removal cannot be taken back: /invite makes a link to hand to them.",
    Leave: "Who has left comes back by a link only: /invite makes one.",
    Redact: "Texts that were taken away are gone for good.",
    RefuseJoin: "Whoever was not let in may ask again with another link.",
    Admit: "Who has joined is a member: /kick removes them again.",
    CloseInvitation: "A closed link stays closed: /invite makes another one.",
}


def undo_words(channel: Channel, operation: Operation, now: int, name_of: Callable[[UserId], str]) -> tuple[str, str]:
    """(what undoing a record would do, why it cannot be undone or what of it stays): either may be empty."""
    said = [words.format(name=name_of(_subject(what))) for what, words in opposites(channel, operation, now, "")]
    stays = [STAYS[type(act)] for act in operation.acts if type(act) in STAYS]
    stays += ["An invitation lets them back in." for act in operation.acts if isinstance(act, Ban) and said]
    return _listed(said), " ".join(dict.fromkeys(stays))


def opposites(channel: Channel, operation: Operation, now: int, reason: str) -> Iterator[tuple[Opposite, str]]:
    """Of each act that still holds, what takes it back."""
    control, view = channel.control, channel.view
    if not control.effective(operation.id) or not operation.past:
        return
    for number, act in enumerate(operation.acts):
        match act:
            case Ban() if any(ban.operation == operation.index for ban in view.bans.get(act.user, ())):
                yield LiftBan(channel=channel.id, user=act.user, reason=reason), "lift the ban of {name}"
            case Unban() if not view.bans.get(act.user):
                bans = [
                    each for op, _ in control.state_before(operation).bans(act.user) for each in op.acts if isinstance(each, Ban)
                ]
                ends = [ban.until_ms for ban in bans if ban.user == act.user]
                left = 0 if not all(ends) else max(ends, default=0) - now
                if left >= 0:
                    yield BanMember(channel=channel.id, user=act.user, lasts_ms=left, reason=reason), "ban {name} again"
            case SetRank() if view.rank(act.user) == act.rank and not _followed(channel, operation, act.user):
                rank = control.state_before(operation).rank(act.user)
                until = _silent_until(channel, operation, act.user) if rank == MUTED else 0
                if until and until <= now:
                    # That silence would be over by now.
                    rank, until = MEMBER, 0
                if rank is None or (rank, until) == (act.rank, act.until_ms):
                    continue
                words = (
                    "let {name} write again"
                    if act.rank == MUTED and rank == MEMBER
                    else f"make {{name}} {standing_words(rank).removeprefix('of ')} again"
                ) + (f" until {moment(until)}" if until else "")
                lasts_ms = until - now if until else 0
                yield GiveRank(channel=channel.id, user=act.user, rank=rank, reason=reason, lasts_ms=lasts_ms), words
            case SetThreshold() if view.threshold(act.permission) == act.rank:
                least = control.state_before(operation).threshold(act.permission)
                if least == act.rank:
                    continue
                intent = SetPermission(channel=channel.id, permission=act.permission, rank=least, reason=reason)
                yield intent, f"let {holders_words(least)} {DEEDS[act.permission]} again"
            case Setting() if (rule := rule_of(act.key)) is not None and not rule.final:
                key = SettingKey(act.key)
                number = control.state_before(operation).number(key)
                if view.setting(key) == act.value != number:
                    setting = ConfigureChannel(channel=channel.id, key=key, value=number, reason=reason)
                    yield setting, _set_back_words(key, number)
            case Setting(key=SettingKey.READING) if act.value and act.value == view.reading_seed:
                ended = ConfigureChannel(channel=channel.id, key=SettingKey.READING, value=0, reason=reason)
                yield ended, "end reading by link"
            case Setting(key=SettingKey.ROLE_NAME) if (named := role_name_of(act.value)) is not None:
                rank, name = named
                former = role_name_of(control.state_before(operation).set_to((SettingKey.ROLE_NAME, rank)))
                before = "" if former is None else former[1]
                if view.role_names.get(rank, "") == name != before:
                    words = f"call rank {rank} what it was called before" if before else f"take the name of rank {rank} away"
                    yield NameRole(channel=channel.id, rank=rank, name=before, reason=reason), words
            case SetTopic() if view.topic == act.topic:
                topic = control.state_before(operation).setting(SetTopic)
                if topic != act.topic:
                    yield SetTopic(topic=topic), "set the topic back"
            case Rename() if view.name == act.name:
                root = control.operation(control.root)
                create = None if root is None else root.acts[0]
                name = control.state_before(operation).setting(Rename) or (create.name if isinstance(create, Create) else "")
                if name and name != act.name:
                    yield Rename(name=name), "give the channel its name back"
            case Invite():
                state = view.invitations.get((operation.id, number))
                if state is not None and state.open:
                    yield CloseInvitation(invitation=operation.id, index=number), "close the link"
            case _:
                pass


def _followed(channel: Channel, operation: Operation, user: UserId) -> bool:
    """Whether something effective was done later to whether, and as what, somebody is in the channel."""
    control = channel.control
    later = filter(None, map(control.operation, control.done_to(user)))
    return any(each.past & operation.bit and control.effective(each.id) for each in later)


def _silent_until(channel: Channel, operation: Operation, user: UserId) -> int:
    """When the silence that somebody was under before an operation ends: the last end of those that nothing before it had
    followed; 0: never."""
    control = channel.control
    known = [each for each in map(control.operation, control.done_to(user)) if each is not None and operation.past & each.bit]
    before = [each for each in known if control.effective(each.id)]
    last = [each for each in before if not any(other.past & each.bit for other in before)]
    ends = [
        act.until_ms for each in last for act in each.acts if isinstance(act, SetRank) and (act.user, act.rank) == (user, MUTED)
    ]
    return max(ends, default=0) if all(ends) else 0


def _set_back_words(key: SettingKey, value: int) -> str:
    """What setting this again would do."""
    match key:
        case SettingKey.SLOW_MODE:
            return f"let each member write one message in {describe_ms(value)} again" if value else "turn slow mode off"
        case SettingKey.ARCHIVED:
            return "archive the channel again" if value else "open the channel again"
        case SettingKey.RETENTION:
            return (
                f"let messages disappear {describe_ms(value)} after they are sent again" if value else "let messages stay again"
            )
        case SettingKey.HISTORY:
            return f"let newcomers see {policy_words(value)} again"
        case _:
            return "set it back"


def _subject(what: object) -> UserId:
    return what.user if isinstance(what, GiveRank | LiftBan | BanMember) else UserId(b"")


def _listed(said: list[str]) -> str:
    """`lift the ban of bob, of eve and of 3 more`: not more than a line."""
    if len(said) <= 3:
        return ", ".join(said)
    return f"{', '.join(said[:2])} and {len(said) - 2} more"
