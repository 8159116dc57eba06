"""The live module: owner of `session` and `staff` rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.errors import Unavailable
from gateway.module import Delivery, Kernel, Listener, Module, RoomKind
from gateway.principal import Principal
from modules.live.departures import take_out
from modules.live.service import ROLES, Sessions
from modules.live.tables import Session
from modules.programs.events import PartLost

DEMO = "demo"


class LiveModule(Module):
    name = "live"
    requires = ("programs",)
    tables = (Session,)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self) -> None:
        self.rooms = (
            RoomKind(name="session", roles=ROLES, authorize=self._role, archived=True, presence=True),
            RoomKind(name="staff", roles=("host",), authorize=self._staff_role, archived=True, presence=True),
        )
        self.listens = (Listener(event=PartLost, name="live.leave", handler=self._on_part_lost),)
        self._sessions: Sessions | None = None
        self._kernel: Kernel | None = None

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._kernel = kernel
        self._sessions = Sessions(kernel.database)
        yield

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        demo = Session(
            id=DEMO,
            program_id="demo",
            title="Demo class",
            mentor_id=people["mentor"].id,
            starts_at=datetime.now(UTC),
        )
        await Session.insert(demo).on_conflict(target=Session.id, action="DO NOTHING")
        return {"session": DEMO}

    async def _on_part_lost(self, event: PartLost, delivery: Delivery) -> None:
        if self._kernel is None:
            raise Unavailable("live has not started")
        await take_out(self._kernel, event)

    async def _role(self, principal: Principal, id: str) -> str:
        return await self._running.role(principal, id)

    async def _staff_role(self, principal: Principal, id: str) -> str:
        return await self._running.staff_role(principal, id)

    @property
    def _running(self) -> Sessions:
        if self._sessions is None:
            raise Unavailable("live has not started")
        return self._sessions
