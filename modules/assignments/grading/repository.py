"""The rows of grades and their versions: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from modules.assignments.grading.messages import CriterionMark, GradeVersion
from modules.assignments.grading.records import Work, work_of
from modules.assignments.grading.visibility import GradeState

WORK: Final = """
    SELECT attempt.id AS attempt_id, attempt.submission_id, attempt.assignment_id, submission.user_id,
        submission.group_id, attempt.members, attempt.counted_at, attempt.auto_points,
        coalesce(submission.attempt_id = attempt.id, false) AS counts,
        grade.state, coalesce(grade.version, 0) AS version, grade.released_version, grade.released_at,
        coalesce(grade.rev, 0) AS rev
    FROM assignments_attempt AS attempt
    JOIN assignments_submission AS submission ON submission.id = attempt.submission_id
    LEFT JOIN assignments_grade AS grade ON grade.attempt_id = attempt.id
    WHERE attempt.reclaimed_at IS NULL
"""
OF_ATTEMPTS: Final = f"{WORK} AND attempt.id = ANY($1)"
OF_ASSIGNMENT: Final = f"{WORK} AND attempt.assignment_id = $1 AND submission.attempt_id = attempt.id"
OF_ASSIGNMENTS: Final = f"""
    {WORK} AND submission.assignment_id = ANY($1) AND submission.attempt_id = attempt.id AND grade.state IS NOT NULL
"""
# Those of some of its students: a class has many grades, and one student reads their own.
OF_USERS: Final = f"""
    {OF_ASSIGNMENTS} AND attempt.id IN (
        SELECT id FROM assignments_attempt WHERE members && $2
        UNION SELECT attempt_id FROM assignments_submission WHERE group_id IN (
            SELECT group_id FROM assignments_group_member WHERE user_id = ANY($2) AND left_at IS NULL
        )
    )
"""  # noqa: S608
VERSIONS: Final = """
    SELECT version.* FROM unnest($1::text[], $2::int[]) AS wanted (attempt_id, version)
    JOIN assignments_grade_version AS version USING (attempt_id, version)
"""
POINTS: Final = """
    SELECT attempt_id, version, points FROM unnest($1::text[], $2::int[]) AS wanted (attempt_id, version)
    JOIN assignments_grade_version USING (attempt_id, version)
"""
HISTORY: Final = "SELECT * FROM assignments_grade_version WHERE attempt_id = $1 ORDER BY version DESC"
SAVE: Final = """
    WITH saved AS (
        INSERT INTO assignments_grade AS grade (attempt_id, submission_id, assignment_id, state, version)
        VALUES ($1, $2, $3, $4, 1)
        ON CONFLICT (attempt_id) DO UPDATE
        SET state = excluded.state, version = grade.version + 1, rev = grade.rev + 1
        RETURNING attempt_id, version, state
    )
    INSERT INTO assignments_grade_version
        (attempt_id, version, state, points, override, comment, criteria, marked_by, marked_at)
    SELECT attempt_id, version, state, $5, $6, $7, $8, $9, $10 FROM saved
"""
# Students who hand in, and who reclaim, lock the row of the submission: so the two come one after the other.
LOCK_FINAL: Final = """
    SELECT FROM assignments_submission WHERE id IN (
        SELECT submission_id FROM assignments_grade
        WHERE assignment_id = $1 AND state = 'final' AND released_version IS DISTINCT FROM version
            AND ($2::text[] IS NULL OR attempt_id = ANY($2))
    ) ORDER BY id FOR NO KEY UPDATE
"""
RELEASED: Final = """
    SELECT DISTINCT submission_id FROM assignments_grade WHERE assignment_id = $1 AND released_version IS NOT NULL
"""
RELEASE: Final = """
    UPDATE assignments_grade AS grade SET released_version = version, released_at = $3, rev = rev + 1
    FROM assignments_attempt AS attempt
    WHERE grade.assignment_id = $1 AND state = 'final' AND released_version IS DISTINCT FROM version
        AND ($2::text[] IS NULL OR attempt_id = ANY($2))
        AND attempt.id = grade.attempt_id AND attempt.reclaimed_at IS NULL
    RETURNING grade.attempt_id
"""
COUNTING: Final = """
    SELECT attempt_id FROM assignments_submission
    WHERE assignment_id = $1 AND id = ANY($2) AND attempt_id IS NOT NULL
"""
BEGUN: Final = """
    SELECT FROM assignments_grade_version WHERE attempt_id = $1 AND marked_by IS NOT NULL LIMIT 1
