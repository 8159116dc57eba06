"""WebSocket frames as the server writes them: whole, unmasked (RFC 6455, section 5.2)."""

from __future__ import annotations

import struct
from typing import Final

TEXT: Final = 0x1
BINARY: Final = 0x2


def frame(opcode: int, payload: bytes) -> bytes:
    """One final, uncompressed frame around `payload`."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload
