"""Bytes on the wire per message, counted by the loopback interface of a network namespace in which nothing else runs.

Counted are whole IP packets both ways, TCP's own acknowledgements included. The interface takes segments of up to 64 KiB, so a
stream has fewer headers than on Ethernet: there every 1,448 bytes cost 52 more, which is added for the streamed figures.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measures import Figure, Measure, at_most
from benchmarks.nodes import Party, floor_party, node_party
from benchmarks.workers import ROOT

STREAMED = 2000
SINGLE = 60
SEGMENT_BYTES, HEADER_BYTES = 1448, 52


def sent_bytes() -> tuple[int, int]:
    """(bytes, packets) that the loopback interface of this namespace has carried."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            fields = counts.split()
            return int(fields[8]), int(fields[9])
    raise RuntimeError("there is no loopback interface")


async def per_message(party: Party) -> tuple[float, float]:
    """(streaming, single) bytes per message."""
    await asyncio.sleep(1)
    start, packets = sent_bytes()
    await party.sender.ask("stream", label="s", count=STREAMED)
    await asyncio.sleep(1)
    end, packets_end = sent_bytes()
    content = end - start - (packets_end - packets) * HEADER_BYTES
    streaming = (end - start + max(0.0, content / SEGMENT_BYTES - (packets_end - packets)) * HEADER_BYTES) / STREAMED
    start, _ = sent_bytes()
    await party.sender.ask("one_by_one", label="o", count=SINGLE, pause_ms=50)
    await asyncio.sleep(1)
    return streaming, (sent_bytes()[0] - start) / SINGLE


async def inside() -> None:
    """In the namespace: print the figures as JSON."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: ASYNC221  # before anything else runs
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        async with floor_party(Path(directory) / "floor") as party:
            floor = await per_message(party)
        async with node_party(Path(directory) / "nodes") as party:
            ours = await per_message(party)
    print(json.dumps({"floor": floor, "ours": ours}))


async def figures() -> list[Figure]:
    measures = [
        Measure(name="on the wire per message, streaming", unit="bytes", target="<= 340", met=at_most(340)),
        Measure(name="on the wire per message, single", unit="bytes", target="<= 560", met=at_most(560)),
    ]
    if not shutil.which("unshare") or not shutil.which("ip"):
        return [Figure(measure=measure, ours=None, note="needs unshare and ip") for measure in measures]
    process = await asyncio.create_subprocess_exec(
        "unshare", "-Urn", sys.executable, "-m", "benchmarks.wire", stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        return [Figure(measure=measure, ours=None, note="needs user namespaces") for measure in measures]
    found = json.loads(out.splitlines()[-1])
    return [
        Figure(measure=measure, ours=ours, floor=floor)
        for measure, ours, floor in zip(measures, found["ours"], found["floor"], strict=True)
    ]


if __name__ == "__main__":
    asyncio.run(inside())
