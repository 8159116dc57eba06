"""The programs module: owner of `program` rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from litestar import Router
from litestar.di import Provide

from gateway.contract import Delivery, Kernel, Listener, Module, RoomKind
from gateway.errors import Unavailable
from gateway.principal import Principal
from modules.payments.events import PaymentCaptured, PaymentRefunded
from modules.programs import demo, personal_data, routes
from modules.programs.catalogue import Catalogue
from modules.programs.curriculum import Curricula
from modules.programs.enrolments import Enrolments
from modules.programs.events import (
    Enrolled,
    EnrolmentCancelled,
    PartLost,
    PlaceRefused,
    ProgramArchived,
    ProgramCompleted,
    ProgramPublished,
)
from modules.programs.parts import evict_former_participant
from modules.programs.progress import ProgressTracker
from modules.programs.settings import ProgramsSettings
from modules.programs.tables import Enrolment, Lesson, LessonProgress, Payment, Program, Student, Unit

T = TypeVar("T")


class ProgramsModule(Module):
    name = "programs"
    requires = ("accounts",)
    # It asks programs what a place costs, and so requires it.
    hears = ("payments",)
    settings_type = ProgramsSettings
    tables = (Program, Enrolment, Unit, Lesson, Student, LessonProgress, Payment)
    migrations = Path(__file__).parent / "migrations"
    emits = (
        ProgramPublished,
        ProgramArchived,
        Enrolled,
        EnrolmentCancelled,
        PlaceRefused,
        PartLost,
        ProgramCompleted,
    )

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.rooms = (RoomKind(name="program", roles=("student", "mentor"), authorize=self._role),)
        self.listens = (
            Listener(event=PaymentCaptured, name="programs.paid", handler=self._on_captured),
            Listener(event=PaymentRefunded, name="programs.refunded", handler=self._on_refunded),
            Listener(event=PartLost, name="programs.leave", handler=self._on_part_lost),
        )
        self._kernel: Kernel | None = None
        self._catalogue: Catalogue | None = None
        self._enrolments: Enrolments | None = None
        self._curricula: Curricula | None = None
        self._progress: ProgressTracker | None = None
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
                    routes.curriculum,
                    routes.reorder,
                    routes.add_unit,
                    routes.change_unit,
                    routes.delete_unit,
                    routes.add_lesson,
                    routes.lesson,
                    routes.change_lesson,
                    routes.delete_lesson,
                    routes.mark,
                    routes.own_progress,
                    routes.completion,
                    routes.students,
                    routes.student,
                    routes.expel,
                ],
                dependencies={
                    "catalogue": Provide(lambda: self._catalogue, sync_to_thread=False),
                    "enrolments": Provide(lambda: self._enrolments, sync_to_thread=False),
                    "curricula": Provide(lambda: self._curricula, sync_to_thread=False),
                    "progress": Provide(lambda: self._progress, sync_to_thread=False),
                },
            ),
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        kernel = self.kernel
        self._kernel = kernel
        self._enrolments = Enrolments(kernel)
        self._progress = ProgressTracker(kernel)
        self._curricula = Curricula(kernel, kernel.settings(ProgramsSettings), self._progress)
        self._catalogue = Catalogue(kernel, self._enrolments)
        yield

    async def export(self, user: str) -> Mapping[str, Any]:
        return await personal_data.held(user)

    async def forget(self, user: str) -> Collection[str]:
        if self._enrolments is not None:
            await self._enrolments.forget(user)
        await personal_data.forget(user)
        return ()

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        return await demo.sow(people["mentor"])

    async def _on_captured(self, event: PaymentCaptured, delivery: Delivery) -> None:
        await _started(self._enrolments).take_paid(event)

    async def _on_refunded(self, event: PaymentRefunded, delivery: Delivery) -> None:
        await _started(self._enrolments).take_refunded(event)

    async def _on_part_lost(self, event: PartLost, delivery: Delivery) -> None:
        await evict_former_participant(_started(self._kernel), event)

    async def _role(self, principal: Principal, id: str) -> str:
        return await _started(self._catalogue).role(principal, id)


def _started(part: T | None) -> T:
    if part is None:
        raise Unavailable("programs has not started")
    return part
