"""Your place in `multichat demo`: a node of yours in a temporary home, and the others in a process beside it.

The other process watches this one through a pipe: when that is closed, however it came about, it ends its nodes and removes the
directory. This one does the same with it when you quit.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from multichat_tui.headless.demo.player import STOP_TIMEOUT_S
from multichat_tui.headless.demo.stage import guide
from multichat_tui.headless.line.reading import LineReader


@contextmanager
def demo_root() -> Iterator[Path]:
    """A directory for everything, removed at the end. SIGTERM and a hang-up end the program in order meanwhile."""
    root = Path(tempfile.mkdtemp(prefix="multichat-demo-"))
    before = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield root
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        shutil.rmtree(root, ignore_errors=True)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


@contextmanager
def others(root: Path) -> Iterator[Callable[[], AsyncIterator[str]]]:
    """The others play, in a session of their own: a hang-up of this terminal is not theirs. What they say can be followed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MULTICHAT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "multichat_tui", "demo", "--stage", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    reader = LineReader(process.stdout.fileno())
    try:
        yield lambda: guide(reader)
    finally:
        process.stdin.close()
        try:
            process.wait(2 * STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
