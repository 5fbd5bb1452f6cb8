"""`multichat demo` as a person meets it: in a terminal, with three others who are real processes, until nothing of it is left."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import PATIENCE_S, Homes
from requirements import Require
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(300)]


@pytest.fixture
def homes(require: Require) -> Iterator[Homes]:
    require(shutil.which("tmux") is not None, "tmux is needed")
    require(Path("/proc/self/environ").exists(), "processes are found by /proc")
    base = Path(tempfile.mkdtemp(prefix="mc-demo-"))
    yield Homes(base)
    for pid in processes(base):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(base, ignore_errors=True)


def processes(base: Path) -> list[int]:
    """Those of this test: they keep their temporary files below `base`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes()
            alive = (path / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            continue
        if alive and f"TMPDIR={base}".encode() in environment.split(b"\0"):
            found.append(int(path.name))
    return found


def until_nothing_is_left(base: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while processes(base) or list(base.glob("multichat-demo-*")):
        assert time.monotonic() < deadline, (processes(base), list(base.glob("multichat-demo-*")))
        subprocess.run(["sleep", "0.2"], check=True)  # other processes end when they end


def begin(homes: Homes) -> Terminal:
    screen = Terminal("demo", homes.base, columns=110, rows=30)
    environment = homes.environment(TERM="tmux-256color", COLORTERM="truecolor", TMPDIR=str(homes.base))
    screen.run(homes.command("mine", "demo"), environment)
    screen.until_shows("You are in #garden with ann, bob and cleo")
    screen.press("M-1")
    screen.until_shows("ann +Welcome! You are one of four real nodes")
    return screen


def test_the_others_answer_go_and_come_back_and_nothing_is_left(homes: Homes) -> None:
    screen = begin(homes)
    try:
        assert len(processes(homes.base)) >= 5
        screen.enter("good morning to all")
        screen.until_shows("I read you: “good morning to all”")
        screen.until_shows("The sign right of your message")
        screen.enter("and one more")
        screen.until_shows("cleo has closed the lid")
        screen.enter("cleo, this is for you")
        screen.until_shows("“cleo, this is for you”")
        screen.until_shows("cleo is back and has what she missed|comes through ann|Now try what you like")
        # Every scene waits for a word of ours, or for its time.
        for words in ("hello again", "so it is"):
            screen.enter(words)
        screen.until_shows("cleo and you have two mailboxes now")
        screen.until_shows("mailboxes 2/2")
        screen.enter("the key is under the third pot")
        screen.until_shows("the key is under the third pot +▤2/2")
        screen.enter("that is all")
        screen.until_shows("cleo +My mailboxes had it: “the key is under")
        assert not homes.home("mine").exists(), "the demo is no business of a profile"
        screen.press("C-q")
        screen.until_ended()
        until_nothing_is_left(homes.base)
    finally:
        screen.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM], ids=["kill", "hang-up", "terminate"])
def test_however_it_ends_its_processes_and_files_go_too(homes: Homes, how: signal.Signals) -> None:
    screen = begin(homes)
    try:
        os.kill(screen.pid, how)
        screen.until_ended()
        until_nothing_is_left(homes.base)
    finally:
        screen.close()
