"""Receipts: who got a message through others says so, signed; members pass that on, so that its author's mark is true.

A receipt is made only where an author is not linked: to those who are, the acknowledgement itself has gone. Whoever is linked is
given it whole. On they tell one another of its number alone, when they would offer a record of its maker (see `relaying`): mostly
the other has it already.
"""

from collections.abc import Iterable
from itertools import islice

from multichat_tui.crypto.identity import receipt_holds, sign_receipt
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import Offer, Prefix, ReceiptOffer, Request
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, Log
from multichat_tui.model.limits import MAX_RECEIPT_CHAINS, MAX_RECEIPTS, MAX_TIPS, RECEIPT_DELAY_MS, RECEIPT_DEVICES
from multichat_tui.model.ports import Space
from multichat_tui.model.receipts import HeldChain, Receipt, ReceiptName, decode_receipt
from multichat_tui.node.branches import Branches
from multichat_tui.node.holdings import Holdings, accepts, shares
from multichat_tui.node.relaying import Relaying
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, End
from multichat_tui.sync.session import Role, Session

RECEIPT_VERSION = 2
"""The first version of the link protocol that knows receipts."""
RELAYED_FROM = 3
"""In a channel of fewer devices there is nobody in between."""
MAX_UNPLACED = 2 * MAX_RECEIPT_CHAINS
"""Receipts that one peer says it has, of devices that no control log held here names."""
SETTING = b"receipts"
"""Space.SETTING: `off` if this user does not say what has arrived."""


