"""Offers: what we hold, said to peers; and what they say they hold."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeAlias

from multichat_tui.model.frames import ChainTip, ChannelOffer, Offer, Request, Vector
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log
from multichat_tui.model.limits import (
    MAX_BRANCHES,
    MAX_DEVICE_STATEMENTS,
    MAX_PENDING_OFFERS,
    MAX_RECEIPTS,
    MAX_STATEMENTS,
    MAX_TIPS,
)
from multichat_tui.model.receipts import ReceiptName
from multichat_tui.node.branches import Branches
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.holdings import Holdings, accepts, shares, tips_told
from multichat_tui.node.islands import IslandNews
from multichat_tui.node.pushes import Pushes
from multichat_tui.node.receipts import Receipts
from multichat_tui.node.statements import Statements
from multichat_tui.node.withholding import WITHHELD_VERSION
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Pending, Role, Session, Watch

ALL = None
Chosen: TypeAlias = dict[ChannelId, set[ChainKey] | None]
"""Chains to offer, by channel; ALL for each of the channel's."""
VECTOR_VERSION = 2
"""The first version of the link protocol that knows vectors."""


class PendingBuild(Protocol):
    def __call__(self, watch: Watch) -> Pending: ...


class Offers:
    """Offers made and received."""

    def __init__(
        self,
        world: World,
        holdings: Holdings,
        statements: Statements,
        pushes: Pushes,
        receipts: Receipts,
        islands: IslandNews,
        device_statements: DeviceStatements,
    ) -> None:
        self._world = world
        self._holdings = holdings
        self._statements = statements
        self._pushes = pushes
        self._islands = islands
        self._branches = Branches(world)
        self._receipts = receipts
        self.device_statements = device_statements
        # Set by `greetings`.
        self.on_fingerprint: Callable[[Session, bytes], int] = lambda session, fingerprint: 0
        self.on_same: Callable[[Session, Pending, int], None] = lambda session, pending, same: None

    def open(self, session: Session, make: PendingBuild) -> None:
        """Send an offer, and again until it is acknowledged."""
        if len(session.offers) >= MAX_PENDING_OFFERS:
            self._world.close(session, "it acknowledges nothing")
            return
        number = session.next_offer
        session.next_offer += 1
        session.offers[number] = make(watch=Watch(sent_at=self._world.now, next_at=self._world.now + session.rtt.timeout_ms(0)))
        self.send_offer(session, number)

    def offer(
        self,
        session: Session,
        chains: Chosen,
        *,
        statements: bool = False,
        receipt_numbers: bool = False,
        receipt_names: tuple[ReceiptName, ...] = (),
        device_numbers: bool = False,
        plain: bool = False,
        nothing_beyond: bool = False,
    ) -> None:
        """In as many offers as keep each within what a frame holds."""
        parts: list[Chosen] = [{}]
        size = 0
        for identifier, keys in chains.items():
            channel = self._world.channels.get(identifier)
            # Of one channel every part has an offer of its own.
            for chosen, count in [(keys, 2)] if channel is None else _pieces(channel, keys):
                if parts[-1] and size + count > MAX_TIPS:
                    parts.append({})
                    size = 0
                parts[-1][identifier] = chosen
                size += count
        end = len(parts) - 1
        for index, part in enumerate(parts):
            self.open(
                session,
                partial(
                    Pending,
                    chains=part,
                    statements=statements and index == 0,
                    receipt_numbers=receipt_numbers and index == 0,
                    receipt_names=receipt_names if index == 0 else (),
                    device_numbers=device_numbers and index == 0,
                    plain=plain,
                    nothing_beyond=nothing_beyond and index == end,
                ),
            )

    def offer_receipts(self, session: Session) -> None:
        """Those that are due to the peer."""
        due, session.receipts_due = sorted(session.receipts_due), set()
        for start in range(0, len(due), MAX_RECEIPTS):
            names = tuple(due[start : start + MAX_RECEIPTS])
            self.open(session, partial(Pending, receipts=names))

    def offer_device_statements(self, session: Session) -> None:
        """Those that are due to the peer."""
        due, session.device_statements_due = sorted(session.device_statements_due), set()
        for start in range(0, len(due), MAX_DEVICE_STATEMENTS):
            names = tuple(due[start : start + MAX_DEVICE_STATEMENTS])
            self.open(session, partial(Pending, device_statements=names))

    def offer_numbers(self, session: Session) -> None:
        """What the peer is to be told that we have, beside channels. Once for all that came in this batch: who changes his name a
        thousand times is not passed on a thousand times."""
        statements = session.statements_due and session.role is Role.PEER
        receipts, devices = session.receipt_numbers_due, session.device_numbers_due
        session.statements_due = session.receipt_numbers_due = session.device_numbers_due = False
        if statements or receipts or devices:
            self.offer(session, {}, statements=statements, receipt_numbers=receipts, device_numbers=devices)

    def send_offer(self, session: Session, number: int) -> None:
        world = self._world
        pending = session.offers[number]
        offers: list[ChannelOffer] = []
        vectors: list[Vector] = []
        for identifier, keys in pending.chains.items():
            channel = world.channels.get(identifier)
            if channel is None or not shares(channel, session):
                continue
            held = channel.chains.ends
            named = sorted(held if keys is ALL else keys & held.keys())
            if session.version < WITHHELD_VERSION:
                # It would ask for what is withheld from us.
                named = [key for key in named if key not in channel.chains.holes]
            sent = session.sent.setdefault(identifier, {})
            for key in named:
                sent[key] = max(held[key].seq, sent.get(key, -1))
            vector = None if pending.plain else self._vector(session, channel, named)
            if vector is not None:
                vectors.append(vector)
            else:
                tips = tuple(tip for key in named for tip in tips_told(world, session, channel, key))
                offers.append(ChannelOffer(channel=identifier, tips=tips))
            self._islands.tell(session, channel, keys)
        self.device_statements.telling(pending)
        world.send(
            session,
            Offer(
                number=number,
                channels=tuple(offers),
                statements=self._statements.known_to(session) if pending.statements else (),
                fingerprint=pending.fingerprint,
                vectors=tuple(vectors),
                receipts=self._receipts.of(pending.receipts, session),
                receipt_numbers=self._receipts.numbers_for(session)
                if pending.receipt_numbers
                else self._receipts.numbers_of(pending.receipt_names, session),
                device_statements=self.device_statements.of(pending.device_statements, session),
                device_numbers=self.device_statements.numbers_for(session) if pending.device_numbers else (),
            ),
        )

    def _vector(self, session: Session, channel: Channel, keys: list[ChainKey]) -> Vector | None:
        """The short form, for a peer that has our control log, and so numbers the channel's devices as we do."""
        if session.version < VECTOR_VERSION:
            return None
        holds = self._world.peer_holds(session.device, channel.id)
        if any(key[0] is Log.CONTROL and end.seq > holds.get(key, -1) for key, end in channel.chains.ends.items()):
            return None
        places = []
        for key in keys:
            index = channel.numbers.index(key[1])
            if index is None:
                return None
            tips = tips_told(self._world, session, channel, key)
            places += [(2 * index + tip.log, tip.seq, tip.hash) for tip in tips]
        return Vector(channel=channel.id[:PREFIX_SIZE], table=channel.numbers.tag, places=tuple(places))

    def on_offer(self, session: Session, offer: Offer) -> None:
        session.ack_offers.append(offer.number)
        if offer.fingerprint:
            session.ack_same[offer.number] = self.on_fingerprint(session, offer.fingerprint)
            return
        first, session.heard = not session.heard, True
        for entry in offer.channels:
            self._hear(session, self._world.channels.get(entry.channel), entry.tips, first=first)
        unread = []
        for vector in offer.vectors:
            channel = self._world.by_prefix.get(vector.channel)
            # Of one that we do not know (any more) the numbers say nothing; and nobody is told which of the others we know.
            tips = None if channel is None or not accepts(channel, session) else _tips_of(channel, vector)
            if tips is None:
                unread.append(vector.channel)
            else:
                self._hear(session, channel, tips, first=first)
        if unread:
            session.ack_unread[offer.number] = tuple(unread)
        self._ask(session, offer)

    def _hear(self, session: Session, channel: Channel | None, tips: tuple[ChainTip, ...], *, first: bool) -> None:
        if channel is None or not accepts(channel, session):
            return
        if self._holdings.learn(session, channel, tips):
            channel.plan_at = self._world.now
        # At link up our own offer says what we hold, unless we got it since then; later the acknowledgement does.
        ends = channel.chains.ends
        told = session.sent.get(channel.id, {}) if first else {}
        keys = {(tip.log, tip.device) for tip in tips} & ends.keys()
        session.ack_due.setdefault(channel.id, set()).update(k for k in keys if ends[k].seq > told.get(k, -1))

    def _ask(self, session: Session, offer: Offer) -> None:
        """For statements and receipts that are newer than ours."""
        world = self._world
        wanted = []
        for statement in offer.statements:
            if self._statements.wants(session, statement):
                wanted.append((statement.user, statement.kind))
        for start in range(0, len(wanted), MAX_STATEMENTS):
            chunk = tuple(wanted[start : start + MAX_STATEMENTS])
            world.send(session, Request(channel=bytes(PREFIX_SIZE), statements=chunk))
        self._receipts.ask(session, self._receipts.on_offer(session, offer))
        self.device_statements.on_offer(session, offer)

    def flush(self, session: Session) -> None:
        """Others' records: pushed at once to those who asked for such before, offered after a while to the rest, as are others'
        receipts. What would be offered later goes with what is due."""
        world = self._world
        if session.offer_at is None or session.offer_at > world.now:
            return
        named, session.receipt_names_due = session.receipt_names_due, {}
        chains: Chosen = {}
        relays: dict[ChannelId, list[ChainKey]] = {}
        waiting: list[tuple[int, ChannelId, ChainKey]] = []
        offers, session.offer_due, session.offer_at = session.offer_due, {}, None
        for identifier, due in offers.items():
            channel = world.channels.get(identifier)
            if channel is None or not channel.serves(session.device):
                continue
            holds = world.peer_holds(session.device, identifier)
            for key, at in due.items():
                forked = key in channel.chains.forks
                if not self._branches.lacks(session, channel, key) if forked else holds.get(key, -1) >= channel.chains.held(key):
                    continue
                serving = session.serving.get(identifier)
                if at > world.now:
                    waiting.append((at, identifier, key))
                elif not forked and key[1] in session.asked_of and (serving is None or key not in serving.ranges):
                    relays.setdefault(identifier, []).append(key)
                else:
                    _choose(chains, identifier, key)
        names = self._receipts.unnamed(session, named)
        going = bool(chains) or any(named[name] <= world.now for name in names)
        for at, identifier, key in waiting:
            if going:
                _choose(chains, identifier, key)
            else:
                session.offer_later(identifier, key, at)
        for identifier, relayed in relays.items():
            session.sent.setdefault(identifier, {})
            self._pushes.push(session, world.channels[identifier], relayed)
        if going:
            self.offer(session, chains, receipt_names=names)
            return
        for name in names:
            session.name_later(name, named[name])


