"""What a running node holds in memory: all of it can be loaded from the store again, and is after a failed commit."""

from collections.abc import Callable
from dataclasses import field, replace
from typing import Protocol, get_args

from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.view import View
from multichat_tui.crypto.identity import device_list_holds, join_holds
from multichat_tui.crypto.keys import link_key, pair_key
from multichat_tui.crypto.ratchets import OlmRatchets
from multichat_tui.model.channel_settings import PROTOCOL_LEVEL, SettingKey
from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.device_statements import Audience, DeviceStatement
from multichat_tui.model.economy import Mode
from multichat_tui.model.events import Event, ProfileChanged
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import Frame, MessageFrame, Prefix, ReadFrame
from multichat_tui.model.identity import Certificate, DeviceList
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, LinkId, RecordId, UserId
from multichat_tui.model.limits import MAX_FRAME_BYTES, MAX_GATHERED_FRAMES, MAX_REQUEST_RECORDS, MAX_UNTOLD
from multichat_tui.model.mailbox_frames import MailboxFrame, MailboxReply, MailboxRequest
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.ports import Credential, Entropy, LinkPath, Ratchets, Space, Transaction
from multichat_tui.model.receipts import Receipt
from multichat_tui.model.regards import Regard
from multichat_tui.model.snapshots import MailboxFailing, Membership, Progress
from multichat_tui.model.statements import PRIVATE, Profile, Statement, StatementKind, decode_profile
from multichat_tui.model.values import dataclass
from multichat_tui.model.vouching import Introduction, Vouch, decode_introductions, decode_vouches
from multichat_tui.node.comparison import Comparison
from multichat_tui.node.deposits import Deposits
from multichat_tui.node.effects import Effects
from multichat_tui.node.heard import HeardDevices
from multichat_tui.node.identity import Identity
from multichat_tui.node.nearby import Window
from multichat_tui.node.standing import Contact, KeptList, Standing
from multichat_tui.sync.chains import ChainKey, Chains
from multichat_tui.sync.fingerprint import DeviceNumbers
from multichat_tui.sync.islands import Edge, Fill
from multichat_tui.sync.lacking import Lacking
from multichat_tui.sync.parking import Grounds
from multichat_tui.sync.session import Role, Session, Want, Watch

_SAID: dict[Role, tuple[type, ...]] = {
    Role.READER: (MessageFrame,),
    Role.SOURCE: (ReadFrame,),
    Role.CLIENT: get_args(MailboxReply),
    Role.MAILBOX: get_args(MailboxRequest),
}
"""All that is said over a link by which somebody reads who is no member, and over those of mailboxes."""


class EventBuild(Protocol):
    """An event but for its number, which may be made in vain: nobody listens, say."""

    def __call__(self, seq: int) -> Event: ...


