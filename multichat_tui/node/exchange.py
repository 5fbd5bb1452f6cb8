"""Synchronisation over links: offers, requests, records, acknowledgements.

docs/protocol/synchronisation.md gives the state machine.

- On link up both sides OFFER what they hold of the channels that they share; each REQUESTs what it lacks; records come in pages,
  in causal order; each page is acknowledged after its commit, and the next follows.
- Live records go out at once to everyone who holds the ones before them. What is not acknowledged in time is offered again, not
  sent again: the answer is an acknowledgement, or a request.
- Records of others are offered on after a moment; to a peer that had to ask for them they go at once from then on.
"""

from collections.abc import Callable
from functools import partial

from multichat_tui.model.events import PresenceChanged
from multichat_tui.model.frames import Ack, Islands, MessageFrame, Offer, Request, Withheld
from multichat_tui.model.ids import ChannelId
from multichat_tui.node.acks import Acks
from multichat_tui.node.arrivals import Arrivals
from multichat_tui.node.catching_up import CatchingUp
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.farewells import Farewells
from multichat_tui.node.filling import Filling
from multichat_tui.node.gaps import Gaps
from multichat_tui.node.greetings import Greetings
from multichat_tui.node.holdings import Holdings, shares
from multichat_tui.node.holes import Holes
from multichat_tui.node.islands import IslandNews
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.newly_shared import NewlyShared
from multichat_tui.node.offers import ALL, Offers
from multichat_tui.node.packing import Packing
from multichat_tui.node.pages import Pages
from multichat_tui.node.pushes import Pushes
from multichat_tui.node.readers import Readers
from multichat_tui.node.receipts import Receipts
from multichat_tui.node.relaying import Relaying
from multichat_tui.node.requests import Requests
from multichat_tui.node.statements import Statements
from multichat_tui.node.withholding import Withholding
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Role, Session


