"""Ignoring people from the shell, with real processes: what is folded, what programs get, and that it survives a restart."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, PATIENCE_S, Homes

pytestmark = pytest.mark.e2e


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-trust-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def told(homes: Homes, who: str, *words: str) -> str:
    """What a command that succeeds tells people."""
    done = subprocess.run(
        homes.command(who, *words), capture_output=True, env=homes.environment(), timeout=PATIENCE_S, check=True
    )
    return done.stdout.decode()


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
    shown = told(homes, "ann", "log", "dev")
    assert "ignored: 2 messages" in shown
    assert "psst" not in shown
    assert [row["unread"] for row in homes.results("ann", "channel", "list")] == [0]
    assert homes.results("ann", "search", "psst") == []
    assert [row["name"] for row in homes.results("ann", "contact", "ignored")] == ["bob"]
    homes.results("ann", "contact", "unignore", "bob")
    assert "psst" in told(homes, "ann", "log", "dev")
    assert bob.stop() == 0
