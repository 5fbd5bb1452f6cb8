"""What all tests share."""

import os

import pytest
from hypothesis import settings
from requirements import Require

from multichat_tui.node import dialing

# No test asserts on the clock: on a busy machine an example of any property may take longer than Hypothesis allows by itself.
settings.register_profile("any-speed", deadline=None)
settings.load_profile("any-speed")


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


SLOW_STREAMS = 2
"""Workers that begin with what starts processes, which is mostly waited for: more at once would be in each other's way."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long ones first, so that none is the last to run: pytest-xdist gives each worker as many tests, in this order."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers < SLOW_STREAMS:
        return
    slow = [item for item in items if item.get_closest_marker("e2e") is not None]
    quick = [item for item in items if item.get_closest_marker("e2e") is None]
    size, ordered = -(-len(items) // workers), []
    for worker in range(workers):
        begun = slow[worker::SLOW_STREAMS] if worker < SLOW_STREAMS else []
        room = max(0, size - len(begun))
        ordered += begun + quick[:room]
        del quick[:room]
    items[:] = ordered + quick