class Exchange:
    """Joins the parts of synchronisation: offers, requests, arrivals, pushes, acknowledgements, statements."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._bodies = ledger.bodies
        withholding = Withholding(world, ledger.held)
        pages = self._pages = Pages(world, ledger, withholding)
        self._pushes = Pushes(world, ledger, pages)
        holdings = self.holdings = Holdings(world, self._pushes)
        self._statements = Statements(world)
        self.readers = Readers(world, pages)
        self._holes = Holes(world, holdings, withholding)
        pages.on_lacking = partial(self._holes.tell, again=True)
        self._islands = IslandNews(world, holdings, self._holes)
        self.filling = Filling(world, ledger)
        relaying = Relaying(world)
        self._receipts = Receipts(world, holdings, relaying)
        self.device_statements = DeviceStatements(world)
        self._offers = Offers(
            world, holdings, self._statements, self._pushes, self._receipts, self._islands, self.device_statements
        )
        self._greetings = Greetings(world, self._offers, holdings, self._statements, self._receipts, self.device_statements)
        self.requests = Requests(world, pages, self._statements, self._receipts, self.device_statements, self.filling)
        self._farewells = Farewells(world, pages)
        self._acks = Acks(world, holdings, pages, self._offers, self._islands)
        self.packing = Packing(world, pages, self._receipts, self._islands, self.device_statements)
        self._catching_up = CatchingUp(world)
        self._gaps = Gaps(world)
        self._newly_shared = NewlyShared(world, self.device_statements)
        self.arrivals = Arrivals(
            world,
            ledger,
            holdings,
            self.requests,
            self._statements,
            self._receipts,
            self.device_statements,
            self.filling,
            self._islands,
            self._holes,
            relaying,
        )

    def on_begin(self, say: Callable[[Session], None]) -> None:
        """What else is said to a new peer, and to one who becomes a contact while linked; set by the engine."""
        self._newly_shared.on_contact = say

    def begin(self, session: Session) -> None:
        """A link leads to a peer: say what we hold of the channels that we share."""
        world = self._world
        self._greetings.begin(session)
        user = session.user
        assert user is not None
        world.emit(lambda seq: PresenceChanged(seq=seq, user=user, device=session.device, online=True))
        self._presence(session)
        self._bodies.linked(session)
        self._farewells.begin(session)
        self._newly_shared.begin(session)

    def end(self, session: Session) -> None:
        """The link is down."""
        world = self._world
        self._bodies.unlinked(session)
        world.left_at[session.device] = world.now
        for parking in session.parking.values():
            parking.clear()
        for channel in world.channels.values():
            if channel.fill is not None and channel.fill.link == session.link:
                channel.fill = None
                channel.plan_at = world.now
            if any(want.link == session.link for want in channel.wants.values()):
                channel.wants = {key: want for key, want in channel.wants.items() if want.link != session.link}
                channel.plan_at = world.now
        user = session.user
        if session.role is Role.PEER and user is not None and not world.online(user):
            world.emit(lambda seq: PresenceChanged(seq=seq, user=user, device=session.device, online=False))
            self._presence(session)

    def _presence(self, session: Session) -> None:
        world = self._world
        for channel in world.channels.values():
            if channel.serves(session.device):
                world.changed_channels.add(channel.id)
        if session.user in world.contacts:
            world.changed_contacts.add(session.user)

    def fetch_older(self, channel: Channel, count: int) -> None:
        """Ask for what is missing of a channel, so many records at least, whatever the settings say."""
        self._gaps.ask_again(channel, count)

    def announce(self, channel: Channel) -> None:
        """A channel is new to us or to somebody: offer it whole to every member who is linked."""
        for session in self._world.peers():
            if shares(channel, session):
                self._offers.offer(session, {channel.id: ALL})

    def announce_statements(self) -> None:
        for session in self._world.peers():
            self._offers.offer(session, {}, statements=True)

    # Frames

    def on_offer(self, session: Session, offer: Offer) -> None:
        self._offers.on_offer(session, offer)

    def on_ack(self, session: Session, ack: Ack) -> None:
        self._acks.on_ack(session, ack)

    def on_islands(self, session: Session, frame: Islands) -> None:
        self._islands.heard(session, frame)

    def on_withheld(self, session: Session, frame: Withheld) -> None:
        self.arrivals.on_withheld(session, frame)

    def on_request(self, session: Session, request: Request) -> None:
        self.requests.on_request(session, request)

    def on_message(self, session: Session, frame: MessageFrame) -> None:
        self.arrivals.on_message(session, frame)

    # The end of a batch, and time

    def flush(self) -> None:
        """At the end of a batch: everything for one peer together."""
        self.device_statements.tick()
        self._newly_shared.look()
        for session in list(self._world.sessions.values()):
            if session.push_due and session.greeted:
                self._pushes_due(session)
            if session.ack_due or session.ack_offers:
                self._acks.flush(session)
            if session.bodies_due:
                self._pages.give_bodies(session)
            if session.greeted:
                self._offers.flush(session)
            if session.receipts_due:
                self._offers.offer_receipts(session)
            if session.device_statements_due and session.greeted:
                self._offers.offer_device_statements(session)
            self._offers.offer_numbers(session)
        if self._world.farewells_due:
            self._farewells.flush()
        for channel in list(self._world.channels.values()):
            if channel.rooted:
                self._holes.look(channel)
            if channel.plan_at is not None and channel.plan_at <= self._world.now:
                self.requests.plan(channel)
        self._bodies.ask()
        self.readers.flush()
        self._catching_up.look()
        self._gaps.look()

    def _pushes_due(self, session: Session) -> None:
        due, session.push_due = session.push_due, {}
        for identifier, keys in due.items():
            channel = self._world.channels.get(identifier)
            if channel is None or session.role is not Role.PEER or not channel.serves(session.device):
                continue
            if identifier in session.sent:
                self._pushes.push(session, channel, keys)
            else:
                self._offers.offer(session, {identifier: ALL})

    def hurry(self) -> None:
        """The node ends: receipts that wait for company go now."""
        self._receipts.hurry()

    def tick(self) -> None:
        """What waited too long is offered again."""
        world = self._world
        self._receipts.tick()
        self._farewells.tick()
        for session in world.peers():
            for number, pending in list(session.offers.items()):
                if pending.watch.next_at <= world.now:
                    pending.watch.tries += 1
                    pending.watch.next_at = world.now + session.rtt.timeout_ms(pending.watch.tries)
                    self._offers.send_offer(session, number)
            overdue: dict[ChannelId, set[ChainKey] | None] = {}
            for (identifier, key), watch in session.watches.items():
                if watch.next_at <= world.now:
                    watch.tries += 1
                    watch.next_at = world.now + session.rtt.timeout_ms(watch.tries)
                    keys = overdue.setdefault(identifier, set())
                    assert keys is not None
                    keys.add(key)
            if overdue:
                self._offers.offer(session, overdue)

    def wake_times(self) -> list[int]:
        times = [channel.plan_at for channel in self._world.channels.values() if channel.plan_at is not None]
        for session in self._world.peers():
            times += [pending.watch.next_at for pending in session.offers.values()]
            times += [watch.next_at for watch in session.watches.values()]
            if session.greeted and session.offer_at is not None:
                times.append(session.offer_at)
        return (
            times
            + self.device_statements.wake_times()
            + self._receipts.wake_times()
            + self._farewells.wake_times()
            + self._gaps.wake_times()
            + self._bodies.wake_times()
            + self.readers.wake_times()
        )
