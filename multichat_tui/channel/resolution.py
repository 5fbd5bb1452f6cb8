"""What counts of a set of control operations: rules 3 to 6 of authority.md for the two ranks that there are. Founders' acts come
first, then members' in order of (ancestor count, id).

`Resolution` decides a set at once, and takes in one more operation without deciding the others again wherever that one cannot
change what they are worth. Where it can, it says so, and the set is decided anew: both ways give the same.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import replace

from multichat_tui.channel.operations import Operation
from multichat_tui.channel.view import Ending, InvitationName, InvitationState, Revocation, View
from multichat_tui.model.acts import Act, CloseInvitation, Create, Devices, Invite, Leave, Remove, Rename, SetTopic
from multichat_tui.model.ids import DeviceId, RecordId, UserId
from multichat_tui.model.joins import Join


class Resolution:
    """Of the operations in `mask`, which holds the past of each; `operations` is the log's own list, the root first."""

    def __init__(self, operations: list[Operation], mask: int) -> None:
        create = operations[0].acts[0]
        assert isinstance(create, Create)
        self._operations = operations
        self._founders = tuple(sorted(founder[0].user for founder in create.founders))
        self._effective = 1
        self._endings: list[tuple[tuple[int, RecordId], int, Ending]] = []
        """By the order of their operations; with the number of the act in it."""
        self._endings_of: dict[UserId, list[Ending]] = {}
        self._admits: dict[UserId, list[Operation]] = {}
        """Effective ones, by whom they let in."""
        self._invitations: dict[InvitationName, tuple[Operation, Invite]] = {}
        self._names: dict[bytes, list[InvitationName]] = {}
        """Invitations by their join key: one to a key, but for those who make two with the same."""
        self._placed: dict[InvitationName, list[Operation]] = {}
        """Effective admits by their invitation, in order."""
        self._closes: dict[InvitationName, list[Operation]] = {}
        self._last: dict[type[Act], int] = {SetTopic: 0, Rename: 0}
        """Effective settings that no other of their kind follows, one bit each."""
        self._revocations: dict[DeviceId, tuple[Revocation, ...]] = {}
        self._concerning: dict[UserId, int] = {}
        """Whose worth depends on somebody's membership: what they did, what let them in, who came in by their invitations."""
        ordered = sorted((op for op in operations if mask >> op.index & 1 and op.valid), key=lambda op: op.order)
        for operation in ordered:
            self._collect(operation)
        self._collect_closes(ordered)
        members: dict[UserId, int] = {founder: 0 for founder in self._founders if founder not in self._endings_of}
        for operation in ordered[1:]:
            self._decide(operation, members)
        for operation in ordered:
            self._note_concerned(operation)
        self.view = View(
            mask=mask,
            effective=self._effective,
            style=create.style,
            name=self._setting(Rename) or create.name,
            topic=self._setting(SetTopic),
            founders=self._founders,
            members=members,
            endings=tuple(ending for _, _, ending in self._endings),
            invitations={name: self._state(name) for name in self._invitations},
            revocations=dict(self._revocations),
        )

    # One more

    def merge(self, operation: Operation) -> bool:
        """Take in an operation that nothing in the set follows. False: it may change what others are worth; nothing has changed,
        and the set has to be decided anew."""
        view = self.view
        mask = view.mask | operation.bit
        if not operation.valid:
            self.view = replace(view, mask=mask)
            return True
        if self._contested(operation):
            return False
        changes: dict[str, object] = {}
        gone = self._collect(operation)
        self._collect_closes((operation,))
        members = dict(view.members) if gone or operation.join is not None else {}
        for user in gone:
            members.pop(user, None)
        decided = self._decide(operation, members)
        self._note_concerned(operation)
        if gone:
            changes["endings"] = tuple(ending for _, _, ending in self._endings)
        if gone or operation.join is not None:
            changes["members"] = members
        touched = self._touched(operation, gone)
        if touched:
            changes["invitations"] = {**view.invitations, **{name: self._state(name) for name in touched}}
        if decided and operation.devices is not None:
            changes["revocations"] = dict(self._revocations)
        if decided and any(isinstance(act, Rename) for act in operation.acts):
            changes["name"] = self._setting(Rename)
        if decided and any(isinstance(act, SetTopic) for act in operation.acts):
            changes["topic"] = self._setting(SetTopic)
        self.view = replace(view, mask=mask, effective=self._effective, **changes)  # type: ignore[arg-type]  # by name, above
        return True

    def _contested(self, operation: Operation) -> bool:
        """Whether what lies beside an operation may be worth something else with it."""
        beside = self.view.mask & ~operation.past
        if not beside:
            return False
        for user in _ended(operation, self._founders):
            if self._concerning.get(user, 0) & beside:
                return True
        for act in operation.acts:
            if isinstance(act, CloseInvitation):
                if any(not operation.follows(admit.index) for admit in self._placed.get((act.invitation, act.index), ())):
                    return True
            elif isinstance(act, Invite) and act.join_key in self._names:
                return True
        return operation.join is not None and self._displaces(operation, operation.join)

    def _displaces(self, admit: Operation, join: Join) -> bool:
        """Whether an admit may take the place of a later one."""
        names = self._names.get(join.join_key, [])
        if len(names) != 1:
            return bool(names)
        placed, (_, invite) = self._placed[names[0]], self._invitations[names[0]]
        users = {_joined(each) for each in placed}
        full = _joined(admit) not in users and len(users) >= invite.uses
        return full and any(each.order > admit.order for each in placed)

    def _touched(self, operation: Operation, gone: list[UserId]) -> set[InvitationName]:
        """Invitations whose state may be another one."""
        touched = {(operation.id, number) for number, act in enumerate(operation.acts) if isinstance(act, Invite)}
        touched |= {(act.invitation, act.index) for act in operation.acts if isinstance(act, CloseInvitation)}
        if operation.join is not None:
            touched.update(self._names.get(operation.join.join_key, ()))
        if gone:
            touched.update(name for name, (maker, _) in self._invitations.items() if maker.user in gone)
        return touched & self._invitations.keys()

    # Deciding

    def _collect(self, operation: Operation) -> list[UserId]:
        """Note whose memberships an operation ends: founders' removals always count, and leaving for oneself."""
        gone = []
        for number, act in enumerate(operation.acts):
            ending = _ending(operation, act, self._founders)
            if ending is not None:
                insort(self._endings, (operation.order, number, ending), key=lambda entry: entry[:2])
                self._endings_of.setdefault(ending.user, []).append(ending)
                gone.append(ending.user)
        return gone

    def _collect_closes(self, operations: Iterable[Operation]) -> None:
        """Closes count unless their author was removed beside them."""
        for operation in operations:
            for act in operation.acts:
                if isinstance(act, CloseInvitation) and (
                    operation.user in self._founders
                    or not any(self._beside(operation, removal) for removal in self._removals(operation.user))
                ):
                    self._closes.setdefault((act.invitation, act.index), []).append(operation)

    def _decide(self, operation: Operation, members: dict[UserId, int]) -> bool:
        """Whether an operation counts, those before it being decided; then what it does is noted."""
        if operation.user not in self._founders and not self._stands(operation):
            return False
        if operation.join is not None:
            name = self._place(operation, operation.join)
            if name is None:
                return False
            user = operation.join.certificate.user
            insort(self._placed[name], operation, key=lambda admit: admit.order)
            self._admits.setdefault(user, []).append(operation)
            self._seat(operation, user, members)
        self._effective |= operation.bit
        _revoke(self._revocations, operation)
        for number, act in enumerate(operation.acts):
            if isinstance(act, Invite):
                self._invitations[operation.id, number] = (operation, act)
                self._names.setdefault(act.join_key, []).append((operation.id, number))
                self._placed[operation.id, number] = []
            elif isinstance(act, SetTopic | Rename):
                self._last[type(act)] = self._last[type(act)] & ~operation.past | operation.bit
        return True

    def _seat(self, admit: Operation, user: UserId, members: dict[UserId, int]) -> None:
        """An admit makes a member if it has every ending of theirs in its past (of concurrent ones the ending stands)."""
        if all(admit.follows(ending.operation) for ending in self._endings_of.get(user, ())):
            known = members.get(user)
            if known is None or self._operations[known].order > admit.order:
                members[user] = admit.index

    def _stands(self, operation: Operation) -> bool:
        """The author is a member after the operation's past, and no removal of theirs lies beside it."""
        mine = self._endings_of.get(operation.user, ())
        before = [ending.operation for ending in mine if operation.follows(ending.operation)]
        alive = any(
            operation.follows(admit.index) and all(admit.follows(ending) for ending in before)
            for admit in self._admits.get(operation.user, ())
        )
        return alive and not any(self._beside(operation, removal) for removal in self._removals(operation.user))

    def _place(self, admit: Operation, join: Join) -> InvitationName | None:
        """The invitation that gives this join a place: effective, its maker not removed, neither closed before nor beside."""
        for name in self._names.get(join.join_key, ()):
            maker, invite = self._invitations[name]
            if not admit.follows(maker.index):
                continue
            if any(not close.follows(admit.index) for close in self._closes.get(name, ())):
                continue
            if any(not self._operations[removal.operation].follows(admit.index) for removal in self._later(maker)):
                continue
            users = {_joined(each) for each in self._placed[name]}
            if len(users) < invite.uses or join.certificate.user in users:
                return name
        return None

    def _state(self, name: InvitationName) -> InvitationState:
        maker, invite = self._invitations[name]
        return InvitationState(
            invite=invite,
            maker=maker.user,
            used_by=tuple(dict.fromkeys(_joined(admit) for admit in self._placed[name])),
            closed=bool(self._closes.get(name)) or any(self._later(maker)),
        )

    def _setting(self, kind: type[SetTopic] | type[Rename]) -> str:
        """Of the causally last ones the founders', then the one of most ancestors, then of the greatest id. "" where none is."""
        last = self._last[kind]
        if not last:
            return ""
        winner = max(self._of(last), key=lambda op: (op.user in self._founders, op.order))
        act = next(act for act in reversed(winner.acts) if isinstance(act, kind))
        return act.topic if isinstance(act, SetTopic) else act.name

    def _of(self, mask: int) -> Iterator[Operation]:
        while mask:
            yield self._operations[mask.bit_length() - 1]
            mask ^= 1 << mask.bit_length() - 1

    def _removals(self, user: UserId) -> Iterator[Ending]:
        return (ending for ending in self._endings_of.get(user, ()) if ending.fence is not None)

    def _later(self, operation: Operation) -> Iterator[Ending]:
        """Removals of an operation's author that it did not follow: who was admitted again begins anew."""
        return (removal for removal in self._removals(operation.user) if not operation.follows(removal.operation))

    def _beside(self, operation: Operation, ending: Ending) -> bool:
        other = self._operations[ending.operation]
        return not operation.follows(other.index) and not other.follows(operation.index) and other is not operation

    def _note_concerned(self, operation: Operation) -> None:
        users = {operation.user}
        if operation.join is not None:
            users.add(operation.join.certificate.user)
            users.update(self._invitations[name][0].user for name in self._names.get(operation.join.join_key, ()))
        for user in users:
            self._concerning[user] = self._concerning.get(user, 0) | operation.bit


