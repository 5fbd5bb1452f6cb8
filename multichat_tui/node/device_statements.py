"""Device statements: what a device says to a channel, or to one contact; kept, told, and taken (docs/protocol/routes.md).

For a channel they are passed on by its members as receipts are, among those whom its control log shows as members. For a contact
they are told to the contact's devices by their author alone; what is for one's own other devices has one's user id as audience.
"""

from collections.abc import Callable, Iterator

from multichat_tui.crypto.identity import device_statement_holds, sign_device_statement
from multichat_tui.model.codec import Rejected
from multichat_tui.model.device_statements import (
    Audience,
    DeviceStatement,
    DeviceStatementKind,
    StatementName,
    decode_device_statement,
)
from multichat_tui.model.frames import Ack, DeviceStatementOffer, MessageFrame, Offer, Prefix, Request
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId
from multichat_tui.model.limits import MAX_DEVICE_STATEMENTS, MAX_PASSED_ON, MAX_STATING_DEVICES, MAX_TIPS, STATEMENT_PAUSE_MS
from multichat_tui.model.ports import Space
from multichat_tui.node.holdings import accepts, shares
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.session import Pending, Role, Session

STATING_VERSION = 5
"""The first version of the link protocol that knows device statements."""
MAX_UNPLACED = 2 * MAX_STATING_DEVICES
"""Device statements that one peer says it has, and whose device no control log held here names."""


def stated(world: World, channel: Channel) -> bool:
    """Whether devices say anything to this channel: it is not too large for that."""
    return channel.rooted and len(channel.audience(world.identity.device)) < MAX_STATING_DEVICES


