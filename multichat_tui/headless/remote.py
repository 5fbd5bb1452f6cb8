"""The node's face over its control socket: what a second terminal and commands use in place of a node of their own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from multichat_tui.headless.protocol import ANSWER_TIMEOUT_S, HELLO_TIMEOUT_S, MAX_ANSWER_LINE_BYTES, METHODS, PROTOCOL
from multichat_tui.headless.socket_path import peer_uid
from multichat_tui.model.errors import MultichatError, NewerVersion, Unreachable, UsageError
from multichat_tui.model.events import Event
from multichat_tui.model.exposure import ExposureRow
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import Accepted, Intent, Part
from multichat_tui.model.moderation import EVERYTHING, DeedPage, DeedSearch, Foreseen, ReportRow, RosterRow
from multichat_tui.model.searching import FoundPage, Search
from multichat_tui.model.snapshots import (
    ChannelRow,
    ContactRow,
    DeliveryRow,
    DeviceRow,
    ListedRow,
    Me,
    MemberRow,
    MessageRow,
    PeerRow,
    Position,
    RulesRow,
    Snapshot,
    StatusRow,
    Thread,
)
from multichat_tui.model.trust import TrustRow
from multichat_tui.node.api.subscription import Subscription
from multichat_tui.node.api.wire import error_from_json, from_json, from_line, to_json, to_line

GONE = "The node has stopped or was cut off."
AGAIN = "Run the command again: it will use the profile by itself."


class RemoteNode:
    """`NodeApi` over a connected control socket. Requests run side by side; when the node goes, all raise `Unreachable`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._streams: dict[int, Subscription] = {}
        self._gone = False
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def attach(cls, path: Path, *, timeout_s: float = HELLO_TIMEOUT_S) -> "RemoteNode":
        """Connect and hear the greeting. `errors.Unreachable` if nobody answers there, or somebody else's program does."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_unix_connection(os.fspath(path), limit=MAX_ANSWER_LINE_BYTES)
                if peer_uid(writer.get_extra_info("socket")) != os.getuid():
                    raise Unreachable("The control socket belongs to another user.")
                _check_greeting(from_line(await reader.readline()))
        except (OSError, TimeoutError, ValueError, UsageError):
            _drop(writer)
            raise Unreachable("No node answers at the control socket.") from None
        except BaseException:
            _drop(writer)
            raise
        node = cls(reader, writer)
        node._reading = asyncio.create_task(node._read())
        return node

    async def close(self) -> None:
        """Detach; the node goes on. Idempotent."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._lose()

    async def submit(self, intent: Intent) -> Accepted:
        return await self._ask("submit", intent=intent)  # type: ignore[no-any-return]  # by METHODS

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[AsyncIterator[Event]]:
        number = self._number()
        stream = self._streams[number] = Subscription()
        try:
            await self._request(number, "events", {})
            yield stream
        finally:
            if self._streams.pop(number, None) is not None and not self._gone:
                with contextlib.suppress(MultichatError):
                    await self._request(self._number(), "cancel", {"id": number})

    def events(self) -> contextlib.AbstractAsyncContextManager[AsyncIterator[Event]]:
        """As the node's own; the iterator also ends when the node is lost."""
        return self._subscribed()

    async def me(self) -> Snapshot[Me]:
        return await self._ask("me")  # type: ignore[no-any-return]  # by METHODS

    async def channels(self) -> Snapshot[tuple[ChannelRow, ...]]:
        return await self._ask("channels")  # type: ignore[no-any-return]  # by METHODS

    async def channel(self, channel: ChannelId) -> Snapshot[ChannelRow]:
        return await self._ask("channel", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def contacts(self) -> Snapshot[tuple[ContactRow, ...]]:
        return await self._ask("contacts")  # type: ignore[no-any-return]  # by METHODS

    async def members(self, channel: ChannelId) -> Snapshot[tuple[MemberRow, ...]]:
        return await self._ask("members", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def trust(self, user: UserId) -> Snapshot[TrustRow]:
        return await self._ask("trust", user=user)  # type: ignore[no-any-return]  # by METHODS

    async def rules(self, channel: ChannelId) -> Snapshot[RulesRow]:
        return await self._ask("rules", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def modlog(
        self,
        channel: ChannelId,
        *,
        search: DeedSearch = EVERYTHING,
        before: RecordId | None = None,
        limit: int = 100,
    ) -> Snapshot[DeedPage]:
        page = {"channel": channel, "search": search, "before": before, "limit": limit}
        return await self._ask("modlog", **page)  # type: ignore[no-any-return]  # by METHODS

    async def reports(self, channel: ChannelId) -> Snapshot[tuple[ReportRow, ...]]:
        return await self._ask("reports", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def roster(self, channel: ChannelId) -> Snapshot[tuple[RosterRow, ...]]:
        return await self._ask("roster", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def exposure(self, channel: ChannelId) -> Snapshot[tuple[ExposureRow, ...]]:
        return await self._ask("exposure", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def foresee(self, intents: tuple[Part, ...]) -> Snapshot[tuple[Foreseen, ...]]:
        return await self._ask("foresee", intents=intents)  # type: ignore[no-any-return]  # by METHODS

    async def directory(self, workspace: ChannelId) -> Snapshot[tuple[ListedRow, ...]]:
        return await self._ask("directory", workspace=workspace)  # type: ignore[no-any-return]  # by METHODS

    async def timeline(
        self,
        channel: ChannelId,
        *,
        before: Position | None = None,
        after: Position | None = None,
        limit: int = 100,
    ) -> Snapshot[tuple[MessageRow, ...]]:
        page = {"channel": channel, "before": before, "after": after, "limit": limit}
        return await self._ask("timeline", **page)  # type: ignore[no-any-return]  # by METHODS

    async def message(self, record: RecordId) -> Snapshot[MessageRow | None]:
        return await self._ask("message", record=record)  # type: ignore[no-any-return]  # by METHODS

    async def pins(self, channel: ChannelId) -> Snapshot[tuple[MessageRow, ...]]:
        return await self._ask("pins", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def thread(self, record: RecordId) -> Snapshot[Thread]:
        return await self._ask("thread", record=record)  # type: ignore[no-any-return]  # by METHODS

    async def search(self, search: Search, *, before: Position | None = None, limit: int = 50) -> Snapshot[FoundPage]:
        page = {"search": search, "before": before, "limit": limit}
        return await self._ask("search", **page)  # type: ignore[no-any-return]  # by METHODS

    async def delivery(self, record: RecordId) -> Snapshot[DeliveryRow]:
        return await self._ask("delivery", record=record)  # type: ignore[no-any-return]  # by METHODS

    async def devices(self) -> Snapshot[tuple[DeviceRow, ...]]:
        return await self._ask("devices")  # type: ignore[no-any-return]  # by METHODS

    async def hosting(self) -> Snapshot[HostRow]:
        return await self._ask("hosting")  # type: ignore[no-any-return]  # by METHODS

    async def peers(self) -> Snapshot[tuple[PeerRow, ...]]:
        return await self._ask("peers")  # type: ignore[no-any-return]  # by METHODS

    async def status(self) -> Snapshot[StatusRow]:
        return await self._ask("status")  # type: ignore[no-any-return]  # by METHODS

    async def typed(self, channel: ChannelId | None) -> Snapshot[tuple[str, ...]]:
        return await self._ask("typed", channel=channel)  # type: ignore[no-any-return]  # by METHODS

    async def settings(self) -> Snapshot[tuple[tuple[str, str], ...]]:
        return await self._ask("settings")  # type: ignore[no-any-return]  # by METHODS

    async def _ask(self, method: str, **params: object) -> Any:
        answer = await self._request(self._number(), method, {name: to_json(value) for name, value in params.items()})
        try:
            return from_json(METHODS[method].result, answer)
        except UsageError as error:
            raise Unreachable("The node's answer cannot be read.", f"Is it another version? ({error.message})") from None

    def _number(self) -> int:
        self._next += 1
        return self._next

    async def _request(self, number: int, method: str, params: dict[str, Any]) -> Any:
        if self._gone:
            raise Unreachable(GONE, AGAIN)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                self._writer.write(to_line({"id": number, "method": method, "params": params}))
                await self._writer.drain()
                return await answer
        except (OSError, TimeoutError):
            raise Unreachable(GONE, AGAIN) from None
        finally:
            self._waiting.pop(number, None)

    async def _read(self) -> None:
        """Hand every line to whoever waits for it, until the node goes or says what cannot be understood."""
        try:
            while line := await self._reader.readline():
                self._take(from_line(line))
        except (OSError, ValueError, UsageError):
            pass
        finally:
            self._lose()

    def _take(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        if type(number) is not int:
            return
        if number in self._waiting and not self._waiting[number].done():
            if "error" in message:
                self._waiting[number].set_exception(error_from_json(message["error"]))
            elif "result" in message:
                self._waiting[number].set_result(message["result"])
            return
        stream = self._streams.get(number)
        if stream is None:
            return
        if "event" in message:
            # A kind of event that a newer node knows and this program does not changes nothing that it shows.
            with contextlib.suppress(UsageError):
                stream.put(from_json(Event, message["event"]))
        else:
            stream.end()

    def _lose(self) -> None:
        self._gone = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unreachable(GONE, AGAIN))
        for stream in self._streams.values():
            stream.end()
        self._writer.close()


def _drop(writer: asyncio.StreamWriter | None) -> None:
    if writer is not None:
        writer.close()


def _check_greeting(greeting: dict[str, Any]) -> None:
    if "error" in greeting:
        raise error_from_json(greeting["error"])
    version = greeting.get("multichat")
    if type(version) is not int:
        raise Unreachable("What answers at the control socket is no node.")
    if version != PROTOCOL:
        raise NewerVersion("The node that runs is of another version than this program.", "End it, or use its own program.")
