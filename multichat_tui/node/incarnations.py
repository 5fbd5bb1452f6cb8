"""Incarnations: how often a peer's node was started. A number that goes back, or two that are alive at once, show a profile that
was put back to an earlier state, or copied; then what that device was known to hold is not known any more.
"""

from enum import Enum

from multichat_tui.model.codec import decode, encode
from multichat_tui.model.frames import Ack, Offer
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import DOUBT_MS, FORKED_LINK_MS, MAX_SHUN_MS, MIN_SHUN_MS, PROBE_MS
from multichat_tui.model.ports import Space
from multichat_tui.model.trust import AlarmKind
from multichat_tui.node.alarms import raise_alarm
from multichat_tui.node.identity import INCARNATION_BITS
from multichat_tui.node.islands import forget_islands_of
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

MAX_VALUE_BYTES = 32


class Doubt(Enum):
    """What is known of there being several of one device."""

    NONE = 0
    SET_BACK = 1
    """Its number has gone back; not told yet."""
    TOLD = 2


def goes_back(incarnation: int, greatest: int) -> bool:
    """Whether a profile was met before under a later number, or under another one of the same count of starts."""
    starts = incarnation >> INCARNATION_BITS
    return incarnation < greatest or (starts > 0 and starts == greatest >> INCARNATION_BITS and incarnation != greatest)


class Incarnations:
    """Compares what links say with what is kept, and keeps links with devices that fork short."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._shuns: dict[DeviceId, int] = {}
        """How often a device was shunned."""

    def up(self, session: Session) -> None:
        """A link to a peer, before anything is sent on it."""
        world = self._world
        greatest, doubt = self._kept(session.device)
        if doubt is Doubt.NONE and goes_back(session.incarnation, greatest):
            doubt = Doubt.SET_BACK
        # Told once the peer has shown that it is alive, on this link or the next.
        session.set_back = doubt is Doubt.SET_BACK
        if doubt is not Doubt.NONE or session.device in world.forked:
            # Several copies may answer to this name: what one has acknowledged the other may lack.
            self._forget(session.device)
        self._keep(session.device, max(greatest, session.incarnation), doubt)

    def _kept(self, device: DeviceId) -> tuple[int, Doubt]:
        value = decode(self._world.txn.get(Space.INCARNATION, device) or b"", MAX_VALUE_BYTES)
        if not isinstance(value, list):
            return 0, Doubt.NONE
        greatest, doubt = value
        return int(greatest), Doubt(int(doubt))

    def _keep(self, device: DeviceId, greatest: int, doubt: Doubt) -> None:
        self._world.txn.put(Space.INCARNATION, device, encode([greatest, doubt.value]))

    def _forget(self, device: DeviceId) -> None:
        world = self._world
        world.held.pop(device, None)
        world.txn.forget_acknowledged(device)
        forget_islands_of(world, device)

    def doubt(self, older: Session) -> None:
        """Another link to the same device came up under another number. The older one is from before a restart, and silent; if it
        still answers, there are two of them."""
        if older.doubted_at is None:
            older.doubted_at = self._world.now
            self._probe(older)

    def _probe(self, older: Session) -> None:
        world = self._world
        number = older.next_offer
        older.next_offer += 1
        older.probes.add(number)
        older.probe_at = world.now + PROBE_MS
        world.send(older, Offer(number=number, channels=()))

    def on_ack(self, session: Session, ack: Ack) -> None:
        """Whoever acknowledges is alive."""
        if session.set_back:
            self._tell(session, AlarmKind.SET_BACK)
        if ack.offer is not None and ack.offer in session.probes:
            session.probes.clear()
            session.doubted_at = None
            self._tell(session, AlarmKind.RUNNING_TWICE)
            self._forget(session.device)

    def _tell(self, session: Session, kind: AlarmKind) -> None:
        world = self._world
        world.count(kind.value)
        session.set_back = False
        greatest, _ = self._kept(session.device)
        self._keep(session.device, greatest, Doubt.TOLD)
        user = world.user_of(session.device)
        if user is not None:
            raise_alarm(world, user, kind, detail=session.device)

    # Time

    def tick(self) -> None:
        world = self._world
        for session in world.peers():
            if session.doubted_at is not None:
                if world.now >= session.doubted_at + DOUBT_MS:
                    session.doubted_at = None
                    world.close(session, "replaced by another link to the same device")
                elif world.now >= session.probe_at:
                    self._probe(session)
            if session.device in world.forked:
                self._shorten(session)
        for device, until in list(world.shunned.items()):
            if until <= world.now:
                del world.shunned[device]
                world.credentials_changed = True

    def _shorten(self, session: Session) -> None:
        """A link with a device that forks serves to tell an honest copy of its state; its records come from others."""
        world = self._world
        if session.forked_at is None:
            session.forked_at = world.now
        told = (session.heard or session.greeted) and world.now >= session.forked_at + FORKED_LINK_MS
        if session.cut or not (told or session.device in world.shunned):
            return
        if session.device not in world.shunned:
            tries = self._shuns.get(session.device, 0)
            self._shuns[session.device] = tries + 1
            world.shunned[session.device] = world.now + min(MAX_SHUN_MS, MIN_SHUN_MS * 2 ** min(tries, 10))
            world.credentials_changed = True
        session.cut = True
        world.close(session, "its device has written two different records at one place")

    def wake_times(self) -> list[int]:
        world = self._world
        times = list(world.shunned.values())
        for session in world.peers():
            if session.doubted_at is not None:
                times.append(min(session.probe_at, session.doubted_at + DOUBT_MS))
            if session.device in world.forked and not session.cut:
                began = world.now if session.forked_at is None else session.forked_at
                if session.heard or session.greeted or began + FORKED_LINK_MS > world.now:
                    times.append(began + FORKED_LINK_MS)
        return times
