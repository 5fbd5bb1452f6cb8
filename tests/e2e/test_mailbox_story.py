"""Nothing is lost: people who are never online together, and mailboxes in processes of their own, one of which fails.

`multichat mailbox run` twice, ann and bob with nodes of theirs. What ann writes while bob is away he has when he comes and she is
away, once and in order, whatever has become of one of the two mailboxes; and she learns it in the same way.
"""

import base64
import binascii
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deciphered import deciphered
from real_nodes import LOCAL, Homes, RealNode

from multichat_tui.store.keyfile import read_keys
from multichat_tui.store.sqlite import SqliteStore
from multichat_tui.store.wrapping import DATABASE_KEY, open_secret, wrapping_key

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
CHANNEL = "orchard-of-nobody"


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-story-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Mailbox:
    """A mailbox that somebody runs, found at one address again and again."""

    def __init__(self, homes: Homes, name: str) -> None:
        self._homes, self.name, self._port = homes, name, free_port()
        self.node = self.run()
        self.link: str = self.node.ready["link"]

    def run(self) -> RealNode:
        words = ("mailbox", "run", "--no-lan", "--listen", f"127.0.0.1:{self._port}")
        self.node = self._homes.start(self._homes.command(self.name, "--json", *words))
        return self.node


class Story:
    """ann and bob are contacts and in one channel; bob has chosen two mailboxes, and so has ann."""

    def __init__(self, homes: Homes) -> None:
        self.homes = homes
        self.boxes = (Mailbox(homes, "box-one"), Mailbox(homes, "box-two"))
        for who in ("ann", "bob"):
            homes.results(who, "init", "--name", f"{who}-of-the-orchard", "--no-passphrase")
        self.ann = homes.node("ann", *LOCAL)
        self.bob = homes.node("bob", "--connect", self.ann.listen[0], *LOCAL)
        homes.pair("ann", "bob")
        homes.results("ann", "channel", "create", CHANNEL)
        homes.results("bob", "channel", "join", homes.results("ann", "channel", "invite", CHANNEL)[0]["link"])
        for who in ("ann", "bob"):
            for box in self.boxes:
                name = f"{who}-{box.name}"
                link = homes.results(box.name, "mailbox", "grant", name)[0]["link"]
                homes.results(who, "mailbox", "add", link)
            homes.until_results(who, ("mailbox", "list"), _all_ready)
        for who in ("ann", "bob"):
            homes.until_results(who, ("mailbox", "list"), lambda rows: not any(row["unaware"] for row in rows))
        homes.results("ann", "send", "--wait", "delivered", CHANNEL, "welcome")

    def comes(self, who: str) -> RealNode:
        """Alone: there is nobody to connect to but mailboxes."""
        return self.homes.node(who, *LOCAL)

    def send(self, who: str, to: str, text: str) -> dict[str, Any]:
        return self.homes.results(who, "send", "--wait", "stored", to, text)[0]

    def has(self, who: str, place: str, texts: list[str]) -> None:
        """Until these are the last messages of a place, in this order, each once."""

        def all_there(rows: list[dict[str, Any]]) -> bool:
            said = [row["text"] for row in rows if row["kind"] == "message"]
            return said[-len(texts) :] == texts and len(set(said)) == len(said)

        self.homes.until_results(who, ("log", "-n", "100", place), all_there)

    def delivered(self, who: str, place: str, texts: list[str]) -> None:
        """Until the author sees that all of these have arrived."""

        def all_arrived(rows: list[dict[str, Any]]) -> bool:
            states = {row["text"]: row["state"] for row in rows if row["kind"] == "message"}
            return all(states.get(text) == "delivered-all" for text in texts)

        self.homes.until_results(who, ("log", "-n", "100", place), all_arrived)


def _all_ready(rows: list[dict[str, Any]]) -> bool:
    return len(rows) == 2 and all(row["queues"] and row["ready"] == row["queues"] for row in rows)


