"""Choosing a mailbox that another process keeps: it is used, missed while it is gone, found again, and given up."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_nodes import LOCAL, Homes, RealNode, found_in, id_bytes

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-own-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def mailbox(homes: Homes, listen: str = "127.0.0.1:0") -> RealNode:
    return homes.start(homes.command("post", "--json", "mailbox", "run", "--no-lan", "--listen", listen))


def listed(homes: Homes, who: str, state: str) -> dict[str, Any]:
    found = homes.until_results(who, ("mailbox", "list"), lambda rows: bool(rows) and rows[0]["state"] == state)
    return found[0]


def refused(homes: Homes, *words: str) -> str:
    """What a command says that must fail."""
    done = homes.run("bob", *words)
    assert done.returncode != 0
    return done.stderr.decode()


def test_a_mailbox_in_another_process_is_used_missed_found_again_and_given_up(homes: Homes) -> None:
    post = mailbox(homes)
    link = homes.results("post", "mailbox", "grant", "bob")[0]["link"]
    homes.results("bob", "init", "--name", "bartholomew", "--no-passphrase")
    homes.results("ann", "init", "--name", "annegret", "--no-passphrase")
    bob, ann = homes.node("bob", *LOCAL), homes.node("ann", *LOCAL)
    homes.pair("bob", "ann")
    homes.results("bob", "mailbox", "add", link)
    row = listed(homes, "bob", "ready")
    assert (row["queues"], row["losses"]) == (1, 0)
    assert homes.results("bob", "status")[0]["mailboxes"][0]["state"] == "ready"

    where = post.listen[0]
    post.kill()
    assert listed(homes, "bob", "unreached")["since_ms"] is not None
    post = mailbox(homes, where)
    row = listed(homes, "bob", "ready")
    assert (row["losses"], row["checks"]) == (0, 1), "the queue was still there"

    # What the mailbox's files and its operator's view have is nobody's name or id.
    names = {who: id_bytes(homes.results(who, "whoami")[0]["user"]) for who in ("ann", "bob")}
    names |= {"annegret": b"annegret", "bartholomew": b"bartholomew"}
    shown = repr(homes.results("post", "mailbox", "kept")).encode()
    assert found_in(shown, names) == []

    # Ann hears of the new route over the link; then nobody can have anything there any more.
    homes.results("bob", "mailbox", "remove", "1")
    homes.until_results("bob", ("mailbox", "list"), lambda rows: not rows)
    kept = homes.until_results("post", ("mailbox", "grants"), lambda rows: not any(row["queues"] for row in rows))
    assert {row["name"] for row in kept} == {"bob", "first"}
    assert [node.stop() for node in (ann, bob)] == [0, 0]


def test_a_wrong_link_and_the_mailbox_of_the_very_node_are_refused_in_words(homes: Homes) -> None:
    homes.results("bob", "init", "--name", "bartholomew", "--no-passphrase")
    homes.results("bob", "mailbox", "host", "on", "--address", "127.0.0.1:4999")
    own = homes.results("bob", "mailbox", "grant", "me")[0]["link"]
    wrong = {"multichat:mailbox/xyz": "no mailbox link", own: "this very device"}
    for link, said in wrong.items():
        assert said in refused(homes, "mailbox", "add", link)
    assert "no mailbox with this number" in refused(homes, "mailbox", "remove", "1")
