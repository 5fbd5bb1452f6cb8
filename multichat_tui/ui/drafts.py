"""What is being written where: kept here as it is typed, and with the node when the user pauses."""

from collections import deque
from collections.abc import Awaitable, Callable

from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import SetDraft
from multichat_tui.model.limits import MAX_DRAFT_CHARACTERS
from multichat_tui.ui.desk import Desk

GIVEN_DRAFTS = 16
"""What was given to the node lately, or written over here: told of one of these, we hear of a moment ago."""
Place = tuple[ChannelId, RecordId | None]
"""A channel, or the thread in it that begins with a message."""


class Drafts:
    """`submit` gives an intent to the node, and says itself why it failed."""

    def __init__(self, desk: Desk, submit: Callable[[SetDraft], Awaitable[object]]) -> None:
        self._desk, self._submit = desk, submit
        self._written: dict[Place, str] = {}
        self._saved: dict[Place, str] = {}
        self._given: deque[str] = deque(maxlen=GIVEN_DRAFTS)
        self._read: dict[Place, str] = {}
        """Of threads: what the node had when they were read."""

    def read(self, place: Place, text: str) -> None:
        """What the node has for a thread."""
        self._read.setdefault(place, text)

    def get(self, place: Place) -> str:
        """What was being written there, here or at another terminal."""
        return self._written.get(place, self._stored(place))

    def _stored(self, place: Place) -> str:
        if place[1] is not None:
            return self._read.get(place, "")
        row = self._desk.channels.get(place[0])
        return row.draft if row is not None else ""

    def taken_over(self, channel: ChannelId, draft: str) -> bool:
        """The node has another draft of a channel than this terminal gave it: what nobody has touched here since follows.

        False: it is our own, or something is being written here.
        """
        place: Place = (channel, None)
        saved, written = self._saved.get(place), self._written.get(place)
        if written is None:
            return True
        if draft == written or written not in ("", saved) or draft in self._given:
            return False
        self._written.pop(place, None)
        self._saved.pop(place, None)
        return True

    def edit(self, place: Place, text: str) -> bool:
        """Whether that is anything new."""
        if self.get(place) == text:
            return False
        if place not in self._written:
            self._given.append(self._stored(place))
        self._written[place] = text
        return True

    def touched(self, place: Place) -> bool:
        return place in self._written

    async def save(self, place: Place) -> None:
        """With the node, if it has not got it; of a very long one what it takes."""
        saved = self._saved.get(place, self._stored(place))
        text = self._written.get(place, saved)[:MAX_DRAFT_CHARACTERS]
        if place in self._written and text != saved and place[0] in self._desk.channels:
            self._saved[place] = text
            self._given.append(text)
            if await self._submit(SetDraft(channel=place[0], text=text, thread=place[1])) is None:
                self._saved[place] = saved

    async def save_all(self) -> None:
        for place in list(self._written):
            await self.save(place)
