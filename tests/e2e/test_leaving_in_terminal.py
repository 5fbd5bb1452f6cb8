"""Quitting in a terminal while a mailbox is silent: the shell's screen says what takes its time, and what became of it."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(240)]
CHANNEL = "quayside"


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-leave-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def screen(homes: Homes, require: Callable[[bool, str], None]) -> Iterator[Terminal]:
    require(shutil.which("tmux") is not None, "tmux is needed")
    made = Terminal("ann", homes.base, columns=90, rows=24)
    yield made
    made.close()


def test_quitting_says_that_messages_are_left_at_mailboxes_and_that_some_could_not_be(homes: Homes, screen: Terminal) -> None:
    box = homes.start(homes.command("box", "--json", "mailbox", "run", "--no-lan", "--listen", "127.0.0.1:0"))
    for who in ("ann", "bob"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    ann = homes.node("ann", *LOCAL)
    bob = homes.node("bob", "--connect", ann.listen[0], *LOCAL)
    homes.pair("ann", "bob")
    homes.results("ann", "channel", "create", CHANNEL)
    homes.results("bob", "channel", "join", homes.results("ann", "channel", "invite", CHANNEL)[0]["link"])
    homes.results("bob", "mailbox", "add", homes.results("box", "mailbox", "grant", "bob")[0]["link"])
    homes.until_results("bob", ("mailbox", "list"), lambda rows: rows[0]["queues"] > 0 and not rows[0]["unaware"])
    bob.stop()
    homes.results("ann", "send", "--wait", "stored", CHANNEL, "the tide is at six")
    ann.stop()

    screen.run(homes.command("ann", *LOCAL), homes.environment(TERM="tmux-256color"))
    screen.until_shows(r"the tide is at six +▤1/1")
    os.kill(box.pid, signal.SIGSTOP)
    try:
        screen.enter("bring the oars")
        screen.until_shows(r"bring the oars +⋯")
        screen.press("C-q")
        screen.until_ended()
    finally:
        os.kill(box.pid, signal.SIGCONT)
    told = " ".join(screen.everything().split())
    assert "Leaving what is for others at mailboxes: up to 3 seconds." in told
    assert "Not all of it could be left. It is kept here" in told

    screen.run(homes.command("ann", *LOCAL), homes.environment(TERM="tmux-256color"))
    screen.until_shows(r"bring the oars +▤1/1")
    screen.press("C-q")
    screen.until_ended()
    assert screen.everything().count("Leaving") == 1, "nothing is left to be left, and nothing is said of it"
