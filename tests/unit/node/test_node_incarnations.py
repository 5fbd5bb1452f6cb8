"""The number of a node's start: grows, differs between copies, and is never used before it is stored."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import pytest
from simulated_world import Person, SimulatedWorld

from multichat_tui.model.errors import StorageFailed
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.identity import INCARNATION_BITS
from multichat_tui.node.incarnations import goes_back
from multichat_tui.node.service import Node

ONE_START = 1 << INCARNATION_BITS


@pytest.mark.parametrize(
    ("number", "greatest", "back"),
    [
        (7, 0, False),
        (8, 7, False),
        (7, 7, False),
        (6, 7, True),
        (ONE_START + 5, 7, False),
        (2 * ONE_START, ONE_START + 5, False),
        (ONE_START + 5, ONE_START + 5, False),
        (ONE_START + 6, ONE_START + 5, True),
        (ONE_START + 4, ONE_START + 5, True),
        (ONE_START, 2 * ONE_START, True),
    ],
)
def test_a_number_goes_back_if_it_is_smaller_or_another_of_the_same_start(number: int, greatest: int, back: bool) -> None:
    assert goes_back(number, greatest) is back


def incarnation(person: Person) -> int:
    assert person.api._identity is not None
    return person.api._identity.incarnation


def test_a_number_whose_commit_failed_is_not_used_again() -> None:
    async def play() -> None:
        world = SimulatedWorld(1)
        (ann,) = await world.add("ann")
        first = incarnation(ann)
        await ann.stop()
        node = Node(store=ann.store, network=ann.network, now_ms=ann.now_ms, entropy=ann.random.randbytes, executor=None)
        ann.store.crash_next = "before"
        with pytest.raises(StorageFailed):
            await node.start()
        assert node._identity is None
        await ann.start()
        assert incarnation(ann) >> INCARNATION_BITS == (first >> INCARNATION_BITS) + 1

    run_virtual(play())
