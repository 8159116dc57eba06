"""The chat module: commands in rooms of kind `session`, which live owns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import Unavailable
from gateway.module import Command, Context, Kernel, Module, Rate
from gateway.protocol.messages import Published
from modules.chat.messages import Delete, Send
from modules.chat.service import Chat
from modules.chat.settings import ChatSettings


class ChatModule(Module):
    name = "chat"
    requires = ("live",)
    settings_type = ChatSettings

    def __init__(self) -> None:
        self.commands = (
            Command(
                name="chat.send", rooms="session", role="viewer", request=Send, handler=self._send, rate=self._rate
            ),
            Command(name="chat.delete", rooms="session", role="viewer", request=Delete, handler=self._delete),
        )
        self._chat: Chat | None = None
        self._settings = ChatSettings()

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._settings = kernel.settings(ChatSettings)
        self._chat = Chat(self._settings)
        yield

    def _rate(self) -> Rate:
        return Rate(count=self._settings.rate_count, seconds=self._settings.rate_seconds)

    async def _send(self, context: Context, request: Send) -> Published:
        return await self._running.send(context, request)

    async def _delete(self, context: Context, request: Delete) -> Published:
        return await self._running.delete(context, request)

    @property
    def _running(self) -> Chat:
        if self._chat is None:
            raise Unavailable("chat has not started")
        return self._chat
