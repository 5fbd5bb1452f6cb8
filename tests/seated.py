"""A person at a terminal, on a machine of their own: what they type, and what they read."""

import os
import re
import signal
from dataclasses import dataclass, field

from real_nodes import Homes
from terminal import Terminal

from multichat_tui.model.invitations import Invitation, parse_link

ROW = re.compile(r" (?:\d\d:\d\d (\S+)|      ) +(\S.*?)(?:  +\S{1,3})? *")
"""A row of the timeline at this width. Only the first of several by one author bears their name."""


@dataclass
class Seat:
    """A person at a terminal."""

    name: str
    machine: str
    homes: Homes
    screen: Terminal
    phrase: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.screen.run(
            self.homes.command(self.name),
            self.homes.environment(TERM="tmux-256color", COLORTERM="truecolor"),
        )

    def introduce(self, passphrase: str) -> None:
        """The first run, from an empty home to the main screen."""
        screen = self.screen
        screen.until_shows("What shall others call you")
        screen.enter(self.name)
        screen.until_shows("Choose a passphrase")
        screen.type(passphrase)
        screen.press("Enter")
        screen.until_shows("Once more" if passphrase else "Really without")
        screen.type(passphrase)
        screen.press("Enter")
        number = int(screen.until_shows(r"Type word (\d+)").group(1))
        rows = [re.findall(r"(?<!\S)(\d+) ([a-z]+)", line) for line in screen.screen()]
        words = dict(pair for row in rows if len(row) > 1 for pair in row)
        self.phrase = [words[str(n + 1)] for n in range(24)]
        screen.enter(self.phrase[number - 1])
        self.until_open()

    def restore(self, phrase: list[str]) -> None:
        """The first run on a new device of an account whose other devices are lost, without a passphrase."""
        screen = self.screen
        screen.until_shows("What shall others call you")
        screen.press("C-r")
        screen.until_shows("Bring your identity back")
        screen.enter(" ".join(phrase))
        screen.until_shows("Are your other devices lost")
        screen.press("Enter")
        screen.until_shows("Choose a passphrase")
        screen.press("Enter")
        screen.until_shows("Really without")
        screen.press("Enter")
        self.until_open()

    def unlock(self, passphrase: str) -> None:
        self.screen.until_shows("Multichat is locked")
        self.screen.type(passphrase)
        self.screen.press("Enter")
        self.until_open()

    def until_open(self) -> None:
        """The node behind the screen runs."""
        self.screen.until(lambda lines: "F1 help" in lines[-1] and "opening" not in lines[-1], "the main screen")

    def link(self, command: str) -> Invitation:
        """The link that a command shows, as one reads and copies it from the screen."""
        self.screen.enter(command)
        self.screen.until_shows("multichat:[a-z]+/")
        lines = self.screen.until(lambda lines: any("They type" in line for line in lines), "a whole link")
        begin = next(i for i, line in enumerate(lines) if line.startswith("multichat:"))
        end = next(i for i, line in enumerate(lines) if "They type" in line)
        invitation = parse_link("".join(lines[begin:end]))
        assert isinstance(invitation, Invitation), lines
        self.dismiss()
        return invitation

    def dismiss(self) -> None:
        """Close a panel."""
        self.screen.press("Escape")
        self.screen.until_gone("Esc close")

    def until_linked(self, other: "Seat") -> None:
        self.screen.until_shows(rf"● {other.name}")

    def told(self) -> list[tuple[str, str]]:
        """(author, text) of the messages on the screen, from top to bottom."""
        return messages(self.screen.screen())

    def until_told(self, texts: list[str]) -> None:
        def all_there(lines: list[str]) -> bool:
            return [text for _, text in messages(lines)] == texts

        self.screen.until(all_there, f"exactly these messages: {texts}")

    def die(self) -> None:
        """kill -9."""
        os.kill(self.screen.pid, signal.SIGKILL)
        self.screen.until_ended()

    def quit(self) -> None:
        self.screen.press("C-q")
        self.screen.until_ended()


def messages(lines: list[str]) -> list[tuple[str, str]]:
    """(author, text) of what people wrote; what happened in the channel has a dash for an author."""
    found: list[tuple[str, str]] = []
    author = ""
    for line in lines:
        cells = line.split("│")
        match = ROW.fullmatch(cells[1]) if len(cells) == 3 else None
        if match is None:
            author = ""
            continue
        author = match.group(1) or author
        if author not in ("", "—"):
            found.append((author, match.group(2)))
    return found
