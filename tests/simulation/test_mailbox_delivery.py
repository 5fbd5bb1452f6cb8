"""Written to whoever is away, over links to their mailboxes, and collected there: whole nodes on both sides and in between."""

import asyncio

from carried import within
from parted import states
from plain_mailbox import PlainMailbox
from simulated_world import Person, SimulatedWorld, until
from test_mailbox_use_stories import ready

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import AddMailbox
from multichat_tui.model.limits import CHECK_DEPOSIT_MS, CHECK_SPREAD_MS, SETTLE_START_MS
from multichat_tui.model.mailbox_frames import HasEnvelopes
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual


async def neighbours(seed: int, *names: str) -> tuple[SimulatedWorld, list[Person], ChannelId, list[PlainMailbox]]:
    """People of one channel, each with both of two mailboxes, whose routes all have heard."""
    world = SimulatedWorld(seed)
    people = await world.add(*names)
    keepers = await world.add("one", "two")
    for other in people[1:]:
        await world.pair(people[0], other)
    channel = await world.channel_of(people[0], *people[1:])
    mailboxes = [PlainMailbox(keeper) for keeper in keepers]
    for person in people:
        for mailbox in mailboxes:
            await person.api.submit(AddMailbox(link=mailbox.link))
        await ready(person, 2)
    everybody = [within(person, lambda engine: engine.world.identity.device) for person in people]

    async def all_know_all() -> bool:
        for person in people:
            for device in everybody:
                known = within(person, lambda engine, device=device: len(engine.depositing._slots_of(device)))
                if known != 2 and device != within(person, lambda engine: engine.world.identity.device):
                    return False
        return True

    await until(all_know_all, "all routes are known")
    return world, people, channel, mailboxes


def test_what_is_written_while_the_reader_is_off_is_there_when_the_writer_is_off() -> None:
    async def story() -> None:
        _, (ann, bob, cem), channel, mailboxes = await neighbours(91, "ann", "bob", "cem")
        await bob.stop()
        await cem.stop()
        for number in range(20):
            await ann.say(channel, f"message {number}")

        async def stored() -> bool:
            return set(await states(ann, channel)) == {Delivery.STORED}

        await until(stored, "all of it lies at two mailboxes")
        await ann.stop()
        mailboxes[0].wipe()
        await bob.start()
        await cem.start()
        texts = [f"message {number}" for number in range(20)]

        async def read() -> bool:
            return [await person.texts(channel) for person in (bob, cem)] == [texts, texts]

        await until(read, "both have it from the other mailbox", timeout_s=120)
        await asyncio.sleep(60)
        await bob.stop()
        await cem.stop()
        await ann.start()

        async def delivered() -> bool:
            return set(await states(ann, channel)) == {Delivery.ALL}

        await until(delivered, "the word of that has come back", timeout_s=120)
        assert within(ann, lambda engine: [row for row in engine.world.deposits.all() if row.covers]) == []

    run_virtual(story())


def test_two_write_to_each_other_without_ever_being_there_together() -> None:
    async def story() -> None:
        _, (ann, bob), channel, _ = await neighbours(92, "ann", "bob")
        said: list[str] = []
        for turn in range(6):
            here, away = (ann, bob) if turn % 2 else (bob, ann)
            if not here.running:
                await here.start()
            if away.running:
                await away.stop()

            async def has_all(here: Person = here) -> bool:
                return await here.texts(channel) == said

            await until(has_all, f"{here.name} has all that was said, turn {turn}", timeout_s=200)
            said.append(f"{here.name} in turn {turn}")
            await here.say(channel, said[-1])
            await asyncio.sleep(90)

    run_virtual(story())


def test_after_a_start_mailboxes_are_not_asked_what_they_still_have_together_with_ones_own_link_to_them() -> None:
    async def story() -> None:
        _, (ann, bob), channel, mailboxes = await neighbours(94, "ann", "bob")
        await bob.stop()
        await ann.say(channel, "one")

        async def stored() -> bool:
            return set(await states(ann, channel)) == {Delivery.STORED}

        await until(stored, "it lies at two mailboxes")
        await ann.stop()
        await asyncio.sleep(CHECK_DEPOSIT_MS / 1000 + 600)
        for mailbox in mailboxes:
            mailbox.requests.clear()
        await ann.start()
        await ready(ann, 2)
        await asyncio.sleep(SETTLE_START_MS / 1000 - 5)

        def checks() -> int:
            return sum(isinstance(request, HasEnvelopes) for mailbox in mailboxes for request in mailbox.requests)

        assert checks() == 0
        await asyncio.sleep((SETTLE_START_MS + CHECK_SPREAD_MS) / 1000)
        assert checks() == 2

    run_virtual(story())
