"""The rows of assignments: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.assignments.catalogue.tables import AssignmentRow
from modules.assignments.dates.wall_time import WallTime
from modules.assignments.records import Assignment, assignment_of

# What is written, in order. The rest of a row has a default.
COLUMNS: Final = (
    "id",
    "program_id",
    "lesson_id",
    "title",
    "instructions",
    "state",
    "accepts",
    "points",
    "category_id",
    "extra_credit",
    *(f"{name}_{part}" for name in ("opens", "due", "closes", "release") for part in ("wall", "zone", "at")),
    "late_kind",
    "late_percent",
    "late_floor",
    "attempts",
    "file_types",
    "file_bytes",
    "files_most",
    "group_set_id",
    "anonymous",
    "release",
    "peer_reviews",
    "published_at",
    "created_by",
    "created_at",
    "rev",
)
ONE: Final = "SELECT * FROM assignments_assignment WHERE id = $1"
INSERT: Final = f"""
    INSERT INTO assignments_assignment ({", ".join(COLUMNS)})
    VALUES ({", ".join(f"${number}" for number, _ in enumerate(COLUMNS, 1))})
"""  # noqa: S608
UPDATE: Final = f"""
    UPDATE assignments_assignment
    SET {", ".join(f"{column} = ${number}" for number, column in enumerate(COLUMNS, 1) if column != "id")}
    WHERE id = $1
"""  # noqa: S608
OF_PROGRAM: Final = """
    SELECT * FROM assignments_assignment WHERE program_id = $1 AND ($2 OR state = 'published') ORDER BY id
"""
PUBLISHED_OF: Final = """
    SELECT * FROM assignments_assignment WHERE program_id = ANY($1) AND state = 'published' ORDER BY id
"""
SOME: Final = "SELECT * FROM assignments_assignment WHERE id = ANY($1)"
OF_SET: Final = """
    SELECT * FROM assignments_assignment WHERE group_set_id = $1 AND state = 'published' ORDER BY id FOR SHARE
"""
LOCK_PROGRAM: Final = "SELECT pg_advisory_xact_lock(hashtext('assignments_assignment'), hashtext($1))"
COUNT: Final = "SELECT count(*) AS count FROM assignments_assignment WHERE program_id = $1"
DELETE: Final = "DELETE FROM assignments_assignment WHERE id = $1"
# A save that was refused leaves the row of a submission without a draft.
DELETE_UNBEGUN: Final = "DELETE FROM assignments_submission WHERE assignment_id = $1 AND draft_rev = 0"
HAS_CATEGORY: Final = "SELECT FROM assignments_category WHERE id = $1 AND program_id = $2 FOR KEY SHARE"
NEWEST: Final = Sort("newest", (AssignmentRow.id,), descending=True)


class Listed(msgspec.Struct, frozen=True):
    """What a page of ids holds."""

    id: str


class AssignmentRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: str) -> Assignment | None:
        return await self._one(ONE, id)

    async def lock(self, id: str) -> Assignment | None:
        """Nobody else changes it, hands in or grades until the transaction ends. New rows may refer to it."""
        return await self._one(f"{ONE} FOR NO KEY UPDATE", id)

    async def lock_unless_locked(self, id: str) -> Assignment | None:
        """The assignment, locked; None when it is locked elsewhere, or there is none."""
        return await self._one(f"{ONE} FOR NO KEY UPDATE SKIP LOCKED", id)

    async def share(self, id: str) -> Assignment | None:
        """Nobody changes it until the transaction ends; many may hold it so at once."""
        return await self._one(f"{ONE} FOR SHARE", id)

    async def of_program(self, program_id: str, *, drafts: bool = False) -> list[Assignment]:
        """All assignments of a program, in the order in which they were made."""
        return [assignment_of(row) for row in await self._database.fetch(OF_PROGRAM, program_id, drafts)]

    async def published_of(self, program_ids: Collection[str]) -> list[Assignment]:
        """The published assignments of these programs, by id."""
        return [assignment_of(row) for row in await self._database.fetch(PUBLISHED_OF, list(program_ids))]

    async def share_of_program(self, program_id: str) -> list[Assignment]:
        """The published ones, by id; nobody changes them until the transaction ends."""
        rows = await self._database.fetch(f"{OF_PROGRAM} FOR SHARE", program_id, False)
        return [assignment_of(row) for row in rows]

    async def listed(
        self, program_id: str, span: Span, *, lesson_id: str | None = None, drafts: bool = False
    ) -> Page[Assignment]:
        """Those of a program, or of one lesson of it, newest first."""
        query = AssignmentRow.select().where(AssignmentRow.program_id == program_id)
        if lesson_id is not None:
            query = query.where(AssignmentRow.lesson_id == lesson_id)
        if not drafts:
            query = query.where(AssignmentRow.state == "published")
        with self._database.guard():
            page = await page_of(query, NEWEST, span, Listed)
        found = await self.some([one.id for one in page.items])
        return Page([found[one.id] for one in page.items if one.id in found], page.next)

    async def some(self, ids: Collection[str]) -> dict[str, Assignment]:
        """These assignments, by id; unknown ones are left out. One query."""
        return {row["id"]: assignment_of(row) for row in await self._database.fetch(SOME, list(ids))}

    async def share_of_set(self, group_set_id: str) -> list[Assignment]:
        """The published assignments of the groups of a set, by id; nobody changes them until the transaction ends."""
        return [assignment_of(row) for row in await self._database.fetch(OF_SET, group_set_id)]

    async def count(self, program_id: str) -> int:
        """How many a program has; nobody else counts them until the transaction ends."""
        await self._database.fetch(LOCK_PROGRAM, program_id)
        (row,) = await self._database.fetch(COUNT, program_id)
        count: int = row["count"]
        return count

    async def has_category(self, id: str, program_id: str) -> bool:
        """Whether the program's grade book has this category; it stays until the transaction ends."""
        return bool(await self._database.fetch(HAS_CATEGORY, id, program_id))

    async def insert(self, new: Assignment) -> None:
        await self._database.fetch(INSERT, *_values(new))

    async def update(self, changed: Assignment) -> None:
        await self._database.fetch(UPDATE, *_values(changed))

    async def delete(self, id: str) -> None:
        """Delete an assignment on which no student has begun work."""
        await self._database.fetch(DELETE_UNBEGUN, id)
        await self._database.fetch(DELETE, id)

    async def _one(self, statement: str, id: str) -> Assignment | None:
        for row in await self._database.fetch(statement, id):
            return assignment_of(row)
        return None


def _values(assignment: Assignment) -> list[Any]:
    """The values of COLUMNS."""
    values: dict[str, Any] = {name: getattr(assignment, name) for name in assignment.__struct_fields__}
    values |= {
        "late_kind": assignment.late.kind,
        "late_percent": assignment.late.percent,
        "late_floor": assignment.late.floor,
        **date_columns("opens", assignment.opens),
        **date_columns("due", assignment.due),
        **date_columns("closes", assignment.closes),
        **date_columns("release", assignment.release_date),
    }
    return [values[column] for column in COLUMNS]


def date_columns(name: str, date: WallTime | None) -> dict[str, Any]:
    """The values of the three columns of a date."""
    if date is None:
        return {f"{name}_wall": None, f"{name}_zone": None, f"{name}_at": None}
    return {f"{name}_wall": date.at, f"{name}_zone": date.zone, f"{name}_at": date.moment()}
