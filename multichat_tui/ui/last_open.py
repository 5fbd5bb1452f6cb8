"""The channel that was open last: kept with the profile, so that it is open again after a restart."""

from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable
from typing import Any

from multichat_tui.model.ids import ID_SIZE, ChannelId
from multichat_tui.model.intents import ChangeSetting
from multichat_tui.ui.timers import Timers

SETTING = "ui.last-open"
KEEP_S = 1.0
"""Whoever only passes through a channel was not in it."""


class LastOpen:
    """`submit` gives an intent to the node, `spawn` runs a coroutine beside the screen."""

    def __init__(
        self,
        timers: Timers,
        submit: Callable[[ChangeSetting], Awaitable[object]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._timers, self._submit, self._spawn = timers, submit, spawn
        self._here = self._kept = ""

    def among(self, settings: Iterable[tuple[str, str]], channels: Container[ChannelId]) -> ChannelId | None:
        """The one of the last time, as the settings of the profile have it, if it is still there."""
        self._kept = dict(settings).get(SETTING, "")
        try:
            found = ChannelId(bytes.fromhex(self._kept))
        except ValueError:
            return None
        return found if len(found) == ID_SIZE and found in channels else None

    def note(self, channel: ChannelId | None) -> None:
        """This one is open now."""
        if channel is not None:
            self._here = channel.hex()
            self._timers.later("last open", KEEP_S, lambda: self._spawn(self.keep()))

    async def keep(self) -> None:
        """Have it kept, unless it is."""
        if self._here and self._here != self._kept:
            self._kept = self._here
            await self._submit(ChangeSetting(key=SETTING, value=self._here))
