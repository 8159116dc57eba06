"""The settings of chat, `KSMP_CHAT_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class ChatSettings:
    text_characters: int = setting(2000, doc="Longest chat message, in characters")
    rate_count: int = setting(20, doc="Messages one connection may send to a room at once")
    rate_seconds: float = setting(10.0, doc="Time in which as many messages may be sent again")
