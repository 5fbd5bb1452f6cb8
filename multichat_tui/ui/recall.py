"""Going back through what was entered, and forth again to what was being written."""

from collections.abc import Sequence


class Recall:
    """`shown` is what it has put into the line last: as long as that stands there unchanged, one is going through."""

    def __init__(self) -> None:
        self.entries: tuple[str, ...] = ()
        """The oldest first."""
        self.shown: str | None = None
        self._at: int | None = None
        self._kept = ""

    def use(self, entries: Sequence[str]) -> None:
        """Others, from the newest one again."""
        self.entries = tuple(entries)
        self.reset()

    def reset(self) -> None:
        """From the newest one again."""
        self._at = self.shown = None

    def step(self, text: str, by: int) -> str | None:
        """What is to stand in the line in place of `text`, one entry back (-1) or forth (1). None: nothing else."""
        if self._at is None or text != self.shown:
            if by > 0 or not self.entries:
                return None
            self._at, self._kept = len(self.entries), text
        at = max(0, self._at + by)
        if at >= len(self.entries):
            self.reset()
            return self._kept
        self._at, self.shown = at, self.entries[at]
        return self.shown
