"""What was entered, by channel: as the node keeps it, and what was entered or set aside here since."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import RememberTyped
from multichat_tui.model.limits import MAX_TYPED_LINES
from multichat_tui.node.api import NodeApi

MAX_CHANNELS = 50
"""Those of which entries are held here; of others they are read again."""


class TypedHere:
    """`submit` gives an intent to the node, `changed` is called when the open channel has others, `spawn` runs a coroutine beside
    the screen. What the node does not keep, such as links, can be brought back until the program ends."""

    def __init__(
        self,
        submit: Callable[[RememberTyped], Awaitable[object]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        changed: Callable[[], None],
    ) -> None:
        self._submit, self._spawn, self._changed = submit, spawn, changed
        self._entries: OrderedDict[ChannelId | None, list[str]] = OrderedDict()

    def entries(self, channel: ChannelId | None) -> tuple[str, ...]:
        """The oldest first, each once."""
        return tuple(self._entries.get(channel, ()))

    def read(self, api: NodeApi, channel: ChannelId | None) -> None:
        """Have read what the node keeps: it stands before what was entered here."""
        self._spawn(self._read(api, channel))

    async def _read(self, api: NodeApi, channel: ChannelId | None) -> None:
        try:
            kept = (await api.typed(channel)).rows
        except MultichatError:
            return  # what was entered here is there all the same
        self._put(channel, [*kept, *(text for text in self._entries.get(channel, ()) if text not in kept)])
        self._changed()

    def enter(self, channel: ChannelId | None, text: str) -> None:
        """It was entered there: the node keeps it too."""
        if text.strip():
            self.set_aside(channel, text)
            self._spawn(self._keep(RememberTyped(channel=channel, text=text)))

    async def _keep(self, intent: RememberTyped) -> None:
        await self._submit(intent)

    def set_aside(self, channel: ChannelId | None, text: str) -> None:
        """It was written and gives way to something else."""
        if text.strip():
            self._put(channel, [*(each for each in self._entries.get(channel, ()) if each != text), text])
            self._changed()

    def forget(self) -> None:
        """All of it, here."""
        self._entries.clear()
        self._changed()

    def _put(self, channel: ChannelId | None, texts: list[str]) -> None:
        self._entries[channel] = texts[-MAX_TYPED_LINES:]
        self._entries.move_to_end(channel)
        while len(self._entries) > MAX_CHANNELS:
            self._entries.popitem(last=False)
