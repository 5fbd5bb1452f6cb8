"""Rows about this node itself: its devices, its links, and how it stands. Reads only."""

from collections.abc import Callable

from multichat_tui.model.economy import TrafficRow
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, Log, UserId, fingerprint
from multichat_tui.model.ports import LinkPath, Space
from multichat_tui.model.snapshots import DeviceRow, MailboxRow, Me, PeerRow, Progress, StatusRow
from multichat_tui.model.text import display_names
from multichat_tui.model.trust import ComparisonRow
from multichat_tui.node.account_state import account_trouble
from multichat_tui.node.alarms import alarm_rows
from multichat_tui.node.message_rows import MessageRows, readers
from multichat_tui.node.names import names_of
from multichat_tui.node.regards import regard_rows
from multichat_tui.node.request_rows import request_rows
from multichat_tui.node.world import World

ADDRESS_SEPARATOR = b"\n"
LABEL = b"label/"
"""Before a device's id in Space.SELF: what it is called here."""


class NodeRows:
    def __init__(self, world: World, messages: MessageRows) -> None:
        self._world = world
        self._messages = messages
        self.mailboxes: Callable[[], tuple[MailboxRow, ...]] = lambda: ()
        """One's own; set by the engine."""

    def me(self) -> Me:
        identity = self._world.identity
        return Me(user=identity.user, device=identity.device, name=identity.name, fingerprint=fingerprint(identity.user))

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
        names = names_of(self._world, {certificate.user for certificate in world.certificates().values()})
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
            audience = readers(world, channel)
            if end is None or not audience or not channel.live:
                continue
            key = (Log.CONTENT, world.identity.device[:PREFIX_SIZE])
            least = min(world.peer_top(peer, channel.id, key) for peer in audience)
            total += end.seq - least
        return total

    def stored(self) -> int:
        """Of that what lies at mailboxes for all who lack it."""
        world, total = self._world, 0
        if not world.deposits:
            return 0
        me = world.identity.device
        key = (Log.CONTENT, me[:PREFIX_SIZE])
        for channel in world.channels.values():
            end = channel.chains.ends.get(key)
            tops = {peer: world.peer_top(peer, channel.id, key) for peer in readers(world, channel)}
            if end is None or not tops or not channel.live:
                continue
            spans = [(top + 1, world.deposits.spans(peer, channel.id, me)) for peer, top in tops.items()]
            total += end.seq - min(tops.values()) - _lacking(spans, end.seq)
        return total

    def _comparisons(self) -> tuple[ComparisonRow, ...]:
        """Somebody nearby is shown under the name that they claim, made safe; a contact under the one that is known."""
        names = names_of(self._world, set())
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
            stored=self.stored(),
            trouble=trouble or account_trouble(world),
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
            regards=regard_rows(world),
            requests=request_rows(world, self._messages),
            mode=world.mode,
            resting_until_ms=world.resting_until,
            traffic=tuple(
                TrafficRow(path=path.value, received=received, sent=sent)
                for path, (received, sent) in sorted(world.traffic.items(), key=lambda each: list(LinkPath).index(each[0]))
            ),
            mailboxes=self.mailboxes(),
        )

    def _progress(self) -> tuple[Progress, ...]:
        world = self._world
        indexing = Progress(what="indexing for search, percent", done=world.indexed_percent, total=100)
        return (*world.progress.values(), *((indexing,) if world.indexed_percent < 100 else ()))


def _lacking(covered: list[tuple[int, list[tuple[int, int]]]], last: int) -> int:
    """How many numbers up to `last` somebody lacks: of each the first number that they need, and the spans, in order, that are
    on their way to them."""
    gaps: list[tuple[int, int]] = []
    for at, spans in covered:
        for begin, end in spans:
            gaps += [(at, min(begin - 1, last))] if begin > at else []
            at = max(at, end + 1)
        gaps += [(at, last)]
    count, reached = 0, -1
    for begin, end in sorted(gaps):
        count += max(0, end - max(begin, reached + 1) + 1)
        reached = max(reached, end)
    return count
