"""The whiteboard module: commands in rooms of kind `session`, which live owns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from gateway import clock
from gateway.contract import Command, Context, Delivery, Kernel, Listener, Module, Timer
from gateway.errors import Unavailable
from ksmp_whiteboard import routes, service
from ksmp_whiteboard.events import Wiped
from ksmp_whiteboard.messages import Clear, Drawn, Idle, Stroke
from ksmp_whiteboard.settings import WhiteboardSettings
from ksmp_whiteboard.tables import BoardRow

BOARD = "whiteboard.board"
IDLE = "whiteboard.idle"


class WhiteboardModule(Module):
    name = "whiteboard"
    requires = ("live",)
    settings_type = WhiteboardSettings
    emits = (Wiped,)
    routes = (routes.snapshot,)
    tables = (BoardRow,)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self) -> None:
        self.commands = (
            Command(
                name="whiteboard.draw",
                rooms="session",
                role="viewer",
                request=Stroke,
                handler=self._draw,
                row_first=True,
            ),
            Command(
                name="whiteboard.clear",
                rooms="session",
                role="host",
                request=Clear,
                handler=self._clear,
                row_first=True,
            ),
        )
        self.listens = (Listener(event=Wiped, name="whiteboard.count_wipes", handler=self._on_wiped),)
        self.timers = (Timer(name=IDLE, payload=Idle, handler=self._on_idle),)
        self._kernel: Kernel | None = None
        self._settings = WhiteboardSettings()

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._kernel = kernel
        self._settings = kernel.settings(WhiteboardSettings)
        yield

    async def _draw(self, context: Context, request: Stroke) -> Drawn:
        session = context.room_id
        board = await service.draw(session, request, self._settings.strokes)
        await context.publish_row(BOARD, board)
        due = clock.now() + timedelta(seconds=self._settings.idle_seconds)
        await self._running.schedules.at(IDLE, session, due, Idle(session))
        return Drawn(board.rev)

    async def _clear(self, context: Context, request: Clear) -> Drawn:
        kernel, session = self._running, context.room_id
        board = await service.wipe(session)
        await context.publish_row(BOARD, board)
        await kernel.events.publish(Wiped(session))
        await kernel.schedules.cancel(IDLE, session)
        return Drawn(board.rev)

    async def _on_idle(self, payload: Idle, delivery: Delivery) -> None:
        # Already inside a transaction, which also remembers that the timer fired.
        board = await service.wipe(payload.session_id)
        await self._running.rooms.publish_row(f"session:{payload.session_id}", BOARD, board)
        await self._running.events.publish(Wiped(payload.session_id))

    async def _on_wiped(self, event: Wiped, delivery: Delivery) -> None:
        await service.count_wipe(event.session_id)

    @property
    def _running(self) -> Kernel:
        if self._kernel is None:
            raise Unavailable("whiteboard has not started")
        return self._kernel
