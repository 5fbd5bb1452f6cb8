"""The control log of one channel, and the authority that follows from it (authority.md), for founders and members.

Every node computes the same view from the same set of control records, in whatever order they came. Each operation has an
index, and its past is a set of indices held in one integer: *a before b* is one bit, forks are nothing special.

Ranks other than founder and member, permissions and bans come with the moderation rules; the record format has room for them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from multichat_tui.channel.view import Ending, InvitationName, InvitationState, Revocation, View
from multichat_tui.model.acts import (
    Act,
    Admit,
    CloseInvitation,
    Create,
    Devices,
    Invite,
    Leave,
    Remove,
    Rename,
    SetTopic,
)
from multichat_tui.model.codec import Rejected
from multichat_tui.model.identity import Certificate, DeviceList, decode_device_list
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.joins import Join, decode_join
from multichat_tui.model.records import Record

CACHED_VIEWS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A control record in its place. `past` holds the bits of all its ancestors."""

    index: int
    id: RecordId
    device: DeviceId
    user: UserId
    acts: tuple[Act, ...]
    join: Join | None
    past: int
    count: int
    """How many ancestors it has."""
    valid: bool
    """The state of its own past allows it. What is not valid is never used."""
    devices: DeviceList | None = None
    """The list that it brings, if that holds."""


