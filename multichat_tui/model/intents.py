"""Intents: everything that a user does. Submitted through `node.api`, decided by the logics, turned into at most one record."""

from dataclasses import field
from enum import StrEnum
from typing import TypeAlias

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.presets import Preset
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.regards import Regard
from multichat_tui.model.values import dataclass

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChannel:
    name: str
    kind: Preset = Preset.OPEN
    workspace: ChannelId | None = None
    """To be put on its list."""
    open: bool = True
    """Whoever reads the list may join."""
    least: int = MEMBER
    """The rank in the workspace that one needs for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWorkspace:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChannel:
    """Put a channel on a workspace's list; `open`: with a way in for all who read it, or for those who have the rank `least` in
    the workspace, and as long as they have it. For that, members of the channel alone do not let people in any more."""

    workspace: ChannelId
    channel: ChannelId
    open: bool = True
    least: int = MEMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlistChannel:
    workspace: ChannelId
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinListed:
    """Come into a channel that is on a workspace's list."""

    workspace: ChannelId
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteToChannel:
    """Answered with the link."""

    channel: ChannelId
    uses: int = 1
    expires_in_ms: int = 7 * DAY_MS
    read: bool = False
    """A link for reading without being a member, where the channel allows that; it ends when that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinChannel:
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveChannel:
    """Also forgets a channel that one waits to be admitted to."""

    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDirect:
    """The conversation with one person; made if there is none."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage:
    channel: ChannelId
    text: str
    reply_to: RecordId | None = None
    recipients: tuple[UserId, ...] = ()
    """Whom alone it is for; empty: everybody, or those of the message that it answers."""
    lives_ms: int = 0
    """After so long it is gone from everywhere; 0: when the channel's rule says so, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendToSeveral:
    """One text into several channels at once: written in all of them, or in none where it is refused in one. In each it is a
    message of its own."""

    channels: tuple[ChannelId, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTopic:
    channel: ChannelId
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameChannel:
    channel: ChannelId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveRank:
    """Another rank for a member: promote, demote, mute. `rank`: MUTED to ADMIN."""

    channel: ChannelId
    user: UserId
    rank: int
    reason: str = ""
    lasts_ms: int = 0
    """Of MUTED: they are a member again after so long. 0: until that is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember:
    """They may come back by another invitation."""

    channel: ChannelId
    user: UserId
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BanMember:
    """Remove somebody, who is or was here, and keep them out."""

    channel: ChannelId
    user: UserId
    lasts_ms: int = 0
    """0: until it is lifted."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftBan:
    channel: ChannelId
    user: UserId
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPermission:
    """The least rank that may do something in a channel."""

    channel: ChannelId
    permission: Permission
    rank: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockdown:
    """Nobody below moderators writes or lets anybody in; or (`on` false) all as it was before."""

    channel: ChannelId
    on: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoDeed:
    """Take back what a record of the log of moderation did, by the ordinary opposite."""

    channel: ChannelId
    record: RecordId
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport:
    """Ask the moderators of a channel to look at a member, at messages, or at both."""

    channel: ChannelId
    reason: str
    user: UserId | None = None
    targets: tuple[RecordId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleReport:
    """Say what has become of a report. `acted`: something was done; else it is dismissed."""

    channel: ChannelId
    report: RecordId
    acted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveJoin:
    """Let in somebody who has asked for it."""

    channel: ChannelId
    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyJoin:
    """They are told so, with the reason."""

    channel: ChannelId
    user: UserId
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRole:
    """What a rank is called in a channel; an empty name takes that away."""

    channel: ChannelId
    rank: int
    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """All the permissions and settings that make a channel one of this kind."""

    channel: ChannelId
    kind: Preset
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureChannel:
    """A setting of a channel that is a number; which ones there are is said by `channel_settings`."""

    channel: ChannelId
    key: SettingKey
    value: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactMessages:
    """Take the texts of messages away, everywhere and for good: one's own, or as a moderator those of lower ranks. Of more than
    MAX_TARGETS the rest follows in further records."""

    channel: ChannelId
    targets: tuple[RecordId, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeMessages:
    """Take away what somebody has written in a channel: from `since_ms` (by its author's clock) on, 0: all of it that is here."""

    channel: ChannelId
    user: UserId
    since_ms: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetName:
    """One's own name, as others see it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteContact:
    """A pairing link, for one person. Answered with the link."""

    expires_in_ms: int = 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptContact:
    """Pair with whoever made the link; `ContactChanged` follows when they have answered."""

    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNearby:
    """Be visible to everybody on the local network for five minutes (again), or no more."""

    visible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetNearby:
    """Compare words with somebody nearby, to become contacts. `person` is the id of a `NearbyPerson`."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginVerification:
    """Compare words with a contact who is online. Answered with the comparison."""

    user: UserId


class Answer(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerComparison:
    """What the user says about the words on both screens. CANCEL ends it at any time, and puts away one that is over."""

    comparison: ComparisonId
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyByNumber:
    """`number`: the safety number as the other person has read it out. Refused if it is another one."""

    user: UserId
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverify:
    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlarms:
    """The user has seen the warnings about somebody's keys."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRegard:
    """Ignore somebody, block them, or neither (any more). Nobody is told."""

    user: UserId
    regard: Regard


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """Take up what somebody asks who is no contact, or decline it for good. Nobody is told that it was declined."""

    user: UserId
    accept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVouch:
    """Tell one's contacts that one knows somebody who is a contact too; or take that back."""

    user: UserId
    vouched: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduce:
    """Bring two contacts together: both are asked, and told by whom."""

    one: UserId
    other: UserId
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeDevice:
    """End one of one's own devices, for good and everywhere. The passphrase opens the account's key; None where there is none."""

    device: DeviceId
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleDevices:
    """Of two device lists of one's own account that contradict each other make one that holds both."""

    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDevice:
    """What a device of one's own is called on this one; empty takes the name away."""

    device: DeviceId
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount:
    """Tell everybody, for good, that this account is not used any more."""

    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRead:
    """Read up to this arrival number, or (None) all that is here; never goes back."""

    channel: ChannelId
    arrival: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOlder:
    """Ask for what is missing of a channel's history: `count` messages at least, whatever the setting `history.depth` says."""

    channel: ChannelId
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDraft:
    """What is being written in a channel, or in the thread that begins with `thread`."""

    channel: ChannelId
    text: str
    thread: RecordId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberTyped:
    """What was entered in a channel (None: while none was open), to be brought back by a key. What looks like a secret is not
    kept, nor anything while the setting `history` is off."""

    channel: ChannelId | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetTyped:
    """What was entered in a channel, or (None) everywhere."""

    channel: ChannelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSetting:
    """A setting of this profile, kept by the node: the front ends' own business."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectTo:
    """Look for peers at this HOST:PORT too, now and after restarts."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMailbox:
    """Let others leave messages for this device in a mailbox; the link comes from whoever runs it."""

    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMailbox:
    """Give up one of one's mailboxes, by its number in the list; one that is being given up is forgotten at once."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMailbox:
    """Keep a mailbox for others on this node, or keep none any more; what is None stays as it was."""

    on: bool
    total_bytes: int | None = None
    """Of all that is kept."""
    addresses: tuple[str, ...] | None = None
    """Where it is found, HOST:PORT; empty: where the node listens."""
    shown_on_lan: bool | None = None
    """Those who know it find it on the local network, at whatever address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPlace:
    """Give somebody a place in the mailbox. Answered with the link."""

    name: str
    quota_bytes: int | None = None
    queues: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePlace:
    """Nothing new comes in under it; what is there can be taken until it expires, unless it is to go at once."""

    name: str
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeResource:
    """Make something that is no message, such as a poll. `fields` are pairs of name and words, as the type takes them."""

    channel: ChannelId
    kind: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActOn:
    """Do something with what a record has made: `edit`, `react` or `pin` a message, `vote` in a poll. `fields` as in
    `MakeResource`; `index`: of the act that made it, where a record has several; None: the first one that it can be done with."""

    channel: ChannelId
    record: RecordId
    act: str
    fields: tuple[tuple[str, str], ...] = ()
    index: int | None = None


Part: TypeAlias = (
    SendMessage
    | MakeResource
    | ActOn
    | SetTopic
    | RenameChannel
    | GiveRank
    | RemoveMember
    | BanMember
    | LiftBan
    | SetPermission
    | Lockdown
    | ConfigureChannel
    | ChangeKind
    | NameRole
    | UndoDeed
    | RedactMessages
    | PurgeMessages
)
"""What can be done together with others of one channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Several changes of one channel as one: all of them, or none, here and on every other node."""

    channel: ChannelId
    intents: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportBundle:
    """Write what others lack into a new file, sealed for each of their devices: those of a channel's members, of one person (with
    all that both share), or of everybody."""

    path: str
    """Absolute, of the machine that the node runs on."""
    channel: ChannelId | None = None
    user: UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBundle:
    """Read what is for this device from such a file."""

    path: str


Intent: TypeAlias = (
    CreateChannel
    | CreateWorkspace
    | ListChannel
    | UnlistChannel
    | JoinListed
    | InviteToChannel
    | JoinChannel
    | LeaveChannel
    | OpenDirect
    | SendMessage
    | SendToSeveral
    | MakeResource
    | ActOn
    | SetTopic
    | RenameChannel
    | GiveRank
    | RemoveMember
    | BanMember
    | LiftBan
    | SetPermission
    | Lockdown
    | ConfigureChannel
    | ChangeKind
    | NameRole
    | ApproveJoin
    | DenyJoin
    | Together
    | UndoDeed
    | SendReport
    | SettleReport
    | RedactMessages
    | PurgeMessages
    | SetName
    | InviteContact
    | AcceptContact
    | SetNearby
    | MeetNearby
    | BeginVerification
    | AnswerComparison
    | VerifyByNumber
    | Unverify
    | AcknowledgeAlarms
    | SetRegard
    | AnswerRequest
    | SetVouch
    | Introduce
    | RevokeDevice
    | SettleDevices
    | LabelDevice
    | CloseAccount
    | MarkRead
    | FetchOlder
    | SetDraft
    | RememberTyped
    | ForgetTyped
    | ChangeSetting
    | ConnectTo
    | AddMailbox
    | RemoveMailbox
    | HostMailbox
    | GrantPlace
    | RevokePlace
    | ExportBundle
    | ImportBundle
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReport:
    """What came of a bundle."""

    parcels: int
    """Written, or opened."""
    size: int
    """Of the file, in bytes."""
    devices: int = 0
    """Written to."""
    unready: int = 0
    """Devices that have told no key yet by which they could be written to."""
    full: bool = False
    """There is more than fits one file."""
    repeated: int = 0
    """Were opened before."""
    refused: int = 0
    """For this device, and not to be opened."""
    foreign: int = 0
    """For others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer to an intent: committed on this node. Which fields are set depends on the intent."""

    record: RecordId | None = None
    channel: ChannelId | None = None
    link: str | None = None
    user: UserId | None = None
    comparison: ComparisonId | None = None
    bundle: BundleReport | None = None
    posts: tuple[tuple[ChannelId, RecordId], ...] = ()
    """What was written where, of one text in several channels."""
