"""Rows for front ends, from the store and the world. Reads only."""

from dataclasses import replace

from multichat_tui.crypto.identity import safety_number
from multichat_tui.model.acts import (
    Act,
    Admit,
    Create,
    Devices,
    Leave,
    Message,
    Remove,
    Rename,
    SetTopic,
    Style,
    decode_acts,
)
from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import NotFound
from multichat_tui.model.events import MessageChanged
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, UserId, fingerprint, short
from multichat_tui.model.joins import decode_join
from multichat_tui.model.limits import FUTURE_TOLERANCE_MS, MAX_THREAD_DEPTH, MAX_THREAD_ROWS, SALT_BYTES
from multichat_tui.model.ports import Space, TimelineEntry
from multichat_tui.model.records import Record
from multichat_tui.model.searching import FoundPage, FoundRow, Search, marked_places
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
    Position,
    Progress,
    RowKind,
    StatusRow,
    Thread,
)
from multichat_tui.model.text import display_names
from multichat_tui.model.trust import AlarmKind, ComparisonRow
from multichat_tui.node.alarms import alarm_rows, alarms
from multichat_tui.node.gaps import Gaps
from multichat_tui.node.standing import decode_held_pairing
from multichat_tui.node.typed import typed_lines
from multichat_tui.node.world import Channel, EventBuild, World

ADDRESS_SEPARATOR = b"\n"
LABEL = b"label/"
"""Before a device's id in Space.SELF: what it is called here."""
CLOSED = "They have closed their account."
WAITING = "Waiting for a contact to bring your account back: on the same network by itself, elsewhere with /connect HOST:PORT."
REVOKED = "This device was revoked by another device of your account: it can read what it has, and nothing more."
FORKED = "Two device lists of your account contradict each other: somebody else may have its recovery phrase. See /devices."
COPIED = "This profile is a copy or an older state of itself: it writes nothing until it has become a new device of your account."


