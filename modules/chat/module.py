"""The chat module: commands in rooms of kind `session`, which live owns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from litestar import Router
from litestar.di import Provide

from gateway.contract import Command, Context, Database, Kernel, Module, Rate, SnapshotPart
from gateway.errors import Unavailable
from modules.chat import personal_data, routes
from modules.chat.events import Mentioned
from modules.chat.filter import load
from modules.chat.messages import Clear, Configure, Edit, Mute, Named, React, Report, Send, Unmute
from modules.chat.mutes import Mutes
from modules.chat.pins import Pins
from modules.chat.policy import HOST, ChatPolicy
from modules.chat.reactions import Reactions
from modules.chat.reports import Reports
from modules.chat.service import Chat
from modules.chat.settings import ChatSettings
from modules.chat.snapshot import Parts
from modules.chat.tables import ReportRow


@dataclass(frozen=True)
class Running:
    """What serves the commands between the start and the end of a gateway."""

    database: Database
    chat: Chat
    policy: ChatPolicy
    pins: Pins
    mutes: Mutes
    reactions: Reactions
    reports: Reports
    parts: Parts


# What of it handles a command, and what reads a part of a snapshot.
Handler = Callable[[Running], Callable[[Context, Any], Awaitable[msgspec.Struct | None]]]
Reader = Callable[[Running], Callable[[Context], Awaitable[msgspec.Struct]]]


class ChatModule(Module):
    name = "chat"
    requires = ("live", "programs", "accounts")
    settings_type = ChatSettings
    tables = (ReportRow,)
    migrations = Path(__file__).parent / "migrations"
    emits = (Mentioned,)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self._settings = ChatSettings()
        self._served: Running | None = None
        self.commands = (
            # Log-first.
            self._command("chat.send", Send, lambda of: of.chat.send, "viewer", ""),
            self._command("chat.edit", Edit, lambda of: of.chat.edit, "viewer", "change_"),
            self._command("chat.delete", Named, lambda of: of.chat.delete, "viewer", "change_"),
            self._command("chat.clear", Clear, lambda of: of.chat.clear),
            # Rows, told now and then.
            self._command("chat.react", React, lambda of: of.reactions.react, "viewer", "react_"),
            # Row-first.
            self._row("chat.report", Report, lambda of: of.reports.report, "viewer", "report_"),
            self._row("chat.pin", Named, lambda of: of.pins.pin),
            self._row("chat.unpin", Named, lambda of: of.pins.unpin),
            self._row("chat.configure", Configure, lambda of: of.policy.configure),
            self._row("chat.mute", Mute, lambda of: of.mutes.mute),
            self._row("chat.unmute", Unmute, lambda of: of.mutes.unmute),
        )
        self.snapshots = (
            self._part("chat.settings", "session", lambda of: of.parts.settings, shared=True),
            self._part("chat.pins", "session", lambda of: of.parts.pins),
            self._part("chat.messages", "session", lambda of: of.parts.messages),
            self._part("chat.mutes", "staff", lambda of: of.parts.mutes),
            self._part("chat.reports", "staff", lambda of: of.parts.reports),
        )
        self.routes = (
            Router(
                "/chat",
                route_handlers=[routes.listing, routes.of_session, routes.read, routes.resolve],
                # Not a bound method: Litestar copies its handlers, with all that is bound to them.
                dependencies={"reports": Provide(lambda: self._running.reports, sync_to_thread=False)},
            ),
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        kernel = self.kernel
        settings = self._settings = kernel.settings(ChatSettings)
        policy = ChatPolicy(kernel, settings)
        # They are imported and read their files, which blocks.
        chat = Chat(kernel, settings, policy, await asyncio.to_thread(load, settings))
        pins, mutes = Pins(kernel, settings, chat), Mutes(kernel)
        reactions, reports = Reactions(kernel, settings, chat), Reports(kernel, settings, chat)
        parts = Parts(policy, pins, reactions, mutes, reports, settings.recent)
        self._served = Running(kernel.database, chat, policy, pins, mutes, reactions, reports, parts)
        try:
            yield
        finally:
            await reactions.stop()

    async def export(self, user: str) -> Mapping[str, Any]:
        return await personal_data.export(self._running.database, user)

    async def forget(self, user: str) -> Collection[str]:
        await personal_data.forget(self._running.database, user)
        # A pin names the author of its message, who wrote there; nothing else names anybody.
        return ()

    def _row(
        self, name: str, request: type[msgspec.Struct], handler: Handler, role: str = HOST, limit: str = "host_"
    ) -> Command:
        return self._command(name, request, handler, role, limit, row_first=True)

    def _command(
        self,
        name: str,
        request: type[msgspec.Struct],
        handler: Handler,
        role: str = HOST,
        limit: str = "host_",
        *,
        row_first: bool = False,
    ) -> Command:
        async def handle(context: Context, request: Any) -> msgspec.Struct | None:
            return await handler(self._running)(context, request)

        return Command(
            name=name,
            rooms="session",
            role=role,
            request=request,
            handler=handle,
            rate=self._rate(limit),
            row_first=row_first,
        )

    def _part(self, name: str, rooms: str, reader: Reader, *, shared: bool = False) -> SnapshotPart:
        async def read(context: Context) -> msgspec.Struct:
            return await reader(self._running)(context)

        return SnapshotPart(name=name, rooms=rooms, read=read, shared=shared)

    def _rate(self, limit: str) -> Callable[[], Rate]:
        """The limit whose settings begin so."""

        def rate() -> Rate:
            settings = self._settings
            return Rate(
                count=getattr(settings, f"{limit}rate_count"), seconds=getattr(settings, f"{limit}rate_seconds")
            )

        return rate

    @property
    def _running(self) -> Running:
        if self._served is None:
            raise Unavailable("chat has not started")
        return self._served
