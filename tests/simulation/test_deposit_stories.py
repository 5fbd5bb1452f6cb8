"""Who is away gets what was written through mailboxes that they chose, whichever of those fail."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from carried import counter, device_of, within
from parted import parted, states, user_of
from post import Mailbox, Mood, Post
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.events import DeliveryChanged, MessageAdded, MessageChanged
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import RedactMessages, RemoveMember, SendMessage
from multichat_tui.model.limits import CHECK_DEPOSIT_MS, CUSTODY_STEP_MS, GONE_MS, PUT_RETRY_MS, SETTLE_START_MS
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual

pytestmark = pytest.mark.usefixtures("patient")


class Scene:
    """People who have parted, with mailboxes that each of them has a queue at."""

    def __init__(self, world: SimulatedWorld, people: list[Person], channel: ChannelId, post: Post) -> None:
        self.world = world
        self.people = people
        self.channel = channel
        self.post = post
        for person in people:
            post.open_for(person)
        for person in people:
            post.serve(person)

    async def restart(self, person: Person) -> None:
        person.crash()
        await person.start()
        self.post.serve(person)

    async def answers(self, person: Person) -> bool:
        """Whether something waits for somebody."""
        return self.post.lying(person) > 0

    async def stored(self, person: Person) -> None:
        """The last messages of a person lie wherever they are to lie."""

        async def all_stored() -> bool:
            found = within(person, lambda engine: [row.settled for row in engine.world.deposits.all()])
            return bool(found) and all(found)

        await until(all_stored, f"{person.name}'s deposits are made")


async def scene(seed: int, *names: str, mailboxes: int = 2) -> Scene:
    world, people, channel = await parted(seed, *names)
    made = Scene(world, people, channel, Post(mailboxes))
    await asyncio.sleep(SETTLE_START_MS / 1000 + 60)
    return made


def play(story: Callable[[], Awaitable[None]]) -> None:
    run_virtual(story())


def test_one_writes_and_goes_the_other_comes_and_has_it_all_and_the_word_of_that_goes_back() -> None:
    async def story() -> None:
        made = await scene(71, "ann", "bob")
        ann, bob = made.people
        for number in range(5):
            await ann.say(made.channel, f"message {number}")
        await made.stored(ann)
        assert made.post.lying(bob) % 2 == 0, "each lies at two mailboxes"
        await ann.stop()
        made.post.collect(bob)
        assert await bob.texts(made.channel) == [f"message {number}" for number in range(5)]
        await until(lambda: made.answers(ann), "bob's word lies there")
        await ann.start()
        made.post.serve(ann)
        made.post.collect(ann)
        assert set(await states(ann, made.channel)) == {Delivery.ALL}
        assert within(ann, lambda engine: len(engine.world.deposits.all())) == 0

    play(story)


@pytest.mark.parametrize("mood", [Mood.LIES, Mood.FORGES, Mood.REFUSES, Mood.FULL, Mood.SILENT])
def test_of_two_mailboxes_one_may_fail_in_any_way(mood: Mood) -> None:
    async def story() -> None:
        made = await scene(72, "ann", "bob")
        ann, bob = made.people
        made.post.mailboxes[0].mood = mood
        for number in range(3):
            await ann.say(made.channel, f"message {number}")

        async def lies_there() -> bool:
            made.post.collect(bob)
            return await bob.texts(made.channel) == [f"message {number}" for number in range(3)]

        await until(lies_there, "bob has it from the other one")

    play(story)


def test_where_a_key_has_to_be_shown_again_the_next_try_is_soon() -> None:
    async def story() -> None:
        made = await scene(81, "ann", "bob", mailboxes=1)
        ann, bob = made.people
        made.post.mailboxes[0].mood = Mood.FORGETFUL
        await ann.say(made.channel, "one")
        await asyncio.sleep(5)
        made.post.mailboxes[0].mood = Mood.HONEST
        await asyncio.sleep(PUT_RETRY_MS / 1000)
        assert made.post.lying(bob) == 1

    play(story)


def test_what_both_mailboxes_have_lost_is_deposited_anew() -> None:
    async def story() -> None:
        made = await scene(73, "ann", "bob")
        ann, bob = made.people
        await ann.say(made.channel, "one")
        await made.stored(ann)
        for mailbox in made.post.mailboxes:
            mailbox.kept.clear()
        await asyncio.sleep((CHECK_DEPOSIT_MS + GONE_MS) / 1000 + 60)
        assert counter(ann, "deposit-lost") == 1
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["one"]

    play(story)


def test_what_one_mailbox_has_lost_is_put_there_again() -> None:
    async def story() -> None:
        made = await scene(74, "ann", "bob")
        ann, bob = made.people
        await ann.say(made.channel, "one")
        await made.stored(ann)
        made.post.mailboxes[1].kept.clear()
        await asyncio.sleep(CHECK_DEPOSIT_MS / 1000 + 60)
        assert made.post.lying(bob) == 2
        assert counter(ann, "deposit-lost") == 0

    play(story)


def test_odd_and_even_ones_lie_at_different_mailboxes_and_are_read_in_either_order() -> None:
    async def story(backwards: bool) -> None:
        made = await scene(75, "ann", "bob")
        ann, bob = made.people
        for number in range(10):
            await ann.say(made.channel, f"message {number}")
            await made.stored(ann)
        for number, mailbox in enumerate(made.post.mailboxes):
            (kept,) = mailbox.kept.values()
            for at, found in enumerate(list(kept)):
                if at % 2 == number:
                    del kept[found]
        first, second = made.post.mailboxes[::-1] if backwards else made.post.mailboxes
        made.post.collect(bob, first, second)
        assert await bob.texts(made.channel) == [f"message {number}" for number in range(10)]

    run_virtual(story(False))
    run_virtual(story(True))


def test_what_is_under_way_goes_on_after_a_restart_of_the_sender() -> None:
    async def story() -> None:
        made = await scene(76, "ann", "bob")
        ann, bob = made.people
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.SILENT
        await ann.say(made.channel, "one")
        await asyncio.sleep(5)
        await made.restart(ann)
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.HONEST
        await made.stored(ann)
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["one"]

    play(story)


def test_what_was_taken_away_before_it_was_put_is_put_nowhere() -> None:
    async def story() -> None:
        made = await scene(77, "ann", "bob")
        ann, bob = made.people
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.FULL
        slip = (await ann.api.submit(SendMessage(channel=made.channel, text="a slip"))).record
        assert slip is not None
        await asyncio.sleep(5)
        before = within(ann, lambda engine: [row.serial for row in engine.world.deposits.all()])
        await ann.api.submit(RedactMessages(channel=made.channel, targets=(slip,)))
        await asyncio.sleep(5)
        after = within(ann, lambda engine: [row.serial for row in engine.world.deposits.all()])
        assert before
        assert after
        assert not set(before) & set(after)
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.HONEST
        await made.stored(ann)
        made.post.collect(bob)
        assert await bob.texts(made.channel) == []

    play(story)


def test_who_was_removed_is_sent_nothing_that_was_not_put_yet() -> None:
    async def story() -> None:
        made = await scene(78, "ann", "bob")
        ann, bob = made.people
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.FULL
        await ann.say(made.channel, "still a member")
        await asyncio.sleep(5)
        await ann.api.submit(RemoveMember(channel=made.channel, user=await user_of(bob)))
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.HONEST
        await asyncio.sleep(4000)
        assert made.post.lying(bob) == 0
        assert within(ann, lambda engine: engine.world.deposits.all()) == []

    play(story)


def test_the_author_deposits_and_nobody_else_does_unless_the_author_does_not_say_so() -> None:
    async def story(author_serves: bool) -> None:
        made = await scene(79, "ann", "bob", "cem")
        ann, bob, cem = made.people
        made.world.hub.partition(["ann", "bob"], ["cem"])

        async def linked() -> bool:
            return any(row.online for row in (await ann.api.contacts()).rows)

        await until(linked, "ann and bob are linked")
        if not author_serves:
            within(ann, lambda engine: engine.depositing._writable.clear())
        await ann.say(made.channel, "for all")
        await asyncio.sleep(4 * CUSTODY_STEP_MS / 1000)
        puts = within(bob, lambda engine: engine.world.counters.get("deposits", 0))
        assert (puts == 0) == author_serves
        assert made.post.lying(cem) == 2
        made.post.collect(cem)
        assert await cem.texts(made.channel) == ["for all"]

    run_virtual(story(True))
    run_virtual(story(False))


def test_over_many_histories_nothing_is_lost_shown_twice_or_acknowledged_in_vain() -> None:
    async def story(seed: int) -> None:
        rng = random.Random(seed)
        made = await scene(seed, "ann", "bob", mailboxes=3)
        ann, bob = made.people
        said: list[str] = []
        for _ in range(30):
            person = rng.choice([ann, bob])
            step = rng.random()
            if step < 0.5:
                said.append(f"{person.name} {len(said)}")
                await person.say(made.channel, said[-1])
            elif step < 0.6:
                await made.restart(person)
            elif step < 0.75:
                rng.choice(made.post.mailboxes).mood = rng.choice(list(Mood))
            elif step < 0.8:
                rng.choice(made.post.mailboxes).kept.clear()
            elif step < 0.95:
                chosen = rng.sample(made.post.mailboxes, rng.randint(1, 3))
                made.post.collect(person, *(chosen if rng.random() < 0.5 else ()))
            await asyncio.sleep(rng.choice([0.01, 1, 5, 600, 8000]))
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.HONEST

        async def settled() -> bool:
            """Both have all, know it, and nobody puts anything anywhere any more."""
            if [sorted(await person.texts(made.channel)) for person in made.people] != [sorted(said)] * 2:
                return False
            told = {*await states(ann, made.channel), *await states(bob, made.channel)}
            return told <= {Delivery.ALL} and not within(
                ann, lambda engine: [row for row in engine.world.deposits.all() if row.covers]
            )

        for _ in range(200):
            for person in made.people:
                made.post.collect(person)
            await asyncio.sleep(1800)
            if await settled():
                break
        texts = [await person.texts(made.channel) for person in made.people]
        assert texts[0] == texts[1]
        assert sorted(texts[0]) == sorted(said)
        assert {*await states(ann, made.channel), *await states(bob, made.channel)} <= {Delivery.ALL}
        assert within(ann, lambda engine: [row for row in engine.world.deposits.all() if row.covers]) == []

    for seed in range(700, 702):
        run_virtual(story(seed))


@pytest.mark.parametrize("mood", [Mood.FORGES, Mood.REFUSES, Mood.SILENT])
def test_another_mailbox_takes_the_place_of_one_that_fails(mood: Mood) -> None:
    async def story() -> None:
        made = await scene(80, "ann", "bob", mailboxes=3)
        ann, bob = made.people
        made.post.mailboxes[0].mood = mood
        for number in range(3):
            await ann.say(made.channel, f"message {number}")
        await made.stored(ann)
        kept = [sum(map(len, mailbox.kept.values())) for mailbox in made.post.mailboxes]
        rows = within(ann, lambda engine: len(engine.world.deposits.all()))
        assert sum(kept[1:]) == 2 * rows, "each lies at two that keep it"
        assert (counter(ann, "deposit-receipt-rejected") > 0) == (mood is Mood.FORGES)
        made.post.collect(bob)
        assert await bob.texts(made.channel) == [f"message {number}" for number in range(3)]

    play(story)


def test_what_was_gathered_goes_as_soon_as_the_reader_has_taken_what_lay_there() -> None:
    async def story() -> None:
        made = await scene(413, "ann", "bob")
        ann, bob = made.people
        for number in range(215):
            await ann.say(made.channel, f"message {number}")
            await asyncio.sleep(1)
        made.post.collect(bob)
        assert len(await bob.texts(made.channel)) < 215
        await until(lambda: made.answers(ann), "bob's word lies there")
        made.post.collect(ann)
        await asyncio.sleep(5)
        made.post.collect(bob)
        assert await bob.texts(made.channel) == [f"message {number}" for number in range(215)]

    play(story)


def test_who_finds_no_room_for_what_others_have_not_taken_leaves_it_when_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multichat_tui.node.depositing.MAX_DEPOSIT_BYTES", 1)

    async def story() -> None:
        made = await scene(414, "ann", "bob", "eve")
        ann, *others = made.people
        await ann.say(made.channel, "one")
        await made.stored(ann)
        (first,) = [person for person in others if made.post.lying(person)]
        (second,) = [person for person in others if person is not first]
        made.post.collect(first)
        await until(lambda: made.answers(ann), "the word of it lies there")
        # Who has it would leave it to the other one, too.
        await first.stop()
        made.post.collect(ann)
        await asyncio.sleep(20 * 60)
        made.post.collect(second)
        assert await second.texts(made.channel) == ["one"]

    play(story)


class Watcher:
    """A front end that reads the last message again when it is told that its delivery has changed, and no sooner."""

    def __init__(self, person: Person, channel: ChannelId) -> None:
        self.person = person
        self.channel = channel
        self.shown: Delivery | None = None

    async def watch(self) -> None:
        async with self.person.api.events() as events:
            async for event in events:
                if isinstance(event, DeliveryChanged | MessageAdded | MessageChanged):
                    self.shown = (await self.person.rows(self.channel))[-1].state


@pytest.mark.parametrize("fate", ["lost", "moved"])
def test_who_watches_a_message_is_told_that_it_does_not_lie_at_mailboxes_any_more(fate: str) -> None:
    async def story() -> None:
        made = await scene(415, "ann", "bob")
        ann, bob = made.people
        watcher = Watcher(ann, made.channel)
        watching = asyncio.create_task(watcher.watch())
        await asyncio.sleep(1)
        await ann.say(made.channel, "one")
        await made.stored(ann)
        await asyncio.sleep(1)
        assert watcher.shown is Delivery.STORED
        for mailbox in made.post.mailboxes:
            mailbox.mood = Mood.SILENT if fate == "moved" else Mood.HONEST
            mailbox.kept.clear()
        if fate == "moved":
            made.post.mailboxes.append(Mailbox(b"\x09" * 32, mood=Mood.SILENT))
            made.post.open_for(bob)
            made.post.routes[device_of(bob)] = made.post.routes[device_of(bob)][2:]
            within(ann, lambda engine: engine.depositing.on_route(device_of(bob)))
            await asyncio.sleep(60)
        else:
            await asyncio.sleep(CHECK_DEPOSIT_MS / 1000)
            for mailbox in made.post.mailboxes:
                mailbox.mood = Mood.FULL
            await asyncio.sleep(2 * GONE_MS / 1000)
        assert (await ann.rows(made.channel))[-1].state is Delivery.QUEUED
        assert watcher.shown is Delivery.QUEUED
        watching.cancel()

    play(story)
