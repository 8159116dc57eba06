"""A filter as somebody else would write it."""

from __future__ import annotations

from gateway.errors import Refused
from gateway.principal import Author
from modules.chat.settings import ChatSettings


class NoShouting:
    """Takes the capitals out of what is shouted, and does not let one user speak at all."""

    def __init__(self, settings: ChatSettings) -> None:
        self._least = len(settings.words)

    async def review(self, text: str, author: Author) -> str:
        if author.id == "mute":
            raise Refused("shouting.mute", "you only shout")
        return text.lower() if text.isupper() and len(text) > self._least else text
