"""What all tests share."""

import os

import pytest
from hypothesis import settings
from requirements import Require

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
