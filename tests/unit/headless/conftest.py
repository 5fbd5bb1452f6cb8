"""The twin of the node's face, and a short directory for sockets."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "node_api"))


@pytest.fixture
def runtime():
    """A private directory whose path is short enough for sockets, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="mc-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
