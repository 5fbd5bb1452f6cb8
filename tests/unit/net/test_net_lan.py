"""Discovery on one host: two networks that hear each other over loopback multicast."""

import os
from collections.abc import AsyncIterator

import pytest
from net_parties import Party, befriend, held_invitation, open_invitation, party, peer_credential

from multichat_tui.model.ports import LinkPath, PeerSeen
from multichat_tui.net.network import TcpNetwork

SEED = os.urandom(16)
RUN = os.urandom(8).hex()
"""All on this host hear each other, other runs of these tests as well: nobody may be called the same."""


@pytest.fixture
async def ann() -> AsyncIterator[Party]:
    one = party(f"ann {RUN}", TcpNetwork(listen="127.0.0.1:0"))
    await one.start()
    yield one
    await one.network.stop()


@pytest.fixture
async def bob() -> AsyncIterator[Party]:
    one = party(f"bob {RUN}", TcpNetwork(listen="127.0.0.1:0"))
    await one.start()
    yield one
    await one.network.stop()


async def test_peers_on_one_host_see_each_other(ann: Party, bob: Party):
    befriend(ann, bob)
    here = await ann.get(PeerSeen, lambda seen: seen.address == bob.address)
    there = await bob.get(PeerSeen, lambda seen: seen.address == ann.address)
    key = peer_credential(ann.who, bob.who).key
    assert (here.key, here.path) == (there.key, there.path) == (key, LinkPath.LOCAL)


async def test_whoever_becomes_a_peer_later_is_seen_then(ann: Party, bob: Party):
    befriend(ann, bob)
    await ann.get(PeerSeen)
    await bob.get(PeerSeen)
    ann.inputs.clear()
    bob.inputs.clear()
    bob.network.publish([open_invitation(SEED), peer_credential(bob.who, ann.who)])
    ann.network.publish([held_invitation(SEED), peer_credential(ann.who, bob.who)])
    seen = await ann.get(PeerSeen, lambda seen: seen.key == open_invitation(SEED).key)
    assert seen.address == bob.address


async def test_what_is_seen_can_be_dialled(ann: Party, bob: Party):
    befriend(ann, bob)
    seen = await ann.get(PeerSeen)
    ann.network.dial(peer_credential(ann.who, bob.who), seen.address)
    await ann.up(bob)


async def test_somebody_who_shares_no_key_sees_nobody(ann: Party, bob: Party):
    eve = party(f"eve {RUN}", TcpNetwork(listen="127.0.0.1:0"))
    await eve.start()
    eve.network.publish([peer_credential(eve.who, ann.who)])
    befriend(ann, bob)
    await ann.get(PeerSeen)
    await bob.get(PeerSeen)
    assert eve.all(PeerSeen) == []
    await eve.network.stop()


async def test_with_discovery_off_nobody_is_seen(ann: Party, bob: Party):
    quiet = party(f"cat {RUN}", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await quiet.start()
    quiet.network.publish([peer_credential(quiet.who, ann.who)])
    ann.network.publish([peer_credential(ann.who, quiet.who), peer_credential(ann.who, bob.who)])
    bob.network.publish([peer_credential(bob.who, ann.who)])
    await bob.get(PeerSeen)
    await ann.get(PeerSeen)
    assert quiet.all(PeerSeen) == []
    assert {seen.address for seen in ann.all(PeerSeen)} == {bob.address}
    await quiet.network.stop()
