"""What the assignments module consists of."""

from __future__ import annotations

from pathlib import Path

from gateway.contract import Kernel, Module
from modules.assignments import errors
from modules.assignments.events import EVENTS
from modules.assignments.settings import AssignmentsSettings


class AssignmentsModule(Module):
    """Assignments: set, handed in, graded, counted, up to the certificate."""

    name = "assignments"
    requires = ("accounts", "files", "programs", "live")
    settings_type = AssignmentsSettings
    emits = EVENTS
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        # A line a package: each gives its features and its routes.
        packages: tuple[object, ...] = ()
        self.features = packages
        self.routes = ()