def extended(view: View, operation: Operation) -> View:
    """The view after an operation that follows everything in it: nothing before it changes, so nothing is decided again."""
    mask = view.mask | operation.bit
    if not operation.valid:
        return replace(view, mask=mask)
    changes: dict[str, object] = {}
    members, invitations, endings = dict(view.members), dict(view.invitations), list(view.endings)
    if operation.devices is not None:
        revocations = dict(view.revocations)
        _revoke(revocations, operation)
        changes["revocations"] = revocations
    if operation.join is not None:
        user = operation.join.certificate.user
        members.setdefault(user, operation.index)
        for key, state in invitations.items():
            if state.invite.join_key == operation.join.join_key and user not in state.used_by and state.open:
                invitations[key] = replace(state, used_by=(*state.used_by, user))
                break
    for number, act in enumerate(operation.acts):
        ending = _ending(operation, act, view.founders)
        if ending is not None:
            endings.append(ending)
            members.pop(ending.user, None)
        match act:
            case Invite():
                invitations[operation.id, number] = InvitationState(invite=act, maker=operation.user, used_by=(), closed=False)
            case CloseInvitation():
                key = (act.invitation, act.index)
                invitations[key] = replace(invitations[key], closed=True)
            case Remove():
                for key, state in invitations.items():
                    if state.maker == act.user:
                        invitations[key] = replace(state, closed=True)
            case SetTopic():
                changes["topic"] = act.topic
            case Rename():
                changes["name"] = act.name
            case _:
                pass
    # What has not changed stays the same object: thousands of views share it.
    if members != view.members:
        changes["members"] = members
    if invitations != view.invitations:
        changes["invitations"] = invitations
    if len(endings) != len(view.endings):
        changes["endings"] = tuple(endings)
    return replace(view, mask=mask, effective=view.effective | operation.bit, **changes)  # type: ignore[arg-type]  # by name, above


