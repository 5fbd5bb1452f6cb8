"""What line mode writes: whole lines, and a prompt where somebody types.

At a terminal the prompt stands in the last line whenever nothing is being written, so that it is known where the cursor is. A
message that comes while a line is being typed begins a line of its own, and the prompt comes again. What was typed so far stays
with the terminal: Ctrl+R shows it again. With `hold` messages wait until Enter is pressed.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import TextIO

from multichat_tui.headless.stream import LineStream
from multichat_tui.model.limits import MAX_HELD_LINES

QUIET_S = 0.2
"""News that come within this after others are written together: a burst costs few prompts."""


class Page:
    """`interactive`: there is somebody at a terminal. Otherwise there is no prompt, and faults go to `errors`."""

    def __init__(self, out: TextIO, errors: TextIO, *, interactive: bool) -> None:
        self.interactive = interactive
        self.hold = False
        self.prompt = "> "
        self._out = LineStream(out)
        self._errors = LineStream(errors)
        self._writing = asyncio.Lock()
        self._prompted = False
        self._held: deque[str] = deque(maxlen=MAX_HELD_LINES)
        self._gathering: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        """Write the prompt, unless it stands there."""
        async with self._writing:
            await self._ask()

    async def entered(self) -> None:
        """Somebody has pressed Enter: the cursor stands in a new line. What was held is shown."""
        async with self._writing:
            self._prompted = False
            await self._show_held()

    async def say(self, *lines: str) -> None:
        """An answer to what was typed, at once."""
        async with self._writing:
            await self._write(lines)

    async def complain(self, *lines: str) -> None:
        """What went wrong."""
        if self.interactive:
            await self.say(*lines)
        elif lines:
            await self._errors.text("".join(f"{line}\n" for line in lines))

    async def tell(self, *lines: str) -> None:
        """News: at once, with what came shortly before, or with `hold` at the next Enter."""
        async with self._writing:
            if not self.interactive:
                await self._write(lines)
                return
            self._held.extend(lines)
            if not lines or self.hold or (self._gathering is not None and not self._gathering.done()):
                return
            await self._show_held()
            self._gathering = asyncio.create_task(self._gather())

    async def close(self) -> None:
        """Write what is held, and leave the cursor at the beginning of a line."""
        if self._gathering is not None:
            self._gathering.cancel()
            await asyncio.gather(self._gathering, return_exceptions=True)
        async with self._writing:
            await self._write(self._held)

    async def _gather(self) -> None:
        while True:
            await asyncio.sleep(QUIET_S)
            async with self._writing:
                if not self._held or self.hold:
                    return
                await self._show_held()

    async def _show_held(self) -> None:
        """Write what is held, and the prompt again if it stood there."""
        lines, self._held = self._held, deque(maxlen=MAX_HELD_LINES)
        # Without a prompt a line is being dealt with: it comes when that is done.
        prompted = self._prompted
        await self._write(lines)
        if prompted:
            await self._ask()

    async def _ask(self) -> None:
        if self.interactive and not self._prompted:
            self._prompted = True
            await self._out.text(self.prompt)

    async def _write(self, lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        if self._prompted:
            text = "\n" + text
            self._prompted = False
        if text:
            await self._out.text(text)