def _choose(chains: Chosen, channel: ChannelId, key: ChainKey) -> None:
    keys = chains.setdefault(channel, set())
    assert keys is not None
    keys.add(key)


def _pieces(channel: Channel, keys: set[ChainKey] | None) -> list[tuple[set[ChainKey] | None, int]]:
    """The chains of a channel in parts that one offer can name each, with their sizes: one part, but for floods of branches."""
    ends, forks = channel.chains.ends, channel.chains.forks
    named = ends.keys() if keys is ALL else keys & ends.keys()
    size = 2 + len(named) + sum(min(len(leaves), MAX_BRANCHES) for key, leaves in forks.items() if key in named)
    if size <= MAX_TIPS:
        return [(keys, size)]
    parts: list[tuple[set[ChainKey] | None, int]] = []
    part: set[ChainKey] = set()
    size = 2
    for key in sorted(named):
        count = min(len(forks[key]), MAX_BRANCHES) if key in forks else 1
        if size + count > MAX_TIPS:
            parts.append((part, size))
            part, size = set(), 2
        part.add(key)
        size += count
    return [*parts, (part, size)]


def _tips_of(channel: Channel, vector: Vector) -> tuple[ChainTip, ...] | None:
    """None if it names devices by another table, or none of this one."""
    numbers = channel.numbers
    if vector.table != numbers.tag or any(place // 2 >= len(numbers.prefixes) for place, _, _ in vector.places):
        return None
    return tuple(
        ChainTip(device=numbers.prefixes[place // 2], log=Log(place % 2), seq=seq, hash=begins)
        for place, seq, begins in vector.places
    )
