"""What a channel is at one point of its control log: the result of resolving authority there."""

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from multichat_tui.model.acts import Invite, Listing, Style, Tip, WideFence
from multichat_tui.model.channel_settings import SettingKey, Slot, role_name_of, rule_of
from multichat_tui.model.codec import Value
from multichat_tui.model.history import ALL
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.ranks import MEMBER, THRESHOLDS, Permission
from multichat_tui.model.values import dataclass

InvitationName: TypeAlias = tuple[RecordId, int]
"""An invitation as a resource: the record that made it, and the index of the act in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationState:
    invite: Invite
    maker: UserId
    used_by: tuple[UserId, ...]
    """Accounts admitted under it, in the order that counts."""
    closed: bool

    @property
    def open(self) -> bool:
        """Whether a place is left; expiry is for the caller to see on its clock."""
        return not self.closed and len(self.used_by) < self.invite.uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of a membership: a removal, a ban, or one's own leaving (which has no fence)."""

    operation: int
    user: UserId
    fence: tuple[Tip, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Another rank for a member. If that may not send, what they wrote beyond the fence without having seen it does not count."""

    operation: int
    user: UserId
    rank: int
    fence: tuple[Tip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Another threshold. What needs it, and was written by somebody of less than this rank beyond the fence without having seen
    it, does not count."""

    operation: int
    permission: Permission
    rank: int
    fence: WideFence


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A setting that restricts content, with what its author had seen of that."""

    operation: int
    key: int
    value: int
    fence: WideFence


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """The end of a device: signed by its account, brought by `author`, who had seen its chains up to the fence."""

    operation: int
    device: DeviceId
    account: UserId
    author: UserId
    level: int
    """At which it was decided: the rank that its author had."""
    fence: tuple[Tip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BanState:
    """A ban that nobody has lifted."""

    operation: int
    level: int
    until_ms: int
    """0: without end."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`mask` and `effective` are sets of operations, one bit each (see `control.ControlLog`)."""

    mask: int
    effective: int
    style: Style
    name: str
    topic: str
    founders: tuple[UserId, ...]
    members: Mapping[UserId, int]
    """Living memberships: user -> the operation that began it (0, the root, for founders)."""
    ranks: Mapping[UserId, int]
    """Of the members whose rank is not MEMBER."""
    endings: tuple[Ending, ...]
    """By the order of their operations."""
    rankings: tuple[Ranking, ...]
    """By the order of their operations."""
    bans: Mapping[UserId, tuple[BanState, ...]]
    thresholds: Mapping[Permission, int]
    """Those that were changed."""
    rulings: tuple[Ruling, ...]
    """By the order of their operations: those that content may need."""
    invitations: Mapping[InvitationName, InvitationState]
    revocations: Mapping[DeviceId, tuple[Revocation, ...]] = field(default_factory=dict)
    """Of each revoked device all that revoke it, by operation."""
    directory: Mapping[ChannelId, tuple[int, Listing]] = field(default_factory=dict)
    """Of a workspace: the channels on its list, with the operations that put them there."""

    halts: tuple[Halt, ...] = ()
    """By the order of their operations."""
    settings: Mapping[Slot, Value] = field(default_factory=dict)
    """Those that were ever set."""

    @property
    def unsettled(self) -> frozenset[UserId]:
        """Members whose places could still turn out to be somebody else's: all are taken, and the invitation is not closed."""
        full = (state for state in self.invitations.values() if not state.closed and not state.open)
        return frozenset(user for state in full for user in state.used_by)

    def setting(self, key: SettingKey) -> int:
        """The value of a setting that is a number; its default where it was never set."""
        value = self.settings.get((key, 0))
        if isinstance(value, int):
            return value
        rule = rule_of(key)
        return 0 if rule is None else rule.default

    @property
    def closed(self) -> bool:
        """For good."""
        return bool(self.setting(SettingKey.CLOSED))

    @property
    def read_only(self) -> bool:
        """Archived or closed: nobody writes."""
        return self.closed or bool(self.setting(SettingKey.ARCHIVED))

    @property
    def reading_seed(self) -> bytes:
        """Of the link by which everybody may read; empty: nobody may."""
        value = self.settings.get((SettingKey.READING, 0))
        return value if isinstance(value, bytes) else b""

    @property
    def public(self) -> bool:
        """Everybody who has its link may read it: nothing of it is kept from newcomers either."""
        return bool(self.reading_seed) and self.setting(SettingKey.HISTORY) == ALL

    @property
    def role_names(self) -> Mapping[int, str]:
        """What ranks beside the usual ones are called. Others' text."""
        named = (role_name_of(value) for (key, _), value in sorted(self.settings.items()) if key == SettingKey.ROLE_NAME)
        return {rank: name for rank, name in filter(None, named) if name}

    def is_member(self, user: UserId) -> bool:
        return user in self.members

    def rank(self, user: UserId) -> int | None:
        """None: no member."""
        return self.ranks.get(user, MEMBER) if user in self.members else None

    def threshold(self, permission: Permission) -> int:
        return self.thresholds.get(permission, THRESHOLDS[permission])

    def may(self, user: UserId, permission: Permission) -> bool:
        rank = self.rank(user)
        return rank is not None and rank >= self.threshold(permission)
