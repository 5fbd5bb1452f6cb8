"""Live records: sent at once to everyone who holds the ones before them."""

from collections.abc import Iterable

from multichat_tui.model.limits import PUSH_WINDOW_RECORDS
from multichat_tui.model.records import Record
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.pages import Pages
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Session


class Pushes:
    """Live records of ours, and of others towards those who asked for such."""

    def __init__(self, world: World, ledger: Ledger, pages: Pages) -> None:
        self._world = world
        self._ledger = ledger
        self._pages = pages

    def push(self, session: Session, channel: Channel, keys: Iterable[ChainKey]) -> None:
        """Send what follows what was sent or offered. Anything before that the peer knows of, and asks for what it lacks."""
        world = self._world
        sent = session.sent[channel.id]
        records: list[Record] = []
        for key in keys:
            if key in channel.chains.forks:
                # Seqs do not tell what the peer holds: its branches are offered.
                session.offer_later(channel.id, key, world.now)
                continue
            end = channel.chains.ends.get(key)
            if end is None or key in channel.chains.islands:
                continue
            told = sent.get(key, -1)
            reached = world.peer_top(session.device, channel.id, key)
            base = max(told, reached)
            watch = session.watches.get((channel.id, key))
            room = PUSH_WINDOW_RECORDS - (told - reached if watch is not None else 0)
            last = min(end.seq, base + max(0, room))
            if last > base:
                records += self._recent(channel, key, base + 1, last)
        if records:
            self._pages.send(session, channel, records)

    def _recent(self, channel: Channel, key: ChainKey, first: int, last: int) -> list[Record]:
        fresh = self._ledger.held.fresh
        found = [fresh.get((channel.id, key, seq)) for seq in range(first, last + 1)]
        if all(found):
            return [record for record in found if record is not None]
        return self._world.txn.chain(channel.id, key[0], channel.chains.ends[key].device, first, last)
