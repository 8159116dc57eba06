"""TCP ports on loopback: which are free, and which one a server had last time."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Container
from pathlib import Path

LOWEST = 15_000
LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on this port right now; of a host that is not ours nothing is known."""
    six = ":" in host
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET) as probe:
        # Servers set it too: a port whose last connections are in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if six:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)
    return True


def choose(taken: Container[int] = ()) -> int:
    """A free port outside the range the system gives to outgoing connections.

    A port inside that range may become the source port of some connection while its server restarts. The
    server could then not come back on it.
    """
    highest = _ephemeral_start() - 1
    while True:
        port = random.randint(LOWEST, highest)  # noqa: S311 - a port is no secret.
        if port not in taken and is_free(port):
            return port


def _ephemeral_start() -> int:
    try:
        start = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        # Other systems follow RFC 6335, whose dynamic range begins higher than Linux's.
        start = 32_768
    return start if start > LOWEST + 1000 else 32_768
