"""Brings the node's events to the screen in batches: at most one for each frame, so that a flood costs frames and not keys."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from multichat_tui.model.events import Event
from multichat_tui.node.api import NodeApi

FRAME_S = 1 / 10
"""A repaint of the timeline costs up to 17 ms, during which keys wait: at ten a second a key waits 4 ms (p50), at forty 22."""
BATCH_EVENTS = 400
"""Events handed over at once; keys come in between."""


class Feed:
    """The first event after a quiet time goes at once, the following ones wait for the next frame."""

    def __init__(self, api: NodeApi, deliver: Callable[[Sequence[Event]], None], ready: Callable[[], None]) -> None:
        self._api, self._deliver, self._ready = api, deliver, ready
        self._pending: deque[Event] = deque()
        self._handle: asyncio.TimerHandle | asyncio.Handle | None = None
        self._last_s = 0.0

    async def run(self) -> None:
        """Until the node stops. `ready` is called when events are received: reads made from then on miss nothing."""
        try:
            async with self._api.events() as events:
                self._ready()
                async for event in events:
                    self._pending.append(event)
                    if self._handle is None:
                        self._schedule()
        finally:
            if self._handle is not None:
                self._handle.cancel()
                self._handle = None
            while self._pending:
                self._flush_now()

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = self._last_s + FRAME_S - loop.time()
        self._handle = loop.call_soon(self._flush) if wait_s <= 0 else loop.call_later(wait_s, self._flush)

    def _flush(self) -> None:
        self._handle = None
        self._last_s = asyncio.get_running_loop().time()
        self._flush_now()
        if self._pending:
            self._schedule()

    def _flush_now(self) -> None:
        count = min(BATCH_EVENTS, len(self._pending))
        self._deliver([self._pending.popleft() for _ in range(count)])
