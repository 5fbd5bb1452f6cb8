"""Moderation typed into terminals: three programs, no mouse, and what the others see of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal
from test_typed_proofs import Seats, link_of

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(300)]


@pytest.fixture
def seats(tmp_path: Path) -> Iterator[Seats]:
    made = Seats(tmp_path)
    try:
        yield made
    finally:
        made.close()


def come_in(seats: Seats, name: str, host: Terminal) -> Terminal:
    screen = seats.sit(name)
    screen.until_shows("Welcome")
    link = link_of(host, "/invite")
    host.press("Escape")
    screen.enter(f"/join {link}")
    screen.until_shows("#harbour >")
    return screen


def test_a_moderator_bans_somebody_with_what_they_wrote_and_takes_it_back_by_keys_alone(seats: Seats) -> None:
    for name in ("ann", "bob", "eve"):
        seats.homes.results(name, "init", "--name", name, "--no-passphrase")
    ann = seats.sit("ann")
    ann.until_shows("Welcome")
    ann.enter("/create harbour")
    ann.until_shows("#harbour >")
    bob, eve = come_in(seats, "bob", ann), come_in(seats, "eve", ann)
    for text in ("buy my boots", "really, buy them"):
        eve.enter(text)
        for screen in (ann, bob):
            screen.until_shows(text)

    ann.enter("/moderate")
    ann.until_shows("Moderation #harbour")
    ann.until_shows(r"▌ +eve +member")
    # Kick and ban, for spam, with what they have written: four keys.
    ann.press("K")
    ann.until_shows("2 messages of theirs go")
    ann.press("1", "Enter")
    ann.until_shows("1 banned, 2 messages redacted")
    for screen in (bob, eve):
        screen.until_shows("ann banned eve: spam")
        screen.until_shows("eve: 2 messages redacted by ann: spam")
        screen.until_gone("boots")
    eve.until_shows("You were removed from this channel")
    eve.enter("but why")
    eve.until_shows("You were removed")

    # The log says what it is worth now; what was done is taken back from there.
    ann.press("4")
    ann.until_shows("Now: in effect")
    ann.press("u")
    ann.until_shows("Done: lift the ban of eve")
    bob.until_shows("ann lifted the ban of eve")
    ann.press("Escape")
    ann.until_shows("#harbour >")
