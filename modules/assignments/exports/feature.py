"""Archives, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.question_repository import QuestionRepository
from modules.assignments.exports import routes
from modules.assignments.exports.archives import Archives
from modules.assignments.exports.submitted_works import SubmittedWorks
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.pseudonyms import Pseudonyms
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.settings import ExportSettings
from modules.assignments.submissions.repository import SubmissionRepository


class ExportFeature:
    def __init__(
        self,
        kernel: Kernel,
        settings: ExportSettings,
        access: AssignmentAccess,
        lateness: Lateness,
        pseudonyms: Pseudonyms,
    ) -> None:
        database = kernel.database
        grades = GradeRepository(database)
        works = SubmittedWorks(
            SubmissionRepository(database),
            QuestionRepository(database),
            grades,
            lateness,
            GradeViews(database, grades, lateness, pseudonyms),
            pseudonyms,
        )
        self.features: tuple[object, ...] = ()
        self.routes = (routes.router(Archives(kernel, settings, access, works)),)
