"""What chat tells other modules."""

from __future__ import annotations

import msgspec


class Mentioned(msgspec.Struct, frozen=True, tag="chat.Mentioned"):
    """A message in a session's room mentions users; its seq there names it."""

    session_id: str
    seq: int
    author_id: str
    author_name: str
    users: tuple[str, ...]
    text: str
