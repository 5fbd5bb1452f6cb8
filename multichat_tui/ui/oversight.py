"""What the moderation console shows and what is chosen there: tabs, filters, marks. Pure state; draws nothing, asks nobody."""

import fnmatch
import re
from collections.abc import Callable, Hashable
from dataclasses import field
from enum import StrEnum

from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.moderation import DeedRow, ReportRow, ReportState, RosterRow
from multichat_tui.model.snapshots import WaitingRow
from multichat_tui.model.values import dataclass

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SPANS: tuple[tuple[str, int], ...] = (
    ("in the last 10 minutes", 10 * MINUTE_MS),
    ("in the last hour", HOUR_MS),
    ("in the last day", DAY_MS),
    ("in the last 7 days", 7 * DAY_MS),
    ("at any time", 0),
)
"""Of who has come, and of what was done."""
HOUR = 1
ANY_TIME = len(SPANS) - 1
WROTE: tuple[tuple[str, int, int], ...] = (
    ("", 0, 2**53),
    ("wrote nothing", 0, 0),
    ("wrote something", 1, 2**53),
    ("wrote 10 or more", 10, 2**53),
)
"""(what it is called, the least number of messages, the greatest)."""


class Tab(StrEnum):
    REPORTS = "reports"
    WAITING = "waiting"
    """Who asks to be let in."""
    PEOPLE = "people"
    LOG = "log"


