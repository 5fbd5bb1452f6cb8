"""Draws what simulations have found, as SVG. Needs matplotlib (`pip install -e '.[figures]'`)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.points import CUT_MESSAGES, SHARES, SIZES, TOWNS, Run, per_delivery, spread

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")
"""Told apart by everybody (Okabe and Ito, 2008)."""
LEAST_POINTS = 3
"""Of a line, or it is not drawn."""
TICKS = {
    0.01: "10 ms",
    0.1: "0.1 s",
    1: "1 s",
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3600: "1 h",
    86_400: "1 d",
}


def draw(runs: Sequence[Run], directory: Path) -> None:
    """A figure of each part of which there are runs; says so where the library is missing."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("no figures: they need matplotlib")
        return
    mpl.use("svg")
    # The same runs give the same bytes, and text stays text.
    mpl.rcParams.update(
        {"svg.hashsalt": "multichat", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}
    )
    import matplotlib.pyplot as plt

    by_point: dict[str, list[Run]] = {}
    for found in runs:
        by_point.setdefault(found["point"], []).append(found)
    for name, figure in FIGURES.items():
        canvas, axes = plt.subplots(figsize=(7, 4), layout="constrained")
        if figure(axes, by_point):
            canvas.savefig(directory / f"{name}.svg", metadata={"Date": None, "Creator": None})
            print(f"drawn: {name}.svg")
        plt.close(canvas)


def _line(
    axes: Any, found: Sequence[tuple[float, tuple[float, float, float] | None]], label: str, number: int, **how: Any
) -> None:
    """The median over seeds, and a band from the least to the most."""
    places = [(x, values) for x, values in found if values is not None]
    if not places:
        return
    xs = [x for x, _ in places]
    axes.plot(xs, [v[0] for _, v in places], marker="o", ms=3, color=COLOURS[number], label=label)
    axes.fill_between(xs, [v[1] for _, v in places], [v[2] for _, v in places], color=COLOURS[number], alpha=0.15, lw=0)


def _time_axis(axis: Any) -> None:
    axis.set_ticks(list(TICKS), list(TICKS.values()))
    axis.set_ticks([], minor=True)


def _by_availability(axes: Any, runs: dict[str, list[Run]]) -> bool:
    series = (
        ("0", "nobody keeps anything"),
        ("1", "one mailbox each"),
        ("2", "two mailboxes each"),
        ("3", "three mailboxes each"),
        ("1m", "a member that is always on"),
    )
    drawn = 0
    for number, (kind, label) in enumerate(series):
        found = [(share, runs.get(f"availability/{share}/{kind}", [])) for share in SHARES]
        best = [(share, spread(each, lambda run: run["best"]["p90"])) for share, each in found]
        _line(axes, [(share, spread(each, lambda run: run["delays"]["p90"])) for share, each in found], label, number)
        least = [(share, values[0]) for share, values in best if values is not None and values[0] > 0]
        axes.plot([x for x, _ in least], [y for _, y in least], ":", color=COLOURS[number], lw=1)
        drawn = max(drawn, sum(values is not None for _, values in best))
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="share of the time that each machine is there",
        ylabel="within which nine of ten are delivered",
    )
    axes.set_xticks(SHARES, [f"{share} %" for share in SHARES])
    axes.set_xticks([], minor=True)
    _time_axis(axes.yaxis)
    axes.set_ylim(0.01, 86_400)
    if drawn < LEAST_POINTS:
        return False
    axes.legend(title="dotted: the least that presence permits")
    return True


