"""What the screens know of the node between two reads: channels, contacts, members of the open channel, peers, status."""

from dataclasses import replace

from multichat_tui.model.events import ChannelChanged, ChannelGone, ContactChanged, Event, PresenceChanged
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.snapshots import (
    ChannelKind,
    ChannelRow,
    ContactRow,
    Me,
    MemberRow,
    Membership,
    PeerRow,
    Snapshot,
    StatusRow,
)


class Desk:
    """Rows as last read, brought up to date by events. An event that a read has seen changes nothing."""

    def __init__(self) -> None:
        self.me: Me | None = None
        self.channels: dict[ChannelId, ChannelRow] = {}
        self.contacts: dict[UserId, ContactRow] = {}
        self.members: tuple[MemberRow, ...] = ()
        self.peers: tuple[PeerRow, ...] = ()
        self.status: StatusRow | None = None
        self._channels_as_of = -1
        self._contacts_as_of = -1
        self._names: dict[UserId, str] = {}

    def read_channels(self, snapshot: Snapshot[tuple[ChannelRow, ...]]) -> None:
        if snapshot.as_of >= self._channels_as_of:
            self.channels = {row.id: row for row in snapshot.rows}
            self._channels_as_of = snapshot.as_of

    def read_contacts(self, snapshot: Snapshot[tuple[ContactRow, ...]]) -> None:
        if snapshot.as_of >= self._contacts_as_of:
            self.contacts = {row.user: row for row in snapshot.rows}
            self._contacts_as_of = snapshot.as_of
            self._name_people()

    def read_members(self, rows: tuple[MemberRow, ...]) -> None:
        self.members = rows
        self._name_people()

    def forget_numbers(self) -> None:
        """Another node follows, whose events are counted anew."""
        self._channels_as_of = self._contacts_as_of = -1

    def apply(self, event: Event) -> None:
        """Events about channels and people; others change nothing here."""
        match event:
            case ChannelChanged(seq=seq, row=row) if seq > self._channels_as_of:
                self.channels[row.id] = row
            case ChannelGone(seq=seq, channel=channel) if seq > self._channels_as_of:
                self.channels.pop(channel, None)
            case ContactChanged(seq=seq, row=row) if seq > self._contacts_as_of:
                self.contacts[row.user] = row
                self._name_people()
            case PresenceChanged(user=user, online=True):
                self.members = tuple(replace(m, online=True) if m.user == user else m for m in self.members)
            case _:
                pass

    def _name_people(self) -> None:
        self._names = {row.user: row.name for row in self.contacts.values()} | {row.user: row.name for row in self.members}
        if self.me is not None:
            self._names[self.me.user] = self.me.name

    @property
    def contacts_read(self) -> bool:
        return self._contacts_as_of >= 0

    def name_of(self, user: UserId) -> str | None:
        return self._names.get(user)

    @property
    def unread(self) -> int:
        """In all channels."""
        return sum(row.unread for row in self.channels.values())

    @property
    def linked(self) -> int:
        """How many other people there are links to now."""
        return len({peer.user for peer in self.peers if peer.online} - self._own)

    @property
    def linked_devices(self) -> int:
        """How many other devices of one's own there are links to now."""
        return sum(peer.online and peer.user in self._own for peer in self.peers)

    @property
    def _own(self) -> set[UserId]:
        return {self.me.user} if self.me is not None else set()

    @property
    def people(self) -> list[str]:
        """Names of those one may mean: the others in the open channel, and contacts."""
        return [member.name for member in self.members if not member.me] + [row.name for row in self.contacts.values()]

    @property
    def groups(self) -> list[str]:
        """Names of channels that are no conversations."""
        return [row.name for row in self.ordered if isinstance(row, ChannelRow) and row.kind is not ChannelKind.DIRECT]

    @property
    def ordered(self) -> list[ChannelRow | ContactRow]:
        """The side pane's order, which numbers follow too: workspaces with their channels, other groups, conversations, contacts
        one has not written to."""
        rows = [row for _, rows in self.places for row in rows]
        spoken = {row.user for row in rows if row.kind is ChannelKind.DIRECT}
        silent = [row for row in self.contacts.values() if row.user not in spoken]
        return [*rows, *sorted(silent, key=lambda row: (row.name.casefold(), row.user))]

    @property
    def places(self) -> list[tuple[ChannelRow | None, list[ChannelRow]]]:
        """The sections of what can be opened: each workspace with its channels (one of several is in the first), then what is in
        none, groups and conversations apart."""
        named = sorted(self.channels.values(), key=lambda row: (row.archived, row.name.casefold(), row.id))
        spaces = [row for row in named if row.kind is ChannelKind.WORKSPACE]
        found: list[tuple[ChannelRow | None, list[ChannelRow]]] = []
        placed: set[ChannelId] = set()
        for space in sorted(spaces, key=lambda row: (row.name.casefold(), row.id)):
            inside = [row for row in named if space.id in row.workspaces and row.id not in placed]
            placed |= {space.id, *(row.id for row in inside)}
            found.append((space, [space, *inside]))
        rest = [row for row in named if row.id not in placed]
        found.append((None, [row for row in rest if row.kind is not ChannelKind.DIRECT]))
        found.append((None, [row for row in rest if row.kind is ChannelKind.DIRECT]))
        return found

    def workspace_of(self, row: ChannelRow) -> ChannelRow | None:
        """The one in whose section it stands: of several the first by name."""
        spaces = [self.channels[space] for space in row.workspaces if space in self.channels]
        return min(spaces, key=lambda space: (space.name.casefold(), space.id), default=None)

    def next_active(self, after: ChannelId | None) -> ChannelId | None:
        """The next channel with unread messages in the pane's order, those that mention us and direct ones first."""
        rows = [row for row in self.ordered if isinstance(row, ChannelRow)]
        at = next((i for i, row in enumerate(rows) if row.id == after), -1)
        rows = [row for row in rows[at + 1 :] + rows[: at + 1] if row.id != after and row.unread]
        loud = [row for row in rows if row.mentions or row.kind is ChannelKind.DIRECT]
        return (loud or rows)[0].id if rows else None

    def path_of(self, row: ChannelRow) -> str:
        """How messages go to the people of a channel who are online, "LAN 3 ms"; the median of several; empty: nobody."""
        users = {row.user} if row.kind is ChannelKind.DIRECT else {member.user for member in self.members if not member.me}
        links = [peer for peer in self.peers if peer.online and peer.user in users]
        if not links:
            contact = self.contacts.get(row.user) if row.user is not None else None
            if contact is None or not contact.online or not contact.path:
                return ""
            return _path(contact.path, contact.rtt_ms)
        links.sort(key=lambda peer: peer.rtt_ms if peer.rtt_ms is not None else 1e9)
        middle = links[len(links) // 2]
        return _path(middle.path, middle.rtt_ms)


def _path(path: str, rtt_ms: float | None) -> str:
    name = {"lan": "LAN", "local": "local", "direct": "direct"}.get(path, path)
    if rtt_ms is None:
        return name
    return f"{name} {'<1' if rtt_ms < 1 else round(rtt_ms)} ms"


def shown_name(row: ChannelRow) -> str:
    """With the sign of a group, without one for a person."""
    return f"#{row.name}" if row.kind is ChannelKind.GROUP else row.name


def standing(row: ChannelRow) -> str:
    """What hinders writing in a channel; empty for nothing."""
    match row.membership:
        case Membership.JOINED:
            return row.writing or (row.note if row.kind is ChannelKind.DIRECT else "")
        case Membership.JOINING:
            return row.note or "waiting to be let in: somebody of the channel must be online"
        case Membership.REFUSED:
            return row.note or "you were not let in"
        case Membership.LEFT:
            return row.note or "you have left"
        case Membership.REMOVED:
            return row.note or "you were removed"
        case Membership.ASKED:
            return "they ask to write to you: /requests"
        case Membership.READING:
            return "reading, not a member; to write, ask a member for an invitation"
