"""The lock of line mode: nothing more is written until the passphrase is typed, which is not shown.

What stands on the terminal already stays there: lines that were written cannot be taken back.
"""

import contextlib
import sys
import termios
import time
from collections.abc import Awaitable, Callable

from multichat_tui.model.errors import IntentRefused, Refusal, WrongPassphrase
from multichat_tui.model.limits import LOCK_PAUSE_S, MAX_LOCK_PAUSE_S

LOCKED_PROMPT = "locked, passphrase: "


class LineLock:
    """`check` raises `errors.WrongPassphrase`; `protected` says whether there is a passphrase at all."""

    def __init__(self, check: Callable[[str], Awaitable[None]], protected: Callable[[], bool]) -> None:
        self._check, self._protected = check, protected
        self.locked = False
        self.new = 0
        """Messages that have come since."""
        self._wrong = 0
        self._may_try_s = 0.0

    @property
    def possible(self) -> bool:
        return self._protected()

    def lock(self) -> None:
        """`errors.IntentRefused` where nothing could open it again."""
        if not self._protected():
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                "This profile has no passphrase, so nothing could open the lock again.",
                "A profile made with one can be locked.",
            )
        self.locked, self.new = True, 0
        _echo(False)

    async def open(self, passphrase: str) -> str:
        """Try it; why it stays locked, or nothing."""
        wait_s = self._may_try_s - time.monotonic()
        if wait_s > 0:
            return f"Wait {wait_s:.0f} s."
        try:
            await self._check(passphrase)
        except WrongPassphrase:
            self._wrong += 1
            pause_s = min(LOCK_PAUSE_S * 2 ** (self._wrong - 1), MAX_LOCK_PAUSE_S)
            self._may_try_s = time.monotonic() + pause_s
            return f"That is not the passphrase. The next try counts in {pause_s:.0f} s."
        self.locked, self._wrong = False, 0
        _echo(True)
        return ""

    def end(self) -> None:
        """The terminal is the shell's again."""
        if self.locked:
            _echo(True)


def _echo(on: bool) -> None:
    """Whether the terminal shows what is typed; where standard input is none, nothing."""
    with contextlib.suppress(termios.error, ValueError, OSError):
        mode = termios.tcgetattr(sys.stdin.fileno())
        mode[3] = mode[3] | termios.ECHO if on else mode[3] & ~termios.ECHO
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, mode)
