"""Lines from standard input while something else goes on: answers typed by a person, or piped in by a program."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MAX_ANSWER_CHARACTERS = 200
MAX_ANSWERS = 64
"""Lines that wait; whoever pipes more in is not a person."""


@asynccontextmanager
async def answers() -> AsyncIterator["asyncio.Queue[str | None]"]:
    """The lines of standard input, stripped, as they come; None at its end. The reading thread ends with the process."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue(MAX_ANSWERS)
    over = threading.Event()

    def put(line: str | None) -> None:
        if not queue.full():
            queue.put_nowait(line)

    def read() -> None:
        while not over.is_set():
            try:
                line = sys.stdin.readline(MAX_ANSWER_CHARACTERS) if sys.stdin is not None else ""
            except (OSError, ValueError):
                line = ""
            if over.is_set():
                return
            try:
                loop.call_soon_threadsafe(put, line.strip() if line else None)
            except RuntimeError:
                return  # the loop is closed
            if not line:
                return

    threading.Thread(target=read, name="answers", daemon=True).start()
    try:
        yield queue
    finally:
        over.set()
