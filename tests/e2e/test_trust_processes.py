"""Ignoring people and answering requests from the shell, with real processes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes

pytestmark = pytest.mark.e2e


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-trust-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def test_who_is_ignored_from_the_shell_is_folded_for_people_and_marked_for_programs(homes: Homes) -> None:
    for who in ("ann", "bob"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    ann = homes.node("ann", *LOCAL)
    bob = homes.node("bob", *LOCAL, "--connect", ann.listen[0])
    homes.pair("ann", "bob")
    homes.results("ann", "channel", "create", "dev")
    homes.results("bob", "channel", "join", homes.results("ann", "channel", "invite", "dev")[0]["link"])
    assert homes.results("ann", "contact", "ignore", "bob")[0]["regard"] == "ignored"
    for text in ("psst", "look here"):
        homes.results("bob", "send", "dev", text, "--wait", "delivered")
    assert ann.stop() == 0
    homes.node("ann", *LOCAL)
    rows = {row["text"]: row["ignored"] for row in homes.results("ann", "log", "dev") if row["kind"] == "message"}
    assert rows == {"psst": True, "look here": True}
    shown = homes.told("ann", "log", "dev")
    assert "ignored: 2 messages" in shown
    assert "psst" not in shown
    assert [row["unread"] for row in homes.results("ann", "channel", "list")] == [0]
    assert homes.results("ann", "search", "psst") == []
    assert [row["name"] for row in homes.results("ann", "contact", "ignored")] == ["bob"]
    homes.results("ann", "contact", "unignore", "bob")
    assert "psst" in homes.told("ann", "log", "dev")
    assert bob.stop() == 0


def test_a_member_who_is_no_contact_asks_and_is_accepted_from_the_shell(homes: Homes) -> None:
    for who in ("ann", "bob", "eve"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    ann = homes.node("ann", *LOCAL)
    homes.node("bob", *LOCAL, "--connect", ann.listen[0])
    bob_at = homes.results("bob", "status")[0]["listen"][0]
    homes.node("eve", *LOCAL, "--connect", ann.listen[0], "--connect", bob_at)
    homes.results("ann", "channel", "create", "dev")
    for who in ("bob", "eve"):
        homes.results(who, "channel", "join", homes.results("ann", "channel", "invite", "dev")[0]["link"])
    homes.results("eve", "do", "-c", "dev", "/msg bob may I?")
    row = asked(homes, "bob")
    assert (row["name"], row["through"], row["texts"]) == ("eve", "dev", ["may I?"])
    assert [each["kind"] for each in homes.results("bob", "channel", "list")] == ["group"]
    assert homes.results("bob", "contact", "accept", "eve")[0]["accepted"] is True
    homes.results("bob", "send", "@eve", "you may", "--wait", "delivered")
    assert [each["text"] for each in homes.results("bob", "log", "@eve") if each["kind"] == "message"] == ["may I?", "you may"]
    assert homes.results("bob", "contact", "requests") == []
    # ann, a contact of both by now, brings them together.
    for who in ("bob", "eve"):
        homes.pair("ann", who)
    homes.results("ann", "contact", "vouch", "eve", "from", "school")
    homes.results("ann", "contact", "introduce", "bob", "eve")
    for who, other in (("bob", "eve"), ("eve", "bob")):
        assert asked(homes, who)["kind"] == "introduction"
        homes.results(who, "contact", "accept", other)
    homes.until_results(
        "bob", ("contact", "list"), lambda rows: [row["name"] for row in rows if not row["pending"]] == ["ann", "eve"]
    )
    [[step]] = homes.results("bob", "contact", "trust", "eve")[0]["paths"]
    assert (step["name"], step["note"], step["verified"]) == ("ann", "from school", False)


def asked(homes: Homes, who: str) -> dict[str, object]:
    """The request that comes to somebody within reasonable time."""
    return homes.until_results(who, ("contact", "requests"), bool)[0]
