"""The rows of who marks what: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from gateway.contract import Database

# What is to be marked by $2: what counts, is not final, and is neither theirs nor another marker's to mark. $3 are
# those who teach: what somebody was to mark who does not teach any more is nobody's.
TO_MARK: Final = """
    FROM assignments_submission AS submission
    LEFT JOIN assignments_grade AS grade ON grade.attempt_id = submission.attempt_id
    LEFT JOIN assignments_marker AS marker ON marker.submission_id = submission.id
    LEFT JOIN assignments_marking AS marking ON marking.submission_id = submission.id
    WHERE submission.assignment_id = $1 AND submission.attempt_id IS NOT NULL
        AND grade.state IS DISTINCT FROM 'final'
        AND (marker.marker_id IS NULL OR marker.marker_id = $2 OR NOT marker.marker_id = ANY($3::text[]))
        AND NOT EXISTS (SELECT FROM assignments_attempt WHERE id = submission.attempt_id AND $2 = ANY(members))
"""
# First one's own, then what nobody else has before them, then what has no draft yet. The ids are random.
NEXT: Final = f"""
    SELECT submission.id {TO_MARK} AND NOT submission.id = ANY($5::text[])
    ORDER BY marker.marker_id IS DISTINCT FROM $2, coalesce(marking.marker_id <> $2 AND marking.until > $4, false),
        grade.state IS NOT NULL, submission.id
    LIMIT 1
"""  # noqa: S608
# Those who ask at once come one after the other, and see what the one before them took.
QUEUE: Final = "SELECT pg_advisory_xact_lock(hashtextextended('assignments.marking:' || $1, 0))"
CLAIM: Final = """
    INSERT INTO assignments_marking AS marking (submission_id, marker_id, until) VALUES ($1, $2, $3)
    ON CONFLICT (submission_id) DO UPDATE SET marker_id = excluded.marker_id, until = excluded.until
"""
LEFT: Final = f"SELECT count(*) AS count {TO_MARK}"
MARKERS: Final = """
    SELECT submission_id, marker_id FROM assignments_marker
    JOIN assignments_submission AS submission ON submission.id = submission_id WHERE submission.assignment_id = $1
"""
OF_ASSIGNMENT: Final = "SELECT id FROM assignments_submission WHERE assignment_id = $1 AND id = ANY($2)"
WITHOUT: Final = """
    SELECT submission.id FROM assignments_submission AS submission
    WHERE assignment_id = $1 AND attempt_id IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM assignments_marker WHERE submission_id = submission.id AND marker_id = ANY($2)
        )
    ORDER BY id
"""
ASSIGN: Final = """
    INSERT INTO assignments_marker (submission_id, marker_id, assigned_at)
    SELECT given.*, $3 FROM unnest($1::text[], $2::text[]) AS given (submission_id, marker_id)
    ON CONFLICT (submission_id) DO UPDATE SET marker_id = excluded.marker_id, assigned_at = excluded.assigned_at
"""
UNASSIGN: Final = "DELETE FROM assignments_marker WHERE submission_id = ANY($1)"


class MarkingRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next(
        self, assignment_id: str, marker_id: str, mentors: Collection[str], now: datetime, skipped: Collection[str]
    ) -> str | None:
        """The submission that this marker marks next, without those skipped; None when none is left.

        What is to be marked by somebody who is none of the mentors is anybody's.
        Until the transaction ends nobody else is given one of the assignment.
        """
        await self._database.fetch(QUEUE, assignment_id)
        for row in await self._database.fetch(NEXT, assignment_id, marker_id, list(mentors), now, list(skipped)):
            found: str = row["id"]
            return found
        return None

    async def claim(self, submission_id: str, marker_id: str, until: datetime) -> None:
        """Give others another one until then."""
        await self._database.fetch(CLAIM, submission_id, marker_id, until)

    async def left(self, assignment_id: str, marker_id: str, mentors: Collection[str]) -> int:
        """How many are left for this marker."""
        (row,) = await self._database.fetch(LEFT, assignment_id, marker_id, list(mentors))
        count: int = row["count"]
        return count

    async def markers(self, assignment_id: str) -> dict[str, str]:
        """Who is to mark each submission that has somebody."""
        rows = await self._database.fetch(MARKERS, assignment_id)
        return {row["submission_id"]: row["marker_id"] for row in rows}

    async def among(self, assignment_id: str, submission_ids: Collection[str]) -> set[str]:
        """Those of these submissions that are of the assignment."""
        return {row["id"] for row in await self._database.fetch(OF_ASSIGNMENT, assignment_id, list(submission_ids))}

    async def without(self, assignment_id: str, mentors: Collection[str]) -> list[str]:
        """What was turned in and none of the mentors is to mark; the order is random, and the same each time."""
        return [row["id"] for row in await self._database.fetch(WITHOUT, assignment_id, list(mentors))]

    async def assign(self, given: Mapping[str, str], at: datetime) -> None:
        """By submission, who is to mark it."""
        if given:
            await self._database.fetch(ASSIGN, list(given), list(given.values()), at)

    async def unassign(self, submission_ids: Collection[str]) -> None:
        if submission_ids:
            await self._database.fetch(UNASSIGN, list(submission_ids))
