"""Contacts who are never there together learn where each other's mailboxes are, although they have nothing to say."""

import asyncio

import pytest
from carried import counter, within
from plain_mailbox import PlainMailbox
from simulated_world import Person, until
from test_mailbox_delivery import neighbours
from test_mailbox_use_stories import boxes, ready, routes

from multichat_tui.model.intents import AddMailbox, RemoveMailbox
from multichat_tui.model.limits import ROUTE_AGAIN_MS, ROUTE_SPREAD_MS, ROUTE_TELL_MS
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import own_mailboxes

pytestmark = pytest.mark.usefixtures("patient")
HOUR_S = 3600.0


def queues(person: Person, of: Person) -> int:
    """At how many mailboxes somebody would leave what is for a contact alone."""
    return len(routes(person, of)[0].route.queues)


def unaware(person: Person) -> int:
    return within(person, lambda engine: len(engine.mailboxes.routes.unaware()))


def test_a_change_of_mailboxes_is_told_in_a_parcel_of_its_own_until_the_contact_says_that_it_is_known() -> None:
    async def story() -> None:
        world, (ann, bob), _channel, mailboxes = await neighbours(411, "ann", "bob")
        (third,) = await world.add("three")
        mailboxes.append(PlainMailbox(third))
        await asyncio.sleep((ROUTE_TELL_MS + ROUTE_SPREAD_MS) / 1000 + 60)
        assert counter(bob, "deposits") == 0, "whom a link has told is told nothing more"
        await ann.stop()
        await bob.api.submit(AddMailbox(link=mailboxes[2].link))
        await ready(bob, 3)
        assert unaware(bob) == 1
        await asyncio.sleep((ROUTE_TELL_MS + ROUTE_SPREAD_MS) / 1000 + 5)
        assert counter(bob, "deposits") == 1
        bob.crash()
        await bob.start()
        await asyncio.sleep(ROUTE_AGAIN_MS / 1000 - 600)
        assert counter(bob, "deposits") == 0, "not again with every start"
        await asyncio.sleep(1200)
        assert counter(bob, "deposits") == 1, "but after a while, as it may be lost"
        await bob.stop()
        await ann.start()

        async def knows() -> bool:
            return queues(ann, bob) == 3

        await until(knows, "ann has it out of her mailboxes")
        await asyncio.sleep(60)
        await ann.stop()
        await bob.start()

        async def is_known() -> bool:
            return unaware(bob) == 0

        await until(is_known, "bob has her word of that out of his")
        bob.crash()
        await bob.start()
        await asyncio.sleep(2 * ROUTE_AGAIN_MS / 1000)
        assert counter(bob, "deposits") == 0, "that is remembered"

    run_virtual(story())


def test_a_mailbox_that_was_given_up_is_looked_into_while_a_contact_does_not_know_of_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_mailboxes, "DRAIN_MS", int(4 * HOUR_S * 1000))
    monkeypatch.setattr(own_mailboxes, "LONGEST_DRAIN_MS", int(24 * HOUR_S * 1000))

    async def story() -> None:
        _world, (ann, bob), _channel, (first, _second) = await neighbours(412, "ann", "bob")
        own = [queue.id for box in within(bob, lambda e: list(e.mailboxes.own.boxes.values())) for queue in box.queues.values()]
        theirs = next(q for q in own if q == routes(ann, bob)[0].route.queues[0].queue)
        await ann.stop()
        await bob.api.submit(RemoveMailbox(number=1))
        await asyncio.sleep(8 * HOUR_S)
        mine = [queue for queue in first.queues if queue in own]
        assert mine == [theirs], "that for her alone is there still, that of the channel is not"
        assert len(await boxes(bob)) == 2
        bob.crash()
        await bob.start()
        await ready(bob, 1)
        assert unaware(bob) == 1
        await asyncio.sleep(17 * HOUR_S)
        assert len(await boxes(bob)) == 1, "not for ever"

    run_virtual(story())