def test_what_is_written_to_somebody_who_is_away_arrives_though_one_of_two_mailboxes_is_killed(homes: Homes) -> None:
    story = Story(homes)
    one = story.boxes[0]
    story.bob.stop()
    texts = [f"the pears of row {number}" for number in range(6)]
    for text in texts[:3]:
        assert story.send("ann", CHANNEL, text)["stored"] == 2
    story.send("ann", "@bob-of-the-orchard", "between us: the ladder is broken")
    one.node.kill()
    for text in texts[3:]:
        homes.results("ann", "send", "--wait", "queued", CHANNEL, text)
    homes.until_results("ann", ("log", "-n", "1", CHANNEL), lambda rows: rows[0]["stored"] >= 1)
    story.ann.stop()

    story.bob = story.comes("bob")
    story.has("bob", CHANNEL, texts)
    story.has("bob", "@ann-of-the-orchard", ["between us: the ladder is broken"])
    homes.results("bob", "send", "--wait", "queued", CHANNEL, "picked them all")
    one.run()
    homes.until_results("bob", ("log", "-n", "1", CHANNEL), lambda rows: rows[0]["stored"] == 2)
    story.bob.stop()

    story.ann = story.comes("ann")
    story.has("ann", CHANNEL, [*texts, "picked them all"])
    story.delivered("ann", CHANNEL, texts)
    story.delivered("ann", "@bob-of-the-orchard", ["between us: the ladder is broken"])
    story.ann.stop()

    story.bob = story.comes("bob")
    story.delivered("bob", CHANNEL, ["picked them all"])
    story.has("bob", CHANNEL, [*texts, "picked them all"])


def test_nothing_is_lost_when_the_disk_of_one_mailbox_is_wiped(homes: Homes) -> None:
    story = Story(homes)
    two = story.boxes[1]
    story.bob.stop()
    texts = [f"the plums of row {number}" for number in range(4)]
    for text in texts[:2]:
        assert story.send("ann", CHANNEL, text)["stored"] == 2
    two.node.kill()
    shutil.rmtree(homes.home(two.name))
    two.run()
    for text in texts[2:]:
        homes.results("ann", "send", "--wait", "queued", CHANNEL, text)
    homes.until_results("ann", ("log", "-n", "1", CHANNEL), lambda rows: rows[0]["stored"] >= 1)
    story.ann.stop()
    story.bob = story.comes("bob")
    story.has("bob", CHANNEL, texts)


def test_messages_that_lie_at_different_mailboxes_are_read_in_order_whichever_answers_first(homes: Homes) -> None:
    story = Story(homes)
    story.bob.stop()
    texts = [f"the quinces of row {number}" for number in range(4)]
    for number, text in enumerate(texts):
        up, down = story.boxes[number % 2], story.boxes[1 - number % 2]
        down.node.kill()
        if number:
            up.run()
        homes.results("ann", "send", "--wait", "queued", CHANNEL, text)
        homes.until_results("ann", ("log", "-n", "1", CHANNEL), lambda rows: rows[0]["stored"] >= 1)
    # Nobody brings what is missing at the one that was down.
    story.ann.stop()
    story.boxes[0].run()
    story.bob = story.comes("bob")
    story.has("bob", CHANNEL, texts)


def test_what_a_mailbox_has_on_its_disk_tells_no_names_no_texts_and_no_ids_of_those_who_use_it(homes: Homes) -> None:
    story = Story(homes)
    people = [homes.results(who, "whoami")[0] for who in ("ann", "bob")]
    channel = homes.results("ann", "channel", "list")[0]["id"]
    story.bob.stop()
    story.send("ann", CHANNEL, "the medlars are rotten")
    story.send("ann", "@bob-of-the-orchard", "nobody must know")
    story.ann.stop()
    for box in story.boxes:
        box.node.stop()
        plain = _opened(homes, box.name)
        secrets = ["medlars", "nobody must know", "of-the-orchard", CHANNEL, channel]
        secrets += [person[key] for person in people for key in ("user", "device", "fingerprint")]
        for secret in secrets:
            assert secret.encode() not in plain, secret
        for identifier in (channel, *(person[key] for person in people for key in ("user", "device"))):
            assert _raw(identifier) not in plain


def _raw(identifier: str) -> bytes:
    """The 32 bytes that an id of 52 characters stands for; of other words, the words."""
    try:
        return base64.b32decode(identifier.upper() + "=" * (-len(identifier) % 8))
    except binascii.Error:
        return identifier.encode()


def _opened(homes: Homes, who: str) -> bytes:
    """Every byte of the database as its operator could read it, and every other file as it is."""
    root = homes.profile(who)
    files = b"".join(path.read_bytes() for path in sorted(homes.home(who).rglob("*")) if path.is_file())
    wrapped = read_keys(root / "keys")
    assert wrapped is not None
    key = open_secret(wrapping_key(wrapped, None), DATABASE_KEY, wrapped, root / "keys")
    SqliteStore(root / "messages.db", key, create=False).close()
    return files + deciphered(root / "messages.db", key)
