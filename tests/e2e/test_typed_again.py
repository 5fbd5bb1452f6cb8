"""What was entered at a terminal comes back at the next start, after a kill too; a link does not."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(240)]


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Homes]:
    made = Homes(tmp_path)
    try:
        yield made
    finally:
        made.end_all()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal("ann", tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_what_was_entered_comes_back_after_a_kill_by_up_and_by_ctrl_r_and_no_link_does(homes: Homes, screen: Terminal) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    homes.results("ann", "channel", "create", "dev")
    (invitation,) = homes.results("ann", "channel", "invite", "dev")

    def start() -> None:
        screen.run(homes.command("ann", *LOCAL), homes.environment(TERM="tmux-256color", COLORTERM="truecolor"))
        screen.until_shows("#dev >")

    start()
    screen.enter("the first line")
    screen.until_shows("ann +the first line")
    screen.enter("/topic boats")
    screen.until_shows("ann set the topic: boats")
    screen.enter(f"look: {invitation['link']}")
    screen.until_shows("multichat:join/(.|\n)*#dev > ?$")
    screen.press("C-Up")
    screen.until_shows("#dev > look:")
    screen.press("C-u")
    history = homes.results("ann", "do", "-c", "dev", "/history")[0]["history"]
    assert history == ["the first line", "/topic boats"]

    os.kill(screen.pid, signal.SIGKILL)
    screen.until_ended()
    start()
    screen.press("C-Up")
    screen.until_shows("#dev > /topic boats")
    screen.press("C-Up")
    screen.until_shows("#dev > the first line")
    screen.press("Down", "Down")
    screen.until_gone("#dev > [/t]")
    screen.press("C-r")
    screen.until_shows("Your own input")
    screen.type("fir")
    screen.until_gone("▌ /topic boats")
    screen.press("Enter")
    screen.until_shows("#dev > the first line")


def test_the_channel_that_was_open_last_is_open_again(homes: Homes, screen: Terminal) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    for name in ("dev", "ops"):
        homes.results("ann", "channel", "create", name)
    for last in ("dev", "ops"):
        screen.run(homes.command("ann", *LOCAL), homes.environment(TERM="tmux-256color", COLORTERM="truecolor"))
        screen.until_shows("#(dev|ops) >")
        screen.enter(f"/switch {last}")
        screen.until_shows(f"#{last} > *$")
        screen.press("C-q")
        screen.until_ended()
        screen.run(homes.command("ann", *LOCAL), homes.environment(TERM="tmux-256color", COLORTERM="truecolor"))
        assert screen.until_shows("#(dev|ops) >").group(1) == last
        screen.press("C-q")
        screen.until_ended()