class DeviceStatements:
    """Makes our own, takes and passes on others'."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._passed_on_at: dict[StatementName, int] = {}
        """When one of this name was last passed on."""
        self._held_back: set[StatementName] = set()
        """A newer one came too soon after it: members hear of it later."""
        self.readable: dict[int, Callable[[bytes], bool]] = {}
        """Of each kind that is understood: whether a content is well-formed. Others are not kept. Set by who uses the kind."""
        self.on_taken: dict[int, Callable[[DeviceStatement], None]] = {}
        """Of each kind: a newer one of somebody else is kept. Set by who uses the kind."""
        self.on_heard: Callable[[DeviceId, DeviceStatement], None] = lambda device, statement: None
        """A device is known to have our newest; set by the engine."""

    # Ours

    def say(self, audience: Audience, kind: DeviceStatementKind, content: bytes) -> DeviceStatement:
        """Sign, keep and tell. Numbers follow the clock, so that they go up even where a profile was put back."""
        world = self._world
        device = world.identity.device
        last = self.find((audience, device, kind))
        number = max(world.now, 0 if last is None else last.number + 1)
        statement = sign_device_statement(world.identity.signer, device, audience, kind, number, content)
        self._keep(statement, None)
        return statement

    def take_back(self, audience: Audience, kind: DeviceStatementKind) -> None:
        """Forget what we said to an audience that is none any more."""
        self._forget((audience, self._world.identity.device, kind))

    # What is known

    def find(self, name: StatementName) -> DeviceStatement | None:
        audience, device, kind = name
        return self._world.device_statements.get(audience, {}).get((device, kind))

    def by(self, device: DeviceId, kind: DeviceStatementKind) -> tuple[DeviceStatement, ...]:
        """What a device says to us and to channels that we are both in just now: what is for us alone first."""
        world = self._world
        found = [self.find((Audience(world.identity.user), device, kind))]
        for channel in world.channels.values():
            if channel.live and stated(world, channel) and channel.serves(device):
                found.append(self.find((Audience(channel.id), device, kind)))
        return tuple(statement for statement in found if statement is not None)

    def _keep(self, statement: DeviceStatement, source: Session | None) -> None:
        world = self._world
        world.keep_device_statement(statement)
        world.txn.put(Space.DEVICE_STATEMENT, _key(statement.name), statement.encoded)
        if source is None or self._may_pass_on(statement.name):
            self._pass_on(statement, source)

    def _free_at(self, name: StatementName) -> int:
        """When one of this name may be passed on again."""
        return self._passed_on_at.get(name, -STATEMENT_PAUSE_MS) + STATEMENT_PAUSE_MS

    def _may_pass_on(self, name: StatementName) -> bool:
        """Who says much is heard at once, and not passed on as much."""
        now = self._world.now
        if self._free_at(name) > now:
            self._held_back.add(name)
            return False
        if len(self._passed_on_at) >= MAX_PASSED_ON:
            self._passed_on_at = {each: at for each, at in self._passed_on_at.items() if self._free_at(each) > now}
        self._passed_on_at[name] = now
        return True

    def _pass_on(self, statement: DeviceStatement, source: Session | None) -> None:
        for session in self._world.peers():
            if session is not source and session.version >= STATING_VERSION and self._tells(session, statement):
                session.device_statements_due.add(statement.name)

    def _forget(self, name: StatementName) -> None:
        audience, device, kind = name
        if self._world.device_statements.get(audience, {}).pop((device, kind), None) is not None:
            self._world.txn.delete(Space.DEVICE_STATEMENT, _key(name))

    # Told to peers

    def _tells(self, session: Session, statement: DeviceStatement) -> bool:
        """Whether a peer is told this statement: not its own, as a member, or as the one whom we say it to."""
        world = self._world
        if statement.device == session.device:
            return False
        channel = world.channels.get(ChannelId(statement.audience))
        if channel is not None:
            return shares(channel, session) and stated(world, channel) and channel.serves(statement.device)
        return statement.device == world.identity.device and statement.audience == self._contact(session)

    def _contact(self, session: Session) -> Audience | None:
        """The user at the other end, if we say things to them alone: a contact, or ourselves."""
        world = self._world
        user = session.user
        if user is None or (user != world.identity.user and (user not in world.contacts or world.blocked(user))):
            return None
        return Audience(user)

    def told_to(self, session: Session) -> Iterator[DeviceStatement]:
        """All that a peer may be told, over a link or in a parcel."""
        world = self._world
        for channel in world.channels.values():
            if shares(channel, session) and stated(world, channel):
                said = world.device_statements.get(Audience(channel.id), {})
                yield from (s for (device, _), s in sorted(said.items()) if device != session.device and channel.serves(device))
        contact = self._contact(session)
        if contact is not None:
            said = world.device_statements.get(contact, {})
            yield from (s for (device, _), s in sorted(said.items()) if device == world.identity.device)

    def ours_for(self, session: Session) -> Iterator[DeviceStatement]:
        """What this device itself has said of that: a parcel is made for each of many devices, which all have said something."""
        world, me = self._world, self._world.identity.device
        audiences = [Audience(c.id) for c in world.channels.values() if shares(c, session) and stated(world, c) and c.serves(me)]
        contact = self._contact(session)
        for audience in audiences if contact is None else (*audiences, contact):
            said = world.device_statements.get(audience, {})
            yield from (said[name] for name in sorted(name for name in said if name[0] == me))

    def between(self, session: Session) -> Iterator[DeviceStatement]:
        """What both ends of a link have of these, once both have told: for the comparison at link up."""
        world = self._world
        yield from self.told_to(session)
        for channel in world.channels.values():
            if shares(channel, session) and stated(world, channel):
                said = world.device_statements.get(Audience(channel.id), {})
                yield from (s for (device, _), s in said.items() if device == session.device)
        if self._contact(session) is not None:
            said = world.device_statements.get(Audience(world.identity.user), {})
            yield from (s for (device, _), s in said.items() if device == session.device)

    def of(self, names: tuple[StatementName, ...], session: Session) -> tuple[bytes, ...]:
        """Those of the named that we have and may tell, encoded."""
        found = map(self.find, names[:MAX_DEVICE_STATEMENTS])
        return tuple(s.encoded for s in found if s is not None and self._tells(session, s))

    def telling(self, pending: Pending) -> None:
        """An offer is sent that carries statements."""
        for name in pending.device_statements:
            statement = self.find(name)
            if statement is not None and statement.device == self._world.identity.device:
                pending.told.setdefault(name, statement.number)

    def acknowledged(self, session: Session, pending: Pending) -> None:
        """The peer has stored what such an offer carried."""
        for name, number in pending.told.items():
            statement = self.find(name)
            if statement is not None and statement.number == number:
                self.on_heard(session.device, statement)

    def taken_by(self, session: Session, entry: DeviceStatementOffer) -> None:
        """A device says that it has one of ours."""
        device = self._world.identity.device
        for audience, said in self._world.device_statements.items():
            statement = said.get((device, entry.kind)) if audience[:PREFIX_SIZE] == entry.audience else None
            if statement is not None and device[:PREFIX_SIZE] == entry.device and statement.number == entry.number:
                self.on_heard(session.device, statement)

    def all_known(self, session: Session) -> None:
        """The peer has all that it is told."""
        for statement in self.told_to(session):
            if statement.device == self._world.identity.device:
                self.on_heard(session.device, statement)

    def numbers_for(self, session: Session) -> tuple[DeviceStatementOffer, ...]:
        if session.version < STATING_VERSION:
            return ()
        return tuple(
            DeviceStatementOffer(audience=s.audience[:PREFIX_SIZE], device=s.device[:PREFIX_SIZE], kind=s.kind, number=s.number)
            for s in self.told_to(session)
        )[:MAX_TIPS]

    def asked(self, session: Session, wanted: tuple[tuple[Prefix, Prefix, int], ...]) -> None:
        if session.role is not Role.PEER:
            return
        told = {(s.audience[:PREFIX_SIZE], s.device[:PREFIX_SIZE], s.kind): s for s in self.told_to(session)}
        found = tuple(told[name].encoded for name in dict.fromkeys(wanted) if name in told)
        if found:
            self._world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), device_statements=found))

    # Others'

    def on_offer(self, session: Session, offer: Offer) -> None:
        """Take the statements of an offer; ask for those that it says are newer than ours."""
        for encoded in offer.device_statements:
            self.take(session, encoded)
        if offer.device_numbers:
            session.unplaced |= {(n.audience, n.device, n.kind): n.number for n in offer.device_numbers}
            self.place(session)

    def place(self, session: Session) -> None:
        """Ask for what a peer has and we do not. What is of nobody known here waits for the control log that names them; what is
        for us from somebody who is no contact, until they are one."""
        wanted = []
        waiting, session.unplaced = session.unplaced, {}
        for (audience, device, kind), number in waiting.items():
            name = self._place(session, audience, device, kind)
            if name is None or self._is_early(session, name):
                if len(session.unplaced) < MAX_UNPLACED:
                    session.unplaced[audience, device, kind] = number
                continue
            known = self.find(name)
            if kind in self.readable and self._takes(session, name) and (known is None or known.number < number):
                wanted.append((audience, device, kind))
        for start in range(0, len(wanted), MAX_DEVICE_STATEMENTS):
            asked = tuple(wanted[start : start + MAX_DEVICE_STATEMENTS])
            self._world.send(session, Request(channel=bytes(PREFIX_SIZE), device_statements=asked))

    def _is_early(self, session: Session, name: StatementName) -> bool:
        """Whether its device says it to us as to a contact, and we do not take them for one (yet)."""
        audience, device, _ = name
        return audience == Audience(self._world.identity.user) and device == session.device and self._contact(session) is None

    def _place(self, session: Session, audience: Prefix, device: Prefix, kind: int) -> StatementName | None:
        user = self._world.identity.user
        if audience == user[:PREFIX_SIZE] and device == session.device[:PREFIX_SIZE]:
            return Audience(user), session.device, kind
        channel = self._world.by_prefix.get(audience)
        found = None if channel is None else channel.devices.get(device)
        return None if channel is None or found is None else (Audience(channel.id), found, kind)

    def _takes(self, session: Session, name: StatementName) -> bool:
        """Whether a statement of this name is taken from a peer."""
        world = self._world
        audience, device, _ = name
        if device == world.identity.device:
            return False
        channel = world.channels.get(ChannelId(audience))
        if channel is not None:
            return accepts(channel, session) and stated(world, channel) and channel.serves(device)
        return audience == Audience(world.identity.user) and device == session.device and self._contact(session) is not None

    def take(self, session: Session, encoded: bytes) -> None:
        """A statement that came over a link, or in an envelope."""
        world = self._world
        statement = decode_device_statement(encoded)
        if isinstance(statement, Rejected):
            world.count("device-statement-rejected")
            return
        known = self.find(statement.name)
        if known is not None and known.number >= statement.number:
            if statement.device == session.device and statement.encoded == known.encoded:
                self._acknowledge(session, known)
            return
        if not self._takes(session, statement.name):
            world.count("device-statement-audience")
            return
        readable = self.readable.get(statement.kind)
        if readable is None or not readable(statement.content) or not device_statement_holds(statement):
            world.count("device-statement-rejected")
            return
        self._keep(statement, session)
        if statement.device == session.device:
            # Its author is to know; of others' the members tell each other what they have.
            self._acknowledge(session, statement)
        on_taken = self.on_taken.get(statement.kind)
        if on_taken is not None:
            on_taken(statement)

    def _acknowledge(self, session: Session, s: DeviceStatement) -> None:
        taken = DeviceStatementOffer(
            audience=s.audience[:PREFIX_SIZE], device=s.device[:PREFIX_SIZE], kind=s.kind, number=s.number
        )
        self._world.send(session, Ack(device_statements=(taken,)))

    def tick(self) -> None:
        """What came too soon after another one is passed on now."""
        for name in [name for name in self._held_back if self._free_at(name) <= self._world.now]:
            self._held_back.discard(name)
            statement = self.find(name)
            if statement is not None and self._may_pass_on(name):
                self._pass_on(statement, None)

    def wake_times(self) -> list[int]:
        return [self._free_at(name) for name in self._held_back]


def _key(name: StatementName) -> bytes:
    """Under which it is stored."""
    audience, device, kind = name
    return audience + device + bytes([kind])


def load_device_statements(world: World) -> None:
    """What is stored."""
    for _, encoded in world.txn.scan(Space.DEVICE_STATEMENT):
        said = decode_device_statement(encoded)
        if isinstance(said, DeviceStatement):
            world.keep_device_statement(said)


def forget_said(world: World, channel: ChannelId) -> None:
    """Nothing that was said to a channel is kept any more: it is forgotten."""
    world.device_statements.pop(Audience(channel), None)
    for key, _ in world.txn.scan(Space.DEVICE_STATEMENT, channel):
        world.txn.delete(Space.DEVICE_STATEMENT, key)
