"""A whole node that lives in virtual time and has company: what the targets that need one feed."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, TypeVar

from simulated_world import Person, SimulatedWorld

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import InviteToChannel
from multichat_tui.net.virtual_time import VirtualTimeLoop

T = TypeVar("T")


class Faults(logging.Handler):
    """What the node reports as its own failing."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


class Living:
    """Ann, whose node is fed, with Bob as a contact and a channel of both. `renew` after a while: what is fed stays in it."""

    def __init__(self, *, members: tuple[str, ...] = (), strangers: tuple[str, ...] = ()) -> None:
        """`members`: who else is in the channel; `strangers`: who else is there, known to nobody."""
        self._members, self._strangers = members, strangers
        self.others: dict[str, Person] = {}
        self.faults = Faults()
        self._log = logging.getLogger("multichat_tui")
        self._log.addHandler(self.faults)
        self._propagated, self._log.propagate = self._log.propagate, False
        self._runner: asyncio.Runner | None = None
        self.ann: Person
        self.bob: Person
        self.channel: ChannelId
        self.renew()

    def renew(self) -> None:
        """A new world, the same as the last was at its beginning."""
        self._end()
        self._runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        with redirect_stdout(StringIO()):
            self.run(self._begin())

    async def _begin(self) -> None:
        world = SimulatedWorld(1)
        self.ann, self.bob, *others = await world.add("ann", "bob", *self._members, *self._strangers)
        self.others = {person.name: person for person in others}
        await world.pair(self.ann, self.bob)
        self.channel = await world.channel_of(self.ann, self.bob, *others[: len(self._members)])
        await self.ann.api.submit(InviteToChannel(channel=self.channel, uses=3))
        await self.ann.say(self.channel, "hello")
        await self.bob.say(self.channel, "and hello")
        await asyncio.sleep(5)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._runner is not None
        return self._runner.run(work)

    def check(self) -> None:
        """Nothing may have failed inside."""
        assert not self.faults.seen, self.faults.seen[0]

    def _end(self) -> None:
        if self._runner is not None:
            self._runner.run(self._stop())
            self._runner.close()
            self._runner = None

    async def _stop(self) -> None:
        for person in (self.ann, self.bob, *self.others.values()):
            await person.stop()

    def close(self) -> None:
        self._end()
        self._log.removeHandler(self.faults)
        self._log.propagate = self._propagated
