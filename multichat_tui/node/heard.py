"""When devices were heard of last: by a link, a parcel, or what they have signed and others have brought. Who has been silent for
long is left nothing more at mailboxes; and what is to be remembered of what was left there.

Kept roughly: stored at most once an hour for each device.
"""

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import HEARD_STEP_MS, MAX_TIMESTAMP_MS, SILENT_MS
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.routes import WAYS_BYTES
from multichat_tui.model.schema import as_bytes, as_int, as_list, read
from multichat_tui.model.values import dataclass

MAX_ROW_BYTES = 128


@dataclass(slots=True, kw_only=True)
class Heard:
    at_ms: int
    lifted_ms: int = 0
    """When it last said that parcels were lost, and was believed; 0: never."""
    unconfirmed_ms: int = 0
    """When the time of something was over that its mailboxes had given out, and that it has not acknowledged; 0: nothing."""
    routed_ms: int = 0
    """When it was last told in a parcel of its own by what ways we are written to; 0: never."""
    route: bytes = b""
    """Of these ways (`model.routes.ways_of`) those that it says it knows."""


class HeardDevices:
    """In memory, and stored by device id."""

    def __init__(self) -> None:
        self._rows: dict[DeviceId, Heard] = {}
        self._stored: dict[DeviceId, int] = {}
        """What of `at_ms` is stored."""
        self.back: set[DeviceId] = set()
        """Devices that were silent for long, and were heard of since this was emptied."""

    def load(self, txn: Transaction, now: int) -> None:
        """What was noted by a clock that was ahead counts as of now. But not when devices were heard of: where it is the clock
        now that is wrong, all would be silent for long once it is right."""
        for key, value in txn.scan(Space.HEARD):
            row = read(value, MAX_ROW_BYTES, _row)
            if isinstance(row, Rejected):
                txn.delete(Space.HEARD, key)
                continue
            row.lifted_ms, row.routed_ms = min(row.lifted_ms, now), min(row.routed_ms, now)
            row.unconfirmed_ms = min(row.unconfirmed_ms, now)
            self._rows[DeviceId(key)] = row
            self._stored[DeviceId(key)] = row.at_ms

    @property
    def devices(self) -> tuple[DeviceId, ...]:
        return tuple(self._rows)

    def of(self, txn: Transaction, device: DeviceId, now: int) -> Heard:
        """Of one that was never heard of, as if it had been just now."""
        if device not in self._rows:
            self.hear(txn, device, now)
        return self._rows[device]

    def hear(self, txn: Transaction, device: DeviceId, now: int) -> None:
        row = self._rows.get(device)
        if row is None:
            row = self._rows[device] = Heard(at_ms=now)
        elif row.at_ms + SILENT_MS <= now:
            self.back.add(device)
        row.at_ms = now
        if device not in self._stored or abs(now - self._stored[device]) >= HEARD_STEP_MS:
            self.keep(txn, device)

    def is_silent(self, txn: Transaction, device: DeviceId, now: int) -> bool:
        return self.of(txn, device, now).at_ms + SILENT_MS <= now

    def is_unconfirmed(self, device: DeviceId) -> bool:
        return device in self._rows and self._rows[device].unconfirmed_ms > 0

    def keep(self, txn: Transaction, device: DeviceId) -> None:
        """It has changed."""
        row = self._rows[device]
        self._stored[device] = row.at_ms
        txn.put(Space.HEARD, device, encode([row.at_ms, row.lifted_ms, row.unconfirmed_ms, row.routed_ms, row.route]))

    def forget(self, txn: Transaction, device: DeviceId) -> None:
        self._rows.pop(device, None)
        self._stored.pop(device, None)
        txn.delete(Space.HEARD, device)


def _row(value: Value) -> Heard:
    parts = as_list(value, "heard", 5, 3)
    at, lifted, unconfirmed, *later = (as_int(each, "time", MAX_TIMESTAMP_MS) for each in parts[:4])
    return Heard(
        at_ms=at,
        lifted_ms=lifted,
        unconfirmed_ms=unconfirmed,
        routed_ms=later[0] if later else 0,
        route=as_bytes(parts[4], "route", WAYS_BYTES) if len(parts) > 4 else b"",
    )
