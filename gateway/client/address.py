"""The address of a gateway's socket, from what people have at hand."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

PATH: Final = "/realtime"
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


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
