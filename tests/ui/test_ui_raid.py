"""A raid on a channel of real nodes, cleaned from the console by less than ten keys; a raid of fifty is shown in a terminal.

The nodes are whole ones on the simulated network, and the screens run on the one of a moderator. Time is the real one, as that of
the screens is.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from seat import Seat, until
from simulated_world import Person, SimulatedWorld
from twin import TwinLauncher

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import CreateChannel, GiveRank, InviteToChannel, JoinChannel
from multichat_tui.model.moderation import DeedKind, DeedSearch, DeedState
from multichat_tui.model.ranks import MODERATOR
from multichat_tui.model.snapshots import Membership
from multichat_tui.ui.app import MultichatApp
from multichat_tui.ui.overseeing import OverseeingScreen
from multichat_tui.ui.preferences import Look, Preferences, Signs

RAIDERS, MESSAGES_EACH = 18, 4


class RealWorld(SimulatedWorld):
    """In real time."""

    def now_ms(self) -> int:
        return int(time.time() * 1000)


async def wait(check: Callable[[], Awaitable[bool]], what: str, timeout_s: float = 60) -> None:
    """Until a node answers so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not await check():
        assert loop.time() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.01)


async def names(person: Person, channel: ChannelId) -> set[str]:
    return {row.name for row in (await person.api.members(channel)).rows}


async def join(person: Person, channel: ChannelId, link: str) -> None:
    await person.api.submit(JoinChannel(link=link))

    async def joined() -> bool:
        return (await person.api.channel(channel)).rows.membership is Membership.JOINED

    await wait(joined, f"{person.name} has joined")


async def raided(world: RealWorld) -> tuple[Person, Person, ChannelId]:
    """ann has founded a channel, bob is its moderator, and many others came by one link, wrote, and went."""
    ann, bob = await world.add("ann", "bob")
    channel = (await ann.api.submit(CreateChannel(name="plaza"))).channel
    assert channel is not None
    link = (await ann.api.submit(InviteToChannel(channel=channel, uses=100))).link
    assert link is not None
    await join(bob, channel, link)
    user = (await bob.api.me()).rows.user
    await ann.api.submit(GiveRank(channel=channel, user=user, rank=MODERATOR))
    await ann.say(channel, "welcome")
    for number in range(RAIDERS):
        (raider,) = await world.add(f"raider{number}")
        await join(raider, channel, link)
        for line in range(MESSAGES_EACH):
            await raider.say(channel, f"buy {number} {line}")

        async def heard(last: str = f"buy {number} {MESSAGES_EACH - 1}") -> bool:
            page = (await bob.api.timeline(channel, limit=5)).rows
            return any(row.text == last for row in page)

        await wait(heard, "bob has it")
        await raider.stop()
    return ann, bob, channel


@pytest.mark.timeout(300)
async def test_raiders_are_cleaned_away_by_less_than_ten_keys() -> None:
    world = RealWorld(4711)
    ann, bob, channel = await raided(world)
    assert len(await names(bob, channel)) == RAIDERS + 2
    pressed: list[str] = []
    app = MultichatApp(TwinLauncher(bob.api), Preferences(signs=Signs.UNICODE, look=Look.DARK))  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24)) as pilot:
        seat = Seat(app, pilot, None, None)  # type: ignore[arg-type]  # a real node in the place of the twin
        await seat.opened(channel)

        async def press(*keys: str) -> None:
            pressed.extend(keys)
            await seat.press(*keys)

        await press("f2")
        await until(lambda: isinstance(app.screen, OverseeingScreen) and app.screen.loaded)
        # All who came in the last hour, the founder among them: she cannot be acted on, as the sheet says beforehand.
        await press("a", "K", "4")
        await seat.sees(f"What it will do ({RAIDERS}, 1 would be refused):")
        await seat.sees(f"takes away what they have written: {RAIDERS * MESSAGES_EACH} here")
        await seat.sees("will not kick and ban ann: Founders cannot be acted on.")
        await press("enter")
        await seat.sees(f"{RAIDERS} banned, {RAIDERS * MESSAGES_EACH} messages redacted, 1 refused")
        await seat.press("escape")
    assert len(pressed) < 10

    async def clean() -> bool:
        return all([await names(person, channel) == {"ann", "bob"} for person in (ann, bob)])

    await wait(clean, "both see the two of them alone")

    async def unwritten() -> bool:
        rows = [row for person in (ann, bob) for row in await person.rows(channel)]
        return not any("buy" in row.text for row in rows)

    await wait(unwritten, "no text of theirs is left with anybody")
    assert await ann.texts(channel) == ["welcome"]
    log = (await ann.api.modlog(channel, search=DeedSearch(kinds=(DeedKind.BANNED,)), limit=200)).rows.rows
    assert len(log) == RAIDERS
    assert {(row.name, row.reason, row.state) for row in log} == {("bob", "raid", DeedState.IN_EFFECT)}
    assert len({row.id for row in log}) == 2
    for person in (ann, bob):
        await person.stop()
