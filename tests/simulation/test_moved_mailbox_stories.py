"""Whose mailboxes are others than those where something lies for them, in virtual time: that alone brings it no more."""

import asyncio

from carried import device_of, within
from parted import states
from simulated_world import Person, SimulatedWorld, until
from test_deposit_stories import Scene, play, scene
from test_mailbox_use_stories import routed, routes, use

from multichat_tui.model.intents import AddMailbox, GrantPlace, HostMailbox, LeaveChannel
from multichat_tui.model.limits import AWAY_MS, CHECK_DEPOSIT_MS
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual


def moves(made: Scene, writer: Person, reader: Person, *numbers: int) -> None:
    """The reader's newest route, as the writer comes to know it, names these mailboxes alone."""
    device = device_of(reader)
    reader_was = made.post.routes[device]
    made.post.open_for(reader)
    made.post.routes[device] = tuple(made.post.routes[device][number] for number in numbers)
    assert reader_was
    within(writer, lambda engine: engine.depositing.on_route(device))


def test_what_lies_at_a_mailbox_that_the_reader_has_given_up_goes_to_the_one_that_took_its_place() -> None:
    async def story() -> None:
        made = await scene(411, "ann", "bob")
        ann, bob = made.people
        first, second = made.post.mailboxes
        moves(made, ann, bob, 0)
        await ann.say(made.channel, "one")
        await made.stored(ann)
        assert await states(ann, made.channel) == [Delivery.STORED]
        # Its disk is broken: bob has given it up, and will never look there again.
        moves(made, ann, bob, 1)
        await asyncio.sleep(2 * CHECK_DEPOSIT_MS / 1000)
        made.post.collect(bob, second)
        assert await bob.texts(made.channel) == ["one"]
        made.post.collect(bob, first)
        assert await bob.texts(made.channel) == ["one"], "and what lay there all the same is a copy"

    play(story)


def test_of_two_mailboxes_one_is_replaced_and_it_lies_at_two_again() -> None:
    async def story() -> None:
        made = await scene(412, "ann", "bob", mailboxes=3)
        ann, bob = made.people
        _first, second, third = made.post.mailboxes
        moves(made, ann, bob, 0, 1)
        await ann.say(made.channel, "one")
        await made.stored(ann)
        moves(made, ann, bob, 1, 2)
        await asyncio.sleep(60)
        assert all(any(mailbox.kept.values()) for mailbox in (second, third))

    play(story)


def test_what_lies_in_a_queue_that_is_used_no_more_as_somebody_has_left_goes_to_another_one() -> None:
    async def story() -> None:
        made = await scene(413, "ann", "bob")
        ann, bob = made.people
        device = device_of(bob)
        whole = made.post.routes[device]
        moves(made, ann, bob, 0)
        await ann.say(made.channel, "one")
        await made.stored(ann)
        # The queue was that of a channel in which bob is no more: no new route says so.
        made.post.routes[device] = whole[1:]
        within(ann, lambda engine: setattr(engine.world, "audiences_changed", True))
        await asyncio.sleep(60)
        made.post.collect(bob, made.post.mailboxes[1])
        assert await bob.texts(made.channel) == ["one"]

    play(story)


def test_who_leaves_a_channel_first_reads_what_lies_in_its_queue_about_others() -> None:
    async def story() -> None:
        world = SimulatedWorld(414)
        ann, bob, eve, host = await world.add("ann", "bob", "eve", "host")
        channels = [await world.channel_of(eve, ann, bob, name=name) for name in ("one", "two")]
        await host.stop()
        host.network._port = 4700
        await host.start()
        await host.api.submit(HostMailbox(on=True, shown_on_lan=True))
        link = (await host.api.submit(GrantPlace(name="bob"))).link
        assert link is not None
        await bob.api.submit(AddMailbox(link=link))
        for channel in channels:
            await routed(ann, bob, channel, 1)
        used, other = channels if routes(ann, bob)[0].audience == channels[0] else channels[::-1]
        await bob.stop()
        await eve.stop()
        await asyncio.sleep(2 * AWAY_MS / 1000)
        await ann.say(other, "has it come?")
        await asyncio.sleep(60)
        assert [row.stored for row in within(ann, lambda engine: engine.world.deposits.all())] == [1]
        await ann.stop()
        world.hub.partition(["bob"], ["host"])
        await bob.start()
        await bob.api.submit(LeaveChannel(channel=used))
        await asyncio.sleep(10)
        world.hub.heal()

        async def come() -> bool:
            return await bob.texts(other) == ["has it come?"]

        await until(come, "bob has it")

        async def closed() -> bool:
            (box,) = use(bob).own.boxes.values()
            return not any(queue.audience == used for queue in box.queues.values())

        await until(closed, "the queue is closed")

    run_virtual(story())
