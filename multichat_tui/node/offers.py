"""Offers: what we hold, said to peers; and what they say they hold."""

from multichat_tui.model.frames import ChannelOffer, Offer, Request
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId
from multichat_tui.model.limits import MAX_PENDING_OFFERS, MAX_STATEMENTS, MAX_TIPS
from multichat_tui.node.branches import Branches
from multichat_tui.node.holdings import Holdings, accepts, shares
from multichat_tui.node.pushes import Pushes
from multichat_tui.node.statements import Statements
from multichat_tui.node.world import World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Pending, Session, Watch

ALL = None


class Offers:
    """Offers made and received."""

    def __init__(self, world: World, holdings: Holdings, statements: Statements, pushes: Pushes) -> None:
        self._world = world
        self._holdings = holdings
        self._statements = statements
        self._pushes = pushes
        self._branches = Branches(world)

    def offer(self, session: Session, chains: dict[ChannelId, set[ChainKey] | None], *, statements: bool) -> None:
        """In as many offers as keep each within what a frame holds."""
        part: dict[ChannelId, set[ChainKey] | None] = {}
        size = 0
        for identifier, keys in chains.items():
            channel = self._world.channels.get(identifier)
            count = 2 + (len(keys) if keys is not None else 0 if channel is None else len(channel.chains.ends))
            if part and size + count > MAX_TIPS:
                self._offer_part(session, part, statements=statements)
                part, size, statements = {}, 0, False
            part[identifier] = keys
            size += count
        self._offer_part(session, part, statements=statements)

    def _offer_part(self, session: Session, chains: dict[ChannelId, set[ChainKey] | None], *, statements: bool) -> None:
        if len(session.offers) >= MAX_PENDING_OFFERS:
            self._world.close(session, "it acknowledges nothing")
            return
        number = session.next_offer
        session.next_offer += 1
        watch = Watch(sent_at=self._world.now, next_at=self._world.now + session.rtt.timeout_ms(0))
        session.offers[number] = Pending(watch=watch, chains=chains, statements=statements)
        self.send_offer(session, number)

    def send_offer(self, session: Session, number: int) -> None:
        world = self._world
        pending = session.offers[number]
        offers = []
        for identifier, keys in pending.chains.items():
            channel = world.channels.get(identifier)
            if channel is None or not shares(channel, session):
                continue
            held = channel.chains.ends
            sent = session.sent.setdefault(identifier, {})
            for key in held if keys is ALL else keys & held.keys():
                sent[key] = max(held[key].seq, sent.get(key, -1))
            tips = (
                channel.chains.tips()
                if keys is ALL
                else tuple(tip for k in sorted(keys) if k in held for tip in channel.chains.named(k))
            )
            offers.append(ChannelOffer(channel=identifier, tips=tips))
        statements = self._statements.known_to(session) if pending.statements else ()
        world.send(session, Offer(number=number, channels=tuple(offers), statements=statements))

    def on_offer(self, session: Session, offer: Offer) -> None:
        world = self._world
        first, session.heard = not session.heard, True
        session.ack_offers.append(offer.number)
        for entry in offer.channels:
            channel = world.channels.get(entry.channel)
            if channel is None or not accepts(channel, session):
                continue
            lacks = self._holdings.learn(session, channel, entry.tips)
            if lacks:
                channel.plan_at = world.now
            # At link up our own offer says what we hold, unless we got it since then; later the acknowledgement does.
            ends = channel.chains.ends
            told = session.sent.get(channel.id, {}) if first else {}
            keys = {(tip.log, tip.device) for tip in entry.tips} & ends.keys()
            session.ack_due.setdefault(channel.id, set()).update(k for k in keys if ends[k].seq > told.get(k, -1))
        wanted = []
        for statement in offer.statements:
            if self._statements.wants(session, statement):
                wanted.append((statement.user, statement.kind))
        for start in range(0, len(wanted), MAX_STATEMENTS):
            chunk = tuple(wanted[start : start + MAX_STATEMENTS])
            world.send(session, Request(channel=bytes(PREFIX_SIZE), statements=chunk))

    def flush(self, session: Session) -> None:
        """Others' records: pushed at once to those who asked for such before, offered after a while to the rest."""
        world = self._world
        chains: dict[ChannelId, set[ChainKey] | None] = {}
        relays: dict[ChannelId, list[ChainKey]] = {}
        for identifier, due in list(session.offer_due.items()):
            channel = world.channels.get(identifier)
            if channel is None or not channel.serves(session.device):
                del session.offer_due[identifier]
                continue
            holds = world.peer_holds(session.device, identifier)
            for key, at in list(due.items()):
                forked = key in channel.chains.forks
                if not self._branches.lacks(session, channel, key) if forked else holds.get(key, -1) >= channel.chains.held(key):
                    del due[key]
                elif at <= world.now:
                    del due[key]
                    serving = session.serving.get(identifier)
                    if not forked and session.relay_delay.get(key[1]) == 0 and (serving is None or key not in serving.ranges):
                        relays.setdefault(identifier, []).append(key)
                    else:
                        keys = chains.setdefault(identifier, set())
                        assert keys is not None
                        keys.add(key)
            if not due:
                del session.offer_due[identifier]
        for identifier, relayed in relays.items():
            session.sent.setdefault(identifier, {})
            self._pushes.push(session, world.channels[identifier], relayed)
        if chains:
            self.offer(session, chains, statements=False)
