"""Control records in their places."""

from dataclasses import field

from multichat_tui.model.acts import Act
from multichat_tui.model.identity import DeviceList
from multichat_tui.model.ids import DeviceId, RecordId, UserId
from multichat_tui.model.joins import Join
from multichat_tui.model.values import dataclass


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
    asked: Join | None = None
    """The request that it writes down, if that holds."""
    devices: DeviceList | None = None
    """The list that it brings, if that holds."""
    bit: int = field(init=False, repr=False, compare=False)
    order: tuple[int, RecordId] = field(init=False, repr=False, compare=False)
    """Of two, the lesser is decided first; ancestors always are."""
    joiner: UserId | None = field(init=False, compare=False)
    """Whom it lets in."""

    def __post_init__(self) -> None:
        # Asked for so often that working them out each time would take most of the time.
        object.__setattr__(self, "bit", 1 << self.index)
        object.__setattr__(self, "order", (self.count, self.id))
        object.__setattr__(self, "joiner", None if self.join is None else self.join.certificate.user)

    def follows(self, index: int) -> bool:
        return bool(self.past >> index & 1)
