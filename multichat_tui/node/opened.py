"""What others have sealed and this device has opened: by its hash a copy is known, wherever it comes from and whenever."""

from multichat_tui.model.codec import decode, encode
from multichat_tui.model.ids import ID_SIZE, DeviceId, digest
from multichat_tui.model.limits import MAX_OPENED_PER_DEVICE, OPENED_KEPT_MS, SWEEP_OPENED, SWEEP_OPENED_MS
from multichat_tui.model.ports import Space
from multichat_tui.node.world import World

HASH_BYTES = 16
MAX_ROW_BYTES = 16


class Opened:
    def __init__(self, world: World) -> None:
        self._world = world
        self._since_sweep = 0
        self._swept_ms = world.now

    def has(self, device: DeviceId, sealed: bytes) -> bool:
        return self._world.txn.get(Space.OPENED, _name(device, sealed)) is not None

    def add(self, device: DeviceId, sealed: bytes) -> None:
        self._world.txn.put(Space.OPENED, _name(device, sealed), encode(self._world.now))
        self._since_sweep += 1

    def tick(self) -> None:
        """Now and then: away with what is over, and with what is too much."""
        world = self._world
        if self._since_sweep < SWEEP_OPENED and 0 <= world.now - self._swept_ms < SWEEP_OPENED_MS:
            return
        self._since_sweep, self._swept_ms = 0, world.now
        of_device: dict[bytes, list[tuple[int, bytes]]] = {}
        for name, value in world.txn.scan(Space.OPENED):
            at = decode(value, MAX_ROW_BYTES)
            of_device.setdefault(name[:ID_SIZE], []).append((at if isinstance(at, int) else 0, name))
        for entries in of_device.values():
            entries.sort(reverse=True)
            for place, (opened_ms, name) in enumerate(entries):
                kept = place < MAX_OPENED_PER_DEVICE and -SWEEP_OPENED_MS < world.now - opened_ms <= OPENED_KEPT_MS
                if not kept:
                    world.txn.delete(Space.OPENED, name)


def _name(device: DeviceId, sealed: bytes) -> bytes:
    return device + digest("mc.opened", sealed)[:HASH_BYTES]