def _joined(admit: Operation) -> UserId:
    assert admit.join is not None
    return admit.join.certificate.user


def _ending(operation: Operation, act: Act, founders: tuple[UserId, ...]) -> Ending | None:
    if isinstance(act, Remove) and operation.user in founders:
        return Ending(operation=operation.index, user=act.user, fence=act.fence)
    return Ending(operation=operation.index, user=operation.user, fence=None) if isinstance(act, Leave) else None


def _ended(operation: Operation, founders: tuple[UserId, ...]) -> Iterator[UserId]:
    return (ending.user for act in operation.acts if (ending := _ending(operation, act, founders)) is not None)


def _revoke(revocations: dict[DeviceId, tuple[Revocation, ...]], operation: Operation) -> None:
    """What an effective operation revokes: of its account's devices, which the same list certifies, those that it names."""
    if operation.devices is None:
        return
    act = operation.acts[0]
    assert isinstance(act, Devices)
    account = operation.devices.user
    for device in operation.devices.certified_revoked:
        fence = tuple(tip for tip in act.fence if tip.device == device)
        revocation = Revocation(operation=operation.index, device=device, account=account, author=operation.user, fence=fence)
        known = (*revocations.get(device, ()), revocation)
        revocations[device] = tuple(sorted(known, key=lambda entry: entry.operation))
