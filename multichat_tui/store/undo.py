"""What a transaction in memory has done, so that it can be taken back.

The rule: every change of a container goes through here, and is undone in reverse order, so that a rollback leaves exactly what
was, down to containers that did not exist.
"""

import bisect
from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class UndoLog:
    """Changes containers, and remembers how to take the changes back."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def assign(self, mapping: MutableMapping[K, V], key: K, value: V) -> None:
        if key in mapping:
            before = mapping[key]
            self._steps.append(lambda: mapping.__setitem__(key, before))
        else:
            self._steps.append(lambda: mapping.__delitem__(key))
        mapping[key] = value

    def drop(self, mapping: MutableMapping[K, V], key: K) -> None:
        """No such key is no error."""
        if key in mapping:
            before = mapping.pop(key)
            self._steps.append(lambda: mapping.__setitem__(key, before))

    def opened(self, mapping: MutableMapping[K, V], key: K, make: Callable[[], V]) -> V:
        """The value under `key`, made and put there if there is none."""
        found = mapping.get(key)
        if found is None:
            found = make()
            self.assign(mapping, key, found)
        return found

    def insert(self, ordered: list[Any], item: Any) -> None:
        """Into an ascending list, after its equals."""
        bisect.insort_right(ordered, item)
        self._steps.append(lambda: ordered.pop(bisect.bisect_right(ordered, item) - 1))

    def remove(self, ordered: list[Any], item: Any) -> None:
        """From an ascending list that holds the item."""
        place = bisect.bisect_left(ordered, item)
        assert ordered[place] == item
        ordered.pop(place)
        self._steps.append(lambda: ordered.insert(place, item))

    def add(self, members: set[K], item: K) -> None:
        if item not in members:
            members.add(item)
            self._steps.append(lambda: members.discard(item))

    def discard(self, members: set[K], item: K) -> bool:
        """Whether the item was there."""
        if item not in members:
            return False
        members.discard(item)
        self._steps.append(lambda: members.add(item))
        return True

    def run(self, undo: Callable[[], object]) -> None:
        """Remember a step of the caller's own."""
        self._steps.append(undo)

    def roll_back(self) -> None:
        while self._steps:
            self._steps.pop()()
