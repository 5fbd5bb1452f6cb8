"""Ports: what the core needs from the shells around it. Each has a real implementation and a twin, under one contract test."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol, TypeAlias

from multichat_tui.model.codec import Rejected
from multichat_tui.model.identity import Certificate
from multichat_tui.model.ids import ChannelId, DeviceId, LinkId, Log, RecordId, UserId
from multichat_tui.model.mailbox_store import MailboxStore
from multichat_tui.model.records import Absence, Proof, Record
from multichat_tui.model.searching import Search
from multichat_tui.model.snapshots import Position
from multichat_tui.model.values import dataclass

Entropy: TypeAlias = Callable[[int], bytes]
"""n random bytes: the operating system's, or seeded in simulation."""


class Space(StrEnum):
    """The small values of a profile, each a canonical encoding under a key."""

    SELF = "self"
    """Device keys, names, counters: by field name."""
    CHANNEL = "channel"
    """By channel id: one's own standing, read marker, draft."""
    CONTACT = "contact"
    """By user id."""
    DEVICES = "devices"
    """By user id: the newest device list known."""
    STATEMENT = "statement"
    """By user id and kind byte: the newest statement known."""
    INVITATION = "invitation"
    """By public join key: links that this node has made."""
    PAIRING = "pairing"
    """By public join key: pairings under way on this side."""
    ADDRESS = "address"
    """By device id: where it was reached, newest first."""
    ALARM = "alarm"
    """By user id and kind of alarm: warnings about somebody's keys."""
    FORK = "fork"
    """By channel, log, device and record: the ends of all branches of chains that fork. They go with their channel."""
    RECEIPT = "receipt"
    """By channel id and device id: the newest receipt known."""
    DEVICE_STATEMENT = "device-statement"
    """By audience, device id and kind byte: the newest device statement known."""
    MAILBOX = "mailbox"
    """By mailbox id: mailboxes that the user has chosen, or has given up and that are still looked into."""
    QUEUE = "queue"
    """By mailbox id and audience: one's own queues there."""
    SCORE = "score"
    """By mailbox id, and the first bytes of a user id where it is not our own: how mailboxes have done."""
    SPECIMEN = "specimen"
    """By mailbox id and envelope hash: what lies in our own queues to find out whether it stays there."""
    INCARNATION = "incarnation"
    """By device id: the greatest number under which it was met, and whether there seem to be several of it."""
    DRAFT = "draft"
    """By channel id and the id of a thread's first message: what is being written there."""
    TYPED = "typed"
    """By channel id and a rising number: what the user has entered there."""
    GAP = "gap"
    """By channel id and device id: first and last seq that are missing of a content chain of which more is held above."""
    ISLAND = "island"
    """By channel id, peer's device id and author's device id: what the peer holds of a content chain above a gap."""
    EDGE = "edge"
    """By channel id: down to where its history is held."""
    HOLE = "hole"
    """By channel id, device id and the last seq (8 bytes): what of a content chain is withheld from this device."""
    TOLD = "told"
    """By channel id and device id: whose user is no member any more, and who was told so by us."""
    INTRODUCED = "introduced"
    """By user id of a contact: the introductions that are told to them."""
    ANSWERED = "answered"
    """By seed: introductions that the user has answered."""
    DECLINED = "declined"
    """By user id: when their request was declined."""
    REGARD = "regard"
    """By user id: whom the user ignores or has blocked."""
    CITED = "cited"
    """By channel id and record id: dated ahead of this clock, and built upon by somebody who is not."""
    REPORT = "report"
    """By channel id, reporter's user id, ets and record id: reports that members have made."""
    SETTLED = "settled"
    """By channel id, report's record id, ets, record id and user id: what moderators have made of them."""
    PIN = "pin"
    """By channel id and record id: pinned, in our own view."""
    REDACTION = "redaction"
    """By channel id, its author's user id and its record id: what takes texts away. Empty, or a byte while it is to be looked at
    again."""
    LAPSED = "lapsed"
    """By channel id and record id: one's own message whose time was over before everybody had it; how many had, of how many."""
    HOST = "host"
    """By name: of the mailbox that this node is for others."""
    FOUND = "found"
    """By door key (32 bytes) and address: where mailboxes were found, and when last (8 bytes, ms)."""
    PARCEL = "parcel"
    """By device id and a rising number (8 bytes): what came in parcels and waits for other records."""
    DEPOSIT = "deposit"
    """By device id and a rising number (8 bytes): what was sealed for a device and how far that has come."""
    SEALED = "sealed"
    """By the same: what was sealed."""
    HEARD = "heard"
    """By device id: when it was heard of last, when it was last believed that parcels were lost, when something went
    unconfirmed, and when it was last told by what ways we are written to, and what it
    knows of these."""
    REPLY = "reply"
    """By device id: the channels of which it is owed an acknowledgement."""
    VERIFIED = "verified"
    """By channel id: up to which arrival number all signatures within its control records were good when it was last loaded."""
    SETTING = "setting"
    """By name: front ends' settings."""
    RATCHET = "ratchet"
    """By peer's device id: its sessions; by that and a session id: a session's ratchets and counts."""
    OLM = "olm"
    """By kind and key: the prekeys given out, for whom, and what was begun with them."""
    OPENED = "opened"
    """By peer's device id and a hash: what was sealed for us and is opened, and when that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """The newest record of one chain."""

    log: Log
    device: DeviceId
    seq: int
    id: RecordId
    ets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """A record that has a row in a timeline. `subject` is a user for rows about somebody."""

    channel: ChannelId
    id: RecordId
    ets: int
    arrival: int
    user: UserId
    device: DeviceId
    mention: bool = False
    late: bool = False
    hidden: bool = False
    """Not counted: beyond a fence, or without a right."""
    notice: bool = False
    """About the channel itself, such as a joining; shown, but not unread."""


class Transaction(Protocol):
    """Reads and writes of one transaction: what it has written it reads back; nobody else sees it before the commit.

    Every method may raise `errors.StoreError`.
    """

    @property
    def mailbox(self) -> MailboxStore:
        """What this node keeps for others."""

    def get(self, space: Space, key: bytes) -> bytes | None: ...

    def put(self, space: Space, key: bytes, value: bytes) -> None: ...

    def delete(self, space: Space, key: bytes) -> None:
        """No such key is no error."""

    def scan(self, space: Space, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
        """All (key, value) whose key begins with `prefix`, in ascending order of keys."""

    def append(self, record: Record, arrived_ms: int, arrival: int | None = None) -> int:
        """Store a delivered record with its body, or without one for the reason that it names (MISSING if none).

        Returns its arrival number, counted over all channels from 1, never used again: the next one, or `arrival`, a reserved one
        that no record has (history fetched backwards, see `reserve_arrivals`).

        Keeps chain ends and heads: the record becomes a head of its log, its parents (and its prev) cease to be. The caller
        has checked that it is new and that its dependencies are held. ValueError if its id is held already.
        """

    def reserve_arrivals(self, count: int) -> int:
        """The first of so many arrival numbers that `append` will not take by itself. They stay reserved for good once a record
        with a greater number is stored in the same transaction, as the caller sees to."""

    def prove(self, record: RecordId, proof: Proof) -> None:
        """Note how a held record is known to be its device's; of one that is not held, nothing."""

    def drop_body(self, record: RecordId, absence: Absence) -> bool:
        """Forget the body of a held record, and what it is found by, so that no file has it after the commit; header, entry and
        place in its chain stay. Of one whose body is gone the reason is replaced. Whether there was a body; a record that is
        not held has none."""

    def fill_body(self, record: RecordId, body: bytes) -> None:
        """The body of a held record that has none has come; the caller has compared its hash. ValueError if there is nothing to
        fill."""

    def missing_bodies(self, channel: ChannelId, limit: int) -> list[RecordId]:
        """Content whose body is MISSING, what came last first."""

    def expire_at(self, record: RecordId, at_ms: int) -> None:
        """Note when a held record is due to expire; replaces what was noted before."""

    def expired(self, until_ms: int, limit: int) -> list[RecordId]:
        """Records that were due by then, those due first first; they stay due until `done_expiring`."""

    def done_expiring(self, record: RecordId) -> None: ...

    def next_expiry(self) -> int | None:
        """When the first of all is due."""

    def holds(self, record: RecordId) -> bool: ...

    def record(self, record: RecordId) -> Record | None: ...

    def arrival(self, record: RecordId) -> tuple[int, int] | None:
        """(arrival number, arrived_ms)."""

    def in_chain(self, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> RecordId | None:
        """The id at this place of a chain; of a fork, the record that arrived first."""

    def chain(self, channel: ChannelId, log: Log, device: DeviceId, first: int, last: int) -> list[Record]:
        """The held records of a chain with first <= seq <= last, in order; of a fork all branches, by arrival."""

    def arrivals(self, channel: ChannelId, log: Log, after: int, limit: int) -> list[tuple[int, Record]]:
        """Records of a log with arrival number > `after`, in order of arrival: a causal order."""

    def arrival_in_chain(self, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> int | None:
        """The arrival number of the record at this place of a chain; of a fork, the first."""

    def places(
        self, channel: ChannelId, log: Log, device: DeviceId, first: int, last: int, limit: int, *, newest_first: bool
    ) -> list[tuple[int, int]]:
        """(seq, arrival number) of the held records of a chain with first <= seq <= last, from one end, at most `limit`; of a
        fork the first that came. Reads no record."""

    def chain_ends(self, channel: ChannelId) -> list[ChainEnd]:
        """One per (log, device), in ascending order."""

    def heads(self, channel: ChannelId, log: Log) -> tuple[RecordId, ...]:
        """Records of the log that are no parent (or prev) of another one held, ascending."""

    def is_head(self, channel: ChannelId, log: Log, record: RecordId) -> bool:
        """Whether `heads` has it."""

    def awaits(self, channel: ChannelId, log: Log) -> bool:
        """Whether a record of the log that is held names one as parent or prev that is not."""

    def forget_channel(self, channel: ChannelId) -> None:
        """Drop all records, timeline entries and acknowledgements of a channel, and its values in the spaces CHANNEL and FORK."""

    def show(self, entry: TimelineEntry, text: str | None = None, *, reply_to: RecordId | None = None) -> None:
        """Put an entry into the timeline, or replace the one with its id. `text` is what `search` finds it by; empty: by nothing,
        None: by what it was found by before. `reply_to` is what it answers, from now on.

        ValueError unless its record is held, and has that channel, device, ets and arrival.
        """

    def entry(self, record: RecordId) -> TimelineEntry | None: ...

    def entries_by_device(self, channel: ChannelId, device: DeviceId) -> list[TimelineEntry]:
        """All entries of one author's device, in order of arrival."""

    def timeline(
        self, channels: tuple[ChannelId, ...], *, before: Position | None, after: Position | None, limit: int
    ) -> list[tuple[TimelineEntry, Record]]:
        """Visible entries of the channels merged, in display order (ets, id), at most `limit` of them: the newest, or those just
        before `before`, or those just after `after` (at most one of the two is given; both exclusive)."""

    def unread(self, channels: tuple[ChannelId, ...], after_arrival: int, mine: tuple[DeviceId, ...]) -> tuple[int, int]:
        """(visible entries by other devices that arrived later and are no notices, those of them that are mentions), each counted
        up to 1,000."""

    def newest(self, channels: tuple[ChannelId, ...]) -> tuple[int, int] | None:
        """(ets, arrival) that are greatest among the visible entries, each for itself."""

    def search(
        self,
        search: Search,
        *,
        before: Position | None,
        limit: int,
        without: tuple[ChannelId, ...] = (),
        not_by: tuple[UserId, ...] = (),
    ) -> list[tuple[TimelineEntry, Record]]:
        """Visible entries that were shown with a text, and for which `search` holds, outside the channels `without` and by
        nobody of `not_by`; by ets, the newest first, those of one millisecond in an order of their own that stays. `before` is
        the position of an entry that was found; of one that is gone, its whole millisecond is left out. Of one millisecond
        MAX_INDEXED_PER_MS are found."""

    def indexed_percent(self) -> int:
        """How much of what has a text is found by `search`; below 100 the older entries of a profile from before there was an
        index are still to come."""

    def index_older(self, text_of: Callable[[Record], str], limit: int) -> int:
        """Index up to `limit` of those, the newest first, with what `text_of` says; the new `indexed_percent`."""

    def replies(self, record: RecordId, limit: int) -> list[TimelineEntry]:
        """Visible entries that were shown as answers to a record, held or not, by arrival. Two records whose ids begin alike may
        be taken for one."""

    def replied(self, records: Sequence[RecordId]) -> frozenset[RecordId]:
        """Those of at most `limits.MAX_PAGE_ROWS` records that something was shown as an answer to, be it visible or not."""

    def index_older_replies(self, reply_of: Callable[[Record], RecordId | None], limit: int) -> bool:
        """Note what up to `limit` entries answer that were stored before that was noted, newest first. Whether that was all."""

    def refer(self, record: RecordId, targets: Sequence[tuple[RecordId, int]]) -> None:
        """Note that a held record refers to others, held or not: (their id, the number of the act that does). Of one device, to
        one target and of one kind the first `limits.MAX_DEVICE_REFERENCES` in display order (ets, id) stay noted, whatever the
        order in which they come. Again is no error. ValueError if the record is not held."""

    def references(
        self, target: RecordId, limit: int, *, kinds: Sequence[int] = (), by: Sequence[DeviceId] | None = None
    ) -> list[Record]:
        """The held records of which `refer` was told that they refer to a record, each once, in display order (ets, id): the
        first `limit`, of `kinds` (empty: of all), by these devices (None: by all). Two targets whose ids begin alike may be taken
        for one: what the record says itself is what counts."""

    def referred(self, records: Sequence[RecordId]) -> frozenset[RecordId]:
        """Those of at most `limits.MAX_PAGE_ROWS` records that something refers to."""

    def look_ahead(self, records: Sequence[RecordId]) -> None:
        """At most `limits.MAX_PAGE_ROWS` records are about to be asked about one by one, in this transaction, by `referred` and
        `replied`: a store may look for all of them at once. It changes no answer."""

    def look_again_at_references(self) -> None:
        """What entries refer to is to be noted anew (see `older_references`): this program knows more acts than before."""

    def older_references(self, limit: int) -> list[tuple[TimelineEntry, Record]]:
        """Up to `limit` entries that are still to be looked at for what they refer to, newest first, each once: the caller notes
        it. None are left when there are fewer."""

    def acknowledged(self, peer: DeviceId) -> list[tuple[ChannelId, Log, DeviceId, int]]:
        """What a peer is known to hold for good: (channel, log, author device, seq), ascending, the chain whole up to seq."""

    def acknowledge(self, peer: DeviceId, channel: ChannelId, log: Log, device: DeviceId, seq: int) -> None:
        """Raise what a peer is known to hold; never lowers it."""

    def forget_acknowledged(self, peer: DeviceId) -> None:
        """Nothing is known of what this peer holds any more."""


class Store(Protocol):
    """Used from one thread at a time."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commits (durably) at the end of the block, rolls back when it raises. Not nested. A commit that fails raises
        `errors.StorageFailed`, and nothing of the block is kept."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMessage:
    """What a message that can begin a session says of itself."""

    session: bytes
    """16 bytes."""
    prekey: bytes
    """The receiver's, 32 bytes."""


class RatchetSession(Protocol):
    """A session in memory. What it has made leaves the device only after what `stored` says is stored."""

    def encrypt(self, plaintext: bytes) -> tuple[int, bytes]:
        """(kind, ciphertext). Kind 0: it can begin the session at the other end; 1: the other end is known to have it."""

    def decrypt(self, kind: int, ciphertext: bytes) -> bytes | Rejected:
        """Each message once. Of a chain that is read on, the last 40 that were passed over can be read later; one that is more
        than 2,000 ahead cannot be read. What is refused leaves the session as it was."""

    def stored(self) -> bytes:
        """Its state: secret, the same for the same state."""


class Ratchets(Protocol):
    """Olm: sessions of two ratchets between two devices, begun with a key that the other one has made before (a prekey).

    Accounts, prekeys and stored sessions are secret bytes that it has made; for others, `errors.Damaged`. What comes from
    elsewhere is checked.
    """

    def new_prekey(self, account: bytes) -> tuple[bytes, bytes]:
        """(public key, its secret): good for any number of sessions, until the secret is thrown away."""

    def begin(self, account: bytes, olm_key: bytes, prekey: bytes) -> tuple[bytes, RatchetSession] | None:
        """(session id, session) with the device of this Olm identity key and prekey; None: the keys are no good."""

    def first(self, ciphertext: bytes) -> FirstMessage | Rejected:
        """Of a message of kind 0; nothing is proven by that."""

    def accept(self, prekey_secret: bytes, olm_key: bytes, ciphertext: bytes) -> tuple[RatchetSession, bytes] | Rejected:
        """(session, plaintext): begun with a message of kind 0 that the device of this Olm identity key has sent."""

    def load(self, stored: bytes) -> RatchetSession:
        """A session as it was stored."""


class LinkPath(StrEnum):
    """How a link goes, best first."""

    LOCAL = "local"
    """The same host."""
    LAN = "lan"
    """A private or link-local address."""
    DIRECT = "direct"


class CredentialKind(StrEnum):
    PEER = "peer"
    """A device that we know: accepts and dials."""
    OPEN_INVITATION = "open-invitation"
    """A link that we, or a fellow member, gave out: accepts."""
    HELD_INVITATION = "held-invitation"
    """A link that we were given: dials."""
    MAILBOX_DOOR = "mailbox-door"
    """Our mailbox: any device that holds the door key comes in, and says nothing of whose it is. Accepts."""
    MAILBOX = "mailbox"
    """A mailbox: dials, as a device of no account, made for this alone."""


ONLY_DIAL = (CredentialKind.HELD_INVITATION, CredentialKind.MAILBOX)
"""Nobody is let in under these."""
ONLY_ACCEPT = (CredentialKind.OPEN_INVITATION, CredentialKind.MAILBOX_DOOR)
"""Nobody is dialled under these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A key under which a link may be made, and whom it leads to.

    `key` (32 bytes) makes tokens; for peers the pair key's link key, for mailboxes the door key. `device` is set for PEER and
    MAILBOX: there it is the mailbox's id. For invitations `join_key` is the public key of the link's signing key, and `join_seed`
    its secret seed, held by those who hold the link.
    """

    kind: CredentialKind
    key: bytes
    device: DeviceId | None = None
    join_key: bytes | None = None
    join_seed: bytes | None = None
    local: "LocalDevice | None" = None
    """Who we are under this credential; None: this device. For mailboxes set on both sides, and its certificate is not shown."""
    nearby: bytes = b""
    """With OPEN_INVITATION: announce this id to everybody on the local network, and look for others that do so."""

    announced: bool = True
    """Those who hold the key may find us by it on the local network."""

    def __post_init__(self) -> None:
        if self.kind in (CredentialKind.MAILBOX, CredentialKind.MAILBOX_DOOR) and self.local is None:
            raise ValueError("nobody comes to a mailbox, or receives there, as the device that they are")

    def __repr__(self) -> str:
        return f"Credential({self.kind}, …)"


def mailbox_user(credential: Credential) -> DeviceId | None:
    """As whom we come to a mailbox, or receive who comes to ours; None for other credentials."""
    if credential.kind not in (CredentialKind.MAILBOX, CredentialKind.MAILBOX_DOOR):
        return None
    assert credential.local is not None
    return credential.local.device


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUp:
    """A link whose other end has proven to be `device`. Under an invitation also its certificate (checked) and the join key."""

    link: LinkId
    device: DeviceId
    dialled: bool
    path: LinkPath
    address: str
    """HOST:PORT of the other end; the port is the one that it listens on, as it says, or 0."""
    incarnation: int
    key: bytes = b""
    """The key of the credential under which it was made."""
    certificate: Certificate | None = None
    join_key: bytes | None = None
    version: int = 1
    """The greatest link protocol version that both ends speak."""
    binding: bytes = b""
    """A hash of the whole handshake (32 bytes), the same at both ends and on no other link."""
    mailbox: bool = False
    """Between a mailbox and somebody who uses it: made under MAILBOX or MAILBOX_DOOR."""
    local: DeviceId | None = None
    """Of such a link: as whom we came, or received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameIn:
    link: LinkId
    frame: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    link: LinkId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRtt:
    """A measured round trip of the link itself, smoothed."""

    link: LinkId
    rtt_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSeen:
    """The network shows somebody under one of our credentials at HOST:PORT."""

    key: bytes
    """The credential's key."""
    address: str
    path: LinkPath


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbySeen:
    """Somebody is visible to everybody on this network, as we are: at HOST:PORT. They may tell of several addresses."""

    nearby: bytes
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbyGone:
    nearby: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DialFailed:
    key: bytes
    address: str
    reason: str
    """In words that a person understands: refused, timed out, no answer to our token."""
    local: DeviceId | None = None
    """Of a mailbox: as whom we would have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkChanged:
    """Addresses came or went: whoever is not linked is worth a try at once."""

    listen: tuple[str, ...]
    """Where we listen now, HOST:PORT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Strangers and garbage at the door, by reason: so many more since the last time."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """The node ends in an orderly way: what was put off for a moment is said now."""


NetworkInput: TypeAlias = (
    LinkUp | FrameIn | LinkDown | LinkRtt | PeerSeen | NearbySeen | NearbyGone | DialFailed | NetworkChanged | Counted | Stopping
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDevice:
    """Who we are, for the handshake."""

    device: DeviceId
    signing_seed: bytes
    certificate: Certificate | None
    """None where it is of no account: for links of mailboxes."""
    incarnation: int

    def __repr__(self) -> str:
        return "LocalDevice(…)"


class Network(Protocol):
    """Moves frames and understands none. Methods return at once; what comes of them arrives as inputs, on the event loop."""

    async def start(self, local: LocalDevice, deliver: Callable[[NetworkInput], None]) -> tuple[str, ...]:
        """Begin to listen and, where that is on, to look around. Returns where we listen, HOST:PORT. Raises
        `errors.LinkFailed` where the address is taken. `deliver` never blocks."""

    def publish(self, credentials: Iterable[Credential]) -> None:
        """All credentials that count from now on, in the order in which tokens are announced (contacts and invitations first)."""

    def dial(self, credential: Credential, address: str) -> None:
        """Try to make a link; answers LinkUp or DialFailed. One attempt at a time per (key, address, mailbox user)."""

    def send(self, link: LinkId, frame: bytes) -> None:
        """Frames of one link arrive in order or the link goes down. Unknown links are ignored."""

    def close_link(self, link: LinkId, reason: str) -> None: ...

    def pause(self, paused: bool) -> None:
        """Stop reading from all links, or go on: back-pressure."""

    async def stop(self) -> None: ...
