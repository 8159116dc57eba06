"""The address of a client, as a trusted proxy tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.client_network import with_mapped
from gateway.transport.handshake import Headers


class ClientAddresses:
    """Finds the address of the client behind the proxies that are trusted; of none without them."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        proxies = with_mapped(trusted_proxies)
        self._trusted = ProxyHeadersMiddleware(cast(Any, None), proxies).trusted_hosts if proxies else None

    def host(self, client: tuple[str, int] | None, headers: Headers) -> str:
        """The client's address. `client` is the peer of the connection, which may be a proxy."""
        host = client[0] if client else "unknown"
        if self._trusted is not None and host in self._trusted:
            forwarded = b", ".join(value for name, value in headers if name == b"x-forwarded-for")
            if forwarded:
                return self._trusted.get_trusted_client_address(forwarded.decode("latin-1"))[0] or host
        return host
