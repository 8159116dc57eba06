"""The grade book, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.gradebook import category_routes
from modules.assignments.gradebook.categories import CategoryCatalogue
from modules.assignments.settings import AssignmentsSettings


class GradeBookFeature:
    def __init__(self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess) -> None:
        self.features: tuple[object, ...] = ()
        self.routes = (category_routes.router(CategoryCatalogue(kernel, settings, access)),)
