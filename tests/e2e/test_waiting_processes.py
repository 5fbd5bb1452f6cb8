"""What a message waits for, between real processes: `send --wait` with its exit codes, and `net why` for each reason there is."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import HURRIED
from real_nodes import LOCAL, Homes
from test_mailbox_story import Mailbox

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
DONE, NOT_FOUND, TIMED_OUT = 0, 3, 5


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-wait-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def why(homes: Homes, *words: str) -> str:
    code, told = homes.said("ann", "net", "why", *words)
    assert code == DONE
    return told


def until_why(homes: Homes, wanted: str) -> None:
    """Until it is told of what ann wrote to bob last."""
    homes.until_results(
        "ann",
        ("net", "why", "bob"),
        lambda rows: any(wanted in f"{each['why']} {each['note']}" for row in rows for each in row["devices"]),
    )


def test_each_reason_why_a_message_waits_is_told_and_each_wait_ends_with_its_code(homes: Homes) -> None:
    box = Mailbox(homes, "box")
    for who in ("ann", "bob"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    # A link to a mailbox that is off is waited for twenty seconds.
    homes.programs["ann"] = (HURRIED[1], "PUT_WAIT_MS=1500")
    ann = homes.node("ann", *LOCAL)
    bob = homes.node("bob", "--connect", ann.listen[0], *LOCAL)
    homes.pair("ann", "bob")
    homes.results("ann", "send", "--wait", "delivered", "@bob", "good morning")
    assert "Nothing of yours waits for bob." in why(homes, "bob")
    code, told = homes.said("ann", "net", "why", "zoe")
    assert (code, "no message, person or channel 'zoe'" in told) == (NOT_FOUND, True)

    # He has no mailbox, and is away.
    bob.stop()
    code, told = homes.said("ann", "send", "--wait", "stored", "--timeout", "1", "@bob", "no place for this")
    assert code == TIMED_OUT
    assert "the node that runs goes on trying" in told
    assert "no place for this: 0 of 1 devices have it" in why(homes, told.split()[0])
    until_why(homes, "it was not reached at 127.0.0.1")

    # He has one: what waited lies there, and is neither delivered nor read.
    bob = homes.node("bob", "--connect", ann.listen[0], *LOCAL)
    homes.results("bob", "mailbox", "add", box.link)
    homes.until_results("bob", ("mailbox", "list"), lambda rows: rows[0]["state"] == "ready" and not rows[0]["unaware"])
    homes.until_results("ann", ("contact", "show", "bob"), lambda rows: rows[0]["mailboxes"] == 1)
    bob.stop()
    (sent,) = homes.results("ann", "send", "--wait", "stored", "@bob", "a place for this")
    assert (sent["state"], sent["stored"], sent["copies"]) == ("stored", 1, 1)
    assert "it waits at 1 of 1 mailboxes; the device fetches it there when it comes online" in why(homes, "bob")
    for wait, words in (("delivered", "Not delivered to all"), ("read", "Not everybody has said in time to have read it")):
        code, told = homes.said("ann", "send", "--wait", wait, "--timeout", "1", "@bob", "are you there?")
        assert (code, words in told) == (TIMED_OUT, True)

    # The mailbox is off.
    box.node.kill()
    code, told = homes.said("ann", "send", "--wait", "stored", "--timeout", "1", "@bob", "the box is off")
    assert code == TIMED_OUT
    until_why(homes, "did not take it, or not keep it: it is tried again")
    box.run()

    # It does not take him any more; what lies there he gets, and then has no mailbox.
    homes.results("box", "mailbox", "revoke", "first")
    bob = homes.node("bob", "--connect", ann.listen[0], *LOCAL)
    homes.until_results("bob", ("mailbox", "list"), lambda rows: rows[0]["state"] == "refused")
    assert "There is no place for you any more" in homes.said("bob", "mailbox", "list")[1]
    homes.until_results("ann", ("contact", "show", "bob"), lambda rows: rows[0]["mailboxes"] == 0)
    (read,) = homes.results("ann", "send", "--wait", "delivered", "@bob", "all of it")
    assert read["state"] == "delivered-all"
    assert "Nothing of yours waits for bob." in why(homes, "bob")

    # Nobody of ours runs.
    bob.stop()
    ann.stop()
    code, told = homes.said("ann", "send", "--wait", "delivered", "--timeout", "1", "@bob", "alone")
    assert code == TIMED_OUT
    assert "goes out whenever a node of yours runs: multichat node" in told
    assert "No node is running" in why(homes, "bob")
