"""Links to mailboxes: whose addresses are called, how often, and how many."""

import asyncio
from dataclasses import replace

import pytest
from plain_mailbox import PlainMailbox
from simulated_world import Person, SimulatedWorld, engine_of, until

from multichat_tui.model.limits import NEW_HOSTS_PER_HOUR, UNPROVEN_HOSTS, VAIN_DIALS
from multichat_tui.model.mailbox_frames import ListEnvelopes, MailboxAnswer, MailboxReply, Word
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId, QueueId
from multichat_tui.model.ports import Credential
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.engine import Engine
from multichat_tui.node.mailbox_links import MailboxLinks, Purpose
from multichat_tui.node.putting import Slot
from multichat_tui.node.service import Outcome

HOUR_S = 3600


def want(person: Person, *addresses: MailboxAddress, user: bytes = b"user", purpose: Purpose = Purpose.WRITING) -> MailboxLinks:
    """In a batch of its own."""
    engine = engine_of(person)
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        for address in addresses:
            engine.mailboxes.links.want(address, purpose, person.now_ms() + 30 * 24 * HOUR_S * 1000, user=user)
        effects = engine.finish()
    person.api._let_out(Outcome(effects=effects))
    return engine.mailboxes.links


def nowhere(number: int, *places: str) -> MailboxAddress:
    return MailboxAddress(
        mailbox=MailboxId(number.to_bytes(32, "big")),
        door_key=number.to_bytes(32, "little"),
        addresses=places or (f"192.0.2.{number % 250}:{4000 + number}",),
    )


def calls_of(person: Person) -> list[tuple[int, str]]:
    """(when in seconds, address) of all that is called from now on."""
    calls: list[tuple[int, str]] = []
    dial = person.network.dial

    def noting(credential: Credential, address: str) -> None:
        calls.append((int(asyncio.get_running_loop().time()), address))
        dial(credential, address)

    person.network.dial = noting  # type: ignore[method-assign]
    return calls


def test_an_address_where_others_say_is_a_mailbox_and_is_none_is_called_ever_less_and_then_once_a_day() -> None:
    async def story() -> None:
        world = SimulatedWorld(3301)
        (ann,) = await world.add("ann")
        calls = calls_of(ann)
        want(ann, nowhere(1))
        await asyncio.sleep(240)
        assert len(calls) == VAIN_DIALS
        await asyncio.sleep(20 * HOUR_S)
        # After 5, 20, 80 and 320 minutes, and then not for 21 hours.
        assert len(calls) == VAIN_DIALS + 4
        want(ann, nowhere(2))
        await asyncio.sleep(10 * HOUR_S)
        assert len([address for _, address in calls if address == nowhere(1).addresses[0]]) == VAIN_DIALS + 5
        await asyncio.sleep(24 * HOUR_S)
        assert len([address for _, address in calls if address == nowhere(1).addresses[0]]) == VAIN_DIALS + 6

    run_virtual(story())


def test_ones_own_mailbox_is_called_again_and_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(3302)
        (ann,) = await world.add("ann")
        calls = calls_of(ann)
        want(ann, nowhere(1), user=b"", purpose=Purpose.OWN)
        await asyncio.sleep(HOUR_S)
        assert len(calls) > 20

    run_virtual(story())


def test_one_person_has_few_places_called_and_all_together_not_many_in_an_hour() -> None:
    async def story() -> None:
        world = SimulatedWorld(3303)
        (ann,) = await world.add("ann")
        calls = calls_of(ann)
        want(ann, *(nowhere(number) for number in range(1, 40)))
        await asyncio.sleep(HOUR_S / 2)
        assert len({address for _, address in calls}) == UNPROVEN_HOSTS
        for user in range(40):
            want(ann, nowhere(100 + user), user=user.to_bytes(4, "big"))
        await asyncio.sleep(HOUR_S / 4)
        assert len({address for _, address in calls}) == NEW_HOSTS_PER_HOUR
        assert engine_of(ann).world.counters["mailbox-address-not-called"] == 39 - UNPROVEN_HOSTS + 40 - (
            NEW_HOSTS_PER_HOUR - UNPROVEN_HOSTS
        )

    run_virtual(story())


def test_where_one_person_is_written_to_few_places_are_called() -> None:
    async def story() -> None:
        world = SimulatedWorld(3307)
        (ann,) = await world.add("ann")
        calls = calls_of(ann)

        def writes(engine: Engine) -> None:
            for number in range(1, 40):
                slot = Slot(address=nowhere(number), queue=QueueId(bytes(16)), user=b"one person")
                engine.depositing._writing.put(slot, bytes(32), b"envelope", engine.world.now + 1, lambda reply: None)

        await ann.api._do(writes)
        await asyncio.sleep(60)
        assert len({address for _, address in calls}) == UNPROVEN_HOSTS

    run_virtual(story())


def test_many_people_with_one_mailbox_have_it_called_once_and_none_of_them_hinders_the_others() -> None:
    async def story() -> None:
        world = SimulatedWorld(3308)
        (ann,) = await world.add("ann")
        calls = calls_of(ann)
        for user in range(60):
            links = want(ann, nowhere(1), user=user.to_bytes(4, "big"))
        want(ann, replace(nowhere(1), addresses=()), user=b"who names no place")
        await asyncio.sleep(5)
        assert {address for _, address in calls} == set(nowhere(1).addresses)
        assert links._lines[nowhere(1).mailbox, Purpose.WRITING].address == nowhere(1)
        assert "mailbox-address-not-called" not in engine_of(ann).world.counters

    run_virtual(story())


def test_where_a_mailbox_was_found_it_counts_no_more() -> None:
    async def story() -> None:
        world = SimulatedWorld(3304)
        ann, mail = await world.add("ann", "mail")
        mailbox = PlainMailbox(mail)
        links = want(ann, mailbox.address)

        async def linked() -> bool:
            return links.linked(mailbox.address.mailbox, Purpose.WRITING)

        await until(linked, "linked")
        calls = calls_of(ann)
        want(ann, *(nowhere(number) for number in range(1, 10)))
        await asyncio.sleep(60)
        assert len({address for _, address in calls}) == UNPROVEN_HOSTS

    run_virtual(story())


def test_where_a_mailbox_was_found_is_known_after_the_next_start_for_ninety_days() -> None:
    async def story() -> None:
        world = SimulatedWorld(3309)
        ann, mail = await world.add("ann", "mail")
        mailbox = PlainMailbox(mail)
        links = want(ann, replace(mailbox.address, addresses=("192.0.2.7:4000", *mailbox.address.addresses)))

        async def linked() -> bool:
            return links.linked(mailbox.address.mailbox, Purpose.WRITING)

        await until(linked, "linked")
        for days, known in ((0, True), (80, True), (100, False)):
            await ann.stop()
            ann.skew_ms += days * 24 * HOUR_S * 1000
            await ann.start()
            links = want(ann, *(nowhere(number) for number in range(1, 1 + NEW_HOSTS_PER_HOUR)), user=b"")
            for number in range(100, 100 + NEW_HOSTS_PER_HOUR):
                want(ann, nowhere(number), user=number.to_bytes(4, "big"))
            want(ann, mailbox.address)
            # No new address is called in this hour: it is none.
            assert bool(links._lines[mailbox.address.mailbox, Purpose.WRITING].address.addresses) == known
            assert "192.0.2.7:4000" not in links._lines[mailbox.address.mailbox, Purpose.WRITING].address.addresses
            if known:
                await until(linked, "linked again")

    run_virtual(story())


def test_a_mailbox_that_was_found_is_called_there_for_those_whose_route_leaves_that_out() -> None:
    """A private address in a route of a fellow member is not followed; where one uses the same mailbox, it is known."""

    async def story() -> None:
        world = SimulatedWorld(3306)
        ann, mail = await world.add("ann", "mail")
        mailbox = PlainMailbox(mail)
        links = want(ann, mailbox.address, user=b"", purpose=Purpose.OWN)

        async def linked() -> bool:
            return links.linked(mailbox.address.mailbox, Purpose.OWN)

        await until(linked, "linked as its user")
        for number, expected in ((1, ()), (0, mailbox.address.addresses)):
            other = nowhere(number) if number else mailbox.address
            want(ann, replace(other, addresses=()), user=b"fellow")
            assert links._lines[other.mailbox, Purpose.WRITING].address.addresses == expected

    run_virtual(story())


def test_each_link_is_made_as_somebody_else_and_its_requests_are_answered_or_known_to_be_lost() -> None:
    async def story() -> None:
        world = SimulatedWorld(3305)
        ann, mail = await world.add("ann", "mail")
        mailbox = PlainMailbox(mail)
        mailbox.refuses = Word.BUSY
        links = want(ann, mailbox.address)
        mailbox_id = mailbox.address.mailbox
        seen: set[bytes] = set()
        answers: list[MailboxReply | None] = []

        def ask() -> bool:
            return links.request(
                mailbox.address,
                Purpose.WRITING,
                lambda number, _: ListEnvelopes(number=number, queue=QueueId(bytes(16)), after=0, limit=1),
                answers.append,
            )

        assert not ask(), "there is no link yet"
        for _ in range(2):

            async def linked() -> bool:
                return links.linked(mailbox_id, Purpose.WRITING) and bool(mailbox.sessions)

            await until(linked, "linked")
            (session,) = mailbox.sessions.values()
            assert session.device not in seen
            seen.add(session.device)
            engine = engine_of(ann)
            with ann.store.transaction() as txn:
                engine.begin(txn, ann.now_ms())
                assert all(ask() for _ in range(100))
                effects = engine.finish()
            ann.api._let_out(Outcome(effects=effects))

            async def answered() -> bool:
                return len(answers) == 100

            await until(answered, "all are answered")
            assert all(isinstance(answer, MailboxAnswer) and answer.word is Word.BUSY for answer in answers)
            answers.clear()
            assert ask()
            mail.network.close_link(session.link, "gone")

            async def lost() -> bool:
                return bool(answers)

            await until(lost, "the last one is settled")
            answers.clear()

    run_virtual(story())


@pytest.mark.parametrize("purpose", [Purpose.OWN, Purpose.WRITING, Purpose.TESTING])
def test_a_link_that_breaks_and_that_nobody_waits_for_is_not_made_again_with_those_for_ones_own_queues(purpose: Purpose) -> None:
    async def story() -> None:
        world = SimulatedWorld(3306)
        ann, mail = await world.add("ann", "mail")
        mailbox = PlainMailbox(mail)
        links = want(ann, mailbox.address, purpose=purpose, user=b"")

        async def linked() -> bool:
            return links.linked(mailbox.address.mailbox, purpose) and bool(mailbox.sessions)

        await until(linked, "linked")
        (session,) = mailbox.sessions.values()
        mail.network.close_link(session.link, "gone")
        await asyncio.sleep(60)
        assert links.linked(mailbox.address.mailbox, purpose) == (purpose is Purpose.OWN)

    run_virtual(story())
