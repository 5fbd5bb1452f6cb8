"""Keys in the order in which they were pressed: each goes to what the one before it has brought up.

Textual hands out all keys that have come before any of them has done its work. Keys come in bursts, from a slow line, a macro or
a paste without brackets: those behind one that opens a channel or a list, or goes back to the composer, would still go to the
pane in which that one was pressed, be lost or mean something else there, and a message would be sent to the channel of before.
So do clicks, in between.
"""

import asyncio
import math
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

MAX_ROUNDS = 4
"""How often the focus may move on by itself after a key."""

Input = events.Key | events.Paste | events.MouseEvent


class InOrder:
    """Of one application.

    `hand_out` gives one key, paste or movement of the mouse to whom it is for; `target` names that, and for None what has the
    focus; None if there is nothing; `settled` waits for what a key has begun and what decides where the next one goes, and says
    whether there was any.
    """

    def __init__(
        self,
        hand_out: Callable[[Input], Awaitable[None]],
        target: Callable[[Input | None], DOMNode | None],
        settled: Callable[[], Awaitable[bool]],
        only_writes: Callable[[Input], bool],
    ) -> None:
        """`only_writes`: whether it changes a text, or looks, and does nothing beside it, so that the next one need not wait."""
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
        """A key, a paste, or what the mouse does. True: `work` is to be run now, beside the application's own loop."""
        if event.time < self._heard_from:
            return False
        if not self._working and self._only_writes(event):
            await self._hand_out(event)
            return False
        if isinstance(event, events.MouseMove) and self._waiting and isinstance(self._waiting[-1], events.MouseMove):
            self._waiting.pop()
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
                target, writes = self._target(event), self._only_writes(event)
                await self._hand_out(event)
                if not writes:
                    await self._done(target)
        finally:
            self._working = False

    async def _done(self, target: DOMNode | None) -> None:
        """The key has gone all the way up from what had the focus, what that has asked for has been done, and what has the focus
        now (which moves a moment after it was asked to) is there and ready."""
        for _ in range(MAX_ROUNDS):
            await _passed(target)
            begun = await self._settled()
            if (now := self._target(None)) is target and not begun:
                return
            target = now


class Moves:
    """What has been begun and decides where the next keys go: a channel that opens, a command that asks for something."""

    def __init__(self) -> None:
        self._begun: deque[tuple[asyncio.Event, float]] = deque()
        self._late: list[asyncio.Event] = []
        """What has taken too long already. As long as there is any, nothing else is waited for: each key would take that long."""

    def waited_for(self, work: Coroutine[Any, Any, object], patience_s: float = PATIENCE_S) -> Coroutine[Any, Any, None]:
        """The same work; keys wait for it from now on."""
        done = asyncio.Event()
        self._begun.append((done, asyncio.get_running_loop().time() + patience_s))

        async def run() -> None:
            try:
                await work
            finally:
                done.set()

        return run()

    async def settled(self) -> bool:
        """Everything is done, or takes too long. Whether there was anything."""
        any_begun = bool(self._begun)
        while self._begun:
            done, until_s = self._begun[0]
            self._late = [late for late in self._late if not late.is_set()]
            left_s = until_s - asyncio.get_running_loop().time()
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), None if left_s == math.inf else 0.0 if self._late else max(0.0, left_s))
            self._begun.popleft()
            if not done.is_set():
                self._late.append(done)
        return any_begun


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
