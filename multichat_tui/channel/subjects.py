"""Whom and what control operations are about, so that a question is asked of those alone that bear on it."""

from collections.abc import Iterator
from typing import TypeVar

from multichat_tui.channel.operations import Operation
from multichat_tui.channel.resources import registry
from multichat_tui.channel.view import InvitationName
from multichat_tui.model.acts import (
    Act,
    Ask,
    Ban,
    CloseInvitation,
    Create,
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
from multichat_tui.model.channel_settings import SettingKey, Slot, permission_for, slot_of
from multichat_tui.model.ids import ChannelId, DeviceId, UserId
from multichat_tui.model.ranks import ADMIN, FOUNDER, MEMBER, MODERATOR, MUTED, RANKS, Permission

_Key = TypeVar("_Key")


class Entries:
    """Operations about one subject, in the order in which they were added: what comes before another stands before it."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._earlier: list[int] = []
        """Of each, the set of those that stand before it."""
        self.mask = 0

    def __len__(self) -> int:
        return len(self._operations)

    def add(self, operation: Operation) -> None:
        if not self.mask & operation.bit:
            self._operations.append(operation)
            self._earlier.append(self.mask)
            self.mask |= operation.bit

    def newest_first(self, mask: int) -> Iterator[Operation]:
        """Those within a set. Cheap where few of the last ones are in it."""
        for place in range(len(self._operations) - 1, -1, -1):
            operation = self._operations[place]
            if mask & operation.bit:
                yield operation
            if not self._earlier[place] & mask:
                return

    def beside(self, operation: Operation, mask: int) -> Iterator[Operation]:
        """Those within a set that are neither before nor after an operation."""
        for other in self.newest_first(mask & ~operation.past):
            if other is not operation and not other.past & operation.bit:
                yield other


class Subjects:
    """Of the valid operations of one channel, the root first."""

    def __init__(self, root: Operation) -> None:
        create = root.acts[0]
        assert isinstance(create, Create)
        self.style: Style = create.style
        self.founders = frozenset(founder[0].user for founder in create.founders)
        self.operations: list[Operation] = [root]
        self.ranks = [FOUNDER, ADMIN, MODERATOR, MEMBER, MUTED]
        """In use, the highest first."""
        self.valid = 1
        """What its own past allows."""
        self.claims: dict[int, int] = {}
        """Of each the rank that its author had in its own past: it is worth no more, whatever else comes to be known."""
        self.seating = 0
        """The admits that make a member; others bring one more device of one."""
        self._nothing = Entries()
        self._users: dict[UserId, Entries] = {}
        self._bans: dict[UserId, Entries] = {}
        self._lifts: dict[UserId, Entries] = {}
        self._thresholds: dict[Permission, Entries] = {}
        self._revocations: dict[DeviceId, Entries] = {}
        self._closes: dict[InvitationName, Entries] = {}
        self._admits: dict[bytes, Entries] = {}
        self._admitting: dict[UserId, Entries] = {}
        self._accounts: dict[bytes, set[UserId]] = {}
        """By join key, those who have ever used it."""
        self._invitations: dict[bytes, list[tuple[InvitationName, Operation, Invite]]] = {}
        self._named: dict[InvitationName, tuple[Operation, Invite]] = {}
        self._authored: dict[UserId, Entries] = {}
        self._by_device: dict[DeviceId, Entries] = {}
        self._needing: dict[Permission, Entries] = {}
        self._made: dict[UserId, list[InvitationName]] = {}
        self.settings: dict[type[Act], Entries] = {SetTopic: Entries(), Rename: Entries()}
        self.leaves = Entries()
        self.listed: dict[ChannelId, Entries] = {}
        """Of a workspace: by channel, what puts it on the list or takes it off."""
        self._set: dict[Slot, Entries] = {}
        self._keys_set: set[int] = set()
        """Of `_set`: asked for every record."""
        self.asked = Entries()
        """Requests to be let in."""
        self._asks: dict[bytes, Entries] = {}
        self._refusals: dict[tuple[UserId, bytes], Entries] = {}
        self._uses: dict[int, int] = {}
        """Of each rank that not every channel has, those that name it."""

    def about(self, user: UserId) -> Entries:
        """What gives somebody a rank, or takes it."""
        return self._users.get(user, self._nothing)

    def bans(self, user: UserId) -> Entries:
        return self._bans.get(user, self._nothing)

    def lifts(self, user: UserId) -> Entries:
        return self._lifts.get(user, self._nothing)

    def thresholds(self, permission: Permission) -> Entries:
        return self._thresholds.get(permission, self._nothing)

    def revocations(self, device: DeviceId) -> Entries:
        return self._revocations.get(device, self._nothing)

    def closes(self, name: InvitationName) -> Entries:
        return self._closes.get(name, self._nothing)

    def admits(self, join_key: bytes) -> Entries:
        return self._admits.get(join_key, self._nothing)

    def invitations(self, join_key: bytes) -> list[tuple[InvitationName, Operation, Invite]]:
        """With this key, that which is decided first first."""
        return self._invitations.get(join_key, [])

    def invitation(self, name: InvitationName) -> tuple[Operation, Invite] | None:
        return self._named.get(name)

    def asks(self, join_key: bytes) -> Entries:
        """Requests by this invitation."""
        return self._asks.get(join_key, self._nothing)

    def refusals(self, user: UserId, join_key: bytes) -> Entries:
        """Of somebody's request by this invitation."""
        return self._refusals.get((user, join_key), self._nothing)

    def set_in(self, slot: Slot) -> Entries:
        """What sets something that this version knows."""
        return self._set.get(slot, self._nothing)

    def ever_set(self, key: SettingKey) -> bool:
        return key in self._keys_set

    def slots(self, key: SettingKey) -> Iterator[Slot]:
        """The places of a key that anything was ever set in."""
        return (slot for slot in sorted(self._set) if slot[0] == key)

    def custom_ranks(self, mask: int) -> set[int]:
        """The ranks, but for those that every channel has, that a set of operations names."""
        return {rank for rank, naming in self._uses.items() if naming & mask}

    def concerning(self, user: UserId) -> int:
        """What was done to somebody, and to the invitations by which they came."""
        found = self.about(user).mask | self.bans(user).mask | self.lifts(user).mask
        admits = self._admitting.get(user, self._nothing)
        found |= admits.mask
        for operation in self.among(admits.mask):
            assert operation.join is not None
            found |= self.admits(operation.join.join_key).mask
            for name, maker, _ in self.invitations(operation.join.join_key):
                found |= self.closes(name).mask | self.about(maker.user).mask
        return found

    def made_by(self, user: UserId) -> list[InvitationName]:
        """The invitations that somebody made."""
        return self._made.get(user, [])

    def among(self, mask: int) -> Iterator[Operation]:
        """The operations of a set, the last one first."""
        while mask:
            operation = self.operations[mask.bit_length() - 1]
            mask ^= operation.bit
            yield operation

    def add(self, operation: Operation, *, rank: int, seats: bool) -> None:
        """A valid operation, after all of its past, in which its author has this rank."""
        self.claims[operation.index] = rank
        self.valid |= operation.bit
        _entries(self._authored, operation.user).add(operation)
        _entries(self._by_device, operation.device).add(operation)
        if operation.join is not None:
            user = operation.joiner
            assert user is not None
            if seats:
                self.seating |= operation.bit
                _entries(self._users, user).add(operation)
            _entries(self._admits, operation.join.join_key).add(operation)
            _entries(self._admitting, user).add(operation)
            self._accounts.setdefault(operation.join.join_key, set()).add(user)
            _entries(self._needing, Permission.ADMIT).add(operation)
        if operation.devices is not None:
            for device in operation.devices.certified_revoked:
                _entries(self._revocations, device).add(operation)
        for number, act in enumerate(operation.acts):
            if (permission := needed(self, operation, act)) is not None:
                _entries(self._needing, permission).add(operation)
            match act:
                case SetRank() | Remove() | Ban():
                    _entries(self._users, act.user).add(operation)
                    if isinstance(act, Ban):
                        _entries(self._bans, act.user).add(operation)
                    if isinstance(act, SetRank):
                        self._use(act.rank, operation)
                case Unban():
                    _entries(self._lifts, act.user).add(operation)
                case Leave():
                    _entries(self._users, operation.user).add(operation)
                    self.leaves.add(operation)
                case SetThreshold():
                    _entries(self._thresholds, act.permission).add(operation)
                case Invite():
                    name = (operation.id, number)
                    self._use(act.rank, operation)
                    self._named[name] = operation, act
                    self._made.setdefault(operation.user, []).append(name)
                    found = self._invitations.setdefault(act.join_key, [])
                    found.append((name, operation, act))
                    found.sort(key=lambda entry: (entry[1].order, entry[0][1]))
                case Listing():
                    _entries(self.listed, act.channel).add(operation)
                case CloseInvitation():
                    _entries(self._closes, (act.invitation, act.index)).add(operation)
                case SetTopic() | Rename():
                    self.settings[type(act)].add(operation)
                case Ask() if operation.asked is not None:
                    self.asked.add(operation)
                    _entries(self._asks, operation.asked.join_key).add(operation)
                case RefuseJoin():
                    _entries(self._refusals, (act.user, act.join_key)).add(operation)
                case Setting() if (slot := slot_of(act.key, act.value)) is not None:
                    _entries(self._set, slot).add(operation)
                    self._keys_set.add(slot[0])
                case _:
                    pass

    def touched(self, operation: Operation, mask: int) -> int:
        """Of a set those whose worth an operation may change: none of its past, and of the rest those that are about the same."""
        found = 0
        if not self.valid & operation.bit:
            return 0
        for act in operation.acts:
            match act:
                case SetRank() | Remove() | Ban() | Unban():
                    found |= self._around(act.user)
                case Leave():
                    found |= self._around(operation.user)
                case SetThreshold():
                    found |= self._needing.get(act.permission, self._nothing).mask
                case Setting() if act.key == SettingKey.CLOSED:
                    found |= self._needing.get(Permission.ADMIT, self._nothing).mask
                case Invite():
                    found |= self.admits(act.join_key).mask
                case CloseInvitation():
                    if (named := self.invitation((act.invitation, act.index))) is not None:
                        found |= self.admits(named[1].join_key).mask
                case _:
                    pass
        if operation.devices is not None:
            for device in operation.devices.certified_revoked:
                found |= self._by_device.get(device, self._nothing).mask
        if operation.join is not None:
            if self.seating & operation.bit and operation.joiner is not None:
                found |= self._around(operation.joiner)
            if self._contested(operation.join.join_key):
                found |= self.admits(operation.join.join_key).mask
        return found & mask & ~operation.past & ~operation.bit

    def _around(self, user: UserId) -> int:
        """What somebody did, what was done to them, and who came in by their invitations."""
        mask = self.about(user).mask | self.bans(user).mask | self.lifts(user).mask
        mask |= self._admitting.get(user, self._nothing).mask
        mask |= self._authored.get(user, self._nothing).mask
        for name in self._made.get(user, ()):
            mask |= self.admits(self._named[name][1].join_key).mask
        return mask

    def _contested(self, join_key: bytes) -> bool:
        """Whether there are more accounts than places, or the key is of two invitations."""
        found = self.invitations(join_key)
        return len(found) != 1 or len(self._accounts[join_key]) > found[0][2].uses

    def _use(self, rank: int, operation: Operation) -> None:
        if rank not in self.ranks:
            self.ranks = sorted((*self.ranks, rank), reverse=True)
        if rank not in RANKS.values():
            self._uses[rank] = self._uses.get(rank, 0) | operation.bit


def own_invitation(operation: Operation) -> bool:
    """An invitation to MEMBER by itself: what members may make for others of their own rank."""
    return len(operation.acts) == 1 and isinstance(operation.acts[0], Invite) and operation.acts[0].rank == MEMBER


def own_close(subjects: Subjects, operation: Operation) -> bool:
    """Of an invitation to MEMBER by its maker, by itself."""
    if len(operation.acts) != 1 or not isinstance(act := operation.acts[0], CloseInvitation):
        return False
    found = subjects.invitation((act.invitation, act.index))
    return found is not None and found[0].user == operation.user and found[1].rank == MEMBER


def maker_of(subjects: Subjects, act: CloseInvitation) -> UserId | None:
    """Who made the invitation that is closed."""
    found = subjects.invitation((act.invitation, act.index))
    return None if found is None else found[0].user


def needed(subjects: Subjects, operation: Operation, act: Act) -> Permission | None:
    """What an act needs, beside its author's standing."""
    match act:
        case Invite():
            return Permission.INVITE
        case CloseInvitation():
            return None if maker_of(subjects, act) == operation.user else Permission.MODERATE
        case SetRank():
            return Permission.APPOINT if act.rank > MEMBER else Permission.MODERATE
        case Remove() | Ban() | Unban() | Redact():
            return Permission.MODERATE
        case SetThreshold():
            return Permission.CHANGE
        case Setting():
            return permission_for(act.key)
        case RefuseJoin():
            return Permission.ADMIT
        case Listing():
            return Permission.CREATE
        case SetTopic():
            return Permission.TOPIC
        case Rename():
            return Permission.RENAME
        case Message() | UnknownAct():
            return registry().permission(act)
        case _:
            return None


def lowers(operation: Operation, user: UserId, rank: int) -> bool:
    """Whether an operation leaves somebody less than a rank."""
    return any(
        (isinstance(act, SetRank) and act.user == user and act.rank < rank)
        or (isinstance(act, Remove | Ban) and act.user == user)
        for act in operation.acts
    )


def raises(operation: Operation, user: UserId, rank: int) -> bool:
    """Whether an operation gives somebody a rank or more."""
    return any(isinstance(act, SetRank) and act.user == user and act.rank >= rank for act in operation.acts)


def _entries(table: dict[_Key, Entries], key: _Key) -> Entries:
    return table.setdefault(key, Entries())
