"""What other modules may ask of programs."""

from __future__ import annotations

from enum import StrEnum

from modules.programs.tables import Enrolment, Program


class Part(StrEnum):
    """How a user takes part in a program."""

    MENTOR = "mentor"
    STUDENT = "student"


async def part_of(user_id: str, program_id: str) -> Part | None:
    """How the user takes part in the program, or None when they do not."""
    program = await Program.select(Program.mentor_id, Program.open_to_all).where(Program.id == program_id).first()
    if program is None:
        return None
    if program["mentor_id"] == user_id:
        return Part.MENTOR
    if program["open_to_all"]:
        return Part.STUDENT
    enrolled = await Enrolment.exists().where(Enrolment.program_id == program_id, Enrolment.user_id == user_id)
    return Part.STUDENT if enrolled else None
