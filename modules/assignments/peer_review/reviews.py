"""Peer reviews: what reviewers read and write, what authors get, what those who teach see.

Reviewer and author do not learn who the other is. A reviewer knows a review by its own id, which says nothing of the
submission. A review can be written, and the work be read for it, until the grade of the reviewed attempt is released
(`openness.py`). Its author reads it from then on.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.principal import FORGOTTEN, Author, Principal
from modules.accounts.facade import names_of
from modules.assignments import errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.marks import marks_of, points_of
from modules.assignments.grading.messages import NewGrade
from modules.assignments.grading.pseudonyms import Pseudonyms
from modules.assignments.grading.records import policy_of
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.grading.rubric_repository import RubricRepository
from modules.assignments.grading.visibility import GradeState
from modules.assignments.peer_review.messages import (
    NewReview,
    PeerReview,
    PeerReviews,
    ReceivedReview,
    ReceivedReviews,
    ReviewState,
    StaffPeerReview,
    WholePeerReview,
)
from modules.assignments.peer_review.openness import OpenReviews
from modules.assignments.peer_review.records import Review
from modules.assignments.peer_review.repository import PeerReviewRepository
from modules.assignments.peer_review.reviewed_work import ReviewedWorks
from modules.assignments.records import Assignment
from modules.assignments.submissions.repository import SubmissionRepository


class Reviews:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    def __init__(
        self,
        kernel: Kernel,
        access: AssignmentAccess,
        reviews: PeerReviewRepository,
        openness: OpenReviews,
        works: ReviewedWorks,
        submissions: SubmissionRepository,
        grades: GradeRepository,
        rubrics: RubricRepository,
        views: GradeViews,
        pseudonyms: Pseudonyms,
    ) -> None:
        self._kernel = kernel
        self._access = access
        self._reviews = reviews
        self._open = openness
        self._works = works
        self._submissions = submissions
        self._grades = grades
        self._rubrics = rubrics
        self._views = views
        self._pseudonyms = pseudonyms

    async def mine(self, principal: Principal, assignment_id: str) -> PeerReviews:
        """The reviews that the user has to write, or has written."""
        assignment = (await self._access.seen(principal, assignment_id)).assignment
        found = await self._reviews.mine(assignment_id, principal.id)
        opened = await self._open.among(assignment, found, clock.now())
        return PeerReviews([PeerReview(**_fields(one, open=one.id in opened)) for one in found])

    async def read(self, principal: Principal, id: str) -> WholePeerReview:
        """A review of the user's own, with the work that it is about."""
        review = _theirs(principal, await self._reviews.find(id))
        assignment = (await self._access.seen(principal, review.assignment_id)).assignment
        whole = await self._whole(assignment, review)
        if whole.work is not None:
            # Who has read the work of others hands in no other work of their own instead.
            await self._reviews.open(id, clock.now())
        return whole

    async def write(self, principal: Principal, id: str, new: NewReview, if_match: IfMatch) -> WholePeerReview:
        """Write a review that nobody has changed since. One that was finished stays finished.

        Raises BadInput `precondition_failed` and `invalid`, Conflict `assignments.review_over`, and what filters raise.
        """
        for part in new.texts():
            await self._kernel.filters.check(part, Author.of(principal))
        async with self._kernel.database.transaction():
            # Who reclaims the work meanwhile comes before or after, and sees that it was begun.
            await self._submissions.lock(_theirs(principal, await self._reviews.find(id)).submission_id)
            review = _theirs(principal, await self._reviews.lock(id))
            assignment = (await self._access.seen(principal, review.assignment_id)).assignment
            if_match.check(review.rev)
            now = clock.now()
            if id not in await self._open.among(assignment, [review], now):
                raise errors.review_over()
            written = await self._written(assignment, review, new, now)
            await self._reviews.write(written)
        return await self._whole(assignment, written)

    async def received(self, principal: Principal, assignment_id: str) -> ReceivedReviews:
        """What others have written of the user's work, where its grade is released."""
        assignment = (await self._access.seen(principal, assignment_id)).assignment
        found = await self._reviews.received(assignment_id, principal.id)
        attempts = {one.attempt_id for one in found}
        works = await self._grades.works(attempts)
        policy, now = policy_of(assignment), clock.now()
        seen = {id for id, work in works.items() if work.visible(policy, now) is not None}
        numbers = {one.id: one.number for one in (await self._submissions.attempts(seen)).values()}
        return ReceivedReviews(
            [
                ReceivedReview(numbers[one.attempt_id], one.points, one.comment, one.criteria)
                for one in found
                if one.attempt_id in numbers
            ]
        )

    async def listed(self, principal: Principal, assignment_id: str, span: Span) -> Page[StaffPeerReview]:
        """All reviews of an assignment. Raises Refused `forbidden`."""
        assignment = await self._access.teaching(principal, assignment_id)
        page = await self._reviews.listed(assignment_id, span)
        now = clock.now()
        works = await self._grades.works({one.attempt_id for one in page.items})
        labels = await self._views.labels(assignment, list(works.values()), now)
        hidden = await self._pseudonyms.hides_people(assignment, now)
        reviewers = await self._reviewers(assignment, {one.reviewer_id for one in page.items}, hidden=hidden)
        return Page(
            [
                StaffPeerReview(
                    id=one.id,
                    submission_id=one.submission_id,
                    attempt_id=one.attempt_id,
                    label=labels.get(one.submission_id, ""),
                    reviewer=reviewers.get(one.reviewer_id, FORGOTTEN),
                    reviewer_id=None if hidden else one.reviewer_id,
                    state=one.state,
                    points=one.points if one.state is ReviewState.DONE else None,
                    comment=one.comment if one.state is ReviewState.DONE else "",
                    criteria=one.criteria if one.state is ReviewState.DONE else (),
                )
                for one in page.items
            ],
            page.next,
        )

    async def _reviewers(self, assignment: Assignment, user_ids: Collection[str], *, hidden: bool) -> dict[str, str]:
        """By what those who teach know each reviewer: the name, or the pseudonym of the reviewer's own work."""
        if not hidden:
            return await names_of(self._kernel.database, sorted(user_ids))
        own = await self._reviews.own_work(assignment.id, user_ids)
        names = await self._pseudonyms.of(list(own.values()))
        return {user: names[submission] for user, submission in own.items() if submission in names}

    async def _written(self, assignment: Assignment, review: Review, new: NewReview, now: datetime) -> Review:
        rubric = await self._rubrics.of(assignment.id)
        marks = marks_of(NewGrade(review.attempt_id, GradeState.DRAFT, new.criteria), rubric)
        points = points_of(marks, rubric, None, new.points)
        if points is not None and points > assignment.points:
            raise invalid(f"this assignment has {assignment.points} points", field="points")
        done_at = review.done_at or (now if new.done else None)
        if done_at is not None:
            if sum(mark.points is not None for mark in marks) < len(rubric.criteria):
                raise invalid("a finished review has a level or points for every criterion", field="criteria")
            if points is None and not new.comment:
                raise invalid("a finished review has points or a comment", field="comment")
        return msgspec.structs.replace(
            review,
            points=points,
            comment=new.comment,
            criteria=marks,
            begun_at=review.begun_at or now,
            done_at=done_at,
            rev=review.rev + 1,
        )

    async def _whole(self, assignment: Assignment, review: Review) -> WholePeerReview:
        opened = bool(await self._open.among(assignment, [review], clock.now()))
        work = await self._works.of(review.attempt_id) if opened else None
        return WholePeerReview(**_fields(review, open=opened), work=work)


def _theirs(principal: Principal, review: Review | None) -> Review:
    if review is None or review.reviewer_id != principal.id:
        raise _no_review()
    return review


def _fields(review: Review, *, open: bool) -> dict[str, Any]:
    """The fields of a PeerReview."""
    return {
        "id": review.id,
        "assignment_id": review.assignment_id,
        "state": review.state,
        "open": open,
        "points": review.points,
        "comment": review.comment,
        "criteria": review.criteria,
        "rev": review.rev,
    }


def _no_review() -> BadInput:
    return not_found("there is no such review of yours")
