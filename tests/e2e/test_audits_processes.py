"""Mailboxes that fail, between real processes: one loses what it took, one takes nothing any more, one only answers nothing.

Four `multichat mailbox run`, all stock programs, and bob who has chosen them all. The tests that his node puts them to lie hours
apart: while they are told of, it runs with other intervals (`hurried.py`), and nothing else about it is changed.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import HURRIED
from real_nodes import LOCAL, Homes
from terminal import Terminal
from test_mailbox_story import Mailbox

from multichat_tui.store.profile import open_profile

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(240)]
TESTS = "SPECIMEN_MS=800,SPECIMEN_CHALLENGE_MS=10000,TESTING_LINK_MS=350,MAILBOX_RETRY_MS=500,STATEMENT_PAUSE_MS=500"
TESTS_AND_LOOKS = TESTS + ",MAILBOX_LOOK_MS=25"
ENOUGH = 6
"""So many envelopes that are gone at once weigh more than the few tests that were passed before."""
ALWAYS = 2**60
LOSES, REFUSES, SILENT, HONEST = range(4)


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-audits-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def screen(homes: Homes) -> Iterator[Terminal]:
    made = Terminal("bob", homes.base, columns=120, rows=40)
    yield made
    made.close()


def lying(homes: Homes, box: Mailbox) -> int:
    (kept,) = homes.results(box.name, "mailbox", "kept")
    return sum(place["envelopes"] for place in kept["places"])


def lose_everything(homes: Homes, box: Mailbox) -> None:
    """A mailbox that was stopped has its queues, and nothing of what lay in them."""
    with contextlib.closing(open_profile(homes.profile(box.name))) as opened, opened.store.transaction() as txn:
        assert txn.mailbox.sweep(ALWAYS, 1000) >= ENOUGH


def all_ready(rows: list[dict[str, Any]]) -> bool:
    return len(rows) == 4 and all(row["state"] == "ready" and row["ready"] == 1 and not row["unaware"] for row in rows)


def mailboxes_of(homes: Homes, who: str, contact: str, count: int) -> None:
    """Until somebody knows so many mailboxes of a contact."""
    homes.until_results(who, ("contact", "show", contact), lambda rows: rows[0]["mailboxes"] == count)


def test_those_that_lose_refuse_or_are_silent_fall_below_the_mark_and_the_one_that_is_left_takes_all(
    homes: Homes, screen: Terminal
) -> None:
    boxes = [Mailbox(homes, f"box-{name}") for name in ("loses", "refuses", "silent", "honest")]
    for who in ("ann", "bob"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    homes.programs["bob"] = (HURRIED[1], TESTS)
    ann = homes.node("ann", *LOCAL)
    where = ("--connect", ann.listen[0], *LOCAL)
    bob = homes.node("bob", *where)
    homes.pair("ann", "bob")
    for box in boxes:
        homes.results("bob", "mailbox", "add", box.link)
    homes.until_results("bob", ("mailbox", "list"), all_ready)
    mailboxes_of(homes, "ann", "bob", 4)

    # One of them takes calls from now on and says nothing; the others pass their tests.
    bob.stop()
    os.kill(boxes[SILENT].node.pid, signal.SIGSTOP)
    homes.programs["bob"] = (HURRIED[1], TESTS_AND_LOOKS)
    bob = homes.node("bob", *where)
    homes.until_results("bob", ("mailbox", "list"), lambda rows: rows[LOSES]["passed"] and rows[SILENT]["failing"])
    homes.until_results(boxes[LOSES].name, ("mailbox", "kept"), lambda _: lying(homes, boxes[LOSES]) >= ENOUGH)
    rows = homes.results("bob", "mailbox", "list")
    assert [row["failing"] for row in rows] == [None, None, "away", None]
    assert all(row["passed"] == row["tests"] for row in rows)
    assert rows[SILENT]["reached_percent"] < 20

    # Then one loses what it has, and the operator of another one wants him no more.
    boxes[LOSES].node.stop()
    lose_everything(homes, boxes[LOSES])
    boxes[LOSES].run()
    homes.results(boxes[REFUSES].name, "mailbox", "revoke", "first")
    failing = ["loses", "refuses", "away", None]
    homes.until_results("bob", ("mailbox", "list"), lambda found: [row["failing"] for row in found] == failing)
    # Once of the silent one, and then of the others, or of both at once.
    told = [bob.until(lambda event: event["event"] == "alarm_raised") for _ in range(2)]
    assert {event["row"]["kind"] for event in told} == {"mailbox"}
    bob.stop()

    # What is known stays known, and hours are hours again. What bob sees:
    del homes.programs["bob"]
    bob = homes.node("bob", *where)
    wanted = ["ready", "refused", "unreached", "ready"]
    rows = homes.until_results("bob", ("mailbox", "list"), lambda found: [row["state"] for row in found] == wanted)
    assert [row["failing"] for row in rows] == failing
    assert rows[LOSES]["tests"] - rows[LOSES]["passed"] >= 2
    assert rows[HONEST]["passed"] == rows[HONEST]["tests"] > 0
    screen.run(homes.command("bob"), homes.environment(TERM="tmux-256color", COLORTERM="truecolor"))
    screen.until_shows("mailboxes 1/4, 3 failing")
    screen.enter("/mailbox")
    screen.until_shows(r"^1  \w+  failing +(.|\n)*^   It loses what is left there: others are not told of it")
    screen.until_shows(r"^2  \w+  refuses you  (.|\n)*^   There is no place for you any more(.|\n)*^   It takes nothing")
    screen.until_shows(r"^3  \w+  not reached (.|\n)*^   It is hardly ever reached(.|\n)*^4  \w+  in use  ")
    screen.press("Escape")

    # Those who write to him hear of it, and what they write lies where it is kept.
    mailboxes_of(homes, "ann", "bob", 1)
    screen.press("C-q")
    screen.until_ended()
    bob.stop()
    before = [lying(homes, boxes[each]) for each in (LOSES, REFUSES)]
    kept = lying(homes, boxes[HONEST])
    homes.results("ann", "send", "--wait", "stored", "@bob", "the last of the figs")
    (row,) = homes.results("ann", "log", "-n", "1", "@bob")
    assert (row["state"], row["stored"]) == ("stored", 1)
    assert [lying(homes, boxes[each]) for each in (LOSES, REFUSES)] == before
    assert lying(homes, boxes[HONEST]) == kept + 1
    assert ann.stop() == 0
    bob = homes.node("bob", *LOCAL)
    homes.until_results("bob", ("log", "@ann"), lambda said: "the last of the figs" in [each["text"] for each in said])
