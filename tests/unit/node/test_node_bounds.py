"""What others could make a node keep or do, beside links, channels and parking (see test_node_exhaustion.py): devices, calls."""

import asyncio
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import pytest
from simulated_world import Person, SimulatedWorld, engine_of, until

from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, UserId
from multichat_tui.model.intents import SetTopic
from multichat_tui.model.limits import INBOX_INPUTS, MAX_NEARBY, MAX_PEER_ADDRESSES, PARKED_RECORDS_PER_PEER
from multichat_tui.model.ports import Counted, NearbySeen
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.nearby import open_window


def devices_in(person: Person, channel: ChannelId, user: UserId) -> int:
    """How many devices of an account somebody's copy of a control log names."""
    certificates = engine_of(person).world.channels[channel].control.certificates
    return sum(1 for certificate in certificates.values() if certificate.user == user)


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


def test_a_channel_names_only_so_many_devices_of_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = SimulatedWorld(301)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        monkeypatch.setattr("multichat_tui.node.ledger.MAX_MEMBER_DEVICES", 2)
        user = engine_of(bob).world.identity.user
        for number in range(3):
            await world.restore(bob, f"bob's number {number}", revoke=False)
            await asyncio.sleep(120)
        operations = len(engine_of(ann).world.channels[channel].control)
        assert [devices_in(person, channel, user) for person in (ann, bob)] == [2, 2]
        await asyncio.sleep(1800)
        assert len(engine_of(ann).world.channels[channel].control) == operations, "it is tried again and again"
        await bob.say(channel, "all the same")
        await until(lambda: has(ann, channel, "all the same"), "what the first device says arrives")

    run_virtual(story())


def test_of_people_who_are_no_contacts_only_so_many_device_lists_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(bound: int) -> set[str]:
        """Whose lists ann keeps."""
        world = SimulatedWorld(302)
        ann, bob, cid = await world.add("ann", "bob", "cid")
        await world.pair(ann, bob)
        await world.pair(bob, cid)
        channel = await world.channel_of(ann, bob, cid)
        monkeypatch.setattr("multichat_tui.node.devices.MAX_LISTS", bound)
        for person in (bob, cid):
            await world.restore(person, f"{person.name}'s second", revoke=False)
        await asyncio.sleep(120)
        await cid.say(channel, "still here")
        await until(lambda: has(ann, channel, "still here"), "messages go on")
        users = {person.name: engine_of(person).world.identity.user for person in (bob, cid)}
        return {name for name, user in users.items() if user in engine_of(ann).world.lists}

    assert run_virtual(story(2)) == {"bob", "cid"}
    assert run_virtual(story(0)) == {"bob"}


def test_links_are_not_read_while_too_much_waits_and_are_again_after_that() -> None:
    async def story() -> None:
        world = SimulatedWorld(303)
        (ann,) = await world.add("ann")
        paused: list[bool] = []
        pause = ann.network.pause

        def noted(wanted: bool) -> None:
            paused.append(wanted)
            pause(wanted)

        ann.network.pause = noted  # type: ignore[method-assign]
        for _ in range(INBOX_INPUTS // 2 + 1):
            ann.api._deliver(Counted(reason="flood", count=1))
        assert paused == [True]

        async def worked_off() -> bool:
            return paused == [True, False]

        await until(worked_off, "links are read again")
        assert engine_of(ann).world.counters["flood"] > INBOX_INPUTS // 4

    run_virtual(story())


def test_addresses_of_one_device_are_bounded_the_last_one_first() -> None:
    async def story() -> None:
        world = SimulatedWorld(304)
        (ann,) = await world.add("ann")
        dialing, device = engine_of(ann)._dialing, DeviceId(bytes(32))
        with ann.store.inner.transaction() as txn:
            engine_of(ann).begin(txn, ann.now_ms())
            for number in range(3 * MAX_PEER_ADDRESSES):
                dialing.remember(device, f"192.0.2.{number}:4000")
            kept = dialing.addresses(device)
            assert len(kept) == MAX_PEER_ADDRESSES
            assert kept[0] == f"192.0.2.{3 * MAX_PEER_ADDRESSES - 1}:4000"
            engine_of(ann).finish()

    run_virtual(story())


def test_people_nearby_and_their_addresses_are_bounded() -> None:
    window = open_window(random.Random(305).randbytes, 0)
    ids = [random.Random(number).randbytes(16) for number in range(MAX_NEARBY + 5)]
    news = [window.seen(NearbySeen(nearby=each, address="192.0.2.1:4000")) for each in ids]
    assert news == [True] * MAX_NEARBY + [False] * 5
    for number in range(2 * MAX_PEER_ADDRESSES):
        window.seen(NearbySeen(nearby=ids[0], address=f"192.0.2.2:{number + 1}"))
    assert len(window.people[ids[0]]) == MAX_PEER_ADDRESSES
    assert len(window.row().people) == MAX_NEARBY


def test_of_one_device_only_so_many_control_records_are_taken_whatever_it_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = SimulatedWorld(306)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob)
        monkeypatch.setattr("multichat_tui.node.ledger.MAX_CONTROL_RECORDS_PER_DEVICE", 16)
        # Bob's node does not keep to it.
        engine_of(bob)._ledger.has_room = lambda *_, **__: True  # type: ignore[method-assign]
        for number in range(40):
            await bob.api.submit(SetTopic(channel=channel, topic=f"topic {number}"))
        await asyncio.sleep(60)
        key = Log.CONTROL, engine_of(bob).world.identity.device[:PREFIX_SIZE]
        assert engine_of(bob).world.channels[channel].chains.held(key) + 1 >= 40
        assert engine_of(ann).world.channels[channel].chains.held(key) + 1 == 16
        for session in engine_of(ann).world.sessions.values():
            assert all(len(parking) <= PARKED_RECORDS_PER_PEER for parking in session.parking.values())
        await ann.say(channel, "all the same")
        await until(lambda: has(bob, channel, "all the same"), "ann's messages go on")

    run_virtual(story())
