"""Programs that the LAN tests start inside network namespaces: a device with the real network, and one that hears the wire.

`device NAME PEER [COUNT]` prints a line of JSON for each input and takes lines `send TEXT`, `cut` and `quit`; before the peer it
has COUNT others who are elsewhere. `capture FILE` writes every packet of the cable to the file until its standard input ends.
"""

import asyncio
import json
import os
import select
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from builders import person
from net_parties import Party, peer_credential

from multichat_tui.model.limits import ANNOUNCE_AGAIN_S
from multichat_tui.model.ports import (
    Credential,
    CredentialKind,
    DialFailed,
    FrameIn,
    LinkDown,
    LinkUp,
    NetworkChanged,
    NetworkInput,
    PeerSeen,
)
from multichat_tui.net.network import TcpNetwork


def tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


AGAIN_S = (2.0, 2.0, 2.0, 4.0)
"""Sooner than for people."""


async def run_device(name: str, peer: str, count: int) -> None:
    me, other = person(name), person(peer)
    credential = peer_credential(me, other)
    absent = [Credential(kind=CredentialKind.PEER, key=os.urandom(32), device=me.device) for _ in range(count)]
    network = TcpNetwork(again_s=AGAIN_S if count else ANNOUNCE_AGAIN_S)
    one = Party(me, network)
    links: list[LinkUp] = []

    def on_input(arrived: NetworkInput) -> None:
        match arrived:
            case PeerSeen():
                tell(seen=arrived.address, path=arrived.path)
                if not links:
                    network.dial(credential, arrived.address)
            case LinkUp():
                links.append(arrived)
                tell(up=arrived.address, path=arrived.path, right=arrived.device == other.device)
            case LinkDown():
                links[:] = [link for link in links if link.link != arrived.link]
                tell(down=arrived.reason)
            case FrameIn():
                tell(frame=arrived.frame.decode())
            case DialFailed():
                tell(failed=arrived.reason)
            case NetworkChanged():
                tell(listen=arrived.listen)
            case _:
                pass

    one.on_input = on_input
    await one.start()
    network.publish([*absent, credential])
    tell(listen=one.listen)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().strip():
        verb, _, text = line.partition(" ")
        if verb == "quit":
            break
        for link in list(links):
            if verb == "cut":
                network.close_link(link.link, "asked to")
            else:
                network.send(link.link, text.encode())
    await network.stop()


def run_capture(path: str) -> None:
    every_protocol = 3
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every_protocol))
    wire.bind(("cable", 0))
    tell(capturing=True)
    stop = False
    with open(path, "wb") as file:
        while not stop:
            readable, _, _ = select.select([wire, sys.stdin], [], [])
            if wire in readable:
                file.write(wire.recv(65536))
            stop = sys.stdin in readable and wire not in readable


if __name__ == "__main__":
    if sys.argv[1] == "capture":
        run_capture(sys.argv[2])
    else:
        asyncio.run(run_device(sys.argv[2], sys.argv[3], int((sys.argv[4:] or ["0"])[0])))
