"""What other modules may ask of programs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from modules.programs.tables import Lesson, Program


class Part(StrEnum):
    """How a user takes part in a program."""

    MENTOR = "mentor"
    STUDENT = "student"


PART = """
    SELECT mentor_id = {} OR {} = ANY(co_mentors) AS mentor, open_to_all OR EXISTS (
        SELECT FROM program_enrolment WHERE program_id = program.id AND user_id = {} AND state = 'enrolled'
    ) AS student
    FROM program WHERE id = {}
"""


async def part_of(user_id: str, program_id: str) -> Part | None:
    """How the user takes part in the program, or None when they do not; a co-mentor is a mentor."""
    # Asked at every join: Piccolo takes longer to write a select than PostgreSQL to answer it.
    for row in await Program.raw(PART, user_id, user_id, user_id, program_id):
        return Part.MENTOR if row["mentor"] else Part.STUDENT if row["student"] else None
    return None


PARTS = """
    SELECT asked.id, mentor_id = asked.id OR asked.id = ANY(co_mentors) AS mentor, open_to_all OR EXISTS (
        SELECT FROM program_enrolment WHERE program_id = program.id AND user_id = asked.id AND state = 'enrolled'
    ) AS student
    FROM program, unnest({}::text[]) AS asked (id) WHERE program.id = {}
"""


async def parts_of(user_ids: Sequence[str], program_id: str) -> dict[str, Part]:
    """The same for several users in one question; those who do not take part are left out."""
    rows = await Program.raw(PARTS, list(user_ids), program_id)
    return {
        row["id"]: Part.MENTOR if row["mentor"] else Part.STUDENT for row in rows if row["mentor"] or row["student"]
    }


ENROLLED = "SELECT FROM program_enrolment WHERE program_id = {} AND user_id = {} AND state = 'enrolled'"


async def enrolled(user_id: str, program_id: str) -> bool:
    """Whether the user has a place in the program, which is more than that it is open to all."""
    return bool(await Program.raw(ENROLLED, program_id, user_id))


TAKEN_PART_IN = """
    SELECT id FROM program WHERE id = ANY({}) AND (mentor_id = {} OR {} = ANY(co_mentors) OR open_to_all OR EXISTS (
        SELECT FROM program_enrolment WHERE program_id = program.id AND user_id = {} AND state = 'enrolled'
    ))
"""


async def taken_part_in(user_id: str, program_ids: Sequence[str]) -> list[str]:
    """Those of these programs in which the user takes part, in one question."""
    return [row["id"] for row in await Program.raw(TAKEN_PART_IN, list(program_ids), user_id, user_id, user_id)]


# By index each, which one condition on all programs would not be.
PROGRAMS_OF = """
    SELECT id FROM program WHERE mentor_id = {} UNION SELECT id FROM program WHERE co_mentors @> ARRAY[{}]::text[]
    UNION SELECT id FROM program WHERE open_to_all
    UNION SELECT program_id FROM program_enrolment WHERE user_id = {} AND state = 'enrolled'
"""


async def programs_of(user_id: str) -> list[str]:
    """All programs in which the user takes part, in no order."""
    return [row["id"] for row in await Program.raw(PROGRAMS_OF, user_id, user_id, user_id)]


async def exists(program_id: str) -> bool:
    """Whether there is such a program."""
    return await Program.exists().where(Program.id == program_id)


class LessonFound(msgspec.Struct, frozen=True):
    """Where a lesson is, and what it is called."""

    id: str
    program_id: str
    unit_id: str
    title: str


async def lesson(lesson_id: str) -> LessonFound | None:
    """The lesson, or None when there is none (any more)."""
    rows = await Lesson.raw("SELECT id, program_id, unit_id, title FROM program_lesson WHERE id = {}", lesson_id)
    return msgspec.convert(rows[0], LessonFound) if rows else None


class Offer(msgspec.Struct, frozen=True):
    """What a place in a program costs, in minor units of `currency`, and whether there is one now."""

    program_id: str
    title: str
    price: int
    currency: str
    open: bool
    full: bool


OFFER = """
    SELECT id AS program_id, title, price, currency, state = 'published' AS open, coalesce(capacity <= (
        SELECT count(*) FROM program_enrolment WHERE program_id = program.id AND state = 'enrolled'
    ), false) AS full
    FROM program WHERE id = {}
"""


async def offer(program_id: str) -> Offer | None:
    """What is to be paid for a place; None when there is no such program. The place may be gone when it is paid."""
    rows = await Program.raw(OFFER, program_id)
    return msgspec.convert(rows[0], Offer) if rows else None


STUDENTS = "SELECT user_id FROM program_enrolment WHERE program_id = {} AND state = 'enrolled'"


async def students_of(program_id: str) -> list[str]:
    """The ids of those who have a place in the program, in no order; who may come to an open one is not known."""
    return [row["user_id"] for row in await Program.raw(STUDENTS, program_id)]
