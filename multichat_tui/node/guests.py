"""Links under invitations: how many there may be, how long they may stand, and when they become links between peers.

Whoever holds an invitation gets as far as this, with as many devices as it likes to make; so nothing of a guest is stored, and
a link that comes to nothing ends.
"""

from multichat_tui.model.ids import UserId
from multichat_tui.model.limits import GUEST_LINK_MS, LINKS_PER_DEVICE, MAX_GUEST_LINKS, MAX_GUEST_LINKS_PER_INVITATION
from multichat_tui.node.dialing import Dialing
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.world import World
from multichat_tui.sync.session import Role, Session


class Guests:
    def __init__(self, world: World, exchange: Exchange, dialing: Dialing) -> None:
        self._world = world
        self._exchange = exchange
        self._dialing = dialing

    def takes(self, session: Session) -> bool:
        """Whether there is room for another link under an invitation of ours."""
        guests = [s for s in self._waiting() if s.role is Role.GUEST]
        same = [s for s in guests if s.join_key == session.join_key]
        return len(guests) < MAX_GUEST_LINKS and len(same) < MAX_GUEST_LINKS_PER_INVITATION

    def tick(self) -> None:
        for session in self._waiting():
            if self._ends_at(session) <= self._world.now:
                came = session.role is Role.GUEST
                self._world.close(session, "nothing came of its invitation" if came else "nobody let us in by it")

    def wake_times(self) -> list[int]:
        return [self._ends_at(session) for session in self._waiting()]

    def promote(self, session: Session, user: UserId) -> None:
        """The other end has come in, or let us in: it is a peer."""
        world = self._world
        session.conversation = None
        if session.role is Role.PEER:
            return
        session.role, session.user = Role.PEER, user
        others = [s for s in world.peers() if s is not session and s.device == session.device and not s.closing]
        if session.dialled:
            # The end that dialled closes, so that both keep the same one.
            for other in others:
                world.close(other, "a newer link to the same device")
        elif len(others) >= LINKS_PER_DEVICE:
            world.close(others[0], "a newer link to the same device")
        self._dialing.reached(session)
        self._exchange.begin(session)

    def _waiting(self) -> list[Session]:
        sessions = self._world.sessions.values()
        return [s for s in sessions if s.role in (Role.GUEST, Role.HOST) and not s.nearby and not s.closing]

    def _ends_at(self, session: Session) -> int:
        """A control log may take its time to come; while something comes, we wait."""
        return max(session.began_at, session.moved_at) + GUEST_LINK_MS
