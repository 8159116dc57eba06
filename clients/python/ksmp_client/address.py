"""Addresses of a gateway: its WebSocket, its event stream and its REST paths, made from the URL that an app gives."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit, urlunsplit

PATH: Final = "/realtime"
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_HTTP: Final = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where a gateway answers HTTP: `events` is its event stream, `base` is what its other paths begin with."""

    events: str
    base: str

    def commands(self, room: str) -> str:
        return f"{self.base}/api/v1/rooms/{room}/commands"

    @property
    def health(self) -> str:
        return f"{self.base}/health/live"


def realtime_url(text: str) -> str:
    """The address of the WebSocket: `http://host:port` becomes `ws://host:port/realtime`. A path that is given stays.

    Raises ValueError when the text is not an address of a gateway.
    """
    parts = urlsplit(text)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError(f"{text!r} is no address of a gateway; use one like http://127.0.0.1:8000.")
    path = parts.path if parts.path not in ("", "/") else PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def on_this_machine(url: str) -> bool:
    """Whether a gateway is on this machine, so that no proxy leads to it."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def http_address(url: str) -> HttpAddress:
    """The HTTP addresses of the gateway whose WebSocket is at `url`, as `realtime_url` gives it."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    site = urlunsplit((_HTTP[parts.scheme], parts.netloc, "", "", ""))
    return HttpAddress(f"{site}{path}/sse", site + path.removesuffix(PATH) if path.endswith(PATH) else site)
