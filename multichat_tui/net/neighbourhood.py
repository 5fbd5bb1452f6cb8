"""One interface's neighbourhood, by DNS-SD over multicast DNS (RFC 6762, 6763): who announces there, and our own announcement.

Each interface has its own, confined to it: nothing said on one interface tells what is said on another. (The port of multicast
DNS is shared, and what comes in on any interface would reach the sockets of all.)
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Mapping

from zeroconf import Error as ZeroconfError
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from multichat_tui.model.hosts import Address
from multichat_tui.net.announcement import SERVICE_TYPE, Announcement, parse

RESOLVE_MS = 3000
MAX_RESOLVING = 32
"""Services whose records are still asked for; more are left until they announce themselves again."""

_log = logging.getLogger(__name__)

__all__ = ["Neighbourhood", "ZeroconfError"]


class Neighbourhood:
    """Looks around from `begin` on; `found` and `gone` are called on the event loop."""

    def __init__(
        self,
        interface: str,
        addresses: tuple[Address, ...],
        *,
        heard: Callable[[str], bool],
        found: Callable[[Announcement], None],
        gone: Callable[[str], None],
    ) -> None:
        """`heard(service name)`: whether to look at it at all. OSError: there is no multicast."""
        self.interface = interface
        self.addresses = addresses
        self._heard = heard
        self._found = found
        self._gone = gone
        self._shown: AsyncServiceInfo | None = None
        self._resolving: dict[str, asyncio.Task[None]] = {}
        first = next(str(address) for address in addresses if address.version == 4)
        self._zeroconf = AsyncZeroconf(interfaces=[first], ip_version=IPVersion.V4Only)
        self._browser: AsyncServiceBrowser | None = None

    async def begin(self) -> None:
        """Look around. OSError or zeroconf's NotRunningException: it cannot be done here now."""
        zeroconf = self._zeroconf.zeroconf
        await zeroconf.async_wait_for_start()
        for socket_of in (*zeroconf.engine.readers, *zeroconf.engine.senders):
            _confine(socket_of.transport.get_extra_info("socket"), self.interface)
        self._browser = AsyncServiceBrowser(zeroconf, SERVICE_TYPE, handlers=[self._changed])

    def _changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed:
            self._gone(name)
            return
        if name in self._resolving or len(self._resolving) >= MAX_RESOLVING or not self._heard(name):
            return
        try:
            service = AsyncServiceInfo(SERVICE_TYPE, name)
        except (ZeroconfError, ValueError):
            return  # a name that is none
        if service.load_from_cache(zeroconf):
            self._resolved(service)
        else:
            self._resolving[name] = asyncio.create_task(self._resolve(zeroconf, service))

    async def _resolve(self, zeroconf: Zeroconf, service: AsyncServiceInfo) -> None:
        try:
            if await service.async_request(zeroconf, RESOLVE_MS):
                self._resolved(service)
        except (ZeroconfError, OSError) as error:
            _log.info("event=lan-resolve-failed error=%s", type(error).__name__)
        finally:
            self._resolving.pop(service.name, None)

    def _resolved(self, service: AsyncServiceInfo) -> None:
        announcement = parse(service.name, service.port, service.properties)
        if announcement is not None:
            self._found(announcement)

    async def show(self, announcement: Announcement, text: Mapping[str, bytes]) -> None:
        """Announce this instead of what was announced before. Returns when it has been said often enough to be heard."""
        before, self._shown = (
            self._shown,
            AsyncServiceInfo(
                SERVICE_TYPE,
                f"{announcement.instance}.{SERVICE_TYPE}",
                port=announcement.port,
                properties=dict(text),
                server=f"{announcement.instance}.local.",
                addresses=[address.packed for address in announcement.addresses],
            ),
        )
        # Random names need no probing for conflicts, which would cost most of a second.
        said = await self._zeroconf.async_register_service(self._shown, cooperating_responders=True)
        if before is not None:
            await (await self._zeroconf.async_unregister_service(before))
        await said

    async def close(self) -> None:
        """Says goodbye."""
        for task in list(self._resolving.values()):
            task.cancel()
        await asyncio.gather(*self._resolving.values(), return_exceptions=True)
        if self._browser is not None:
            await self._browser.async_cancel()
        await self._zeroconf.async_close()


IP_BOUND_IF = 25
"""macOS, <netinet/in.h>."""


def _confine(sock: socket.socket, interface: str) -> None:
    """Neither send nor hear on any other interface. OSError: the system does not let us."""
    if sys.platform == "linux":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    elif sys.platform == "darwin":
        sock.setsockopt(socket.IPPROTO_IP, IP_BOUND_IF, socket.if_nametoindex(interface))
