"""What others, or the user, could make a node keep without end: each has a bound, and beyond it the node says so or forgets."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from simulated_world import SimulatedWorld, until
from test_node_hostile import Mallory

from multichat_tui.model.acts import Message
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.frames import FullItem
from multichat_tui.model.ids import LinkId, RecordId
from multichat_tui.model.intents import AcceptContact, CreateChannel, InviteContact, InviteToChannel, JoinChannel
from multichat_tui.model.ports import LinkDown, LinkPath, LinkUp
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import choices, introductions
from multichat_tui.node.engine import LINKS_PER_DEVICE
from multichat_tui.sync import parking
from multichat_tui.sync.parking import Parked, Parking


def story(play: Callable[[], Awaitable[None]]) -> None:
    run_virtual(play())  # type: ignore[arg-type]


async def refused_for_the_limit(intent: Awaitable[object]) -> None:
    with pytest.raises(IntentRefused) as caught:
        await intent
    assert caught.value.reason is Refusal.LIMIT
    assert caught.value.message


def test_channels_are_bounded_whether_made_or_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        world = SimulatedWorld(1)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        made = (await bob.api.submit(CreateChannel(name="his"))).channel
        assert made is not None
        link = (await bob.api.submit(InviteToChannel(channel=made))).link
        assert link is not None
        for number in range(3):
            await ann.api.submit(CreateChannel(name=f"number {number}"))
        held = len(ann.api._engine.world.channels) if ann.api._engine is not None else 0
        for room in (choices, introductions):
            monkeypatch.setattr(room, "MAX_CHANNELS", held)
        await refused_for_the_limit(ann.api.submit(CreateChannel(name="one more")))
        await refused_for_the_limit(ann.api.submit(JoinChannel(link=link)))

    story(play)


def test_open_invitations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (choices, introductions):
        monkeypatch.setattr(room, "MAX_OPEN_INVITATIONS", 2)

    async def play() -> None:
        (ann,) = await SimulatedWorld(2).add("ann")
        channel = (await ann.api.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        for intent in (InviteContact(), InviteToChannel(channel=channel)):
            for _ in range(2):
                await ann.api.submit(intent)
            await refused_for_the_limit(ann.api.submit(intent))

    story(play)


def test_contacts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        world = SimulatedWorld(3)
        ann, bob, cid = await world.add("ann", "bob", "cid")
        await world.pair(ann, bob)
        monkeypatch.setattr(introductions, "MAX_CONTACTS", 1)
        link = (await cid.api.submit(InviteContact())).link
        assert link is not None
        await refused_for_the_limit(ann.api.submit(AcceptContact(link=link)))

    story(play)


def test_links_that_one_device_dials_again_and_again_are_bounded() -> None:
    async def play() -> None:
        world = SimulatedWorld(4)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        engine = ann.api._engine
        assert engine is not None
        device = (await bob.api.me()).rows.device
        await bob.stop()
        await asyncio.sleep(120)
        for number in range(5 * LINKS_PER_DEVICE):
            up = LinkUp(
                link=LinkId(1000 + number),
                device=device,
                dialled=False,
                path=LinkPath.LOCAL,
                address="127.0.0.1:0",
                incarnation=7,
            )
            closed: list[LinkId] = []
            for events in ([up], None):
                with ann.store.transaction() as txn:
                    engine.begin(txn, ann.now_ms())
                    for event in events if events is not None else [LinkDown(link=link, reason="closed") for link in closed]:
                        engine.network(event)
                    closed = [link for link, _ in engine.finish().closes]
        held = [session for session in engine.world.sessions.values() if session.device == device]
        assert 1 <= len(held) <= LINKS_PER_DEVICE

    story(play)


def test_parked_bytes_are_bounded_oldest_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "PARKED_BYTES_PER_PEER", 10_000)
    waiting = Parking()
    awaited = RecordId(bytes(32))
    for number in range(40):
        item = FullItem(header_bytes=b"h" * 100, signature=number.to_bytes(64, "big"), body=b"b" * 900)
        waiting.park(Parked(item=item, devices=()), awaited)
    left = waiting.release(awaited)
    assert sum(parked.size for parked in left) <= 10_000
    assert waiting.evicted == 40 - len(left) > 0
    assert [int.from_bytes(parked.item.signature, "big") for parked in left] == list(range(40 - len(left), 40))
    assert len(waiting) == 0


def test_one_peer_parks_no_more_in_many_channels_than_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "PARKED_RECORDS_PER_PEER", 50)

    async def play() -> None:
        world = SimulatedWorld(5)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channels = [await world.channel_of(ann, bob, name=f"number {number}") for number in range(4)]
        mallory = Mallory(bob)
        for number in range(40):
            for channel in channels:
                mallory.push(channel, mallory.record(channel, (Message(text=str(number)),), seq_ahead=5 + number))

        def grounds() -> parking.Grounds:
            assert ann.api._engine is not None
            return ann.api._engine.world.grounds

        async def full() -> bool:
            return sum(len(lot.places) for lot in grounds().lots.values()) == 50

        await until(full, "as much is parked as may be")
        await asyncio.sleep(5)
        assert [len(lot.places) for lot in grounds().lots.values()] == [50]
        await bob.stop()

        async def empty() -> bool:
            return not grounds().lots and grounds().size == 0

        await until(empty, "the link is gone, and what it had parked")

    story(play)
