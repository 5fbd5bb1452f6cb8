"""Two who are never there together, through mailboxes that run as processes of their own: one is killed in the middle, or loses
its disk; what they have kept names nobody. And with no network at all, through files."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from deciphered import deciphered
from real_nodes import LOCAL, Homes, RealNode, found_in, id_bytes, messages, say, until, until_delivered

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import AddMailbox, OpenDirect
from multichat_tui.model.snapshots import Delivery, MailboxState
from multichat_tui.store.keyfile import read_keys
from multichat_tui.store.wrapping import DATABASE_KEY, open_secret, wrapping_key

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
TEXTS = [f"the harbour gate is number {number}" for number in range(12)]


async def has_mailboxes(api: RemoteNode, links: list[str]) -> None:
    for link in links:
        await api.submit(AddMailbox(link=link))

    async def are_ready() -> bool | None:
        rows = (await api.status()).rows.mailboxes
        return [row.state for row in rows].count(MailboxState.READY) == len(links) or None

    await until(api, are_ready, "the mailboxes are ready")


async def stored(api: RemoteNode, record: RecordId) -> None:
    async def at_both() -> bool | None:
        row = (await api.message(record)).rows
        return (row is not None and row.state is Delivery.STORED and row.stored == row.copies == 2) or None

    await until(api, at_both, "it lies at both mailboxes")


async def copies(api: RemoteNode, record: RecordId) -> int:
    """At how many mailboxes it is to lie, once that is known."""

    async def known() -> int | None:
        row = (await api.message(record)).rows
        return row.copies or None if row is not None else None

    return await until(api, known, "it is deposited")


async def reads(api: RemoteNode, channel: ChannelId, texts: list[str]) -> None:
    async def all_there() -> bool | None:
        return [row.text for row in await messages(api, channel)] == texts or None

    await until(api, all_there, "all of it was collected")


def lying(found: list[dict[str, Any]], name: str) -> int:
    """Envelopes that a mailbox keeps in the place of this name."""
    return sum(int(row["envelopes"]) for result in found for row in result.get("places", [result]) if row.get("name") == name)


class Town:
    """Ann and bob are contacts, each with a place at two mailboxes."""

    def __init__(self, base: Path) -> None:
        self.homes = Homes(base)
        self.mailboxes = {name: self._mailbox(name, "127.0.0.1:0") for name in ("one", "two")}
        for name in ("ann", "bob"):
            self.homes.results(name, "init", "--name", name, "--no-passphrase")

    def _mailbox(self, name: str, listen: str) -> RealNode:
        return self.homes.start(self.homes.command(name, "--json", "mailbox", "run", "--no-lan", "--listen", listen))

    def again(self, name: str) -> None:
        """A mailbox that was killed runs again, where it did."""
        self.mailboxes[name] = self._mailbox(name, self.mailboxes[name].listen[0])

    async def settle(self) -> tuple[RealNode, RemoteNode, ChannelId, list[str]]:
        """Bob is away, and ann knows where his mailboxes are; what was said until then."""
        homes = self.homes
        bob = homes.node("bob", *LOCAL)
        ann = homes.node("ann", "--connect", bob.listen[0], *LOCAL)
        at_ann, at_bob = await homes.attach("ann"), await homes.attach("bob")
        for api, name in ((at_ann, "ann"), (at_bob, "bob")):
            links = [homes.results(box, "mailbox", "grant", name)[0]["link"] for box in self.mailboxes]
            await has_mailboxes(api, links)
        homes.pair("ann", "bob")
        other = (await at_bob.me()).rows.user
        channel = (await at_ann.submit(OpenDirect(user=other))).channel
        assert channel is not None
        await until_delivered(at_ann, await say(at_ann, channel, "from ann"))
        texts = ["from ann"]
        while True:
            # Where bob's mailboxes are comes to ann in a moment, one after the other.
            await at_bob.close()
            assert bob.stop() == 0
            texts.append(f"try {len(texts)}")
            record = await say(at_ann, channel, texts[-1])
            if await copies(at_ann, record) == len(self.mailboxes):
                break
            bob = homes.node("bob", "--connect", ann.listen[0], *LOCAL)
            at_bob = await homes.attach("bob")
            await until_delivered(at_ann, record)
        return ann, at_ann, channel, texts


async def test_it_comes_when_the_writer_has_gone_though_a_mailbox_was_killed_and_has_lost_its_disk(tmp_path: Path) -> None:
    town = Town(tmp_path)
    homes = town.homes
    try:
        ann, at_ann, channel, said = await town.settle()
        me = (await at_ann.me()).rows
        bob_user = id_bytes(homes.results("bob", "whoami")[0]["user"])
        for number, text in enumerate(TEXTS):
            record = await say(at_ann, channel, text)
            if number == len(TEXTS) // 2:
                await stored(at_ann, record)
                town.mailboxes["one"].kill()
                town.again("one")
        await stored(at_ann, record)
        await at_ann.close()
        assert ann.stop() == 0
        town.mailboxes["one"].kill()
        shutil.rmtree(homes.home("one"))
        town.again("one")

        bob = homes.node("bob", *LOCAL)
        at_bob = await homes.attach("bob")
        await reads(at_bob, channel, said + TEXTS)
        homes.until_results("two", ["mailbox", "kept"], lambda found: lying(found, "ann") > 0)
        await at_bob.close()
        assert bob.stop() == 0

        ann = homes.node("ann", *LOCAL)
        at_ann = await homes.attach("ann")
        await until_delivered(at_ann, record)
        await at_ann.close()
        assert ann.stop() == 0

        town.mailboxes["two"].stop()
        kept = contents_of(homes.profile("two"))
        names = {"ann": me.user, "bob": bob_user, "ann's device": me.device, "the channel": channel}
        assert found_in(kept, names | {"a text": b"harbour gate", "a name": b"ann's"}) == []
    finally:
        homes.end_all()


def bytes_of(path: str) -> bytes:
    return Path(path).read_bytes()


def contents_of(root: Path) -> bytes:
    """The pages of a profile's database, as its own key opens them."""
    keys = read_keys(root / "keys")
    assert keys is not None
    return deciphered(root / "messages.db", open_secret(wrapping_key(keys, None), DATABASE_KEY, keys, root / "keys"))


