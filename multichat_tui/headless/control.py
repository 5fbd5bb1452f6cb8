"""The control socket's server: lets the user's other terminals and commands use the node that runs.

A client can neither kill the node nor fill its memory: lines, requests in flight and streams are bounded, a client that does not
read is not written to, and its events wait in the node's own bounded queue, which answers an overflow with `Resync`.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multichat_tui import __version__
from multichat_tui.headless.protocol import MAX_IN_FLIGHT, MAX_STREAMS, METHODS, PROTOCOL
from multichat_tui.headless.socket_path import make_private, peer_uid
from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal, StorageFailed, UsageError
from multichat_tui.model.limits import MAX_ATTACHED, MAX_REQUEST_LINE_BYTES
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.settings import LOCK_COMMANDS, effective
from multichat_tui.node.api.wire import error_to_json, from_json, from_line, to_json, to_line

log = logging.getLogger(__name__)

MAX_REQUEST_NUMBER = 2**53
"""Stays exact in every language's floating point."""


class ControlServer:
    """Serves one node at one path. Only who holds the profile's lock may start it: what lies at the path is then stale."""

    def __init__(self, api: NodeApi, path: Path) -> None:
        self._api = api
        self._path = path
        self._server: asyncio.Server | None = None
        self.locked = False
        """The terminal that runs this node is locked: nobody new is served, if the user wants it so."""
        self._clients: set[asyncio.Task[None]] = set()
        self._inode: int | None = None

    async def start(self) -> None:
        """Begin to serve. `errors.StorageFailed` if the socket cannot be made."""
        make_private(self._path.parent)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
            # Between bind and chmod the private directory keeps others out.
            listening.bind(os.fspath(self._path))
            self._path.chmod(0o600)
            self._inode = self._path.stat().st_ino
            self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=MAX_REQUEST_LINE_BYTES)
        except OSError as error:
            listening.close()
            raise StorageFailed(f"The control socket {self._path} cannot be made: {error.strerror}.") from None

    async def stop(self) -> None:
        """Cut all clients and take the socket away. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _refuses(self) -> bool:
        return effective((await self._api.settings()).rows)[LOCK_COMMANDS] == "refuse"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio's stumbles, in the log, over one that is cancelled.
        task = asyncio.create_task(self._attached(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _attached(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connection = writer.get_extra_info("socket")
            uid = peer_uid(connection)
            if uid != os.getuid():
                log.warning("control refused=uid uid=%s", uid)
                return
            if self.locked and await self._refuses():
                refusal = IntentRefused(Refusal.NOT_ALLOWED, "This profile is locked at its terminal.", "Unlock it there first.")
                writer.write(to_line({"error": error_to_json(refusal)}))
                return
            if len(self._clients) > MAX_ATTACHED:
                refusal = IntentRefused(Refusal.LIMIT, f"{MAX_ATTACHED} front ends are attached already.", "Close one of them.")
                writer.write(to_line({"error": error_to_json(refusal)}))
                return
            log.info("control attached=%d", len(self._clients))
            await _Client(self._api, reader, writer).serve()
        except (ConnectionError, BrokenPipeError):
            log.debug("control client=gone")
        finally:
            writer.close()


class _Client:
    """One attached front end."""

    def __init__(self, api: NodeApi, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._api = api
        self._reader = reader
        self._writer = writer
        self._writing = asyncio.Lock()
        self._room = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._streams: dict[int, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Answer until the client goes."""
        await self._write({"multichat": PROTOCOL, "program": __version__})
        answering: set[asyncio.Task[None]] = set()
        try:
            while True:
                await self._room.acquire()
                try:
                    line = await self._reader.readline()
                except ValueError:  # longer than the limit: what follows cannot be told apart
                    fault = UsageError(f"A request line holds at most {MAX_REQUEST_LINE_BYTES} bytes.")
                    await self._write({"id": None, "error": error_to_json(fault)})
                    return
                if not line.endswith(b"\n"):
                    return
                task = asyncio.create_task(self._answer(line))
                answering.add(task)
                task.add_done_callback(answering.discard)
        finally:
            tasks = [*answering, *self._streams.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, line: bytes) -> None:
        """One request, from its line to its answer. Whatever goes wrong becomes an error answer."""
        number: int | None = None
        try:
            request = from_line(line)
            number = _request_number(request.get("id"))
            params = request.get("params", {})
            if not isinstance(params, dict):
                raise UsageError("params needs an object.")
            match request.get("method"):
                case "events":
                    await self._subscribe(number)
                case "cancel":
                    await self._cancel(number, params)
                case str() as name if name in METHODS:
                    result = await getattr(self._api, name)(**arguments(name, params))
                    await self._write({"id": number, "result": to_json(result)})
                case _:
                    raise UsageError("There is no such method.")
        except MultichatError as error:
            await self._tell(number, error)
        except (ConnectionError, BrokenPipeError):
            log.debug("control client=gone")
        except Exception:
            log.exception("control request=failed")
            await self._tell(number, MultichatError("The node could not answer this.", "Its log says why."))
        finally:
            self._room.release()

    async def _tell(self, number: int | None, error: MultichatError) -> None:
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            await self._write({"id": number, "error": error_to_json(error)})

    async def _subscribe(self, number: int) -> None:
        if number in self._streams:
            raise UsageError("A stream of this id is running.")
        if len(self._streams) >= MAX_STREAMS:
            raise IntentRefused(Refusal.LIMIT, f"{MAX_STREAMS} event streams are open already.")
        task = asyncio.create_task(self._stream(number))
        self._streams[number] = task
        task.add_done_callback(lambda done: self._streams.pop(number, None))

    async def _stream(self, number: int) -> None:
        """Pass events on as fast as the client reads them; the node's queue holds the others, or makes them a Resync."""
        try:
            async with self._api.events() as events:
                await self._write({"id": number, "result": {}})
                async for event in events:
                    await self._write({"id": number, "event": to_json(event)})
            await self._write({"id": number, "end": True})
        except MultichatError as error:
            await self._tell(number, error)
        except (ConnectionError, BrokenPipeError):
            log.debug("control client=gone")
        except Exception:
            log.exception("control stream=failed")
            await self._tell(number, MultichatError("The event stream has failed.", "The node's log says why."))

    async def _cancel(self, number: int, params: Mapping[str, Any]) -> None:
        task = self._streams.get(_request_number(params.get("id")))
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._write({"id": number, "result": {}})

    async def _write(self, value: Mapping[str, Any]) -> None:
        async with self._writing:
            if self._writer.is_closing():
                raise ConnectionResetError
            self._writer.write(to_line(value))
            await self._writer.drain()


def _request_number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_REQUEST_NUMBER:
        raise UsageError("id needs a number from 0 to 2^53.")
    return value


def arguments(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a method out of a request's `params`; unknown ones are ignored. `errors.UsageError`."""
    method = METHODS[name]
    missing = next((key for key in method.needed if key not in params), None)
    if missing is not None:
        raise UsageError(f"{missing}: it is missing.")
    kinds = {**method.needed, **method.optional}
    return {key: from_json(kind, params[key]) for key, kind in kinds.items() if key in params}
