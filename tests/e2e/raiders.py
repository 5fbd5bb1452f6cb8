"""Many people in one process, each a whole node with a network of its own: they join a channel by one link and write.

Run as a program, `raiders.py LINK FIRST COUNT MESSAGES NAME,NAME...`. It says what happens as JSON lines: `ready`, then `written`
for each of them when the people of these names have all that was written. A few stay online until the program is ended.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from real_nodes import until  # noqa: E402

from multichat_tui.model.ids import RecordId  # noqa: E402
from multichat_tui.model.intents import JoinChannel, SendMessage  # noqa: E402
from multichat_tui.model.snapshots import Membership  # noqa: E402
from multichat_tui.net.network import TcpNetwork  # noqa: E402
from multichat_tui.node.genesis import create_identity  # noqa: E402
from multichat_tui.node.service import Node  # noqa: E402
from multichat_tui.store.memory import MemoryStore  # noqa: E402

RAID_S = 200.0
"""How long one of them is waited for: a crowd on a small machine."""
AT_ONCE = 3
"""So many are coming in at the same time."""
STAYING = 2
"""So many stay online; the others go when they are heard. Everybody is linked with everybody, and the machine is small."""


def now_ms() -> int:
    return int(time.time() * 1000)


def tell(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


async def come(name: str) -> Node:
    """A new person, online."""
    store = MemoryStore()
    create_identity(store, name=name, account_entropy=os.urandom(32), entropy=os.urandom, now_ms=now_ms())
    network = TcpNetwork(listen="127.0.0.1:0", lan=False)
    node = Node(store=store, network=network, now_ms=now_ms, entropy=os.urandom, executor=None, lan=False)
    await node.start()
    return node


async def raid(name: str, link: str, messages: int, heard_by: frozenset[str]) -> Node:
    """Come, join, write until these people have it all; the node, which goes on."""
    node = await come(name)
    channel = (await node.submit(JoinChannel(link=link))).channel
    assert channel is not None

    async def joined() -> bool | None:
        return (await node.channel(channel)).rows.membership is Membership.JOINED or None

    await until(node, joined, f"{name} to be in", RAID_S)
    record: RecordId | None = None
    for number in range(messages):
        record = (await node.submit(SendMessage(channel=channel, text=f"buy {name} {number}"))).record
    assert record is not None

    async def heard() -> bool | None:
        devices = (await node.delivery(record)).rows.devices
        return heard_by <= {device.name for device in devices if device.delivered} or None

    await until(node, heard, f"{name} to be heard", RAID_S)
    return node


async def main(link: str, first: int, count: int, messages: int, heard_by: str) -> None:
    tell("ready", listen=[])
    door = asyncio.Semaphore(AT_ONCE)
    staying: list[Node] = []

    async def one(number: int) -> None:
        async with door:
            node = await raid(f"raider{number}", link, messages, frozenset(heard_by.split(",")))
        tell("written", number=number)
        if len(staying) < STAYING:
            staying.append(node)
        else:
            await node.stop()

    await asyncio.gather(*(one(number) for number in range(first, first + count)))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]))
