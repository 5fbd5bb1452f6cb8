"""The type of the fixture `require` (see conftest.py)."""

from collections.abc import Callable

Require = Callable[[bool, str], None]
