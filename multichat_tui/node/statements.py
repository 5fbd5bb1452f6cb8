"""Statements: what users say beside any channel, exchanged with peers."""

from multichat_tui.crypto.identity import statement_holds
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import MessageFrame, StatementOffer
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, UserId
from multichat_tui.model.limits import LISTS_PER_FRAME, MAX_STATEMENTS
from multichat_tui.model.statements import PRIVATE, StatementKind, decode_statement
from multichat_tui.node.holdings import shares
from multichat_tui.node.private_statements import takes_from, told_to
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session


class Statements:
    """What of users we tell to whom, and what we take of what we are told."""

    def __init__(self, world: World) -> None:
        self._world = world

    def known_to(self, session: Session) -> tuple[StatementOffer, ...]:
        """Ours, and those of the people in the channels that we share."""
        world = self._world
        users = {world.identity.user}
        for channel in world.channels.values():
            if shares(channel, session):
                users.update(channel.view.members)
        users.discard(session.user)
        if world.identity.unmet:
            return ()
        own = world.identity.profile
        offers = [StatementOffer(user=own.user, kind=own.kind, number=own.number)]
        offers += [
            StatementOffer(user=user, kind=kind, number=statement.number)
            for (user, kind), statement in sorted(world.statements.items())
            if user in users and kind not in PRIVATE and (user != own.user or kind == StatementKind.CLOSED)
        ]
        offers += [StatementOffer(user=s.user, kind=s.kind, number=s.number) for s in told_to(world, session.user)]
        if session.user is not None and (session.user, StatementKind.CLOSED) in world.statements:
            # Said back to who has closed the account: so they know that it was heard.
            closing = world.statements[session.user, StatementKind.CLOSED]
            offers.append(StatementOffer(user=closing.user, kind=closing.kind, number=closing.number))
        # A first list is in the control log and in pairing; of later ones a device is told even of its own account's.
        concerned = users | ({session.user} if session.user is not None else set())
        known = [(user, listed) for user, listed in world.lists.items() if user in concerned]
        known.append((own.user, world.identity.devices))
        offers += [
            StatementOffer(user=user, kind=StatementKind.DEVICES.value, number=listed.mark)
            for user, listed in sorted(known, key=lambda entry: entry[0])
            if listed.number
        ]
        return tuple(offers)

    def wants(self, session: Session, offer: StatementOffer) -> bool:
        """Whether what a peer offers is newer than what we hold, or contradicts it."""
        world = self._world
        if offer.kind == StatementKind.CLOSED and offer.user == world.identity.user and session.user is not None:
            world.told_closing.add(session.user)
            world.status_changed = True
        if offer.kind == StatementKind.DEVICES:
            listed = world.list_of(offer.user)
            fork = world.forks.get(offer.user)
            if listed is None or (fork is not None and fork.mark == offer.number):
                return listed is None
            return offer.number != listed.mark and offer.number >> 40 >= listed.number
        known = world.statements.get((offer.user, offer.kind))
        if offer.kind in PRIVATE:
            newer = known is None or known.number < offer.number
            return newer and takes_from(world, session.user, offer.user, offer.kind)
        other = offer.user != world.identity.user or offer.kind == StatementKind.CLOSED
        return other and (known is None or known.number < offer.number)

    def send(self, session: Session, wanted: tuple[tuple[UserId, int], ...]) -> None:
        world = self._world
        allowed = {(offer.user, offer.kind) for offer in self.known_to(session)}
        own = world.identity.profile
        private = {(s.user, s.kind): s for s in told_to(world, session.user)}
        found = []
        for name in wanted:
            if name[1] in PRIVATE:
                found += [private[name].encoded] if name in private else []
            elif name == (own.user, own.kind):
                found.append(own.encoded)
            elif name in allowed and name in world.statements:
                found.append(world.statements[name].encoded)
        if found:
            world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), statements=tuple(found)))
        asked = [user for user, kind in wanted if kind == StatementKind.DEVICES and (user, kind) in allowed]
        lists = [listed.encoded for listed in map(world.list_of, asked) if listed is not None]
        for start in range(0, len(lists), LISTS_PER_FRAME):
            chunk = tuple(lists[start : start + LISTS_PER_FRAME])
            world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), lists=chunk))

    def on_statement(self, session: Session, encoded: bytes) -> None:
        world = self._world
        statement = decode_statement(encoded)
        if isinstance(statement, Rejected) or not statement_holds(statement):
            world.count("statement-rejected")
            return
        if statement.kind in PRIVATE and not takes_from(world, session.user, statement.user, statement.kind):
            world.count("statement-audience")
            return
        if statement.user == world.identity.user and statement.kind not in (StatementKind.CLOSED, StatementKind.VOUCH):
            world.count("statement-author")
            return
        if statement.kind != StatementKind.CLOSED and not self._is_device_of(statement.device, statement.user):
            # The control log that names the device may be on its way.
            if len(session.statements) < MAX_STATEMENTS:
                session.statements[statement.user, statement.kind] = encoded
            world.count("statement-author")
            return
        if world.learn_statement(statement):
            if statement.kind in PRIVATE:
                return
            for channel in world.channels.values():
                if channel.rooted and statement.user in channel.view.members:
                    world.changed_members.add(channel.id)
                    world.changed_channels.add(channel.id)
            world.status_changed = world.status_changed or statement.user == world.identity.user
            for other in world.peers():
                if (other is not session and other.user != statement.user) or statement.kind == StatementKind.CLOSED:
                    other.statements_due = True

    def _is_device_of(self, device: bytes, user: UserId) -> bool:
        world = self._world
        if user == world.identity.user and any(c.device == device for c in world.identity.devices.living):
            return True
        contact = world.contacts.get(user)
        if contact is not None and any(c.device == device for c in contact.devices.living):
            return True
        return any(channel.control.user_of(DeviceId(device)) == user for channel in world.channels.values())
