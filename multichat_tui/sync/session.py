"""The state of one link: what the other side says it holds, what was sent and not acknowledged, what is to be sent next.

Nothing of it is stored: what a peer holds for good is (see `ports.Transaction.acknowledge`), and after a restart links are new.
"""

from dataclasses import field
from enum import Enum

from multichat_tui.model.device_statements import StatementName
from multichat_tui.model.frames import ChainTip, Prefix
from multichat_tui.model.identity import Certificate
from multichat_tui.model.ids import ChannelId, DeviceId, LinkId, Log, RecordId, UserId
from multichat_tui.model.ports import LinkPath
from multichat_tui.model.receipts import ReceiptName
from multichat_tui.model.values import dataclass
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.parking import Parking
from multichat_tui.sync.timing import RoundTrip


class Role(Enum):
    """What the other end of a link is to us."""

    PEER = "peer"
    """A contact, or a fellow member: channels are synchronised."""
    GUEST = "guest"
    """Came with an invitation of ours; told nothing until admitted or paired."""
    HOST = "host"
    """We came with an invitation of theirs; told nothing but that until then."""
    READER = "reader"
    """Came with a link for reading one of our channels; gets that channel's records, and nothing else."""
    SOURCE = "source"
    """We came with such a link; told nothing but what we hold of that channel."""
    CLIENT = "client"
    """Came through the door of our mailbox: asks it, and nothing else is taken or said."""
    MAILBOX = "mailbox"
    """A mailbox that we have dialled: answers what we ask it."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Something sent that wants an answer."""

    sent_at: int
    next_at: int
    tries: int = 0


@dataclass(slots=True, kw_only=True)
class Pending:
    """An offer that was not acknowledged. `chains` is None for all of the channel's."""

    watch: Watch
    chains: dict[ChannelId, set[ChainKey] | None] = field(default_factory=dict)
    statements: bool = False
    plain: bool = False
    """Its chains are named by their devices' ids: the peer could not read the numbers."""
    nothing_beyond: bool = False
    """Chains differ, and this side holds nothing that the peer is not known to hold."""
    receipts: tuple[ReceiptName, ...] = ()
    """Receipts that it carries."""
    receipt_numbers: bool = False
    """It says which receipts we have."""
    receipt_names: tuple[ReceiptName, ...] = ()
    """Or of these alone."""
    device_statements: tuple[StatementName, ...] = ()
    """Device statements that it carries."""
    device_numbers: bool = False
    """It says which device statements we have."""
    told: dict[StatementName, int] = field(default_factory=dict)
    """The numbers of those that it carried first."""
    fingerprint: bytes = b""
    held: dict[ChannelId, tuple[ChainTip, ...]] = field(default_factory=dict)
    """What the fingerprint stands for."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """Something that was asked for, when it may be again, and how often it was."""

    again_at: int
    tries: int = 0
    branch: tuple[Log, Prefix, int] | None = None
    """A record's place, where what is below it is asked for too."""


@dataclass(slots=True)
class Serving:
    """What a peer has asked for of one channel and was not sent yet."""

    ranges: dict[ChainKey, tuple[int, int]] = field(default_factory=dict)
    pages: list[dict[ChainKey, int]] = field(default_factory=list)
    """The last seq of each chain in each page that is on its way."""


@dataclass(slots=True, kw_only=True)
class Reader:
    """Somebody who reads a channel by link."""

    channel: ChannelId
    held: dict[ChainKey, int] = field(default_factory=dict)
    """What they say they hold."""
    asked: bool = True
    """They wait for what they lack,"""
    unanswered: bool = True
    """and were not told that there is nothing at present."""
    due_at: int = 0
    """When they may be sent the next page."""
    watch: Watch | None = None
    """A page is on its way."""


