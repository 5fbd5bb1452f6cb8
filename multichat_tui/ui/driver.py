"""The driver of a real terminal, which may vanish at any moment: a window is closed, a connection is cut, tmux is killed.

Textual's own one survives that as a process that hangs for good and keeps the profile: its writing thread ends with the first
write that fails, and the next ones fill a queue that nobody empties.
"""

from types import FrameType
from typing import IO, TYPE_CHECKING, Any, cast

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from multichat_tui.ui.app import MultichatApp


class Outlet:
    """The terminal as a file to write to. What is written after it has gone is dropped."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        try:
            return self._file.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._file.flush()
        except (OSError, ValueError):
            return

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()


class TerminalDriver(LinuxDriver):
    """Quits in good order when the terminal has gone."""

    def __init__(self, app: "MultichatApp", **options: Any) -> None:
        super().__init__(app, **options)
        self._handed_over = False
        self._file = cast(Any, Outlet(cast(IO[str], self._file)))

    def suspend_application_mode(self) -> None:
        super().suspend_application_mode()
        self._handed_over = True

    def resume_application_mode(self) -> None:
        self._handed_over = False
        super().resume_application_mode()

    def write(self, data: str) -> None:
        """While the terminal is handed over to an editor there is nobody to write to: all is drawn again afterwards."""
        if not self._handed_over:
            super().write(data)

    def _sigcont_application(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """The kernel sends this along with the hangup of a terminal: only after a stop of our own is there anything to resume.

        A start without a stop before it would make second threads that read and write.
        """
        if self._must_signal_resume:
            super()._sigcont_application()

    def _run_input_thread(self) -> None:
        """Reading fails when the terminal has gone."""
        try:
            self.run_input_thread()
        except OSError:
            self._app.call_later(cast("MultichatApp", self._app).action_quit)
