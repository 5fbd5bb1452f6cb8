"""Two people in real processes: an edit, a reaction, a pin, a poll and several things as one, by commands alone; all of it is
still so after both nodes have been killed and started again."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes, until

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import ActOn
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.node.api.lookup import find_channel
from multichat_tui.node.api.wire import from_json

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]


@pytest.fixture
def homes() -> Iterator[Homes]:
    with tempfile.TemporaryDirectory(prefix="mc") as base:
        homes = Homes(Path(base))
        try:
            yield homes
        finally:
            homes.end_all()


def as_seen(row: MessageRow) -> tuple[object, ...]:
    """Without whose reader it is."""
    reactions = [(each.emoji, each.count) for each in row.reactions]
    return (row.text, row.edited, row.pinned, reactions, [line.removesuffix(", yours") for line in row.lines], row.deeds)


async def shows(api: RemoteNode, channel: ChannelId, expected: list[tuple[object, ...]]) -> None:
    async def so() -> bool | None:
        rows = (await api.timeline(channel)).rows
        return [as_seen(row) for row in rows if row.kind is RowKind.MESSAGE] == expected or None

    await until(api, so, f"{expected}")


async def test_two_people_edit_react_pin_and_vote_by_commands(homes: Homes) -> None:
    async def run(who: str, *words: str) -> list[dict[str, object]]:
        return await asyncio.to_thread(homes.results, who, *words)

    for who in ("ann", "bob"):
        await run(who, "init", "--name", who, "--no-passphrase")
    nodes = {who: await asyncio.to_thread(homes.node, who, *LOCAL) for who in ("ann", "bob")}
    at = {who: await homes.attach(who) for who in ("ann", "bob")}
    await asyncio.to_thread(homes.pair, "ann", "bob")
    await run("ann", "channel", "create", "dev")
    await run("bob", "channel", "join", str((await run("ann", "channel", "invite", "dev"))[0]["link"]))
    dev = (await find_channel(at["ann"], "#dev")).id
    said = str((await run("ann", "send", "dev", "the ship sails at nine", "--wait", "delivered"))[0]["id"])
    await run("ann", "edit", said, "the ship sails at ten")
    await run("bob", "react", said, "+1")
    await run("ann", "pin", said)
    await run("ann", "do", "-c", "dev", "/poll Who steers? | ann | bob")
    poll = ("Who steers?", False, False, [], ["1. ann: no votes", "2. bob: no votes"], ())
    await shows(at["bob"], dev, [("the ship sails at ten", True, True, [("👍", 1)], [], ()), poll])
    await run("bob", "do", "-c", "dev", "/vote 1")
    await run("ann", "do", "-c", "dev", "--together", "/topic sailing", "/task scrub the deck", "all hands!")
    expected = [
        ("the ship sails at ten", True, True, [("👍", 1)], [], ()),
        ("Who steers?", False, False, [], ["1. ann: 1 vote", "2. bob: no votes"], ()),
        ("scrub the deck\nall hands!", False, False, [], ["[ ] open"], ("ann set the topic: sailing",)),
    ]
    await shows(at["bob"], dev, expected)
    await run("bob", "do", "-c", "dev", "/take")
    expected[2] = (*expected[2][:4], ["[ ] taken by bob"], *expected[2][5:])
    await shows(at["ann"], dev, expected)
    assert [row["id"] for row in await run("bob", "pins", "dev")] == [said]
    record: RecordId = from_json(RecordId, said)
    with pytest.raises(IntentRefused, match="Only who wrote"):
        await at["bob"].submit(ActOn(channel=dev, record=record, act="edit", fields=(("text", "never"),)))
    with pytest.raises(IntentRefused, match="pin messages"):
        await at["bob"].submit(ActOn(channel=dev, record=record, act="pin", fields=(("on", "no"),)))
    for who in ("ann", "bob"):
        await at[who].close()
        nodes[who].kill()
        await asyncio.to_thread(homes.node, who, *LOCAL)
    again = await homes.attach("ann")
    await shows(again, dev, expected)
    await again.close()
    assert await run("bob", "search", "nine") == []
    assert [row["id"] for row in await run("bob", "search", "ten")] == [said]
