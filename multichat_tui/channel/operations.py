"""Control records in their places."""

from dataclasses import dataclass

from multichat_tui.model.acts import Act
from multichat_tui.model.identity import DeviceList
from multichat_tui.model.ids import DeviceId, RecordId, UserId
from multichat_tui.model.joins import Join


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A control record in its place. `past` holds the bits of all its ancestors."""

    index: int
    id: RecordId
    device: DeviceId
    user: UserId
    acts: tuple[Act, ...]
    join: Join | None
    past: int
    count: int
    """How many ancestors it has."""
    valid: bool
    """The state of its own past allows it. What is not valid is never used."""
    devices: DeviceList | None = None
    """The list that it brings, if that holds."""

    @property
    def bit(self) -> int:
        return 1 << self.index

    @property
    def order(self) -> tuple[int, RecordId]:
        """Of two, the one that is decided first; ancestors always are."""
        return self.count, self.id

    def follows(self, index: int) -> bool:
        return bool(self.past >> index & 1)
