"""Who is served what, between real processes and on real disks: newcomers, and messages to some members."""

import asyncio
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes, until

from multichat_tui.model.ids import ChannelId, Log
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import RowKind
from multichat_tui.store.profile import open_profile

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def homes():
    base = Path(tempfile.mkdtemp(prefix="mc-serving-"))
    made = Homes(base)
    for name in ("ann", "bob", "cid"):
        made.results(name, "init", "--name", name, "--no-passphrase")
        made.node(name, *LOCAL)
    yield made
    made.end_all()


def texts(homes: Homes, who: str) -> list[str]:
    rows = homes.results(who, "log", "harbour")
    return [row["text"] for row in rows if row.get("kind") == "message"]


def test_a_newcomer_gets_nothing_of_before_and_others_no_text_that_is_not_for_them(homes: Homes) -> None:
    homes.pair("ann", "bob")
    homes.pair("ann", "cid")
    homes.results("ann", "channel", "create", "harbour")
    link = homes.results("ann", "channel", "invite", "harbour")[0]["link"]
    homes.results("bob", "channel", "join", link)
    homes.results("ann", "send", "harbour", "the old secret", "--wait", "delivered")
    homes.results("ann", "channel", "newcomers", "harbour", "joining")
    link = homes.results("ann", "channel", "invite", "harbour")[0]["link"]
    homes.results("cid", "channel", "join", link)
    homes.results("ann", "send", "harbour", "welcome", "--wait", "delivered")
    homes.results("ann", "send", "harbour", "--to", "bob", "a gift for cid", "--wait", "delivered")
    homes.results("ann", "send", "harbour", "for all", "--wait", "delivered")
    assert texts(homes, "cid") == ["welcome", "for all"]
    assert texts(homes, "bob") == ["the old secret", "welcome", "a gift for cid", "for all"]
    (row,) = [row for row in homes.results("bob", "log", "harbour") if row.get("text") == "a gift for cid"]
    assert row["to"] == ["bob"]
    homes.end_all()
    for who, secrets in (("bob", 2), ("cid", 0)):
        with closing(open_profile(homes.profile(who))) as opened, opened.store.transaction() as txn:
            (channel,) = [ChannelId(key) for key, _ in txn.scan(Space.CHANNEL)]
            bodies = [record.body or b"" for _, record in txn.arrivals(channel, Log.CONTENT, 0, 100)]
        assert sum(b"the old secret" in body or b"a gift for cid" in body for body in bodies) == secrets


def test_a_reader_follows_a_channel_by_link_and_is_not_in_it(homes: Homes) -> None:
    homes.results("ann", "channel", "create", "harbour")
    homes.results("ann", "send", "harbour", "for everybody", "--wait", "queued")
    homes.results("ann", "channel", "public", "harbour", "on")
    link = homes.results("ann", "channel", "invite", "harbour", "--read")[0]["link"]
    (joined,) = homes.results("cid", "channel", "join", link)
    assert joined["membership"] == "reading"
    seen = asyncio.run(read_until(homes, "cid", "for everybody"))
    assert seen == ["for everybody"]
    homes.results("ann", "send", "harbour", "and more", "--wait", "queued")
    assert asyncio.run(read_until(homes, "cid", "and more")) == ["for everybody", "and more"]
    assert len(homes.results("ann", "channel", "members", "harbour")) == 1


async def read_until(homes: Homes, who: str, text: str) -> list[str]:
    """What somebody sees of the only channel, once this is in it."""
    api = await homes.attach(who)
    try:
        (row,) = (await api.channels()).rows

        async def found() -> list[str] | None:
            texts = [each.text for each in (await api.timeline(row.id)).rows if each.kind is RowKind.MESSAGE]
            return texts if text in texts else None

        return await until(api, found, f"{text} to come")
    finally:
        await api.close()
