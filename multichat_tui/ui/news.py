"""The line of news: what happened last, until it is old or something else happens. A warning about keys gives way to nothing."""

from collections.abc import Callable

from multichat_tui.ui.arrivals import Arrivals
from multichat_tui.ui.desk import Desk
from multichat_tui.ui.faces import Note
from multichat_tui.ui.timers import Timers

NEWS_S = 10.0
"""How long good news stand. Bad ones stay until something else is done."""


class News:
    """`changed` is called when there is another line."""

    def __init__(self, timers: Timers, changed: Callable[[], None]) -> None:
        self.note: Note | None = None
        self._timers, self._changed = timers, changed
        self._arrivals = Arrivals()
        self._warning: Note | None = None
        """About somebody's keys: no other news takes its place."""

    def say(self, text: str, *, bad: bool = False) -> None:
        """One line of news; empty: none."""
        note = Note(text=text, bad=bad) if text else None
        if note != self.note:
            self.note = note
            self._changed()
        if note is not None and not bad:
            self._timers.later("news", NEWS_S, lambda: self._forget(note))

    def warn(self, text: str) -> None:
        """About somebody's keys."""
        self.say(text, bad=True)
        self._warning = self.note

    def drop_bad(self) -> None:
        """The user has gone elsewhere: what went wrong before is seen."""
        if self.note is not None and self.note.bad:
            self.note = None

    def tell_arrivals(self, desk: Desk) -> None:
        """What one waited for, and has come about."""
        news = self._arrivals.look(desk)
        if news is not None and (self._warning is None or self.note is not self._warning):
            self.say(news[0], bad=news[1])

    def _forget(self, note: Note) -> None:
        if self.note is note:
            self.say("")
