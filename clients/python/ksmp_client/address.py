"""The addresses of a gateway's socket and of what stands in for it, from what people have at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

PATH: Final = "/realtime"
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_HTTP: Final = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where the same gateway is without a WebSocket: its event streams, and what its other paths begin with."""

    events: str
    base: str

    def commands(self, room: str) -> str:
        return f"{self.base}/api/v1/rooms/{room}/commands"

    @property
    def health(self) -> str:
        return f"{self.base}/health/live"


def realtime_url(text: str) -> str:
    """`http://host:port` and the like become `ws://host:port/realtime`; a path that is there stays.

    Raises ValueError when it is no such address.
    """
    parts = urlsplit(text)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError(f"{text!r} is no address of a gateway; use one like http://127.0.0.1:8000.")
    path = parts.path if parts.path not in ("", "/") else PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def http_address(url: str) -> HttpAddress:
    """Of the socket at this `realtime_url`."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    site = urlunsplit((_HTTP[parts.scheme], parts.netloc, "", "", ""))
    return HttpAddress(f"{site}{path}/sse", site + path.removesuffix(PATH) if path.endswith(PATH) else site)
