"""The entries of a window in order, and where each stands. Made again only when the window has changed."""

from multichat_tui.model.snapshots import Gap
from multichat_tui.ui.entries import Entry, Key, Notice, entries_of, key_of
from multichat_tui.ui.window import MessageWindow


class EntryList:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.places: dict[Key, int] = {}
        """The index of the entry that a key names; every row of a notice names it."""
        self._made_of: tuple[int, int | None, tuple[Gap, ...]] | None = None

    def forget(self) -> None:
        """Another window follows."""
        self._made_of = None

    def refresh(self, window: MessageWindow, read_arrival: int | None, gaps: tuple[Gap, ...]) -> None:
        version = (window.version, read_arrival, gaps)
        if version == self._made_of:
            return
        self.entries = entries_of(
            window.rows, beginning=not window.more_before, read_arrival=read_arrival, gaps=gaps, end=not window.more_after
        )
        self.places = {key_of(entry): index for index, entry in enumerate(self.entries)}
        for entry in self.entries:
            if isinstance(entry, Notice):
                for row in entry.rows[1:]:
                    self.places.setdefault(("row", row.id), self.places[key_of(entry)])
        self._made_of = version
