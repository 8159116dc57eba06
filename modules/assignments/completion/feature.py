"""Completion and certificates, put together."""

from __future__ import annotations

from typing import Any

from gateway.contract import Kernel
from gateway.settings import Settings
from modules.assignments.access import AssignmentAccess
from modules.assignments.completion import routes
from modules.assignments.completion.certificates import Certificates
from modules.assignments.completion.evaluation import Evaluation
from modules.assignments.completion.repository import CertificateRepository
from modules.assignments.completion.rules import CompletionRules
from modules.assignments.completion.standings import StandingReader
from modules.assignments.gradebook.book_reader import GradeBookReader
from modules.assignments.settings import AssignmentsSettings


class CompletionFeature:
    def __init__(
        self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess, book: GradeBookReader
    ) -> None:
        kernel_settings: Settings = kernel.settings(Settings)
        standings = StandingReader(kernel.database, book)
        evaluation = Evaluation(kernel, book, standings)
        certificates = Certificates(kernel, settings, access, book, standings, evaluation)
        self._certificates = CertificateRepository(kernel.database)
        self.features = (evaluation,)
        self.routes = routes.routers(
            certificates,
            CompletionRules(kernel, access, evaluation),
            settings,
            in_development=kernel_settings.environment != "production",
        )

    async def export(self, user: str) -> dict[str, Any]:
        """What an export of the user's data shows."""
        held = await self._certificates.held(user)
        return {"certificates": held} if held else {}

    async def forget(self, user: str) -> None:
        """A certificate of somebody who is deleted says that it was issued, and not to whom."""
        await self._certificates.forget(user)
