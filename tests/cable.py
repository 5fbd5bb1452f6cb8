"""Machines on one cable: network namespaces joined by a virtual link, and somebody who hears all that goes over it.

Run as a program, `cable.py INTERFACE FILE` writes every packet of the interface to the file until its standard input ends.
"""

import contextlib
import itertools
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 30.0
LENGTH = struct.Struct(">I")
EVERY_PROTOCOL = 3
LARGEST_PACKET = 256 * 1024
"""Offloading hands over segments far larger than the wire's."""
WIRE_BUFFER_BYTES = 16 * 1024 * 1024
SO_RCVBUFFORCE = 33
PACKET_OUTGOING = 4

_numbers = itertools.count(1)


def ip(*words: str, check: bool = True) -> bool:
    return subprocess.run(["ip", *words], check=check, capture_output=True).returncode == 0


class Cable:
    """Two namespaces and the link between them; `left` has 10.77.0.1, `right` 10.77.0.2."""

    LEFT = "10.77.0.1"
    RIGHT = "10.77.0.2"

    def __init__(self) -> None:
        number = next(_numbers)
        self.left, self.right = f"mc{os.getpid()}-{number}l", f"mc{os.getpid()}-{number}r"

    def lay(self) -> None:
        for name in (self.left, self.right):
            ip("netns", "add", name)
        ip("-n", self.left, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.right)
        for name, address in ((self.left, self.LEFT), (self.right, self.RIGHT)):
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")

    def cut(self) -> None:
        """Both ends lose their carrier: the other's end is that of a switch which was turned off."""
        ip("-n", self.left, "link", "set", "cable", "down")

    def mend(self) -> None:
        ip("-n", self.left, "link", "set", "cable", "up")

    def remove(self) -> None:
        for name in (self.left, self.right):
            ip("netns", "del", name, check=False)


@contextlib.contextmanager
def laid_cable(require: Callable[[bool, str], None]) -> Iterator[Cable]:
    """A cable for a test, where that is possible; gone afterwards."""
    require(shutil.which("ip") is not None, "the ip command is needed")
    require(os.geteuid() == 0, "making network namespaces needs root")
    one = Cable()
    try:
        try:
            one.lay()
        except subprocess.CalledProcessError as error:
            require(False, f"network namespaces cannot be made here: {error.stderr.decode().strip()}")
        yield one
    finally:
        one.remove()


class Ear:
    """Hears every packet at one end of a cable from its making to `stop`."""

    def __init__(self, namespace: str, file: Path) -> None:
        self.file = file
        self._program = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, str(Path(__file__)), "cable", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._program.stdout is not None
        readable, _, _ = select.select([self._program.stdout], [], [], PATIENCE_S)
        if not readable or self._program.stdout.readline() != b"listening\n":
            self.stop()
            raise AssertionError("the capture did not start")

    def mark(self) -> int:
        """How much was heard until now: a place between two packets."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(b"mark\n")
        self._program.stdin.flush()
        return int(self._program.stdout.readline())

    def stop(self) -> None:
        for pipe in (self._program.stdin, self._program.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self._program.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet of the wire. `payload` is what UDP or TCP carried; ports are 0 where there are none."""

    raw: bytes
    source: str
    target: str
    protocol: int
    source_port: int
    target_port: int
    payload: bytes


def heard(file: Path, begin: int = 0, end: int | None = None) -> list[Packet]:
    """The packets between two marks."""
    stream = file.read_bytes()[begin:end]
    packets = []
    at = 0
    while at < len(stream):
        (size,) = LENGTH.unpack_from(stream, at)
        at += LENGTH.size
        packets.append(_dissect(stream[at : at + size]))
        at += size
    return packets


def _dissect(raw: bytes) -> Packet:
    source = target = ""
    protocol = source_port = target_port = 0
    payload = b""
    if raw[12:14] == b"\x08\x00":
        begin = 14 + 4 * (raw[14] & 15)
        source, target = socket.inet_ntoa(raw[26:30]), socket.inet_ntoa(raw[30:34])
        protocol = raw[23]
        inner = raw[begin : 14 + int.from_bytes(raw[16:18], "big")]
        if protocol in (6, 17):
            source_port, target_port = struct.unpack_from(">HH", inner)
            payload = inner[4 * (inner[12] >> 4) :] if protocol == 6 else inner[8:]
    return Packet(
        raw=raw,
        source=source,
        target=target,
        protocol=protocol,
        source_port=source_port,
        target_port=target_port,
        payload=payload,
    )


def streams(packets: list[Packet]) -> list[bytes]:
    """What each TCP connection carried in each direction, put together."""
    found: dict[tuple[str, int, str, int], list[bytes]] = {}
    for packet in packets:
        if packet.protocol == 6 and packet.payload:
            key = packet.source, packet.source_port, packet.target, packet.target_port
            found.setdefault(key, []).append(packet.payload)
    return [b"".join(pieces) for pieces in found.values()]


def _listen(interface: str, path: str) -> None:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    with contextlib.suppress(OSError):
        wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, WIRE_BUFFER_BYTES)
    wire.bind((interface, EVERY_PROTOCOL))
    wire.setblocking(False)
    print("listening", flush=True)
    size = 0
    with open(path, "wb") as file:
        while True:
            readable, _, _ = select.select([wire, sys.stdin], [], [])
            with contextlib.suppress(BlockingIOError):
                while True:
                    try:
                        packet = wire.recv(LARGEST_PACKET)
                    except OSError as error:
                        if isinstance(error, BlockingIOError):
                            raise
                        break  # the interface went down; it may come back
                    size += file.write(LENGTH.pack(len(packet)) + packet)
            if sys.stdin in readable:
                file.flush()
                if not sys.stdin.readline():
                    return
                print(size, flush=True)


if __name__ == "__main__":
    _listen(sys.argv[1], sys.argv[2])
