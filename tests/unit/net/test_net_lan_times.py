"""When a node announces itself, and whom it names, in virtual time: on an interface whose neighbourhood only writes down."""

import asyncio
import ipaddress
import os
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise

import pytest

from multichat_tui.model.hosts import Address
from multichat_tui.model.limits import ANNOUNCE_CHANGE_EVERY_S, ANNOUNCE_CHANGES
from multichat_tui.model.ports import Credential, CredentialKind, NearbySeen, PeerSeen
from multichat_tui.net import lan as lan_module
from multichat_tui.net import neighbourhood
from multichat_tui.net.announcement import Announcement, announce, announced_keys, matching
from multichat_tui.net.lan import BURST, EVERY_S, LanDiscovery
from multichat_tui.net.virtual_time import run_virtual

HERE = ipaddress.ip_address("192.0.2.7")
DEVICE = bytes(32)
DAY = 20_000


class Paper:
    """What is shown on the one interface, and when."""

    shown: list[tuple[float, Announcement, int]]
    """Time, announcement, bytes of its TXT record."""

    def __init__(self, interface: str, addresses: tuple[Address, ...], **heard: object) -> None:
        self.addresses = addresses

    async def begin(self) -> None:
        pass

    async def show(self, announcement: Announcement, text: Mapping[str, bytes]) -> None:
        size = sum(2 + len(name) + len(value) for name, value in text.items())
        self.shown.append((asyncio.get_running_loop().time(), announcement, size))

    async def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> None:
    Paper.shown = []
    monkeypatch.setattr(neighbourhood, "Neighbourhood", Paper)
    monkeypatch.setattr(lan_module, "interface_addresses", lambda: (("eth0", (HERE,)),))
    monkeypatch.setattr(lan_module, "own_networks", lambda: [ipaddress.ip_network("192.0.2.0/24")])


def peers(count: int, first: int = 0) -> list[Credential]:
    return [Credential(kind=CredentialKind.PEER, key=n.to_bytes(2) * 16, device=DEVICE) for n in range(first, first + count)]


def play(
    story: Callable[[LanDiscovery], Awaitable[object]],
    credentials: list[Credential],
    *,
    until_s: float = 600,
    chance: int = 0,
) -> tuple[list[float], list[PeerSeen | NearbySeen]]:
    """When announcements were shown after the first one, and what the node was told. `chance` is every byte of chance."""
    told: list[PeerSeen | NearbySeen] = []

    async def run() -> None:
        lan = LanDiscovery(
            seen=lambda seen: told.append(seen),
            entropy=lambda size: bytes([chance]) * size if size == 2 else os.urandom(size),
            wall_s=lambda: DAY * 86_400,
        )
        lan.publish(tuple(credentials))
        lan.look(4001, None)
        await lan.settled()
        await story(lan)
        await asyncio.sleep(until_s - asyncio.get_running_loop().time() % 1)
        await lan.close()
        await asyncio.sleep(86_400)

    run_virtual(run())
    begin_s = Paper.shown[0][0]
    return [shown_s - begin_s for shown_s, _, _ in Paper.shown[1:]], told


async def nothing(_: LanDiscovery) -> None:
    pass


@pytest.mark.parametrize("count", [0, 3, 232, 500, 900])
def test_announcements_come_at_the_same_times_in_the_same_size_whomever_they_name(count: int):
    times, _ = play(nothing, peers(count))
    assert times == pytest.approx([7.5, 22.5, 67.5, 517.5])
    assert {size for _, _, size in Paper.shown} == {3 + 1 + 3 + 5 + 2 * (3 + 128) + 4 * (3 + 200)}
    assert len({shown.instance for _, shown, _ in Paper.shown}) == 5
    assert not frozenset.intersection(*(shown.tokens | shown.short for _, shown, _ in Paper.shown))


