"""Events: what changed, after it was committed. Numbered without gaps; see `snapshots.Snapshot`."""

from typing import TypeAlias

from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.snapshots import ChannelRow, ContactRow, MessageRow, Position
from multichat_tui.model.trust import AlarmRow
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAdded:
    """`past`: history that is filled in, older than what was shown: nothing to call anybody for."""

    seq: int
    row: MessageRow
    past: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageChanged:
    """The same place in the timeline, new content; `row` is None when it is no longer shown."""

    seq: int
    channel: ChannelId
    id: RecordId
    position: Position
    row: MessageRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryChanged:
    """One's own messages of `channel` may have come further: those with arrival numbers in `first`..`last`."""

    seq: int
    channel: ChannelId
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChanged:
    seq: int
    row: ChannelRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelGone:
    seq: int
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersChanged:
    seq: int
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsChanged:
    """Somebody has reported something in a channel, or settled a report."""

    seq: int
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    seq: int
    row: ContactRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged:
    """A link to one of the user's devices went up or down."""

    seq: int
    user: UserId
    device: DeviceId
    online: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChanged:
    """Somebody is called otherwise now."""

    seq: int
    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """Links, addresses or trouble; read `status` again."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised:
    """Somebody's keys are not what they were or should be: shout. It stays in `status` until it is acknowledged."""

    seq: int
    row: AlarmRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """This subscriber was too slow and has missed events: read everything again."""

    seq: int


Event: TypeAlias = (
    MessageAdded
    | MessageChanged
    | DeliveryChanged
    | ChannelChanged
    | ChannelGone
    | MembersChanged
    | ReportsChanged
    | ContactChanged
    | PresenceChanged
    | ProfileChanged
    | StatusChanged
    | AlarmRaised
    | Resync
)
