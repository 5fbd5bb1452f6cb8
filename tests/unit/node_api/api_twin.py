"""An in-memory `NodeApi`: one person's view, with the others played by the test."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from deed_pages import deed_page
from host_rows import no_mailbox, place_row
from mailbox_rows import mailbox_row

from multichat_tui.model.comparing import ComparisonId, Purpose
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.events import ChannelChanged, ChannelGone, ContactChanged, Event, MessageAdded, StatusChanged
from multichat_tui.model.exposure import ExposureRow
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId, fingerprint
from multichat_tui.model.intents import (
    AcceptContact,
    Accepted,
    AcknowledgeAlarms,
    ActOn,
    AddMailbox,
    AnswerRequest,
    ApproveJoin,
    BanMember,
    BundleReport,
    ChangeKind,
    ChangeSetting,
    ConfigureChannel,
    ConnectTo,
    CreateChannel,
    CreateWorkspace,
    DenyJoin,
    ExportBundle,
    ForgetTyped,
    GiveRank,
    GrantPlace,
    HostMailbox,
    ImportBundle,
    Intent,
    InviteContact,
    InviteToChannel,
    JoinChannel,
    JoinListed,
    LeaveChannel,
    LiftBan,
    ListChannel,
    Lockdown,
    MakeResource,
    MarkRead,
    NameRole,
    OpenDirect,
    PurgeMessages,
    RedactMessages,
    RememberTyped,
    RemoveMailbox,
    RemoveMember,
    RenameChannel,
    RevokePlace,
    SendMessage,
    SendReport,
    SendToSeveral,
    SetDraft,
    SetName,
    SetPermission,
    SetRegard,
    SettleReport,
    SetTopic,
    Together,
    UndoDeed,
    UnlistChannel,
)
from multichat_tui.model.limits import SUBSCRIBER_EVENTS
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.moderation import (
    EVERYTHING,
    DeedRow,
    DeedState,
    Foreseen,
    ReportedMessage,
    ReportRow,
    ReportState,
    RosterRow,
)
from multichat_tui.model.ranks import ADMIN, FOUNDER, MEMBER, MODERATOR, THRESHOLDS, Permission, role_of
from multichat_tui.model.regards import Regard, RegardRow, RequestRow
from multichat_tui.model.searching import FoundPage, FoundRow, Search, check_search, holds_all, marked_places, words_of
from multichat_tui.model.snapshots import (
    BanRow,
    ChannelKind,
    ChannelRow,
    ContactRow,
    Delivery,
    DeliveryRow,
    DeviceDelivery,
    DeviceRow,
    FormerRow,
    MailboxRow,
    MailboxState,
    Me,
    MemberRow,
    Membership,
    MessageRow,
    PeerRow,
    PermissionRow,
    Position,
    RoleRow,
    RowKind,
    RulesRow,
    SettingRow,
    Snapshot,
    StatusRow,
    Thread,
)
from multichat_tui.model.trust import AlarmRow, ComparisonRow, ComparisonState, TrustRow
from multichat_tui.node.api.subscription import Subscription


def named(word: str) -> bytes:
    """32 bytes that belong to a word."""
    return hashlib.blake2b(word.encode(), digest_size=32).digest()


def user(word: str) -> UserId:
    return UserId(named(f"user {word}"))


class ApiTwin:
    """Implements `NodeApi`. `intents` keeps what was submitted; `refuse` makes the next submit fail."""

    def __init__(self, name: str = "me", *, queue: int = SUBSCRIBER_EVENTS) -> None:
        self.intents: list[Intent] = []
        self.refuse: Exception | None = None
        self.name = name
        self.seq = 0
        self.queue = queue
        self.people: dict[UserId, ContactRow] = {}
        self.rows: dict[ChannelId, ChannelRow] = {}
        self.inside: dict[ChannelId, list[MemberRow]] = {}
        self.rules_rows: dict[ChannelId, RulesRow] = {}
        self.deeds: dict[ChannelId, list[DeedRow]] = {}
        self.reported: dict[ChannelId, list[ReportRow]] = {}
        self.foreseen_refusals: dict[UserId, str] = {}
        """Why whatever is asked about these people would be refused."""
        self.rosters: dict[ChannelId, list[RosterRow]] = {}
        self.exposures: dict[ChannelId, list[ExposureRow]] = {}
        self.host_row = no_mailbox()
        self.mailboxes: tuple[MailboxRow, ...] = ()
        self.directories = {}
        self.messages: list[MessageRow] = []
        self.typed_lines: dict[ChannelId | None, list[str]] = {}
        self.kept: dict[str, str] = {}
        self.alarms: tuple[AlarmRow, ...] = ()
        self.comparisons: tuple[ComparisonRow, ...] = ()
        self.regards: dict[UserId, RegardRow] = {}
        self.trust_rows: dict[UserId, TrustRow] = {}
        self.requests: dict[UserId, RequestRow] = {}
        self.device_rows: list[DeviceRow] = []
        self.known_peers: list[PeerRow] = []
        self.deliver_at_once = False
        self.indexed_percent = 100
        self._readers: set[Subscription] = set()

    # What a test plays

    def emit(self, event: Event) -> None:
        for reader in self._readers:
            reader.put(event)

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def compare(self, name: str, *, state: ComparisonState = ComparisonState.COMPARE) -> ComparisonRow:
        """A comparison with a contact, whose words are here."""
        row = ComparisonRow(
            id=ComparisonId(named(f"comparison {len(self.comparisons)} with {name}")),
            purpose=Purpose.VERIFY,
            state=state,
            begun_here=False,
            name=name,
            began_ms=0,
            user=user(name),
            words=("apple", f"{name}-word"),
        )
        self.comparisons = (*self.comparisons, row)
        self.emit(StatusChanged(seq=self.next_seq()))
        return row

    def end_comparison(self, row: ComparisonRow, state: ComparisonState) -> None:
        self.comparisons = tuple(replace(each, state=state) if each.id == row.id else each for each in self.comparisons)
        self.emit(StatusChanged(seq=self.next_seq()))

    def stop(self) -> None:
        for reader in self._readers:
            reader.end()

    @property
    def subscribers(self) -> int:
        return len(self._readers)

    def add_contact(
        self, name: str, *, online: bool = False, pending: bool = False, identifier: UserId | None = None
    ) -> ContactRow:
        who = identifier or user(name)
        row = ContactRow(
            user=who,
            name=name,
            verified=False,
            online=online,
            safety_number="12345 " * 11 + "12345",
            fingerprint=fingerprint(who),
            path="lan" if online else "",
            rtt_ms=2.5 if online else None,
            pending=pending,
        )
        self.people[who] = row
        self.emit(ContactChanged(seq=self.next_seq(), row=row))
        return row

    def add_channel(
        self,
        name: str,
        *members: str,
        kind: ChannelKind = ChannelKind.GROUP,
        partner: UserId | None = None,
        membership: Membership = Membership.JOINED,
        identifier: ChannelId | None = None,
    ) -> ChannelRow:
        row = ChannelRow(
            id=identifier or ChannelId(named(f"channel {name} {kind} {len(self.rows)}")),
            kind=kind,
            name=name,
            topic="",
            membership=membership,
            unread=0,
            mentions=0,
            members=1 + len(members),
            online=0,
            read_arrival=0,
            last_ms=0,
            user=partner,
        )
        self.rows[row.id] = row
        self.inside[row.id] = [self._member(self.name, self.me_row.user, me=True)] + [self._member(m, user(m)) for m in members]
        permissions = tuple(PermissionRow(permission=each, rank=rank) for each, rank in THRESHOLDS.items())
        self.rules_rows[row.id] = RulesRow(rank=FOUNDER, permissions=permissions)
        self.emit(ChannelChanged(seq=self.next_seq(), row=row))
        return row

    def _member(self, name: str, who: UserId, *, me: bool = False) -> MemberRow:
        contact = who in self.people
        return MemberRow(
            user=who,
            name=name,
            role="founder" if me else "member",
            online=False,
            me=me,
            contact=contact,
            verified=False,
            fingerprint=fingerprint(who),
        )

    def arrive(
        self, channel: ChannelId, name: str, text: str, *, mine: bool = False, reply_to: RecordId | None = None
    ) -> MessageRow:
        arrival = len(self.messages) + 1
        total = max(0, len(self.inside.get(channel, [])) - 1)
        state = Delivery.OTHERS
        if mine:
            state = Delivery.ALONE if not total else Delivery.ALL if self.deliver_at_once else Delivery.QUEUED
        row = MessageRow(
            id=RecordId(named(f"record {arrival}")),
            channel=channel,
            arrival=arrival,
            ets=arrival,
            time_ms=1_700_000_000_000 + arrival,
            author=self.me_row.user if mine else user(name),
            device=DeviceId(named(f"device {name}")),
            name=name,
            kind=RowKind.MESSAGE,
            text=text,
            mine=mine,
            state=state,
            delivered=total if state is Delivery.ALL else 0,
            total=total,
            reply_to=reply_to,
        )
        self.messages.append(row)
        self.emit(MessageAdded(seq=self.next_seq(), row=row))
        return row

    @property
    def me_row(self) -> Me:
        who = user("myself")
        return Me(user=who, device=DeviceId(named("my device")), name=self.name, fingerprint=fingerprint(who))

    # NodeApi

    async def submit(self, intent: Intent) -> Accepted:
        if self.refuse is not None:
            error, self.refuse = self.refuse, None
            raise error
        self.intents.append(intent)
        match intent:
            case ExportBundle() | ImportBundle():
                return Accepted(bundle=BundleReport(parcels=1, size=800, devices=1))
            case CreateWorkspace(name=name):
                return Accepted(channel=self.add_channel(name, kind=ChannelKind.WORKSPACE).id)
            case ListChannel() | UnlistChannel() | JoinListed():
                return Accepted(channel=intent.channel)
            case CreateChannel(name=name):
                return Accepted(channel=self.add_channel(name).id)
            case InviteToChannel():
                self._row(intent.channel)
                return Accepted(link="multichat:join/abc")
            case JoinChannel():
                return Accepted(channel=self.add_channel("joined", membership=Membership.JOINING).id)
            case LeaveChannel(channel=channel):
                self._row(channel)
                del self.rows[channel]
                self.emit(ChannelGone(seq=self.next_seq(), channel=channel))
                return Accepted()
            case SetRegard(user=who, regard=Regard.NONE):
                del self.regards[who]
                return Accepted(user=who)
            case SetRegard(user=who, regard=regard):
                found = (row.name for rows in self.inside.values() for row in rows if row.user == who)
                self.regards[who] = RegardRow(user=who, name=next(found, "somebody"), regard=regard, since_ms=0)
                return Accepted(user=who)
            case AnswerRequest(user=who, accept=accept):
                name = self.requests.pop(who).name
                row = self.add_channel(name, name, kind=ChannelKind.DIRECT, partner=who) if accept else None
                return Accepted(user=who, channel=row.id if row is not None else None)
            case OpenDirect(user=who):
                for row in self.rows.values():
                    if row.user == who:
                        return Accepted(channel=row.id, user=who)
                name = self.people[who].name if who in self.people else "somebody"
                return Accepted(channel=self.add_channel(name, name, kind=ChannelKind.DIRECT, partner=who).id, user=who)
            case SendMessage(channel=channel, text=text, reply_to=answered):
                self._row(channel)
                if not text.strip():
                    raise IntentRefused(Refusal.EMPTY, "There is nothing to send.")
                sent = self.arrive(channel, self.name, text, mine=True, reply_to=answered)
                return Accepted(record=sent.id, channel=channel)
            case SendToSeveral(channels=channels, text=text):
                for channel in channels:
                    self._row(channel)
                sent_there = [(channel, self.arrive(channel, self.name, text, mine=True).id) for channel in channels]
                return Accepted(posts=tuple(sent_there))
            case SetName(name=name):
                self.name = name
                return Accepted()
            case InviteContact():
                return Accepted(link="multichat:pair/abc")
            case AcceptContact():
                return Accepted(user=self.add_contact("inviter", pending=True).user)
            case AcknowledgeAlarms(user=who):
                self.alarms = tuple(row for row in self.alarms if row.user != who)
                self.emit(StatusChanged(seq=self.next_seq()))
                return Accepted(user=who)
            case RememberTyped(channel=channel, text=text):
                self.typed_lines.setdefault(channel, []).append(text)
                return Accepted(channel=channel)
            case ForgetTyped(channel=channel):
                self.typed_lines = {} if channel is None else {key: at for key, at in self.typed_lines.items() if key != channel}
                return Accepted(channel=channel)
            case ChangeSetting(key=key, value=value):
                self.kept[key] = value
                return Accepted()
            case HostMailbox(on=on, total_bytes=total):
                total = self.host_row.total_bytes if total is None else total
                self.host_row = replace(self.host_row, on=on, total_bytes=total, mailbox=MailboxId(b"m" * 32))
                return Accepted()
            case GrantPlace(name=name):
                self.host_row = replace(self.host_row, places=(*self.host_row.places, place_row(name)))
                return Accepted(link=f"multichat:mailbox/{name}")
            case RevokePlace(name=name):
                if all(place.name != name for place in self.host_row.places):
                    raise NotFound("There is no place of that name.")
                self.host_row = replace(self.host_row, places=tuple(p for p in self.host_row.places if p.name != name))
                return Accepted()
            case AddMailbox():
                self.mailboxes = (*self.mailboxes, mailbox_row(len(self.mailboxes) + 1))
                return Accepted()
            case RemoveMailbox(number=number):
                if not 1 <= number <= len(self.mailboxes):
                    raise NotFound("There is no mailbox with this number.")
                row = self.mailboxes[number - 1]
                leaving = () if row.state is MailboxState.LEAVING else (replace(row, state=MailboxState.LEAVING),)
                self.mailboxes = (*self.mailboxes[: number - 1], *leaving, *self.mailboxes[number:])
                return Accepted()
            case ConnectTo():
                self.emit(StatusChanged(seq=self.next_seq()))
                return Accepted()
            case GiveRank(channel=channel, user=who, rank=rank):
                self.inside[channel] = [
                    replace(row, role=role_of(rank)) if row.user == who else row for row in self.inside[channel]
                ]
                return Accepted(channel=channel, user=who)
            case RemoveMember(channel=channel, user=who):
                self._end(channel, who)
                return Accepted(channel=channel, user=who)
            case BanMember(channel=channel, user=who, lasts_ms=lasts_ms, reason=reason):
                name = self._end(channel, who)
                until_ms = 1_700_000_000_000 + lasts_ms if lasts_ms else 0
                bans = (
                    *self.rules_rows[channel].bans,
                    BanRow(user=who, name=name, level=ADMIN, until_ms=until_ms, reason=reason),
                )
                self.rules_rows[channel] = replace(self.rules_rows[channel], bans=bans)
                return Accepted(channel=channel, user=who)
            case LiftBan(channel=channel, user=who):
                bans = tuple(row for row in self.rules_rows[channel].bans if row.user != who)
                self.rules_rows[channel] = replace(self.rules_rows[channel], bans=bans)
                return Accepted(channel=channel, user=who)
            case SetPermission(channel=channel, permission=permission, rank=rank):
                rules = self.rules_rows[channel]
                changed = tuple(replace(row, rank=rank) if row.permission is permission else row for row in rules.permissions)
                self.rules_rows[channel] = replace(rules, permissions=changed)
                return Accepted(channel=channel)
            case Lockdown(channel=channel, on=on):
                rules = self.rules_rows[channel]
                shut = (Permission.SEND, Permission.ADMIT)
                changed = tuple(
                    replace(row, rank=MODERATOR if on else MEMBER) if row.permission in shut else row for row in rules.permissions
                )
                self.rules_rows[channel] = replace(rules, permissions=changed)
                return Accepted(channel=channel)
            case UndoDeed(channel=channel, record=record):
                self.deeds[channel] = [
                    replace(row, undo="", state=DeedState.LIFTED, by="taken back") if row.id == record else row
                    for row in self.deeds[channel]
                ]
                return Accepted(record=record, channel=channel)
            case SendReport(channel=channel, reason=reason, user=who, targets=targets):
                number = len(self.reported.setdefault(channel, [])) + 1
                texts = {row.id: row.text for row in self.messages}
                row = ReportRow(
                    id=RecordId(named(f"report {number}")),
                    time_ms=1_700_000_000_000 + number,
                    reporter=self.me_row.user,
                    reporter_name=self.name,
                    reason=reason,
                    user=who,
                    name=next((each.name for each in self.inside[channel] if each.user == who), ""),
                    messages=tuple(ReportedMessage(id=target, text=texts[target], here=True) for target in targets),
                    state=ReportState.OPEN,
                    mine=True,
                )
                self.reported[channel].append(row)
                return Accepted(record=row.id, channel=channel, user=who)
            case SettleReport(channel=channel, report=record, acted=acted, reason=reason):
                state = ReportState.ACTED if acted else ReportState.DISMISSED
                self.reported[channel] = [
                    replace(row, state=state, settled_by=self.name, settled_reason=reason) if row.id == record else row
                    for row in self.reported[channel]
                ]
                return Accepted(record=record, channel=channel)
            case ApproveJoin(channel=channel, user=who) | DenyJoin(channel=channel, user=who):
                rules = self.rules_rows[channel]
                left = tuple(row for row in rules.waiting if row.user != who)
                self.rules_rows[channel] = replace(rules, waiting=left)
                return Accepted(channel=channel, user=who)
            case NameRole(channel=channel, rank=rank, name=name):
                rules = self.rules_rows[channel]
                kept = {row.rank: row for row in rules.roles if row.rank != rank}
                kept |= {rank: RoleRow(rank=rank, name=name)} if name else {}
                self.rules_rows[channel] = replace(rules, roles=tuple(kept.values()))
                return Accepted(channel=channel)
            case ChangeKind(channel=channel, kind=kind):
                self.rules_rows[channel] = replace(self.rules_rows[channel], kind=kind)
                return Accepted(channel=channel)
            case ConfigureChannel(channel=channel, key=key, value=value):
                rules = self.rules_rows[channel]
                rows = {row.key: row for row in rules.settings} | {key: SettingRow(key=key, value=value)}
                self.rules_rows[channel] = replace(rules, settings=tuple(rows.values()))
                return Accepted(channel=channel)
            case (
                RedactMessages()
                | PurgeMessages()
                | MakeResource()
                | ActOn()
                | Together()
                | SetTopic()
                | RenameChannel()
                | MarkRead()
                | SetDraft()
            ):
                self._row(intent.channel)
                return Accepted(channel=intent.channel)

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[AsyncIterator[Event]]:
        reader = Subscription(self.queue)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def events(self):
        return self._subscribed()

    async def me(self) -> Snapshot[Me]:
        return self._snapshot(self.me_row)

    async def channels(self) -> Snapshot[tuple[ChannelRow, ...]]:
        return self._snapshot(tuple(sorted(self.rows.values(), key=lambda r: (r.kind is ChannelKind.DIRECT, r.name))))

    async def channel(self, channel: ChannelId) -> Snapshot[ChannelRow]:
        return self._snapshot(self._row(channel))

    async def contacts(self) -> Snapshot[tuple[ContactRow, ...]]:
        return self._snapshot(tuple(self.people.values()))

    async def members(self, channel: ChannelId) -> Snapshot[tuple[MemberRow, ...]]:
        self._row(channel)
        return self._snapshot(tuple(self.inside[channel]))

    def _end(self, channel: ChannelId, who: UserId) -> str:
        """Somebody is no member any more; their name."""
        rules = self.rules_rows[channel]
        gone = [row for row in self.inside[channel] if row.user == who]
        self.inside[channel] = [row for row in self.inside[channel] if row.user != who]
        former = (*rules.former, *(FormerRow(user=row.user, name=row.name) for row in gone))
        self.rules_rows[channel] = replace(rules, former=former)
        known = [row.name for row in former if row.user == who]
        return known[0] if known else self.people[who].name

    async def trust(self, user: UserId) -> Snapshot[TrustRow]:
        name = self.people[user].name if user in self.people else "somebody"
        plain = TrustRow(user=user, name=name, contact=user in self.people, verified=False, regard=Regard.NONE, vouched=False)
        return self._snapshot(self.trust_rows.get(user, plain))

    async def rules(self, channel: ChannelId) -> Snapshot[RulesRow]:
        self._row(channel)
        return self._snapshot(self.rules_rows[channel])

    async def modlog(self, channel, *, search=EVERYTHING, before=None, limit=100):
        self._row(channel)
        return self._snapshot(deed_page(self.deeds.get(channel, []), search, before, limit))

    async def reports(self, channel):
        self._row(channel)
        return self._snapshot(tuple(self.reported.get(channel, ())))

    async def roster(self, channel):
        self._row(channel)
        return self._snapshot(tuple(self.rosters.get(channel, ())))

    async def exposure(self, channel):
        self._row(channel)
        return self._snapshot(tuple(self.exposures.get(channel, ())))

    async def foresee(self, intents):
        refusals = [self.foreseen_refusals.get(getattr(intent, "user", None), "") for intent in intents]
        return self._snapshot(tuple(Foreseen(refused=refused, acts=not refused) for refused in refusals))

    async def directory(self, workspace):
        self._row(workspace)
        return self._snapshot(tuple(self.directories.get(workspace, ())))

    async def timeline(
        self,
        channel: ChannelId,
        *,
        before: Position | None = None,
        after: Position | None = None,
        limit: int = 100,
    ) -> Snapshot[tuple[MessageRow, ...]]:
        self._row(channel)
        rows = [row for row in self.messages if row.channel == channel]
        if before is not None:
            rows = [row for row in rows if (row.ets, row.id) < (before.ets, before.id)]
        if after is not None:
            return self._snapshot(tuple(row for row in rows if (row.ets, row.id) > (after.ets, after.id))[:limit])
        return self._snapshot(tuple(rows[-limit:]) if limit else ())

    async def message(self, record: RecordId) -> Snapshot[MessageRow | None]:
        return self._snapshot(next((row for row in self.messages if row.id == record), None))

    async def pins(self, channel: ChannelId) -> Snapshot[tuple[MessageRow, ...]]:
        return self._snapshot(tuple(row for row in self.messages if row.channel == channel and row.pinned))

    async def thread(self, record: RecordId) -> Snapshot[Thread]:
        found = next((row for row in self.messages if row.id == record), None)
        if found is None:
            raise NotFound("There is no such message.")
        root = found.reply_to or found.id
        rows = tuple(row for row in self.messages if root in (row.id, row.reply_to))
        return self._snapshot(Thread(channel=found.channel, root=root, rows=rows))

    async def search(self, search: Search, *, before: Position | None = None, limit: int = 50) -> Snapshot[FoundPage]:
        check_search(search)
        found = [
            row
            for row in self.messages
            if row.kind is RowKind.MESSAGE
            and (not search.channels or row.channel in search.channels)
            and (not search.users or row.author in search.users)
            and search.since_ms <= row.ets < search.until_ms
            and (before is None or (row.ets, row.id) < (before.ets, before.id))
            and holds_all(words_of(row.text), search)
        ]
        found.sort(key=lambda row: (row.ets, row.id), reverse=True)
        rows = tuple(FoundRow(row=row, places=marked_places(row.text, search)) for row in found[:limit])
        page = FoundPage(
            rows=rows, more=rows[-1].row.position if len(found) > limit else None, indexed_percent=self.indexed_percent
        )
        return self._snapshot(page)

    async def delivery(self, record: RecordId) -> Snapshot[DeliveryRow]:
        row = (await self.message(record)).rows
        if row is None:
            raise NotFound("There is no such message.")
        devices = (DeviceDelivery(user=user("bob"), name="bob", device=DeviceId(named("d")), delivered=False),)
        return self._snapshot(DeliveryRow(record=record, state=row.state, devices=devices))

    async def peers(self) -> Snapshot[tuple[PeerRow, ...]]:
        return self._snapshot(tuple(self.known_peers))

    async def hosting(self) -> Snapshot[HostRow]:
        return self._snapshot(self.host_row)

    async def devices(self) -> Snapshot[tuple[DeviceRow, ...]]:
        return Snapshot(as_of=self.seq, rows=tuple(self.device_rows))

    async def status(self) -> Snapshot[StatusRow]:
        return self._snapshot(
            StatusRow(
                me=self.me_row,
                listen=("127.0.0.1:4000",),
                lan=False,
                links=1,
                queued=2,
                trouble="",
                counters=(("not-cbor", 3),),
                mailboxes=self.mailboxes,
                alarms=self.alarms,
                comparisons=self.comparisons,
                regards=tuple(self.regards.values()),
                requests=tuple(self.requests.values()),
            )
        )

    async def typed(self, channel: ChannelId | None) -> Snapshot[tuple[str, ...]]:
        return Snapshot(as_of=self.seq, rows=tuple(self.typed_lines.get(channel, ())))

    async def settings(self) -> Snapshot[tuple[tuple[str, str], ...]]:
        return self._snapshot(tuple(self.kept.items()))

    def _snapshot(self, rows):
        return Snapshot(as_of=self.seq, rows=rows)

    def _row(self, channel: ChannelId) -> ChannelRow:
        if channel not in self.rows:
            raise NotFound("There is no such channel.")
        return self.rows[channel]
