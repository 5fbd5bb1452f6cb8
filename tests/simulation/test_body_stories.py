"""Stories of bodies that are withheld, and of records that go on without theirs."""

import asyncio
from dataclasses import replace

from simulated_world import Person, SimulatedWorld, engine_of, until

from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.records import Absence, Record
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.model.snapshots import Delivery, MessageRow, RowKind
from multichat_tui.net.virtual_time import run_virtual


def withhold(person: Person) -> None:
    """They serve headers alone from now on, and say nothing of it."""

    def bare(session: object, channel: object, record: Record) -> Record:
        return record if record.header.log == 0 else replace(record, body=None, absence=Absence.MISSING)

    engine_of(person)._ledger.bodies.as_sent = bare  # type: ignore[method-assign,assignment]  # the fault


async def shown(person: Person, channel: ChannelId) -> list[tuple[RowKind, str]]:
    """The content of a timeline, with what stands for it."""
    kinds = (RowKind.MESSAGE, RowKind.MISSING, RowKind.REDACTED, RowKind.EXPIRED, RowKind.FOR_OTHERS)
    return [(row.kind, row.text) for row in await person.rows(channel) if row.kind in kinds]


async def row_of(person: Person, record: RecordId) -> MessageRow:
    row = (await person.api.message(record)).rows
    assert row is not None
    return row


async def found(person: Person, text: str) -> list[str]:
    page = (await person.api.search(Search(phrases=(Phrase(text=text),)), before=None, limit=9)).rows
    return [each.row.text for each in page.rows]


def test_a_text_that_one_peer_withholds_is_no_gap_and_comes_from_another() -> None:
    async def story() -> None:
        world = SimulatedWorld(61)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        await cyd.stop()
        await ann.say(channel, "the harbour at nine")
        record = RecordId(ann.acknowledged[-1][1])
        await until(lambda: _delivered_to(ann, record, 1), "ben has it")
        await ann.stop()
        withhold(ben)
        await cyd.start()
        await until(lambda: _is(cyd, channel, [(RowKind.MISSING, "")]), "the header alone")
        assert (await cyd.api.channel(channel)).rows.gaps == ()
        assert (await cyd.api.channel(channel)).rows.unread == 0
        assert await found(cyd, "harbour") == []
        # What is lacking hinders nothing, and is lacking still after a new start.
        await ben.say(channel, "withheld too")
        await until(lambda: _is(cyd, channel, [(RowKind.MISSING, "")] * 2), "another header")
        await cyd.say(channel, "I am here")
        await until(lambda: _is(ben, channel, ["the harbour at nine", "withheld too", "I am here"]), "cyd goes on")
        await cyd.stop()
        await cyd.start()
        assert [kind for kind, _ in await shown(cyd, channel)] == [RowKind.MISSING, RowKind.MISSING, RowKind.MESSAGE]
        await ann.start()
        await until(lambda: _first_is(cyd, channel, (RowKind.MESSAGE, "the harbour at nine")), "ann has the text")
        assert await found(cyd, "harbour") == ["the harbour at nine"]
        await until(lambda: _delivered_to(ann, record, 2), "and hears that it has come")

    run_virtual(story())


def test_a_header_alone_is_no_delivery_to_its_author() -> None:
    async def story() -> None:
        world = SimulatedWorld(62)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        world.hub.partition(("ann", "ben"), ("cyd",))
        await ann.say(channel, "for both")
        record = RecordId(ann.acknowledged[-1][1])
        await until(lambda: _delivered_to(ann, record, 1), "ben has it")
        world.hub.partition(("ann",), ("ben", "cyd"))
        withhold(ben)
        await until(lambda: _is(cyd, channel, [(RowKind.MISSING, "")]), "the header alone")
        await cyd.say(channel, "what does it say?")
        await until(lambda: _is(ben, channel, ["for both", "what does it say?"]), "ben hears that")
        await asyncio.sleep(60)
        world.hub.partition(("ann", "ben"), ("cyd",))
        await until(lambda: _is(ann, channel, ["for both", ""]), "ann has all that ben gives")
        await asyncio.sleep(60)
        assert (await row_of(ann, record)).state is Delivery.SOME
        world.hub.heal()
        await until(lambda: _delivered_to(ann, record, 2), "now cyd has the text")
        assert await shown(cyd, channel) == [(RowKind.MESSAGE, "for both"), (RowKind.MESSAGE, "what does it say?")]

    run_virtual(story())


async def _delivered_to(person: Person, record: RecordId, count: int) -> bool:
    return (await row_of(person, record)).delivered == count


async def _is(person: Person, channel: ChannelId, expected: list[tuple[RowKind, str]] | list[str]) -> bool:
    rows = await shown(person, channel)
    return rows == expected or [text for _, text in rows] == expected


async def _first_is(person: Person, channel: ChannelId, expected: tuple[RowKind, str]) -> bool:
    return (await shown(person, channel))[:1] == [expected]