def _shares(axes: Any, runs: dict[str, list[Run]]) -> bool:
    shown = (
        ("mobiles/0", "two mobiles"),
        ("mobiles/1", "two mobiles, each with one mailbox"),
        ("friends/1", "two mobiles, a mailbox at a friend's laptop"),
        ("friends/3", "two mobiles, mailboxes at three friends' laptops"),
        ("desktop/0", "four mobiles and a laptop"),
    )
    for number, (point, label) in enumerate(shown):
        found = runs.get(point, [])
        if found:
            limits = sorted(found[0]["within"], key=float)
            for style, width, which in (("-", 1.5, "within"), (":", 1, "best_within")):
                values = [sum(run[which][limit] for run in found) / len(found) for limit in limits]
                axes.plot(
                    [float(limit) for limit in limits],
                    values,
                    style,
                    lw=width,
                    color=COLOURS[number],
                    label=label if style == "-" else None,
                )
    axes.set(xscale="log", xlabel="time since it was written", ylabel="share of deliveries", ylim=(0, 1.02))
    _time_axis(axes.xaxis)
    axes.set_xlim(0.1, 172_800)
    if not any(point in runs for point, _ in shown):
        return False
    axes.legend(title="dotted: the most that presence permits", fontsize=8)
    return True


def _by_size(kind: str, label: str) -> Callable[[Any, dict[str, list[Run]]], bool]:
    def drawn(axes: Any, runs: dict[str, list[Run]]) -> bool:
        found = [(float(size), spread(runs.get(f"size/{size}", []), per_delivery(kind))) for size in SIZES]
        _line(axes, found, label, 0)
        axes.set(xscale="log", xlabel="members of the channel, all there", ylabel=label)
        axes.set_xticks(SIZES, [str(size) for size in SIZES])
        axes.set_xticks([], minor=True)
        axes.set_ylim(bottom=0)
        return any(values is not None for _, values in found)

    return drawn


def _after_a_cut(axes: Any, runs: dict[str, list[Run]]) -> bool:
    for number, (part, label) in enumerate((("cut", "quiet network"), ("roughcut", "every tenth frame lost for good"))):
        found = [
            (float(count), spread(runs.get(f"{part}/{count}", []), lambda run: run["converged_s"])) for count in CUT_MESSAGES
        ]
        _line(axes, found, label, number)
    axes.set(xscale="log", yscale="log", xlabel="messages written meanwhile, on both sides", ylabel="until all twenty hold all")
    axes.set_xticks(CUT_MESSAGES, [str(count) for count in CUT_MESSAGES])
    axes.set_xticks([], minor=True)
    _time_axis(axes.yaxis)
    axes.set_ylim(0.1, 600)
    if sum(f"cut/{count}" in runs for count in CUT_MESSAGES) < LEAST_POINTS:
        return False
    axes.legend()
    return True


def _by_town(axes: Any, runs: dict[str, list[Run]]) -> bool:
    """What a delivery costs, beside what it costs in the smallest town."""
    found = [(float(nodes), runs.get(f"town/{nodes}", [])) for nodes in TOWNS]
    for number, (kind, label) in enumerate((("cpu", "CPU"), ("bytes", "bytes"), ("frames", "frames"))):
        costs = [(nodes, spread(each, per_delivery(kind))) for nodes, each in found]
        first = next((values[0] for _, values in costs if values is not None), 1.0)
        line = [(nodes, None if v is None else (v[0] / first, v[1] / first, v[2] / first)) for nodes, v in costs]
        _line(axes, line, label, number)
    axes.set(xscale="log", xlabel="machines in the town, a channel for every ten", ylabel="for each delivery, smallest town = 1")
    axes.set_xticks(TOWNS, [f"{nodes:,}" for nodes in TOWNS])
    axes.set_xticks([], minor=True)
    axes.set_ylim(bottom=0)
    if sum(bool(each) for _, each in found) < LEAST_POINTS:
        return False
    axes.legend()
    return True


FIGURES: dict[str, Callable[[Any, dict[str, list[Run]]], bool]] = {
    "delivery-by-availability": _by_availability,
    "delivered-within": _shares,
    "bytes-by-channel-size": _by_size("bytes", "bytes for each delivery"),
    "frames-by-channel-size": _by_size("frames", "frames for each delivery"),
    "processor-by-channel-size": _by_size("cpu", "milliseconds of CPU for each delivery"),
    "one-again-after-a-cut": _after_a_cut,
    "town-by-size": _by_town,
}
