"""What everybody on one LAN is shown, by the real network and by its twin: whoever holds a key is found, however many keys others
hold beside it."""

import os
from collections.abc import AsyncIterator, Callable

import pytest
from net_parties import Party, held_invitation, open_invitation, party, peer_credential

from multichat_tui.model.limits import ANNOUNCED_KEYS
from multichat_tui.model.ports import Credential, CredentialKind, Network, PeerSeen
from multichat_tui.net.network import TcpNetwork
from multichat_tui.net.simulated import SimulatedHub, SimulatedNetwork

SEED = os.urandom(16)
RUN = os.urandom(8).hex()
"""All on this host hear each other, other runs of these tests as well: nobody may be called the same."""
AGAIN_S = (0.4, 0.4, 0.4, 0.8)
"""Sooner than for people, and the last one for ever."""
MakeNetwork = Callable[[str], Network]


@pytest.fixture(params=["simulated", "tcp"])
def make_network(request: pytest.FixtureRequest) -> MakeNetwork:
    if request.param == "tcp":
        return lambda _: TcpNetwork(listen="127.0.0.1:0", again_s=AGAIN_S)
    hub = SimulatedHub(seed=1)
    return lambda name: SimulatedNetwork(hub, name, again_s=AGAIN_S)


@pytest.fixture
async def ann(make_network: MakeNetwork) -> AsyncIterator[Party]:
    one = party(f"ann {RUN}", make_network("ann"))
    await one.start()
    yield one
    await one.network.stop()


@pytest.fixture
async def bob(make_network: MakeNetwork) -> AsyncIterator[Party]:
    one = party(f"bob {RUN}", make_network("bob"))
    await one.start()
    yield one
    await one.network.stop()


def absent(who: Party, count: int) -> list[Credential]:
    """Keys that nobody else holds."""
    return [Credential(kind=CredentialKind.PEER, key=os.urandom(32), device=who.device) for _ in range(count)]


@pytest.mark.parametrize("count", [0, 40, ANNOUNCED_KEYS - 1, ANNOUNCED_KEYS, 500])
async def test_two_find_each_other_whose_keys_come_after_many_others(ann: Party, bob: Party, count: int):
    ann.network.publish([*absent(ann, count), peer_credential(ann.who, bob.who)])
    bob.network.publish([*absent(bob, count), peer_credential(bob.who, ann.who)])
    here = await ann.get(PeerSeen, lambda seen: seen.address == bob.address)
    there = await bob.get(PeerSeen, lambda seen: seen.address == ann.address)
    assert here.key == there.key == peer_credential(ann.who, bob.who).key


@pytest.mark.parametrize("count", [40, 500])
async def test_a_holder_of_an_invitation_finds_an_inviter_of_many_contacts(ann: Party, bob: Party, count: int):
    bob.network.publish([held_invitation(SEED)])
    ann.network.publish([*absent(ann, count), open_invitation(SEED)])
    seen = await bob.get(PeerSeen)
    assert (seen.key, seen.address) == (open_invitation(SEED).key, ann.address)


async def test_one_of_two_who_names_the_other_is_enough(ann: Party, bob: Party):
    """Whoever is new to somebody of many contacts is named first; the other way round it may take its turns."""
    hidden = Credential(kind=CredentialKind.PEER, key=peer_credential(ann.who, bob.who).key, device=bob.device, announced=False)
    ann.network.publish([*absent(ann, 500), hidden])
    bob.network.publish([*absent(bob, 500), peer_credential(bob.who, ann.who)])
    seen = await ann.get(PeerSeen)
    assert (seen.key, seen.address) == (hidden.key, bob.address)
    assert bob.all(PeerSeen) == []


async def test_a_key_that_is_published_again_is_shown_again(ann: Party, bob: Party):
    """Whoever was forgotten has forgotten where the other is."""
    known = peer_credential(ann.who, bob.who)
    bob.network.publish([peer_credential(bob.who, ann.who)])
    ann.network.publish([known])
    await ann.get(PeerSeen)
    ann.network.publish([])
    ann.inputs.clear()
    ann.network.publish([known])
    assert (await ann.get(PeerSeen)).address == bob.address
