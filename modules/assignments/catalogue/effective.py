"""Reads what holds for a student: the only way in which anybody gets dates or attempts.

A gate, a timer, a list, a push and an export ask here each time, so an extension holds everywhere once it is written,
and lateness is derived anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.dates.effective import EffectiveDates, Grant, allowed_attempts, effective_dates
from modules.assignments.records import Assignment, date_of

# From what was granted to those who are asked for or are in a group with them, to whom it reaches: themselves, and the
# others of their group. Without users it is for all.
GRANTS: Final = """
    WITH work AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS work (assignment_id, program_id, set_id)
    ), mates AS (
        SELECT mate.user_id FROM assignments_group_member AS own
        JOIN assignments_group_member AS mate ON mate.group_id = own.group_id AND mate.left_at IS NULL
        WHERE own.set_id IN (SELECT set_id FROM work) AND own.user_id = ANY($4) AND own.left_at IS NULL
    ), granted AS (
        SELECT work.*, given.user_id FROM work, LATERAL (
            SELECT user_id FROM assignments_extension WHERE assignment_id = work.assignment_id
                AND ($4::text[] IS NULL OR user_id = ANY($4) OR user_id IN (SELECT user_id FROM mates))
            UNION SELECT user_id FROM assignments_accommodation WHERE program_id = work.program_id
                AND ($4::text[] IS NULL OR user_id = ANY($4) OR user_id IN (SELECT user_id FROM mates))
        ) AS given
    )
    SELECT granted.assignment_id, granted.user_id, reached.user_id AS reached_id,
        due_wall, due_zone, due_at, closes_wall, closes_zone, closes_at, coalesce(extra_days, 0) AS extra_days,
        coalesce(extension.extra_attempts, 0) + coalesce(accommodation.extra_attempts, 0) AS extra_attempts
    FROM granted
    LEFT JOIN assignments_extension AS extension USING (assignment_id, user_id)
    LEFT JOIN assignments_accommodation AS accommodation
        ON accommodation.program_id = granted.program_id AND accommodation.user_id = granted.user_id
    CROSS JOIN LATERAL (
        SELECT granted.user_id
        UNION SELECT mate.user_id FROM assignments_group_member AS own
        JOIN assignments_group_member AS mate ON mate.group_id = own.group_id AND mate.left_at IS NULL
        WHERE own.set_id = granted.set_id AND own.user_id = granted.user_id AND own.left_at IS NULL
    ) AS reached
    WHERE $4::text[] IS NULL OR reached.user_id = ANY($4)
    ORDER BY granted.user_id
"""


class Terms(msgspec.Struct, frozen=True):
    """What holds for one student. `attempts` null is as many as one likes."""

    dates: EffectiveDates
    attempts: int | None


class EffectiveDateReader:
    """Each call is one query, in the transaction around it if there is one, and raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, assignment: Assignment, user_ids: Collection[str]) -> dict[str, EffectiveDates]:
        """The dates that hold for each of these users."""
        return {user: terms.dates for user, terms in (await self.terms(assignment, user_ids)).items()}

    async def allowed_attempts(self, assignment: Assignment, user_ids: Collection[str]) -> dict[str, int | None]:
        """How many attempts each of these users has; null is as many as one likes."""
        return {user: terms.attempts for user, terms in (await self.terms(assignment, user_ids)).items()}

    async def opened(self, assignment: Assignment, user_id: str, at: datetime) -> bool:
        """Whether the assignment is open for this user at a moment: then they read all of it."""
        return (await self.of(assignment, [user_id]))[user_id].opened(at)

    async def terms(self, assignment: Assignment, user_ids: Collection[str]) -> dict[str, Terms]:
        """Dates and attempts of each of these users."""
        found = await self.of_all([assignment], user_ids)
        return {user: found[assignment.id, user] for user in user_ids}

    async def of_all(
        self, assignments: Collection[Assignment], user_ids: Collection[str]
    ) -> dict[tuple[str, str], Terms]:
        """Dates and attempts of each of these users for each of these assignments, by both ids."""
        grants = await self._grants(assignments, list(user_ids))
        found: dict[tuple[str, str], Terms] = {}
        for assignment in assignments:
            reached = grants[assignment.id]
            # Most students have what the assignment says.
            plain = _terms(assignment, "", ())
            for user in user_ids:
                found[assignment.id, user] = _terms(assignment, user, reached[user]) if user in reached else plain
        return found

    async def special(self, assignment: Assignment) -> dict[str, Terms]:
        """What holds for those whom a grant reaches; what the assignment says holds for all others."""
        reached = (await self._grants([assignment], None))[assignment.id]
        return {user: _terms(assignment, user, grants) for user, grants in reached.items()}

    async def _grants(
        self, assignments: Collection[Assignment], user_ids: list[str] | None
    ) -> dict[str, dict[str, list[Grant]]]:
        """By assignment and by the user whom it reaches."""
        rows = await self._database.fetch(
            GRANTS,
            [one.id for one in assignments],
            [one.program_id for one in assignments],
            [one.group_set_id for one in assignments],
            user_ids,
        )
        found: dict[str, dict[str, list[Grant]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            grant = Grant(
                row["user_id"], date_of(row, "due"), date_of(row, "closes"), row["extra_days"], row["extra_attempts"]
            )
            found[row["assignment_id"]][row["reached_id"]].append(grant)
        return found


def _terms(assignment: Assignment, user_id: str, grants: Collection[Grant]) -> Terms:
    own = next((grant for grant in grants if grant.user_id == user_id), None)
    others = [grant for grant in grants if grant.user_id != user_id]
    return Terms(
        effective_dates(assignment.dates, assignment.late, own, others),
        allowed_attempts(assignment.attempts, own, others),
    )
