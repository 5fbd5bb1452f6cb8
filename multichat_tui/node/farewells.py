"""Who is no member any more is told why: they get the control records about themselves and the invitation that they used, with
what lies before these, and nothing else of the channel."""

from multichat_tui.model.limits import PAGE_RECORDS
from multichat_tui.model.ports import Space
from multichat_tui.model.records import Record
from multichat_tui.node.pages import Pages
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import chain_key
from multichat_tui.sync.session import Session, Watch

MAX_LOOKED_AT = 8 * PAGE_RECORDS
"""Control records that are looked at for those that the other lacks; a member lacked few of them."""
MAX_TELLS = 8
"""How often somebody is told again over one link, with doubling waits."""
NEVER = 2**62
"""Later than every clock."""


class Farewells:
    def __init__(self, world: World, pages: Pages) -> None:
        self._world = world
        self._pages = pages

    def begin(self, session: Session) -> None:
        """A link is up: of all channels in which its user is no member any more."""
        for channel in self._world.channels.values():
            self._tell(session, channel)

    def flush(self) -> None:
        """At the end of a batch in which members have changed."""
        due = sorted(self._world.farewells_due)
        self._world.farewells_due.clear()
        for identifier in due:
            channel = self._world.channels.get(identifier)
            for session in self._world.peers() if channel is not None else ():
                assert channel is not None
                self._tell(session, channel)

    def tick(self) -> None:
        """Who does not say that they have heard is told again, a few times."""
        world = self._world
        for session in world.peers():
            for identifier, watch in session.farewells.items():
                if watch.next_at <= world.now:
                    channel = world.channels.get(identifier)
                    watch.next_at = NEVER
                    if channel is not None and watch.tries < MAX_TELLS:
                        self._tell(session, channel, watch.tries + 1)

    def wake_times(self) -> list[int]:
        return [watch.next_at for session in self._world.peers() for watch in session.farewells.values()]

    def _tell(self, session: Session, channel: Channel, tries: int = 0) -> None:
        user = session.user
        if not channel.rooted or user is None or user in channel.view.members:
            return
        if session.device not in channel.untold(self._world.identity.device):
            return
        now = self._world.now
        session.farewells[channel.id] = Watch(sent_at=now, next_at=now + session.rtt.timeout_ms(tries), tries=tries)
        records = self._lacking(session, channel, channel.control.grounds(user))
        if records:
            self._pages.tell(session, channel, records)
        else:
            heard(self._world, session, channel)

    def _lacking(self, session: Session, channel: Channel, grounds: int) -> list[Record]:
        """Of a set of operations those that the peer is not known to hold, in causal order; empty if they are too many."""
        found: list[Record] = []
        for looked_at, identifier in enumerate(channel.control.records_in(grounds)):
            if looked_at >= MAX_LOOKED_AT:
                break
            record = self._world.txn.record(identifier)
            if record is None:
                return []
            if not self._world.peer_has(session.device, channel.id, chain_key(record.header), record.header.seq):
                found.append(record)
        return found[::-1] if len(found) <= PAGE_RECORDS else []


def heard(world: World, session: Session, channel: Channel) -> None:
    """Somebody acknowledges records of a channel in which they are no member any more: they have been told. From now on they are
    strangers, unless they are contacts, or fellow members elsewhere."""
    if channel.id in session.farewells and session.device in channel.untold(world.identity.device):
        world.txn.put(Space.TOLD, channel.id + session.device, b"")
        channel.told.add(session.device)
        world.credentials_changed = True