@pytest.mark.parametrize("count", [232, 500, 900])
def test_four_announcements_name_everybody(count: int):
    credentials = peers(count)
    play(nothing, credentials, until_s=100)
    named = {credential.key for _, shown, _ in Paper.shown for credential in matching(shown, credentials, DAY)}
    assert len(Paper.shown) == 4
    assert named == {credential.key for credential in credentials}


def test_who_is_new_is_named_at_once_where_all_others_were():
    async def story(lan: LanDiscovery) -> None:
        await asyncio.sleep(100)
        lan.publish((*peers(900), *peers(2, first=1000)))
        await asyncio.sleep(1)

    times, _ = play(story, peers(900))
    assert 100 < times[3] < 101
    assert list(matching(Paper.shown[4][1], peers(2, first=1000), DAY)) == peers(2, first=1000)


def test_changes_that_do_not_end_are_announced_now_and_then():
    async def story(lan: LanDiscovery) -> None:
        for number in range(200):
            lan.publish(tuple(peers(number)))
            await asyncio.sleep(1)

    times, _ = play(story, [], chance=255)
    assert len([at for at in times if at < 10]) == ANNOUNCE_CHANGES
    rounds = 5
    assert len([at for at in times if at < 200]) <= ANNOUNCE_CHANGES + 200 / ANNOUNCE_CHANGE_EVERY_S + rounds
    assert max(after - before for before, after in pairwise(times) if after < 200) < ANNOUNCE_CHANGE_EVERY_S + 1
    last = Paper.shown[-1][1]
    assert len(list(matching(last, peers(300), DAY))) == 199


def test_what_changes_nothing_on_the_air_is_not_announced():
    held = Credential(kind=CredentialKind.HELD_INVITATION, key=b"h" * 32, join_key=bytes(32), join_seed=bytes(32))
    hidden = Credential(kind=CredentialKind.PEER, key=b"i" * 32, device=DEVICE, announced=False)

    async def story(lan: LanDiscovery) -> None:
        for changed in (peers(3)[::-1], [*peers(3), held], [hidden, *peers(3)], peers(3) + peers(3)):
            lan.publish(tuple(changed))
            await asyncio.sleep(1)

    times, _ = play(story, peers(3))
    assert times == pytest.approx([7.5, 22.5, 67.5, 517.5])


def test_who_rests_is_silent_and_who_is_back_begins_anew():
    async def story(lan: LanDiscovery) -> None:
        lan.rest()
        await asyncio.sleep(3600)
        lan.look(4002, None)
        await lan.settled()

    times, _ = play(story, peers(3), until_s=30)
    assert times == pytest.approx([3600, 3607.5, 3622.5])
    assert {shown.port for _, shown, _ in Paper.shown[1:]} == {4002}


def found_by(credentials: list[Credential], seed: bytes = b"one") -> Announcement:
    other = ipaddress.ip_address("192.0.2.8")
    found, _ = announce(announced_keys(credentials), day=DAY, port=5000, addresses=(other,), entropy=os.urandom)
    return found


def test_an_announcement_is_told_once_for_each_key_and_again_for_keys_that_come():
    async def story(lan: LanDiscovery) -> None:
        lan._found("eth0", found_by(peers(300)))
        for changed in (peers(2, first=5), peers(3, first=4), peers(1, first=5), peers(3, first=4), peers(9, first=400)):
            lan.publish(tuple(changed))
        lan._found("eth0", found_by(peers(300)))

    _, told = play(story, peers(2, first=4))
    keys = [int.from_bytes(seen.key[:2]) for seen in told if isinstance(seen, PeerSeen)]
    assert keys == [4, 5, 6, 4, 4, 6]


def test_of_a_flood_some_are_looked_at():
    async def story(lan: LanDiscovery) -> None:
        assert [lan._heard(f"{n}") for n in range(2 * BURST)] == [True] * BURST + [False] * BURST
        await asyncio.sleep(10.5 * EVERY_S)
        assert [lan._heard(f"{n}") for n in range(20)].count(True) == 10
        await asyncio.sleep(3600)
        assert all(lan._heard(f"{n}") for n in range(BURST))
        assert not lan._heard("one more")

    play(story, [])
