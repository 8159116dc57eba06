"""The rows of peer reviews: every statement, and what it gives.

All that gives reviews out waits for the same lock of the assignment, so two at once do not give too many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.identifier import new_id
from modules.assignments.grading.messages import CriterionMark
from modules.assignments.peer_review.allocation import HeldReview
from modules.assignments.peer_review.records import Review, TurnedIn
from modules.assignments.peer_review.tables import PeerReviewRow

REVIEW: Final = ", ".join(f"review.{name}" for name in Review.__struct_fields__)
OLDEST: Final = Sort("oldest", (PeerReviewRow.id,))

LOCK_ALLOCATION: Final = "SELECT pg_advisory_xact_lock(hashtext('assignments_peer_review'), hashtext($1))"
ALLOCATED_AT: Final = "SELECT allocated_at FROM assignments_peer_allocation WHERE assignment_id = $1"
WRITE_ALLOCATION: Final = """
    INSERT INTO assignments_peer_allocation AS known (assignment_id, allocated_at, allocated_by) VALUES ($1, $2, $3)
    ON CONFLICT (assignment_id) DO UPDATE SET rev = known.rev + 1 RETURNING rev
"""
# Whoever is in the group now, and whoever was in it when it was turned in, has seen the work.
TURNED_IN: Final = """
    SELECT submission.id, submission.attempt_id, ARRAY(
        SELECT user_id FROM unnest(array_append(attempt.members, submission.user_id)) AS owner (user_id)
        WHERE user_id IS NOT NULL
        UNION SELECT user_id FROM assignments_group_member
        WHERE group_id = submission.group_id AND left_at IS NULL
        ORDER BY user_id
    ) AS owners
    FROM assignments_submission AS submission JOIN assignments_attempt AS attempt ON attempt.id = submission.attempt_id
    WHERE submission.assignment_id = $1 ORDER BY submission.id
"""
HELD: Final = """
    SELECT reviewer_id, submission_id, begun_at IS NOT NULL AS begun FROM assignments_peer_review
    WHERE assignment_id = $1 ORDER BY id
"""
REMOVE: Final = """
    DELETE FROM assignments_peer_review AS review
    USING unnest($1::text[], $2::text[]) AS pair (reviewer_id, submission_id)
    WHERE review.reviewer_id = pair.reviewer_id AND review.submission_id = pair.submission_id AND begun_at IS NULL
"""
ADD: Final = """
    INSERT INTO assignments_peer_review (id, assignment_id, submission_id, attempt_id, reviewer_id, assigned_at)
    SELECT pair.id, $1, submission_id, submission.attempt_id, reviewer_id, $5
    FROM unnest($2::text[], $3::text[], $4::text[]) AS pair (id, reviewer_id, submission_id)
    JOIN assignments_submission AS submission ON submission.id = submission_id
    ON CONFLICT DO NOTHING
"""
# What is not done is about what was turned in last.
FOLLOW: Final = """
    UPDATE assignments_peer_review AS review SET attempt_id = submission.attempt_id, rev = review.rev + 1
    FROM assignments_submission AS submission
    WHERE review.assignment_id = $1 AND submission.id = review.submission_id AND done_at IS NULL
        AND review.attempt_id <> submission.attempt_id
"""
ONE: Final = f"SELECT {REVIEW} FROM assignments_peer_review AS review WHERE id = $1"  # noqa: S608
MINE: Final = f"""
    SELECT {REVIEW} FROM assignments_peer_review AS review WHERE assignment_id = $1 AND reviewer_id = $2 ORDER BY id
"""  # noqa: S608
OF_ATTEMPT: Final = f"""
    SELECT {REVIEW} FROM assignments_peer_review AS review WHERE attempt_id = $1 AND reviewer_id = $2
"""  # noqa: S608
BEGUN: Final = """
    SELECT FROM assignments_peer_review WHERE attempt_id = $1 AND begun_at IS NOT NULL
    UNION ALL
    SELECT FROM assignments_peer_review AS review JOIN assignments_attempt AS attempt
        ON attempt.assignment_id = review.assignment_id AND review.reviewer_id = ANY(attempt.members)
    WHERE attempt.id = $1 AND review.opened_at IS NOT NULL
    LIMIT 1
