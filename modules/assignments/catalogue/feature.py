"""The catalogue, put together: assignments and what holds for students."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue import routes
from modules.assignments.catalogue.assignments import Assignments
from modules.assignments.settings import AssignmentsSettings


class CatalogueFeature:
    def __init__(self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess) -> None:
        self.assignments = assignments = Assignments(kernel, settings, access)
        self.features = (assignments,)
        self.routes = (routes.router(assignments),)