class ControlLog:
    """Grows by `add`, in causal order. Hashes and signatures of records are checked before; those of what they embed by
    `join_holds` and `list_holds`."""

    def __init__(self, channel: ChannelId, join_holds: Callable[[Join], bool], list_holds: Callable[[DeviceList], bool]) -> None:
        self.channel = channel
        self._join_holds = join_holds
        self._list_holds = list_holds
        self._operations: list[Operation] = []
        self._index: dict[RecordId, int] = {}
        self._full = 0
        self._written: dict[DeviceId, int] = {}
        """The operations of each device, one bit each."""
        self._views: OrderedDict[int, View] = OrderedDict()
        self._view: View | None = None
        self._names: dict[UserId, str] = {}
        self.certificates: dict[DeviceId, Certificate] = {}
        """Every device that the log has ever named, with effect or without: whose records can be delivered."""

    def __len__(self) -> int:
        return len(self._operations)

    @property
    def view(self) -> View:
        """The state after everything held. Only after the root."""
        assert self._view is not None
        return self._view

    @property
    def root(self) -> RecordId:
        return self._operations[0].id

    @property
    def root_device(self) -> DeviceId:
        """Whose record the root is."""
        return self._operations[0].device

    @property
    def rooted(self) -> bool:
        return self._view is not None

    def user_of(self, device: DeviceId) -> UserId | None:
        certificate = self.certificates.get(device)
        return None if certificate is None else certificate.user

    def join_name(self, user: UserId) -> str:
        """What a user was called when joining, if they joined here."""
        return self._names.get(user, "")

    def operation(self, record: RecordId) -> Operation | None:
        index = self._index.get(record)
        return None if index is None else self._operations[index]

    def resolved_from_nothing(self) -> View:
        """The same as `view`, decided again from all operations: what the incremental way must equal."""
        return self._resolve(self._full)

    def records_by_index(self, index: int) -> RecordId:
        return self._operations[index].id

    def mask(self, heads: tuple[RecordId, ...]) -> int:
        """The set of operations at or before these heads. They are held."""
        mask = 0
        for head in heads:
            operation = self._operations[self._index[head]]
            mask |= operation.past | 1 << operation.index
        return mask

    def view_at(self, heads: tuple[RecordId, ...]) -> View:
        return self._view_of(self.mask(heads))

    def written_before(self, device: DeviceId, heads: tuple[RecordId, ...]) -> int:
        """How many operations of a device are at or before these heads, on all branches of its chain. They are held."""
        return (self.mask(heads) & self._written.get(device, 0)).bit_count()

    def effective(self, record: RecordId) -> bool:
        index = self._index.get(record)
        return index is not None and bool(self.view.effective >> index & 1)

    def add(self, record: Record, acts: tuple[Act, ...]) -> None:
        """Take a delivered control record. Its dependencies are here, its device is known (or it is the root)."""
        index = len(self._operations)
        dependencies = record.header.dependencies
        past = self.mask(dependencies)
        if not index:
            self._learn_founders(acts)
        join = self._embedded_join(acts)
        if join is not None:
            self.certificates.setdefault(join.certificate.device, join.certificate)
            self._names[join.certificate.user] = join.name
        devices = self._embedded_devices(acts)
        user = self.user_of(record.header.device)
        assert user is not None
        operation = Operation(
            index=index,
            id=record.id,
            device=record.header.device,
            user=user,
            acts=acts,
            join=join,
            past=past,
            count=past.bit_count(),
            valid=index == 0 or self._allows(self._view_of(past), record.header.device, user, acts, join, devices),
            devices=devices,
        )
        if operation.valid and devices is not None:
            for certificate in devices.certificates:
                self.certificates.setdefault(certificate.device, certificate)
        self._operations.append(operation)
        self._written[operation.device] = self._written.get(operation.device, 0) | 1 << index
        self._index[record.id] = index
        follows_all = past == self._full
        self._full |= 1 << index
        if follows_all and self._view is not None:
            self._view = _extended(self._view, operation, self._full)
        else:
            self._view = self._resolve(self._full)

    def _learn_founders(self, acts: tuple[Act, ...]) -> None:
        create = acts[0]
        assert isinstance(create, Create)
        for founder in create.founders:
            for certificate in founder:
                self.certificates[certificate.device] = certificate

    def _embedded_join(self, acts: tuple[Act, ...]) -> Join | None:
        if not acts or not isinstance(acts[0], Admit):
            return None
        join = decode_join(acts[0].join)
        if isinstance(join, Rejected) or join.channel != self.channel or not self._join_holds(join):
            return None
        known = self.certificates.get(join.certificate.device)
        # A device belongs to the account that was named with it first in every past: the root's founders come before all.
        return join if known is None or known.user == join.certificate.user else None

    def _embedded_devices(self, acts: tuple[Act, ...]) -> DeviceList | None:
        if not acts or not isinstance(acts[0], Devices):
            return None
        devices = decode_device_list(acts[0].devices)
        return None if isinstance(devices, Rejected) or not self._list_holds(devices) else devices

    def _view_of(self, mask: int) -> View:
        if mask == self._full and self._view is not None:
            return self._view
        view = self._views.get(mask)
        if view is None:
            view = self._resolve(mask)
            self._views[mask] = view
            if len(self._views) > CACHED_VIEWS:
                self._views.popitem(last=False)
        else:
            self._views.move_to_end(mask)
        return view

    def _within(self, mask: int) -> Iterator[Operation]:
        return (operation for operation in self._operations if mask >> operation.index & 1 and operation.valid)

    # Rule 1: what the state of its own past allows.

    def _allows(
        self,
        view: View,
        device: DeviceId,
        user: UserId,
        acts: tuple[Act, ...],
        join: Join | None,
        devices: DeviceList | None,
    ) -> bool:
        if user not in view.members or device in view.revocations:
            return False
        return all(self._allows_act(view, user, act, join, devices) for act in acts)

    def _allows_act(self, view: View, user: UserId, act: Act, join: Join | None, devices: DeviceList | None) -> bool:
        founder = user in view.founders
        match act:
            case Invite():
                return act.rank == 0 and not _direct(view)
            case CloseInvitation():
                state = view.invitations.get((act.invitation, act.index))
                return state is not None and (founder or state.maker == user)
            case Admit():
                return join is not None and _may_use(view, join)
            case Remove():
                return founder and act.user not in view.founders
            case Devices():
                # Of an account that is or was in the channel: nobody fills it with the devices of strangers.
                return devices is not None and (
                    devices.user in view.members or any(ending.user == devices.user for ending in view.endings)
                )
            case Leave():
                return True
            case SetTopic():
                return True
            case Rename():
                return founder and not _direct(view)
            case _:
                return False

    # Rules 3 to 6 for the two ranks: founders' acts first, then members' in order of (ancestor count, id).

    def _resolve(self, mask: int) -> View:
        root = self._operations[0]
        create = root.acts[0]
        assert isinstance(create, Create)
        founders = tuple(sorted(founder[0].user for founder in create.founders))
        ordered = sorted(self._within(mask), key=lambda operation: (operation.count, operation.id))
        endings = tuple(_endings(ordered, founders))
        removals = tuple(ending for ending in endings if ending.fence is not None)
        effective = 1
        admits: list[Operation] = []
        invitations: dict[InvitationName, tuple[Operation, Invite]] = {}
        uses: dict[InvitationName, list[UserId]] = {}
        closes = self._effective_closes(ordered, removals, founders)
        settings: list[Operation] = []
        revocations: dict[DeviceId, tuple[Revocation, ...]] = {}
        for operation in ordered[1:]:
            if operation.user not in founders and not self._stands(operation, admits, endings, removals):
                continue
            if operation.join is not None:
                name = self._place(operation, operation.join, invitations, uses, closes, removals)
                if name is None:
                    continue
                if operation.join.certificate.user not in uses[name]:
                    uses[name].append(operation.join.certificate.user)
                admits.append(operation)
            effective |= 1 << operation.index
            _revoke(revocations, operation)
            for number, act in enumerate(operation.acts):
                if isinstance(act, Invite):
                    invitations[operation.id, number] = (operation, act)
                    uses[operation.id, number] = []
                elif isinstance(act, SetTopic | Rename):
                    settings.append(operation)
        topic = _setting(settings, SetTopic, founders)
        rename = _setting(settings, Rename, founders)
        return View(
            mask=mask,
            effective=effective,
            style=create.style,
            name=rename.name if isinstance(rename, Rename) else create.name,
            topic=topic.topic if isinstance(topic, SetTopic) else "",
            founders=founders,
            members=_members(founders, admits, endings, self._operations),
            endings=endings,
            invitations={
                name: InvitationState(
                    invite=invite,
                    maker=operation.user,
                    used_by=tuple(uses[name]),
                    closed=bool(closes.get(name)) or any(self._later(operation, removals)),
                )
                for name, (operation, invite) in invitations.items()
            },
            revocations=revocations,
        )

    def _effective_closes(
        self, ordered: list[Operation], removals: tuple[Ending, ...], founders: tuple[UserId, ...]
    ) -> dict[InvitationName, list[Operation]]:
        """Closes count unless their author was removed beside them."""
        closes: dict[InvitationName, list[Operation]] = {}
        for operation in ordered:
            for act in operation.acts:
                if isinstance(act, CloseInvitation) and (
                    operation.user in founders or not any(self._beside(operation, r) for r in _of(removals, operation.user))
                ):
                    closes.setdefault((act.invitation, act.index), []).append(operation)
        return closes

    def _later(self, operation: Operation, removals: tuple[Ending, ...]) -> Iterator[Ending]:
        """Removals of an operation's author that it did not follow: who was admitted again begins anew."""
        return (r for r in _of(removals, operation.user) if not operation.past >> r.operation & 1)

    def _beside(self, operation: Operation, ending: Ending) -> bool:
        other = self._operations[ending.operation]
        return not operation.past >> other.index & 1 and not other.past >> operation.index & 1 and other is not operation

    def _stands(
        self, operation: Operation, admits: list[Operation], endings: tuple[Ending, ...], removals: tuple[Ending, ...]
    ) -> bool:
        """The author is a member after the operation's past, and no removal of theirs lies beside it."""
        mine = [e for e in endings if e.user == operation.user and e.operation != operation.index]
        before = [self._operations[e.operation] for e in mine if operation.past >> e.operation & 1]
        alive = any(
            admit.join is not None
            and admit.join.certificate.user == operation.user
            and operation.past >> admit.index & 1
            and all(admit.past >> ending.index & 1 for ending in before)
            for admit in admits
        )
        return alive and not any(self._beside(operation, r) for r in _of(removals, operation.user))

    def _place(
        self,
        admit: Operation,
        join: Join,
        invitations: dict[InvitationName, tuple[Operation, Invite]],
        uses: dict[InvitationName, list[UserId]],
        closes: dict[InvitationName, list[Operation]],
        removals: tuple[Ending, ...],
    ) -> InvitationName | None:
        """The invitation that gives this join a place: effective, its maker not removed, neither closed before nor beside."""
        for name, (maker, invite) in invitations.items():
            if invite.join_key != join.join_key or not admit.past >> maker.index & 1:
                continue
            if any(not close.past >> admit.index & 1 for close in closes.get(name, ())):
                continue
            if any(not self._operations[r.operation].past >> admit.index & 1 for r in self._later(maker, removals)):
                continue
            if len(uses[name]) < invite.uses or join.certificate.user in uses[name]:
                return name
        return None


def invitation_for(view: View, join_key: bytes) -> InvitationState | None:
    """The open invitation with this key."""
    for state in view.invitations.values():
        if state.invite.join_key == join_key and state.open:
            return state
    return None


def _may_use(view: View, join: Join) -> bool:
    """A place is left, or the account has its place under this invitation already (another device of it, say)."""
    return any(
        state.invite.join_key == join.join_key and not state.closed and (state.open or join.certificate.user in state.used_by)
        for state in view.invitations.values()
    )


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


def _direct(view: View) -> bool:
    return view.style == view.style.DIRECT


def _extended(view: View, operation: Operation, mask: int) -> View:
    """The view after an operation that follows everything: nothing before it changes, so nothing is decided again."""
    if not operation.valid:
        return replace(view, mask=mask)
    members = dict(view.members)
    invitations = dict(view.invitations)
    endings = list(view.endings)
    revocations = dict(view.revocations)
    _revoke(revocations, operation)
    name, topic = view.name, view.topic
    if operation.join is not None:
        user = operation.join.certificate.user
        members.setdefault(user, operation.index)
        for key, state in invitations.items():
            if state.invite.join_key == operation.join.join_key and user not in state.used_by and state.open:
                invitations[key] = replace(state, used_by=(*state.used_by, user))
                break
    for number, act in enumerate(operation.acts):
        match act:
            case Invite():
                invitations[operation.id, number] = InvitationState(invite=act, maker=operation.user, used_by=(), closed=False)
            case CloseInvitation():
                key = (act.invitation, act.index)
                invitations[key] = replace(invitations[key], closed=True)
            case Remove():
                endings.append(Ending(operation=operation.index, user=act.user, fence=act.fence))
                members.pop(act.user, None)
                for key, state in invitations.items():
                    if state.maker == act.user:
                        invitations[key] = replace(state, closed=True)
            case Leave():
                endings.append(Ending(operation=operation.index, user=operation.user, fence=None))
                members.pop(operation.user, None)
            case SetTopic():
                topic = act.topic
            case Rename():
                name = act.name
            case _:
                pass
    return View(
        mask=mask,
        effective=view.effective | 1 << operation.index,
        style=view.style,
        name=name,
        topic=topic,
        founders=view.founders,
        members=members,
        endings=tuple(endings),
        invitations=invitations,
        revocations=revocations,
    )


def _of(endings: tuple[Ending, ...], user: UserId) -> Iterator[Ending]:
    return (ending for ending in endings if ending.user == user)


def _endings(ordered: list[Operation], founders: tuple[UserId, ...]) -> Iterator[Ending]:
    """Removals by founders always count; leaving counts for oneself."""
    for operation in ordered:
        for act in operation.acts:
            if isinstance(act, Remove) and operation.user in founders:
                yield Ending(operation=operation.index, user=act.user, fence=act.fence)
            elif isinstance(act, Leave):
                yield Ending(operation=operation.index, user=operation.user, fence=None)


def _members(
    founders: tuple[UserId, ...], admits: list[Operation], endings: tuple[Ending, ...], operations: list[Operation]
) -> dict[UserId, int]:
    """Who is in: those with an admit that has every ending of theirs in its past (of concurrent ones the ending stands)."""
    gone = {ending.user for ending in endings}
    members: dict[UserId, int] = {founder: 0 for founder in founders if founder not in gone}
    for admit in admits:
        assert admit.join is not None
        user = admit.join.certificate.user
        if user not in members and all(admit.past >> e.operation & 1 for e in _of(endings, user)):
            members[user] = admit.index
    return members


def _setting(settings: list[Operation], kind: type[Act], founders: tuple[UserId, ...]) -> Act | None:
    """Of the causally last ones the founders', then the one of most ancestors, then of the greatest id."""
    candidates = [op for op in settings if any(isinstance(act, kind) for act in op.acts)]
    followed = 0
    for operation in candidates:
        followed |= operation.past
    last = [operation for operation in candidates if not followed >> operation.index & 1]
    if not last:
        return None
    winner = max(last, key=lambda op: (op.user in founders, op.count, op.id))
    return next(act for act in reversed(winner.acts) if isinstance(act, kind))


def root_create(record: Record, acts: tuple[Act, ...]) -> Create | None:
    """The create act of a root, if the record is a well-formed one: made by a device of one of its founders."""
    create = acts[0]
    if record.header.log != Log.CONTROL or not isinstance(create, Create):
        return None
    devices = {certificate.device for founder in create.founders for certificate in founder}
    return create if record.header.device in devices else None
