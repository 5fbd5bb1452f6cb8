"""Acknowledgements, given and received."""

from multichat_tui.model.frames import Ack, ChannelAck
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId
from multichat_tui.model.limits import MAX_TIPS
from multichat_tui.node.farewells import heard
from multichat_tui.node.holdings import Holdings, accepts, shares, tips_told
from multichat_tui.node.islands import IslandNews
from multichat_tui.node.offers import ALL, Offers
from multichat_tui.node.pages import Pages
from multichat_tui.node.world import World
from multichat_tui.sync.session import Pending, Session


class Acks:
    """Acknowledgements of offers and of records."""

    def __init__(self, world: World, holdings: Holdings, pages: Pages, offers: Offers, islands: IslandNews) -> None:
        self._world = world
        self._holdings = holdings
        self._pages = pages
        self._offers = offers
        self._islands = islands

    def on_ack(self, session: Session, ack: Ack) -> None:
        world = self._world
        pending = session.offers.pop(ack.offer, None) if ack.offer is not None else None
        for taken in ack.device_statements:
            self._offers.device_statements.taken_by(session, taken)
        if pending is not None and pending.told:
            self._offers.device_statements.acknowledged(session, pending)
        if pending is not None and not pending.watch.tries:
            session.rtt.measured(world.now - pending.watch.sent_at)
        acknowledged: set[ChannelId] = set()
        for entry in ack.channels:
            channel = world.by_prefix.get(entry.channel)
            if channel is None or not channel.rooted:
                continue
            if not channel.serves(session.device):
                heard(world, session, channel)
                continue
            acknowledged.add(channel.id)
            for tip in entry.tips:
                if tip.seq <= channel.chains.held((tip.log, tip.device)):
                    self._holdings.acknowledged(session, channel, tip)
                elif accepts(channel, session) and self._holdings.learn(session, channel, (tip,)):
                    channel.plan_at = world.now
            self._pages.acknowledged(session, channel)
        if pending is not None and pending.fingerprint:
            self._offers.on_same(session, pending, 0 if ack.same is None else ack.same)
        elif pending is not None:
            unread = {i: keys for i, keys in pending.chains.items() if i[:PREFIX_SIZE] in ack.unread}
            if unread and not pending.plain:
                self._offers.offer(session, unread, plain=True)
            self._settle_relays(session, pending, acknowledged)
            if pending.nothing_beyond and not session.had_news:
                # Neither side has anything new, yet they differ: one of the two has lost something.
                shared = (channel.id for channel in world.channels.values() if shares(channel, session))
                self._offers.offer(session, dict.fromkeys(shared, ALL))

    def _settle_relays(self, session: Session, pending: Pending, acknowledged: set[ChannelId]) -> None:
        """An offer of others' records that found them held already: that peer gets them elsewhere, so wait longer."""
        found: set[bool] = set()
        for identifier, keys in pending.chains.items():
            channel = self._world.channels.get(identifier)
            if channel is None or keys is ALL or identifier not in acknowledged:
                continue
            holds = self._world.peer_holds(session.device, identifier)
            for key in keys:
                if key[1] != self._world.identity.device[:PREFIX_SIZE]:
                    held = holds.get(key, -1) >= channel.chains.held(key)
                    found.add(held)
                    if held:
                        session.asked_of.discard(key[1])
        if found == {True}:
            session.in_vain += 1

    def flush(self, session: Session) -> None:
        world = self._world
        due, session.ack_due = session.ack_due, {}
        numbers, session.ack_offers = session.ack_offers, []
        entries: list[ChannelAck] = []
        size = 0
        for identifier, keys in due.items():
            channel = world.channels.get(identifier)
            if channel is not None and keys:
                known = [key for key in sorted(keys) if key in channel.chains.ends]
                tips = tuple(tip for key in known for tip in tips_told(world, session, channel, key))
                for start in range(0, len(tips), MAX_TIPS // 2):
                    part = tips[start : start + MAX_TIPS // 2]
                    if entries and size + len(part) > MAX_TIPS:
                        world.send(session, Ack(channels=tuple(entries)))
                        entries, size = [], 0
                    entries.append(ChannelAck(channel=identifier[:PREFIX_SIZE], tips=part))
                    size += 1 + len(part)
                self._islands.tell(session, channel, keys)
        if not numbers:
            if entries:
                world.send(session, Ack(channels=tuple(entries)))
            return
        for position, number in enumerate(numbers):
            world.send(
                session,
                Ack(
                    channels=tuple(entries) if position == 0 else (),
                    offer=number,
                    same=session.ack_same.pop(number, None),
                    unread=session.ack_unread.pop(number, ()),
                ),
            )
