"""Whom we serve what: records that the channel's history policy keeps from a newcomer are named, and not sent.

What is withheld is told as ranges of chains, each with the header of its last record: so the other can see that there is such a
record, that the policy is right about it, and what comes after it. docs/protocol/synchronisation.md, section 10, *Withheld*.
"""

from collections.abc import Sequence

from multichat_tui.channel.history import is_withheld, policy_of, returned
from multichat_tui.crypto.keys import verify
from multichat_tui.model.frames import Withheld, WithheldRange
from multichat_tui.model.history import ALL
from multichat_tui.model.ids import PREFIX_SIZE, Log, UserId
from multichat_tui.model.limits import MAX_BRANCHES, MAX_SCANNED_WITHHELD, MAX_WITHHELD
from multichat_tui.model.records import Header, Record, decode_header, signed_bytes
from multichat_tui.model.values import dataclass
from multichat_tui.node.held import Held
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey, chain_key
from multichat_tui.sync.session import Session

WITHHELD_VERSION = 4
"""The first version of the link protocol that knows of it. Older nodes are told nothing, and served no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The records of one chain from `first` on to `last`, which a peer is not served."""

    first: int
    last: int


class Withholding:
    def __init__(self, world: World, held: Held) -> None:
        self._world = world
        self._held = held

    def since_ms(self, channel: Channel, user: UserId) -> int:
        """When a member's present membership began, as the record says that began it."""
        began = channel.view.members.get(user)
        header = None if began is None else self._held.header_of(channel.control.records_by_index(began))
        return 0 if header is None else header.timestamp_ms

    def keeps(self, session: Session, channel: Channel, header: Header) -> bool:
        """Whether a record is withheld from the user of a peer. Other devices of our own account get what we have."""
        user = channel.control.user_of(session.device)
        if user is None or user == self._world.identity.user or policy_of(channel.control) == ALL:
            return False
        return is_withheld(channel.control, header, user, self.since_ms(channel, user))

    def from_us(self, channel: Channel, header: Header) -> bool:
        """Whether a record is withheld from this device, as far as it knows."""
        me = self._world.identity.user
        return is_withheld(channel.control, header, me, self.since_ms(channel, me))

    def served_from(self, session: Session, channel: Channel, key: ChainKey, first: int, last: int) -> int:
        """The first seq of a range that a peer is served; last + 1 if there is none. For somebody who was a member before one
        record after the other is looked at, MAX_SCANNED_WITHHELD at most; what is withheld from others is all that is older than
        something, so that it is found by halving."""
        if key[0] is not Log.CONTENT or policy_of(channel.control) == ALL or key in channel.chains.forks:
            return first
        user = channel.control.user_of(session.device)
        if user is None or user == self._world.identity.user:
            return first
        if returned(channel.control, user):
            end = min(last, first + MAX_SCANNED_WITHHELD - 1)
            return next((seq for seq in range(first, end + 1) if not self._keeps_at(session, channel, key, seq)), end + 1)
        low, step = first, 1
        while low <= last and self._keeps_at(session, channel, key, min(low + step - 1, last)):
            low, step = low + step, step * 2
        high = min(low + step - 1, last + 1)
        while low < high:
            middle = (low + high) // 2
            if self._keeps_at(session, channel, key, middle):
                low = middle + 1
            else:
                high = middle
        return min(low, last + 1)

    def _keeps_at(self, session: Session, channel: Channel, key: ChainKey, seq: int) -> bool:
        header = self._header_at(channel, key, seq)
        return header is not None and self.keeps(session, channel, header)

    def _header_at(self, channel: Channel, key: ChainKey, seq: int) -> Header | None:
        hole = channel.chains.hole(key, seq)
        if hole is not None:
            # What is withheld from us up to a record is withheld from whoever that record is withheld from.
            found = decode_header(hole.header_bytes)
            return found if isinstance(found, Header) else None
        device = channel.chains.device(key)
        identifier = None if device is None else self._world.txn.in_chain(channel.id, key[0], device, seq)
        return None if identifier is None else self._held.header_of(identifier)

    # Told

    def tell(self, session: Session, channel: Channel, key: ChainKey, kept: Kept) -> None:
        """That a range of a chain, which we hold or which is withheld from us, too, is withheld from a peer."""
        hole = channel.chains.hole(key, kept.last)
        if hole is not None:
            if hole.last == kept.last:
                shown = WithheldRange(first=kept.first, header_bytes=hole.header_bytes, signature=hole.signature)
                self._send(session, channel, (shown,))
            return
        device = channel.chains.device(key)
        assert device is not None
        records = self._world.txn.chain(channel.id, key[0], device, kept.last, kept.last)
        if records:
            self._send(session, channel, self._proven(records[0], kept.first))

    def tell_records(self, session: Session, channel: Channel, records: Sequence[Record]) -> None:
        """That these records are withheld, each for itself."""
        ranges = [shown for record in records for shown in self._proven(record, record.header.seq)]
        for start in range(0, len(ranges), MAX_WITHHELD):
            self._send(session, channel, tuple(ranges[start : start + MAX_WITHHELD]))

    def _proven(self, record: Record, first: int) -> tuple[WithheldRange, ...]:
        """A record's header, with those above it up to the first whose own signature holds."""
        shown = [_shown(record, first)]
        while not verify(record.header.device, signed_bytes(record.id), record.signature) and len(shown) < MAX_BRANCHES:
            header = record.header
            above = self._world.txn.chain(record.channel, header.log, header.device, header.seq + 1, header.seq + 1)
            covering = next((each for each in above if each.header.prev == record.id), None)
            if covering is None:
                break
            record = covering
            shown.append(_shown(record, record.header.seq))
        return tuple(shown)

    def _send(self, session: Session, channel: Channel, ranges: tuple[WithheldRange, ...]) -> None:
        if session.version >= WITHHELD_VERSION:
            self._world.send(session, Withheld(channel=channel.id[:PREFIX_SIZE], ranges=ranges))


def _shown(record: Record, first: int) -> WithheldRange:
    return WithheldRange(first=first, header_bytes=record.header_bytes, signature=record.signature)


def runs_of(records: Sequence[Record]) -> list[tuple[ChainKey, Kept]]:
    """Records as ranges of their chains, those of one chain being in order."""
    found: dict[ChainKey, list[Kept]] = {}
    for record in records:
        seq = record.header.seq
        runs = found.setdefault(chain_key(record.header), [])
        if runs and runs[-1].last == seq - 1:
            runs[-1] = Kept(first=runs[-1].first, last=seq)
        else:
            runs.append(Kept(first=seq, last=seq))
    return [(key, kept) for key, runs in found.items() for kept in runs]
