"""Whose mailboxes are others than those where something lies for them, in virtual time: that alone brings it no more."""

import asyncio

from carried import device_of, within
from parted import states
from simulated_world import Person
from test_deposit_stories import Scene, play, scene

from multichat_tui.model.limits import CHECK_DEPOSIT_MS
from multichat_tui.model.snapshots import Delivery


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
