"""What a target of fuzzing is, and how one is driven: mutation, bounds of time and memory, the kept corpus.

Everything follows from the seed, so what was found can be found again; an input that fails can be played again by itself.
"""

import hashlib
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Protocol

CORPUS = Path(__file__).parent / "corpus"
MAX_INPUT_BYTES = 4096
CASE_CPU_S = 5.0
"""Processor time of one input; the slowest honest ones need milliseconds."""
MEMORY_KIB = 384 * 1024
"""What the process may grow by in one run."""
MEMORY_EVERY = 4096
"""Inputs between two looks at the memory."""
MAX_KEPT = 48
"""Files of one target's corpus."""
MAX_POOL = 2048
"""Interesting inputs that one run mutates."""


class Target(Protocol):
    """One thing under fire. Made anew for each run."""

    name: str

    def seeds(self) -> Sequence[bytes]:
        """Inputs that are taken, to begin with."""

    def words(self) -> Sequence[bytes]:
        """Pieces that mean something."""

    def play(self, case: bytes) -> str:
        """Feed one input; what came of it in few words. Raises for what may not be: an exception, or a broken promise."""

    def close(self) -> None: ...


class Hang(BaseException):
    """One input took too much time. No Exception: nothing may catch it on its way."""


class Failure(Exception):
    """An input that may not do what it did."""

    def __init__(self, target: str, number: int, case: bytes, cause: BaseException) -> None:
        super().__init__(f"{target}, input {number}: {type(cause).__name__}: {cause}\nreplay with --replay {case.hex()}")
        self.case = case
        self.cause = cause


@dataclass(slots=True)
class Report:
    inputs: int = 0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0
    grown_kib: int = 0


def kept(name: str) -> list[bytes]:
    """The corpus of a target as it is stored."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*.bin"))]


def keep(name: str, case: bytes) -> None:
    """Store an input, unless there are enough."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.glob("*.bin"))) < MAX_KEPT:
        (folder / f"{hashlib.blake2b(case, digest_size=8).hexdigest()}.bin").write_bytes(case)


def replay(target: Target, cases: Sequence[bytes]) -> Report:
    """Play these inputs as they are. `Failure`."""
    report = Report()
    with watched():
        for case in cases:
            _one(target, case, report)
    return report


def fuzz(target: Target, *, count: int, seed: int, keeping: bool = False) -> Report:
    """`count` mutated inputs. `Failure` with the input for the first that may not do what it did."""
    rng = Random(f"{target.name}/{seed}")
    report = Report()
    began, memory = time.monotonic(), _memory_kib()
    words = tuple(target.words())
    pool = [*target.seeds(), *kept(target.name)]
    with watched():
        for case in pool:
            _one(target, case, report)
        for number in range(count):
            case = mutated(rng, pool, words)
            if _one(target, case, report):
                if len(pool) < MAX_POOL:
                    pool.append(case)
                if keeping and len(case) <= 1024:
                    keep(target.name, case)
            if number % MEMORY_EVERY == MEMORY_EVERY - 1:
                report.grown_kib = _memory_kib() - memory
                if report.grown_kib > MEMORY_KIB:
                    raise Failure(target.name, number, case, MemoryError(f"grown by {report.grown_kib} KiB"))
    report.seconds = time.monotonic() - began
    report.grown_kib = _memory_kib() - memory
    return report


def _one(target: Target, case: bytes, report: Report) -> bool:
    """Play one; whether its outcome is new."""
    signal.setitimer(signal.ITIMER_VIRTUAL, CASE_CPU_S)
    began = time.process_time()
    try:
        outcome = target.play(case)
    except (Exception, Hang) as error:
        raise Failure(target.name, report.inputs, case, error) from error
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    report.slowest_s = max(report.slowest_s, time.process_time() - began)
    report.inputs += 1
    new = outcome not in report.outcomes
    report.outcomes[outcome] = report.outcomes.get(outcome, 0) + 1
    return new


@contextmanager
def watched() -> Iterator[None]:
    """An input that takes too much processor time raises `Hang`. By processor time, so that a busy machine does not matter."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {CASE_CPU_S} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _memory_kib() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


EDGES = (b"\0", b"\x7f", b"\x80", b"\xff", b"\x17", b"\x18", b"\x1b", b"\xf5", b"\xf7", b"\xf9", b"\xfb", b"\xff" * 8, b"\0" * 8)


def mutated(rng: Random, pool: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One input out of the pool's: mostly small changes, now and then a splice or pure chance."""
    chance = rng.random()
    if chance < 0.02:
        return rng.randbytes(rng.randrange(1, 200))
    # The newest are the least explored.
    at = len(pool) - 1 - int(len(pool) * rng.random() ** 2)
    case = bytearray(pool[at])
    if chance < 0.12:
        other = rng.choice(pool)
        case = case[: rng.randrange(len(case) + 1)] + other[rng.randrange(len(other) + 1) :]
    for _ in range(1 if rng.random() < 0.5 else rng.randrange(2, 9)):
        _change(rng, case, words)
    return bytes(case[:MAX_INPUT_BYTES])


def _change(rng: Random, case: bytearray, words: Sequence[bytes]) -> None:
    place = rng.randrange(len(case) + 1)
    if place == len(case):
        case += rng.choice(words) if words and rng.random() < 0.7 else rng.randbytes(rng.randrange(1, 9))
        return
    match rng.randrange(9):
        case 0:
            case[place] ^= 1 << rng.randrange(8)
        case 1:
            case[place] = rng.randrange(256)
        case 2:
            case[place] = (case[place] + rng.choice((-1, 1))) % 256
        case 3:
            del case[place : place + rng.randrange(1, 9)]
        case 4:
            end = place + rng.randrange(1, 33)
            case[place:place] = case[place:end] * rng.randrange(1, 4)
        case 5 | 6 if words:
            word = rng.choice(words)
            case[place : place + (len(word) if rng.random() < 0.5 else 0)] = word
        case 7:
            edge = rng.choice(EDGES)
            case[place : place + len(edge)] = edge
        case _:
            del case[place:]
