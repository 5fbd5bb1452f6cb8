"""Threads: answers find the message that began it all, in whatever order they come, and grow while somebody looks."""

from simulated_world import SimulatedWorld, until

from multichat_tui.model.errors import NotFound
from multichat_tui.model.events import Event, MessageChanged
from multichat_tui.model.ids import RecordId
from multichat_tui.model.intents import LeaveChannel, SendMessage, SetDraft
from multichat_tui.net.virtual_time import run_virtual


def test_answers_and_answers_to_answers_are_one_thread_counted_at_its_beginning() -> None:
    async def story() -> None:
        world = SimulatedWorld(31)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)

        async def answer(who: object, text: str, to: RecordId | None) -> RecordId:
            made = await who.api.submit(SendMessage(channel=channel, text=text, reply_to=to))
            assert made.record is not None
            return made.record

        root = await answer(ann, "who brings the boat?", None)
        await world.converge(channel)
        first = await answer(bob, "me", root)
        await world.converge(channel)
        second = await answer(ann, "thanks", first)
        await answer(ann, "something else", None)
        third = await answer(bob, "see you", root)
        await world.converge(channel)
        for person in (ann, bob):
            for asked in (root, first, second, third):
                thread = (await person.api.thread(asked)).rows
                assert thread.root == root
                assert {row.id for row in thread.rows} == {root, first, second, third}
                assert thread.rows[0].id == root
                assert [(row.ets, row.id) for row in thread.rows[1:]] == sorted((row.ets, row.id) for row in thread.rows[1:])
            counts = {row.id: row.replies for row in await person.rows(channel) if row.text}
            assert counts[root] == 3
            assert all(count == 0 for record, count in counts.items() if record != root)

    run_virtual(story())


def test_who_looks_is_told_that_a_thread_has_grown() -> None:
    async def story() -> None:
        world = SimulatedWorld(32)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        root = (await ann.api.submit(SendMessage(channel=channel, text="well?"))).record
        assert root is not None
        await world.converge(channel)
        async with ann.api.events() as events:
            await bob.api.submit(SendMessage(channel=channel, text="yes", reply_to=root))
            grown = await _grown(events, root)
            assert grown.row is not None
            assert grown.row.replies == 1

    async def _grown(events: object, root: RecordId) -> MessageChanged:
        event: Event
        async for event in events:
            if isinstance(event, MessageChanged) and event.id == root and event.row is not None and event.row.replies:
                return event
        raise AssertionError("the node has stopped")

    run_virtual(story())


def test_what_is_written_in_a_thread_outlives_the_node_and_goes_with_the_channel() -> None:
    async def story() -> None:
        world = SimulatedWorld(33)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        root = (await ann.api.submit(SendMessage(channel=channel, text="well?"))).record
        assert root is not None
        await ann.api.submit(SetDraft(channel=channel, text="half a thou", thread=root))
        await ann.stop()
        await ann.start()
        assert (await ann.api.thread(root)).rows.draft == "half a thou"
        assert (await ann.api.channel(channel)).rows.draft == ""
        await ann.api.submit(SetDraft(channel=channel, text="", thread=root))
        assert (await ann.api.thread(root)).rows.draft == ""
        await ann.api.submit(LeaveChannel(channel=channel))

        async def gone() -> bool:
            try:
                await ann.api.thread(RecordId(b"?" * 32))
            except NotFound:
                return True
            return False

        await until(gone, "an unknown message has no thread")

    run_virtual(story())
