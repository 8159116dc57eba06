"""What other modules may ask of assignments."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

import msgspec

from gateway.contract import Database
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.records import Assignment


class AssignmentFound(msgspec.Struct, frozen=True):
    """An assignment as siblings know it. `due_at` is the assignment's own; `deadlines_of` says a student's."""

    id: str
    program_id: str
    lesson_id: str | None
    title: str
    points: Decimal
    published: bool
    due_at: datetime | None


class Deadline(msgspec.Struct, frozen=True):
    """Until when a student hands in. Null: it is never due, or never closes. `rule` gave the due date."""

    assignment_id: str
    program_id: str
    title: str
    due_at: datetime | None
    closes_at: datetime | None
    rule: str


async def assignment(database: Database, assignment_id: str) -> AssignmentFound | None:
    """The assignment, also a draft, or None when there is none (any more)."""
    found = await AssignmentRepository(database).find(assignment_id)
    return None if found is None else _found(found)


async def published_in(database: Database, program_id: str) -> list[AssignmentFound]:
    """The published assignments of a program, in the order in which they were made."""
    return [_found(one) for one in await AssignmentRepository(database).of_program(program_id)]


async def deadlines_of(database: Database, user_id: str, program_ids: Collection[str]) -> list[Deadline]:
    """What holds for a student for each published assignment of these programs, by the assignments' ids.

    It says nothing of whether they take part in them.
    """
    assignments = await AssignmentRepository(database).published_of(program_ids)
    terms = await EffectiveDateReader(database).of_all(assignments, [user_id])
    found = []
    for one in assignments:
        dates = terms[one.id, user_id].dates
        found.append(Deadline(one.id, one.program_id, one.title, dates.due_at, dates.closes_at, dates.rule.value))
    return found


def _found(one: Assignment) -> AssignmentFound:
    due_at = None if one.due is None else one.due.moment()
    return AssignmentFound(one.id, one.program_id, one.lesson_id, one.title, one.points, one.published, due_at)
