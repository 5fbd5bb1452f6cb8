"""Who finds whom on one network, however many are there and however many keys everybody holds."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from itertools import combinations

import pytest
from builders import person
from net_parties import held_invitation, local_device, open_invitation
from simulated_world import SimulatedWorld, engine_of, until

from multichat_tui.model.limits import ANNOUNCE_AGAIN_S, ANNOUNCE_CHANGE_AGAIN_S, ANNOUNCED_KEYS
from multichat_tui.model.ports import Credential, CredentialKind, NetworkInput, PeerSeen
from multichat_tui.net.simulated import SimulatedHub, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual

LATE = 1.25
"""What chance may add to every wait."""
ARRIVAL_S = LATE * sum(ANNOUNCE_AGAIN_S[:-1])
"""By then four announcements have gone out."""
SEED = bytes(range(16))
SOMEBODY = person("somebody").device
"""Nobody is called here."""


def pair(one: str, other: str) -> bytes:
    return hashlib.sha256("/".join(sorted((one, other))).encode()).digest()


class Crowd:
    """Hosts on one LAN, and which keys each was shown, when. Each has keys of so many `absent` people, before the others."""

    def __init__(self, absent: int = 0) -> None:
        self.hub = SimulatedHub(seed=11)
        self.absent = absent
        self.networks: dict[str, SimulatedNetwork] = {}
        self.shown: dict[tuple[str, bytes], float] = {}

    async def arrive(self, *names: str, among: tuple[str, ...], more: tuple[Credential, ...] = ()) -> None:
        for name in names:
            network = self.networks[name] = SimulatedNetwork(self.hub, name)
            await network.start(local_device(person(name)), self._hears(name))
            network.publish(self.credentials(name, among, more))

    def _hears(self, name: str) -> Callable[[NetworkInput], None]:
        def hear(arrived: NetworkInput) -> None:
            if isinstance(arrived, PeerSeen):
                self.shown.setdefault((name, arrived.key), asyncio.get_running_loop().time())

        return hear

    def credentials(self, name: str, among: tuple[str, ...], more: tuple[Credential, ...] = ()) -> list[Credential]:
        """As a node has them: those of lower ids first."""
        others = [f"absent {number} of {name}" for number in range(self.absent)] + [each for each in among if each != name]
        keys = [pair(name, other) for other in others]
        return [*(Credential(kind=CredentialKind.PEER, key=key, device=SOMEBODY) for key in keys), *more]

    def found_s(self, one: str, other: str) -> float:
        """When one of them was shown the other; one is enough, as whoever is shown somebody calls."""
        key = pair(one, other)
        return min(self.shown.get((each, key), float("inf")) for each in (one, other))


def play(crowd: Crowd, story: Callable[[], Awaitable[object]]) -> Crowd:
    async def run() -> None:
        await story()

    run_virtual(run())
    return crowd


def names(count: int) -> tuple[str, ...]:
    return tuple(f"host {number:03}" for number in range(count))


@pytest.mark.parametrize("count", [50, 120])
def test_everybody_of_a_channel_on_one_network_finds_everybody_at_once(count: int) -> None:
    crowd, all_names = Crowd(), names(count)

    async def story() -> None:
        await crowd.arrive(*all_names, among=all_names)
        await asyncio.sleep(1)

    play(crowd, story)
    assert [two for two in combinations(all_names, 2) if crowd.found_s(*two) > 1] == []


@pytest.mark.parametrize("absent", [ANNOUNCED_KEYS - 49, 400, 800])
def test_people_with_hundreds_of_contacts_elsewhere_find_all_who_are_here(absent: int) -> None:
    """Each has more keys than one announcement names, and those of whoever is here come last."""
    crowd, all_names = Crowd(absent), names(51)

    async def story() -> None:
        await crowd.arrive(*all_names, among=all_names)
        await asyncio.sleep(ARRIVAL_S)

    play(crowd, story)
    assert [two for two in combinations(all_names, 2) if crowd.found_s(*two) > ARRIVAL_S] == []


def test_whoever_comes_to_people_who_were_there_for_long_is_found_soon() -> None:
    crowd, there = Crowd(absent=800), names(20)
    came_s = 0.0

    async def story() -> None:
        nonlocal came_s
        await crowd.arrive(*there, among=(*there, "newcomer"))
        await asyncio.sleep(3600)
        came_s = asyncio.get_running_loop().time()
        await crowd.arrive("newcomer", among=there)
        await asyncio.sleep(ARRIVAL_S)

    play(crowd, story)
    assert [name for name in there if not came_s <= crowd.found_s("newcomer", name) <= came_s + ARRIVAL_S] == []


def test_members_of_a_large_channel_that_several_join_find_each_other_within_minutes() -> None:
    """More new keys at once than one announcement has room for."""
    crowd, all_names = Crowd(), names(20)
    large = tuple(f"absent {number}" for number in range(400))
    joined_s = 0.0

    async def story() -> None:
        nonlocal joined_s
        await crowd.arrive(*all_names, among=())
        await asyncio.sleep(3600)
        joined_s = asyncio.get_running_loop().time()
        for name in all_names:
            crowd.networks[name].publish(crowd.credentials(name, (*large, *all_names)))
        await asyncio.sleep(LATE * ANNOUNCE_CHANGE_AGAIN_S)

    play(crowd, story)
    last_s = joined_s + LATE * ANNOUNCE_CHANGE_AGAIN_S
    assert [two for two in combinations(all_names, 2) if not joined_s <= crowd.found_s(*two) <= last_s] == []


def test_who_only_looks_finds_an_inviter_of_hundreds_of_contacts() -> None:
    """A holder of an invitation names nobody: that the inviter names it again and again is all that helps."""
    crowd = Crowd(absent=600)
    key = open_invitation(SEED).key

    async def story() -> float:
        await crowd.arrive("inviter", among=(), more=(open_invitation(SEED),))
        await asyncio.sleep(3 * 3600)
        came_s = asyncio.get_running_loop().time()
        await crowd.arrive("holder", among=(), more=(held_invitation(SEED),))
        await asyncio.sleep(3 * LATE * ANNOUNCE_AGAIN_S[-1])
        assert crowd.shown["holder", key] >= came_s
        return came_s

    play(crowd, story)


def test_somebody_who_is_no_contact_any_more_is_named_no_more() -> None:
    crowd = Crowd(absent=300)

    async def story() -> None:
        await crowd.arrive("ann", among=("bob",))
        await asyncio.sleep(1)
        crowd.networks["ann"].publish(crowd.credentials("ann", ()))
        await crowd.arrive("bob", among=())
        network = crowd.networks["bob"]
        held = Credential(kind=CredentialKind.HELD_INVITATION, key=pair("ann", "bob"), join_key=bytes(32), join_seed=bytes(32))
        network.publish([held])
        await asyncio.sleep(24 * 3600)

    play(crowd, story)
    assert crowd.shown == {}


def test_all_members_of_a_channel_of_three_dozen_are_linked_with_each_other() -> None:
    """Whole nodes: whoever is found is called."""

    async def story() -> None:
        world = SimulatedWorld(36)
        founder, *others = await world.add(*names(36))
        await world.channel_of(founder, *others)

        async def linked() -> bool:
            found = [{session.device for session in engine_of(each).world.sessions.values()} for each in world.people.values()]
            return all(len(devices) == 35 for devices in found)

        await until(linked, "everybody is linked with everybody", timeout_s=60)

    run_virtual(story())
