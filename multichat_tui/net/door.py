"""The door: how many strangers may stand in it, in all and from one address, and how many were turned away for what."""

import asyncio
from collections import Counter
from collections.abc import Callable

from multichat_tui.model.hosts import one_sender
from multichat_tui.model.limits import MAX_UNAUTHENTICATED, MAX_UNAUTHENTICATED_PER_ADDRESS
from multichat_tui.model.ports import Counted
from multichat_tui.net.reasons import Turned

TELL_EVERY_S = 1.0
"""The first is told at once, what follows together: whoever knocks a thousand times a second shall not fill the inbox."""


class Door:
    """`tell` gets the counts, at most one input per reason and second (and one more for the first)."""

    def __init__(self, tell: Callable[[Counted], None]) -> None:
        self._tell = tell
        self._inside: Counter[str] = Counter()
        self._turned: Counter[Turned] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def strangers(self) -> int:
        return self._inside.total()

    def admit(self, host: str) -> str | None:
        """A place for a stranger, to be given back with `leave`; None if there is none left, for all or for this address."""
        address = one_sender(host)
        if self._inside[address] >= MAX_UNAUTHENTICATED_PER_ADDRESS:
            self.count(Turned.TOO_MANY_FROM_ADDRESS)
            return None
        if self.strangers >= MAX_UNAUTHENTICATED:
            self.count(Turned.TOO_MANY)
            return None
        self._inside[address] += 1
        return address

    def leave(self, place: str) -> None:
        self._inside[place] -= 1
        if not self._inside[place]:
            del self._inside[place]

    def count(self, reason: Turned) -> None:
        """Somebody was turned away. Only from callbacks of the event loop."""
        self._turned[reason] += 1
        if self._timer is None:
            self._tell_all()

    def _tell_all(self) -> None:
        self._timer = None
        if not self._turned:
            return
        self._timer = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell_all)
        turned, self._turned = self._turned, Counter()
        for reason, count in turned.items():
            self._tell(Counted(reason=reason.value, count=count))

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
