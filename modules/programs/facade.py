"""What other modules may ask of programs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from modules.programs.tables import Program


class Part(StrEnum):
    """How a user takes part in a program."""

    MENTOR = "mentor"
    STUDENT = "student"


PART = """
    SELECT mentor_id = {} AS mentor, open_to_all OR EXISTS (
        SELECT FROM program_enrolment WHERE program_id = program.id AND user_id = {}
    ) AS student
    FROM program WHERE id = {}
"""


async def part_of(user_id: str, program_id: str) -> Part | None:
    """How the user takes part in the program, or None when they do not."""
    # Asked at every join: Piccolo takes longer to write a select than PostgreSQL to answer it.
    for row in await Program.raw(PART, user_id, user_id, program_id):
        return Part.MENTOR if row["mentor"] else Part.STUDENT if row["student"] else None
    return None


TAKEN_PART_IN = """
    SELECT id FROM program WHERE id = ANY({}) AND (mentor_id = {} OR open_to_all OR EXISTS (
        SELECT FROM program_enrolment WHERE program_id = program.id AND user_id = {}
    ))
"""


async def taken_part_in(user_id: str, program_ids: Sequence[str]) -> list[str]:
    """Those of these programs in which the user takes part, in one question."""
    return [row["id"] for row in await Program.raw(TAKEN_PART_IN, list(program_ids), user_id, user_id)]


async def exists(program_id: str) -> bool:
    """Whether there is such a program."""
    return await Program.exists().where(Program.id == program_id)
