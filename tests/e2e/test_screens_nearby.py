"""Two people at two terminals on one cable, with no address and no link typed: only multicast can bring them together."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cable import Cable, laid_cable
from real_nodes import Homes
from seated import Seat
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.lan, pytest.mark.tmux, pytest.mark.timeout(300)]

ANN, BOB = "annegret", "barnabas"
WORDS = re.compile(r"^ +([a-z]+ [a-z]+ [a-z]+ [a-z]+)$", re.MULTILINE)


@pytest.fixture
def cable(require: Callable[[bool, str], None]) -> Iterator[Cable]:
    require(shutil.which("tmux") is not None, "tmux is needed")
    with laid_cable(require) as one:
        yield one


@pytest.fixture
def seats(cable: Cable) -> Iterator[Callable[[str, str], Seat]]:
    """A person's terminal in one of the namespaces."""
    base = Path(tempfile.mkdtemp(prefix="mc-near-"))
    homes = Homes(base)
    made: list[Seat] = []

    def sit(name: str, namespace: str) -> Seat:
        machine = Cable.LEFT if namespace == cable.left else Cable.RIGHT
        screen = Terminal(f"{name}{len(made)}", base, inside=("ip", "netns", "exec", namespace))
        made.append(Seat(name, machine, homes, screen))
        made[-1].start()
        return made[-1]

    yield sit
    for seat in made:
        seat.screen.close()
    shutil.rmtree(base, ignore_errors=True)


def shown_words(seat: Seat) -> str:
    seat.screen.until_shows("the same  n DIFFERENT")
    return seat.screen.until_shows(WORDS.pattern).group(1)


def meet(ann: Seat, bob: Seat) -> None:
    """By F4 on both machines: visible, chosen by two words, four words compared, each other's contacts."""
    for seat in (ann, bob):
        seat.screen.press("F4")
        seat.screen.until_shows("Somebody near you, on this network")
        seat.screen.type("v")
    code = ann.screen.until_shows(r"You are visible.*\n +([a-z]+ [a-z]+)$").group(1)
    bob.screen.until_shows(rf"1 {code}")
    bob.screen.type("1")
    assert shown_words(ann) == shown_words(bob)
    ann.screen.type("y")
    bob.screen.type("y")
    for seat in (ann, bob):
        seat.screen.until_shows("Esc closes")
        seat.screen.until_gone("DIFFERENT")
        seat.screen.press("Escape")
        seat.screen.until_gone("Esc closes")
        if "People nearby" in "\n".join(seat.screen.screen()):
            seat.screen.press("Escape")
    ann.until_linked(bob)
    bob.until_linked(ann)


def test_strangers_meet_nearby_compare_words_and_talk(seats: Callable[[str, str], Seat], cable: Cable) -> None:
    ann, bob = seats(ANN, cable.left), seats(BOB, cable.right)
    ann.introduce("")
    bob.introduce("")
    meet(ann, bob)

    ann.screen.enter(f"/query {BOB}")
    ann.screen.until_shows(f"Your conversation with {BOB}")
    ann.screen.until_shows("verified")
    ann.screen.enter("we met at the quay")
    bob.screen.until_shows(rf"1 ● {ANN} +@1")
    bob.screen.press("M-1")
    bob.until_told(["we met at the quay"])
    bob.screen.enter("and nobody stood between")
    ann.until_told(["we met at the quay", "and nobody stood between"])
    for seat, other in ((ann, BOB), (bob, ANN)):
        seat.quit()
        (contact,) = seat.homes.results(seat.name, "contact", "list")
        assert (contact["name"], contact["verified"]) == (other, True)


def test_a_phrase_brings_the_account_back_and_closing_it_leaves_nothing(seats: Callable[[str, str], Seat], cable: Cable) -> None:
    ann, bob = seats(ANN, cable.left), seats(BOB, cable.right)
    ann.introduce("")
    bob.introduce("")
    meet(ann, bob)
    ann.screen.enter(f"/query {BOB}")
    ann.screen.until_shows(f"Your conversation with {BOB}")
    ann.screen.enter("before the flood")
    bob.screen.until_shows(rf"1 ● {ANN} +@1")
    ann.quit()

    # Another home, the words, and no address of anybody.
    new = seats("restored", cable.left)
    new.restore(ann.phrase)
    new.screen.until_shows(rf"1 ● {BOB}")
    new.screen.press("M-1")
    new.until_told(["before the flood"])
    new.screen.enter("after the flood")
    bob.screen.press("M-1")
    bob.until_told(["before the flood", "after the flood"])
    bob.screen.enter("welcome back")
    new.until_told(["before the flood", "after the flood", "welcome back"])

    new.screen.enter(f"/account close {ANN}")
    new.screen.until_shows("Your account is closed")
    new.screen.until_shows("Every contact was told")
    bob.screen.until_shows("account closed")
    new.screen.enter("delete")
    new.screen.until_ended()
    assert "Your account is closed. Every contact was told. The profile is deleted." in new.screen.everything()
    assert [path.name for path in new.homes.home("restored").rglob("*")] == []
