"""Run everything and print one table. Takes some minutes; see docs/performance.md."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import absent, catchup, mailbox, nodes, sealing, search, terminal, wire
from benchmarks.measures import Figure, table

DISK, MEMORY = "/var/tmp", "/dev/shm"
BOUND_S = 1800.0
"""Each part is given up after this: to index a million messages takes more than ten minutes on a slow machine."""


async def pairs(directory: Path, where: str) -> list[Figure]:
    return nodes.pair_figures(*await nodes.pairs(directory), where)


async def crowds(directory: Path, where: str) -> list[Figure]:
    return nodes.crowd_figures(*await nodes.crowds(directory), where)


async def part(name: str, base: str, measure: Callable[[Path], Awaitable[list[Figure]]]) -> list[Figure]:
    """One part, in a directory of its own, within its time."""
    print(f"{name} ... (load {os.getloadavg()[0]:.1f})", flush=True)
    try:
        with tempfile.TemporaryDirectory(dir=base, ignore_cleanup_errors=True) as directory:
            async with asyncio.timeout(BOUND_S):
                return await measure(Path(directory))
    except TimeoutError:
        print(f"{name}: given up after {BOUND_S:.0f} s", flush=True)
        return []


def as_installed() -> None:
    """Programs that are measured find their modules compiled, as those of users are, whatever this environment forbids."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / f"multichat-benchmark-modules-{os.getuid()}")


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        help="disk, memory, crowd, catchup, wire, terminal, search, sealing, mailbox, absent; all if none is named",
    )
    parser.add_argument("--disk", default=DISK, help=f"a directory on a disk (default: {DISK})")
    parser.add_argument("--memory", default=MEMORY, help=f"a directory in memory, where a commit is free (default: {MEMORY})")
    wanted = parser.parse_args()
    parts: dict[str, tuple[str, Callable[[Path], Awaitable[list[Figure]]]]] = {
        "disk": (wanted.disk, lambda directory: pairs(directory, "disk")),
        "memory": (wanted.memory, lambda directory: pairs(directory, "memory")),
        "crowd": (wanted.disk, lambda directory: crowds(directory, "disk")),
        "catchup": (wanted.disk, catchup.figures),
        "wire": (wanted.memory, lambda directory: wire.figures()),
        "terminal": (wanted.disk, terminal.figures),
        "search": (wanted.disk, search.figures),
        "sealing": (wanted.disk, sealing.figures),
        "mailbox": (wanted.disk, mailbox.figures),
        "absent": (wanted.disk, absent.figures),
    }
    as_installed()
    figures = []
    for name, (base, measure) in parts.items():
        if not wanted.parts or name in wanted.parts:
            figures += await part(name, base, measure)
    print(table(figures))


if __name__ == "__main__":
    asyncio.run(main())