"""
OPEN: Final = "UPDATE assignments_peer_review SET opened_at = $2 WHERE id = $1 AND opened_at IS NULL"
SOME: Final = f"SELECT {REVIEW} FROM assignments_peer_review AS review WHERE id = ANY($1)"  # noqa: S608
RECEIVED: Final = f"""
    SELECT {REVIEW} FROM assignments_peer_review AS review
    JOIN assignments_attempt AS attempt ON attempt.id = review.attempt_id
    JOIN assignments_submission AS submission ON submission.id = review.submission_id
    WHERE review.assignment_id = $1 AND done_at IS NOT NULL AND ($2 = submission.user_id OR $2 = ANY(attempt.members)
        OR EXISTS (
            SELECT FROM assignments_group_member
            WHERE group_id = submission.group_id AND user_id = $2 AND left_at IS NULL
        ))
    ORDER BY attempt.number, review.id
"""  # noqa: S608
WRITE: Final = """
    UPDATE assignments_peer_review
    SET points = $2, comment = $3, criteria = $4, begun_at = coalesce(begun_at, $5), done_at = $6, rev = rev + 1
    WHERE id = $1
"""
COUNTS: Final = """
    SELECT submission.id, count(review.id) AS reviews,
        count(*) FILTER (WHERE begun_at IS NOT NULL AND done_at IS NULL) AS begun, count(done_at) AS done
    FROM assignments_submission AS submission
    LEFT JOIN assignments_peer_review AS review ON review.submission_id = submission.id
    WHERE submission.assignment_id = $1 AND submission.attempt_id IS NOT NULL GROUP BY submission.id
"""
REVIEWERS: Final = "SELECT count(DISTINCT reviewer_id) AS count FROM assignments_peer_review WHERE assignment_id = $1"
OWN_WORK: Final = """
    SELECT DISTINCT ON (owner.user_id) owner.user_id, submission.id
    FROM assignments_submission AS submission
    JOIN assignments_attempt AS attempt ON attempt.id = submission.attempt_id,
    unnest(array_append(attempt.members, submission.user_id)) AS owner (user_id)
    WHERE submission.assignment_id = $1 AND owner.user_id = ANY($2) ORDER BY owner.user_id, submission.id
"""
OF_USER: Final = f"""
    SELECT {REVIEW} FROM assignments_peer_review AS review WHERE reviewer_id = $1 AND begun_at IS NOT NULL ORDER BY id
"""  # noqa: S608
FORGET: Final = """
    UPDATE assignments_peer_review SET comment = '', criteria = (
        SELECT coalesce(jsonb_agg(jsonb_set(mark, '{comment}', '""')), '[]') FROM jsonb_array_elements(criteria) AS mark
    ) WHERE reviewer_id = $1
