"""A channel moderated in two halves of a cut network by people who contradict each other: real processes, one outcome."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cable import laid_cable
from real_nodes import Homes, RealNode, bring_in, messages, say, until, until_delivered

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import (
    ActOn,
    BanMember,
    CreateChannel,
    GiveRank,
    InviteToChannel,
    JoinChannel,
    RedactMessages,
    RemoveMember,
)
from multichat_tui.model.ranks import ADMIN, MEMBER
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.model.snapshots import Membership, RowKind

pytestmark = [pytest.mark.e2e, pytest.mark.lan, pytest.mark.timeout(400)]

LEFT, RIGHT = ("ann", "cid", "hal"), ("bob", "dan", "eve", "gus", "ina")


class People:
    """Homes at either end of a cable."""

    def __init__(self, homes: Homes, left: str, right: str) -> None:
        self.homes = homes
        self.where = dict.fromkeys(LEFT, left) | dict.fromkeys(RIGHT, right)
        self.nodes: dict[str, RealNode] = {}
        self.at: dict[str, RemoteNode] = {}
        self.users: dict[str, UserId] = {}

    async def start(self, name: str) -> None:
        self.homes.results(name, "init", "--name", name, "--no-passphrase")
        inside = ("ip", "netns", "exec", self.where[name])
        self.nodes[name] = await asyncio.to_thread(self.homes.node, name, inside=inside)
        self.at[name] = await self.homes.attach(name)
        self.users[name] = (await self.at[name].me()).rows.user

    async def close(self) -> None:
        for api in self.at.values():
            with contextlib.suppress(Exception):
                await api.close()


async def roles(api: RemoteNode, channel: ChannelId) -> dict[str, str]:
    try:
        return {row.name: row.role for row in (await api.members(channel)).rows}
    except MultichatError:
        return {}


async def log(api: RemoteNode, channel: ChannelId) -> list[str]:
    """What was done, as the timeline tells it: only what has effect."""
    rows = (await api.timeline(channel, limit=200)).rows
    return [row.text for row in rows if row.kind is RowKind.MODERATED]


async def is_in(api: RemoteNode, channel: ChannelId) -> bool | None:
    try:
        return (await api.channel(channel)).rows.membership is Membership.JOINED or None
    except MultichatError:
        return None


async def test_two_halves_that_contradict_each_other_end_with_the_same_members_roles_and_log(
    require: Callable[[bool, str], None],
) -> None:
    base = Path(tempfile.mkdtemp(prefix="mc-moderate-"))
    homes = Homes(base)
    with laid_cable(require) as cable:
        people = People(homes, cable.left, cable.right)
        try:
            for name in (*LEFT, *RIGHT):
                await people.start(name)
            at, users = people.at, people.users
            channel = (await at["ann"].submit(CreateChannel(name="harbour"))).channel
            assert channel is not None
            for name in ("cid", "bob", "dan", "eve"):
                await bring_in(at["ann"], at[name], channel)
            await at["ann"].submit(GiveRank(channel=channel, user=users["bob"], rank=ADMIN))
            once = (await at["ann"].submit(InviteToChannel(channel=channel))).link
            assert once is not None
            everybody = {"ann": "founder", "bob": "admin", "cid": "member", "dan": "member", "eve": "member"}
            for name in everybody:
                await until(at[name], lambda name=name: agrees(at[name], channel, everybody), f"{name} to know all")
            # Everybody has everything, the link for one above all.
            for name in everybody:
                await until_delivered(at[name], await say(at[name], channel, f"{name} is here"))

            spoken = await say(at["dan"], channel, "a word too much")
            await until_delivered(at["dan"], spoken)

            cable.cut()
            # A redaction against an edit: gone, whatever else it says by then.
            await at["ann"].submit(RedactMessages(channel=channel, targets=(spoken,), reason="rude"))
            edit = ActOn(channel=channel, record=spoken, act="edit", fields=(("text", "another word too much"),))
            await at["dan"].submit(edit)
            # A demotion against a ban: bob has no right to it any more.
            await at["ann"].submit(GiveRank(channel=channel, user=users["bob"], rank=MEMBER, reason="too eager"))
            await at["bob"].submit(BanMember(channel=channel, user=users["dan"], reason="spam"))
            # A promotion against a kick: the promotion stands.
            await at["ann"].submit(GiveRank(channel=channel, user=users["eve"], rank=ADMIN))
            await at["bob"].submit(RemoveMember(channel=channel, user=users["eve"], reason="no"))
            # A ban against a joining: out.
            invited = (await at["bob"].submit(InviteToChannel(channel=channel))).link
            assert invited is not None
            await at["ann"].submit(BanMember(channel=channel, user=users["gus"], reason="known for it"))
            await at["gus"].submit(JoinChannel(link=invited))
            await until(at["gus"], lambda: is_in(at["gus"], channel), "gus to be in, on the right")
            # One link for one person, used on both sides: one of them is in.
            await at["hal"].submit(JoinChannel(link=once))
            await at["ina"].submit(JoinChannel(link=once))
            await until(at["hal"], lambda: is_in(at["hal"], channel), "hal to be in, on the left")
            await until(at["ina"], lambda: is_in(at["ina"], channel), "ina to be in, on the right")

            cable.mend()
            settled = {"ann": "founder", "bob": "member", "cid": "member", "dan": "member", "eve": "admin"}

            async def same(name: str) -> bool | None:
                found = await roles(at[name], channel)
                late = found.keys() & {"hal", "ina"}
                return (len(late) == 1 and found == settled | dict.fromkeys(late, "member")) or None

            for name in settled:
                await until(at[name], lambda name=name: same(name), f"{name} to see what all see")
            seen = [await roles(at[name], channel) for name in settled]
            assert all(found == seen[0] for found in seen)
            (late,) = seen[0].keys() & {"hal", "ina"}
            out = ({"hal", "ina"} - {late}).pop()
            for name in ("gus", out):
                await until(at[name], lambda name=name: is_out(at[name], channel), f"{name} to be told")
            logs = [await log(at[name], channel) for name in (*settled, late)]
            assert all(found == logs[0] for found in logs)
            assert sorted(logs[0]) == [
                "ann banned gus: known for it",
                "ann made bob a member: too eager",
                "ann made bob an admin",
                "ann made eve an admin",
                "bob banned dan: spam (reverted: beside it ann made bob a member: too eager)",
                "bob removed eve: no (reverted: beside it ann made bob a member: too eager)",
            ]
            for name in (*settled, late):
                row = (await at[name].message(spoken)).rows
                assert row is not None
                assert row.kind is RowKind.REDACTED
                shown = await messages(at[name], channel)
                assert not any("too much" in row.text for row in shown)
                searched = await at[name].search(Search(phrases=(Phrase(text="word"),)))
                assert not searched.rows.rows
            # The new admin's word counts, and what was void stays so.
            await at["eve"].submit(RemoveMember(channel=channel, user=users["bob"], reason="enough"))
            await until(at["bob"], lambda: is_out(at["bob"], channel), "bob to be told")
            after = {name: role for name, role in seen[0].items() if name != "bob"}
            for name in after:
                await until(at[name], lambda name=name: agrees(at[name], channel, after), f"{name} to know that bob is out")
        finally:
            await people.close()
            homes.end_all()
            shutil.rmtree(base, ignore_errors=True)


async def agrees(api: RemoteNode, channel: ChannelId, wanted: dict[str, str]) -> bool | None:
    return (await roles(api, channel)) == wanted or None


async def is_out(api: RemoteNode, channel: ChannelId) -> bool | None:
    return (await api.channel(channel)).rows.membership is Membership.REMOVED or None
