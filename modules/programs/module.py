"""What the programs module consists of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module, RoomKind
from gateway.principal import Principal
from modules.programs import demo, errors, events, item_routes
from modules.programs.access import ProgramAccess
from modules.programs.audience import ProgramAudience
from modules.programs.catalogue import Catalogue
from modules.programs.curriculum import Curricula
from modules.programs.curriculum_edit import CurriculumEdits
from modules.programs.curriculum_repository import CurriculumRepository
from modules.programs.enrolment_repository import EnrolmentRepository
from modules.programs.enrolments import Enrolments
from modules.programs.facts import FACTS
from modules.programs.lesson_contents import LessonContents
from modules.programs.lesson_item_repository import LessonItemRepository
from modules.programs.lesson_items import LessonItems
from modules.programs.materials import Materials
from modules.programs.personal_data import PersonalDataRepository
from modules.programs.progress import ProgressTracker
from modules.programs.progress_repository import ProgressRepository
from modules.programs.public_events import PUBLIC
from modules.programs.removal import Removal
from modules.programs.repository import ProgramRepository
from modules.programs.routes import router
from modules.programs.settings import ProgramsSettings
from modules.programs.tables import Ban, Enrolment, Lesson, LessonProgress, Payment, Program, Student, Unit


class ProgramsModule(Module):
    """Programs, what they teach, and who takes part in them. It owns the `program` rooms."""

    name = "programs"
    requires = ("accounts", "files")
    # Payments asks programs what a place costs, so it requires this module.
    hears = ("payments",)
    settings_type = ProgramsSettings
    tables = (Program, Enrolment, Unit, Lesson, Student, LessonProgress, Payment, Ban)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES
    emits = events.EVENTS

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        database = kernel.database
        programs = ProgramRepository(database)
        access = ProgramAccess(database, programs)
        self._personal_data = PersonalDataRepository(database)
        self.enrolments = enrolments = Enrolments(kernel, EnrolmentRepository(database), access)
        progress = ProgressTracker(kernel, ProgressRepository(database), access)
        settings, lessons = kernel.settings(ProgramsSettings), CurriculumRepository(database)
        edits = CurriculumEdits(kernel, lessons, access)
        item_rows = LessonItemRepository(database)
        contents = LessonContents(kernel, item_rows)
        curricula = Curricula(kernel, settings, lessons, access, progress, edits, contents)
        items = LessonItems(kernel, settings, lessons, item_rows, edits, contents)
        catalogue = Catalogue(kernel, programs, access, enrolments)
        self.rooms = (
            RoomKind(
                name="program",
                roles=("student", "mentor"),
                authorize=access.room_role,
                archived=True,
                presence=True,
            ),
        )
        materials = Materials(kernel, settings, access)
        self.features = (catalogue, enrolments, edits, materials, Removal(kernel), ProgramAudience(kernel))
        self.contributions = (*PUBLIC, *FACTS)
        self.routes = (router(catalogue, enrolments, curricula, progress), item_routes.router(items))

    async def export(self, user: str) -> Mapping[str, Any]:
        return await self._personal_data.held(user)

    async def forget(self, user: str) -> Collection[str]:
        await self.enrolments.forget(user)
        await self._personal_data.forget(user)
        return ()

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        program = await demo.seed(self.kernel.database, people["mentor"].id)
        return {"program": program, "paid_program": demo.PAID}
