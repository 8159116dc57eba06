"""Gives out peer reviews: when the assignment closes, when a mentor says so, and when somebody turns in after that."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.principal import Principal
from modules.accounts.facade import record, user_room
from modules.assignments import errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.events import AssignmentClosed, SubmissionTurnedIn
from modules.assignments.peer_review.allocation import Allocation, HeldReview, allocate
from modules.assignments.peer_review.messages import GIVEN, PeerAllocation, ReviewsGiven
from modules.assignments.peer_review.records import TurnedIn
from modules.assignments.peer_review.repository import PeerReviewRepository
from modules.assignments.records import Assignment
from modules.programs.facade import Part, parts_of


class PeerAllocations:
    """Each call raises Unavailable. Reviewers are those who turned in and take part in the program."""

    pushes = (GIVEN,)

    def __init__(
        self,
        kernel: Kernel,
        access: AssignmentAccess,
        assignments: AssignmentRepository,
        reviews: PeerReviewRepository,
    ) -> None:
        self._kernel = kernel
        self._access = access
        self._assignments = assignments
        self._reviews = reviews

    async def give_out(self, principal: Principal, assignment_id: str) -> PeerAllocation:
        """Give out reviews of what is turned in now; what was given out before stays, as far as it is even.

        Raises Refused `forbidden`, BadInput `not_found`, Conflict `assignments.not_peer_reviewed`.
        """
        assignment = await self._access.teaching(principal, assignment_id)
        if not assignment.published or not assignment.peer_reviews:
            raise errors.not_peer_reviewed()
        async with self._kernel.database.transaction():
            await self._reviews.lock_allocation(assignment_id)
            change = await self._allocate(assignment, by=principal.id)
            details = {"added": len(change.added), "removed": len(change.removed)}
            await record(self._kernel.database, principal, "assignments.give_out_peer_reviews", assignment_id, details)
        return await self._summary(assignment_id)

    async def summary(self, principal: Principal, assignment_id: str) -> PeerAllocation:
        """How far peer review is. Raises Refused `forbidden` and BadInput `not_found`."""
        await self._access.teaching(principal, assignment_id)
        return await self._summary(assignment_id)

    @listener(AssignmentClosed, "assignments.give_out_peer_reviews")
    async def closed(self, event: AssignmentClosed, delivery: Delivery) -> None:
        """Nothing is handed in any more, by the dates of anybody: give out reviews, unless somebody has."""
        assignment = await self._assignments.find(event.assignment_id)
        if assignment is None or not assignment.peer_reviews:
            return
        await self._reviews.lock_allocation(assignment.id)
        if await self._reviews.allocated_at(assignment.id) is None:
            await self._allocate(assignment)

    @listener(SubmissionTurnedIn, "assignments.join_peer_reviews")
    async def turned_in(self, event: SubmissionTurnedIn, delivery: Delivery) -> None:
        """Who turns in after reviews were given out joins them.

        Without the lock a turn-in that commits while reviews are given out would be in neither.
        """
        assignment = await self._assignments.find(event.assignment_id)
        if assignment is None or not assignment.peer_reviews:
            return
        await self._reviews.lock_allocation(assignment.id)
        if await self._reviews.allocated_at(assignment.id) is not None:
            await self._allocate(assignment)

    async def _allocate(self, assignment: Assignment, by: str | None = None) -> Allocation:
        """Write who reviews whom, in the transaction around it, and tell those for whom that changed."""
        rev = await self._reviews.write_allocation(assignment.id, clock.now(), by)
        submissions = await self._reviews.turned_in(assignment.id)
        held = await self._reviews.held(assignment.id)
        own = await self._reviewers(assignment, submissions)
        # A class takes long enough to hold up other requests.
        change = await asyncio.to_thread(_shuffled, own, submissions, assignment.peer_reviews, held)
        await self._reviews.change(assignment.id, change.added, change.removed, clock.now())
        before = Counter(one.reviewer_id for one in held)
        after = before + Counter(_reviewers_of(change.added))
        after.subtract(_reviewers_of(change.removed))
        for reviewer in sorted({*_reviewers_of(change.added), *_reviewers_of(change.removed)}):
            await self._kernel.rooms.publish_row(
                user_room(reviewer), GIVEN, ReviewsGiven(assignment.id, after[reviewer], rev)
            )
        return change

    async def _reviewers(self, assignment: Assignment, submissions: Sequence[TurnedIn]) -> Mapping[str, set[str]]:
        """The submissions that each reviewer may not review."""
        own: dict[str, set[str]] = defaultdict(set)
        for submission in submissions:
            for owner in submission.owners:
                own[owner].add(submission.id)
        parts = await parts_of(self._kernel.database, sorted(own), assignment.program_id)
        return {user: barred for user, barred in own.items() if parts.get(user) is Part.STUDENT}

    async def _summary(self, assignment_id: str) -> PeerAllocation:
        counts = await self._reviews.counts(assignment_id)
        reviews = [one.reviews for one in counts]
        return PeerAllocation(
            assignment_id=assignment_id,
            allocated_at=await self._reviews.allocated_at(assignment_id),
            submissions=len(counts),
            reviewers=await self._reviews.reviewers(assignment_id),
            reviews=sum(reviews),
            begun=sum(one.begun for one in counts),
            done=sum(one.done for one in counts),
            fewest=min(reviews, default=0),
            most=max(reviews, default=0),
        )


def _shuffled(
    own: Mapping[str, set[str]], submissions: Sequence[TurnedIn], each: int, held: Iterable[HeldReview]
) -> Allocation:
    """The allocation, in an order that says nothing: reviews are listed in the order in which they are written."""
    source = random.SystemRandom()
    change = allocate(own, [one.id for one in submissions], each, source, held)
    return Allocation(source.sample(change.added, len(change.added)), change.removed)


def _reviewers_of(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [reviewer for reviewer, _ in pairs]
