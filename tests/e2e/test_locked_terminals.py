"""The app lock in real terminals: nothing of a channel is left on the screen, the key derivation decides."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_nodes import Homes
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

PASSPHRASE = "seven dry towels"


@pytest.fixture
def base(require: Callable[[bool, str], None]) -> Iterator[Path]:
    require(shutil.which("tmux") is not None, "tmux is needed")
    made = Path(tempfile.mkdtemp(prefix="mc-lock-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def screens(base: Path) -> Iterator[tuple[Terminal, Terminal]]:
    made = [Terminal(name, base) for name in ("one", "two")]
    yield made[0], made[1]
    for screen in made:
        screen.close()


def attempt(homes: Homes, *words: str) -> tuple[int, str]:
    """(exit code, what is told) of a command that attaches without a passphrase."""
    done = homes.run("ann", *words)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_a_locked_terminal_shows_nothing_and_locks_for_itself_alone_and_commands_go_on_unless_that_is_refused(
    base: Path, screens: tuple[Terminal, Terminal]
) -> None:
    homes = Homes(base)
    homes.results("ann", "init", "--name", "annegret", MULTICHAT_PASSPHRASE=PASSPHRASE)
    first, second = screens
    command = homes.command("ann", "--no-lan")
    first.run(command, homes.environment(TERM="tmux-256color", MULTICHAT_PASSPHRASE=PASSPHRASE))
    first.until_shows("nobody linked")
    first.enter("/create cove")
    first.until_shows("#cove >")
    first.enter("the secret plan")
    first.until_shows(r"annegret|me +the secret plan")
    second.run(command, homes.environment(TERM="tmux-256color"))
    second.until_shows("the secret plan")

    first.press("M-l")
    first.until_shows("Multichat is locked")
    assert not any(word in first.everything() for word in ("secret", "cove", "annegret"))
    assert "the secret plan" in "\n".join(second.screen()), "each terminal locks by itself"
    code, told = attempt(homes, "send", "cove", "more of the plan", "--wait", "queued")
    assert code == 0, told
    first.until_shows("Multichat is locked")
    first.type("towels")
    first.press("Enter")
    first.until_shows("not the passphrase")
    first.until_shows("Try again")
    first.type(PASSPHRASE)
    assert PASSPHRASE not in first.everything()
    first.press("Enter")
    first.until_shows("more of the plan")

    code, told = attempt(homes, "do", "/set lock.commands refuse")
    assert code == 0, told
    first.enter("/lock")
    first.until_shows("Multichat is locked")
    code, told = attempt(homes, "status")
    assert code == 1
    assert "locked at its terminal" in told
    second.press("M-l")
    second.until_shows("Multichat is locked")
    assert not any(word in second.everything() for word in ("secret", "cove", "annegret"))
    for screen in screens:
        screen.type(PASSPHRASE)
        screen.press("Enter")
        screen.until_shows("more of the plan")
    assert attempt(homes, "status")[0] == 0
