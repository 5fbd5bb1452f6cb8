"""A bounded queue of events for one reader: whoever is too slow gets one `Resync` in place of what did not fit."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from multichat_tui.model.events import Event, Resync
from multichat_tui.model.limits import SUBSCRIBER_EVENTS


class Subscription(AsyncIterator[Event]):
    """Written to without waiting, read with `async for`. Ends after `end` once what is queued has been read."""

    def __init__(self, limit: int = SUBSCRIBER_EVENTS) -> None:
        self._limit = limit
        self._queue: deque[Event] = deque()
        self._ready = asyncio.Event()
        self._ended = False

    def put(self, event: Event) -> None:
        if self._ended:
            return
        if len(self._queue) >= self._limit:
            self._queue.clear()
            self._queue.append(Resync(seq=event.seq))
        else:
            self._queue.append(event)
        self._ready.set()

    def end(self) -> None:
        self._ended = True
        self._ready.set()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Event:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._queue.popleft()
