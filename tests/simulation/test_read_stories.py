"""Who has read a message says so, if they want to, and its author sees it: by a link, through others, and through mailboxes."""

import asyncio

from parted import states
from simulated_world import Person, SimulatedWorld, collect, engine_of, until
from test_deposit_stories import scene

from multichat_tui.model.device_statements import Audience, DeviceStatementKind
from multichat_tui.model.events import DeliveryChanged, Event
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting, MarkRead
from multichat_tui.model.snapshots import Delivery, RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.read_marks import encode_read


async def reads(person: Person, channel: ChannelId) -> None:
    await person.api.submit(MarkRead(channel=channel, arrival=None))


async def until_states(person: Person, channel: ChannelId, wanted: list[Delivery]) -> None:
    async def shown() -> bool:
        return await states(person, channel) == wanted

    try:
        await until(shown, f"{person.name} sees {wanted}")
    except AssertionError:
        print(person.name, await states(person, channel))
        raise


async def read_marks(person: Person, channel: ChannelId) -> dict[str, bool]:
    """Of the newest message, by name."""
    newest = [row for row in await person.rows(channel) if row.kind is RowKind.MESSAGE][-1]
    return {each.name: each.read for each in (await person.api.delivery(newest.id)).rows.devices}


async def joined(world: SimulatedWorld, *names: str) -> tuple[list[Person], ChannelId]:
    people = await world.add(*names)
    for other in people[1:]:
        await world.pair(people[0], other)
    return people, await world.channel_of(people[0], *people[1:])


def test_a_message_is_read_when_everybody_says_so() -> None:
    async def story() -> None:
        world = SimulatedWorld(401)
        (ann, bob, cem), channel = await joined(world, "ann", "bob", "cem")
        await ann.say(channel, "one")
        await ann.say(channel, "two")
        await until_states(ann, channel, [Delivery.ALL] * 2)
        await reads(bob, channel)

        async def bob_says_so() -> bool:
            return await read_marks(ann, channel) == {"bob": True, "cem": False}

        await until(bob_says_so, "bob says so")
        assert await states(ann, channel) == [Delivery.ALL] * 2
        await reads(cem, channel)
        await until_states(ann, channel, [Delivery.READ] * 2)
        # What comes later is not read by that.
        await ann.say(channel, "three")
        await until_states(ann, channel, [Delivery.READ, Delivery.READ, Delivery.ALL])
        await asyncio.sleep(60)
        assert (await states(ann, channel))[-1] is Delivery.ALL
        await reads(bob, channel)
        await reads(cem, channel)
        await until_states(ann, channel, [Delivery.READ] * 3)
        # A restart changes nothing.
        await ann.stop()
        await ann.start()
        assert await states(ann, channel) == [Delivery.READ] * 3

    run_virtual(story())


def test_only_what_was_read_is_said_to_be() -> None:
    async def story() -> None:
        world = SimulatedWorld(402)
        (ann, bob), channel = await joined(world, "ann", "bob")
        for number in range(5):
            await ann.say(channel, f"text {number}")
        await until_states(ann, channel, [Delivery.ALL] * 5)
        arrivals = [row.arrival for row in await bob.rows(channel) if row.kind is RowKind.MESSAGE]
        await bob.api.submit(MarkRead(channel=channel, arrival=arrivals[2]))
        await until_states(ann, channel, [Delivery.READ] * 3 + [Delivery.ALL] * 2)

    run_virtual(story())


def test_who_does_not_want_it_says_nothing() -> None:
    async def story() -> None:
        for setting in ("receipts.read", "receipts"):
            world = SimulatedWorld(403)
            (ann, bob), channel = await joined(world, "ann", "bob")
            await bob.api.submit(ChangeSetting(key=setting, value="off"))
            await ann.say(channel, "one")
            await until_states(ann, channel, [Delivery.ALL])
            await reads(bob, channel)
            await asyncio.sleep(300)
            assert await states(ann, channel) == [Delivery.ALL]
            assert (
                not engine_of(ann)
                .world.device_statements.get(Audience(channel), {})
                .get((engine_of(bob).world.identity.device, DeviceStatementKind.READ))
            )

    run_virtual(story())


def test_what_somebody_claims_beyond_what_there_is_counts_for_what_there_is() -> None:
    async def story() -> None:
        world = SimulatedWorld(404)
        (ann, bob), channel = await joined(world, "ann", "bob")
        await ann.say(channel, "one")
        await until_states(ann, channel, [Delivery.ALL])
        author = engine_of(ann).world.identity.device[:8]
        for content in (encode_read({author: 2**40, b"nobodys!": 7}), b"no marks at all"):
            await bob.api._do(
                lambda engine, content=content: engine._exchange.device_statements.say(
                    Audience(channel), DeviceStatementKind.READ, content
                )
            )
            await asyncio.sleep(30)
        await until_states(ann, channel, [Delivery.READ])
        assert engine_of(ann).world.counters["device-statement-rejected"] > 0

    run_virtual(story())


def test_through_mailboxes_too_an_author_learns_who_has_read() -> None:
    async def story() -> None:
        scenery = await scene(405, "ann", "bob")
        (ann, bob), channel = scenery.people, scenery.channel
        await ann.say(channel, "while you are away")
        await scenery.stored(ann)
        await ann.stop()
        scenery.post.collect(bob)
        assert await bob.texts(channel) == ["while you are away"]
        await until(lambda: scenery.answers(ann), "bob's word that he has it lies there")
        before = scenery.post.lying(ann)
        # That tells nothing of reading: this is said when he reads, though there is nothing else to say.
        await asyncio.sleep(600)
        assert scenery.post.lying(ann) == before
        await reads(bob, channel)

        async def said() -> bool:
            return scenery.post.lying(ann) > before

        await until(said, "bob's word that he has read it lies there")
        await bob.stop()
        await ann.start()
        scenery.post.serve(ann)
        scenery.post.collect(ann)
        await until_states(ann, channel, [Delivery.READ])

    run_virtual(story())


def test_an_author_is_told_when_somebody_has_read_on() -> None:
    async def story() -> None:
        world = SimulatedWorld(406)
        (ann, bob), channel = await joined(world, "ann", "bob")
        await ann.say(channel, "one")
        await until_states(ann, channel, [Delivery.ALL])
        (arrival,) = (row.arrival for row in await ann.rows(channel) if row.kind is RowKind.MESSAGE)
        events: list[Event] = []
        listening = asyncio.create_task(collect(ann, events))
        await asyncio.sleep(60)
        events.clear()
        await reads(bob, channel)
        await until_states(ann, channel, [Delivery.READ])
        changed = [event for event in events if isinstance(event, DeliveryChanged) and event.first <= arrival <= event.last]
        assert [event.channel for event in changed] == [channel]
        listening.cancel()

    run_virtual(story())
