"""How many unread entries a channel has: counted once, and then only what has arrived since.

The rule: what was counted is believed as long as no entry among it is written again; after a rollback nothing is.
"""

# ruff: noqa: S608 - statements are put together from constants of this module; values are always bound.

from multichat_tui.model.values import dataclass
from multichat_tui.store.checks import UNREAD_CAP
from multichat_tui.store.database import Database

_FOUND = "from entry where channel = ? and hidden = 0 and notice = 0"


@dataclass(slots=True)
class _Counted:
    after: int
    devices: tuple[int, ...]
    up_to: int
    entries: int
    mentions: int


class UnreadCounts:
    """Of the table entry."""

    __slots__ = ("_counted", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        self._counted: dict[int, _Counted] = {}

    def written(self, channel: int, arrival: int) -> None:
        """An entry is new, or says something else."""
        counted = self._counted.get(channel)
        if counted is not None and arrival <= counted.up_to:
            del self._counted[channel]

    def of(self, channel: int, after: int, devices: tuple[int, ...], newest: int) -> tuple[int, int]:
        """(entries, mentions) of a channel that arrived later than `after`, by other devices, each up to UNREAD_CAP. `newest`: no
        arrival is above that yet."""
        counted = self._counted.get(channel)
        if counted is None or (counted.after, counted.devices) != (after, devices):
            counted = self._counted[channel] = _Counted(after=after, devices=devices, up_to=after, entries=0, mentions=0)
        if newest > counted.up_to:
            rest = f"and arrival > ? and device not in ({', '.join('?' * len(devices))}) limit ?)"
            parameters = (channel, counted.up_to, *devices, UNREAD_CAP)
            # Beyond the cap nothing is counted but mentions, which have an index of their own.
            if counted.entries < UNREAD_CAP:
                counted.entries += self._database.rows(f"select count(*) from (select 1 {_FOUND} {rest}", parameters)[0][0]
            if counted.mentions < UNREAD_CAP:
                found = f"select count(*) from (select 1 {_FOUND} and mention = 1 {rest}"
                counted.mentions += self._database.rows(found, parameters)[0][0]
            counted.up_to = newest
        return min(counted.entries, UNREAD_CAP), min(counted.mentions, UNREAD_CAP)
