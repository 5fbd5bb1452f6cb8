"""The map of the house (docs/architecture.md) shows what there is: rooms, modules and dependencies."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "multichat_tui"
MAP = (ROOT / "docs" / "architecture.md").read_text()


def section(title: str) -> str:
    return MAP.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def modules(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


SHELVES = "crypto, sync, mailbox, store and net"


@pytest.mark.parametrize(
    ("table", "folders"),
    [
        ("model", ["model"]),
        ("channel", ["channel", "channel/resources"]),
        (SHELVES, ["crypto", "sync", "mailbox", "store", "net"]),
        ("headless", ["headless"]),
        ("node", ["node"]),
        ("ui", ["ui"]),
    ],
)
def test_the_table_of_a_room_names_every_module_in_it(table: str, folders: list[str]) -> None:
    there = {module for folder in folders for module in modules(HOUSE / folder)}
    assert there - set(re.findall(r"`(\w+)`", section(f"Inside {table}"))) == set()


@pytest.mark.parametrize("room", ["model", "channel", SHELVES, "headless", "node", "ui"])
def test_the_table_of_a_room_names_nothing_that_has_gone(room: str) -> None:
    there = {path.stem for path in HOUSE.rglob("*.py")} | {path.name for path in HOUSE.rglob("*") if path.is_dir()}
    rows = [line for line in section(f"Inside {room}").splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in rows))) - there == set()


def test_the_list_of_rooms_is_that_of_the_package() -> None:
    listed = set(re.findall(r"^  (\w+)(?:/|\.py) ", section("The house"), re.MULTILINE))
    there = {path.stem for path in HOUSE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert listed == there - {"__init__", "__main__"}


def test_every_dependency_has_a_row_and_a_reason() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=~!]", each)[0] for each in declared}
    assert set(re.findall(r"^\| ([\w-]+) \| [a-z.]+ \| \S", section("Dependencies"), re.MULTILINE)) - {"package"} == names
