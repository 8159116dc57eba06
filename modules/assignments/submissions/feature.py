"""Submissions, put together."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import Kernel
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.settings import SubmissionSettings
from modules.assignments.submissions import routes
from modules.assignments.submissions.authors import AuthorReader
from modules.assignments.submissions.counter import Counter
from modules.assignments.submissions.drafts import Drafts
from modules.assignments.submissions.first_tries import FirstTries
from modules.assignments.submissions.grader import QuestionGrader
from modules.assignments.submissions.hooks import Grading, PeerReaders, TurnedInHook
from modules.assignments.submissions.own_work import OwnWork
from modules.assignments.submissions.personal_data import SubmissionPersonalData
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.staff_list import StaffList
from modules.assignments.submissions.steps import Steps
from modules.assignments.submissions.turn_in import TurningIn
from modules.assignments.submissions.uploads import Uploads
from modules.assignments.submissions.views import StudentViews


class SubmissionsFeature:
    """Packages above come in through `grading`, `peers` and `turned_in` (`hooks.py`), so they are built before it."""

    def __init__(
        self,
        kernel: Kernel,
        settings: SubmissionSettings,
        access: AssignmentAccess,
        *,
        grading: Grading,
        peers: PeerReaders,
        turned_in: Sequence[TurnedInHook] = (),
    ) -> None:
        database = kernel.database
        self.rows = rows = SubmissionRepository(database)
        self.authors = authors = AuthorReader(database)
        assignments, dates = AssignmentRepository(database), EffectiveDateReader(database)
        self.views = views = StudentViews(kernel, rows, authors, dates, grading)
        grader = QuestionGrader(database)
        drafts = Drafts(kernel, settings, access, rows, authors, dates, grader)
        tries = FirstTries(kernel, rows, settings.turn_in_grace)
        turning_in = TurningIn(kernel, settings, assignments, rows, dates, drafts, tries, views, grader, turned_in)
        begun = (grading.grading_begun, peers.review_begun)
        self.steps = steps = Steps(kernel, rows, assignments, authors, dates, drafts, views, begun)
        own_work = OwnWork(kernel, rows, dates, drafts, views, grading)
        counter = Counter(kernel, access)
        uploads = Uploads(access, rows, authors, dates, grading, peers)
        self.personal_data = SubmissionPersonalData(kernel)
        self.features = (drafts, tries, steps, counter, uploads)
        staff_list = StaffList(kernel, access, rows, authors, dates, grading)
        self.routes = (routes.router(drafts, turning_in, own_work, steps, staff_list, counter),)
