"""What the address of a host tells: which one it is, whether it is near, and who counts as one. HOST may be a name."""

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_host(host: str) -> Address | None:
    """The address, if the host is one and no name. IPv4 in IPv6's clothes is IPv4."""
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def host_of(address: str) -> str:
    """Of HOST:PORT, without brackets and scope."""
    return bare_host(address.rpartition(":")[0])


def bare_host(host: str) -> str:
    return host.removeprefix("[").removesuffix("]").partition("%")[0]


def is_private(address: Address) -> bool:
    """Whether it is of this host or of a private network."""
    return address.is_private or address.is_loopback or address.is_link_local


def is_near(address: str) -> bool:
    """Whether HOST:PORT is on this host or in a private network. A name is not."""
    parsed = parse_host(host_of(address))
    return parsed is not None and is_private(parsed)


def one_sender(host: str) -> str:
    """Who counts as one: an IPv4 address; of IPv6 the /64, since one host commands all of it; a name."""
    address = parse_host(bare_host(host))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host if address is None else str(address)
