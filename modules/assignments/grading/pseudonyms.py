"""Anonymous marking: by what name markers know a submission, and until when.

Whoever marks an anonymous assignment sees pseudonyms: mentors, co-mentors and admins alike. Names are shown when all
that counts is released and nobody may hand in any more, by the dates that hold for each student. Both are derived at
each read. A pseudonym is random and stays, so what is turned in again after that, by somebody with more attempts, is
recognised.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Final

from gateway.contract import Database
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.grading.records import policy_of
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.records import Assignment

# Without letters and digits that look alike. 27 million of them for an assignment's submissions.
LETTERS: Final = "BCDFGHJKMNPQRTVWXYZ346789"
LENGTH: Final = 6
KNOWN: Final = "SELECT submission_id, pseudonym FROM assignments_pseudonym WHERE submission_id = ANY($1)"
ADD: Final = """
    INSERT INTO assignments_pseudonym (submission_id, assignment_id, pseudonym)
    SELECT id, assignment_id, pseudonym FROM unnest($1::text[], $2::text[]) AS new (id, pseudonym)
    JOIN assignments_submission USING (id) ORDER BY id
    ON CONFLICT DO NOTHING
"""


class Pseudonyms:
    """Each call raises Unavailable."""

    def __init__(self, database: Database, grades: GradeRepository, dates: EffectiveDateReader) -> None:
        self._database = database
        self._grades = grades
        self._dates = dates

    async def hides_people(self, assignment: Assignment, now: datetime) -> bool:
        """Whether those who mark may not know now whose work it is."""
        if not assignment.anonymous:
            return False
        special = (await self._dates.special(assignment)).values()
        lasts = [assignment.closes or assignment.due, *(one.dates.closes or one.dates.due for one in special)]
        if any(last is not None and now <= last.moment() for last in lasts):
            return True
        works = await self._grades.of_assignment(assignment.id)
        policy = policy_of(assignment)
        return not works or any(work.visible(policy, now) is None for work in works)

    async def of(self, submission_ids: Collection[str]) -> dict[str, str]:
        """The pseudonym of each of these submissions; one that has none gets one."""
        found = await self._known(submission_ids)
        while missing := [id for id in submission_ids if id not in found]:
            # One that another submission of the assignment has is not written, and made anew.
            await self._database.fetch(ADD, missing, [_pseudonym() for _ in missing])
            known = await self._known(missing)
            if not known:
                # No such submissions.
                break
            found |= known
        return found

    async def _known(self, submission_ids: Collection[str]) -> dict[str, str]:
        rows = await self._database.fetch(KNOWN, list(submission_ids))
        return {row["submission_id"]: row["pseudonym"] for row in rows}


def _pseudonym() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
