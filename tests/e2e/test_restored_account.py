"""Accounts and devices with real processes: restored in a new home and recognised without pairing again, closed, wiped."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes

pytestmark = pytest.mark.e2e


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-restore-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def run(homes: Homes, who: str, *words: str, stdin: str = "") -> tuple[int, list[dict[str, object]], str]:
    """(exit code, JSON objects, standard error)."""
    done = homes.run(who, "--json", *words, said=stdin)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_a_restored_account_is_recognised_and_has_its_history_and_the_lost_device_is_refused(homes: Homes) -> None:
    words = homes.base / "words"
    made = homes.results("ann", "init", "--name", "ann", "--no-passphrase", "--recovery-file", str(words))[0]
    homes.results("bob", "init", "--name", "bob", "--no-passphrase")
    bob = homes.node("bob", *LOCAL)
    at = ("--no-lan", "--connect", bob.listen[0])
    homes.results("ann", *at, "pair", "accept", homes.results("bob", "pair", "invite")[0]["link"])
    homes.results("ann", *at, "send", "@bob", "from the first device", "--wait", "delivered")

    code, [back], _ = run(
        homes, "new", *at, "init", "--restore", "--recovery-file", str(words), "--no-passphrase", "--timeout", "60"
    )
    assert code == 0
    assert (back["user"], back["name"], back["back"]) == (made["user"], "ann", True)
    assert back["revoked"] == [made["device"]]
    homes.results("new", *at, "send", "@bob", "from the new device", "--wait", "delivered", "--timeout", "60")
    texts = [row["text"] for row in homes.results("new", "log", "@bob") if row["kind"] == "message"]
    assert texts == ["from the first device", "from the new device"]
    assert [row["text"] for row in homes.results("bob", "log", "@ann") if row["kind"] == "message"] == texts
    assert [row["user"] for row in homes.results("bob", "contact", "list")] == [made["user"]]

    code, _, err = run(homes, "ann", *at, "send", "@bob", "from the lost device", "--wait", "delivered", "--timeout", "3")
    assert code == 5, err
    assert [row["text"] for row in homes.results("bob", "log", "@ann") if row["kind"] == "message"] == texts
    devices = homes.results("new", "devices", "list")
    assert [(row["this"], row["revoked"]) for row in devices] == [(True, False), (False, True)]


def test_closing_an_account_tells_contacts_and_leaves_nothing_of_the_profile(homes: Homes) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    homes.results("bob", "init", "--name", "bob", "--no-passphrase")
    bob = homes.node("bob", *LOCAL)
    at = ("--no-lan", "--connect", bob.listen[0])
    homes.results("ann", *at, "pair", "accept", homes.results("bob", "pair", "invite")[0]["link"])
    assert run(homes, "ann", *at, "account", "close")[0] == 2  # nobody to ask, and not said to be meant
    assert homes.profile("ann").exists()
    code, [closed], err = run(homes, "ann", *at, "account", "close", "--yes", "--timeout", "60")
    assert (code, closed["told"], closed["all"]) == (0, 1, True), err
    assert [path.name for path in homes.home("ann").rglob("*")] == []
    code, _, err = run(homes, "bob", "send", "@ann", "hello")
    assert code == 1
    assert "closed" in err


@pytest.mark.parametrize(
    ("phrase", "complaint"),
    [
        ("abandon abandom", "24 words"),
        (" ".join(["abandon"] * 23 + ["zooo"]), "'zoo'"),
        (" ".join(["zoo"] * 24), "belong together"),
    ],
)
def test_a_wrong_phrase_is_refused_with_what_is_wrong_and_makes_nothing(homes: Homes, phrase: str, complaint: str) -> None:
    code, out, err = run(homes, "ann", "init", "--restore", "--no-passphrase", stdin=phrase)
    assert (code, out) == (2, [])
    assert complaint in err
    assert not Path(homes.profile("ann"), "keys").exists()
