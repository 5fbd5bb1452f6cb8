"""Two machines on one cable: network namespaces joined by a virtual link, with real multicast, TCP and TLS."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from builders import person
from cable import Cable, Ear, heard, ip, laid_cable
from net_parties import peer_credential

pytestmark = pytest.mark.lan

PATIENCE_S = 30.0
PROGRAM = Path(__file__).with_name("lan_program.py")
Require = Callable[[bool, str], None]


@pytest.fixture
def cable(require: Require) -> Iterator[Cable]:
    with laid_cable(require) as one:
        yield one


class Program:
    """A process in a namespace that tells what happens in lines of JSON."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.told: list[dict[str, object]] = []

    @classmethod
    async def start(cls, namespace: str, *words: str) -> "Program":
        child = await asyncio.create_subprocess_exec(
            "ip", "netns", "exec", namespace, sys.executable, str(PROGRAM), *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(child)

    async def until(self, key: str, where: Callable[[object], bool] = lambda _: True, *, since: int = 0) -> object:
        """What was told, or is told next, under a key; `since`: not what was among the first so many."""
        async with asyncio.timeout(PATIENCE_S):
            at = since
            while True:
                for told in self.told[at:]:
                    if key in told and where(told[key]):
                        return told[key]
                at = len(self.told)
                assert self.child.stdout is not None
                line = await self.child.stdout.readline()
                if not line:
                    raise AssertionError(f"the program ended; it told {self.told}")
                self.told.append(json.loads(line))

    def say(self, line: str) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(line.encode() + b"\n")

    async def end(self) -> None:
        assert self.child.stdin is not None
        self.child.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self.child.wait()
            except TimeoutError:
                self.child.kill()
                await self.child.wait()


@pytest.fixture
async def programs() -> AsyncIterator[list[Program]]:
    started: list[Program] = []
    yield started
    for one in started:
        await one.end()


async def start(programs: list[Program], namespace: str, *words: str) -> Program:
    one = await Program.start(namespace, *words)
    programs.append(one)
    return one


async def test_two_machines_find_each_other_and_link(cable: Cable, programs: list[Program]):
    ann = await start(programs, cable.left, "device", "ann", "bob")
    bob = await start(programs, cable.right, "device", "bob", "ann")
    assert str(await ann.until("up")).startswith("10.77.0.2:")
    assert str(await bob.until("up")).startswith("10.77.0.1:")
    assert await ann.until("path") == "lan"
    assert await ann.until("right") is True
    ann.say("send hello over the cable")
    assert await bob.until("frame") == "hello over the cable"


@pytest.mark.parametrize("count", [40, 231, 500])
async def test_two_machines_find_each_other_whose_keys_come_after_many_others(cable: Cable, programs: list[Program], count: int):
    ann = await start(programs, cable.left, "device", "ann", "bob", str(count))
    bob = await start(programs, cable.right, "device", "bob", "ann", str(count))
    assert str(await ann.until("up")).startswith("10.77.0.2:")
    assert str(await bob.until("up")).startswith("10.77.0.1:")
    assert await ann.until("right") is True


async def test_announcements_are_of_one_size_and_fit_one_packet_whomever_they_name(cable: Cable, tmp_path: Path):
    """By what goes over the cable: nobody sees how many are named."""
    ear = Ear(cable.left, tmp_path / "wire")
    sizes = []
    for count in (0, 500):
        begin = ear.mark()
        ann = await Program.start(cable.right, "device", "ann", "bob", str(count))
        await ann.until("listen")
        found: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            while not found:
                await asyncio.sleep(0)
                packets = await asyncio.to_thread(heard, ear.file, begin, ear.mark())
                found = [len(packet.payload) for packet in packets if b"v=1" in packet.payload and packet.source == Cable.RIGHT]
        await ann.end()
        packets = heard(ear.file, begin, ear.mark())
        sizes.append({len(packet.payload) for packet in packets if b"v=1" in packet.payload})
        assert not any(len(packet.raw) > 1514 for packet in packets)
    ear.stop()
    assert sizes[0] == sizes[1]
    assert len(sizes[0]) == 1


def spellings(secret: bytes) -> list[bytes]:
    """How a value could be written."""
    return [
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        base64.b32encode(secret)[:48],
        base64.b32encode(secret)[:48].lower(),
        base64.b64encode(secret)[:40],
        base64.urlsafe_b64encode(secret)[:40],
        secret[:12],
    ]


async def test_the_wire_shows_no_name_id_key_or_text(cable: Cable, programs: list[Program], tmp_path: Path):
    """Discovery, the link and a message, seen by somebody on the same cable. Nor does it show the other networks of a machine."""
    ip("-n", cable.right, "link", "add", "other", "type", "veth", "peer", "name", "end")
    ip("-n", cable.right, "addr", "add", "10.88.0.1/24", "dev", "other")
    for name in ("other", "end"):
        ip("-n", cable.right, "link", "set", name, "up")
    capture = await start(programs, cable.left, "capture", str(tmp_path / "wire"))
    await capture.until("capturing")
    ann = await start(programs, cable.left, "device", "ann-of-the-harbour", "bob-of-the-lighthouse")
    bob = await start(programs, cable.right, "device", "bob-of-the-lighthouse", "ann-of-the-harbour")
    await ann.until("up")
    await bob.until("up")
    ann.say("send nobody else reads this")
    assert await bob.until("frame") == "nobody else reads this"
    late = await start(programs, cable.left, "device", "ann-of-the-harbour", "bob-of-the-lighthouse")
    await late.until("seen", lambda address: str(address).startswith("10.77.0.2:"))
    await late.end()
    await ann.end()
    await bob.end()
    await capture.end()
    wire = (tmp_path / "wire").read_bytes()
    assert b"_multichat" in wire
    assert b"\x16\x03" in wire
    assert socket.inet_aton("10.77.0.2") in wire
    assert socket.inet_aton("10.88.0.1") not in wire
    assert socket.inet_aton("127.0.0.1") not in wire
    one, other = person("ann-of-the-harbour"), person("bob-of-the-lighthouse")
    secrets = [peer_credential(one, other).key]
    for who in (one, other):
        certificate = who.certificate
        secrets += [who.device, who.user, certificate.account_key, certificate.sealing_key, certificate.olm_key]
    for secret in secrets:
        for spelling in spellings(secret):
            assert spelling not in wire
    for text in (b"ann-of-the-harbour", b"bob-of-the-lighthouse", b"nobody else reads this"):
        assert text not in wire
    host = os.uname().nodename.encode()
    assert len(host) < 6 or host not in wire  # a shorter name is in any random bytes


async def test_a_machine_that_gets_another_address_is_found_there_under_another_port(cable: Cable, programs: list[Program]):
    ann = await start(programs, cable.left, "device", "ann", "bob")
    bob = await start(programs, cable.right, "device", "bob", "ann")
    await ann.until("up")
    before = str(await ann.until("seen", lambda address: str(address).startswith("10.77.0.2:")))
    ip("-n", cable.right, "addr", "del", "10.77.0.2/24", "dev", "cable")
    ip("-n", cable.right, "addr", "add", "10.77.0.9/24", "dev", "cable")
    listen = await bob.until("listen", lambda listen: any(str(a).startswith("10.77.0.9:") for a in listen))
    assert listen
    seen = str(await ann.until("seen", lambda address: str(address).startswith("10.77.0.9:")))
    assert seen.rpartition(":")[2] != before.rpartition(":")[2]


async def test_a_machine_that_is_plugged_in_later_is_found(cable: Cable, programs: list[Program]):
    ip("-n", cable.right, "addr", "del", "10.77.0.2/24", "dev", "cable")
    ann = await start(programs, cable.left, "device", "ann", "bob")
    bob = await start(programs, cable.right, "device", "bob", "ann")
    await ann.until("listen")
    await bob.until("listen")
    ip("-n", cable.right, "addr", "add", "10.77.0.2/24", "dev", "cable")
    await bob.until("up")
    await ann.until("up")


async def test_after_a_cable_was_unplugged_and_plugged_in_both_see_each_other_again(cable: Cable, programs: list[Program]):
    ann = await start(programs, cable.left, "device", "ann", "bob")
    bob = await start(programs, cable.right, "device", "bob", "ann")
    await ann.until("up")
    await bob.until("up")
    here, there = len(ann.told), len(bob.told)
    ip("-n", cable.left, "link", "set", "cable", "down")
    await ann.until("listen", lambda listen: "10.77.0.1" not in str(listen), since=here)
    await bob.until("listen", lambda listen: "10.77.0.2" not in str(listen), since=there)
    ann.say("cut")
    await ann.until("down")
    here, there = len(ann.told), len(bob.told)
    ip("-n", cable.left, "link", "set", "cable", "up")
    assert str(await ann.until("seen", since=here)).startswith("10.77.0.2:")
    assert str(await bob.until("seen", since=there)).startswith("10.77.0.1:")
    await ann.until("up", since=here)


async def test_a_machine_without_any_network_starts_and_stops(cable: Cable, programs: list[Program]):
    ip("-n", cable.left, "link", "set", "cable", "down")
    ip("-n", cable.left, "link", "set", "lo", "down")
    ann = await start(programs, cable.left, "device", "ann", "bob")
    await ann.until("listen")
    ann.say("quit")
    assert await ann.child.wait() == 0
