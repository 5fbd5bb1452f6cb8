"""Words that are completed behind a command and that only the node knows: asked for while the command is being typed."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import COMMANDS
from multichat_tui.node.api.commands.offered import offered
from multichat_tui.node.api.commands.shape import ASKED_FOR

TAKES: Mapping[str, Sequence[tuple[str, ...]]] = {
    f"/{name}": command.takes for command in COMMANDS for name in (command.name, *command.aliases)
} | {f"/{command.name} {word}": takes for command in COMMANDS for word, takes in command.after.items()}
"""By a command, or by a command and its first word."""


class AskedFor:
    """`spawn` runs a coroutine beside the screen."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._spawn = spawn
        self._begun: tuple[ChannelId | None, str] = (None, "")
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def typed(self, api: NodeApi | None, channel: ChannelId | None, text: str) -> None:
        """This stands in the line now: once for each command that is begun, ask what can stand behind it."""
        head, space, _ = text.partition(" ")
        begun = (channel, head.lower() if space else "")
        if begun == self._begun or api is None:
            return
        self._begun = begun
        wanted = {what for begin, all_of in TAKES.items() if begin.split()[0] == begun[1] for what in all_of}
        for what in wanted & ASKED_FOR:
            self._known.pop(what, None)
            self._spawn(self._ask(api, channel, what))

    async def _ask(self, api: NodeApi, channel: ChannelId | None, what: tuple[str, ...]) -> None:
        try:
            self._known[what] = await offered(api, channel, what)
        except MultichatError:
            return  # nothing is offered; whoever enters the command is told why

    def takes(self) -> dict[str, list[Sequence[str]]]:
        """What each command takes, with what is known by now."""
        return {
            head: [self._known.get(what, ()) if what in ASKED_FOR else what for what in all_of] for head, all_of in TAKES.items()
        }
