"""The rows of submissions and attempts: every statement, and what it gives.

A transaction that changes a submission locks its row first. The row of the assignment is shared at the most, so that a
whole class can turn in at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from modules.assignments.states import SubmissionState
from modules.assignments.submissions.authors import Authors
from modules.assignments.submissions.quiz import Answered, QuestionResult
from modules.assignments.submissions.records import (
    Attempt,
    AttemptFacts,
    AttemptFile,
    Submission,
    SubmissionFacts,
    random_id,
)

SUBMISSION: Final = ", ".join(f"submission.{name}" for name in Submission.__struct_fields__)
ATTEMPT: Final = ", ".join(f"attempt.{name}" for name in Attempt.__struct_fields__)

CREATE: Final = """
    INSERT INTO assignments_submission (id, assignment_id, program_id, user_id, group_id, state, created_at)
    VALUES ($1, $2, $3, $4, $5, 'draft', $6) ON CONFLICT DO NOTHING
"""
# One of the two ids is null, and equals nothing.
OF_AUTHORS: Final = f"""
    SELECT {SUBMISSION} FROM assignments_submission AS submission
    WHERE assignment_id = $1 AND (user_id = $2 OR group_id = $3)
"""  # noqa: S608
# What a group turned in while the user was in it.
EARLIER: Final = f"""
    SELECT {SUBMISSION} FROM assignments_attempt AS attempt
    JOIN assignments_submission AS submission ON submission.id = attempt.submission_id
    WHERE attempt.members @> ARRAY[$2]::text[] AND attempt.assignment_id = $1 AND reclaimed_at IS NULL
        AND group_id IS NOT NULL
    ORDER BY turned_in_at DESC, attempt.id LIMIT 1
"""  # noqa: S608
ONE: Final = f"SELECT {SUBMISSION} FROM assignments_submission AS submission WHERE id = $1"  # noqa: S608
LOCK: Final = f"{ONE} FOR NO KEY UPDATE"
FACTS: Final = """
    attempt.id, attempt.submission_id, attempt.number, jsonb_array_length(attempt.files) AS files, attempt.turned_in_by,
    attempt.members, attempt.turned_in_at, attempt.counted_at, attempt.reclaimed_at
"""
OF_ASSIGNMENT: Final = f"""
    SELECT submission.id AS whole_id, submission.user_id, submission.group_id, submission.state, submission.attempts,
        {FACTS}
    FROM assignments_submission AS submission
    LEFT JOIN assignments_attempt AS attempt ON attempt.id = submission.attempt_id
    WHERE submission.assignment_id = $1 AND ($2::text IS NULL OR submission.id = $2)
"""  # noqa: S608
SUMMARY: Final = f"""
    SELECT {FACTS} FROM assignments_attempt AS attempt WHERE submission_id = $1 ORDER BY number
"""  # noqa: S608
SAVE: Final = """
    UPDATE assignments_submission
    SET draft_rev = draft_rev + 1, draft_text = $2, draft_link = $3, draft_answers = $4, draft_saved_by = $5,
        draft_saved_at = $6, draft_written_at = $7
    WHERE id = $1
"""
# The stamp is of a draft that is saved as it is now, so nobody can have a stamp for what they will write.
STAMP: Final = """
    INSERT INTO assignments_turn_in AS first (submission_id, draft_rev, user_id, stamped_at)
    SELECT id, draft_rev, $3, $4 FROM assignments_submission WHERE id = $1 AND draft_rev = $2
    ON CONFLICT (submission_id, draft_rev) DO UPDATE SET stamped_at = CASE
        WHEN first.stamped_at < $4 - make_interval(secs => $5) THEN $4 ELSE least(first.stamped_at, $4)
    END
    RETURNING stamped_at
"""
OF_DRAFT: Final = f"""
    SELECT {ATTEMPT} FROM assignments_attempt AS attempt WHERE submission_id = $1 AND draft_rev = $2
"""  # noqa: S608
HISTORY: Final = f"""
    SELECT {ATTEMPT} FROM assignments_attempt AS attempt WHERE submission_id = $1 ORDER BY number
"""  # noqa: S608
NUMBERED: Final = f"""
    SELECT {ATTEMPT} FROM assignments_attempt AS attempt WHERE submission_id = $1 AND number = $2
"""  # noqa: S608
SOME: Final = f"SELECT {ATTEMPT} FROM assignments_attempt AS attempt WHERE id = ANY($1)"  # noqa: S608
# One row, with the columns of an attempt when there is one.
NEXT: Final = f"""
    SELECT (SELECT count(*) + 1 FROM assignments_attempt WHERE submission_id = $1) AS next_number, {ATTEMPT}
    FROM (SELECT) AS one LEFT JOIN assignments_attempt AS attempt ON submission_id = $1 AND draft_rev = $2
