"""Reads the lists of the node again when they may have changed: many wishes make one read, a flood of changes a few."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from multichat_tui.model.errors import MultichatError, NotFound
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.node.api import NodeApi
from multichat_tui.ui.desk import Desk
from multichat_tui.ui.parts import Part, Read

READ_AGAIN_S = 0.15
"""Between two rounds of reading lists again: a flood of changes costs a few reads."""


class Reader(Protocol):
    """For whom it is read, and what is open there."""

    api: NodeApi | None
    current: ChannelId | None
    settings: tuple[tuple[str, str], ...]

    @property
    def thread_root(self) -> RecordId | None: ...

    async def take_thread(self, api: NodeApi, root: RecordId) -> None: ...

    def say(self, text: str, *, bad: bool = False) -> None: ...


class ListReading:
    """What is read goes to `desk`; `read` is called with what was read and the parts of the screen that may differ."""

    def __init__(
        self,
        reader: Reader,
        desk: Desk,
        read: Callable[[Read, Part], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._reader, self._desk, self._read, self._spawn = reader, desk, read, spawn
        self._wanted = Read.NONE
        self.running = False

    def want(self, what: Read) -> None:
        """Have lists read again soon."""
        self._wanted |= what
        if not self.running and self._reader.api is not None:
            self.running = True
            self._spawn(self._run())

    async def _run(self) -> None:
        reader = self._reader
        try:
            while self._wanted and reader.api is not None:
                what, self._wanted = self._wanted, Read.NONE
                await self._read(what, await self._fill(reader.api, what))
                await asyncio.sleep(READ_AGAIN_S)
        except MultichatError as error:
            reader.say(str(error), bad=True)
        finally:
            self.running = False

    async def _fill(self, api: NodeApi, what: Read) -> Part:
        desk, reader, parts = self._desk, self._reader, Part.NONE
        if what & Read.ME:
            desk.me = (await api.me()).rows
        if what & Read.CHANNELS:
            desk.read_channels(await api.channels())
            parts |= Part.CHANNELS
        if what & Read.CONTACTS:
            desk.read_contacts(await api.contacts())
            parts |= Part.CHANNELS
        if what & Read.SETTINGS:
            reader.settings = (await api.settings()).rows
            parts |= Part.SETTINGS
        if what & Read.STATUS:
            desk.status = (await api.status()).rows
            desk.me = desk.status.me
            desk.peers = (await api.peers()).rows
            parts |= Part.STATUS | Part.CHANNELS
        if what & Read.MEMBERS and reader.current is not None:
            await self._fill_members(api, reader.current)
            parts |= Part.MEMBERS
        if what & Read.THREAD and (root := reader.thread_root) is not None:
            await reader.take_thread(api, root)
            parts |= Part.THREAD
        return parts

    async def _fill_members(self, api: NodeApi, channel: ChannelId) -> None:
        try:
            members = (await api.members(channel)).rows
        except NotFound:
            members = ()
        if channel == self._reader.current:
            self._desk.read_members(members)
