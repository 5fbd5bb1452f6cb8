"""A node that keeps a mailbox for others: its operator's consent, those who come, restarts, full disks, and what is told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from carried import within
from mailbox_caller import call
from mailbox_calls import Caller, granted, id_of, seed_of
from simulated_world import Person, SimulatedWorld, until
from test_greetings import identity_of

from multichat_tui.crypto.identity import Account, joined_device_list
from multichat_tui.crypto.mailboxes import deposit_holds, open_queue, show_grant, take_queue
from multichat_tui.model.errors import IntentRefused, NotFound, StorageFailed
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import LinkId
from multichat_tui.model.intents import GrantPlace, HostMailbox, RevokePlace
from multichat_tui.model.limits import (
    CLIENT_IDLE_MS,
    CLIENT_SHOW_MS,
    DISK_RETRY_MS,
    MAX_CLIENT_FAULTS,
    MAX_CLIENT_LINKS_PER_ADDRESS,
)
from multichat_tui.model.mailbox_frames import (
    DeleteEnvelopes,
    Deposited,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    Word,
)
from multichat_tui.model.mailboxes import MailboxGrant, envelope_hash
from multichat_tui.model.ports import LinkUp, Transaction
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.store.memory import MemoryStore

DAY_MS = 24 * 60 * 60 * 1000


def play(story: Callable[[SimulatedWorld, Person], Awaitable[None]], seed: int = 1) -> None:
    async def begin() -> None:
        world = SimulatedWorld(seed)
        (host,) = await world.add("host")
        await story(world, host)

    run_virtual(begin())


async def place(host: Person, name: str = "ann", **how: int) -> MailboxGrant:
    await host.api.submit(HostMailbox(on=True))
    return granted((await host.api.submit(GrantPlace(name=name, **how))).link)


async def seen(host: Person) -> HostRow:
    return (await host.api.hosting()).rows


async def furnish(world: SimulatedWorld, host: Person) -> tuple[MailboxGrant, Caller, Caller]:
    """A place, its owner with a queue, and a writer."""
    grant = await place(host)
    owner, writer = await call(world, grant.address), await call(world, grant.address)
    await owner.own(grant, "queue")
    await owner.allow("queue", "ben")
    await writer.write("queue", "ben")
    return grant, owner, writer


def test_an_envelope_goes_from_a_writer_to_the_owner_through_somebody_who_knows_neither() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant, owner, writer = await furnish(world, host)
        assert not (await owner.listing("queue", subscribe=True)).envelopes
        deposited = await writer.put("queue", "ben", b"envelope", world.now_ms() + DAY_MS)
        assert isinstance(deposited, Deposited)
        assert deposit_holds(grant.address.mailbox, id_of("queue"), deposited.receipts[0])
        await owner.until(lambda: any(isinstance(each, Listing) and each.number == 0 for each in owner.replies))
        news = next(each for each in owner.replies if isinstance(each, Listing) and each.number == 0)
        assert [each.envelope for each in news.envelopes] == [envelope_hash(b"envelope")]
        assert await owner.fetch("queue") == [b"envelope"]
        assert (await host.api.peers()).rows == ()
        assert {link.local for link in (owner.up, writer.up)} != {None}

    play(story)


def test_nobody_is_let_in_before_the_operator_has_consented_and_nobody_after_the_end_of_it() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        assert not (await seen(host)).on
        with pytest.raises(IntentRefused, match="keeps no mailbox"):
            await host.api.submit(GrantPlace(name="ann"))
        grant = await place(host)
        owner = await call(world, grant.address)
        await owner.own(grant, "queue")
        await host.api.submit(HostMailbox(on=False))
        await owner.until(lambda: owner.down)
        late = await call(world, grant.address)
        assert not any(isinstance(each, LinkUp) for each in late.inputs)
        assert not (await seen(host)).on
        await host.api.submit(HostMailbox(on=True))
        again = await call(world, grant.address)
        assert await again.word(lambda n, b: take_queue(n, seed_of("queue"), b)) is Word.DONE, "what it kept is gone"

    play(story)


@pytest.mark.parametrize("crash", [False, True])
def test_a_restart_forgets_links_and_nothing_that_was_acknowledged(crash: bool) -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant, _, writer = await furnish(world, host)
        for number in range(20):
            await writer.put("queue", "ben", b"%d" % number, world.now_ms() + DAY_MS)
        if crash:
            host.crash()
        else:
            await host.stop()
        await host.start()
        row = await seen(host)
        assert (row.on, row.places[0].envelopes, row.mailbox) == (True, 20, grant.address.mailbox)
        late = granted((await host.api.submit(GrantPlace(name="more"))).link)
        again = await call(world, late.address)
        assert late.address.mailbox == grant.address.mailbox
        assert await again.word(lambda n, b: take_queue(n, seed_of("queue"), b)) is Word.DONE
        assert await again.fetch("queue") == [b"%d" % number for number in range(20)]

    play(story)


def test_what_has_expired_is_gone_without_anybody_asking() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        _, _, writer = await furnish(world, host)
        for number in range(200):
            life_ms = 60_000 if number % 2 else DAY_MS
            await writer.put("queue", "ben", b"%d" % number, world.now_ms() + life_ms)

        async def swept() -> bool:
            return (await seen(host)).places[0].envelopes == 100

        await until(swept, "half of it is gone", timeout_s=120)
        assert (await seen(host)).used_bytes == 100 * 512

    play(story)


def test_the_operator_sees_what_is_kept_for_whom_and_what_was_refused_and_nothing_else() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant = await place(host, "ann", quota_bytes=1024 * 1024, queues=2)
        owner, writer = await call(world, grant.address), await call(world, grant.address)
        await owner.own(grant, "one", "two")
        assert await owner.word(lambda n, b: open_queue(n, seed_of("three"), b)) is Word.TOO_MANY
        await owner.allow("one", "ben", quota=10**7)
        await writer.write("one", "ben")
        began = world.now_ms()
        for number in range(3):
            await writer.put("one", "ben", bytes([number]) * 200_000, world.now_ms() + DAY_MS)
        stranger = await call(world, grant.address)
        assert await stranger.word(lambda n, b: show_grant(n, b"not a place.....", b)) is Word.UNKNOWN
        row = await seen(host)
        (ann,) = row.places
        assert (ann.name, ann.queues, ann.most_queues, ann.envelopes, ann.revoked) == ("ann", 2, 2, 3, False)
        assert (ann.used_bytes, ann.quota_bytes, row.used_bytes) == (600_000, 1024 * 1024, 600_000)
        assert ann.oldest_ms is not None
        assert began <= ann.oldest_ms <= world.now_ms()
        assert [(each.word, each.count) for each in ann.refused] == [("too-many", 1)]
        assert [(each.word, each.count) for each in row.refused] == [("unknown", 1)]
        assert row.links == 3
        await asyncio.sleep(5)
        host.crash()
        await host.start()
        assert [(each.word, each.count) for each in (await seen(host)).places[0].refused] == [("too-many", 1)], "not stored"

    play(story)


def test_a_place_that_was_revoked_takes_nothing_more_and_goes_when_told_so() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant, owner, writer = await furnish(world, host)
        await writer.put("queue", "ben", b"before", world.now_ms() + DAY_MS)
        await host.api.submit(RevokePlace(name="ann"))
        await owner.until(lambda: owner.down)
        owner = await call(world, grant.address)
        assert await owner.word(lambda n, binding: show_grant(n, grant.seed, binding)) is Word.UNKNOWN
        assert await owner.word(lambda n, binding: take_queue(n, seed_of("queue"), binding)) is Word.DONE
        answer = await writer.put("queue", "ben", b"after", world.now_ms() + DAY_MS)
        assert answer == MailboxAnswer(number=answer.number, word=Word.UNKNOWN)
        assert await owner.fetch("queue") == [b"before"]
        assert (await seen(host)).places[0].revoked
        await host.api.submit(RevokePlace(name="ann", at_once=True))
        assert await owner.word(lambda n, _: ListEnvelopes(number=n, queue=id_of("queue"), after=0, limit=9)) is Word.UNKNOWN
        assert (await seen(host)).places == ()
        with pytest.raises(NotFound):
            await host.api.submit(RevokePlace(name="ann"))

    play(story)


def test_a_disk_that_refuses_a_commit_loses_no_acknowledged_envelope_and_is_left_in_peace_for_a_while() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        _grant, owner, writer = await furnish(world, host)
        kept = await writer.put("queue", "ben", b"kept", world.now_ms() + DAY_MS)
        assert isinstance(kept, Deposited)
        inner = host.store.inner
        assert isinstance(inner, MemoryStore)
        inner.transaction = _full_once(inner)  # type: ignore[method-assign]
        refused = await writer.put("queue", "ben", b"refused", world.now_ms() + DAY_MS)
        assert refused == MailboxAnswer(number=refused.number, word=Word.BUSY, retry_after_ms=DISK_RETRY_MS)
        assert (await seen(host)).resting
        refused = await writer.put("queue", "ben", b"refused", world.now_ms() + DAY_MS)
        assert refused == MailboxAnswer(number=refused.number, word=Word.BUSY, retry_after_ms=DISK_RETRY_MS)
        assert isinstance(await writer.put("queue", "ben", b"kept", world.now_ms() + DAY_MS), Deposited)
        await asyncio.sleep(DISK_RETRY_MS / 1000)
        assert isinstance(await writer.put("queue", "ben", b"refused", world.now_ms() + DAY_MS), Deposited)
        assert not (await seen(host)).resting
        assert await owner.fetch("queue") == [b"kept", b"refused"]
        assert not owner.down
        await writer.put("queue", "ben", b"told", world.now_ms() + DAY_MS)
        assert (await seen(host)).links == 2

    play(story)


def test_a_link_that_goes_on_after_a_failed_commit_has_its_news_and_one_that_asked_for_something_else_is_closed() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant, owner, writer = await furnish(world, host)
        await owner.listing("queue", subscribe=True)
        other = await call(world, grant.address)
        await other.own(grant)
        inner = host.store.inner
        assert isinstance(inner, MemoryStore)
        inner.transaction = _full_once(inner)  # type: ignore[method-assign]
        other.send(open_queue(2, seed_of("never opened"), other.up.binding))
        await other.until(lambda: other.down)
        assert not owner.down
        assert not writer.down
        await asyncio.sleep(DISK_RETRY_MS / 1000)
        await writer.put("queue", "ben", b"news", world.now_ms() + DAY_MS)
        await owner.until(lambda: any(isinstance(each, Listing) and each.number == 0 for each in owner.replies))
        row = await seen(host)
        assert (row.links, row.places[0].queues) == (2, 1)

    play(story)


def _full_once(store: MemoryStore) -> Callable[[], AbstractContextManager[Transaction]]:
    """The next commit fails, those after it do not."""
    real, failures = store.transaction, [StorageFailed("The disk is full.")]

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        with real() as txn:
            yield txn
            if failures:
                raise failures.pop()

    return transaction


def test_links_over_which_nothing_is_shown_or_asked_are_closed_and_waiting_ones_are_not() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant, owner, writer = await furnish(world, host)
        silent = await call(world, grant.address)
        waiting = await call(world, grant.address)
        assert await waiting.word(lambda n, b: take_queue(n, seed_of("queue"), b)) is Word.DONE
        await waiting.listing("queue", subscribe=True)
        await silent.until(lambda: silent.down, timeout_s=CLIENT_SHOW_MS / 1000 + 5)
        assert not owner.down
        await owner.until(lambda: owner.down, timeout_s=CLIENT_IDLE_MS / 1000 + 5)
        await asyncio.sleep(2 * CLIENT_IDLE_MS / 1000)
        assert (writer.down, waiting.down) == (True, False)
        assert (await seen(host)).links == 1

    play(story)


def test_whoever_asks_again_and_again_for_what_is_not_theirs_is_cut_off() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant, _, _ = await furnish(world, host)
        thief = await call(world, grant.address)
        for number in range(MAX_CLIENT_FAULTS + 1):
            thief.send(DeleteEnvelopes(number=number + 1, queue=id_of("queue"), serials=(1,)))
        await thief.until(lambda: thief.down)
        words = [reply.word for reply in thief.replies if isinstance(reply, MailboxAnswer)]
        assert words == [Word.UNAUTHORISED] * (MAX_CLIENT_FAULTS + 1)

    play(story)


def test_where_another_device_has_revoked_this_one_its_mailbox_is_closed_to_those_who_are_there() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant, owner, writer = await furnish(world, host)
        identity = identity_of(host)
        listed = joined_device_list(Account(host.account_entropy), (identity.devices,), None, (identity.device,))
        within(host, lambda engine: engine._devices.own(listed))
        await owner.until(lambda: owner.down and writer.down, timeout_s=5)
        late = await call(world, grant.address)
        assert not any(isinstance(each, LinkUp) for each in late.inputs)

    play(story)


def test_one_address_has_so_many_links_and_others_still_come_in() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant = await place(host)
        engine = host.api._engine
        assert engine is not None
        closed: list[LinkId] = []
        real = host.network.close_link
        host.network.close_link = lambda link, reason: (closed.append(link), real(link, reason))  # type: ignore[method-assign]
        first = await call(world, grant.address)
        await first.own(grant)
        template = next(iter(engine.world.clients.values()))
        for number in range(MAX_CLIENT_LINKS_PER_ADDRESS + 1):
            up = LinkUp(
                link=LinkId(1000 + number),
                device=template.device,
                dialled=False,
                path=template.path,
                address="203.0.113.7:0",
                incarnation=0,
                mailbox=True,
                local=template.local,
            )
            host.api._deliver(up)
        await host.api.status()
        assert closed == [LinkId(1000 + MAX_CLIENT_LINKS_PER_ADDRESS)]
        assert (await seen(host)).links == MAX_CLIENT_LINKS_PER_ADDRESS + 1
        assert not first.down

    play(story)


def test_the_door_is_shown_on_the_local_network_only_where_the_operator_says_so() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        grant = await place(host)
        assert grant.address.door_key not in world.hub._announced
        await host.api.submit(HostMailbox(on=True, shown_on_lan=True))
        await host.api.status()
        assert grant.address.door_key in world.hub._announced
        assert (await seen(host)).shown_on_lan

    play(story)


def test_a_place_is_given_within_what_the_mailbox_has() -> None:
    async def story(world: SimulatedWorld, host: Person) -> None:
        await host.api.submit(HostMailbox(on=True, total_bytes=10 * 1024 * 1024, addresses=("203.0.113.5:4700",)))
        for wrong, why in (
            (GrantPlace(name="a", quota_bytes=11 * 1024 * 1024), "keeps no more in all"),
            (GrantPlace(name="a", quota_bytes=1000), "A place has 1 MiB"),
            (GrantPlace(name="a", quota_bytes=2 * 1024 * 1024, queues=0), "queues"),
            (GrantPlace(name="\x1b[31m", quota_bytes=2 * 1024 * 1024), "name"),
            (GrantPlace(name=" ", quota_bytes=2 * 1024 * 1024), "name"),
        ):
            with pytest.raises(IntentRefused, match=why):
                await host.api.submit(wrong)
        link = (await host.api.submit(GrantPlace(name="a", quota_bytes=2 * 1024 * 1024))).link
        assert granted(link).address.addresses == ("203.0.113.5:4700",)
        with pytest.raises(IntentRefused, match="There is a place of that name"):
            await host.api.submit(GrantPlace(name="a", quota_bytes=2 * 1024 * 1024))
        with pytest.raises(IntentRefused, match="HOST:PORT"):
            await host.api.submit(HostMailbox(on=True, addresses=("nowhere",)))
        with pytest.raises(IntentRefused, match="at least 1 MiB"):
            await host.api.submit(HostMailbox(on=True, total_bytes=5))
        assert (await seen(host)).addresses == ("203.0.113.5:4700",)

    play(story)