"""
FINAL_AMONG: Final = "SELECT attempt_id FROM assignments_grade WHERE attempt_id = ANY($1) AND state = 'final'"
ANY: Final = "SELECT FROM assignments_grade WHERE assignment_id = $1 LIMIT 1"

_CRITERIA: Final = msgspec.json.Decoder(tuple[CriterionMark, ...])


class GradeRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.

    Attempts that were reclaimed are not there for it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def works(self, attempt_ids: Collection[str]) -> dict[str, Work]:
        """These attempts, by id."""
        return {work.attempt_id: work for work in await self._works(OF_ATTEMPTS, list(attempt_ids))}

    async def of_assignment(self, assignment_id: str) -> list[Work]:
        """The attempts that count, in no order."""
        return await self._works(OF_ASSIGNMENT, assignment_id)

    async def of_assignments(
        self, assignment_ids: Collection[str], user_ids: Collection[str] | None = None
    ) -> list[Work]:
        """The attempts that count and have a grade; of these users, or of all."""
        if user_ids is None:
            return await self._works(OF_ASSIGNMENTS, list(assignment_ids))
        return await self._works(OF_USERS, list(assignment_ids), list(user_ids))

    async def versions(self, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], GradeVersion]:
        """These versions, each by its attempt and its number."""
        rows = await self._database.fetch(VERSIONS, [one[0] for one in wanted], [one[1] for one in wanted])
        return {(row["attempt_id"], row["version"]): version_of(row) for row in rows}

    async def points(self, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Any]:
        """The points of these versions, each by its attempt and its number; None for a draft without points."""
        rows = await self._database.fetch(POINTS, [one[0] for one in wanted], [one[1] for one in wanted])
        return {(row["attempt_id"], row["version"]): row["points"] for row in rows}

    async def history(self, attempt_id: str) -> list[GradeVersion]:
        """All versions, the newest first."""
        return [version_of(row) for row in await self._database.fetch(HISTORY, attempt_id)]

    async def save(self, work: Work, new: GradeVersion) -> None:
        """Add a version to the grade of an attempt whose submission is locked. Its number is the next one."""
        await self._database.fetch(
            SAVE,
            work.attempt_id,
            work.submission_id,
            work.assignment_id,
            new.state,
            new.points,
            new.override,
            new.comment,
            msgspec.json.encode(new.criteria).decode(),
            new.marked_by,
            new.marked_at,
        )

    async def released(self, assignment_id: str) -> set[str]:
        """The submissions of the assignment of which a grade was released."""
        return {row["submission_id"] for row in await self._database.fetch(RELEASED, assignment_id)}

    async def release(self, assignment_id: str, attempt_ids: Collection[str] | None, at: datetime) -> list[str]:
        """Release what is final, of these attempts or of all; the attempts whose students see another version now."""
        wanted = None if attempt_ids is None else list(attempt_ids)
        await self._database.fetch(LOCK_FINAL, assignment_id, wanted)
        rows = await self._database.fetch(RELEASE, assignment_id, wanted, at)
        return [row["attempt_id"] for row in rows]

    async def counting(self, assignment_id: str, submission_ids: Collection[str]) -> list[str]:
        """The attempts that these submissions of the assignment count."""
        rows = await self._database.fetch(COUNTING, assignment_id, list(submission_ids))
        return [row["attempt_id"] for row in rows]

    async def begun(self, attempt_id: str) -> bool:
        """Whether a person has graded the attempt, by a draft at least."""
        return bool(await self._database.fetch(BEGUN, attempt_id))

    async def final_among(self, attempt_ids: Collection[str]) -> set[str]:
        return {row["attempt_id"] for row in await self._database.fetch(FINAL_AMONG, list(attempt_ids))}

    async def any(self, assignment_id: str) -> bool:
        """Whether anything of the assignment was graded."""
        return bool(await self._database.fetch(ANY, assignment_id))

    async def _works(self, statement: str, *arguments: object) -> list[Work]:
        return [work_of(row) for row in await self._database.fetch(statement, *arguments)]


def version_of(row: Mapping[str, Any]) -> GradeVersion:
    """From a row with all columns of the version."""
    return GradeVersion(
        row["version"],
        GradeState(row["state"]),
        row["points"],
        row["override"],
        _CRITERIA.decode(row["criteria"]),
        row["comment"],
        row["marked_by"],
        row["marked_at"],
    )


def latest_of(works: Sequence[Work]) -> list[tuple[str, int]]:
    """The keys of their latest versions."""
    return [(work.attempt_id, work.version) for work in works if work.state is not None]
