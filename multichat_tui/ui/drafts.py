"""What is being written where: kept here as it is typed, and with the node when the user pauses."""

from collections.abc import Awaitable, Callable

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import SetDraft
from multichat_tui.model.limits import MAX_DRAFT_CHARACTERS
from multichat_tui.ui.desk import Desk


class Drafts:
    """`submit` gives an intent to the node, and says itself why it failed."""

    def __init__(self, desk: Desk, submit: Callable[[SetDraft], Awaitable[object]]) -> None:
        self._desk, self._submit = desk, submit
        self._written: dict[ChannelId, str] = {}
        self._saved: dict[ChannelId, str] = {}

    def get(self, channel: ChannelId) -> str:
        """What was being written there, here or at another terminal."""
        return self._written.get(channel, self._stored(channel))

    def _stored(self, channel: ChannelId) -> str:
        row = self._desk.channels.get(channel)
        return row.draft if row is not None else ""

    def edit(self, channel: ChannelId, text: str) -> bool:
        """Whether that is anything new."""
        if self.get(channel) == text:
            return False
        self._written[channel] = text[:MAX_DRAFT_CHARACTERS]
        return True

    def touched(self, channel: ChannelId) -> bool:
        return channel in self._written

    async def save(self, channel: ChannelId) -> None:
        """With the node, if it has not got it."""
        text = self._written.get(channel)
        saved = self._saved.get(channel, self._stored(channel))
        if text is not None and text != saved and channel in self._desk.channels:
            self._saved[channel] = text
            await self._submit(SetDraft(channel=channel, text=text))

    async def save_all(self) -> None:
        for channel in list(self._written):
            await self.save(channel)
