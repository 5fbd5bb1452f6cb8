"""A listening port with its own certificate. Both are new together, so that nothing outlives a change of either."""

import asyncio
import errno
import socket
from collections.abc import Callable

from multichat_tui.model.errors import LinkFailed
from multichat_tui.model.hosts import Address, parse_host
from multichat_tui.model.values import dataclass
from multichat_tui.net.addresses import join_address, own_addresses, reachable_addresses
from multichat_tui.net.tls import ServerIdentity, make_server_identity

BACKLOG = 64
PORT_TRIES = 16
"""To find a port that is free for IPv4 and IPv6 alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """`host` is the one address listened on; None for all of them."""

    host: Address | None
    port: int
    identity: ServerIdentity
    servers: tuple[asyncio.Server, ...]

    def addresses(self) -> tuple[str, ...]:
        """Where others reach it now, HOST:PORT."""
        hosts = reachable_addresses(own_addresses()) if self.host is None else (self.host,)
        return tuple(join_address(str(host), self.port) for host in hosts)

    def is_at(self, host: Address, port: int) -> bool:
        """Whether dialling there would reach this listener."""
        if port != self.port:
            return False
        return host == self.host if self.host is not None else host.is_loopback or host in own_addresses()

    def close(self) -> None:
        """Takes no more; connections that stand are not touched."""
        for server in self.servers:
            server.close()


ProtocolFactory = Callable[[ServerIdentity], Callable[[], asyncio.BaseProtocol]]


async def open_listener(host: str | None, port: int, factory: ProtocolFactory) -> Listener:
    """Listen on `host` (None: all interfaces, IPv4 and where there is any IPv6) and `port` (0: a random one).

    Raises `errors.LinkFailed` where that cannot be done.
    """
    address = None
    if host is not None:
        address = parse_host(host)
        if address is None:
            raise LinkFailed(f"cannot listen on {host}: that is not an address of this machine", "Give an address and a port.")
    try:
        sockets = _bind(address, port)
    except OSError as error:
        raise _explain(error, address, port) from error
    identity = make_server_identity()
    loop = asyncio.get_running_loop()
    servers = []
    for sock in sockets:
        servers.append(await loop.create_server(factory(identity), sock=sock, backlog=BACKLOG))
    return Listener(host=address, port=sockets[0].getsockname()[1], identity=identity, servers=tuple(servers))


def _explain(error: OSError, address: Address | None, port: int) -> LinkFailed:
    where = join_address(str(address), port) if address is not None else f"port {port}"
    if error.errno == errno.EADDRINUSE:
        return LinkFailed(f"cannot listen on {where}: another program does", "Choose another port, or 0 for any.")
    if error.errno == errno.EADDRNOTAVAIL:
        return LinkFailed(f"cannot listen on {where}: this machine has no such address", "Choose one of its addresses.")
    return LinkFailed(f"cannot listen on {where}: {error.strerror or error}")


def _bind(address: Address | None, port: int) -> list[socket.socket]:
    if address is not None:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        return [_open(family, str(address), port)]
    for attempt in range(PORT_TRIES):
        first = _open(socket.AF_INET, "0.0.0.0", port)  # noqa: S104  # all interfaces: that is what listening means here
        try:
            return [first, _open(socket.AF_INET6, "::", first.getsockname()[1])]
        except OSError as error:
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                return [first]
            first.close()
            if error.errno != errno.EADDRINUSE or port or attempt == PORT_TRIES - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _open(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        # Listening now, not later: two sockets may be bound to one port, only one may listen, and it is here that it shows.
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
