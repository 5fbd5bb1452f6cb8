"""A node whose output nobody reads goes on being a node."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from programs import run

pytestmark = pytest.mark.e2e


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "multichat_tui", "--home", str(home), *words]


def told(home: Path, *words: str) -> str:
    done = run(command(home, *words), os.environ, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_a_node_answers_and_ends_though_nobody_reads_its_events(tmp_path: Path) -> None:
    home = tmp_path / "ann"
    told(home, "init", "--name", "ann", "--no-passphrase")
    told(home, "channel", "create", "dev")
    reading, writing = os.pipe()
    # The pipe is full from the start but for the first line: what follows can only wait.
    node = subprocess.Popen(command(home, "--no-lan", "--listen", "127.0.0.1:0", "node"), stdout=writing)
    try:
        ready = json.loads(os.read(reading, 65536).split(b"\n")[0])
        assert ready["event"] == "ready"
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(writing, True)
        for number in range(5):
            told(home, "send", "dev", f"message {number}")
        assert "message 4" in told(home, "log", "dev")
        node.send_signal(signal.SIGTERM)
        assert node.wait(timeout=30) == 0
    finally:
        if node.poll() is None:
            node.kill()
            node.wait()
        os.close(reading)
        os.close(writing)
