"""WebSocket frames as the server writes them: whole, unmasked (RFC 6455, section 5.2)."""

from __future__ import annotations

import struct
from typing import Final

TEXT: Final = 0x1
BINARY: Final = 0x2
# The bit RSV1 marks a compressed message (RFC 7692, section 6).
COMPRESSED: Final = 0x40


def frame(opcode: int, payload: bytes) -> bytes:
    """One final frame around `payload`; `opcode` may carry COMPRESSED."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload
