"""Choosing mailboxes, telling others by routes, and collecting what they leave there; in virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import pytest
from plain_mailbox import PlainMailbox
from simulated_world import Person, SimulatedWorld, until
from test_greetings import identity_of, inside, linked

from multichat_tui.crypto.envelopes import verifier, wrap, wrapper_key, writer_seed
from multichat_tui.crypto.mailboxes import deposit_holds, show_writer
from multichat_tui.model.errors import IntentRefused, NotFound
from multichat_tui.model.frames import Frame
from multichat_tui.model.ids import ChannelId, DeviceId
from multichat_tui.model.intents import (
    AddMailbox,
    GrantPlace,
    HostMailbox,
    InviteToChannel,
    JoinChannel,
    RemoveMailbox,
    RemoveMember,
)
from multichat_tui.model.mailbox_frames import Deposited, ListEnvelopes, MailboxAnswer, MailboxFrame, PutEnvelope, Word
from multichat_tui.model.mailboxes import MailboxAddress, MailboxGrant, MailboxId, QueueId
from multichat_tui.model.snapshots import MailboxRow, MailboxState
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.engine import Engine
from multichat_tui.node.mailbox_links import Purpose
from multichat_tui.node.mailbox_use import MailboxUse
from multichat_tui.node.routes import KnownRoute
from multichat_tui.node.service import Outcome
from multichat_tui.sync.session import Session

T = TypeVar("T")


def use(person: Person) -> MailboxUse:
    engine = person.api._engine
    assert engine is not None
    return engine.mailboxes


def routes(person: Person, of: Person) -> tuple[KnownRoute, ...]:
    return use(person).routes.of(identity_of(of).device)


async def boxes(person: Person) -> tuple[MailboxRow, ...]:
    return (await person.api.status()).rows.mailboxes


async def ready(person: Person, count: int = 1) -> None:
    async def is_so() -> bool:
        return [row.state for row in await boxes(person)].count(MailboxState.READY) == count

    await until(is_so, f"{count} mailboxes of {person.name} are ready")


async def routed(person: Person, of: Person, audience: bytes, count: int) -> KnownRoute:
    async def is_so() -> bool:
        return any(r.audience == audience and len(r.route.queues) == count for r in routes(person, of))

    await until(is_so, f"{person.name} has a route to {of.name} with {count} mailboxes")
    return next(r for r in routes(person, of) if r.audience == audience)


async def town(seed: int) -> tuple[SimulatedWorld, ChannelId, Person, Person, PlainMailbox]:
    """Ann and bob are contacts and share a channel; max keeps a mailbox, and knows neither."""
    world = SimulatedWorld(seed)
    ann, bob, mail = await world.add("ann", "bob", "mail")
    await world.pair(ann, bob)
    channel = await world.channel_of(ann, bob)
    return world, channel, ann, bob, PlainMailbox(mail)


def batch(person: Person, act: Callable[[Engine], T]) -> T:
    """Something done within a batch of its own."""
    engine = person.api._engine
    assert engine is not None
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        found = act(engine)
        effects = engine.finish()
    person.api._let_out(Outcome(effects=effects))
    return found


def seal(writer: Person, reader: Person, route: KnownRoute, words: bytes) -> bytes:
    key = route.route.prekey
    sealed = batch(writer, lambda engine: engine.sealing.seal(identity_of(reader).device, key, words))
    assert sealed is not None
    return sealed


def envelope(writer: Person, reader: Person, queue: QueueId, sealed: bytes) -> tuple[bytes, bytes]:
    """(writer prefix, envelope)"""
    pair = inside(writer).pair_keys_of(identity_of(reader).device)[0]
    prefix = verifier(pair, queue, identity_of(writer).device)[:8]
    return prefix, wrap(wrapper_key(pair, queue), queue, prefix, sealed)


@dataclass
class Reading:
    """What somebody has read, and what they do not take now."""

    person: Person
    words: list[bytes] = field(default_factory=list)
    refused: int = 0
    takes: bool = True
    first: tuple[bytes, bytes] | None = None
    """A sealed message that is not taken before these words were read."""

    def begin(self) -> "Reading":
        use(self.person).collecting.on_envelope = self.take
        return self

    def take(self, device: DeviceId, sealed: bytes) -> bool:
        engine = self.person.api._engine
        assert engine is not None
        early = self.first is not None and sealed == self.first[0] and self.first[1] not in self.words
        if early or not self.takes:
            self.refused += 1
            return False
        opened = engine.sealing.unseal(device, sealed)
        if isinstance(opened, bytes):
            self.words.append(opened)
        return True

    async def has(self, count: int) -> None:
        async def is_so() -> bool:
            return len(self.words) >= count

        await until(is_so, f"{count} were read, not {len(self.words)}")


def lying(mailbox: PlainMailbox) -> int:
    return sum(len(kept.envelopes) for kept in mailbox.queues.values())


def leave(mailbox: PlainMailbox, queue: QueueId, left: tuple[bytes, bytes], _: Engine) -> None:
    mailbox.put(queue, *left)


async def emptied(*mailboxes: PlainMailbox) -> None:
    async def is_so() -> bool:
        return not any(map(lying, mailboxes))

    await until(is_so, "nothing lies there any more")


def test_a_chosen_mailbox_is_in_the_routes_of_every_audience() -> None:
    async def story() -> None:
        _world, channel, ann, bob, mailbox = await town(3201)
        user = identity_of(ann).user
        plain = await routed(ann, bob, user, 0)
        assert plain.route.fallback != plain.route.prekey
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        own = await routed(ann, bob, user, 1)
        theirs = await routed(ann, bob, channel, 1)
        assert [r.audience for r in routes(ann, bob)] == [user, channel], "the one for us alone first"
        assert own.route.queues[0].mailbox == mailbox.address
        assert own.route.queues[0].queue != theirs.route.queues[0].queue, "a queue for each"
        assert set(mailbox.queues) == {own.route.queues[0].queue, theirs.route.queues[0].queue}
        assert all(len(kept.writers) == 8 for kept in mailbox.queues.values()), "the mailbox does not count people"
        assert theirs.route.fallback == b"", "all begin with the same key there"

    run_virtual(story())


async def two_mailboxes(seed: int) -> tuple[SimulatedWorld, ChannelId, Person, Person, list[PlainMailbox]]:
    world, channel, ann, bob, first = await town(seed)
    (other,) = await world.add("other")
    mailboxes = [first, PlainMailbox(other)]
    for mailbox in mailboxes:
        await bob.api.submit(AddMailbox(link=mailbox.link))
    await ready(bob, 2)
    await routed(ann, bob, identity_of(ann).user, 2)
    return world, channel, ann, bob, mailboxes


def test_what_lies_in_two_mailboxes_is_read_once_in_the_order_of_its_writing_and_deleted() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailboxes = await two_mailboxes(3202)
        route = await routed(ann, bob, identity_of(ann).user, 2)
        await bob.stop()
        for number in range(300):
            sealed = seal(ann, bob, route, b"%d" % number)
            for each, mailbox in zip(route.route.queues, mailboxes, strict=True):
                # Odd and even ones in different places, and every fifth in both.
                if number % 5 == 0 or (number % 2 == 0) == (mailbox is mailboxes[0]):
                    mailbox.put(each.queue, *envelope(ann, bob, each.queue, sealed))
        await bob.start()
        reading = Reading(bob).begin()
        await reading.has(300)
        assert reading.words == [b"%d" % number for number in range(300)]
        await emptied(*mailboxes)
        assert inside(bob).counters.get("envelope-replayed", 0) == 0, "what lies there twice is read once"

    run_virtual(story())


def test_a_mailbox_that_is_away_holds_nobody_up() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailboxes = await two_mailboxes(3203)
        route = await routed(ann, bob, identity_of(ann).user, 2)
        await bob.stop()
        await mailboxes[1].person.stop()
        mailboxes[0].put(
            route.route.queues[0].queue, *envelope(ann, bob, route.route.queues[0].queue, seal(ann, bob, route, b"x"))
        )
        await bob.start()
        began = asyncio.get_running_loop().time()
        reading = Reading(bob).begin()
        await reading.has(1)
        assert asyncio.get_running_loop().time() - began < 10
        states = {row.state for row in await boxes(bob)}
        assert states == {MailboxState.READY, MailboxState.UNREACHED}

    run_virtual(story())


def test_what_comes_while_linked_is_told_and_read_at_once() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailbox = await town(3204)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        route = await routed(ann, bob, identity_of(ann).user, 1)
        queue = route.route.queues[0].queue
        reading = Reading(bob).begin()
        for number in range(3):
            left = envelope(ann, bob, queue, seal(ann, bob, route, b"%d" % number))
            batch(mailbox.person, partial(leave, mailbox, queue, left))
            await reading.has(number + 1)
        assert reading.words == [b"0", b"1", b"2"]
        await emptied(mailbox)

    run_virtual(story())


def test_what_is_not_taken_stays_and_what_nobody_could_read_goes() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailbox = await town(3205)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        route = await routed(ann, bob, identity_of(ann).user, 1)
        queue = route.route.queues[0].queue
        prefix, good = envelope(ann, bob, queue, seal(ann, bob, route, b"good"))
        await bob.stop()
        mailbox.put(queue, prefix, good)
        mailbox.put(queue, prefix, b"\1" + b"garbage" * 100)
        mailbox.put(queue, b"stranger", good[:-1] + b"\0")
        await bob.start()
        reading = Reading(bob, takes=False).begin()

        async def one_left() -> bool:
            return lying(mailbox) == 1 and reading.refused > 0

        await until(one_left, "only what was not taken lies there")
        counters = inside(bob).counters
        assert (counters["envelope-stranger"], counters["envelope-unreadable"]) == (1, 1)
        await bob.stop()
        await bob.start()
        reading = Reading(bob).begin()
        await reading.has(1)
        assert reading.words == [b"good"]
        await emptied(mailbox)

    run_virtual(story())


def test_what_waits_for_something_in_another_mailbox_is_read_after_it() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailboxes = await two_mailboxes(3216)
        route = await routed(ann, bob, identity_of(ann).user, 2)
        sealed = [seal(ann, bob, route, words) for words in (b"first", b"second")]
        await bob.stop()
        await mailboxes[0].person.stop()
        later, sooner = route.route.queues[0].queue, route.route.queues[1].queue
        mailboxes[1].put(sooner, *envelope(ann, bob, sooner, sealed[1]))
        await bob.start()
        reading = Reading(bob, first=(sealed[1], b"first")).begin()

        async def tried() -> bool:
            return reading.refused == 1

        await until(tried, "the second is not taken")
        assert lying(mailboxes[1]) == 1
        # The other mailbox is a new one in the same place.
        await mailboxes[0].person.start()
        mailboxes[0].place()
        mailboxes[0].put(later, *envelope(ann, bob, later, sealed[0]))
        await reading.has(2)
        assert reading.words == [b"first", b"second"]
        await emptied(*mailboxes)

    run_virtual(story())


def test_what_could_not_be_read_for_a_week_is_deleted() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailbox = await town(3217)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        route = await routed(ann, bob, identity_of(ann).user, 1)
        queue = route.route.queues[0].queue
        await bob.stop()
        for words in (b"old", b"new"):
            mailbox.put(queue, *envelope(ann, bob, queue, seal(ann, bob, route, words)))
        there = mailbox.queues[queue].envelopes
        first = min(there)
        there[first] = (*there[first][:2], there[first][2] - 8 * 24 * 3600 * 1000)
        await bob.start()
        reading = Reading(bob, takes=False).begin()

        async def one_left() -> bool:
            return len(there) == 1 and reading.refused == 2

        await until(one_left, "the old one is gone")
        assert first not in there

    run_virtual(story())


def test_a_queue_to_which_nobody_may_write_is_in_no_route() -> None:
    async def story() -> None:
        world, channel, ann, bob, mailbox = await town(3218)
        mailbox.allows = False
        await bob.api.submit(AddMailbox(link=mailbox.link))

        async def partly() -> bool:
            return [row.state for row in await boxes(bob)] == [MailboxState.PARTLY]

        await until(partly, "it is there for nobody")
        (kim,) = await world.add("kim")
        await world.pair(bob, kim)  # so that all routes are looked at again
        await asyncio.sleep(60)
        await routed(ann, bob, channel, 0)
        await routed(ann, bob, identity_of(ann).user, 0)

    run_virtual(story())


def test_new_members_may_write_and_removed_ones_may_not() -> None:
    async def story() -> None:
        world, channel, ann, bob, mailbox = await town(3206)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        queue = (await routed(ann, bob, channel, 1)).route.queues[0].queue
        (eve,) = await world.add("eve")
        link = (await bob.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        await eve.api.submit(JoinChannel(link=link))
        route = await routed(eve, bob, channel, 1)
        assert route.route.queues[0].queue == queue
        assert route.route.queues[0].mailbox.addresses == (), "she is no contact: she calls no private address for it"
        pair = inside(eve).pair_keys_of(identity_of(bob).device)[0]
        hers = verifier(pair, queue, identity_of(eve).device)

        async def allowed() -> bool:
            return hers in mailbox.queues[queue].writers

        await until(allowed, "eve may write")
        assert len(mailbox.queues[queue].writers) == 8
        await ann.api.submit(RemoveMember(channel=channel, user=identity_of(eve).user))

        async def forbidden() -> bool:
            return hers not in mailbox.queues[queue].writers

        await until(forbidden, "eve may not write any more")
        assert len(mailbox.queues[queue].writers) == 8
        assert routes(ann, eve) == ()

    run_virtual(story())


def test_a_mailbox_that_is_given_up_is_emptied_once_everybody_knows() -> None:
    async def story() -> None:
        _world, channel, ann, bob, mailbox = await town(3207)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        user = identity_of(ann).user
        route = await routed(ann, bob, user, 1)
        await routed(ann, bob, channel, 1)
        queue = route.route.queues[0].queue
        await ann.stop()
        await bob.api.submit(RemoveMailbox(number=1))
        await asyncio.sleep(3600)
        (row,) = await boxes(bob)
        assert (row.state, row.unaware) == (MailboxState.LEAVING, 1)
        reading = Reading(bob).begin()
        await ann.start()
        sealed = seal(ann, bob, route, b"late")
        await bob.stop()
        mailbox.put(queue, *envelope(ann, bob, queue, sealed))
        await bob.start()
        reading.begin()
        await reading.has(1)
        await routed(ann, bob, user, 0)

        async def gone() -> bool:
            return await boxes(bob) == () and not mailbox.queues

        await until(gone, "it is forgotten")
        assert not use(bob).links.targets()
        await bob.stop()
        await bob.start()
        assert await boxes(bob) == ()

    run_virtual(story())


def test_one_that_is_being_given_up_can_be_chosen_again_or_forgotten_at_once() -> None:
    async def story() -> None:
        _world, _channel, ann, bob, mailbox = await town(3208)
        user = identity_of(ann).user
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        queue = (await routed(ann, bob, user, 1)).route.queues[0].queue
        await ann.stop()
        await bob.api.submit(RemoveMailbox(number=1))
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        await ann.start()
        assert (await routed(ann, bob, user, 1)).route.queues[0].queue == queue, "the queue is the same one"
        await ann.stop()
        await bob.api.submit(RemoveMailbox(number=1))
        await bob.api.submit(RemoveMailbox(number=1))
        assert await boxes(bob) == ()

    run_virtual(story())


def test_a_mailbox_that_has_lost_its_disk_gets_its_queues_again_and_it_is_counted() -> None:
    async def story() -> None:
        _world, channel, ann, bob, mailbox = await town(3209)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        await routed(ann, bob, channel, 1)
        before = set(mailbox.queues)
        await bob.stop()
        mailbox.wipe()
        await bob.start()

        async def again() -> bool:
            return set(mailbox.queues) == before and all(len(kept.writers) == 8 for kept in mailbox.queues.values())

        await until(again, "the queues are there again")
        await ready(bob)
        (row,) = await boxes(bob)
        assert (row.losses, row.checks) == (2, 2)
        await routed(ann, bob, channel, 1)

    run_virtual(story())


def test_a_restart_changes_nothing() -> None:
    async def story() -> None:
        _world, channel, ann, bob, mailbox = await town(3210)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        route = await routed(ann, bob, channel, 1)
        await bob.stop()
        mailbox.requests.clear()
        await bob.start()
        await ready(bob)
        await until(lambda: linked(ann, bob), "linked again")
        await asyncio.sleep(60)
        assert routes(ann, bob)[1] == route, "no new route is said"
        kinds = [type(request).__name__ for request in mailbox.requests]
        assert kinds.count("TakeQueue") == 2
        assert "OpenQueue" not in kinds
        assert "AllowWriters" not in kinds

    run_virtual(story())


@pytest.mark.parametrize("fault", ["grant", "queues", "busy"])
def test_a_mailbox_that_refuses_is_shown_so_and_in_no_route(fault: str) -> None:
    async def story() -> None:
        _world, channel, ann, bob, mailbox = await town(3211)
        if fault == "grant":
            mailbox.grant_known = False
        elif fault == "queues":
            mailbox.most_queues = 1
        else:
            mailbox.refuses = Word.BUSY
        await bob.api.submit(AddMailbox(link=mailbox.link))

        async def settled() -> bool:
            (row,) = await boxes(bob)
            return row.state in (MailboxState.REFUSED, MailboxState.READY)

        await until(settled, "it is settled")
        await asyncio.sleep(30)
        (row,) = await boxes(bob)
        await routed(ann, bob, channel, 0)
        if fault == "queues":
            assert (row.state, row.queues) == (MailboxState.READY, 1)
            await routed(ann, bob, identity_of(ann).user, 1)
        else:
            assert row.state is MailboxState.REFUSED
            assert row.detail == ("unknown" if fault == "grant" else "busy")
            mailbox.grant_known, mailbox.refuses = True, None
            await asyncio.sleep(600)
            await ready(bob)

    run_virtual(story())


def test_a_mailbox_that_has_no_time_to_list_is_asked_again_over_the_same_link() -> None:
    async def story() -> None:
        world, channel, ann, bob, mailbox = await town(3213)
        take, refused = mailbox.take, []

        def busy(session: Session, frame: Frame | MailboxFrame) -> bool:
            if isinstance(frame, ListEnvelopes) and len(refused) < 3:
                refused.append(frame.queue)
                mailbox.refuses = Word.BUSY
            done = take(session, frame)
            mailbox.refuses = None
            return done

        mailbox.take = busy  # type: ignore[method-assign]
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        await routed(ann, bob, channel, 1)
        assert refused
        world.hub.partition(["ann"], ["bob"])
        await asyncio.sleep(120)
        await ann.say(channel, "is anybody there?")

        async def come() -> bool:
            return await bob.texts(channel) == ["is anybody there?"]

        await until(come, "it comes by the mailbox, without another link to it")

    run_virtual(story())


def test_a_mailbox_that_never_answers_is_left_and_tried_again() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailbox = await town(3212)
        take = mailbox.take
        mailbox.take = lambda session, frame: True  # type: ignore[method-assign]
        await bob.api.submit(AddMailbox(link=mailbox.link))

        async def cut() -> bool:
            return inside(bob).counters.get("mailbox-silent", 0) == 2

        await until(cut, "the link was closed twice")
        mailbox.take = take  # type: ignore[method-assign]
        await ready(bob)

    run_virtual(story())


def test_what_a_mailbox_says_out_of_place_is_a_fault_of_its_link() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailbox = await town(3213)
        await bob.api.submit(AddMailbox(link=mailbox.link))
        await ready(bob)
        session = next(iter(mailbox.sessions.values()))
        for _ in range(40):
            batch(mailbox.person, lambda engine: engine.world.send(session, MailboxAnswer(number=99, word=Word.DONE)))

        async def counted() -> bool:
            return inside(bob).counters.get("frame-out-of-place", 0) > 30

        await until(counted, "it is counted")
        await ready(bob)

    run_virtual(story())


def test_wrong_links_and_too_many_mailboxes_are_refused() -> None:
    async def story() -> None:
        _world, _channel, _ann, bob, mailbox = await town(3214)
        for link in ("multichat:mailbox/AAAA", "multichat:pair/AAAA", "nonsense", mailbox.link[:-3]):
            with pytest.raises(IntentRefused, match="no mailbox link"):
                await bob.api.submit(AddMailbox(link=link))
        await bob.api.submit(AddMailbox(link=mailbox.link))
        with pytest.raises(IntentRefused, match="already"):
            await bob.api.submit(AddMailbox(link=mailbox.link))
        for number in range(3):
            grant = MailboxGrant(
                address=MailboxAddress(mailbox=MailboxId(bytes([number]) * 32), door_key=b"\7" * 32, addresses=("10.9.9.9:1",)),
                seed=bytes(16),
            )
            await bob.api.submit(AddMailbox(link=grant.link))
        with pytest.raises(IntentRefused, match="4 mailboxes"):
            await bob.api.submit(
                AddMailbox(link=replace(grant, address=replace(grant.address, mailbox=MailboxId(b"x" * 32))).link)
            )
        with pytest.raises(NotFound):
            await bob.api.submit(RemoveMailbox(number=9))
        await bob.api.submit(RemoveMailbox(number=4))
        assert len(await boxes(bob)) == 3, "where nothing was opened it is forgotten at once"

    run_virtual(story())


def test_all_of_it_with_the_mailbox_that_nodes_keep() -> None:
    """Ann writes over a link of her own to the mailbox, and bob, who was away, reads it; the mailbox forgets it."""

    async def story() -> None:
        world = SimulatedWorld(3215)
        ann, bob, mail = await world.add("ann", "bob", "mail")
        await world.pair(ann, bob)
        await mail.api.submit(HostMailbox(on=True))
        link = (await mail.api.submit(GrantPlace(name="bob"))).link
        assert link is not None
        with pytest.raises(IntentRefused, match="this very device"):
            await mail.api.submit(AddMailbox(link=link))
        await bob.api.submit(AddMailbox(link=link))
        await ready(bob)
        route = await routed(ann, bob, identity_of(ann).user, 1)
        await bob.stop()
        place = route.route.queues[0]
        sealed = seal(ann, bob, route, b"while you were away")
        prefix, left = envelope(ann, bob, place.queue, sealed)
        pair = inside(ann).pair_keys_of(identity_of(bob).device)[0]
        secret = writer_seed(pair, place.queue, identity_of(ann).device)
        links = use(ann).links
        answers: list[object] = []

        def put(_: MailboxAddress) -> None:
            links.request(
                place.mailbox,
                Purpose.WRITING,
                lambda n, session: show_writer(n, secret, place.queue, session.binding),
                answers.append,
            )
            expires = ann.now_ms() + 10**8
            links.request(
                place.mailbox,
                Purpose.WRITING,
                lambda n, _: PutEnvelope(number=n, queue=place.queue, writer=prefix, envelope=left, expires_ms=expires),
                answers.append,
                size=len(left),
            )

        links.on_up[Purpose.WRITING] = put
        batch(ann, lambda _: links.want(place.mailbox, Purpose.WRITING, ann.now_ms() + 60_000, user=identity_of(bob).user))

        async def stored() -> bool:
            return len(answers) == 2

        await until(stored, "it is left there")
        receipt = answers[1]
        assert isinstance(receipt, Deposited)
        assert deposit_holds(place.mailbox.mailbox, place.queue, receipt.receipts[0])
        assert identity_of(ann).device not in {session.device for session in inside(mail).sessions.values()}
        await bob.start()
        reading = Reading(bob).begin()
        await reading.has(1)
        assert reading.words == [b"while you were away"]

        async def empty() -> bool:
            return sum(row.envelopes for row in (await mail.api.hosting()).rows.places) == 0

        await until(empty, "nothing lies there any more")
        await asyncio.sleep(120)
        assert not links.targets(), "the link is not kept for longer than it was wanted"

    run_virtual(story())
