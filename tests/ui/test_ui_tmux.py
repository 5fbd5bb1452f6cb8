"""The screens in a real tmux with TERM=screen: what is painted, and which keys arrive there."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from multichat_tui.ui.actions import ACTIONS, Action, Scope

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WAIT_S = 30.0
KEY_WAIT_S = 3.0
SPECIAL = {
    "pageup": "PPage",
    "pagedown": "NPage",
    "delete": "DC",
    "backspace": "BSpace",
    "slash": "/",
    "underscore": "_",
    "home": "Home",
    "end": "End",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "enter": "Enter",
    "escape": "Escape",
    "tab": "Tab",
    "f1": "F1",
    "f5": "F5",
    "f6": "F6",
    "f7": "F7",
    "f8": "F8",
    "f9": "F9",
}

# Where nothing may be skipped (CI), a missing tmux fails these tests.
MISSING = shutil.which("tmux") is None and os.environ.get("MULTICHAT_NO_SKIPS") != "1"
pytestmark = [pytest.mark.tmux, pytest.mark.skipif(MISSING, reason="tmux is not installed")]


class Pane:
    """One pane of a tmux server of its own."""

    def __init__(self, folder: Path, *arguments: str, size: tuple[int, int] = (80, 24)) -> None:
        self.socket = folder / "tmux.sock"
        self.log = folder / "actions.log"
        self.log.touch()
        command = [sys.executable, str(HERE / "run_twin.py"), str(self.log), *arguments]
        environment = {"TERM": "screen", "LANG": "C.UTF-8", "PYTHONPATH": f"{ROOT}:{HERE.parent}", "TZ": "UTC", "EDITOR": "true"}
        inner = [
            "env",
            "-u",
            "COLORTERM",
            "-u",
            "COLUMNS",
            "-u",
            "LINES",
            *(f"{key}={value}" for key, value in environment.items()),
            *command,
        ]
        width, height = size
        self.run("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), *inner)
        self.program = int(self.run("display-message", "-p", "#{pane_pid}"))
        self.server = int(self.run("display-message", "-p", "#{pid}"))

    def run(self, *arguments: str) -> str:
        outer = {**os.environ, "TERM": "screen", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        outer.pop("TMUX", None)
        command = ["tmux", "-u", "-S", str(self.socket), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=outer, timeout=WAIT_S)
        return done.stdout

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    def sees(self, text: str) -> None:
        assert self.waits(lambda: text in self.screen, WAIT_S), f"{text!r} not in:\n{self.screen}"

    def done(self, entry: str, since: int) -> bool:
        """Whether an action is performed, or was since that many were."""
        return self.waits(lambda: entry in self.actions[since:], KEY_WAIT_S)

    @property
    def actions(self) -> list[str]:
        return self.log.read_text().splitlines()

    @staticmethod
    def waits(condition: object, limit_s: float) -> bool:
        assert callable(condition)
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        """End the server, as a closed terminal would, and see that the program ends by that alone."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False, capture_output=True, timeout=WAIT_S)
        left = [pid for pid in (self.program, self.server) if not self.waits(lambda pid=pid: not alive(pid), WAIT_S)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, "left behind by a terminal that has gone"


def alive(pid: int) -> bool:
    """A process that nobody has waited for yet is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[Pane]:
    opened = Pane(tmp_path)
    try:
        opened.sees("#dev >")
        opened.sees("great, going home")
        yield opened
    finally:
        opened.close()


def tmux_name(key: str) -> str:
    *modifiers, name = key.split("+")
    if key == "shift+tab":
        return "BTab"
    if key.startswith("alt+shift+"):
        return "M-" + name.upper()
    signs = {"ctrl": "C-", "alt": "M-", "shift": "S-"}
    return "".join(signs[modifier] for modifier in modifiers) + SPECIAL.get(name, name)


def test_typing_sending_and_new_lines(pane: Pane) -> None:
    pane.keys("-l", "hello from tmux")
    pane.sees("#dev > hello from tmux")
    pane.keys("M-Enter")
    pane.keys("-l", "second line")
    pane.sees("second line")
    pane.keys("Enter")
    assert pane.waits(lambda: any("second line" in line and "⋯" in line for line in pane.screen.splitlines()), WAIT_S)
    assert pane.screen.count("hello from tmux") == 1


def test_escape_and_a_digit_changes_the_channel_at_any_speed(pane: Pane) -> None:
    pane.keys("Escape", "2")
    pane.sees("#lobby >")
    pane.keys("Escape")
    assert pane.done("back", 0)
    pane.keys("3")
    pane.sees("#ops >")
    pane.keys("M-1")
    pane.sees("#dev >")


def test_a_paste_with_an_escape_and_a_return_in_it_sends_nothing(pane: Pane) -> None:
    pane.run("set-buffer", "pasted \x1b1 text\rmore")
    pane.run("paste-buffer", "-p", "-r")
    pane.sees("pasted")
    pane.sees("more")
    assert "composer send" not in pane.actions
    assert "channel.1" not in pane.actions


@pytest.mark.parametrize("scope", [Scope.ANYWHERE, Scope.COMPOSER])
def test_every_action_has_a_key_that_arrives(pane: Pane, scope: Scope) -> None:
    def arrives(action: Action) -> bool:
        entry = action.id if scope is Scope.ANYWHERE else f"composer {action.id}"
        for key in action.keys:
            if scope is Scope.COMPOSER:
                pane.keys("-l", "w")
            since = len(pane.actions)
            for each in key.split():
                pane.keys(tmux_name(each))
            if pane.done(entry, since):
                return True
        return False

    missing = []
    for action in (action for action in ACTIONS if action.scope is scope):
        if not arrives(action):
            missing.append(action.id)
        if scope is Scope.ANYWHERE:
            if action.id == "help":
                pane.sees("(here)")
                pane.keys("q")
                assert pane.waits(lambda: "(here)" not in pane.screen, WAIT_S)
            elif action.id == "trust":
                pane.sees("Compare words")
                pane.keys("Escape")
                assert pane.waits(lambda: "Compare words" not in pane.screen, WAIT_S)
            elif action.id == "moderation":
                pane.sees("3 People")
                pane.keys("Escape")
                assert pane.waits(lambda: "3 People" not in pane.screen, WAIT_S)
            elif action.id == "lock":
                pane.sees("Multichat is locked")
                pane.keys("-l", "open sesame")
                pane.keys("Enter")
                pane.sees("#")
            elif action.id in ("switcher", "palette", "search"):
                pane.sees("Enter ")
                pane.keys("Escape")
                assert pane.waits(lambda: "Enter " not in pane.screen, WAIT_S)
            elif action.id == "trust":
                pane.sees("Compare words")
                pane.keys("Escape")
                assert pane.waits(lambda: "Compare words" not in pane.screen, WAIT_S)
            elif action.id in ("view.cursor", "focus.next", "focus.previous"):
                since = len(pane.actions)
                pane.keys("Escape")
                pane.done("back", since)
        if action.id == "editor":
            since = len(pane.actions)
            assert pane.waits(lambda since=since: pane.keys("C-e") or "composer line.end" in pane.actions[since:], WAIT_S)
        if action.id == "history.search":
            pane.sees("Your own input")
            pane.keys("Escape")
            assert pane.waits(lambda: "Your own input" not in pane.screen, WAIT_S)
    assert missing == []


def test_a_locked_terminal_holds_no_text_of_the_channel_neither_in_view_nor_above(pane: Pane) -> None:
    pane.keys("M-l")
    pane.sees("Multichat is locked")
    for text in (pane.screen, pane.run("capture-pane", "-p", "-S", "-", "-E", "-"), pane.run("display-message", "-p", "#T")):
        assert not any(word in text for word in ("great, going home", "#dev", "ann", "bob")), text
    pane.keys("-l", "not it")
    pane.keys("Enter")
    pane.sees("That is not the passphrase")
    assert "great, going home" not in pane.screen
    pane.sees("Try again")
    pane.keys("-l", "open sesame")
    pane.keys("Enter")
    pane.sees("great, going home")


def test_a_search_finds_as_one_types_and_enter_goes_there(pane: Pane) -> None:
    pane.keys("C-f")
    pane.sees("> in:#dev")
    pane.keys("C-f")
    pane.keys("-l", "the DISK")
    pane.sees("1 of 1 found")
    pane.sees("the disk is full")
    pane.keys("Enter")
    pane.sees("#ops >")
    assert pane.waits(lambda: "found" not in pane.screen, WAIT_S)
    pane.sees("the disk is full")
    pane.keys("F3")
    pane.sees("> in:#ops")
    since = len(pane.actions)
    pane.keys("Escape")
    assert pane.waits(lambda: "in:#ops" not in pane.screen, WAIT_S)
    assert "quit" not in pane.actions[since:]


def test_a_terminal_that_vanishes_in_the_midst_of_painting_leaves_no_process(tmp_path: Path) -> None:
    gone = Pane(tmp_path)
    try:
        gone.sees("great, going home")
        for _ in range(40):
            gone.run("send-keys", "-l", "words ")
            gone.run("send-keys", "Escape", "2", "Escape", "1")
    finally:
        gone.close()


def test_the_small_terminal_shows_the_newest_message_and_takes_text(tmp_path: Path) -> None:
    small = Pane(tmp_path, "--ascii", size=(40, 10))
    try:
        small.sees("great, going home")
        small.keys("-l", "tiny")
        small.sees("#dev > tiny")
        assert small.screen.isascii() or "你" in small.screen
        small.keys("C-q")
        assert small.done("quit", 0)
    finally:
        small.close()
