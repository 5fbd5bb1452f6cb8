"""Line mode as people without screens use it: a dumb terminal, a pseudo terminal whose every byte is seen, pipes."""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, PATIENCE_S, Homes
from requirements import Require
from terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-line-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


class Teletype:
    """A program at a pseudo terminal; everything that it writes is kept."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.written = b""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl+C and a hang-up reach the program
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, pattern: str, after: int = 0) -> re.Match[str]:
        deadline = time.monotonic() + PATIENCE_S
        while (found := re.search(pattern, self.text[after:], re.MULTILINE)) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain for {pattern!r} in {self.text[after:]!r}"
            if select.select([self._master], [], [], left)[0]:
                try:
                    chunk = os.read(self._master, 65536)
                except OSError:
                    chunk = b""
                assert chunk, f"ended before {pattern!r}: {self.text!r}"
                self.written += chunk
        return found

    @property
    def text(self) -> str:
        return self.written.decode("utf-8", "replace").replace("\r\n", "\n")

    def hang_up(self) -> None:
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        if self._master >= 0:
            os.close(self._master)


def teletype(homes: Homes, who: str, *words: str, **extra: str) -> Teletype:
    return Teletype(homes.command(who, *LOCAL, *words), homes.environment(TERM="xterm-256color", **extra))


def test_two_people_meet_and_talk_by_lines_alone_and_no_escape_is_written(homes: Homes) -> None:
    homes.results("bob", "init", "--name", "bob", "--no-passphrase")
    ann, bob = teletype(homes, "ann", "--line"), teletype(homes, "bob", MULTICHAT_LINE="1")
    try:
        # The first run.
        ann.until("call you\\? ")
        ann.type("ann\n")
        for prompt in ("New passphrase: ", "Once more: "):
            ann.until(prompt)
            ann.type("salt and pepper\n")
        number = int(ann.until(r"Type word (\d+)").group(1))
        words = dict(re.findall(r"^(\d+) ([a-z]+)$", ann.text, re.MULTILINE))
        assert len(words) == 24
        ann.type(f"{words[str(number)]}\n")
        ann.until("^You are ann.*\n(.*\n)*> $")
        assert "salt and pepper" not in ann.text

        # Contacts, a channel, messages.
        ann.type("/pair\n")
        link = ann.until(r"^multichat:pair/\S+$").group()
        bob.until("^> ")
        bob.type(f"/pair {link}\n")
        bob.until("ann is your contact now")
        ann.until("bob is your contact now")
        ann.type("/create cove\n")
        ann.until("^#cove> ")
        ann.type("/invite\n")
        link = ann.until(r"^multichat:join/\S+$").group()
        bob.type(f"/join {link}\n")
        bob.until("You are in #cove now|#cove, 2 members")
        bob.until("^#cove> ")
        ann.until("bob joined\n#cove> ")

        # A message that comes in the middle of a line loses nothing of it.
        ann.type("half a ")
        ann.until("half a ")
        bob.type("ahoy\n")
        ann.until(r"^#cove \d\d:\d\d bob: ahoy\n#cove> ")
        ann.type("word\n")
        bob.until("ann: half a word$")

        # Ctrl+C gives up the line; Ctrl+D ends the program.
        seen = len(ann.text)
        ann.type("never mind")
        ann.until("never mind", seen)
        ann.type("\x03")
        ann.until("The line is dropped.*\n#cove> ", seen)
        ann.type("all is well\n")
        bob.until("ann: all is well$")
        assert "never mind" not in bob.text
        ann.type("\x04")
        assert ann.process.wait(PATIENCE_S) == 0
        bob.hang_up()
        assert bob.process.wait(PATIENCE_S) == 0
        assert b"\x1b" not in ann.written + bob.written
        assert b"\a" not in ann.written + bob.written
    finally:
        ann.close()
        bob.close()

    # Again, with the passphrase; a wrong one is asked for once more.
    ann = teletype(homes, "ann", "--line")
    try:
        ann.until("Passphrase: ")
        ann.type("pepper and salt\n")
        ann.until("Try again.\nPassphrase: ")
        ann.type("salt and pepper\n")
        text = ann.until(r"(?s)^#cove \d.*#cove> ").group()
        assert "bob: ahoy" in text
        ann.type("\x03")
        ann.until("The line is dropped")
        ann.type("\x03")
        assert ann.process.wait(PATIENCE_S) == 130
    finally:
        ann.close()


def test_two_people_compare_words_by_lines_alone(homes: Homes) -> None:
    seats = {}
    try:
        for name in ("ann", "bob"):
            homes.results(name, "init", "--name", name, "--no-passphrase")
            seats[name] = teletype(homes, name, "--line")
            seats[name].until("^> ")
        ann, bob = seats["ann"], seats["bob"]
        ann.type("/pair\n")
        link = ann.until(r"^multichat:pair/\S+$").group()
        bob.type(f"/pair {link}\n")
        for seat, other in ((ann, "bob"), (bob, "ann")):
            seat.until(f"{other} is your contact now")
        ann.type("/verify bob\n")
        words = set()
        for seat, other in ((ann, "bob"), (bob, "ann")):
            seat.until(rf"The words to compare with {other} are here \(/verify shows them\)")
            # What was not read cannot be confirmed.
            seat.type("/verify yes\n")
            seat.until("were not shown here yet")
            seen = len(seat.text)
            seat.type("/verify\n")
            words.add(seat.until(rf"Compare with {other}: .*\n([a-z]+(?: [a-z]+)+)\n", seen).group(1))
        assert len(words) == 1
        for seat in (ann, bob):
            seat.type(f"/verify yes {'bob' if seat is ann else 'ann'}\n")
        for seat, other in ((ann, "bob"), (bob, "ann")):
            seat.until(rf"^\* {other} is verified\.|^{other} is verified\.")
    finally:
        for seat in seats.values():
            seat.close()


def test_a_pipe_is_worked_off_to_its_end_and_attaches_to_the_node_that_runs(homes: Homes) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")

    def pipe(text: str) -> tuple[int, str, str]:
        done = homes.run("ann", *LOCAL, "--line", said=text)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    code, out, err = pipe("/create log\none\n" + "".join(f"line {n}\n" for n in range(40)) + "last, without a newline")
    assert (code, err) == (0, "")
    assert "> " not in out
    rows = homes.results("ann", "log", "log")
    assert [row["text"] for row in rows if row["kind"] == "message"] == [
        "one", *(f"line {n}" for n in range(40)), "last, without a newline",
    ]  # fmt: skip

    node = homes.node("ann", *LOCAL)
    code, out, err = pipe("/switch log\nattached\n/nonsense\nafter it\n")
    assert code == 2
    assert "There is no command /nonsense." in err
    assert [row["text"] for row in homes.results("ann", "log", "log", "-n", "2")] == ["attached", "after it"]
    assert node.stop() == 0


def test_the_end_of_the_node_one_is_attached_to_is_told_and_the_line_mode_goes_on(homes: Homes) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    homes.results("ann", "channel", "create", "dev")
    node = homes.node("ann", *LOCAL)
    line = teletype(homes, "ann", "--line")
    try:
        line.until("^#dev> ")
        node.kill()
        line.until("going on with one of our own(.*\n)+#dev> ")
        line.type("still writing\n/quit\n")
        assert line.process.wait(PATIENCE_S) == 0
        assert homes.results("ann", "log", "dev", "-n", "1")[0]["text"] == "still writing"
    finally:
        line.close()


@pytest.mark.tmux
def test_a_dumb_terminal_gets_line_mode_by_itself(homes: Homes, require: Require) -> None:
    require(shutil.which("tmux") is not None, "tmux is needed")
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    screen = Terminal("dumb", homes.base, columns=60, rows=20)
    try:
        screen.run(homes.command("ann", *LOCAL), homes.environment(TERM="dumb"))
        screen.until_shows("/create NAME makes one")
        screen.enter("/create harbour")
        screen.until_shows("^#harbour>$")
        screen.enter("good evening")
        # What is typed while something is being written stands in the midst of that.
        screen.until(lambda lines: [line for line in lines if line][-1] == "#harbour>", "the prompt")
        screen.enter("/last 1")
        screen.until_shows(r"^#harbour \d\d:\d\d ann: good evening \(nobody")
        os.kill(screen.pid, signal.SIGTERM)
        screen.until_ended()
    finally:
        screen.close()
