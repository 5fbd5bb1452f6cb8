"""Every target of fuzzing takes its kept corpus and some fresh inputs. `python -m tests.fuzz TARGET --seed S` runs more."""

import time

import pytest

from tests.fuzz.shape import Failure, Hang, Report, _one, fuzz, kept, mutated, replay, watched
from tests.fuzz.targets import TARGETS

FRESH = {
    "decoder": 2000,
    "links": 2000,
    "configuration": 2000,
    "handshake": 1000,
    "frames": 800,
    "envelopes": 2000,
    "rendering": 800,
    "screens": 25,
    "socket": 800,
    "commands": 800,
}
"""About a second each on an idle machine."""
OTHERWISE = 600


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_and_fresh_inputs_break_nothing(name: str) -> None:
    seed = time.time_ns() % 2**32
    print(f"python -m tests.fuzz {name} --seed {seed} --count {FRESH.get(name, OTHERWISE)}")
    target = TARGETS[name]()
    try:
        assert kept(name), "a corpus belongs to every target"
        replay(target, kept(name))
        report = fuzz(target, count=FRESH.get(name, OTHERWISE), seed=seed)
    finally:
        target.close()
    assert len(report.outcomes) >= 10, "the inputs do not get past the door"


class Fragile:
    """Breaks at one byte, spins at another."""

    name = "fragile"

    def seeds(self):
        return [b"seed"]

    def words(self):
        return [b"\xee"]

    def play(self, case: bytes) -> str:
        if b"\xee" in case:
            raise IndexError("broken")
        while b"\xdd" in case:
            pass
        return case[:1].hex()

    def close(self): ...


def test_a_crash_is_found_again_by_its_seed_and_by_its_input():
    found = []
    for _ in range(2):
        with pytest.raises(Failure, match="IndexError") as caught:
            fuzz(Fragile(), count=2000, seed=7)
        found.append(caught.value.case)
    assert found[0] == found[1]
    with pytest.raises(Failure, match=found[0].hex()):
        replay(Fragile(), [found[0]])


def test_an_input_that_takes_too_long_is_a_failure(monkeypatch):
    monkeypatch.setattr("tests.fuzz.shape.CASE_CPU_S", 0.05)
    with pytest.raises(Failure) as caught, watched():
        _one(Fragile(), b"\xdd", Report())
    assert isinstance(caught.value.cause, Hang)


def test_memory_that_grows_without_end_is_a_failure(monkeypatch):
    class Greedy(Fragile):
        held: list[bytes] = []  # noqa: RUF012  # one for all of its runs, on purpose

        def play(self, case: bytes) -> str:
            self.held.append(bytes(64 * 1024))
            return "same"

    monkeypatch.setattr("tests.fuzz.shape.MEMORY_KIB", 16 * 1024)
    monkeypatch.setattr("tests.fuzz.shape.MEMORY_EVERY", 64)
    with pytest.raises(Failure, match="MemoryError"):
        fuzz(Greedy(), count=100_000, seed=1)
    Greedy.held.clear()


def test_mutation_follows_from_the_seed_and_stays_small():
    from random import Random

    pool = [b"one", b"another input", b""]
    made = [[mutated(rng, pool, [b"word"]) for _ in range(500)] for rng in (Random(5), Random(5))]
    assert made[0] == made[1]
    assert len(set(made[0])) > 300
    assert max(map(len, made[0])) <= 4096
