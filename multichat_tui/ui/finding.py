"""What a search screen knows: the text, what was found, which of it is chosen and what stands around that. Draws nothing.

One question is asked at a time, and the newest text next: keys never wait, and no answer is shown for a text that is gone.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.searching import FoundPage, FoundRow, Search
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.queries import parse_query, understand

PAGE_HITS = 24
"""As many as a screen shows, for each costs a row to be made: 0.2 ms."""
NEAR_END = 10
"""Nearer than this to the last hit that is held, the next page is asked for."""
MAX_HITS = 2000
"""Hits that are held; a search that finds more is better narrowed."""
AROUND_ROWS = 12
"""Messages before and after the chosen one that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """To one text. `complaint`: why there is none; `asked` is None where nothing was asked for."""

    text: str
    asked: Search | None = None
    hits: tuple[FoundRow, ...] = ()
    page: FoundPage | None = None
    complaint: str = ""

    @property
    def more(self) -> bool:
        return self.page is not None and self.page.more is not None and len(self.hits) < MAX_HITS


class Finder:
    """`preset` is a filter that asks for nothing by itself. `changed` is called when there is something else to show; `spawn`
    runs a coroutine beside the screen."""

    def __init__(
        self,
        api: NodeApi,
        here: ChannelId | None,
        preset: str,
        changed: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._api, self._here, self._preset = api, here, preset.strip()
        self._changed, self._spawn = changed, spawn
        self.answer = Answer(text="")
        self.chosen = 0
        self.around: tuple[MessageRow, ...] = ()
        """What stands around the chosen hit, as last read."""
        self._around_of: RecordId | None = None
        self._text = ""
        self._asking = self._paging = self._looking = False

    @property
    def searching(self) -> bool:
        """Whether the answer to what is typed is still to come."""
        return self.answer.text != self._text

    @property
    def hit(self) -> FoundRow | None:
        """The chosen one."""
        return self.answer.hits[self.chosen] if self.chosen < len(self.answer.hits) else None

    # Asking

    def look_for(self, text: str, *, again: bool = False) -> None:
        """Another text; `again` asks even if it is the same."""
        if text == self._text and not again:
            return
        self._text = text
        if again:
            self.answer = Answer(text="\n") if not self.answer.hits else self.answer
        if not self._asking:
            self._asking = True
            self._spawn(self._ask(again))

    async def _ask(self, again: bool) -> None:
        try:
            while again or self.searching:
                again, text = False, self._text
                answer = await self._answer(text)
                if text == self._text:
                    self._take(answer)
        finally:
            self._asking = False

    async def _answer(self, text: str) -> Answer:
        try:
            if text.strip() == self._preset or parse_query(text, typing=True).empty:
                return Answer(text=text)
            asked = await understand(self._api, text, typing=True, channel=self._here)
            if asked == Search():
                return Answer(text=text)
            page = (await self._api.search(asked, limit=PAGE_HITS)).rows
        except MultichatError as error:
            return Answer(text=text, complaint=str(error))
        return Answer(text=text, asked=asked, hits=page.rows, page=page)

    def _take(self, answer: Answer) -> None:
        before = self.hit
        self.answer = answer
        # Where the chosen one is found by the new words too, it stays chosen.
        ids = [found.row.id for found in answer.hits]
        self.chosen = ids.index(before.row.id) if before is not None and self.chosen and before.row.id in ids else 0
        self._look()
        self._changed()

    # Moving

    def move(self, step: int) -> None:
        """To an older hit (or newer, when negative)."""
        at = max(0, min(self.chosen + step, len(self.answer.hits) - 1))
        if at != self.chosen:
            self.chosen = at
            self._look()
            self._changed()
        if self.answer.more and not self._paging and at >= len(self.answer.hits) - NEAR_END:
            self._paging = True
            self._spawn(self._page(self.answer))

    async def _page(self, answer: Answer) -> None:
        try:
            if answer.asked is None or answer.page is None:
                return
            page = (await self._api.search(answer.asked, before=answer.page.more, limit=PAGE_HITS)).rows
            if self.answer is answer:
                self.answer = Answer(text=answer.text, asked=answer.asked, hits=answer.hits + page.rows, page=page)
                self._changed()
        except MultichatError as error:
            if self.answer is answer:
                self.answer = Answer(text=answer.text, asked=answer.asked, hits=answer.hits, complaint=str(error))
                self._changed()
        finally:
            self._paging = False

    # What stands around it

    def _look(self) -> None:
        if not self._looking and self.hit is not None and self.hit.row.id != self._around_of:
            self._looking = True
            self._spawn(self._read_around())
        elif self.hit is None:
            self.around, self._around_of = (), None

    async def _read_around(self) -> None:
        try:
            while (hit := self.hit) is not None and hit.row.id != self._around_of:
                row = hit.row
                try:
                    before = (await self._api.timeline(row.channel, before=row.position, limit=AROUND_ROWS)).rows
                    after = (await self._api.timeline(row.channel, after=row.position, limit=AROUND_ROWS)).rows
                except MultichatError:
                    before = after = ()
                self._around_of = row.id
                if self.hit is not None and self.hit.row.id == row.id:
                    self.around = (*before, row, *after)
                    self._changed()
        finally:
            self._looking = False
