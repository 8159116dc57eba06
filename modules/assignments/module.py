"""What the assignments module consists of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from litestar import Router

from gateway.contract import Kernel, Module
from modules.assignments import errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.feature import CatalogueFeature
from modules.assignments.catalogue.tables import AssignmentRow
from modules.assignments.events import EVENTS
from modules.assignments.gradebook.feature import GradeBookFeature
from modules.assignments.grading.feature import GradingFeature
from modules.assignments.settings import AssignmentsSettings


class Package(Protocol):
    """A package of the module, put together."""

    @property
    def features(self) -> Sequence[object]: ...

    @property
    def routes(self) -> Sequence[Router]: ...


class AssignmentsModule(Module):
    """Assignments: set, handed in, graded, counted, up to the certificate."""

    name = "assignments"
    requires = ("accounts", "files", "programs", "live")
    settings_type = AssignmentsSettings
    emits = EVENTS
    tables = (AssignmentRow,)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        settings: AssignmentsSettings = kernel.settings(AssignmentsSettings)
        access = AssignmentAccess(kernel.database)
        # The packages from the lowest layer up. Each has its features and its routes.
        packages: tuple[Package, ...] = (
            CatalogueFeature(kernel, settings, access),
            GradingFeature(kernel, settings, access),
            GradeBookFeature(kernel, settings, access),
        )
        self.features = tuple(feature for package in packages for feature in package.features)
        self.routes = tuple(router for package in packages for router in package.routes)
