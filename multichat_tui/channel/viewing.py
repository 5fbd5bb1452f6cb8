"""Views made from authority: of a whole set of operations, or of one more, where only what is concerned is asked again."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from multichat_tui.channel.authority import Authority, joined
from multichat_tui.channel.operations import Operation
from multichat_tui.channel.subjects import Subjects
from multichat_tui.channel.view import BanState, Ending, Halt, InvitationName, InvitationState, Ranking, Revocation, Ruling, View
from multichat_tui.model.acts import (
    Ban,
    CloseInvitation,
    Create,
    Devices,
    Invite,
    Leave,
    Listing,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    Setting,
    SetTopic,
    Unban,
)
from multichat_tui.model.channel_settings import Slot, rule_of, slot_of
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.ranks import MEMBER, OF_CONTENT, THRESHOLDS, Permission

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Entry = TypeVar("_Entry", Ending, Halt, Ranking, Ruling)


def viewed(now: Authority) -> View:
    """All of it, from nothing."""
    root = now.subjects.operations[0].acts[0]
    assert isinstance(root, Create)
    empty = View(
        mask=0,
        effective=0,
        style=root.style,
        name=root.name,
        topic="",
        founders=tuple(sorted(now.subjects.founders)),
        members={},
        ranks={},
        endings=(),
        rankings=(),
        bans={},
        thresholds={},
        rulings=(),
        invitations={},
    )
    valid = now.mask & now.subjects.valid
    return _asked_again(empty, now, valid, sum(op.bit for op in now.subjects.among(valid) if now.effective(op)))


def carried_on(view: View, now: Authority, changed: int) -> View:
    """With one operation more, which `now` has taken in; `changed` are those that are worth another thing with it."""
    if not changed:
        return replace(view, mask=now.mask)
    effective = view.effective & ~changed
    for operation in now.subjects.among(changed):
        effective |= operation.bit if now.effective(operation) else 0
    return _asked_again(view, now, changed, effective)


class _Concerned:
    """Whom and what some operations are about."""

    def __init__(self, subjects: Subjects, operations: Iterable[Operation]) -> None:
        self.users: set[UserId] = set()
        self.names: set[InvitationName] = set()
        self.devices: set[DeviceId] = set()
        self.permissions: set[Permission] = set()
        self.kinds: set[type] = set()
        self.slots: set[Slot] = set()
        for operation in operations:
            self._note(subjects, operation)
        for user in self.users:
            self.names.update(subjects.made_by(user))

    def _note(self, subjects: Subjects, operation: Operation) -> None:
        if operation.join is not None:
            self.users.add(joined(operation))
            self.names.update(name for name, _, _ in subjects.invitations(operation.join.join_key))
        if operation.devices is not None:
            self.devices.update(operation.devices.certified_revoked)
        for number, act in enumerate(operation.acts):
            self.kinds.add(type(act))
            match act:
                case Create():
                    self.users.update(subjects.founders)
                case SetRank() | Remove() | Ban() | Unban():
                    self.users.add(act.user)
                case Leave():
                    self.users.add(operation.user)
                case Invite():
                    self.names.add((operation.id, number))
                    self.names.update(name for name, _, _ in subjects.invitations(act.join_key))
                case CloseInvitation():
                    self.names.add((act.invitation, act.index))
                case SetThreshold():
                    self.permissions.add(act.permission)
                case Setting() if (slot := slot_of(act.key, act.value)) is not None:
                    self.slots.add(slot)
                case _:
                    pass


def _asked_again(view: View, now: Authority, changed: int, effective: int) -> View:
    """What a view says of everything that these operations are about. What has not changed stays the same object."""
    operations = list(now.subjects.among(changed))
    about = _Concerned(now.subjects, operations)
    changes: dict[str, object] = {}
    if about.users:
        members, ranks, bans = dict(view.members), dict(view.ranks), dict(view.bans)
        for user in about.users:
            rank = now.rank(user)
            _put(members, user, None if rank is None else _began(now, user))
            _put(ranks, user, None if rank == MEMBER else rank)
            _put(bans, user, tuple(_bans(now, user)) or None)
        changes |= {"members": members, "ranks": ranks, "bans": bans}
    if about.kinds & {Leave, Remove, Ban}:
        kept = [ending for ending in view.endings if not changed >> ending.operation & 1]
        more = (ending for op in operations if now.effective(op) for ending in _endings(op))
        changes["endings"] = _ordered(now, (*kept, *more))
    if SetRank in about.kinds:
        rankings = [ranking for ranking in view.rankings if not changed >> ranking.operation & 1]
        new = (ranking for op in operations if now.effective(op) for ranking in _rankings(op))
        changes["rankings"] = _ordered(now, (*rankings, *new))
    if about.permissions:
        thresholds = dict(view.thresholds)
        for permission in about.permissions:
            found = now.threshold(permission)
            _put(thresholds, permission, None if found == THRESHOLDS[permission] else found)
        changes["thresholds"] = thresholds
        rulings = [ruling for ruling in view.rulings if not changed >> ruling.operation & 1]
        ruled = (ruling for op in operations if now.effective(op) for ruling in _rulings(op))
        changes["rulings"] = _ordered(now, (*rulings, *ruled))
    if about.names:
        invitations = dict(view.invitations)
        for name in sorted(about.names):
            _put(invitations, name, _state(now, name))
        changes["invitations"] = invitations
    if about.devices:
        revocations = dict(view.revocations)
        for device in about.devices:
            _put(revocations, device, tuple(_revocations(now, device)) or None)
        changes["revocations"] = revocations
    if about.kinds & {Listing}:
        changes["directory"] = {channel: (op.index, act) for channel, (op, act) in now.directory().items()}
    if about.kinds & {SetTopic}:
        changes["topic"] = now.setting(SetTopic)
    if about.kinds & {Rename}:
        root = now.subjects.operations[0].acts[0]
        assert isinstance(root, Create)
        changes["name"] = now.setting(Rename) or root.name
    if about.slots:
        settings = dict(view.settings)
        for slot in about.slots:
            _put(settings, slot, now.set_to(slot))
        changes["settings"] = settings
        standing = [halt for halt in view.halts if not changed >> halt.operation & 1]
        fresh = (halt for op in operations if now.effective(op) for halt in _halts(op))
        changes["halts"] = _ordered(now, (*standing, *fresh))
    changes = {name: value for name, value in changes.items() if value != getattr(view, name)}
    return replace(view, mask=now.mask, effective=effective, **changes)  # type: ignore[arg-type]  # by name, above


def _put(table: dict[_Key, _Value], key: _Key, value: _Value | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _ordered(now: Authority, entries: Iterable[_Entry]) -> tuple[_Entry, ...]:
    """By the order of their operations; those of one stay as its acts are."""
    return tuple(sorted(entries, key=lambda entry: now.subjects.operations[entry.operation].order))


def _endings(operation: Operation) -> Iterator[Ending]:
    for act in operation.acts:
        if isinstance(act, Remove | Ban):
            yield Ending(operation=operation.index, user=act.user, fence=act.fence)
        elif isinstance(act, Leave):
            yield Ending(operation=operation.index, user=operation.user, fence=None)


def _rankings(operation: Operation) -> Iterator[Ranking]:
    for act in operation.acts:
        if isinstance(act, SetRank):
            yield Ranking(operation=operation.index, user=act.user, rank=act.rank, fence=act.fence)


def _halts(operation: Operation) -> Iterator[Halt]:
    for act in operation.acts:
        if not isinstance(act, Setting) or not isinstance(act.value, int):
            continue
        rule = rule_of(act.key)
        if rule is not None and rule.fenced and act.value > rule.default:
            yield Halt(operation=operation.index, key=act.key, value=act.value, fence=act.fence)


def _rulings(operation: Operation) -> Iterator[Ruling]:
    for act in operation.acts:
        if isinstance(act, SetThreshold) and act.permission in OF_CONTENT:
            yield Ruling(operation=operation.index, permission=act.permission, rank=act.rank, fence=act.fence)


def _bans(now: Authority, user: UserId) -> Iterator[BanState]:
    for operation, level in now.bans(user):
        for act in operation.acts:
            if isinstance(act, Ban) and act.user == user:
                yield BanState(operation=operation.index, level=level, until_ms=act.until_ms, reason=act.reason)


def _began(now: Authority, user: UserId) -> int:
    """The first admit that no ending of theirs follows or lies beside; the first at all where a higher rank outweighs those; and
    where a rank seats somebody whose admits have turned out to be void, what was first decided about them."""
    if user in now.subjects.founders:
        return 0
    about = [op for op in now.subjects.about(user).newest_first(now.mask) if now.effective(op)]
    ended = sum(op.bit for op in about if any(ending.user == user for ending in _endings(op)))
    admits = [op for op in about if op.join is not None]
    living = [op for op in admits if not ended & ~op.past]
    return min(living or admits or about, key=lambda op: op.order).index


def _state(now: Authority, name: InvitationName) -> InvitationState | None:
    found = now.subjects.invitation(name)
    if found is None or not now.mask & found[0].bit or not now.effective(found[0]):
        return None
    maker, invite = found
    used_by = tuple(dict.fromkeys(joined(admit) for admit in now.placed(name)))
    return InvitationState(invite=invite, maker=maker.user, used_by=used_by, closed=now.closed(name))


def _revocations(now: Authority, device: DeviceId) -> Iterator[Revocation]:
    found = [op for op in now.subjects.revocations(device).newest_first(now.mask) if now.effective(op)]
    for operation in sorted(found, key=lambda op: op.index):
        act = operation.acts[0]
        assert isinstance(act, Devices)
        assert operation.devices is not None
        yield Revocation(
            operation=operation.index,
            device=device,
            account=operation.devices.user,
            author=operation.user,
            level=now.level(operation),
            fence=tuple(tip for tip in act.fence if tip.device == device),
        )
