"""Members who are never on together, and a network in two halves: real processes, real multicast, one history in the end."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cable import laid_cable
from real_nodes import LOCAL, Homes, RealNode, bring_in, messages, say, until, until_delivered

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import CreateChannel, InviteToChannel, JoinChannel, SetTopic
from multichat_tui.model.snapshots import Delivery, Membership

pytestmark = [pytest.mark.e2e]


async def state_of(api: RemoteNode, record: RecordId) -> Delivery | None:
    row = (await api.message(record)).rows
    return None if row is None else row.state


async def test_a_message_and_the_word_of_its_arrival_go_through_a_third(tmp_path: Path) -> None:
    """Ann and eve never run at the same time once the channel stands; bob always does."""
    homes = Homes(tmp_path)
    try:
        for name in ("ann", "bob", "eve"):
            homes.results(name, "init", "--name", name, "--no-passphrase")
        bob = homes.node("bob", *LOCAL)
        ways = ("--connect", bob.listen[0], *LOCAL)
        ann, eve = homes.node("ann", *ways), homes.node("eve", *ways)
        at_ann, at_bob, at_eve = [await homes.attach(name) for name in ("ann", "bob", "eve")]
        channel = (await at_bob.submit(CreateChannel(name="harbour"))).channel
        assert channel is not None
        await bring_in(at_bob, at_ann, channel)
        await bring_in(at_bob, at_eve, channel)
        await until_delivered(at_ann, await say(at_ann, channel, "all here"))
        await at_eve.close()
        assert eve.stop() == 0

        record = await say(at_ann, channel, "for eve, who is away")

        async def some() -> bool | None:
            return (await state_of(at_ann, record)) is Delivery.SOME or None

        await until(at_ann, some, "bob to have it")
        await at_ann.close()
        ann.kill()

        eve = homes.node("eve", *ways)
        at_eve = await homes.attach("eve")

        async def came() -> bool | None:
            return any(row.id == record for row in await messages(at_eve, channel)) or None

        await until(at_eve, came, "eve to have it from bob")
        answer = await say(at_eve, channel, "got it")

        async def passed_on() -> bool | None:
            return (await state_of(at_eve, answer)) is Delivery.SOME or None

        await until(at_eve, passed_on, "bob to have the answer")
        await at_eve.close()
        assert eve.stop() == 0, "which says first what has arrived"

        homes.node("ann", *ways)
        at_ann = await homes.attach("ann")
        await until_delivered(at_ann, record)
        assert [row.text for row in await messages(at_ann, channel)] == ["all here", "for eve, who is away", "got it"]
        assert (await state_of(at_ann, answer)) is Delivery.OTHERS
        await at_ann.close()
        await at_bob.close()
    finally:
        homes.end_all()


class Halves:
    """Ten homes, five at either end of a cable."""

    NAMES = ("ann", "bob", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jon")

    def __init__(self, homes: Homes, left: str, right: str) -> None:
        self.homes = homes
        self.where = {name: (left, right)[index % 2] for index, name in enumerate(self.NAMES)}
        self.nodes: dict[str, RealNode] = {}
        self.apis: dict[str, RemoteNode] = {}

    async def start(self, name: str) -> None:
        inside = ("ip", "netns", "exec", self.where[name])
        self.nodes[name] = await asyncio.to_thread(self.homes.node, name, inside=inside)
        self.apis[name] = await self.homes.attach(name)

    async def kill(self, name: str) -> None:
        await self.apis[name].close()
        self.nodes[name].kill()

    async def history(self, channel: ChannelId) -> dict[str, list[RecordId]]:
        return {name: [row.id for row in await messages(api, channel)] for name, api in self.apis.items()}


@pytest.mark.lan
@pytest.mark.timeout(300)
async def test_ten_processes_in_two_halves_end_with_one_history(require: Callable[[bool, str], None]) -> None:
    base = Path(tempfile.mkdtemp(prefix="mc-halves-"))
    homes = Homes(base)
    with laid_cable(require) as cable:
        halves = Halves(homes, cable.left, cable.right)
        try:
            for name in halves.NAMES:
                homes.results(name, "init", "--name", name, "--no-passphrase")
                await halves.start(name)
            first = halves.apis["ann"]
            channel = (await first.submit(CreateChannel(name="harbour"))).channel
            assert channel is not None
            link = (await first.submit(InviteToChannel(channel=channel, uses=len(halves.NAMES)))).link
            assert link is not None
            for name in halves.NAMES[1:]:
                await halves.apis[name].submit(JoinChannel(link=link))
            for name in halves.NAMES[1:]:
                await until(halves.apis[name], lambda name=name: joined(halves.apis[name], channel), f"{name} to be in")
            await until_delivered(first, await say(first, channel, "all ten"))

            cable.cut()
            sent = {name: [await say(api, channel, f"{name} {n}") for n in range(3)] for name, api in halves.apis.items()}
            await first.submit(SetTopic(channel=channel, topic="from the left"))
            await halves.apis["bob"].submit(SetTopic(channel=channel, topic="from the right"))
            for name in ("eve", "fay"):
                await halves.kill(name)
                await halves.start(name)
                sent[name].append(await say(halves.apis[name], channel, f"{name} again"))

            cable.mend()
            for name, records in sent.items():
                for record in records:
                    await until_delivered(halves.apis[name], record)
            logs = await halves.history(channel)
            assert all(log == logs["ann"] for log in logs.values())
            assert len(logs["ann"]) == len(set(logs["ann"])) == 1 + sum(map(len, sent.values()))
            assert {record for records in sent.values() for record in records} < set(logs["ann"])
            topics = {(await api.channel(channel)).rows.topic for api in halves.apis.values()}
            assert len(topics) == 1
        finally:
            for api in halves.apis.values():
                with contextlib.suppress(Exception):
                    await api.close()
            homes.end_all()
            shutil.rmtree(base, ignore_errors=True)


async def joined(api: RemoteNode, channel: ChannelId) -> bool | None:
    return (await api.channel(channel)).rows.membership is Membership.JOINED or None
