"""What the tests of the screens share: starting the application on the scripted node, in one time zone."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from seat import Seat, Sit
from twin import TwinLauncher, TwinNode

from multichat_tui.node.api.launch import ProfileState
from multichat_tui.ui.actions import keymap, wear
from multichat_tui.ui.app import MultichatApp
from multichat_tui.ui.preferences import Look, Preferences, Signs


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of many colours, with the keys that a program begins with."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    wear(keymap())


@pytest.fixture(autouse=True)
def _nothing_fails_unseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What the screen survives fails its test all the same, unless that clears the log."""
    yield
    failed = [record for record in caplog.get_records("call") if record.name.startswith("multichat_tui.ui")]
    assert not [record for record in failed if record.levelno >= logging.ERROR]


@pytest.fixture
def sit() -> Sit:
    """Start the application: `async with sit(node, size=(80, 24)) as seat`."""

    @asynccontextmanager
    async def start(
        node: TwinNode,
        *,
        size: tuple[int, int] = (80, 24),
        state: ProfileState = ProfileState.OPEN,
        **preferences: Any,
    ) -> AsyncIterator[Seat]:
        launcher = TwinLauncher(node, state)
        app = MultichatApp(launcher, Preferences(**({"signs": Signs.UNICODE, "look": Look.DARK} | preferences)))
        async with app.run_test(size=size) as pilot:
            yield Seat(app, pilot, node, launcher)

    return start