@dataclass(slots=True, kw_only=True)
class Channel:
    """One channel in memory: its control log, chain ends and heads; records stay in the store."""

    id: ChannelId
    standing: Standing
    control: ControlLog
    chains: Chains = field(default_factory=Chains)
    devices: dict[Prefix, DeviceId] = field(default_factory=dict)
    wants: dict[ChainKey, Want] = field(default_factory=dict)
    edge: Edge | None = None
    """Down to where history is held, while some below it is missing."""
    below: set[RecordId] = field(default_factory=set)
    """Records known to lie below the edge, which others name and that history will bring; at most MAX_NAMED_BELOW."""
    redacts: bool = False
    """Something in it takes texts away, or tries to: where nothing does, no record need be looked at for that."""
    lacking: Lacking = field(default_factory=Lacking)
    """Bodies of content that are missing, and asked for."""
    holes_mask: int = 0
    """The control log's state when what is withheld from us was last compared with it."""
    fill: Fill | None = None
    older: int = 0
    """Records that the user has asked for beyond the depth of the settings."""
    waits_since: int | None = None
    """Since when records wait for others and nothing has come that they wait for."""
    waiting_shown: bool = False
    """That is told."""
    plan_at: int | None = None
    """When to look for what is missing."""
    join_watch: Watch | None = None
    """When we last asked linked members to admit us."""
    checked_mask: int = 0
    """The control log's state when it was last looked at for devices that it lacks."""
    coming_back_until: int | None = None
    """A channel offered to a restored device: when it is given up unless its control log shows us in it by then."""
    receipts: dict[DeviceId, Receipt] = field(default_factory=dict)
    """The newest of each device."""
    receipt_at: int | None = None
    """When a receipt of ours is due."""
    _numbers: DeviceNumbers | None = None
    taken: int = 0
    """Of a conversation that only asks: how many of its records are held."""
    knows: int = PROTOCOL_LEVEL
    """The greatest protocol level of a channel that this node understands."""
    shut: bool = False
    """A direct conversation with somebody blocked: nothing of it is told or taken."""
    told: set[DeviceId] = field(default_factory=set)
    """Of those who are no members any more, who was told so by us."""
    _audience: tuple[int, tuple[DeviceId, ...]] | None = None
    _untold: tuple[tuple[int, int, bool], tuple[DeviceId, ...]] | None = None

    @property
    def rooted(self) -> bool:
        return self.control.rooted

    @property
    def view(self) -> View:
        return self.control.view

    @property
    def partial(self) -> bool:
        """Held records may name some that are not here, be it for now or for good."""
        return self.edge is not None or bool(self.chains.holes)

    @property
    def beyond(self) -> bool:
        """Its protocol level is one that this node does not know: nothing is told or taken there, as what is not understood could
        be somebody's removal."""
        return self.rooted and self.view.setting(SettingKey.PROTOCOL_LEVEL) > self.knows

    @property
    def live(self) -> bool:
        """We take part."""
        return self.standing.membership in (Membership.JOINED, Membership.JOINING)

    @property
    def hears(self) -> bool:
        """Records are taken and asked for: also where we were removed, or not let in again, as that may turn out to have been
        nobody's right."""
        if self.shut or self.beyond:
            return False
        if self.live or self.standing.membership in (Membership.ASKED, Membership.READING):
            return True
        return self.rooted and self.standing.membership in (Membership.REMOVED, Membership.REFUSED)

    @property
    def has_room(self) -> bool:
        """Whether another record is taken: of a conversation that only asks, so many."""
        return self.standing.membership is not Membership.ASKED or self.taken < MAX_REQUEST_RECORDS

    @property
    def numbers(self) -> DeviceNumbers:
        """The numbers by which vectors name the channel's devices."""
        if self._numbers is None or len(self._numbers.prefixes) != len(self.control.certificates):
            self._numbers = DeviceNumbers(self.control.certificates)
        return self._numbers

    def audience(self, me: DeviceId) -> tuple[DeviceId, ...]:
        """The devices of the present members, but for our own."""
        if not self.rooted or self.beyond:
            return ()
        if self._audience is None or self._audience[0] != self.view.mask:
            members, gone = self.view.members, self.view.revocations
            certificates = self.control.certificates.items()
            devices = tuple(d for d, c in certificates if d != me and c.user in members and d not in gone)
            self._audience = (self.view.mask, devices)
        return self._audience[1]

    def untold(self, me: DeviceId) -> tuple[DeviceId, ...]:
        """The devices of those who are no members any more, by whose own word that is not, and who were not told yet: at most the
        last MAX_UNTOLD. Links with them are taken until then. Who has left tells their own other devices alone."""
        left = self.standing.membership is Membership.LEFT
        if not self.rooted or not (self.live or left) or self.beyond:
            return ()
        name = (self.view.mask, len(self.told), left)
        if self._untold is None or self._untold[0] != name:
            told, members, own = self.told | self.control.left_by(), self.view.members, self.control.user_of(me)
            gone = [d for d, c in self.control.certificates.items() if c.user not in members and d != me and d not in told]
            gone = [device for device in gone if device not in self.view.revocations]
            if left:
                gone = [device for device in gone if self.control.user_of(device) == own]
            self._untold = (name, tuple(gone[-MAX_UNTOLD:]))
        return self._untold[1]

    def serves(self, device: DeviceId) -> bool:
        """Whether this device may be told of the channel: in our own view its user is a member, and it is not revoked."""
        if self.standing.membership is Membership.READING:
            # Who is no member tells nobody what they read.
            return False
        certificate = self.control.certificates.get(device)
        if certificate is None or not self.rooted or self.shut or self.beyond:
            return False
        return certificate.user in self.view.members and device not in self.view.revocations


