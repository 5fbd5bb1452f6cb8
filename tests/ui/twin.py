"""A scripted node for the tests of the screens: `NodeApi` and `Launcher` in memory. What it is told to do, it does at once."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from deed_pages import deed_page
from host_rows import no_mailbox, place_row

from multichat_tui.model.errors import IntentRefused, NotFound, ProfileBusy, Refusal, UsageError, WrongPassphrase
from multichat_tui.model.events import (
    ChannelChanged,
    ContactChanged,
    DeliveryChanged,
    Event,
    MessageAdded,
    MessageChanged,
    Resync,
    StatusChanged,
)
from multichat_tui.model.exposure import ExposureRow
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId, fingerprint
from multichat_tui.model.intents import (
    AcceptContact,
    Accepted,
    AcknowledgeAlarms,
    ActOn,
    AnswerComparison,
    ApproveJoin,
    BanMember,
    BeginVerification,
    ChangeSetting,
    CreateChannel,
    DenyJoin,
    ForgetTyped,
    GiveRank,
    GrantPlace,
    HostMailbox,
    Intent,
    InviteContact,
    InviteToChannel,
    MarkRead,
    MeetNearby,
    OpenDirect,
    RememberTyped,
    RemoveMember,
    RevokeDevice,
    RevokePlace,
    SendMessage,
    SendToSeveral,
    SetDraft,
    SetNearby,
    SettleReport,
    SetTopic,
    Together,
    UndoDeed,
)
from multichat_tui.model.moderation import (
    EVERYTHING,
    DeedKind,
    DeedRow,
    DeedState,
    Foreseen,
    ReportedMessage,
    ReportRow,
    ReportState,
    RosterRow,
)
from multichat_tui.model.ranks import FOUNDER, THRESHOLDS
from multichat_tui.model.regards import Regard
from multichat_tui.model.searching import FoundPage, FoundRow, Search, check_search, holds_all, marked_places, words_of
from multichat_tui.model.snapshots import (
    ChannelKind,
    ChannelRow,
    ContactRow,
    Delivery,
    DeliveryRow,
    DeviceDelivery,
    DeviceRow,
    Me,
    MemberRow,
    Membership,
    MessageRow,
    PeerRow,
    PermissionRow,
    Position,
    ReactionRow,
    RowKind,
    RulesRow,
    Snapshot,
    StatusRow,
    Thread,
    WaitingRow,
)
from multichat_tui.model.trust import TrustRow
from multichat_tui.node.api.launch import ProfileState
from multichat_tui.ui.last_open import SETTING as LAST_OPEN

START_MS = 1_750_000_000_000
"""2025-06-15 15:06:40 UTC."""
LINK = "multichat:pair/" + "abcdefghijklmnopqrstuvwxyz234567" * 8
PHRASE = " ".join(f"word{n}" for n in range(1, 25))


def some_id(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def user(name: str) -> UserId:
    return UserId(some_id("user " + name))


def device(name: str) -> DeviceId:
    return DeviceId(some_id("device " + name))


def channel_id(name: str) -> ChannelId:
    return ChannelId(some_id("channel " + name))


def _acted(row: MessageRow, act: str, fields: dict[str, str]) -> MessageRow:
    """What becomes of a row when its reader does something with it."""
    match act:
        case "edit":
            return replace(row, text=fields["text"], edited=True)
        case "pin":
            return replace(row, pinned=fields["on"] == "yes")
        case _:
            others = tuple(each for each in row.reactions if not (each.emoji == fields["emoji"] and each.mine))
            mine = (ReactionRow(emoji=fields["emoji"], count=1, mine=True),) if fields["on"] == "yes" else ()
            return replace(row, reactions=(*others, *mine))


class TwinNode:
    """`refuse_with` refuses the next sends; `gate`, if set, holds every submit and read until it is opened."""

    def __init__(self, name: str = "me") -> None:
        self.name = name
        self.seq = 0
        self.arrivals = 0
        self.clock_ms = START_MS
        self.rows: dict[ChannelId, list[MessageRow]] = {}
        self.channel_rows: dict[ChannelId, ChannelRow] = {}
        self.contact_rows: dict[UserId, ContactRow] = {}
        self.member_rows: dict[ChannelId, list[MemberRow]] = {}
        self.status_row = StatusRow(
            me=Me(user=user(name), device=device(name), name=name, fingerprint=fingerprint(user(name))),
            listen=("127.0.0.1:4000",),
            lan=True,
            links=0,
            queued=0,
            trouble="",
            counters=(),
        )
        self.device_rows: list[DeviceRow] = []
        self.deeds: dict[ChannelId, list[DeedRow]] = {}
        self.reported: dict[ChannelId, list[ReportRow]] = {}
        self.waiting_rows: dict[ChannelId, list[WaitingRow]] = {}
        self.foreseen_refusals: dict[UserId, str] = {}
        """Why whatever is asked about these people would be refused."""
        self.rosters: dict[ChannelId, list[RosterRow]] = {}
        self.exposures: dict[ChannelId, list[ExposureRow]] = {}
        self.host_row = no_mailbox()
        self.directories = {}
        self.thread_drafts: dict[RecordId, str] = {}
        self.typed_lines: dict[ChannelId | None, list[str]] = {}
        self.stored_settings: dict[str, str] = {}
        self.intents: list[Intent] = []
        self.refuse_with: IntentRefused | None = None
        self.gate: asyncio.Event | None = None
        self.reads = 0
        self._queues: list[asyncio.Queue[Event]] = []

    # Scripts

    def tell(self, event: Event) -> None:
        for queue in self._queues:
            queue.put_nowait(event)

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def add_channel(self, name: str, *, members: tuple[str, ...] = ("ann", "bob"), topic: str = "", online: int = 1) -> ChannelId:
        channel = channel_id(name)
        self.rows[channel] = []
        self.member_rows[channel] = [
            self._member(who, role="founder" if number == 0 else "member", online=number < online)
            for number, who in enumerate(members)
        ] + [self._member(self.name, role="member", online=True)]
        self._set_channel(
            ChannelRow(
                id=channel,
                kind=ChannelKind.GROUP,
                name=name,
                topic=topic,
                membership=Membership.JOINED,
                unread=0,
                mentions=0,
                members=len(members) + 1,
                online=min(online, len(members)),
                read_arrival=0,
                last_ms=0,
            )
        )
        return channel

    def add_contact(self, name: str, *, online: bool = True, verified: bool = False, pending: bool = False) -> UserId:
        someone = user(name)
        row = ContactRow(
            user=someone,
            name=name,
            verified=verified,
            online=online,
            safety_number=" ".join(["12345"] * 12),
            fingerprint=fingerprint(someone),
            path="lan" if online else "",
            rtt_ms=3.2 if online else None,
            pending=pending,
        )
        self.contact_rows[someone] = row
        self.tell(ContactChanged(seq=self.next_seq(), row=row))
        return someone

    def add_direct(self, name: str, *, online: bool = True) -> ChannelId:
        someone = user(name) if user(name) in self.contact_rows else self.add_contact(name, online=online)
        channel = channel_id("direct " + name)
        self.rows[channel] = []
        self.member_rows[channel] = [self._member(name, role="founder", online=online)]
        self._set_channel(
            ChannelRow(
                id=channel,
                kind=ChannelKind.DIRECT,
                name=name,
                topic="",
                membership=Membership.JOINED,
                unread=0,
                mentions=0,
                members=2,
                online=1 if online else 0,
                read_arrival=0,
                last_ms=0,
                user=someone,
            )
        )
        return channel

    def row(self, channel: ChannelId, author: str, text: str, **more: object) -> MessageRow:
        self.arrivals += 1
        self.clock_ms += 20_000
        mine = author == self.name
        made = MessageRow(
            id=RecordId(some_id(f"{channel.hex()} {self.arrivals}")),
            channel=channel,
            arrival=self.arrivals,
            ets=self.clock_ms,
            time_ms=self.clock_ms,
            author=user(author),
            device=device(author),
            name=author,
            kind=RowKind.MESSAGE,
            text=text,
            mine=mine,
            state=Delivery.QUEUED if mine else Delivery.OTHERS,
            delivered=0,
            total=2,
        )
        return replace(made, **more)

    def put(self, row: MessageRow, *, quietly: bool = False) -> MessageRow:
        """Into the timeline, and told unless `quietly`."""
        rows = self.rows[row.channel]
        rows.append(row)
        if len(rows) > 1 and (rows[-2].ets, rows[-2].id) > (row.ets, row.id):
            rows.sort(key=lambda r: (r.ets, r.id))
        if not quietly:
            self.tell(MessageAdded(seq=self.next_seq(), row=row))
        here = self.channel_rows[row.channel]
        newest = max(here.newest_arrival, row.arrival)
        if not row.mine:
            called = f"@{self.name}" in row.text
            told = replace(here, unread=here.unread + 1, mentions=here.mentions + called, last_ms=row.time_ms)
            self._set_channel(replace(told, newest_arrival=newest), quietly=quietly)
        return row

    def put_past(self, row: MessageRow) -> None:
        """History that was missing."""
        rows = self.rows[row.channel]
        rows.append(row)
        rows.sort(key=lambda r: (r.ets, r.id))
        self.tell(MessageAdded(seq=self.next_seq(), row=row, past=True))
        here = self.channel_rows[row.channel]
        self._set_channel(replace(here, unread=here.unread + 1, mentions=here.mentions + (f"@{self.name}" in row.text)))

    def say(self, channel: ChannelId, author: str, text: str, **more: object) -> MessageRow:
        return self.put(self.row(channel, author, text, **more))

    def fill(self, channel: ChannelId, count: int, *, author: str = "ann") -> None:
        """Old messages, all read."""
        for number in range(count):
            self.put(self.row(channel, author if number % 3 else "bob", f"message {number}"), quietly=True)
        self._set_channel(replace(self.channel_rows[channel], unread=0, mentions=0, read_arrival=self.arrivals), quietly=True)

    def change(self, row: MessageRow) -> None:
        rows = self.rows[row.channel]
        rows[next(i for i, r in enumerate(rows) if r.id == row.id)] = row
        self.tell(MessageChanged(seq=self.next_seq(), channel=row.channel, id=row.id, position=row.position, row=row))

    def remove(self, row: MessageRow) -> None:
        self.rows[row.channel] = [r for r in self.rows[row.channel] if r.id != row.id]
        self.tell(MessageChanged(seq=self.next_seq(), channel=row.channel, id=row.id, position=row.position, row=None))

    def deliver(self, channel: ChannelId, state: Delivery) -> None:
        """All own messages have come this far."""
        mine = [r for r in self.rows[channel] if r.mine]
        self.rows[channel] = [replace(r, state=state) if r.mine else r for r in self.rows[channel]]
        first, last = min(r.arrival for r in mine), max(r.arrival for r in mine)
        self.tell(DeliveryChanged(seq=self.next_seq(), channel=channel, first=first, last=last))

    def resync(self) -> None:
        self.tell(Resync(seq=self.next_seq()))

    def set_status(self, **changes: object) -> None:
        self.status_row = replace(self.status_row, **changes)
        self.tell(StatusChanged(seq=self.next_seq()))

    def set_channel(self, channel: ChannelId, **changes: object) -> None:
        self._set_channel(replace(self.channel_rows[channel], **changes))

    def stop_events(self) -> None:
        for queue in self._queues:
            queue.put_nowait(None)

    def _set_channel(self, row: ChannelRow, *, quietly: bool = False) -> None:
        self.channel_rows[row.id] = row
        if not quietly:
            self.tell(ChannelChanged(seq=self.next_seq(), row=row))

    def _member(self, name: str, *, role: str, online: bool) -> MemberRow:
        return MemberRow(
            user=user(name),
            name=name,
            role=role,
            online=online,
            me=name == self.name,
            contact=user(name) in self.contact_rows,
            verified=False,
            fingerprint=fingerprint(user(name)),
        )

    async def _pass(self) -> None:
        self.reads += 1
        if self.gate is not None:
            await self.gate.wait()

    # NodeApi

    async def submit(self, intent: Intent) -> Accepted:
        if isinstance(intent, ChangeSetting) and intent.key == LAST_OPEN:
            # Kept a moment after a channel was opened, whatever else happens: nothing that a test asked for.
            self.stored_settings[intent.key] = intent.value
            return Accepted()
        await self._pass()
        self.intents.append(intent)
        match intent:
            case SendMessage(channel=channel, text=text, reply_to=reply_to):
                if self.refuse_with is not None:
                    raise self.refuse_with
                row = self.say(channel, self.name, text, reply_to=reply_to)
                above = next((r for r in self.rows[channel] if r.id == reply_to), None)
                if above is not None:
                    self.change(replace(above, replies=above.replies + 1))
                return Accepted(record=row.id)
            case SendToSeveral(channels=channels, text=text):
                return Accepted(posts=tuple((channel, self.say(channel, self.name, text).id) for channel in channels))
            case ActOn(record=record, act=act, fields=fields):
                if self.refuse_with is not None:
                    raise self.refuse_with
                row = next(r for rows in self.rows.values() for r in rows if r.id == record)
                self.change(_acted(row, act, dict(fields)))
                return Accepted(record=record)
            case CreateChannel(name=name):
                return Accepted(channel=self.add_channel(name, members=()))
            case OpenDirect(user=someone):
                contact = self.contact_rows[someone]
                return Accepted(channel=self.add_direct(contact.name))
            case InviteContact() | InviteToChannel():
                return Accepted(link=LINK)
            case AcceptContact():
                return Accepted(user=self.add_contact("carol"))
            case BeginVerification(user=someone):
                if self.refuse_with is not None:
                    raise self.refuse_with
                return Accepted(user=someone)
            case AnswerComparison() | SetNearby() | MeetNearby():
                if self.refuse_with is not None:
                    raise self.refuse_with
                return Accepted()
            case Together(channel=channel, intents=intents):
                if self.refuse_with is not None:
                    raise self.refuse_with
                gone = {part.user for part in intents if isinstance(part, BanMember | RemoveMember)}
                self.rosters[channel] = [row for row in self.rosters.get(channel, []) if row.user not in gone]
                return Accepted(record=RecordId(some_id(f"together {len(self.intents)}")), channel=channel)
            case GiveRank(channel=channel, user=someone):
                return Accepted(record=RecordId(some_id(f"rank {len(self.intents)}")), channel=channel, user=someone)
            case ApproveJoin(channel=channel, user=someone) | DenyJoin(channel=channel, user=someone):
                self.waiting_rows[channel] = [row for row in self.waiting_rows[channel] if row.user != someone]
                return Accepted(channel=channel, user=someone)
            case UndoDeed(channel=channel, record=record):
                self.deeds[channel] = [
                    replace(row, undo="", state=DeedState.LIFTED) if row.id == record else row
                    for row in self.deeds.get(channel, [])
                ]
                return Accepted(record=record, channel=channel)
            case SettleReport(channel=channel, report=record, acted=acted):
                state = ReportState.ACTED if acted else ReportState.DISMISSED
                self.reported[channel] = [
                    replace(row, state=state, settled_by=self.name) if row.id == record else row for row in self.reported[channel]
                ]
                return Accepted(record=record, channel=channel)
            case AcknowledgeAlarms(user=someone):
                self.set_status(alarms=tuple(row for row in self.status_row.alarms if row.user != someone))
            case RevokeDevice(device=device, passphrase=passphrase):
                if passphrase != "open sesame":
                    raise WrongPassphrase("This profile is locked.", "Enter its passphrase.")
                self.device_rows = [replace(row, revoked=row.revoked or row.device == device) for row in self.device_rows]
            case MarkRead(channel=channel, arrival=arrival):
                read = max((row.arrival for row in self.rows[channel]), default=0) if arrival is None else arrival
                self.set_channel(channel, unread=0, mentions=0, read_arrival=read)
            case SetDraft(thread=bytes() as thread, text=text):
                self.thread_drafts[thread] = text
            case SetDraft(channel=channel, text=text):
                self.set_channel(channel, draft=text)
            case SetTopic(channel=channel, topic=topic):
                self.set_channel(channel, topic=topic)
            case RememberTyped(channel=channel, text=text):
                self.typed_lines.setdefault(channel, []).append(text)
                return Accepted(channel=channel)
            case ForgetTyped(channel=channel):
                self.typed_lines = {} if channel is None else {key: at for key, at in self.typed_lines.items() if key != channel}
                return Accepted(channel=channel)
            case ChangeSetting(key=key, value=value):
                self.stored_settings[key] = value
            case HostMailbox(on=on):
                self.host_row = replace(self.host_row, on=on)
            case GrantPlace(name=name):
                self.host_row = replace(self.host_row, places=(*self.host_row.places, place_row(name)))
                return Accepted(link=f"multichat:mailbox/{name}")
            case RevokePlace(name=name):
                self.host_row = replace(self.host_row, places=tuple(p for p in self.host_row.places if p.name != name))
            case _:
                raise IntentRefused(Refusal.NOT_ALLOWED, "The twin does not do that.")
        return Accepted()

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Event]]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._queues.append(queue)

        async def each() -> AsyncIterator[Event]:
            while (event := await queue.get()) is not None:
                yield event

        try:
            yield each()
        finally:
            self._queues.remove(queue)

    async def me(self) -> Snapshot[Me]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=self.status_row.me)

    async def channels(self) -> Snapshot[tuple[ChannelRow, ...]]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.channel_rows.values()))

    async def channel(self, channel: ChannelId) -> Snapshot[ChannelRow]:
        await self._pass()
        if channel not in self.channel_rows:
            raise NotFound("There is no such channel.")
        return Snapshot(as_of=self.seq, rows=self.channel_rows[channel])

    async def contacts(self) -> Snapshot[tuple[ContactRow, ...]]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.contact_rows.values()))

    async def members(self, channel: ChannelId) -> Snapshot[tuple[MemberRow, ...]]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.member_rows[channel]))

    async def trust(self, user: UserId) -> Snapshot[TrustRow]:
        name = next((r.name for rows in self.member_rows.values() for r in rows if r.user == user), "somebody")
        row = TrustRow(user=user, name=name, contact=False, verified=False, regard=Regard.NONE, vouched=False)
        return Snapshot(as_of=self.seq, rows=row)

    async def rules(self, channel: ChannelId) -> Snapshot[RulesRow]:
        await self._pass()
        permissions = tuple(PermissionRow(permission=each, rank=rank) for each, rank in THRESHOLDS.items())
        return Snapshot(
            as_of=self.seq,
            rows=RulesRow(rank=FOUNDER, permissions=permissions, waiting=tuple(self.waiting_rows.get(channel, ()))),
        )

    async def modlog(self, channel, *, search=EVERYTHING, before=None, limit=100):
        await self._pass()
        return Snapshot(as_of=self.seq, rows=deed_page(self.deeds.get(channel, []), search, before, limit))

    async def reports(self, channel):
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.reported.get(channel, ())))

    async def roster(self, channel):
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.rosters.get(channel, ())))

    async def exposure(self, channel):
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.exposures.get(channel, ())))

    async def foresee(self, intents):
        refusals = [self.foreseen_refusals.get(getattr(intent, "user", None), "") for intent in intents]
        return Snapshot(as_of=self.seq, rows=tuple(Foreseen(refused=refused, acts=not refused) for refused in refusals))

    async def directory(self, workspace):
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.directories.get(workspace, ())))

    async def timeline(
        self,
        channel: ChannelId,
        *,
        before: Position | None = None,
        after: Position | None = None,
        limit: int = 100,
    ) -> Snapshot[tuple[MessageRow, ...]]:
        rows = self.rows[channel]
        if before is not None:
            rows = [r for r in rows if (r.ets, r.id) < (before.ets, before.id)][-limit:]
        elif after is not None:
            rows = [r for r in rows if (r.ets, r.id) > (after.ets, after.id)][:limit]
        else:
            rows = rows[-limit:]
        page = Snapshot(as_of=self.seq, rows=tuple(rows))
        await self._pass()
        return page

    async def message(self, record: RecordId) -> Snapshot[MessageRow | None]:
        await self._pass()
        found = next((r for rows in self.rows.values() for r in rows if r.id == record), None)
        return Snapshot(as_of=self.seq, rows=found)

    async def pins(self, channel: ChannelId) -> Snapshot[tuple[MessageRow, ...]]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(row for row in self.rows[channel] if row.pinned))

    async def thread(self, record: RecordId) -> Snapshot[Thread]:
        await self._pass()
        found = next((r for rows in self.rows.values() for r in rows if r.id == record), None)
        if found is None:
            raise NotFound("There is no such message.")
        root = found.reply_to or found.id
        rows = tuple(r for r in self.rows[found.channel] if root in (r.id, r.reply_to))
        draft = self.thread_drafts.get(root, "")
        return Snapshot(as_of=self.seq, rows=Thread(channel=found.channel, root=root, rows=rows, draft=draft))

    async def search(self, search: Search, *, before: Position | None = None, limit: int = 50) -> Snapshot[FoundPage]:
        check_search(search)
        found = [
            row
            for row in (row for rows in self.rows.values() for row in rows)
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
            rows=rows, more=rows[-1].row.position if len(found) > limit else None, indexed_percent=self.status_row.indexed_percent
        )
        snapshot = Snapshot(as_of=self.seq, rows=page)
        await self._pass()
        return snapshot

    async def delivery(self, record: RecordId) -> Snapshot[DeliveryRow]:
        await self._pass()
        row = (await self.message(record)).rows
        if row is None:
            raise NotFound("There is no such message.")
        devices = (
            DeviceDelivery(user=user("ann"), name="ann", device=device("ann"), delivered=row.state is not Delivery.QUEUED),
            DeviceDelivery(user=user("bob"), name="bob", device=device("bob"), delivered=row.state is Delivery.ALL),
        )
        return Snapshot(as_of=self.seq, rows=DeliveryRow(record=record, state=row.state, devices=devices, failure=row.failure))

    async def peers(self) -> Snapshot[tuple[PeerRow, ...]]:
        await self._pass()
        rows = tuple(
            PeerRow(
                device=device(row.name),
                user=row.user,
                name=row.name,
                online=row.online,
                path=row.path,
                address="192.168.1.7:4000",
                rtt_ms=row.rtt_ms,
                unacknowledged=0,
                addresses=("192.168.1.7:4000",),
                failure="",
            )
            for row in self.contact_rows.values()
        )
        return Snapshot(as_of=self.seq, rows=rows)

    async def hosting(self) -> Snapshot[HostRow]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=self.host_row)

    async def devices(self) -> Snapshot[tuple[DeviceRow, ...]]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.device_rows))

    async def status(self) -> Snapshot[StatusRow]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=self.status_row)

    async def typed(self, channel: ChannelId | None) -> Snapshot[tuple[str, ...]]:
        return Snapshot(as_of=self.seq, rows=tuple(self.typed_lines.get(channel, ())))

    async def settings(self) -> Snapshot[tuple[tuple[str, str], ...]]:
        await self._pass()
        return Snapshot(as_of=self.seq, rows=tuple(self.stored_settings.items()))


class TwinLauncher:
    """Opens a `TwinNode`. The passphrase of a locked one is "open sesame"."""

    def __init__(self, node: TwinNode, state: ProfileState = ProfileState.OPEN) -> None:
        self.node = node
        self.now = state
        self.logged: tuple[str, ...] = ()
        self.log_grown = asyncio.Event()
        self.created: tuple[str, str | None] | None = None
        self.restored: tuple[str, str | None, bool] | None = None
        self.started = 0
        self.stopped = 0
        self.wiped = False
        self.passphrase: str | None = "open sesame"
        self.tried: list[str] = []
        self.locked_now = False
        self.busy: ProfileBusy | None = None

    @property
    def state(self) -> ProfileState:
        return self.now

    async def follow_log(self) -> AsyncIterator[tuple[str, tuple[str, ...]]]:
        while True:
            await self.log_grown.wait()
            self.log_grown.clear()
            yield self.log()

    def log(self) -> tuple[str, tuple[str, ...]]:
        return "/var/log/twin.log", self.logged

    async def create(self, *, name: str, passphrase: str | None) -> str:
        self.created = (name, passphrase)
        self.now = ProfileState.OPEN
        return PHRASE

    def check_phrase(self, phrase: str) -> None:
        if phrase != PHRASE:
            raise UsageError("A recovery phrase has 24 words.")

    async def restore(self, *, phrase: str, passphrase: str | None, lost: bool) -> None:
        self.restored = (phrase, passphrase, lost)
        self.now = ProfileState.OPEN

    async def start(self, passphrase: str | None = None) -> TwinNode:
        if self.now is ProfileState.LOCKED and passphrase != "open sesame":
            raise WrongPassphrase("That passphrase does not open it.")
        self.started += 1
        return self.node

    @property
    def protected(self) -> bool:
        return self.passphrase is not None

    async def check(self, passphrase: str) -> None:
        self.tried.append(passphrase)
        if passphrase != self.passphrase:
            raise WrongPassphrase("That is not the passphrase.")

    def set_locked(self, locked: bool) -> None:
        self.locked_now = locked

    async def wipe(self) -> None:
        if self.busy is not None:
            raise self.busy
        self.wiped = True

    async def stop(self, say: Callable[[str], object] | None = None) -> None:
        self.stopped += 1


def populated() -> TwinNode:
    """Three channels, two people, some talk: what the pictures show."""
    node = TwinNode()
    node.add_contact("ann", verified=True)
    node.add_contact("bob")
    node.add_contact("dave", online=False)
    dev = node.add_channel("dev", members=("ann", "bob", "kim", "dave"), topic="release planning", online=3)
    lobby = node.add_channel("lobby", members=("ann", "bob"), online=2)
    ops = node.add_channel("ops", members=("kim",), online=1)
    node.add_direct("bob")
    direct = node.add_direct("dave", online=False)
    node.put(node.row(dev, "ann", "", kind=RowKind.CREATED), quietly=True)
    for who in ("bob", "kim", "dave"):
        node.put(node.row(dev, who, "", kind=RowKind.JOINED, subject=user(who)), quietly=True)
    node.put(node.row(dev, "me", "", kind=RowKind.JOINED, subject=user("me")), quietly=True)
    first = node.put(node.row(dev, "ann", "hi all, shall we cut the release today?"), quietly=True)
    node.put(node.row(dev, "bob", "yes please", reply_to=first.id), quietly=True)
    node.put(node.row(dev, "bob", "the notes are at https://example.org/release/notes.html, have a look"), quietly=True)
    node.put(node.row(dev, "me", "reading them now", state=Delivery.ALL), quietly=True)
    node.put(
        node.row(
            dev,
            "kim",
            "Two things before we tag: the migration needs a copy of the file first, and somebody should run the long "
            "simulation over night. I can do the second one.",
        ),
        quietly=True,
    )
    node.put(node.row(dev, "me", "I take the migration", state=Delivery.SOME), quietly=True)
    node.set_channel(dev, unread=0, mentions=0, read_arrival=node.arrivals)
    node.put(node.row(dev, "ann", "@me thanks! 你好 from the other office"), quietly=True)
    node.put(node.row(dev, "kim", "release done", late=True), quietly=True)
    node.put(node.row(dev, "me", "great, going home"), quietly=True)
    node.put(node.row(lobby, "bob", "morning"), quietly=True)
    node.put(node.row(lobby, "bob", "anybody here?"), quietly=True)
    node.put(node.row(ops, "kim", "@me the disk is full"), quietly=True)
    node.put(node.row(direct, "dave", "back on monday"), quietly=True)
    node.set_status(links=3, queued=1)
    return node


def raided() -> TwinNode:
    """As `populated`, with a raid on one channel: who came, what is reported, what was done."""
    node = populated()
    dev = channel_id("dev")
    came = [("dave", 3, 240), ("kim", 9, 120)] + [(f"spam{number}", number % 7, number) for number in range(1, 31)]
    node.rosters[dev] = [
        RosterRow(
            user=user(name),
            name=name,
            role="member",
            rank=0,
            me=False,
            online=True,
            joined_ms=START_MS + 3_000_000 - minutes * 60_000,
            admitted_by="ann",
            messages=messages,
            link_open=name.startswith("spam"),
        )
        for name, messages, minutes in sorted(came, key=lambda each: each[2])
    ]
    node.foreseen_refusals[user("kim")] = "kim is an admin, and you are a moderator."
    node.waiting_rows[dev] = [
        WaitingRow(user=user(name), name=name, fingerprint=fingerprint(user(name)), inviter="ann", asked_ms=START_MS + 2_500_000)
        for name in ("zoe", "max")
    ]
    said = ReportedMessage(id=RecordId(some_id("said")), text="cheap watches, click here", here=True)
    node.reported[dev] = [
        ReportRow(
            id=RecordId(some_id(f"report {number}")),
            time_ms=START_MS + 2_400_000 + number * 60_000,
            reporter=user("kim"),
            reporter_name="kim",
            reason="spam, again and again",
            user=user(f"spam{number}"),
            name=f"spam{number}",
            messages=(said,),
            state=ReportState.OPEN,
        )
        for number in (2, 1)
    ]
    deeds = (
        ("ann banned spam31: raid", DeedKind.BANNED, DeedState.IN_EFFECT, "", "lift the ban of spam31"),
        ("bob removed kim: noise", DeedKind.REMOVED, DeedState.REVERTED, "ann made kim an admin", ""),
        ("bob muted dave", DeedKind.RANK, DeedState.LIFTED, "ann made dave a member", ""),
        ("ann made a link for 100 people", DeedKind.INVITED, DeedState.IN_EFFECT, "", "close the link"),
    )
    node.deeds[dev] = [
        DeedRow(
            id=RecordId(some_id(f"deed {number}")),
            act=0,
            time_ms=START_MS + 2_000_000 - number * 300_000,
            author=user(said.split()[0]),
            name=said.split()[0],
            kind=kind,
            said=said.partition(": ")[0],
            reason=said.partition(": ")[2],
            state=state,
            by=by,
            undo=undo,
            stays="An invitation lets them back in." if kind is DeedKind.BANNED else "",
        )
        for number, (said, kind, state, by, undo) in enumerate(deeds)
    ]
    return node