class Receipts:
    """Makes our own, takes and passes on others'."""

    def __init__(self, world: World, holdings: Holdings, relaying: Relaying) -> None:
        self._world = world
        self._holdings = holdings
        self._relaying = relaying
        self._branches = Branches(world)

    # Ours

    def delivered(self, channel: Channel, key: ChainKey) -> None:
        """A record of a chain came by way of somebody: its author may have to be told by a receipt."""
        at = self._world.now + delay_ms(len(channel.control.certificates))
        if key[0] is not Log.CONTENT or (channel.receipt_at or at + 1) <= at or not self._has_receipts(channel):
            return
        if self._world.session_of(channel.chains.ends[key].device) is None:
            channel.receipt_at = at

    def _has_receipts(self, channel: Channel) -> bool:
        return channel.live and channel.rooted and RELAYED_FROM <= len(channel.control.certificates) <= MAX_RECEIPT_CHAINS

    def tick(self) -> None:
        """Receipts that are due are made and told."""
        for channel in self._world.channels.values():
            if channel.receipt_at is not None and channel.receipt_at <= self._world.now:
                channel.receipt_at = None
                self._make(channel)

    def hurry(self) -> None:
        """Those that would be due in a moment are due now."""
        for channel in self._world.channels.values():
            delay = delay_ms(len(channel.control.certificates))
            if channel.receipt_at is not None and channel.receipt_at <= self._world.now + delay:
                channel.receipt_at = self._world.now

    def wake_times(self) -> list[int]:
        return [c.receipt_at for c in self._world.channels.values() if c.receipt_at is not None]

    def _make(self, channel: Channel) -> None:
        world = self._world
        me = world.identity.device
        if not self._has_receipts(channel) or world.txn.get(Space.SETTING, SETTING) == b"off":
            return
        last = channel.receipts.get(me)
        said = {} if last is None else {chain.device: chain.seq for chain in last.chains}
        chains_held = ((key, end) for key, end in channel.chains.ends.items() if key not in channel.chains.forks)
        ends = {key[1]: end for key, end in chains_held if key[0] is Log.CONTENT and end.device != me}
        vouched = [chain for end in ends.values() if (chain := self._vouched(channel, end)) is not None]
        owed = (chain for chain in vouched if chain.seq > said.get(chain.device, -1))
        if all(world.session_of(ends[chain.device].device) is not None for chain in owed):
            return
        chains = tuple(sorted(vouched, key=lambda chain: chain.device))
        receipt = sign_receipt(world.identity.signer, channel.id, me, 0 if last is None else last.number + 1, chains)
        self._keep(channel, receipt, None)

    def _vouched(self, channel: Channel, end: End) -> HeldChain | None:
        """How far a chain is held with its bodies: a header alone is no delivery."""
        key: ChainKey = (Log.CONTENT, end.device[:PREFIX_SIZE])
        lacking = channel.lacking.lowest((key,)).get(key)
        if lacking is None or lacking > end.seq:
            return HeldChain(device=key[1], seq=end.seq, hash=end.id[:PREFIX_SIZE])
        below = self._world.txn.in_chain(channel.id, Log.CONTENT, end.device, lacking - 1) if lacking else None
        return None if below is None else HeldChain(device=key[1], seq=lacking - 1, hash=below[:PREFIX_SIZE])

    def _keep(self, channel: Channel, receipt: Receipt, source: Session | None) -> None:
        channel.receipts[receipt.device] = receipt
        self._world.txn.put(Space.RECEIPT, receipt.channel + receipt.device, receipt.encoded)
        key: ChainKey = (Log.CONTENT, receipt.device[:PREFIX_SIZE])
        settled = source is not None and self._relaying.settled(receipt.device)
        for session in self._world.peers():
            concerned = session is not source and session.device != receipt.device and session.version >= RECEIPT_VERSION
            if not concerned or not session.greeted or not shares(channel, session):
                continue
            delay = 0 if source is None else self._relaying.delay_ms(session, channel, key, settled=settled)
            if delay:
                session.name_later(receipt.name, self._world.now + delay)
            else:
                session.receipts_due.add(receipt.name)

    # Others'

    def on_offer(self, session: Session, offer: Offer) -> tuple[tuple[Prefix, Prefix], ...]:
        """Take the receipts of an offer; returns those to ask for, as it names newer ones."""
        self.on_receipts(session, offer.receipts)
        session.unplaced_receipts |= {(named.channel, named.device): named.number for named in offer.receipt_numbers}
        return self._newer(session)

    def place(self, session: Session) -> None:
        """A control log has grown: it may name devices whose receipts a peer has."""
        if session.unplaced_receipts:
            self.ask(session, self._newer(session))

    def ask(self, session: Session, wanted: tuple[tuple[Prefix, Prefix], ...]) -> None:
        for start in range(0, len(wanted), MAX_RECEIPTS):
            self._world.send(session, Request(channel=bytes(PREFIX_SIZE), receipts=wanted[start : start + MAX_RECEIPTS]))

    def _newer(self, session: Session) -> tuple[tuple[Prefix, Prefix], ...]:
        """What a peer has said to have and we do not. What is of no device known here waits for the control log that names it."""
        wanted = []
        waiting, session.unplaced_receipts = session.unplaced_receipts, {}
        for (prefix, named), number in waiting.items():
            channel = self._world.by_prefix.get(prefix)
            device = None if channel is None else channel.devices.get(named)
            if device is None:
                if len(session.unplaced_receipts) < MAX_UNPLACED:
                    session.unplaced_receipts[prefix, named] = number
            elif channel is not None and accepts(channel, session) and device != self._world.identity.device:
                _told(session, (channel.id, device), number)
                known = channel.receipts.get(device)
                if known is None or known.number < number:
                    wanted.append((prefix, named))
        return tuple(wanted)

    def on_receipts(self, session: Session, receipts: tuple[bytes, ...]) -> None:
        for encoded in receipts:
            self._take(session, encoded)

    def _take(self, session: Session, encoded: bytes) -> None:
        world = self._world
        receipt = decode_receipt(encoded)
        if isinstance(receipt, Rejected):
            world.count("receipt-rejected")
            return
        channel = world.channels.get(receipt.channel)
        if channel is None or not accepts(channel, session) or receipt.device == world.identity.device:
            return
        known = channel.receipts.get(receipt.device)
        if known is not None and known.number >= receipt.number:
            if known.number == receipt.number:
                _told(session, known.name, known.number)
            return
        # Whose device the channel does not know, or who was removed, has nothing to say about it.
        if not channel.serves(receipt.device) or not receipt_holds(receipt):
            world.count("receipt-rejected")
            return
        world.hear(receipt.device)
        _told(session, receipt.name, receipt.number)
        self._keep(channel, receipt, session)
        self._learn(channel, receipt)

    def _learn(self, channel: Channel, receipt: Receipt) -> None:
        for chain in receipt.chains:
            key: ChainKey = (Log.CONTENT, chain.device)
            # Of a chain that it holds further than we do the hash says nothing to us: its author, or a later receipt, will tell.
            if key not in channel.chains.forks and self._branches.holds(channel, key, chain.seq, chain.hash):
                self._holdings.note(receipt.device, channel, key, chain.seq)

    # Told to peers

    def of(self, names: tuple[ReceiptName, ...], session: Session) -> tuple[bytes, ...]:
        """Those of the named that we have and may show, encoded."""
        found = []
        for identifier, device in names[:MAX_RECEIPTS]:
            channel = self._world.channels.get(identifier)
            receipt = None if channel is None or not shares(channel, session) else channel.receipts.get(device)
            if receipt is not None:
                found.append(receipt.encoded)
                _told(session, receipt.name, receipt.number)
        return tuple(found)

    def unnamed(self, session: Session, names: Iterable[ReceiptName]) -> tuple[ReceiptName, ...]:
        """Of these receipts those of which the peer was not told, nor has told, a number as great; ascending."""
        found = []
        for name in sorted(names):
            channel = self._world.channels.get(name[0])
            receipt = None if channel is None else channel.receipts.get(name[1])
            if receipt is not None and session.receipts_told.get(name, -1) < receipt.number:
                found.append(name)
        return tuple(found[:MAX_TIPS])

    def numbers_of(self, names: tuple[ReceiptName, ...], session: Session) -> tuple[ReceiptOffer, ...]:
        """The numbers of those that we have and may show."""
        found = []
        for identifier, device in names:
            channel = self._world.channels.get(identifier)
            receipt = None if channel is None or not shares(channel, session) else channel.receipts.get(device)
            if receipt is not None:
                named = ReceiptOffer(channel=identifier[:PREFIX_SIZE], device=device[:PREFIX_SIZE], number=receipt.number)
                found.append(named)
                _told(session, receipt.name, receipt.number)
        return tuple(found)

    def numbers_for(self, session: Session) -> tuple[ReceiptOffer, ...]:
        return tuple(
            ReceiptOffer(channel=channel.id[:PREFIX_SIZE], device=device[:PREFIX_SIZE], number=receipt.number)
            for channel in self._world.channels.values()
            if shares(channel, session)
            for device, receipt in sorted(channel.receipts.items())
        )[:MAX_TIPS]

    def news_for(self, session: Session, channel: Channel, told: dict[ReceiptName, int], limit: int) -> tuple[Receipt, ...]:
        """The newest receipts of a channel's other devices that a device was not told in a parcel, by `told`; at most `limit`."""
        if not shares(channel, session):
            return ()
        news = (
            receipt
            for device, receipt in sorted(channel.receipts.items())
            if device != session.device and told.get(receipt.name, -1) < receipt.number
        )
        return tuple(islice(news, limit))

    def asked(self, session: Session, wanted: tuple[tuple[Prefix, Prefix], ...]) -> None:
        for prefix, device_prefix in wanted:
            channel = self._world.by_prefix.get(prefix)
            device: DeviceId | None = None if channel is None else channel.devices.get(device_prefix)
            if channel is not None and device is not None and session.role is Role.PEER and shares(channel, session):
                session.receipts_due.add((channel.id, device))


def delay_ms(devices: int) -> int:
    """How long a receipt in a channel of so many devices waits for what else arrives."""
    return RECEIPT_DELAY_MS * max(RECEIPT_DEVICES, devices) ** 2 // RECEIPT_DEVICES**2


def _told(session: Session, name: ReceiptName, number: int) -> None:
    """A peer has shown that it has a receipt, or was told of it."""
    session.receipts_told[name] = max(number, session.receipts_told.get(name, -1))
