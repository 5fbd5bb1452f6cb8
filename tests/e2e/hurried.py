"""The program with other intervals: `python hurried.py NAME=MILLISECONDS,... ARGUMENT...`.

What takes hours between real processes takes seconds where the limits that say how long are others; nothing else is.
They are changed before anything that reads them is imported.
"""

import sys

from multichat_tui.model import limits


def hurry(intervals: str) -> None:
    """`NAME=VALUE` of whole numbers of `model.limits` that are times, with commas."""
    for each in intervals.split(","):
        name, _, value = each.partition("=")
        if not name.endswith("_MS") or not isinstance(getattr(limits, name, None), int):
            raise SystemExit(f"{name} is no interval")
        setattr(limits, name, int(value))


if __name__ == "__main__":
    assert not any(name.startswith("multichat_tui.node") for name in sys.modules), "limits are read already"
    hurry(sys.argv.pop(1))
    from multichat_tui.cli import main

    raise SystemExit(main())
