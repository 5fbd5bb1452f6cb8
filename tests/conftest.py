"""What all tests share."""

import gc
import os
import signal
import threading

import pytest
from hypothesis import settings
from requirements import Require

from multichat_tui.node import dialing

# No test asserts on the clock: on a busy machine an example of any property may take longer than Hypothesis allows by itself.
settings.register_profile("any-speed", deadline=None)
settings.load_profile("any-speed")

# Tests that a script starts in the background ignore Ctrl+C, and so would every program that they start: some are ended by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


WAITING_STREAMS = 2
"""Workers that begin with tests of real processes, while the others compute: these mostly wait, and many delay each other."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of real processes first, and of them those that may take long: they are not what is waited for at the end.

    pytest-xdist begins by giving each worker an equal part of the list, in this order.
    """
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers < 2 * WAITING_STREAMS:
        return
    waiting = sorted((item for item in items if item.get_closest_marker("e2e")), key=_patience_s, reverse=True)
    computing = [item for item in items if not item.get_closest_marker("e2e")]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        begun = waiting[worker::WAITING_STREAMS] if worker < WAITING_STREAMS else []
        part = (len(items) - len(ordered)) // (workers - worker)
        room = max(0, part - len(begun))
        ordered += begun + computing[:room]
        del computing[:room]
    items[:] = ordered + computing


def _patience_s(item: pytest.Item) -> float:
    """What a test is given at most, where it says so."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None else 0.0


def pytest_collection_finish() -> None:
    """What is loaded and collected by now stays: full garbage collections need not look at it again in each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def require() -> Require:
    """`require(condition, reason)`: skip where a test cannot run; under MULTICHAT_NO_SKIPS=1, as in CI, fail instead."""

    def check(condition: bool, reason: str) -> None:
        if condition:
            return
        if os.environ.get("MULTICHAT_NO_SKIPS") == "1":
            pytest.fail(f"may not be skipped here: {reason}")
        pytest.skip(reason)

    return check


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is called in vain is called again after hours: most of the work of long stories of people apart is that."""
    monkeypatch.setattr(dialing, "MAX_REDIAL_MS", 6 * 60 * 60 * 1000)
