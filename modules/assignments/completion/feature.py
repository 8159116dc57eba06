"""Completion and certificates, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from gateway.settings import Settings
from modules.assignments.access import AssignmentAccess
from modules.assignments.completion import routes
from modules.assignments.completion.certificates import Certificates
from modules.assignments.completion.evaluation import Evaluation
from modules.assignments.completion.personal_data import CertificatePersonalData
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
        self.personal_data = CertificatePersonalData(kernel.database)
        self.features = (evaluation,)
        self.routes = routes.routers(
            certificates,
            CompletionRules(kernel, access, evaluation),
            settings,
            in_development=kernel_settings.environment != "production",
        )
