"""The control log of one channel, and the authority that follows from it (authority.md), for founders and members.

Every node computes the same view from the same set of control records, in whatever order they came. Each operation has an
index, and its past is a set of indices held in one integer: *a before b* is one bit, forks are nothing special.

Ranks other than founder and member, permissions and bans come with the moderation rules; the record format has room for them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from multichat_tui.channel.operations import Operation
from multichat_tui.channel.resolution import Resolution, extended
from multichat_tui.channel.view import InvitationState, View
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

CACHED_VIEWS = 128
"""Views of the past that are kept: of as many branches as grow beside each other. They share what has not changed."""
MAX_STEPS_BACK = 64
"""Operations that a view of the past is carried on by; further ones cost more than deciding all at once."""


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
        self._resolution: Resolution | None = None
        self._names: dict[UserId, str] = {}
        self.certificates: dict[DeviceId, Certificate] = {}
        """Every device that the log has ever named, with effect or without: whose records can be delivered."""

    def __len__(self) -> int:
        return len(self._operations)

    @property
    def view(self) -> View:
        """The state after everything held. Only after the root."""
        assert self._resolution is not None
        return self._resolution.view

    @property
    def root(self) -> RecordId:
        return self._operations[0].id

    @property
    def root_device(self) -> DeviceId:
        """Whose record the root is."""
        return self._operations[0].device

    @property
    def rooted(self) -> bool:
        return self._resolution is not None

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
        return Resolution(self._operations, self._full).view

    def records_by_index(self, index: int) -> RecordId:
        return self._operations[index].id

    def records_in(self, mask: int) -> Iterator[RecordId]:
        """The records of a set of operations."""
        while mask:
            index = mask.bit_length() - 1
            mask ^= 1 << index
            yield self._operations[index].id

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
        self._full |= operation.bit
        if self._resolution is None:
            self._resolution = Resolution(self._operations, self._full)
            return
        before = self._resolution.view
        self._keep(before)
        if past != before.mask:
            self._keep(extended(self._view_of(past), operation))
        if not self._resolution.merge(operation):
            self._resolution = Resolution(self._operations, self._full)

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
        """The state after these operations, which hold the past of each."""
        if self._resolution is not None and mask == self._resolution.view.mask:
            return self._resolution.view
        # Where one operation follows all the others, as on a branch, the state before it is mostly known, or that before that.
        steps: list[Operation] = []
        known = self._views.get(mask)
        at = mask
        while known is None and len(steps) < MAX_STEPS_BACK:
            last = self._operations[at.bit_length() - 1]
            if last.past | last.bit != at or not last.past:
                break
            steps.append(last)
            at = last.past
            known = self._views.get(at)
        if known is None:
            known, steps = Resolution(self._operations, mask).view, []
        for operation in reversed(steps):
            known = extended(known, operation)
        self._keep(known)
        return known

    def _keep(self, view: View) -> None:
        self._views[view.mask] = view
        self._views.move_to_end(view.mask)
        if len(self._views) > CACHED_VIEWS:
            self._views.popitem(last=False)

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


def _direct(view: View) -> bool:
    return view.style == view.style.DIRECT


def root_create(record: Record, acts: tuple[Act, ...]) -> Create | None:
    """The create act of a root, if the record is a well-formed one: made by a device of one of its founders."""
    create = acts[0]
    if record.header.log != Log.CONTROL or not isinstance(create, Create):
        return None
    devices = {certificate.device for founder in create.founders for certificate in founder}
    return create if record.header.device in devices else None