"""  # noqa: S608
TURN_IN: Final = f"""
    WITH attempt AS (
        INSERT INTO assignments_attempt ({", ".join(Attempt.__struct_fields__)})
        VALUES ({", ".join(f"${number}" for number, _ in enumerate(Attempt.__struct_fields__, 1))})
        RETURNING id, submission_id
    )
    UPDATE assignments_submission AS submission
    SET state = 'turned_in', attempt_id = attempt.id, attempts = attempts + 1, rev = rev + 1
    FROM attempt WHERE submission.id = attempt.submission_id RETURNING {SUBMISSION}
"""  # noqa: S608
# What was turned in before counts again.
RECLAIM: Final = f"""
    WITH reclaimed AS (
        UPDATE assignments_attempt SET reclaimed_at = $2 WHERE id = $1 AND reclaimed_at IS NULL
        RETURNING id, submission_id
    )
    UPDATE assignments_submission AS submission
    SET state = 'draft', attempts = attempts - 1, draft_rev = draft_rev + 1, rev = rev + 1, attempt_id = (
        SELECT earlier.id FROM assignments_attempt AS earlier
        WHERE earlier.submission_id = submission.id AND earlier.reclaimed_at IS NULL AND earlier.id <> reclaimed.id
        ORDER BY number DESC LIMIT 1
    )
    FROM reclaimed WHERE submission.id = reclaimed.submission_id RETURNING {SUBMISSION}
"""  # noqa: S608
RESUBMIT: Final = f"""
    UPDATE assignments_submission AS submission SET state = 'draft', draft_rev = draft_rev + 1, rev = rev + 1
    WHERE id = $1 RETURNING {SUBMISSION}
"""  # noqa: S608
# A grade that changes while the next attempt is written is seen too, and that attempt goes on.
RETURN: Final = f"""
    UPDATE assignments_submission AS submission
    SET state = CASE state WHEN 'turned_in' THEN 'returned' ELSE state END, rev = rev + 1
    FROM assignments_attempt AS attempt
    WHERE attempt.id = ANY($1) AND submission.id = attempt.submission_id
        AND (state <> 'turned_in' OR submission.attempt_id = attempt.id)
    RETURNING {SUBMISSION}
"""  # noqa: S608
TOUCH: Final = f"""
    UPDATE assignments_submission AS submission SET rev = rev + 1 WHERE id = $1 RETURNING {SUBMISSION}
