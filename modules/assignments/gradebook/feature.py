"""The grade book, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.gradebook import category_routes, routes
from modules.assignments.gradebook.book_reader import GradeBookReader, HidesPeople
from modules.assignments.gradebook.categories import CategoryCatalogue
from modules.assignments.gradebook.gradebook import GradeBooks
from modules.assignments.grading.reader import GradeReader
from modules.assignments.settings import AssignmentsSettings


class GradeBookFeature:
    def __init__(
        self,
        kernel: Kernel,
        settings: AssignmentsSettings,
        access: AssignmentAccess,
        grades: GradeReader,
        people: HidesPeople,
    ) -> None:
        self.reader = reader = GradeBookReader(kernel.database, grades, people)
        self.features: tuple[object, ...] = ()
        self.routes = (
            routes.router(GradeBooks(settings, access, reader)),
            category_routes.router(CategoryCatalogue(kernel, settings, access)),
        )
