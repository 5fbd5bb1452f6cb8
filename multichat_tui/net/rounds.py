"""Whom the next announcement on the LAN names, and when it comes: the same for the real network and its twin.

Whoever was never named comes first, in the order of the keys, then who was named longest ago: nobody waits for ever, however many
there are. Neither the choice nor the times depend on who is linked or has been found, and the times not on how many there are
either: whoever listens would see it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field

from multichat_tui.model.limits import ANNOUNCE_AGAIN_S, ANNOUNCE_CHANGE_AGAIN_S, ANNOUNCED_KEYS
from multichat_tui.model.values import dataclass


@dataclass(slots=True)
class Turns:
    """Who was named when. An announcement has `room` for so many."""

    room: int = ANNOUNCED_KEYS
    _number: int = 0
    _named: dict[bytes, int] = field(default_factory=dict)
    """The number of the announcement that named a key last."""

    def next(self, keys: Iterable[bytes]) -> tuple[bytes, ...]:
        """The keys that the next announcement names, of all, in their order: as many as there is room for."""
        self._number += 1
        wanted = dict.fromkeys(keys)
        chosen = sorted(wanted, key=lambda key: self._named.get(key, 0))[: self.room]
        self._named = {key: number for key, number in self._named.items() if key in wanted} | dict.fromkeys(chosen, self._number)
        return tuple(key for key in wanted if self._named.get(key) == self._number)


class Rounds:
    """Calls `announce` again and again after an announcement that its owner has made. `chance` gives numbers from 0 to 1."""

    def __init__(
        self, announce: Callable[[], None], chance: Callable[[], float], again_s: Sequence[float] = ANNOUNCE_AGAIN_S
    ) -> None:
        self._announce = announce
        self._chance = chance
        self._again_s = again_s
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        return self._timer is not None

    def begin(self) -> None:
        """We have announced ourselves on a network where we were not."""
        self._number = 0
        self._wait(self._again_s[0])

    def changed(self) -> None:
        """We have announced ourselves for other keys."""
        assert self._timer is not None
        if self._timer.when() > asyncio.get_running_loop().time() + ANNOUNCE_CHANGE_AGAIN_S:
            self._wait(ANNOUNCE_CHANGE_AGAIN_S)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._number = min(self._number + 1, len(self._again_s) - 1)
        self._wait(self._again_s[self._number])
        self._announce()

    def _wait(self, wait_s: float) -> None:
        """A quarter more or less: who came together shall not speak together."""
        self.end()
        self._timer = asyncio.get_running_loop().call_later(wait_s * (0.75 + self._chance() / 2), self._due)
