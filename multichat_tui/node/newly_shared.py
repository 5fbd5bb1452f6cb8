"""What two peers come to share while they are linked: at link up each was told what is said beside the channels that both were in
then, and what contacts are told only if they were contacts. What is shared since then is told when it is."""

from collections.abc import Callable

from multichat_tui.node.device_statements import STATING_VERSION, DeviceStatements
from multichat_tui.node.holdings import shares
from multichat_tui.node.receipts import RECEIPT_VERSION
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session


class NewlyShared:
    def __init__(self, world: World, device_statements: DeviceStatements) -> None:
        self._world = world
        self._device_statements = device_statements
        self.on_contact: Callable[[Session], None] = lambda session: None
        """A peer is linked, or has become a contact while linked; set by `exchange`."""

    def begin(self, session: Session) -> None:
        """A link leads to a peer."""
        session.befriended = self._is_contact(session)
        self.on_contact(session)

    def look(self) -> None:
        """At the end of a batch: who is in a channel with us that they were not in, or has become a contact?"""
        world = self._world
        if not (world.audiences_changed or world.credentials_changed):
            return
        for session in world.peers():
            befriended = self._is_contact(session) and not session.befriended
            session.befriended = self._is_contact(session)
            if befriended:
                self.on_contact(session)
                self._device_statements.place(session)
            if not session.greeted:
                continue
            shared = {channel.id for channel in world.channels.values() if shares(channel, session)}
            new, session.stated = shared - session.stated, shared
            if new or befriended:
                session.statements_due = True
                session.receipt_numbers_due |= bool(new) and session.version >= RECEIPT_VERSION
                session.device_numbers_due |= session.version >= STATING_VERSION

    def _is_contact(self, session: Session) -> bool:
        user = session.user
        return user is not None and user in self._world.contacts and not self._world.blocked(user)
