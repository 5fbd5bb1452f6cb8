"""Parcels that are kept: something in them waits for what is not here, and nobody can unseal a parcel twice."""

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.ids import ID_SIZE, DeviceId
from multichat_tui.model.limits import (
    MAX_ALL_KEPT_PARCEL_BYTES,
    MAX_CONTENTS_BYTES,
    MAX_KEPT_PARCEL_BYTES,
    MAX_KEPT_PARCELS,
    MAX_TIMESTAMP_MS,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.schema import as_bytes, as_int, as_list, read
from multichat_tui.node.world import World

SERIAL_BYTES = 8


def _kept(value: Value) -> tuple[int, bytes]:
    parts = as_list(value, "kept parcel", 2, 2)
    return as_int(parts[0], "since", MAX_TIMESTAMP_MS), as_bytes(parts[1], "contents", MAX_CONTENTS_BYTES)


class KeptParcels:
    """Bounded for each device, and for all: the oldest give way; what they brought is asked for again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sizes: dict[DeviceId, dict[int, tuple[int, int]]] = {}
        """By device and number: bytes, and since when."""
        self._size = 0
        self._next = 0
        self._loaded: list[DeviceId] = []

    def load(self) -> None:
        """Count what is stored."""
        for key, value in self._world.txn.scan(Space.PARCEL):
            device, number = DeviceId(key[:ID_SIZE]), int.from_bytes(key[ID_SIZE:], "big")
            row = read(value, MAX_CONTENTS_BYTES + 64, _kept)
            self._count(device, number, len(value), 0 if isinstance(row, Rejected) else row[0])
            self._next = max(self._next, number + 1)
        self._loaded = sorted(self._sizes)

    def to_take(self) -> list[DeviceId]:
        """Whose parcels were there at the start: once."""
        loaded, self._loaded = self._loaded, []
        return loaded

    def of(self, device: DeviceId) -> list[bytes]:
        """The contents that are kept of a device, in the order in which they came."""
        rows = [read(value, MAX_CONTENTS_BYTES + 64, _kept) for _, value in self._world.txn.scan(Space.PARCEL, device)]
        return [row[1] for row in rows if not isinstance(row, Rejected)]

    def add(self, device: DeviceId, contents: bytes) -> None:
        value = encode([self._world.now, contents])
        if any(each == contents for each in self.of(device)):
            return
        self._world.txn.put(Space.PARCEL, self._name(device, self._next), value)
        self._count(device, self._next, len(value), self._world.now)
        self._next += 1
        mine = self._sizes[device]
        while len(mine) > MAX_KEPT_PARCELS or sum(size for size, _ in mine.values()) > MAX_KEPT_PARCEL_BYTES:
            self._give_way(device)
        while self._size > MAX_ALL_KEPT_PARCEL_BYTES:
            self._give_way(max(self._sizes, key=lambda each: sum(size for size, _ in self._sizes[each].values())))

    def forget(self, device: DeviceId) -> None:
        """Nothing of them waits any more."""
        for number in list(self._sizes.get(device, ())):
            self._remove(device, number)

    def expire(self, before_ms: int) -> None:
        """What was kept since before then is given up."""
        for device, mine in list(self._sizes.items()):
            for number in [number for number, (_, since) in mine.items() if since < before_ms]:
                self._remove(device, number)

    def _count(self, device: DeviceId, number: int, size: int, since: int) -> None:
        self._sizes.setdefault(device, {})[number] = size, since
        self._size += size

    def _give_way(self, device: DeviceId) -> None:
        self._world.count("parcel-gave-way")
        self._remove(device, next(iter(self._sizes[device])))

    def _remove(self, device: DeviceId, number: int) -> None:
        size, _ = self._sizes[device].pop(number)
        self._size -= size
        if not self._sizes[device]:
            del self._sizes[device]
        self._world.txn.delete(Space.PARCEL, self._name(device, number))

    def _name(self, device: DeviceId, number: int) -> bytes:
        return device + number.to_bytes(SERIAL_BYTES, "big")
