"""Nothing is lost: people who are never online together, and mailboxes in processes of their own, one of which fails.

`multichat mailbox run` twice, ann and bob with nodes of theirs. What ann writes while bob is away he has when he comes and she is
away, once and in order, whatever has become of one of the two mailboxes; and she learns it in the same way.
"""

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_nodes import LOCAL, Homes, RealNode

from multichat_tui.store.profile import open_profile

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

    def __init__(self, homes: Homes, name: str, *words: str) -> None:
        """`words`: of the first run alone."""
        self._homes, self.name, self._port = homes, name, free_port()
        self.node = self.run(*words)
        self.link: str = self.node.ready["link"]

    def run(self, *more: str) -> RealNode:
        words = ("mailbox", "run", "--no-lan", "--listen", f"127.0.0.1:{self._port}", *more)
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

    def send(self, who: str, to: str, text: str) -> None:
        """Until it lies at both mailboxes: it is stored when it lies at the first one."""
        self.homes.results(who, "send", "--wait", "stored", to, text)
        self.homes.until_results(who, ("log", "-n", "1", to), lambda rows: rows[-1]["stored"] == len(self.boxes))

    def has(self, who: str, place: str, texts: list[str]) -> None:
        """Until these are the last messages of a place, in this order, each once."""

        def all_there(rows: list[dict[str, Any]]) -> bool:
            said = [row["text"] for row in rows if row["kind"] == "message"]
            return said[-len(texts) :] == texts and len(set(said)) == len(said)

        self.homes.until_results(who, ("log", "-n", "100", place), all_there)

    def lying(self, box: Mailbox) -> int:
        """Envelopes for bob that a mailbox keeps."""
        places = [place for row in self.homes.results(box.name, "mailbox", "kept") for place in row["places"]]
        return sum(place["envelopes"] for place in places if place["name"] == f"bob-{box.name}")

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
        story.send("ann", CHANNEL, text)
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


def test_odd_and_even_messages_lie_at_different_mailboxes_and_the_odd_ones_come_first(homes: Homes) -> None:
    story = Story(homes)
    story.bob.stop()
    texts = [f"the quinces of row {number}" for number in range(6)]
    for text in texts:
        story.send("ann", CHANNEL, text)
    story.ann.stop()
    for number, box in enumerate(story.boxes):
        box.node.stop()
        lose(homes.profile(box.name), kept=number, of=len(texts))
    # Nobody brings what either of them has lost: ann is away.
    other, one = story.boxes
    one.run()
    before = story.lying(one)
    story.bob = story.comes("bob")
    half = len(texts) // 2
    homes.until_results(one.name, ("mailbox", "kept"), lambda _: story.lying(one) <= before - half)
    other.run()
    story.has("bob", CHANNEL, texts)


def lose(profile: Path, kept: int, of: int) -> None:
    """Of so many messages that were put one by one into a queue of this mailbox, every second one stays."""
    with contextlib.closing(open_profile(profile)) as opened, opened.store.transaction() as txn:
        found = 0
        for grant in txn.mailbox.grants():
            for queue in txn.mailbox.queues(grant.key):
                lying = txn.mailbox.listing(queue.id, 0, 1000)
                for writer in {each.writer for each in lying}:
                    serials = [each.serial for each in lying if each.writer == writer]
                    if len(serials) == of:
                        found += 1
                        txn.mailbox.collect(queue.id, tuple(serials[1 - kept :: 2]))
        assert found == 1
