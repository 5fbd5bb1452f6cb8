"""Who was removed is told so: they get the control records up to their removal, and nothing else of the channel any more."""

from multichat_tui.channel.operations import Operation
from multichat_tui.model.limits import PAGE_RECORDS
from multichat_tui.model.records import Record
from multichat_tui.node.pages import Pages
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import chain_key
from multichat_tui.sync.session import Session

MAX_LOOKED_AT = 8 * PAGE_RECORDS
"""Control records before a removal that are looked at for those that the removed one lacks; a member lacked few of them."""


class Farewells:
    def __init__(self, world: World, pages: Pages) -> None:
        self._world = world
        self._pages = pages

    def begin(self, session: Session) -> None:
        """A link is up: of all channels that its user was removed from."""
        for channel in self._world.channels.values():
            self._tell(session, channel)

    def flush(self) -> None:
        """At the end of a batch in which memberships have ended."""
        due = sorted(self._world.farewells_due)
        self._world.farewells_due.clear()
        for identifier in due:
            channel = self._world.channels.get(identifier)
            for session in self._world.peers() if channel is not None else ():
                assert channel is not None
                self._tell(session, channel)

    def _tell(self, session: Session, channel: Channel) -> None:
        if not channel.rooted or not channel.live or session.user is None or session.user in channel.view.members:
            return
        removal = self._removal(channel, session)
        if removal is None or removal.bit & session.farewells.get(channel.id, 0):
            return
        session.farewells[channel.id] = session.farewells.get(channel.id, 0) | removal.bit
        records = self._lacking(session, channel, removal)
        if records:
            self._pages.tell(session, channel, records)

    def _removal(self, channel: Channel, session: Session) -> Operation | None:
        """The last one of the user, if the device was ever known here; one's own leaving is none."""
        if channel.control.user_of(session.device) != session.user:
            return None
        found = [ending.operation for ending in channel.view.endings if ending.user == session.user and ending.fence is not None]
        return channel.control.operation(channel.control.records_by_index(found[-1])) if found else None

    def _lacking(self, session: Session, channel: Channel, removal: Operation) -> list[Record]:
        """The removal and what the peer is not known to hold of its past, in causal order; empty if that is too much."""
        found: list[Record] = []
        for looked_at, identifier in enumerate(channel.control.records_in(removal.past | removal.bit)):
            if looked_at >= MAX_LOOKED_AT:
                break
            record = self._world.txn.record(identifier)
            if record is None:
                return []
            if not self._world.peer_has(session.device, channel.id, chain_key(record.header), record.header.seq):
                found.append(record)
        return found[::-1] if len(found) <= PAGE_RECORDS else []