"""  # noqa: S608


class SubmissionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, assignment_id: str, program_id: str, authors: Authors, at: datetime) -> None:
        """Make the row of these authors, if there is none."""
        await self._database.fetch(
            CREATE, random_id(), assignment_id, program_id, authors.user_id, authors.group_id, at
        )

    async def of(self, assignment_id: str, authors: Authors) -> Submission | None:
        return await self._one(OF_AUTHORS, assignment_id, authors.user_id, authors.group_id)

    async def earlier(self, assignment_id: str, user_id: str) -> Submission | None:
        """The last work of a group that was turned in while the user was in it."""
        return await self._one(EARLIER, assignment_id, user_id)

    async def lock_of(self, assignment_id: str, authors: Authors) -> Submission | None:
        """As `of`; nobody else changes it until the transaction ends."""
        return await self._one(f"{OF_AUTHORS} FOR NO KEY UPDATE", assignment_id, authors.user_id, authors.group_id)

    async def find(self, id: str) -> Submission | None:
        return await self._one(ONE, id)

    async def lock(self, id: str) -> Submission | None:
        return await self._one(LOCK, id)

    async def of_assignment(self, assignment_id: str, id: str | None = None) -> list[SubmissionFacts]:
        """All submissions of an assignment, or the one with this id, in no order."""
        return [
            SubmissionFacts(
                row["whole_id"],
                row["user_id"],
                row["group_id"],
                SubmissionState(row["state"]),
                row["attempts"],
                None if row["id"] is None else _facts_of(row),
            )
            for row in await self._database.fetch(OF_ASSIGNMENT, assignment_id, id)
        ]

    async def summary(self, submission_id: str) -> list[AttemptFacts]:
        """All attempts of a submission in their order, without what was written."""
        return [_facts_of(row) for row in await self._database.fetch(SUMMARY, submission_id)]

    async def save(
        self,
        submission: Submission,
        text: str,
        link: str,
        answers: Mapping[str, Answered],
        *,
        by: str,
        at: datetime,
        written_at: datetime | None,
    ) -> None:
        """Write the draft of a locked submission."""
        await self._database.fetch(SAVE, submission.id, text, link, _json(answers), by, at, written_at)

    async def stamp(
        self, submission_id: str, draft_rev: int, user_id: str, at: datetime, grace: float
    ) -> datetime | None:
        """The stamp of the first try to turn in this revision of the draft; None when the draft is at another.

        A stamp that is older than `grace` seconds gives way to this one.
        """
        for row in await self._database.fetch(STAMP, submission_id, draft_rev, user_id, at, grace):
            stamped: datetime = row["stamped_at"]
            return stamped
        return None

    async def next_attempt(self, submission_id: str, draft_rev: int) -> tuple[int, Attempt | None]:
        """The number of the next attempt of a locked submission, and the one that was made of this draft before."""
        (row,) = await self._database.fetch(NEXT, submission_id, draft_rev)
        return row["next_number"], None if row["id"] is None else attempt_of(row)

    async def turn_in(self, attempt: Attempt) -> Submission:
        """Write an attempt of a locked submission, which it counts from now on."""
        values = {**msgspec.structs.asdict(attempt)}
        for name in ("answers", "files"):
            values[name] = _json(values[name])
        if attempt.auto_results is not None:
            values["auto_results"] = _json(attempt.auto_results)
        values["members"] = list(attempt.members)
        return submission_of((await self._database.fetch(TURN_IN, *values.values()))[0])

    async def reclaim(self, attempt_id: str, at: datetime) -> Submission:
        """Take back the attempt that counts, of a locked submission."""
        return submission_of((await self._database.fetch(RECLAIM, attempt_id, at))[0])

    async def resubmit(self, id: str) -> Submission:
        return submission_of((await self._database.fetch(RESUBMIT, id))[0])

    async def return_of(self, attempt_ids: Collection[str]) -> list[Submission]:
        """Write that the grades of these attempts are seen; those submissions that it concerns."""
        return [submission_of(row) for row in await self._database.fetch(RETURN, list(attempt_ids))]

    async def touch(self, id: str) -> Submission:
        """Something that its students see has changed."""
        return submission_of((await self._database.fetch(TOUCH, id))[0])

    async def attempt_of_draft(self, submission_id: str, draft_rev: int) -> Attempt | None:
        for row in await self._database.fetch(OF_DRAFT, submission_id, draft_rev):
            return attempt_of(row)
        return None

    async def attempt_numbered(self, submission_id: str, number: int) -> Attempt | None:
        for row in await self._database.fetch(NUMBERED, submission_id, number):
            return attempt_of(row)
        return None

    async def history(self, submission_id: str) -> list[Attempt]:
        """All attempts of a submission in their order."""
        return [attempt_of(row) for row in await self._database.fetch(HISTORY, submission_id)]

    async def attempts(self, ids: Collection[str]) -> dict[str, Attempt]:
        """These attempts, by id; unknown ones are left out."""
        return {row["id"]: attempt_of(row) for row in await self._database.fetch(SOME, list(ids))}

    async def _one(self, statement: str, *arguments: Any) -> Submission | None:
        for row in await self._database.fetch(statement, *arguments):
            return submission_of(row)
        return None


def submission_of(row: Mapping[str, Any]) -> Submission:
    """A submission from a row with all fields of the struct."""
    values = {name: row[name] for name in Submission.__struct_fields__}
    values["state"] = SubmissionState(values["state"])
    values["draft_answers"] = _ANSWERS.decode(values["draft_answers"])
    return Submission(**values)


def attempt_of(row: Mapping[str, Any]) -> Attempt:
    """An attempt from a row with all fields of the struct."""
    values = {name: row[name] for name in Attempt.__struct_fields__}
    values["answers"] = _ANSWERS.decode(values["answers"])
    values["files"] = _FILES.decode(values["files"])
    values["members"] = tuple(values["members"])
    if values["auto_results"] is not None:
        values["auto_results"] = _RESULTS.decode(values["auto_results"])
    return Attempt(**values)


def _facts_of(row: Mapping[str, Any]) -> AttemptFacts:
    values = {name: row[name] for name in AttemptFacts.__struct_fields__}
    return AttemptFacts(**{**values, "members": tuple(values["members"])})


_ANSWERS: Final = msgspec.json.Decoder(dict[str, Answered])
_FILES: Final = msgspec.json.Decoder(tuple[AttemptFile, ...])
_RESULTS: Final = msgspec.json.Decoder(tuple[QuestionResult, ...])


def _json(value: Mapping[str, Answered] | Sequence[AttemptFile] | Sequence[QuestionResult]) -> str:
    return msgspec.json.encode(value).decode()
