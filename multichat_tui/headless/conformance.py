"""`multichat conformance`: asks an implementation of the protocol the questions of docs/protocol/conformance.md, and compares.

The implementation is a program that reads one JSON object per line and writes one per line, in the same order.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, TypeAlias

from multichat_tui.headless.host import Context
from multichat_tui.model.errors import UsageError
from multichat_tui.model.text import visible
from multichat_tui.model.values import dataclass

Json: TypeAlias = Any
ANSWER_SECONDS = 10.0
"""How long one answer may take."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
SHOWN_FAILURES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    level: str
    name: str
    question: dict[str, Json]
    answer: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`found` is None where the implementation said that it does not know the question."""

    case: Case
    found: dict[str, Json] | None
    right: bool


def load_cases(levels: Sequence[str] = ()) -> list[Case]:
    """The questions of these levels, or of all. `errors.UsageError` for a level that there is not."""
    entries = json.loads((files("multichat_tui.headless") / "conformance.json").read_text(encoding="utf-8"))
    known = tuple(dict.fromkeys(entry["level"] for entry in entries))
    for level in levels:
        if level not in known:
            raise UsageError(f"There is no level {visible(level)[:40]!r}.", f"There are: {', '.join(known)}.")
    return [Case(**entry) for entry in entries if not levels or entry["level"] in levels]


def agrees(expected: dict[str, Json], found: dict[str, Json]) -> bool:
    """What does not hold may be rejected while decoding as well: neither is taken."""
    if _refused(expected) and _refused(found):
        return True
    return expected == found


def _refused(answer: dict[str, Json]) -> bool:
    return answer.get("rejected") is True or answer.get("holds") is False


async def ask_all(command: Sequence[str], cases: Sequence[Case]) -> list[Verdict]:
    """Run the program and put all questions to it. `errors.UsageError` if it cannot be run, ends early or answers no JSON."""
    try:
        program = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MAX_ANSWER_BYTES
        )
    except OSError as error:
        raise UsageError(f"{visible(command[0])!r} cannot be run: {error.strerror}.") from None
    assert program.stdin is not None
    assert program.stdout is not None
    verdicts = []
    try:
        for case in cases:
            program.stdin.write(json.dumps(case.question).encode() + b"\n")
            verdicts.append(_verdict(case, await _answer(program.stdin, program.stdout, case)))
        program.stdin.close()
        await asyncio.wait_for(program.wait(), ANSWER_SECONDS)
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    return verdicts


async def _answer(stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader, case: Case) -> dict[str, Json]:
    try:
        await stdin.drain()
        line = await asyncio.wait_for(stdout.readline(), ANSWER_SECONDS)
    except (TimeoutError, ConnectionError, ValueError):
        line = b""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            f"The program gave no answer to {case.name!r} ({case.level}).",
            "It must write one JSON object per line, for each line that it reads, and flush it.",
        )
    return found


def _verdict(case: Case, found: dict[str, Json]) -> Verdict:
    if found.get("unsupported") is True:
        return Verdict(case=case, found=None, right=False)
    return Verdict(case=case, found=found, right=agrees(case.answer, found))


def answer_questions() -> int:
    """This implementation's side of it: answer line by line until the end of input."""
    from multichat_tui.node.conforming import answer

    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
    return 0


async def conformance(context: Context) -> int:
    """0 if every question of the levels asked for was answered rightly."""
    args, out = context.args, context.out
    if args.answer:
        return answer_questions()
    cases = load_cases(args.level or ())
    command = args.command or [sys.executable, "-m", "multichat_tui", "conformance", "--answer"]
    verdicts = await ask_all(command, cases)
    wrong = [verdict for verdict in verdicts if not verdict.right]
    for verdict in [v for v in wrong if v.found is not None][:SHOWN_FAILURES]:
        case = verdict.case
        out.note(f"{case.level}: {case.name}: expected {case.answer}, got {visible(str(verdict.found))[:400]}")
    asked = Counter(verdict.case.level for verdict in verdicts)
    right = Counter(verdict.case.level for verdict in verdicts if verdict.right)
    unknown = Counter(verdict.case.level for verdict in verdicts if verdict.found is None)
    for level, count in asked.items():
        state = "conforms" if right[level] == count else "not supported" if unknown[level] == count else "FAILS"
        fields = {"level": level, "questions": count, "right": right[level], "unsupported": unknown[level]}
        out.result({**fields, "conforms": right[level] == count}, f"{level:<12} {right[level]:>4} of {count:>4}  {state}")
    return 1 if wrong else 0
