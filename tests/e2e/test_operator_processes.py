"""Whoever runs a mailbox for the first time: what each command says when something is missing, taken, too small or gone."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import Homes
from test_mailbox_story import Mailbox

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
DONE, REFUSED, USAGE, ABSENT, BUSY = 0, 1, 2, 3, 6


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-operator-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def test_what_is_wrong_before_there_is_a_mailbox_is_said_and_makes_none(homes: Homes) -> None:
    for words in (("kept",), ("grants",), ("grant", "bob"), ("revoke", "bob")):
        code, told = homes.said("box", "mailbox", *words)
        assert code == ABSENT
        assert "multichat mailbox run" in told
    for wrong, words in (
        (("--quota", "much"), "is no size"),
        (("--quota", "100K"), "at least 1 MiB"),
        (("--address", "box.example"), "An address is HOST:PORT"),
        (("--listen", "box"), "needs HOST:PORT"),
    ):
        code, told = homes.said("box", "mailbox", "run", "--no-lan", *wrong)
        assert code in (REFUSED, USAGE)
        assert words in told
        assert "recovery phrase" not in told
        assert not homes.profile("box").exists()


def test_a_small_mailbox_is_begun_killed_asked_while_it_is_off_and_run_again(homes: Homes) -> None:
    box = Mailbox(homes, "box", "--quota", "2M")
    (place,) = box.node.ready["places"]
    assert (place["name"], place["quota"]) == ("first", 2 * 1024**2)
    assert homes.results("box", "mailbox", "grant", "bob")
    code, told = homes.said("box", "mailbox", "run", "--no-lan", "--listen", "127.0.0.1:0")
    assert (code, "in use by process" in told) == (BUSY, True)
    code, told = homes.said("other", "mailbox", "run", "--no-lan", "--listen", box.node.listen[0])
    assert (code, "another program does" in told) == (REFUSED, True)

    box.node.kill()
    code, told = homes.said("box", "mailbox", "kept")
    assert code == DONE
    assert "Its node does not run, so nobody reaches it: multichat mailbox run" in told
    assert "no address" not in told
    code, told = homes.said("box", "mailbox", "grant", "ann")
    assert (code, "Run it, or say where it is found" in told) == (REFUSED, True)

    before = box.node.ready
    box.run()
    assert (box.node.ready["mailbox"], box.node.ready["addresses"]) == (before["mailbox"], before["addresses"])
    assert box.node.ready["total"] == 2 * 1024**2
    assert [each["name"] for each in box.node.ready["places"]] == ["bob", "first"]
    code, told = homes.said("box", "mailbox", "kept")
    assert (code, "does not run" in told) == (DONE, False)
    assert "Shown on the local network" not in told, "it was told not to look around"
