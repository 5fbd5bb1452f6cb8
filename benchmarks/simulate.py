"""Many whole nodes in virtual time: how long messages take, what they cost, how soon a cut heals.

`python -m benchmarks.simulate` runs all parts, each point with several seeds, prints tables, keeps every run in
`docs/figures/simulation.json` and draws the figures beside it. `--point size/20 --seed 7` runs one point once.
`--draw` only prints and draws what is kept.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import draw
from benchmarks.points import Run, Spread, parts, per_delivery, points, spread

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
KEPT = FIGURES / "simulation.json"


# Running


async def run(point: str, seed: int) -> Run:
    """In a process of its own, under a fixed hash seed: the same wherever it is repeated."""
    command = (sys.executable, "-m", "benchmarks.simulate", "--point", point, "--seed", str(seed))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=Path(__file__).parents[1], env=os.environ | {"PYTHONHASHSEED": "0"}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"FAILED: {' '.join(command[1:])}")
    found: Run = json.loads(out.decode().splitlines()[-1])
    return found


async def run_all(names: Sequence[str], seeds: Sequence[int], jobs: int) -> None:
    gate = asyncio.Semaphore(jobs)

    async def one(name: str, seed: int) -> None:
        async with gate:
            found = await run(name, seed)
        keep(found)
        cpu_s = sum(found["cpu_s"].values())
        print(f"{name}, seed {seed}: {found['deliveries']} deliveries, {cpu_s:.0f} s of CPU", flush=True)

    async with asyncio.TaskGroup() as group:
        for name in names:
            for seed in seeds:
                group.create_task(one(name, seed))


def once(point: str, seed: int) -> None:
    from benchmarks.village import live
    from multichat_tui.net.virtual_time import run_virtual

    # Engines of machines that end are rings that only the collector takes away: it need not look after every thousandth object.
    gc.set_threshold(50_000, 20, 20)
    lived = run_virtual(live(points()[point], seed))
    print(json.dumps({"point": point, **asdict(lived)}))


def kept() -> list[Run]:
    return json.loads(KEPT.read_text()) if KEPT.exists() else []


def keep(found: Run) -> None:
    """Instead of what was kept of the same point and seed."""
    others = [run for run in kept() if (run["point"], run["seed"]) != (found["point"], found["seed"])]
    order = list(points())
    runs = sorted([*others, found], key=lambda run: (order.index(run["point"]), run["seed"]))
    FIGURES.mkdir(exist_ok=True)
    KEPT.write_text("[\n" + ",\n".join(json.dumps(run, sort_keys=True) for run in runs) + "\n]\n")


# Reading


def seconds(value: float | None) -> str:
    if value is None:
        return "not yet"
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0)):
        if value >= size:
            return f"{value / size:.{1 if value < 10 * size else 0}f} {unit}"
    return f"{value * 1000:.0f} ms"


def told(found: Spread | None, words: Callable[[float], str]) -> str:
    """The median, and between what the seeds lie."""
    if found is None:
        return "not yet"
    middle, least, most = map(words, found)
    return middle if least == most else f"{middle} ({least} – {most})"


def plain(digits: int) -> Callable[[float], str]:
    return lambda value: f"{value:.{digits}f}"


COLUMNS: dict[str, tuple[Callable[[Run], float | None], Callable[[float], str]]] = {
    "there": (lambda run: run["there"], lambda value: f"{value:.0%}"),
    "p50": (lambda run: run["delays"]["p50"], seconds),
    "best p50": (lambda run: run["best"]["p50"], seconds),
    "p90": (lambda run: run["delays"]["p90"], seconds),
    "p99": (lambda run: run["delays"]["p99"], seconds),
    "best p90": (lambda run: run["best"]["p90"], seconds),
    "within 1 h": (lambda run: run["within"]["3600"], lambda value: f"{value:.0%}"),
    "late p50": (lambda run: run["late"]["p50"], seconds),
    "late p99": (lambda run: run["late"]["p99"], seconds),
    "to all": (lambda run: run["whole"], lambda value: f"{value:.0%}"),
    "links": (lambda run: run["links"]["mean"], plain(1)),
    "most links": (lambda run: run["links"]["most"], plain(0)),
    "deliveries": (lambda run: run["deliveries"], plain(0)),
    "one again after": (lambda run: run["converged_s"], seconds),
    "frames": (per_delivery("frames"), plain(1)),
    "bytes": (per_delivery("bytes"), plain(0)),
    "CPU, ms": (per_delivery("cpu"), plain(1)),
    "machines": (lambda run: run["machines"], plain(0)),
}
BY_PRESENCE = ("p50", "best p50", "p90", "late p50", "late p99", "frames", "bytes", "CPU, ms")
TABLES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("mobiles", "friends", "roughmobiles", "desktop"): BY_PRESENCE,
    ("availability",): BY_PRESENCE,
    ("size",): ("p50", "p99", "frames", "bytes", "CPU, ms"),
    ("cut", "roughcut"): ("one again after", "frames", "bytes", "CPU, ms"),
    ("town",): ("deliveries", "p50", "late p50", "late p99", "to all", "links", "most links", "frames", "bytes", "CPU, ms"),
}
"""The columns, by the parts that share a table."""


def table(parts: tuple[str, ...], runs: Sequence[Run]) -> str:
    """The median over seeds, and between what they lie; frames, bytes and CPU for each delivery."""
    columns = TABLES[parts]
    rows = [("point", "seeds", *columns)]
    for name in points():
        found = [run for run in runs if run["point"] == name]
        if name.partition("/")[0] in parts and found:
            rows.append((name, str(len(found)), *(told(spread(found, COLUMNS[c][0]), COLUMNS[c][1]) for c in columns)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"parts ({', '.join(parts())}) or points; all if none is named")
    parser.add_argument("--seeds", type=int, default=3, help="so many, from 1 on")
    parser.add_argument("--jobs", type=int, default=1, help="processes beside each other")
    parser.add_argument("--point", help="run this point once, and print what came of it as JSON")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draw", action="store_true", help="run nothing: print and draw what is kept")
    asked = parser.parse_args(arguments)
    if asked.point is not None:
        once(asked.point, asked.seed)
        return
    chosen = [name for name in points() if not asked.names or name in asked.names or name.partition("/")[0] in asked.names]
    if not asked.draw:
        asyncio.run(run_all(chosen, range(1, asked.seeds + 1), asked.jobs))
    runs = kept()
    named = {name.partition("/")[0] for name in chosen}
    for together in TABLES:
        if named.intersection(together):
            print(f"\n**{', '.join(together)}**\n\n{table(together, runs)}")
    draw(runs, FIGURES)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of ids are walked in the order of their hashes.
        os.execve(sys.executable, [*sys.orig_argv], os.environ | {"PYTHONHASHSEED": "0"})
    main(sys.argv[1:])
