"""Routes: ours, told to each audience by itself when something of them has changed; and others', by which we write to them."""

from collections.abc import Callable
from dataclasses import replace

from multichat_tui.model.codec import Rejected
from multichat_tui.model.device_statements import Audience, DeviceStatement, DeviceStatementKind, StatementName
from multichat_tui.model.hosts import is_near
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import MAX_MAILBOX_ADDRESSES, ROUTE_ADDRESSES_MS
from multichat_tui.model.routes import Route, RoutedQueue, decode_route, ways_of
from multichat_tui.model.values import dataclass
from multichat_tui.node.audiences import audiences, devices_of, is_channel
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.own_mailboxes import OwnMailboxes
from multichat_tui.node.sealing import Sealing
from multichat_tui.node.world import World

KIND = DeviceStatementKind.ROUTE
FALLBACK = Audience(b"")
"""Stands for everybody: the prekey of all sessions but the first with a contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRoute:
    """A device's route, and for whom it was made: us, or a channel."""

    device: DeviceId
    audience: Audience
    number: int
    route: Route


class Routes:
    def __init__(self, world: World, statements: DeviceStatements, sealing: Sealing, own: OwnMailboxes) -> None:
        self._world = world
        self._statements = statements
        self._sealing = sealing
        self._own = own
        self._due = True
        self._listen: tuple[str, ...] = ()
        self._listens_since = world.now
        self._lasting: tuple[str, ...] | None = None
        """Where we have listened for long enough to say so; None: not known yet."""
        self._prekeys: dict[Audience, bytes] = {}
        self._read: dict[StatementName, KnownRoute] = {}
        self.on_change: Callable[[DeviceId], None] = lambda device: None
        """What is known of a device's ways has changed; set by who writes to it."""
        statements.readable[KIND] = lambda content: isinstance(decode_route(content), Route)
        own.on_route = self._change

    # Others'

    def of(self, device: DeviceId) -> tuple[KnownRoute, ...]:
        """By what ways a device can be written to, the best first: the one for us alone, then those for channels."""
        return tuple(known for said in self._statements.by(device, KIND) if (known := self._open(said)) is not None)

    def hides(self, device: DeviceId) -> bool:
        """Whether it has mailboxes, and none is known by an address that may be called."""
        queues = [queue for known in self.of(device) for queue in known.route.queues]
        return bool(queues) and not any(queue.mailbox.addresses for queue in queues)

    def _open(self, said: DeviceStatement) -> KnownRoute | None:
        """As it may be followed. A fellow member is nobody whom we let find out by us what there is in our network: where their
        mailbox has a private address it is called only where the network shows it, or a contact's route names it too."""
        known = self._read.get(said.name)
        if known is None or known.number != said.number:
            route = decode_route(said.content)
            if isinstance(route, Rejected):
                return None
            if is_channel(self._world, said.audience):
                route = replace(route, addresses=(), queues=tuple(map(_far, route.queues)))
            known = KnownRoute(device=said.device, audience=said.audience, number=said.number, route=route)
            self._read[said.name] = known
        return known

    def addresses_of(self, device: DeviceId) -> tuple[str, ...]:
        """Where a device says that it listens."""
        places = dict.fromkeys(address for known in self.of(device) for address in known.route.addresses)
        return tuple(places)[:MAX_MAILBOX_ADDRESSES]

    def taken(self, said: DeviceStatement) -> None:
        """Another device has said something new."""
        if said.kind == KIND:
            before = self._read.get(said.name)
            known = self._open(said)
            if known is not None and (before is None or before.route.addresses != known.route.addresses):
                self._world.credentials_changed = True
            self.on_change(said.device)

    # Ours

    def heard(self, device: DeviceId, said: DeviceStatement) -> None:
        """A device has what we said last."""
        if said.kind != KIND:
            return
        self._own.heard(device, said.audience)
        world = self._world
        if not is_channel(world, said.audience):
            known, ways = world.heard.of(world.txn, device, world.now), _ways(said)
            if known.route != ways:
                known.route = ways
                world.heard.keep(world.txn, device)

    def unaware(self) -> set[DeviceId]:
        """Devices of contacts, and our own others, that are not known to know by what ways we are written to now. Who has only to
        learn of another key for themselves, or of another address, is not among them: that is told with whatever comes next."""
        world, found = self._world, set()
        for audience in audiences(world):
            said = self._statements.find((audience, world.identity.device, KIND))
            if said is None or is_channel(world, audience):
                continue
            ways = _ways(said)
            found |= {d for d in devices_of(world, audience) if world.heard.of(world.txn, d, world.now).route != ways}
        return found

    def _change(self) -> None:
        self._due = True

    def tick(self) -> None:
        """Say to each audience what has changed for it."""
        world = self._world
        if world.prekeys_changed:
            for audience in world.prekeys_changed:
                if audience:
                    self._prekeys.pop(Audience(audience), None)
                else:
                    self._prekeys.clear()
            world.prekeys_changed.clear()
            self._due = True
        if world.listen != self._listen:
            self._listen, self._listens_since = world.listen, world.now
        if self._lasting != self._listen and self._listens_since + ROUTE_ADDRESSES_MS <= world.now:
            self._lasting, self._due = self._listen, True
        if not (self._due or world.audiences_changed or world.credentials_changed):
            return
        self._due = False
        wanted = audiences(world)
        me = world.identity.device
        for audience in [a for a, said in world.device_statements.items() if (me, KIND) in said]:
            if audience not in wanted:
                self._statements.take_back(audience, KIND)
                self._prekeys.pop(audience, None)
        for audience in wanted:
            said = self._statements.find((audience, me, KIND))
            content = self._route_for(audience, None if said is None else self._open(said)).encoded
            if said is None or said.content != content:
                self._statements.say(audience, KIND, content)
                world.routes_changed = True

    def _route_for(self, audience: Audience, last: KnownRoute | None) -> Route:
        world = self._world
        if audience not in self._prekeys:
            self._prekeys[audience] = self._sealing.prekey_for(audience)
        queues = self._own.routed(audience)
        if is_channel(world, audience):
            return Route(prekey=self._prekeys[audience], queues=queues)
        if FALLBACK not in self._prekeys:
            self._prekeys[FALLBACK] = self._sealing.prekey_for(FALLBACK)
        if self._lasting is not None:
            addresses = tuple(sorted(self._lasting, key=lambda address: address.startswith(("127.", "[::1]"))))
        else:
            addresses = () if last is None else last.route.addresses
        return Route(
            prekey=self._prekeys[audience],
            fallback=self._prekeys[FALLBACK],
            queues=queues,
            addresses=addresses[:MAX_MAILBOX_ADDRESSES],
        )

    def wake_times(self) -> list[int]:
        return [] if self._lasting == self._listen else [self._listens_since + ROUTE_ADDRESSES_MS]


def _ways(said: DeviceStatement) -> bytes:
    route = decode_route(said.content)
    return b"" if isinstance(route, Rejected) else ways_of(route)


def _far(queue: RoutedQueue) -> RoutedQueue:
    """Without the addresses of private networks and of this host."""
    addresses = tuple(address for address in queue.mailbox.addresses if not is_near(address))
    return replace(queue, mailbox=replace(queue.mailbox, addresses=addresses))
