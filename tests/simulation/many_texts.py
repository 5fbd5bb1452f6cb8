"""Texts in a history of many nodes that are not for everybody or not for good: for some members, for a time, or taken away.

Only machines of version 4 and later are in such histories: others are not told of what has no text for them.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from many_invariants import present, world_of
from simulated_world import Person

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.intents import RedactMessages, SendMessage
from multichat_tui.model.records import Absence
from multichat_tui.model.snapshots import Membership, MessageRow
from multichat_tui.net.simulated import SimulatedNetwork

if TYPE_CHECKING:
    from many_nodes import History
    from many_plan import Place

HOUR_MS = 3600 * 1000
MAX_SKEW_MS = 60_000
"""Whose clock is further off writes nothing for a time: it would be over in years, or at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A text that its author was told to be sent. `readers`: users whom it is for, its author's among them; none: everybody."""

    place: "Place"
    author: Person
    record: RecordId
    text: bytes
    readers: frozenset[UserId]
    ends_ms: int | None


class Texts:
    """Those of one history, by a chance of their own: without them it is the same as if there were no such thing."""

    def __init__(self, history: "History") -> None:
        self._history = history
        self._chance = random.Random(f"texts/{history.plan.seed}")
        self.said: dict[RecordId, Said] = {}

    async def turn(self) -> None:
        """Now and then somebody says something to a few, or for a time, or takes a text away."""
        chance, history = self._chance, self._history
        if not history.plan.texts or chance.random() < 0.5:
            return
        person = chance.choice([p for p in history.honest if p.running] or history.honest)
        place = chance.choice(history.places)
        mine = world_of(person).channels.get(place.channel) if person.running and person.api._engine is not None else None
        if mine is None or mine.standing.membership is not Membership.JOINED:
            return
        others = sorted(mine.view.members.keys() - {world_of(person).identity.user})
        match chance.choice(("some", "some", "time", "both", "away")):
            case "away":
                records = [record for p in history.honest for channel, record in p.acknowledged if channel == place.channel]
                records += [said.record for said in self.said.values() if said.place is place]
                if records and await history.do(person, RedactMessages(channel=place.channel, targets=(chance.choice(records),))):
                    history.happened["taken away"] += 1
            case kind:
                count = min(len(others), chance.randint(1, 3)) if kind != "time" else 0
                lives_ms = 0 if kind == "some" else chance.randint(1, 24) * HOUR_MS
                if (count or kind == "time") and (not lives_ms or abs(person.skew_ms) <= MAX_SKEW_MS):
                    await self._say(person, place, tuple(chance.sample(others, count)), lives_ms)

    async def _say(self, person: Person, place: "Place", readers: tuple[UserId, ...], lives_ms: int) -> None:
        history = self._history
        history.said += 1
        text = f"{place.mark} {person.name} {history.said} for {len(readers)}"
        own, at = world_of(person).identity.user, person.now_ms()
        intent = SendMessage(channel=place.channel, text=text, recipients=readers, lives_ms=lives_ms)
        try:
            record = (await person.api.submit(intent)).record
        except MultichatError:
            return
        assert record is not None
        history.happened["for some" if readers else "for a time"] += 1
        self.said[record] = Said(
            place=place,
            author=person,
            record=record,
            text=text.encode(),
            readers=frozenset({own, *readers}) if readers else frozenset(),
            ends_ms=at + lives_ms if lives_ms else None,
        )

    def leaks(self, sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> list[str]:
        """What of a frame is not for who gets it. Who is in bad faith may tell what they were told."""
        people = self._history.world.people
        user = self._history.users.get(people[receiver.name].account_entropy)
        if sender.name in self._history.hostile:
            return []
        return [
            f"{sender.name} told {receiver.name} what is for others: {said.text.decode()}"
            for said in self.said.values()
            if said.readers and user not in said.readers and said.text in frame
        ]

    def differences(self) -> list[str]:
        """What somebody whom a text is for lacks of it, though its author is there; what its time is over for and is not gone."""
        history, now = self._history, self._history.world.now_ms()
        found = []
        for place in history.places:
            people = present(history, place)
            for person in people:
                with person.store.inner.transaction() as txn:
                    for said in (each for each in self.said.values() if each.place is place):
                        held = txn.record(said.record)
                        name = f"{said.text.decode()!r} at {person.name}"
                        if held is None:
                            continue  # who differs in what they hold is found by other means
                        over = said.ends_ms is not None and said.ends_ms <= now
                        if held.body is not None and (over or not self._is_for(said, person)):
                            found.append(f"{name} is there")
                        elif held.absence is Absence.MISSING and said.author in people and self._has(said.author, said):
                            found.append(f"{name} is lacking")
        return found

    def _has(self, person: Person, said: Said) -> bool:
        """Its author may have it no more: by a clock that was far ahead for a while its time was over."""
        with person.store.inner.transaction() as txn:
            held = txn.record(said.record)
        return held is not None and held.body is not None

    def _is_for(self, said: Said, person: Person) -> bool:
        return not said.readers or world_of(person).identity.user in said.readers

    async def settle(self) -> None:
        """Until what was said for a time is over."""
        last_ms = max((said.ends_ms for said in self.said.values() if said.ends_ms is not None), default=0)
        await asyncio.sleep(max(0, (last_ms - self._history.world.now_ms()) / 1000) + 1)

    def alike(self, person: Person, rows: list[MessageRow]) -> list[MessageRow]:
        """Those that look the same to all: also who was not told that it was sent may have said something to a few."""
        if not self._history.plan.texts:
            return rows
        with person.store.inner.transaction() as txn:
            held = {row.id: txn.record(row.id) for row in rows}
        headers = {name: record.header for name, record in held.items() if record is not None}
        return [r for r in rows if r.id in headers and headers[r.id].recipients is None and headers[r.id].expires_ms is None]
