"""What front ends read: frozen rows, with the number of the last event that they include."""

from enum import StrEnum
from typing import Generic, TypeVar

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.economy import Mode, TrafficRow
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.presets import Preset
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.regards import Regard, RegardRow, RequestRow
from multichat_tui.model.trust import AlarmKind, AlarmRow, ComparisonRow, NearbyRow
from multichat_tui.model.values import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Generic[T]):
    """A reader ignores events with `seq <= as_of`: they are in here already."""

    as_of: int
    rows: T


class Delivery(StrEnum):
    """How far one's own message has come. OTHERS is for messages of other people."""

    OTHERS = "others"
    ALONE = "alone"
    """Nobody else is in the channel yet."""
    QUEUED = "queued"
    STORED = "stored"
    """Whoever does not have it gets it from their mailboxes, where it lies."""
    SOME = "delivered-some"
    ALL = "delivered-all"
    READ = "read"
    """All have it, and everybody says to have read it."""
    FAILED = "failed"


class RowKind(StrEnum):
    """What a row of a timeline is."""

    MESSAGE = "message"
    CREATED = "created"
    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"
    TOPIC = "topic"
    RENAMED = "renamed"
    INVITED = "invited"
    DEVICES = "devices"
    """The subject's devices have changed; `text` says how, in words of this node."""
    MODERATED = "moderated"
    """Ranks, removals with a reason, bans, permissions: `text` says it in words of this node; `subject` is whom it is about."""
    NEWER = "needs-newer-version"
    MISSING = "missing"
    """The header has come, and the text has not, though nothing says that it need not: others are asked for it."""
    REDACTED = "redacted"
    """`text` says who has taken it away, and why, in words of this node."""
    EXPIRED = "expired"
    """Its time was over; only one's own have a row for that, where not everybody had got it."""
    FOR_OTHERS = "for-others"
    """Its text went to named people, and this user is none of them."""
    HELD = "held"
    """Its author's clock is ahead. The text is there for who wants to read it; it is a message when it is due, or when somebody
    whose clock is right has built on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the display order of a timeline."""

    ets: int
    id: RecordId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRow:
    """`emoji` is one, as somebody has sent it; `mine`: one's own is among them."""

    emoji: str
    count: int
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """`name` is the author's name as shown: made safe, with a key suffix where two look alike. `text` is as the author sent it:
    hostile until a front end has made it visible. `arrival` counts up in the order of arrival on this node."""

    id: RecordId
    channel: ChannelId
    arrival: int
    ets: int
    time_ms: int
    author: UserId
    device: DeviceId
    name: str
    kind: RowKind
    text: str
    mine: bool
    state: Delivery
    delivered: int
    total: int
    failure: str = ""
    stored: int = 0
    """Where it is on its way through mailboxes: at how many it lies, for the device for which it lies at the fewest,"""
    copies: int = 0
    """of how many."""
    late: bool = False
    reply_to: RecordId | None = None
    replies: int = 0
    """How many messages answer it, or answer one that does, counted up to MAX_THREAD_ROWS; 0 for one that is an answer itself."""
    subject: UserId | None = None
    """Who a JOINED, LEFT or REMOVED row is about."""
    expires_ms: int | None = None
    """When its text is to be gone from everywhere, by its author's clock."""
    deeds: tuple[str, ...] = ()
    """What else was done in the same record as a MESSAGE, all of it or none, in words of this node; of who JOINED, who has agreed
    to it, where somebody had to, or the role by which they came (`as moderator of acme`)."""
    ignored: bool = False
    """Its author is ignored or blocked by this user: it is shown folded."""
    to: tuple[str, ...] = ()
    """Names of those whom alone it is for, beside its author; empty: it is for all."""
    edited: bool = False
    """`text` is another one than was sent first."""
    reactions: tuple[ReactionRow, ...] = ()
    """Those of most people first."""
    pinned: bool = False
    resource: str = ""
    """What a MESSAGE row is if not a mere message: `poll`, `task`. Its `text` is what it is about."""
    lines: tuple[str, ...] = ()
    """How such a resource stands, in lines that hold others' words: `1. Friday: 3 votes, yours`."""
    hint: str = ""
    """What this user can do about it now, in words of this node: `/vote 1 to /vote 3 answers`."""

    @property
    def position(self) -> Position:
        return Position(ets=self.ets, id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A message and what answers it, or answers one that does, in display order; of many the newest. `draft` is what one was
    writing there."""

    channel: ChannelId
    root: RecordId
    rows: tuple[MessageRow, ...]
    draft: str = ""


class ChannelKind(StrEnum):
    GROUP = "group"
    DIRECT = "direct"
    WORKSPACE = "workspace"


class Membership(StrEnum):
    """One's own standing in a channel."""

    JOINED = "joined"
    JOINING = "joining"
    REFUSED = "refused"
    LEFT = "left"
    REMOVED = "removed"
    ASKED = "asked"
    """Somebody who is no contact has begun this conversation, and the user has not answered: it stands in the requests."""
    READING = "reading"
    """No member: by a link that lets everybody read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Messages that are known to be missing from a timeline."""

    ets: int | None = None
    """They are older than the messages from here on. None: newer ones, which do not show, wait for them."""
    missing: int = 0
    waiting: int = 0
    """How many wait for them."""
    asking: str = ""
    """Names of those who are asked, as shown; empty: nobody who is online has them."""
    paused: bool = False
    """Nobody is asked: history is held as far back as the setting `history.depth` wants."""
    withheld: bool = False
    """Nobody is asked: the channel does not show them to newcomers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """For a direct conversation `user` is the other person and `name` their name."""

    id: ChannelId
    kind: ChannelKind
    name: str
    topic: str
    membership: Membership
    unread: int
    mentions: int
    members: int
    online: int
    """Others with a link up."""
    read_arrival: int
    last_ms: int
    draft: str = ""
    user: UserId | None = None
    note: str = ""
    """Why joining waits or was refused."""
    newest_arrival: int = 0
    """The greatest arrival number in its timeline."""
    gaps: tuple[Gap, ...] = ()
    """The older one first."""
    keeps_ms: int = 0
    """What is written now is gone after so long, by the channel's rule; 0: it stays."""
    lives_ms: int = 0
    """What this user writes here is to be gone after so long; 0: as the channel keeps it."""
    waiting: int = 0
    """Who asks to be let in, if one may do so."""
    writing: str = ""
    """Why one cannot write there; empty: one can."""
    archived: bool = False
    """Nobody writes there, for a while or for good."""
    closed: bool = False
    """For good."""
    workspaces: tuple[ChannelId, ...] = ()
    """Of ours, those on whose lists it stands."""
    history: int = 0
    """What newcomers see of the time before them: see `model.history`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRow:
    """A channel on a workspace's list."""

    channel: ChannelId
    name: str
    topic: str
    joined: bool
    joining: bool
    open: bool
    """Whoever reads the list may join, or whoever has `role` in the workspace."""
    members: int | None
    """None: we are not in it."""
    role: str = ""
    """The least role in the workspace that one needs to be in it; empty: that of a member."""
    fits: bool = True
    """We have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    user: UserId
    name: str
    verified: bool
    online: bool
    safety_number: str
    """Sixty digits in groups of five."""
    fingerprint: str
    path: str = ""
    """How the link goes: local, lan, direct; empty when offline."""
    rtt_ms: float | None = None
    last_seen_ms: int | None = None
    pending: bool = False
    """The pairing waits for the other side."""
    closed: bool = False
    """They have closed their account."""
    alarm: AlarmKind | None = None
    """The gravest warning about their keys that is not acknowledged."""
    regard: Regard = Regard.NONE
    mailboxes: int = 0
    """At how many mailboxes things can be left for them while they are away, as far as this node knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    user: UserId
    name: str
    role: str
    """founder, admin, moderator, member, muted, the name that the channel gives to the rank, or `rank N`."""
    online: bool
    me: bool
    contact: bool
    verified: bool
    fingerprint: str
    forked: bool = False
    """A living device of theirs has written two different records at one place: copied, or it lies."""
    provisional: bool = False
    """They have a place of an invitation that is full and not closed yet: somebody who used it too, and is not known here, could
    have it instead."""
    regard: Regard = Regard.NONE
    rank: int = MEMBER
    rank_before: int = MEMBER
    """Of one who is muted: the rank that they had before, and get back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRow:
    """What needs a rank in a channel. `rank`: the least that may."""

    permission: Permission
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """A rank that has a name of its own in a channel."""

    rank: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """Somebody who asks to be let in. `name` is what they call themselves, made safe."""

    user: UserId
    name: str
    fingerprint: str
    inviter: str
    """Whose link they have; empty: it is not valid any more."""
    asked_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """A setting of a channel that is a number."""

    key: SettingKey
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BanRow:
    """Somebody who is kept out. Of several bans the highest level, the last end and the latest reason."""

    user: UserId
    name: str
    level: int
    """The rank of who has set it: who has less cannot lift it."""
    until_ms: int
    """0: until it is lifted. After this moment a node of somebody who may lifts it by itself."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerRow:
    """Somebody who was in a channel and is no more."""

    user: UserId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesRow:
    """What holds in a channel, and what one may there. `permissions` in the order of their numbers, the people by name."""

    rank: int | None
    """One's own. None: no member."""
    permissions: tuple[PermissionRow, ...] = ()
    """Empty as long as the channel has not arrived."""
    bans: tuple[BanRow, ...] = ()
    former: tuple[FormerRow, ...] = ()
    waiting: tuple[WaitingRow, ...] = ()
    """Who asks to be let in, the first first."""
    roles: tuple[RoleRow, ...] = ()
    """The ranks that have names of their own, the highest first."""
    kind: Preset | None = None
    """What kind of channel these rules make it; None: one of its own, or a direct one."""
    settings: tuple[SettingRow, ...] = ()
    """All that this version knows, in the order of their numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRow:
    """One device that this node knows: linked or looked for."""

    device: DeviceId
    user: UserId
    name: str
    online: bool
    path: str
    address: str
    rtt_ms: float | None
    unacknowledged: int
    """Records that it is not known to have."""
    addresses: tuple[str, ...]
    failure: str
    """Why the last attempt to reach it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDelivery:
    user: UserId
    name: str
    device: DeviceId
    delivered: bool
    read: bool = False
    """Its user says to have read it."""
    stored: int = 0
    """At how many of its mailboxes it lies for this device, on its way,"""
    copies: int = 0
    """of how many; 0 if it is not deposited."""
    why: str = ""
    """Why it does not have it yet, as far as this node knows, as the end of a sentence."""
    note: str = ""
    """Which of its mailboxes failed with it, and what was done about that; empty: none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """What a message said from then on. The text is as its author sent it."""

    time_ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactorsRow:
    """Who has reacted with one emoji, by their names as shown."""

    emoji: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """Who has a message, and what has come of it."""

    record: RecordId
    state: Delivery
    devices: tuple[DeviceDelivery, ...]
    failure: str = ""
    versions: tuple[VersionRow, ...] = ()
    """Of an edited message, the first text first."""
    reactions: tuple[ReactorsRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    user: UserId
    device: DeviceId
    name: str
    fingerprint: str


PURGING = "taking messages away"
"""What a purge says in `Progress.what`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Long work of the node that goes on beside everything else: `done` of `total`; a total of 0 is not known."""

    what: str
    """In words, as "catching up in #dev"."""
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One of one's own devices, living or revoked."""

    device: DeviceId
    label: str
    """As it is called on this device; empty if it has no name."""
    created_ms: int
    this: bool
    revoked: bool
    online: bool


class MailboxState(StrEnum):
    """Of a mailbox that one has chosen."""

    READY = "ready"
    """Everybody who may write to us can leave it there."""
    OPENING = "opening"
    """Linked; queues are being made."""
    UNREACHED = "unreached"
    REFUSED = "refused"
    """It does not take our grant (any more)."""
    PARTLY = "partly"
    """Not all queues are there: it has refused some."""
    LEAVING = "leaving"
    """Given up; looked into until nobody can have anything there any more."""


class MailboxFailing(StrEnum):
    """Why a mailbox is left out of routes while there is another."""

    LOSES = "loses"
    REFUSES = "refuses"
    AWAY = "away"
    """It is hardly ever reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxRow:
    """One of one's own mailboxes. Sizes in bytes, None while it has not said."""

    number: int
    """From 1, by which commands name it."""
    name: str
    """The beginning of its id."""
    addresses: tuple[str, ...]
    state: MailboxState
    since_ms: int | None
    """Unreached, or given up, since then."""
    detail: str
    """Why: the word with which it refused something, or why it was not reached."""
    used_bytes: int | None
    quota_bytes: int | None
    queues: int
    ready: int
    """Queues that can be written to."""
    waiting: int
    """Envelopes there for us that were not read yet."""
    unaware: int
    """Devices that may not know yet that they can leave something there; of one given up, that they can not any more."""
    checks: int
    """How often it was seen whether it still had a queue,"""
    losses: int
    """and how often it had lost one, or gave something else than it said."""
    tests: int = 0
    """How often it was tried whether it still has an envelope,"""
    passed: int = 0
    """and how often it had."""
    reached_percent: int | None = None
    """How often it was reached, of late; None: not known yet."""
    failing: MailboxFailing | None = None
    note: str = ""
    """What is wrong, and what follows; empty when all is well."""

    @property
    def serving(self) -> bool:
        """Others leave something there, and it does what it is for."""
        return self.failing is None and self.state in (MailboxState.READY, MailboxState.PARTLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """`listen` are HOST:PORT; `counters` tell what was rejected from outside, by reason."""

    me: Me
    listen: tuple[str, ...]
    lan: bool
    links: int
    queued: int
    """Messages of mine that someone still lacks."""
    trouble: str
    """What hinders this node now, such as a full disk; empty when all is well."""
    counters: tuple[tuple[str, int], ...]
    alarms: tuple[AlarmRow, ...] = ()
    """Warnings about people's keys that are not acknowledged, the oldest first."""
    waiting: bool = False
    """Restored, and no contact has brought the account back yet."""
    closed: bool = False
    """The account is closed."""
    untold: int = 0
    """Of a closed account: contacts who are not known to have heard of it, since this node was started."""
    indexed_percent: int = 100
    """How much of the history is in the index of words; below 100 while an older profile is being indexed."""
    progress: tuple[Progress, ...] = ()
    """Long work that is under way."""
    nearby: NearbyRow | None = None
    """Visible nearby; None: not visible."""
    nearby_note: str = ""
    """Why this node is not visible any more, if not by the user's wish."""
    comparisons: tuple[ComparisonRow, ...] = ()
    """Of words and emoji, under way or just over, the oldest first."""
    regards: tuple[RegardRow, ...] = ()
    """Whom one ignores or has blocked, by name."""
    requests: tuple[RequestRow, ...] = ()
    """Who is no contact and asks, the oldest first."""
    mode: Mode = Mode.USUAL
    """How sparing this node is with data and power."""
    resting_until_ms: int | None = None
    """No links until then, to save power; None: not resting."""
    traffic: tuple[TrafficRow, ...] = ()
    """Since the node was started, by path."""
    mailboxes: tuple[MailboxRow, ...] = ()
    """One's own, in the order in which they were added."""
    stored: int = 0
    """Of those that are queued so many lie at mailboxes for everybody who lacks them."""
