"""Greetings: what two peers say at link up. Mostly that nothing is missing, in one short exchange; else only what differs.

Each side sends the fingerprint of all that both share. Parts that are equal are settled. Where the chains differ, each offers
those of which it holds more than the other is known to hold; where neither knows of any, all (one of them has lost something).
"""

from multichat_tui.model.frames import ChainTip
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log, digest
from multichat_tui.model.statements import PRIVATE, StatementKind
from multichat_tui.node.device_statements import STATING_VERSION, DeviceStatements
from multichat_tui.node.holdings import Holdings, shares
from multichat_tui.node.offers import ALL, Chosen, Offers
from multichat_tui.node.private_statements import said_between
from multichat_tui.node.receipts import Receipts
from multichat_tui.node.statements import Statements
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.fingerprint import (
    ALL_SAME,
    CHAINS_SAME,
    DEVICE_STATEMENTS_SAME,
    RECEIPTS_SAME,
    STATEMENTS_SAME,
    Said,
    fingerprint,
    same_parts,
)
from multichat_tui.sync.session import Pending, Role, Session

GREETING_VERSION = 2
"""The first version of the link protocol that knows fingerprints."""


class Greetings:
    """Link up, from the first word to the point from which live records go."""

    def __init__(
        self,
        world: World,
        offers: Offers,
        holdings: Holdings,
        statements: Statements,
        receipts: Receipts,
        device_statements: DeviceStatements,
    ) -> None:
        self._world = world
        self._offers = offers
        self._holdings = holdings
        self._statements = statements
        self._receipts = receipts
        self._device_statements = device_statements
        offers.on_fingerprint = self.heard
        offers.on_same = self.answered

    def begin(self, session: Session) -> None:
        if session.version < GREETING_VERSION:
            session.greeted = True
            session.stated.update(channel.id for channel in self._shared(session))
            self._offers.offer(session, dict.fromkeys((c.id for c in self._shared(session)), ALL), statements=True)
            return
        held = self._held(session)
        self._offers.open(session, lambda watch: Pending(watch=watch, fingerprint=self._fingerprint(session), held=held))

    def heard(self, session: Session, theirs: bytes) -> int:
        """The peer's fingerprint; returns which parts are equal here."""
        if session.role is not Role.PEER:
            # To a host nothing is said before the control log has shown who it is.
            return 0
        same = same_parts(self._fingerprint(session), theirs, devices=session.version >= STATING_VERSION)
        if same & CHAINS_SAME:
            self._raise(session, self._held(session))
        self._introduce(session, same)
        return same

    def answered(self, session: Session, pending: Pending, same: int) -> None:
        """The peer has compared our fingerprint with its own."""
        if same & CHAINS_SAME:
            self._raise(session, pending.held)
        self._introduce(session, same)

    def _introduce(self, session: Session, same: int) -> None:
        """What differs is offered, once on each link; from then on live records go."""
        if same & STATEMENTS_SAME and session.user is not None and self._world.closed(self._world.identity.user):
            self._world.told_closing.add(session.user)
            self._world.status_changed = True
        if session.greeted:
            return
        session.greeted = True
        for channel in self._shared(session):
            session.sent.setdefault(channel.id, {})
        told = session.version < STATING_VERSION or bool(same & DEVICE_STATEMENTS_SAME)
        if told and session.version >= STATING_VERSION:
            self._device_statements.all_known(session)
        session.stated.update(channel.id for channel in self._shared(session))
        if same & ALL_SAME == ALL_SAME and told:
            return
        chains, beyond = ({}, True) if same & CHAINS_SAME else self._beyond(session)
        receipts = not same & RECEIPTS_SAME
        if chains or not beyond or receipts or not told or not same & STATEMENTS_SAME:
            self._offers.offer(
                session,
                chains,
                statements=not same & STATEMENTS_SAME,
                receipt_numbers=receipts,
                device_numbers=not told,
                nothing_beyond=not beyond,
            )

    def _beyond(self, session: Session) -> tuple[Chosen, bool]:
        """The chains of which we hold more than the peer is known to hold, and whether there is one. Where there is none
        such, and the peer has nothing new either, one of the two has lost something: then all are offered (see `acks`).

        Its own are named too: whose disk came back from an old copy learns of it before it writes at a place again.
        """
        found: Chosen = {}
        beyond = False
        for channel in self._shared(session):
            holds = self._world.peer_holds(session.device, channel.id)
            keys: set[ChainKey] = set()
            for key, end in channel.chains.ends.items():
                # What a peer holds of a forked chain is not known before it says so.
                if end.seq > holds.get(key, -1) or key in channel.chains.forks:
                    keys.add(key)
                    beyond = True
                elif end.device == session.device:
                    keys.add(key)
            if channel.chains.islands:
                # What is above gaps is told beside the tips of its chains; the peer may have more of their lower parts.
                keys.update(channel.chains.islands)
                beyond = True
            if keys:
                found[channel.id] = keys
        return found, beyond

    def _held(self, session: Session) -> dict[ChannelId, tuple[ChainTip, ...]]:
        return {channel.id: channel.chains.tips() for channel in self._shared(session)}

    def _raise(self, session: Session, held: dict[ChannelId, tuple[ChainTip, ...]]) -> None:
        for identifier, tips in held.items():
            channel = self._world.channels.get(identifier)
            if channel is not None and shares(channel, session):
                for tip in tips:
                    self._holdings.acknowledged(session, channel, tip)

    def _shared(self, session: Session) -> list[Channel]:
        return [channel for channel in self._world.channels.values() if shares(channel, session)]

    def _digest(self, session: Session, channel: Channel) -> bytes:
        """Over what is held. To the author of a text that has not come with its header it is another one than theirs: they are to
        hear of it (`tips_told`)."""
        held = channel.chains.digest()
        own: ChainKey = (Log.CONTENT, session.device[:PREFIX_SIZE])
        lacking = channel.lacking.lowest((own,)).get(own)
        return held if lacking is None else digest("mc.fp.lacking", held + session.device + lacking.to_bytes(8, "big"))

    def _fingerprint(self, session: Session) -> bytes:
        shared = self._shared(session)
        users = {self._world.identity.user, session.user}
        users.update(user for channel in shared for user in channel.view.members)
        own = self._world.identity
        said: list[Said] = [
            (user, kind, s.number, s.body)
            for (user, kind), s in self._world.statements.items()
            if user in users and kind not in PRIVATE and (user != own.user or kind == StatementKind.CLOSED)
        ]
        said += [(s.user, s.kind, s.number, s.body) for s in said_between(self._world, session.user)]
        said.append((own.user, own.profile.kind, own.profile.number, own.profile.body))
        for user in users:
            listed = None if user is None else own.devices if user == own.user else self._world.list_of(user)
            if listed is not None and listed.number:
                said.append((listed.user, StatementKind.DEVICES, listed.mark, b""))
        return fingerprint(
            ((channel.id, self._digest(session, channel)) for channel in shared),
            said,
            (receipt for channel in shared for receipt in channel.receipts.values()),
            self._device_statements.between(session) if session.version >= STATING_VERSION else None,
        )
