"""The catalogue, put together: assignments, their questions, and what holds for students."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue import grant_routes, group_routes, routes
from modules.assignments.catalogue.accommodations import Accommodations
from modules.assignments.catalogue.assignments import Assignments, Changed
from modules.assignments.catalogue.date_timer import DateTimer
from modules.assignments.catalogue.extensions import Extensions
from modules.assignments.catalogue.groups import Groups
from modules.assignments.catalogue.materials import Materials
from modules.assignments.catalogue.own_dates import OwnDatesPushes
from modules.assignments.catalogue.personal_data import CataloguePersonalData
from modules.assignments.catalogue.questions import QuestionCatalogue
from modules.assignments.catalogue.reading import AssignmentReading
from modules.assignments.settings import AssignmentsSettings


class CatalogueFeature:
    """`changed` is of packages above, which are told of each change."""

    def __init__(
        self,
        kernel: Kernel,
        settings: AssignmentsSettings,
        access: AssignmentAccess,
        changed: Sequence[Changed] = (),
    ) -> None:
        materials = Materials(kernel, settings, access)
        timer = DateTimer(kernel, settings)
        self.assignments = assignments = Assignments(kernel, settings, access, materials, timer, changed)
        reading = AssignmentReading(kernel, access, materials)
        questions = QuestionCatalogue(kernel, settings, access, assignments)
        self.personal_data = CataloguePersonalData(kernel.database)
        own_dates = OwnDatesPushes(kernel, timer)
        groups = Groups(kernel, settings, access, own_dates)
        self.features = (assignments, timer, materials, own_dates, groups)
        self.routes = (
            routes.router(assignments, reading, questions),
            grant_routes.router(Extensions(kernel, access, own_dates), Accommodations(kernel, access, own_dates)),
            group_routes.router(groups),
        )