def new_channel(channel: ChannelId, standing: Standing) -> Channel:
    return Channel(id=channel, standing=standing, control=ControlLog(channel, join_holds, device_list_holds))


@dataclass(slots=True, kw_only=True)
class World:
    identity: Identity
    entropy: Entropy
    txn: Transaction
    now: int = 0
    channels: dict[ChannelId, Channel] = field(default_factory=dict)
    by_prefix: dict[Prefix, Channel] = field(default_factory=dict)
    contacts: dict[UserId, Contact] = field(default_factory=dict)
    lists: dict[UserId, DeviceList] = field(default_factory=dict)
    """The newest device lists of others, as far as they were told apart from pairing."""
    forks: dict[UserId, DeviceList] = field(default_factory=dict)
    """Device lists that contradict the newest known one: an alarm until one is seen that holds both."""
    revoked: set[DeviceId] = field(default_factory=set)
    """By any list known."""
    told_closing: set[UserId] = field(default_factory=set)
    """Who is known to have heard that our account is closed, since this start."""
    lists_heard: list[DeviceList] = field(default_factory=list)
    """Brought by control logs, their signatures checked; to be learned at the end of the batch."""
    statements: dict[tuple[UserId, int], Statement] = field(default_factory=dict)
    profiles: dict[UserId, Profile] = field(default_factory=dict)
    sessions: dict[LinkId, Session] = field(default_factory=dict)
    clients: dict[LinkId, Session] = field(default_factory=dict)
    """Links through the door of our mailbox. They may be many, and nobody who looks for peers is to look through them."""
    door: Credential | None = None
    """Of our mailbox, while we keep one."""
    carried: dict[DeviceId, Session] = field(default_factory=dict)
    """With devices that are heard through parcels: no links, and no peers."""
    deposits: Deposits = field(default_factory=Deposits)
    """What is on its way to devices through their mailboxes."""
    heard: HeardDevices = field(default_factory=HeardDevices)
    """When each device was heard of last."""
    unheard: set[DeviceId] = field(default_factory=set)
    """Devices that nothing more is left for, as they were silent for long."""
    left_to_links: set[DeviceId] = field(default_factory=set)
    """Devices that lack so much old history that only links bring it."""
    routes_changed: bool = True
    """Contacts may not know yet by what ways we are written to."""
    read_on: set[ChannelId] = field(default_factory=set)
    """Channels in which the user has read on, which is not said yet."""
    written: set[ChannelId] = field(default_factory=set)
    """Channels in which we have written in this batch."""
    relayed: set[ChannelId] = field(default_factory=set)
    """Channels in which something of others has come in this batch."""
    redacting: set[ChannelId] = field(default_factory=set)
    """Channels in which something has lost its text in this batch, or is to."""
    gone: set[tuple[ChannelId, ChainKey, int]] = field(default_factory=set)
    """Records that have lost their bodies in this batch."""
    informed: set[DeviceId] = field(default_factory=set)
    """Devices of which more is known to be held since this batch began."""
    left_at: dict[DeviceId, int] = field(default_factory=dict)
    """When the last link with a device went."""
    grounds: Grounds = field(default_factory=Grounds)
    """What waits for other records, of all links."""
    held: dict[DeviceId, dict[ChannelId, dict[ChainKey, int]]] = field(default_factory=dict)
    """What each peer is known to hold for good."""
    islands: dict[DeviceId, dict[ChannelId, dict[ChainKey, tuple[int, int]]]] = field(default_factory=dict)
    """What each peer is known to hold above a gap, for good."""
    listen: tuple[str, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)
    event_seq: int = 0
    listened: bool = True
    """Somebody receives events."""
    out: Effects = field(default_factory=Effects)
    served: list[tuple[int, DeviceId, Channel]] = field(default_factory=list)
    """Frames of this batch with records for members: (place in `out.frames`, to whom, of what)."""
    changed_channels: set[ChannelId] = field(default_factory=set)
    changed_members: set[ChannelId] = field(default_factory=set)
    farewells_due: set[ChannelId] = field(default_factory=set)
    """Members are gone: they are to be told why."""
    changed_contacts: set[UserId] = field(default_factory=set)
    credentials_changed: bool = True
    device_statements: dict[Audience, dict[tuple[DeviceId, int], DeviceStatement]] = field(default_factory=dict)
    """The newest of each audience, device and kind."""
    audiences_changed: bool = True
    """Who is a member, or a contact, or which devices they have, may have changed in this batch."""
    workspaces_due: bool = True
    """A control log has changed: lists, or what is to be carried into channels, may have."""
    introductions_changed: bool = True
    """A question was put, or an invitation came or went."""
    dialing_changed: bool = True
    status_changed: bool = False
    mode: Mode = Mode.USUAL
    """How sparing the user wants this node to be."""
    hides_mailboxes: Callable[[DeviceId], bool] = lambda device: False
    """Whether a device has mailboxes that are known by addresses of private networks alone; set by the engine."""
    mailbox_failing: Callable[[MailboxId, UserId], MailboxFailing | None] = lambda mailbox, user: None
    """Whether a mailbox of somebody's does badly, by its score with us; set by the engine."""
    mailboxes_of: Callable[[DeviceId], frozenset[MailboxId]] = lambda device: frozenset()
    """Where things can be left for a device while it is away; set by the engine."""
    near_only: bool = False
    """Only addresses of private networks are called."""
    resting_until: int | None = None
    """No links until then; None: as ever."""
    stirred_at: int = 0
    """When a frame came or went last."""
    traffic: dict[LinkPath, list[int]] = field(default_factory=dict)
    """By path: bytes of frames received, and sent, since the start."""
    answered: set[RecordId] = field(default_factory=set)
    """What new answers answer: the threads that they belong to have grown."""
    acted_on: set[tuple[RecordId, ChannelId]] = field(default_factory=set)
    """Edited, reacted to, voted on in this batch, by acts of that channel."""
    named: set[UserId] = field(default_factory=set)
    """Who was given a name in this batch."""
    vouches: dict[UserId, tuple[Vouch, ...]] = field(default_factory=dict)
    """Whom contacts, and we, vouch for."""
    introduced: dict[UserId, Statement] = field(default_factory=dict)
    """What of introductions each contact is told by us."""
    introductions: dict[UserId, tuple[Introduction, ...]] = field(default_factory=dict)
    """What we are told, by introducer."""
    answered_introductions: set[bytes] = field(default_factory=set)
    """Their seeds."""
    declined: dict[UserId, int] = field(default_factory=dict)
    """Whose requests were declined, and when."""
    let_in: set[ChannelId] = field(default_factory=set)
    """Conversations that asked, and were accepted in this batch."""
    regards: dict[UserId, Regard] = field(default_factory=dict)
    """Whom the user ignores or has blocked."""
    forked: set[DeviceId] = field(default_factory=set)
    """Devices that have written two different records at one place."""
    shunned: dict[DeviceId, int] = field(default_factory=dict)
    """Devices with which no link is made for a while, and until when."""
    early: list[tuple[int, ChannelId, RecordId]] = field(default_factory=list)
    """Shown as held until then: (due_ms, channel, record), a heap. After a restart rows are read anew anyway."""
    indexed_percent: int = 100
    """How much of the history can be searched: less while a profile of an older version is being indexed."""
    progress: dict[str, Progress] = field(default_factory=dict)
    """Long work that is under way, by its name; see `tell_progress`."""
    window: Window | None = None
    """Visible nearby."""
    keeping_changed: bool = False
    """The user wants texts to be kept for another time."""
    comparisons_changed: bool = False
    nearby_note: str = ""
    """Why it is over, if not by the user's wish."""
    comparisons: dict[ComparisonId, Comparison] = field(default_factory=dict)
    """Of words and emoji, by when they began."""
    dial_failures: dict[DeviceId, str] = field(default_factory=dict)
    name_version: int = 0
    name_cache: dict[ChannelId, tuple[tuple[int, int, int, int], dict[UserId, str]]] = field(default_factory=dict)
    ratchets: Ratchets = field(default_factory=OlmRatchets)
    prekeys_changed: set[bytes] = field(default_factory=set)
    """Audiences whose routes name a prekey that another one has taken the place of: user ids of contacts; empty: all.
    Whoever makes routes takes them out."""
    _pair_keys: dict[tuple[DeviceId, bytes], tuple[bytes, bytes] | None] = field(default_factory=dict)
    """The pair key and the link key."""
    _users: dict[DeviceId, UserId] = field(default_factory=dict)
    """Whose a contact's device is; see `_contact_with`."""

    # Out

    def emit(self, build: EventBuild) -> None:
        """Number an event and let it out after the commit, if anybody listens."""
        self.event_seq += 1
        if self.listened:
            self.out.events.append(build(seq=self.event_seq))

    def turn_events(self, after: int) -> None:
        """Tell what was told since the event with this number in the opposite order."""
        events = self.out.events
        begin = next((index for index, event in enumerate(events) if event.seq > after), len(events))
        numbers = [event.seq for event in events[begin:]]
        events[begin:] = [replace(event, seq=seq) for event, seq in zip(reversed(events[begin:]), numbers, strict=True)]

    @property
    def changed(self) -> bool:
        """Whether something is to be told."""
        return bool(
            self.changed_channels or self.changed_members or self.changed_contacts or self.status_changed or self.answered
        )

    def forget_changes(self) -> None:
        self.changed_members.clear()
        self.changed_channels.clear()
        self.changed_contacts.clear()
        self.answered.clear()
        self.status_changed = False

    def send(self, session: Session, frame: Frame | MailboxFrame) -> None:
        said = _SAID.get(session.role)
        if said is not None and not isinstance(frame, said):
            return
        encoded = encode_frame(frame)
        if len(encoded) > MAX_FRAME_BYTES:
            # Frames are built in parts that fit; one that does not is a fault of ours, and must not take the link with it.
            self.count("frame-too-large-to-send")
            return
        if session.carried:
            if len(session.gathered) < MAX_GATHERED_FRAMES:
                session.gathered.append(encoded)
            return
        self.moved(session, 0, len(encoded))
        if isinstance(frame, MessageFrame) and frame.items:
            channel = self.by_prefix.get(frame.channel)
            if channel is not None and channel.serves(session.device):
                self.served.append((len(self.out.frames), session.device, channel))
        self.out.frames.append((session.link, encoded))

    def withdraw(self) -> None:
        """Records that were on their way to somebody who was found in the same batch to be no member any more do not leave."""
        gone = {index for index, device, channel in self.served if not channel.serves(device)}
        if gone:
            self.out.frames[:] = [frame for index, frame in enumerate(self.out.frames) if index not in gone]
        self.served.clear()

    def moved(self, session: Session, received: int, sent: int) -> None:
        """Bytes of a frame came, or go."""
        self.stirred_at = self.now
        counted = self.traffic.setdefault(session.path, [0, 0])
        counted[0] += received
        counted[1] += sent

    def close(self, session: Session, reason: str) -> None:
        session.closing = True
        if session.carried:
            # There is no link to be cut: what waits of it is dropped, and it begins anew.
            self.count("parcel-faults")
            return
        self.out.closes.append((session.link, reason))

    def count(self, reason: str, by: int = 1) -> None:
        self.counters[reason] = self.counters.get(reason, 0) + by

    def tell_progress(self, name: str, what: str, done: int, total: int) -> None:
        """How far long work called `name` has come; from `done` = `total` on it is over. Front ends hear of it with the next
        status, so callers need not be sparing."""
        if total and done >= total:
            if self.progress.pop(name, None) is not None:
                self.status_changed = True
            return
        fresh = Progress(what=what, done=done, total=total)
        if self.progress.get(name) != fresh:
            self.progress[name] = fresh
            self.status_changed = True

    # People

    def peers(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.role is Role.PEER]

    def sources(self) -> list[Session]:
        """Whoever records come from: links, and devices heard through parcels."""
        return [*self.sessions.values(), *self.carried.values()] if self.carried else list(self.sessions.values())

    def hear(self, device: DeviceId) -> None:
        """A device that we know has shown that it lives."""
        self.heard.hear(self.txn, device, self.now)

    def online(self, user: UserId) -> bool:
        return any(session.user == user for session in self.sessions.values() if session.role is Role.PEER)

    def session_of(self, device: DeviceId) -> Session | None:
        return next((s for s in self.sessions.values() if s.device == device and s.role is Role.PEER), None)

    def certificates(self) -> dict[DeviceId, Certificate]:
        """Every device that we may be linked with: of contacts, and of the members of our channels."""
        known: dict[DeviceId, Certificate] = {}
        for channel in self.channels.values():
            if channel.shut:
                continue
            if channel.rooted and channel.standing.membership not in (Membership.REFUSED, Membership.ASKED, Membership.READING):
                for device in channel.audience(self.identity.device):
                    known[device] = channel.control.certificates[device]
            for device in channel.untold(self.identity.device):
                known[device] = channel.control.certificates[device]
        for contact in self.contacts.values():
            for certificate in () if self.blocked(contact.user) else contact.devices.living:
                known[certificate.device] = certificate
        for certificate in self.identity.devices.living:
            known[certificate.device] = certificate
        known.pop(self.identity.device, None)
        return {device: certificate for device, certificate in known.items() if device not in self.revoked}

    def certificate_of(self, device: DeviceId) -> Certificate | None:
        """What `certificates` has of one device."""
        if device in self.revoked or device == self.identity.device:
            return None
        own = next((c for c in self.identity.devices.living if c.device == device), None)
        if own is not None:
            return own
        for channel in self.channels.values():
            certified = channel.control.certificates.get(device)
            if certified is None or channel.shut:
                continue
            told = channel.standing.membership not in (Membership.REFUSED, Membership.ASKED, Membership.READING)
            if (told and device in channel.audience(self.identity.device)) or device in channel.untold(self.identity.device):
                return certified
        contact = self._contact_with(device)
        if contact is None or self.blocked(contact.user):
            return None
        return next((c for c in contact.devices.living if c.device == device), None)

    def _contact_with(self, device: DeviceId) -> Contact | None:
        """Whose device it is; looked up, and only where that has changed gone through."""
        for _ in range(2):
            user = self._users.get(device)
            contact = None if user is None else self.contacts.get(user)
            if contact is not None and any(c.device == device for c in contact.devices.certificates):
                return contact
            self._users = {c.device: each.user for each in self.contacts.values() for c in each.devices.certificates}
        return None

    def blocked(self, user: UserId) -> bool:
        return self.regards.get(user) is Regard.BLOCKED

    def list_of(self, user: UserId) -> DeviceList | None:
        """The newest device list that is known of somebody."""
        if user == self.identity.user:
            return self.identity.devices
        contact = self.contacts.get(user)
        return self.lists.get(user) if contact is None else contact.devices

    def user_of(self, device: DeviceId) -> UserId | None:
        certificate = self.certificates().get(device)
        return None if certificate is None else certificate.user

    def link_keys(self, certificate: Certificate) -> list[bytes]:
        """The keys under which we and a device make links: of a contact the one with the pairing secret, and until they are
        known to have that, the plain one too."""
        contact = self.contacts.get(certificate.user)
        secret, confirmed = (b"", True) if contact is None else contact.secret_of(certificate.device)
        secrets = list(dict.fromkeys([secret] if confirmed else [secret, b""]))
        found = (self._pair_key(certificate, secret) for secret in secrets)
        return [keys[1] for keys in found if keys is not None]

    def _pair_key(self, certificate: Certificate, secret: bytes) -> tuple[bytes, bytes] | None:
        """(pair key, link key) with a device; None: its sealing key is no good."""
        name = (certificate.device, secret)
        if name not in self._pair_keys:
            pair = pair_key(self.identity.secrets.sealing_secret, self.identity.sealing_key, certificate.sealing_key, secret)
            self._pair_keys[name] = None if pair is None else (pair, link_key(pair))
        return self._pair_keys[name]

    def pair_keys_of(self, device: DeviceId) -> list[bytes]:
        """The keys of what we and a device put into mailboxes for each other; none: it is nobody's of ours. We write by the
        first; what they write may be by any, while it is not certain that a contact's device has the pairing secret."""
        certificate = self.certificate_of(device)
        if certificate is None:
            return []
        contact = self.contacts.get(certificate.user)
        secrets = (b"",) if contact is None else contact.mailbox_secrets_of(device)
        keys = (self._pair_key(certificate, secret) for secret in secrets)
        return [found[0] for found in keys if found is not None]

    def name_of(self, user: UserId) -> str:
        """The name as its owner last stated it, or gave it when joining; not yet made safe or unique."""
        if user == self.identity.user:
            return self.identity.name
        profile = self.profiles.get(user)
        if profile is not None:
            return profile.name
        for channel in self.channels.values():
            name = channel.control.join_name(user)
            if name:
                return name
        return ""

    def learn_statement(self, statement: Statement) -> bool:
        """Keep a checked statement if it is the newest of its user and kind."""
        key = (statement.user, statement.kind)
        known = self.statements.get(key)
        if known is not None and (known.number, known.body) >= (statement.number, statement.body):
            return False
        if statement.kind in PRIVATE:
            if not self._learn_private(statement):
                return False
            self.txn.put(Space.STATEMENT, statement.user + bytes([statement.kind]), statement.encoded)
            self.status_changed = self.introductions_changed = True
            return True
        profile = decode_profile(statement.content) if statement.kind == StatementKind.PROFILE else None
        if not isinstance(profile, Profile) and statement.kind != StatementKind.CLOSED:
            return False
        self.statements[key] = statement
        if isinstance(profile, Profile):
            self.profiles[statement.user] = profile
        self.txn.put(Space.STATEMENT, statement.user + bytes([statement.kind]), statement.encoded)
        user = statement.user
        self.name_version += 1
        self.named.add(user)
        self.emit(lambda seq: ProfileChanged(seq=seq, user=user))
        if user in self.contacts:
            self.changed_contacts.add(user)
        return True

    def _learn_private(self, statement: Statement) -> bool:
        """Take in what somebody tells contacts alone. False: it says nothing that is understood, or is for somebody else."""
        if statement.kind == StatementKind.VOUCH:
            vouches = decode_vouches(statement.content)
            if not isinstance(vouches, tuple):
                return False
            self.vouches[statement.user] = vouches
        else:
            told = decode_introductions(statement.content)
            if not isinstance(told, tuple) or told[0] != self.identity.user:
                return False
            self.introductions[statement.user] = told[1]
        self.statements[statement.user, statement.kind] = statement
        return True

    def keep_device_statement(self, statement: DeviceStatement) -> None:
        self.device_statements.setdefault(statement.audience, {})[statement.device, statement.kind] = statement

    def restore_statement(self, statement: Statement) -> None:
        """Take in what the store holds."""
        if statement.kind in PRIVATE:
            self._learn_private(statement)
            return
        profile = decode_profile(statement.content) if statement.kind == StatementKind.PROFILE else None
        if isinstance(profile, Profile):
            self.profiles[statement.user] = profile
        if isinstance(profile, Profile) or statement.kind == StatementKind.CLOSED:
            self.statements[statement.user, statement.kind] = statement

    def closed(self, user: UserId) -> bool:
        """Whether somebody has closed their account."""
        return (user, StatementKind.CLOSED) in self.statements

    def restore_list(self, user: UserId, kept: KeptList) -> None:
        """Take in what the store holds."""
        if user != self.identity.user:
            self.lists[user] = kept.devices
        if kept.fork is not None:
            self.forks[user] = kept.fork
        self.revoked |= set(kept.devices.certified_revoked)

    # Channels

    def add_channel(self, channel: Channel) -> None:
        self.channels[channel.id] = channel
        self.by_prefix[channel.id[:PREFIX_SIZE]] = channel

    def drop_channel(self, channel: Channel) -> None:
        self.channels.pop(channel.id, None)
        self.by_prefix.pop(channel.id[:PREFIX_SIZE], None)
        for holds in self.held.values():
            holds.pop(channel.id, None)
        for islands in self.islands.values():
            islands.pop(channel.id, None)
        for session in self.sources():
            session.forget(channel.id)
            parking = session.parking.pop(channel.id, None)
            if parking is not None:
                parking.clear()

    def keep(self, channel: Channel, standing: Standing) -> None:
        """Store a new standing."""
        channel.standing = standing
        self.audiences_changed = True
        self.txn.put(Space.CHANNEL, channel.id, standing.encoded())
        self.changed_channels.add(channel.id)

    def conversation(self, channel: Channel) -> tuple[Channel, ...]:
        """The channels that show as one: those of a direct conversation with the same person, the smallest id first."""
        other = self.partner(channel)
        if other is None:
            return (channel,)
        same = (c for c in self.channels.values() if c.live and self.partner(c) == other)
        return tuple(sorted({c.id: c for c in (*same, channel)}.values(), key=lambda c: c.id))

    def partner(self, channel: Channel) -> UserId | None:
        """The other person of a direct channel."""
        if not channel.rooted or channel.view.style != channel.view.style.DIRECT:
            return None
        return next((user for user in channel.view.founders if user != self.identity.user), None)

    def peer_holds(self, device: DeviceId, channel: ChannelId) -> dict[ChainKey, int]:
        return self.held.setdefault(device, {}).setdefault(channel, {})

    def peer_islands(self, device: DeviceId, channel: ChannelId) -> dict[ChainKey, tuple[int, int]]:
        return self.islands.setdefault(device, {}).setdefault(channel, {})

    def peer_has(self, device: DeviceId, channel: ChannelId, key: ChainKey, seq: int) -> bool:
        """Whether a peer is known to hold this record for good."""
        if self.peer_holds(device, channel).get(key, -1) >= seq:
            return True
        first, last = self.peer_islands(device, channel).get(key, (1, 0))
        return first <= seq <= last

    def peer_top(self, device: DeviceId, channel: ChannelId, key: ChainKey) -> int:
        """The newest seq of a chain that a peer is known to hold; -1 for none."""
        return max(self.peer_holds(device, channel).get(key, -1), self.peer_islands(device, channel).get(key, (1, -1))[1])
