"""A terminal that a test looks at and types into: tmux, with a server and socket of its own.

Nothing is polled: whatever the program writes also comes through a pipe, and the screen is looked at again when something does.
"""

import contextlib
import os
import re
import select
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PATIENCE_S = 45.0
LOOK_AGAIN_S = 1.0
"""The pipe may be read before tmux has drawn what came through it."""


class Terminal:
    """One pane of `columns` x `rows` in which one program at a time runs; `base` is a directory for its socket and pipe."""

    def __init__(self, name: str, base: Path, *, columns: int = 100, rows: int = 30, inside: Sequence[str] = ()) -> None:
        """`inside`: words before every program, such as `ip netns exec NAME`."""
        self.name = name
        self.columns, self.rows = columns, rows
        self._base = base / f"tmux-{name}"
        self._base.mkdir(mode=0o700)
        self._inside = tuple(inside)
        self._fifo = self._base / "out"
        os.mkfifo(self._fifo)
        self._heard = os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK)
        self._kept = os.open(self._fifo, os.O_WRONLY)  # so that the end of one program is not the end of the pipe
        self._running = False

    # Programs

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a program in the pane, in place of the one that has ended."""
        words = ["env", "-i", *(f"{key}={value}" for key, value in environment.items()), *self._inside, *command]
        line = "exec " + " ".join(shlex.quote(word) for word in words)
        if self._running:
            self._tmux("respawn-pane", "-k", "-t", "0", line)
        else:
            size = ("-x", str(self.columns), "-y", str(self.rows))
            # A shell first: a program that ends at once would take the server with it before it can be told to stay.
            self._tmux("new-session", "-d", *size, "cat")
            self._running = True
            self._tmux("set-option", "-g", "remain-on-exit", "on")
            self._tmux("set-option", "-g", "status", "off")
            self._tmux("set-option", "-g", "escape-time", "10")
            self._tmux("resize-window", *size)
            self._tmux("respawn-pane", "-k", "-t", "0", line)
        self._tmux("pipe-pane", "-t", "0", f"exec cat > {shlex.quote(str(self._fifo))}")

    @property
    def pid(self) -> int:
        """Of the program in the pane."""
        return int(self._tmux("display-message", "-p", "-t", "0", "#{pane_pid}"))

    @property
    def ended(self) -> bool:
        return self._tmux("display-message", "-p", "-t", "0", "#{pane_dead}").strip() == "1"

    def until_ended(self) -> None:
        """Wait for the program in the pane to be gone."""
        self._wait(lambda: self.ended, "the program to end", look_again_s=0.1)

    # Typing

    def type(self, text: str) -> None:
        """Text as it is, key by key."""
        self._tmux("send-keys", "-l", "-t", "0", "--", text)

    def press(self, *keys: str) -> None:
        """Keys by tmux's names."""
        self._tmux("send-keys", "-t", "0", *keys)

    def enter(self, text: str) -> None:
        """Type a line and press Enter once it stands there."""
        self.type(text)
        self.until(lambda screen: text[-20:] in "".join(line.strip() for line in screen), f"{text[-20:]!r} to be echoed")
        self.press("Enter")

    # Looking

    def screen(self) -> list[str]:
        """The lines, without trailing spaces."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p", "-t", "0").split("\n")[: self.rows]]

    def everything(self) -> str:
        """The screen with what has scrolled away: tmux moves up what a program has said last, to tell that it has ended."""
        return self._tmux("capture-pane", "-p", "-S", "-", "-t", "0")

    def painted(self) -> str:
        """The screen with its colours, as escape sequences."""
        return self._tmux("capture-pane", "-p", "-e", "-N", "-t", "0")

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def until(self, condition: Callable[[list[str]], object], what: str) -> list[str]:
        """The screen as soon as the condition holds for it."""
        seen: list[str] = []

        def look() -> bool:
            seen[:] = self.screen()
            return bool(condition(seen))

        self._wait(look, what)
        return seen

    def until_shows(self, pattern: str) -> re.Match[str]:
        """The first match of a pattern on the screen, now or when it comes."""
        found = re.compile(pattern, re.MULTILINE)
        screen = self.until(lambda lines: found.search("\n".join(lines)), f"{pattern!r} to be shown")
        match = found.search("\n".join(screen))
        assert match is not None
        return match

    def until_gone(self, pattern: str) -> None:
        gone = re.compile(pattern, re.MULTILINE)
        self.until(lambda lines: not gone.search("\n".join(lines)), f"{pattern!r} to go")

    def _wait(self, condition: Callable[[], bool], what: str, look_again_s: float = LOOK_AGAIN_S) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{self.name} waited in vain for {what}; the screen:\n" + "\n".join(self.screen()))
            readable, _, _ = select.select([self._heard], [], [], min(left, look_again_s))
            if readable:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._heard, 65536):
                        pass

    # tmux

    def _tmux(self, *words: str) -> str:
        environment = {"PATH": os.environ["PATH"], "TMUX_TMPDIR": str(self._base), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        done = subprocess.run(
            ["tmux", "-L", "test", "-f", "/dev/null", "-u", *words],
            capture_output=True,
            env=environment,
            timeout=PATIENCE_S,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"tmux {words[0]}: {done.stderr.decode().strip()}")
        return done.stdout.decode()

    def close(self) -> None:
        """End the program and the server."""
        if self._running:
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self._tmux("kill-server")
        for descriptor in (self._heard, self._kept):
            os.close(descriptor)
