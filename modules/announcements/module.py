"""The announcements module: pushes and commands in rooms of accounts (`announce`) and programs, and its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from litestar import Router
from litestar.di import Provide

from gateway.contract import Command, Context, Delivery, Kernel, Module, Timer
from gateway.errors import Unavailable
from modules.announcements.messages import AnnouncementDue, Ask, Current
from modules.announcements.routes import change, create, current, listing, read, withdraw
from modules.announcements.service import EXPIRE, PUBLISH, Announcements
from modules.announcements.settings import AnnouncementsSettings
from modules.announcements.tables import AnnouncementRow

ANNOUNCED: Final = "SELECT id, title, text, created_at FROM announcement WHERE created_by = {} ORDER BY created_at"


class AnnouncementsModule(Module):
    name = "announcements"
    requires = ("accounts", "programs")
    settings_type = AnnouncementsSettings
    tables = (AnnouncementRow,)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.commands = (
            Command(
                name="announcements.current", rooms="announce", role="listener", request=Ask, handler=self._current
            ),
            # A command is of one kind of room.
            Command(
                name="announcements.in_program",
                rooms="program",
                role="student",
                request=Ask,
                handler=self._in_program,
            ),
        )
        self.timers = (
            Timer(name=PUBLISH, payload=AnnouncementDue, handler=self._publish),
            Timer(name=EXPIRE, payload=AnnouncementDue, handler=self._expire),
        )
        self.routes = (
            Router(
                "/announcements",
                route_handlers=[create, listing, current, read, change, withdraw],
                # Not a bound method: Litestar copies its handlers, with all that is bound to them.
                dependencies={"announcements": Provide(lambda: self._running, sync_to_thread=False)},
            ),
        )
        self._announcements: Announcements | None = None

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        kernel = self.kernel
        self._announcements = Announcements(kernel, kernel.settings(AnnouncementsSettings))
        yield

    async def export(self, user: str) -> Mapping[str, Any]:
        announced = await AnnouncementRow.raw(ANNOUNCED, user)
        return {"announced": announced} if announced else {}

    async def _current(self, context: Context, request: Ask) -> Current:
        return await self._running.current_in(context.room_id)

    async def _in_program(self, context: Context, request: Ask) -> Current:
        return await self._running.current_in_program(context.room_id)

    async def _publish(self, due: AnnouncementDue, delivery: Delivery) -> None:
        await self._running.publish(due.id)

    async def _expire(self, due: AnnouncementDue, delivery: Delivery) -> None:
        await self._running.expire(due.id)

    @property
    def _running(self) -> Announcements:
        if self._announcements is None:
            raise Unavailable("announcements has not started")
        return self._announcements
