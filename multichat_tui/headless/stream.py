"""Lines for a reader who may not read: a thread of their own writes them, so that a full pipe holds up the stream only.

Whoever writes waits; meanwhile the node's bounded queue of events overflows into `Resync`, as for any slow subscriber.
"""

import asyncio
import io
import json
import os
import threading
from collections.abc import Mapping
from queue import SimpleQueue
from typing import Any, TextIO


class LineStream:
    """JSON objects or plain text; what the stream's encoding lacks is written as `\\uXXXX`.

    The thread is a daemon and writes past Python's buffers: a process that ends in the middle of a write that never returns is
    held up by neither.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines: SimpleQueue[tuple[str, asyncio.Future[None], asyncio.AbstractEventLoop]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def object(self, fields: Mapping[str, Any]) -> None:
        """One JSON object in a line; see `text`."""
        await self.text(json.dumps(fields, separators=(", ", ": "), allow_nan=False) + "\n")

    async def text(self, text: str) -> None:
        """Returns when the text is with the operating system. OSError if the other end is gone."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._lines.put((text, written, loop))
        await written

    def _run(self) -> None:
        while True:
            line, written, loop = self._lines.get()
            error: OSError | None = None
            try:
                self._write(line)
            except OSError as failed:
                error = failed
            try:
                loop.call_soon_threadsafe(_settle, written, error)
            except RuntimeError:
                # The loop has ended: nobody waits any more.
                return

    def _write(self, line: str) -> None:
        try:
            descriptor = self._out.fileno()
        except (io.UnsupportedOperation, ValueError):
            self._out.write(line)
            return
        self._out.flush()
        left = line.encode(self._out.encoding or "utf-8", "backslashreplace")
        while left:
            left = left[os.write(descriptor, left) :]


def _settle(written: "asyncio.Future[None]", error: OSError | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)
