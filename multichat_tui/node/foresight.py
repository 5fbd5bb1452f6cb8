"""Records of one frame that can be delivered one after the other, looked through before the first of them is.

The rule: all of them are authentic if the signatures of those hold that no other one covers (`sync.runs`); if one does not, none
is, and each is looked at by itself. Nothing is stored, and nothing believed, before that. What is found here depends on nothing
but what is held and on each other, so that every record is stored together with the one that covers it.
"""

from collections.abc import Sequence
from dataclasses import field

from multichat_tui.crypto.keys import verify
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import Act
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import ElidedItem, Item, Prefix
from multichat_tui.model.ids import PREFIX_SIZE, Log, RecordId
from multichat_tui.model.limits import PAGE_BYTES, SALT_BYTES
from multichat_tui.model.records import Kind, Proof, Record, signed_bytes
from multichat_tui.model.values import dataclass
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.world import Channel
from multichat_tui.sync.chains import ChainKey, chain_key
from multichat_tui.sync.elision import Surroundings, restore
from multichat_tui.sync.runs import uncovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """A record that may be delivered as it stands, after those before it."""

    record: Record
    acts: tuple[Act, ...]


@dataclass(slots=True)
class _Ahead:
    """What will be held once the records found so far are delivered."""

    by_id: dict[RecordId, Foreseen] = field(default_factory=dict)
    places: dict[tuple[Log, Prefix, int], RecordId] = field(default_factory=dict)
    ends: dict[ChainKey, Record] = field(default_factory=dict)
    size: int = 0

    def add(self, found: Foreseen) -> None:
        record = found.record
        log, prefix = key = chain_key(record.header)
        self.by_id[record.id] = found
        self.places[log, prefix, record.header.seq] = record.id
        self.ends[key] = record
        self.size += record.size


def foresee(ledger: Ledger, channel: Channel, items: Sequence[Item], devices: tuple[Prefix, ...]) -> dict[int, Foreseen]:
    """Those of a frame's items, by index, that are content, can be delivered in this order, and are authentic together; with the
    `Proof` of each. Empty where that would spare no verification. Control records are few, and verified each."""
    if not _has_runs(items):
        return {}
    ahead = _Ahead()
    around = _surroundings(ledger.held.surroundings(channel), ahead)
    indexes: dict[RecordId, int] = {}
    for index, item in enumerate(items):
        found = _look(ledger, channel, item, devices, around, ahead)
        if found is not None and ahead.size + found.record.size <= PAGE_BYTES:
            ahead.add(found)
            indexes[found.record.id] = index
    signed = {record.id for record in uncovered(each.record for each in ahead.by_id.values())}
    if len(signed) == len(ahead.by_id) or not all(_signed(ahead.by_id[identifier].record) for identifier in signed):
        return {}
    return {
        indexes[identifier]: found if identifier in signed else Foreseen(record=_covered(found.record), acts=found.acts)
        for identifier, found in ahead.by_id.items()
    }


def _signed(record: Record) -> bool:
    return verify(record.header.device, signed_bytes(record.id), record.signature)


def _covered(record: Record) -> Record:
    return Record(
        header=record.header,
        header_bytes=record.header_bytes,
        id=record.id,
        signature=record.signature,
        body=record.body,
        proof=Proof.COVER,
    )


def _has_runs(items: Sequence[Item]) -> bool:
    """Whether there can be two records of one chain."""
    elided = [item.device for item in items if isinstance(item, ElidedItem)]
    return len(elided) > len(set(elided)) or len(items) - len(elided) > 1


def _look(
    ledger: Ledger, channel: Channel, item: Item, devices: tuple[Prefix, ...], around: Surroundings, ahead: _Ahead
) -> Foreseen | None:
    """The record of an item if nothing but its signature is still to be looked at."""
    if isinstance(item, ElidedItem) and (
        item.log != Log.CONTENT or item.seq != _end(channel, ahead, (item.log, devices[item.device]))[0] + 1
    ):
        return None
    record = restore(item, devices, around)
    if not isinstance(record, Record) or record.channel != channel.id or record.body is None:
        return None
    header = record.header
    key = chain_key(header)
    if header.device == ledger.own_device or key in channel.chains.forks or key in channel.chains.islands:
        # What is ours and was not written here, what stands on a branch, and what may close a gap, is looked at closely, each by
        # itself.
        return None
    if header.log != Log.CONTENT or (header.seq - 1, header.prev) != _end(channel, ahead, chain_key(header)):
        return None
    if channel.devices.get(header.device[:PREFIX_SIZE]) != header.device:
        return None
    if not all(identifier in ahead.by_id or ledger.held.holds(channel, header, identifier) for identifier in header.dependencies):
        return None
    acts: tuple[Act, ...] | Rejected = ()
    if header.kind != Kind.MERGE:
        acts = decode_acts(record.body[SALT_BYTES:], Log.CONTENT)
    if isinstance(acts, Rejected) or not ledger.known_author(channel, record, acts):
        return None
    return Foreseen(record=record, acts=acts)


def _end(channel: Channel, ahead: _Ahead, key: ChainKey) -> tuple[int, RecordId | None]:
    """(seq, id) of a chain's newest record."""
    record = ahead.ends.get(key)
    if record is not None:
        return record.header.seq, record.id
    end = channel.chains.ends.get(key)
    return (-1, None) if end is None else (end.seq, end.id)


def _surroundings(held: Surroundings, ahead: _Ahead) -> Surroundings:
    """What is held, and what is ahead."""

    def at(log: Log, prefix: Prefix, seq: int) -> RecordId | None:
        return ahead.places.get((log, prefix, seq)) or held.at(log, prefix, seq)

    def ets(identifier: RecordId) -> int:
        found = ahead.by_id.get(identifier)
        return held.ets(identifier) if found is None else found.record.header.ets

    def control_heads(identifier: RecordId) -> tuple[RecordId, ...]:
        found = ahead.by_id.get(identifier)
        return held.control_heads(identifier) if found is None else found.record.header.control_heads

    return Surroundings(channel=held.channel, device=held.device, at=at, ets=ets, control_heads=control_heads)
