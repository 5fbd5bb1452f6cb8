"""Things to be done a moment later, each under a name: a new wish takes the place of the one before."""

import asyncio
from collections.abc import Callable


class Timers:
    def __init__(self) -> None:
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def later(self, name: str, delay_s: float, action: Callable[[], object]) -> None:
        """Call `action` after `delay_s`, and nothing that was wished for under this name before."""
        if (handle := self._handles.pop(name, None)) is not None:
            handle.cancel()
        self._handles[name] = asyncio.get_running_loop().call_later(delay_s, action)

    def cancel(self) -> None:
        """None of them is done any more."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
