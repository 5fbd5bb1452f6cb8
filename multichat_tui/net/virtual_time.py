"""An event loop whose clock jumps: when nothing is ready to run, time moves to the next timer at once.

A simulation of hours takes as long as its callbacks do, and depends on nothing but them. Only for what runs on the loop alone:
threads and sockets live in real time, and a loop that waits for nothing else counts as deadlocked.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

RESOLUTION_S = 1e-6
"""Timers closer together than this fall together: far above the rounding of float seconds in a run of years."""


MAX_ROUNDS = 200_000
"""Turns of the loop in one instant. Tens are usual; whoever needs more is going round in a circle."""


class Livelock(RuntimeError):
    """Something is ready again and again, and time does not move. Names the tasks there are."""


class Deadlock(RuntimeError):
    """Everything waits and no timer is set: virtual time cannot go on. Names the tasks that wait."""


class _JumpingSelector(selectors.BaseSelector):
    """Looks at the real file objects without waiting (the loop's own wake-up pipe is one), and jumps over every wait."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.elapsed_s = 0.0
        self._rounds = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._rounds += 1
        if self._rounds > MAX_ROUNDS:
            self._rounds = 0  # so that the tasks can be cancelled
            raise Livelock(f"time stands still at {self.elapsed_s:.6f} s; {_who_waits()}")
        if timeout is not None and timeout <= 0:
            return []
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise Deadlock(f"nothing is scheduled; {_who_waits()}")
        before_s, self.elapsed_s = self.elapsed_s, self.elapsed_s + timeout
        if self.elapsed_s > before_s:
            self._rounds = 0
        return []

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


def _who_waits() -> str:
    try:
        waiting = sorted(task.get_name() for task in asyncio.all_tasks(asyncio.get_running_loop()))
    except RuntimeError:
        waiting = []
    return f"{len(waiting)} tasks wait: {', '.join(waiting[:20])}"


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0; `now_ms()` is the wall clock of the simulated world, which begins at `start_ms`."""

    def __init__(self, start_ms: int = 0) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._start_ms = start_ms
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        return self._jumping.elapsed_s

    def now_ms(self) -> int:
        return self._start_ms + int(self._jumping.elapsed_s * 1000)


def run_virtual(coroutine: Coroutine[Any, Any, T], start_ms: int = 0) -> T:
    """Run to the end in virtual time, from its own loop. Raises `Deadlock` when only the impossible is waited for,
    and `Livelock` when time does not move.

    Tasks that are left over are cancelled, like those of `asyncio.run`.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(start_ms)) as runner:
        return runner.run(coroutine)
