"""Ends a connection whose client does not read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

AT_ONCE: Final = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """Drop the connection at once, with all that its client did not read.

    After a plain abort the operating system keeps megabytes of unread data and goes on sending it for minutes.
    """
    link = transport.get_extra_info("socket")
    if link is not None:
        # uvloop raises ValueError for the socket of a closed transport.
        with contextlib.suppress(OSError, ValueError):
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    transport.abort()
