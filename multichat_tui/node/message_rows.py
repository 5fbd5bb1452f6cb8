"""Rows of the timeline, of threads, of what is found, and of who has a message."""

from dataclasses import replace

from multichat_tui.channel.bodies import expires_at, retention_of
from multichat_tui.model.acts import Act, Ban, Message, Remove, SetRank, Unban
from multichat_tui.model.errors import NotFound
from multichat_tui.model.events import MessageChanged
from multichat_tui.model.identity import Certificate
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, UserId, short
from multichat_tui.model.limits import FUTURE_TOLERANCE_MS, MAX_PINS, MAX_THREAD_DEPTH, MAX_THREAD_ROWS
from multichat_tui.model.ports import Space, TimelineEntry
from multichat_tui.model.records import Absence, Header, Record
from multichat_tui.model.searching import FoundPage, FoundRow, Search, marked_places
from multichat_tui.model.snapshots import (
    Delivery,
    DeliveryRow,
    DeviceDelivery,
    Membership,
    MessageRow,
    Position,
    RowKind,
    Thread,
)
from multichat_tui.node.act_words import acts_of, deeds_words, reply_of_record, row_words
from multichat_tui.node.hindrances import hindrance, replaced_words
from multichat_tui.node.listing import deciding_workspace, role_words
from multichat_tui.node.names import channel_names
from multichat_tui.node.read_marks import has_read
from multichat_tui.node.redacted import redaction_of
from multichat_tui.node.resources import Resources
from multichat_tui.node.roles import role_names
from multichat_tui.node.world import Channel, EventBuild, World

ABSENT = {
    Absence.MISSING: RowKind.MISSING,
    Absence.REDACTED: RowKind.REDACTED,
    Absence.EXPIRED: RowKind.EXPIRED,
    Absence.LOCAL: RowKind.EXPIRED,
    Absence.NOT_FOR_US: RowKind.FOR_OTHERS,
}
"""What a row without a text is."""
FETCHES = "the device fetches it there when it comes online"
TAKEN = "it has taken it from its mailboxes, as these say, and has not confirmed that"
READABLE = (RowKind.MESSAGE, RowKind.HELD)


UNLISTED = (Membership.LEFT, Membership.ASKED)
"""Channels that are in no list."""