TABS = tuple(Tab)
Row = ReportRow | WaitingRow | RosterRow | DeedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Somebody about whom something is to be done."""

    user: UserId
    name: str


@dataclass(slots=True, kw_only=True)
class Oversight:
    """Of one channel. Rows are set by whoever reads them."""

    channel: ChannelId
    label: str
    tab: Tab = Tab.REPORTS
    reports: tuple[ReportRow, ...] = ()
    waiting: tuple[WaitingRow, ...] = ()
    people: tuple[RosterRow, ...] = ()
    deeds: tuple[DeedRow, ...] = ()
    more: RecordId | None = None
    """The log goes on from there."""
    span: dict[Tab, int] = field(default_factory=lambda: {tab: HOUR if tab is Tab.PEOPLE else ANY_TIME for tab in Tab})
    wrote: int = 0
    pattern: str = ""
    """Of names, with * and ?; without those a part of the name."""
    settled: bool = False
    """Settled reports are shown, too."""
    _at: dict[Tab, int] = field(default_factory=dict)
    _marked: dict[Tab, set[Hashable]] = field(default_factory=dict)

    # What is shown

    def rows(self, now_ms: int) -> list[Row]:
        """Of the open tab, as far as the filter lets them through."""
        since = now_ms - SPANS[self.span[self.tab]][1] if SPANS[self.span[self.tab]][1] else 0
        fits = _fitting(self.pattern)
        match self.tab:
            case Tab.REPORTS:
                return [
                    row
                    for row in self.reports
                    if row.time_ms >= since
                    and (self.settled or row.state is ReportState.OPEN)
                    and (fits(row.name) or fits(row.reporter_name))
                ]
            case Tab.WAITING:
                return [row for row in self.waiting if row.asked_ms >= since and fits(row.name)]
            case Tab.PEOPLE:
                _, least, most = WROTE[self.wrote]
                return [
                    row
                    for row in self.people
                    if row.joined_ms >= since and least <= row.messages <= most and fits(row.name) and not row.me
                ]
            case Tab.LOG:
                return [row for row in self.deeds if row.time_ms >= since and (fits(row.name) or fits(row.subject_name))]

    def total(self) -> int:
        """How many there are without a filter."""
        match self.tab:
            case Tab.REPORTS:
                return len(self.reports)
            case Tab.WAITING:
                return len(self.waiting)
            case Tab.PEOPLE:
                return sum(not row.me for row in self.people)
            case Tab.LOG:
                return len(self.deeds)

    @property
    def open_reports(self) -> int:
        return sum(row.state is ReportState.OPEN for row in self.reports)

    def filter_words(self) -> str:
        """`came in the last hour, wrote nothing, name spam*`."""
        words = [SPANS[self.span[self.tab]][0]]
        if self.tab is Tab.PEOPLE:
            words[0] = f"came {words[0]}"
            words += [WROTE[self.wrote][0]] if self.wrote else []
        if self.tab is Tab.REPORTS and self.settled:
            words.append("settled ones too")
        if self.pattern:
            words.append(f"name {self.pattern}")
        return ", ".join(words)

    # The cursor

    def cursor(self, now_ms: int) -> int:
        """Its place in `rows`."""
        return max(0, min(self._at.get(self.tab, 0), len(self.rows(now_ms)) - 1))

    def move(self, step: int, now_ms: int) -> None:
        rows = self.rows(now_ms)
        self._at[self.tab] = max(0, min(self.cursor(now_ms) + step, len(rows) - 1))

    def chosen(self, now_ms: int) -> Row | None:
        """The row under the cursor."""
        rows = self.rows(now_ms)
        return rows[self.cursor(now_ms)] if rows else None

    def go(self, tab: Tab) -> None:
        self.tab = tab

    def step_tab(self, step: int) -> None:
        self.tab = TABS[(TABS.index(self.tab) + step) % len(TABS)]

    # The filter

    def next_span(self) -> None:
        self.span[self.tab] = (self.span[self.tab] + 1) % len(SPANS)

    def next_wrote(self) -> None:
        self.wrote = (self.wrote + 1) % len(WROTE)

    # Marks

    def marked(self, row: Row) -> bool:
        return _key(row) in self._marked.get(self.tab, ())

    def mark(self, now_ms: int) -> None:
        """The row under the cursor, or no more; the cursor goes on."""
        row = self.chosen(now_ms)
        if row is not None and self.tab is not Tab.LOG:
            self._marked.setdefault(self.tab, set()).symmetric_difference_update({_key(row)})
            self.move(1, now_ms)

    def mark_all(self, now_ms: int) -> None:
        """All that the filter shows; all marks away if they are marked already."""
        rows = self.rows(now_ms) if self.tab is not Tab.LOG else []
        held = self._marked.setdefault(self.tab, set())
        keys = {_key(row) for row in rows}
        if keys <= held:
            held -= keys
        else:
            held |= keys

    def unmark(self) -> bool:
        """Whether there were marks."""
        return bool(self._marked.pop(self.tab, None))

    def count_marked(self, now_ms: int) -> int:
        return sum(self.marked(row) for row in self.rows(now_ms))

    def taken(self, now_ms: int) -> list[Row]:
        """What an action is for: the marked ones that are shown, else the one under the cursor."""
        rows = [row for row in self.rows(now_ms) if self.marked(row)]
        here = self.chosen(now_ms)
        return rows or ([here] if here is not None else [])

    def targets(self, now_ms: int) -> tuple[Target, ...]:
        """The people of whom those rows are, each once."""
        found: dict[UserId, str] = {}
        for row in self.taken(now_ms):
            match row:
                case RosterRow() | ReportRow() | WaitingRow():
                    user, name = row.user, row.name
                case DeedRow():
                    user, name = row.subject, row.subject_name
            if user is not None:
                found.setdefault(user, name)
        return tuple(Target(user=user, name=name) for user, name in found.items())


def _key(row: Row) -> Hashable:
    return row.user if isinstance(row, RosterRow | WaitingRow) else row.id


def _fitting(pattern: str) -> Callable[[str], bool]:
    """Whether a name fits a pattern."""
    word = pattern.strip().casefold()
    if not word:
        return lambda name: True
    whole = re.compile(fnmatch.translate(word if any(sign in word for sign in "*?") else f"*{word}*"))
    return lambda name: whole.match(name.casefold()) is not None
