"""What came in parcels and waits for what is not here: kept, as nobody can unseal a parcel twice. Frame by frame, those alone
that still wait; what is redacted, or of no channel of ours any more, is not kept either.
"""

from collections.abc import Iterable

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.frames import Prefix
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, DeviceId
from multichat_tui.model.limits import (
    MAX_ALL_KEPT_PARCEL_BYTES,
    MAX_CONTENTS_BYTES,
    MAX_KEPT_FRAMES,
    MAX_KEPT_PARCEL_BYTES,
    MAX_TIMESTAMP_MS,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.schema import as_bytes, as_int, as_list, read
from multichat_tui.model.values import dataclass
from multichat_tui.node.world import World

SERIAL_BYTES = 8
ROW_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrame:
    until_ms: int
    """Then the first text in it is to be gone, or it was kept for long enough."""
    channel: Prefix
    frame: bytes


def _kept(value: Value) -> KeptFrame:
    parts = as_list(value, "kept frame", 3, 3)
    return KeptFrame(
        until_ms=as_int(parts[0], "until", MAX_TIMESTAMP_MS),
        channel=as_bytes(parts[1], "channel", PREFIX_SIZE, PREFIX_SIZE),
        frame=as_bytes(parts[2], "frame", MAX_CONTENTS_BYTES),
    )


class KeptParcels:
    """Bounded for each device, and for all: the oldest give way; what they brought is asked for again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows: dict[DeviceId, dict[int, tuple[int, KeptFrame]]] = {}
        """By device and number: bytes, and the frame without its bytes."""
        self._size = 0
        self._next = 0
        self._loaded: list[DeviceId] = []

    def load(self) -> None:
        """Count what is stored."""
        for key, value in self._world.txn.scan(Space.PARCEL):
            device, number = DeviceId(key[:ID_SIZE]), int.from_bytes(key[ID_SIZE:], "big")
            row = read(value, MAX_CONTENTS_BYTES + ROW_BYTES, _kept)
            if isinstance(row, Rejected):
                self._world.txn.delete(Space.PARCEL, key)
                continue
            self._count(device, number, len(value), row)
            self._next = max(self._next, number + 1)
        self._loaded = sorted(self._rows)

    def to_take(self) -> list[DeviceId]:
        """Whose frames were there at the start: once."""
        loaded, self._loaded = self._loaded, []
        return loaded

    def of(self, device: DeviceId) -> list[bytes]:
        """The frames that are kept of a device, in the order in which they came."""
        rows = [read(value, MAX_CONTENTS_BYTES + ROW_BYTES, _kept) for _, value in self._world.txn.scan(Space.PARCEL, device)]
        return [row.frame for row in rows if not isinstance(row, Rejected)]

    def add(self, device: DeviceId, frames: Iterable[KeptFrame]) -> None:
        known = set(self.of(device))
        for frame in frames:
            if frame.frame in known:
                continue
            value = encode([frame.until_ms, frame.channel, frame.frame])
            self._world.txn.put(Space.PARCEL, self._name(device, self._next), value)
            self._count(device, self._next, len(value), frame)
            self._next += 1
        mine = self._rows.get(device, {})
        while len(mine) > MAX_KEPT_FRAMES or sum(size for size, _ in mine.values()) > MAX_KEPT_PARCEL_BYTES:
            self._give_way(device)
        while self._size > MAX_ALL_KEPT_PARCEL_BYTES:
            self._give_way(max(self._rows, key=lambda each: sum(size for size, _ in self._rows[each].values())))

    def forget(self, device: DeviceId) -> None:
        """Nothing of them waits any more."""
        for number in list(self._rows.get(device, ())):
            self._remove(device, number)

    def forget_channel(self, channel: Prefix, device: DeviceId | None = None) -> None:
        """What is kept of a channel, by one device or by all, goes: it is asked for again if it still may come."""
        for each in list(self._rows) if device is None else [device]:
            for number, (_, frame) in list(self._rows.get(each, {}).items()):
                if frame.channel == channel:
                    self._remove(each, number)

    def channels(self) -> dict[DeviceId, set[Prefix]]:
        return {device: {frame.channel for _, frame in mine.values()} for device, mine in self._rows.items()}

    def expire(self) -> None:
        for device, mine in list(self._rows.items()):
            for number in [number for number, (_, frame) in mine.items() if frame.until_ms <= self._world.now]:
                self._remove(device, number)

    def next_expiry(self) -> int | None:
        return min((frame.until_ms for mine in self._rows.values() for _, frame in mine.values()), default=None)

    def _count(self, device: DeviceId, number: int, size: int, frame: KeptFrame) -> None:
        bare = KeptFrame(until_ms=frame.until_ms, channel=frame.channel, frame=b"")
        self._rows.setdefault(device, {})[number] = size, bare
        self._size += size

    def _give_way(self, device: DeviceId) -> None:
        self._world.count("parcel-gave-way")
        self._remove(device, next(iter(self._rows[device])))

    def _remove(self, device: DeviceId, number: int) -> None:
        size, _ = self._rows[device].pop(number)
        self._size -= size
        if not self._rows[device]:
            del self._rows[device]
        self._world.txn.delete(Space.PARCEL, self._name(device, number))

    def _name(self, device: DeviceId, number: int) -> bytes:
        return device + number.to_bytes(SERIAL_BYTES, "big")
