"""The driver: a terminal that has gone takes nothing with it."""

import os
import pty
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from multichat_tui.ui.driver import Outlet, TerminalDriver

JOIN_S = 20.0


def test_writing_goes_on_and_ends_after_the_terminal_has_gone() -> None:
    master, slave = pty.openpty()
    terminal = os.fdopen(slave, "w", buffering=1, closefd=False)
    writer = WriterThread(cast(Any, Outlet(terminal)))
    writer.start()

    def write() -> None:
        for number in range(200):
            writer.write(f"line {number}\n")
        writer.stop()

    os.close(master)
    working = Thread(target=write, daemon=True)
    working.start()
    working.join(JOIN_S)
    assert not working.is_alive()
    os.close(slave)


@pytest.mark.parametrize("stopped", [True, False])
def test_going_on_starts_the_terminal_again_only_after_a_stop_of_ones_own(monkeypatch: pytest.MonkeyPatch, stopped: bool) -> None:
    resumed: list[int] = []
    monkeypatch.setattr(LinuxDriver, "_sigcont_application", lambda self, *_: resumed.append(1))
    driver = cast(TerminalDriver, SimpleNamespace(_must_signal_resume=stopped))
    monkeypatch.setattr("multichat_tui.ui.driver.super", lambda: LinuxDriver.__new__(LinuxDriver), raising=False)
    TerminalDriver._sigcont_application(driver)
    assert bool(resumed) is stopped
