"""A stick carried between two terminals that no network joins: written, read, answered, and what is wrong with it is said."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(240)]


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def terminals(homes: Homes) -> Iterator[tuple[Terminal, Terminal]]:
    ann, bob = Terminal("ann", homes.base, columns=80, rows=24), Terminal("bob", homes.base, columns=120, rows=40)
    try:
        yield ann, bob
    finally:
        ann.close()
        bob.close()


def refused(screen: Terminal, line: str, told: str) -> None:
    """What was typed stays where it was typed, with the reason below."""
    screen.enter(line)
    screen.until_shows(told)
    screen.press("C-u")
    screen.until_gone(" > /bundle")


def test_a_stick_carries_messages_between_terminals_and_back_and_says_what_is_wrong_with_it(
    homes: Homes, terminals: tuple[Terminal, Terminal]
) -> None:
    for who in ("ann", "bob"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    at_ann, at_bob = homes.node("ann", *LOCAL), homes.node("bob", *LOCAL)
    homes.pair("ann", "bob")
    homes.results("ann", "send", "--wait", "delivered", "@bob", "from now on by stick")
    assert [at_ann.stop(), at_bob.stop()] == [0, 0]

    # No address that either knows leads to the other any more.
    ann, bob = terminals
    for screen, who, other in ((ann, "ann", "bob"), (bob, "bob", "ann")):
        screen.run(homes.command(who, *LOCAL), homes.environment(TERM="tmux-256color", COLORTERM="truecolor"))
        screen.until_shows(f"{other} >")
    stick = homes.base / "my stick"
    stick.mkdir()
    ann.enter("the pass is open again")
    ann.until_shows("the pass is open again +⋯")
    refused(ann, "/bundle export ~/my stick/there", "A name with spaces stands in double quotes")
    refused(ann, "/bundle export ~/no/where", "There is no directory")
    ann.enter('/bundle export "~/my stick/there" bob')
    ann.until_shows(r"Written: (.|\n)*there \(")
    refused(ann, '/bundle export "~/my stick/there"', "exists already")

    whole = (stick / "there").read_bytes()
    (stick / "cut").write_bytes(whole[: len(whole) // 2])
    (stick / "letter").write_text("dear bob")
    refused(bob, "/bundle import ~/my stick/cut", "The bundle is damaged")
    refused(bob, "/bundle import ~/my stick/letter", "The file is no bundle")
    refused(bob, "/bundle import ~/my stick/nothing", "There is no file")
    refused(bob, "/bundle import ~/my stick", "cannot be read: Is a directory")
    bob.enter("/bundle import ~/my stick/there")
    bob.until_shows("Read: 1 parcel for this device")
    bob.press("Escape")
    bob.until_shows("│ +the pass is open again")
    refused(bob, "/bundle import ~/my stick/there", "was read before")
    refused(ann, "/bundle import ~/my stick/there", "Nothing in this bundle is for this device")

    # He says nothing: what he brings back is that it has come. The first file is lost.
    for name in ("lost", "back"):
        bob.enter(f'/bundle export "~/my stick/{name}"')
        bob.until_shows(rf"Written: .*{name} \(")
    ann.enter("/bundle import ~/my stick/back")
    ann.until_shows("Read: 1 parcel for this device")
    ann.press("Escape")
    ann.until_shows("the pass is open again +[✓◉]")
