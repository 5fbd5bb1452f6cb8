"""A channel where somebody has to agree to who comes in, slow mode and archiving, by commands of real processes."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes, messages, until

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ConfigureChannel, JoinChannel, SendMessage
from multichat_tui.model.snapshots import Membership

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-kinds-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


async def writing(api: RemoteNode, channel: ChannelId, part: str) -> None:
    """Wait until this part of the reason why one cannot write is told."""

    async def told() -> bool | None:
        found = (await api.channel(channel)).rows.writing
        return (part in found if part else not found) or None

    await until(api, told, f"the hint {part!r}")


def test_who_asks_is_let_in_waits_for_slow_mode_and_finds_the_channel_archived(homes: Homes) -> None:
    for name in ("ann", "bob", "eve"):
        homes.results(name, "init", "--name", name, "--no-passphrase")
        homes.node(name, *LOCAL)
    (made,) = homes.results("ann", "channel", "create", "dev", "--kind", "approval")
    links = [homes.results("ann", "channel", "invite", "dev")[0]["link"] for _ in range(2)]

    async def story() -> None:
        ann, bob, eve = [await homes.attach(name) for name in ("ann", "bob", "eve")]
        channel = None
        for api, link in zip((bob, eve), links, strict=True):
            channel = (await api.submit(JoinChannel(link=link))).channel
        assert channel is not None

        async def both_wait() -> bool | None:
            return (await ann.channel(channel)).rows.waiting == 2 or None

        await until(ann, both_wait, "the requests")
        waiting = await asyncio.to_thread(homes.results, "ann", "channel", "waiting", "dev")
        assert sorted(row["name"] for row in waiting) == ["bob", "eve"]
        await asyncio.to_thread(homes.results, "ann", "channel", "approve", "dev", "bob")
        await asyncio.to_thread(homes.results, "ann", "channel", "deny", "dev", "eve", "--reason", "who are you?")

        async def stands(api: RemoteNode, membership: Membership) -> str | None:
            row = (await api.channel(channel)).rows
            return row.note or "none" if row.membership is membership else None

        await until(bob, lambda: stands(bob, Membership.JOINED), "bob's place")
        assert "who are you?" in await until(eve, lambda: stands(eve, Membership.REFUSED), "the answer to eve")
        await ann.submit(ConfigureChannel(channel=channel, key=SettingKey.SLOW_MODE, value=3_600_000))

        async def slowed() -> bool | None:
            return any(row.value == 3_600_000 for row in (await bob.rules(channel)).rows.settings) or None

        await until(bob, slowed, "slow mode")
        await bob.submit(SendMessage(channel=channel, text="one"))
        with pytest.raises(IntentRefused, match="one message in 1h") as soon:
            await bob.submit(SendMessage(channel=channel, text="two"))
        assert soon.value.reason is Refusal.TOO_SOON

        async def come() -> bool | None:
            return [row.text for row in await messages(ann, channel)] == ["one"] or None

        await until(ann, come, "the message")
        await asyncio.to_thread(homes.results, "ann", "channel", "archive", "dev", "--reason", "done")
        await writing(bob, channel, "archived")
        await ann.submit(ConfigureChannel(channel=channel, key=SettingKey.ARCHIVED, value=0))
        await writing(bob, channel, "")
        for api in (ann, bob, eve):
            await api.close()

    assert made["name"] == "dev"
    asyncio.run(story())
