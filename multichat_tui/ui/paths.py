"""The files of this machine, as somebody begins to type one's path."""

import os
from pathlib import Path

MOST_ENTRIES = 10_000
"""Of a directory so many are looked at, in no order."""
MOST_OFFERED = 100


def paths_like(start: str) -> list[str]:
    """What there is that begins so, as it is typed: directories end in a slash; what holds a space begins with a quote, and ends
    with one if it is a file. Hidden ones only where a dot was typed; names that cannot be typed are left out."""
    above, slash, begun = start.rpartition("/")
    found: list[tuple[str, bool]] = []
    try:
        with os.scandir(Path(above + slash).expanduser() if above + slash else Path()) as entries:
            for _, entry in zip(range(MOST_ENTRIES), entries, strict=False):
                shown = entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith("."))
                if shown and entry.name.isprintable() and '"' not in entry.name:
                    found.append((entry.name, entry.is_dir()))
    except (OSError, ValueError, RuntimeError):
        return []  # no such directory, or not ours to read: nothing is offered
    return [_typed(above + slash + name, is_dir) for name, is_dir in sorted(found)[:MOST_OFFERED]]


def _typed(path: str, is_dir: bool) -> str:
    path += "/" if is_dir else ""
    if " " not in path:
        return path
    return f'"{path}' if is_dir else f'"{path}"'
