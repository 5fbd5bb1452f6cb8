"""Who is silent for long is left nothing more; what was taken from mailboxes and never confirmed; what only links bring."""

import asyncio

import pytest
from carried import counter, device_of, within
from parted import states
from post import Mood
from simulated_world import Person, until
from test_deposit_stories import Scene, play, scene
from test_hindrance_stories import why

from multichat_tui.model.frames import ChainRange
from multichat_tui.model.ids import PREFIX_SIZE, Log, RecordId
from multichat_tui.model.intents import SendMessage
from multichat_tui.model.limits import AWAY_MS, CHECK_DEPOSIT_MS, COLLECTED_MS, DEPOSIT_MS, GONE_MS, LIFT_MS, SILENT_MS
from multichat_tui.model.snapshots import Delivery
from multichat_tui.node import depositing, dialing, heard

DAY_S = 24 * 60 * 60.0


@pytest.fixture(autouse=True)
def short_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two days, and who is called in vain is called again after hours: most of the work of long stories is waiting."""
    assert SILENT_MS == DEPOSIT_MS == 30 * DAY_S * 1000
    monkeypatch.setattr(heard, "SILENT_MS", MONTH_MS)
    monkeypatch.setattr(depositing, "DEPOSIT_MS", MONTH_MS)
    monkeypatch.setattr(dialing, "MIN_REDIAL_MS", 60_000)
    monkeypatch.setattr(dialing, "MAX_REDIAL_MS", 6 * 60 * 60 * 1000)


MONTH_MS = int(2 * DAY_S * 1000)


async def said(person: Person, made: Scene, text: str) -> RecordId:
    record = (await person.api.submit(SendMessage(channel=made.channel, text=text))).record
    assert record is not None
    return record


def deposits(person: Person) -> int:
    return counter(person, "deposits")


def test_a_device_that_is_silent_for_thirty_days_is_left_one_parcel_more_and_all_of_it_once_it_is_heard_of() -> None:
    async def story() -> None:
        made = await scene(401, "ann", "bob")
        ann, bob = made.people
        await asyncio.sleep(MONTH_MS / 1000 - DAY_S)
        await said(ann, made, "before")
        await made.stored(ann)
        assert made.post.lying(bob) == 2
        await made.restart(ann)
        await asyncio.sleep(2 * DAY_S)
        before = deposits(ann)
        await said(ann, made, "one more")
        await asyncio.sleep(60)
        late = await said(ann, made, "after")
        await asyncio.sleep(DAY_S)
        assert deposits(ann) == before + 1, "one parcel, in case they are there after all"
        assert "nothing was heard of it for 30 days" in (await why(ann, late))["bob"]
        # Bob comes, and finds what was left for him; his word of that is a sign of life.
        made.post.collect(bob)
        await until(lambda: made.answers(ann), "bob's word lies there")
        made.post.collect(ann)
        await made.stored(ann)
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["before", "one more", "after"]
        assert "30 days" not in (await why(ann, late))["bob"]

    play(story)


def test_two_who_were_silent_for_long_and_are_never_there_together_find_each_other_again() -> None:
    async def story() -> None:
        made = await scene(411, "ann", "bob")
        ann, bob = made.people
        await asyncio.sleep(2 * MONTH_MS / 1000)
        for number in range(3):
            await said(ann, made, f"message {number}")
            await asyncio.sleep(60)
        assert len(within(ann, lambda engine: engine.world.deposits.all())) == 1, "one parcel, and no more"
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["message 0"]
        await until(lambda: made.answers(ann), "bob's word lies there")
        made.post.collect(ann)
        await made.stored(ann)
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["message 0", "message 1", "message 2"]

    play(story)


def test_what_was_taken_from_mailboxes_is_not_left_again_until_there_was_time_to_say_so() -> None:
    async def story() -> None:
        made = await scene(402, "ann", "bob")
        ann, bob = made.people
        record = await said(ann, made, "taken")
        await made.stored(ann)
        # As if bob's machine had taken it, and broken down at once.
        made.post.take_out()
        await asyncio.sleep((CHECK_DEPOSIT_MS + 2 * GONE_MS) / 1000)
        assert counter(ann, "deposit-lost") == 0
        assert made.post.lying(bob) == 0
        assert (await why(ann, record))["bob"].startswith("it has taken it from its mailboxes")
        await made.restart(ann)
        assert (await why(ann, record))["bob"].startswith("it has taken it from its mailboxes"), "that is stored"
        await asyncio.sleep((COLLECTED_MS + CHECK_DEPOSIT_MS) / 1000)
        assert counter(ann, "deposit-lost") == 1
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["taken"]

    play(story)


def test_where_one_mailbox_does_not_take_it_the_other_is_asked_all_the_same_whether_it_keeps_it() -> None:
    async def story() -> None:
        made = await scene(408, "ann", "bob")
        ann, bob = made.people
        keeps, full = made.post.mailboxes
        full.mood = Mood.FULL
        await said(ann, made, "one")
        await until(lambda: made.answers(bob), "it lies at one of them")
        keeps.kept.clear()
        await asyncio.sleep((CHECK_DEPOSIT_MS + 2 * GONE_MS) / 1000)
        assert counter(ann, "deposit-lost") == 1
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["one"]

    play(story)


def test_a_mailbox_that_says_it_was_taken_while_another_has_it_for_long_is_brought_it_again() -> None:
    async def story() -> None:
        made = await scene(409, "ann", "bob", mailboxes=3)
        ann, bob = made.people
        await said(ann, made, "one")
        await made.stored(ann)
        lying = next(mailbox for mailbox in made.post.mailboxes if mailbox.kept)
        made.post.take_out(lying)
        await asyncio.sleep((CHECK_DEPOSIT_MS + 2 * GONE_MS) / 1000)
        assert made.post.lying(bob) == 1, "bob may have taken it, and his word be on its way"
        await asyncio.sleep((COLLECTED_MS + CHECK_DEPOSIT_MS) / 1000)
        assert made.post.lying(bob) == 2
        assert counter(ann, "deposit-lost") == 0
        # And if the one that had it loses it, that does not matter.
        next(mailbox for mailbox in made.post.mailboxes if mailbox.kept and mailbox is not lying).kept.clear()
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["one"]

    play(story)


def test_where_all_mailboxes_but_one_say_it_was_taken_that_one_is_asked_on_whether_it_keeps_it() -> None:
    async def story() -> None:
        made = await scene(410, "ann", "bob")
        ann, bob = made.people
        await said(ann, made, "one")
        await made.stored(ann)
        lying, keeps = made.post.mailboxes
        made.post.take_out(lying)
        await asyncio.sleep((CHECK_DEPOSIT_MS + 2 * GONE_MS) / 1000)
        keeps.kept.clear()
        await asyncio.sleep((CHECK_DEPOSIT_MS + COLLECTED_MS) / 1000)
        assert counter(ann, "deposit-lost") == 1
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ["one"]

    play(story)


def test_what_was_taken_and_never_confirmed_is_told_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multichat_tui.node.putting.COLLECTED_MS", 2 * DEPOSIT_MS)

    async def story() -> None:
        made = await scene(403, "ann", "bob")
        ann, bob = made.people
        record = await said(ann, made, "taken")
        await made.stored(ann)
        made.post.take_out()
        await asyncio.sleep(MONTH_MS / 1000 + 3600)
        told = (await why(ann, record))["bob"]
        assert "taken from its mailboxes and never confirmed" in told
        assert counter(ann, "deposit-unconfirmed") == 1
        made.world.hub.heal()
        await made.restart(bob)

        async def has_it() -> bool:
            return await states(ann, made.channel) == [Delivery.ALL]

        await until(has_it, "a link brings it", timeout_s=300)
        assert not within(ann, lambda engine: engine.world.heard.is_unconfirmed(device_of(bob)))

    play(story)


def test_a_device_is_believed_once_an_hour_that_parcels_were_lost_also_after_a_restart() -> None:
    async def story() -> None:
        made = await scene(404, "ann", "bob")
        ann, bob = made.people
        reader = device_of(bob)
        author = device_of(ann)

        async def lose() -> list[int]:
            """Bob says that he lacks it: the numbers of the deposits after that."""
            await asyncio.sleep(AWAY_MS / 1000 + 1)
            lacked = ChainRange(device=author[:PREFIX_SIZE], log=Log.CONTENT, first=0, last=9)

            def lack(engine):  # type: ignore[no-untyped-def]
                session = engine.parcels.session(reader)
                engine.depositing.ends.on_lost(session, engine.world.channels[made.channel], (lacked,))

            within(ann, lack)
            return within(ann, lambda engine: [row.serial for row in engine.world.deposits.of(reader)])

        await said(ann, made, "one")
        await made.stored(ann)
        first = within(ann, lambda engine: [row.serial for row in engine.world.deposits.of(reader)])
        second = await lose()
        assert first
        assert second
        assert not set(first) & set(second), "it is sealed anew"
        await made.stored(ann)
        assert await lose() == second, "not twice within the hour"
        await made.restart(ann)
        await made.stored(ann)
        assert await lose() == second, "nor after a restart"
        await asyncio.sleep(LIFT_MS / 1000)
        assert not set(await lose()) & set(second)

    play(story)


@pytest.mark.parametrize("most", [5, 6])
def test_much_old_history_is_left_to_links_and_little_goes_to_mailboxes(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(depositing, "MAX_OLD_RECORDS", most)
    monkeypatch.setattr(depositing, "OLD_HISTORY_MS", DAY_S * 1000)

    async def story() -> None:
        made = await scene(405, "ann", "bob")
        ann, bob = made.people
        reader = device_of(bob)
        within(ann, lambda engine: engine.depositing._writable.discard(reader))
        for number in range(5):
            await said(ann, made, f"message {number}")
        await asyncio.sleep(1.5 * DAY_S)
        within(ann, lambda engine: engine.depositing.on_route(reader))
        last = await said(ann, made, "message 5")
        await asyncio.sleep(60)
        left_out = most == 5
        assert (made.post.lying(bob) == 0) == left_out
        made.post.collect(bob)
        assert await bob.texts(made.channel) == ([] if left_out else [f"message {number}" for number in range(6)])
        assert ("only a link brings it" in (await why(ann, last)).get("bob", "")) == left_out

    play(story)
