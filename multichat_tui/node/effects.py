"""What a step wants done after its commit."""

from dataclasses import field

from multichat_tui.model.events import Event
from multichat_tui.model.ids import LinkId
from multichat_tui.model.ports import Credential
from multichat_tui.model.values import dataclass


@dataclass(slots=True)
class Effects:
    """Released by the service in this order: frames, closes, dials, credentials, events; then the next wake-up is set."""

    frames: list[tuple[LinkId, bytes]] = field(default_factory=list)
    closes: list[tuple[LinkId, str]] = field(default_factory=list)
    dials: list[tuple[Credential, str]] = field(default_factory=list)
    credentials: tuple[Credential, ...] | None = None
    events: list[Event] = field(default_factory=list)
    wake_at: int | None = None
    """Milliseconds of the node's clock; None: nothing waits."""
