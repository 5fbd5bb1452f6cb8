"""A network that is off: for commands that only read or change what is on this machine."""

from collections.abc import Callable, Iterable

from multichat_tui.model.ids import LinkId
from multichat_tui.model.ports import Credential, DialFailed, LocalDevice, NetworkInput


class QuietNetwork:
    """Implements `ports.Network`: listens nowhere, reaches nobody."""

    def __init__(self) -> None:
        self._deliver: Callable[[NetworkInput], None] | None = None

    async def start(self, local: LocalDevice, deliver: Callable[[NetworkInput], None]) -> tuple[str, ...]:
        self._deliver = deliver
        return ()

    def publish(self, credentials: Iterable[Credential]) -> None:
        """Nobody is told."""

    def dial(self, credential: Credential, address: str) -> None:
        """Answers at once that it is off."""
        if self._deliver is not None:
            self._deliver(DialFailed(key=credential.key, address=address, reason="this command does not use the network"))

    def send(self, link: LinkId, frame: bytes) -> None:
        """There are no links."""

    def close_link(self, link: LinkId, reason: str) -> None:
        """There are no links."""

    def pause(self, paused: bool) -> None:
        """There is nothing to read."""

    async def stop(self) -> None:
        self._deliver = None
