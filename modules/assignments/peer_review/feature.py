"""Peer review, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.pseudonyms import Pseudonyms
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.grading.rubric_repository import RubricRepository
from modules.assignments.peer_review import routes
from modules.assignments.peer_review.allocations import PeerAllocations
from modules.assignments.peer_review.openness import OpenReviews
from modules.assignments.peer_review.personal_data import PeerReviewPersonalData
from modules.assignments.peer_review.repository import PeerReviewRepository
from modules.assignments.peer_review.reviewed_work import ReviewedWorks
from modules.assignments.peer_review.reviews import Reviews
from modules.assignments.submissions.repository import SubmissionRepository


class PeerReviewFeature:
    """`openness` is what submissions asks of peer review."""

    def __init__(self, kernel: Kernel, access: AssignmentAccess, lateness: Lateness, pseudonyms: Pseudonyms) -> None:
        database = kernel.database
        rows, grades = PeerReviewRepository(database), GradeRepository(database)
        submissions = SubmissionRepository(database)
        self.openness = openness = OpenReviews(access, rows, grades, lateness)
        allocations = PeerAllocations(kernel, access, AssignmentRepository(database), rows)
        self.personal_data = PeerReviewPersonalData(rows)
        reviews = Reviews(
            kernel,
            access,
            rows,
            openness,
            ReviewedWorks(kernel, submissions),
            submissions,
            grades,
            RubricRepository(database),
            GradeViews(database, grades, lateness, pseudonyms),
            pseudonyms,
        )
        self.features = (allocations,)
        self.routes = (routes.router(allocations, reviews),)
