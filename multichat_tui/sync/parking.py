"""Parking: items that came before what they depend on. Kept per peer, bounded; nothing here was acknowledged, so losing it
costs a repetition only."""

from collections import OrderedDict
from dataclasses import dataclass, field

from multichat_tui.model.frames import ElidedItem, Item, Prefix
from multichat_tui.model.limits import PARKED_BYTES_PER_PEER, PARKED_RECORDS_PER_PEER


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An item with the device table that it was written with."""

    item: Item
    devices: tuple[Prefix, ...]

    @property
    def size(self) -> int:
        item = self.item
        if isinstance(item, ElidedItem):
            return len(item.body) + 256
        return len(item.header_bytes) + len(item.body or b"") + 128


@dataclass(slots=True)
class Parking:
    """Of one link and channel. The same item again takes the place of the earlier one; the oldest gives way."""

    _items: OrderedDict[bytes, Parked] = field(default_factory=OrderedDict)
    _bytes: int = 0
    evicted: int = 0

    def __len__(self) -> int:
        return len(self._items)

    def park(self, parked: Parked) -> None:
        item = parked.item
        key = item.check + item.signature if isinstance(item, ElidedItem) else item.signature
        earlier = self._items.pop(key, None)
        if earlier is not None:
            self._bytes -= earlier.size
        self._items[key] = parked
        self._bytes += parked.size
        while len(self._items) > PARKED_RECORDS_PER_PEER or self._bytes > PARKED_BYTES_PER_PEER:
            _, oldest = self._items.popitem(last=False)
            self._bytes -= oldest.size
            self.evicted += 1

    def take(self) -> list[Parked]:
        """All of them, in order of arrival; what still waits is parked again by the caller."""
        items = list(self._items.values())
        self._items.clear()
        self._bytes = 0
        return items
