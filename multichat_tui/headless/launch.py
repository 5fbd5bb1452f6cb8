"""Opens a profile for the screens: attaches to the node that runs, or runs one and lets others attach."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

from multichat_tui.headless.control import ControlServer
from multichat_tui.headless.host import Host
from multichat_tui.model.errors import ProfileBusy
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.launch import ProfileState

PROBE_TIMEOUT_S = 0.5
LOG_LINES_SHOWN = 200
LOG_BYTES_SHOWN = 64 * 1024
LOG_LOOK_S = 0.5
RESTORED_NAME = "restored"
"""What a restored device is called until it hears its account's name."""


class ProfileLauncher:
    """Implements `node.api.launch.Launcher`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stack: AsyncExitStack | None = None
        self._attached = False
        self._server: ControlServer | None = None
        self._created_passphrase: str | None = None
        self._say: Callable[[str], object] = _unsaid

    @property
    def state(self) -> ProfileState:
        """A profile whose passphrase is known already counts as open."""
        found = self._host.state()
        if found is ProfileState.LOCKED and (self._host.passphrase is not None or node_answers(self._host)):
            return ProfileState.OPEN
        return found

    def log(self) -> tuple[str, tuple[str, ...]]:
        path = self._host.paths.log_file
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LOG_BYTES_SHOWN))
                lines = file.read(LOG_BYTES_SHOWN).decode("utf-8", "replace").splitlines()
        except OSError:
            return str(path), ()
        return str(path), tuple(reversed(lines[-LOG_LINES_SHOWN:]))

    async def follow_log(self) -> AsyncIterator[tuple[str, tuple[str, ...]]]:
        """The log may be another process's, whose file tells nobody that it has grown: it is looked at twice a second."""
        path, seen = self._host.paths.log_file, None
        while True:
            await asyncio.sleep(LOG_LOOK_S)
            try:
                found = path.stat()
                mark = (found.st_ino, found.st_size, found.st_mtime_ns)
            except OSError:
                mark = None
            if mark != seen:
                seen = mark
                yield self.log()

    async def create(self, *, name: str, passphrase: str | None) -> str:
        entropy, phrase = self._host.new_account()
        await self._host.create(name=name, passphrase=passphrase, account_entropy=entropy)
        self._created_passphrase = passphrase
        return phrase

    def check_phrase(self, phrase: str) -> None:
        self._host.read_phrase(phrase)

    async def restore(self, *, phrase: str, passphrase: str | None, lost: bool) -> None:
        entropy = self._host.read_phrase(phrase)
        await self._host.create(name=RESTORED_NAME, passphrase=passphrase, account_entropy=entropy, restored=True, lost=lost)
        self._created_passphrase = passphrase

    async def start(self, passphrase: str | None = None) -> NodeApi:
        # Loaded now: the screens are painted before.
        from multichat_tui.headless.session import enter

        given = next((p for p in (passphrase, self._created_passphrase, self._host.passphrase) if p is not None), None)
        await self.stop()
        async with AsyncExitStack() as stack:
            opened = await enter(self._host, stack, network=True, attach=True, passphrase=given, say=lambda text: self._say(text))
            self._stack, self._attached, self._server = stack.pop_all(), opened.attached, opened.server
        self._created_passphrase = None
        return opened.api

    @property
    def protected(self) -> bool:
        return self._host.state() is ProfileState.LOCKED

    async def check(self, passphrase: str) -> None:
        await self._host.check(passphrase)

    def set_locked(self, locked: bool) -> None:
        if self._server is not None:
            self._server.locked = locked

    async def wipe(self) -> None:
        if self._attached:
            raise ProfileBusy("Another program runs this profile's node.", "End that one, then type: multichat wipe")
        await self.stop()
        await self._host.wipe()

    async def stop(self, say: Callable[[str], object] | None = None) -> None:
        self._say = say or _unsaid
        stack, self._stack, self._server = self._stack, None, None
        if stack is not None:
            await stack.aclose()


def _unsaid(text: str) -> None:
    """Where a screen stands in the way."""


def node_answers(host: Host) -> bool:
    """Whether something listens at the profile's control socket: then no passphrase is needed."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.settimeout(PROBE_TIMEOUT_S)
        probe.connect(str(host.paths.socket))
    except OSError:
        return False
    finally:
        probe.close()
    return True
