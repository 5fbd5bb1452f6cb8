"""Written to whoever is away, through mailboxes that other people's nodes keep: nothing in between is played."""

import asyncio

from carried import within
from parted import states
from simulated_world import Person, SimulatedWorld, until
from test_mailbox_use_stories import ready

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import AddMailbox, GrantPlace, HostMailbox
from multichat_tui.model.limits import AWAY_MS
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual


async def neighbours(
    seed: int, *names: str, hosts: tuple[str, ...] = ("one", "two")
) -> tuple[SimulatedWorld, list[Person], ChannelId, list[Person]]:
    """People of one channel, each with a place in all of these mailboxes, whose routes all have heard."""
    world = SimulatedWorld(seed)
    people = await world.add(*names)
    keepers = await world.add(*hosts)
    for keeper in keepers:
        await keeper.api.submit(HostMailbox(on=True))
    for other in people[1:]:
        await world.pair(people[0], other)
    channel = await world.channel_of(people[0], *people[1:])
    for person in people:
        for keeper in keepers:
            link = (await keeper.api.submit(GrantPlace(name=person.name))).link
            assert link is not None
            await person.api.submit(AddMailbox(link=link))
        await ready(person, len(keepers))
    devices = {person: within(person, lambda engine: engine.world.identity.device) for person in people}

    async def all_know_all() -> bool:
        return all(
            len(within(person, lambda engine, device=devices[other]: engine.depositing._slots_of(device))) == len(keepers)
            for person in people
            for other in people
            if other is not person
        )

    await until(all_know_all, "all routes are known")
    return world, people, channel, keepers


def test_what_is_written_while_the_reader_is_off_comes_through_hosts_of_which_one_is_killed() -> None:
    async def story() -> None:
        _, (ann, bob), channel, (one, two) = await neighbours(191, "ann", "bob")
        assert [row.mailboxes for row in (await ann.api.contacts()).rows] == [2]
        await bob.stop()
        texts = [f"message {number}" for number in range(20)]
        for text in texts:
            await ann.say(channel, text)

        async def stored() -> bool:
            return set(await states(ann, channel)) == {Delivery.STORED}

        await until(stored, "all of it lies at two mailboxes")
        status = (await ann.api.status()).rows
        assert (status.queued, status.stored) == (20, 20)
        kept = [sum(place.envelopes for place in (await host.api.hosting()).rows.places) for host in (one, two)]
        assert all(kept), kept
        await ann.stop()
        one.crash()
        await bob.start()

        async def read() -> bool:
            return await bob.texts(channel) == texts

        await until(read, "it came from the other mailbox", timeout_s=120)
        await asyncio.sleep(60)
        await bob.stop()
        await ann.start()

        async def delivered() -> bool:
            return set(await states(ann, channel)) == {Delivery.ALL}

        await until(delivered, "the word of that has come back", timeout_s=200)
        status = (await ann.api.status()).rows
        assert (status.queued, status.stored) == (0, 0)

    run_virtual(story())


def test_two_write_to_each_other_through_a_host_without_ever_being_there_together() -> None:
    async def story() -> None:
        _, (ann, bob), channel, _ = await neighbours(192, "ann", "bob", hosts=("one",))
        said: list[str] = []
        for turn in range(4):
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

            async def stored(here: Person = here) -> bool:
                return (await states(here, channel))[-1] in (Delivery.STORED, Delivery.ALL)

            await until(stored, f"it lies at the host, turn {turn}", timeout_s=200)

    run_virtual(story())


def test_what_fills_many_parcels_is_written_in_one_go_and_comes_whole_and_in_order() -> None:
    async def story() -> None:
        _, (ann, bob), channel, _ = await neighbours(193, "ann", "bob", hosts=("one",))
        await bob.stop()
        await asyncio.sleep(AWAY_MS / 1000 + 1)
        texts = [f"{number} " + "short " * 30 for number in range(150)] + [
            f"{number} " + "\U0001f600" * 7900 for number in range(12)
        ]
        texts = [text.strip() for text in texts]
        await asyncio.gather(*(ann.say(channel, text) for text in texts))

        async def stored() -> bool:
            return set(await states(ann, channel)) == {Delivery.STORED}

        await until(stored, "all of it lies at the host")
        await ann.stop()
        await bob.start()

        async def read() -> bool:
            return await bob.texts(channel) == texts

        await until(read, "all of it came", timeout_s=60)

    run_virtual(story())