@dataclass(slots=True, kw_only=True)
class Session:
    link: LinkId
    device: DeviceId
    user: UserId | None
    role: Role
    dialled: bool
    path: LinkPath
    address: str
    join_key: bytes | None
    certificate: Certificate | None
    version: int = 1
    """Of the link protocol: 2 knows fingerprints, vectors and receipts, 3 what is held above gaps, 4 records without their bodies
    (docs/protocol/synchronisation.md, section 10), 5 device statements (routes.md, section 22)."""
    carried: bool = False
    """No link: what the other says comes in parcels, and what it is told waits for the next one (`node.parcels`)."""
    gathered: list[bytes] = field(default_factory=list)
    """Of a carried session: frames for the next parcel."""
    nearby: bool = False
    """To a stranger who is visible on this network: nothing but a comparison of words goes over it."""
    binding: bytes = b""
    """A hash of the link's handshake."""
    local: DeviceId | None = None
    """Of a link with a mailbox: as whom we came, or received."""
    incarnation: int = 0
    """Of the peer: how often its node was started."""
    began_at: int = 0
    moved_at: int = 0
    """When records were last delivered over it, while it is not a peer's yet."""
    closing: bool = False
    """It will be down soon: what comes over it until then is still taken."""
    link_rtt_ms: float | None = None
    rtt: RoundTrip = field(default_factory=RoundTrip)
    faults: int = 0
    heard: bool = False
    """The peer's first offer of chains has come."""
    had_news: bool = False
    """The peer has offered something that we lacked."""
    greeted: bool = False
    """It is settled what both hold, or has been offered: live records may go."""
    next_offer: int = 0
    offers: dict[int, Pending] = field(default_factory=dict)
    offered: dict[ChannelId, dict[ChainKey, int]] = field(default_factory=dict)
    """What the peer says it holds, beyond what it is known to hold for good."""
    roots: dict[ChannelId, Watch] = field(default_factory=dict)
    """Of channels that it offers and we do not know: their roots were asked for."""
    islands: dict[ChannelId, dict[ChainKey, tuple[int, int]]] = field(default_factory=dict)
    """What the peer says it holds above gaps and we do not."""
    holes: dict[ChannelId, dict[ChainKey, tuple[tuple[int, int], ...]]] = field(default_factory=dict)
    """What the peer's tips speak of and it does not hold, as it says: (first, last), ascending."""
    told_holes: dict[ChannelId, dict[ChainKey, int]] = field(default_factory=dict)
    """Chains of which it was told what we do not hold, with the last seq of that."""
    unfilled: dict[ChannelId, dict[ChainKey, int]] = field(default_factory=dict)
    """Chains of which an answer with the newest had nothing, though we lacked up to that seq: asked for in the usual way."""
    probed: dict[ChannelId, dict[ChainKey, int]] = field(default_factory=dict)
    """Claims to hold chains of which nothing above an edge is known, that were looked into."""
    silent_fills: int = 0
    """How often it was asked for the newest in vain since it last gave some."""
    parking: dict[ChannelId, Parking] = field(default_factory=dict)
    sent: dict[ChannelId, dict[ChainKey, int]] = field(default_factory=dict)
    """What the peer was sent, or told of by an offer, of each channel that was offered to it."""
    watches: dict[tuple[ChannelId, ChainKey], Watch] = field(default_factory=dict)
    """Chains of which more was sent than is acknowledged."""
    serving: dict[ChannelId, Serving] = field(default_factory=dict)
    asked_ids: dict[ChannelId, dict[RecordId, Asked]] = field(default_factory=dict)
    """Records asked for by id."""
    asked_in_vain: set[RecordId] = field(default_factory=set)
    """Records that the peer has asked for, and whose bodies are lacking here too."""
    bodies_due: dict[ChannelId, list[RecordId]] = field(default_factory=dict)
    """Those of them whose bodies have come in this batch."""
    lacking: dict[ChannelId, dict[ChainTip, Asked]] = field(default_factory=dict)
    """Ends of branches that the peer holds, within what we hold of a chain, and that we lack."""
    farewells: dict[ChannelId, Watch] = field(default_factory=dict)
    """Channels of which the peer's user was told over this link that they are no member any more."""
    set_back: bool = False
    """The peer's incarnation is below one that it had; an alarm once it shows that it is alive."""
    doubted_at: int | None = None
    """When another link to the device came up under another incarnation."""
    probes: set[int] = field(default_factory=set)
    """Numbers of offers sent since then to see whether the peer is alive."""
    probe_at: int = 0
    forked_at: int | None = None
    """When the device at its end was first seen to fork while this link was up."""
    cut: bool = False
    """It was closed for that."""
    branches: dict[tuple[ChannelId, ChainKey], set[RecordId]] = field(default_factory=dict)
    """Ends of branches of forked chains that the peer is known to hold."""
    asked_of: set[Prefix] = field(default_factory=set)
    """Authors whose records the peer had to ask us for: they go to it at once."""
    in_vain: int = 0
    """Offers of others' records in a row that told the peer nothing new."""
    needs_us: bool = False
    """It has asked for others' records long after link up: nobody else gives them."""
    # Filled during a batch, sent at its end.
    push_due: dict[ChannelId, set[ChainKey]] = field(default_factory=dict)
    ack_due: dict[ChannelId, set[ChainKey]] = field(default_factory=dict)
    ack_offers: list[int] = field(default_factory=list)
    ack_same: dict[int, int] = field(default_factory=dict)
    """Of offers with a fingerprint: which parts were equal."""
    ack_unread: dict[int, tuple[Prefix, ...]] = field(default_factory=dict)
    """Of offers with vectors: the channels whose devices we number otherwise."""
    receipts_due: set[ReceiptName] = field(default_factory=set)
    receipts_told: dict[ReceiptName, int] = field(default_factory=dict)
    """Receipts that the peer has shown, or was shown, by number."""
    receipt_names_due: dict[ReceiptName, int] = field(default_factory=dict)
    """Others' receipts that the peer is to be told of, and when: filled by `name_later`."""
    device_statements_due: set[StatementName] = field(default_factory=set)
    device_numbers_due: bool = False
    """It shares more with us than when it was told last which device statements we have,"""
    receipt_numbers_due: bool = False
    """and which receipts."""
    stated: set[ChannelId] = field(default_factory=set)
    """Channels of which it was told what is said beside them: statements, receipts, device statements."""
    befriended: bool = False
    """Its user is a contact, and was given what contacts are given."""
    unplaced: dict[tuple[Prefix, Prefix, int], int] = field(default_factory=dict)
    """Device statements that the peer has (audience, device, kind) and whose device no control log held here names yet; with
    their numbers."""
    unplaced_receipts: dict[tuple[Prefix, Prefix], int] = field(default_factory=dict)
    """Receipts that the peer has (channel, device) and whose device no control log held here names yet; with their numbers."""
    ack_statements: list[tuple[UserId, int, int]] = field(default_factory=list)
    statements_due: bool = False
    """Statements of others that are new to be offered."""
    offer_due: dict[ChannelId, dict[ChainKey, int]] = field(default_factory=dict)
    """Chains to offer, and when: filled by `offer_later`."""
    offer_at: int | None = None
    """The earliest of these, and of `receipt_names_due`; never later than that."""
    statements: dict[tuple[UserId, int], bytes] = field(default_factory=dict)
    """Statements of devices that no control log held here names yet."""
    returning: Watch | None = None
    """A question of a device that comes back (RETURN), waiting for its answer."""
    giving_key: Watch | None = None
    """Our return key, given to the contact at its end and not acknowledged."""
    reader: Reader | None = None
    """At the other end of it somebody reads by link."""
    conversation: Watch | None = None
    """A JOIN or PAIR frame that waits for its answer."""

    def forget(self, channel: ChannelId) -> None:
        """The peer is told nothing of a channel any more: if it is again, then all of it, as at first."""
        self.sent.pop(channel, None)
        self.stated.discard(channel)
        self.watches = {name: watch for name, watch in self.watches.items() if name[0] != channel}

    def offer_later(self, channel: ChannelId, key: ChainKey, at: int) -> None:
        """Offer a chain then, or earlier if it is to be offered earlier anyway."""
        due = self.offer_due.setdefault(channel, {})
        due[key] = min(at, due.get(key, at))
        self.offer_at = at if self.offer_at is None else min(at, self.offer_at)

    def name_later(self, name: ReceiptName, at: int) -> None:
        """Say then, or earlier if there is something to offer earlier, that we have a newer receipt."""
        self.receipt_names_due[name] = min(at, self.receipt_names_due.get(name, at))
        self.offer_at = at if self.offer_at is None else min(at, self.offer_at)


@dataclass(slots=True, kw_only=True)
class Want:
    """A chain that was asked for up to `last`, from one link."""

    link: LinkId
    last: int
    deadline: int
    tries: int = 0
