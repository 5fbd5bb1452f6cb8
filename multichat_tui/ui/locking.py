"""The app lock: a screen over everything that tells nothing but how much is new, until the passphrase is typed.

The node goes on, and so does this terminal behind the screen: it receives, and nothing counts as read. Each terminal locks by
itself. What would open another screen meanwhile waits.
"""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from multichat_tui.model.errors import MultichatError, WrongPassphrase
from multichat_tui.model.limits import LOCK_PAUSE_S, MAX_LOCK_PAUSE_S, MAX_PASSPHRASE_BYTES

if TYPE_CHECKING:
    from multichat_tui.ui.app import MultichatApp

UNPROTECTED = "This profile has no passphrase, so nothing could open the lock again. A profile made with one can be locked."

OPENS = "Your passphrase opens it."


class LockScreen(Screen[None]):
    """Asks for the passphrase, as often as it takes; after wrong ones it waits, twice as long each time."""

    DEFAULT_CSS = """
    LockScreen { align: center middle; }
    LockScreen > Vertical { width: 100%; max-width: 60; height: auto; padding: 0 2; }
    LockScreen #lock-title { text-style: bold; color: $primary; height: 1; }
    LockScreen #lock-new { height: 1; margin: 0 0 1 0; }
    LockScreen Input { border: none; height: 1; padding: 0 1; background: $surface; }
    LockScreen Input:focus { border: none; }
    LockScreen #lock-error { height: auto; color: $error; margin-top: 1; }
    """

    def __init__(self, check: Callable[[str], Awaitable[None]], opened: Callable[[], None]) -> None:
        super().__init__()
        self._check, self._opened = check, opened
        self._wrong = 0
        self._busy = False
        self._waits: Timer | None = None
        self._new = Static("", id="lock-new", markup=False)
        self._error = Static("", id="lock-error", markup=False)
        self._input = Input(id="lock-input", password=True, compact=True, placeholder=OPENS)
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Multichat is locked", id="lock-title", markup=False)
            yield self._new
            yield self._input
            yield self._error

    def on_mount(self) -> None:
        self._input.focus()

    def tell(self, new: int) -> None:
        """How much has come since."""
        self._new.update(f"{new} new" if new else "")

    def on_key(self, event: events.Key) -> None:
        if event.key in ("tab", "shift+tab", "escape"):
            event.stop()
            event.prevent_default()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._busy or self._waits is not None:
            return
        passphrase, self._input.value = event.value, ""
        if not passphrase or len(passphrase.encode("utf-8", "replace")) > MAX_PASSPHRASE_BYTES:
            return
        self._busy = True
        self._error.update("A moment...")
        self.run_worker(self._try(passphrase), exclusive=True)

    async def _try(self, passphrase: str) -> None:
        try:
            await self._check(passphrase)
        except WrongPassphrase:
            self._wrong += 1
            pause_s = min(LOCK_PAUSE_S * 2 ** (self._wrong - 1), MAX_LOCK_PAUSE_S)
            self._error.update(f"That is not the passphrase. Enter counts again in {pause_s:.0f} s.")
            self._waits = self.set_timer(pause_s, self._may_try)
        except MultichatError as error:
            self._error.update(str(error))
        else:
            self._opened()
        finally:
            self._busy = False

    def _may_try(self) -> None:
        self._waits = None
        self._error.update("Try again.")


class Locking:
    """Of one application."""

    def __init__(self, app: "MultichatApp") -> None:
        self._app = app
        self._screen: LockScreen | None = None
        self._behind: list[Callable[[], object]] = []
        self._touched_s = time.monotonic()
        self._idle_ms = 0
        self._timer: Timer | None = None
        self._unread_before = 0
        self.new = 0
        """Unread messages that have come since it was locked."""

    @property
    def locked(self) -> bool:
        return self._screen is not None

    def hides(self, screen: object) -> bool:
        """Whether a screen that is to be opened has to wait."""
        return self.locked and screen is not self._screen

    def later(self, open_it: Callable[[], object]) -> None:
        """Once it is open again."""
        self._behind.append(open_it)

    def lock(self) -> None:
        app = self._app
        if self.locked:
            return
        if not app.launcher.protected:
            app.main.front.say(UNPROTECTED, bad=True)
            return
        self._unread_before, self.new = app.main.front.desk.unread, 0
        self._screen = LockScreen(app.launcher.check, self._open)
        app.launcher.set_locked(True)
        app.main.attended(False)
        app.forget_keys()
        app.push_screen(self._screen)

    def _open(self) -> None:
        app, screen = self._app, self._screen
        self._screen = None
        app.launcher.set_locked(False)
        app.forget_keys()
        if screen is not None and screen.is_current:
            app.pop_screen()
        app.main.attended(True)
        self.touched()
        behind, self._behind = self._behind, []
        for open_it in behind:
            open_it()

    def counted(self, unread: int) -> None:
        """So much is unread now, in all channels."""
        if self._screen is not None:
            # What had been seen when it was locked may count as read only now: only what is more counts.
            self.new += max(0, unread - self._unread_before)
            self._unread_before = unread
            if self._screen.is_mounted:
                self._screen.tell(self.new)

    # Idling

    def idle_after(self, idle_ms: int) -> None:
        """Lock by itself after so long without a key; 0: never."""
        self._idle_ms = idle_ms
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if idle_ms:
            self._arm(idle_ms / 1000)

    def touched(self) -> None:
        """A key, a paste or the mouse."""
        self._touched_s = time.monotonic()

    def _arm(self, seconds: float) -> None:
        self._timer = self._app.set_timer(max(0.05, seconds), self._look)

    def _look(self) -> None:
        left_s = self._touched_s + self._idle_ms / 1000 - time.monotonic()
        if left_s <= 0 and not self.locked and self._app.launcher.protected:
            self.lock()
        self._arm(left_s if left_s > 0 else self._idle_ms / 1000)
