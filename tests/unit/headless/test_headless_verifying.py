"""`contact verify` on both sides at once: real nodes in virtual time, dialogues of commands on top."""

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.headless.output import Output
from multichat_tui.headless.verbs import trust
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import BeginVerification
from multichat_tui.net.virtual_time import run_virtual


class Late:
    """A node whose first answer about its state comes when `ready` is set: what happens between a choice and the look at it."""

    def __init__(self, person: Person) -> None:
        self._api = person.api
        self.ready = asyncio.Event()

    async def status(self):
        await self.ready.wait()
        return await self._api.status()

    def __getattr__(self, name: str):
        return getattr(self._api, name)


class Verifying:
    """A dialogue of the command with a contact, without a process."""

    def __init__(
        self, api, user: UserId, begun: Callable[[], None] = lambda: None, when: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        self.paper = io.StringIO()
        out = Output(json_lines=True, stdout=self.paper, stderr=io.StringIO())
        self._dialogue = trust._Dialogue(api, out, contact=user)

        async def begin():
            if when is not None and not await when():
                return None
            comparison = (await api.submit(BeginVerification(user=user))).comparison
            begun()
            return comparison

        self.task = asyncio.create_task(self._dialogue.run(begin, 60))

    def told(self) -> list[dict]:
        return [json.loads(line) for line in self.paper.getvalue().splitlines()]

    async def words(self) -> list[str] | None:
        return next((each["words"] for each in self.told() if each["state"] == "compare"), None)


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Queue]:
    """The lines that each dialogue reads, in the order in which they began."""
    queues: list[asyncio.Queue] = []

    @asynccontextmanager
    async def answers():
        queue: asyncio.Queue = asyncio.Queue()
        queues.append(queue)
        yield queue

    monkeypatch.setattr(trust, "answers", answers)
    return queues


def test_whose_comparison_gave_way_to_the_other_s_is_shown_that_one(spoken: list[asyncio.Queue]) -> None:
    async def play() -> None:
        world = SimulatedWorld(1)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        of = {person.name: (await person.api.me()).rows.user for person in (ann, bob)}
        first, second = sorted((ann, bob), key=lambda person: of[person.name])
        late = Late(second)
        late.ready.set()
        # Both begin before they hear of each other; before the command of the second looks at what it began, that is gone.
        giving_way = Verifying(late, of[first.name], begun=late.ready.clear)
        other = Verifying(first.api, of[second.name])
        await until(other.words, "words at the first")
        late.ready.set()
        await until(giving_way.words, "words at the second", timeout_s=30)
        assert await giving_way.words() == await other.words()
        assert {row["begun_here"] for row in giving_way.told()} == {False}
        for queue in spoken:
            queue.put_nowait("yes")
        assert await giving_way.task == await other.task == 0

    run_virtual(play())


def test_a_comparison_that_somebody_else_begins_is_not_taken_for_the_one_that_was_asked_for(spoken: list[asyncio.Queue]) -> None:
    async def play() -> None:
        world = SimulatedWorld(2)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        await world.pair(ann, bob)
        await world.pair(bob, kim)
        of = {person.name: (await person.api.me()).rows.user for person in (ann, bob, kim)}
        await ann.stop()
        await until(lambda: _offline(bob, of["ann"]), "ann is away")
        waiting = Verifying(bob.api, of["ann"], when=lambda: _online(bob, of["ann"]))
        await kim.api.submit(BeginVerification(user=of["bob"]))
        await until(lambda: _compared(bob, of["kim"]), "bob's node compares with kim")
        await asyncio.sleep(5)
        assert waiting.told() == []
        await ann.start()
        await until(waiting.words, "words with ann")
        assert {row["name"] for row in waiting.told()} == {"ann"}
        waiting.task.cancel()
        await asyncio.gather(waiting.task, return_exceptions=True)

    run_virtual(play())


async def _online(person: Person, user: UserId) -> bool:
    return next(row.online for row in (await person.api.contacts()).rows if row.user == user)


async def _offline(person: Person, user: UserId) -> bool:
    return not await _online(person, user)


async def _compared(person: Person, user: UserId) -> bool:
    return any(row.user == user and row.words for row in (await person.api.status()).rows.comparisons)
