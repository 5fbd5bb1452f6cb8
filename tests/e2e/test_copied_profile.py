"""A profile directory that is copied while its node runs: both copies write, stop when they meet a third, and nothing is lost."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import Homes, RealNode, befriend, bring_in, messages, say, until, until_delivered

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import CreateChannel, SendMessage
from multichat_tui.model.trust import AlarmKind

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-copy-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


async def start(homes: Homes, who: str, *words: str) -> tuple[RealNode, RemoteNode]:
    node = await asyncio.to_thread(homes.node, who, "--no-lan", *(words or ("--listen", "127.0.0.1:0")))
    return node, await homes.attach(who)


async def shows(api: RemoteNode, channel: ChannelId, *texts: str) -> None:
    async def shown() -> bool | None:
        return set(texts) <= {row.text for row in await messages(api, channel)} or None

    await until(api, shown, f"{texts}")


async def stops(api: RemoteNode, channel: ChannelId) -> None:
    """The node says that it is a copy, and refuses to write."""

    async def troubled() -> bool | None:
        return "is a copy" in (await api.status()).rows.trouble or None

    await until(api, troubled, "the copy to be noticed")
    with pytest.raises(IntentRefused):
        await api.submit(SendMessage(channel=channel, text="never said"))


async def test_both_copies_of_a_running_profile_stop_and_everybody_has_what_both_wrote(homes: Homes) -> None:
    for name in ("ann", "bob"):
        homes.results(name, "init", "--name", name, "--no-passphrase")
    ann_node, ann = await start(homes, "ann")
    bob_node, bob = await start(homes, "bob")
    await befriend(ann, bob)
    channel = (await ann.submit(CreateChannel(name="harbour"))).channel
    assert channel is not None
    await bring_in(ann, bob, channel)
    await until_delivered(bob, await say(bob, channel, "before"))

    shutil.copytree(homes.home("bob"), homes.home("copy"))
    address = ann_node.listen[0]
    await ann.close()
    ann_node.kill()
    _, copy = await start(homes, "copy")
    await say(bob, channel, "said here")
    await say(copy, channel, "said there")
    await say(copy, channel, "and there")

    _, ann = await start(homes, "ann", "--listen", address)
    await shows(ann, channel, "before", "said here", "said there", "and there")
    await stops(bob, channel)
    await stops(copy, channel)
    await shows(bob, channel, "said there", "and there")
    await shows(copy, channel, "said here")
    orders = [[row.id for row in await messages(api, channel)] for api in (ann, bob, copy)]
    assert orders[0] == orders[1] == orders[2]
    alarms = {alarm.kind for alarm in (await ann.status()).rows.alarms}
    assert AlarmKind.COPIED in alarms

    await bob.close()
    bob_node.kill()
    _, bob = await start(homes, "bob", "--listen", "127.0.0.1:0", "--connect", address)

    async def writes() -> bool | None:
        try:
            await bob.submit(SendMessage(channel=channel, text="as a new device"))
        except IntentRefused:
            return None
        return True

    await until(bob, writes, "a new device in the place of the copied one")
    await shows(ann, channel, "as a new device")
    for api in (ann, bob, copy):
        await api.close()
