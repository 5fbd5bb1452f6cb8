"""A node to work with: the one that runs, through its control socket, or else one of our own for as long as it is needed."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from multichat_tui.headless.control import ControlServer
from multichat_tui.headless.host import Host, RunningNode
from multichat_tui.headless.remote import AGAIN, GONE, RemoteNode
from multichat_tui.model.errors import ProfileAbsent, ProfileBusy, StorageFailed, Unreachable
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.launch import ProfileState

T = TypeVar("T")
log = logging.getLogger(__name__)

BUSY_PATIENCE_S = 5.0
"""Who holds the lock may be about to serve the socket (unlocking takes its time) or about to end."""
BUSY_RETRY_S = 0.1
UNNOTICED_S = 0.3
"""An end that takes longer is explained."""
LEAVING = "Leaving what is for others at mailboxes: up to 3 seconds. Ctrl+C ends at once."
LEFT_OVER = "Not all of it could be left. It is kept here, and goes when you start again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`attached`: the node is another process's and goes on after us."""

    api: NodeApi
    attached: bool
    server: ControlServer | None = None
    """Serves the node of this process to others."""


@asynccontextmanager
async def session(host: Host, *, network: bool, attach: bool = True) -> AsyncIterator[Session]:
    """A node for one command. Without `network` a node of our own reaches nobody and lasts a moment; with it, others can attach.

    `attach=False` insists on a node of our own. `errors.ProfileBusy` if the lock is held and the socket stays silent.
    """
    async with AsyncExitStack() as stack:
        yield await enter(host, stack, network=network, attach=attach, passphrase=host.passphrase)


async def enter(
    host: Host,
    stack: AsyncExitStack,
    *,
    network: bool,
    attach: bool,
    passphrase: str | None,
    say: Callable[[str], object] | None = None,
) -> Session:
    """As `session`; what is to be closed afterwards is pushed on `stack`. `say` is told, for people, why closing takes a while;
    by default they read it on standard error, if that is a terminal."""
    deadline = asyncio.get_running_loop().time() + BUSY_PATIENCE_S
    while True:
        remote = await _attached(host) if attach else None
        if remote is not None:
            stack.push_async_callback(remote.close)
            return Session(api=remote, attached=True)
        if host.state() is ProfileState.NEW:
            raise ProfileAbsent(f"There is no profile in {host.paths.profile} yet.", "Make one with: multichat init --name NAME")
        try:
            running = await host.open(passphrase=passphrase, network=network)
            break
        except ProfileBusy:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(BUSY_RETRY_S)
    stack.push_async_callback(_close, running, say or _say)
    server = None
    if network:
        server = ControlServer(running.api, host.paths.socket)
        try:
            await server.start()
            stack.push_async_callback(server.stop)
        except StorageFailed as error:
            log.warning("control serving=no reason=%s", error)
            if not attach:
                raise
    return Session(api=running.api, attached=False, server=server)


async def _close(running: RunningNode, say: Callable[[str], object]) -> None:
    def tell(text: str) -> None:
        # Whoever would read it may have hung up.
        with contextlib.suppress(OSError):
            if running.leaving:
                say(text)

    timer = asyncio.get_running_loop().call_later(UNNOTICED_S, tell, LEAVING)
    try:
        await running.close()
    finally:
        timer.cancel()
    tell(LEFT_OVER)


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


async def _attached(host: Host) -> RemoteNode | None:
    if not host.paths.socket.exists():
        return None
    try:
        return await RemoteNode.attach(host.paths.socket)
    except Unreachable:
        return None


async def wait_for(api: NodeApi, check: Callable[[], Awaitable[T | None]], timeout_s: float) -> T | None:
    """What `check` answers as soon as it is not None: asked now and after every event. None when the time is up.

    `errors.Unreachable` if the node ends first.
    """
    try:
        async with asyncio.timeout(timeout_s), api.events() as events:
            found = await check()
            if found is not None:
                return found
            async for _ in events:
                found = await check()
                if found is not None:
                    return found
    except TimeoutError:
        return None
    raise Unreachable(GONE, AGAIN)
