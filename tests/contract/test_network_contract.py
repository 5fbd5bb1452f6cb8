"""What every network keeps, the real one and its twin: who gets in, what arrives, and what is said of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from net_parties import (
    Party,
    befriend,
    held_invitation,
    link,
    mailbox_credential,
    mailbox_door,
    open_invitation,
    party,
    peer_credential,
)

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.limits import MAX_FRAME_BYTES, PING_INTERVAL_S
from multichat_tui.model.ports import DialFailed, FrameIn, LinkDown, LinkRtt, LinkUp, Network
from multichat_tui.net.network import TcpNetwork
from multichat_tui.net.simulated import SimulatedHub, SimulatedNetwork

SEED = bytes(range(16))
MakeNetwork = Callable[[str], Network]


@pytest.fixture(params=["simulated", "tcp"])
def make_network(request: pytest.FixtureRequest) -> MakeNetwork:
    if request.param == "tcp":
        return lambda _: TcpNetwork(listen="127.0.0.1:0", lan=False)
    hub = SimulatedHub(seed=1)
    return lambda name: SimulatedNetwork(hub, name, site=None)


@pytest.fixture
async def ann(make_network: MakeNetwork) -> AsyncIterator[Party]:
    one = party("ann", make_network("ann"))
    await one.start()
    yield one
    await one.network.stop()


@pytest.fixture
async def bob(make_network: MakeNetwork) -> AsyncIterator[Party]:
    one = party("bob", make_network("bob"))
    await one.start()
    yield one
    await one.network.stop()


@pytest.fixture
async def eve(make_network: MakeNetwork) -> AsyncIterator[Party]:
    one = party("eve", make_network("eve"))
    await one.start()
    yield one
    await one.network.stop()


async def test_peers_link_and_know_each_other(ann: Party, bob: Party):
    up_here, up_there = await link(ann, bob)
    assert (up_here.device, up_here.dialled, up_here.incarnation) == (bob.device, True, bob.local.incarnation)
    assert (up_there.device, up_there.dialled, up_there.incarnation) == (ann.device, False, ann.local.incarnation)
    assert up_here.certificate is None
    assert up_there.join_key is None


async def test_a_link_tells_where_the_other_end_listens(ann: Party, bob: Party):
    up_here, up_there = await link(ann, bob)
    assert up_here.address == bob.address
    assert up_there.address == ann.address


async def test_a_link_tells_its_round_trip_at_both_ends(ann: Party, bob: Party):
    up_here, up_there = await link(ann, bob)
    assert (await ann.get(LinkRtt)).link == up_here.link
    assert (await bob.get(LinkRtt)).link == up_there.link
    assert ann.all(LinkRtt)[0].rtt_ms > 0


async def test_a_holder_of_an_open_invitation_gets_in_with_a_certificate(ann: Party, bob: Party):
    bob.network.publish([open_invitation(SEED)])
    ann.network.publish([held_invitation(SEED)])
    ann.network.dial(held_invitation(SEED), bob.address)
    up_here, up_there = await ann.up(bob), await bob.up(ann)
    assert up_there.certificate == ann.who.certificate
    assert up_here.certificate == bob.who.certificate
    assert up_there.join_key == up_here.join_key == open_invitation(SEED).join_key


async def test_a_holder_of_the_token_key_without_the_join_key_stays_outside(ann: Party, bob: Party):
    """An ex-member has seen the token key in the control log, but never had the link."""
    bob.network.publish([open_invitation(SEED)])
    forged = replace(held_invitation(SEED), join_seed=bytes(32))
    ann.network.dial(forged, bob.address)
    assert (await ann.get(DialFailed)).reason == "it did not answer as our peer"
    assert bob.all(LinkUp) == []


async def test_a_wrong_key_gets_no_link(ann: Party, bob: Party):
    bob.network.publish([])
    credential = peer_credential(ann.who, bob.who)
    ann.network.dial(credential, bob.address)
    failed = await ann.get(DialFailed)
    assert (failed.key, failed.address) == (credential.key, bob.address)
    assert failed.reason == "it did not answer as our peer"
    assert bob.all(LinkUp) == []


async def test_the_right_key_in_another_hand_gets_no_link(ann: Party, bob: Party, eve: Party):
    """Whoever has stolen the pair key alone is not the device."""
    stolen = peer_credential(ann.who, bob.who)
    bob.network.publish([peer_credential(bob.who, ann.who)])
    eve.network.dial(stolen, bob.address)
    assert (await eve.get(DialFailed)).reason == "it did not answer as our peer"
    assert bob.all(LinkUp) == []


async def test_whoever_answers_must_be_the_device_that_was_called(ann: Party, bob: Party, eve: Party):
    eve.network.publish([peer_credential(bob.who, ann.who)])
    ann.network.dial(peer_credential(ann.who, bob.who), eve.address)
    assert (await ann.get(DialFailed)).reason == "it did not answer as our peer"
    assert ann.all(LinkUp) == []


async def test_an_invitation_key_is_no_peer_key(ann: Party, bob: Party):
    bob.network.publish([open_invitation(SEED)])
    as_peer = replace(peer_credential(ann.who, bob.who), key=open_invitation(SEED).key)
    ann.network.dial(as_peer, bob.address)
    await ann.get(DialFailed)
    assert bob.all(LinkUp) == []


async def test_nobody_there_is_said_so(ann: Party, bob: Party):
    address = bob.address
    await bob.network.stop()
    ann.network.dial(peer_credential(ann.who, bob.who), address)
    assert (await ann.get(DialFailed)).reason == "connection refused"


async def test_we_never_dial_ourselves(ann: Party, bob: Party):
    ann.network.dial(peer_credential(ann.who, bob.who), ann.address)
    assert (await ann.get(DialFailed)).reason == "this is ourselves"


async def test_frames_arrive_in_order_both_ways(ann: Party, bob: Party):
    up_here, up_there = await link(ann, bob)
    there = [f"there {n}".encode() for n in range(300)]
    back = [f"back {n}".encode() * (n % 40) for n in range(300)]
    for one, other in zip(there, back, strict=True):
        ann.network.send(up_here.link, one)
        bob.network.send(up_there.link, other)
    await bob.until(lambda: len(bob.frames()) == 300)
    await ann.until(lambda: len(ann.frames()) == 300)
    assert bob.frames() == there
    assert ann.frames() == back
    assert {arrived.link for arrived in bob.all(FrameIn)} == {up_there.link}


async def test_an_empty_frame_and_the_largest_frame_arrive(ann: Party, bob: Party):
    up_here, _ = await link(ann, bob)
    largest = bytes(range(256)) * (MAX_FRAME_BYTES // 256)
    ann.network.send(up_here.link, b"")
    ann.network.send(up_here.link, largest)
    await bob.until(lambda: len(bob.frames()) == 2)
    assert bob.frames() == [b"", largest]


async def test_a_frame_beyond_the_limit_is_refused_where_it_is_sent(ann: Party, bob: Party):
    up_here, _ = await link(ann, bob)
    with pytest.raises(ValueError, match="a frame of"):
        ann.network.send(up_here.link, bytes(MAX_FRAME_BYTES + 1))


async def test_a_frame_sent_as_soon_as_the_link_is_up_arrives_after_link_up(ann: Party, bob: Party):
    ann.on_input = lambda arrived: isinstance(arrived, LinkUp) and ann.network.send(arrived.link, b"first")
    await link(ann, bob)
    await bob.until(bob.frames)
    kinds = [type(arrived) for arrived in bob.inputs if isinstance(arrived, LinkUp | FrameIn)]
    assert kinds == [LinkUp, FrameIn]


async def test_closing_tells_both_ends_once(ann: Party, bob: Party):
    up_here, up_there = await link(ann, bob)
    ann.network.close_link(up_here.link, "enough")
    ann.network.close_link(up_here.link, "again")
    down_here, down_there = await ann.get(LinkDown), await bob.get(LinkDown)
    assert (down_here.link, down_here.reason) == (up_here.link, "enough")
    assert (down_there.link, down_there.reason) == (up_there.link, "closed by the other side")
    assert len(ann.all(LinkDown)) == len(bob.all(LinkDown)) == 1


async def test_what_was_sent_before_closing_arrives(ann: Party, bob: Party):
    up_here, _ = await link(ann, bob)
    for number in range(50):
        ann.network.send(up_here.link, number.to_bytes(2, "big") * 1000)
    ann.network.close_link(up_here.link, "enough")
    await bob.get(LinkDown)
    assert len(bob.frames()) == 50
    assert isinstance(bob.inputs[-1], LinkDown)


async def test_closing_is_never_told_from_within_the_call(ann: Party, bob: Party):
    up_here, _ = await link(ann, bob)
    ann.network.close_link(up_here.link, "enough")
    assert ann.all(LinkDown) == []
    await ann.get(LinkDown)


async def test_links_that_are_not_there_are_ignored(ann: Party, bob: Party):
    up_here, _ = await link(ann, bob)
    ann.network.close_link(up_here.link, "enough")
    await ann.get(LinkDown)
    ann.network.send(up_here.link, b"late")
    ann.network.close_link(up_here.link, "late")
    await bob.get(LinkDown)
    assert bob.frames() == []


async def test_the_same_dial_twice_is_one_attempt(ann: Party, bob: Party):
    befriend(ann, bob)
    credential = peer_credential(ann.who, bob.who)
    ann.network.dial(credential, bob.address)
    ann.network.dial(credential, bob.address)
    await ann.up(bob)
    await bob.up(ann)
    ann.network.send(ann.all(LinkUp)[0].link, b"after any second attempt would have begun")
    await bob.until(bob.frames)
    assert len(ann.all(LinkUp)) == len(bob.all(LinkUp)) == 1
    assert ann.all(DialFailed) == []


async def test_a_dial_may_follow_a_failed_one_at_once(ann: Party, bob: Party):
    bob.network.publish([])
    credential = peer_credential(ann.who, bob.who)

    def again(arrived: object) -> None:
        if isinstance(arrived, DialFailed):
            bob.network.publish([peer_credential(bob.who, ann.who)])
            ann.network.dial(credential, bob.address)

    ann.on_input = again
    ann.network.dial(credential, bob.address)
    await ann.up(bob)


async def test_stopping_tells_the_other_end_and_nothing_here(ann: Party, bob: Party):
    await link(ann, bob)
    await ann.get(LinkRtt)
    before = len(ann.inputs)
    await ann.network.stop()
    assert (await bob.get(LinkDown)).reason == "closed by the other side"
    assert len(ann.inputs) == before


async def test_a_restarted_node_links_again_as_a_new_incarnation(ann: Party, bob: Party):
    first, _ = await link(ann, bob)
    await bob.network.stop()
    await ann.get(LinkDown)
    await bob.start()
    befriend(ann, bob)
    ann.network.dial(peer_credential(ann.who, bob.who), bob.address)
    second = await ann.up(bob)
    assert second.link != first.link
    assert second.incarnation > first.incarnation


async def test_stopping_twice_is_no_error(ann: Party):
    await ann.network.stop()
    await ann.network.stop()


async def test_credentials_count_from_when_they_are_published(ann: Party, bob: Party):
    credential = peer_credential(ann.who, bob.who)
    ann.network.dial(credential, bob.address)
    await ann.get(DialFailed)
    bob.network.publish([peer_credential(bob.who, ann.who)])
    ann.network.dial(credential, bob.address)
    await ann.up(bob)


async def test_nothing_arrives_while_reading_is_paused_and_all_of_it_afterwards(ann: Party, bob: Party):
    up_here, up_there = await link(ann, bob)
    bob.network.pause(True)
    for number in range(20):
        ann.network.send(up_here.link, bytes([number]))
    bob.network.send(up_there.link, b"still writing")
    await ann.until(ann.frames)
    assert bob.frames() == []
    bob.network.pause(False)
    await bob.until(lambda: len(bob.frames()) == 20)
    assert bob.frames() == [bytes([number]) for number in range(20)]


async def test_an_end_that_does_not_read_costs_the_link_and_not_the_memory(ann: Party, bob: Party):
    up_here, _ = await link(ann, bob)
    await ann.get(LinkRtt)
    await bob.get(LinkRtt)
    bob.network.pause(True)
    for _ in range(64):
        ann.network.send(up_here.link, bytes(MAX_FRAME_BYTES))
    async with asyncio.timeout(PING_INTERVAL_S / 2):  # the next ping would find out, too, but only then
        down = await ann.get(LinkDown)
    assert (down.link, down.reason) == (up_here.link, "it does not read what we send")


DOOR_KEY, BOX_SEED = b"d" * 32, b"b" * 32
BOX = public_key(BOX_SEED)


async def test_whoever_holds_the_door_key_comes_to_a_mailbox_as_nobody(ann: Party, bob: Party):
    bob.network.publish([mailbox_door(DOOR_KEY, BOX_SEED)])
    ann.network.dial(mailbox_credential(DOOR_KEY, BOX, b"1" * 32), bob.address)
    here, there = await ann.get(LinkUp), await bob.get(LinkUp)
    assert (here.mailbox, here.dialled, here.device, here.local) == (True, True, BOX, public_key(b"1" * 32))
    assert (there.mailbox, there.dialled, there.device, there.local) == (True, False, public_key(b"1" * 32), BOX)
    assert here.certificate is there.certificate is here.join_key is there.join_key is None
    assert (here.incarnation, there.incarnation) == (0, 0)
    assert there.address.endswith(":0"), "it says where else its user is found"
    assert here.binding == there.binding


async def test_one_node_comes_to_a_mailbox_as_two_at_a_time(ann: Party, bob: Party):
    bob.network.publish([mailbox_door(DOOR_KEY, BOX_SEED)])
    for seed in (b"1" * 32, b"2" * 32):
        ann.network.dial(mailbox_credential(DOOR_KEY, BOX, seed), bob.address)
    await bob.until(lambda: len(bob.all(LinkUp)) == 2)
    assert {up.device for up in bob.all(LinkUp)} == {public_key(b"1" * 32), public_key(b"2" * 32)}


async def test_another_mailbox_under_the_door_key_is_not_the_one_that_was_called(ann: Party, bob: Party):
    """Everybody who writes to a mailbox holds its door key."""
    bob.network.publish([mailbox_door(DOOR_KEY, b"x" * 32)])
    credential = mailbox_credential(DOOR_KEY, BOX, b"1" * 32)
    ann.network.dial(credential, bob.address)
    failed = await ann.get(DialFailed)
    assert (failed.reason, failed.local) == ("it did not answer as our peer", public_key(b"1" * 32))
    assert ann.all(LinkUp) == []


async def test_a_door_key_opens_nothing_but_the_door(ann: Party, bob: Party):
    bob.network.publish([mailbox_credential(DOOR_KEY, BOX, BOX_SEED)])
    ann.network.dial(mailbox_credential(DOOR_KEY, BOX, b"1" * 32), bob.address)
    assert (await ann.get(DialFailed)).reason == "it did not answer as our peer"
    assert bob.all(LinkUp) == []
