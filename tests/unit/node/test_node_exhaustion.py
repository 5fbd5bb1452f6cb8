"""What others, or the user, could make a node keep without end: each has a bound, and beyond it the node says so or forgets."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from builders import person
from simulated_world import Person, SimulatedWorld, until
from test_node_hostile import Mallory

from multichat_tui.crypto.identity import sign_join
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.acts import Message
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import FullItem, JoinFrame
from multichat_tui.model.ids import DeviceId, LinkId, RecordId
from multichat_tui.model.intents import AcceptContact, ConnectTo, CreateChannel, InviteContact, InviteToChannel, JoinChannel
from multichat_tui.model.invitations import Invitation, join_seed, parse_link
from multichat_tui.model.limits import GUEST_LINK_MS, LINKS_PER_DEVICE, MAX_GUEST_LINKS, MAX_GUEST_LINKS_PER_INVITATION
from multichat_tui.model.ports import FrameIn, LinkDown, LinkPath, LinkUp, NetworkInput, Space
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import admissions, channel_choices, pairing
from multichat_tui.node.dialing import MANUAL
from multichat_tui.sync import parking
from multichat_tui.sync.parking import Parked, Parking
from multichat_tui.sync.session import Role, Session


def story(play: Callable[[], Awaitable[None]]) -> None:
    run_virtual(play())


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
        for room in (channel_choices, admissions):
            monkeypatch.setattr(room, "MAX_CHANNELS", held)
        await refused_for_the_limit(ann.api.submit(CreateChannel(name="one more")))
        await refused_for_the_limit(ann.api.submit(JoinChannel(link=link)))

    story(play)


def test_open_invitations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (channel_choices, pairing):
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
        monkeypatch.setattr(pairing, "MAX_CONTACTS", 1)
        link = (await cid.api.submit(InviteContact())).link
        assert link is not None
        await refused_for_the_limit(ann.api.submit(AcceptContact(link=link)))

    story(play)


def step(person: Person, *events: NetworkInput) -> list[LinkId]:
    """One batch at their node; the links that it closes, of which the node has not heard yet that they are down."""
    engine = person.api._engine
    assert engine is not None
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        for event in events:
            engine.network(event)
        return [link for link, _ in engine.finish().closes]


def sessions(person: Person) -> list[Session]:
    assert person.api._engine is not None
    return list(person.api._engine.world.sessions.values())


def down(closed: list[LinkId]) -> list[LinkDown]:
    return [LinkDown(link=link, reason="closed") for link in closed]


def a_link(number: int, device: DeviceId) -> LinkUp:
    link = LinkId(1000 + number)
    return LinkUp(link=link, device=device, dialled=False, path=LinkPath.LOCAL, address="127.0.0.1:0", incarnation=7)


@pytest.mark.parametrize("in_one_batch", [False, True])
def test_links_that_one_device_dials_again_and_again_are_bounded(in_one_batch: bool) -> None:
    async def play() -> None:
        world = SimulatedWorld(4)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        device = (await bob.api.me()).rows.device
        await bob.stop()
        await asyncio.sleep(120)
        ups = [a_link(number, device) for number in range(5 * LINKS_PER_DEVICE)]
        for batch in [ups] if in_one_batch else [[up] for up in ups]:
            step(ann, *down(step(ann, *batch)))
        held = [session for session in sessions(ann) if session.device == device]
        assert 1 <= len(held) <= LINKS_PER_DEVICE

    story(play)


def guests(link: str, count: int, maker: int = 0) -> list[LinkUp]:
    """Links under an invitation, each of another device that its holder has made."""
    invitation = parse_link(link)
    assert isinstance(invitation, Invitation)
    made = [person(f"guest {maker} {number}") for number in range(count)]
    return [
        replace(
            a_link(1000 * maker + number, guest.device),
            address=f"192.0.2.{number}:4001",
            key=invitation.token_key,
            certificate=guest.certificate,
            join_key=public_key(join_seed(invitation.seed)),
        )
        for number, guest in enumerate(made)
    ]


def test_links_under_invitations_are_bounded_and_end_and_leave_nothing() -> None:
    async def play() -> None:
        world = SimulatedWorld(6)
        (ann,) = await world.add("ann")
        links = [(await ann.api.submit(InviteContact())).link or "" for _ in range(3)]
        for maker, link in enumerate(links):
            ups = guests(link, MAX_GUEST_LINKS_PER_INVITATION + 3, maker)
            refused = step(ann, *ups)
            room = min(MAX_GUEST_LINKS_PER_INVITATION, MAX_GUEST_LINKS - maker * MAX_GUEST_LINKS_PER_INVITATION)
            assert refused == [up.link for up in ups[room:]]
        assert len(sessions(ann)) == MAX_GUEST_LINKS
        await asyncio.sleep(GUEST_LINK_MS / 1000 - 1)
        step(ann)
        assert not any(session.closing for session in sessions(ann))
        await asyncio.sleep(2)
        assert all(session.closing for session in sessions(ann))
        step(ann, *down([session.link for session in sessions(ann)]))
        assert sessions(ann) == []
        with ann.store.transaction() as txn:
            assert txn.scan(Space.ADDRESS) == []

    story(play)


def test_a_guest_who_comes_in_over_many_links_keeps_few() -> None:
    async def play() -> None:
        world = SimulatedWorld(7)
        (ann,) = await world.add("ann")
        channel = (await ann.api.submit(CreateChannel(name="dev"))).channel
        assert channel is not None
        link = (await ann.api.submit(InviteToChannel(channel=channel))).link or ""
        invitation = parse_link(link)
        assert isinstance(invitation, Invitation)
        guest = person("guest 0 0")
        (first,) = guests(link, 1)
        ups = [replace(first, link=LinkId(number)) for number in range(1000, 1000 + 3 * LINKS_PER_DEVICE)]
        join = sign_join(guest.secrets, join_seed(invitation.seed), channel, guest.certificate, "gus", ann.now_ms())
        frame = encode_frame(JoinFrame(join=join.encoded))
        step(ann, *down(step(ann, *ups, *(FrameIn(link=up.link, frame=frame) for up in ups))))
        held = sessions(ann)
        assert all(session.role is Role.PEER for session in held)
        assert len(held) == LINKS_PER_DEVICE

    story(play)


def test_addresses_of_those_who_are_no_peers_any_more_are_forgotten() -> None:
    async def play() -> None:
        world = SimulatedWorld(8)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        await ann.api.submit(ConnectTo(address="192.0.2.9:4001"))
        device = (await bob.api.me()).rows.device
        stranger = person("a stranger").device
        with ann.store.transaction() as txn:
            known = dict(txn.scan(Space.ADDRESS))
            assert set(known) == {device, MANUAL}
            txn.put(Space.ADDRESS, stranger, b"192.0.2.1:4001")
        await ann.stop()
        await ann.start()
        with ann.store.transaction() as txn:
            assert dict(txn.scan(Space.ADDRESS)).keys() == known.keys()

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
