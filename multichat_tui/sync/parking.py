"""Parking: items that came before what they depend on. Kept per peer, bounded; nothing here was acknowledged, so losing it
costs a repetition only."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeAlias

from multichat_tui.model.frames import ElidedItem, Item, Prefix
from multichat_tui.model.ids import DeviceId, Log, RecordId
from multichat_tui.model.limits import PARKED_BYTES_PER_PEER, PARKED_RECORDS_PER_PEER


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
        item = self.item
        if isinstance(item, ElidedItem):
            return len(item.body) + 256
        return len(item.header_bytes) + len(item.body or b"") + 128


Awaited: TypeAlias = tuple[Log, Prefix, int] | RecordId
"""A place in a chain, or a record by its id."""


@dataclass(slots=True)
class Parking:
    """Of one link and channel. The same item again takes the place of the earlier one; the oldest gives way.

    Each item stands under the first thing that it waits for, so that a delivery costs nothing for those that wait for another.
    """

    _items: OrderedDict[bytes, tuple[Awaited, Parked]] = field(default_factory=OrderedDict)
    _waiting: dict[Awaited, dict[bytes, None]] = field(default_factory=dict)
    _ids: dict[RecordId, bytes] = field(default_factory=dict)
    _bytes: int = 0
    evicted: int = 0

    def __len__(self) -> int:
        return len(self._items)

    def park(self, parked: Parked, awaited: Awaited) -> None:
        item = parked.item
        key = item.check + item.signature if isinstance(item, ElidedItem) else item.signature
        if key in self._items:
            self._remove(key)
        self._items[key] = awaited, parked
        if parked.id is not None:
            self._ids[parked.id] = key
        self._waiting.setdefault(awaited, {})[key] = None
        self._bytes += parked.size
        while len(self._items) > PARKED_RECORDS_PER_PEER or self._bytes > PARKED_BYTES_PER_PEER:
            self._remove(next(iter(self._items)))
            self.evicted += 1

    def _remove(self, key: bytes) -> Parked:
        awaited, parked = self._items.pop(key)
        self._bytes -= parked.size
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

    def __contains__(self, record: RecordId) -> bool:
        return record in self._ids

    def roots(self) -> list[RecordId]:
        """Records waited for that are not waiting themselves: what has to be asked for."""
        return [awaited for awaited in self._waiting if isinstance(awaited, bytes) and awaited not in self._ids]

    def cited_by_others(self, record: RecordId, author: DeviceId) -> bool:
        """Whether somebody else's record waits for this one, or for what waits for this one."""
        citing: dict[RecordId, list[Parked]] = {}
        for _, parked in self._items.values():
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
