"""Two real programs on one cable: strangers meet by words compared on both, contacts verify each other, all by commands."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import pytest
from cable import Cable, laid_cable
from programs import start
from real_nodes import PATIENCE_S, Homes

pytestmark = [pytest.mark.e2e, pytest.mark.lan, pytest.mark.timeout(180)]


@pytest.fixture
def cable(require: Callable[[bool, str], None]) -> Iterator[Cable]:
    with laid_cable(require) as one:
        yield one


@pytest.fixture
def homes() -> Iterator[Homes]:
    with tempfile.TemporaryDirectory(prefix="mc") as base:
        every = Homes(Path(base))
        try:
            yield every
        finally:
            every.end_all()


class Dialogue:
    """A command that asks and is answered, in a namespace; `told` are the objects that it has printed."""

    def __init__(self, homes: Homes, namespace: str, who: str, *words: str) -> None:
        command = ["ip", "netns", "exec", namespace, *homes.command(who, "--json", *words)]
        self.process = start(command, homes.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.told: list[dict[str, Any]] = []
        self._lines: Queue[bytes] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        while True:
            for told in self.told:
                if condition(told):
                    return told
            try:
                line = self._lines.get(timeout=PATIENCE_S)
            except Empty:
                raise AssertionError(f"not within {PATIENCE_S} s; told: {self.told}") from None
            if not line:
                assert self.process.stderr is not None
                raise AssertionError(f"ended; told: {self.told}; {self.process.stderr.read().decode()}")
            self.told.append(json.loads(line))

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def words(self) -> list[str]:
        return list(self.until(lambda told: told.get("state") == "compare")["words"])

    def end(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            for stream in (self.process.stdin, self.process.stderr):
                if stream is not None:
                    stream.close()


def make(homes: Homes, *names: str) -> None:
    for name in names:
        homes.results(name, "init", "--name", name, "--no-passphrase")


def test_two_strangers_on_one_network_meet_by_words_and_are_verified_contacts(cable: Cable, homes: Homes) -> None:
    make(homes, "ann", "bob")
    ann = Dialogue(homes, cable.left, "ann", "pair", "nearby")
    bob = Dialogue(homes, cable.right, "bob", "pair", "nearby")
    code = ann.until(lambda told: told.get("code") and "people" in told)["code"]
    bob.until(lambda told: [person for person in told.get("people", ()) if person["code"] == code])
    bob.say(code)
    assert len(ann.words()) == 4
    assert ann.words() == bob.words()
    ann.say("yes")
    bob.say("yes")
    assert (ann.end(), bob.end()) == (0, 0)
    for who, other in (("ann", "bob"), ("bob", "ann")):
        (contact,) = homes.results(who, "contact", "list")
        assert (contact["name"], contact["verified"], contact["pending"]) == (other, True, False)


def test_whoever_says_no_has_nothing_stored_on_either_side(cable: Cable, homes: Homes) -> None:
    make(homes, "ann", "bob")
    ann = Dialogue(homes, cable.left, "ann", "pair", "nearby")
    code = ann.until(lambda told: told.get("code") and "people" in told)["code"]
    bob = Dialogue(homes, cable.right, "bob", "pair", "nearby", *code.split())
    assert ann.words() == bob.words()
    ann.say("no")
    bob.until(lambda told: told.get("state") == "different")
    assert (ann.end(), bob.end()) == (1, 1)
    assert homes.results("ann", "contact", "list") == homes.results("bob", "contact", "list") == []


def test_contacts_verify_each_other_by_words_and_by_the_safety_number(cable: Cable, homes: Homes) -> None:
    make(homes, "ann", "bob")
    inviting = Dialogue(homes, cable.left, "ann", "pair", "invite", "--wait")
    link = inviting.until(lambda told: "link" in told)["link"]
    accepting = Dialogue(homes, cable.right, "bob", "pair", "accept", link)
    assert (inviting.end(), accepting.end()) == (0, 0)
    number = homes.results("bob", "contact", "show", "ann")[0]["safety_number"]
    wrong = number.translate(str.maketrans("0123456789", "1234567890"))
    refused = Dialogue(homes, cable.left, "ann", "contact", "verify", "bob", "--number", wrong)
    assert refused.end() == 1
    assert not homes.results("ann", "contact", "show", "bob")[0]["verified"]
    homes.results("ann", "contact", "verify", "bob", "--number", number)
    assert homes.results("ann", "contact", "show", "bob")[0]["verified"]
    homes.results("ann", "contact", "unverify", "bob")

    ann = Dialogue(homes, cable.left, "ann", "contact", "verify", "bob")
    bob = Dialogue(homes, cable.right, "bob", "contact", "verify", "ann")
    assert ann.words() == bob.words()
    bob.say("yes")
    ann.say("yes")
    assert (ann.end(), bob.end()) == (0, 0)
    assert homes.results("ann", "contact", "show", "bob")[0]["verified"]
    assert homes.results("bob", "contact", "show", "ann")[0]["verified"]
