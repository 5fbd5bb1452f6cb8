"""Acts: what records do. A record's content is `{0: [act, ...]}`, each act a map whose key 0 is its type; all count, or none.

Types of 1 to 63 are control acts, from 64 on content acts. An act of an unknown type is kept as `UnknownAct`: a newer version
understands it. docs/protocol/records.md lists the fields.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum
from typing import TypeAlias

from multichat_tui.model.codec import Value
from multichat_tui.model.identity import (
    MAX_DEVICES,
    Certificate,
)
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.values import dataclass

MAX_FOUNDERS = 16
MAX_RANK = 100
"""That can be given."""
FIRST_CONTENT_TYPE = 64
CAUSE = 15
"""The key of the mark of what was decided in a workspace, in acts about people."""
MAX_DEVICE_TIPS = 2 * MAX_DEVICES
"""A chain per log for each device that an account can have."""


class Style(IntEnum):
    """What a channel is."""

    GROUP = 1
    DIRECT = 2
    """Two people, both founders."""
    WORKSPACE = 3
    """A group with a list of channels."""


class Type(IntEnum):
    CREATE = 1
    INVITE = 2
    CLOSE_INVITATION = 3
    ADMIT = 4
    REMOVE = 5
    LEAVE = 6
    TOPIC = 7
    RENAME = 8
    DEVICES = 9
    RANK = 10
    BAN = 11
    UNBAN = 12
    THRESHOLD = 13
    SETTING = 14
    REFUSE_JOIN = 15
    ASK = 16
    LISTING = 20
    MESSAGE = 64
    REDACT = 66
    REPORT = 69


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """The root's only act. Each founder is given by the certificates of the devices known then."""

    style: Style
    name: str
    founders: tuple[tuple[Certificate, ...], ...]
    nonce: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A place, or `uses` of them. The keys derive from the link's seed: one opens connections, one signs the join."""

    join_key: bytes
    """Ed25519 public key, 32 bytes."""
    token_key: bytes
    """Symmetric, 32 bytes: lets any member's node recognise a holder of the link."""
    rank: int
    uses: int
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseInvitation:
    invitation: RecordId
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Embeds the join, as the joiner signed it."""

    join: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """The last record of a chain that somebody had seen."""

    device: DeviceId
    log: Log
    seq: int
    hash: bytes
    """The record's id, 32 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far somebody had seen a device's chain of content."""

    device: bytes
    """The first PREFIX_SIZE bytes of its id."""
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WideFence:
    """What the author of a restriction for all had seen: of the chains of content lately written to, up to MAX_MARKS of them, how
    far; of all others whatever is not above `floor_ets`."""

    marks: tuple[Mark, ...] = ()
    """Ascending by device."""
    floor_ets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Ends a membership. The fence names the tips of the target's chains that the author had seen."""

    user: UserId
    fence: tuple[Tip, ...]
    reason: str = ""
    cause: bytes = b""
    """Of what was decided in a workspace, its mark there (`node.materialising`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A request: the node of somebody entitled issues the removal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTopic:
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """Brings an account's device list into the channel: it certifies the account's devices, and revokes those that it names as
    revoked. Whoever stands may write it, as the list is signed by the account. The fence names the tips of the revoked devices'
    chains that the author had seen."""

    devices: bytes
    """A device list, encoded."""
    fence: tuple[Tip, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRank:
    """Gives a member another rank, MUTED to ADMIN. The fence is as in `Remove`; it counts where the rank takes something away.
    After `until_ms` (0: never) the nodes of those who may do so make a muted one a member again."""

    user: UserId
    rank: int
    fence: tuple[Tip, ...] = ()
    reason: str = ""
    until_ms: int = 0
    cause: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """Ends a membership, if there is one, and keeps the account out until somebody of at least this rank lifts it. After
    `until_ms` (0: never) the nodes of those who may do so lift it by themselves."""

    user: UserId
    fence: tuple[Tip, ...]
    until_ms: int = 0
    reason: str = ""
    cause: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unban:
    """Lifts the bans of an account that it follows."""

    user: UserId
    reason: str = ""
    cause: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetThreshold:
    """The least rank that may do something. The fence is of a raised one that content needs."""

    permission: Permission
    rank: int
    fence: WideFence = WideFence()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The request of somebody who holds an invitation, where letting in needs somebody's agreement. The join is as signed."""

    join: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseJoin:
    """The answer to a request that is not granted."""

    user: UserId
    join_key: bytes
    """Of the invitation that it was made by."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of the channel. What keys mean, and which values they take, is said by `channel_settings`: an act with a value
    that does not fit is well-formed and without effect, so that versions that know other keys take the same records. The fence
    is as in `SetThreshold`."""

    key: int
    value: Value
    fence: WideFence = WideFence()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """An invitation to a channel: its seed, who has made it, and when it ends."""

    seed: bytes = field(repr=False)
    user: UserId
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Puts a channel on a workspace's list or, without a name, takes it off. With a way in, whoever reads the list may join; or
    those who have this rank in the workspace at least, if that is above MEMBER: the channel is then one that somebody lets people
    into."""

    channel: ChannelId
    name: str
    topic: str = ""
    way_in: WayIn | None = None
    least: int = MEMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    text: str
    reply_to: RecordId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redact:
    """The texts of these records go, everywhere and for good. `also`: those of records that only tell about targets (edits, say),
    and have no row of their own."""

    targets: tuple[RecordId, ...]
    reason: str = ""
    also: tuple[RecordId, ...] = ()


class Settlement(IntEnum):
    """What a moderator has made of a report."""

    DISMISSED = 1
    ACTED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A member asks the moderators to look at somebody, or at what they have written. At least one of both is named."""

    reason: str
    user: UserId | None = None
    targets: tuple[RecordId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleReport:
    """A report is dealt with. Counts if its author may moderate in the state that the record cites."""

    report: RecordId
    outcome: Settlement
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownAct:
    """An act of a newer version, kept as it stands."""

    type: int
    fields: Mapping[int, Value]


Act: TypeAlias = (
    Create
    | Invite
    | CloseInvitation
    | Admit
    | Remove
    | Leave
    | SetTopic
    | Rename
    | Devices
    | SetRank
    | Ban
    | Unban
    | SetThreshold
    | Setting
    | Ask
    | RefuseJoin
    | Listing
    | Message
    | Redact
    | Report
    | SettleReport
    | UnknownAct
)


def is_control(act: Act) -> bool:
    """Whether it can stand in the control log only. Content acts can stand there beside it."""
    return act_type(act) < FIRST_CONTENT_TYPE


def act_type(act: Act) -> int:
    """The number of its type."""
    return act.type if isinstance(act, UnknownAct) else int(TYPES[type(act)])


TYPES: dict[type, Type] = {
    Create: Type.CREATE,
    Invite: Type.INVITE,
    CloseInvitation: Type.CLOSE_INVITATION,
    Admit: Type.ADMIT,
    Remove: Type.REMOVE,
    Leave: Type.LEAVE,
    SetTopic: Type.TOPIC,
    Rename: Type.RENAME,
    Devices: Type.DEVICES,
    SetRank: Type.RANK,
    Ban: Type.BAN,
    Unban: Type.UNBAN,
    SetThreshold: Type.THRESHOLD,
    Setting: Type.SETTING,
    RefuseJoin: Type.REFUSE_JOIN,
    Ask: Type.ASK,
    Listing: Type.LISTING,
    Message: Type.MESSAGE,
    Redact: Type.REDACT,
    Report: Type.REPORT,
    SettleReport: Type.REPORT,
}
