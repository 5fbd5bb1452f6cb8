"""Keys in the order in which they were pressed: each goes to what the one before it has brought up.

Textual hands out all keys that have come before any of them has done its work. Keys come in bursts, from a slow line, a macro or
a paste without brackets: those behind one that opens a channel or a list, or goes back to the composer, would still go to the
pane in which that one was pressed, be lost or mean something else there, and a message would be sent to the channel of before.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from textual import events
from textual.dom import DOMNode
from textual.message_pump import MessagePump

LOOK_AGAIN_S = 0.05
"""How soon it is noticed that what a key went to is not there any more."""

PATIENCE_S = 1.0
"""How long keys wait for what an earlier one has begun: longer, and the keyboard seems to hang."""

Input = events.Key | events.Paste


class InOrder:
    """Of one application.

    `hand_out` gives one key or paste to what has the focus; `target` names that, None if there is nothing; `settled` waits for
    what a key has begun and what decides where the next one goes.
    """

    def __init__(
        self,
        hand_out: Callable[[Input], Awaitable[None]],
        target: Callable[[], DOMNode | None],
        settled: Callable[[], Awaitable[None]],
        only_writes: Callable[[Input], bool],
    ) -> None:
        """`only_writes`: whether it changes a text and nothing beside it, so that the next one need not wait."""
        self._hand_out, self._target, self._settled, self._only_writes = hand_out, target, settled, only_writes
        self._waiting: deque[Input] = deque()
        self._working = False
        self._heard_from = 0.0
        """What was pressed before this moment, on the clock of events, goes nowhere."""

    def forget(self) -> None:
        """What was pressed until now was not meant for what comes now: behind a passphrase it may be another try."""
        self._waiting.clear()
        self._heard_from = time.monotonic()

    async def take(self, event: Input) -> bool:
        """A key or a paste. True: `work` is to be run now, beside the application's own loop."""
        if event.time < self._heard_from:
            return False
        if not self._working and self._only_writes(event):
            await self._hand_out(event)
            return False
        self._waiting.append(event)
        if self._working:
            return False
        self._working = True
        return True

    async def work(self) -> None:
        """Until nothing waits."""
        try:
            while self._waiting:
                event = self._waiting.popleft()
                target, writes = self._target(), self._only_writes(event)
                await self._hand_out(event)
                if not writes:
                    await self._done(target)
        finally:
            self._working = False

    async def _done(self, target: DOMNode | None) -> None:
        """The key has gone all the way up from what had the focus, and what that has asked for has been done."""
        await _passed(target)
        await self._settled()
        if (now := self._target()) is not target:
            # Another screen or pane: there, and ready.
            await _passed(now)


class Moves:
    """What has been begun and decides where the next keys go: a channel that opens, a command that asks for something."""

    def __init__(self) -> None:
        self._begun: deque[tuple[asyncio.Event, float]] = deque()

    def waited_for(self, work: Coroutine[Any, Any, object]) -> Coroutine[Any, Any, None]:
        """The same work; keys wait for it from now on."""
        done = asyncio.Event()
        self._begun.append((done, asyncio.get_running_loop().time() + PATIENCE_S))

        async def run() -> None:
            try:
                await work
            finally:
                done.set()

        return run()

    async def settled(self) -> None:
        """Everything is done, or takes too long."""
        while self._begun:
            done, until_s = self._begun[0]
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), max(0.0, until_s - asyncio.get_running_loop().time()))
            self._begun.popleft()


async def _passed(target: DOMNode | None) -> None:
    """What waits for a widget and for those around it has been dealt with.

    Twice at each: a message that is posted while one is handled stands behind what stood there by then.
    """
    for node in target.ancestors_with_self if target is not None else ():
        for _ in range(2):
            await _reached(node)


async def _reached(pump: MessagePump) -> None:
    done = asyncio.Event()
    if not pump.call_later(done.set):
        return
    while not done.is_set() and pump.is_running:
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), LOOK_AGAIN_S)
