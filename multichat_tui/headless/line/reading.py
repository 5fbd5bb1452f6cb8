"""Lines from a terminal or a pipe, read by a thread of their own so that the node goes on meanwhile.

A terminal stays in its own line discipline: it echoes and edits, and hands over whole lines. Nothing is read before it is asked
for, so a pipe that is faster than the node waits.
"""

import asyncio
import os
import select
import sys
import threading
from queue import SimpleQueue

from multichat_tui.model.limits import MAX_INPUT_LINE_BYTES

READ_BYTES = 64 * 1024


class TooLong:
    """In place of a line that is longer than any message or command can be; it was read to its end and thrown away."""


class LineReader:
    """`line` may be asked by one task at a time. The thread is a daemon: a read that never returns holds up no end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._wanted: SimpleQueue[tuple[asyncio.Future[bytes], asyncio.AbstractEventLoop]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._reading: asyncio.Future[bytes] | None = None
        self._buffer = bytearray()
        self._skipping = False
        self._ended = False

    @property
    def waiting(self) -> bool:
        """Whether more has been entered already."""
        return b"\n" in self._buffer or bool(select.select([self._descriptor], [], [], 0)[0])

    async def line(self) -> str | TooLong | None:
        """The next line without its end; None at the end of the input. What is no UTF-8 is shown as U+FFFD. Loses nothing when
        cancelled."""
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline or (self._ended and line):
                self._buffer = bytearray(rest)
                too_long, self._skipping = self._skipping or len(line) > MAX_INPUT_LINE_BYTES, False
                return TooLong() if too_long else bytes(line).removesuffix(b"\r").decode("utf-8", "replace")
            if self._ended:
                return None
            if len(self._buffer) > MAX_INPUT_LINE_BYTES:
                self._buffer.clear()
                self._skipping = True
            chunk = await self._chunk()
            self._ended = not chunk
            if self._ended and self._skipping:
                self._skipping = False
                return TooLong()
            self._buffer += chunk

    async def _chunk(self) -> bytes:
        if self._reading is None:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="input", daemon=True)
                self._thread.start()
            loop = asyncio.get_running_loop()
            self._reading = loop.create_future()
            self._wanted.put((self._reading, loop))
        chunk = await asyncio.shield(self._reading)
        self._reading = None
        return chunk

    def _run(self) -> None:
        while True:
            read, loop = self._wanted.get()
            try:
                chunk = os.read(self._descriptor, READ_BYTES)
            except OSError:  # the terminal is gone
                chunk = b""
            try:
                loop.call_soon_threadsafe(_settle, read, chunk)
            except RuntimeError:  # the loop has ended: nobody waits any more
                return
            if not chunk:
                return


async def end_of_input() -> None:
    """Returns when standard input has ended: whoever held its other end is gone."""
    reader = LineReader(sys.stdin.fileno())
    while await reader.line() is not None:
        pass


def _settle(read: "asyncio.Future[bytes]", chunk: bytes) -> None:
    if not read.done():
        read.set_result(chunk)
