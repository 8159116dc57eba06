"""Whether a review can be written, and the work be read for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from gateway import clock
from gateway.errors import BadInput
from gateway.principal import Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.records import policy_of
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.peer_review.records import Review
from modules.assignments.peer_review.repository import PeerReviewRepository
from modules.assignments.records import Assignment


class OpenReviews:
    """Each call raises Unavailable."""

    def __init__(
        self, access: AssignmentAccess, reviews: PeerReviewRepository, grades: GradeRepository, lateness: Lateness
    ) -> None:
        self._access = access
        self._reviews = reviews
        self._grades = grades
        self._lateness = lateness

    async def among(self, assignment: Assignment, reviews: Collection[Review], now: datetime) -> set[str]:
        """Those of these reviews of an assignment that are open now, by id.

        One ends when the grade of the attempt is released, when its authors take it back, and when the reviewer becomes
        one of them.
        """
        works = await self._grades.works({review.attempt_id for review in reviews})
        owners = await self._lateness.owners(list(works.values()))
        policy = policy_of(assignment)
        return {
            review.id
            for review in reviews
            if (work := works.get(review.attempt_id)) is not None
            and work.visible(policy, now) is None
            and review.reviewer_id not in owners[work.attempt_id]
        }

    async def may_read(self, principal: Principal, attempt_id: str) -> bool:
        """Whether the user reviews this attempt now, so that they read its files."""
        review = await self._reviews.of_attempt(attempt_id, principal.id)
        if review is None:
            return False
        try:
            seen = await self._access.seen(principal, review.assignment_id)
        except BadInput:
            return False
        return bool(await self.among(seen.assignment, [review], clock.now()))

    async def review_begun(self, attempt_id: str) -> bool:
        """Whether the attempt stays turned in: a review of it is begun, or an author of it has read others' work."""
        return await self._reviews.begun(attempt_id)