class MessageRows:
    def __init__(self, world: World) -> None:
        self._world = world
        self.resources = Resources(world)

    def timeline(self, channel: Channel, before: Position | None, after: Position | None, limit: int) -> tuple[MessageRow, ...]:
        world = self._world
        parts = {part.id: part for part in world.conversation(channel)}
        found = world.txn.timeline(tuple(parts), before=before, after=after, limit=limit)
        ids = [entry.id for entry, _ in found]
        replied, referred = world.txn.replied(ids), world.txn.referred(ids)
        return tuple(
            self.row(parts[entry.channel], entry, record, replied=entry.id in replied, referred=entry.id in referred)
            for entry, record in found
        )

    def message(self, record: RecordId) -> MessageRow | None:
        entry = self._world.txn.entry(record)
        stored = self._world.txn.record(record)
        if entry is None or entry.hidden or stored is None or entry.channel not in self._world.channels:
            return None
        return self.row(self._world.channels[entry.channel], entry, stored)

    def search(self, search: Search, before: Position | None, limit: int) -> FoundPage:
        """A page of what is found in the channels that show. A message that is held back is not found before its time."""
        world = self._world
        channels = tuple(part.id for channel in search.channels for part in world.conversation(find(world, channel)))
        left = tuple(c.id for c in world.channels.values() if c.standing.membership in UNLISTED)
        asked = replace(search, channels=channels)
        # Whom the search names is asked for.
        not_by = tuple(world.regards.keys() - set(search.users))
        found = world.txn.search(asked, before=before, limit=limit, without=left, not_by=not_by)
        replied = world.txn.replied([entry.id for entry, _ in found])
        rows = []
        for entry, record in found:
            channel = world.channels.get(entry.channel)
            row = None if channel is None else self.row(channel, entry, record, replied=entry.id in replied)
            if row is not None and row.kind is RowKind.MESSAGE:
                rows.append(FoundRow(row=row, places=marked_places(row.text, asked)))
        more = Position(ets=found[-1][0].ets, id=found[-1][0].id) if len(found) == limit else None
        return FoundPage(rows=tuple(rows), more=more, indexed_percent=world.indexed_percent)

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
        referred: bool | None = None,
    ) -> MessageRow:
        """`acts`: if they are decoded already. `replied`: whether anything answers it, `referred`: whether any act is on it, if
        that is known."""
        world = self._world
        header = record.header
        if acts is None:
            acts = acts_of(record)
        names = channel_names(world, channel)
        kind, text, reply_to, subject = row_words(acts) if record.absence is None else (ABSENT[record.absence], "", None, None)
        reverted = header.log == Log.CONTROL and channel.control.reverted(record.id)
        if reverted and kind is RowKind.REMOVED:
            kind = RowKind.MODERATED
        if (
            header.log == Log.CONTENT
            and record.absence is None
            and header.timestamp_ms > world.now + FUTURE_TOLERANCE_MS
            and entry.device != world.identity.device
            and world.txn.get(Space.CITED, channel.id + record.id) is None
        ):
            kind = RowKind.HELD
        deeds = self._deeds(channel, names, entry.user, acts) if header.log == Log.CONTROL else ()
        mine = entry.user == world.identity.user
        state, delivered, total = self._delivery(channel, header, mine and kind is RowKind.MESSAGE)
        stored, copies = self._copies(channel, header) if state in (Delivery.QUEUED, Delivery.SOME) else (0, 0)
        if stored:
            state = Delivery.STORED
        approval: tuple[str, ...] = ()
        if subject is not None and kind in (RowKind.JOINED, RowKind.REMOVED):
            text = names.get(subject, short(subject))
            if kind is RowKind.JOINED and channel.control.approved(record.id):
                operation = channel.control.operation(record.id)
                role = "" if operation is None else role_words(world, channel, operation)
                approval = (f"as {role}" if role else f"{names.get(entry.user) or short(entry.user)} let {text} in",)
        elif kind is RowKind.MODERATED:
            text = "; ".join(deeds)
            if reverted:
                text = f"{text} (reverted{self._cause(channel, names, record.id)})"
        mere = referred is False and len(acts) == 1 and type(acts[0]) is Message
        # Of a mere message, to which nothing was done, its words say all.
        described = self.resources.described(channel, record, acts, referred=referred) if kind in READABLE and not mere else None
        if described is not None:
            text = described.text
        elif subject is not None and kind is RowKind.DEVICES:
            text = f"{names.get(subject, short(subject))} {text}"
        due = expires_at(header, retention_of(channel.control, header))
        if due is not None and due <= world.now and record.absence is None:
            # It is about to be swept away.
            kind, text, described = RowKind.EXPIRED, "", None
        if kind is RowKind.EXPIRED:
            had = world.txn.get(Space.LAPSED, channel.id + record.id)
            text = f"expired when {had.decode()} devices had it" if had is not None else ""
        if kind is RowKind.REDACTED:
            text = self._redacted(channel, record, names)
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
            stored=stored,
            copies=copies,
            failure=self._failure(channel) if state is Delivery.FAILED else "",
            late=entry.late,
            reply_to=reply_to,
            replies=self._count_answers(record.id, replied) if kind is RowKind.MESSAGE and reply_to is None else 0,
            subject=subject,
            deeds=deeds if kind is RowKind.MESSAGE else approval if kind is RowKind.JOINED else (),
            ignored=header.log == Log.CONTENT and entry.user in world.regards,
            to=()
            if header.recipients is None
            else tuple(sorted((names.get(user, short(user)) for user in header.recipients), key=str.casefold)),
            edited=described is not None and described.edited,
            reactions=() if described is None else described.reactions,
            pinned=described is not None and described.pinned,
            expires_ms=None if record.body is None else due,
            resource="" if described is None else described.type,
            lines=() if described is None else described.lines,
            hint="" if described is None else described.hint,
        )

    def _redacted(self, channel: Channel, record: Record, names: dict[UserId, str]) -> str:
        """Who has taken a text away, and why. Names and reasons are others' text."""
        redaction = redaction_of(self._world.txn, channel, record)
        if redaction is None:
            return "redacted"
        own = redaction.user == channel.control.user_of(record.header.device)
        by = "deleted" if own else f"redacted by {names.get(redaction.user) or short(redaction.user)}"
        return f"{by}: {redaction.reason}" if redaction.reason else by

    def _deeds(self, channel: Channel, names: dict[UserId, str], author: UserId, acts: tuple[Act, ...]) -> tuple[str, ...]:
        """In words; what a workspace of ours has decided says so."""
        name = names.get(author) or short(author)
        said = deeds_words(acts, name, lambda user: names.get(user, short(user)), role_names(channel.view))
        marked = next((act for act in acts if isinstance(act, SetRank | Remove | Ban | Unban) and act.cause), None)
        decided = None if marked is None else deciding_workspace(self._world, marked)
        return said if decided is None else tuple(f"{each} (as decided in {decided.view.name})" for each in said)

    def _cause(self, channel: Channel, names: dict[UserId, str], record: RecordId) -> str:
        """Why a record has no effect any more, in words, as far as there are some."""
        for cause in channel.control.verdict(record).causes:
            operation = channel.control.operation(cause)
            said = () if operation is None else self._deeds(channel, names, operation.user, operation.acts)
            if said:
                return f": beside it {said[0]}"
        return ""

    def _failed_words(self, channel: Channel, header: Header, device: DeviceId, stored: int) -> str:
        failed = self._world.deposits.failed(device, channel.id, header.device, header.seq)
        return replaced_words(self._world, device, channel.control.certificates[device].user, failed, stored)

    def _stored_for(self, channel: Channel, header: Header, device: DeviceId) -> tuple[int, int]:
        return self._world.deposits.copies(device, channel.id, header.device, header.seq)

    def _copies(self, channel: Channel, header: Header) -> tuple[int, int]:
        """At how many mailboxes a message lies for those who do not have it, of how many: the fewest for any device."""
        world = self._world
        if not world.deposits:
            return 0, 0
        key = (header.log, header.device[:PREFIX_SIZE])
        lacking = [
            peer for peer in readers(world, channel, header.recipients) if not world.peer_has(peer, channel.id, key, header.seq)
        ]
        found = (world.deposits.copies(peer, channel.id, header.device, header.seq) for peer in lacking)
        return min(found, default=(0, 0))

    def _delivery(self, channel: Channel, header: Header, counted: bool) -> tuple[Delivery, int, int]:
        world = self._world
        if not counted:
            return Delivery.OTHERS, 0, 0
        key = (header.log, header.device[:PREFIX_SIZE])
        audience = readers(world, channel, header.recipients)
        delivered = sum(1 for peer in audience if world.peer_has(peer, channel.id, key, header.seq))
        if audience and delivered == len(audience):
            return (Delivery.READ if self._is_read(channel, header) else Delivery.ALL), delivered, len(audience)
        if channel.standing.membership in (Membership.LEFT, Membership.REMOVED):
            return Delivery.FAILED, delivered, len(audience)
        if not audience:
            return Delivery.ALONE, 0, 0
        return (Delivery.SOME if delivered else Delivery.QUEUED), delivered, len(audience)

    def _is_read(self, channel: Channel, header: Header) -> bool:
        """Whether everybody whom a message of ours is for says to have read it, on one device or another."""
        world = self._world
        author = DeviceId(header.device)
        lacking: set[UserId] = set()
        having: set[UserId] = set()
        for device in readers(world, channel, header.recipients):
            user = channel.control.certificates[device].user
            if user != world.identity.user:
                (having if has_read(world, channel, device, author, header.seq) else lacking).add(user)
        return bool(having) and lacking <= having

    def _failure(self, channel: Channel) -> str:
        if channel.standing.membership is Membership.REMOVED:
            return "You were removed from this channel before everybody had it."
        return "You left this channel before everybody had it."

    def _why(self, channel: Channel, header: Header, certificate: Certificate, stored: int) -> str:
        """Why a device does not have a message that lies at so many mailboxes for it, as the end of a sentence."""
        if stored:
            return FETCHES
        if self._world.deposits.was_collected(certificate.device, channel.id, header.device, header.seq):
            return TAKEN
        return hindrance(self._world, certificate)

    def delivery(self, record: RecordId) -> DeliveryRow:
        world = self._world
        row = self.message(record)
        stored = world.txn.record(record)
        if row is None or stored is None:
            raise NotFound("There is no such message.")
        channel = world.channels[stored.channel]
        names = channel_names(world, channel)
        key = (stored.header.log, stored.header.device[:PREFIX_SIZE])
        certificates = channel.control.certificates
        devices = [
            DeviceDelivery(
                user=certificates[device].user,
                name=names[certificates[device].user],
                device=device,
                delivered=(has := world.peer_has(device, channel.id, key, stored.header.seq)),
                read=has_read(world, channel, device, DeviceId(stored.header.device), stored.header.seq),
                stored=(found := (0, 0) if has else self._stored_for(channel, stored.header, device))[0],
                copies=found[1],
                why="" if has else self._why(channel, stored.header, certificates[device], found[0]),
                note="" if has else self._failed_words(channel, stored.header, device, found[0]),
            )
            for device in channel.audience(world.identity.device)
            if device != stored.header.device and is_for(stored.header, certificates[device].user, row.author)
        ]
        devices.sort(key=lambda entry: (entry.name.casefold(), entry.device))
        return DeliveryRow(
            record=record,
            state=row.state,
            devices=tuple(devices),
            failure=row.failure,
            versions=self.resources.versions(channel, stored),
            reactions=self.resources.reactors(channel, stored),
        )

    def pins(self, channel: ChannelId) -> tuple[MessageRow, ...]:
        """The pinned messages of a channel that are shown, in display order; of many the newest MAX_PINS."""
        world = self._world
        found = [
            row
            for part in world.conversation(find(world, channel))
            for key, _ in world.txn.scan(Space.PIN, part.id)
            if (row := self.message(RecordId(key[ID_SIZE:]))) is not None and row.pinned
        ]
        return tuple(sorted(found, key=lambda row: (row.ets, row.id))[-MAX_PINS:])


def find(world: World, channel: ChannelId) -> Channel:
    """A channel that shows. `errors.NotFound` if there is none of this id."""
    found = world.channels.get(channel)
    if found is None or found.standing.membership in UNLISTED:
        raise NotFound("There is no such channel.", "The channels that you are in are listed on the left, and by /help.")
    return found


def readers(world: World, channel: Channel, recipients: tuple[UserId, ...] | None = None) -> tuple[DeviceId, ...]:
    """The devices of the other people in a channel, or of some of them."""
    own = {certificate.device for certificate in world.identity.devices.certificates}
    found = tuple(device for device in channel.audience(world.identity.device) if device not in own)
    if recipients is None:
        return found
    return tuple(device for device in found if channel.control.user_of(device) in recipients)


def is_for(header: Header, user: UserId, author: UserId) -> bool:
    """Whether somebody is given the text of a message."""
    return header.recipients is None or user in header.recipients or user == author


def changed_row(row: MessageRow) -> EventBuild:
    """The event that a row in its place says something else."""
    return lambda seq: MessageChanged(seq=seq, channel=row.channel, id=row.id, position=row.position, row=row)
