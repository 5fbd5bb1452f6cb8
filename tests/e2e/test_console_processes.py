"""The log of moderation, undoing and reports between real processes, from the command line."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import Homes, bring_in, say, until

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.intents import CreateChannel
from multichat_tui.model.moderation import DeedState
from multichat_tui.model.snapshots import RowKind

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def homes() -> Iterator[Homes]:
    with tempfile.TemporaryDirectory(prefix="mc-console-") as base:
        made = Homes(Path(base))
        try:
            yield made
        finally:
            made.end_all()


async def attached(homes: Homes, name: str) -> RemoteNode:
    homes.results(name, "init", "--name", name, "--no-passphrase")
    homes.node(name, "--no-lan", "--listen", "127.0.0.1:0")
    return await homes.attach(name)


async def test_a_member_reports_a_moderator_acts_and_undoes_and_both_read_the_same_log(homes: Homes) -> None:
    ann, bob, eve = [await attached(homes, name) for name in ("ann", "bob", "eve")]
    try:
        channel = (await ann.submit(CreateChannel(name="plaza"))).channel
        assert channel is not None
        for guest in (bob, eve):
            await bring_in(ann, guest, channel)
        said = await say(eve, channel, "buy my watches")

        async def has_it() -> bool | None:
            return any(row.id == said for row in (await bob.timeline(channel)).rows) or None

        await until(bob, has_it, "what eve has written")
        (sent,) = homes.results("bob", "channel", "report", "plaza", "eve", "she", "spams")

        async def reported() -> bool | None:
            return bool((await ann.reports(channel)).rows) or None

        await until(ann, reported, "the report")
        (report,) = homes.results("ann", "channel", "reports", "plaza")
        assert (report["id"], report["reporter_name"], report["name"], report["reason"]) == (
            sent["id"],
            "bob",
            "eve",
            "she spams",
        )
        # Who is no moderator is not given it.
        assert homes.results("eve", "channel", "reports", "plaza") == []

        homes.results("ann", "channel", "role", "plaza", "eve", "muted", "--for", "1h", "--reason", "spam")
        homes.results("ann", "channel", "settle", "plaza", "1", "done", "--reason", "silenced for an hour")

        async def settled() -> bool | None:
            return all(row.state != "open" for row in (await bob.reports(channel)).rows) or None

        await until(bob, settled, "that it is settled")
        (after,) = homes.results("bob", "channel", "reports", "plaza", "--all")
        assert (after["state"], after["settled_by"], after["settled_reason"]) == ("acted", "ann", "silenced for an hour")

        could, *_ = homes.results("ann", "channel", "undo", "plaza")
        assert could["undo"] == "let eve write again"
        homes.results("ann", "channel", "undo", "plaza", "1", "--reason", "said sorry")

        async def lifted() -> bool | None:
            rows = (await bob.modlog(channel)).rows.rows
            return any(row.until_ms and row.state is DeedState.LIFTED for row in rows) or None

        await until(bob, lifted, "that it is taken back")
        await say(eve, channel, "sorry")
        logs = [homes.results(name, "channel", "modlog", "plaza", "--kind", "rank") for name in ("ann", "bob", "eve")]
        told = [[(row["said"].partition(" until")[0], row["reason"], row["state"], row["by"]) for row in log] for log in logs]
        assert told[0] == [
            ("ann made eve a member", "said sorry", "in-effect", ""),
            ("ann muted eve", "spam", "lifted", "ann made eve a member"),
        ]
        assert told[0] == told[1] == told[2]
        joined = homes.results("bob", "channel", "roster", "plaza")
        assert {row["name"]: row["admitted_by"] for row in joined} == {"ann": "", "bob": "ann", "eve": "ann"}
        assert not any(row.kind is RowKind.NEWER for row in (await eve.timeline(channel)).rows)
    finally:
        for api in (ann, bob, eve):
            await api.close()
