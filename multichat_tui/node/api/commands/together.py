"""Several commands done as one: all of them, or none."""

from collections.abc import Callable
from typing import cast, get_args

from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import Accepted, Intent, Part, SendMessage, Together
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Command, Outcome
from multichat_tui.node.api.lookup import id_text

SEPARATOR = " ; "


class Gathering:
    """A `NodeApi` which keeps what it is given to do. What it is asked, the node answers."""

    def __init__(self, api: NodeApi, channel: ChannelId) -> None:
        self._api = api
        self._channel = channel
        self.parts: list[Part] = []
        self.doing = ""
        """The command that is being gathered."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._api, name)

    async def submit(self, intent: Intent) -> Accepted:
        if not isinstance(intent, get_args(Part)):
            what = f"/{self.doing}" if self.doing else "That"
            raise IntentRefused(Refusal.NOT_ALLOWED, f"{what} cannot be done together with something else.", "Do it by itself.")
        part = cast(Part, intent)
        self.parts.append(part)
        return Accepted(channel=part.channel)


async def together(call: Call, command_named: Callable[[str], Command | None]) -> Outcome:
    """What stands between the separators is a command each, or the text of a message."""
    channel = call.need_channel()
    lines = [line.strip() for line in f" {call.need_words()} ".split(SEPARATOR) if line.strip()]
    if not lines:
        raise call.misused()
    gathering = Gathering(call.api, channel)
    told: list[str] = []
    for line in lines:
        try:
            told += await _gather(call, command_named, line, gathering, channel)
        except MultichatError as error:
            error.advice = f"{error.advice} Nothing was done.".strip()
            raise
    accepted = await call.api.submit(Together(channel=channel, intents=tuple(gathering.parts)))
    record = accepted.record
    fields = {"id": None if record is None else id_text(record), "channel": id_text(channel), "together": len(gathering.parts)}
    return Outcome(lines=tuple(told), fields=fields, record=record)


async def _gather(
    call: Call, command_named: Callable[[str], Command | None], line: str, gathering: Gathering, channel: ChannelId
) -> tuple[str, ...]:
    if not line.startswith("/") or line.startswith("//"):
        await gathering.submit(SendMessage(channel=channel, text=line.removeprefix("/") if line.startswith("//") else line))
        return ()
    name, _, words = line[1:].partition(" ")
    command = command_named(name.lower())
    if command is None or command.name == "together":
        raise UsageError(f"There is no command {name[:40]!r} to do together with others.", f"Usage: {call.usage}")
    before = len(gathering.parts)
    gathering.doing = command.name
    outcome = await command.run(
        Call(
            api=cast(NodeApi, gathering),
            channel=channel,
            words=words.strip(),
            usage=command.usage,
            summary=command.summary,
            compared=call.compared,
        )
    )
    if len(gathering.parts) == before:
        raise UsageError(f"/{command.name} changes nothing in this channel.", "It cannot be done together with others.")
    return outcome.lines
