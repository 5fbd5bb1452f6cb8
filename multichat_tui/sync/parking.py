"""Parking: items that came before what they depend on. Bounded for each peer and for all; nothing here was acknowledged, so
losing it costs a repetition only."""

from collections import OrderedDict
from dataclasses import field, replace
from typing import TypeAlias

from multichat_tui.model.frames import ElidedItem, Item, Prefix, Ref
from multichat_tui.model.ids import DeviceId, Log, RecordId
from multichat_tui.model.limits import PARKED_BYTES, PARKED_BYTES_PER_PEER, PARKED_RECORDS_PER_PEER
from multichat_tui.model.values import dataclass

NOBODY = DeviceId(b"")
FIXED_BYTES = 1100
"""An item with its signature, and its entries in the tables here."""
REF_BYTES = 160
"""A parent or control head, with its device in the table."""
ID_BYTES = 80
"""A recipient, or a record that is lacking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An item with the device table that it was written with."""

    item: Item
    devices: tuple[Prefix, ...]
    id: RecordId | None = None
    """Where it is known, with the author's device and the absent dependencies."""
    author: DeviceId | None = None
    lacks: tuple[RecordId, ...] = ()
    followed: bool = False
    """The next record of its chain came in the same frame, which may cover it (`sync.runs`). Elided items only."""

    @property
    def size(self) -> int:
        """Bytes of memory, roughly, if its device table is its own (`narrowed`)."""
        item, ids = self.item, len(self.lacks)
        if isinstance(item, ElidedItem):
            refs = len(item.parents or ()) + len(item.control_heads or ())
            return FIXED_BYTES + len(item.body) + REF_BYTES * refs + ID_BYTES * (ids + len(item.recipients or ()))
        return FIXED_BYTES + len(item.header_bytes) + len(item.body or b"") + ID_BYTES * ids

    def narrowed(self) -> "Parked":
        """With those devices only that the item names: a frame's table may hold thousands, and would be held with each item."""
        item = self.item
        if not isinstance(item, ElidedItem):
            return replace(self, devices=()) if self.devices else self
        refs = (item.parents or ()) + (item.control_heads or ())
        named = dict.fromkeys((item.device, *(ref.device for ref in refs)))
        if len(self.devices) <= len(named):
            return self
        place = {device: index for index, device in enumerate(named)}
        item = replace(
            item,
            device=place[item.device],
            parents=_moved(item.parents, place),
            control_heads=_moved(item.control_heads, place),
        )
        return replace(self, item=item, devices=tuple(self.devices[device] for device in named))


def _moved(refs: tuple[Ref, ...] | None, place: dict[int, int]) -> tuple[Ref, ...] | None:
    return None if refs is None else tuple(Ref(device=place[ref.device], seq=ref.seq) for ref in refs)


Awaited: TypeAlias = tuple[Log, Prefix, int] | RecordId
"""A place in a chain, or a record by its id."""


@dataclass(slots=True)
class Lot:
    """What one device has parked, over all its links and in all channels: the oldest first, by when it came."""

    places: "OrderedDict[int, tuple[Parking, bytes]]" = field(default_factory=OrderedDict)
    size: int = 0


@dataclass(slots=True)
class Grounds:
    """All that is parked at one node. Of what a device has too much, the oldest gives way, wherever it waits; of what all
    together have too much, the oldest of the device that has most."""

    lots: dict[DeviceId, Lot] = field(default_factory=dict)
    """Of devices that have something parked."""
    size: int = 0
    _tickets: int = 0

    def take(self, parking: "Parking", key: bytes, size: int) -> int:
        """Count a parked item in; the ticket by which it is counted out."""
        lot = self.lots.setdefault(parking.device, Lot())
        self._tickets += 1
        lot.places[self._tickets] = parking, key
        lot.size += size
        self.size += size
        return self._tickets

    def give(self, parking: "Parking", ticket: int, size: int) -> None:
        lot = self.lots[parking.device]
        del lot.places[ticket]
        lot.size -= size
        self.size -= size
        if not lot.places:
            del self.lots[parking.device]

    def keep_bounds(self, device: DeviceId) -> None:
        """Something of this device was parked."""
        lot = self.lots[device]
        while len(lot.places) > PARKED_RECORDS_PER_PEER or lot.size > PARKED_BYTES_PER_PEER:
            self._give_way(lot)
        while self.size > PARKED_BYTES:
            self._give_way(max(self.lots.values(), key=lambda lot: lot.size))

    def _give_way(self, lot: Lot) -> None:
        parking, key = next(iter(lot.places.values()))
        parking.evict(key)


