"""HOST:PORT, and what an address tells: whether it is ours, and how near the other end is."""

import contextlib
import ipaddress
import socket
import struct
import sys

import ifaddr

from multichat_tui.model.hosts import Address, bare_host, is_private, parse_host
from multichat_tui.model.invitations import MAX_ADDRESS_CHARACTERS
from multichat_tui.model.limits import MAX_PEER_ADDRESSES
from multichat_tui.model.ports import LinkPath


def join_address(host: str, port: int) -> str:
    """HOST:PORT, IPv6 in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_address(address: str) -> tuple[str, int] | None:
    """(host, port) of HOST:PORT, or None if it is not that. The host may be a name; port 0 is nowhere."""
    host, colon, digits = address.rpartition(":")
    if not colon or not host or len(address) > MAX_ADDRESS_CHARACTERS or not (digits.isascii() and digits.isdigit()):
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if parse_host(host) is None:
            return None
    elif ":" in host or not all(c.isalnum() or c in ".-_" for c in host):
        return None
    port = int(digits)
    return (host, port) if 0 < port < 65536 else None


def interface_addresses() -> tuple[tuple[str, tuple[Address, ...]], ...]:
    """(interface name, its addresses) of those that run and have any; link-local IPv6 (which needs a scope) left out."""
    found = []
    for adapter in _adapters():
        addresses = set()
        for ip in adapter.ips:
            parsed = parse_host(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if parsed is not None and not (parsed.version == 6 and parsed.is_link_local):
                addresses.add(parsed)
        if addresses:
            found.append((adapter.name, tuple(sorted(addresses, key=_order))))
    return tuple(sorted(found))


def _adapters() -> list[ifaddr.Adapter]:
    """The interfaces that run; an unplugged one keeps its addresses, but they lead nowhere."""
    try:
        return [adapter for adapter in ifaddr.get_adapters() if _runs(adapter.name)]
    except OSError:
        return []


SIOCGIFFLAGS = 0x8913
IFF_RUNNING = 0x40


def _runs(interface: str) -> bool:
    """Whether the interface has a carrier (netdevice(7)); where that cannot be asked, yes."""
    if sys.platform == "linux":
        import fcntl

        request = struct.pack("16sH14x", interface.encode()[:15], 0)
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            _, flags = struct.unpack("16sH14x", fcntl.ioctl(asking, SIOCGIFFLAGS, request))
            return bool(flags & IFF_RUNNING)
    return True


def own_addresses() -> tuple[Address, ...]:
    """All addresses of this host, private IPv4 first, loopback last."""
    return tuple(sorted({address for _, addresses in interface_addresses() for address in addresses}, key=_order))


def _order(address: Address) -> tuple[bool, bool, bool, bytes]:
    return address.is_loopback, address.version == 6, not address.is_private, address.packed


def reachable_addresses(own: tuple[Address, ...]) -> tuple[Address, ...]:
    """Those of our own that make sense to others: at most eight; loopback only where there is nothing else."""
    outward = tuple(address for address in own if not address.is_loopback)
    return (outward or own)[:MAX_PEER_ADDRESSES]


def path_to(host: str, own: tuple[Address, ...]) -> LinkPath:
    """How near an address is."""
    address = parse_host(bare_host(host))
    if address is None:
        return LinkPath.DIRECT
    if address.is_loopback or address in own:
        return LinkPath.LOCAL
    return LinkPath.LAN if is_private(address) else LinkPath.DIRECT


def own_networks() -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks in which our addresses are, as the interfaces have them."""
    networks: set[ipaddress.IPv4Network | ipaddress.IPv6Network] = set()
    for adapter in _adapters():
        for ip in adapter.ips:
            host = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            networks.add(ipaddress.ip_network(f"{host}/{ip.network_prefix}", strict=False))
    return tuple(networks)