async def test_files_carry_it_both_ways_where_no_network_does(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    try:
        for name in ("ann", "bob"):
            homes.results(name, "init", "--name", name, "--no-passphrase")
        bob = homes.node("bob", *LOCAL)
        ann = homes.node("ann", "--connect", bob.listen[0], *LOCAL)
        homes.pair("ann", "bob")
        at_ann = await homes.attach("ann")
        user = id_bytes(homes.results("bob", "whoami")[0]["user"])
        channel = (await at_ann.submit(OpenDirect(user=user))).channel
        assert channel is not None
        await until_delivered(at_ann, await say(at_ann, channel, "from now on by stick"))
        await at_ann.close()
        assert bob.stop() == 0
        assert ann.stop() == 0

        for text in TEXTS:
            homes.results("ann", "send", "@bob", text, "--wait", "queued")
        there, back = str(tmp_path / "there"), str(tmp_path / "back")
        written = homes.results("ann", "bundle", "export", there, "bob")[0]
        assert written["devices"] == 1
        assert found_in(bytes_of(there), {"a text": b"harbour", "bob": user, "the channel": channel}) == []
        homes.results("bob", "bundle", "import", there)
        log = homes.results("bob", "log", "@ann")
        assert [row["text"] for row in log if row["kind"] == "message"][-len(TEXTS) :] == TEXTS
        homes.results("bob", "send", "@ann", "all read", "--wait", "queued")
        homes.results("bob", "bundle", "export", back)
        homes.results("ann", "bundle", "import", back)
        log = [row for row in homes.results("ann", "log", "@bob") if row["kind"] == "message"]
        assert log[-1]["text"] == "all read"
        assert {row["state"] for row in log if row["mine"]} == {Delivery.ALL.value}
        assert homes.run("bob", "bundle", "import", there).returncode == 1
    finally:
        homes.end_all()
