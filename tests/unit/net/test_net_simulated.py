"""The simulated network beyond the common contract: loss, cuts, crashes, discovery, and that a seed decides everything."""

import asyncio
from collections.abc import Awaitable, Callable

from net_parties import Party, befriend, held_invitation, link, open_invitation, party, peer_credential

from multichat_tui.model.ports import DialFailed, LinkDown, LinkPath, LinkUp, NetworkChanged, PeerSeen
from multichat_tui.net.simulated import Conditions, SimulatedHub, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual

SEED = bytes(range(16))


def simulate(scenario: Callable[[SimulatedHub, Party, Party], Awaitable[object]], hub: SimulatedHub | None = None) -> object:
    """Run with two hosts started."""
    hub = hub or SimulatedHub(seed=7)

    async def run() -> object:
        ann, bob = (party(name, SimulatedNetwork(hub, name)) for name in ("ann", "bob"))
        await ann.start()
        await bob.start()
        return await scenario(hub, ann, bob)

    return run_virtual(run())


def lossy(seed: int, **changes: float) -> SimulatedHub:
    return SimulatedHub(seed, Conditions(latency_ms=10, reliable=False, **changes))


async def pour(ann: Party, bob: Party) -> list[int]:
    """Two hundred numbered frames; those that arrived, in the order of arrival."""
    up, _ = await link(ann, bob)
    await bob.up(ann)
    for number in range(200):
        ann.network.send(up.link, number.to_bytes(2, "big"))
        await asyncio.sleep(0.001)
    await asyncio.sleep(1)
    return [int.from_bytes(frame, "big") for frame in bob.frames()]


def poured(hub: SimulatedHub) -> list[int]:
    async def scenario(_: SimulatedHub, ann: Party, bob: Party) -> list[int]:
        return await pour(ann, bob)

    got = simulate(scenario, hub)
    assert isinstance(got, list)
    return got


def test_unreliable_links_lose_frames():
    assert 100 < len(poured(lossy(1, loss=0.2))) < 200


def test_unreliable_links_double_frames():
    got = poured(lossy(1, duplication=0.2))
    assert len(got) > 200
    assert set(got) == set(range(200))


def test_unreliable_links_let_frames_overtake_each_other():
    got = poured(lossy(1, reordering=0.2))
    assert sorted(got) == list(range(200))
    assert got != sorted(got)


