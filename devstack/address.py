"""Where on this machine a gateway is reached that listens on some host."""

from __future__ import annotations

from typing import Final

from devstack.ports import LOOPBACK

# Listening on these means on every address.
EVERYWHERE: Final = ("", "0.0.0.0", "::")  # noqa: S104


def reached_at(host: str) -> str:
    """The host to connect to, as it stands in a URL."""
    if host in EVERYWHERE:
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


def url(host: str, port: int) -> str:
    """The HTTP address of a gateway that listens on this host and port."""
    return f"http://{reached_at(host)}:{port}"
