"""Far behind between real processes: the newest shows first in a terminal, older messages come when they are asked for, and a
kill -9 in the midst costs nothing."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes, messages, say, two_in_a_channel, until
from terminal import Terminal

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting, SendMessage
from multichat_tui.model.limits import FAR_BEHIND_RECORDS, OLDER_RECORDS

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(300)]

BACKLOG = FAR_BEHIND_RECORDS + 1600
DEPTH = 300
AT_ONCE = 200


async def write(api: RemoteNode, channel: ChannelId, count: int) -> None:
    for start in range(0, count, AT_ONCE):
        sent = (api.submit(SendMessage(channel=channel, text=f"number {start + n}")) for n in range(AT_ONCE))
        await asyncio.gather(*sent)


async def missing(api: RemoteNode, channel: ChannelId) -> int:
    return sum(gap.missing for gap in (await api.channel(channel)).rows.gaps)


async def test_the_newest_shows_first_and_older_messages_come_on_demand(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    screen = Terminal("bob", tmp_path, columns=90, rows=24)
    try:
        (ann, bob), (at_ann, at_bob), channel = await two_in_a_channel(homes, ("ann", "bob"), "harbour")
        await say(at_ann, channel, "all here")
        await until(at_bob, lambda: arrived(at_bob, channel, 1), "bob to have the first")
        await at_bob.submit(ChangeSetting(key="history.depth", value=str(DEPTH)))
        await at_bob.close()
        assert bob.stop() == 0
        await write(at_ann, channel, BACKLOG)

        alone = {"MULTICHAT_LISTEN": "127.0.0.1:0", "MULTICHAT_LAN": "off", "TERM": "tmux-256color"}
        screen.run([*homes.command("bob"), "--connect", ann.listen[0]], homes.environment(**alone))
        screen.until_shows(f"number {BACKLOG - 1}$")
        at_bob = await homes.attach("bob")
        await until(at_bob, lambda: paused(at_bob, channel), "bob to be as deep as he wants")
        before = await missing(at_bob, channel)
        assert BACKLOG - 2 * DEPTH < before <= BACKLOG - DEPTH
        screen.press("M-Home")
        screen.until_shows("all here")
        screen.until_shows(f"{before:,} older messages not fetched: /older fetches more")

        await at_bob.submit(ChangeSetting(key="history.depth", value="all"))
        await at_bob.close()
        os.kill(screen.pid, signal.SIGKILL)
        screen.until_ended()

        bob = homes.node("bob", "--connect", ann.listen[0], *LOCAL)
        at_bob = await homes.attach("bob")
        await until(at_bob, lambda: arrived(at_bob, channel, BACKLOG + 1), "bob to have all of it")
        await until(at_bob, lambda: gapless(at_bob, channel), "nothing to be missing")
        texts = [row.text for row in await messages(at_bob, channel)]
        assert len(texts) == len(set(texts)) == BACKLOG + 1
        assert texts == [row.text for row in await messages(at_ann, channel)]
        await at_bob.close()
        await at_ann.close()
    finally:
        screen.close()
        homes.end_all()


async def test_older_messages_are_fetched_by_command_without_a_running_node(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    try:
        (ann, bob), (at_ann, at_bob), channel = await two_in_a_channel(homes, ("ann", "bob"), "harbour")
        await at_bob.submit(ChangeSetting(key="history.depth", value=str(DEPTH)))
        await at_bob.close()
        assert bob.stop() == 0
        await write(at_ann, channel, BACKLOG)
        bob = homes.node("bob", "--connect", ann.listen[0], *LOCAL)
        at_bob = await homes.attach("bob")
        await until(at_bob, lambda: paused(at_bob, channel), "bob to be as deep as he wants")
        held = len(await messages(at_bob, channel))
        await at_bob.close()
        assert bob.stop() == 0

        found = homes.results(
            "bob",
            "log",
            "harbour",
            "--older",
            str(OLDER_RECORDS),
            "-n",
            "5000",
            MULTICHAT_CONNECT=ann.listen[0],
            MULTICHAT_LAN="off",
        )
        texts = [row["text"] for row in found if row["text"].startswith("number")]
        assert held + OLDER_RECORDS <= len(texts) < BACKLOG
        assert texts == [f"number {n}" for n in range(BACKLOG - len(texts), BACKLOG)]
        await at_ann.close()
    finally:
        homes.end_all()


async def arrived(api: RemoteNode, channel: ChannelId, count: int) -> bool | None:
    return len(await messages(api, channel)) >= count or None


async def paused(api: RemoteNode, channel: ChannelId) -> bool | None:
    return [gap.paused for gap in (await api.channel(channel)).rows.gaps] == [True] or None


async def gapless(api: RemoteNode, channel: ChannelId) -> bool | None:
    return not (await api.channel(channel)).rows.gaps or None
