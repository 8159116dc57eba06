"""What whiteboard tells other modules."""

from __future__ import annotations

import msgspec


class Wiped(msgspec.Struct, frozen=True, tag="whiteboard.Wiped"):
    """A board is empty again."""

    session_id: str
