"""The control log of one channel, and the authority that follows from it (authority.md).

Every node computes the same view from the same set of control records, in whatever order they came. Each operation has an
index, and its past is a set of indices held in one integer: *a before b* is one bit, forks are nothing special.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

from multichat_tui.channel.authority import Authority
from multichat_tui.channel.operations import Operation
from multichat_tui.channel.permitting import permitted, seats
from multichat_tui.channel.petitions import Petition, has_asked, refusal, waiting
from multichat_tui.channel.subjects import Subjects
from multichat_tui.channel.verdicts import Verdict, verdict
from multichat_tui.channel.view import InvitationState, View
from multichat_tui.channel.viewing import carried_on, viewed
from multichat_tui.model.acts import Act, Admit, Ask, Create, Devices, Listing, RefuseJoin
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.codec import Rejected
from multichat_tui.model.identity import Certificate, DeviceList, decode_device_list
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.joins import Join, decode_join
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.records import Record

T = TypeVar("T")

CACHED_STATES = 128
"""States of the past that are kept: of as many branches as grow beside each other."""
ContentKind: TypeAlias = tuple[tuple[RecordId, ...], DeviceId, UserId, frozenset[Permission]]
"""Content that cites these control heads, of this device and user, which needs these permissions."""
MAX_UNDISPUTED = 1024
"""Kinds of content that are remembered, about 200 bytes each."""
MAX_TAKEN_BACK = 256
"""Operations that are taken back from the present state to have one of the past; where there are more, it is decided anew."""


class ControlLog:
    """Grows by `add`, in causal order. Hashes and signatures of records are checked before; those of what they embed by
    `join_holds` and `list_holds`."""

    def __init__(self, channel: ChannelId, join_holds: Callable[[Join], bool], list_holds: Callable[[DeviceList], bool]) -> None:
        self.channel = channel
        self.sound = True
        """Whether all signatures within the records so far were good."""
        self._verified = False
        self._join_holds = join_holds
        self._list_holds = list_holds
        self._operations: list[Operation] = []
        self._index: dict[RecordId, int] = {}
        self._full = 0
        self._written: dict[DeviceId, int] = {}
        """The operations of each device, one bit each."""
        self._states: OrderedDict[int, Authority] = OrderedDict()
        self._now: Authority | None = None
        self._view: View | None = None
        self._waiting: tuple[int, tuple[Petition, ...]] | None = None
        """The requests that wait, and what they were looked up in."""
        self.undisputed: dict[ContentKind, bool] = {}
        """Of which content all counts (see `counting`), as far as that was asked since the newest operation."""
        self._names: dict[UserId, str] = {}
        self.petitioners: set[UserId] = set()
        """Who has ever asked to be let in."""
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

    def joined_as(self, user: UserId) -> str:
        """What a member was called in the join with which their membership begins; empty for who has founded the channel."""
        began = self.view.members.get(user)
        join = None if began is None else self._operations[began].join
        return "" if join is None else join.name

    def operation(self, record: RecordId) -> Operation | None:
        index = self._index.get(record)
        return None if index is None else self._operations[index]

    def resolved_from_nothing(self) -> View:
        """The same as `view`, decided again from all operations: what the incremental way must equal."""
        assert self._now is not None
        return viewed(Authority(self._now.subjects, self._full))

    def records_by_index(self, index: int) -> RecordId:
        return self._operations[index].id

    def follows(self, later: int, earlier: int) -> bool:
        """Whether one operation has another in its past."""
        return self._operations[later].follows(earlier)

    def in_order(self) -> list[Operation]:
        """All operations by their order: the same on every node that holds the same."""
        return sorted(self._operations, key=lambda operation: operation.order)

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

    def ever_set(self, key: SettingKey) -> bool:
        """Whether a valid operation has ever set this, with effect or without."""
        return self._now is not None and self._now.subjects.ever_set(key)

    def state_at(self, heads: tuple[RecordId, ...]) -> Authority:
        """What is so after these heads. They are held."""
        return self._state_of(self.mask(heads))

    def newest_first(self) -> Iterator[Operation]:
        """All that is held, later ones before what they follow."""
        return reversed(self._operations)

    def state_before(self, operation: Operation) -> Authority:
        """What was so in an operation's own past."""
        return self._state_of(operation.past)

    def state_after(self, operation: Operation) -> Authority:
        """What was so once it was written, for who knew no more than its author."""
        return self._state_of(operation.past | operation.bit)

    def listings(self, channel: ChannelId) -> Iterator[Listing]:
        """Of a workspace: what has ever put a channel on the list, with effect, the last first."""
        entries = None if self._now is None else self._now.subjects.listed.get(channel)
        for operation in () if entries is None or self._now is None else self._now.subjects.among(entries.mask):
            if self.effective(operation.id):
                yield from (act for act in operation.acts if isinstance(act, Listing) and act.channel == channel)

    def grounds(self, user: UserId) -> int:
        """The set of operations that show why somebody is no member: what was done to them, and to invitations that they used,
        with all their pasts."""
        assert self._now is not None
        about = self._now.subjects.concerning(user) & self._now.mask
        return about | self.mask_of_pasts(about)

    def left_by(self) -> frozenset[DeviceId]:
        """The devices whose users are no members, and that have left by their own word since these were let in last."""
        found = set()
        for ending in self.view.endings:
            if ending.fence is None and ending.user not in self.view.members:
                leaving = self._operations[ending.operation]
                later = (op for op in map(self.operation, self.done_to(ending.user)) if op is not None)
                if not any(op.joiner == ending.user and op.follows(leaving.index) for op in later):
                    found.add(leaving.device)
        return frozenset(found)

    def done_to(self, user: UserId) -> Iterator[RecordId]:
        """What gave somebody a rank or took it, banned them or lifted that, the last first."""
        subjects = None if self._now is None else self._now.subjects
        mask = 0 if subjects is None else subjects.about(user).mask | subjects.bans(user).mask | subjects.lifts(user).mask
        return self.records_in(mask)

    def mask_of_pasts(self, mask: int) -> int:
        """Everything before any of these."""
        found = 0
        while mask & ~found:
            # The last one that is not covered: what is in its past needs no look.
            operation = self._operations[(mask & ~found).bit_length() - 1]
            found |= operation.past | operation.bit
        return found

    def written_before(self, device: DeviceId, heads: tuple[RecordId, ...]) -> int:
        """How many operations of a device are at or before these heads, on all branches of its chain. They are held."""
        return (self.mask(heads) & self._written.get(device, 0)).bit_count()

    def effective(self, record: RecordId) -> bool:
        index = self._index.get(record)
        return index is not None and bool(self.view.effective >> index & 1)

    def verdict(self, record: RecordId) -> Verdict:
        """What became of a control record that is held."""
        assert self._now is not None
        return verdict(self._now, self._operations[self._index[record]])

    def holds(self, user: UserId, rank: int) -> bool:
        """Whether somebody has this rank or more for those who have it; see `Authority.holds`."""
        return self._now is not None and self._now.holds(user, rank)

    def reverted(self, record: RecordId) -> bool:
        """Allowed by what its author knew, and without effect."""
        index = self._index.get(record)
        allowed = self._now is not None and index is not None and bool(self._now.subjects.valid >> index & 1)
        return allowed and not self.effective(record)

    def add(self, record: Record, acts: tuple[Act, ...], *, verified: bool = False) -> None:
        """Take a delivered control record. Its dependencies are here, its device is known (or it is the root). `verified`: the
        signatures within it were found good before (see `sound`)."""
        self._verified = verified
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
        asked = self._asked_join(acts)
        if asked is not None:
            self.petitioners.add(asked.certificate.user)
            self._names.setdefault(asked.certificate.user, asked.name)
        user = self.user_of(record.header.device)
        assert user is not None
        operation = Operation(
            index=index,
            id=record.id,
            device=record.header.device,
            user=user,
            acts=acts,
            join=join,
            asked=asked,
            past=past,
            count=past.bit_count(),
            devices=devices,
        )
        self._operations.append(operation)
        self._written[operation.device] = self._written.get(operation.device, 0) | 1 << index
        self._index[record.id] = index
        self._full |= operation.bit
        if self._now is None or self._view is None:
            self._now = Authority(Subjects(operation), self._full)
            self._view = viewed(self._now)
            return
        subjects = self._now.subjects
        subjects.operations.append(operation)
        state = self._state_of(past)
        rank = permitted(state, operation)
        if rank is not None:
            subjects.add(operation, rank=rank, seats=seats(state, operation))
            for certificate in devices.certificates if devices is not None else ():
                self.certificates.setdefault(certificate.device, certificate)
        changed = self._now.carry_on(operation, valid=rank is not None)
        self._view = carried_on(self._view, self._now, changed)
        self.undisputed.clear()

    def note_undisputed(self, kind: ContentKind, undisputed: bool) -> bool:
        """What was found out about such content, until the next operation."""
        if len(self.undisputed) >= MAX_UNDISPUTED:
            self.undisputed.clear()
        self.undisputed[kind] = undisputed
        return undisputed

    def _good(self, holds: Callable[[T], bool], signed: T) -> bool:
        if self._verified or holds(signed):
            return True
        self.sound = False
        return False

    def _learn_founders(self, acts: tuple[Act, ...]) -> None:
        create = acts[0]
        assert isinstance(create, Create)
        for founder in create.founders:
            for certificate in founder:
                self.certificates[certificate.device] = certificate

    def _embedded_join(self, acts: tuple[Act, ...]) -> Join | None:
        return self._join_in(acts[0].join) if acts and isinstance(acts[0], Admit) else None

    def _asked_join(self, acts: tuple[Act, ...]) -> Join | None:
        """The join of a request. Its device is known when it is let in, and not before."""
        return self._join_in(acts[0].join) if acts and isinstance(acts[0], Ask) else None

    def _join_in(self, encoded: bytes) -> Join | None:
        """A join that holds, of a device that is nobody else's."""
        join = decode_join(encoded)
        if isinstance(join, Rejected) or join.channel != self.channel or not self._good(self._join_holds, join):
            return None
        known = self.certificates.get(join.certificate.device)
        # A device belongs to the account that was named with it first in every past: the root's founders come before all.
        return join if known is None or known.user == join.certificate.user else None

    def waiting(self) -> tuple[Petition, ...]:
        """Requests to be let in that nobody has answered, in their order."""
        if self._now is None or not self._now.subjects.asked.mask:
            return ()
        if self._waiting is None or self._waiting[0] != self._full:
            self._waiting = (self._full, tuple(waiting(self._now)))
        return self._waiting[1]

    def approved(self, record: RecordId) -> bool:
        """Whether somebody has decided an admit: where a link alone lets people in, the node of any member writes it down."""
        operation = self.operation(record)
        return operation is not None and self.state_before(operation).threshold(Permission.ADMIT) > MEMBER

    def has_asked(self, user: UserId, join_key: bytes) -> bool:
        """Whether somebody's request by this invitation is written down already."""
        return self._now is not None and has_asked(self._now, user, join_key)

    def refusal(self, user: UserId, join_key: bytes) -> RefuseJoin | None:
        """What somebody was told about their request by this invitation."""
        return None if self._now is None else refusal(self._now, user, join_key)

    def _embedded_devices(self, acts: tuple[Act, ...]) -> DeviceList | None:
        if not acts or not isinstance(acts[0], Devices):
            return None
        devices = decode_device_list(acts[0].devices)
        return None if isinstance(devices, Rejected) or not self._good(self._list_holds, devices) else devices

    def _state_of(self, mask: int) -> Authority:
        """The state after these operations, which hold the past of each. Not to be carried on."""
        assert self._now is not None
        if mask == self._now.mask:
            return self._now
        found = self._states.get(mask)
        if found is None:
            gone = list(self._now.subjects.among(self._now.mask & ~mask)) if mask & ~self._now.mask == 0 else []
            few = 0 < len(gone) <= MAX_TAKEN_BACK
            found = self._now.without(gone) if few else Authority(self._now.subjects, mask)
            self._states[mask] = found
            if len(self._states) > CACHED_STATES:
                self._states.popitem(last=False)
        self._states.move_to_end(mask)
        return found


def invitation_for(view: View, join_key: bytes) -> InvitationState | None:
    """The open invitation with this key."""
    for state in view.invitations.values():
        if state.invite.join_key == join_key and state.open:
            return state
    return None


def root_create(record: Record, acts: tuple[Act, ...]) -> Create | None:
    """The create act of a root, if the record is a well-formed one: made by a device of one of its founders."""
    create = acts[0]
    if record.header.log != Log.CONTROL or not isinstance(create, Create):
        return None
    devices = {certificate.device for founder in create.founders for certificate in founder}
    return create if record.header.device in devices else None
