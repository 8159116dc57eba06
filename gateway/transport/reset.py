"""Ending a connection whose other end does not read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

AT_ONCE: Final = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """Drop the connection and all that its client did not read, at once.

    Aborting alone leaves megabytes with the operating system, which goes on offering them for minutes.
    """
    link = transport.get_extra_info("socket")
    if link is not None:
        # uvloop knows no socket of a transport that is closed: ValueError.
        with contextlib.suppress(OSError, ValueError):
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    transport.abort()
