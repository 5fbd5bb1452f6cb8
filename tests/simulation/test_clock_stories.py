"""Stories of clocks that were a year ahead for a while, in virtual time: what was put off then is not put off for a year."""

import asyncio

from simulated_world import SimulatedWorld, engine_of, until
from test_audit_stories import hosted
from test_mailbox_use_stories import ready, routed, town

from multichat_tui.model.intents import AddMailbox, GrantPlace, HostMailbox, RemoveMailbox
from multichat_tui.model.limits import LONGEST_SPECIMEN_MS, MAX_PUT_RETRY_MS
from multichat_tui.model.snapshots import Delivery, MailboxState
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.scores import Score

YEAR_MS = 365 * 24 * 60 * 60 * 1000


def test_what_a_clock_a_year_ahead_could_not_leave_is_left_when_it_is_right_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(761)
        channel, ann, bob, host = await hosted(world, seed=761)
        await routed(ann, bob, channel, 1)
        ann.skew_ms = YEAR_MS
        await ann.say(channel, "come next year")
        await bob.stop()
        await host.stop()
        await asyncio.sleep(60)
        await ann.say(channel, "and now?")
        await asyncio.sleep(4 * 60 * 60)
        ann.skew_ms = 0
        await host.start()
        await asyncio.sleep(1.5 * MAX_PUT_RETRY_MS / 1000)
        assert (await ann.rows(channel))[-1].state is Delivery.STORED

    run_virtual(story())


def test_a_mailbox_that_has_moved_is_found_where_the_network_has_shown_it_before_the_clock_was_set_back() -> None:
    async def story() -> None:
        world = SimulatedWorld(762)
        ann, host = await world.add("ann", "host")
        await host.api.submit(HostMailbox(on=True, shown_on_lan=True))
        link = (await host.api.submit(GrantPlace(name="ann"))).link
        assert link is not None
        await ann.api.submit(AddMailbox(link=link))
        await ready(ann)
        ann.skew_ms = YEAR_MS
        await host.stop()
        await asyncio.sleep(60)
        await host.start()
        await asyncio.sleep(60)
        await ready(ann)
        ann.skew_ms = 0

        async def again() -> bool:
            (row,) = (await ann.api.status()).rows.mailboxes
            return row.state is MailboxState.READY and engine_of(ann).world.now < world.now_ms() + 60_000

        await asyncio.sleep(60)
        await until(again, "ann's mailbox is hers again")

    run_virtual(story())


def test_a_mailbox_given_up_a_year_ahead_and_its_tests_do_not_wait_for_that_year() -> None:
    async def story() -> None:
        world = SimulatedWorld(763)
        channel, ann, bob, _host = await hosted(world, seed=763)
        (other,) = await world.add("other")
        await other.api.submit(HostMailbox(on=True))
        link = (await other.api.submit(GrantPlace(name="bob"))).link
        assert link is not None
        await bob.api.submit(AddMailbox(link=link))
        await routed(ann, bob, channel, 2)
        bob.skew_ms = YEAR_MS
        await asyncio.sleep(60)
        await ann.stop()
        await bob.api.submit(RemoveMailbox(number=1))
        await asyncio.sleep(60)
        bob.skew_ms = 0
        await asyncio.sleep(60)
        scores: list[Score] = list(engine_of(bob).mailboxes.scores._scores.values())
        assert scores
        assert all(score.next_ms <= bob.now_ms() + LONGEST_SPECIMEN_MS for score in scores)
        (leaving, _other) = (await bob.api.status()).rows.mailboxes
        assert leaving.state is MailboxState.LEAVING
        assert leaving.since_ms is not None
        assert leaving.since_ms <= bob.now_ms()

    run_virtual(story())


def test_a_mailbox_chosen_a_year_ahead_that_loses_its_disk_when_the_clock_is_right_is_known_for_it() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailbox = await town(764)
        bob.skew_ms = YEAR_MS
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        bob.skew_ms = 0
        await asyncio.sleep(60)
        await ready(bob)
        await bob.stop()
        mailbox.wipe()
        await bob.start()
        await asyncio.sleep(60)
        await ready(bob)
        assert engine_of(bob).mailboxes.scores.of(mailbox.address.mailbox).wipes == 1

    run_virtual(story())


def test_who_starts_with_a_clock_of_ten_years_ago_leaves_what_they_write_when_it_is_right_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(765)
        channel, ann, bob, _host = await hosted(world, seed=765)
        await routed(ann, bob, channel, 1)
        await bob.stop()
        await ann.stop()
        ann.skew_ms = -10 * YEAR_MS
        await ann.start()
        await asyncio.sleep(5)
        ann.skew_ms = 0
        await asyncio.sleep(60)
        for number in range(3):
            await ann.say(channel, f"message {number}")
            await asyncio.sleep(60)
        assert [row.state for row in (await ann.rows(channel))[-3:]] == [Delivery.STORED] * 3

    run_virtual(story())


def test_a_mailbox_that_was_given_up_is_looked_into_on_by_who_starts_with_a_clock_of_ten_years_ago() -> None:
    async def story() -> None:
        world = SimulatedWorld(766)
        channel, ann, bob, host = await hosted(world, seed=766)
        await routed(ann, bob, channel, 1)
        await host.stop()
        await ann.stop()
        await bob.api.submit(RemoveMailbox(number=1))
        await asyncio.sleep(60)
        await bob.stop()
        bob.skew_ms = -10 * YEAR_MS
        await bob.start()
        await asyncio.sleep(5)
        bob.skew_ms = 0
        await asyncio.sleep(60)
        (box,) = (await bob.api.status()).rows.mailboxes
        assert box.state is MailboxState.LEAVING

    run_virtual(story())