"""

_CRITERIA: Final = msgspec.json.Decoder(tuple[CriterionMark, ...])


class Counts(msgspec.Struct, frozen=True):
    """How many reviews a submission gets."""

    id: str
    reviews: int
    begun: int
    done: int


class Listed(msgspec.Struct, frozen=True):
    """What a page of ids holds."""

    id: str


class PeerReviewRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_allocation(self, assignment_id: str) -> None:
        """Nobody else gives out reviews of this assignment until the transaction ends."""
        await self._database.fetch(LOCK_ALLOCATION, assignment_id)

    async def allocated_at(self, assignment_id: str) -> datetime | None:
        """When reviews were given out first; None when they were not."""
        for row in await self._database.fetch(ALLOCATED_AT, assignment_id):
            at: datetime = row["allocated_at"]
            return at
        return None

    async def write_allocation(self, assignment_id: str, at: datetime, by: str | None) -> int:
        """Write that reviews are given out, by a user or when it closed; the revision. The first time is kept."""
        (row,) = await self._database.fetch(WRITE_ALLOCATION, assignment_id, at, by)
        rev: int = row["rev"]
        return rev

    async def turned_in(self, assignment_id: str) -> list[TurnedIn]:
        return [
            TurnedIn(row["id"], row["attempt_id"], tuple(row["owners"]))
            for row in await self._database.fetch(TURNED_IN, assignment_id)
        ]

    async def held(self, assignment_id: str) -> list[HeldReview]:
        return [HeldReview(**row) for row in await self._database.fetch(HELD, assignment_id)]

    async def change(
        self,
        assignment_id: str,
        added: Sequence[tuple[str, str]],
        removed: Sequence[tuple[str, str]],
        at: datetime,
    ) -> None:
        """Write pairs of reviewer and submission, in the order of their ids; the rest follows what was turned in."""
        await self._database.fetch(REMOVE, [one for one, _ in removed], [one for _, one in removed])
        ids = [new_id() for _ in added]
        await self._database.fetch(ADD, assignment_id, ids, [one for one, _ in added], [one for _, one in added], at)
        await self._database.fetch(FOLLOW, assignment_id)

    async def find(self, id: str) -> Review | None:
        return await self._one(ONE, id)

    async def lock(self, id: str) -> Review | None:
        return await self._one(f"{ONE} FOR UPDATE", id)

    async def mine(self, assignment_id: str, reviewer_id: str) -> list[Review]:
        return [review_of(row) for row in await self._database.fetch(MINE, assignment_id, reviewer_id)]

    async def of_attempt(self, attempt_id: str, reviewer_id: str) -> Review | None:
        return await self._one(OF_ATTEMPT, attempt_id, reviewer_id)

    async def begun(self, attempt_id: str) -> bool:
        """Whether anything is written of the attempt, or an author of it has read the work of others."""
        return bool(await self._database.fetch(BEGUN, attempt_id))

    async def open(self, id: str, at: datetime) -> None:
        """The reviewer reads the work."""
        await self._database.fetch(OPEN, id, at)

    async def received(self, assignment_id: str, user_id: str) -> list[Review]:
        """The finished reviews of the user's work, and of the groups that they are or were in."""
        return [review_of(row) for row in await self._database.fetch(RECEIVED, assignment_id, user_id)]

    async def listed(self, assignment_id: str, span: Span) -> Page[Review]:
        query = PeerReviewRow.select().where(PeerReviewRow.assignment_id == assignment_id)
        with self._database.guard():
            page = await page_of(query, OLDEST, span, Listed)
        rows = await self._database.fetch(SOME, [one.id for one in page.items])
        found = {row["id"]: review_of(row) for row in rows}
        return Page([found[one.id] for one in page.items if one.id in found], page.next)

    async def write(self, review: Review) -> None:
        """Write what a locked review says, and when it was begun and done."""
        criteria = msgspec.json.encode(review.criteria).decode()
        await self._database.fetch(
            WRITE, review.id, review.points, review.comment, criteria, review.begun_at, review.done_at
        )

    async def counts(self, assignment_id: str) -> list[Counts]:
        """Of each submission that was turned in."""
        return [Counts(**row) for row in await self._database.fetch(COUNTS, assignment_id)]

    async def reviewers(self, assignment_id: str) -> int:
        (row,) = await self._database.fetch(REVIEWERS, assignment_id)
        count: int = row["count"]
        return count

    async def own_work(self, assignment_id: str, user_ids: Collection[str]) -> dict[str, str]:
        """A submission of each of these users."""
        rows = await self._database.fetch(OWN_WORK, assignment_id, list(user_ids))
        return {row["user_id"]: row["id"] for row in rows}

    async def written_by(self, user_id: str) -> list[Review]:
        """All that the user has begun to write."""
        return [review_of(row) for row in await self._database.fetch(OF_USER, user_id)]

    async def forget(self, user_id: str) -> None:
        """Remove what the user has written; points stay, as they were given."""
        await self._database.fetch(FORGET, user_id)

    async def _one(self, statement: str, *arguments: Any) -> Review | None:
        for row in await self._database.fetch(statement, *arguments):
            return review_of(row)
        return None


def review_of(row: Mapping[str, Any]) -> Review:
    """From a row with all fields of the struct."""
    values = {name: row[name] for name in Review.__struct_fields__}
    values["criteria"] = _CRITERIA.decode(values["criteria"])
    return Review(**values)
