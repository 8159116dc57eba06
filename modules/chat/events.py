"""The events of chat, which other modules may listen to."""

from __future__ import annotations

import msgspec


class Mentioned(msgspec.Struct, frozen=True, tag="chat.Mentioned"):
    """A message mentions users; `seq` is the message's in that room. `session_id` is empty in rooms of other kinds."""

    session_id: str
    seq: int
    author_id: str
    author_name: str
    users: tuple[str, ...]
    text: str
    room: str = ""
