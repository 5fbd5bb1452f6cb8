"""Two terminals of one profile: what one does the other shows, and when the first is killed the second runs the node itself."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import Homes
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(300)]

ALONE = {"MULTICHAT_LISTEN": "127.0.0.1:0", "MULTICHAT_LAN": "off", "TERM": "tmux-256color", "COLORTERM": "truecolor"}


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Homes]:
    made = Homes(tmp_path)
    try:
        yield made
    finally:
        made.end_all()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[tuple[Terminal, Terminal]]:
    first, second = Terminal("first", tmp_path), Terminal("second", tmp_path)
    try:
        yield first, second
    finally:
        first.close()
        second.close()


def opened(screen: Terminal, homes: Homes) -> None:
    screen.run(homes.command("ann"), homes.environment(**ALONE))
    screen.until_shows("#dev >")


def test_two_terminals_are_one_and_the_second_goes_on_when_the_first_is_killed(
    homes: Homes, terminals: tuple[Terminal, Terminal]
) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase", **ALONE)
    homes.results("ann", "channel", "create", "dev", **ALONE)
    first, second = terminals
    opened(first, homes)
    opened(second, homes)
    first.enter("said at the first")
    second.until_shows("said at the first")
    second.enter("said at the second")
    first.until_shows("said at the second")
    first.type("begun at the first")
    second.until_shows("#dev > begun at the first")

    os.kill(first.pid, signal.SIGKILL)
    second.until_shows("Connected again")
    second.until_shows("begun at the first")
    second.press("Enter")
    second.until_shows("said at the second(.|\n)*begun at the first")
    texts = [row["text"] for row in homes.results("ann", "log", "dev", **ALONE) if row["text"]]
    assert texts[-3:] == ["said at the first", "said at the second", "begun at the first"]

    opened(first, homes)
    first.until_shows("begun at the first")
    second.press("C-q")
    first.until_shows("Connected again")
    first.enter("and the first again")
    first.until_shows("and the first again")
