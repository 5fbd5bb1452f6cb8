"""The database's versions: numbered migrations, applied in order, each in a transaction of its own, never past what we know."""

import re
from importlib import resources

from multichat_tui.model.values import dataclass

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Takes a database from version `number` - 1 to `number`."""

    number: int
    name: str
    sql: str


def released_migrations() -> tuple[Migration, ...]:
    """Those that this program knows, in order, numbered from 1 without a gap."""
    found = []
    for file in resources.files("multichat_tui.store.migrations").iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            found.append(Migration(number=int(match[1]), name=match[2], sql=file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise RuntimeError("the migrations are not numbered from 1 without a gap")
    return tuple(found)
