"""One name for the network that a caller is limited by, however its address is written."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

# The addresses under which a socket for both families shows IPv4 callers (RFC 4291, section 2.5.5.2).
MAPPED = ipaddress.IPv6Address("::ffff:0:0")


def network_of(host: str) -> str:
    """The IPv4 address, mapped or not; for IPv6 the network of 64 bits, because one customer has all of it."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def with_mapped(proxies: Iterable[str]) -> list[str]:
    """These addresses and networks, and each of IPv4 as IPv6 writes it too."""
    result = list(proxies)
    for proxy in tuple(result):
        try:
            network = ipaddress.ip_network(proxy)
        except ValueError:
            # uvicorn compares what is no address as text.
            continue
        if isinstance(network, ipaddress.IPv4Network):
            base = ipaddress.IPv6Address(int(MAPPED) + int(network.network_address))
            result.append(f"{base}/{96 + network.prefixlen}")
    return result