class Rows:
    def __init__(self, world: World) -> None:
        self._world = world
        self._gaps = Gaps(world)

    # People

    def names(self, users: set[UserId]) -> dict[UserId, str]:
        """Safe names, told apart among everybody that this node knows."""
        world = self._world
        known = {world.identity.user, *world.contacts, *users}
        return display_names({user: world.name_of(user) for user in known})

    def channel_names(self, channel: Channel) -> dict[UserId, str]:
        """Names of everybody who ever was in a channel; kept until somebody's name or the membership changes."""
        world = self._world
        key = (world.name_version, len(channel.control.certificates))
        cached = world.name_cache.get(channel.id)
        if cached is None or cached[0] != key:
            users = {certificate.user for certificate in channel.control.certificates.values()}
            cached = (key, self.names(users))
            world.name_cache[channel.id] = cached
        return cached[1]

    def me(self) -> Me:
        identity = self._world.identity
        return Me(user=identity.user, device=identity.device, name=identity.name, fingerprint=fingerprint(identity.user))

    def contacts(self) -> tuple[ContactRow, ...]:
        rows = [self.contact(user) for user in self._world.contacts]
        rows.sort(key=lambda row: (row.name.casefold(), row.user))
        return (*rows, *self._pending_pairings())

    def _pending_pairings(self) -> list[ContactRow]:
        rows = []
        for _, value in self._world.txn.scan(Space.PAIRING):
            pairing = decode_held_pairing(value)
            if pairing.user not in self._world.contacts:
                rows.append(
                    ContactRow(
                        user=pairing.user,
                        name=short(pairing.user),
                        verified=False,
                        online=False,
                        safety_number=safety_number(self._world.identity.user, pairing.user),
                        fingerprint=fingerprint(pairing.user),
                        pending=True,
                    )
                )
        return rows

    def contact(self, user: UserId) -> ContactRow:
        world = self._world
        contact = world.contacts[user]
        session = next((s for s in world.peers() if s.user == user), None)
        return ContactRow(
            user=user,
            name=self.names(set())[user],
            verified=contact.verified,
            online=session is not None,
            safety_number=safety_number(world.identity.user, user),
            fingerprint=fingerprint(user),
            path="" if session is None else session.path.value,
            rtt_ms=None if session is None else session.link_rtt_ms,
            last_seen_ms=contact.last_seen_ms or None,
            closed=world.closed(user),
            alarm=self._alarm(user),
        )

    def _alarm(self, user: UserId) -> AlarmKind | None:
        about = [alarm.kind for alarm in alarms(self._world, user) if not alarm.acknowledged]
        return next((kind for kind in about if kind.alarming), about[0] if about else None)

    def members(self, channel: Channel) -> tuple[MemberRow, ...]:
        world = self._world
        if not channel.rooted:
            return ()
        names = self.channel_names(channel)
        # One's own new device has taken the place of the copied one, and so have others'.
        doubtful = {channel.control.user_of(device) for device in world.forked - world.revoked}
        rows = [
            MemberRow(
                user=user,
                name=names[user],
                role=channel.view.role(user),
                online=user == world.identity.user or world.online(user),
                me=user == world.identity.user,
                contact=user in world.contacts,
                verified=user in world.contacts and world.contacts[user].verified,
                fingerprint=fingerprint(user),
                forked=user in doubtful,
            )
            for user in channel.view.members
        ]
        return tuple(sorted(rows, key=lambda row: (row.role != "founder", row.name.casefold(), row.user)))

    # Channels

    def find(self, channel: ChannelId) -> Channel:
        found = self._world.channels.get(channel)
        if found is None or found.standing.membership is Membership.LEFT:
            raise NotFound("There is no such channel.", "The channels that you are in are listed on the left, and by /help.")
        return found

    def channels(self) -> tuple[ChannelRow, ...]:
        shown = [c for c in self._world.channels.values() if c.standing.membership is not Membership.LEFT]
        rows = [self.channel(c) for c in shown if self._world.conversation(c)[0] is c]
        return tuple(sorted(rows, key=lambda row: (row.kind is ChannelKind.DIRECT, row.name.casefold(), row.id)))

    def channel(self, channel: Channel) -> ChannelRow:
        world = self._world
        parts = world.conversation(channel)
        ids = tuple(part.id for part in parts)
        partner = world.partner(channel)
        mine = tuple(certificate.device for certificate in world.identity.devices.certificates)
        read = max(part.standing.read_arrival for part in parts)
        unread, mentioned = world.txn.unread(ids, read, mine)
        newest = world.txn.newest(ids)
        members = channel.view.members if channel.rooted else {}
        if partner is not None:
            name = self.names({partner})[partner]
        else:
            name = channel.view.name if channel.rooted else short(channel.id)
        return ChannelRow(
            id=parts[0].id,
            kind=ChannelKind.GROUP if partner is None else ChannelKind.DIRECT,
            name=name,
            topic=channel.view.topic if channel.rooted else "",
            membership=channel.standing.membership,
            unread=unread,
            mentions=unread if partner is not None else mentioned,
            members=len(members),
            online=sum(1 for user in members if user != world.identity.user and world.online(user)),
            read_arrival=read,
            last_ms=0 if newest is None else newest[0],
            draft=parts[0].standing.draft,
            user=partner,
            note=CLOSED if partner is not None and world.closed(partner) else channel.standing.note,
            newest_arrival=0 if newest is None else newest[1],
            gaps=tuple(gap for part in parts for gap in self._gaps.of(part, self.channel_names(part))),
        )

    # The timeline

    def timeline(self, channel: Channel, before: Position | None, after: Position | None, limit: int) -> tuple[MessageRow, ...]:
        world = self._world
        parts = {part.id: part for part in world.conversation(channel)}
        found = world.txn.timeline(tuple(parts), before=before, after=after, limit=limit)
        replied = world.txn.replied([entry.id for entry, _ in found])
        return tuple(self.row(parts[entry.channel], entry, record, replied=entry.id in replied) for entry, record in found)

    def message(self, record: RecordId) -> MessageRow | None:
        entry = self._world.txn.entry(record)
        stored = self._world.txn.record(record)
        if entry is None or entry.hidden or stored is None or entry.channel not in self._world.channels:
            return None
        return self.row(self._world.channels[entry.channel], entry, stored)

    def search(self, search: Search, before: Position | None, limit: int) -> FoundPage:
        """A page of what is found in the channels that show. A message that is held back is not found before its time."""
        world = self._world
        channels = tuple(part.id for channel in search.channels for part in world.conversation(self.find(channel)))
        left = tuple(c.id for c in world.channels.values() if c.standing.membership is Membership.LEFT)
        asked = replace(search, channels=channels)
        found = world.txn.search(asked, before=before, limit=limit, without=left)
        replied = world.txn.replied([entry.id for entry, _ in found])
        rows = []
        for entry, record in found:
            channel = world.channels.get(entry.channel)
            row = None if channel is None else self.row(channel, entry, record, replied=entry.id in replied)
            if row is not None and row.kind is RowKind.MESSAGE:
                rows.append(FoundRow(row=row, places=marked_places(row.text, asked)))
        more = Position(ets=found[-1][0].ets, id=found[-1][0].id) if len(found) == limit else None
        return FoundPage(rows=tuple(rows), more=more, indexed_percent=world.indexed_percent)

    # Threads

    def root_of(self, record: RecordId) -> RecordId:
        """The message that began the thread of `record`, as far up as is held."""
        txn = self._world.txn
        for _ in range(MAX_THREAD_DEPTH):
            stored = txn.record(record)
            above = None if stored is None else reply_of_record(stored)
            if above is None or txn.entry(above) is None:
                break
            record = above
        return record

    def _answers(self, record: RecordId) -> list[TimelineEntry]:
        """The entries that answer a message, or answer one that does; MAX_THREAD_ROWS of them at most."""
        txn = self._world.txn
        found = txn.replies(record, MAX_THREAD_ROWS)
        for entry in found:
            if len(found) >= MAX_THREAD_ROWS:
                break
            found += txn.replies(entry.id, MAX_THREAD_ROWS - len(found))
        return found

    def _count_answers(self, record: RecordId, replied: bool | None) -> int:
        if replied is None:
            replied = bool(self._world.txn.replied((record,)))
        return len(self._answers(record)) if replied else 0

    def thread(self, record: RecordId) -> Thread:
        """The thread that a message belongs to. `errors.NotFound` if it is not here."""
        world = self._world
        root = self.message(self.root_of(record))
        if root is None:
            raise NotFound("There is no such message here.", "Its channel may have been left, or it has not arrived yet.")
        rows = [root]
        for entry in self._answers(root.id):
            stored, channel = world.txn.record(entry.id), world.channels.get(entry.channel)
            if stored is not None and channel is not None:
                rows.append(self.row(channel, entry, stored))
        rows[1:] = sorted(rows[1:], key=lambda row: (row.ets, row.id))
        draft = world.txn.get(Space.DRAFT, root.channel + root.id)
        return Thread(channel=root.channel, root=root.id, rows=tuple(rows), draft=(draft or b"").decode())

    def row(
        self,
        channel: Channel,
        entry: TimelineEntry,
        record: Record,
        acts: tuple[Act, ...] | None = None,
        *,
        replied: bool | None = None,
    ) -> MessageRow:
        """`acts`: if they are decoded already. `replied`: whether anything answers it, if that is known."""
        world = self._world
        header = record.header
        if acts is None:
            decoded = decode_acts((record.body or b"")[SALT_BYTES:], header.log)
            acts = () if isinstance(decoded, Rejected) else decoded
        names = self.channel_names(channel)
        kind, text, reply_to, subject = _shown(acts)
        if (
            header.log == Log.CONTENT
            and header.timestamp_ms > world.now + FUTURE_TOLERANCE_MS
            and entry.device != world.identity.device
            and world.txn.get(Space.CITED, channel.id + record.id) is None
        ):
            kind = RowKind.HELD
        mine = entry.user == world.identity.user
        state, delivered, total = self._delivery(channel, header.log, header.device, header.seq, mine and kind is RowKind.MESSAGE)
        if subject is not None and kind in (RowKind.JOINED, RowKind.REMOVED):
            text = names.get(subject, short(subject))
        elif subject is not None and kind is RowKind.DEVICES:
            text = f"{names.get(subject, short(subject))} {text}"
        return MessageRow(
            id=record.id,
            channel=world.conversation(channel)[0].id,
            arrival=entry.arrival,
            ets=entry.ets,
            time_ms=header.timestamp_ms,
            author=entry.user,
            device=entry.device,
            name=names.get(entry.user) or short(entry.user),
            kind=kind,
            text=text,
            mine=mine,
            state=state,
            delivered=delivered,
            total=total,
            failure=self._failure(channel) if state is Delivery.FAILED else "",
            late=entry.late,
            reply_to=reply_to,
            replies=self._count_answers(record.id, replied) if kind is RowKind.MESSAGE and reply_to is None else 0,
            subject=subject,
        )

    def _delivery(self, channel: Channel, log: Log, device: DeviceId, seq: int, counted: bool) -> tuple[Delivery, int, int]:
        world = self._world
        if not counted:
            return Delivery.OTHERS, 0, 0
        key = (log, device[:PREFIX_SIZE])
        audience = self._readers(channel)
        delivered = sum(1 for peer in audience if world.peer_has(peer, channel.id, key, seq))
        if audience and delivered == len(audience):
            return Delivery.ALL, delivered, len(audience)
        if channel.standing.membership in (Membership.LEFT, Membership.REMOVED):
            return Delivery.FAILED, delivered, len(audience)
        if not audience:
            return Delivery.ALONE, 0, 0
        return (Delivery.SOME if delivered else Delivery.QUEUED), delivered, len(audience)

    def _readers(self, channel: Channel) -> tuple[DeviceId, ...]:
        """The devices of the other people in a channel."""
        world = self._world
        own = {certificate.device for certificate in world.identity.devices.certificates}
        return tuple(device for device in channel.audience(world.identity.device) if device not in own)

    def _failure(self, channel: Channel) -> str:
        if channel.standing.membership is Membership.REMOVED:
            return "You were removed from this channel before everybody had it."
        return "You left this channel before everybody had it."

    def delivery(self, record: RecordId) -> DeliveryRow:
        world = self._world
        row = self.message(record)
        stored = world.txn.record(record)
        if row is None or stored is None:
            raise NotFound("There is no such message.")
        channel = world.channels[stored.channel]
        names = self.channel_names(channel)
        key = (stored.header.log, stored.header.device[:PREFIX_SIZE])
        certificates = channel.control.certificates
        devices = [
            DeviceDelivery(
                user=certificates[device].user,
                name=names[certificates[device].user],
                device=device,
                delivered=world.peer_has(device, channel.id, key, stored.header.seq),
            )
            for device in channel.audience(world.identity.device)
            if device != stored.header.device
        ]
        devices.sort(key=lambda entry: (entry.name.casefold(), entry.device))
        return DeliveryRow(record=record, state=row.state, devices=tuple(devices), failure=row.failure)

    # The node

    def devices(self) -> tuple[DeviceRow, ...]:
        world = self._world
        identity = world.identity
        listed = identity.devices
        rows = [
            DeviceRow(
                device=certificate.device,
                label=(world.txn.get(Space.SELF, LABEL + certificate.device) or b"").decode(),
                created_ms=certificate.created_ms,
                this=certificate.device == identity.device,
                revoked=certificate.device in listed.revoked,
                online=certificate.device == identity.device or world.session_of(certificate.device) is not None,
            )
            for certificate in listed.certificates
        ]
        return tuple(sorted(rows, key=lambda row: (not row.this, row.revoked, row.created_ms, row.device)))

    def peers(self) -> tuple[PeerRow, ...]:
        world = self._world
        names = self.names({certificate.user for certificate in world.certificates().values()})
        rows = []
        for device, certificate in world.certificates().items():
            session = world.session_of(device)
            value = world.txn.get(Space.ADDRESS, device) or b""
            rows.append(
                PeerRow(
                    device=device,
                    user=certificate.user,
                    name=names[certificate.user],
                    online=session is not None,
                    path="" if session is None else session.path.value,
                    address="" if session is None else session.address,
                    rtt_ms=None if session is None else session.link_rtt_ms,
                    unacknowledged=self._unacknowledged(device),
                    addresses=tuple(a.decode() for a in value.split(ADDRESS_SEPARATOR) if a),
                    failure="" if session is not None else world.dial_failures.get(device, ""),
                )
            )
        return tuple(sorted(rows, key=lambda row: (not row.online, row.name.casefold(), row.device)))

    def _unacknowledged(self, device: DeviceId) -> int:
        world = self._world
        lacking = 0
        for channel in world.channels.values():
            if not channel.serves(device):
                continue
            holds = world.peer_holds(device, channel.id)
            lacking += sum(end.seq - holds.get(key, -1) for key, end in channel.chains.ends.items() if end.device != device)
        return lacking

    def queued(self) -> int:
        """Content of ours that some present member lacks."""
        world = self._world
        total = 0
        for channel in world.channels.values():
            end = channel.chains.ends.get((Log.CONTENT, world.identity.device[:PREFIX_SIZE]))
            audience = self._readers(channel)
            if end is None or not audience or not channel.live:
                continue
            key = (Log.CONTENT, world.identity.device[:PREFIX_SIZE])
            least = min(world.peer_top(peer, channel.id, key) for peer in audience)
            total += end.seq - least
        return total

    def _comparisons(self) -> tuple[ComparisonRow, ...]:
        """Somebody nearby is shown under the name that they claim, made safe; a contact under the one that is known."""
        names = self.names(set())
        return tuple(
            each.row(names[each.user] if each.user in names else display_names({UserId(each.id): each.name})[UserId(each.id)])
            for each in self._world.comparisons.values()
        )

    def status(self, lan: bool, trouble: str) -> StatusRow:
        world = self._world
        return StatusRow(
            me=self.me(),
            listen=world.listen,
            lan=lan,
            links=len(world.peers()),
            queued=self.queued(),
            trouble=trouble or self._account_trouble(),
            waiting=world.identity.unmet,
            closed=world.closed(world.identity.user),
            untold=len(world.contacts.keys() - world.told_closing),
            counters=tuple(sorted(world.counters.items())),
            alarms=alarm_rows(world),
            indexed_percent=world.indexed_percent,
            progress=self._progress(),
            nearby=None if world.window is None else world.window.row(),
            nearby_note=world.nearby_note,
            comparisons=self._comparisons(),
        )

    def _progress(self) -> tuple[Progress, ...]:
        world = self._world
        indexing = Progress(what="indexing for search, percent", done=world.indexed_percent, total=100)
        return (*world.progress.values(), *((indexing,) if world.indexed_percent < 100 else ()))

    def _account_trouble(self) -> str:
        """What is wrong, or not complete yet, with one's own account."""
        identity = self._world.identity
        if self._world.closed(identity.user):
            return "This account is closed."
        if identity.revoked:
            return REVOKED
        if identity.rollback:
            return COPIED
        if identity.unmet:
            return WAITING
        if identity.user in self._world.forks:
            return FORKED
        return ""

    def typed(self, channel: ChannelId | None) -> tuple[str, ...]:
        return typed_lines(self._world, channel)

    def settings(self) -> tuple[tuple[str, str], ...]:
        return tuple((key.decode(), value.decode()) for key, value in self._world.txn.scan(Space.SETTING))


