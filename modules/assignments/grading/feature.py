"""Grading, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.grading import routes, rubric_routes
from modules.assignments.grading.comments import Comments
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.grades import Grades
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.markers import Markers
from modules.assignments.grading.personal_data import GradingPersonalData
from modules.assignments.grading.pseudonyms import Pseudonyms
from modules.assignments.grading.pushes import ReleasePushes
from modules.assignments.grading.reader import GradeReader, GradingAnswers
from modules.assignments.grading.regrades import RegradeRequests
from modules.assignments.grading.releases import Releases
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.grading.rubrics import Rubrics
from modules.assignments.settings import AssignmentsSettings
from modules.assignments.submissions.authors import AuthorReader
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.views import StudentViews


class GradingFeature:
    """`answers` is what submissions asks of grading, `grades` is told of each turn-in, `reader` is for what counts.

    `releases.changed` is to be called where an assignment is changed.
    """

    def __init__(self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess) -> None:
        database = kernel.database
        assignments, submissions = AssignmentRepository(database), SubmissionRepository(database)
        authors, dates = AuthorReader(database), EffectiveDateReader(database)
        rows = GradeRepository(database)
        self.lateness = lateness = Lateness(authors, dates)
        self.pseudonyms = pseudonyms = Pseudonyms(database, rows, dates)
        self.answers = GradingAnswers(database, assignments, rows, lateness, pseudonyms)
        self.personal_data = GradingPersonalData(database, self.answers)
        self.reader = GradeReader(rows, lateness)
        views = GradeViews(database, rows, lateness, pseudonyms)
        student_views = StudentViews(kernel, submissions, authors, dates, self.answers)
        self.releases = Releases(kernel, access, assignments, submissions, rows, lateness)
        self.grades = Grades(kernel, access, submissions, rows, views, self.releases, lateness)
        regrades = RegradeRequests(kernel, settings, access, authors, submissions, rows, self.grades, lateness, views)
        self.features = (self.releases, regrades, ReleasePushes(kernel, assignments, submissions, student_views))
        self.routes = (
            routes.router(self.grades, Markers(kernel, settings, access, rows, views), self.releases, regrades),
            rubric_routes.router(Rubrics(kernel, settings, access, rows), Comments(kernel, settings, access)),
        )