@dataclass(slots=True)
class Parking:
    """Of one link and channel. The same item again takes the place of the earlier one.

    Each item stands under the first thing that it waits for, so that a delivery costs nothing for those that wait for another.
    """

    grounds: Grounds = field(default_factory=Grounds)
    device: DeviceId = NOBODY
    """At the other end of the link."""
    _items: dict[bytes, tuple[Awaited, Parked, int]] = field(default_factory=dict)
    _waiting: dict[Awaited, dict[bytes, None]] = field(default_factory=dict)
    _ids: dict[RecordId, bytes] = field(default_factory=dict)
    evicted: int = 0

    def __len__(self) -> int:
        return len(self._items)

    def park(self, parked: Parked, awaited: Awaited) -> None:
        parked = parked.narrowed()
        item = parked.item
        key = item.check + item.signature if isinstance(item, ElidedItem) else item.signature
        if key in self._items:
            self._remove(key)
        self._items[key] = awaited, parked, self.grounds.take(self, key, parked.size)
        if parked.id is not None:
            self._ids[parked.id] = key
        self._waiting.setdefault(awaited, {})[key] = None
        self.grounds.keep_bounds(self.device)

    def evict(self, key: bytes) -> None:
        """It gives way; it will be asked for again."""
        self._remove(key)
        self.evicted += 1

    def clear(self) -> None:
        """The link is down."""
        for key in tuple(self._items):
            self._remove(key)

    def _remove(self, key: bytes) -> Parked:
        awaited, parked, ticket = self._items.pop(key)
        self.grounds.give(self, ticket, parked.size)
        if parked.id is not None:
            self._ids.pop(parked.id, None)
        waiting = self._waiting[awaited]
        del waiting[key]
        if not waiting:
            del self._waiting[awaited]
        return parked

    def release(self, *came: Awaited) -> list[Parked]:
        """Those that wait for one of these, in order of arrival; what still waits for another is parked again by the caller."""
        return [self._remove(key) for awaited in came for key in tuple(self._waiting.get(awaited, ()))]

    def awaited(self) -> set[Awaited]:
        """What is waited for, and is not here, waiting itself."""
        return {each for each in self._waiting if not isinstance(each, bytes) or each not in self._ids}

    def awaits(self, record: RecordId) -> bool:
        """Whether something waits for this one before all else."""
        return record in self._waiting

    def __contains__(self, record: RecordId) -> bool:
        return record in self._ids

    def roots(self) -> list[RecordId]:
        """Records waited for that are not waiting themselves: what has to be asked for."""
        return [awaited for awaited in self._waiting if isinstance(awaited, bytes) and awaited not in self._ids]

    def cited_by_others(self, record: RecordId, author: DeviceId) -> bool:
        """Whether somebody else's record waits for this one, or for what waits for this one."""
        citing: dict[RecordId, list[Parked]] = {}
        for _, parked, _ in self._items.values():
            for lacking in parked.lacks:
                citing.setdefault(lacking, []).append(parked)
        stack, seen = [record], {record}
        while stack:
            for parked in citing.get(stack.pop(), ()):
                if parked.author != author:
                    return True
                if parked.id is not None and parked.id not in seen:
                    seen.add(parked.id)
                    stack.append(parked.id)
        return False
