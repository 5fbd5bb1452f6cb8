"""What sync promises, typed into terminals: a message that goes through a third, and a profile that was copied."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import Homes
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(300)]

ALONE = {"MULTICHAT_LAN": "off", "TERM": "tmux-256color", "COLORTERM": "truecolor"}
LINK = r"(multichat:\S+)"


class Seats:
    """A home and a terminal for each name."""

    def __init__(self, base: Path) -> None:
        self.homes = Homes(base)
        self.base = base
        self.screens: dict[str, Terminal] = {}

    def sit(self, who: str, *, connect: str = "", listen: str = "127.0.0.1:0") -> Terminal:
        """Start the program in the terminal of that name."""
        if who not in self.screens:
            self.screens[who] = Terminal(who, self.base, columns=110, rows=28)
        words = ["--listen", listen, *(["--connect", connect] if connect else [])]
        self.screens[who].run([*self.homes.command(who), *words], self.homes.environment(**ALONE))
        return self.screens[who]

    def close(self) -> None:
        for screen in self.screens.values():
            screen.close()
        self.homes.end_all()


@pytest.fixture
def seats(tmp_path: Path) -> Iterator[Seats]:
    made = Seats(tmp_path)
    try:
        yield made
    finally:
        made.close()


def link_of(screen: Terminal, command: str) -> str:
    """The link that a command shows, put together again where the terminal has wrapped it."""
    screen.enter(command)
    screen.until_shows("multichat:")
    found: list[str] = []
    taking = False
    for line in screen.screen():
        text = line.strip(" │|")
        taking = taking or text.startswith("multichat:")
        if taking and (not text or " " in text):
            break
        if taking:
            found.append(text)
    return "".join(found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quit_program(screen: Terminal) -> None:
    screen.press("C-q")
    screen.until_ended()


def test_a_message_typed_while_its_reader_is_away_goes_through_a_third(seats: Seats) -> None:
    for name in ("ann", "bob", "eve"):
        seats.homes.results(name, "init", "--name", name, "--no-passphrase")
    bob = seats.sit("bob")
    bob.until_shows("Welcome")
    bob.enter("/create harbour")
    bob.until_shows("#harbour >")
    for name in ("ann", "eve"):
        screen = seats.sit(name)
        screen.until_shows("Welcome")
        link = link_of(bob, "/invite")
        bob.press("Escape")
        screen.enter(f"/join {link}")
        screen.until_shows("#harbour >")
    ann, eve = seats.screens["ann"], seats.screens["eve"]
    ann.enter("all here")
    eve.until_shows("all here")
    quit_program(eve)
    ann.enter("for eve, who is away")
    bob.until_shows("for eve, who is away")
    quit_program(ann)

    eve = seats.sit("eve")
    eve.until_shows("for eve, who is away")
    eve.enter("got it")
    bob.until_shows("got it")
    quit_program(eve)

    ann = seats.sit("ann")
    ann.until_shows("got it")
    ann.until_shows(r"for eve, who is away.*(✓✓|◉)")


def test_a_copy_of_a_profile_says_so_on_the_screen_and_loses_nothing(seats: Seats) -> None:
    for name in ("ann", "bob"):
        seats.homes.results(name, "init", "--name", name, "--no-passphrase")
    address = f"127.0.0.1:{free_port()}"
    ann, bob = seats.sit("ann", listen=address), seats.sit("bob")
    ann.until_shows("Welcome")
    bob.until_shows("Welcome")
    ann.enter("/create harbour")
    ann.until_shows("#harbour >")
    link = link_of(ann, "/invite")
    ann.press("Escape")
    bob.enter(f"/join {link}")
    bob.until_shows("#harbour >")
    bob.enter("before")
    ann.until_shows("before")
    quit_program(ann)

    shutil.copytree(seats.homes.home("bob"), seats.homes.home("copy"), ignore=shutil.ignore_patterns("*.sock", "lock"))
    copy = seats.sit("copy")
    copy.until_shows("before")
    bob.enter("said here")
    bob.until_shows("said here")
    copy.enter("said there")
    copy.until_shows("said there")

    ann = seats.sit("ann", listen=address)
    ann.until_shows("said here")
    ann.until_shows("said there")
    for screen in (bob, copy):
        screen.until_shows("is a copy")
        screen.enter("never said")
        screen.until_shows("writes nothing")
    bob.until_shows("said there")
    copy.until_shows("said here")
    assert not any("never said" in line for line in ann.screen())