def changed_row(row: MessageRow) -> EventBuild:
    """The event that a row in its place says something else."""
    return lambda seq: MessageChanged(seq=seq, channel=row.channel, id=row.id, position=row.position, row=row)


def reply_of(acts: tuple[Act, ...]) -> RecordId | None:
    """What a message answers."""
    kind, _, reply_to, _ = _shown(acts)
    return reply_to if kind is RowKind.MESSAGE else None


def reply_of_record(record: Record) -> RecordId | None:
    """As `reply_of`, of a record as it is stored."""
    decoded = decode_acts((record.body or b"")[SALT_BYTES:], record.header.log)
    return None if isinstance(decoded, Rejected) else reply_of(decoded)


def searched_text(acts: tuple[Act, ...]) -> str:
    """What a record is found by: the text of a message; empty for what is none."""
    kind, text, _, _ = _shown(acts)
    return text if kind is RowKind.MESSAGE else ""


def searched_text_of(record: Record) -> str:
    """As `searched_text`, of a record as it is stored."""
    decoded = decode_acts((record.body or b"")[SALT_BYTES:], record.header.log)
    return "" if isinstance(decoded, Rejected) else searched_text(decoded)


def _devices_text(devices: DeviceList) -> str:
    living, revoked = len(devices.living), devices.certified_revoked
    if not revoked:
        return f"uses a new device ({living} in all)"
    return f"changed devices: {living} in use, revoked {' '.join(short(device) for device in revoked)}"


def _shown(acts: tuple[Act, ...]) -> tuple[RowKind, str, RecordId | None, UserId | None]:
    """(kind, text, reply to, subject) of the first act that is shown."""
    for act in acts:
        match act:
            case Message():
                return RowKind.MESSAGE, act.text, act.reply_to, None
            case Create():
                return RowKind.CREATED, "" if act.style is Style.DIRECT else act.name, None, None
            case Admit():
                join = decode_join(act.join)
                subject = None if isinstance(join, Rejected) else join.certificate.user
                return RowKind.JOINED, "", None, subject
            case Leave():
                return RowKind.LEFT, "", None, None
            case Remove():
                return RowKind.REMOVED, act.reason, None, act.user
            case SetTopic():
                return RowKind.TOPIC, act.topic, None, None
            case Rename():
                return RowKind.RENAMED, act.name, None, None
            case Devices():
                devices = decode_device_list(act.devices)
                if not isinstance(devices, Rejected):
                    return RowKind.DEVICES, _devices_text(devices), None, devices.user
            case _:
                continue
    return RowKind.NEWER, "", None, None
