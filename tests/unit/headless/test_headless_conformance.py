"""The conformance run: its questions are frozen, this implementation answers them, and a wrong one is found out."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from multichat_tui.headless import conformance as room
from multichat_tui.headless.conformance import agrees, ask_all, conformance, load_cases
from multichat_tui.headless.host import Context
from multichat_tui.headless.output import Output
from multichat_tui.model.errors import UsageError
from multichat_tui.node.conforming import ANSWERS, UNSUPPORTED, answer
from tests.vectors import make_conformance


def test_the_questions_are_what_the_frozen_vectors_make() -> None:
    assert json.loads(make_conformance.TARGET.read_text(encoding="utf-8")) == make_conformance.cases()


def test_every_level_has_things_that_are_taken_and_things_that_are_not() -> None:
    cases = load_cases()
    assert {case.level for case in cases} >= {"encoding", "keys", "identities", "records", "channels", "frames", "links"}
    for level in {case.level for case in cases} - {"discovery", "links"}:
        refused = [room._refused(case.answer) for case in cases if case.level == level]
        assert True in refused
        assert False in refused


def test_everything_that_can_be_answered_is_asked() -> None:
    assert {case.question["ask"] for case in load_cases()} == set(ANSWERS)


def test_what_is_not_known_is_said_to_be_unsupported() -> None:
    assert answer({"ask": "the way"}) == UNSUPPORTED


def test_not_holding_and_being_rejected_are_one() -> None:
    assert agrees({"holds": False, "user": "aa"}, {"rejected": True})
    assert agrees({"rejected": True}, {"holds": False})
    assert not agrees({"holds": True}, {"rejected": True})
    assert not agrees({"rejected": True}, {"holds": True})


def program(tmp_path: Path, lines: str) -> list[str]:
    """A program that answers as this implementation does, but for what `lines` change in `found`."""
    path = tmp_path / "other.py"
    path.write_text(
        "import json, sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from multichat_tui.node.conforming import answer\n"
        "for line in sys.stdin:\n"
        "    question = json.loads(line)\n"
        "    found = answer(question)\n"
        f"    {lines}\n"
        "    print(json.dumps(found), flush=True)\n",
        encoding="utf-8",
    )
    return [sys.executable, str(path)]


async def run(command: list[str], *levels: str) -> tuple[int, list[dict[str, Any]], str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(stdout=out, stderr=err, json_lines=True)
    args = SimpleNamespace(level=list(levels), answer=False, command=command)
    code = await conformance(Context(args=args, host=None, out=output))
    return code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


async def test_an_implementation_that_answers_rightly_conforms(tmp_path: Path) -> None:
    code, levels, _ = await run(program(tmp_path, "pass"))
    assert code == 0
    assert all(level["conforms"] for level in levels)
    assert sum(level["questions"] for level in levels) == len(load_cases())


async def test_a_wrong_answer_is_found_and_named(tmp_path: Path) -> None:
    code, levels, notes = await run(program(tmp_path, "found.update(seq=7) if 'seq' in found else None"), "records", "keys")
    assert code == 1
    assert {level["level"]: level["conforms"] for level in levels} == {"records": False, "keys": True}
    assert "records:" in notes


async def test_a_partial_implementation_says_what_it_does_not_do(tmp_path: Path) -> None:
    command = program(tmp_path, "found = {'unsupported': True} if question['ask'] == 'frame' else found")
    code, levels, _ = await run(command, "frames", "encoding")
    assert code == 1
    frames = next(level for level in levels if level["level"] == "frames")
    assert (frames["right"], frames["unsupported"]) == (0, frames["questions"])
    assert next(level for level in levels if level["level"] == "encoding")["conforms"]


@pytest.mark.parametrize("lines", ["sys.exit(3)", "print('hello'); continue"])
async def test_a_program_that_gives_no_answers_is_named(tmp_path: Path, lines: str) -> None:
    with pytest.raises(UsageError, match="gave no answer"):
        await ask_all(program(tmp_path, lines), load_cases(["keys"]))


async def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ANSWER_SECONDS", 0.5)
    with pytest.raises(UsageError, match="gave no answer"):
        await ask_all(program(tmp_path, "import threading; threading.Event().wait()"), load_cases(["keys"]))


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="cannot be run"):
        await ask_all(["/nowhere/at/all"], load_cases(["keys"]))


def test_a_level_that_there_is_not_is_named() -> None:
    with pytest.raises(UsageError, match="no level 'frame'"):
        load_cases(["frame"])
