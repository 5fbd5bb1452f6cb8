"""The log of moderation: what was done to people's rights and to a channel, and what each deed is worth now. Reads only.

It follows from the control log, so all members read the same; redactions that stand by themselves (`redaction_deeds`) show as far
as they and what they took away are known here.
"""

from collections.abc import Iterator
from dataclasses import field

from multichat_tui.channel.operations import Operation
from multichat_tui.channel.verdicts import Worth
from multichat_tui.model.acts import (
    Act,
    Admit,
    Ban,
    CloseInvitation,
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
from multichat_tui.model.channel_settings import setting_words, slot_of
from multichat_tui.model.errors import NotFound
from multichat_tui.model.ids import RecordId, UserId, short
from multichat_tui.model.limits import MAX_MODLOG_LOOKED_AT, MAX_MODLOG_ROWS, MAX_TARGETS_LOOKED_AT
from multichat_tui.model.moderation import DeedKind, DeedPage, DeedRow, DeedSearch, DeedState
from multichat_tui.model.ranks import DEEDS, MUTED, holders_words, standing_words
from multichat_tui.model.records import Header
from multichat_tui.model.values import dataclass
from multichat_tui.node.act_words import LEFT_REASON, moment
from multichat_tui.node.listing import came_by, role_words
from multichat_tui.node.names import channel_names
from multichat_tui.node.opposites import STAYS, undo_words
from multichat_tui.node.redaction_deeds import Place, RedactionDeed, RedactionDeeds, place_of
from multichat_tui.node.world import Channel, World

KINDS: dict[type[Act], DeedKind] = {
    Admit: DeedKind.JOINED,
    Leave: DeedKind.LEFT,
    Remove: DeedKind.REMOVED,
    Ban: DeedKind.BANNED,
    Unban: DeedKind.UNBANNED,
    RefuseJoin: DeedKind.DENIED,
    Redact: DeedKind.REDACTED,
    SetRank: DeedKind.RANK,
    SetThreshold: DeedKind.PERMISSION,
    Setting: DeedKind.SETTING,
    SetTopic: DeedKind.TOPIC,
    Rename: DeedKind.RENAMED,
    Invite: DeedKind.INVITED,
    CloseInvitation: DeedKind.CLOSED,
}
"""Acts that stand in the log."""
REASONED = (SetRank, Remove, Ban, Unban, SetThreshold, Setting, RefuseJoin, Redact)
"""Those that say why."""


@dataclass(slots=True)
class _Effects:
    """The effective operations by what they are about, in their order: what may have followed a deed, or stood beside it."""

    people: dict[UserId, list[tuple[Operation, Act]]] = field(default_factory=dict)
    joins: dict[UserId, list[Operation]] = field(default_factory=dict)
    """What let somebody in, or another device of theirs."""
    rules: dict[object, list[tuple[Operation, Act]]] = field(default_factory=dict)


class Modlog:
    def __init__(self, world: World) -> None:
        self._world = world
        self._redactions = RedactionDeeds(world)

    def page(self, channel: Channel, search: DeedSearch, before: RecordId | None, limit: int) -> DeedPage:
        """At most `limit` acts and those of one record more, the newest first. `errors.NotFound`: `before` is not known."""
        if not channel.rooted:
            return DeedPage(rows=())
        deeds: list[tuple[Place, Operation | RedactionDeed]] = [(place_of(each), each) for each in channel.control.in_order()]
        if not search.kinds or DeedKind.REDACTED in search.kinds:
            deeds += [(each.place, each) for each in self._redactions.of(channel)]
        deeds.sort(key=lambda deed: deed[0], reverse=True)
        if before is not None:
            last = next((place for place, deed in deeds if deed.id == before), None)
            if last is None:
                raise NotFound("The log of this channel does not hold that.")
            deeds = [each for each in deeds if each[0] < last]
        reading = _Reading(self._world, channel, self._redactions)
        rows: list[DeedRow] = []
        for looked_at, (_, deed) in enumerate(deeds, 1):
            rows += reading.rows(deed, search) if isinstance(deed, Operation) else reading.redactions(deed, search)
            full = len(rows) >= min(limit, MAX_MODLOG_ROWS) or looked_at >= MAX_MODLOG_LOOKED_AT
            if full and looked_at < len(deeds):
                return DeedPage(rows=tuple(rows), more=deed.id)
        return DeedPage(rows=tuple(rows))


class _Reading:
    """Of one channel, as it is now."""

    def __init__(self, world: World, channel: Channel, redactions: RedactionDeeds) -> None:
        self._world, self._channel = world, channel
        self._redactions = redactions
        self._names = channel_names(world, channel)
        self._links = {state.invite.join_key: state.maker for state in channel.view.invitations.values()}
        self._effects = self._gathered()

    def _name(self, user: UserId) -> str:
        return self._names.get(user) or short(user)

    def _gathered(self) -> _Effects:
        found = _Effects()
        control = self._channel.control
        for operation in control.in_order():
            if not control.effective(operation.id):
                continue
            for number, act in enumerate(operation.acts):
                user = _about(operation, act)
                if user is not None:
                    found.people.setdefault(user, []).append((operation, act))
                if operation.joiner is not None and isinstance(act, Admit):
                    found.joins.setdefault(operation.joiner, []).append(operation)
                for subject in _ruled(operation, number, act):
                    found.rules.setdefault(subject, []).append((operation, act))
        return found

    def rows(self, operation: Operation, search: DeedSearch) -> Iterator[DeedRow]:
        kinds = search.kinds or tuple(DeedKind)
        wanted = [
            (number, act)
            for number, act in enumerate(operation.acts)
            if KINDS.get(type(act)) in kinds
            and not (isinstance(act, Remove) and act.reason == LEFT_REASON)
            and search.user in (None, self._author(operation, act), _about(operation, act), self._link_of(operation, act))
            and not (isinstance(act, Admit) and self._repeats(operation))
        ]
        if not wanted:
            return
        stored = self._world.txn.record(operation.id)
        header = None if stored is None else stored.header
        if header is None or not search.since_ms <= header.timestamp_ms < search.until_ms:
            return
        yield from (self._row(operation, number, act, header) for number, act in wanted)

    def redactions(self, deed: RedactionDeed, search: DeedSearch) -> Iterator[DeedRow]:
        """Of one that stands by itself. It cannot be undone."""
        time_ms = deed.record.header.timestamp_ms
        if not search.since_ms <= time_ms < search.until_ms:
            return
        for number, act in enumerate(deed.acts):
            found = self._redactions.worth(self._channel, deed, act)
            if found is None or search.user not in (None, deed.user, found[1]):
                continue
            state, subject = found
            name = self._name(deed.user)
            yield DeedRow(
                id=deed.id,
                act=number,
                time_ms=time_ms,
                author=deed.user,
                name=name,
                kind=DeedKind.REDACTED,
                said=_taken_words(name, act, "" if subject is None else self._name(subject)),
                reason=act.reason,
                state=state,
                mine=deed.user == self._world.identity.user,
                subject=subject,
                subject_name="" if subject is None else self._name(subject),
                stays=STAYS[Redact] if state is DeedState.IN_EFFECT else "",
            )

    def _row(self, operation: Operation, number: int, act: Act, header: Header) -> DeedRow:
        subject, author = _about(operation, act), self._author(operation, act)
        state, by = self._state(operation, number, act)
        holds = state in (DeedState.IN_EFFECT, DeedState.PROVISIONAL)
        undo, stays = undo_words(self._channel, operation, self._world.now, self._name) if holds else ("", "")
        return DeedRow(
            id=operation.id,
            act=number,
            time_ms=header.timestamp_ms,
            author=author,
            name=self._name(author),
            kind=KINDS[type(act)],
            said=self._said(operation, number, act),
            reason=act.reason if isinstance(act, REASONED) else "",
            state=state,
            mine=author == self._world.identity.user,
            subject=subject,
            subject_name="" if subject is None else self._name(subject),
            by=by,
            until_ms=act.until_ms if isinstance(act, SetRank | Ban) else 0,
            undo=undo,
            stays=stays,
        )

    # Who came in, and by whom

    def _author(self, operation: Operation, act: Act) -> UserId:
        """Who did it."""
        joiner = operation.joiner if isinstance(act, Admit) else None
        return operation.user if joiner is None or self._is_let_in(operation) else joiner

    def _is_let_in(self, operation: Operation) -> bool:
        """Whether somebody has agreed to it: where a link is enough, or a role in a workspace, any node writes it down."""
        return self._channel.control.approved(operation.id) and not role_words(self._world, self._channel, operation)

    def _link_of(self, operation: Operation, act: Act) -> UserId | None:
        """Whose link it was, of who came in."""
        return None if operation.join is None or not isinstance(act, Admit) else self._links.get(operation.join.join_key)

    def _before(self, operation: Operation) -> list[Operation]:
        """What had let the same person in when this did so, or beside it, by the order of operations."""
        there = self._channel.control.state_before(operation).rank(operation.joiner) if operation.joiner is not None else None
        joins = self._effects.joins.get(operation.joiner, []) if operation.joiner is not None else []
        return [each for each in joins if each.order < operation.order and (there is not None or not operation.past & each.bit)]

    def _repeats(self, operation: Operation) -> bool:
        """Whether several nodes have written down that one device came in, and this was not the first."""
        device = None if operation.join is None else operation.join.certificate.device
        known = [each.join.certificate.device for each in self._before(operation) if each.join is not None]
        return self._channel.control.effective(operation.id) and device in known

    def _joined_words(self, operation: Operation, whom: str) -> str:
        if self._before(operation):
            return f"{whom} came with another device"
        if role := role_words(self._world, self._channel, operation):
            return f"{whom} came in as {role}"
        if self._channel.control.approved(operation.id):
            return f"{self._name(operation.user)} let {whom} in"
        listed = came_by(self._world, self._channel, operation)
        if listed is not None:
            return f"{whom} joined by the list of {listed[0].view.name}"
        maker = None if operation.join is None else self._links.get(operation.join.join_key)
        return f"{whom} joined by a link" + ("" if maker is None else f" of {self._name(maker)}")

    # What it is worth

    def _state(self, operation: Operation, number: int, act: Act) -> tuple[DeedState, str]:
        control = self._channel.control
        if not control.effective(operation.id):
            verdict = control.verdict(operation.id)
            if verdict.worth is Worth.NEVER:
                return DeedState.REFUSED, ""
            return DeedState.REVERTED, "; ".join(filter(None, map(self._cause, verdict.causes)))
        ended = self._after(operation, number, act)
        if ended:
            return DeedState.LIFTED, ended
        if isinstance(act, Admit) and operation.joiner in self._channel.view.unsettled:
            return DeedState.PROVISIONAL, ""
        return DeedState.IN_EFFECT, ""

    def _after(self, operation: Operation, number: int, act: Act) -> str:
        """The effective act that ended what this one did; of such that stand beside each other the last by their order."""
        view, user = self._channel.view, _about(operation, act)
        if user is not None:
            about = self._effects.people.get(user, [])
            match act:
                case Ban() if not any(ban.operation == operation.index for ban in view.bans.get(user, ())):
                    ends: tuple[type[Act], ...] = (Unban,)
                case Unban():
                    ends = (Ban,)
                case Remove() | Leave():
                    ends = (Admit,)
                case SetRank():
                    ends = (SetRank, Remove, Ban, Leave)
                    if view.rank(user) == act.rank:
                        # What came to the same rank by another deed later, with another end perhaps, is that deed's.
                        about = [each for each in about if each[0].past & operation.bit]
                case Admit() if user not in view.members:
                    ends = (Remove, Ban, Leave)
                case _:
                    ends = ()
            return self._last(operation, [each for each in about if isinstance(each[1], ends)])
        about = [each for subject in _ruled(operation, number, act) for each in self._effects.rules.get(subject, [])]
        later = [each for each in about if each[1] is not act and each[0].past & operation.bit]
        return self._last(operation, later)

    def _last(self, operation: Operation, found: list[tuple[Operation, Act]]) -> str:
        """In words; what the deed itself had seen is left out."""
        for other, act in sorted(found, key=lambda each: each[0].order, reverse=True):
            if other is not operation and not operation.past & other.bit:
                return self._said(other, other.acts.index(act), act)
        return ""

    def _cause(self, record: RecordId) -> str:
        operation = self._channel.control.operation(record)
        acts = () if operation is None else operation.acts
        told = (self._said(operation, number, act) for number, act in enumerate(acts) if operation and type(act) in KINDS)
        return next(told, "")

    # Words

    def _said(self, operation: Operation, number: int, act: Act) -> str:
        author, subject = self._name(operation.user), _about(operation, act)
        whom = "" if subject is None else self._name(subject)
        match act:
            case Admit():
                return self._joined_words(operation, whom)
            case Leave():
                return f"{author} left"
            case Remove():
                return f"{author} removed {whom}"
            case Ban():
                return f"{author} banned {whom}" + (f" until {moment(act.until_ms)}" if act.until_ms else "")
            case Unban():
                return f"{author} lifted the ban of {whom}"
            case RefuseJoin():
                return f"{author} did not let {whom} in"
            case Redact():
                whose = self._redactions.whose(self._channel, act)
                return _taken_words(author, act, "" if whose is None else self._name(whose))
            case SetRank() if act.rank == MUTED:
                return f"{author} muted {whom}" + (f" until {moment(act.until_ms)}" if act.until_ms else "")
            case SetRank():
                return f"{author} made {whom} {standing_words(act.rank).removeprefix('of ')}"
            case SetThreshold():
                return f"{author} changed who may {DEEDS[act.permission]}: {holders_words(act.rank)}"
            case Setting():
                return f"{author} {setting_words(act.key, act.value)}"
            case SetTopic():
                return f"{author} set the topic: {act.topic}" if act.topic else f"{author} took the topic away"
            case Rename():
                return f"{author} renamed the channel: {act.name}"
            case Invite():
                places = "1 person" if act.uses == 1 else f"{act.uses} people"
                return f"{author} made a link for {places}"
            case CloseInvitation():
                invitation = self._channel.view.invitations.get((act.invitation, act.index))
                if invitation is None:
                    return f"{author} closed a link"
                maker = self._name(invitation.maker)
                if invitation.maker == operation.user and len(invitation.used_by) >= invitation.invite.uses:
                    # Nobody has decided it: their node did, as everybody has come for whom there was a place.
                    return f"a link of {maker} is used up"
                return f"{author} closed a link of {maker}"
            case _:
                return f"{author} did something that a newer version understands"


def _taken_words(author: str, act: Redact, whose: str) -> str:
    """`whose`: of one person, if all that were looked at are."""
    count = len(act.targets)
    of_whom = f" of {whose}" if whose and count <= MAX_TARGETS_LOOKED_AT else ""
    return f"{author} took {count} message{'' if count == 1 else 's'}{of_whom} away"


def _about(operation: Operation, act: Act) -> UserId | None:
    """Whom an act is about."""
    match act:
        case SetRank() | Remove() | Ban() | Unban() | RefuseJoin():
            return act.user
        case Admit():
            return operation.joiner
        case Leave():
            return operation.user
        case _:
            return None


def _ruled(operation: Operation, number: int, act: Act) -> tuple[object, ...]:
    """What an act that is about nobody decides, of which the last one holds."""
    match act:
        case SetThreshold():
            return (act.permission,)
        case Setting():
            return ((Setting, slot_of(act.key, act.value) or (act.key, -1)),)
        case SetTopic() | Rename():
            return (type(act),)
        case Invite():
            return ((operation.id, number),)
        case CloseInvitation():
            return ((act.invitation, act.index),)
        case _:
            return ()
