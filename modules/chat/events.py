"""The events of chat, which other modules may listen to."""

from __future__ import annotations

import msgspec


class Mentioned(msgspec.Struct, frozen=True, tag="chat.Mentioned"):
    """A message in a session's room mentions users; `seq` is the message's in that room."""

    session_id: str
    seq: int
    author_id: str
    author_name: str
    users: tuple[str, ...]
    text: str
