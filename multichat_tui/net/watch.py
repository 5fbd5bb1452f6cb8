"""Notices when the addresses of this host change: at once where the kernel tells (rtnetlink(7)), else by looking now and then."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable

from multichat_tui.model.hosts import Address
from multichat_tui.net.addresses import own_addresses

SETTLE_S = 0.2
"""Changes come in bursts (an interface comes up, then gets its addresses); they are told together."""
LOOK_S = 15.0
"""Where the kernel does not tell."""
RTMGRP_LINK = 0x1
RTMGRP_IPV4_IFADDR = 0x10
RTMGRP_IPV6_IFADDR = 0x100
DATAGRAM_BYTES = 64 * 1024


class AddressWatch:
    """`changed(addresses)` is called on the event loop, only when the set of addresses is another than before."""

    def __init__(self, changed: Callable[[tuple[Address, ...]], None]) -> None:
        self._changed = changed
        self._known = own_addresses()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._kernel = _kernel_socket()
        if self._kernel is not None:
            self._loop.add_reader(self._kernel, self._heard)
        else:
            self._timer = self._loop.call_later(LOOK_S, self._look)

    def _heard(self) -> None:
        """Something happened; what it was is looked up when it has settled."""
        assert self._kernel is not None
        # An overrun buffer (ENOBUFS) means that something happened, too.
        with contextlib.suppress(OSError):
            while self._kernel.recv(DATAGRAM_BYTES):
                pass
        if self._timer is None:
            self._timer = self._loop.call_later(SETTLE_S, self._look)

    def _look(self) -> None:
        self._timer = None if self._kernel is not None else self._loop.call_later(LOOK_S, self._look)
        addresses = own_addresses()
        if addresses != self._known:
            self._known = addresses
            self._changed(addresses)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._kernel is not None:
            self._loop.remove_reader(self._kernel)
            self._kernel.close()
            self._kernel = None


def _kernel_socket() -> socket.socket | None:
    if sys.platform != "linux":
        return None
    try:
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    except OSError:
        return None
    try:
        kernel.setblocking(False)
        kernel.bind((0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))
    except OSError:
        kernel.close()
        return None
    return kernel
