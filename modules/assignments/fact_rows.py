"""What the rows of assignments say of the facts: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.analytics.facade import Counted
from modules.assignments.events import AssignmentPublished, SubmissionTurnedIn

TURNED_IN: Final = """
    SELECT coalesce(sum(cardinality(members)), 0)::bigint AS count FROM assignments_attempt
    WHERE turned_in_at >= $1 AND turned_in_at < $2
"""
PUBLISHED: Final = """
    SELECT id, program_id, title, points, published_at FROM assignments_assignment
    WHERE state = 'published' AND published_at >= $1 AND published_at < $2
"""
ATTEMPTS: Final = """
    SELECT attempt.assignment_id, submission.program_id, submission_id, attempt.id AS attempt_id, number, members,
        turned_in_at
    FROM assignments_attempt AS attempt JOIN assignments_submission AS submission ON submission.id = submission_id
    WHERE turned_in_at >= $1 AND turned_in_at < $2 AND reclaimed_at IS NULL
"""


async def turned_in_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """What was turned in then, once for each whose work it was, also when it was reclaimed since."""
    count = (await database.fetch(TURNED_IN, since, until))[0]["count"]
    return {"": Counted(count, None)}


async def source_events(
    database: Database, since: datetime, until: datetime
) -> AsyncIterator[tuple[msgspec.Struct, datetime]]:
    """What was published and turned in, as the rows tell of it. By which dates it was late no row says."""
    for row in await database.fetch(PUBLISHED, since, until):
        at = row["published_at"]
        yield AssignmentPublished(row["id"], row["program_id"], row["title"], str(row["points"]), at=at), at
    for row in await database.fetch(ATTEMPTS, since, until):
        yield (
            SubmissionTurnedIn(
                row["assignment_id"],
                row["program_id"],
                row["submission_id"],
                row["attempt_id"],
                row["number"],
                tuple(row["members"]),
                row["turned_in_at"].isoformat(),
            ),
            row["turned_in_at"],
        )