def test_reliable_links_deliver_everything_in_order_whatever_happens_below():
    hub = SimulatedHub(1, Conditions(latency_ms=10, jitter_ms=30, loss=0.3, duplication=0.3, reordering=0.3))
    assert poured(hub) == list(range(200))


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    one, again, other = (poured(lossy(seed, loss=0.2, duplication=0.1, reordering=0.3)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_latency_is_that_of_the_pair():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> float:
        hub.set_conditions("bob", "ann", Conditions(latency_ms=500))
        up, _ = await link(ann, bob)
        began = asyncio.get_running_loop().time()
        ann.network.send(up.link, b"slow")
        await bob.until(bob.frames)
        return asyncio.get_running_loop().time() - began

    assert 0.49 < simulate(scenario) < 0.51


def test_a_cut_holds_frames_back_and_healing_lets_them_go_on():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        up, _ = await link(ann, bob)
        hub.partition({"ann"}, {"bob"})
        ann.network.send(up.link, b"into the cut")
        await asyncio.sleep(20)
        assert bob.frames() == []
        hub.heal()
        await bob.until(bob.frames)
        await asyncio.sleep(200)
        assert ann.all(LinkDown) == bob.all(LinkDown) == []

    simulate(scenario)


def test_a_long_cut_takes_the_link_down_at_both_ends():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        await link(ann, bob)
        hub.partition({"ann"}, {"bob"})
        assert (await ann.get(LinkDown)).reason == (await bob.get(LinkDown)).reason == "no answer"
        assert 30 < asyncio.get_running_loop().time() < 60
        ann.network.dial(peer_credential(ann.who, bob.who), bob.address)
        assert (await ann.get(DialFailed)).reason == "timed out"
        hub.heal()
        ann.network.dial(peer_credential(ann.who, bob.who), bob.address)
        await ann.up(bob)

    simulate(scenario)


def test_hosts_outside_the_groups_of_a_cut_reach_all():
    hub = SimulatedHub(seed=1)
    hub.partition({"a", "b"}, {"c"})
    assert hub.reaches("a", "b")
    assert not hub.reaches("a", "c")
    assert hub.reaches("x", "a")
    assert hub.reaches("x", "c")


def test_a_crash_is_noticed_by_silence_only():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        await link(ann, bob)
        bob.network.crash()
        await asyncio.sleep(5)
        assert ann.all(LinkDown) == []
        assert (await ann.get(LinkDown)).reason == "no answer"
        assert bob.all(LinkDown) == []

    simulate(scenario, SimulatedHub(seed=7, link_timeout_s=10))


def test_after_a_crash_the_host_comes_back_and_old_links_do_not():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        first, _ = await link(ann, bob)
        bob.network.crash()
        ann.network.send(first.link, b"lost")
        await bob.start()
        hub.heal()
        befriend(ann, bob)
        ann.network.dial(peer_credential(ann.who, bob.who), bob.address)
        await ann.get(LinkUp, lambda up: up.link != first.link)
        assert (await ann.get(LinkDown)).link == first.link
        assert bob.frames() == []

    simulate(scenario, SimulatedHub(seed=7, link_timeout_s=10))


def test_hosts_at_one_site_that_share_a_key_see_each_other():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        befriend(ann, bob)
        here, there = await ann.get(PeerSeen), await bob.get(PeerSeen)
        assert (here.address, there.address) == (bob.address, ann.address)
        assert here.path is LinkPath.LAN

    simulate(scenario)


def test_a_holder_of_an_invitation_sees_who_gave_it_and_not_the_other_way():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        ann.network.publish([held_invitation(SEED)])
        bob.network.publish([open_invitation(SEED)])
        assert (await ann.get(PeerSeen)).address == bob.address
        await asyncio.sleep(1)
        assert bob.all(PeerSeen) == []

    simulate(scenario)


def test_hosts_at_two_sites_do_not_see_each_other_but_can_be_dialled():
    async def run() -> None:
        hub = SimulatedHub(seed=1)
        ann = party("ann", SimulatedNetwork(hub, "ann", site="home"))
        bob = party("bob", SimulatedNetwork(hub, "bob", site="work"))
        await ann.start()
        await bob.start()
        up, _ = await link(ann, bob)
        assert up.path is LinkPath.DIRECT
        await asyncio.sleep(10)
        assert ann.all(PeerSeen) == bob.all(PeerSeen) == []

    run_virtual(run())


def test_a_cut_hides_and_healing_shows_again():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        hub.partition({"ann"}, {"bob"})
        befriend(ann, bob)
        await asyncio.sleep(10)
        assert ann.all(PeerSeen) == []
        hub.heal()
        await ann.get(PeerSeen)
        await bob.get(PeerSeen)

    simulate(scenario)


def test_a_host_that_moves_is_found_under_another_port_and_its_links_fall_silent():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        await link(ann, bob)
        before = bob.address
        bob.network.move()
        listen = (await bob.get(NetworkChanged)).listen
        assert listen != (before,)
        await ann.get(PeerSeen, lambda seen: seen.address == listen[0])
        assert (await ann.get(LinkDown)).reason == "no answer"

    simulate(scenario, SimulatedHub(seed=7, link_timeout_s=10))


def test_the_hub_shows_every_frame_to_whoever_watches():
    async def scenario(hub: SimulatedHub, ann: Party, bob: Party) -> None:
        watched: list[tuple[str, str, bytes]] = []
        hub.on_frame = lambda sender, receiver, frame: watched.append((sender.name, receiver.name, frame))
        up, _ = await link(ann, bob)
        ann.network.send(up.link, b"seen")
        await bob.until(bob.frames)
        assert watched == [("ann", "bob", b"seen")]

    simulate(scenario)
