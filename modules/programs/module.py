"""The programs module: owner of `program` rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from litestar import Router
from litestar.di import Provide

from gateway.errors import Unavailable
from gateway.module import Kernel, Module, RoomKind
from gateway.principal import Principal
from modules.programs import routes
from modules.programs.catalogue import Catalogue
from modules.programs.enrolments import Enrolments
from modules.programs.events import Enrolled, EnrolmentCancelled, ProgramArchived, ProgramPublished
from modules.programs.tables import Enrolment, Program

DEMO = "demo"
TAUGHT = "SELECT id, title, created_at FROM program WHERE mentor_id = {} OR {} = ANY(co_mentors) ORDER BY id"


class ProgramsModule(Module):
    name = "programs"
    requires = ("accounts",)
    tables = (Program, Enrolment)
    migrations = Path(__file__).parent / "migrations"
    emits = (ProgramPublished, ProgramArchived, Enrolled, EnrolmentCancelled)

    def __init__(self) -> None:
        self.rooms = (RoomKind(name="program", roles=("student", "mentor"), authorize=self._role),)
        self._catalogue: Catalogue | None = None
        self._enrolments: Enrolments | None = None
        self.routes = (
            Router(
                "/programs",
                route_handlers=[
                    routes.published,
                    routes.own,
                    routes.create,
                    routes.read,
                    routes.change,
                    routes.publish,
                    routes.archive,
                    routes.enrol,
                    routes.enrolment,
                    routes.cancel,
                ],
                dependencies={
                    "catalogue": Provide(lambda: self._catalogue, sync_to_thread=False),
                    "enrolments": Provide(lambda: self._enrolments, sync_to_thread=False),
                },
            ),
        )

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._enrolments = Enrolments(kernel)
        self._catalogue = Catalogue(kernel, self._enrolments)
        yield

    async def export(self, user: str) -> Mapping[str, Any]:
        taught = await Program.raw(TAUGHT, user, user)
        places = await self._enrolments.of(user) if self._enrolments is not None else []
        return {"enrolments": places, "taught": taught} if places or taught else {}

    async def forget(self, user: str) -> None:
        if self._enrolments is not None:
            await self._enrolments.forget(user)

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        demo = Program(
            id=DEMO,
            title="Demo program",
            summary="A free program that everyone may join, with one class.",
            mentor_id=people["mentor"].id,
            co_mentors=[],
            open_to_all=True,
            state="published",
            price=0,
            created_at=datetime.now(UTC),
        )
        await Program.insert(demo).on_conflict(target=Program.id, action="DO NOTHING")
        return {"program": DEMO}

    async def _role(self, principal: Principal, id: str) -> str:
        if self._catalogue is None:
            raise Unavailable("programs has not started")
        return await self._catalogue.role(principal, id)
