"""The documents lead somewhere: every link to a file, and every section of the protocol that something names."""

import json
import re
from pathlib import Path

import cbor2

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "docs" / "protocol"


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_links_between_documents_lead_to_files() -> None:
    links = [
        (document.relative_to(ROOT), target)
        for document in documents()
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:")
    ]
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link[0].parent / link[1]).exists()] == []


def test_files_of_the_protocol_that_something_names_have_the_section_that_it_names() -> None:
    named = set()
    sources = [path for room in ("multichat_tui", "tests", "benchmarks") for path in (ROOT / room).rglob("*.py")]
    for source in [*documents(), *sources]:
        said = source.read_text(encoding="utf-8")
        named.update(re.findall(r"docs/protocol/([a-z-]+\.md), section (\d+)", said))
        if source.parent == PROTOCOL:
            named.update((file, number) for number, file in re.findall(r"\[[Ss]ection (\d+)\]\(([a-z-]+\.md)\)", said))
    assert len(named) > 8
    missing = [(f, n) for f, n in named if f"\n## {n}. " not in (PROTOCOL / f).read_text(encoding="utf-8")]
    assert missing == []


def test_all_that_is_hashed_or_signed_apart_stands_in_one_table() -> None:
    said = {path.name: path.read_text(encoding="utf-8") for path in PROTOCOL.glob("*.md")}
    apart = {name for text in said.values() for name in re.findall(r"\bmc(?:\.[a-z]+)+|multichat (?:[a-z]+ )+1(?=\\0)", text)}
    assert len(apart) > 50
    assert {name for name in apart if f"`{name}" not in said["encoding-and-keys.md"]} == set()


def test_the_table_of_frames_names_every_field_that_one_has() -> None:
    rows = re.findall(r"^\| (\d+) \| [A-Z ]+ \| (.*) \|$", (PROTOCOL / "frames.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {int(number): {0, *map(int, re.findall(r"(?<!\w)(\d+)\??: ", fields))} for number, fields in rows}
    frames = [bytes.fromhex(each["encoded"]) for each in json.loads((ROOT / "tests" / "vectors" / "frames.json").read_text())]
    there = [frame for frame in map(cbor2.loads, frames) if isinstance(frame, dict) and frame.get(0) in named]
    assert named.keys() - {frame[0] for frame in there} == {24}, "of which `devices.json` has examples"
    assert [frame for frame in there if frame.keys() - named[frame[0]]] == []


def test_the_overview_of_the_protocol_lists_every_part() -> None:
    overview = (PROTOCOL / "README.md").read_text(encoding="utf-8")
    parts = {path.name for path in PROTOCOL.glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([a-z-]+\.md)\)", overview)) == parts
