"""A node that is to end with whoever began it."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import start
from real_nodes import LOCAL, PATIENCE_S, Homes

pytestmark = pytest.mark.e2e


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-eof-"))
    yield Homes(base)
    shutil.rmtree(base, ignore_errors=True)


def test_a_node_ends_when_its_standard_input_does(homes: Homes) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    command = homes.command("ann", "node", "--until-eof", *LOCAL)
    process = start(command, homes.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "ready"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
