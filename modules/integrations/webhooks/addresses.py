"""Where webhooks may go: to public addresses alone, so that nobody makes a gateway call what only it can reach."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx

from gateway.errors import invalid

# IPv4 behind a translator; the last 32 bits are the address.
NAT64: Final = IPv6Network("64:ff9b::/96")
LONGEST: Final = 2000


class PrivateAddress(Exception):
    """The host has an address that is not public."""


class NoAddress(Exception):
    """The host has no address."""


def checked_url(text: str, *, private: bool) -> str:
    """The address of an endpoint, if webhooks may go there; raises BadInput `invalid`.

    It is `https://`, without a user, a password and a fragment. With `private` it may be `http://`, and may name an
    address that is not public. A host's name is looked up when something is sent, each time.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise invalid("this is no address of the web", field="url") from None
    if url.scheme != "https" and not (private and url.scheme == "http"):
        raise invalid("an endpoint begins with https://", field="url")
    if not url.host or url.userinfo or url.fragment or len(text) > LONGEST:
        raise invalid("an endpoint has a host, and neither a user nor a fragment", field="url")
    if not private and not _may_be_public(url.raw_host.decode()):
        raise invalid("an endpoint has a public address", field="url")
    return text


async def resolved(url: httpx.URL, *, private: bool) -> str:
    """The address to connect to. All that the host's name stands for must be public, unless `private`.

    It is asked for once. The connection is made to what this returns, so that a name which says something else a moment
    later changes nothing. Raises PrivateAddress and NoAddress.
    """
    host = url.raw_host.decode()
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoAddress(host) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise NoAddress(host)
    if not private and not all(map(is_public, addresses)):
        raise PrivateAddress(host)
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether an address is of the public internet, also where it holds one of IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        within = _ipv4_in(address)
        if within is not None:
            return is_public(str(within))
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _ipv4_in(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _may_be_public(host: str) -> bool:
    """False for an address that is not public, and for names of this machine; other names are looked up later."""
    try:
        ip_address(host)
    except ValueError:
        return host.rstrip(".") != "localhost" and not host.rstrip(".").endswith(".localhost")
    return is_public(host)
