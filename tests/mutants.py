"""Planted faults, and the tests that must find them: `python -m tests.mutants [NAME ...]`.

Each mutant replaces one piece of the program in a copy of it; the tests named with it must then fail. One that survives
means that a test cannot fail for what it claims to show.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TIMEOUT_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` occurs in `file` exactly once; `tests` is what pytest is given."""

    name: str
    file: str
    old: str
    new: str
    tests: str


FIVE = "tests/simulation/test_five_nodes.py"
CONTROL = "tests/property/test_control_properties.py"

MUTANTS = (
    Mutant(
        name="delivered-before-dependencies",
        file="multichat_tui/node/ledger.py",
        old="absent = tuple(i for i in header.dependencies if not self._holds(channel, i))",
        new="absent: tuple[RecordId, ...] = ()",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="a-rolled-back-submit-is-answered",
        file="multichat_tui/node/service.py",
        old="            waiting.result = None\n            if waiting.error is None:",
        new="            if waiting.error is None and waiting.result is None:",
        tests=FIVE,
    ),
    Mutant(
        name="ordered-by-arrival",
        file="multichat_tui/node/ledger.py",
        old="            ets=header.ets,\n            arrival=arrival,",
        new="            ets=arrival,\n            arrival=arrival,",
        tests=FIVE,
    ),
    Mutant(
        name="nothing-is-offered-again",
        file="multichat_tui/node/exchange.py",
        old="                if watch.next_at <= world.now:",
        new="                if watch.next_at < 0:",
        tests=FIVE,
    ),
    Mutant(
        name="nothing-is-asked-for-again",
        file="multichat_tui/node/exchange.py",
        old="and world.now < want.deadline and want.last > held:",
        new="and want.last > held:",
        tests=FIVE,
    ),
    Mutant(
        name="repetitions-are-delivered-again",
        file="multichat_tui/node/ledger.py",
        old="        if header.seq <= held:\n            existing",
        new="        if header.seq < 0:\n            existing",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="signatures-are-not-looked-at",
        file="multichat_tui/node/ledger.py",
        old="if not verify(header.device, signed_bytes(record.id), record.signature):",
        new="if not record.signature:",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="strangers-are-served",
        file="multichat_tui/node/exchange.py",
        old="not channel.serves(session.device):\n            return\n        for entry in request.ranges",
        new="False:\n            return\n        for entry in request.ranges",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="guests-are-heard",
        file="multichat_tui/node/engine.py",
        old="case _ if session.role is Role.GUEST:",
        new="case _ if session.role is None:",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="removed-members-still-invite",
        file="multichat_tui/channel/control.py",
        old="return alive and not any(self._beside(operation, r) for r in _of(removals, operation.user))",
        new="return alive",
        tests=CONTROL,
    ),
    Mutant(
        name="uses-are-not-counted",
        file="multichat_tui/channel/control.py",
        old="if len(uses[name]) < invite.uses or join.certificate.user in uses[name]:",
        new="if uses is not None:",
        tests=CONTROL,
    ),
    Mutant(
        name="leaving-is-forgotten",
        file="multichat_tui/channel/control.py",
        old="if user not in members and all(admit.past >> e.operation & 1 for e in _of(endings, user)):",
        new="if user not in members:",
        tests=CONTROL,
    ),
    Mutant(
        name="topics-by-arrival",
        file="multichat_tui/channel/control.py",
        old="winner = max(last, key=lambda op: (op.user in founders, op.count, op.id))",
        new="winner = max(last, key=lambda op: op.index)",
        tests=CONTROL,
    ),
)


def caught(mutant: Mutant) -> bool:
    """Whether the tests fail on a copy of the program with this fault in it."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in ("multichat_tui", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        path = copy / mutant.file
        text = path.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.name}: the place to change occurs {text.count(mutant.old)} times in {mutant.file}")
        path.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests.split()]
        try:
            done = subprocess.run(command, cwd=copy, capture_output=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode == 1


def main(names: list[str]) -> int:
    survivors = []
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        found = caught(mutant)
        print(f"{'caught  ' if found else 'SURVIVED'} {mutant.name}", flush=True)
        if not found:
            survivors.append(mutant.name)
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
